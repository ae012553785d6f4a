/* A kernel of the host device that is told or answers something else, for tests of the oracles. */
#ifndef HARNESS_JUDGE_ORACLE_TESTS_BROKEN_SUBJECT_H
#define HARNESS_JUDGE_ORACLE_TESTS_BROKEN_SUBJECT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/oracle/oracle.h"
#include "harness/judge/oracle/oracle_work.h"
#include "harness/judge/oracle/trial.h"
#include "harness/subject/shipped.h"
#include "kernels/tests/made_problem.h"
#include "kernels/tests/open_host.h"

/* A kernel on the host device, and what breaks it. */
struct broken_subject {
    struct subject subject; /* first */
    struct shipped_subject sound;
    /* Changes what the kernel is told of sequence i of a launch; NULL: nothing. */
    void (*before)(struct problem *problems, int i, void *scratch);
    /* Changes what it answers for a sequence; NULL: nothing. */
    void (*after)(const struct problem *problem, const struct kernel_options *options, const struct output *output,
                  int run);
    bool keeps_zeros; /* elements that are 0 are not written */
    int *runs;        /* so far */
};

enum { SCRATCH_BYTES = 4096, MAX_SEQUENCES = ORACLE_MANY, MAX_ELEMENTS = 4096 };

static enum error_kind run_broken(const struct subject *subject, const struct sequences *sequences,
                                  struct memory_audit *audit, double *seconds, struct error *error)
{
    static float old[MAX_SEQUENCES][MAX_ELEMENTS];
    const struct broken_subject *broken = (const struct broken_subject *)(const void *)subject;
    const struct problem *problems = sequences->problems;
    struct problem told[MAX_SEQUENCES];
    size_t elements = (size_t)problem_elements(problems);
    _Alignas(64) char scratch[SCRATCH_BYTES];
    assert_true(sequences->count <= MAX_SEQUENCES && elements <= MAX_ELEMENTS);
    memcpy(told, problems, (size_t)sequences->count * sizeof *problems);
    for (int i = 0; i < sequences->count; i++) {
        dtype_widen(problems[i].dtype, sequences->outputs[i].out, 0, elements, old[i]);
        if (broken->before)
            broken->before(told, i, scratch);
    }
    const struct sequences as_told = {told, sequences->outputs, sequences->count, sequences->pages, NULL, false};
    enum error_kind kind = broken->sound.subject.ops->run(&broken->sound.subject, &as_told, audit, seconds, error);
    for (int i = 0; i < sequences->count && !kind; i++) {
        const struct output *output = &sequences->outputs[i];
        for (size_t e = 0; e < elements && broken->keeps_zeros; e++) {
            float value;
            dtype_widen(problems[i].dtype, output->out, e, 1, &value);
            if (value == 0)
                dtype_narrow(problems[i].dtype, output->out, e, 1, &old[i][e]);
        }
        if (broken->after)
            broken->after(&problems[i], &broken->sound.options, output, *broken->runs);
    }
    ++*broken->runs;
    return kind;
}

static struct rounding_model rounding_of_sound(const struct subject *subject, const struct problem *problem)
{
    const struct subject *sound = &((const struct broken_subject *)(const void *)subject)->sound.subject;
    return sound->ops->rounding(sound, problem);
}

/* The same break in a subject that is launched otherwise. */
static struct subject *broken_too(const struct broken_subject *broken, struct subject *sound)
{
    struct broken_subject *copy = malloc(sizeof *copy);
    assert_non_null(copy);
    *copy = *broken;
    copy->sound = *(struct shipped_subject *)(void *)sound;
    subject_release(sound);
    return &copy->subject;
}

static enum error_kind resettle_broken(const struct subject *subject, const struct launch_setting *setting,
                                       struct subject **other, char *text, struct error *error)
{
    const struct broken_subject *broken = (const struct broken_subject *)(const void *)subject;
    struct subject *sound;
    enum error_kind kind = broken->sound.subject.ops->resettle(&broken->sound.subject, setting, &sound, text, error);
    *other = !kind && sound ? broken_too(broken, sound) : NULL;
    return kind;
}

static enum error_kind repartition_broken(const struct subject *subject, int64_t seq_len, struct subject **other,
                                          char *text, struct error *error)
{
    const struct broken_subject *broken = (const struct broken_subject *)(const void *)subject;
    struct subject *sound;
    enum error_kind kind = broken->sound.subject.ops->repartition(&broken->sound.subject, seq_len, &sound, text, error);
    *other = !kind && sound ? broken_too(broken, sound) : NULL;
    return kind;
}

static const struct subject_ops broken_ops = {
    .run = run_broken,
    .rounding = rounding_of_sound,
    .repartition = repartition_broken,
    .resettle = resettle_broken,
};

/* A kernel with nothing broken yet; runs: a count of the caller's, 0. */
static struct broken_subject broken_subject(struct device *device, enum kernel kernel, int64_t chunk_len,
                                            const struct recipe *recipe, int *runs)
{
    const struct kernel_options options = {.chunk_len = chunk_len};
    struct broken_subject broken = {.sound = shipped_subject(device, kernel, &options, recipe), .runs = runs};
    broken.subject = broken.sound.subject;
    broken.subject.ops = &broken_ops;
    return broken;
}

enum { N = 300, H = 4, HKV = 2, D = 64, MASKED_KEY = 290, CHUNK = 96, ZERO_DIM = 5 };

static float *f32(const void *tensor)
{
    return (float *)(uintptr_t)tensor;
}

/* The weight of a key in a row that is right. */
static inline double weight_in(const struct problem *problem, int64_t key, int head, const struct output *output)
{
    size_t row = problem_row(problem, key, problem_kv_head(problem, head));
    double logit = (double)problem->slopes[head] * (double)problem_distance(problem, key);
    for (int d = 0; d < D; d++)
        logit += problem_logit_scale(problem) * (double)f32(problem->q)[head * D + d] *
                 (double)f32(problem->k)[row + (size_t)d];
    return problem_visible(problem, key) ? exp(logit - (double)output->lse[head]) : 0;
}

#endif
