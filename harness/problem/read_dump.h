/*
 * A point that `run --dump` wrote, without its tensors: what point.json says of the problem.
 */
#ifndef HARNESS_PROBLEM_READ_DUMP_H
#define HARNESS_PROBLEM_READ_DUMP_H

#include <jansson.h>

#include "harness/problem/problem_spec.h"
#include "kernels/recipe.h"

/* Keys [first, end), removed. */
struct removed_keys {
    int64_t first, end;
};

struct dumped_point {
    /* Its shape, dtypes, scales and positions, each what a problem may have. What its inputs were drawn from is not
     * read: slopes, input, mask, seed and truth_of are zero, as are the model's heads. */
    struct problem_spec problem;
    enum bias_form bias; /* of the kernel that ran */
    bool masked;         /* the problem has a mask, if one that removes no key */
    struct removed_keys *removed;
    size_t num_removed;               /* ascending, within 0 .. seq_len */
    bool has_digest;                  /* a folder made by hand may be without */
    bool has_sinks;                   /* in sink_logits.npy */
    uint64_t input_digest;            /* of the inputs, all heads (problem_source.h) */
    char *key, *case_name;            /* of the point that ran; NULL: not said */
    char *kernel, *recipe;            /* what ran, by its names; the same */
    char *recipe_keys;                /* "{KEY: VALUE, ...}", as a case spells the recipe; the same */
    uint64_t recipe_digest;           /* 0: not said */
    int64_t chunk_len;                /* the same */
    double atol, rtol, lse_tolerance; /* of its criterion; negative: not said */
};

/* Reads FOLDER/point.json. ERROR_USAGE with the file, the field and what is allowed; *point is then clear. */
enum error_kind dumped_point_read(struct dumped_point *point, const char *folder, struct error *error);
void dumped_point_clear(struct dumped_point *point);

/* An object of recipe_keys as dumped_point has it, in new memory; NULL: memory is short. */
char *recipe_keys_text(const json_t *object);

/* visible[seq_len]: 1, or 0 for a removed key. */
void dumped_point_visible(uint8_t *visible, const struct dumped_point *point);

#endif
