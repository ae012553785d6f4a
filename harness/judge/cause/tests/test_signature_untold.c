/* Outputs that two causes explain alike, of which none may be named. */
#include "harness/judge/cause/tests/signature_trial.h"

/* Of one key lse is its logit: whether lse or the logit was multiplied, or lost, does not show. Of many keys it does.
 */
static void test_lse_of_one_key(void **state)
{
    (void)state;
    for (int keys = 1; keys <= 300; keys += 299)
        for (int i = 0; i < 3; i++) {
            struct signature_trial trial = make_trial(keys, 4, 1, 64, DTYPE_F32);
            begin(&trial);
            for (int h = 0; h < 4; h++) {
                double max = -INFINITY, lse = trial.truth.lse[h];
                for (int64_t j = 0; j < keys; j++)
                    max = fmax(max, rule_right(&trial.made.problem, h, j, 0));
                trial.output.lse[h] = (float)(i == 0 ? lse - max : i == 1 ? lse * M_LN2 : lse * M_LOG2E);
            }
            expect_and_end(&trial, keys == 1 ? SIGNATURE_UNKNOWN : SIGNATURE_WRONG_LSE, "");
        }
}

/* A key that is counted twice makes an lse larger by ln 2, and where it is the only one that is all. */
static void test_one_key_counted_twice(void **state)
{
    (void)state;
    static const struct {
        int keys;
        double constant;
        enum signature signature;
    } rows[] = {
        {1, M_LN2, SIGNATURE_UNKNOWN},
        {1, 0.75, SIGNATURE_WRONG_LSE},
        {1, -M_LN2, SIGNATURE_WRONG_LSE},
        {300, M_LN2, SIGNATURE_WRONG_LSE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(rows[i].keys, 4, 1, 64, DTYPE_F32);
        begin(&trial);
        for (int h = 0; h < 4; h++)
            trial.output.lse[h] = (float)(trial.truth.lse[h] + rows[i].constant);
        expect_and_end(&trial, rows[i].signature, "");
    }
}

static void zero_query(struct signature_trial *trial)
{
    const struct problem *problem = &trial->made.problem;
    memset(trial->made.q, 0,
           (size_t)problem->num_heads * (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes);
    memset(trial->made.slopes, 0, (size_t)problem->num_heads * sizeof(float));
}

/* Where all keys weigh alike, values of another KV head give the row of its query head. Heads of a group that are wrong
 * together tell. */
static void test_a_row_copied_from_another_head(void **state)
{
    (void)state;
    for (int wrong = 1; wrong <= 2; wrong++) {
        struct signature_trial trial = make_trial(33, 4, 2, 64, DTYPE_F16);
        zero_query(&trial);
        begin(&trial);
        for (int h = 4 - wrong; h < 4; h++)
            set_out(&trial, h, trial.truth.value);
        if (wrong == 1)
            expect_and_end(&trial, SIGNATURE_UNKNOWN, "bit for bit");
        else
            expect_and_end(&trial, SIGNATURE_WRONG_KV_HEAD, "");
    }
}

/* Far from the query bf16 has one number for the biases of a few keys: no bias looks like that, unless lse tells. */
static void test_a_bias_that_is_gone_or_rounded_away(void **state)
{
    (void)state;
    static const struct {
        int far;
        bool with_lse;
        enum signature signature;
    } rows[] = {
        {2008, false, SIGNATURE_UNKNOWN}, {2008, true, SIGNATURE_DROPPED_BIAS}, {0, false, SIGNATURE_DROPPED_BIAS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(4, 2, 1, 64, DTYPE_F32);
        trial.made.problem.q_position += rows[i].far;
        trial.made.slopes[0] = trial.made.slopes[1] = 0x1p-2f;
        begin(&trial);
        const struct truth right = trial.truth;
        free(trial.output.out);
        free(trial.output.lse);
        trial.made.slopes[0] = trial.made.slopes[1] = 0;
        begin(&trial); /* the output is the truth of no bias */
        truth_clear(&trial.truth);
        trial.truth = right;
        trial.made.slopes[0] = trial.made.slopes[1] = 0x1p-2f;
        if (!rows[i].with_lse)
            forget_lse(&trial);
        expect_and_end(&trial, rows[i].signature,
                       rows[i].signature == SIGNATURE_UNKNOWN ? "rounded to one number" : "");
    }
}

/* lse says that the weights were there; of weights that are small enough they may have been rounded to 0. */
static void test_zeros_beside_a_right_lse(void **state)
{
    (void)state;
    static const double zeros[64];
    for (int keys = 64; keys <= 4096; keys *= 64) {
        struct signature_trial trial = make_trial(keys, 2, 1, 64, DTYPE_F16);
        zero_query(&trial);
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-4, 1e-3, 1e-3};
        for (int h = 0; h < 2; h++)
            set_out(&trial, h, zeros);
        if (keys == 64)
            expect(&trial, SIGNATURE_UNKNOWN, "lse is right");
        else
            expect(&trial, SIGNATURE_SILENT_ZERO, "");
        trial.output.lse[0] = trial.output.lse[1] = -100;
        expect_and_end(&trial, SIGNATURE_SILENT_ZERO, "");
    }
}

/* Each value is that of the key before with the other sign, or the other one; and their weights are nearly alike. */
static void cancel_values(struct signature_trial *trial)
{
    struct problem *problem = &trial->made.problem;
    const size_t row = (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    float *v = trial->made.v;
    problem->scale = 0x1p-10f;
    memset(trial->made.slopes, 0, (size_t)problem->num_heads * sizeof(float));
    for (size_t i = 0; i < row * (size_t)problem->seq_len; i++)
        v[i] = i / row % 2 ? -v[i - row] : v[i];
}

/* Where values cancel a row of zeros is next to right, and lse is off for another reason. */
static void test_zeros_where_values_cancel(void **state)
{
    (void)state;
    static const double zeros[64];
    for (int cancel = 0; cancel < 2; cancel++) {
        struct signature_trial trial = make_trial(64, 2, 1, 64, DTYPE_F32);
        if (cancel)
            cancel_values(&trial);
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-7, 1e-7, 1e-3};
        for (int h = 0; h < 2; h++) {
            set_out(&trial, h, zeros);
            trial.output.lse[h] = (float)(trial.truth.lse[h] - 0.25 * (h + 1));
        }
        expect_and_end(&trial, cancel ? SIGNATURE_UNKNOWN : SIGNATURE_SILENT_ZERO, "");
    }
}

/* Beside a learned sink keys have no weight where anything lowers their logits: the lse says that it is so. */
static void test_zeros_beside_a_sink(void **state)
{
    (void)state;
    static const double zeros[64];
    static const float sinks[] = {2, -1};
    struct signature_trial trial = make_trial(64, 2, 1, 64, DTYPE_F16);
    trial.made.problem.sink_logits = sinks;
    begin(&trial);
    for (int h = 0; h < 2; h++) {
        set_out(&trial, h, zeros);
        trial.output.lse[h] = sinks[h];
    }
    expect(&trial, SIGNATURE_SILENT_ZERO, "that of the learned sink alone");
    assert_non_null(strstr(trial.finding.remedy, "beside the learned sink"));
    end(&trial);
}

/* Beside so many slots whose logits are 0 keys may weigh so little that out rounds to 0: the lse counts the slots. One
 * of them is also a sum that began with 1 at a maximum of 0. */
static void test_zeros_beside_slots(void **state)
{
    (void)state;
    static const struct {
        double lse;
        enum signature signature;
        const char *says;
    } rows[] = {
        {1.3862943611198906, SIGNATURE_UNKNOWN, "4 slots of zeros"},
        {0, SIGNATURE_SILENT_ZERO, ""},
        {1.25, SIGNATURE_SILENT_ZERO, ""},
        {8, SIGNATURE_SILENT_ZERO, ""},
    };
    static const double zeros[64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(64, 2, 1, 64, DTYPE_F16);
        zero_query(&trial);
        trial.made.slopes[0] = trial.made.slopes[1] = 0.25f;
        trial.made.problem.q_position += 400;
        begin(&trial);
        for (int h = 0; h < 2; h++) {
            set_out(&trial, h, zeros);
            trial.output.lse[h] = (float)rows[i].lse;
        }
        expect_and_end(&trial, rows[i].signature, rows[i].says);
    }
}

static double rule_scaled_twice(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    return (double)problem->scale * scaled_dot(problem, head, key);
}

/* Where q.k is one number for all keys, another scale moves lse by another one, as anything may. */
static void test_a_scale_of_keys_that_are_alike(void **state)
{
    (void)state;
    for (int alike = 0; alike < 2; alike++) {
        struct signature_trial trial = make_trial(300, 4, 1, 64, DTYPE_F32);
        memset(trial.made.slopes, 0, 4 * sizeof(float));
        float *k = trial.made.k;
        for (int i = 64; i < 300 * 64 && alike; i++)
            k[i] = k[i % 64];
        begin(&trial);
        for (int h = 0; h < 4; h++) {
            double product = scaled_dot(&trial.made.problem, h, 0);
            if (alike)
                trial.output.lse[h] = (float)(trial.truth.lse[h] + ((double)trial.made.problem.scale - 1) * product);
            else
                attend(&trial, h, rule_scaled_twice, 0, 0, 0);
        }
        expect_and_end(&trial, alike ? SIGNATURE_UNKNOWN : SIGNATURE_WRONG_SCALE, "");
    }
}

/* Of the 8 ways to round weights one is as near to any one number as it should be to its own, in one case of a few; it
 * takes more elements to tell them. */
static void test_one_element_is_no_rounding(void **state)
{
    (void)state;
    int named = 0;
    for (int i = -40; i <= 40; i++) {
        struct signature_trial trial = make_trial(300, 1, 1, 1, DTYPE_F16);
        begin(&trial);
        const double out = trial.truth.value[0] * (1 + i / 640.0);
        set_out(&trial, 0, &out);
        find(&trial);
        named += trial.finding.signature != SIGNATURE_UNKNOWN && trial.finding.signature != SIGNATURE_NONE;
        end(&trial);
    }
    assert_int_equal(named, 0);
}

/* The value of the key that has most weight, or of the last one: anything that makes logits differ more leaves out as
 * that. The lse of that key alone says that the others are missing. */
static void test_one_key_is_left(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct signature_trial trial = make_trial(40, 4, 1, 64, DTYPE_F16);
        const struct problem *problem = &trial.made.problem;
        zero_query(&trial);
        begin(&trial);
        for (int h = 0; h < 4; h++) {
            int64_t kept = i / 2 ? 39 : 17 + h;
            double out[64];
            for (int d = 0; d < 64; d++)
                out[d] = element(problem->v, DTYPE_F16, problem_row(problem, kept, 0) + (size_t)d);
            set_out(&trial, h, out);
            trial.output.lse[h] = 0;
        }
        if (i % 2 == 0)
            forget_lse(&trial);
        expect_and_end(&trial, i == 3 ? SIGNATURE_DROPPED_KEYS : SIGNATURE_UNKNOWN, "");
    }
}

/* Positions that begin anew at key 256, which the steep slopes show as keys that are missing from there on. */
static double rule_begins_anew(const struct problem *problem, int head, int64_t key, double parameter)
{
    double distance = (double)problem_distance(problem, key) - (key >= 256 ? parameter : 0);
    return scaled_dot(problem, head, key) + (double)problem->slopes[head] * distance;
}

/* The worst rows are those of the steepest slopes; the gentlest one tells the two apart. */
static void test_steep_rows_are_not_believed_alone(void **state)
{
    (void)state;
    for (int missing = 0; missing < 2; missing++) {
        struct signature_trial trial = make_trial(300, 8, 2, 64, DTYPE_F32);
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
        break_all(&trial, rule_begins_anew, missing ? 1e6 : 256);
        forget_lse(&trial);
        expect(&trial, missing ? SIGNATURE_DROPPED_KEYS : SIGNATURE_UNKNOWN,
               missing ? "the newest keys are missing: key 256 and newer" : "the newest keys are missing: key 256");
        assert_true(missing || strstr(trial.finding.detail, "; head 7 is not"));
        end(&trial);
    }
}

/* The logits of masked keys alone. */
static double rule_masked_alone(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    return problem_visible(problem, key) ? -INFINITY : right_logit(problem, head, key);
}

/* An lse that is right denies that masked keys have all the weight. */
static void test_a_right_lse_denies_a_leak(void **state)
{
    (void)state;
    for (int right = 0; right < 2; right++) {
        struct signature_trial trial = make_trial(64, 4, 1, 64, DTYPE_F16);
        mask_keys(&trial.made, 40, 64, 1);
        begin(&trial);
        for (int h = 0; h < 4; h++) {
            const double lse = trial.truth.lse[h];
            attend(&trial, h, rule_masked_alone, 0, 0, 0);
            trial.output.lse[h] = right ? (float)lse : (float)lse + 40;
        }
        expect_and_end(&trial, right ? SIGNATURE_UNKNOWN : SIGNATURE_LEAK, "");
    }
}

/* Near position 2^31 f32 rounds biases of absolute form to anything; an error that is not of theirs, and too large for
 * other roundings, is none. */
static void test_far_positions_are_no_excuse(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(64, 1, 1, 64, DTYPE_F32);
    trial.made.problem.kv_offset = 2147483000;
    trial.made.problem.q_position = 2147483000 + 63;
    trial.made.slopes[0] = 0x1p-8f;
    begin(&trial);
    trial.is_rounding = true;
    double out[64];
    for (int d = 0; d < 64; d++)
        out[d] = trial.truth.value[d] + 0.04 * sin(17.0 * d * d) * trial.truth.magnitude[d];
    set_out(&trial, 0, out);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lse_of_one_key),
        cmocka_unit_test(test_one_key_counted_twice),
        cmocka_unit_test(test_a_row_copied_from_another_head),
        cmocka_unit_test(test_a_bias_that_is_gone_or_rounded_away),
        cmocka_unit_test(test_zeros_beside_a_right_lse),
        cmocka_unit_test(test_zeros_where_values_cancel),
        cmocka_unit_test(test_zeros_beside_a_sink),
        cmocka_unit_test(test_zeros_beside_slots),
        cmocka_unit_test(test_a_scale_of_keys_that_are_alike),
        cmocka_unit_test(test_one_element_is_no_rounding),
        cmocka_unit_test(test_one_key_is_left),
        cmocka_unit_test(test_steep_rows_are_not_believed_alone),
        cmocka_unit_test(test_a_right_lse_denies_a_leak),
        cmocka_unit_test(test_far_positions_are_no_excuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
