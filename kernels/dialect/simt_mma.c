/* The warp's m16n8k16 product on the host device. */
#include "kernels/dialect/simt_host.h"

/* Rows and columns as in simt.h; register i of a holds rows group + i % 2 * 8, products pair + i / 2 * 8 and the next.
 */
void simt_combine_mma(void *values, int tensor_core_and_dtype, enum stage stage)
{
    real(*lanes)[WARP_SIZE] = values;
    struct simt_fragments fragments[WARP_SIZE];
    struct mma_operands operands;
    (void)stage;
    for (int lane = 0; lane < WARP_SIZE; lane++) {
        struct simt_fragments *own = &fragments[lane];
        int group = lane / 4, pair = lane % 4 * 2;
        memcpy(own, lanes[lane], sizeof *own);
        for (int i = 0; i < 4; i++) {
            uint16_t *a = &operands.a[group + i % 2 * 8][pair + i / 2 * 8];
            a[0] = (uint16_t)own->a[i];
            a[1] = (uint16_t)(own->a[i] >> 16);
            operands.d[group + i / 2 * 8][pair + i % 2] = own->d[i];
        }
        for (int i = 0; i < 2; i++) {
            uint16_t *b = &operands.b[group][pair + i * 8];
            b[0] = (uint16_t)own->b[i];
            b[1] = (uint16_t)(own->b[i] >> 16);
        }
    }
    fused_product((enum tensor_core)(tensor_core_and_dtype / DTYPE_COUNT),
                  (enum dtype)(tensor_core_and_dtype % DTYPE_COUNT), &operands);
    for (int lane = 0; lane < WARP_SIZE; lane++) {
        for (int i = 0; i < 4; i++)
            fragments[lane].d[i] = operands.d[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2];
        memcpy(lanes[lane], &fragments[lane], sizeof fragments[lane]);
    }
}
