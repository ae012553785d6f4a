#include <math.h>

#include "harness/evaluate/evaluate.h"
#include "harness/evaluate/point_subject.h"

/* The copy of a part's k and v in pages, or with slots past the end (kv_cache.h); those of another process are two: the
 * message, and what is taken out of it. */
static double layout_bytes(const struct point *point)
{
    bool copied = point->kernel_options.page_size > 0 || point->recipe.masked_values == MASKED_VALUES_READ_PAST_END;
    double row = 2 * (double)dtypes[problem_spec_kv_dtype(&point->problem)].size_bytes * point->problem.num_kv_heads *
                 point->problem.head_dim;
    double pool = (double)point->kernel_options.pool_pages * point->kernel_options.page_size * row;
    if (point->foreign)
        return (copied ? 4 : 2) * fmax(problem_spec_bytes(&point->problem), pool);
    return copied ? fmax(problem_spec_bytes(&point->problem), pool) : 0;
}

double evaluate_bytes(const struct point *point, int threads)
{
    const struct problem_spec *spec = &point->problem;
    const struct shipped_subject shipped = point_subject(point, NULL);
    struct truth_contract contract = problem_spec_contract(spec);
    struct truth_options options = {.precision = point->truth_precision, .threads = threads, .contract = &contract};
    struct problem shape = problem_spec_shape(spec), part = part_shape(&shape, problem_spec_part(spec, 0));
    /* Numbers of a result, and of the part's, which is kept until it is in its place. */
    double all = (double)problem_rows(&shape) * (spec->head_dim + 1), of_baselines = 0;
    double some = (double)problem_rows(&part) * (spec->head_dim + 1);
    if (point->baselines)
        of_baselines = __builtin_popcount(point->baselines) * (all + some) * sizeof(double) +
                       baseline_bytes(spec->seq_len, part.num_heads, spec->head_dim, point->baselines, threads);
    return problem_spec_bytes(spec) + companions_bytes(point) + layout_bytes(point) +
           truth_bytes(point->truth_method, spec->seq_len, problem_rows(&part), spec->head_dim, &options) +
           shipped.subject.ops->workspace_bytes(&shipped.subject, &part) + all * (sizeof(float) + 6 * sizeof(double)) +
           some * (sizeof(float) + sizeof(double)) + of_baselines +
           fmax(point->oracles ? oracles_bytes(&shape, threads) : 0,
                signature_bytes(spec->seq_len, problem_rows(&shape), spec->head_dim, threads));
}
