/* The models as a device: what `probe --device host` asks of this machine's CPU. */
#include "kernels/probe/model.h"
#include "kernels/probe/mma_sums.h"
#include "kernels/probe/probe.h"
#include "reference/computing_environment.h"

static enum error_kind model_digests(enum function function, uint32_t first, uint32_t count, uint64_t *digests,
                                     struct progress *progress, struct error *error)
{
#pragma omp parallel
    {
        COMPUTING_ENVIRONMENT();
#pragma omp for schedule(dynamic)
        for (uint32_t i = 0; i < count; i++)
            if (!progress_cancelled(progress)) {
                digests[i] = function_model_digest(function, first + i);
                progress_add(progress, 1);
            }
    }
    return progress_cancelled(progress) ? error_set(error, ERROR_INTERRUPTED, "interrupted") : ERROR_NONE;
}

static enum error_kind model_results(enum function function, uint32_t first, uint32_t count, uint32_t *results,
                                     struct error *error)
{
    (void)error;
    for (uint32_t i = 0; i < count; i++)
        results[i] = function_model(function, first + i);
    return ERROR_NONE;
}

static enum error_kind model_sums(enum dtype dtype, const struct mma_sum *sums, size_t count, uint32_t *results,
                                  struct error *error)
{
    (void)error;
    for (size_t i = 0; i < count; i++)
        results[i] = mma_result(mma_float_bits(fused_sum(TENSOR_CORE_HOPPER, dtype, sums[i].a, sums[i].b, sums[i].c)));
    return ERROR_NONE;
}

const struct prober prober_model = {model_digests, model_results, model_sums};
