/*
 * Baselines: the conventional references that tests elsewhere compare a kernel with, through OpenBLAS. They are judged
 * against the truth like a kernel.
 *
 *     t_j = q.k_j (gemv)      s_j = t_j * scale + bias_j      m = max_j s_j      w_j = exp(s_j - m)      l = sum_j w_j
 *     o   = v_scale * sum_j (w_j / l) v_j (gemv)      lse = m + log l
 *
 * with what a soft cap makes of t_j * scale or of s_j, and with a learned sink as one more logit, whose v is 0;
 * every operation in f32 or every one in f64, as a program in PyTorch on inputs widened to that type does. scale
 * includes k_scale, rounded once. bias_j is slope * (j - P) or slope * j, j counted with kv_offset; the latter's lse
 * has slope * P taken off at the end, so that it means the same.
 *
 * OpenBLAS chooses the order of its sums by the CPU: these figures, and only these, can differ in their last digits
 * between machines. They do not depend on the number of threads.
 */
#ifndef REFERENCE_BASELINE_H
#define REFERENCE_BASELINE_H

#include "reference/problem.h"
#include "reference/progress.h"

enum baseline {
    BASELINE_F32_ABSOLUTE,
    BASELINE_F32_RELATIVE,
    BASELINE_F64_RELATIVE,
    BASELINE_F64_ABSOLUTE,
    BASELINE_COUNT
};

struct baseline_info {
    const char *name;
    bool is_f64;   /* else f32 */
    bool absolute; /* bias slope * position; else slope * distance */
};

extern const struct baseline_info baselines[BASELINE_COUNT];

/* out[Q, H, D] and lse[Q, H], f32 results widened. */
struct baseline_result {
    double *out, *lse;
};

/*
 * The results of the baselines k with bit k of kinds set; others' are not looked at. Rows of k and v are read and
 * widened once for all of them; each has the bits that it has alone. As in problem.h a removed key is not looked at,
 * and where none is visible out is 0 and lse -inf; NaN and infinities go the way of IEEE arithmetic. Heads are shared
 * among threads >= 1. progress may be NULL; advances by H times the keys of each query. ERROR_INTERRUPTED if cancelled,
 * ERROR_SYSTEM if memory ran out.
 */
enum error_kind baseline_attention(unsigned kinds, const struct problem *problem, int threads,
                                   struct progress *progress, const struct baseline_result results[BASELINE_COUNT],
                                   struct error *error);

/* ERROR_SYSTEM if there is no OpenBLAS (openblas.h), which is loaded. */
enum error_kind baseline_ready(struct error *error);

/* Memory that it takes beyond out and lse. */
double baseline_bytes(int64_t seq_len, int num_heads, int head_dim, unsigned kinds, int threads);

#endif
