/*
 * A kernel that is not ours, as a subject: whatever launches it, it is asked for what it takes, and is judged by what
 * it says of itself. Nothing is known of how it cuts keys into chunks, so it is launched in no other way and no
 * setting, but for pages, which are laid out here, elsewhere or of another size, for strides, and for either so far
 * apart that 32 bits hold no offset.
 */
#ifndef HARNESS_SUBJECT_FOREIGN_H
#define HARNESS_SUBJECT_FOREIGN_H

#include "harness/subject/ability.h"
#include "harness/subject/far_strides.h"
#include "harness/subject/paged_cache.h"

struct foreign_subject;

/* A way to launch kernels: in this process (callback.h), in another one (kernel_process.h). */
struct foreign_launcher {
    /* As subject_ops.run. ERROR_SUBJECT if the kernel failed, or ended, or did not answer. */
    enum error_kind (*run)(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                           double *seconds, struct error *error);
    bool audits;             /* it tells what was written beside the outputs, and what was changed */
    bool keeps;              /* what stood in the outputs before is there when the kernel begins */
    bool places;             /* it gives tensors where strides say, to kernels that know nothing of that, too */
    bool far;                /* it can give k and v where 32 bits hold no offset of them (far_tensor.h) */
    const char *why_not_far; /* NULL: nobody says that it can */
};

struct foreign_subject {
    struct subject subject; /* first */
    const struct foreign_kernel *kernel;
    const struct foreign_launcher *how;
    void *launcher;
    struct page_setting pages; /* in which it is given k and v; see foreign_subject_paged */
    unsigned layout;           /* in which it is given q, k, v and out: bits of enum tensor_layout_bit */
    struct memory_stray *read; /* the caller's, in a layout: told of what is read past an input; NULL: nobody asks */
    enum far_axis far;         /* of k and v; of pages the rows alone */
    bool near;                 /* the same, but with offsets that 32 bits hold */
    struct rounding_model (*model)(unsigned set, const struct problem *problem); /* of a set of roundings, */
    unsigned set;                                                                /* and which it has at most */
};

/* All pointers are the caller's. The kernel's outputs are natural: an lse of base 2 is converted. */
struct foreign_subject foreign_subject(const struct foreign_kernel *kernel, const struct foreign_launcher *how,
                                       void *launcher);

/* The same kernel, given k and v in pages. setting->size 0: they are contiguous. */
struct foreign_subject foreign_subject_paged(const struct foreign_subject *foreign, const struct page_setting *setting);

#endif
