/* Kernels broken on purpose for the tests of the oracles, one way each: in what they do to the device's memory, beside
 * their launches. */
#ifndef HARNESS_JUDGE_ORACLE_TESTS_BROKEN_MEMORY_H
#define HARNESS_JUDGE_ORACLE_TESTS_BROKEN_MEMORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/oracle/tests/broken_answer.h"
#include "kernels/device/device.h"
#include "kernels/dialect/simt.h"

static void writes_past_out(const struct launch_plan *plan)
{
    f32(plan->args.out)[plan->buffers[BUFFER_OUT].size_bytes / sizeof(float)] = 0;
}

static void writes_before_lse(const struct launch_plan *plan)
{
    f32(plan->args.lse)[-1] = 0;
}

static void writes_past_partial_sums(const struct launch_plan *plan)
{
    enum { PARTIAL_SUM = 1 }; /* of split_kv's workspace */
    f32(plan->args.workspace[PARTIAL_SUM])[plan->buffers[BUFFER_WORKSPACE + PARTIAL_SUM].size_bytes / sizeof(float)] =
        1;
}

/* A fused kernel that appends the new token's k in place, at the wrong slot. */
static void writes_into_k(const struct launch_plan *plan)
{
    if (plan->buffers[BUFFER_K].size_bytes > (17 * HKV + 2) * D * sizeof(float) && !plan->cache.far)
        f32(plan->args.k)[(17 * HKV + 1) * D] += 0.5f;
}

static void (*misbehave)(const struct launch_plan *plan);

static enum error_kind launch_and_misbehave(void *state, const struct launch_plan *plan, double *seconds,
                                            struct error *error)
{
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    if (!kind)
        misbehave(plan);
    return kind;
}

/* Finds the keys of every sequence of a launch where those of the first are. */
static enum error_kind launch_with_the_first_rows(void *state, const struct launch_plan *plan, double *seconds,
                                                  struct error *error)
{
    struct launch_plan broken = *plan;
    struct sequence_args sequences[MAX_SEQUENCES];
    int count = (int)(plan->buffers[BUFFER_SEQUENCES].size_bytes / sizeof *sequences);
    memcpy(sequences, plan->args.sequences, plan->buffers[BUFFER_SEQUENCES].size_bytes);
    for (int i = 0; i < count; i++)
        sequences[i].first_row = sequences[0].first_row;
    plan_bind(&broken, BUFFER_SEQUENCES, sequences);
    return device_host_ops.launch(state, &broken, seconds, error);
}

/* One launch more, in which one warp hands the first head's out to another, and nobody waits. */
struct handed {
    float *out;
};

SIMT_KERNEL(hand_over, struct handed, args)
{
    __shared__ float row[WARP_SIZE];
    unsigned lane = threadIdx.x % WARP_SIZE;
    if (threadIdx.x < WARP_SIZE)
        row[lane] = args.out[lane];
    else /* __syncthreads() is missing */
        args.out[lane] = row[lane];
    __syncthreads();
    row[lane] = 0;
}

static enum error_kind launch_without_a_barrier(void *state, const struct launch_plan *plan, double *seconds,
                                                struct error *error)
{
    const struct handed args = {plan->args.out};
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    return kind ? kind
                : simt_launch(state, "hand_over", host_hand_over, &args, &(struct simt_grid){1, 1, 1, 64}, error);
}

/* Copies of 64 bytes, from where they may begin. */
static enum error_kind launch_with_k_at_64_bytes(void *state, const struct launch_plan *plan, double *seconds,
                                                 struct error *error)
{
    struct launch_plan broken = *plan;
    broken.args.k = (const void *)((uintptr_t)plan->args.k & ~(uintptr_t)63);
    return device_host_ops.launch(state, &broken, seconds, error);
}

/* Adds 0 times an element that is `at` elements from a buffer's beginning. */
static void read_beside(const struct launch_plan *plan, const void *buffer, ptrdiff_t at)
{
    f32(plan->args.out)[5] += 0 * f32(buffer)[at];
}

/* A copy that begins a row early. */
static enum error_kind launch_and_read_before_v(void *state, const struct launch_plan *plan, double *seconds,
                                                struct error *error)
{
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    if (!kind)
        read_beside(plan, plan->args.v, -D);
    return kind;
}

/* A tile that ends more slots past the last key than there are. */
static enum error_kind launch_and_read_past_the_slots(void *state, const struct launch_plan *plan, double *seconds,
                                                      struct error *error)
{
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    if (!kind)
        read_beside(plan, plan->args.v, (ptrdiff_t)(plan->buffers[BUFFER_V].size_bytes / sizeof(float)) + D);
    return kind;
}

/* The index of an element in an int. */
static enum error_kind launch_with_int_indices(void *state, const struct launch_plan *plan, double *seconds,
                                               struct error *error)
{
    struct launch_plan broken = *plan;
    struct sequence_args sequences[MAX_SEQUENCES];
    int count = (int)(plan->buffers[BUFFER_SEQUENCES].size_bytes / sizeof *sequences);
    int64_t row = (int64_t)plan->args.num_kv_heads * plan->args.head_dim;
    memcpy(sequences, plan->args.sequences, plan->buffers[BUFFER_SEQUENCES].size_bytes);
    for (int i = 0; i < count; i++)
        sequences[i].first_row = (int32_t)(uint32_t)(uint64_t)(sequences[i].first_row * row) / row;
    plan_bind(&broken, BUFFER_SEQUENCES, sequences);
    return device_host_ops.launch(state, &broken, seconds, error);
}

static enum error_kind launch_with_page_table(void *state, const struct launch_plan *plan, int32_t (*made_of)(int32_t),
                                              double *seconds, struct error *error)
{
    struct launch_plan broken = *plan;
    size_t entries = plan->buffers[BUFFER_PAGE_TABLE].size_bytes / sizeof(int32_t);
    int32_t *table = malloc(entries * sizeof *table);
    assert_non_null(table);
    for (size_t i = 0; i < entries; i++)
        table[i] = made_of(plan->args.page_table[i]);
    plan_bind(&broken, BUFFER_PAGE_TABLE, table);
    enum error_kind kind = device_host_ops.launch(state, &broken, seconds, error);
    free(table);
    return kind;
}

static int32_t in_16_bits(int32_t page)
{
    return (int16_t)(uint16_t)(uint32_t)page;
}

static enum error_kind launch_with_pages_of_16_bits(void *state, const struct launch_plan *plan, double *seconds,
                                                    struct error *error)
{
    return launch_with_page_table(state, plan, in_16_bits, seconds, error);
}

/* A copy goes on into the next page of the pool, whoever has it. */
static enum error_kind launch_and_read_a_neighbour(void *state, const struct launch_plan *plan, double *seconds,
                                                   struct error *error)
{
    const ptrdiff_t page = (ptrdiff_t)plan->args.page_size * plan->args.num_kv_heads * plan->args.head_dim;
    const size_t entries = plan->buffers[BUFFER_PAGE_TABLE].size_bytes / sizeof(int32_t);
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    for (size_t i = 0; i < 4 && i < entries && !kind; i++)
        read_beside(plan, plan->args.v, (plan->args.page_table[i] + 1) * page);
    return kind;
}

/* Takes partial results for its own that it finds in its workspace. */
static enum error_kind launch_with_what_is_there(void *state, const struct launch_plan *plan, double *seconds,
                                                 struct error *error)
{
    struct launch_plan broken = *plan;
    const float found = *f32(plan->args.workspace[0]);
    if (found != 0 && !isnan(found)) { /* the merge alone */
        broken.launches[0] = plan->launches[plan->num_launches - 1];
        broken.num_launches = 1;
    }
    return device_host_ops.launch(state, &broken, seconds, error);
}

/* Merges a chunk too many where a longer launch has left more chunks in the workspace, of weight 2e-4. */
static enum error_kind launch_with_chunks_of_before(void *state, const struct launch_plan *plan, double *seconds,
                                                    struct error *error)
{
    static int left;
    int chunks = plan->sequences[0].num_chunks;
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    if (!kind && plan->setting.workspace == WORKSPACE_KEPT && chunks < left)
        *f32(plan->args.out) *= 1 - 2e-4f;
    left = plan->setting.workspace == WORKSPACE_OWN ? 0 : chunks;
    return kind;
}

/* Memory with room around it for what a kernel writes where it should not. */
enum { MARGIN_BYTES = 4096 };

static enum error_kind allocate_with_margins(void *state, void **memory, size_t size_bytes, struct error *error)
{
    enum error_kind kind = device_host_ops.allocate(state, memory, size_bytes + 2 * MARGIN_BYTES, error);
    if (kind)
        return kind;
    memset(*memory, 0, size_bytes + 2 * MARGIN_BYTES);
    *memory = (char *)*memory + MARGIN_BYTES;
    return ERROR_NONE;
}

static void release_with_margins(void *state, void *memory)
{
    device_host_ops.release(state, memory ? (char *)memory - MARGIN_BYTES : NULL);
}

/* The host device with another launch, in memory of its own as a GPU has it. */
static struct device *open_broken(struct device_ops *ops,
                                  enum error_kind (*launch)(void *state, const struct launch_plan *plan,
                                                            double *seconds, struct error *error))
{
    struct device *device;
    struct error error;
    *ops = device_host_ops;
    ops->shares_memory = false;
    ops->allocate = allocate_with_margins;
    ops->release = release_with_margins;
    ops->launch = launch;
    if (device_open_with(&device, DEVICE_HOST, ops, &(struct device_options){.threads = 1}, &error))
        fail_msg("%s", error.text);
    return device;
}

#endif
