#include "harness/subject/callback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xxhash.h>

#include "harness/subject/device_launch.h"
#include "harness/subject/launching.h"
#include "harness/subject/run_failure.h"
#include "reference/computing_environment.h"

enum { TEXT_SIZE = 512 };

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- on a device ------------------------------------------------------------------------------------------------- */

static enum error_kind put_sequence(struct device_launch *there, const struct guarded_sequence *sequence,
                                    struct error *error)
{
    const struct guarded *const outputs[] = {&sequence->out, &sequence->lse};
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < 2 && !kind; i++)
        kind = device_launch_put(there, outputs[i]->memory, outputs[i]->size_bytes + 2 * ZONE_BYTES, error);
    for (int t = 0; t < GIVEN_COUNT && !kind; t++)
        kind = device_launch_put(there, sequence->given[t].copy, given_copy_bytes(&sequence->given[t]), error);
    return kind;
}

/* All that the kernel is given, which is copies, on whatever stream it reads them: the driver's copies from memory that
 * is not page-locked may be under way yet when they return, and a stream of the kernel's own need not wait for them. */
static enum error_kind put_there(struct device_launch *there, struct cuda_device *device,
                                 const struct launching *launching, struct error *error)
{
    const size_t count = (size_t)launching->sequences->count;
    enum error_kind kind =
        device_launch_init(there, device, count * (GIVEN_COUNT + 2) + GIVEN_OF_PAGES_COUNT + 3, error);
    for (size_t i = 0; i < count && !kind; i++)
        kind = put_sequence(there, &launching->guarded[i], error);
    for (int t = 0; t < GIVEN_OF_PAGES_COUNT && !kind; t++)
        kind = device_launch_put(there, launching->pages[t].copy, given_copy_bytes(&launching->pages[t]), error);
    if (!kind)
        kind = device_launch_put(there, launching->slopes.copy, given_copy_bytes(&launching->slopes), error);
    if (!kind)
        kind = device_launch_put(there, launching->sinks.copy, given_copy_bytes(&launching->sinks), error);
    const struct guarded *workspace = &launching->workspace;
    if (!kind)
        kind = device_launch_put(there, workspace->memory, workspace->size_bytes + 2 * ZONE_BYTES, error);
    return kind ? kind : cuda_device_wait(device, error);
}

/* Says where it all is there. */
static void describe_there(struct alibicheck_kernel_launch *launch, const struct launching *launching,
                           const struct device_launch *there)
{
    for (int i = 0; i < launch->num_sequences; i++) {
        struct alibicheck_kernel_sequence *seen = &launching->seen[i];
        seen->q = device_launch_place(there, seen->q);
        seen->k = device_launch_place(there, seen->k);
        seen->v = device_launch_place(there, seen->v);
        seen->visible = device_launch_place(there, seen->visible);
        seen->out = device_launch_place(there, seen->out);
        seen->lse = device_launch_place(there, seen->lse);
    }
    launch->slopes = device_launch_place(there, launch->slopes);
    launch->sink_logits = device_launch_place(there, launch->sink_logits);
    launch->k_pages = device_launch_place(there, launch->k_pages);
    launch->v_pages = device_launch_place(there, launch->v_pages);
    launch->block_table = device_launch_place(there, launch->block_table);
    launch->seq_lens = device_launch_place(there, launch->seq_lens);
    launch->workspace = device_launch_place(there, launch->workspace);
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

void callback_clear(struct callback *callback)
{
    kept_outputs_clear(&callback->kept);
}

/* Puts the outputs in the place of those that were kept, as far as there is memory for a list of them. */
static void keep_outputs(struct callback *callback, struct launching *launching, struct device_launch *there)
{
    const int count = launching->sequences->count;
    const bool kept = kept_outputs_begin(&callback->kept, 2 * (size_t)count);
    for (int i = 0; kept && i < count; i++) {
        struct guarded *const outputs[] = {&launching->guarded[i].out, &launching->guarded[i].lse};
        for (int o = 0; o < 2; o++)
            kept_outputs_take(&callback->kept, outputs[o], device_launch_take(there, outputs[o]->memory));
    }
}

/* A digest of what a kernel may be compiled for, or have caches of. */
static uint64_t shape_of(const struct sequences *sequences)
{
    uint64_t shape = (uint64_t)sequences->count;
    for (int i = 0; i < sequences->count; i++) {
        const struct problem *problem = &sequences->problems[i];
        const int64_t numbers[] = {problem->seq_len,
                                   problem_queries(problem),
                                   problem->num_heads,
                                   problem->num_kv_heads,
                                   problem->head_dim,
                                   (int64_t)problem->dtype,
                                   (int64_t)problem->kv_format,
                                   (int64_t)problem->soft_cap,
                                   problem->visible != NULL,
                                   problem->sink_logits != NULL,
                                   sequences->pages ? sequences->pages->page_size : 0,
                                   sequences->pages ? sequences->pages->num_pages : 0};
        shape = XXH3_64bits_withSeed(numbers, sizeof numbers, shape);
        if (sequences->strides)
            shape = XXH3_64bits_withSeed(&sequences->strides[i], sizeof sequences->strides[i], shape);
    }
    return shape;
}

static size_t out_bytes(const struct sequences *sequences)
{
    size_t bytes = 0;
    for (int i = 0; i < sequences->count; i++)
        bytes += (size_t)problem_elements(&sequences->problems[i]) * dtypes[sequences->problems[i].dtype].size_bytes;
    return bytes;
}

/* What its launch returns; on a device it has ended there, too. */
static enum error_kind call(const struct callback *callback, const struct alibicheck_kernel_launch *launch,
                            double *seconds, struct error *error)
{
    const struct alibicheck_kernel *kernel = callback->kernel;
    char text[TEXT_SIZE] = "";
    enum error_kind kind = ERROR_NONE;
    const struct computing_environment floats = computing_environment_enter(); /* which the kernel may change */
    const double start = now_s();
    const int32_t status = kernel->launch(kernel->context, launch, text, sizeof text);
    if (!status && callback->kept.device)
        kind = cuda_device_wait(callback->kept.device, error);
    *seconds = now_s() - start;
    computing_environment_leave(&floats);
    text[TEXT_SIZE - 1] = 0;
    if (!status)
        return kind;
    error_set(error, ERROR_SUBJECT, "it returned %d%s%s", (int)status, *text ? ": " : "", text);
    return run_failed(error, RUN_FAILURE_REFUSAL);
}

/* The same where k and v span more than memory has. */
static enum error_kind call_far(const struct callback *callback, const struct alibicheck_kernel_launch *launch,
                                double *seconds, struct error *error)
{
    const struct far_limit limit = far_limit_begin();
    const enum error_kind kind = call(callback, launch, seconds, error);
    far_limit_end(&limit);
    return kind;
}

static enum error_kind run_prepared(struct callback *callback, struct launching *launching, struct device_launch *there,
                                    double *seconds, struct error *error)
{
    const struct sequences *sequences = launching->sequences;
    struct alibicheck_kernel_launch launch = launching_describe(launching);
    if (callback->kept.device) {
        launch.stream = cuda_device_stream(callback->kept.device);
        launch.device = cuda_device_number(callback->kept.device);
    }
    enum error_kind kind =
        launching_give_workspace(launching, callback->kernel, callback->num_launches++, &launch, error);
    if (!kind && callback->kept.device) {
        kind = put_there(there, callback->kept.device, launching, error);
        if (kind == ERROR_SUBJECT && callback->num_launches == 1) /* nothing of the kernel's has run there yet */
            kind = error->kind = ERROR_SYSTEM;
        if (!kind)
            describe_there(&launch, launching, there);
    }
    if (kind)
        return kind;
    if (callback->leftover)
        leftover_begin(callback->leftover);
    if (launching->fencing)
        launching->fencing->watch();
    kind = sequences->strides && sequences->strides->far_elements > 0 ? call_far(callback, &launch, seconds, error)
                                                                      : call(callback, &launch, seconds, error);
    if (launching->fencing)
        launching->fencing->leave();
    if (callback->leftover)
        leftover_end(callback->leftover, shape_of(sequences), out_bytes(sequences));
    return kind ? kind : device_launch_get(there, error);
}

enum error_kind callback_run(struct callback *callback, const struct sequences *sequences, struct memory_audit *audit,
                             double *seconds, struct error *error)
{
    const unsigned lse = ALIBICHECK_KERNEL_LSE | ALIBICHECK_KERNEL_LSE_BASE2;
    struct launching launching = {.with_lse = callback->takes & lse,
                                  .fencing = sequences->strides && !callback->kept.device ? callback->fencing : NULL,
                                  .giving = callback->kept.device ? GIVE_A_COPY : callback->giving,
                                  .sequences = sequences};
    struct device_launch there = {.device = NULL};
    enum error_kind kind = launching_prepare(&launching, error);
    if (!kind)
        kind = run_prepared(callback, &launching, &there, seconds, error);
    if (!kind)
        kind = launching_take(&launching, audit, error);
    if (!kind && audit)
        kind = kept_outputs_audit(&callback->kept, audit, error);
    if (kind && callback->kept.device) /* what stands there now is not known here */
        kept_outputs_clear(&callback->kept);
    else if (launching.guarded && launching.seen && launching.strides)
        keep_outputs(callback, &launching, &there);
    device_launch_clear(&there);
    launching_clear(&launching);
    return kind;
}

/* A failure is told with the kernel's name. */
static enum error_kind run(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                           double *seconds, struct error *error)
{
    struct callback *callback = launcher;
    struct error failure;
    enum error_kind kind = callback_run(callback, sequences, audit, seconds, &failure);
    if (!kind)
        return kind;
    if (kind != ERROR_SUBJECT)
        return error_set(error, kind, "%s", failure.text);
    error_set(error, kind, "%s failed: %.8000s", callback->kernel->name, failure.text);
    return run_failed(error, run_failure_of(&failure));
}

const struct foreign_launcher callback_launcher = {
    .run = run,
    .audits = true,
    .keeps = true,
    .places = true,
    .why_not_far = "it is a function of this process, whose memory is not limited for it"};
