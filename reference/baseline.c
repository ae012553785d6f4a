/*
 * Between the calls of OpenBLAS numbers are doubles, and for f32 every +, -, * and / is rounded to f32 as it is done.
 * That is f32 arithmetic to the bit: 53 >= 2 * 24 + 2 bits make the second rounding innocuous (Figueroa, When is double
 * rounding innocuous?, SIGNUM Newsletter 30(3), 1995), and below f32's normal range sums and products of two f32 are
 * exact in double, while a quotient of two f32 stays 2^-49 of its size away from a midpoint it does not hit. exp and
 * log come out as the f32 next to libm's double: correctly rounded but for odds of 2^-28.
 */
#include "reference/baseline.h"

#include <math.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "reference/computing_environment.h"
#include "reference/key_rows.h"
#include "reference/openblas.h"
#include "reference/recent_keys.h"

const struct baseline_info baselines[BASELINE_COUNT] = {
    [BASELINE_F32_ABSOLUTE] = {.name = "f32_absolute", .absolute = true},
    [BASELINE_F32_RELATIVE] = {.name = "f32_relative"},
    [BASELINE_F64_RELATIVE] = {.name = "f64_relative", .is_f64 = true},
    [BASELINE_F64_ABSOLUTE] = {.name = "f64_absolute", .is_f64 = true, .absolute = true},
};

/* Keys whose rows are widened together: 256 rows of 256 doubles are half a megabyte, a core's own cache. */
enum { BLOCK_KEYS = 256 };

/* An array of the reference's type. */
union reals {
    float *f32;
    double *f64;
    void *memory;
};

/* What a thread works with. The arrays hold doubles or, in their first halves, floats. */
struct workspace {
    const struct problem *problem;
    const struct openblas *blas;
    bool is_f64;
    union reals query;  /* [D] */
    union reals rows;   /* [BLOCK_KEYS, D] visible rows of k or v, one after the other */
    union reals vector; /* [BLOCK_KEYS] q.k_j, or weights */
    union reals out;    /* [D] */
    float *narrow;      /* [D] a row on its way to double */
    double *logits;     /* [N] of the visible keys, in order; then their weights */
    int64_t *keys;      /* [BLOCK_KEYS] the indices of the keys in rows */
    void *memory;
};

static double workspace_doubles(int64_t seq_len, int head_dim)
{
    return (double)head_dim * (BLOCK_KEYS + 3) + 2.0 * BLOCK_KEYS + (double)seq_len;
}

double baseline_bytes(int64_t seq_len, int num_heads, int head_dim, int threads)
{
    return (threads < num_heads ? threads : num_heads) * workspace_doubles(seq_len, head_dim) * sizeof(double);
}

static enum error_kind workspace_init(struct workspace *workspace, const struct problem *problem,
                                      const struct openblas *blas, bool is_f64, struct error *error)
{
    enum { CACHE_LINE = 64 }; /* so that a kernel of OpenBLAS sees the same alignment each time */
    size_t dim = (size_t)problem->head_dim;
    size_t bytes = (size_t)workspace_doubles(problem->seq_len, problem->head_dim) * sizeof(double);
    double *next = aligned_alloc(CACHE_LINE, (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    *workspace = (struct workspace){.problem = problem, .blas = blas, .is_f64 = is_f64, .memory = next};
    if (!next)
        return error_memory(error, "a conventional reference", (double)bytes);
    workspace->rows.f64 = next;
    workspace->vector.f64 = next += BLOCK_KEYS * dim;
    workspace->keys = (int64_t *)(next += BLOCK_KEYS);
    workspace->query.f64 = next += BLOCK_KEYS;
    workspace->out.f64 = next += dim;
    workspace->narrow = (float *)(next += dim);
    workspace->logits = next + dim;
    return ERROR_NONE;
}

static double rounded(const struct workspace *workspace, double value)
{
    return workspace->is_f64 ? value : (double)(float)value;
}

/* Row `row` of destination = the head_dim elements from `first` on, exactly. */
static void widen(const struct workspace *workspace, union reals destination, size_t row, enum dtype dtype,
                  const void *tensor, size_t first)
{
    size_t dim = (size_t)workspace->problem->head_dim;
    float *narrow = workspace->is_f64 ? workspace->narrow : destination.f32 + row * dim;
    dtype_widen(dtype, tensor, first, dim, narrow);
    if (workspace->is_f64)
        for (size_t d = 0; d < dim; d++)
            destination.f64[row * dim + d] = (double)narrow[d];
}

/* Rows of the next visible keys from *next on; *next goes past them. Returns how many, 0 at the end. */
static int gather(struct workspace *workspace, int64_t *next, const void *tensor, int kv_head)
{
    const struct problem *problem = workspace->problem;
    int count = 0;
    for (; *next < problem->seq_len && count < BLOCK_KEYS; ++*next) {
        if (*next % KEY_ROWS == 0)
            key_rows_fetch(problem, tensor, kv_head, *next);
        if (problem_visible(problem, *next)) {
            widen(workspace, workspace->rows, (size_t)count, problem_kv_dtype(problem), tensor,
                  problem_row(problem, *next, kv_head));
            workspace->keys[count++] = *next;
        }
    }
    return count;
}

/* products[i] = query . row i. The results are added to zeros: beta = 0 would leave it to OpenBLAS to read them. */
static void multiply_rows(double *products, struct workspace *workspace, int count)
{
    int dim = workspace->problem->head_dim;
    memset(workspace->vector.memory, 0, BLOCK_KEYS * sizeof(double));
    if (workspace->is_f64)
        workspace->blas->dgemv(CblasRowMajor, CblasNoTrans, count, dim, 1, workspace->rows.f64, dim,
                               workspace->query.f64, 1, 1, workspace->vector.f64, 1);
    else
        workspace->blas->sgemv(CblasRowMajor, CblasNoTrans, count, dim, 1, workspace->rows.f32, dim,
                               workspace->query.f32, 1, 1, workspace->vector.f32, 1);
    for (int i = 0; i < count; i++)
        products[i] = workspace->is_f64 ? workspace->vector.f64[i] : (double)workspace->vector.f32[i];
}

static void store_vector(struct workspace *workspace, const double *values, int count)
{
    for (int i = 0; i < count; i++)
        if (workspace->is_f64)
            workspace->vector.f64[i] = values[i];
        else
            workspace->vector.f32[i] = (float)values[i];
}

/* The sum of weights, none of them negative. */
static double sum_vector(const struct workspace *workspace, int count)
{
    return workspace->is_f64 ? workspace->blas->dasum(count, workspace->vector.f64, 1)
                             : (double)workspace->blas->sasum(count, workspace->vector.f32, 1);
}

/* out += sum_i vector[i] row i */
static void add_rows(struct workspace *workspace, int count)
{
    int dim = workspace->problem->head_dim;
    if (workspace->is_f64)
        workspace->blas->dgemv(CblasRowMajor, CblasTrans, count, dim, 1, workspace->rows.f64, dim,
                               workspace->vector.f64, 1, 1, workspace->out.f64, 1);
    else
        workspace->blas->sgemv(CblasRowMajor, CblasTrans, count, dim, 1, workspace->rows.f32, dim,
                               workspace->vector.f32, 1, 1, workspace->out.f32, 1);
}

/* C tanh(x / C): a quotient, tanh, a product. */
static double capped(const struct workspace *workspace, double x)
{
    double cap = (double)workspace->problem->soft_cap_value;
    return rounded(workspace, rounded(workspace, tanh(rounded(workspace, x / cap))) * cap);
}

/* The logits of the visible keys; returns how many there are. */
static int64_t score_keys(struct workspace *workspace, int head, bool absolute, struct progress *progress)
{
    const struct problem *problem = workspace->problem;
    double slope = (double)problem->slopes[head], scale = rounded(workspace, problem_logit_scale(problem));
    int64_t origin = absolute ? 0 : problem->q_position, visible = 0, next = 0;
    int count;
    recent_keys_read(problem, problem_kv_head(problem, head), 0);
    while (!progress_cancelled(progress) &&
           (count = gather(workspace, &next, problem->k, problem_kv_head(problem, head))) > 0) {
        double *logits = workspace->logits + visible;
        multiply_rows(logits, workspace, count);
        for (int i = 0; i < count; i++) {
            double distance = rounded(workspace, (double)(problem->kv_offset + workspace->keys[i] - origin));
            double bias = rounded(workspace, slope * distance);
            double product = rounded(workspace, logits[i] * scale);
            if (problem->soft_cap == SOFT_CAP_BEFORE_BIAS)
                product = capped(workspace, product);
            logits[i] = rounded(workspace, product + bias);
            if (problem->soft_cap == SOFT_CAP_AFTER_BIAS)
                logits[i] = capped(workspace, logits[i]);
        }
        visible += count;
    }
    return visible;
}

/* The weights in the place of the logits; returns their sum. */
static double weigh_keys(struct workspace *workspace, double max, int64_t visible)
{
    double sum = 0;
    for (int64_t first = 0; first < visible; first += BLOCK_KEYS) {
        int count = visible - first < BLOCK_KEYS ? (int)(visible - first) : BLOCK_KEYS;
        double *weights = workspace->logits + first;
        for (int i = 0; i < count; i++)
            weights[i] = rounded(workspace, exp(rounded(workspace, weights[i] - max)));
        store_vector(workspace, weights, count);
        sum = rounded(workspace, sum + sum_vector(workspace, count));
    }
    return sum;
}

static void sum_values(struct workspace *workspace, double sum, int head, struct progress *progress)
{
    const struct problem *problem = workspace->problem;
    int64_t next = 0;
    double *weights = workspace->logits;
    int count;
    while (!progress_cancelled(progress) &&
           (count = gather(workspace, &next, problem->v, problem_kv_head(problem, head))) > 0) {
        for (int i = 0; i < count; i++)
            weights[i] = rounded(workspace, weights[i] / sum);
        store_vector(workspace, weights, count);
        add_rows(workspace, count);
        weights += count;
    }
}

/* A learned sink as the logits have it, -INFINITY if there is none: absolute ones are slope * P higher. */
static double sink_of(const struct workspace *workspace, int head, bool absolute)
{
    const struct problem *problem = workspace->problem;
    if (!problem->sink_logits)
        return -INFINITY;
    double position = rounded(workspace, absolute ? (double)problem->q_position : 0);
    double shift = rounded(workspace, (double)problem->slopes[head] * position);
    return rounded(workspace, (double)problem->sink_logits[head] + shift);
}

static void attend_head(struct workspace *workspace, int head, bool absolute, double *out, double *lse,
                        struct progress *progress)
{
    const struct problem *problem = workspace->problem;
    size_t dim = (size_t)problem->head_dim;
    memset(workspace->out.memory, 0, dim * sizeof(double));
    widen(workspace, workspace->query, 0, problem->dtype, problem->q, (size_t)head * dim);
    int64_t visible = score_keys(workspace, head, absolute, progress);
    double max = -INFINITY; /* of NaN logits too; then the weights are NaN */
    for (int64_t i = 0; i < visible; i++)
        max = fmax(max, workspace->logits[i]);
    double sink = sink_of(workspace, head, absolute);
    *lse = visible > 0 || sink == -INFINITY ? -INFINITY : (double)problem->sink_logits[head];
    if (visible > 0) {
        max = fmax(max, sink);
        double sum = weigh_keys(workspace, max, visible);
        if (sink > -INFINITY)
            sum = rounded(workspace, sum + rounded(workspace, exp(rounded(workspace, sink - max))));
        sum_values(workspace, sum, head, progress);
        *lse = rounded(workspace, max + rounded(workspace, log(sum)));
        if (absolute) {
            double position = rounded(workspace, (double)problem->q_position);
            *lse = rounded(workspace, *lse - rounded(workspace, (double)problem->slopes[head] * position));
        }
    }
    for (size_t d = 0; d < dim; d++) {
        double value = workspace->is_f64 ? workspace->out.f64[d] : (double)workspace->out.f32[d];
        out[d] = rounded(workspace, value * problem_value_scale(problem));
    }
    progress_add(progress, (long)problem->seq_len);
}

enum error_kind baseline_ready(struct error *error)
{
    const struct openblas *blas;
    return openblas_load(&blas, error);
}

static enum error_kind attend_query(enum baseline kind, const struct problem *problem, int threads,
                                    struct progress *progress, double *out, double *lse, struct error *error)
{
    const struct baseline_info *info = &baselines[kind];
    const struct openblas *blas;
    enum error_kind result = openblas_load(&blas, error);
    if (result)
        return result;
    int callers;
    result = openblas_callers(&callers, threads < problem->num_heads ? threads : problem->num_heads, error);
    if (result)
        return result;
    atomic_int next_head = 0;

#pragma omp parallel num_threads(threads)
    if (omp_get_thread_num() < callers) { /* a head each */
        COMPUTING_ENVIRONMENT();
        struct workspace workspace;
        struct error failure;
        enum error_kind failed = workspace_init(&workspace, problem, blas, info->is_f64, &failure);
        for (int head; !failed && !progress_cancelled(progress) && (head = next_head++) < problem->num_heads;)
            attend_head(&workspace, head, info->absolute, out + (size_t)head * (size_t)problem->head_dim, &lse[head],
                        progress);
        if (failed) {
#pragma omp critical
            result = error_set(error, failed, "%s", failure.text);
        }
        free(workspace.memory);
    }
    if (!result && progress_cancelled(progress))
        result = error_set(error, ERROR_INTERRUPTED, "interrupted");
    return result;
}

enum error_kind baseline_attention(enum baseline kind, const struct problem *problem, int threads,
                                   struct progress *progress, double *out, double *lse, struct error *error)
{
    enum error_kind result = ERROR_NONE;
    for (int query = 0; query < problem_queries(problem) && !result; query++) {
        struct problem one = problem_query(problem, query);
        size_t row = (size_t)query * (size_t)problem->num_heads;
        result = attend_query(kind, &one, threads, progress, out + row * (size_t)problem->head_dim, lse + row, error);
    }
    return result;
}
