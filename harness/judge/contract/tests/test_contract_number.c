/* One number of all rows, and numbers of their own. */
#include "harness/judge/contract/contract_makers.h"
#include "harness/judge/contract/tests/contract_desk.h"

/* out of each row times a factor of its own, plus a constant of its own; each about one in the middle. */
static void answer_with(struct desk *desk, double factor, double offset, double spread)
{
    struct truth truth;
    answer(desk, &desk->problem);
    find_truth(&truth, &desk->problem);
    for (int i = 0; i < H * D; i++) {
        double own = 1 + spread * (i / D % 2 ? 1 : -1);
        const float value = (float)((factor == 1 ? 1 : factor * own) * truth.value[i] + offset * own);
        dtype_narrow(DTYPE_F16, desk->out, (size_t)i, 1, &value);
    }
    truth_clear(&truth);
}

static const double spreads[] = {0.01, 0.004};

static void test_a_factor_is_that_of_all_rows(void **state)
{
    struct desk *desk = *state;
    for (int with_lse = 0; with_lse < 2; with_lse++) {
        answer_with(desk, M_LN2, 0, 0);
        assert_named(search(desk, with_lse), "v or the output multiplied by 0.6931");
        for (size_t i = 0; i < sizeof spreads / sizeof *spreads; i++) {
            answer_with(desk, M_LN2, 0, spreads[i]);
            assert_int_equal(search(desk, with_lse)->num_fits, 0);
        }
    }
}

static void test_a_constant_is_that_of_all_rows(void **state)
{
    struct desk *desk = *state;
    answer_with(desk, 1, 0.3, 0);
    assert_named(search(desk, true), "0.3 added to every element of v or of the output");
    for (size_t i = 0; i < sizeof spreads / sizeof *spreads; i++) {
        answer_with(desk, 1, 0.3, spreads[i]);
        assert_int_equal(search(desk, true)->num_fits, 0);
    }
}

/* Of weights in 16 bits some rows lose 2^-11 of all they have: they have the factor still. */
static void test_a_factor_beside_weights_in_16_bits(void **state)
{
    struct desk *desk = *state;
    answer_with(desk, M_LN2, 0, 0x1p-11);
    assert_named(search(desk, true), "v or the output multiplied by 0.693");
    assert_int_equal(desk->finding.fits[0].num_roundings, 1);
}

/* Beside a learned sink a logit that is rounded scales its row. */
static void test_a_factor_beside_a_sink(void **state)
{
    static const float sinks[H] = {4, 4, 4, 4};
    struct desk *desk = *state;
    desk->problem.sink_logits = sinks;
    answer_with(desk, M_LN2, 0, 0.004);
    const struct contract_finding *finding = search(desk, false);
    assert_int_equal(finding->num_fits, 1);
    assert_non_null(strstr(finding->fits[0].text, "v or the output multiplied by 0.69"));
}

/* A contract that has no number leaves rows no factors of their own, though weights of e4m3 may be off by as much. */
static void test_no_factors_of_rows_beside_a_contract(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    other.scale = 1;
    for (int has_factors = 0; has_factors < 2; has_factors++) {
        struct truth truth;
        find_truth(&truth, &other);
        for (int i = 0; i < H * D; i++) {
            const double own = has_factors ? 1 + 0.03 * (i / D % 2 ? 1 : -1) : 1;
            const float value = (float)(own * truth.value[i]);
            dtype_narrow(DTYPE_F16, desk->out, (size_t)i, 1, &value);
        }
        truth_clear(&truth);
        if (has_factors)
            assert_int_equal(search(desk, false)->num_fits, 0);
        else
            assert_named(search(desk, false), "scale 1 in place of 0.125");
    }
}

/* Without biases it is the scale alone. */
static void test_logits_in_another_base(void **state)
{
    struct desk *desk = *state;
    static const char *const texts[] = {"logits multiplied by ln 2, biases too",
                                        "logits multiplied by log2(e), biases too"};
    for (int base = 0; base < 2; base++) {
        float slopes[H];
        const double factor = base ? M_LOG2E : M_LN2;
        struct problem other = desk->problem;
        for (int h = 0; h < H; h++)
            slopes[h] = (float)((double)desk->slopes[h] * factor);
        other.slopes = slopes;
        other.scale = (float)((double)other.scale * factor);
        answer(desk, &other);
        assert_named(search(desk, base), texts[base]);
        assert_int_equal(desk->finding.fits[0].seen_as, SIGNATURE_WRONG_SCALE);
    }
    const float none[H] = {0};
    desk->problem.slopes = none;
    struct problem other = desk->problem;
    other.scale = (float)((double)other.scale * M_LN2);
    answer(desk, &other);
    assert_named(search(desk, true), "ln 2 times it");
}

/* Of keys that are all the same another scale moves lse alone. Where it moves that of all heads by one number, so does
 * a constant, or a maximum that is held. */
static void test_a_scale_is_no_constant_of_lse(void **state)
{
    struct desk *desk = *state;
    memset(desk->slopes, 0, sizeof desk->slopes);
    for (int i = D; i < N * G * D; i++)
        desk->k[i] = desk->k[i % D];
    struct problem halved = desk->problem;
    halved.scale /= 2;
    answer(desk, &halved);
    assert_named(search(desk, true), "scale");
    for (int i = D; i < H * D; i++)
        desk->q[i] = desk->q[i % D];
    answer(desk, &halved);
    assert_false(search(desk, true)->named);
}

/* Whether a factor is found of an output that is it times the exact one, but for a share of what that leaves. */
static bool finds_factor(struct desk *desk, double factor, double share)
{
    struct truth truth;
    find_truth(&truth, &desk->problem);
    for (int i = 0; i < H * D; i++) {
        const float value = (float)(factor * truth.value[i] * (1 + share * (i % 3 == 0 ? 1 : -1)));
        dtype_narrow(DTYPE_F16, desk->out, (size_t)i, 1, &value);
    }
    const struct output output = {desk->out, NULL};
    const struct exhibit exhibit = {.problem = &desk->problem, .output = &output, .truth = &truth};
    struct contract_trial trial = contract_trial_begin(&exhibit);
    const bool found = contract_fit_output_factor(&trial, 0, NULL);
    contract_trial_clear(&trial);
    truth_clear(&truth);
    return found;
}

/* A small factor leaves little of any output, whatever it is: it has to be like the exact one, too. */
static void test_a_small_factor_leaves_the_shape(void **state)
{
    struct desk *desk = *state;
    assert_true(finds_factor(desk, 0.11, 0.1));
    assert_false(finds_factor(desk, 0.11, 0.4));
    assert_true(finds_factor(desk, 0.7, 0.01));
    assert_false(finds_factor(desk, 0.7, 0.2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_factor_is_that_of_all_rows),         TEST(test_a_constant_is_that_of_all_rows),
        TEST(test_a_factor_beside_weights_in_16_bits),   TEST(test_a_factor_beside_a_sink),
        TEST(test_no_factors_of_rows_beside_a_contract), TEST(test_logits_in_another_base),
        TEST(test_a_scale_is_no_constant_of_lse),        TEST(test_a_small_factor_leaves_the_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
