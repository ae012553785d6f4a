/* How far a timed kernel's out is from an f64 reference on the same inputs, as scripts/bench-peers judges others. */
#ifndef KERNELS_TESTS_BENCH_GPU_JUDGE_H
#define KERNELS_TESTS_BENCH_GPU_JUDGE_H

#include "kernels/tests/bench_gpu_options.h"

/* The inputs of a shape on the host. */
struct judged_inputs {
    const void *q;             /* [H, D] */
    const float *slopes;       /* [H] */
    const int32_t *page_table; /* of pages; else not read */
    float scale;
    const char *block;  /* byte i of the cache is byte i % block_bytes; the first JUDGED_ROW_BYTES follow once more */
    size_t block_bytes; /* so that a row that begins in the block can be read on */
    size_t v_offset;    /* of v in the cache; k lies at 0 */
};

enum { JUDGED_ROW_BYTES = HEAD_DIM_MAX * 4 };

struct judged {
    double max_abs_err; /* of elements that are not NaN */
    int mismatched;     /* |out - reference| > 1e-3 + 1e-3 |reference|, or NaN */
    int nan;
};

/* out: [H, D] in the shape's dtype. ERROR_SYSTEM if memory is short. */
enum error_kind judge_out(struct judged *judged, const struct shape *shape, const struct judged_inputs *inputs,
                          const void *out, struct error *error);

#endif
