/* Failures of the mask by name: masked keys and slots that have weight, rows that are the plain mean of their keys. */
#include "harness/judge/cause/tests/signature_trial.h"

/* The near keys gone, so that visible logits are low. */
static struct signature_trial make_far_trial(void)
{
    struct signature_trial trial = make_trial(400, 4, 2, 64, DTYPE_F16);
    mask_keys(&trial.made, 150, 400, 1);
    begin(&trial);
    return trial;
}

static void test_replaced_logits_leak(void **state)
{
    (void)state;
    /* A sentinel among the visible logits, and one above all of them. */
    static const double offsets[] = {-6, -3, 0, 30};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct signature_trial trial = make_far_trial();
        for (int h = 0; h < 4; h++)
            attend(&trial, h, rule_replaced, trial.truth.lse[h] + offsets[i], 0, 0);
        expect_and_end(&trial, SIGNATURE_LEAK, "equal among themselves, carry");
    }
}

static void test_added_sentinels_leak(void **state)
{
    (void)state;
    struct signature_trial trial = make_far_trial();
    break_all(&trial, rule_added, -58);
    expect_and_end(&trial, SIGNATURE_LEAK, "by their own logits");
    trial = make_far_trial();
    break_all(&trial, rule_added, 0);
    expect_and_end(&trial, SIGNATURE_LEAK, "all masked keys are let in");
}

/* Weight that no key has may be that of slots, of a sum that does not begin with 0, of a sink: no output tells. That
 * masked slots change the result does. */
static void test_weight_of_no_key_is_unknown_and_said(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(400, 4, 2, 64, DTYPE_F16);
    begin(&trial);
    for (int h = 0; h < 4; h++)
        attend(&trial, h, rule_right, 0, 112, trial.truth.lse[h] - 5);
    expect(&trial, SIGNATURE_UNKNOWN, "43% of the weight is with no key");
    trial.facts.violated = 1u << ORACLE_BIAS_SHIFT;
    expect(&trial, SIGNATURE_UNKNOWN, "43% of the weight is with no key");
    trial.facts.violated |= 1u << ORACLE_MASKED_SLOTS;
    expect_and_end(&trial, SIGNATURE_LEAK, "what stands in masked slots changes the result, and carries 43%");
    trial = make_far_trial(); /* there are masked keys, and their mean is next to 0 */
    for (int h = 0; h < 4; h++)
        attend(&trial, h, rule_right, 0, 1, trial.truth.lse[h] - 4);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "of the weight is with no key");
}

static void test_masked_keys_and_slots_leak(void **state)
{
    (void)state;
    struct signature_trial trial = make_far_trial();
    for (int h = 0; h < 4; h++)
        attend(&trial, h, rule_replaced, trial.truth.lse[h] - 5, 112, trial.truth.lse[h] - 5);
    expect_and_end(&trial, SIGNATURE_LEAK, "slots without a key");
}

/* Masked keys alone. */
static double rule_masked(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    return problem_visible(problem, key) ? -INFINITY : right_logit(problem, head, key);
}

/* Weight that has leaked is in lse, too: one that is right says that none has. */
static void test_a_right_lse_says_that_nothing_leaks(void **state)
{
    (void)state;
    for (int right = 0; right < 2; right++) {
        struct signature_trial trial = make_far_trial();
        break_all(&trial, rule_added, -58);
        for (int h = 0; h < 4 && right; h++)
            trial.output.lse[h] = (float)trial.truth.lse[h];
        expect_and_end(&trial, right ? SIGNATURE_UNKNOWN : SIGNATURE_LEAK, "");
    }
}

/* Some share of masked keys makes any number between the truth and their mean of one element, and of two as well where
 * slots without a key may have another share; so it does in rows without a key. */
static void test_shares_fitted_to_as_many_elements_show_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        int dims = i == 1 ? 2 : 1;
        struct signature_trial trial = make_trial(40, 8, 2, dims, DTYPE_F32);
        mask_keys(&trial.made, i == 2 ? 0 : 10, 40, i == 2 ? 1 : 3);
        begin(&trial);
        for (int h = 0; h < 8; h++) {
            double mean[2], out[2];
            attend_exactly(&trial.made.problem, h, rule_masked, 0, 0, 0, mean);
            for (int d = 0; d < dims; d++) {
                double truth = trial.truth.value[h * dims + d];
                out[d] = truth + (0.01 * (1 + h % 3) + 0.002 * d) * (mean[d] - truth);
            }
            set_out(&trial, h, out);
        }
        forget_lse(&trial);
        expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
    }
}

/* One of the masked keys takes part. */
static double rule_key_let_in(const struct problem *problem, int head, int64_t key, double let_in)
{
    return (double)key == let_in ? right_logit(problem, head, key) : rule_right(problem, head, key, 0);
}

static void test_one_masked_key_let_in_leaks(void **state)
{
    (void)state;
    struct signature_trial trial = make_far_trial();
    break_all(&trial, rule_key_let_in, 160);
    expect_and_end(&trial, SIGNATURE_LEAK, "masked key 160 carries");
}

/* Out is right but for its rounding, and lse alone tells. That some masked key fits the lse of one row may be chance;
 * and where out is what it is without the key, it has no weight. */
static void test_a_key_let_in_by_lse_alone(void **state)
{
    (void)state;
    struct signature_trial trial = make_far_trial();
    double out[64];
    trial.tolerance.lse = 1e-6;
    for (int with_out = 0; with_out < 2; with_out++) {
        for (int h = 0; h < 4; h++) {
            trial.output.lse[h] = (float)attend_exactly(&trial.made.problem, h, rule_key_let_in, 155, 0, 0, out);
            if (with_out)
                set_out(&trial, h, out);
        }
        expect(&trial, with_out ? SIGNATURE_LEAK : SIGNATURE_UNKNOWN, with_out ? "masked key 155 carries" : "");
    }
    for (int h = 0; h < 3; h++)
        trial.output.lse[h] = (float)trial.truth.lse[h];
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* Tiles of `len` keys of which one is visible take part as a whole. */
static double rule_tiles(const struct problem *problem, int head, int64_t key, double len)
{
    int64_t first = key / (int64_t)len * (int64_t)len;
    for (int64_t j = first; j < first + (int64_t)len && j < problem->seq_len; j++)
        if (problem_visible(problem, j))
            return right_logit(problem, head, key);
    return -INFINITY;
}

static void test_masks_by_whole_tiles_leak(void **state)
{
    (void)state;
    struct signature_trial trial = make_far_trial();
    break_all(&trial, rule_tiles, 64);
    expect_and_end(&trial, SIGNATURE_LEAK, "in tiles of 64 keys");
    /* Where each tile has a visible key, of whatever length, it is no mask at all. */
    trial = make_trial(700, 4, 4, 64, DTYPE_F16);
    mask_keys(&trial.made, 0, 699, 3);
    begin(&trial);
    break_all(&trial, rule_added, 0);
    expect_and_end(&trial, SIGNATURE_LEAK, "all masked keys are let in");
}

/* Nearly all keys are masked, so that the mean of all keys is nearly theirs. */
static void test_a_leak_to_nearly_all_keys_is_no_uniform(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(4000, 4, 2, 64, DTYPE_F16);
    mask_keys(&trial.made, 20, 4000, 1);
    begin(&trial);
    break_all(&trial, rule_replaced, 100);
    expect_and_end(&trial, SIGNATURE_LEAK, "100%");
}

static void test_empty_rows(void **state)
{
    (void)state;
    static const struct {
        logit_rule *rule;
        int slots;
        enum signature signature;
    } rows[] = {
        {rule_constant, 0, SIGNATURE_UNIFORM},
        {rule_constant, 28, SIGNATURE_UNIFORM},
        {rule_added, 0, SIGNATURE_LEAK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(100, 4, 2, 64, DTYPE_F16);
        mask_keys(&trial.made, 0, 100, 1);
        begin(&trial);
        assert_true(trial.truth.lse[0] == -INFINITY && out_at(&trial, 0, 0) == 0);
        for (int h = 0; h < 4; h++)
            attend(&trial, h, rows[i].rule, -1e4, rows[i].slots, -1e4);
        expect_and_end(&trial, rows[i].signature, "");
    }
}

/* Where out is 0, as it should be, and lse is some number in place of -inf, nothing that has an lse is near to it: an
 * error that is infinite is none to be a part of. */
static void test_any_lse_of_an_empty_row_is_nobodys(void **state)
{
    (void)state;
    static const float lses[] = {-24, 0.7f, 3.7f, -1e4f};
    for (size_t i = 0; i < sizeof lses / sizeof lses[0]; i++) {
        struct signature_trial trial = make_trial(100, 4, 2, 64, DTYPE_F16);
        mask_keys(&trial.made, 0, 100, 1);
        begin(&trial);
        for (int h = 0; h < 4; h++)
            trial.output.lse[h] = lses[i] + (float)h / 3;
        expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
    }
}

/* -10000 added in f32, whose ulp there is 2^-10. */
static double rule_added_f32(const struct problem *problem, int head, int64_t key, double sentinel)
{
    return (double)((float)right_logit(problem, head, key) + (float)sentinel);
}

/* Of a row whose keys were all moved by a sentinel f32 leaves hundreds of tolerances, whether lse shows the sentinel or
 * there is none. What is left beyond that has no name. */
static void test_an_empty_row_is_rounded_where_the_sentinel_stands(void **state)
{
    (void)state;
    for (int with_lse = 0; with_lse < 2; with_lse++)
        for (int more = 0; more < 2; more++) {
            struct signature_trial trial = make_trial(100, 4, 2, 64, DTYPE_F32);
            mask_keys(&trial.made, 0, 100, 1);
            begin(&trial);
            trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-3};
            break_all(&trial, rule_added_f32, -1e4);
            if (!with_lse)
                forget_lse(&trial);
            if (more)
                leave_something(&trial);
            expect_and_end(&trial, more ? SIGNATURE_UNKNOWN : SIGNATURE_LEAK, "");
        }
}

static void test_the_plain_mean_of_all_keys(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(100, 4, 2, 64, DTYPE_F16);
    begin(&trial);
    break_all(&trial, rule_constant, 0);
    expect_and_end(&trial, SIGNATURE_UNIFORM, "");
}

/* q.k hardly differs, so that any small slope makes weights that are next to equal, and v has a mean. */
static struct signature_trial make_flat_trial(void)
{
    struct signature_trial trial = make_trial(576, 2, 1, 64, DTYPE_BF16);
    const size_t queries = 2 * 64, values = 576 * 64;
    for (size_t i = 0; i < values; i++) {
        float q, v;
        if (i < queries) {
            dtype_widen(DTYPE_BF16, trial.made.q, i, 1, &q);
            q *= 0x1p-4f;
            dtype_narrow(DTYPE_BF16, trial.made.q, i, 1, &q);
        }
        dtype_widen(DTYPE_BF16, trial.made.v, i, 1, &v);
        v = 1 + 0.1f * v;
        dtype_narrow(DTYPE_BF16, trial.made.v, i, 1, &v);
    }
    slopes_fill(trial.made.slopes, 2, SLOPES_GEOMETRIC, 4, 0, 2);
    return trial;
}

/* A slope that is another one in each head, from 2^-2 to 2^-12 of its own. Equal weights come as near to out in the
 * flatter one, and are not what it has, whether an lse says so or there is none. */
static void test_small_slopes_are_no_plain_mean(void **state)
{
    (void)state;
    for (int power = 2; power <= 4; power++) {
        struct signature_trial trial = make_flat_trial();
        begin(&trial);
        break_all(&trial, rule_slope_power, power);
        find(&trial);
        assert_int_not_equal(trial.finding.signature, SIGNATURE_UNIFORM);
        forget_lse(&trial);
        find(&trial);
        assert_int_not_equal(trial.finding.signature, SIGNATURE_UNIFORM);
        end(&trial);
    }
}

/* A sentinel for every logit has the same out, and an lse that no slope has. */
static void test_a_plain_mean_of_keys_that_are_alike(void **state)
{
    (void)state;
    struct signature_trial trial = make_flat_trial();
    begin(&trial);
    break_all(&trial, rule_constant, -1e4);
    expect(&trial, SIGNATURE_UNIFORM, "the plain mean of v over ");
    break_all(&trial, rule_constant, 20);
    expect_and_end(&trial, SIGNATURE_UNIFORM, "the plain mean of v over ");
}

/* A sink's share tells what number all logits are, and lse with it. */
static void test_a_plain_mean_beside_a_sink(void **state)
{
    (void)state;
    static const float sinks[4] = {4, 4.5f, 5, 3.5f};
    for (int off = 0; off < 2; off++) {
        struct signature_trial trial = make_trial(100, 4, 2, 64, DTYPE_F16);
        trial.made.problem.sink_logits = sinks;
        begin(&trial);
        for (int h = 0; h < 4; h++) {
            attend(&trial, h, rule_constant, 0, 1, (double)sinks[h]);
            trial.output.lse[h] += off ? 2 * (float)(1 + h) : 0;
        }
        expect_and_end(&trial, off ? SIGNATURE_UNKNOWN : SIGNATURE_UNIFORM, "");
    }
}

static double rule_squashed(const struct problem *problem, int head, int64_t key, double to)
{
    return visible_or_none(problem, key, to * right_logit(problem, head, key));
}

/* Of logits that are one number nothing is rounded off, however large those of the truth are; of ones that are nearly
 * so weights differ. */
static void test_weights_that_are_nearly_equal_are_no_plain_mean(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(400, 4, 2, 64, DTYPE_F16);
    trial.made.problem.scale = 4;
    begin(&trial);
    break_all(&trial, rule_squashed, 0x1p-8);
    for (int h = 0; h < 4; h++)
        trial.output.lse[h] += 3; /* of no slope */
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* One value for masked keys takes the logits of most rows with it, and has a share of the weight in the gentlest, which
 * is no other fault. A row of another fault denies that all have one logit. */
static void test_a_leak_beside_plain_means(void **state)
{
    (void)state;
    for (int other = 0; other < 2; other++) {
        struct signature_trial trial = make_trial(64, 6, 1, 64, DTYPE_F32);
        mask_keys(&trial.made, 1, 64, 2);
        for (int h = 0; h < 6; h++)
            trial.made.slopes[h] = ldexpf(1, -h);
        begin(&trial);
        for (int h = 0; h < 5; h++)
            attend(&trial, h, rule_constant, 0, 0, 0);
        if (other)
            attend(&trial, 5, rule_slope, 1.5, 0, 0);
        else
            attend(&trial, 5, rule_replaced, -4, 0, 0);
        expect_and_end(&trial, other ? SIGNATURE_UNKNOWN : SIGNATURE_UNIFORM, "plain mean");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaced_logits_leak),
        cmocka_unit_test(test_added_sentinels_leak),
        cmocka_unit_test(test_weight_of_no_key_is_unknown_and_said),
        cmocka_unit_test(test_masked_keys_and_slots_leak),
        cmocka_unit_test(test_a_right_lse_says_that_nothing_leaks),
        cmocka_unit_test(test_shares_fitted_to_as_many_elements_show_nothing),
        cmocka_unit_test(test_one_masked_key_let_in_leaks),
        cmocka_unit_test(test_a_key_let_in_by_lse_alone),
        cmocka_unit_test(test_masks_by_whole_tiles_leak),
        cmocka_unit_test(test_a_leak_to_nearly_all_keys_is_no_uniform),
        cmocka_unit_test(test_empty_rows),
        cmocka_unit_test(test_any_lse_of_an_empty_row_is_nobodys),
        cmocka_unit_test(test_an_empty_row_is_rounded_where_the_sentinel_stands),
        cmocka_unit_test(test_the_plain_mean_of_all_keys),
        cmocka_unit_test(test_small_slopes_are_no_plain_mean),
        cmocka_unit_test(test_a_plain_mean_of_keys_that_are_alike),
        cmocka_unit_test(test_a_plain_mean_beside_a_sink),
        cmocka_unit_test(test_weights_that_are_nearly_equal_are_no_plain_mean),
        cmocka_unit_test(test_a_leak_beside_plain_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
