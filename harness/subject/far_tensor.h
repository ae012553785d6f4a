/*
 * An input whose rows lie where 32 bits hold no offset of them, in elements or in bytes: address space of which its
 * rows alone have memory. What an offset finds that was cut to 32 bits, with a sign or without, is address space too:
 * 0, and NaN where such a one of these rows leads.
 */
#ifndef HARNESS_SUBJECT_FAR_TENSOR_H
#define HARNESS_SUBJECT_FAR_TENSOR_H

#include "harness/subject/tensor_strides.h"

struct far_tensor {
    char *first; /* element 0; NULL: there is none */
    struct tensor_strides strides;
    struct strided_shape shape; /* its page_ids are the caller's, and outlive it */
    char *memory;
    size_t size_bytes;
};

/* Of so many elements. far_tensor_clear frees; false: there is no address space, or no memory, for it. */
bool far_tensor_make(struct far_tensor *far, const void *packed, const struct tensor_strides *strides,
                     const struct strided_shape *shape, int64_t elements);
void far_tensor_clear(struct far_tensor *far);

uint64_t far_tensor_digest(const struct far_tensor *far); /* of its rows */

/* Whether this process has address space for k and v at usual strides. */
bool far_tensors_can_be_had(void);

/* Until far_limit_end this process cannot have much more memory than it has: a kernel that makes itself a copy of all
 * that k and v span is refused that, where it would take the machine's memory. */
struct far_limit {
    unsigned long before; /* of RLIMIT_DATA */
    bool is_set;
};

struct far_limit far_limit_begin(void);
void far_limit_end(const struct far_limit *limit);

#endif
