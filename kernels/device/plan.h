/*
 * What a device does to run a kernel on a batch: the functions to launch, in order, their argument, and the memory that
 * they read and write.
 */
#ifndef KERNELS_DEVICE_PLAN_H
#define KERNELS_DEVICE_PLAN_H

#include "kernels/attention/forms.h"
#include "kernels/device/kv_cache.h"

struct launch {
    enum kernel kernel;
    int step, form; /* which of the kernel's launches, and of that one's forms (forms.h) */
    unsigned blocks_x, blocks_y, blocks_z, threads;
    unsigned shared_bytes; /* dynamic shared memory, of a GPU */
};

/* What a launch calls, of what a compiler made of the kernels. */
static inline const struct compiled_form *launch_form(const struct compiled_kernel *const *compiled,
                                                      const struct launch *launch)
{
    return &compiled[launch->kernel]->forms[launch->step][launch->form];
}

/* The buffers of attention_args. */
enum buffer {
    BUFFER_Q,
    BUFFER_K,
    BUFFER_V,
    BUFFER_PAGE_TABLE,
    BUFFER_SLOPES,
    BUFFER_SINKS,
    BUFFER_VISIBLE,
    BUFFER_SEQUENCES,
    BUFFER_ARRIVALS,
    BUFFER_OUT,
    BUFFER_LSE,
    BUFFER_WORKSPACE, /* the first of those that the kernel's descriptor names */
    BUFFER_COUNT = BUFFER_WORKSPACE + MAX_WORKSPACE_BUFFERS
};

/* As in "the page table"; NULL: the kernel has no such workspace. */
const char *buffer_name(enum kernel kernel, enum buffer buffer);

struct plan_buffer {
    const void *source; /* what it holds when the launches begin; NULL: anything */
    void *destination;  /* where what it holds at the end goes; NULL: nowhere, and an input is then not written to */
    size_t size_bytes;  /* 0: the launches have no such buffer */
};

struct launch_plan {
    enum kernel kernel;
    struct launch_setting setting;
    struct attention_args args; /* shapes and numbers; the device binds the buffers */
    struct launch launches[MAX_KERNEL_LAUNCHES];
    int num_launches;
    struct plan_buffer buffers[BUFFER_COUNT];

    /* The plan's own memory behind some of the buffers. */
    struct sequence_args *sequences; /* [B] */
    struct kv_cache cache;
    float *slopes;      /* [H] of a kernel that has its own; NULL: the problem's */
    uint32_t *arrivals; /* [B, H] 0 of launches whose last blocks merge chunks; NULL: there are none */
    uint8_t *masks;     /* [sum of N] of masked sequences, in the place of visible (count_masks); NULL: the problems' */
    char *packed; /* q, out, lse and visible of a batch, one sequence after the other; NULL: there is one sequence */
};

/* What a device has of what forms take, and which of them are asked for. */
struct plan_options {
    size_t real_bytes;      /* of a kernel's `real` */
    bool generic;           /* no plain forms (plain.h) */
    bool merge_apart;       /* chunks are merged by a launch of their own where plain forms would do it, too */
    bool plain_alone;       /* plain forms for heads that share no rows, and for masked keys, too */
    unsigned shared_blocks; /* heads share rows, 2 or MAX_SHARED_HEADS, where so many blocks are left */
    size_t shared_room;     /* bytes of shared memory that a block may have: plain forms that take more are left out; 0:
                             * any number */
};

/* Points args at a buffer where the device has it; NULL for one that there is not. */
void plan_bind(struct launch_plan *plan, enum buffer buffer, void *memory);

#endif
