/* Batches: every sequence of a launch has the bits that it has alone, whatever is beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/kernel.h"
#include "kernels/tests/made_problem.h"

enum { SEQUENCES = 5, HEADS = 4, KV_HEADS = 2, DIM = 80, ELEMENTS = HEADS * DIM };

/* The longest neither first nor last; one of a single key; one that fills its last tile, chunk and page. */
static const int64_t lengths[SEQUENCES] = {75, 1, 300, 96, 33};

struct result {
    float out[ELEMENTS], lse[HEADS]; /* out in its dtype */
};

static void run(struct device *device, const struct batch *batch, struct memory_audit *audit)
{
    struct error error;
    double seconds;
    if (device_run_batch(device, batch, audit, &seconds, &error))
        fail_msg("%s", error.text);
}

/* Sequences with their own queries, keys, positions and slots; two of them with masks, one of which leaves nothing. */
static void make_sequences(struct made_problem *made, struct problem *problems, enum dtype dtype)
{
    for (int i = 0; i < SEQUENCES; i++) {
        made[i] = make_sequence(i, lengths[i] + i, HEADS, KV_HEADS, DIM, dtype);
        made[i].problem.seq_len = lengths[i];
        made[i].problem.kv_slots = i;
        made[i].problem.q_position = lengths[i] - 1 + 10 * i;
        made[i].problem.kv_offset = 3 * i;
    }
    mask_keys(&made[2], 100, 300, 3);
    mask_keys(&made[4], 0, 33, 1);
    for (int i = 0; i < SEQUENCES; i++)
        problems[i] = made[i].problem;
}

/* Runs the batch and each sequence alone, and compares every bit. */
static void compare(struct device *device, struct batch batch, struct memory_audit *audit, const char *what)
{
    static struct result together[SEQUENCES], alone;
    struct output outputs[SEQUENCES];
    size_t out_bytes = ELEMENTS * dtypes[batch.problems->dtype].size_bytes;
    for (int i = 0; i < batch.num_sequences; i++)
        outputs[i] = (struct output){together[i].out, together[i].lse};
    memset(together, 0xff, sizeof together);
    batch.outputs = outputs;
    run(device, &batch, audit);
    for (int i = 0; i < batch.num_sequences; i++) {
        const struct output output = {alone.out, alone.lse};
        struct batch single = batch;
        single.problems = &batch.problems[i];
        single.outputs = &output;
        single.num_sequences = 1;
        run(device, &single, NULL);
        if (memcmp(alone.out, together[i].out, out_bytes) || memcmp(alone.lse, together[i].lse, sizeof alone.lse))
            fail_msg("%s: sequence %d of %d has other bits in %s", what, i, batch.num_sequences,
                     kernels[batch.kernel]->name);
    }
}

static struct device *open_host(int threads)
{
    struct device *device;
    struct error error;
    if (device_open(&device, DEVICE_HOST, &(struct device_options){.threads = threads}, &error))
        fail_msg("%s", error.text);
    return device;
}

static void test_every_sequence_has_its_own_bits(void **state)
{
    static const struct recipe recipes[] = {
        {.sentinel.policy = SENTINEL_EXCLUDE},
        {.sentinel.policy = SENTINEL_INFINITY, .bias = BIAS_ABSOLUTE},
        {.sentinel.policy = SENTINEL_ADAPTIVE, .exponential = EXPONENTIAL_EX2_APPROX},
        {.sentinel = {SENTINEL_VALUE, -5}, .initial_sum = 1, .merge = MERGE_LSE, .partial_dtype = ROUND_F16},
        {.sentinel.policy = SENTINEL_EXCLUDE, .masked_values = MASKED_VALUES_READ_PAST_END},
        {.sentinel = {SENTINEL_VALUE, -100}, .masked_entry = MASKED_ADD, .positions = POSITIONS_LOCAL},
    };
    static const int page_sizes[] = {0, 16, 7};
    struct device *device = open_host(2);
    (void)state;
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        struct made_problem made[SEQUENCES];
        struct problem problems[SEQUENCES];
        make_sequences(made, problems, (enum dtype)dtype);
        for (size_t r = 0; r < sizeof recipes / sizeof recipes[0]; r++)
            for (int kernel = 0; kernel < KERNEL_COUNT; kernel++) {
                if (kernel_refusal((enum kernel)kernel, &recipes[r], (enum dtype)dtype, KV_AS_DTYPE))
                    continue;
                const struct kernel_options options = {.chunk_len = 32, .page_size = page_sizes[r % 3], .page_seed = r};
                const struct batch batch = {(enum kernel)kernel, &options, &recipes[r], problems, NULL,
                                            SEQUENCES,           false};
                char what[32];
                snprintf(what, sizeof what, "recipe %d, %s", (int)r, dtypes[dtype].name);
                compare(device, batch, NULL, what);
            }
        for (int i = 0; i < SEQUENCES; i++)
            free_problem(&made[i]);
    }
    device_close(device);
}

/* Any first and last sequence, and pages of one key, in memory between guard zones. */
static void test_order_pages_and_audit_change_nothing(void **state)
{
    static const struct recipe recipe = {.sentinel.policy = SENTINEL_INFINITY};
    struct device *device = open_host(1);
    struct made_problem made[SEQUENCES];
    struct problem problems[SEQUENCES], turned[SEQUENCES];
    (void)state;
    make_sequences(made, problems, DTYPE_F16);
    for (int turn = 0; turn < SEQUENCES; turn++)
        for (int page_size = 0; page_size < 2; page_size++) {
            struct memory_audit audit;
            const struct kernel_options options = {.chunk_len = 64, .page_size = page_size};
            const struct batch batch = {
                (enum kernel)(turn % KERNEL_COUNT), &options, &recipe, turned, NULL, SEQUENCES - turn % 2, false};
            for (int i = 0; i < SEQUENCES; i++)
                turned[i] = problems[(i + turn) % SEQUENCES];
            compare(device, batch, &audit, "turned");
            assert_string_equal(audit.written.name, "");
            assert_string_equal(audit.changed, "");
        }
    for (int i = 0; i < SEQUENCES; i++)
        free_problem(&made[i]);
    device_close(device);
}

static void test_shapes_must_agree(void **state)
{
    static const struct recipe recipe = {.sentinel.policy = SENTINEL_INFINITY};
    static const struct kernel_options options = {.chunk_len = 64};
    struct device *device = open_host(1);
    struct made_problem made = make_problem(5, HEADS, KV_HEADS, DIM, DTYPE_F16);
    struct problem problems[2] = {made.problem, made.problem};
    struct result results[2];
    const struct output outputs[2] = {{results[0].out, results[0].lse}, {results[1].out, results[1].lse}};
    const struct batch batch = {KERNEL_SPLIT_KV, &options, &recipe, problems, outputs, 2, false};
    struct error error;
    double seconds;
    (void)state;
    problems[1].num_heads = 2;
    assert_int_equal(device_run_batch(device, &batch, NULL, &seconds, &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, "sequence 1"));
    free_problem(&made);
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sequence_has_its_own_bits),
        cmocka_unit_test(test_order_pages_and_audit_change_nothing),
        cmocka_unit_test(test_shapes_must_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
