/* The largest magnitudes of k and v, channel by channel: of every dtype, NaN above infinity, masked keys left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants these before it */
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference/tensor_bounds.h"

enum { KEYS = 39, KV_HEADS = 2, DIM = 5, ROW = KV_HEADS * DIM };

static const struct {
    enum dtype dtype;
    enum kv_format format;
} caches[] = {
    {DTYPE_F16, KV_AS_DTYPE}, {DTYPE_BF16, KV_AS_DTYPE}, {DTYPE_F32, KV_AS_DTYPE},
    {DTYPE_F16, KV_E4M3},     {DTYPE_F16, KV_E5M2},      {DTYPE_F16, KV_E4M3FNUZ},
};

static uint64_t draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* A NaN is more than any number. */
static float larger(float a, float b)
{
    return isnan(a) || isnan(b) ? NAN : fmaxf(a, b);
}

static void fill(float *values, void *elements, enum dtype dtype, int nan_key, uint64_t *state)
{
    for (int i = 0; i < KEYS * ROW; i++)
        values[i] = (float)draw(state) / 0x1p28f - 4;
    if (nan_key >= 0)
        values[nan_key * ROW + nan_key % ROW] = NAN;
    dtype_narrow(dtype, elements, 0, KEYS * ROW, values);
    dtype_widen(dtype, elements, 0, KEYS * ROW, values);
}

static void check(const float *bounds, const float *values, const uint8_t *visible)
{
    for (int channel = 0; channel < ROW; channel++) {
        float expected = 0;
        for (int key = 0; key < KEYS; key++)
            if (visible[key])
                expected = larger(expected, fabsf(values[key * ROW + channel]));
        assert_true(isnan(expected) ? isnan(bounds[channel]) : bounds[channel] == expected);
    }
}

static void test_bounds_are_the_largest_magnitudes(void **state)
{
    (void)state;
    static const float slopes[KV_HEADS] = {1, 1};
    uint64_t random = 1;
    for (size_t c = 0; c < sizeof caches / sizeof caches[0]; c++)
        for (int nan_key = -1; nan_key < KEYS; nan_key++)
            for (int threads = 1; threads <= 2; threads++) {
                float k_values[KEYS * ROW], v_values[KEYS * ROW], k[KEYS * ROW], v[KEYS * ROW];
                uint8_t visible[KEYS];
                struct problem problem = {
                    .seq_len = KEYS,
                    .num_heads = KV_HEADS,
                    .num_kv_heads = KV_HEADS,
                    .head_dim = DIM,
                    .dtype = caches[c].dtype,
                    .kv_format = caches[c].format,
                    .slopes = slopes,
                    .k = k,
                    .v = v,
                    .visible = visible,
                };
                struct tensor_bounds bounds;
                struct error error;
                for (int key = 0; key < KEYS; key++)
                    visible[key] = draw(&random) % 4 > 0;
                fill(k_values, k, problem_kv_dtype(&problem), nan_key, &random);
                fill(v_values, v, problem_kv_dtype(&problem), nan_key < 0 ? -1 : KEYS - 1 - nan_key, &random);
                assert_int_equal(tensor_bounds_scan(&bounds, &problem, threads, NULL, &error), ERROR_NONE);
                check(bounds.k, k_values, visible);
                check(bounds.v, v_values, visible);
                tensor_bounds_clear(&bounds);
            }
}

/* Of more queries than keys, too: the first ones see none. */
static void test_queries_in_order_have_the_bounds_of_a_scan(void **state)
{
    (void)state;
    static const float slopes[KV_HEADS] = {1, 1};
    uint64_t random = 2;
    for (size_t c = 0; c < sizeof caches / sizeof caches[0]; c++)
        for (int nan_key = -1; nan_key < KEYS; nan_key++) {
            float k_values[KEYS * ROW], v_values[KEYS * ROW], k[KEYS * ROW], v[KEYS * ROW];
            uint8_t visible[KEYS];
            struct problem problem = {
                .seq_len = KEYS,
                .num_queries = KEYS + 2,
                .num_heads = KV_HEADS,
                .num_kv_heads = KV_HEADS,
                .head_dim = DIM,
                .dtype = caches[c].dtype,
                .kv_format = caches[c].format,
                .slopes = slopes,
                .q = k,
                .k = k,
                .v = v,
                .visible = nan_key % 2 ? visible : NULL,
            };
            struct tensor_bounds bounds = {.k = NULL}, scanned;
            struct error error;
            for (int key = 0; key < KEYS; key++)
                visible[key] = draw(&random) % 4 > 0;
            fill(k_values, k, problem_kv_dtype(&problem), nan_key, &random);
            fill(v_values, v, problem_kv_dtype(&problem), nan_key < 0 ? -1 : KEYS - 1 - nan_key, &random);
            for (int query = 0; query < problem.num_queries; query++) {
                struct problem one = problem_query(&problem, query);
                assert_int_equal(tensor_bounds_of_query(&bounds, &problem, query, 1, NULL, &error), ERROR_NONE);
                assert_int_equal(tensor_bounds_scan(&scanned, &one, 1, NULL, &error), ERROR_NONE);
                for (int i = 0; i < 2 * ROW; i++) /* k, then v */
                    assert_true(isnan(scanned.k[i]) ? isnan(bounds.k[i]) : bounds.k[i] == scanned.k[i]);
                tensor_bounds_clear(&scanned);
            }
            tensor_bounds_clear(&bounds);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_are_the_largest_magnitudes),
        cmocka_unit_test(test_queries_in_order_have_the_bounds_of_a_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
