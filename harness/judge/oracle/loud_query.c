#include "harness/judge/oracle/loud_query.h"

#include <math.h>

enum { BLOCK = 256, SHARE = 16 /* of the largest number, so that sums of products stay numbers where they can */ };

/* -1: there is none. */
static int64_t newest_visible(const struct problem *problem)
{
    int64_t key = problem->seq_len - 1;
    while (key >= 0 && !problem_visible(problem, key))
        key--;
    return key;
}

/* What k is multiplied by to give q; 0: none. */
static double factor_of(const struct problem *problem, size_t first, double logit)
{
    float block[BLOCK];
    double square = 0, largest = 0;
    for (int i = 0; i < problem->head_dim; i += BLOCK) {
        int count = problem->head_dim - i < BLOCK ? problem->head_dim - i : BLOCK;
        dtype_widen(problem_kv_dtype(problem), problem->k, first + (size_t)i, (size_t)count, block);
        for (int j = 0; j < count; j++) {
            square += (double)block[j] * (double)block[j];
            largest = fmax(largest, fabs((double)block[j]));
        }
    }
    double factor = logit / (problem_logit_scale(problem) * square);
    double most = dtypes[problem->dtype].max / SHARE / largest;
    return isfinite(factor) && isfinite(most) ? copysign(fmin(fabs(factor), most), factor) : 0;
}

void loud_query_make(void *q, const struct problem *problem, int row, double logit)
{
    const struct problem seen = problem_query(problem, row / problem->num_heads);
    int64_t key = newest_visible(&seen);
    if (key < 0)
        return;
    size_t from = problem_row(problem, key, problem_kv_head(problem, row % problem->num_heads));
    size_t to = (size_t)row * (size_t)problem->head_dim;
    double factor = factor_of(problem, from, logit);
    float block[BLOCK];
    for (int i = 0; i < problem->head_dim && factor != 0; i += BLOCK) {
        int count = problem->head_dim - i < BLOCK ? problem->head_dim - i : BLOCK;
        dtype_widen(problem_kv_dtype(problem), problem->k, from + (size_t)i, (size_t)count, block);
        for (int j = 0; j < count; j++)
            block[j] = (float)(factor * (double)block[j]);
        dtype_narrow(problem->dtype, q, to + (size_t)i, (size_t)count, block);
    }
}
