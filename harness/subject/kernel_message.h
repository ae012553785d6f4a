/*
 * Messages between alibicheck and a kernel in another process, over two pipes. Each is a length, 8 bytes little-endian,
 * and so many bytes: a file in the .safetensors format. docs/kernels.md is the protocol for who writes the other side.
 *
 *     kernel -> us     what it is and takes, once: no tensors, metadata: name, takes and the like
 *     us -> kernel     a launch: q, k, v or pages of them, slopes, perhaps mask, sink_logits, out, lse;
 *                      metadata: scale, positions, perhaps strides; where keys lie far apart, how many elements k and
 *                      v span, and the number of each page
 *     kernel -> us     its result: out, perhaps lse; metadata: seconds, or why there is none
 *
 * Of a launch of several sequences the tensors and positions of sequence i are called "q.i". What is read is believed
 * in nothing: another shape, type or name than was asked for is refused.
 */
#ifndef HARNESS_SUBJECT_KERNEL_MESSAGE_H
#define HARNESS_SUBJECT_KERNEL_MESSAGE_H

#include "harness/subject/ability.h"
#include "harness/subject/kernel_frame.h"
#include "harness/subject/paged_cache.h"
#include "harness/subject/run_failure.h"
#include "harness/subject/tensor_strides.h"
#include "harness/support/safetensors_write.h"
#include "kernels/memory_audit.h"

enum { MESSAGE_TEXT_SIZE = 512 };

/* What "failure" is where the kernel has none. */
#define MESSAGE_FAILURE_OF_MACHINE "machine"

/* What a kernel says of itself, and of what launches it there. */
struct kernel_hello {
    struct foreign_kernel kernel;
    bool audits, keeps;              /* as struct foreign_launcher */
    char far[96];                    /* "true", or why not; "": it is not said */
    char failure[MESSAGE_TEXT_SIZE]; /* why the kernel cannot be run there; "": it can */
};

/* What came of a launch, beside the outputs. */
struct kernel_result {
    double seconds;                  /* below 0: not told */
    char failure[MESSAGE_TEXT_SIZE]; /* why there are no outputs; "": there are */
    enum run_failure how;            /* of that: a refusal, or what else whoever launches there can tell */
    bool is_machines;                /* or nothing of the kernel's: who launches there was short of memory, say */
    bool ends;                       /* the process is of no use any more: the next launch wants another one */
    struct memory_audit audit;
};

/* ---- to be sent: what plan is made of must outlive it. ERROR_SYSTEM; plan is to be cleared whatever the result. -- */
enum error_kind message_plan_hello(struct safetensors_plan *plan, const struct kernel_hello *hello,
                                   struct error *error);
enum error_kind message_plan_launch(struct safetensors_plan *plan, const struct sequences *sequences, bool with_output,
                                    bool with_lse, struct error *error);
enum error_kind message_plan_result(struct safetensors_plan *plan, const struct sequences *sequences, bool with_lse,
                                    const struct kernel_result *result, struct error *error);

/* ---- received: the frame is taken over. ERROR_USAGE says what is wrong with it. ---- */
enum error_kind message_read_hello(struct kernel_hello *hello, struct frame frame, struct error *error);

/* Into the outputs of sequences, unless result->failure says that there are none. */
enum error_kind message_read_result(struct kernel_result *result, const struct sequences *sequences, bool with_lse,
                                    struct frame frame, struct error *error);

/* A launch, in memory of its own: each tensor between zones (launch_buffer.h). */
struct received_launch {
    struct sequences sequences;
    struct problem *problems;
    struct output *outputs;
    struct paged_cache pages;         /* of which sequences.pages is set; it owns nothing */
    struct sequence_strides *strides; /* of which sequences.strides is set */
    void **memory;                    /* [num_blocks] */
    size_t num_blocks;
};

/* Whatever the result, received_launch_clear frees. */
enum error_kind message_read_launch(struct received_launch *launch, struct frame frame, struct error *error);
void received_launch_clear(struct received_launch *launch);

#endif
