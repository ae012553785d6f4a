/*
 * A launch of a callback under way: the buffers that are made for it, and what the kernel is told of them.
 */
#ifndef HARNESS_SUBJECT_LAUNCHING_H
#define HARNESS_SUBJECT_LAUNCHING_H

#include "harness/subject/ability.h"
#include "harness/subject/launch_buffer.h"

enum { GIVEN_Q, GIVEN_K, GIVEN_V, GIVEN_VISIBLE, GIVEN_COUNT };
/* In place of k and v, of all sequences together. */
enum { GIVEN_K_PAGES, GIVEN_V_PAGES, GIVEN_BLOCK_TABLE, GIVEN_SEQ_LENS, GIVEN_OF_PAGES_COUNT };

/* A sequence as the kernel sees it. */
struct guarded_sequence {
    struct guarded out, lse;
    struct given_tensor given[GIVEN_COUNT];
};

struct launching {
    bool with_lse;                 /* whether the kernel writes lse */
    const struct fencing *fencing; /* of inputs that do not lie packed; NULL: none */
    enum giving giving;
    const struct sequences *sequences;
    struct alibicheck_kernel_sequence *seen;   /* [count] */
    struct alibicheck_kernel_strides *strides; /* [count] */
    struct guarded_sequence *guarded;          /* [count] */
    struct given_tensor pages[GIVEN_OF_PAGES_COUNT];
    struct given_tensor slopes, sinks;
    struct guarded workspace;
};

/* Makes the buffers. launching_clear frees them, whatever the result, but for outputs whose memory is NULL by then. */
enum error_kind launching_prepare(struct launching *launching, struct error *error);
void launching_clear(struct launching *launching);

/* What the kernel is given, in this process's memory. */
struct alibicheck_kernel_launch launching_describe(const struct launching *launching);

/* Makes the workspace that the kernel asks for, of bytes that tell nothing of the launch number `launch`, and puts it
 * into what the kernel is given. ERROR_SUBJECT: it asks for more than there is. */
enum error_kind launching_give_workspace(struct launching *launching, const struct alibicheck_kernel *kernel,
                                         unsigned launch, struct alibicheck_kernel_launch *given, struct error *error);

/* What was written, and where, into the outputs of sequences; audit may be NULL. */
enum error_kind launching_take(const struct launching *launching, struct memory_audit *audit, struct error *error);

#endif
