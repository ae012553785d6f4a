/*
 * A point that `run --dump` wrote, without its tensors: what point.json says of the problem.
 */
#ifndef HARNESS_PROBLEM_READ_DUMP_H
#define HARNESS_PROBLEM_READ_DUMP_H

#include "kernels/recipe.h"

struct dumped_point {
    int64_t seq_len, num_heads, num_kv_heads, head_dim; /* at least 1 */
    enum dtype dtype;                                   /* of q */
    enum dtype kv_dtype;                                /* of k */
    double scale;                                       /* of q.k, that of an fp8 cache included; finite */
    enum bias_form bias;                                /* BIAS_RELATIVE or BIAS_ABSOLUTE */
    int64_t q_position, kv_offset;                      /* within +-2^53 */
    uint8_t *visible;                                   /* [seq_len]; NULL: every key is visible */
};

/* Reads FOLDER/point.json. ERROR_USAGE with the file, the field and what is allowed; *point is then clear. */
enum error_kind dumped_point_read(struct dumped_point *point, const char *folder, struct error *error);
void dumped_point_clear(struct dumped_point *point);

#endif
