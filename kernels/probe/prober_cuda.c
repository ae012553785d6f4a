/* The GPU that device_open has opened, as a prober. */
#include "kernels/probe/probe.h"
#include "kernels/probe/prober_kernels.h"

/* What is told here, the next call is not told of. */
static enum error_kind answered(cudaError_t code, const char *what, struct error *error)
{
    if (code == cudaSuccess)
        return ERROR_NONE;
    (void)cudaGetLastError();
    return error_set(error, ERROR_SYSTEM, "device cuda: %s: %s (%s)", what, cudaGetErrorString(code),
                     cudaGetErrorName(code));
}

static enum error_kind cuda_digests(enum function function, uint32_t first, uint32_t count, uint64_t *digests,
                                    struct progress *progress, struct error *error)
{
    (void)progress; /* a second at most */
    return answered(prober_digests((int)function, first, count, digests), "digests of a function", error);
}

static enum error_kind cuda_results(enum function function, uint32_t first, uint32_t count, uint32_t *results,
                                    struct error *error)
{
    return answered(prober_results((int)function, first, count, results), "results of a function", error);
}

static enum error_kind cuda_sums(enum dtype dtype, const struct mma_sum *sums, size_t count, uint32_t *results,
                                 struct error *error)
{
    enum error_kind kind = answered(prober_sums(dtype, sums, count, results), "sums of the tensor cores", error);
    for (size_t i = 0; !kind && i < count; i++)
        results[i] = mma_result(results[i]);
    return kind;
}

const struct prober prober_cuda = {cuda_digests, cuda_results, cuda_sums};
