/* Failures of visible keys by name: keys, chunks and windows that are missing. */
#include "harness/judge/cause/tests/signature_trial.h"

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
    /* By no more than an lse may be off that was made of logits in as few bits as out has. */
    static const struct {
        float slope;
        logit_rule *rule;
        double parameter;
        const char *detail;
    } rows[] = {
        {0x1p-8f, rule_older_missing, 680, "keys older than 680 missing"},
        {0x1p-6f, rule_chunk_missing, 2, "keys 256 to 383 missing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        trial = make_trial(700, 1, 1, 64, DTYPE_BF16);
        trial.made.slopes[0] = rows[i].slope;
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-4, 1e-3, 1e-3};
        break_all(&trial, rows[i].rule, rows[i].parameter);
        expect(&trial, SIGNATURE_DROPPED_KEYS, rows[i].detail);
        trial.output.lse[0] = (float)trial.truth.lse[0] + 5e-4f;
        find(&trial);
        if (trial.finding.signature == SIGNATURE_DROPPED_KEYS)
            fail_msg("%s", trial.finding.detail);
        end(&trial);
    }
}

/* An output of fewer keys beside an lse that is right, to what rounding allows it. */
static void test_keys_are_not_missing_beside_an_lse_of_all(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_F16);
    begin(&trial);
    set_bound(&trial, 1e-3);
    set_lse_bound(&trial, 1e-5);
    break_all(&trial, rule_newest_missing, 60);
    expect(&trial, SIGNATURE_DROPPED_KEYS, "key 640");
    for (int h = 0; h < 4; h++)
        trial.output.lse[h] = (float)trial.truth.lse[h];
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

/* What a prediction leaves has to be rounding: of f32 it is thousands of tolerances. Of 16 bits it may be, and so may
 * keys that weigh a little: where the prediction would fail the tolerance itself, it is neither. */
static void test_what_leaves_more_than_rounding_is_no_name(void **state)
{
    (void)state;
    static const struct {
        enum dtype dtype;
        double tolerance;
        enum signature signature;
    } rows[] = {{DTYPE_F32, 1e-5, SIGNATURE_UNKNOWN},
                {DTYPE_F32, 2e-3, SIGNATURE_UNKNOWN},
                {DTYPE_F16, 1e-3, SIGNATURE_UNKNOWN},
                {DTYPE_F16, 2e-2, SIGNATURE_DROPPED_KEYS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = make_trial(700, 4, 2, 64, rows[i].dtype);
        begin(&trial);
        trial.tolerance = (struct tolerance){rows[i].tolerance, rows[i].tolerance, 1e-3};
        break_all(&trial, rule_newest_missing, 1);
        expect(&trial, SIGNATURE_DROPPED_KEYS, "the newest keys are missing");
        leave_something(&trial);
        expect_and_end(&trial, rows[i].signature, "");
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

/* Keys behind a steep slope are too light to be missed: of those on that side as many are claimed as would show. */
static void test_keys_that_would_not_show(void **state)
{
    (void)state;
    for (int steep = 0; steep < 2; steep++) {
        struct signature_trial trial = make_trial(64, 2, 1, 64, DTYPE_F32);
        trial.made.slopes[0] = trial.made.slopes[1] = steep ? 1 : 0;
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
        break_all(&trial, rule_older_missing, 7);
        expect(&trial, SIGNATURE_DROPPED_KEYS, "keys older than 7 missing, 56 of 64 visible ones");
        const char *says = strstr(trial.finding.detail, ", of which ");
        assert_int_equal(says != NULL, steep);
        if (says)
            assert_in_range(strtol(says + strlen(", of which "), NULL, 10), 4, 16);
        end(&trial);
    }
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

/* Values that cancel: out is 0, and lse is right, as where nothing is lost. Beside a sink that has next to all weight a
 * lost chunk of all keys leaves 0 as well, and so do weights or an output that are rounded to nothing: out shows none
 * of them. */
static void test_values_that_cancel_show_nothing_lost(void **state)
{
    (void)state;
    static const float sinks[4] = {24, 24, 24, 24};
    struct signature_trial trial = make_trial(8, 4, 2, 64, DTYPE_F32);
    const double zeros[64] = {0};
    trial.made.problem.sink_logits = sinks;
    trial.made.problem.scale = 0; /* all keys have one weight */
    for (int h = 0; h < 4; h++)
        trial.made.slopes[h] = 0;
    for (int row = 0; row < 8 * 2; row++)
        for (int d = 0; d < 64; d++) /* 1/2 in all; of fewer keys, or of some twice, far from 0 */
            ((float *)trial.made.v)[row * 64 + d] = row / 2 == 7 ? -507.5f : (float)(4 << row / 2);
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-15, 1e-5, 1e-3};
    for (int h = 0; h < 4; h++)
        set_out(&trial, h, zeros);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_keys),
        cmocka_unit_test(test_a_wrong_weight_is_no_missing_key),
        cmocka_unit_test(test_keys_are_not_missing_where_lse_rose),
        cmocka_unit_test(test_keys_are_not_missing_beside_an_lse_of_all),
        cmocka_unit_test(test_keys_newer_than_the_query_missing),
        cmocka_unit_test(test_chunks_cut_off_in_the_merge),
        cmocka_unit_test(test_what_explains_half_of_the_rows_is_no_name),
        cmocka_unit_test(test_what_leaves_more_than_rounding_is_no_name),
        cmocka_unit_test(test_what_a_bound_allows_is_rounding),
        cmocka_unit_test(test_keys_are_missing_beside_a_sink),
        cmocka_unit_test(test_no_key_is_left_beside_a_sink),
        cmocka_unit_test(test_values_that_cancel_show_nothing_lost),
        cmocka_unit_test(test_keys_that_would_not_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
