/* What the library refuses, with the fact and what is allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/library/tests/api_trial.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_stated_is_asked_for),
        cmocka_unit_test(test_a_number_that_the_output_s_dtype_does_not_hold),
        cmocka_unit_test(test_shapes_that_cannot_be),
        cmocka_unit_test(test_facts_that_cannot_be),
        cmocka_unit_test(test_a_metric_that_there_is_not),
        cmocka_unit_test(test_nothing_is_freed_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
