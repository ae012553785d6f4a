/* The warp's m16n8k16 product in a replay (real.h): what the kernel computes, and beside it exact sums, a stage each.
 */
#define SIMT_REPLAY
#include "kernels/dialect/simt_mma.h"

struct replayed_operands {
    struct mma_operands computed;
    float a[MMA_ROWS][MMA_PRODUCTS];
    real b[MMA_COLUMNS][MMA_PRODUCTS], d[MMA_ROWS][MMA_COLUMNS];
};

static void take_fragments(real (*lanes)[WARP_SIZE], enum dtype dtype, struct replayed_operands *operands)
{
    for (int lane = 0; lane < WARP_SIZE; lane++) {
        struct simt_fragments own;
        memcpy(&own, lanes[lane], sizeof own);
        mma_rows_of_lane(lane, own.a, operands->computed.a);
        for (int i = 0; i < 2; i++) {
            operands->b[mma_column(lane)][mma_product(lane, i)] = own.b[i].low;
            operands->b[mma_column(lane)][mma_product(lane, i) + 1] = own.b[i].high;
        }
        for (int i = 0; i < 4; i++)
            operands->d[mma_sum_row(lane, i)][mma_sum_column(lane, i)] = own.d[i];
    }
    for (int m = 0; m < MMA_ROWS; m++)
        dtype_widen(dtype, operands->computed.a[m], 0, MMA_PRODUCTS, operands->a[m]);
    for (int n = 0; n < MMA_COLUMNS; n++)
        for (int k = 0; k < MMA_PRODUCTS; k++)
            dtype_narrow(dtype, operands->computed.b[n], (size_t)k, 1, &operands->b[n][k].computed);
    for (int m = 0; m < MMA_ROWS; m++)
        for (int n = 0; n < MMA_COLUMNS; n++)
            operands->computed.d[m][n] = operands->d[m][n].computed;
}

/* An element's sum in double: of what was computed so far, and of each stage's. */
static real exact_sum(const float *a, const real *b, real d, double *of_computed)
{
    *of_computed = (double)d.computed;
    for (int k = 0; k < MMA_PRODUCTS; k++) {
        *of_computed += (double)a[k] * (double)b[k].computed;
        REPLAY_EACH(s)
        d.alone[s] += (double)a[k] * b[k].alone[s];
    }
    return d;
}

void replay_combine_mma(void *values, int tensor_core_and_dtype, enum stage stage)
{
    real(*lanes)[WARP_SIZE] = values;
    struct replayed_operands operands;
    enum dtype dtype = (enum dtype)(tensor_core_and_dtype % DTYPE_COUNT);
    take_fragments(lanes, dtype, &operands);
    fused_product((enum tensor_core)(tensor_core_and_dtype / DTYPE_COUNT), dtype, &operands.computed);
    for (int m = 0; m < MMA_ROWS; m++)
        for (int n = 0; n < MMA_COLUMNS; n++) {
            double exact;
            real sum = exact_sum(operands.a[m], operands.b[n], operands.d[m][n], &exact);
            operands.d[m][n] = replay_rounding(sum, stage, operands.computed.d[m][n], exact);
        }
    for (int lane = 0; lane < WARP_SIZE; lane++) {
        struct simt_fragments own;
        memcpy(&own, lanes[lane], sizeof own);
        for (int i = 0; i < 4; i++)
            own.d[i] = operands.d[mma_sum_row(lane, i)][mma_sum_column(lane, i)];
        memcpy(lanes[lane], &own, sizeof own);
    }
}
