#include "kernels/probe/prober_kernels.h"

#include "kernels/probe/functions_cuda.h"
#include "kernels/probe/mma_tiles.h"

enum { THREADS = 256, MANY_BLOCKS = 1024 };

/* Memory of the device for what comes back, cleared; copies it to `to` and frees it, whatever code says. */
static cudaError_t take(cudaError_t code, void *to, void *memory, size_t size_bytes)
{
    if (code == cudaSuccess)
        code = cudaGetLastError();
    if (code == cudaSuccess)
        code = cudaMemcpy(to, memory, size_bytes, cudaMemcpyDeviceToHost);
    cudaError_t freed = cudaFree(memory); /* accepts NULL */
    return code == cudaSuccess ? freed : code;
}

static cudaError_t make(void **memory, size_t size_bytes, int value)
{
    *memory = NULL;
    cudaError_t code = cudaMalloc(memory, size_bytes);
    return code == cudaSuccess ? cudaMemset(*memory, value, size_bytes) : code;
}

extern "C" cudaError_t prober_digests(int function, uint32_t first, uint32_t count, uint64_t *digests)
{
    void *memory;
    cudaError_t code = make(&memory, count * sizeof *digests, 0);
    if (code == cudaSuccess)
        digest_function<<<count, THREADS>>>((enum function)function, first, (unsigned long long *)memory);
    return take(code, digests, memory, count * sizeof *digests);
}

extern "C" cudaError_t prober_results(int function, uint32_t first, uint32_t count, uint32_t *results)
{
    void *memory;
    cudaError_t code = make(&memory, count * sizeof *results, 0);
    if (code == cudaSuccess)
        evaluate_function<<<MANY_BLOCKS, THREADS>>>(SECTION_RUN, (enum function)function, first, count,
                                                    (uint32_t *)memory);
    return take(code, results, memory, count * sizeof *results);
}

/* Results begin as NaN, which no unwritten one can hide behind: a NaN is 0x7fffffff to those who compare. */
extern "C" cudaError_t prober_sums(enum dtype dtype, const struct mma_sum *sums, size_t count, uint32_t *results)
{
    size_t tiles = (count + TILE_SUMS - 1) / TILE_SUMS, padded = tiles * TILE_SUMS;
    unsigned blocks = (unsigned)((tiles * WARP_SIZE + MAX_BLOCK_THREADS - 1) / MAX_BLOCK_THREADS);
    void *given = NULL, *memory = NULL;
    cudaError_t code = make(&given, padded * sizeof *sums, 0);
    if (code == cudaSuccess)
        code = cudaMemcpy(given, sums, count * sizeof *sums, cudaMemcpyHostToDevice);
    if (code == cudaSuccess)
        code = make(&memory, padded * sizeof *results, 0xff);
    if (code == cudaSuccess) {
        struct mma_tiles_args args = {(const struct mma_sum *)given, (uint32_t *)memory, (unsigned)tiles, dtype,
                                      TENSOR_CORE_HOPPER};
        cuda_mma_tiles<<<blocks, MAX_BLOCK_THREADS>>>(args);
    }
    code = take(code, results, memory, count * sizeof *results);
    cudaError_t freed = cudaFree(given);
    return code == cudaSuccess ? freed : code;
}
