/* Queries that outscore: their logits, in f64, and the rows that stay. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/oracle/loud_query.h"
#include "kernels/tests/made_problem.h"

enum { N = 40, H = 6, HKV = 3, D = 80, QUERIES = 3, GONE = 2 /* newest keys of each query that are masked */ };

static double element(enum dtype dtype, const void *elements, size_t index)
{
    float value;
    dtype_widen(dtype, elements, index, 1, &value);
    return (double)value;
}

static double logit_of(const struct problem *problem, const void *q, int row, int64_t key)
{
    size_t k = problem_row(problem, key, problem_kv_head(problem, row % problem->num_heads));
    double dot = 0;
    for (size_t i = 0; i < (size_t)problem->head_dim; i++)
        dot += element(problem->dtype, q, (size_t)row * (size_t)problem->head_dim + i) *
               element(problem_kv_dtype(problem), problem->k, k + i);
    return dot * problem_logit_scale(problem);
}

/* Three queries of which the last sees N keys, less those that are masked; tensors of made. */
static struct problem queries_of(struct made_problem *made, enum kv_format format)
{
    static uint8_t visible[N];
    struct problem problem = made->problem;
    memset(visible, 1, sizeof visible);
    memset(visible + N - GONE, 0, GONE);
    problem.num_queries = QUERIES;
    problem.visible = visible;
    problem.kv_format = format;
    problem.k_scale = 0.25F;
    problem.v_scale = 1;
    return problem;
}

/* The last key that a query sees, of those up to its own. */
static int64_t newest_of(int query)
{
    int64_t own = N - QUERIES + query;
    return own < N - GONE ? own : N - GONE - 1;
}

static void test_the_logit_is_at_the_newest_visible_key(void **state)
{
    static const enum kv_format formats[] = {KV_AS_DTYPE, KV_E4M3, KV_E5M2};
    (void)state;
    for (int i = 0; i < DTYPE_COUNT * 3; i++) {
        enum dtype dtype = (enum dtype)(i % DTYPE_COUNT);
        struct made_problem made = make_problem(N, H, HKV, D, dtype);
        struct problem problem = queries_of(&made, formats[i / DTYPE_COUNT]);
        enum dtype cache = problem_kv_dtype(&problem);
        void *k = made_tensor(cache, (size_t)N * HKV * D, 77), *q = made_tensor(dtype, (size_t)QUERIES * H * D, 78);
        problem.k = k;
        for (int row = 0; row < QUERIES * H; row++) {
            loud_query_make(q, &problem, row, 300);
            double logit = logit_of(&problem, q, row, newest_of(row / H));
            if (fabs(logit - 300) > 300 * ldexp(1, -dtypes[dtype].significand_bits))
                fail_msg("dtype %d, format %d, row %d: %g", (int)dtype, (int)problem.kv_format, row, logit);
        }
        free(k);
        free(q);
        free_problem(&made);
    }
}

/* Elements of k of 2^-14, whose query would be beyond f16, have one of f16's largest number over 16. */
static void test_what_the_dtype_holds_is_the_end(void **state)
{
    struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F16);
    void *q = made_tensor(DTYPE_F16, (size_t)H * D, 78);
    const float least = 0x1p-14F;
    (void)state;
    for (size_t i = 0; i < (size_t)N * HKV * D; i++)
        dtype_narrow(DTYPE_F16, made.k, i, 1, &least);
    loud_query_make(q, &made.problem, 1, 1e6);
    for (size_t i = 0; i < D; i++)
        assert_true(element(DTYPE_F16, q, D + i) == 65504.0 / 16);
    free(q);
    free_problem(&made);
}

static void test_rows_without_a_key_or_a_length_stay(void **state)
{
    struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
    void *q = made_tensor(DTYPE_F32, (size_t)H * D, 78), *was = made_tensor(DTYPE_F32, (size_t)H * D, 78);
    (void)state;
    memset((float *)made.k + problem_row(&made.problem, N - 1, 0), 0, D * sizeof(float));
    loud_query_make(q, &made.problem, 1, 300);
    assert_memory_equal(q, was, H * D * sizeof(float));
    mask_keys(&made, 0, N, 1);
    loud_query_make(q, &made.problem, 5, 300);
    assert_memory_equal(q, was, H * D * sizeof(float));
    made.problem.seq_len = 0;
    loud_query_make(q, &made.problem, 5, 300);
    assert_memory_equal(q, was, H * D * sizeof(float));
    free(q);
    free(was);
    free_problem(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_logit_is_at_the_newest_visible_key),
        cmocka_unit_test(test_what_the_dtype_holds_is_the_end),
        cmocka_unit_test(test_rows_without_a_key_or_a_length_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
