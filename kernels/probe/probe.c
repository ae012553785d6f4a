#include "kernels/probe/probe.h"

#include <stdlib.h>

#include "kernels/probe/model.h"
#include "kernels/probe/mma_sums.h"

enum { BLOCKS_AT_ONCE = 64 };

/* The first input of a block at which results differ. */
static enum error_kind find_input(struct function_probe *probe, const struct prober *prober, enum function function,
                                  uint32_t block, struct error *error)
{
    uint32_t first = block * BLOCK_INPUTS, i = 0;
    uint32_t *results = malloc(BLOCK_INPUTS * sizeof *results);
    if (!results)
        return error_memory(error, "results of a function", BLOCK_INPUTS * sizeof *results);
    enum error_kind kind = prober->results(function, first, BLOCK_INPUTS, results, error);
    while (!kind && i < BLOCK_INPUTS && results[i] == function_model(function, first + i))
        i++;
    if (!kind && i == BLOCK_INPUTS)
        kind = error_set(error, ERROR_SYSTEM,
                         "the device returned other results for inputs from 0x%08x on when it was asked again", first);
    if (!kind) {
        probe->input = first + i;
        probe->result = results[i];
        probe->modelled = function_model(function, first + i);
    }
    free(results);
    return kind;
}

static enum error_kind compare_blocks(struct function_probe *probe, const struct prober *prober, enum function function,
                                      uint32_t first, uint32_t count, const uint64_t *digests,
                                      struct progress *progress, struct error *error)
{
    uint64_t modelled[BLOCKS_AT_ONCE];
    enum error_kind kind = ERROR_NONE;
    for (uint32_t done = 0; !kind && done < count; done += BLOCKS_AT_ONCE) {
        uint32_t blocks = count - done < BLOCKS_AT_ONCE ? count - done : BLOCKS_AT_ONCE;
        kind = prober_model.digests(function, first + done, blocks, modelled, progress, error);
        for (uint32_t i = 0; !kind && i < blocks; i++)
            if (digests[done + i] != modelled[i] && ++probe->unlike == 1)
                kind = find_input(probe, prober, function, first + done + i, error);
    }
    return kind;
}

enum error_kind probe_blocks(struct function_probe *probe, const struct prober *prober, enum function function,
                             uint32_t first, uint32_t count, struct progress *progress, struct error *error)
{
    uint64_t *digests = calloc(count, sizeof *digests), total = 0;
    *probe = (struct function_probe){.blocks = count};
    if (!digests)
        return error_memory(error, "digests", (double)(count * sizeof *digests));
    enum error_kind kind = prober->digests(function, first, count, digests, progress, error);
    for (uint32_t i = 0; !kind && i < count; i++)
        total += digests[i];
    if (!kind && (count < DIGEST_BLOCKS || total != function_model_totals[function]))
        kind = compare_blocks(probe, prober, function, first, count, digests, progress, error);
    free(digests);
    return kind;
}

enum error_kind probe_function(struct function_probe *probe, const struct prober *prober, enum function function,
                               struct progress *progress, struct error *error)
{
    return probe_blocks(probe, prober, function, 0, DIGEST_BLOCKS, progress, error);
}

enum error_kind probe_sums(struct sums_probe *probe, const struct prober *prober, enum dtype dtype, size_t count,
                           struct error *error)
{
    struct mma_sum *sums = calloc(count, sizeof *sums);
    uint32_t *results = calloc(count, sizeof *results);
    enum error_kind kind = sums && results ? ERROR_NONE
                                           : error_memory(error, "sums of a tensor core",
                                                          (double)(count * (sizeof *sums + sizeof *results)));
    *probe = (struct sums_probe){.sums = count};
    for (size_t i = 0; !kind && i < count; i++)
        mma_drawn_sum(dtype, i, &sums[i]);
    if (!kind)
        kind = prober->sums(dtype, sums, count, results, error);
    for (int core = 0; !kind && core < TENSOR_CORE_COUNT; core++) {
        size_t same = 0;
#pragma omp parallel for reduction(+ : same)
        for (size_t i = 0; i < count; i++)
            same +=
                mma_result(mma_float_bits(fused_sum((enum tensor_core)core, dtype, sums[i].a, sums[i].b, sums[i].c))) ==
                results[i];
        probe->same[core] = same;
    }
    free(sums);
    free(results);
    return kind;
}
