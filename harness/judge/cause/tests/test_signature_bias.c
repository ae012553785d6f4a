/* Failures of the bias by name: its slopes, and what is rounded on the way to the weights. */
#include "harness/judge/cause/tests/signature_trial.h"

/* ---- the bias -------------------------------------------------------------------------------------------------- */

static void test_dropped_bias(void **state)
{
    (void)state;
    for (enum dtype dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        struct signature_trial trial = make_trial(400, 4, 2, 64, dtype);
        mask_keys(&trial.made, 50, 200, 3);
        begin(&trial);
        break_all(&trial, rule_no_bias, 0);
        expect(&trial, SIGNATURE_DROPPED_BIAS, "slope 0 in place of");
        assert_int_equal(trial.finding.num_rows_explained, 4);
        assert_true(trial.finding.residual < trial.finding.num_rows_failing * 8);
        end(&trial);
    }
}

/* An fp8 cache with scales in place of the f16 one; the truth in double. */
static void test_dropped_bias_of_an_fp8_cache(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(300, 4, 2, 64, DTYPE_F16);
    struct made_problem *made = &trial.made;
    begin(&trial);
    free(made->k);
    free(made->v);
    made->problem.k = made->k = made_tensor(DTYPE_E4M3, 300 * 2 * 64, 5);
    made->problem.v = made->v = made_tensor(DTYPE_E4M3, 300 * 2 * 64, 6);
    made->problem.kv_format = KV_E4M3;
    made->problem.k_scale = 0.75f;
    made->problem.v_scale = 3;
    for (int h = 0; h < 4; h++)
        trial.truth.lse[h] = attend_exactly(&made->problem, h, rule_right, 0, 0, 0, trial.truth.value + (size_t)h * 64);
    memset(trial.truth.tail, 0, 4 * 64 * sizeof(double));
    break_all(&trial, rule_right, 0);
    trial.tolerance = (struct tolerance){2e-3, 2e-3, 2e-3};
    expect(&trial, SIGNATURE_NONE, "");
    break_all(&trial, rule_no_bias, 0);
    expect_and_end(&trial, SIGNATURE_DROPPED_BIAS, "");
}

static void test_wrong_slopes_by_their_origin(void **state)
{
    (void)state;
    static const struct {
        logit_rule *rule;
        double parameter;
        int num_heads;
        const char *detail;
    } rows[] = {
        {rule_geometric, 8, 12, "the geometric convention"},
        {rule_geometric, 16, 8, "max_bias 16"},
        {rule_slope_power, 2, 4, ""},
        {rule_slope_power, 0.5, 4, "max_bias halved"},
        {rule_top_left, 0, 4, "distances from position 0"},
        {rule_slope, -1, 4, "sign reversed"},
        {rule_slope, 0.37, 4, "0.37 times it"},
        {rule_slope, -0.013, 4, "-0.013 times it"},
        {rule_slope, 5.5, 4, "5.5 times it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(300, rows[i].num_heads, rows[i].num_heads / 2, 64, DTYPE_F16);
        begin(&trial);
        break_all(&trial, rows[i].rule, rows[i].parameter);
        expect_and_end(&trial, SIGNATURE_WRONG_SLOPE, rows[i].detail);
    }
}

/* Both have the same out, and nothing tells them apart: it is not said where the query stands. */
static void test_a_sign_is_no_position_without_lse(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct signature_trial trial = make_trial(300, 4, 2, 64, DTYPE_F16);
        begin(&trial);
        break_all(&trial, i ? rule_top_left : rule_slope, -1);
        forget_lse(&trial);
        find(&trial);
        assert_int_equal(trial.finding.signature, SIGNATURE_WRONG_SLOPE);
        assert_non_null(strstr(trial.finding.detail, "distances with the sign reversed"));
        end(&trial);
    }
}

/* Heads take the slopes of others. What all rows have in common is named, not what one of them may have by chance: with
 * 8 heads the slope of head 0 is the root of that of head 1. */
static void test_slopes_of_another_head(void **state)
{
    (void)state;
    static const struct {
        int num_heads, further;
        const char *detail;
    } rows[] = {
        {6, 3, "that of the head half of them further on"},
        {8, -1, "that of the head before"},
        {8, 1, "that of the next head"},
        {4, 1, "that of the next head"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int heads = rows[i].num_heads;
        struct signature_trial trial = make_trial(300, heads, heads / 2, 64, DTYPE_F16);
        begin(&trial);
        for (int h = 0; h < heads; h++) {
            float slope = trial.made.slopes[h];
            trial.made.slopes[h] = trial.made.slopes[(h + rows[i].further + heads) % heads];
            attend(&trial, h, rule_right, 0, 0, 0);
            trial.made.slopes[h] = slope;
        }
        expect_and_end(&trial, SIGNATURE_WRONG_SLOPE, rows[i].detail);
    }
}

/* Each head takes the slope of another one, number source(head). */
static void answer_by_slopes_of(struct signature_trial *trial, int heads, int (*source)(int head))
{
    for (int h = 0; h < heads; h++) {
        float slope = trial->made.slopes[h];
        trial->made.slopes[h] = trial->made.slopes[source(h)];
        attend(trial, h, rule_right, 0, 0, 0);
        trial->made.slopes[h] = slope;
    }
}

static int half_of(int head)
{
    return head / 2;
}

static int within_32(int head)
{
    return head % 32;
}

/* What rows that are right, or wrong otherwise, refute is no rule: of 32 heads in groups of 2 every second has the root
 * of its slope, and of 48 those that wrap round at 32 have slopes of another max_bias. */
static void test_rules_of_slopes_hold_for_all_heads(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(300, 32, 16, 64, DTYPE_F32);
    begin(&trial);
    answer_by_slopes_of(&trial, 32, half_of);
    expect_and_end(&trial, SIGNATURE_WRONG_SLOPE, "that of the head with the number of its KV head");
    trial = make_trial(300, 48, 48, 64, DTYPE_F16);
    begin(&trial);
    answer_by_slopes_of(&trial, 48, within_32);
    expect_and_end(&trial, SIGNATURE_WRONG_SLOPE, "that of another head, number ");
}

/* Of rows that are not judged nothing is known, and they refute nothing. */
static void test_rows_that_are_not_judged_are_no_witnesses(void **state)
{
    (void)state;
    static const bool rows[8] = {true, true, true, true};
    struct signature_trial trial = make_trial(300, 8, 8, 64, DTYPE_F16);
    begin(&trial);
    break_all(&trial, rule_slope_power, 2);
    for (int h = 4; h < 8; h++)
        set_out(&trial, h, trial.truth.value + (size_t)h * 64);
    expect(&trial, SIGNATURE_WRONG_SLOPE, "that of another head, number ");
    trial.rows = rows;
    expect_and_end(&trial, SIGNATURE_WRONG_SLOPE, "max_bias 16");
}

static void test_slopes_rounded_to_bf16(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(1500, 12, 4, 64, DTYPE_F32);
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
    break_all(&trial, rule_slope_bf16, 0);
    expect_and_end(&trial, SIGNATURE_WRONG_SLOPE, "rounded to bf16");
}

/* Other roundings hide in part what a rounded slope does to out. lse, which is far off and as the slope makes it,
 * tells; where it is right nothing does. */
static void test_slopes_rounded_among_other_roundings(void **state)
{
    (void)state;
    for (int lse_tells = 0; lse_tells < 2; lse_tells++) {
        struct signature_trial trial = make_trial(1500, 12, 4, 64, DTYPE_F32);
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
        break_all(&trial, rule_slope_bf16, 0);
        leave(&trial, 0.75);
        for (int h = 0; h < 12 && !lse_tells; h++)
            trial.output.lse[h] = (float)trial.truth.lse[h];
        if (lse_tells)
            expect_and_end(&trial, SIGNATURE_WRONG_SLOPE, "rounded to bf16; lse is off as it makes it, out by other");
        else
            expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
    }
}

/* The absolute form takes slope * P off lse in the end, by the slope that was not rounded. */
static void test_slopes_rounded_in_the_absolute_form(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(257, 12, 4, 64, DTYPE_F16);
    begin(&trial);
    break_all(&trial, rule_slope_bf16, 0);
    for (int h = 0; h < 12; h++) {
        double slope = (double)trial.made.slopes[h];
        trial.output.lse[h] += (float)(((double)dtype_round(DTYPE_BF16, (float)slope) - slope) * 256);
    }
    expect_and_end(&trial, SIGNATURE_WRONG_SLOPE, "rounded to bf16, in the absolute form");
}

/* Of arithmetic that nobody knows no bound of lse is known, either: what leaves it further off than it may be rounded
 * to 16 bits is no explanation, where out has all the digits that it can have. */
static void test_an_lse_without_a_bound_speaks_against_a_name(void **state)
{
    (void)state;
    static const float factors[] = {1 + 0x1p-14f, 1 + 0x1p-9f, 0}; /* 0: the truth's */
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        struct signature_trial trial = make_trial(400, 4, 2, 64, DTYPE_F16);
        begin(&trial);
        break_all(&trial, rule_no_bias, 0);
        for (int h = 0; h < 4; h++)
            trial.output.lse[h] = factors[i] == 0 ? (float)trial.truth.lse[h] : trial.output.lse[h] * factors[i];
        expect_and_end(&trial, i > 0 ? SIGNATURE_UNKNOWN : SIGNATURE_DROPPED_BIAS, "");
    }
}

/* Where the output is in f16, so is what is rounded to 16 bits, which leaves an lse nearer than bf16 does; where out
 * has more roundings than its own, logits may have, and lse is itself rounded where it is a number of 16 bits. The
 * truth's own lse, to the last digit, was not led there by rounding. */
static void test_an_lse_of_f16_is_off_by_less_than_one_of_bf16(void **state)
{
    (void)state;
    static const struct {
        enum dtype dtype;
        bool more;    /* roundings of out */
        double off;   /* of lse, in units of it; 0: the truth's */
        bool rounded; /* to bf16, too */
        enum signature signature;
    } rows[] = {
        {DTYPE_F16, false, 0x1p-11, false, SIGNATURE_UNKNOWN},
        {DTYPE_BF16, false, 0x1p-11, false, SIGNATURE_DROPPED_BIAS},
        {DTYPE_BF16, false, 0x1p-8, false, SIGNATURE_UNKNOWN},
        {DTYPE_BF16, false, 0x1p-8, true, SIGNATURE_DROPPED_BIAS},
        {DTYPE_F16, true, 0x1p-6, false, SIGNATURE_UNKNOWN},
        {DTYPE_BF16, true, 0x1p-6, false, SIGNATURE_DROPPED_BIAS},
        {DTYPE_BF16, true, 0, false, SIGNATURE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(400, 4, 2, 64, rows[i].dtype);
        for (int h = 0; h < 4; h++)
            trial.made.slopes[h] = 0x1p-11f; /* nats of lse: a fiftieth of it */
        begin(&trial);
        trial.is_coarse = true; /* no rounding by its looks */
        break_all(&trial, rule_no_bias, 0);
        for (int h = 0; h < 4; h++) {
            float lse = (float)((double)trial.output.lse[h] * (1 + rows[i].off));
            trial.output.lse[h] = rows[i].off == 0  ? (float)trial.truth.lse[h]
                                  : rows[i].rounded ? dtype_round(DTYPE_BF16, lse)
                                                    : lse;
        }
        if (rows[i].more)
            leave_something(&trial);
        expect_and_end(&trial, rows[i].signature, "");
    }
}

static double rule_positions_within_chunks(const struct problem *problem, int head, int64_t key, double parameter)
{
    double bias = (double)problem->slopes[head] * ((double)(key % 4) - (double)problem->q_position);
    (void)parameter;
    return visible_or_none(problem, key, scaled_dot(problem, head, key) + bias);
}

static double rule_slope_squared(const struct problem *problem, int head, int64_t key, double parameter)
{
    double slope = (double)problem->slopes[head];
    (void)parameter;
    return visible_or_none(problem, key,
                           scaled_dot(problem, head, key) + slope * slope * (double)problem_distance(problem, key));
}

/* Next to no bias, and lse as far off as in the absolute form without one: any slope near 0 would do. One that out
 * tells from 0 has its name. */
static void test_a_slope_that_is_next_to_none_is_no_slope(void **state)
{
    (void)state;
    for (int squared = 0; squared < 2; squared++) {
        struct signature_trial trial = make_trial(257, 4, 1, 32, DTYPE_BF16);
        for (int h = 0; h < 4; h++)
            trial.made.slopes[h] = squared ? 0.125f : 0.018f + 0.001f * (float)h;
        begin(&trial);
        trial.tolerance =
            (struct tolerance){1e-2, 1e-2, 1e-3}; /* what no bias leaves, and another slope, is within it */
        break_all(&trial, squared ? rule_slope_squared : rule_positions_within_chunks, 0);
        for (int h = 0; h < 4 && squared; h++)
            trial.output.lse[h] -= (float)((0.125 - 0x1p-6) * (double)trial.made.problem.q_position);
        expect_and_end(&trial, squared ? SIGNATURE_WRONG_SLOPE : SIGNATURE_UNKNOWN,
                       squared ? "in the absolute form" : "");
    }
}

/* A bias that grows with the logarithm of the distance, next to none beside the right one. */
static double rule_logarithm(const struct problem *problem, int head, int64_t key, double parameter)
{
    double bias = -parameter * (double)problem->slopes[head] * log1p(-(double)problem_distance(problem, key));
    return visible_or_none(problem, key, scaled_dot(problem, head, key) + bias);
}

/* A prediction without the bias comes nearer to lse than the truth does, and is nats off still. */
static void test_a_bias_of_another_form_is_not_gone(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(500, 4, 2, 64, DTYPE_F16);
    for (int h = 0; h < 4; h++)
        trial.made.slopes[h] = 0.25f - 0.03125f * (float)h;
    begin(&trial);
    trial.tolerance = (struct tolerance){3e-2, 3e-2, 1e-3};
    break_all(&trial, rule_logarithm, 0.25);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* Far from position 0 biases of an absolute form are large. What 16 bits would round off them is no excuse for what a
 * sink that is counted 5 or 6 times leaves of one that is counted 5.5 times. */
static void test_far_positions_excuse_nothing_in_16_bits(void **state)
{
    (void)state;
    static const float sinks[4] = {0, 0, 0, 0};
    for (int half = 0; half < 2; half++) {
        struct signature_trial trial = make_trial(500, 4, 2, 64, DTYPE_F16);
        trial.made.problem.scale = 0x1p-6f;
        trial.made.problem.sink_logits = sinks;
        for (int h = 0; h < 4; h++)
            trial.made.slopes[h] = 3;
        begin(&trial);
        trial.tolerance = (struct tolerance){3e-2, 3e-2, 1e-3};
        for (int h = 0; h < 4; h++)
            attend(&trial, h, rule_right, 0, 1, log(half ? 5.5 : 5));
        forget_lse(&trial);
        expect_and_end(&trial, half ? SIGNATURE_UNKNOWN : SIGNATURE_WRONG_SINK, half ? "" : "5 times");
    }
}

/* Sinks of other heads, or multiplied as products are; of no rule that is known they have no name. */
static void test_a_sink_of_another_head(void **state)
{
    (void)state;
    enum { HEADS = 8, GROUP = 4 };
    static const float sinks[HEADS] = {2.5f, 4.25f, 3.125f, 5.5f, 1.75f, 4.75f, 2.0f, 3.5f};
    static const char *const details[] = {"from the next head",
                                          "from the head before",
                                          "the number of its KV head",
                                          "among those of its KV head",
                                          "from the first head",
                                          "multiplied by the softmax scale",
                                          ""};
    for (int i = 0; i < 7; i++) {
        struct signature_trial trial = make_trial(300, HEADS, HEADS / GROUP, 64, i % 2 ? DTYPE_F16 : DTYPE_F32);
        trial.made.problem.sink_logits = sinks;
        begin(&trial);
        for (int h = 0; h < HEADS; h++) {
            const int heads[] = {(h + 1) % HEADS, (h + HEADS - 1) % HEADS, h / GROUP, h % GROUP, 0};
            const double sink = i < 5    ? (double)sinks[heads[i]]
                                : i == 5 ? (double)sinks[h] * (double)trial.made.problem.scale
                                         : (double)sinks[(h + 3) % HEADS] + 0.1;
            attend(&trial, h, rule_right, 0, 1, sink);
        }
        expect_and_end(&trial, i < 6 ? SIGNATURE_WRONG_SINK : SIGNATURE_UNKNOWN, details[i]);
    }
}

/* A sink of so little weight that out is right to its tolerance where it counts twice; lse tells. */
static void test_a_sink_by_lse_alone(void **state)
{
    (void)state;
    static const float sinks[4] = {-7, -7, -7, -7};
    struct signature_trial trial = make_trial(500, 4, 2, 64, DTYPE_F16);
    trial.made.problem.sink_logits = sinks;
    for (int h = 0; h < 4; h++)
        trial.made.slopes[h] = 1;
    begin(&trial);
    trial.tolerance.lse = 1e-5;
    for (int h = 0; h < 4; h++)
        attend(&trial, h, rule_right, 0, 2, -7);
    expect_and_end(&trial, SIGNATURE_WRONG_SINK, "2 times");
}

/* v is constant, so that out is right whatever the weights are; lse still tells. */
static void test_dropped_bias_by_lse_alone(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(300, 4, 4, 64, DTYPE_F16);
    float one = 1;
    for (size_t i = 0; i < 300 * 4 * 64; i++)
        dtype_narrow(DTYPE_F16, trial.made.v, i, 1, &one);
    begin(&trial);
    break_all(&trial, rule_no_bias, 0);
    expect_and_end(&trial, SIGNATURE_DROPPED_BIAS, "");
}

/* ---- rounding -------------------------------------------------------------------------------------------------- */

static float bf16(float value)
{
    return dtype_round(DTYPE_BF16, value);
}

static double rule_bias_bf16(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    return visible_or_none(problem, key,
                           scaled_dot(problem, head, key) + (double)bf16(problem->slopes[head] * (float)key));
}

static double rule_all_bf16(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    float bias = bf16(bf16(problem->slopes[head]) * bf16((float)key));
    return visible_or_none(problem, key, scaled_dot(problem, head, key) + (double)bias);
}

static double rule_distance_f16(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    float distance = dtype_round(DTYPE_F16, (float)problem_distance(problem, key));
    return visible_or_none(problem, key,
                           scaled_dot(problem, head, key) + (double)problem->slopes[head] * (double)distance);
}

static double rule_absolute_f32(const struct problem *problem, int head, int64_t key, double offset)
{
    float bias = problem->slopes[head] * (float)(key + (int64_t)offset);
    return visible_or_none(problem, key, (double)(float)(scaled_dot(problem, head, key) + (double)bias));
}

static double rule_absolute_f32_base_2(const struct problem *problem, int head, int64_t key, double offset)
{
    const float log2_e = 0x1.715476p+0f;
    float bias = problem->slopes[head] * log2_e * (float)(key + (int64_t)offset);
    double dot = scaled_dot(problem, head, key) / (double)problem->scale * (double)(problem->scale * log2_e);
    return visible_or_none(problem, key, (double)(float)(dot + (double)bias) / M_LOG2E);
}

/* FlashInfer's order. */
static double rule_absolute_f32_times_log2e(const struct problem *problem, int head, int64_t key, double offset)
{
    const float log2_e = 0x1.715476p+0f;
    float bias = problem->slopes[head] * (float)(key + (int64_t)offset);
    float natural = (float)(scaled_dot(problem, head, key) + (double)bias);
    return visible_or_none(problem, key, (double)(natural * log2_e) / M_LOG2E);
}

static void test_rounded_biases_and_positions(void **state)
{
    (void)state;
    static const struct {
        logit_rule *rule;
        int64_t kv_offset;
        enum dtype dtype;
        enum signature signature;
        const char *detail;
    } rows[] = {
        {rule_bias_bf16, 0, DTYPE_F16, SIGNATURE_PRECISION_LOSS, "biases rounded to bf16, absolute form"},
        {rule_all_bf16, 0, DTYPE_F16, SIGNATURE_PRECISION_LOSS, "rounded to bf16, absolute form"},
        {rule_absolute_f32, 200000, DTYPE_F16, SIGNATURE_PRECISION_LOSS, "rounded to f32, absolute form"},
        {rule_absolute_f32_base_2, 200000, DTYPE_F16, SIGNATURE_PRECISION_LOSS, "absolute form, base 2"},
        {rule_absolute_f32_times_log2e, 200000, DTYPE_F16, SIGNATURE_PRECISION_LOSS,
         "absolute form, then times log2(e)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(900, 12, 2, 64, rows[i].dtype);
        trial.made.problem.kv_offset = rows[i].kv_offset;
        trial.made.problem.q_position += rows[i].kv_offset;
        begin(&trial);
        break_all(&trial, rows[i].rule, (double)rows[i].kv_offset);
        for (int h = 0; h < 12; h++)
            trial.output.lse[h] -= trial.made.slopes[h] * (float)trial.made.problem.q_position;
        expect_and_end(&trial, rows[i].signature, rows[i].detail);
    }
}

/* Where the query stands at position 0 distances are positions: there is no form by which less is rounded. */
static void test_forms_are_one_where_the_query_stands_at_0(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(900, 12, 2, 64, DTYPE_F16);
    trial.made.problem.kv_offset = 200000;
    trial.made.problem.q_position = 0;
    begin(&trial);
    break_all(&trial, rule_absolute_f32, 200000);
    expect_and_end(&trial, SIGNATURE_PRECISION_LOSS, "biases, logits rounded to f32, relative form");
}

/* Rounding can do no more than its bound: what is beyond and looks like it by 19 of 20 parts is something else. */
static void test_rounding_is_not_named_beyond_its_bound(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(900, 12, 2, 64, DTYPE_F16);
    begin(&trial);
    break_all(&trial, rule_bias_bf16, 0);
    for (int h = 0; h < 12; h++) {
        double out[64], truth = trial.truth.lse[h];
        double lse = (double)trial.output.lse[h] - (double)trial.made.slopes[h] * 899;
        for (int d = 0; d < 64; d++) {
            double right = trial.truth.value[h * 64 + d];
            out[d] = right + 0.95 * (out_at(&trial, h, d) - right);
        }
        set_out(&trial, h, out);
        trial.output.lse[h] = (float)(truth + 0.95 * (lse - truth));
    }
    expect(&trial, SIGNATURE_PRECISION_LOSS, "biases rounded to bf16");
    set_bound(&trial, 1e-6);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* Chunks of 256 keys come together with weights exp(lse_c - lse) of the absolute form, rounded to f32. */
static void test_lse_merge_in_the_absolute_form(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(1024, 4, 2, 64, DTYPE_F32);
    const struct problem *problem = &trial.made.problem;
    trial.made.problem.kv_offset = 100000;
    trial.made.problem.q_position += 100000;
    begin(&trial);
    for (int h = 0; h < 4; h++) {
        double out[64] = {0};
        double shift = (double)problem->slopes[h] * (double)problem->q_position;
        double total = 0;
        for (int64_t j = 0; j < 1024; j++)
            total += exp(right_logit(problem, h, j));
        float lse = (float)(log(total) + shift);
        for (int64_t first = 0; first < 1024; first += 256) {
            double sum = 0, chunk[64] = {0};
            for (int64_t j = first; j < first + 256; j++) {
                double weight = exp(right_logit(problem, h, j));
                sum += weight;
                for (int d = 0; d < 64; d++)
                    chunk[d] += weight * element(problem->v, DTYPE_F32,
                                                 problem_row(problem, j, problem_kv_head(problem, h)) + (size_t)d);
            }
            double factor = exp((double)((float)(log(sum) + shift) - lse));
            for (int d = 0; d < 64; d++)
                out[d] += chunk[d] / sum * factor;
        }
        set_out(&trial, h, out);
    }
    trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
    expect_and_end(&trial, SIGNATURE_PRECISION_LOSS, "weights do not add up to 1");
}

/* Distances in f16: rounded beyond 2048, infinite from 65520 on. */
static void test_f16_distances(void **state)
{
    (void)state;
    static const struct {
        int64_t q_position;
        enum signature signature;
        const char *detail;
    } rows[] = {
        {5000, SIGNATURE_PRECISION_LOSS, "positions rounded to f16"},
        {66500, SIGNATURE_DROPPED_KEYS, "keys older than"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(2000, 2, 1, 64, DTYPE_F32);
        trial.made.problem.q_position = rows[i].q_position;
        trial.made.slopes[0] = 0x1p-6f;
        trial.made.slopes[1] = 0x1p-16f;
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-4, 1e-4, 1e-4};
        break_all(&trial, rule_distance_f16, 0);
        expect_and_end(&trial, rows[i].signature, rows[i].detail);
    }
}

/* The lse of the absolute form is slope * P too large before slope * P is taken off. */
static void test_lse_rounded_in_the_absolute_form(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(300, 4, 2, 64, DTYPE_F16);
    trial.made.problem.q_position = 100000;
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-3, 0, 1e-3};
    trial.output.lse[0] += 0x1p-6f; /* 8 ulp */
    expect(&trial, SIGNATURE_PRECISION_LOSS, "lse alone is off");
    trial.output.lse[0] += 0.3f;
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* The contract's logit, exact. */
static double rule_contract(const struct problem *problem, int head, int64_t key, double of)
{
    struct contract_bias bias = contract_bias((enum truth_of)of, problem, head, key);
    double logit = scaled_dot(problem, head, key) + (double)problem->slopes[head] * (double)bias.distance;
    return bias.dropped ? -INFINITY : visible_or_none(problem, key, logit + bias.rounded);
}

/* The same from logits in f32, in the form that the contract's biases have. */
static double rule_contract_f32(const struct problem *problem, int head, int64_t key, double of)
{
    struct contract_bias bias = contract_bias((enum truth_of)of, problem, head, key);
    double slope = (double)problem->slopes[head], shift = slope * (double)problem->q_position;
    double dot = scaled_dot(problem, head, key), logit = (double)(float)(dot + bias.rounded) - shift;
    if ((enum truth_of)of == TRUTH_OF_F16_DISTANCE)
        logit = (double)(float)(dot + (double)(float)(slope * (double)bias.distance));
    return bias.dropped ? -INFINITY : visible_or_none(problem, key, logit);
}

static double rule_contract_logit_bf16(const struct problem *problem, int head, int64_t key, double of)
{
    return (double)dtype_round(DTYPE_BF16, (float)rule_contract(problem, head, key, of));
}

static double rule_contract_newest_missing(const struct problem *problem, int head, int64_t key, double of)
{
    return key >= problem->seq_len - 60 ? -INFINITY : rule_contract(problem, head, key, of);
}

static double rule_inputs(const struct problem *problem, int head, int64_t key, double of)
{
    (void)of;
    return rule_right(problem, head, key, 0);
}

/*
 * What a contract rounds is no failure of a kernel that keeps it: its f32 logits are, or what else it rounds or leaves
 * out. Half of the slopes are powers of 2, with which bf16 positions give bf16 biases. From q_position 65800 on, the
 * contract drops the oldest keys.
 */
static void test_failures_of_a_kernel_that_keeps_a_contract(void **state)
{
    (void)state;
    static const struct {
        enum truth_of truth_of;
        int64_t kv_offset, q_position;
        logit_rule *rule;
        enum signature signature;
        const char *detail;
    } rows[] = {
        {TRUTH_OF_BF16_BIAS, 9000, 9699, rule_contract_f32, SIGNATURE_PRECISION_LOSS,
         "logits rounded to f32, with the contract's biases, absolute form"},
        {TRUTH_OF_BF16_BIAS, 9000, 9699, rule_inputs, SIGNATURE_PRECISION_LOSS, "biases of the inputs in place"},
        {TRUTH_OF_BF16_BIAS, 0, 699, rule_contract_newest_missing, SIGNATURE_DROPPED_KEYS,
         "the newest keys are missing: key 640"},
        {TRUTH_OF_F16_DISTANCE, 0, 65800, rule_contract_f32, SIGNATURE_PRECISION_LOSS,
         "logits rounded to f32, with the contract's distances, relative form"},
        {TRUTH_OF_F16_DISTANCE, 0, 5000, rule_contract_logit_bf16, SIGNATURE_PRECISION_LOSS,
         "logits rounded to bf16, with the contract's distances, relative form"},
        {TRUTH_OF_F16_DISTANCE, 0, 5000, rule_inputs, SIGNATURE_PRECISION_LOSS, "biases of the inputs in place"},
        {TRUTH_OF_F16_DISTANCE, 0, 65800, rule_contract_newest_missing, SIGNATURE_DROPPED_KEYS,
         "the newest keys are missing: key 640"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_F32);
        trial.made.problem.kv_offset = rows[i].kv_offset;
        trial.made.problem.q_position = rows[i].q_position;
        for (int h = 2; h < 4; h++)
            trial.made.slopes[h] *= 1.3f;
        begin_under(&trial, rows[i].truth_of);
        trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
        break_all(&trial, rule_contract, (double)rows[i].truth_of);
        expect(&trial, SIGNATURE_NONE, "");
        break_all(&trial, rows[i].rule, (double)rows[i].truth_of);
        expect_and_end(&trial, rows[i].signature, rows[i].detail);
    }
}

/* The place of a key among the visible ones, from the end. */
static double rule_counted(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    int64_t distance = problem_distance(problem, key);
    for (int64_t other = key + 1; other < problem->seq_len; other++)
        distance += !problem_visible(problem, other);
    double bias = (double)problem->slopes[head] * (double)distance;
    return problem_visible(problem, key) ? scaled_dot(problem, head, key) + bias : -INFINITY;
}

/* Half of the keys are masked, so that biases are about half: which is another name, and nearly right. */
static void test_positions_counted_in_visible_keys(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(300, 4, 2, 64, DTYPE_F32);
    mask_keys(&trial.made, 0, 290, 2);
    mask_keys(&trial.made, 100, 120, 1);
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
    break_all(&trial, rule_counted, 0);
    expect(&trial, SIGNATURE_WRONG_SLOPE, "positions counted in visible keys alone");
    forget_lse(&trial);
    expect_and_end(&trial, SIGNATURE_WRONG_SLOPE, "positions counted in visible keys alone");
    trial = make_trial(300, 4, 2, 64, DTYPE_F32); /* nothing is between: out is right */
    mask_keys(&trial.made, 290, 300, 1);
    mask_keys(&trial.made, 0, 20, 1);
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
    break_all(&trial, rule_counted, 0);
    expect_and_end(&trial, SIGNATURE_BIAS_SHIFT, "+10 keys");
}

/* Out of two keys is a place on a line. A slope of a known origin comes near to it, as one of many would by chance; of
 * three keys that would be none. */
static void test_of_two_keys_out_is_one_number(void **state)
{
    static const struct {
        int64_t keys;
        enum signature signature;
        const char *detail;
    } rows[] = {{2, SIGNATURE_UNKNOWN, ""}, {3, SIGNATURE_WRONG_SLOPE, "1.98 times it"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(rows[i].keys, 1, 1, 64, DTYPE_F32);
        trial.made.slopes[0] = 0.3f;
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
        break_all(&trial, rule_slope, 1.98);
        if (rows[i].keys == 2)
            trial.output.lse[0] = (float)trial.truth.lse[0];
        expect_and_end(&trial, rows[i].signature, rows[i].detail);
    }
}

static double rule_scaled(const struct problem *problem, int head, int64_t key, double factor)
{
    return factor * scaled_dot(problem, head, key);
}

/* Whatever takes nearly all weight off one of two keys comes near to dropping it; no lse says otherwise. */
static void test_one_of_two_keys_is_not_dropped(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(2, 1, 1, 64, DTYPE_F32);
    begin(&trial);
    float *lse = trial.output.lse;
    for (int factor = -9; factor <= -2; factor++) {
        trial.output.lse = lse;
        break_all(&trial, rule_scaled, factor);
        trial.output.lse = NULL;
        find(&trial);
        assert_int_equal(trial.finding.signature, SIGNATURE_UNKNOWN);
    }
    free(lse);
    end(&trial);
}

/* Key 0 has less weight than it should have, by exp(-factor). */
static double rule_weakened(const struct problem *problem, int head, int64_t key, double factor)
{
    double bias = (double)problem->slopes[head] * (double)(key - (problem->seq_len - 1));
    return scaled_dot(problem, head, key) + bias - (key == 0 ? factor : 0);
}

/* What takes most of its weight off one of two keys, so that what is left of it is within the tolerance, may have
 * dropped it by chance. */
static void test_one_of_two_keys_that_is_weakened_is_not_dropped(void **state)
{
    (void)state;
    for (int slope = 18; slope <= 22; slope++) /* in halves */
        for (int factor = 4; factor <= 8; factor++) {
            struct signature_trial trial = make_trial(2, 1, 1, 64, DTYPE_F32);
            trial.made.slopes[0] = (float)slope / 2;
            begin(&trial);
            trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
            break_all(&trial, rule_weakened, factor);
            forget_lse(&trial);
            expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
        }
}

/* A key that has next to all weight: without biases lse is off by its own, and out is right. As many keys moved do
 * that. */
static void test_one_key_tells_no_shift_from_a_slope(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(50, 1, 1, 64, DTYPE_F32);
    const float *q = trial.made.q;
    trial.made.slopes[0] = 1;
    for (int d = 0; d < 64; d++)
        ((float *)trial.made.k)[10 * 64 + d] = 20 * q[d];
    begin(&trial);
    break_all(&trial, rule_no_bias, 0);
    expect(&trial, SIGNATURE_UNKNOWN, "lse is off by slope * +39 keys");
    assert_true(isnan(trial.finding.residual));
    end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dropped_bias),
        cmocka_unit_test(test_dropped_bias_of_an_fp8_cache),
        cmocka_unit_test(test_wrong_slopes_by_their_origin),
        cmocka_unit_test(test_a_sign_is_no_position_without_lse),
        cmocka_unit_test(test_slopes_of_another_head),
        cmocka_unit_test(test_rules_of_slopes_hold_for_all_heads),
        cmocka_unit_test(test_rows_that_are_not_judged_are_no_witnesses),
        cmocka_unit_test(test_slopes_rounded_to_bf16),
        cmocka_unit_test(test_slopes_rounded_among_other_roundings),
        cmocka_unit_test(test_slopes_rounded_in_the_absolute_form),
        cmocka_unit_test(test_an_lse_without_a_bound_speaks_against_a_name),
        cmocka_unit_test(test_an_lse_of_f16_is_off_by_less_than_one_of_bf16),
        cmocka_unit_test(test_a_bias_of_another_form_is_not_gone),
        cmocka_unit_test(test_far_positions_excuse_nothing_in_16_bits),
        cmocka_unit_test(test_a_slope_that_is_next_to_none_is_no_slope),
        cmocka_unit_test(test_a_sink_of_another_head),
        cmocka_unit_test(test_a_sink_by_lse_alone),
        cmocka_unit_test(test_dropped_bias_by_lse_alone),
        cmocka_unit_test(test_rounded_biases_and_positions),
        cmocka_unit_test(test_forms_are_one_where_the_query_stands_at_0),
        cmocka_unit_test(test_rounding_is_not_named_beyond_its_bound),
        cmocka_unit_test(test_lse_merge_in_the_absolute_form),
        cmocka_unit_test(test_f16_distances),
        cmocka_unit_test(test_failures_of_a_kernel_that_keeps_a_contract),
        cmocka_unit_test(test_lse_rounded_in_the_absolute_form),
        cmocka_unit_test(test_positions_counted_in_visible_keys),
        cmocka_unit_test(test_of_two_keys_out_is_one_number),
        cmocka_unit_test(test_one_of_two_keys_is_not_dropped),
        cmocka_unit_test(test_one_of_two_keys_that_is_weakened_is_not_dropped),
        cmocka_unit_test(test_one_key_tells_no_shift_from_a_slope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
