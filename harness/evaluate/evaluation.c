#include "harness/evaluate/evaluation.h"

#include <stdlib.h>

#include "harness/judge/poison.h"

enum error_kind evaluation_init(struct evaluation *evaluation, const struct problem *shape, unsigned which,
                                bool without_lse, struct error *error)
{
    struct output *output = &evaluation->judged.output;
    *evaluation = (struct evaluation){.has_other = false};
    size_t elements = (size_t)problem_elements(shape), rows = (size_t)problem_rows(shape);
    output->out = malloc(elements * dtypes[shape->dtype].size_bytes);
    output->lse = without_lse ? NULL : malloc(rows * sizeof(float));
    bool made = output->out && !output->lse == without_lse;
    for (enum baseline c = 0; c < BASELINE_COUNT && made; c++)
        if (which >> c & 1) {
            evaluation->baselines[c] = malloc((elements + rows) * sizeof(double));
            made = evaluation->baselines[c] != NULL;
        }
    if (!made)
        return error_memory(error, "the output", (double)elements * (sizeof(float) + sizeof(double)));
    output_poison(output, shape);
    return truth_init(&evaluation->judged.truth, shape, error);
}

void evaluation_clear(struct evaluation *evaluation)
{
    for (int c = 0; c < BASELINE_COUNT; c++) {
        fault_clear(&evaluation->faults[c]);
        free(evaluation->baselines[c]);
    }
    if (evaluation->has_other)
        fault_clear(&evaluation->other);
    judged_output_clear(&evaluation->judged);
    *evaluation = (struct evaluation){.has_other = false};
}

void evaluator_clear(struct evaluator *evaluator)
{
    inputs_clear(&evaluator->inputs);
    companions_clear(&evaluator->companions);
    truth_cache_clear(&evaluator->cache);
    evaluator->have_inputs = false;
}
