/*
 * Shipped recipes on drawn problems, beside the bounds of the class that each is of.
 *     soak_recipe_class [DRAWS [SEED [FIRST]]]     1000 problems, seed 0, from number 0 on
 * Prints each run that is beyond its class's bound, with the arguments that repeat it alone, and a table: a recipe's
 * class for 16-bit outputs and for f32, how many numbers had a bound, the largest shares of a bound that were used.
 * Exit code 1 if one was beyond, 3 if recipes could not be read.
 */
#include <mpfr.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/case/tests/recipe_class.h"
#include "reference/computing_environment.h"

struct counts {
    double out, lse;
    long runs, refused, elements, bounded, beyond;
};

static void report(const struct order_trial *trial, const struct recipe_class *row, enum kernel kernel,
                   const struct order_used *used, uint64_t seed, long number)
{
    printf("beyond its class: %s, kernel %d, %g of the bound of out, %g of lse's; soak_recipe_class 1 %llu %ld\n  %s\n",
           row->recipe, (int)kernel, used->out, used->lse, (unsigned long long)seed, number, trial->made.text);
}

static void run_problem(struct counts *counts, uint64_t seed, long number, struct device *device)
{
    struct order_trial trial;
    uint64_t own = seed * 1000003 + (uint64_t)number, random = own;
    recipe_trial_init(&trial, own, number % 16 ? 300 : 2000);
    int64_t chunk_len = 32 + 32 * (int64_t)draw_below(&random, 16);
    int kernel = draw_below(&random, KERNEL_ANY_COUNT);
    for (int i = 0; i < RECIPE_CLASSES; i++) {
        struct order_used used;
        bool ran = recipe_trial_run(&used, &trial, &recipe_classes[i], (enum kernel)kernel, chunk_len, device);
#pragma omp critical
        {
            counts[i].runs++;
            counts[i].refused += !ran;
            if (ran) {
                counts[i].out = fmax(counts[i].out, used.out);
                counts[i].lse = fmax(counts[i].lse, used.lse);
                counts[i].elements += used.elements;
                counts[i].bounded += used.bounded;
                counts[i].beyond += used.out > 1 || used.lse > 1;
                if (used.out > 1 || used.lse > 1)
                    report(&trial, &recipe_classes[i], (enum kernel)kernel, &used, seed, number);
            }
        }
    }
    order_trial_clear(&trial);
}

int main(int argc, char **argv)
{
    static struct counts counts[RECIPE_CLASSES];
    long draws = argc > 1 ? strtol(argv[1], NULL, 10) : 1000, first = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    long beyond = 0, runs = 0;
    struct error error;
    if (recipe_library_open(&error)) {
        fprintf(stderr, "soak_recipe_class: %s\n", error.text);
        return 3;
    }
#pragma omp parallel
    {
        COMPUTING_ENVIRONMENT();
        struct device *device = NULL;
        struct error failure;
        if (device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &failure))
            abort();
#pragma omp for schedule(dynamic, 4)
        for (long number = first; number < first + draws; number++) {
            run_problem(counts, seed, number, device);
            mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
        }
        device_close(device);
    }
    mpfr_free_cache();
    recipe_library_close();
    printf("\n| recipe | class of 16-bit outputs | of f32 | runs | bounded | beyond | most of out | of lse |\n"
           "|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < RECIPE_CLASSES; i++) {
        const struct recipe_class *row = &recipe_classes[i];
        printf("| %s | %s | %s | %ld | %.1f%% | %ld | %.3f | %.3f |\n", row->recipe, row->of_16_bits,
               row->of_f32 ? row->of_f32 : row->of_16_bits, counts[i].runs - counts[i].refused,
               100.0 * (double)counts[i].bounded / (double)counts[i].elements, counts[i].beyond, counts[i].out,
               counts[i].lse);
        beyond += counts[i].beyond;
        runs += counts[i].runs - counts[i].refused;
    }
    printf("%ld runs, %ld beyond their class\n", runs, beyond);
    return beyond > 0;
}
