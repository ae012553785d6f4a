/*
 * What a kernel with a fault answers, in an evaluation's place.
 */
#ifndef HARNESS_EVALUATE_TESTS_FAULTY_ANSWER_H
#define HARNESS_EVALUATE_TESTS_FAULTY_ANSWER_H

#include "harness/case/case.h"
#include "harness/evaluate/evaluate.h"
#include "harness/evaluate/tests/told_problem.h"

static inline void plant_lse(struct output *output, const struct problem *problem, const struct drawn_fault *fault)
{
    for (int row = 0; row < problem_rows(problem); row++) {
        if (fault->plant == PLANT_LSE_CONSTANT)
            output->lse[row] += (float)fault->size;
        if (fault->plant == PLANT_LSE_FACTOR)
            output->lse[row] *= (float)fault->size;
    }
}

/* Another kernel's answer, that of an online softmax with something left out, of parts with other bounds, or of keys
 * that deviate. */
static inline void plant_merge(struct output *output, const struct problem *problem, const struct drawn_fault *fault)
{
    float out[ONLINE_MAX_DIM];
    bool planted = fault->plant == PLANT_MERGE || fault->plant == PLANT_COUNT || fault->plant == PLANT_SCATTERED ||
                   fault->plant == PLANT_DEVIANT;
    for (int row = 0; row < problem_rows(problem) && planted; row++) {
        const struct problem one = problem_query(problem, row / problem->num_heads);
        size_t dims = (size_t)problem->head_dim;
        int head = row % problem->num_heads;
        if (fault_visible(&one) == 0)
            continue;
        output->lse[row] = fault->plant == PLANT_COUNT       ? counted_attend(&one, head, &fault->counted, out)
                           : fault->plant == PLANT_SCATTERED ? scattered_attend(&one, head, &fault->scattered, out)
                           : fault->plant == PLANT_DEVIANT   ? deviant_attend(&one, head, &fault->deviant, out)
                                                             : online_attend(&one, head, &fault->online, out);
        dtype_narrow(problem->dtype, output->out, (size_t)row * dims, dims, out);
    }
}

/* Whether some keys count more often than others: all that count alike move lse by a constant, as does what adds one,
 * and all that are lost leave no number. */
static inline bool counts_differ(const struct output *output, const struct truth *truth,
                                 const struct drawn_fault *fault, int rows)
{
    if (fault->plant != PLANT_COUNT && fault->plant != PLANT_SCATTERED)
        return true;
    double times = round(exp((double)output->lse[0] - truth->lse[0]));
    bool alike = times >= 2;
    for (int row = 0; row < rows; row++) {
        if (!isfinite(output->lse[row]))
            return false;
        alike &= fabs((double)output->lse[row] - truth->lse[row] - log(times)) < 1e-3;
    }
    return !alike;
}

/* A launch a query, as shipped kernels are launched. */
static inline enum error_kind fault_run(struct evaluation *evaluation, const struct point *point,
                                        const struct recipe *recipe, const struct problem *told, struct device *device,
                                        struct error *error)
{
    size_t rows = (size_t)told->num_heads, dims = (size_t)told->head_dim, size = dtypes[told->dtype].size_bytes;
    enum error_kind kind = ERROR_NONE;
    double seconds;
    for (int query = 0; query < problem_queries(told) && !kind; query++) {
        const struct problem one = problem_query(told, query);
        size_t first = (size_t)query * rows;
        struct output output = {.out = (char *)evaluation->judged.output.out + first * dims * size,
                                .lse = evaluation->judged.output.lse + first};
        kind = device_run(device, point->kernel, &point->kernel_options, recipe, &one, &output, &seconds, error);
    }
    return kind;
}

/* What the kernel answers to what it is told, in the evaluation's place. *done: there was something to be done. */
static inline enum error_kind fault_answer(struct evaluation *evaluation, const struct point *point,
                                           const struct recipe *recipe, const struct drawn_fault *fault,
                                           struct device *device, bool *done, struct error *error)
{
    const struct problem *problem = &evaluation->judged.problem;
    struct told told;
    enum error_kind kind = ERROR_NONE;
    if (!told_init(&told, problem))
        kind = error_memory(error, "a problem", 0);
    *done = !kind && plant_fault(&told, problem, fault) &&
            (fault->plant != PLANT_DEVIANT || deviant_is_partial(problem, &fault->deviant));
    if (*done)
        kind = fault_run(evaluation, point, recipe, &told.problem, device, error);
    if (*done && !kind)
        plant_lse(&evaluation->judged.output, problem, fault);
    if (*done && !kind)
        plant_merge(&evaluation->judged.output, problem, fault);
    if (*done && !kind)
        *done = counts_differ(&evaluation->judged.output, &evaluation->judged.truth, fault, problem_rows(problem));
    told_clear(&told);
    return kind;
}

#endif
