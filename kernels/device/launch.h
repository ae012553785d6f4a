/*
 * What a device does to run a kernel on a batch: the functions to launch, in order, their argument, and the memory that
 * they read and write.
 */
#ifndef KERNELS_DEVICE_LAUNCH_H
#define KERNELS_DEVICE_LAUNCH_H

#include "kernels/attention/kernel_names.h"
#include "kernels/device/kv_cache.h"

struct launch {
    enum kernel_function function;
    unsigned blocks_x, blocks_y, blocks_z, threads;
    unsigned shared_bytes; /* dynamic shared memory, of a GPU */
};

/* The buffers of attention_args. */
enum buffer {
    BUFFER_Q,
    BUFFER_K,
    BUFFER_V,
    BUFFER_PAGE_TABLE,
    BUFFER_SLOPES,
    BUFFER_VISIBLE,
    BUFFER_SEQUENCES,
    BUFFER_OUT,
    BUFFER_LSE,
    BUFFER_PARTIAL_MAX,
    BUFFER_PARTIAL_SUM,
    BUFFER_PARTIAL_OUT,
    BUFFER_LOGITS,
    BUFFER_COUNT
};

extern const char *const buffer_names[BUFFER_COUNT];

struct plan_buffer {
    const void *source; /* what it holds when the launches begin; NULL: anything */
    void *destination;  /* where what it holds at the end goes; NULL: nowhere, and an input is then not written to */
    size_t size_bytes;  /* 0: the launches have no such buffer */
};

struct launch_plan {
    struct attention_args args; /* shapes and numbers; the device binds the buffers */
    struct launch launches[2];
    int num_launches;
    struct plan_buffer buffers[BUFFER_COUNT];

    /* The plan's own memory behind some of the buffers. */
    struct sequence_args *sequences; /* [B] */
    struct kv_cache cache;
    float *slopes; /* [H] of a kernel that has its own; NULL: the problem's */
    char *packed;  /* q, out, lse and visible of a batch, one sequence after the other; NULL: there is one sequence */
};

extern const char *const kernel_function_names[FUNCTION_COUNT];

struct plan_options {
    size_t real_bytes;      /* of a kernel's `real` */
    bool generic;           /* no plain forms (plain.h) */
    bool plain_alone;       /* plain forms for heads that share no rows, too */
    unsigned shared_blocks; /* heads share rows (MAX_SHARED_HEADS) where so many blocks are left */
};

/*
 * Plans the launches of a batch. plan is overwritten; plan_clear frees what is its own, whatever the result. The
 * batch's tensors outlive the plan. ERROR_USAGE for shapes that the kernel does not take.
 */
enum error_kind plan_launches(struct launch_plan *plan, const struct batch *batch, const struct plan_options *options,
                              struct error *error);
void plan_clear(struct launch_plan *plan);

/* Points args at a buffer where the device has it; NULL for one that there is not. */
void plan_bind(struct launch_plan *plan, enum buffer buffer, void *memory);

#endif
