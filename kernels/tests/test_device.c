/*
 * What every device has in common: its buffers, what an audit finds in them, and what a failure leaves behind. On the
 * host's operations, in memory of their own as a GPU has it, with a launch or an allocation that misbehaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/device/device.h"
#include "kernels/device/guard.h"
#include "kernels/tests/made_problem.h"

enum { MARGIN_BYTES = GUARD_BYTES, KEYS = 70, HEADS = 2, DIM = 64 };

/* What the device under test does beside its work. */
static struct {
    enum buffer written; /* a byte of it, or beside it, is changed by the launch; BUFFER_COUNT: none */
    ptrdiff_t offset_bytes;
    int calls_left; /* of allocate, copy_in, copy_out and launch; the one after fails */
    int blocks;     /* allocated and not released */
    int stale;      /* buffers of the last launch that held something else than their source or NaN */
} misbehaviour;

static enum error_kind fail_at_last(enum error_kind kind, struct error *error)
{
    if (!kind && misbehaviour.calls_left-- <= 0)
        return error_set(error, ERROR_SYSTEM, "no more calls");
    return kind;
}

static enum error_kind allocate(void *state, void **memory, size_t size_bytes, struct error *error)
{
    enum error_kind kind = fail_at_last(ERROR_NONE, error);
    if (!kind)
        kind = device_host_ops.allocate(state, memory, size_bytes + 2 * MARGIN_BYTES, error);
    if (!kind) {
        *memory = (char *)*memory + MARGIN_BYTES;
        misbehaviour.blocks++;
    }
    return kind;
}

static void release(void *state, void *memory)
{
    misbehaviour.blocks -= memory != NULL;
    device_host_ops.release(state, memory ? (char *)memory - MARGIN_BYTES : NULL);
}

static enum error_kind copy(void *state, void *to, const void *from, size_t size_bytes, struct error *error)
{
    return fail_at_last(device_host_ops.copy_in(state, to, from, size_bytes, error), error);
}

static bool holds_poison(const char *data, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++)
        if (data[i] != '\xff')
            return false;
    return true;
}

static enum error_kind launch(void *state, const struct launch_plan *plan, double *seconds, struct error *error)
{
    static const size_t addresses[BUFFER_WORKSPACE] = {
        [BUFFER_Q] = offsetof(struct attention_args, q),
        [BUFFER_K] = offsetof(struct attention_args, k),
        [BUFFER_V] = offsetof(struct attention_args, v),
        [BUFFER_PAGE_TABLE] = offsetof(struct attention_args, page_table),
        [BUFFER_SLOPES] = offsetof(struct attention_args, slopes),
        [BUFFER_SINKS] = offsetof(struct attention_args, sink_logits),
        [BUFFER_VISIBLE] = offsetof(struct attention_args, visible),
        [BUFFER_SEQUENCES] = offsetof(struct attention_args, sequences),
        [BUFFER_ARRIVALS] = offsetof(struct attention_args, arrivals),
        [BUFFER_OUT] = offsetof(struct attention_args, out),
        [BUFFER_LSE] = offsetof(struct attention_args, lse),
    };
    char *buffers[BUFFER_COUNT];
    misbehaviour.stale = 0;
    for (int b = 0; b < BUFFER_COUNT; b++) {
        if (b < BUFFER_WORKSPACE)
            memcpy(&buffers[b], (const char *)&plan->args + addresses[b], sizeof buffers[b]);
        else
            buffers[b] = plan->args.workspace[b - BUFFER_WORKSPACE];
        misbehaviour.stale += !plan->buffers[b].source && !holds_poison(buffers[b], plan->buffers[b].size_bytes);
    }
    enum error_kind kind = fail_at_last(device_host_ops.launch(state, plan, seconds, error), error);
    if (!kind && misbehaviour.written < BUFFER_COUNT)
        buffers[misbehaviour.written][misbehaviour.offset_bytes] ^= 0x10;
    return kind;
}

static struct device *open_device(struct device_ops *ops)
{
    struct device *device;
    struct error error;
    *ops = device_host_ops;
    ops->shares_memory = false;
    ops->plain_alone = true;
    ops->allocate = allocate;
    ops->release = release;
    ops->copy_in = copy;
    ops->copy_out = copy;
    ops->launch = launch;
    if (device_open_with(&device, DEVICE_HOST, ops, &(struct device_options){.threads = 1}, &error))
        fail_msg("%s", error.text);
    return device;
}

/* Sizes of a kernel's buffers, for the problem of the tests in pages; 0 for one that it does not have. */
static void sizes_of(size_t *sizes, const struct batch *batch)
{
    struct launch_plan plan;
    struct error error;
    const struct plan_options options = {.real_bytes = sizeof(float), .plain_alone = true, .shared_blocks = 1};
    if (plan_launches(&plan, batch, &options, &error))
        fail_msg("%s", error.text);
    for (int b = 0; b < BUFFER_COUNT; b++)
        sizes[b] = plan.buffers[b].size_bytes;
    plan_clear(&plan);
}

static void test_an_audit_finds_every_changed_byte_by_name(void **state)
{
    static const struct recipe recipe = {.sentinel.policy = SENTINEL_INFINITY};
    static const struct kernel_options options = {.chunk_len = 32, .page_size = 16};
    struct device_ops ops;
    struct device *device = open_device(&ops);
    struct made_problem made = make_problem(KEYS, HEADS, HEADS, DIM, DTYPE_F16);
    uint16_t out[HEADS * DIM];
    float lse[HEADS];
    const struct output output = {out, lse};
    struct memory_audit audit;
    struct error error;
    double seconds;
    int found[BUFFER_COUNT] = {0};
    float sinks[HEADS] = {0};
    (void)state;
    mask_keys(&made, 3, 5, 1);
    made.problem.sink_logits = sinks;
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++) {
        const struct batch batch = {(enum kernel)kernel, &options, &recipe, &made.problem, &output, 1, false};
        size_t sizes[BUFFER_COUNT];
        sizes_of(sizes, &batch);
        for (enum buffer b = 0; b < BUFFER_COUNT; b++) {
            const ptrdiff_t size = (ptrdiff_t)sizes[b],
                            places[] = {-GUARD_BYTES, -1, size, size + GUARD_BYTES - 1, 0, size - 1};
            for (int p = 0; p < 6 && size > 0; p++) {
                bool inside = places[p] >= 0 && places[p] < size, input = b < BUFFER_OUT;
                misbehaviour.written = b;
                misbehaviour.offset_bytes = places[p];
                misbehaviour.calls_left = 1000;
                if (device_run_batch(device, &batch, &audit, &seconds, &error))
                    fail_msg("%s", error.text);
                assert_int_equal(misbehaviour.stale, 0);
                if (inside)
                    assert_string_equal(audit.written.name, "");
                else
                    assert_string_equal(audit.written.name, buffer_name(batch.kernel, b));
                if (!inside) {
                    assert_int_equal(audit.written.offset_bytes, places[p]);
                    assert_int_equal(audit.written.buffer_bytes, sizes[b]);
                }
                if (inside && input)
                    assert_string_equal(audit.changed, buffer_name(batch.kernel, b));
                else
                    assert_string_equal(audit.changed, "");
                found[b]++;
            }
        }
    }
    for (int b = 0; b < BUFFER_COUNT; b++)
        if (!found[b])
            fail_msg("no kernel has buffer %d", b);
    assert_int_equal(misbehaviour.blocks, 0);
    free_problem(&made);
    device_close(device);
}

/* Whichever call fails, the run says so and gives all of the device's memory back. */
static void test_a_failed_call_ends_the_run_and_leaks_nothing(void **state)
{
    static const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    static const struct kernel_options options = {.chunk_len = 32};
    struct device_ops ops;
    struct device *device = open_device(&ops);
    struct made_problem made[2] = {make_sequence(0, KEYS, HEADS, HEADS, DIM, DTYPE_F32),
                                   make_sequence(1, 9, HEADS, HEADS, DIM, DTYPE_F32)};
    const struct problem problems[2] = {made[0].problem, made[1].problem};
    float out[2][HEADS * DIM], lse[2][HEADS];
    const struct output outputs[2] = {{out[0], lse[0]}, {out[1], lse[1]}};
    const struct batch batch = {KERNEL_SPLIT_KV, &options, &recipe, problems, outputs, 2, false};
    struct memory_audit audit;
    struct error error;
    double seconds;
    int calls = 0;
    enum error_kind kind = ERROR_SYSTEM;
    (void)state;
    misbehaviour.written = BUFFER_COUNT;
    while (kind) {
        misbehaviour.calls_left = calls++;
        kind = device_run_batch(device, &batch, &audit, &seconds, &error);
        assert_int_equal(misbehaviour.blocks, 0);
        if (kind)
            assert_string_equal(error.text, "no more calls");
        assert_true(calls < 200);
    }
    assert_true(calls > 40);
    free_problem(&made[0]);
    free_problem(&made[1]);
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_audit_finds_every_changed_byte_by_name),
        cmocka_unit_test(test_a_failed_call_ends_the_run_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
