/* The library takes tensors as they lie: strides of any kind, pages in any order, lse at any byte and in any base; and
 * nothing that lies beyond all memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "harness/library/tests/api_trial.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strides_of_any_kind),
        cmocka_unit_test(test_outputs_beyond_all_memory),
        cmocka_unit_test(test_lse_at_any_byte),
        cmocka_unit_test(test_pages_in_any_order),
        cmocka_unit_test(test_lse_in_base_2),
        cmocka_unit_test(test_a_problem_without_keys),
        cmocka_unit_test(test_a_chunk_of_a_longer_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
