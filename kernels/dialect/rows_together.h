/*
 * Products of a query with several rows at once: on the host, where a lane's elements lie side by side in memory, the
 * machine's vectors hold one element of each row. Every row's product is made by the operations of lane_dot() in their
 * order, so the bits are the same.
 */
#ifndef KERNELS_DIALECT_ROWS_TOGETHER_H
#define KERNELS_DIALECT_ROWS_TOGETHER_H

#include "kernels/dialect/elements.h"
#if defined __FMA__ && !defined __CUDACC__
#include <immintrin.h>
#endif

#if !defined __CUDACC__ && !defined SIMT_REPLAY

#define SIMT_ROWS_TOGETHER /* the functions are there */

enum { ROWS_TOGETHER = 4 };

typedef float row_vector __attribute__((vector_size(ROWS_TOGETHER * sizeof(float))));

_Static_assert(LANE_DIMS == 8 && ROWS_TOGETHER == 4, "the shuffles below are for 4 rows of 8 elements");

/* of[d]: element d of each row */
struct lane_columns {
    row_vector of[LANE_DIMS];
};

SIMT_FUNCTION lane_vector lane_vector_of_numbers(const real *numbers)
{
    lane_vector vector;
    memcpy(&vector, numbers, sizeof vector);
    return vector;
}

SIMT_FUNCTION void split_columns(lane_vector both, row_vector *low, row_vector *high)
{
    *low = __builtin_shufflevector(both, both, 0, 1, 2, 3);
    *high = __builtin_shufflevector(both, both, 4, 5, 6, 7);
}

/* Widens four rows and turns them. */
SIMT_FUNCTION struct lane_columns lane_columns(enum dtype dtype, const struct fetched_lane *rows)
{
    struct lane_columns columns;
    lane_vector a = widened_lane(dtype, &rows[0]), b = widened_lane(dtype, &rows[1]);
    lane_vector c = widened_lane(dtype, &rows[2]), d = widened_lane(dtype, &rows[3]);
    lane_vector ab_even = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);  /* elements 0, 1; 4, 5 */
    lane_vector ab_odd = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15); /* elements 2, 3; 6, 7 */
    lane_vector cd_even = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13);
    lane_vector cd_odd = __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    split_columns(__builtin_shufflevector(ab_even, cd_even, 0, 1, 8, 9, 4, 5, 12, 13), &columns.of[0], &columns.of[4]);
    split_columns(__builtin_shufflevector(ab_even, cd_even, 2, 3, 10, 11, 6, 7, 14, 15), &columns.of[1],
                  &columns.of[5]);
    split_columns(__builtin_shufflevector(ab_odd, cd_odd, 0, 1, 8, 9, 4, 5, 12, 13), &columns.of[2], &columns.of[6]);
    split_columns(__builtin_shufflevector(ab_odd, cd_odd, 2, 3, 10, 11, 6, 7, 14, 15), &columns.of[3], &columns.of[7]);
    return columns;
}

/* a * b + c, one rounding, of each row or each of a lane's elements */
SIMT_FUNCTION row_vector fma_of_rows(float a, row_vector b, row_vector c)
{
#ifdef __FMA__
    return (row_vector)_mm_fmadd_ps(_mm_set1_ps(a), (__m128)b, (__m128)c);
#else
    for (int r = 0; r < ROWS_TOGETHER; r++)
        c[r] = fmaf(a, b[r], c[r]);
    return c;
#endif
}

SIMT_FUNCTION lane_vector fma_of_lane(float a, lane_vector b, lane_vector c)
{
#ifdef __FMA__
    return (lane_vector)_mm256_fmadd_ps(_mm256_set1_ps(a), (__m256)b, (__m256)c);
#else
    for (int d = 0; d < LANE_DIMS; d++)
        c[d] = fmaf(a, b[d], c[d]);
    return c;
#endif
}

/* dots[r]: the products of a lane's elements with row r, summed in order. */
SIMT_FUNCTION void dots_together(const real *query, const struct lane_columns *columns, real *dots)
{
    row_vector sums = {0, 0, 0, 0};
    for (int d = 0; d < LANE_DIMS; d++)
        sums = fma_of_rows(query[d], columns->of[d], sums);
    memcpy(dots, &sums, sizeof sums);
}

#endif

#endif
