/*
 * Kernels in emulated arithmetic, in every order of operations, beside the bounds of their class.
 *     soak_class [DRAWS [SEED [FIRST]]]     2000 draws for each class, seed 0, from number 0 on
 * Prints each kernel that is beyond its class's bound, with the arguments that repeat it alone, and a table: of each
 * class, how many numbers had a bound, the largest share of one that was used, of out and of lse, and its inverse, how
 * loose the bound is at its tightest. Exit code 1 if one was beyond.
 */
#include <mpfr.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/judge/class/tests/order_trial.h"
#include "reference/computing_environment.h"

/* Each rounding alone, f32 and what kernels combine. */
static const class_set sets[] = {
    CLASS_F32,
    1 << CLASS_WEIGHTS16,
    1 << CLASS_WEIGHTS8,
    1 << CLASS_ABSOLUTE_BIAS,
    1 << CLASS_BIAS16,
    1 << CLASS_QUERY16,
    1 << CLASS_LOGITS16,
    1 << CLASS_PARTIALS16,
    1 << CLASS_SUMS16,
    1 << CLASS_WEIGHTS16 | 1 << CLASS_ABSOLUTE_BIAS,
    1 << CLASS_ABSOLUTE_BIAS | 1 << CLASS_BIAS16,
    1 << CLASS_WEIGHTS16 | 1 << CLASS_PARTIALS16,
    1 << CLASS_WEIGHTS16 | 1 << CLASS_BIAS16,
    1 << CLASS_WEIGHTS16 | 1 << CLASS_BIAS16 | 1 << CLASS_LOGITS16,
    1 << CLASS_ABSOLUTE_BIAS | 1 << CLASS_BIAS16 | 1 << CLASS_QUERY16 | 1 << CLASS_LOGITS16 | 1 << CLASS_WEIGHTS8 |
        1 << CLASS_SUMS16,
};
enum { SETS = sizeof sets / sizeof sets[0] };

struct counts {
    double out, lse, out_f32; /* of outputs in f32 */
    long elements, bounded, beyond;
};

static void add(struct counts *counts, const struct order_used *used, enum dtype dtype)
{
    counts->out = fmax(counts->out, used->out);
    counts->out_f32 = fmax(counts->out_f32, dtype == DTYPE_F32 ? used->out : 0);
    counts->lse = fmax(counts->lse, used->lse);
    counts->elements += used->elements;
    counts->bounded += used->bounded;
    counts->beyond += used->out > 1 || used->lse > 1;
}

static void report(const struct order_trial *trial, const struct order_kernel *kernel, const struct order_used *used,
                   uint64_t seed, long number)
{
    char name[CLASS_NAME_SIZE];
    printf("beyond %s: %g of the bound of out, %g of lse's; soak_class 1 %llu %ld\n  %s\n  keys %s, %s, products %s, "
           "base %d, scale %d, merge %d, errors %d, tile %d, chunk %d, fused %d, sums of rounded weights %d, "
           "probabilities %d, sink first %d\n",
           class_format(name, &(struct arithmetic_class){.set = kernel->set}), used->out, used->lse,
           (unsigned long long)seed, number, trial->made.text, order_keys_names[kernel->keys],
           order_tree_names[kernel->tree], order_keys_names[kernel->products], (int)kernel->base, (int)kernel->scale,
           (int)kernel->merge, (int)kernel->errors, kernel->tile, kernel->chunk, kernel->fused, kernel->narrow_in_sum,
           kernel->probabilities, kernel->sink_first);
}

int main(int argc, char **argv)
{
    long draws = argc > 1 ? strtol(argv[1], NULL, 10) : 2000, first = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    struct counts sum[SETS] = {0};
    long beyond = 0;
#pragma omp parallel
    {
        COMPUTING_ENVIRONMENT();
#pragma omp for schedule(dynamic, 4)
        for (long number = first; number < first + draws; number++) {
            struct order_trial trial;
            uint64_t own = seed * 1000003 + (uint64_t)number;
            order_trial_init(&trial, own, number % 16 ? 400 : 3000);
            for (int s = 0; s < SETS; s++) {
                struct order_kernel kernel = order_kernel_draw(own * SETS + (uint64_t)s, sets[s]);
                order_trial_run(&trial, &kernel);
                order_trial_bound(&trial, sets[s], 0);
                struct order_used used = order_trial_used(&trial);
#pragma omp critical
                {
                    add(&sum[s], &used, trial.made.problem.dtype);
                    if (used.out > 1 || used.lse > 1)
                        report(&trial, &kernel, &used, seed, number);
                }
            }
            order_trial_clear(&trial);
            mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
        }
    }
    mpfr_free_cache();
    printf("\n| class | numbers | bounded | beyond | most of out | of f32 out | of lse | loosest by |\n"
           "|---|---|---|---|---|---|---|---|\n");
    for (int s = 0; s < SETS; s++) {
        char name[CLASS_NAME_SIZE];
        printf("| %s | %ld | %.1f%% | %ld | %.3f | %.3f | %.3f | %.1f |\n",
               class_format(name, &(struct arithmetic_class){.set = sets[s]}), sum[s].elements,
               100.0 * (double)sum[s].bounded / (double)sum[s].elements, sum[s].beyond, sum[s].out, sum[s].out_f32,
               sum[s].lse, 1 / sum[s].out_f32);
        beyond += sum[s].beyond;
    }
    printf("%ld kernels, %ld beyond their class\n", draws * SETS, beyond);
    return beyond > 0;
}
