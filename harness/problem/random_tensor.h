/*
 * A tensor of random numbers, as one that is mapped from a file: what tensor_file.h says of those is so of it. Its
 * elements lie in a file without a name (scratch_file_open), so that it may be larger than memory.
 *
 * Element i is what a generated problem of the seed has there (generate.h), normal inputs of mean 0 and stddev 1: for q
 * [Q, H, D], for k and v [N, Hkv, D], whatever axes N is made of.
 */
#ifndef HARNESS_PROBLEM_RANDOM_TENSOR_H
#define HARNESS_PROBLEM_RANDOM_TENSOR_H

#include "harness/problem/distribution.h"
#include "harness/support/tensor_file.h"

/* Whether it can be drawn: it is a dtype. */
bool random_tensor_may_be(enum element_type type);

/*
 * Makes a tensor of one of those types; name is copied, for messages. tensor is overwritten, and closed by
 * tensor_close. ERROR_SYSTEM if there is no room for it, which is asked for before anything is drawn;
 * ERROR_INTERRUPTED.
 */
enum error_kind random_tensor_make(struct tensor_file *tensor, const char *name, const struct tensor_layout *layout,
                                   enum tensor drawn_as, uint64_t seed, const struct progress *progress,
                                   struct error *error);

#endif
