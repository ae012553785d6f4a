/*
 * Keys that a GPU makes and digests, on one that is not there (fake_gpu.h): bits and digests are the host's, a launch
 * on them waits for them, and a call that fails is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xxhash.h>

#include "kernels/device/device.h"
#include "kernels/device/device_cuda.h"
#include "kernels/device/device_keys.h"
#include "kernels/device/keys_bounds.h"
#include "kernels/device/keys_digest.h"
#include "kernels/device/kv_cache.h"
#include "kernels/random/made_elements.h"
#include "kernels/tests/failing_calls.h"
#include "kernels/tests/fake_gpu.h"
#include "kernels/tests/made_problem.h"
#include "kernels/tests/sound_recipes.h"

enum { KEYS = 203, HEADS = 6, KV_HEADS = 3, DIM = 64, ROW = KV_HEADS * DIM, MOST_PARTS = KV_HEADS };

/* What comes of keys that were made in parts of `heads` KV heads. */
struct result {
    float out[HEADS * DIM], lse[HEADS];
    uint64_t digests[MOST_PARTS];
    float k_bounds[ROW], v_bounds[ROW]; /* of all */
};

static struct key_source source_of(enum dtype dtype)
{
    const struct element_source normal = {.stream = {(uint64_t)77 << 33, 1},
                                          .variate = {.kind = VARIATE_NORMAL, .stddev = 1},
                                          .largest = 7,
                                          .dtype = dtype};
    struct key_source source = {.k = normal, .v = normal, .first_key = 1000003};
    source.v.stream.stream = 2;
    return source;
}

static struct problem part_of(const struct problem *whole, int kv_head, int heads)
{
    struct problem part = *whole;
    int group = HEADS / KV_HEADS;
    part.num_kv_heads = heads;
    part.num_heads = heads * group;
    part.slopes = whole->slopes + kv_head * group;
    part.q = (const char *)whole->q + (size_t)(kv_head * group * DIM) * dtypes[whole->dtype].size_bytes;
    return part;
}

static enum error_kind launch(struct result *result, struct device *device, const struct problem *problem,
                              bool on_device, struct error *error)
{
    const struct kernel_options options = {.chunk_len = 64};
    const struct output output = {result->out, result->lse};
    const struct batch batch = {KERNEL_SPLIT_KV, &options, &sound_recipes[0], problem, &output, 1, on_device};
    double seconds;
    return device_run_batch(device, &batch, NULL, &seconds, error);
}

/* The same on the host: all of k and v in its memory, made by one thread, and parts cut out of them. */
static void run_here(struct result *result, enum dtype dtype, int heads)
{
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, dtype);
    const struct key_source source = source_of(dtype);
    size_t size = dtypes[dtype].size_bytes, row = ROW * size, part_row = (size_t)(heads * DIM) * size;
    struct made_elements all = {source.k, 1000003 * (uint64_t)ROW, 0, KEYS * ROW, KEYS * ROW, 1};
    struct device *device;
    struct error error;
    memset(result, 0, sizeof *result);
    make_elements_in(&all, normal_coefficients, made.k, 0, 1);
    all.source = source.v;
    make_elements_in(&all, normal_coefficients, made.v, 0, 1);
    for (int kv_head = 0; kv_head < KV_HEADS; kv_head += heads) {
        const struct problem part = part_of(&made.problem, kv_head, heads);
        XXH3_state_t *state = XXH3_createState();
        assert_non_null(state);
        XXH3_64bits_reset(state);
        XXH3_64bits_update(state, part.q, (size_t)part.num_heads * DIM * size);
        for (int tensor = 0; tensor < 2; tensor++)
            for (size_t key = 0; key < KEYS; key++)
                XXH3_64bits_update(
                    state, (const char *)(tensor ? made.v : made.k) + key * row + (size_t)(kv_head * DIM) * size,
                    part_row);
        XXH3_64bits_update(state, part.slopes, (size_t)part.num_heads * sizeof(float));
        result->digests[kv_head / heads] = XXH3_64bits_digest(state);
        XXH3_freeState(state);
    }
    struct tensor_bounds bounds;
    assert_int_equal(tensor_bounds_scan(&bounds, &made.problem, 1, NULL, &error), 0);
    memcpy(result->k_bounds, bounds.k, sizeof result->k_bounds);
    memcpy(result->v_bounds, bounds.v, sizeof result->v_bounds);
    tensor_bounds_clear(&bounds);
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    assert_int_equal(launch(result, device, &made.problem, false, &error), 0);
    device_close(device);
    free_problem(&made);
}

static enum error_kind run_there(struct result *result, struct device *device, enum dtype dtype, int heads,
                                 struct error *error)
{
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, dtype);
    const struct key_source source = source_of(dtype);
    struct device_keys keys = {0};
    memset(result, 0, sizeof *result);
    assert_true(device_keys_can_make(device, &made.problem));
    enum error_kind kind = device_keys_open(&keys, device, &made.problem, error);
    for (int kv_head = 0; kv_head < KV_HEADS && !kind; kv_head += heads) {
        struct problem part = part_of(&made.problem, kv_head, heads);
        part.k = part.v = NULL;
        kind = device_keys_make(&keys, &source, kv_head, heads, error);
        if (!kind && dtype != DTYPE_BF16) /* which is run on keys that nobody has waited for */
            kind = keys_digest(&result->digests[kv_head / heads], &keys, &part, kv_head, error);
    }
    struct tensor_bounds bounds = {.k = result->k_bounds, .v = result->v_bounds};
    if (!kind)
        kind = keys_bounds(&bounds, &keys, &made.problem, error);
    struct problem there = made.problem;
    there.k = keys.k;
    there.v = keys.v;
    if (!kind)
        kind = launch(result, device, &there, true, error);
    device_keys_close(&keys);
    free_problem(&made);
    return kind;
}

static void test_keys_that_are_made_there(void **state)
{
    struct device *device;
    struct error error;
    (void)state;
    assert_int_equal(device_open(&device, DEVICE_CUDA, &(struct device_options){.threads = 1}, &error), 0);
    for (int turn = 0; turn < 12; turn++) {
        struct result expected, got;
        enum dtype dtype = (enum dtype)(turn % DTYPE_COUNT);
        int heads = turn / 3 % 2 ? 1 : 3;
        fake_gpu_others_first = turn >= 6;
        run_here(&expected, dtype, heads);
        if (run_there(&got, device, dtype, heads, &error))
            fail_msg("%s", error.text);
        assert_memory_equal(got.out, expected.out, (size_t)(HEADS * DIM) * dtypes[dtype].size_bytes);
        assert_memory_equal(got.lse, expected.lse, sizeof expected.lse);
        assert_memory_equal(got.k_bounds, expected.k_bounds, sizeof expected.k_bounds);
        assert_memory_equal(got.v_bounds, expected.v_bounds, sizeof expected.v_bounds);
        if (dtype != DTYPE_BF16)
            assert_memory_equal(got.digests, expected.digests, sizeof expected.digests);
    }
    fake_gpu_others_first = false;
    device_close(device);
    assert_int_equal(fake_gpu_held(), 0);
}

static enum error_kind make_keys(const void *context, struct device *device, struct error *error)
{
    struct result result;
    (void)context;
    return run_there(&result, device, DTYPE_F16, 1, error);
}

static void test_each_call_that_fails_is_told(void **state)
{
    (void)state;
    expect_failures_told(make_keys, NULL, 72);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_that_are_made_there),
        cmocka_unit_test(test_each_call_that_fails_is_told),
    };
    return cmocka_run_group_tests_name("kernels/device_cuda_keys", tests, NULL, NULL);
}
