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

/* An array of a type. */
union reals {
    float *f32;
    double *f64;
    void *memory;
};

/* A baseline at work on a head. */
struct form {
    bool is_f64, absolute;
    union reals out; /* [D] */
    double *logits;  /* [N] of the visible keys, in order; then their weights */
    double max, sum; /* of the logits, a sink included, and of the weights */
};

/* What a thread works with. Rows of k and v are widened once for all baselines, in f64 behind f32 where one wants it.
 */
struct workspace {
    const struct problem *problem;
    const struct openblas *blas;
    bool has_f32, has_f64;
    int num_forms;
    struct form forms[BASELINE_COUNT];
    union reals query, rows;           /* [D] and [BLOCK_KEYS, D] visible rows of k or v, one after the other, in f32 */
    union reals wide_query, wide_rows; /* the same in f64 */
    union reals vector;                /* [BLOCK_KEYS] q.k_j, or weights, in the type at hand */
    double *products;                  /* [BLOCK_KEYS] q.k_j */
    int64_t *keys;                     /* [BLOCK_KEYS] the indices of the keys in rows */
    void *memory;
};

/* So that a kernel of OpenBLAS sees the same alignment each time. */
enum { CACHE_LINE = 64, LINE_DOUBLES = CACHE_LINE / sizeof(double) };

static size_t in_lines(size_t doubles)
{
    return (doubles + LINE_DOUBLES - 1) / LINE_DOUBLES * LINE_DOUBLES;
}

/* Doubles of a query or an output; of all of a block's rows it is BLOCK_KEYS times as many. */
static size_t row_doubles(int head_dim)
{
    return in_lines((size_t)head_dim);
}

static double workspace_doubles(int64_t seq_len, int head_dim, int num_forms)
{
    return (double)row_doubles(head_dim) * (2 * BLOCK_KEYS + 2 + num_forms) + 3.0 * BLOCK_KEYS +
           num_forms * (double)in_lines((size_t)seq_len);
}

double baseline_bytes(int64_t seq_len, int num_heads, int head_dim, unsigned kinds, int threads)
{
    return (threads < num_heads ? threads : num_heads) *
           workspace_doubles(seq_len, head_dim, __builtin_popcount(kinds)) * sizeof(double);
}

static enum error_kind workspace_init(struct workspace *workspace, const struct problem *problem,
                                      const struct openblas *blas, unsigned kinds, struct error *error)
{
    const size_t row = row_doubles(problem->head_dim);
    const size_t bytes =
        (size_t)workspace_doubles(problem->seq_len, problem->head_dim, __builtin_popcount(kinds)) * sizeof(double);
    double *next = aligned_alloc(CACHE_LINE, bytes);
    *workspace = (struct workspace){.problem = problem, .blas = blas, .memory = next};
    if (!next)
        return error_memory(error, "a conventional reference", (double)bytes);
    workspace->rows.f64 = next;
    workspace->wide_rows.f64 = next += BLOCK_KEYS * row;
    workspace->vector.f64 = next += BLOCK_KEYS * row;
    workspace->products = next += BLOCK_KEYS;
    workspace->keys = (int64_t *)(next += BLOCK_KEYS);
    workspace->query.f64 = next += BLOCK_KEYS;
    workspace->wide_query.f64 = next += row;
    next += row;
    for (enum baseline kind = 0; kind < BASELINE_COUNT; kind++) {
        if (!(kinds >> kind & 1))
            continue;
        const struct baseline_info *info = &baselines[kind];
        *(info->is_f64 ? &workspace->has_f64 : &workspace->has_f32) = true;
        workspace->forms[workspace->num_forms++] =
            (struct form){.is_f64 = info->is_f64, .absolute = info->absolute, .out.f64 = next, .logits = next + row};
        next += row + in_lines((size_t)problem->seq_len);
    }
    return ERROR_NONE;
}

static double rounded(bool is_f64, double value)
{
    return is_f64 ? value : (double)(float)value;
}

/* Elements of f32 in f64. */
static void widen(double *wide, const float *narrow, size_t count)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        wide[i] = (double)narrow[i];
}

/* Rows of the next visible keys from *next on; *next goes past them. Returns how many, 0 at the end. */
static int gather(struct workspace *workspace, int64_t *next, const void *tensor, int kv_head)
{
    const struct problem *problem = workspace->problem;
    const size_t dim = (size_t)problem->head_dim;
    int count = 0;
    for (; *next < problem->seq_len && count < BLOCK_KEYS; ++*next) {
        if (*next % KEY_ROWS == 0)
            key_rows_fetch(problem, tensor, kv_head, *next);
        if (problem_visible(problem, *next)) {
            float *row = workspace->rows.f32 + (size_t)count * dim;
            dtype_widen(problem_kv_dtype(problem), tensor, problem_row(problem, *next, kv_head), dim, row);
            if (workspace->has_f64)
                widen(workspace->wide_rows.f64 + (size_t)count * dim, row, dim);
            workspace->keys[count++] = *next;
        }
    }
    return count;
}

/* products[i] = query . row i. The results are added to zeros: beta = 0 would leave it to OpenBLAS to read them. */
static void multiply_rows(struct workspace *workspace, bool is_f64, int count)
{
    int dim = workspace->problem->head_dim;
    memset(workspace->vector.memory, 0, BLOCK_KEYS * sizeof(double));
    if (is_f64)
        workspace->blas->dgemv(CblasRowMajor, CblasNoTrans, count, dim, 1, workspace->wide_rows.f64, dim,
                               workspace->wide_query.f64, 1, 1, workspace->vector.f64, 1);
    else
        workspace->blas->sgemv(CblasRowMajor, CblasNoTrans, count, dim, 1, workspace->rows.f32, dim,
                               workspace->query.f32, 1, 1, workspace->vector.f32, 1);
    for (int i = 0; i < count; i++)
        workspace->products[i] = is_f64 ? workspace->vector.f64[i] : (double)workspace->vector.f32[i];
}

static void store_vector(struct workspace *workspace, bool is_f64, const double *values, int count)
{
    for (int i = 0; i < count; i++)
        if (is_f64)
            workspace->vector.f64[i] = values[i];
        else
            workspace->vector.f32[i] = (float)values[i];
}

/* The sum of weights, none of them negative. */
static double sum_vector(const struct workspace *workspace, bool is_f64, int count)
{
    return is_f64 ? workspace->blas->dasum(count, workspace->vector.f64, 1)
                  : (double)workspace->blas->sasum(count, workspace->vector.f32, 1);
}

/* out += sum_i vector[i] row i */
static void add_rows(struct workspace *workspace, const struct form *form, int count)
{
    int dim = workspace->problem->head_dim;
    if (form->is_f64)
        workspace->blas->dgemv(CblasRowMajor, CblasTrans, count, dim, 1, workspace->wide_rows.f64, dim,
                               workspace->vector.f64, 1, 1, form->out.f64, 1);
    else
        workspace->blas->sgemv(CblasRowMajor, CblasTrans, count, dim, 1, workspace->rows.f32, dim,
                               workspace->vector.f32, 1, 1, form->out.f32, 1);
}

/* C tanh(x / C): a quotient, tanh, a product. */
static double capped(const struct problem *problem, bool is_f64, double x)
{
    double cap = (double)problem->soft_cap_value;
    return rounded(is_f64, rounded(is_f64, tanh(rounded(is_f64, x / cap))) * cap);
}

/* The logits of the keys in rows, from their products. */
static void score_rows(const struct workspace *workspace, const struct form *form, int head, double *logits, int count)
{
    const struct problem *problem = workspace->problem;
    const bool is_f64 = form->is_f64;
    double slope = (double)problem->slopes[head], scale = rounded(is_f64, problem_logit_scale(problem));
    int64_t origin = form->absolute ? 0 : problem->q_position;
    for (int i = 0; i < count; i++) {
        double distance = rounded(is_f64, (double)(problem->kv_offset + workspace->keys[i] - origin));
        double bias = rounded(is_f64, slope * distance);
        double product = rounded(is_f64, workspace->products[i] * scale);
        if (problem->soft_cap == SOFT_CAP_BEFORE_BIAS)
            product = capped(problem, is_f64, product);
        logits[i] = rounded(is_f64, product + bias);
        if (problem->soft_cap == SOFT_CAP_AFTER_BIAS)
            logits[i] = capped(problem, is_f64, logits[i]);
    }
}

/* The logits of the visible keys; returns how many there are. */
static int64_t score_keys(struct workspace *workspace, int head, struct progress *progress)
{
    const struct problem *problem = workspace->problem;
    const bool has[] = {workspace->has_f32, workspace->has_f64};
    int64_t visible = 0, next = 0;
    int count;
    recent_keys_read(problem, problem_kv_head(problem, head), 0);
    while (!progress_cancelled(progress) &&
           (count = gather(workspace, &next, problem->k, problem_kv_head(problem, head))) > 0) {
        for (int is_f64 = 0; is_f64 < 2; is_f64++) {
            if (has[is_f64])
                multiply_rows(workspace, is_f64, count);
            for (int f = 0; f < workspace->num_forms; f++)
                if (workspace->forms[f].is_f64 == is_f64)
                    score_rows(workspace, &workspace->forms[f], head, workspace->forms[f].logits + visible, count);
        }
        visible += count;
    }
    return visible;
}

/* The weights in the place of the logits, and their sum, without a sink's. */
static void weigh_keys(struct workspace *workspace, struct form *form, int64_t visible)
{
    form->sum = 0;
    for (int64_t first = 0; first < visible; first += BLOCK_KEYS) {
        int count = visible - first < BLOCK_KEYS ? (int)(visible - first) : BLOCK_KEYS;
        double *weights = form->logits + first;
        for (int i = 0; i < count; i++)
            weights[i] = rounded(form->is_f64, exp(rounded(form->is_f64, weights[i] - form->max)));
        store_vector(workspace, form->is_f64, weights, count);
        form->sum = rounded(form->is_f64, form->sum + sum_vector(workspace, form->is_f64, count));
    }
}

static void sum_values(struct workspace *workspace, int head, struct progress *progress)
{
    const struct problem *problem = workspace->problem;
    int64_t next = 0, visible = 0;
    int count;
    while (!progress_cancelled(progress) &&
           (count = gather(workspace, &next, problem->v, problem_kv_head(problem, head))) > 0) {
        for (int f = 0; f < workspace->num_forms; f++) {
            const struct form *form = &workspace->forms[f];
            double *weights = form->logits + visible;
            for (int i = 0; i < count; i++)
                weights[i] = rounded(form->is_f64, weights[i] / form->sum);
            store_vector(workspace, form->is_f64, weights, count);
            add_rows(workspace, form, count);
        }
        visible += count;
    }
}

/* A learned sink as the logits have it, -INFINITY if there is none: absolute ones are slope * P higher. */
static double sink_of(const struct problem *problem, const struct form *form, int head)
{
    if (!problem->sink_logits)
        return -INFINITY;
    double position = rounded(form->is_f64, form->absolute ? (double)problem->q_position : 0);
    double shift = rounded(form->is_f64, (double)problem->slopes[head] * position);
    return rounded(form->is_f64, (double)problem->sink_logits[head] + shift);
}

/* Of a form that has the logits of at least one key: weights, max and sum. */
static void weigh(struct workspace *workspace, struct form *form, int head, int64_t visible)
{
    const double sink = sink_of(workspace->problem, form, head);
    form->max = -INFINITY; /* of NaN logits too; then the weights are NaN */
    for (int64_t i = 0; i < visible; i++)
        form->max = fmax(form->max, form->logits[i]);
    form->max = fmax(form->max, sink);
    weigh_keys(workspace, form, visible);
    if (sink > -INFINITY)
        form->sum =
            rounded(form->is_f64, form->sum + rounded(form->is_f64, exp(rounded(form->is_f64, sink - form->max))));
}

static double lse_of(const struct problem *problem, const struct form *form, int head, int64_t visible)
{
    if (visible == 0)
        return sink_of(problem, form, head) == -INFINITY ? -INFINITY : (double)problem->sink_logits[head];
    const double lse = rounded(form->is_f64, form->max + rounded(form->is_f64, log(form->sum)));
    const double position = rounded(form->is_f64, (double)problem->q_position);
    return form->absolute ? rounded(form->is_f64, lse - rounded(form->is_f64, (double)problem->slopes[head] * position))
                          : lse;
}

/* results: of the forms, the head's. */
static void attend_head(struct workspace *workspace, int head, const struct baseline_result *results,
                        struct progress *progress)
{
    const struct problem *problem = workspace->problem;
    const size_t dim = (size_t)problem->head_dim;
    dtype_widen(problem->dtype, problem->q, (size_t)head * dim, dim, workspace->query.f32);
    widen(workspace->wide_query.f64, workspace->query.f32, dim);
    const int64_t visible = score_keys(workspace, head, progress);
    for (int f = 0; f < workspace->num_forms; f++) {
        memset(workspace->forms[f].out.memory, 0, dim * sizeof(double));
        if (visible > 0)
            weigh(workspace, &workspace->forms[f], head, visible);
    }
    if (visible > 0)
        sum_values(workspace, head, progress);
    for (int f = 0; f < workspace->num_forms; f++) {
        const struct form *form = &workspace->forms[f];
        results[f].lse[head] = lse_of(problem, form, head, visible);
        for (size_t d = 0; d < dim; d++) {
            double value = form->is_f64 ? form->out.f64[d] : (double)form->out.f32[d];
            results[f].out[(size_t)head * dim + d] = rounded(form->is_f64, value * problem_value_scale(problem));
        }
    }
    progress_add(progress, (long)problem->seq_len);
}

enum error_kind baseline_ready(struct error *error)
{
    const struct openblas *blas;
    return openblas_load(&blas, error);
}

/* results: of each of the kinds, one after the other. */
static enum error_kind attend_query(unsigned kinds, const struct problem *problem, int threads,
                                    struct progress *progress, const struct baseline_result *results,
                                    struct error *error)
{
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
        enum error_kind failed = workspace_init(&workspace, problem, blas, kinds, &failure);
        for (int head; !failed && !progress_cancelled(progress) && (head = next_head++) < problem->num_heads;)
            attend_head(&workspace, head, results, progress);
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

enum error_kind baseline_attention(unsigned kinds, const struct problem *problem, int threads,
                                   struct progress *progress, const struct baseline_result results[BASELINE_COUNT],
                                   struct error *error)
{
    enum error_kind result = ERROR_NONE;
    for (int query = 0; query < problem_queries(problem) && !result; query++) {
        const struct problem one = problem_query(problem, query);
        const size_t row = (size_t)query * (size_t)problem->num_heads;
        struct baseline_result of_query[BASELINE_COUNT];
        int count = 0;
        for (enum baseline kind = 0; kind < BASELINE_COUNT; kind++)
            if (kinds >> kind & 1)
                of_query[count++] = (struct baseline_result){results[kind].out + row * (size_t)problem->head_dim,
                                                             results[kind].lse + row};
        result = attend_query(kinds, &one, threads, progress, of_query, error);
    }
    return result;
}
