/* Chunks of a longer cache and fp8 caches with scales: what kv_offset, k_scale and v_scale mean, to both truths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reference/double_double.h"
#include "reference/tests/drawn_problem.h"
#include "reference/tests/same_truth.h"

enum { KEYS = 120, HEADS = 4, KV_HEADS = 2, DIM = 24 };

/* An ordinary problem with q in f32 and k and v as kv_format says. */
struct made {
    struct problem problem;
    float q[HEADS * DIM], slopes[HEADS];
    void *k, *v;
    uint8_t visible[KEYS];
};

static struct made *made_new(enum kv_format kv_format)
{
    struct made *made = calloc(1, sizeof *made);
    uint64_t random = 7;
    assert_non_null(made);
    made->problem = (struct problem){.seq_len = KEYS,
                                     .num_heads = HEADS,
                                     .num_kv_heads = KV_HEADS,
                                     .head_dim = DIM,
                                     .dtype = DTYPE_F32,
                                     .kv_format = kv_format,
                                     .k_scale = 1,
                                     .v_scale = 1,
                                     .scale = 0.2f,
                                     .q_position = KEYS - 1,
                                     .slopes = made->slopes,
                                     .q = made->q,
                                     .visible = made->visible};
    enum dtype dtype = problem_kv_dtype(&made->problem);
    for (int i = 0; i < HEADS * DIM; i++)
        made->q[i] = (float)draw_normal(&random);
    for (int h = 0; h < HEADS; h++)
        made->slopes[h] = (float)exp2(-2 * (h + 1.25));
    memset(made->visible, 1, KEYS);
    made->problem.k = made->k = draw_tensor(&random, &filling_kinds[0], dtype, KEYS, KV_HEADS, DIM);
    made->problem.v = made->v = draw_tensor(&random, &filling_kinds[0], dtype, KEYS, KV_HEADS, DIM);
    return made;
}

static void made_free(struct made *made)
{
    free(made->k);
    free(made->v);
    free(made);
}

static struct truth solve(const struct problem *problem, enum truth_method method)
{
    struct truth truth;
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    struct error error;
    assert_int_equal(truth_init(&truth, problem, &error), ERROR_NONE);
    assert_int_equal(truth_compute(&truth, method, problem, &options, &error), ERROR_NONE);
    return truth;
}

/* Positions count relative to the query alone. */
static void test_common_shift_changes_nothing(void **state)
{
    static const int64_t shifts[] = {1, -77, 1000003, INT64_C(1) << 60};
    (void)state;
    struct made *made = made_new(KV_AS_DTYPE);
    for (enum truth_method method = 0; method < TRUTH_METHOD_COUNT; method++)
        for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
            struct problem shifted = made->problem;
            shifted.kv_offset += shifts[i];
            shifted.q_position += shifts[i];
            struct truth here = solve(&made->problem, method), there = solve(&shifted, method);
            assert_int_equal(truth_digest(&here), truth_digest(&there));
            assert_int_equal(here.plain_rows, there.plain_rows);
            truth_clear(&here);
            truth_clear(&there);
        }
    made_free(made);
}

/* Moving the chunk and not the query adds slope * offset to every logit: lse moves by it, out stays. */
static void test_offset_moves_lse_alone(void **state)
{
    (void)state;
    struct made *made = made_new(KV_AS_DTYPE);
    for (enum truth_method method = 0; method < TRUTH_METHOD_COUNT; method++) {
        struct problem moved = made->problem;
        moved.kv_offset = -5000;
        struct truth here = solve(&made->problem, method), there = solve(&moved, method);
        for (int head = 0; head < HEADS; head++) {
            double shift = (double)made->slopes[head] * -5000; /* exact: 24 + 13 bits */
            struct double_double lse = {there.lse[head], there.lse_tail[head]};
            lse = dd_add_d(lse, -shift);
            there.lse[head] = lse.hi;
            there.lse_tail[head] = lse.lo;
        }
        assert_true(same_truth(&here, &there, NULL));
        truth_clear(&here);
        truth_clear(&there);
    }
    made_free(made);
}

/* A chunk with an offset is the longer cache with all other keys removed. */
static void test_chunk_is_part_of_a_cache(void **state)
{
    enum { FIRST = 50, COUNT = 40 };
    (void)state;
    struct made *made = made_new(KV_E5M2);
    struct problem chunk = made->problem;
    size_t row = (size_t)KV_HEADS * DIM; /* bytes */
    for (int key = 0; key < KEYS; key++)
        made->visible[key] = key >= FIRST && key < FIRST + COUNT && key % 7 != 0;
    chunk.seq_len = COUNT;
    chunk.kv_offset = FIRST;
    chunk.k = (const char *)made->k + FIRST * row;
    chunk.v = (const char *)made->v + FIRST * row;
    chunk.visible = made->visible + FIRST;
    for (enum truth_method method = 0; method < TRUTH_METHOD_COUNT; method++) {
        struct truth whole = solve(&made->problem, method), part = solve(&chunk, method);
        assert_true(same_truth(&whole, &part, NULL));
        assert_true(truth_max_radius(&part) < 0x1p-60);
        truth_clear(&whole);
        truth_clear(&part);
    }
    made_free(made);
}

/* The same problem in f32, with k and v multiplied by their scales, which is exact for these. */
static struct made *widened(const struct made *made)
{
    struct made *wide = made_new(KV_AS_DTYPE);
    enum dtype dtype = problem_kv_dtype(&made->problem);
    size_t elements = (size_t)KEYS * KV_HEADS * DIM;
    float *k = wide->k, *v = wide->v;
    dtype_widen(dtype, made->k, 0, elements, k);
    dtype_widen(dtype, made->v, 0, elements, v);
    for (size_t i = 0; i < elements; i++) {
        k[i] *= made->problem.k_scale;
        v[i] *= made->problem.v_scale;
    }
    return wide;
}

static void test_scales_multiply_the_cache(void **state)
{
    static const float scales[][2] = {{1, 1}, {0x1p-3f, 0x1p5f}, {0.375f, -1.25f}, {-0x1.0008p-2f, 0x1.8p-70f}, {3, 0}};
    (void)state;
    for (enum kv_format kv_format = KV_E4M3; kv_format < KV_FORMAT_COUNT; kv_format++)
        for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
            struct made *made = made_new(kv_format);
            made->problem.k_scale = scales[i][0];
            made->problem.v_scale = scales[i][1];
            struct made *wide = widened(made);
            for (enum truth_method method = 0; method < TRUTH_METHOD_COUNT; method++) {
                struct truth fp8 = solve(&made->problem, method), f32 = solve(&wide->problem, method);
                assert_true(same_truth(&fp8, &f32, NULL));
                assert_int_equal(fp8.plain_rows, method == TRUTH_PLAIN ? HEADS : 0);
                for (int e = 0; e < HEADS * DIM; e++) {
                    assert_true(fabs(fp8.magnitude[e] - f32.magnitude[e]) <= 1e-9 * f32.magnitude[e]);
                    assert_true(fp8.radius[e] <= 0x1p-64 * fp8.magnitude[e]);
                }
                truth_clear(&fp8);
                truth_clear(&f32);
            }
            made_free(made);
            made_free(wide);
        }
}

/* Without an fp8 cache its scales are not read. */
static void test_scales_belong_to_fp8(void **state)
{
    (void)state;
    struct made *made = made_new(KV_AS_DTYPE);
    for (enum truth_method method = 0; method < TRUTH_METHOD_COUNT; method++) {
        struct problem scaled = made->problem;
        scaled.k_scale = NAN;
        scaled.v_scale = 5;
        struct truth here = solve(&made->problem, method), there = solve(&scaled, method);
        assert_int_equal(truth_digest(&here), truth_digest(&there));
        truth_clear(&here);
        truth_clear(&there);
    }
    made_free(made);
}

/* Scales that are no numbers: as the formula has it. */
static void test_scales_that_are_not_finite(void **state)
{
    (void)state;
    for (enum truth_method method = 0; method < TRUTH_METHOD_COUNT; method++) {
        struct made *made = made_new(KV_E4M3);
        made->problem.v_scale = INFINITY;
        struct truth infinite = solve(&made->problem, method);
        assert_true(isinf(infinite.value[3]) && infinite.radius[3] == 0 && isfinite(infinite.lse[0]));
        made->problem.k_scale = NAN;
        struct truth nan = solve(&made->problem, method);
        assert_true(isnan(nan.value[3]) && isnan(nan.lse[0]));
        truth_clear(&infinite);
        truth_clear(&nan);
        made_free(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common_shift_changes_nothing), cmocka_unit_test(test_offset_moves_lse_alone),
        cmocka_unit_test(test_chunk_is_part_of_a_cache),     cmocka_unit_test(test_scales_multiply_the_cache),
        cmocka_unit_test(test_scales_belong_to_fp8),         cmocka_unit_test(test_scales_that_are_not_finite),
    };
    int failed = cmocka_run_group_tests_name("truth_cache", tests, NULL, NULL);
    mpfr_free_cache();
    return failed != 0;
}
