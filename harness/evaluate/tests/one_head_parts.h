/*
 * A problem cut into a part a KV head, as one is whose k and v take more than 2 GiB; and an output judged with all keys
 * at hand, and so.
 */
#ifndef HARNESS_EVALUATE_TESTS_ONE_HEAD_PARTS_H
#define HARNESS_EVALUATE_TESTS_ONE_HEAD_PARTS_H

#include "harness/evaluate/evaluate.h"
#include "harness/library/judged_output.h"
#include "harness/problem/generate.h"

static inline struct part one_head_part(const struct problem_source *source, int index)
{
    (void)source;
    return (struct part){index, 1};
}

/* ops is the cut source's, and outlives it. */
static inline void cut_by_head(struct generated_source *cut, struct problem_source_ops *ops,
                               const struct problem_spec *spec)
{
    *cut = generated_source(spec);
    *ops = *cut->source.ops;
    ops->part = one_head_part;
    cut->source.ops = ops;
    cut->source.num_parts = spec->num_kv_heads;
}

/* An evaluation's output by the point's tolerance, as if nothing were known of what made it: with all keys at hand
 * (judged[0]), and in parts of a source that is cut (judged[1]), which progress may interrupt. Both are to be cleared,
 * whatever is returned. */
static inline enum error_kind judge_by_source(struct judged_output judged[2], const struct evaluation *evaluation,
                                              const struct point *point, const struct generated_source *cut,
                                              int threads, struct progress *progress, struct error *error)
{
    const struct problem *problem = &evaluation->judged.problem;
    const struct generated_source whole = generated_source(&point->problem);
    const struct tensor_view out = {
        .name = "out",
        .elements = evaluation->judged.output.out,
        .dtype = problem->dtype,
        .strides = {(int64_t)problem->num_heads * problem->head_dim, problem->head_dim, 1},
    };
    const struct given_output given = given_output(&out, evaluation->judged.output.lse);
    struct judging judging = {
        .criterion = {.mode = JUDGE_TOLERANCE, .tolerance = point->criterion.tolerance, .budget = 1},
        .truth_method = point->truth_method,
        .truth_precision = point->truth_precision,
        .threads = threads,
    };
    judged[0] = judged[1] = (struct judged_output){.bound = NULL};
    enum error_kind kind = judge_output(&judged[0], &whole.source, &given, &judging, error);
    judging.progress = progress;
    return kind ? kind : judge_output(&judged[1], &cut->source, &given, &judging, error);
}

/* The same, in parts of a KV head. */
static inline enum error_kind judge_at_once_and_in_parts(struct judged_output judged[2],
                                                         const struct evaluation *evaluation, const struct point *point,
                                                         struct error *error)
{
    struct generated_source cut;
    struct problem_source_ops ops;
    cut_by_head(&cut, &ops, &point->problem);
    return judge_by_source(judged, evaluation, point, &cut, 1, NULL, error);
}

#endif
