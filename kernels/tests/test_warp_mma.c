/* The warp's m16n8k16 product on the host device: fragments, sums, and the order of lanes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/probe/mma_tiles.h"

static void launch(simt_kernel *kernel, const void *args, unsigned warps, enum simt_order order)
{
    struct simt_grid grid = {(warps + 1) / 2, 1, 1, 2 * WARP_SIZE};
    struct simt_executor *executor;
    struct error error;
    if (simt_executor_new(&executor, 1, order, sizeof(real), &error))
        fail_msg("%s", error.text);
    if (simt_launch(executor, "under_test", kernel, args, &grid, &error))
        fail_msg("%s", error.text);
    simt_executor_free(executor);
}

/* Matrices in memory: A and C by rows, B by rows too. */
struct matrices {
    uint16_t a[MMA_ROWS][MMA_PRODUCTS], b[MMA_PRODUCTS][MMA_COLUMNS];
    float c[MMA_ROWS][MMA_COLUMNS], d[MMA_ROWS][MMA_COLUMNS];
};

struct multiply_args {
    struct matrices *matrices; /* one a warp */
    enum dtype dtype;
    enum tensor_core tensor_core;
};

/* D = C + A B + A B, with the table of simt.h written out. */
SIMT_KERNEL(multiply_twice, struct multiply_args, args)
{
    struct matrices *x = &args.matrices[(blockIdx.x * blockDim.x + threadIdx.x) / WARP_SIZE];
    int g = (int)threadIdx.x % WARP_SIZE / 4, t = (int)threadIdx.x % 4;
    uint32_t a[4] = {x->a[g][2 * t] | (uint32_t)x->a[g][2 * t + 1] << 16,
                     x->a[g + 8][2 * t] | (uint32_t)x->a[g + 8][2 * t + 1] << 16,
                     x->a[g][2 * t + 8] | (uint32_t)x->a[g][2 * t + 9] << 16,
                     x->a[g + 8][2 * t + 8] | (uint32_t)x->a[g + 8][2 * t + 9] << 16};
    uint32_t words[2] = {x->b[2 * t][g] | (uint32_t)x->b[2 * t + 1][g] << 16,
                         x->b[2 * t + 8][g] | (uint32_t)x->b[2 * t + 9][g] << 16};
    element_pair b[2] = {pair_of_word(args.dtype, words[0]), pair_of_word(args.dtype, words[1])};
    float d[4] = {x->c[g][2 * t], x->c[g][2 * t + 1], x->c[g + 8][2 * t], x->c[g + 8][2 * t + 1]};
    for (int i = 0; i < 2; i++)
        if (args.dtype == DTYPE_F16)
            warp_mma_in(STAGE_DOT, args.tensor_core, DTYPE_F16, a, b, d);
        else
            warp_mma_in(STAGE_DOT, args.tensor_core, DTYPE_BF16, a, b, d);
    x->d[g][2 * t] = d[0], x->d[g][2 * t + 1] = d[1], x->d[g + 8][2 * t] = d[2], x->d[g + 8][2 * t + 1] = d[3];
}

/* Every element of every tensor core's product against its two sums. */
static void test_product_against_a_plain_loop(void **state)
{
    static struct matrices matrices[4];
    (void)state;
    for (int order = SIMT_FORWARD; order <= SIMT_BACKWARD; order++)
        for (int t = 0; t < TENSOR_CORE_COUNT; t++)
            for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++) {
                struct multiply_args args = {matrices, (enum dtype)dtype, (enum tensor_core)t};
                uint64_t counter = (uint64_t)(3 * dtype + t);
                for (int i = 0; i < 4; i++) {
                    for (int m = 0; m < MMA_ROWS; m++)
                        for (int k = 0; k < MMA_PRODUCTS; k++)
                            matrices[i].a[m][k] = mma_element(args.dtype, mma_draw_float(&counter, -3, 3));
                    for (int k = 0; k < MMA_PRODUCTS; k++)
                        for (int n = 0; n < MMA_COLUMNS; n++)
                            matrices[i].b[k][n] = mma_element(args.dtype, mma_draw_float(&counter, -3, 3));
                    for (int m = 0; m < MMA_ROWS; m++)
                        for (int n = 0; n < MMA_COLUMNS; n++)
                            matrices[i].c[m][n] = mma_draw_float(&counter, -3, 3);
                }
                launch(host_multiply_twice, &args, 4, (enum simt_order)order);
                for (int i = 0; i < 4; i++)
                    for (int m = 0; m < MMA_ROWS; m++)
                        for (int n = 0; n < MMA_COLUMNS; n++) {
                            uint16_t column[MMA_PRODUCTS];
                            float d = matrices[i].c[m][n];
                            for (int k = 0; k < MMA_PRODUCTS; k++)
                                column[k] = matrices[i].b[k][n];
                            for (int step = 0; step < 2; step++)
                                d = fused_sum(args.tensor_core, args.dtype, matrices[i].a[m], column, d);
                            assert_true(matrices[i].d[m][n] == d);
                        }
            }
}

struct lanes_args {
    uint16_t (*transposed)[8];
    float (*maxima)[WARP_SIZE]; /* of first_offset 1, 4 and 16 */
};

SIMT_KERNEL(across_lanes, struct lanes_args, args)
{
    int lane = (int)threadIdx.x % WARP_SIZE, row = lane / 4, column = lane % 4 * 2;
    float mine = (float)(lane * 11 % 32);
    element_pair pair = warp_transpose(pair_of(DTYPE_F16, (float)(8 * row + column), (float)(8 * row + column + 1)));
    if (threadIdx.x < WARP_SIZE) {
        args.transposed[row][column] = pair.low;
        args.transposed[row][column + 1] = pair.high;
        args.maxima[0][lane] = warp_max(mine);
        args.maxima[1][lane] = warp_max_from(mine, 4);
        args.maxima[2][lane] = warp_max_from(mine, 16);
    }
}

static void test_transposes_and_maxima(void **state)
{
    uint16_t transposed[8][8];
    float maxima[3][WARP_SIZE];
    struct lanes_args args = {transposed, maxima};
    (void)state;
    for (int order = SIMT_FORWARD; order <= SIMT_BACKWARD; order++) {
        launch(host_across_lanes, &args, 1, (enum simt_order)order);
        for (int row = 0; row < 8; row++)
            for (int column = 0; column < 8; column++) {
                float x;
                dtype_widen(DTYPE_F16, &transposed[row][column], 0, 1, &x);
                assert_true(x == (float)(8 * column + row));
            }
        for (int i = 0; i < 3; i++)
            for (int lane = 0; lane < WARP_SIZE; lane++) {
                int offset = (int[]){1, 4, 16}[i], largest = 0;
                for (int other = lane % offset; other < WARP_SIZE; other += offset)
                    largest = other * 11 % 32 > largest ? other * 11 % 32 : largest;
                assert_true(maxima[i][lane] == (float)largest);
            }
    }
}

/* The kernel whose results on a GPU test_fused_sum.c's digests are of: the same fragments there and here. */
static void test_tiles_as_on_the_gpu(void **state)
{
    enum { TILES = 2 * 16, SUMS = TILES * TILE_SUMS };
    static struct mma_sum sums[SUMS];
    (void)state;
    for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++) {
        uint32_t results[SUMS] = {0};
        for (size_t i = 0; i < SUMS; i++)
            mma_drawn_sum((enum dtype)dtype, i * DRAWN_BLOCK / 2, &sums[i]);
        struct mma_tiles_args args = {sums, results, TILES, (enum dtype)dtype, TENSOR_CORE_HOPPER};
        launch(host_mma_tiles, &args, TILES, SIMT_FORWARD);
        for (size_t i = 0; i < SUMS; i++) {
            float d = fused_sum(TENSOR_CORE_HOPPER, (enum dtype)dtype, sums[i].a, sums[i].b, sums[i].c);
            assert_int_equal(mma_result(results[i]), mma_result(mma_float_bits(d)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_product_against_a_plain_loop),
        cmocka_unit_test(test_tiles_as_on_the_gpu),
        cmocka_unit_test(test_transposes_and_maxima),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
