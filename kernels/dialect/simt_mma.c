/* The warp's m16n8k16 product on the host device. */
#include "kernels/dialect/simt_mma.h"

void simt_combine_mma(void *values, int tensor_core_and_dtype, enum stage stage)
{
    real(*lanes)[WARP_SIZE] = values;
    struct simt_fragments fragments[WARP_SIZE];
    struct mma_operands operands;
    (void)stage;
    for (int lane = 0; lane < WARP_SIZE; lane++) {
        struct simt_fragments *own = &fragments[lane];
        memcpy(own, lanes[lane], sizeof *own);
        mma_rows_of_lane(lane, own->a, operands.a);
        for (int i = 0; i < 2; i++) {
            operands.b[mma_column(lane)][mma_product(lane, i)] = own->b[i].low;
            operands.b[mma_column(lane)][mma_product(lane, i) + 1] = own->b[i].high;
        }
        for (int i = 0; i < 4; i++)
            operands.d[mma_sum_row(lane, i)][mma_sum_column(lane, i)] = own->d[i];
    }
    fused_product((enum tensor_core)(tensor_core_and_dtype / DTYPE_COUNT),
                  (enum dtype)(tensor_core_and_dtype % DTYPE_COUNT), &operands);
    for (int lane = 0; lane < WARP_SIZE; lane++) {
        for (int i = 0; i < 4; i++)
            fragments[lane].d[i] = operands.d[mma_sum_row(lane, i)][mma_sum_column(lane, i)];
        memcpy(lanes[lane], &fragments[lane], sizeof fragments[lane]);
    }
}
