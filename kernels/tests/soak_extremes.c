/*
 * Sound kernels at the ends of every exponent range: none may exceed a finite bound.
 *     soak_extremes [RUNS [SEED [FIRST [tensor_core]]]]      1000 runs, seed 0, from number 0 on, of any other kernel
 * Prints every run that is accused, with the arguments that repeat it alone, and what all came to: accused numbers, the
 * largest shares of bounds, how many numbers have a bound, and of those without one how many are far off, so that an
 * infinite bound is seen not to be an excuse. Exit code 1 if one was accused, 3 if a run failed.
 */
#include <mpfr.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/tests/extreme_run.h"

static double share(long part, long whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void report(uint64_t seed, long number, const struct extreme_worst *worst, const struct extreme_run *run)
{
    char text[EXTREME_TEXT_SIZE];
    printf("accused: %s %d is %.9g, %.9g +- %.3g expected, %g of the bound; soak_extremes 1 %llu %ld%s\n  %s\n",
           worst->of, worst->index, worst->number, worst->truth, worst->bound, worst->used, (unsigned long long)seed,
           number, run->on_tensor_cores ? " tensor_core" : "", extreme_format(text, run));
}

/* One thread's share of the runs. */
static enum error_kind run_some(struct extreme_counts *counts, long first, long last, uint64_t seed,
                                bool on_tensor_cores, struct error *error)
{
    struct device *device = NULL;
    struct extreme_run *run = calloc(1, sizeof *run);
    enum error_kind kind = run ? device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, error)
                               : error_memory(error, "a run", (double)sizeof *run);
#pragma omp for schedule(dynamic, 16)
    for (long number = first; number < last; number++) {
        struct extreme_worst worst;
        if (kind)
            continue;
        run->on_tensor_cores = on_tensor_cores;
        extreme_draw(run, seed, (uint64_t)number);
        kind = extreme_judge(counts, &worst, run, device, error);
        if (!kind && worst.used > 1) {
#pragma omp critical
            report(seed, number, &worst, run);
        }
    }
    if (device)
        device_close(device);
    free(run);
    mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
    return kind;
}

int main(int argc, char **argv)
{
    long runs = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    long first = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
    bool on_tensor_cores = argc > 4 && strcmp(argv[4], "tensor_core") == 0;
    struct extreme_counts sum = {0};
    enum error_kind result = ERROR_NONE;

#pragma omp parallel
    {
        struct extreme_counts counts = {0};
        struct error error;
        enum error_kind kind = run_some(&counts, first, first + runs, seed, on_tensor_cores, &error);
#pragma omp critical
        {
            extreme_add(&sum, &counts);
            if (kind) {
                fprintf(stderr, "soak_extremes: %s\n", error.text);
                result = kind;
            }
        }
    }
    mpfr_free_cache();
    printf("%ld runs, %ld refused, %ld numbers accused; largest budget %.4f\n"
           "bounded: %.1f%% of %ld elements, %.1f%% of %ld lse; of the elements without a bound %.1f%% are far off\n",
           sum.runs, sum.refused, sum.accused, sum.used, share(sum.bounded, sum.elements), sum.elements,
           share(sum.lses_bounded, sum.lses), sum.lses, share(sum.unbounded_far, sum.elements - sum.bounded));
    return result ? 3 : sum.accused > 0 || sum.runs != runs;
}
