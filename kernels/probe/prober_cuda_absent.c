/* Stands in for prober_cuda.c in a build without nvcc, where no GPU is ever opened. */
#include "kernels/probe/probe.h"

static enum error_kind no_gpu(struct error *error)
{
    return error_set(error, ERROR_SYSTEM, "device cuda: this program was built without nvcc");
}

static enum error_kind cuda_digests(enum function function, uint32_t first, uint32_t count, uint64_t *digests,
                                    struct progress *progress, struct error *error)
{
    (void)function, (void)first, (void)count, (void)digests, (void)progress;
    return no_gpu(error);
}

static enum error_kind cuda_results(enum function function, uint32_t first, uint32_t count, uint32_t *results,
                                    struct error *error)
{
    (void)function, (void)first, (void)count, (void)results;
    return no_gpu(error);
}

static enum error_kind cuda_sums(enum dtype dtype, const struct mma_sum *sums, size_t count, uint32_t *results,
                                 struct error *error)
{
    (void)dtype, (void)sums, (void)count, (void)results;
    return no_gpu(error);
}

const struct prober prober_cuda = {cuda_digests, cuda_results, cuda_sums};
