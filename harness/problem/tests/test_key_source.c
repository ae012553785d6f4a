/*
 * Keys that a device makes by itself: the bits, and the digest, of those that the host makes. The device's memory is
 * apart (apart_device.h), and its functions are what a GPU's threads run.
 */
#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/problem/generate.h"
#include "harness/problem/key_source.h"
#include "kernels/device/device_keys.h"
#include "kernels/device/keys_digest.h"
#include "kernels/device/kv_cache.h"
#include "kernels/tests/apart_device.h"

static struct device *device; /* apart */

static int open_apart(void **state)
{
    struct error error;
    (void)state;
    return apart_device_open(&device, 1, &error);
}

static int close_apart(void **state)
{
    (void)state;
    size_t left = apart.in_use_bytes;
    device_close(device);
    return left > 0;
}

static struct problem_spec spec_of(enum dtype dtype, enum kv_format kv_format, int64_t seq_len, int kv_heads,
                                   int head_dim)
{
    return (struct problem_spec){
        .seq_len = seq_len,
        .num_queries = 1,
        .num_heads = 2 * kv_heads,
        .num_kv_heads = kv_heads,
        .head_dim = head_dim,
        .dtype = dtype,
        .kv_format = kv_format,
        .k_scale = 0.5f,
        .v_scale = 0.25f,
        .scale = 0.125f,
        .slopes = SLOPES_BLOOM,
        .max_bias = 8,
        .total_heads = 2 * kv_heads,
        .q_position = seq_len - 1,
        .input = input_spec_default,
        .seed = 0x9e3779b97f4a7c15u + (uint64_t)seq_len,
    };
}

/* k or v of the device, [N, Hkv, D]. */
static char *read_all(const struct device_keys *keys, const void *tensor)
{
    size_t size = (size_t)keys->seq_len * keys->row_bytes;
    char *all = malloc(size);
    struct error error;
    assert_non_null(all);
    assert_int_equal(keys->device->ops->copy_out(keys->device->state, all, tensor, size, &error), ERROR_NONE);
    return all;
}

static void assert_rows(const struct device_keys *keys, const void *tensor, const void *part, int kv_head,
                        size_t part_row)
{
    char *all = read_all(keys, tensor);
    for (size_t key = 0; key < (size_t)keys->seq_len; key++)
        assert_memory_equal(all + key * keys->row_bytes + (size_t)kv_head * keys->head_bytes,
                            (const char *)part + key * part_row, part_row);
    free(all);
}

/* Makes the problem in parts of so many KV heads, here and there. staging: of the device, bytes; 0: what there is. */
static void compare(const struct problem_spec *spec, int heads_a_part, size_t staging)
{
    const struct problem shape = problem_spec_shape(spec);
    struct key_source source;
    struct device_keys keys;
    struct error error;
    assert_true(key_source_of(&source, spec));
    assert_true(device_keys_can_make(device, &shape));
    assert_int_equal(device_keys_open(&keys, device, &shape, &error), 0);
    keys.staging_bytes = staging ? staging : keys.staging_bytes;
    for (int kv_head = 0; kv_head < spec->num_kv_heads; kv_head += heads_a_part) {
        int left = spec->num_kv_heads - kv_head, heads = left < heads_a_part ? left : heads_a_part;
        struct inputs inputs = {0};
        uint64_t digest = 0;
        if (inputs_generate(&inputs, spec, (struct part){kv_head, heads}, 1, NULL, &error))
            fail_msg("%s", error.text);
        struct problem part = inputs.problem;
        part.k = part.v = NULL;
        assert_int_equal(device_keys_make(&keys, &source, kv_head, heads, &error), 0);
        assert_int_equal(keys_digest(&digest, &keys, &part, kv_head, &error), 0);
        size_t part_row = kv_row_bytes(&inputs.problem);
        assert_rows(&keys, keys.k, inputs.k, kv_head, part_row);
        assert_rows(&keys, keys.v, inputs.v, kv_head, part_row);
        if (digest != inputs.digest)
            fail_msg("another digest of %d of %d heads of %d, %lld keys", heads, spec->num_kv_heads, spec->head_dim,
                     (long long)spec->seq_len);
        inputs_clear(&inputs);
    }
    device_keys_close(&keys);
}

static void test_keys_of_every_shape(void **state)
{
    static const struct {
        enum dtype dtype;
        enum kv_format kv_format;
    } types[] = {{DTYPE_F16, KV_AS_DTYPE}, {DTYPE_BF16, KV_AS_DTYPE}, {DTYPE_F32, KV_AS_DTYPE},
                 {DTYPE_F16, KV_E4M3},     {DTYPE_BF16, KV_E5M2},     {DTYPE_F32, KV_E4M3FNUZ}};
    static const int dims[] = {8, 24, 80, 256};
    static const int64_t lengths[] = {7, 101};
    (void)state;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (size_t d = 0; d < sizeof dims / sizeof *dims; d++)
            for (size_t n = 0; n < sizeof lengths / sizeof *lengths; n++)
                for (int heads = 1; heads <= 3; heads++) {
                    const struct problem_spec spec =
                        spec_of(types[t].dtype, types[t].kv_format, lengths[n], 3, dims[d]);
                    compare(&spec, heads, 0);
                }
}

/* Sums that come in many pieces, the last of them and those of v, too. */
static void test_digests_whose_sums_do_not_come_at_once(void **state)
{
    (void)state;
    for (size_t blocks = 1; blocks < 40; blocks += 1 + blocks / 4) {
        const struct problem_spec spec = spec_of(DTYPE_F16, KV_AS_DTYPE, 301, 2, 64);
        compare(&spec, 1, blocks * DIGEST_LANES * sizeof(uint64_t));
        compare(&spec, 2, blocks * DIGEST_LANES * sizeof(uint64_t));
    }
}

static void test_what_else_a_digest_is_of(void **state)
{
    struct problem_spec spec = spec_of(DTYPE_F16, KV_AS_DTYPE, 301, 3, 64);
    (void)state;
    spec.num_queries = 3; /* whose heads stand apart in a part's q */
    compare(&spec, 1, 0);
    spec.mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 50, .sinks = 1};
    compare(&spec, 2, 0);
    spec.sinks = (struct sink_spec){.kind = SINKS_NORMAL, .number = 2};
    compare(&spec, 2, 0);
    spec.sequence = 3; /* of a batch: its seed is another one */
    compare(&spec, 3, 0);
}

/* Numbers that leave the dtype's range, and f32's. */
static void test_numbers_of_every_distribution(void **state)
{
    static const struct input_spec inputs[] = {
        {.distribution = DISTRIBUTION_NORMAL, .mean = -3, .stddev = 0.01},
        {.distribution = DISTRIBUTION_NORMAL, .mean = 60000, .stddev = 9000},
        {.distribution = DISTRIBUTION_NORMAL, .mean = 0, .stddev = 1e-7},
        {.distribution = DISTRIBUTION_NORMAL, .mean = 0, .stddev = 0},
        {.distribution = DISTRIBUTION_NORMAL, .mean = -(double)FLT_MAX, .stddev = (double)FLT_MAX},
        {.distribution = DISTRIBUTION_UNIFORM, .low = -1, .high = 1},
        {.distribution = DISTRIBUTION_UNIFORM, .low = -1e6, .high = 2e6},
        {.distribution = DISTRIBUTION_UNIFORM, .low = 0.25, .high = 0.25},
        {.distribution = DISTRIBUTION_UNIFORM, .low = -(double)FLT_MAX, .high = (double)FLT_MAX},
        {.distribution = DISTRIBUTION_CONSTANT, .value = 0.3},
        {.distribution = DISTRIBUTION_CONSTANT, .value = -1e30},
    };
    (void)state;
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        for (int type = 0; type < 6; type++) {
            static const enum kv_format formats[] = {KV_AS_DTYPE, KV_AS_DTYPE, KV_AS_DTYPE,
                                                     KV_E4M3,     KV_E5M2,     KV_E4M3FNUZ};
            struct problem_spec spec = spec_of(type < 3 ? (enum dtype)type : DTYPE_F16, formats[type], 61, 2, 64);
            double factor = spec.input.factor;
            spec.input = inputs[i];
            spec.input.factor = factor;
            compare(&spec, 1, 0);
        }
}

/* Elements beyond 2^32, and counters, of four each: a few keys of a problem that nobody makes. */
static void test_keys_far_from_the_first(void **state)
{
    enum { KEYS = 5, KV_HEADS = 3, DIM = 40, ROW = KV_HEADS * DIM };
    static const uint64_t elements[] = {0, (uint64_t)1 << 32, (uint64_t)1 << 34, (uint64_t)1 << 40};
    (void)state;
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        struct problem_spec spec = spec_of(DTYPE_F16, KV_AS_DTYPE, KEYS, KV_HEADS, DIM);
        const struct problem shape = problem_spec_shape(&spec);
        uint64_t first_key = elements[i] / ROW > 2 ? elements[i] / ROW - 2 : 0;
        struct generator generator;
        struct key_source source;
        struct device_keys keys;
        struct error error;
        uint16_t here[KEYS * ROW];
        assert_true(key_source_of(&source, &spec));
        source.first_key = (int64_t)first_key;
        assert_int_equal(device_keys_open(&keys, device, &shape, &error), 0);
        assert_int_equal(device_keys_make(&keys, &source, 0, 1, &error), 0);
        assert_int_equal(device_keys_make(&keys, &source, 1, 2, &error), 0);
        assert_int_equal(generator_init(&generator, &spec, NULL, NULL, &error), 0);
        generator_make(&generator, TENSOR_V, first_key * ROW, KEYS * ROW, here, 0);
        assert_rows(&keys, keys.v, here, 0, ROW * sizeof *here);
        generator_clear(&generator);
        device_keys_close(&keys);
    }
}

static void test_what_stays_with_the_host(void **state)
{
    const struct problem whole_lanes = {.head_dim = 8}, others = {.head_dim = 12};
    const struct device_ops ops = apart.ops;
    struct device *host;
    struct error error;
    (void)state;
    for (int i = 0; i < DISTRIBUTION_COUNT; i++) {
        struct problem_spec spec = spec_of(DTYPE_F16, KV_AS_DTYPE, 7, 1, 64);
        struct key_source source;
        spec.input = input_spec_of((enum distribution)i);
        assert_int_equal(key_source_of(&source, &spec), i <= DISTRIBUTION_CONSTANT);
    }
    assert_true(device_keys_can_make(device, &whole_lanes));
    assert_false(device_keys_can_make(device, &others));
    apart.ops.make_elements = NULL;
    assert_false(device_keys_can_make(device, &whole_lanes));
    apart.ops = ops;
    assert_int_equal(device_open(&host, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    assert_false(device_keys_can_make(host, &whole_lanes));
    device_close(host);
}

static void test_no_keys(void **state)
{
    struct problem_spec spec = spec_of(DTYPE_F16, KV_AS_DTYPE, 0, 2, 64);
    (void)state;
    compare(&spec, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_every_shape),
        cmocka_unit_test(test_digests_whose_sums_do_not_come_at_once),
        cmocka_unit_test(test_what_else_a_digest_is_of),
        cmocka_unit_test(test_numbers_of_every_distribution),
        cmocka_unit_test(test_keys_far_from_the_first),
        cmocka_unit_test(test_what_stays_with_the_host),
        cmocka_unit_test(test_no_keys),
    };
    return cmocka_run_group_tests_name("key_source", tests, open_apart, close_apart);
}
