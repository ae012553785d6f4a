/* Failures of what a caller and a kernel agree on by name: scales, KV heads, the base of lse. */
#include "harness/judge/cause/tests/signature_trial.h"

static double rule_scale(const struct problem *problem, int head, int64_t key, double factor)
{
    double bias = (double)problem->slopes[head] * (double)problem_distance(problem, key);
    return visible_or_none(problem, key, factor * scaled_dot(problem, head, key) + bias);
}

static double rule_bias(const struct problem *problem, int head, int64_t key, double factor)
{
    double bias = (double)problem->slopes[head] * (double)problem_distance(problem, key);
    return visible_or_none(problem, key, scaled_dot(problem, head, key) + factor * bias);
}

/* Every other trial with a mask. */
static struct signature_trial make_some_trial(size_t i, int num_kv_heads)
{
    struct signature_trial trial = make_trial(300, 8, num_kv_heads, 64, i % 3 == 2 ? DTYPE_F32 : DTYPE_F16);
    if (i % 2)
        mask_keys(&trial.made, 100, 200, 3);
    begin(&trial);
    return trial;
}

static void test_another_softmax_scale(void **state)
{
    (void)state;
    static const struct {
        double factor;
        const char *detail;
    } rows[] = {
        {8, "q.k is not multiplied by the scale"},
        {0.125, "q.k is multiplied by the scale twice"},
        {0x1.6a09e667f3bcdp-1, "q.k is multiplied by 1/sqrt(128)"},
        {2, "2 times it"},
        {0x1.71547652b82fep+0, "q.k is multiplied by log2(e) as well"},
        {1.125, "1.125 times it"},
        {3, "3 times it"},
        {0.99, "0.99 times it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_some_trial(i, 2);
        break_all(&trial, rule_scale, rows[i].factor);
        expect_and_end(&trial, SIGNATURE_WRONG_SCALE, rows[i].detail);
    }
}

/* q.k is 0, in a dtype that holds no smaller one: without its scale of 2^27 it would be next to nothing, too. */
static void test_products_of_0_are_no_scale(void **state)
{
    (void)state;
    for (int of_scale = 0; of_scale < 2; of_scale++) {
        struct signature_trial trial = make_trial(300, 8, 2, 64, DTYPE_F32);
        struct problem *problem = &trial.made.problem;
        for (int i = 0; i < 8 * 64; i++)
            ((float *)trial.made.q)[i] *= of_scale ? 0x1p-10F : 0x1p-30F;
        problem->scale *= of_scale ? 0x1p10F : 0x1p30F;
        memset(trial.made.slopes, 0, 8 * sizeof *trial.made.slopes);
        begin(&trial);
        break_all(&trial, rule_scale, of_scale ? 1 / (double)problem->scale : 0);
        expect_and_end(&trial, of_scale ? SIGNATURE_WRONG_SCALE : SIGNATURE_UNIFORM,
                       of_scale ? "q.k is not multiplied by the scale" : "");
    }
}

/* The mean of v in f16 is that of a scale as small as any that is looked for, as well. */
static void test_no_product_is_no_small_scale(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(20, 4, 4, 64, DTYPE_F16);
    memset(trial.made.slopes, 0, 4 * sizeof *trial.made.slopes);
    begin(&trial);
    break_all(&trial, rule_scale, 0x1p-9);
    expect_and_end(&trial, SIGNATURE_UNIFORM, "");
}

/* Of an fp8 cache: logits by a rule of a factor, values v times what they should be. */
static void expect_of_cache(logit_rule *rule, double factor, double v, enum signature signature, const char *detail)
{
    struct signature_trial trial = make_trial(300, 4, 2, 64, DTYPE_F16);
    struct problem *problem = &trial.made.problem;
    uint8_t narrow[2][300 * 2 * 64];
    const void *tensors[2] = {problem->k, problem->v};
    for (int t = 0; t < 2; t++)
        for (size_t i = 0; i < sizeof narrow[t]; i++) {
            float value = (float)element(tensors[t], problem->dtype, i);
            dtype_narrow(DTYPE_E4M3, narrow[t], i, 1, &value);
        }
    problem->kv_format = KV_E4M3;
    problem->k_scale = 0.5f;
    problem->v_scale = 0.25f;
    problem->k = narrow[0];
    problem->v = narrow[1];
    begin(&trial);
    for (int h = 0; h < 4; h++) {
        double out[64];
        trial.output.lse[h] = (float)attend_exactly(problem, h, rule, factor, 0, 0, out);
        for (int d = 0; d < 64; d++)
            out[d] *= v;
        set_out(&trial, h, out);
    }
    expect(&trial, signature, detail);
    problem->k = tensors[0];
    problem->v = tensors[1];
    end(&trial);
}

/* Logits that are k times what they should be, values v times. */
static void expect_cache_scales(double k, double v, const char *detail)
{
    expect_of_cache(rule_scale, k, v, SIGNATURE_WRONG_SCALE, detail);
}

/* (q.k + bias) * scale * k_scale: the slopes of some heads are then, by chance, those of others. */
static void test_biases_times_the_scales_of_a_cache(void **state)
{
    (void)state;
    expect_of_cache(rule_bias, 0.125 * 0.5, 1, SIGNATURE_WRONG_SLOPE, "the softmax scale times it, times k_scale");
    expect_of_cache(rule_bias, 0.125, 1, SIGNATURE_WRONG_SLOPE, "the softmax scale times it");
}

static void test_scales_of_a_cache(void **state)
{
    (void)state;
    expect_cache_scales(2, 1, "k_scale is not applied");
    expect_cache_scales(0.5, 1, "k_scale is applied twice");
    expect_cache_scales(1, 4, "v_scale is not applied");
    expect_cache_scales(1, 0.25, "v_scale is applied twice");
    expect_cache_scales(2, 4, "k_scale is not applied, and v_scale is not applied");
}

/* Attention of each head with the keys and values of others. */
static void break_heads(struct signature_trial *trial, int (*key_head)(int head), int (*value_head)(int head))
{
    const struct problem *problem = &trial->made.problem;
    size_t dim = (size_t)problem->head_dim, keys = (size_t)problem->seq_len;
    double *weights = malloc(keys * sizeof *weights), out[256];
    assert_non_null(weights);
    for (int h = 0; h < problem->num_heads; h++) {
        double max = -INFINITY, sum = 0;
        for (size_t j = 0; j < keys; j++) {
            size_t row = problem_row(problem, (int64_t)j, key_head(h));
            double dot = 0;
            for (size_t d = 0; d < dim; d++)
                dot += element(problem->q, problem->dtype, (size_t)h * dim + d) *
                       element(problem->k, problem->dtype, row + d);
            double bias = (double)problem->slopes[h] * (double)problem_distance(problem, (int64_t)j);
            weights[j] = visible_or_none(problem, (int64_t)j, problem_logit_scale(problem) * dot + bias);
            max = fmax(max, weights[j]);
        }
        memset(out, 0, sizeof out);
        for (size_t j = 0; j < keys; j++) {
            weights[j] = exp(weights[j] - max);
            sum += weights[j];
            for (size_t d = 0; d < dim; d++)
                out[d] += weights[j] *
                          element(problem->v, problem->dtype, problem_row(problem, (int64_t)j, value_head(h)) + d);
        }
        for (size_t d = 0; d < dim; d++)
            out[d] /= sum;
        set_out(trial, h, out);
        trial->output.lse[h] = (float)(max + log(sum));
    }
    free(weights);
}

/* Of 8 query heads and 4 KV heads. */
static int own(int head)
{
    return head / 2;
}

static int tiled(int head)
{
    return head % 4;
}

static int next(int head)
{
    return (head / 2 + 1) % 4;
}

static int first(int head)
{
    (void)head;
    return 0;
}

static int reversed(int head)
{
    return 3 - head / 2;
}

static void test_another_kv_head(void **state)
{
    (void)state;
    static const struct {
        int (*key_head)(int head), (*value_head)(int head);
        const char *detail;
    } rows[] = {
        {tiled, tiled, "KV heads are tiled where they are to be repeated"},
        {next, next, "that of the next group of query heads"},
        {first, first, "the first one, for all query heads"},
        {own, next, "values of KV head"},
        {next, own, "keys of KV head"},
        {reversed, reversed, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_some_trial(i, 4);
        break_heads(&trial, rows[i].key_head, rows[i].value_head);
        expect_and_end(&trial, SIGNATURE_WRONG_KV_HEAD, rows[i].detail);
    }
}

static void test_lse_in_other_units(void **state)
{
    (void)state;
    static const struct {
        double factor;
        const char *detail;
    } rows[] = {{0x1.71547652b82fep+0, "lse is in base 2"},
                {0x1.62e42fefa39efp-1, "lse is multiplied by ln 2"},
                {-1, "lse has the wrong sign"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_some_trial(i, 2);
        for (int h = 0; h < 8; h++)
            trial.output.lse[h] = (float)(rows[i].factor * trial.truth.lse[h]);
        expect_and_end(&trial, SIGNATURE_WRONG_LSE, rows[i].detail);
    }
    /* A constant is none of them. */
    struct signature_trial trial = make_some_trial(0, 2);
    for (int h = 0; h < 8; h++)
        trial.output.lse[h] = (float)(trial.truth.lse[h] + 0.7);
    expect_and_end(&trial, SIGNATURE_WRONG_LSE, "the same constant in every row, +0.7");
}

/* A row without a key is the learned sink's alone: an lse of -inf is no lost maximum there, but a sink that is not
 * counted. Where there is no sink, or there are keys, it is. */
static void test_a_sink_is_lost_in_rows_without_a_key(void **state)
{
    (void)state;
    static const float sinks[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (int keys = 0; keys < 2; keys++) {
        struct signature_trial trial = make_trial(300, 8, 2, 64, DTYPE_F16);
        if (!keys)
            mask_keys(&trial.made, 0, 300, 1);
        trial.made.problem.sink_logits = sinks;
        begin(&trial);
        for (int h = 0; h < 3; h++)
            trial.output.lse[h] = -INFINITY;
        expect_and_end(&trial, keys ? SIGNATURE_SILENT_ZERO : SIGNATURE_WRONG_SINK,
                       keys ? "lse is -inf" : "the sink 1 is not counted: lse is -inf in a row without a key");
    }
}

/* An lse that is off by more than f32 rounds is in no other unit, though it is near to one; logits in 16 bits may be.
 */
static void test_an_lse_near_another_unit_is_in_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i += 2) {
        struct signature_trial trial = make_some_trial(i, 2);
        bool f32 = trial.made.problem.dtype == DTYPE_F32;
        for (int h = 0; h < 8; h++) {
            double in_base_2 = trial.truth.lse[h] * M_LOG2E, err = in_base_2 - trial.truth.lse[h];
            trial.output.lse[h] = (float)(in_base_2 + (h % 2 ? 1 : -1) * err / 512);
        }
        expect_and_end(&trial, f32 ? SIGNATURE_UNKNOWN : SIGNATURE_WRONG_LSE, "");
    }
}

static void test_the_maximum_or_the_sum_alone(void **state)
{
    (void)state;
    for (int part = 0; part < 2; part++) {
        struct signature_trial trial = make_some_trial(0, 2);
        for (int h = 0; h < 8; h++) {
            double max = -INFINITY;
            for (int64_t j = 0; j < 300; j++)
                max = fmax(max, rule_right(&trial.made.problem, h, j, 0));
            trial.output.lse[h] = (float)(part ? trial.truth.lse[h] - max : max);
        }
        expect_and_end(&trial, SIGNATURE_WRONG_LSE, part ? "the row's maximum is missing" : "is the row's maximum");
    }
}

static double largest_logit(const struct signature_trial *trial, int head)
{
    double max = -INFINITY;
    for (int64_t j = 0; j < trial->made.problem.seq_len; j++)
        max = fmax(max, rule_right(&trial->made.problem, head, j, 0));
    return max;
}

/* Rows whose logits lie below a number that their maximum, or their lse, is held at, in nats or in base 2. */
static void test_an_lse_that_is_held(void **state)
{
    (void)state;
    static const struct {
        double held;
        bool all; /* lse itself; else its maximum */
        const char *detail;
    } rows[] = {{-10000, false, "a maximum that is held at -10000, "},
                {-10000, true, "one that is held at -10000, "},
                {-10000 * M_LN2, false, "a maximum that is held at -6931.47 (a number of base 2), "},
                {-12345, false, ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(300, 4, 2, 64, DTYPE_F32);
        trial.made.problem.q_position = 299 + 40000;
        for (int h = 0; h < 4; h++)
            trial.made.slopes[h] = 0.5f + 0.0137f * (float)h;
        begin(&trial);
        for (int h = 0; h < 4; h++) {
            const double sum = rows[i].all ? 0 : trial.truth.lse[h] - largest_logit(&trial, h);
            trial.output.lse[h] = (float)(rows[i].held + sum);
        }
        expect_and_end(&trial, rows[i].detail[0] ? SIGNATURE_WRONG_LSE : SIGNATURE_UNKNOWN, rows[i].detail);
    }
    /* Of one key logits that are held themselves make the same one. */
    struct signature_trial trial = make_trial(1, 4, 2, 64, DTYPE_F32);
    trial.made.problem.q_position = 40000;
    for (int h = 0; h < 4; h++)
        trial.made.slopes[h] = 0.5f + 0.0137f * (float)h;
    begin(&trial);
    for (int h = 0; h < 4; h++)
        trial.output.lse[h] = -10000;
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* The row's maximum and the sum in units that do not go together. */
static void test_an_lse_of_two_units(void **state)
{
    (void)state;
    static const struct {
        double of_max, of_log;
        const char *detail;
    } rows[] = {{1, M_LOG2E, "the row's maximum in nats and the logarithm of the sum in base 2"},
                {M_LOG2E, 1, "the row's maximum in base 2 and the natural logarithm of the sum"},
                {1, M_LN2, "the row's maximum and ln 2 times the natural logarithm of the sum"},
                {M_LN2, 1, "ln 2 times the row's maximum in nats and the logarithm of the sum"},
                {1, 0, "the row's maximum and the sum itself, without its logarithm"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_some_trial(0, 2);
        for (int h = 0; h < 8; h++) {
            double max = largest_logit(&trial, h), log_sum = trial.truth.lse[h] - max;
            double of_sum = rows[i].of_log > 0 ? rows[i].of_log * log_sum : exp(log_sum);
            trial.output.lse[h] = (float)(rows[i].of_max * max + of_sum);
        }
        expect_and_end(&trial, SIGNATURE_WRONG_LSE, rows[i].detail);
    }
}

static double rule_logit_times(const struct problem *problem, int head, int64_t key, double factor)
{
    return visible_or_none(problem, key, factor * right_logit(problem, head, key));
}

/* 2^x of natural logits, or e^x of those in base 2, biases too; with the lse of such logits, in their own base, or of
 * their maximum as it is and the natural logarithm of the sum; and without biases. */
static void test_logits_in_another_base(void **state)
{
    (void)state;
    static const char *const details[] = {"2^x in place of e^x", "e^x of logits in base 2"};
    for (int base = 0; base < 2; base++)
        for (int lse = 0; lse < 4; lse++) {
            const double factor = base ? M_LOG2E : M_LN2;
            struct signature_trial trial = make_trial(300, 8, 2, 64, DTYPE_F16);
            for (int h = 0; h < 8 && lse == 3; h++)
                trial.made.slopes[h] = 0;
            begin(&trial);
            break_all(&trial, rule_logit_times, factor);
            for (int h = 0; h < 8; h++) {
                double own = (double)trial.output.lse[h], max = largest_logit(&trial, h);
                trial.output.lse[h] = (float)(lse % 2 ? own / factor : lse ? own + (1 - factor) * max : own);
            }
            find(&trial);
            assert_true(lse == 3 || (trial.finding.remedy && strstr(trial.finding.remedy, ", biases too.")));
            expect_and_end(&trial, SIGNATURE_WRONG_SCALE, details[base]);
        }
}

/* Where q.k is next to nothing, biases times the factor alone, which is another slope, have the same out: without an
 * lse nobody tells them apart. */
static void test_a_base_is_no_slope(void **state)
{
    (void)state;
    static const enum signature with_lse[] = {SIGNATURE_WRONG_SLOPE, SIGNATURE_WRONG_SCALE};
    for (int of_all = 0; of_all < 2; of_all++)
        for (int has_lse = 0; has_lse < 2; has_lse++) {
            struct signature_trial trial = make_trial(300, 8, 2, 64, DTYPE_F16);
            trial.made.problem.scale *= 0x1p-10F;
            begin(&trial);
            break_all(&trial, of_all ? rule_logit_times : rule_bias, M_LN2);
            if (!has_lse)
                forget_lse(&trial);
            find(&trial);
            assert_int_equal(trial.finding.signature, has_lse ? with_lse[of_all] : SIGNATURE_UNKNOWN);
            end(&trial);
        }
}

/* ---- what may be chance ---------------------------------------------------------------------------------------- */

/* Where rounding may give keys any weights, out alone names nothing else; lse does. */
static void test_what_rounding_may_have_done_is_no_other_fault(void **state)
{
    (void)state;
    static logit_rule *const rules[] = {rule_scale, rule_slope};
    static const enum signature names[] = {SIGNATURE_WRONG_SCALE, SIGNATURE_WRONG_SLOPE};
    for (int i = 0; i < 2; i++) {
        struct signature_trial trial = make_some_trial(0, 2);
        set_bound(&trial, INFINITY);
        set_lse_bound(&trial, INFINITY);
        trial.judge_by_tolerance = true;
        break_all(&trial, rules[i], 2);
        expect(&trial, names[i], "");
        for (int h = 0; h < 8; h++)
            trial.output.lse[h] = (float)trial.truth.lse[h];
        expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
    }
    /* The same of values, of which lse says nothing. */
    struct signature_trial trial = make_some_trial(0, 4);
    set_bound(&trial, INFINITY);
    set_lse_bound(&trial, INFINITY);
    trial.judge_by_tolerance = true;
    break_heads(&trial, own, next);
    expect(&trial, SIGNATURE_UNKNOWN, "");
    free(trial.bound);
    free(trial.lse_bound);
    set_bound(&trial, 1e-6); /* where it may not, out is enough */
    set_lse_bound(&trial, 1e-6);
    expect_and_end(&trial, SIGNATURE_WRONG_KV_HEAD, "values of KV head");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_softmax_scale),
        cmocka_unit_test(test_products_of_0_are_no_scale),
        cmocka_unit_test(test_no_product_is_no_small_scale),
        cmocka_unit_test(test_scales_of_a_cache),
        cmocka_unit_test(test_biases_times_the_scales_of_a_cache),
        cmocka_unit_test(test_another_kv_head),
        cmocka_unit_test(test_lse_in_other_units),
        cmocka_unit_test(test_an_lse_that_is_held),
        cmocka_unit_test(test_an_lse_of_two_units),
        cmocka_unit_test(test_logits_in_another_base),
        cmocka_unit_test(test_a_base_is_no_slope),
        cmocka_unit_test(test_a_sink_is_lost_in_rows_without_a_key),
        cmocka_unit_test(test_an_lse_near_another_unit_is_in_none),
        cmocka_unit_test(test_the_maximum_or_the_sum_alone),
        cmocka_unit_test(test_what_rounding_may_have_done_is_no_other_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
