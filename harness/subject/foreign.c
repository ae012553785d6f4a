#include "harness/subject/foreign.h"

#include <math.h>
#include <stdio.h>

static const struct foreign_subject *foreign_of(const struct subject *subject)
{
    return (const struct foreign_subject *)(const void *)subject;
}

static void make_natural(const struct sequences *sequences)
{
    for (int i = 0; i < sequences->count; i++)
        for (int row = 0; sequences->outputs[i].lse && row < problem_rows(&sequences->problems[i]); row++)
            sequences->outputs[i].lse[row] = (float)((double)sequences->outputs[i].lse[row] * M_LN2);
}

static enum error_kind run(const struct subject *subject, const struct sequences *sequences, struct memory_audit *audit,
                           double *seconds, struct error *error)
{
    const struct foreign_subject *foreign = foreign_of(subject);
    if (audit)
        *audit = (struct memory_audit){.breached = NULL};
    enum error_kind kind = foreign->how->run(foreign->launcher, sequences, audit, seconds, error);
    if (!kind && foreign->kernel->takes & ALIBICHECK_KERNEL_LSE_BASE2)
        make_natural(sequences);
    return kind;
}

static struct rounding_model rounding(const struct subject *subject, const struct problem *problem)
{
    const struct foreign_subject *foreign = foreign_of(subject);
    return foreign->model(foreign->set, problem);
}

static enum error_kind repartition(const struct subject *subject, int64_t seq_len, struct subject **other, char *text,
                                   struct error *error)
{
    (void)subject, (void)seq_len, (void)error;
    *other = NULL;
    snprintf(text, SUBJECT_TEXT_SIZE, "how the kernel cuts its keys is its own");
    return ERROR_NONE;
}

static enum error_kind resettle(const struct subject *subject, const struct launch_setting *setting,
                                struct subject **other, char *text, struct error *error)
{
    (void)subject, (void)setting, (void)error;
    *other = NULL;
    snprintf(text, SUBJECT_TEXT_SIZE, "how the kernel is launched is its own");
    return ERROR_NONE;
}

static bool is_masked(const struct problem *problem)
{
    for (int64_t key = 0; problem->visible && key < problem->seq_len; key++)
        if (!problem->visible[key])
            return true;
    return false;
}

static bool has_slopes(const struct problem *problem)
{
    for (int head = 0; head < problem->num_heads; head++)
        if (problem->slopes[head] != 0)
            return true;
    return false;
}

static bool takes(const struct subject *subject, const struct problem *problem, int num_sequences, char *text)
{
    const struct problem_extras extras = {is_masked(problem), has_slopes(problem), problem->sink_logits != NULL};
    return foreign_kernel_takes(foreign_of(subject)->kernel, problem, &extras, num_sequences, text);
}

/* A copy of what it is given is made where it is launched. */
static double workspace_bytes(const struct subject *subject, const struct problem *shape)
{
    double row = (double)shape->num_kv_heads * shape->head_dim * (double)dtypes[problem_kv_dtype(shape)].size_bytes;
    (void)subject;
    return 2 * (double)(shape->seq_len + shape->kv_slots) * row;
}

static const struct subject_ops foreign_ops = {
    .run = run,
    .rounding = rounding,
    .repartition = repartition,
    .resettle = resettle,
    .takes = takes,
    .workspace_bytes = workspace_bytes,
};

struct foreign_subject foreign_subject(const struct foreign_kernel *kernel, const struct foreign_launcher *how,
                                       void *launcher)
{
    const unsigned lse = ALIBICHECK_KERNEL_LSE | ALIBICHECK_KERNEL_LSE_BASE2;
    return (struct foreign_subject){
        /* Kernels may multiply what is masked by 0, so it must be finite. */
        .subject = {.ops = &foreign_ops,
                    .without_lse = !(kernel->takes & lse),
                    .without_audit = !how->audits,
                    .without_poison = !how->keeps,
                    .may_differ = !(kernel->takes & ALIBICHECK_KERNEL_SAME_BITS),
                    .without_slots = true,
                    .any_order = true,
                    .least_logit = -INFINITY,
                    .masked_k = {-4, 4},
                    .masked_v = {-4, 4}},
        .kernel = kernel,
        .how = how,
        .launcher = launcher,
    };
}
