#include "harness/evaluate/companions.h"

#include <math.h>
#include <stdlib.h>

#include "harness/evaluate/point_subject.h"
#include "harness/subject/tensor_memory.h"

/* The same sequences of the same case, whatever kernel and recipe run on them. */
static bool at_hand(const struct companions *companions, const struct point *point)
{
    return companions->count > 0 && problem_spec_equal(&companions->of.problem, &point->problem);
}

static enum error_kind make_outputs(struct companions *companions, const struct point *point, struct error *error)
{
    const struct problem_spec *spec = &point->problem;
    const struct problem shape = problem_spec_shape(spec);
    const size_t each = output_bytes(&shape), count = (size_t)companions->count;
    char *memory = calloc(count, each);
    companions->memory = memory;
    if (!memory)
        return error_memory(error, "the outputs of a batch", (double)(count * each));
    for (size_t i = 0; i < count; i++)
        companions->outputs[i] = output_in(memory + i * each, &shape);
    return ERROR_NONE;
}

/* ---- inputs of batches ------------------------------------------------------------------------------------------- */

static void batch_free(struct batch_inputs *batch)
{
    for (int i = 0; batch->inputs && i < batch->count; i++)
        inputs_clear(&batch->inputs[i]);
    free(batch->specs);
    free(batch->inputs);
    free(batch->made);
    free(batch);
}

/* Drops those that are older than `batch`; NULL: all. */
static void drop_older(struct companions *companions, struct batch_inputs *batch)
{
    struct batch_inputs *old = batch ? batch->older : companions->newest;
    *(batch ? &batch->older : &companions->newest) = NULL;
    while (old) {
        struct batch_inputs *older = old->older;
        batch_free(old);
        old = older;
    }
}

/* With no inputs yet. NULL: there is no memory. */
static struct batch_inputs *batch_of(const struct point *point)
{
    const size_t count = (size_t)point_num_sequences(point);
    struct batch_inputs *batch = calloc(1, sizeof *batch);
    if (!batch)
        return NULL;
    *batch = (struct batch_inputs){.test_case = point->test_case,
                                   .count = (int)count,
                                   .specs = calloc(count, sizeof *batch->specs),
                                   .inputs = calloc(count, sizeof *batch->inputs),
                                   .made = calloc(count, sizeof *batch->made)};
    if (!batch->specs || !batch->inputs || !batch->made) {
        batch_free(batch);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        struct point sequence;
        point_sequence(point, (int)i, &sequence);
        batch->specs[i] = sequence.problem;
        batch->size_bytes += problem_spec_bytes(&sequence.problem);
    }
    return batch;
}

static bool same_batch(const struct batch_inputs *a, const struct batch_inputs *b)
{
    bool same = a->count == b->count;
    for (int i = 0; i < a->count && same; i++)
        same = problem_spec_equal(&a->specs[i], &b->specs[i]);
    return same;
}

/* Puts the batch before the others, and what is kept of it in its place. */
static void make_newest(struct companions *companions, struct batch_inputs *batch)
{
    const double most_bytes = companions->most_bytes > 0 ? companions->most_bytes : COMPANIONS_KEPT_BYTES;
    struct batch_inputs **place = &companions->newest;
    while (*place && !same_batch(*place, batch))
        place = &(*place)->older;
    struct batch_inputs *kept = *place;
    if (kept) {
        *place = kept->older;
        batch_free(batch);
        batch = kept;
    }
    batch->older = companions->newest;
    companions->newest = batch;
    double bytes = 0;
    for (struct batch_inputs *next = batch; next; next = next->older) {
        bytes += next->size_bytes;
        if (next->older && bytes + next->older->size_bytes > most_bytes)
            drop_older(companions, next);
    }
}

/* ---- companions -------------------------------------------------------------------------------------------------- */

static void forget_launch(struct companions *companions)
{
    free(companions->problems);
    free(companions->outputs);
    free(companions->memory);
    companions->problems = NULL;
    companions->outputs = NULL;
    companions->memory = NULL;
    companions->count = 0;
}

static enum error_kind make_launch(struct companions *companions, const struct point *point, struct error *error)
{
    const size_t count = (size_t)point_num_sequences(point);
    companions->problems = calloc(count, sizeof *companions->problems);
    companions->outputs = calloc(count, sizeof *companions->outputs);
    if (!companions->problems || !companions->outputs)
        return error_memory(error, "a batch", (double)count * (double)sizeof *companions->problems);
    companions->count = (int)count;
    companions->of = *point;
    return make_outputs(companions, point, error);
}

enum error_kind companions_make(struct companions *companions, const struct point *point, int threads,
                                struct progress *progress, struct error *error)
{
    companions_leave(companions, point);
    if (at_hand(companions, point))
        return ERROR_NONE;
    forget_launch(companions);
    struct batch_inputs *batch = batch_of(point);
    if (!batch)
        return error_memory(error, "a batch", (double)sizeof *batch);
    make_newest(companions, batch);
    batch = companions->newest;
    enum error_kind kind = make_launch(companions, point, error);
    for (int i = 0; i < batch->count && !kind; i++) {
        if (i == point->problem.sequence)
            continue;
        if (!batch->made[i])
            kind = inputs_generate(&batch->inputs[i], &batch->specs[i], whole_problem(&batch->specs[i]), threads,
                                   progress, error);
        batch->made[i] = true;
        companions->problems[i] = batch->inputs[i].problem;
    }
    if (kind)
        companions_clear(companions);
    return kind;
}

void companions_clear(struct companions *companions)
{
    forget_launch(companions);
    drop_older(companions, NULL);
    *companions = (struct companions){.most_bytes = companions->most_bytes};
}

void companions_leave(struct companions *companions, const struct point *point)
{
    if (companions->newest && companions->newest->test_case != point->test_case)
        companions_clear(companions);
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
    const double kept = count > 1 ? fmax(inputs, COMPANIONS_KEPT_BYTES) : 0;
    return kept + inputs + workspaces; /* as they are, and packed for the launch */
}
