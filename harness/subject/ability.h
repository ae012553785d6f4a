/*
 * What a kernel that is not ours takes and promises, as it says itself, and what of a problem is beyond that.
 */
#ifndef HARNESS_SUBJECT_ABILITY_H
#define HARNESS_SUBJECT_ABILITY_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/subject/alibicheck_kernel.h"
#include "reference/problem.h"

struct ability_info {
    unsigned bit;
    unsigned abi;      /* of alibicheck_kernel.h, from which on there is this bit */
    const char *name;  /* as messages of kernel_message.h have it: "soft_cap" */
    const char *about; /* what it takes, as in "it does not take ..."; of lse and what follows it what it does */
};

enum { ABILITY_COUNT = 22 };
extern const struct ability_info abilities[ABILITY_COUNT]; /* in the order of their bits */

enum {
    KERNEL_NAME_SIZE = 64,
    KERNEL_ABOUT_SIZE = 160,
    KERNEL_DEVICE_SIZE = 128,
    ARITHMETIC_TEXT_SIZE = 128,
    KERNEL_DIGEST_SIZE = 17,
    HEAD_DIMS_MAX = 32,
    PAGE_SIZES_MAX = 16
};

struct foreign_kernel {
    char name[KERNEL_NAME_SIZE], about[KERNEL_ABOUT_SIZE];
    unsigned takes;
    char arithmetic[ARITHMETIC_TEXT_SIZE];          /* "" : none is known */
    int head_dims[HEAD_DIMS_MAX], num_head_dims;    /* 0: all */
    int page_sizes[PAGE_SIZES_MAX], num_page_sizes; /* of one that takes pages; 0: all */
    int64_t max_seq_len;                            /* keys of a sequence; 0: any number */
    bool on_cuda;                                   /* its tensors are in a GPU's memory */
    char device[KERNEL_DEVICE_SIZE];                /* what it runs on, in words; "": nobody says */
    char digest[KERNEL_DIGEST_SIZE];                /* of the file that it is in (file_digest.h); "": nobody knows */
};

/* Takes what a kernel says of itself. ERROR_USAGE if it cannot be so; source: what messages call it. */
enum error_kind foreign_kernel_take(struct foreign_kernel *kernel, const struct alibicheck_kernel *described,
                                    const char *source, struct error *error);

/* Checks what was filled in: name, bits, head dims. */
enum error_kind foreign_kernel_check(const struct foreign_kernel *kernel, const char *source, struct error *error);

/* The bit of a dtype, as in takes. */
unsigned ability_of_dtype(enum dtype dtype);

/* What of a problem its shape does not say. */
struct problem_extras {
    bool masked, has_slopes, has_sinks;
    int page_size;   /* 0: k and v are contiguous */
    int64_t longest; /* keys of the launch's longest sequence */
};

/* Keys a page where nobody says how many; 0: the kernel takes k and v that are contiguous. */
int foreign_kernel_page_size(const struct foreign_kernel *kernel);

/* Whether it takes pages of so many keys, if it takes pages: any, where it names no sizes. */
bool foreign_kernel_takes_page_size(const struct foreign_kernel *kernel, int page_size);

/* Whether the kernel takes problems of this shape, whose tensors are not read, so many in a launch. If it does not,
 * text, of ABILITY_TEXT_SIZE, says what it lacks. */
enum { ABILITY_TEXT_SIZE = 160 };
bool foreign_kernel_takes(const struct foreign_kernel *kernel, const struct problem *shape,
                          const struct problem_extras *extras, int num_sequences, char *text);

#endif
