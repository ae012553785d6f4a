/* Failures of weights by name: masked keys that have some, visible keys that have none, an epsilon in their sum. */
#include "harness/judge/cause/tests/signature_trial.h"

/* out further off than its fault has it, a thirtieth of the error in signs of no order. */
static void leave_something(struct signature_trial *trial)
{
    int dims = trial->made.problem.head_dim;
    for (int h = 0; h < trial->made.problem.num_heads; h++) {
        double out[256], squares = 0;
        for (int d = 0; d < dims; d++)
            squares += pow(out_at(trial, h, d) - trial->truth.value[h * dims + d], 2);
        for (int d = 0; d < dims; d++) {
            bool up = (uint32_t)(h * dims + d) * 2654435761u >> 30 & 1;
            out[d] = out_at(trial, h, d) + (up ? 1 : -1) * sqrt(squares / dims) / 30;
        }
        set_out(trial, h, out);
    }
}

/* ---- the mask -------------------------------------------------------------------------------------------------- */

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

/* Out is right but for its rounding, and lse alone tells. That some masked key fits the lse of one row may be chance.
 */
static void test_a_key_let_in_by_lse_alone(void **state)
{
    (void)state;
    struct signature_trial trial = make_far_trial();
    double out[64];
    for (int h = 0; h < 4; h++)
        trial.output.lse[h] = (float)attend_exactly(&trial.made.problem, h, rule_key_let_in, 155, 0, 0, out);
    trial.tolerance.lse = 1e-6;
    expect(&trial, SIGNATURE_LEAK, "masked key 155 carries");
    for (int h = 0; h < 3; h++)
        trial.output.lse[h] = (float)trial.truth.lse[h];
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* One fault explains what fails, and this one explains one row of four, or two where the others are far off in another
 * way. If those are off by hardly more than rounding they say nothing. */
static void test_what_explains_half_of_the_rows_is_no_name(void **state)
{
    (void)state;
    static const struct {
        int others;
        double off;
        enum signature signature;
    } rows[] = {
        {3, 0.3, SIGNATURE_UNKNOWN},   {2, 0.3, SIGNATURE_UNKNOWN},        {1, 0.3, SIGNATURE_DROPPED_KEYS},
        {3, 0.002, SIGNATURE_UNKNOWN}, {2, 0.002, SIGNATURE_DROPPED_KEYS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_BF16);
        double out[64];
        begin(&trial);
        break_all(&trial, rule_newest_missing, 60);
        for (int h = 0; h < rows[i].others; h++) {
            for (int d = 0; d < 64; d++)
                out[d] = trial.truth.value[h * 64 + d] + ((d * 37 + h * 11) % 64 < 32 ? rows[i].off : -rows[i].off);
            set_out(&trial, h, out);
            trial.output.lse[h] = (float)trial.truth.lse[h];
        }
        expect_and_end(&trial, rows[i].signature, "");
    }
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
            if (!with_lse) {
                free(trial.output.lse);
                trial.output.lse = NULL;
            }
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
 * flatter one, and are not what it has. */
static void test_small_slopes_are_no_plain_mean(void **state)
{
    (void)state;
    for (int power = 2; power <= 4; power++) {
        struct signature_trial trial = make_flat_trial();
        begin(&trial);
        break_all(&trial, rule_slope_power, power);
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

/* ---- keys missing ---------------------------------------------------------------------------------------------- */

static double rule_key_missing(const struct problem *problem, int head, int64_t key, double missing)
{
    return (double)key == missing ? -INFINITY : rule_right(problem, head, key, 0);
}

static void test_missing_keys(void **state)
{
    (void)state;
    static const struct {
        logit_rule *rule;
        double parameter;
        const char *detail;
    } rows[] = {
        {rule_newest_missing, 1, "the newest keys are missing: key 699"},
        {rule_newest_missing, 60, "the newest keys are missing: key 640"},
        {rule_newest_missing, 650, "the newest keys are missing: key 50"},
        {rule_older_missing, 6, "keys older than 6 missing"},
        {rule_older_missing, 40, "keys older than 40 missing"},
        {rule_floor, -3, "keys with a logit of"},
        {rule_chunk_missing, 5, "the newest keys are missing"},
        {rule_chunk_missing, 4, "keys 512 to 639 missing"},
        {rule_key_missing, 650, "key 650 is missing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_F16);
        begin(&trial);
        break_all(&trial, rows[i].rule, rows[i].parameter);
        expect_and_end(&trial, SIGNATURE_DROPPED_KEYS, rows[i].detail);
    }
}

/* Key 699 has a 25th of its weight: nearly missing, and lse says that it is not. */
static double rule_weight(const struct problem *problem, int head, int64_t key, double factor)
{
    return rule_right(problem, head, key, 0) + (key == 699 ? log(factor) : 0);
}

static void test_a_wrong_weight_is_no_missing_key(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 4, 64, DTYPE_F32);
    begin(&trial);
    set_bound(&trial, 1e-5);
    set_lse_bound(&trial, 1e-5);
    break_all(&trial, rule_weight, 0.04);
    expect(&trial, SIGNATURE_UNKNOWN, "");
    break_all(&trial, rule_key_missing, 699);
    expect_and_end(&trial, SIGNATURE_DROPPED_KEYS, "key 699");
}

/* Missing keys can only lower lse. */
static void test_keys_are_not_missing_where_lse_rose(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_F16);
    begin(&trial);
    break_all(&trial, rule_newest_missing, 60);
    expect(&trial, SIGNATURE_DROPPED_KEYS, "");
    for (int h = 0; h < 4; h++)
        trial.output.lse[h] = (float)trial.truth.lse[h] + 0.5f;
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

static double rule_positive_missing(const struct problem *problem, int head, int64_t key, double parameter)
{
    return problem_distance(problem, key) > 0 ? -INFINITY : rule_right(problem, head, key, parameter);
}

/* A query among the keys whose newer ones are taken for masked. */
static void test_keys_newer_than_the_query_missing(void **state)
{
    (void)state;
    for (int64_t newer = 1; newer <= 300; newer *= 300) {
        struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_F16);
        trial.made.problem.q_position = 699 - newer;
        begin(&trial);
        break_all(&trial, rule_positive_missing, 0);
        expect_and_end(&trial, SIGNATURE_DROPPED_KEYS,
                       newer == 1 ? "the newest keys are missing: key 699" : "the newest keys are missing: key 400");
    }
}

/*
 * The merge of ggml: a chunk whose maximum lies 20 below the row's counts as nothing. Here the newest key outweighs
 * each other one by about e^23, and some chunks of 512 keys have a maximum above the cut, some below.
 */
static void test_chunks_cut_off_in_the_merge(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(8192, 1, 1, 64, DTYPE_F32);
    const struct problem *problem = &trial.made.problem;
    trial.made.slopes[0] = 0x1p-16f;
    double square = 0;
    for (int d = 0; d < 64; d++)
        square += pow(element(problem->q, DTYPE_F32, (size_t)d), 2);
    for (int d = 0; d < 64; d++)
        ((float *)trial.made.k)[8191 * 64 + d] = ((const float *)trial.made.q)[d] * (float)(23 * 8 / square);
    begin(&trial);
    set_bound(&trial, 1e-8);
    int cut = 0;
    double out[64] = {0}, sum = 0;
    for (int64_t first = 0; first < 8192; first += 512) {
        double max = -INFINITY;
        for (int64_t j = first; j < first + 512; j++)
            max = fmax(max, right_logit(problem, 0, j));
        cut += max < 23 - 20;
        for (int64_t j = first; j < first + 512 && max >= 23 - 20; j++) {
            double weight = exp(right_logit(problem, 0, j));
            sum += weight;
            for (int d = 0; d < 64; d++)
                out[d] += weight * element(problem->v, DTYPE_F32, (size_t)(j * 64 + d));
        }
    }
    assert_in_range(cut, 4, 12);
    for (int d = 0; d < 64; d++)
        out[d] /= sum;
    set_out(&trial, 0, out);
    /* Next to the newest key only the weight that is missing shows, not whose it is. */
    expect_and_end(&trial, SIGNATURE_DROPPED_KEYS, "missing");
}

/* ---- the denominator ------------------------------------------------------------------------------------------- */

static double sum_of_weights(const struct signature_trial *trial, int head)
{
    double max = -INFINITY;
    for (int64_t j = 0; j < trial->made.problem.seq_len; j++)
        max = fmax(max, rule_right(&trial->made.problem, head, j, 0));
    return exp(trial->truth.lse[head] - max);
}

static void scale_out(struct signature_trial *trial, double epsilon, int times)
{
    for (int h = 0; h < trial->made.problem.num_heads; h++) {
        double out[64], factor = pow(1 + epsilon / sum_of_weights(trial, h), -times);
        for (int d = 0; d < 64; d++)
            out[d] = factor * trial->truth.value[h * 64 + d];
        set_out(trial, h, out);
    }
}

/* What adds 1 to the sum may be a sink, unless lse says that it is in the denominator alone. */
static void test_a_one_in_the_sum_is_no_epsilon_without_lse(void **state)
{
    (void)state;
    static const double epsilons[] = {1e-3, 0.9};
    for (size_t i = 0; i < sizeof epsilons / sizeof epsilons[0]; i++)
        for (int with_lse = 0; with_lse < 2; with_lse++) {
            struct signature_trial trial = make_trial(500, 4, 2, 64, DTYPE_F32);
            begin(&trial);
            set_bound(&trial, 1e-7);
            scale_out(&trial, epsilons[i], 1);
            if (!with_lse) {
                free(trial.output.lse);
                trial.output.lse = NULL;
            }
            expect_and_end(&trial, i == 1 && !with_lse ? SIGNATURE_UNKNOWN : SIGNATURE_EPS_BIAS, "");
        }
}

static void test_epsilon_in_the_denominator(void **state)
{
    (void)state;
    static const struct {
        double epsilon;
        int times;
        const char *detail;
    } rows[] = {{1e-6, 1, "epsilon 1"}, {1e-6, 2, "epsilon 2"}, {1e-3, 1, "epsilon 0.001"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(500, 4, 2, 64, DTYPE_F32);
        mask_keys(&trial.made, 100, 200, 2);
        begin(&trial);
        set_bound(&trial, 1e-7);
        scale_out(&trial, rows[i].epsilon, rows[i].times);
        expect(&trial, SIGNATURE_EPS_BIAS, "added to the row's sum, which is");
        /* The value to within what f32 outputs tell. */
        double epsilon = strtod(trial.finding.detail + strlen("epsilon "), NULL);
        assert_true(fabs(epsilon / (rows[i].times * rows[i].epsilon) - 1) < 0.1);
        end(&trial);
    }
}

/* What a prediction leaves has to be rounding: of 16 bits it may be, of f32 it is thousands of tolerances. */
static void test_what_leaves_more_than_rounding_is_no_name(void **state)
{
    (void)state;
    for (int narrow = 0; narrow < 2; narrow++) {
        struct signature_trial trial = make_trial(700, 4, 2, 64, narrow ? DTYPE_F16 : DTYPE_F32);
        begin(&trial);
        if (!narrow)
            trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-3};
        break_all(&trial, rule_newest_missing, 1);
        expect(&trial, SIGNATURE_DROPPED_KEYS, "the newest keys are missing");
        leave_something(&trial);
        expect_and_end(&trial, narrow ? SIGNATURE_DROPPED_KEYS : SIGNATURE_UNKNOWN, "");
    }
}

/* A bound that allows more says that the kernel rounds to fewer digits than its output has. */
static void test_what_a_bound_allows_is_rounding(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_F32);
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-3};
    break_all(&trial, rule_newest_missing, 1);
    leave_something(&trial);
    set_bound(&trial, 0.05);
    trial.judge_by_tolerance = true;
    expect_and_end(&trial, SIGNATURE_DROPPED_KEYS, "missing");
}

/* A learned sink stays where keys are missing, or chunks, or all but one. */
static void test_keys_are_missing_beside_a_sink(void **state)
{
    (void)state;
    static const float sinks[4] = {1, 1, 1, 1};
    static const struct {
        logit_rule *rule;
        double parameter;
        const char *detail;
    } rows[] = {{rule_newest_missing, 3, "the newest keys are missing: key 697"},
                {rule_older_missing, 40, "keys older than 40 missing"},
                {rule_floor, -3, "keys with a logit of"},
                {rule_chunk_missing, 3, "keys 384 to 511 missing, a chunk of 128"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_F32);
        trial.made.problem.sink_logits = sinks;
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-3};
        for (int h = 0; h < 4; h++)
            attend(&trial, h, rows[i].rule, rows[i].parameter, 1, 1);
        expect_and_end(&trial, SIGNATURE_DROPPED_KEYS, rows[i].detail);
    }
}

static double rule_weight_bf16(const struct problem *problem, int head, int64_t key, double max)
{
    return max + log((double)dtype_round(DTYPE_BF16, (float)exp(rule_right(problem, head, key, 0) - max)));
}

/* Weights that are rounded before their product with v, beside a sink: the sum, which is not, has the sink's. */
static void test_weights_are_rounded_beside_a_sink(void **state)
{
    (void)state;
    static const float sinks[4] = {8, 8, 8, 8};
    struct signature_trial trial = make_trial(300, 4, 2, 64, DTYPE_F32);
    trial.made.problem.sink_logits = sinks;
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-12, 1e-5, 1e-3};
    for (int h = 0; h < 4; h++) {
        double out[64], lse = attend_exactly(&trial.made.problem, h, rule_weight_bf16, 8, 1, 8, out);
        for (int d = 0; d < 64; d++)
            out[d] *= exp(lse - trial.truth.lse[h]);
        set_out(&trial, h, out);
    }
    expect_and_end(&trial, SIGNATURE_PRECISION_LOSS, "weights rounded to bf16");
}

/* Beside a sink that has next to all weight, out is next to 0 without any key: of a row whose keys are all in one chunk
 * that is no chunk that is missing, and no weights that were rounded to nothing, which would leave as much. */
static void test_no_key_is_left_beside_a_sink(void **state)
{
    (void)state;
    static const float sinks[4] = {24, 24, 24, 24};
    for (int with_lse = 0; with_lse < 2; with_lse++) {
        struct signature_trial trial = make_trial(9, 4, 2, 64, DTYPE_F32);
        trial.made.problem.sink_logits = sinks;
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-13, 1e-5, 1e-12};
        for (int h = 0; h < 4; h++) {
            double out[64];
            for (int d = 0; d < 64; d++)
                out[d] = d % 2 ? 1e-15 : -1e-15;
            set_out(&trial, h, out);
            trial.output.lse[h] = with_lse ? 24 : (float)trial.truth.lse[h];
        }
        expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
    }
}

/* Two heads that are too small by what one epsilon takes from both, and off by half as much in other ways: roundings of
 * weights leave that of values with a mean, and two heads agree by chance. Four do not. */
static void test_an_epsilon_of_two_heads_leaves_little(void **state)
{
    (void)state;
    for (int heads = 2; heads <= 4; heads += 2) {
        struct signature_trial trial = make_trial(500, heads, 1, 64, DTYPE_F16);
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-6, 1e-6, 1e-3};
        scale_out(&trial, 1e-2, 1);
        for (int h = 0; h < heads; h++) {
            double out[64];
            for (int d = 0; d < 64; d++) {
                int at = h * 64 + d;
                double err = out_at(&trial, h, d) - trial.truth.value[at];
                out[d] = trial.truth.value[at] + err * (1 + 0.45 * sin(7.0 * at));
            }
            set_out(&trial, h, out);
        }
        expect_and_end(&trial, heads == 2 ? SIGNATURE_UNKNOWN : SIGNATURE_EPS_BIAS, "");
    }
}

/* A sum that begins with an epsilon takes lse along; one in the denominator does not. */
static void test_a_sum_that_begins_above_0_is_no_epsilon(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(400, 4, 2, 64, DTYPE_F32);
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-6, 1e-6, 1e-2};
    for (int h = 0; h < 4; h++) {
        double max = -INFINITY;
        for (int64_t j = 0; j < 400; j++)
            max = fmax(max, right_logit(&trial.made.problem, h, j));
        attend(&trial, h, rule_right, 0, 1, max + log(0.02));
    }
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "of the weight is with no key");
}

/* Weights against a maximum of 0, as multiples of 2^-149. */
static void test_weights_that_are_subnormal(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(64, 4, 2, 64, DTYPE_F32);
    trial.made.problem.q_position = 10000;
    for (int h = 0; h < 4; h++)
        trial.made.slopes[h] = 0.0101f;
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
    for (int h = 0; h < 4; h++) {
        const struct problem *problem = &trial.made.problem;
        double out[64] = {0}, sum = 0;
        for (int64_t j = 0; j < 64; j++) {
            double units = nearbyint(exp(right_logit(problem, h, j) + 149 * M_LN2));
            size_t row = problem_row(problem, j, problem_kv_head(problem, h));
            sum += units;
            for (int d = 0; d < 64; d++)
                out[d] += nearbyint(units * element(problem->v, DTYPE_F32, row + (size_t)d));
        }
        for (int d = 0; d < 64; d++)
            out[d] /= sum;
        set_out(&trial, h, out);
        trial.output.lse[h] = (float)(log(sum) - 149 * M_LN2);
    }
    expect_and_end(&trial, SIGNATURE_PRECISION_LOSS, "weights are subnormal");
}

/* The mean of many masked keys is next to 0, so that a little weight on them would scale out down as well. */
static void test_epsilon_is_no_leak_to_many_masked_keys(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(6000, 4, 2, 64, DTYPE_F32);
    mask_keys(&trial.made, 0, 5500, 1);
    begin(&trial);
    set_bound(&trial, 1e-7);
    scale_out(&trial, 1e-5, 1);
    expect_and_end(&trial, SIGNATURE_EPS_BIAS, "");
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

/* vLLM's paged v2: each chunk divides by its sum plus epsilon, and so does the merge. */
static void test_epsilon_in_chunks_and_merge(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(2048, 2, 1, 64, DTYPE_F32);
    trial.made.slopes[0] = 0x1p-9f;
    trial.made.slopes[1] = 0x1p-8f;
    const struct problem *problem = &trial.made.problem;
    begin(&trial);
    set_bound(&trial, 1e-7);
    for (int h = 0; h < 2; h++) {
        double out[64] = {0}, weights = 0, maxima[4], sums[4] = {0}, outs[4][64] = {{0}}, row_max = -INFINITY;
        for (int c = 0; c < 4; c++) {
            maxima[c] = -INFINITY;
            for (int64_t j = 512 * c; j < 512 * c + 512; j++)
                maxima[c] = fmax(maxima[c], right_logit(problem, h, j));
            for (int64_t j = 512 * c; j < 512 * c + 512; j++) {
                double weight = exp(right_logit(problem, h, j) - maxima[c]);
                sums[c] += weight;
                for (int d = 0; d < 64; d++)
                    outs[c][d] += weight * element(problem->v, DTYPE_F32, problem_row(problem, j, 0) + d);
            }
            row_max = fmax(row_max, maxima[c]);
        }
        for (int c = 0; c < 4; c++) {
            double weight = sums[c] * exp(maxima[c] - row_max);
            weights += weight;
            for (int d = 0; d < 64; d++)
                out[d] += weight * outs[c][d] / (sums[c] + 1e-3);
        }
        for (int d = 0; d < 64; d++)
            out[d] /= weights + 1e-3;
        set_out(&trial, h, out);
    }
    expect_and_end(&trial, SIGNATURE_EPS_BIAS, "the row's sum and those of chunks of 512 keys");
}

/* A factor that is no epsilon over the sum of each head. */
static void test_one_factor_for_all_heads_is_no_epsilon(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(500, 4, 2, 64, DTYPE_F32);
    begin(&trial);
    set_bound(&trial, 1e-7);
    for (int h = 0; h < 4; h++) {
        double out[64];
        for (int d = 0; d < 64; d++)
            out[d] = 0.9999 * trial.truth.value[h * 64 + d];
        set_out(&trial, h, out);
    }
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaced_logits_leak),
        cmocka_unit_test(test_added_sentinels_leak),
        cmocka_unit_test(test_weight_of_no_key_is_unknown_and_said),
        cmocka_unit_test(test_masked_keys_and_slots_leak),
        cmocka_unit_test(test_one_masked_key_let_in_leaks),
        cmocka_unit_test(test_a_key_let_in_by_lse_alone),
        cmocka_unit_test(test_what_explains_half_of_the_rows_is_no_name),
        cmocka_unit_test(test_masks_by_whole_tiles_leak),
        cmocka_unit_test(test_empty_rows),
        cmocka_unit_test(test_an_empty_row_is_rounded_where_the_sentinel_stands),
        cmocka_unit_test(test_the_plain_mean_of_all_keys),
        cmocka_unit_test(test_missing_keys),
        cmocka_unit_test(test_a_wrong_weight_is_no_missing_key),
        cmocka_unit_test(test_keys_are_not_missing_where_lse_rose),
        cmocka_unit_test(test_keys_newer_than_the_query_missing),
        cmocka_unit_test(test_chunks_cut_off_in_the_merge),
        cmocka_unit_test(test_a_one_in_the_sum_is_no_epsilon_without_lse),
        cmocka_unit_test(test_epsilon_in_the_denominator),
        cmocka_unit_test(test_what_leaves_more_than_rounding_is_no_name),
        cmocka_unit_test(test_what_a_bound_allows_is_rounding),
        cmocka_unit_test(test_keys_are_missing_beside_a_sink),
        cmocka_unit_test(test_weights_are_rounded_beside_a_sink),
        cmocka_unit_test(test_no_key_is_left_beside_a_sink),
        cmocka_unit_test(test_an_epsilon_of_two_heads_leaves_little),
        cmocka_unit_test(test_a_sum_that_begins_above_0_is_no_epsilon),
        cmocka_unit_test(test_weights_that_are_subnormal),
        cmocka_unit_test(test_epsilon_is_no_leak_to_many_masked_keys),
        cmocka_unit_test(test_a_leak_to_nearly_all_keys_is_no_uniform),
        cmocka_unit_test(test_small_slopes_are_no_plain_mean),
        cmocka_unit_test(test_a_plain_mean_of_keys_that_are_alike),
        cmocka_unit_test(test_epsilon_in_chunks_and_merge),
        cmocka_unit_test(test_one_factor_for_all_heads_is_no_epsilon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
