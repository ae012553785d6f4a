/* The library judges: what is right and wrong, the truth that it is held against, and the caller's surroundings. */
#include <fenv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "harness/library/tests/api_trial.h"

/* ---- right and wrong --------------------------------------------------------------------------------------------- */

static void test_a_right_output_passes(void **state)
{
    (void)state;
    const struct small small = made();
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    alibicheck_verdict *verdict = judged(problem, &output);
    assert_int_equal(alibicheck_verdict_passed(verdict), 1);
    assert_string_equal(alibicheck_verdict_status(verdict), "pass");
    assert_string_equal(alibicheck_verdict_signature(verdict), "none");
    assert_true(number_of(verdict, "elements") == ROWS * DIM);
    assert_true(number_of(verdict, "max_ulp_err") <= 0.5 + 1e-6);
    assert_true(isnan(number_of(verdict, "budget_used")));
    assert_int_equal(strncmp(alibicheck_verdict_message(verdict), "right: all 128 elements", 23), 0);
    json_t *record = record_of(verdict);
    assert_text(record, "status", "pass");
    assert_text(record, "dtype", "f32");
    assert_true(json_is_null(json_object_get(record, "kernel")));
    assert_int_equal(json_array_size(json_object_get(record, "heads")), ROWS);
    assert_text(record, "key", "judge:seq_len=37,num_heads=4,num_kv_heads=2,head_dim=16,num_queries=2,dtype=f32");
    json_decref(record);
    alibicheck_verdict_free(verdict);
    alibicheck_problem_free(problem);
}

/* A number in the message's first line that begins so, by its place among the numbers of that line. */
static double in_line(const char *message, const char *begin, int place)
{
    const char *line = strstr(message, begin);
    double number = NAN;
    assert_non_null(line);
    for (char *end; place >= 0; place--, line = end)
        number = strtod(line, &end);
    return number;
}

/* Of more rows than a message has room for the worst are shown, not the first; each with its class. */
static void test_the_worst_rows_are_shown(void **state)
{
    (void)state;
    struct small small = made();
    struct alibicheck_output output = small_output(&small);
    output.lse = NULL;
    alibicheck_problem *problem = problem_of(&small);
    for (int row = 0; row < ROWS; row++)
        small.out[row * DIM + row] += ldexpf(1, 2 * row - 9);
    alibicheck_verdict *verdict = judged(problem, &output);
    const char *message = alibicheck_verdict_message(verdict), *rows = strstr(message, "8 of 8 rows"), *last = rows;
    assert_non_null(rows);
    assert_non_null(strstr(rows, "(a query and a head) are wrong:\n"));
    for (int row = ROWS - 1; row >= 0; row--) {
        char begin[32];
        snprintf(begin, sizeof begin, "\n  %7d %6d ", row / HEADS, row % HEADS);
        const char *at = strstr(rows, begin);
        assert_non_null(at);
        assert_true(at > last);
        last = at;
    }
    assert_non_null(strstr(message, " none\n        1      2 ")); /* the class of row 7, which is first */
    /* No class explains it, so that it is beyond the bound of f32, which is above an ulp. */
    double ulp = in_line(message, "\n        1      3     7 ", 6),
           bounds = in_line(message, "\n        1      3     7 ", 7);
    assert_true(bounds > 1 && bounds < ulp);
    alibicheck_verdict_free(verdict);
    alibicheck_problem_free(problem);
}

static void test_a_wrong_element_is_found(void **state)
{
    (void)state;
    struct small small = made();
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    small.out[(1 * HEADS + 2) * DIM + 7] += 0.5f;
    alibicheck_verdict *verdict = judged(problem, &output);
    assert_int_equal(alibicheck_verdict_passed(verdict), 0);
    assert_string_equal(alibicheck_verdict_status(verdict), "fail");
    assert_true(number_of(verdict, "mismatched") == 1);
    const char *message = alibicheck_verdict_message(verdict);
    assert_non_null(strstr(message, "wrong: 1 of 128 elements of out"));
    assert_non_null(strstr(message, "\n        1      2     7 "));
    assert_non_null(strstr(message, "\n  cause: "));
    assert_non_null(strstr(message, "1 of 8 rows (a query and a head) is wrong:"));
    assert_non_null(strstr(message, "errors in ulp of f32 and in bounds of class "));
    assert_null(strstr(message, "alibicheck explain`"));
    json_t *record = record_of(verdict), *worst = json_object_get(record, "worst");
    assert_int_equal(json_integer_value(json_object_get(worst, "query")), 1);
    assert_int_equal(json_integer_value(json_object_get(worst, "head")), 2);
    assert_int_equal(json_integer_value(json_object_get(worst, "dim")), 7);
    json_decref(record);
    alibicheck_verdict_free(verdict);
    alibicheck_problem_free(problem);
}

static void test_the_worst_elements_come_first(void **state)
{
    (void)state;
    struct small small = made();
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    for (int d = 0; d < 8; d++) /* dim 5 is NaN, dims 6, 4 and 2 are as far off */
        small.out[d] += d == 5 ? NAN : d % 2 ? 0.25f * (float)(d + 1) : 16;
    small.lse[3] = NAN;
    alibicheck_verdict *verdict = judged(problem, &output);
    const char *message = alibicheck_verdict_message(verdict), *at = message;
    assert_non_null(strstr(message, "wrong: 8 of 128 elements of out"));
    assert_non_null(strstr(message, "1 NaN and 0 infinite among them; 1 of 8 lse are off, NaN among them"));
    for (int i = 0; i < 5; i++) { /* of equals the first, by the share of their tolerances */
        int query, head, dim;
        at = strstr(at, "\n        0      0 ");
        assert_non_null(at);
        assert_int_equal(sscanf(at, "%d %d %d", &query, &head, &dim), 3);
        assert_true(i == 0 ? dim == 5 : dim % 2 == 0);
        at++;
    }
    alibicheck_verdict_free(verdict);
    alibicheck_problem_free(problem);
}

static void test_a_wrong_lse_is_found(void **state)
{
    (void)state;
    struct small small = made();
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    small.lse[3] += 1;
    alibicheck_verdict *verdict = judged(problem, &output);
    assert_int_equal(alibicheck_verdict_passed(verdict), 0);
    assert_non_null(strstr(alibicheck_verdict_message(verdict), "wrong: 1 of 8 lse are off by up to 1 nats"));
    alibicheck_verdict_free(verdict);
    alibicheck_problem_free(problem);
}

static void test_a_tolerance_decides(void **state)
{
    (void)state;
    struct small small = made();
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    alibicheck_options *options;
    alibicheck_verdict *verdict;
    small.out[5] += 0.25f;
    small.out[6] += 1e-4f; /* more than f32 allows, and less than f16 does */
    verdict = judged(problem, &output);
    assert_true(number_of(verdict, "mismatched") == 2);
    alibicheck_verdict_free(verdict);
    assert_ok(alibicheck_options_new(&options, &error));
    assert_ok(alibicheck_options_set_tolerance(options, 0.5, 0, -1, &error));
    assert_ok(alibicheck_judge(&verdict, problem, &output, NULL, options, &error));
    assert_int_equal(alibicheck_verdict_passed(verdict), 1);
    alibicheck_verdict_free(verdict);
    alibicheck_options_free(options);
    alibicheck_problem_free(problem);
}

static void test_which_of_two_is_wrong(void **state)
{
    (void)state;
    const struct small right = made();
    struct small wrong = right;
    const struct alibicheck_output output = small_output(&right), other = small_output(&wrong);
    alibicheck_problem *problem = problem_of(&right);
    alibicheck_verdict *verdict;
    wrong.out[3] -= 0.25f;
    assert_ok(alibicheck_judge(&verdict, problem, &output, &other, NULL, &error));
    assert_int_equal(alibicheck_verdict_passed(verdict), 1);
    assert_non_null(strstr(alibicheck_verdict_message(verdict), "other: is wrong (1 of 128 elements"));
    assert_non_null(strstr(alibicheck_verdict_message(verdict), "out is at fault in 0, other in 1, both in 0"));
    json_t *record = record_of(verdict);
    json_t *fault = json_object_get(json_object_get(record, "references"), "other");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(fault, "at_fault"), "reference")), 1);
    json_decref(record);
    alibicheck_verdict_free(verdict);
    assert_ok(alibicheck_judge(&verdict, problem, &other, &output, NULL, &error));
    assert_int_equal(alibicheck_verdict_passed(verdict), 0);
    assert_non_null(strstr(alibicheck_verdict_message(verdict), "other: is right"));
    alibicheck_verdict_free(verdict);
    alibicheck_problem_free(problem);
}

static void test_a_cause_is_named(void **state)
{
    (void)state;
    struct small small = made();
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    for (int i = 0; i < ROWS * DIM; i++)
        small.out[i] = 0;
    for (int row = 0; row < ROWS; row++)
        small.lse[row] = -INFINITY;
    alibicheck_verdict *verdict = judged(problem, &output);
    assert_string_equal(alibicheck_verdict_signature(verdict), "silent-zero");
    assert_non_null(strstr(alibicheck_verdict_message(verdict), "cause: silent-zero: "));
    alibicheck_verdict_free(verdict);
    alibicheck_problem_free(problem);
}

/* ---- truth ------------------------------------------------------------------------------------------------------- */

static void test_the_truth_and_its_radius(void **state)
{
    (void)state;
    const struct small small = made();
    alibicheck_problem *problem = problem_of(&small);
    alibicheck_truth *truth;
    assert_ok(alibicheck_truth_compute(&truth, problem, NULL, &error));
    const double *value = alibicheck_truth_array(truth, ALIBICHECK_TRUTH_VALUE),
                 *tail = alibicheck_truth_array(truth, ALIBICHECK_TRUTH_TAIL),
                 *radius = alibicheck_truth_array(truth, ALIBICHECK_TRUTH_RADIUS),
                 *lse = alibicheck_truth_array(truth, ALIBICHECK_TRUTH_LSE);
    for (int i = 0; i < ROWS * DIM; i++) {
        assert_true((float)value[i] == small.out[i]);
        assert_true(fabs(tail[i]) <= ldexp(fabs(value[i]), -53));
        assert_true(radius[i] >= 0 && radius[i] < 1e-18);
    }
    for (int row = 0; row < ROWS; row++)
        assert_true((float)lse[row] == small.lse[row]);
    assert_null(alibicheck_truth_array(truth, (enum alibicheck_truth_array)7));
    alibicheck_truth_free(truth);
    alibicheck_problem_free(problem);
}

static void test_a_verdict_has_the_truth_that_it_was_reached_by(void **state)
{
    (void)state;
    const struct small small = made();
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    alibicheck_verdict *verdict = judged(problem, &output);
    alibicheck_truth *truth;
    assert_ok(alibicheck_truth_compute(&truth, problem, NULL, &error));
    assert_memory_equal(alibicheck_truth_array(alibicheck_verdict_truth(verdict), ALIBICHECK_TRUTH_VALUE),
                        alibicheck_truth_array(truth, ALIBICHECK_TRUTH_VALUE), ROWS * DIM * sizeof(double));
    alibicheck_truth_free(truth);
    alibicheck_verdict_free(verdict);
    alibicheck_problem_free(problem);
}

static void test_a_class_is_found_and_asked_for(void **state)
{
    (void)state;
    struct small small = made();
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    alibicheck_options *options;
    alibicheck_verdict *verdict = judged(problem, &output);
    assert_string_equal(alibicheck_verdict_class(verdict), "output");
    alibicheck_verdict_free(verdict);
    small.out[0] = nextafterf(small.out[0], 1);
    assert_ok(alibicheck_options_new(&options, &error));
    assert_ok(alibicheck_options_set_class(options, "output", &error));
    assert_ok(alibicheck_judge(&verdict, problem, &output, NULL, options, &error));
    assert_string_equal(alibicheck_verdict_class(verdict), "f32");
    assert_int_equal(alibicheck_verdict_passed(verdict), 0);
    alibicheck_verdict_free(verdict);
    assert_ok(alibicheck_options_set_class(options, "any", &error));
    assert_ok(alibicheck_judge(&verdict, problem, &output, NULL, options, &error));
    assert_int_equal(alibicheck_verdict_passed(verdict), 1);
    alibicheck_verdict_free(verdict);
    assert_int_equal(alibicheck_options_set_class(options, "f64", &error), ALIBICHECK_INVALID);
    assert_int_equal(
        strncmp(error.text, "class \"f64\": allowed: any, output, f32, or f32 with some of +weights16, ", 71), 0);
    alibicheck_options_free(options);
    alibicheck_problem_free(problem);
}

/* ---- the caller's surroundings ----------------------------------------------------------------------------------- */

static void test_the_computing_environment_is_kept_and_plays_no_part(void **state)
{
    (void)state;
    const struct small small = made();
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    alibicheck_verdict *plain = judged(problem, &output);
    assert_int_equal(fesetround(FE_UPWARD), 0);
    alibicheck_verdict *upward = judged(problem, &output);
    assert_int_equal(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    json_t *records[] = {record_of(plain), record_of(upward)};
    for (int i = 0; i < 2; i++)
        json_object_del(records[i], "seconds");
    assert_true(json_equal(records[0], records[1]));
    json_decref(records[0]);
    json_decref(records[1]);
    alibicheck_verdict_free(plain);
    alibicheck_verdict_free(upward);
    alibicheck_problem_free(problem);
}

static void test_work_is_cancelled(void **state)
{
    (void)state;
    const struct small small = made();
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    alibicheck_options *options;
    alibicheck_progress *progress;
    alibicheck_verdict *verdict;
    const char *step;
    int64_t done, total;
    assert_ok(alibicheck_options_new(&options, &error));
    assert_ok(alibicheck_progress_new(&progress, &error));
    assert_ok(alibicheck_options_set_progress(options, progress, &error));
    alibicheck_progress_read(progress, &step, &done, &total);
    assert_string_equal(step, "");
    assert_true(done == 0 && total == 0);
    assert_ok(alibicheck_judge(&verdict, problem, &output, NULL, options, &error));
    alibicheck_progress_read(progress, &step, &done, &total);
    assert_string_equal(step, "class");
    assert_true(done == 0 && total == 0); /* which does not say how far it is */
    alibicheck_verdict_free(verdict);
    alibicheck_progress_cancel(progress);
    assert_int_equal(alibicheck_judge(&verdict, problem, &output, NULL, options, &error), ALIBICHECK_CANCELLED);
    assert_null(verdict);
    alibicheck_progress_free(progress);
    alibicheck_options_free(options);
    alibicheck_problem_free(problem);
}

static void test_threads_change_nothing(void **state)
{
    (void)state;
    const struct small small = made();
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    json_t *first = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        alibicheck_options *options;
        alibicheck_verdict *verdict;
        assert_ok(alibicheck_options_new(&options, &error));
        assert_ok(alibicheck_options_set_threads(options, threads, &error));
        assert_ok(alibicheck_judge(&verdict, problem, &output, NULL, options, &error));
        json_t *record = record_of(verdict);
        json_object_del(record, "seconds");
        assert_true(!first || json_equal(first, record));
        if (first)
            json_decref(record);
        else
            first = record;
        alibicheck_verdict_free(verdict);
        alibicheck_options_free(options);
    }
    json_decref(first);
    alibicheck_problem_free(problem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_right_output_passes),
        cmocka_unit_test(test_the_worst_rows_are_shown),
        cmocka_unit_test(test_a_wrong_element_is_found),
        cmocka_unit_test(test_the_worst_elements_come_first),
        cmocka_unit_test(test_a_wrong_lse_is_found),
        cmocka_unit_test(test_a_tolerance_decides),
        cmocka_unit_test(test_which_of_two_is_wrong),
        cmocka_unit_test(test_a_cause_is_named),
        cmocka_unit_test(test_the_truth_and_its_radius),
        cmocka_unit_test(test_a_verdict_has_the_truth_that_it_was_reached_by),
        cmocka_unit_test(test_a_class_is_found_and_asked_for),
        cmocka_unit_test(test_the_computing_environment_is_kept_and_plays_no_part),
        cmocka_unit_test(test_work_is_cancelled),
        cmocka_unit_test(test_threads_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
