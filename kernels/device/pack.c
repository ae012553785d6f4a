#include "kernels/device/pack.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static const enum buffer packed_buffers[] = {BUFFER_Q, BUFFER_OUT, BUFFER_LSE, BUFFER_VISIBLE};

enum { NUM_PACKED = sizeof packed_buffers / sizeof packed_buffers[0] };

/* What a sequence has of a buffer, in the caller's memory, and where that begins in the buffer. */
struct packed_part {
    void *own;
    size_t begin, size_bytes;
};

static struct packed_part part_of(const struct launch_plan *plan, const struct batch *batch, int i, enum buffer buffer)
{
    const struct problem *problem = &batch->problems[i];
    const struct sequence_args *sequence = &plan->sequences[i];
    size_t heads = (size_t)problem->num_heads, first = (size_t)sequence->first_query;
    size_t query = (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes;
    switch (buffer) {
    case BUFFER_Q:
        return (struct packed_part){(void *)(uintptr_t)problem->q, first * query, heads * query};
    case BUFFER_OUT:
        return (struct packed_part){batch->outputs[i].out, first * query, heads * query};
    case BUFFER_LSE:
        return (struct packed_part){batch->outputs[i].lse, first * sizeof(float), heads * sizeof(float)};
    default:
        return (struct packed_part){
            plan->masks ? plan->masks + sequence->first_key : (void *)(uintptr_t)problem->visible,
            (size_t)sequence->first_key,
            !problem->visible ? 0 : (size_t)(plan->masks ? sequence->seq_len : problem->seq_len)};
    }
}

static size_t aligned(size_t size_bytes)
{
    return (size_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

enum error_kind plan_pack(struct launch_plan *plan, const struct batch *batch, struct error *error)
{
    size_t size_bytes = 0, begin = 0;
    for (int b = 0; b < NUM_PACKED; b++)
        size_bytes += aligned(plan->buffers[packed_buffers[b]].size_bytes);
    plan->packed = aligned_alloc(ALIGNMENT, size_bytes);
    if (!plan->packed)
        return error_memory(error, "a batch", (double)size_bytes);
    for (int b = 0; b < NUM_PACKED; b++) {
        struct plan_buffer *buffer = &plan->buffers[packed_buffers[b]];
        char *to = plan->packed + begin;
        for (int i = 0; i < batch->num_sequences; i++) {
            struct packed_part part = part_of(plan, batch, i, packed_buffers[b]);
            if (part.size_bytes)
                memcpy(to + part.begin, part.own, part.size_bytes);
        }
        buffer->source = to;
        buffer->destination = buffer->destination ? to : NULL;
        begin += aligned(buffer->size_bytes);
    }
    return ERROR_NONE;
}

void plan_unpack(const struct launch_plan *plan, const struct batch *batch)
{
    static const enum buffer results[] = {BUFFER_OUT, BUFFER_LSE};
    for (int i = 0; i < batch->num_sequences && plan->packed; i++)
        for (int r = 0; r < 2; r++) {
            struct packed_part part = part_of(plan, batch, i, results[r]);
            memcpy(part.own, (const char *)plan->buffers[results[r]].destination + part.begin, part.size_bytes);
        }
}
