#include "kernels/device/key_kernels.h"

enum { THREADS = 256, BLOCKS = 8 }; /* BLOCKS a multiprocessor: all the threads that it has room for */

/* Each of a row's binades is in a bank of its own, so that the lanes of a warp read whatever ones they need at once. */
__global__ static void __launch_bounds__(THREADS)
    make_elements(const __grid_constant__ struct made_elements made, void *memory)
{
    __shared__ float rows[NORMAL_DEGREE + 1][NORMAL_BINADES];
    for (unsigned i = threadIdx.x; i < (NORMAL_DEGREE + 1) * NORMAL_BINADES; i += THREADS)
        rows[i / NORMAL_BINADES][i % NORMAL_BINADES] = normal_coefficients[i / NORMAL_BINADES][i % NORMAL_BINADES];
    __syncthreads();
    make_elements_in(&made, rows, memory, (uint64_t)blockIdx.x * THREADS + threadIdx.x, (uint64_t)gridDim.x * THREADS);
}

__global__ static void __launch_bounds__(THREADS)
    sum_blocks(const __grid_constant__ struct block_rows blocks, uint64_t *sums)
{
    __shared__ uint64_t secret[SECRET_WORDS];
    if (threadIdx.x < SECRET_WORDS)
        secret[threadIdx.x] = digest_secret[threadIdx.x];
    __syncthreads();
    sum_blocks_in(&blocks, secret, sums, (uint64_t)blockIdx.x * THREADS + threadIdx.x, (uint64_t)gridDim.x * THREADS);
}

__global__ static void __launch_bounds__(THREADS)
    find_maxima(const __grid_constant__ struct row_maxima find, uint32_t *maxima)
{
    find_row_maxima(&find, maxima, (uint64_t)blockIdx.x * THREADS + threadIdx.x, (uint64_t)gridDim.x * THREADS);
}

/* As many blocks as have something to do, and no more than are there at once. */
static unsigned blocks_for(uint64_t threads, int multiprocessors)
{
    uint64_t needed = (threads + THREADS - 1) / THREADS, most = (uint64_t)multiprocessors * BLOCKS;
    return (unsigned)(needed < most ? needed : most);
}

extern "C" cudaError_t key_kernels_make(const struct made_elements *made, void *memory, int multiprocessors,
                                        cudaStream_t stream)
{
    unsigned blocks = blocks_for(made->runs * (made->run / LANE_DIMS), multiprocessors);
    make_elements<<<blocks, THREADS, 0, stream>>>(*made, memory);
    return cudaGetLastError();
}

extern "C" cudaError_t key_kernels_sum(const struct block_rows *blocks, uint64_t *sums, int multiprocessors,
                                       cudaStream_t stream)
{
    sum_blocks<<<blocks_for(blocks->num_blocks * BLOCK_PAIRS, multiprocessors), THREADS, 0, stream>>>(*blocks, sums);
    return cudaGetLastError();
}

extern "C" cudaError_t key_kernels_maxima(const struct row_maxima *find, uint32_t *maxima, int multiprocessors,
                                          cudaStream_t stream)
{
    find_maxima<<<blocks_for(find->num_groups * find->row_words, multiprocessors), THREADS, 0, stream>>>(*find, maxima);
    return cudaGetLastError();
}
