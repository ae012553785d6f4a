/*
 * Cases and a kernel as a program has them that links libalibicheck-run: attention in f32, in one pass over the keys,
 * which can be told to go wrong. It knows the public header alone.
 */
#ifndef HARNESS_RUN_TESTS_RUN_FIXTURE_H
#define HARNESS_RUN_TESTS_RUN_FIXTURE_H

#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alibicheck_run.h>

/* 4 points. */
static const char small_cases[] =
    "case: small\nseq_len: [5, 33]\nnum_heads: 2\nhead_dim: 64\ndtype: f32\nseed: [1, 2]\n";

enum mistake {
    SOUND,
    WRONG,       /* forgets the bias of the last head */
    REFUSES,     /* the launch */
    WRITES_PAST, /* the end of out */
    CHANGES_V,   /* once it has computed */
    CHANGES_FLOATS,
    STOPS /* the run that it is in */
};

struct small_kernel {
    enum mistake fault;
    int launches;
    alibicheck_run_progress *progress; /* of STOPS */
};

static void attend(const struct alibicheck_kernel_launch *launch, int head, enum mistake fault)
{
    const struct alibicheck_kernel_sequence *sequence = launch->sequences;
    const int dim = launch->head_dim, heads = launch->num_heads;
    const float *q = (const float *)sequence->q + head * dim, *k = sequence->k, *v = sequence->v;
    const float slope = fault == WRONG && head == heads - 1 ? 0 : launch->slopes[head];
    float max = -INFINITY, weights = 0, sum[64] = {0}, *out = (float *)sequence->out + head * dim;
    for (int64_t key = 0; key < sequence->seq_len; key++) {
        float dot = 0;
        for (int i = 0; i < dim; i++)
            dot += q[i] * k[(key * heads + head) * dim + i];
        const float logit = dot * launch->scale + slope * (float)(key - sequence->q_position);
        const float new_max = fmaxf(max, logit), rescale = expf(max - new_max), weight = expf(logit - new_max);
        weights = weights * rescale + weight;
        for (int i = 0; i < dim; i++)
            sum[i] = sum[i] * rescale + weight * v[(key * heads + head) * dim + i];
        max = new_max;
    }
    for (int i = 0; i < dim; i++)
        out[i] = sum[i] / weights;
    sequence->lse[head] = max + logf(weights);
}

static int32_t small_launch(void *context, const struct alibicheck_kernel_launch *launch, char *text,
                            uint64_t text_size)
{
    struct small_kernel *kernel = context;
    const struct alibicheck_kernel_sequence *sequence = launch->sequences;
    kernel->launches++;
    if (kernel->fault == REFUSES) {
        snprintf(text, text_size, "no such engine");
        return 7;
    }
    for (int head = 0; head < launch->num_heads; head++)
        attend(launch, head, kernel->fault);
    if (kernel->fault == WRITES_PAST)
        ((float *)sequence->out)[launch->num_heads * launch->head_dim] = 1;
    if (kernel->fault == CHANGES_V)
        ((float *)(uintptr_t)sequence->v)[1] = 1e3f;
    if (kernel->fault == CHANGES_FLOATS)
        fesetround(FE_UPWARD);
    if (kernel->fault == STOPS)
        alibicheck_run_progress_stop(kernel->progress);
    return 0;
}

static inline struct alibicheck_kernel small_kernel(struct small_kernel *context)
{
    return (struct alibicheck_kernel){
        .abi = ALIBICHECK_KERNEL_ABI,
        .takes = ALIBICHECK_KERNEL_F32 | ALIBICHECK_KERNEL_ALIBI | ALIBICHECK_KERNEL_LSE | ALIBICHECK_KERNEL_SAME_BITS,
        .name = "small",
        .arithmetic = "f32",
        .context = context,
        .launch = small_launch,
    };
}

/* Records, one after the other, each up to the seconds that it took. */
struct kept_records {
    char *json[16], *messages[16];
    int count, stop_after; /* 0: never */
    int64_t points;
};

static inline int32_t keep_record(void *context, const struct alibicheck_run_record *record)
{
    struct kept_records *kept = context;
    const char *seconds = strstr(record->json, "\"seconds\"");
    if (record->index != kept->count || kept->count == 16 || !seconds)
        return 1;
    kept->json[kept->count] = strndup(record->json, (size_t)(seconds - record->json));
    kept->messages[kept->count++] = strdup(record->message);
    kept->points = record->points;
    return kept->count == kept->stop_after;
}

static inline void kept_records_clear(struct kept_records *kept)
{
    for (int i = 0; i < kept->count; i++) {
        free(kept->json[i]);
        free(kept->messages[i]);
    }
    *kept = (struct kept_records){.count = 0};
}

#endif
