/* Bounds of keys that a device finds in its memory are those that a scan of the same keys finds in the host's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/device/keys_bounds.h"
#include "kernels/tests/apart_device.h"

enum { MOST_KEYS = 70001, MOST_ROW = 64 };

static uint8_t tensors[2][MOST_KEYS * MOST_ROW * 4], visible[MOST_KEYS];
static float found[2 * MOST_ROW];

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Random bits: numbers of every size, both zeros, infinities and NaN; of fp8 finite for the most part. */
static void fill(uint64_t *state, size_t bytes)
{
    for (int tensor = 0; tensor < 2; tensor++)
        for (size_t i = 0; i < bytes; i++)
            tensors[tensor][i] = (uint8_t)next(state);
}

static bool same(float a, float b)
{
    return a == b || (a != a && b != b);
}

static void compare(struct problem *problem, uint64_t *state)
{
    size_t row = (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    struct tensor_bounds scanned, bounds = {.k = found, .v = found + row};
    struct device *device;
    struct device_keys keys;
    struct error error;
    fill(state, (size_t)problem->seq_len * row * dtypes[problem_kv_dtype(problem)].size_bytes);
    problem->k = tensors[0];
    problem->v = tensors[1];
    memset(found, 0xff, sizeof found);
    assert_int_equal(tensor_bounds_scan(&scanned, problem, 1, NULL, &error), 0);
    assert_int_equal(apart_device_open(&device, 1, &error), 0);
    assert_true(device_keys_can_make(device, problem));
    assert_int_equal(device_keys_open(&keys, device, problem, &error), 0);
    assert_int_equal(device_keys_put(&keys, problem, 0, &error), 0);
    assert_int_equal(keys_bounds(&bounds, &keys, problem, &error), 0);
    for (size_t i = 0; i < row; i++)
        if (!same(scanned.k[i], bounds.k[i]) || !same(scanned.v[i], bounds.v[i]))
            fail_msg("%lld keys of %s, channel %d: k %a for %a, v %a for %a", (long long)problem->seq_len,
                     dtypes[problem_kv_dtype(problem)].name, (int)i, (double)bounds.k[i], (double)scanned.k[i],
                     (double)bounds.v[i], (double)scanned.v[i]);
    device_keys_close(&keys);
    assert_int_equal(apart.in_use_bytes, 0);
    device_close(device);
    tensor_bounds_clear(&scanned);
}

static void test_bounds_are_those_of_a_scan(void **unused)
{
    static const int64_t lengths[] = {1, 2, 3, 17, 301, 9001};
    uint64_t state = 3;
    (void)unused;
    for (int turn = 0; turn < 60; turn++) {
        enum kv_format format = (enum kv_format)(turn % 6 < 3 ? KV_AS_DTYPE : KV_AS_DTYPE + turn % 6 - 2);
        struct problem problem = {.seq_len = lengths[turn / 6 % 6],
                                  .num_heads = 2,
                                  .num_kv_heads = 1 + turn % 2,
                                  .head_dim = 8 << turn % 3,
                                  .dtype = (enum dtype)(turn % 3),
                                  .kv_format = format,
                                  .k_scale = 1,
                                  .v_scale = 1};
        for (int64_t key = 0; key < problem.seq_len; key++)
            visible[key] = next(&state) % 7 == 0;
        problem.visible = turn % 4 == 3 ? visible : NULL;
        compare(&problem, &state);
    }
}

/* More rows than groups have room for, of which the last ones count, too; and no row that counts. */
static void test_every_row_counts_that_is_visible(void **unused)
{
    struct problem problem = {
        .seq_len = MOST_KEYS, .num_heads = 1, .num_kv_heads = 1, .head_dim = 8, .dtype = DTYPE_F16, .visible = visible};
    uint64_t state = 4;
    (void)unused;
    memset(visible, 0, sizeof visible);
    compare(&problem, &state);
    assert_true(found[0] == 0 && found[8] == 0);
    visible[MOST_KEYS - 1] = 1;
    compare(&problem, &state);
    memset(visible, 1, sizeof visible);
    compare(&problem, &state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_are_those_of_a_scan),
        cmocka_unit_test(test_every_row_counts_that_is_visible),
    };
    return cmocka_run_group_tests_name("kernels/keys_bounds", tests, NULL, NULL);
}
