#include "harness/evaluate/companions.h"

#include <stdlib.h>

#include "harness/evaluate/point_subject.h"

/* The same sequences, whatever kernel and recipe run on them. */
static bool at_hand(const struct companions *companions, const struct point *point)
{
    return companions->count > 0 && companions->of.test_case == point->test_case &&
           problem_spec_equal(&companions->of.problem, &point->problem);
}

static enum error_kind make_outputs(struct companions *companions, const struct point *point, struct error *error)
{
    const struct problem_spec *spec = &point->problem;
    const struct problem shape = problem_spec_shape(spec);
    size_t out_bytes = (size_t)problem_elements(&shape) * dtypes[spec->dtype].size_bytes;
    size_t each = out_bytes + (size_t)problem_rows(&shape) * sizeof(float), count = (size_t)companions->count;
    char *memory = calloc(count, each);
    companions->memory = memory;
    if (!memory)
        return error_memory(error, "the outputs of a batch", (double)(count * each));
    for (size_t i = 0; i < count; i++)
        companions->outputs[i] = (struct output){memory + i * each, (float *)(void *)(memory + i * each + out_bytes)};
    return ERROR_NONE;
}

enum error_kind companions_make(struct companions *companions, const struct point *point, int threads,
                                struct progress *progress, struct error *error)
{
    if (at_hand(companions, point))
        return ERROR_NONE;
    companions_clear(companions);
    int count = point_num_sequences(point);
    companions->inputs = calloc((size_t)count, sizeof *companions->inputs);
    companions->problems = calloc((size_t)count, sizeof *companions->problems);
    companions->outputs = calloc((size_t)count, sizeof *companions->outputs);
    if (!companions->inputs || !companions->problems || !companions->outputs)
        return error_memory(error, "a batch", (double)count * (double)sizeof *companions->inputs);
    companions->count = count;
    companions->of = *point;
    enum error_kind kind = make_outputs(companions, point, error);
    for (int i = 0; i < count && !kind; i++) {
        struct point sequence;
        point_sequence(point, i, &sequence);
        if (i == point->problem.sequence)
            continue;
        kind = inputs_generate(&companions->inputs[i], &sequence.problem, whole_problem(&sequence.problem), threads,
                               progress, error);
        companions->problems[i] = companions->inputs[i].problem;
    }
    if (kind)
        companions_clear(companions);
    return kind;
}

void companions_clear(struct companions *companions)
{
    for (int i = 0; i < companions->count; i++)
        inputs_clear(&companions->inputs[i]);
    free(companions->inputs);
    free(companions->problems);
    free(companions->outputs);
    free(companions->memory);
    *companions = (struct companions){0};
}

double companions_bytes(const struct point *point)
{
    const struct shipped_subject shipped = point_subject(point, NULL);
    double inputs = 0, workspaces = 0;
    int count = point_num_sequences(point);
    for (int i = 0; i < count && count > 1; i++) {
        struct point sequence;
        point_sequence(point, i, &sequence);
        const struct problem_spec *spec = &sequence.problem;
        inputs += problem_spec_bytes(spec);
        const struct problem shape = problem_spec_shape(spec);
        workspaces += shipped.subject.ops->workspace_bytes(&shipped.subject, &shape);
    }
    return 2 * inputs + workspaces; /* as they are, and packed for the launch */
}
