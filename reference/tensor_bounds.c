#include "reference/tensor_bounds.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "reference/computing_environment.h"
#include "reference/recent_keys.h"

enum { GROUP = 4 }; /* rows at once: the maxima are loaded and stored once for all of them */

/*
 * Magnitudes of IEEE numbers are ordered like their bits without the sign, NaN above infinity, so the maximum is taken
 * over integers. WORD holds an element.
 */
#define DEFINE_MAX_ROWS(name, word, magnitude)                                                                  \
    static void name(void *maxima, const char *const *rows, size_t count)                                       \
    {                                                                                                           \
        word *restrict max = maxima;                                                                            \
        const word *row0 = (const void *)rows[0], *row1 = (const void *)rows[1], *row2 = (const void *)rows[2], \
                   *row3 = (const void *)rows[3];                                                               \
        _Pragma("omp simd") for (size_t i = 0; i < count; i++)                                                  \
        {                                                                                                       \
            word bits0 = row0[i] & (word)magnitude, bits1 = row1[i] & (word)magnitude;                          \
            word bits2 = row2[i] & (word)magnitude, bits3 = row3[i] & (word)magnitude, largest = max[i];        \
            bits0 = bits1 > bits0 ? bits1 : bits0;                                                              \
            bits2 = bits3 > bits2 ? bits3 : bits2;                                                              \
            bits0 = bits2 > bits0 ? bits2 : bits0;                                                              \
            max[i] = bits0 > largest ? bits0 : largest;                                                         \
        }                                                                                                       \
    }

DEFINE_MAX_ROWS(max_rows_8, uint8_t, 0x7f)

/* Of e4m3fnuz: its NaN, 0x80, is above all magnitudes as it stands, and stays what it is. */
static void max_rows_fnuz(void *maxima, const char *const *rows, size_t count)
{
    uint8_t *max = maxima;
    for (int r = 0; r < GROUP; r++)
        for (size_t i = 0; i < count; i++) {
            uint8_t byte = (uint8_t)rows[r][i], magnitude = byte == 0x80 ? byte : byte & 0x7f;
            max[i] = magnitude > max[i] ? magnitude : max[i];
        }
}

DEFINE_MAX_ROWS(max_rows_16, uint16_t, 0x7fff)
DEFINE_MAX_ROWS(max_rows_32, uint32_t, 0x7fffffff)

/* maxima[i] = max(maxima[i], |rows[0][i]|, ... |rows[GROUP - 1][i]|) */
static void max_rows(enum dtype dtype, void *maxima, const char *const *rows, size_t count)
{
    size_t element_bytes = dtypes[dtype].size_bytes;
    if (dtype == DTYPE_E4M3FNUZ)
        max_rows_fnuz(maxima, rows, count);
    else if (element_bytes == sizeof(uint8_t))
        max_rows_8(maxima, rows, count);
    else if (element_bytes == sizeof(uint16_t))
        max_rows_16(maxima, rows, count);
    else
        max_rows_32(maxima, rows, count);
}

/* The same of those rows of a tensor from `first` on, GROUP at most, that are visible. */
static void max_group(void *maxima, const struct problem *problem, const void *tensor, int64_t first, size_t row)
{
    size_t element_bytes = dtypes[problem_kv_dtype(problem)].size_bytes;
    const char *rows[GROUP];
    int count = 0;
    for (int64_t key = first; key < first + GROUP && key < problem->seq_len; key++)
        if (problem_visible(problem, key))
            rows[count++] = (const char *)tensor + (size_t)key * row * element_bytes;
    if (count == 0)
        return;
    for (int i = count; i < GROUP; i++)
        rows[i] = rows[0];
    max_rows(problem_kv_dtype(problem), maxima, rows, row);
}

void channel_maxima_take(const struct channel_maxima *channels, const void *tensor, size_t first, size_t count)
{
    size_t element_bytes = dtypes[channels->dtype].size_bytes, row = channels->row;
    while (count > 0) {
        size_t key = first / row, channel = first % row, run = row - channel < count ? row - channel : count;
        bool several = channel == 0 && count >= GROUP * row && !channels->visible;
        const char *rows[GROUP];
        for (size_t i = 0; i < GROUP; i++)
            rows[i] = (const char *)tensor + (first + (several ? i * row : 0)) * element_bytes;
        if (!channels->visible || channels->visible[key])
            max_rows(channels->dtype, (char *)channels->maxima + channel * element_bytes, rows, run);
        run = several ? GROUP * row : run;
        first += run;
        count -= run;
    }
}

void channel_maxima_merge(const struct channel_maxima *channels, const void *others)
{
    max_rows(channels->dtype, channels->maxima, (const char *[GROUP]){others, others, others, others}, channels->row);
}

enum error_kind tensor_bounds_scan(struct tensor_bounds *bounds, const struct problem *problem, int threads,
                                   const struct progress *progress, struct error *error)
{
    size_t row = (size_t)problem->num_kv_heads * (size_t)problem->head_dim; /* all KV heads of a key */
    size_t element_bytes = dtypes[problem_kv_dtype(problem)].size_bytes, row_bytes = row * element_bytes;
    size_t padded_bytes = (row_bytes + 63) / 64 * 64; /* no two threads write one cache line */
    *bounds = (struct tensor_bounds){.k = malloc(2 * row * sizeof(float))};
    if (bounds->k && problem->bounds) {
        bounds->v = bounds->k + row;
        memcpy(bounds->k, problem->bounds->k, row * sizeof(float));
        memcpy(bounds->v, problem->bounds->v, row * sizeof(float));
        return ERROR_NONE;
    }
    char *maxima = calloc((size_t)threads * 2, padded_bytes);
    if (!maxima || !bounds->k) {
        free(maxima);
        tensor_bounds_clear(bounds);
        return error_memory(error, "the bounds of k and v", (double)threads * 2 * (double)padded_bytes);
    }
    bounds->v = bounds->k + row;
    for (int head = 0; head < problem->num_kv_heads; head++)
        recent_keys_read(problem, head, 0);

#pragma omp parallel num_threads(threads)
    {
        char *k_maxima = maxima + (size_t)omp_get_thread_num() * 2 * padded_bytes, *v_maxima = k_maxima + padded_bytes;
        /* Threads advance together: what the heads look at first, the newest keys, is left in the cache. */
#pragma omp for schedule(static, 16) nowait
        for (int64_t first = 0; first < problem->seq_len; first += GROUP) {
            if (progress_cancelled(progress))
                continue;
            max_group(k_maxima, problem, problem->k, first, row);
            max_group(v_maxima, problem, problem->v, first, row);
        }
    }
    for (int thread = 1; thread < threads; thread++)
        for (size_t tensor = 0; tensor < 2; tensor++) {
            const struct channel_maxima all = {problem_kv_dtype(problem), row, NULL, maxima + tensor * padded_bytes};
            channel_maxima_merge(&all, maxima + ((size_t)thread * 2 + tensor) * padded_bytes);
        }
    dtype_widen(problem_kv_dtype(problem), maxima, 0, row, bounds->k);
    dtype_widen(problem_kv_dtype(problem), maxima + padded_bytes, 0, row, bounds->v);
    free(maxima);
    if (progress_cancelled(progress)) {
        tensor_bounds_clear(bounds);
        return error_set(error, ERROR_INTERRUPTED, "interrupted");
    }
    return ERROR_NONE;
}

/* bounds[channels] of one more row. */
static void take_row(float *bounds, enum dtype dtype, const void *tensor, size_t first, size_t channels)
{
    enum { PIECE = 64 };
    float row[PIECE];
    for (size_t done = 0; done < channels; done += PIECE) {
        size_t count = channels - done < PIECE ? channels - done : PIECE;
        dtype_widen(dtype, tensor, first + done, count, row);
        for (size_t i = 0; i < count; i++) {
            float magnitude = fabsf(row[i]), *largest = &bounds[done + i];
            if (!isnan(*largest) && !(magnitude <= *largest)) /* of a NaN, too */
                *largest = magnitude;
        }
    }
}

/* Keys that a query sees, masked ones counted. */
static int64_t keys_seen(const struct problem *problem, int query)
{
    int64_t seen = problem->seq_len - (problem_queries(problem) - 1 - query);
    return seen > 0 ? seen : 0;
}

enum error_kind tensor_bounds_of_query(struct tensor_bounds *bounds, const struct problem *problem, int query,
                                       int threads, const struct progress *progress, struct error *error)
{
    size_t row = (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    if (query == 0) {
        const struct problem first = problem_query(problem, 0);
        return tensor_bounds_scan(bounds, &first, threads, progress, error);
    }
    for (int64_t key = keys_seen(problem, query - 1); key < keys_seen(problem, query) && !problem->bounds; key++)
        if (problem_visible(problem, key)) {
            take_row(bounds->k, problem_kv_dtype(problem), problem->k, (size_t)key * row, row);
            take_row(bounds->v, problem_kv_dtype(problem), problem->v, (size_t)key * row, row);
        }
    return ERROR_NONE;
}

/* Whether a bound of some channels says that they are not finite. */
static bool any_beyond(const float *bounds, size_t channels)
{
    bool any = false;
    for (size_t i = 0; i < channels; i++)
        any |= !isfinite(bounds[i]);
    return any;
}

/* sums[D] of the elements of v of a KV head that are no numbers, over visible keys from .. to. */
static void add_beyond(float *sums, const struct problem *problem, int kv_head, int64_t from, int64_t to,
                       const struct progress *progress)
{
    size_t dim = (size_t)problem->head_dim;
    float row[PROBLEM_MAX_DIM];
    recent_keys_read(problem, kv_head, from);
    for (int64_t key = from; key < to && !progress_cancelled(progress); key++) {
        if (!problem_visible(problem, key))
            continue;
        dtype_widen(problem_kv_dtype(problem), problem->v, problem_row(problem, key, kv_head), dim, row);
        for (size_t d = 0; d < dim; d++)
            sums[d] += fabsf(row[d]) <= FLT_MAX ? 0 : row[d];
    }
}

enum error_kind tensor_bounds_beyond(struct tensor_bounds *bounds, const struct problem *problem, int query,
                                     int threads, const struct progress *progress, struct error *error)
{
    size_t dim = (size_t)problem->head_dim, channels = (size_t)problem->num_kv_heads * dim;
    if (!any_beyond(bounds->v, channels))
        return ERROR_NONE;
    if (!bounds->v_beyond)
        bounds->v_beyond = calloc(channels, sizeof *bounds->v_beyond);
    if (!bounds->v_beyond)
        return error_memory(error, "the bounds of k and v", (double)channels * sizeof *bounds->v_beyond);
#pragma omp parallel num_threads(threads)
    {
        COMPUTING_ENVIRONMENT();
#pragma omp for schedule(dynamic, 1)
        for (int head = 0; head < problem->num_kv_heads; head++)
            if (any_beyond(bounds->v + (size_t)head * dim, dim))
                add_beyond(bounds->v_beyond + (size_t)head * dim, problem, head, bounds->beyond_keys,
                           keys_seen(problem, query), progress);
    }
    bounds->beyond_keys = keys_seen(problem, query);
    return progress_cancelled(progress) ? error_set(error, ERROR_INTERRUPTED, "interrupted") : ERROR_NONE;
}

void tensor_bounds_clear(struct tensor_bounds *bounds)
{
    free(bounds->v_beyond);
    free(bounds->k);
    memset(bounds, 0, sizeof *bounds);
}
