/* The exact result of a problem of the public interface. */
#include <stdlib.h>

#include "harness/library/api.h"
#include "reference/computing_environment.h"

static enum error_kind compute(struct truth *truth, const struct problem_source *source, const struct judging *judging,
                               struct error *failure)
{
    struct judged_output judged;
    enum error_kind kind = judge_find_truth(&judged, source, judging, failure);
    *truth = judged.truth;
    judged.truth = (struct truth){.value = NULL};
    judged_output_clear(&judged);
    return kind;
}

int alibicheck_truth_compute(alibicheck_truth **truth, const alibicheck_problem *problem,
                             const alibicheck_options *options, struct alibicheck_error *error)
{
    COMPUTING_ENVIRONMENT();
    struct error failure;
    struct given_source source;
    struct judging judging;
    if (!api_has(truth, "truth", &failure))
        return api_end(error, &failure);
    *truth = NULL;
    /* The truth is that of the numbers, and f32 holds those of every type. */
    if (!api_has(problem, "problem", &failure) || api_source(&source, problem, DTYPE_F32, &failure) ||
        api_judging(&judging, options, DTYPE_F32, &failure))
        return api_end(error, &failure);
    *truth = calloc(1, sizeof **truth);
    if (!*truth) {
        error_memory(&failure, "the truth", sizeof **truth);
        return api_end(error, &failure);
    }
    if (compute(&(*truth)->truth, &source.source, &judging, &failure)) {
        alibicheck_truth_free(*truth);
        *truth = NULL;
        return api_end(error, &failure);
    }
    return api_end(error, NULL);
}

const double *alibicheck_truth_array(const alibicheck_truth *truth, enum alibicheck_truth_array which)
{
    if (!truth)
        return NULL;
    const double *const arrays[] = {
        [ALIBICHECK_TRUTH_VALUE] = truth->truth.value,
        [ALIBICHECK_TRUTH_TAIL] = truth->truth.tail,
        [ALIBICHECK_TRUTH_RADIUS] = truth->truth.radius,
        [ALIBICHECK_TRUTH_MAGNITUDE] = truth->truth.magnitude,
        [ALIBICHECK_TRUTH_LSE] = truth->truth.lse,
        [ALIBICHECK_TRUTH_LSE_TAIL] = truth->truth.lse_tail,
        [ALIBICHECK_TRUTH_LSE_RADIUS] = truth->truth.lse_radius,
    };
    return (unsigned)which < sizeof arrays / sizeof *arrays ? arrays[which] : NULL;
}

void alibicheck_truth_free(alibicheck_truth *truth)
{
    if (!truth)
        return;
    truth_clear(&truth->truth);
    free(truth);
}
