/* Failures of the sum of weights by name: an epsilon in it, and weights that are rounded on their way there. */
#include "harness/judge/cause/tests/signature_trial.h"

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
            if (!with_lse)
                forget_lse(&trial);
            expect_and_end(&trial, i == 1 && !with_lse ? SIGNATURE_UNKNOWN : SIGNATURE_EPS_BIAS, "");
        }
}

/* A factor of the only row is an epsilon where somebody would write one. */
static void test_an_epsilon_of_one_row_is_a_power_of_ten(void **state)
{
    (void)state;
    static const double epsilons[] = {1e-3, 0.0437};
    for (size_t i = 0; i < sizeof epsilons / sizeof epsilons[0]; i++) {
        struct signature_trial trial = make_trial(60, 1, 1, 64, DTYPE_F32);
        begin(&trial);
        set_bound(&trial, 1e-7);
        scale_out(&trial, epsilons[i], 1);
        expect_and_end(&trial, i ? SIGNATURE_UNKNOWN : SIGNATURE_EPS_BIAS, "");
    }
}

/* Heads that share a query and have no bias have one sum, so that any factor on all of them is an epsilon's. */
static void test_rows_of_one_sum_are_one_row(void **state)
{
    (void)state;
    static const double epsilons[] = {1e-3, 0.0437};
    for (size_t i = 0; i < sizeof epsilons / sizeof epsilons[0]; i++) {
        struct signature_trial trial = make_trial(60, 4, 1, 64, DTYPE_F32);
        for (size_t h = 1; h < 4; h++)
            memcpy((float *)trial.made.q + h * 64, trial.made.q, 64 * sizeof(float));
        memset(trial.made.slopes, 0, 4 * sizeof *trial.made.slopes);
        begin(&trial);
        set_bound(&trial, 1e-7);
        scale_out(&trial, epsilons[i], 1);
        expect_and_end(&trial, i ? SIGNATURE_UNKNOWN : SIGNATURE_EPS_BIAS, "");
    }
}

/* The worst heads fit an epsilon, and of the others each has a factor that has nothing to do with its weights. */
static void test_an_epsilon_is_of_all_rows(void **state)
{
    (void)state;
    for (int all = 0; all < 2; all++) {
        struct signature_trial trial = make_trial(60, 16, 4, 64, DTYPE_F32);
        begin(&trial);
        scale_out(&trial, 0.5, 1);
        for (int h = 0; h < 16 && !all; h++) {
            double out[64], factor = 0.5 / sum_of_weights(&trial, h);
            for (int d = 0; d < 64; d++)
                out[d] = trial.truth.value[h * 64 + d] * (1 - factor / 4);
            if (factor < 0.1)
                set_out(&trial, h, out);
        }
        expect_and_end(&trial, all ? SIGNATURE_EPS_BIAS : SIGNATURE_UNKNOWN, "");
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

/* Key j's weight, within a quarter of an ulp of f16 of a number of eight bits: f16 and bf16 both round it to that. */
static double weight_beside_eight_bits(int64_t key)
{
    double of_eight_bits = (double)(128 + 37 * key % 128) / 256;
    return key == 0 ? 1 : of_eight_bits * (1 + (double)(key % 3 - 1) * 0x1p-13);
}

/* Which dtype weights were rounded to is not said where two would have made the same of them. */
static void test_weights_that_fit_two_dtypes(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(40, 4, 2, 64, DTYPE_F32);
    const float none = 0, scale_undone = 8;
    for (size_t i = 0; i < 4 * 64; i++)
        dtype_narrow(DTYPE_F32, trial.made.q, i, 1, i % 64 ? &none : &scale_undone);
    for (int64_t j = 0; j < 40; j++)
        for (int g = 0; g < 2; g++) {
            float logit = (float)log(weight_beside_eight_bits(j));
            dtype_narrow(DTYPE_F32, trial.made.k, problem_row(&trial.made.problem, j, g), 1, &logit);
        }
    memset(trial.made.slopes, 0, 4 * sizeof *trial.made.slopes);
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-12, 1e-6, 1e-3};
    for (int h = 0; h < 4; h++) {
        double out[64], lse = attend_exactly(&trial.made.problem, h, rule_weight_bf16, 0, 1, -INFINITY, out);
        for (int d = 0; d < 64; d++)
            out[d] *= exp(lse - trial.truth.lse[h]);
        set_out(&trial, h, out);
    }
    expect_and_end(&trial, SIGNATURE_PRECISION_LOSS, "weights rounded: the row does not tell to which dtype");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epsilon_in_the_denominator),
        cmocka_unit_test(test_a_one_in_the_sum_is_no_epsilon_without_lse),
        cmocka_unit_test(test_an_epsilon_of_one_row_is_a_power_of_ten),
        cmocka_unit_test(test_rows_of_one_sum_are_one_row),
        cmocka_unit_test(test_an_epsilon_is_of_all_rows),
        cmocka_unit_test(test_an_epsilon_of_two_heads_leaves_little),
        cmocka_unit_test(test_a_sum_that_begins_above_0_is_no_epsilon),
        cmocka_unit_test(test_epsilon_is_no_leak_to_many_masked_keys),
        cmocka_unit_test(test_epsilon_in_chunks_and_merge),
        cmocka_unit_test(test_one_factor_for_all_heads_is_no_epsilon),
        cmocka_unit_test(test_weights_are_rounded_beside_a_sink),
        cmocka_unit_test(test_weights_that_fit_two_dtypes),
        cmocka_unit_test(test_weights_that_are_subnormal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
