#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "harness/library/tests/api_fixture.h"
#include "harness/support/tests/scratch.h"

static struct alibicheck_error error;

#define assert_ok(call)                      \
    do {                                     \
        if (call)                            \
            fail_msg("%s", error.text);      \
        assert_string_equal(error.text, ""); \
    } while (0)

static struct small made(void)
{
    struct small small;
    small_make(&small);
    return small;
}

static alibicheck_problem *problem_of(const struct small *small)
{
    alibicheck_problem *problem;
    assert_ok(small_problem(&problem, small, &error));
    return problem;
}

static alibicheck_verdict *judged(const alibicheck_problem *problem, const struct alibicheck_output *output)
{
    alibicheck_verdict *verdict;
    assert_ok(alibicheck_judge(&verdict, problem, output, NULL, NULL, &error));
    return verdict;
}

static double number_of(const alibicheck_verdict *verdict, const char *metric)
{
    double number;
    assert_ok(alibicheck_verdict_number(verdict, metric, &number, &error));
    return number;
}

static json_t *record_of(const alibicheck_verdict *verdict)
{
    json_error_t where;
    json_t *record = json_loads(alibicheck_verdict_json(verdict), 0, &where);
    if (!record)
        fail_msg("%s", where.text);
    return record;
}

static void assert_text(const json_t *record, const char *field, const char *expected)
{
    assert_string_equal(json_string_value(json_object_get(record, field)), expected);
}

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

/* ---- tensors as they lie ----------------------------------------------------------------------------------------- */

/* The digests of inputs and truth of a problem that holds the same. */
static void assert_same_problem(const alibicheck_problem *problem, const struct small *small)
{
    const struct alibicheck_output output = small_output(small);
    alibicheck_problem *plain = problem_of(small);
    alibicheck_verdict *verdicts[] = {judged(plain, &output), judged(problem, &output)};
    json_t *records[] = {record_of(verdicts[0]), record_of(verdicts[1])};
    assert_text(records[1], "input_digest", json_string_value(json_object_get(records[0], "input_digest")));
    assert_text(records[1], "truth_digest", json_string_value(json_object_get(records[0], "truth_digest")));
    for (int i = 0; i < 2; i++) {
        json_decref(records[i]);
        alibicheck_verdict_free(verdicts[i]);
    }
    alibicheck_problem_free(plain);
}

static void test_strides_of_any_kind(void **state)
{
    (void)state;
    const struct small small = made();
    /* v[KV head, dim, key], its keys from the last to the first. */
    static float turned[KV_HEADS * DIM * KEYS];
    for (int j = 0; j < KEYS; j++)
        for (int i = 0; i < KV_HEADS * DIM; i++)
            turned[i * KEYS + KEYS - 1 - j] = small.v[j * KV_HEADS * DIM + i];
    const struct alibicheck_tensor v = {turned + KEYS - 1, ALIBICHECK_F32, {-1, DIM * KEYS, KEYS}};
    alibicheck_problem *problem = problem_of(&small);
    assert_ok(alibicheck_problem_set_v(problem, &v, &error));
    assert_same_problem(problem, &small);
    alibicheck_problem_free(problem);
}

static void test_pages_in_any_order(void **state)
{
    (void)state;
    enum { SLOTS = 8, PAGES = 7, PAGE = SLOTS * KV_HEADS * DIM };
    static const int64_t numbers[] = {4, 0, 6, 1, 3};
    static float pool[2][PAGES * PAGE];
    const struct small small = made();
    memset(pool, 0xff, sizeof pool); /* NaN: what is not read does not matter */
    for (int j = 0; j < KEYS; j++)
        for (int i = 0; i < KV_HEADS * DIM; i++) {
            size_t at = (size_t)numbers[j / SLOTS] * PAGE + (size_t)(j % SLOTS * KV_HEADS * DIM + i);
            pool[0][at] = small.k[j * KV_HEADS * DIM + i];
            pool[1][at] = small.v[j * KV_HEADS * DIM + i];
        }
    const struct alibicheck_tensor k = small_tensor(pool[0], KV_HEADS), v = small_tensor(pool[1], KV_HEADS);
    struct alibicheck_pages pages = {numbers, SLOTS, PAGES, PAGE, PAGE};
    alibicheck_problem *problem = problem_of(&small);
    assert_ok(alibicheck_problem_set_k(problem, &k, &error));
    assert_ok(alibicheck_problem_set_v(problem, &v, &error));
    assert_ok(alibicheck_problem_set_pages(problem, &pages, &error));
    assert_same_problem(problem, &small);
    pages.pool_pages = 6;
    assert_int_equal(alibicheck_problem_set_pages(problem, &pages, &error), ALIBICHECK_INVALID);
    assert_string_equal(error.text, "page numbers: page 2 is page 6 of the pool; allowed: 0 to 5");
    for (int64_t none = 0; none >= INT64_MIN / 2; none += INT64_MIN / 2) {
        pages.pool_pages = none;
        assert_int_equal(alibicheck_problem_set_pages(problem, &pages, &error), ALIBICHECK_INVALID);
        assert_non_null(strstr(error.text, "; allowed: 1 and more"));
    }
    pages.pool_pages = PAGES;
    pages.v_stride = INT64_MAX / 2;
    assert_int_equal(alibicheck_problem_set_pages(problem, &pages, &error), ALIBICHECK_INVALID);
    assert_non_null(strstr(error.text, "; allowed: pages that lie within 2^63 bytes"));
    pages.v_stride = PAGE;
    pages.k_stride = INT64_MIN;
    assert_int_equal(alibicheck_problem_set_pages(problem, &pages, &error), ALIBICHECK_INVALID);
    for (int axis = 0; axis < 3; axis++) {
        struct alibicheck_tensor far = k;
        far.strides[axis] = axis ? INT64_MAX / 2 : INT64_MIN;
        assert_int_equal(alibicheck_problem_set_k(problem, &far, &error), ALIBICHECK_INVALID);
        assert_non_null(strstr(error.text, "; allowed: elements that lie within 2^63 bytes"));
    }
    struct alibicheck_tensor back = k;
    back.strides[0] = -back.strides[0]; /* which any memory may have */
    assert_ok(alibicheck_problem_set_k(problem, &back, &error));
    alibicheck_problem_free(problem);
}

/* Strides of outputs that no memory has, of which numbers are refused before they are read. */
static void test_outputs_beyond_all_memory(void **state)
{
    (void)state;
    struct small small = made();
    alibicheck_problem *problem = problem_of(&small);
    const struct alibicheck_output near = small_output(&small);
    alibicheck_verdict *verdict = judged(problem, &near);
    alibicheck_explanation *explanation;
    for (int axis = 0; axis < 3; axis++) {
        struct alibicheck_output far = near;
        alibicheck_verdict *none;
        far.out.strides[axis] = axis ? INT64_MAX / 2 : INT64_MIN;
        assert_int_equal(alibicheck_judge(&none, problem, &far, NULL, NULL, &error), ALIBICHECK_INVALID);
        assert_null(none);
        assert_int_equal(strncmp(error.text, "out: its strides are ", strlen("out: its strides are ")), 0);
        assert_int_equal(alibicheck_judge(&none, problem, &near, &far, NULL, &error), ALIBICHECK_INVALID);
        assert_int_equal(strncmp(error.text, "other: its strides are ", strlen("other: its strides are ")), 0);
        assert_int_equal(alibicheck_explain(&explanation, problem, &far, verdict, 0, 0, &error), ALIBICHECK_INVALID);
    }
    for (int axis = 0; axis < 2; axis++) {
        struct alibicheck_output far = near;
        alibicheck_verdict *none;
        far.lse_strides[axis] = INT64_MIN / (axis + 1);
        assert_int_equal(alibicheck_judge(&none, problem, &far, NULL, NULL, &error), ALIBICHECK_INVALID);
        assert_int_equal(strncmp(error.text, "lse of out: its strides are ", strlen("lse of out: its strides are ")),
                         0);
        assert_non_null(strstr(error.text, "; allowed: elements that lie within 2^63 bytes"));
    }
    alibicheck_verdict_free(verdict);
    alibicheck_problem_free(problem);
}

/* A record's lse may begin at any byte of what it was read into. */
static void test_lse_at_any_byte(void **state)
{
    (void)state;
    struct small small = made();
    struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    char bytes[sizeof small.lse + 1];
    memcpy(bytes + 1, small.lse, sizeof small.lse);
    output.lse = (const float *)(const void *)(bytes + 1);
    alibicheck_verdict *verdict = judged(problem, &output);
    assert_int_equal(alibicheck_verdict_passed(verdict), 1);
    alibicheck_verdict_free(verdict);
    alibicheck_problem_free(problem);
}

static void test_lse_in_base_2(void **state)
{
    (void)state;
    struct small small = made();
    struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    for (int row = 0; row < ROWS; row++)
        small.lse[row] = (float)((double)small.lse[row] / 0.69314718055994530942);
    output.lse_base = ALIBICHECK_LSE_BASE_2;
    alibicheck_verdict *verdict = judged(problem, &output);
    assert_int_equal(alibicheck_verdict_passed(verdict), 1);
    alibicheck_verdict_free(verdict);
    output.lse_base = ALIBICHECK_LSE_BASE_E;
    verdict = judged(problem, &output);
    assert_int_equal(alibicheck_verdict_passed(verdict), 0);
    alibicheck_verdict_free(verdict);
    output.lse = NULL;
    verdict = judged(problem, &output);
    assert_int_equal(alibicheck_verdict_passed(verdict), 1);
    assert_true(isnan(number_of(verdict, "max_lse_err")));
    alibicheck_verdict_free(verdict);
    alibicheck_problem_free(problem);
}

static void test_a_problem_without_keys(void **state)
{
    (void)state;
    const struct small small = made();
    struct alibicheck_shape shape = small_shape;
    const struct alibicheck_tensor q = small_tensor(small.q, HEADS), none = small_tensor(NULL, KV_HEADS);
    const float zeros[ROWS * DIM] = {0};
    const struct alibicheck_output output = {.out = small_tensor(zeros, HEADS)};
    alibicheck_problem *problem;
    shape.seq_len = 0;
    assert_ok(alibicheck_problem_new(&problem, &shape, &error));
    assert_ok(alibicheck_problem_set_q(problem, &q, &error));
    assert_ok(alibicheck_problem_set_k(problem, &none, &error));
    assert_ok(alibicheck_problem_set_v(problem, &none, &error));
    assert_ok(alibicheck_problem_set_scale(problem, 1, &error));
    assert_ok(alibicheck_problem_set_slope_convention(problem, "bloom", &error));
    alibicheck_verdict *verdict = judged(problem, &output);
    assert_int_equal(alibicheck_verdict_passed(verdict), 1);
    alibicheck_verdict_free(verdict);
    alibicheck_problem_free(problem);
}

static void test_a_chunk_of_a_longer_cache(void **state)
{
    (void)state;
    const struct small small = made();
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    assert_ok(alibicheck_problem_set_kv_offset(problem, 1000, &error)); /* the query stands at its end */
    alibicheck_verdict *verdict = judged(problem, &output);
    assert_int_equal(alibicheck_verdict_passed(verdict), 1);
    alibicheck_verdict_free(verdict);
    assert_ok(alibicheck_problem_set_position(problem, KEYS - 1, &error)); /* 1000 keys before that: lse is another */
    verdict = judged(problem, &output);
    assert_int_equal(alibicheck_verdict_passed(verdict), 0);
    assert_true(number_of(verdict, "mismatched") == 0 && number_of(verdict, "lse_off") == ROWS);
    alibicheck_verdict_free(verdict);
    assert_ok(alibicheck_problem_set_kv_offset(problem, 0, &error));
    verdict = judged(problem, &output);
    assert_int_equal(alibicheck_verdict_passed(verdict), 1);
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

static bool is_there(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file)
        fclose(file);
    return file;
}

/* A problem and an output, options of its judging, and a folder with the path of a bundle that there is none of yet. */
struct bundle_trial {
    struct small small;
    struct alibicheck_output output;
    alibicheck_problem *problem;
    alibicheck_options *options;
    char folder[SCRATCH_SIZE], path[SCRATCH_PATH_SIZE];
};

static void begin_bundle(struct bundle_trial *trial)
{
    trial->small = made();
    trial->output = small_output(&trial->small);
    trial->problem = problem_of(&trial->small);
    assert_ok(alibicheck_options_new(&trial->options, &error));
    assert_non_null(scratch_folder(trial->folder, "test_api"));
    snprintf(trial->path, sizeof trial->path, "%s/b.safetensors", trial->folder);
}

/* No bundle is left: each test has taken its own away. */
static void end_bundle(struct bundle_trial *trial)
{
    assert_int_equal(rmdir(trial->folder), 0);
    alibicheck_options_free(trial->options);
    alibicheck_problem_free(trial->problem);
}

static void test_a_bundle_is_written(void **state)
{
    (void)state;
    struct bundle_trial trial;
    alibicheck_verdict *verdict;
    begin_bundle(&trial);
    assert_ok(alibicheck_options_set_bundle(trial.options, trial.path, 1, &error));
    assert_ok(alibicheck_judge(&verdict, trial.problem, &trial.output, NULL, trial.options, &error));
    assert_false(is_there(trial.path)); /* it passes */
    alibicheck_verdict_free(verdict);
    trial.small.out[0] += 1;
    assert_ok(alibicheck_judge(&verdict, trial.problem, &trial.output, NULL, trial.options, &error));
    assert_true(is_there(trial.path));
    alibicheck_verdict_free(verdict);
    unlink(trial.path);
    assert_int_equal(rmdir(trial.folder), 0);
    /* It cannot be written any more: that is said before any work, which would be cancelled here. */
    alibicheck_progress *progress;
    assert_ok(alibicheck_progress_new(&progress, &error));
    assert_ok(alibicheck_options_set_progress(trial.options, progress, &error));
    alibicheck_progress_cancel(progress);
    assert_int_equal(alibicheck_judge(&verdict, trial.problem, &trial.output, NULL, trial.options, &error),
                     ALIBICHECK_SYSTEM);
    assert_null(verdict);
    alibicheck_options_free(trial.options);
    alibicheck_progress_free(progress);
    alibicheck_problem_free(trial.problem);
}

/* No file can grow: what was looked at before the work could be written then. */
static int judge_without_room(alibicheck_verdict **verdict, const alibicheck_problem *problem,
                              const struct alibicheck_output *output, const alibicheck_options *options)
{
    struct rlimit before, none;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &none);
    int status = alibicheck_judge(verdict, problem, output, NULL, options, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    return status;
}

static void test_a_bundle_that_cannot_be_written_takes_no_verdict_away(void **state)
{
    (void)state;
    struct bundle_trial trial;
    alibicheck_verdict *verdict;
    begin_bundle(&trial);
    for (int if_wrong = 0; if_wrong < 2; if_wrong++)
        for (int of = 0; of < 3; of++) {
            static int (*const set[])(alibicheck_options *, const char *, int, struct alibicheck_error *) = {
                alibicheck_options_set_bundle, alibicheck_options_set_bundle_without_kv,
                alibicheck_options_set_private_bundle};
            trial.small = made();
            assert_ok(set[of](trial.options, trial.path, if_wrong, &error));
            if (if_wrong) {
                assert_ok(judge_without_room(&verdict, trial.problem, &trial.output, trial.options));
                assert_string_equal(alibicheck_verdict_bundle_error(verdict), "");
                alibicheck_verdict_free(verdict);
            } else { /* it passes, and nobody is told anything but that */
                assert_int_equal(judge_without_room(&verdict, trial.problem, &trial.output, trial.options),
                                 ALIBICHECK_SYSTEM);
                assert_null(verdict);
            }
            trial.small.out[0] += 1;
            assert_ok(judge_without_room(&verdict, trial.problem, &trial.output, trial.options));
            assert_string_equal(alibicheck_verdict_status(verdict), "fail");
            const char *why = alibicheck_verdict_bundle_error(verdict), *message = alibicheck_verdict_message(verdict);
            assert_non_null(strstr(why, "File too large"));
            assert_int_equal(strncmp(message, "wrong: 1 of 128 elements", 24), 0);
            const char *line = strstr(message, "\n  no bundle was written: ");
            assert_non_null(line);
            assert_non_null(strstr(line, why));
            assert_false(is_there(trial.path));
            alibicheck_verdict_free(verdict);
        }
    assert_string_equal(alibicheck_verdict_bundle_error(NULL), "");
    end_bundle(&trial);
}

/* All of a file, which then is no more. */
static size_t bytes_of(uint8_t *bytes, size_t room, const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(bytes, 1, room, file) : 0;
    if (file)
        fclose(file);
    unlink(path);
    return size;
}

static void test_a_private_bundle_has_other_tensors(void **state)
{
    (void)state;
    static uint8_t plain[1 << 20], turned[2][1 << 20];
    struct bundle_trial trial;
    alibicheck_verdict *verdict;
    begin_bundle(&trial);
    size_t size[3];
    for (int i = 0; i < 3; i++) {
        assert_ok(i == 0 ? alibicheck_options_set_bundle(trial.options, trial.path, 0, &error)
                         : alibicheck_options_set_private_bundle(trial.options, trial.path, 0, &error));
        assert_ok(alibicheck_judge(&verdict, trial.problem, &trial.output, NULL, trial.options, &error));
        alibicheck_verdict_free(verdict);
        size[i] = bytes_of(i == 0 ? plain : turned[i - 1], sizeof plain, trial.path);
    }
    assert_true(size[0] > 8 && size[0] < sizeof plain && size[1] == size[0] && size[2] == size[0]);
    size_t tensors = 8 + plain[0] + ((size_t)plain[1] << 8); /* behind the header, which has digests */
    assert_true(tensors < size[0]);
    assert_memory_not_equal(plain + tensors, turned[0] + tensors, size[0] - tensors);
    assert_memory_not_equal(turned[0] + tensors, turned[1] + tensors, size[0] - tensors);
    end_bundle(&trial);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void refuse_judging(const alibicheck_problem *problem, const struct alibicheck_output *output, const char *text)
{
    alibicheck_verdict *verdict = (void *)&verdict;
    assert_int_equal(alibicheck_judge(&verdict, problem, output, NULL, NULL, &error), ALIBICHECK_INVALID);
    assert_null(verdict);
    assert_int_equal(error.status, ALIBICHECK_INVALID);
    assert_string_equal(error.text, text);
}

static void test_what_is_not_stated_is_asked_for(void **state)
{
    (void)state;
    const struct small small = made();
    struct alibicheck_output output = small_output(&small);
    const struct alibicheck_tensor q = small_tensor(small.q, HEADS), k = small_tensor(small.k, KV_HEADS);
    struct alibicheck_tensor e4m3 = alibicheck_packed(small.k, ALIBICHECK_E4M3, KV_HEADS, DIM);
    alibicheck_problem *problem;
    assert_ok(alibicheck_problem_new(&problem, &small_shape, &error));
    refuse_judging(problem, &output, "q: is missing; allowed: alibicheck_problem_set_q");
    assert_ok(alibicheck_problem_set_q(problem, &q, &error));
    refuse_judging(problem, &output, "k: is missing; allowed: alibicheck_problem_set_k");
    assert_ok(alibicheck_problem_set_k(problem, &k, &error));
    refuse_judging(problem, &output, "v: is missing; allowed: alibicheck_problem_set_v");
    assert_ok(alibicheck_problem_set_v(problem, &k, &error));
    refuse_judging(problem, &output,
                   "scale: is missing; allowed: the number that q.k is multiplied by, 1/sqrt(head_dim) as a rule");
    assert_ok(alibicheck_problem_set_scale(problem, 0, &error));
    refuse_judging(problem, &output,
                   "slopes: is missing; allowed: a slope a head, or a convention: bloom, geometric, hf, vllm, falcon, "
                   "or none for attention without ALiBi");
    assert_ok(alibicheck_problem_set_slope_convention(problem, "none", &error));
    assert_ok(alibicheck_problem_set_k(problem, &e4m3, &error));
    assert_ok(alibicheck_problem_set_v(problem, &e4m3, &error));
    refuse_judging(problem, &output,
                   "k_scale, v_scale: are missing, and k and v are of e4m3; allowed: what their numbers are multiplied "
                   "by, 1 and 1 if by nothing");
    assert_ok(alibicheck_problem_set_kv_scales(problem, 0.5f, 1, &error));
    output.lse_base = 0;
    refuse_judging(problem, &output,
                   "lse_base of out: is 0; allowed: ALIBICHECK_LSE_BASE_E, as FlashAttention returns, or "
                   "ALIBICHECK_LSE_BASE_2, as FlashInfer does");
    output.lse_base = ALIBICHECK_LSE_BASE_E;
    output.out.dtype = ALIBICHECK_E4M3;
    refuse_judging(problem, &output, "out: is of e4m3; allowed: f16, bf16, f32");
    output.out.dtype = 0;
    refuse_judging(problem, &output,
                   "out: its dtype is 0; allowed: ALIBICHECK_F16, _BF16, _F32, _E4M3, _E5M2 or _E4M3FNUZ");
    output = small_output(&small);
    output.out.elements = NULL;
    refuse_judging(problem, &output, "out: its elements are NULL");
    refuse_judging(problem, NULL, "output: is NULL");
    refuse_judging(NULL, &output, "problem: is NULL");
    output = small_output(&small);
    assert_ok(alibicheck_problem_set_k(problem, &k, &error));
    refuse_judging(problem, &output,
                   "k_scale, v_scale: k is of f32 and v of e4m3; allowed: with k and v of one fp8 type");
    alibicheck_problem_free(problem);
}

static void test_a_number_that_the_output_s_dtype_does_not_hold(void **state)
{
    (void)state;
    struct small small = made();
    struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    output.out.dtype = ALIBICHECK_F16;
    output.lse = NULL;
    small.k[7 * KV_HEADS * DIM + DIM + 3] = 1e-30f;
    refuse_judging(problem, &output,
                   "k: element 3 of row 7, 1 is 1e-30, which f16 does not hold; allowed: tensors of the output's "
                   "dtype, or whose numbers it holds");
    alibicheck_problem_free(problem);
}

static void refuse_shape(struct alibicheck_shape shape, const char *text)
{
    alibicheck_problem *problem = (void *)&problem;
    assert_int_equal(alibicheck_problem_new(&problem, &shape, &error), ALIBICHECK_INVALID);
    assert_null(problem);
    assert_string_equal(error.text, text);
}

static void test_shapes_that_cannot_be(void **state)
{
    (void)state;
    alibicheck_problem *problem;
    refuse_shape((struct alibicheck_shape){-1, 1, 1, 1, 64}, "seq_len: is -1; allowed: 0 to 1073741824");
    refuse_shape((struct alibicheck_shape){9, 0, 1, 1, 64}, "num_queries: is 0; allowed: 1 to 1048576");
    refuse_shape((struct alibicheck_shape){9, 1, 65537, 1, 64}, "num_heads: is 65537; allowed: 1 to 65536");
    refuse_shape((struct alibicheck_shape){9, 1, 8, 0, 64}, "num_kv_heads: is 0; allowed: 1 to 65536");
    refuse_shape((struct alibicheck_shape){9, 1, 8, 3, 64},
                 "num_kv_heads: is 3 for 8 heads; allowed: a divisor of them");
    refuse_shape((struct alibicheck_shape){9, 1, 8, 8, 1025}, "head_dim: is 1025; allowed: 1 to 1024");
    refuse_shape((struct alibicheck_shape){9, 1 << 20, 65536, 8, 64},
                 "num_queries: 1048576 of 65536 heads are 68719476736 rows; allowed: 1 to 2147483647");
    assert_int_equal(alibicheck_problem_new(&problem, NULL, &error), ALIBICHECK_INVALID);
    assert_string_equal(error.text, "shape: is NULL");
    assert_int_equal(alibicheck_problem_new(NULL, &small_shape, NULL), ALIBICHECK_INVALID);
}

static void test_facts_that_cannot_be(void **state)
{
    (void)state;
    const struct small small = made();
    alibicheck_problem *problem = problem_of(&small);
    const float nan_slopes[HEADS] = {1, 2, NAN, 4}, inf_sinks[HEADS] = {1, INFINITY, 3, 4};
    const int64_t numbers[] = {0};
    const struct alibicheck_tensor null_k = small_tensor(NULL, KV_HEADS);
    const struct alibicheck_pages none = {numbers, 0, 1, 0, 0};
    alibicheck_options *options;
    assert_ok(alibicheck_options_new(&options, &error));
#define REFUSE(call, expected)                      \
    do {                                            \
        assert_int_equal(call, ALIBICHECK_INVALID); \
        assert_string_equal(error.text, expected);  \
    } while (0)
    REFUSE(alibicheck_problem_set_slopes(problem, nan_slopes, &error),
           "the slope of head 2: is nan; allowed: finite numbers");
    REFUSE(alibicheck_problem_set_slopes(problem, NULL, &error), "slopes: is NULL");
    REFUSE(alibicheck_problem_set_slope_convention(problem, "alibi", &error),
           "slopes: \"alibi\"; allowed: bloom, geometric, hf, vllm, falcon, or none for attention without ALiBi");
    REFUSE(alibicheck_problem_set_slope_convention(problem, NULL, &error),
           "the name of a convention of slopes: is NULL");
    REFUSE(alibicheck_problem_set_sink_logits(problem, inf_sinks, &error),
           "the sink of head 1: is inf; allowed: finite numbers");
    REFUSE(alibicheck_problem_set_scale(problem, NAN, &error), "scale: is nan; allowed: finite numbers");
    REFUSE(alibicheck_problem_set_kv_scales(problem, 1, INFINITY, &error), "v_scale: is inf; allowed: finite numbers");
    assert_ok(alibicheck_problem_set_kv_scales(problem, NAN, NAN, &error));
    REFUSE(alibicheck_problem_set_position(problem, INT64_C(1) << 40, &error),
           "position: is 1099511627776; allowed: -2147483647 to 2147483647");
    REFUSE(alibicheck_problem_set_soft_cap(problem, ALIBICHECK_CAP_AFTER_BIAS, -1, &error),
           "soft cap: is -1; allowed: numbers above 0");
    REFUSE(alibicheck_problem_set_soft_cap(problem, (enum alibicheck_soft_cap)3, 1, &error),
           "soft cap: where is 3; allowed: ALIBICHECK_CAP_NONE, _BEFORE_BIAS or _AFTER_BIAS");
    REFUSE(alibicheck_problem_set_k(problem, &null_k, &error), "k: its elements are NULL");
    REFUSE(alibicheck_problem_set_q(problem, NULL, &error), "q: is NULL");
    REFUSE(alibicheck_problem_set_pages(problem, &none, &error), "page_size: is 0; allowed: 1 to 1073741824");
    REFUSE(alibicheck_problem_set_v(NULL, &null_k, &error), "problem: is NULL");
    REFUSE(alibicheck_options_set_tolerance(options, 1, NAN, 1, &error),
           "rtol: is nan; allowed: numbers of 0 or more, below 0 for the default");
    REFUSE(alibicheck_options_set_threads(options, 1025, &error), "threads: 1025; allowed: 1 to 1024, 0 for one a CPU");
    alibicheck_options_free(options);
    alibicheck_problem_free(problem);
}

static void test_a_metric_that_there_is_not(void **state)
{
    (void)state;
    const struct small small = made();
    const struct alibicheck_output output = small_output(&small);
    alibicheck_problem *problem = problem_of(&small);
    alibicheck_verdict *verdict = judged(problem, &output);
    double number = 1;
    assert_int_equal(alibicheck_verdict_number(verdict, "ulp", &number, &error), ALIBICHECK_INVALID);
    assert_true(isnan(number));
    assert_int_equal(strncmp(error.text, "metric \"ulp\": allowed: elements, mismatched, ", 44), 0);
    alibicheck_verdict_free(verdict);
    alibicheck_problem_free(problem);
}

static void test_nothing_is_freed_and_read(void **state)
{
    (void)state;
    alibicheck_problem_free(NULL);
    alibicheck_options_free(NULL);
    alibicheck_progress_free(NULL);
    alibicheck_progress_cancel(NULL);
    alibicheck_truth_free(NULL);
    alibicheck_verdict_free(NULL);
    assert_int_equal(alibicheck_verdict_passed(NULL), 0);
    assert_string_equal(alibicheck_verdict_status(NULL), "error");
    assert_string_equal(alibicheck_verdict_json(NULL), "null");
    assert_null(alibicheck_truth_array(NULL, ALIBICHECK_TRUTH_VALUE));
    assert_int_equal(strncmp(alibicheck_version(), "0.", 2), 0);
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
        cmocka_unit_test(test_strides_of_any_kind),
        cmocka_unit_test(test_outputs_beyond_all_memory),
        cmocka_unit_test(test_lse_at_any_byte),
        cmocka_unit_test(test_pages_in_any_order),
        cmocka_unit_test(test_lse_in_base_2),
        cmocka_unit_test(test_a_problem_without_keys),
        cmocka_unit_test(test_a_chunk_of_a_longer_cache),
        cmocka_unit_test(test_a_class_is_found_and_asked_for),
        cmocka_unit_test(test_a_bundle_is_written),
        cmocka_unit_test(test_a_bundle_that_cannot_be_written_takes_no_verdict_away),
        cmocka_unit_test(test_a_private_bundle_has_other_tensors),
        cmocka_unit_test(test_what_is_not_stated_is_asked_for),
        cmocka_unit_test(test_a_number_that_the_output_s_dtype_does_not_hold),
        cmocka_unit_test(test_shapes_that_cannot_be),
        cmocka_unit_test(test_facts_that_cannot_be),
        cmocka_unit_test(test_a_metric_that_there_is_not),
        cmocka_unit_test(test_nothing_is_freed_and_read),
        cmocka_unit_test(test_the_computing_environment_is_kept_and_plays_no_part),
        cmocka_unit_test(test_work_is_cancelled),
        cmocka_unit_test(test_threads_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
