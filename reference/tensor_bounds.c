#include "reference/tensor_bounds.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

/*
 * Magnitudes of IEEE numbers are ordered like their bits without the sign, NaN above infinity, so the maximum is taken
 * over integers. WORD holds an element.
 */
#define DEFINE_MAX_ROWS(name, word, magnitude)                     \
    static void name(void *maxima, const void *rows, size_t count) \
    {                                                              \
        word *max = maxima;                                        \
        const word *row = rows;                                    \
        _Pragma("omp simd") for (size_t i = 0; i < count; i++)     \
        {                                                          \
            word bits = row[i] & (word)magnitude;                  \
            max[i] = bits > max[i] ? bits : max[i];                \
        }                                                          \
    }

DEFINE_MAX_ROWS(max_rows_16, uint16_t, 0x7fff)
DEFINE_MAX_ROWS(max_rows_32, uint32_t, 0x7fffffff)

static void max_rows(size_t element_bytes, void *maxima, const void *rows, size_t count)
{
    if (element_bytes == sizeof(uint16_t))
        max_rows_16(maxima, rows, count);
    else
        max_rows_32(maxima, rows, count);
}

enum error_kind tensor_bounds_scan(struct tensor_bounds *bounds, const struct problem *problem, int threads,
                                   const struct progress *progress, struct error *error)
{
    size_t row = (size_t)problem->num_kv_heads * (size_t)problem->head_dim; /* all KV heads of a key */
    size_t element_bytes = dtypes[problem->dtype].size_bytes, row_bytes = row * element_bytes;
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

#pragma omp parallel num_threads(threads)
    {
        char *k_maxima = maxima + (size_t)omp_get_thread_num() * 2 * padded_bytes, *v_maxima = k_maxima + padded_bytes;
#pragma omp for schedule(static)
        for (int64_t key = 0; key < problem->seq_len; key++) {
            if (!problem_visible(problem, key) || progress_cancelled(progress))
                continue;
            max_rows(element_bytes, k_maxima, (const char *)problem->k + (size_t)key * row_bytes, row);
            max_rows(element_bytes, v_maxima, (const char *)problem->v + (size_t)key * row_bytes, row);
        }
    }
    for (int thread = 1; thread < threads; thread++) {
        max_rows(element_bytes, maxima, maxima + (size_t)thread * 2 * padded_bytes, row);
        max_rows(element_bytes, maxima + padded_bytes, maxima + (size_t)(thread * 2 + 1) * padded_bytes, row);
    }
    dtype_widen(problem->dtype, maxima, 0, row, bounds->k);
    dtype_widen(problem->dtype, maxima + padded_bytes, 0, row, bounds->v);
    free(maxima);
    if (progress_cancelled(progress))
        return error_set(error, ERROR_INTERRUPTED, "interrupted");
    return ERROR_NONE;
}

void tensor_bounds_clear(struct tensor_bounds *bounds)
{
    free(bounds->k);
    memset(bounds, 0, sizeof *bounds);
}
