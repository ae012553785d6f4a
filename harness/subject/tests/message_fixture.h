/*
 * A launch of two sequences for tests of what carries it, and messages that have come.
 */
#ifndef HARNESS_SUBJECT_TESTS_MESSAGE_FIXTURE_H
#define HARNESS_SUBJECT_TESTS_MESSAGE_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "harness/subject/kernel_message.h"

enum { FIXTURE_SEQUENCES = 2, FIXTURE_QUERIES = 2, FIXTURE_HEADS = 4, FIXTURE_KV_HEADS = 2, FIXTURE_DIM = 3 };

struct launch_fixture {
    float slopes[FIXTURE_HEADS], sinks[FIXTURE_HEADS];
    uint16_t q[FIXTURE_SEQUENCES][FIXTURE_QUERIES * FIXTURE_HEADS * FIXTURE_DIM];
    uint16_t out[FIXTURE_SEQUENCES][FIXTURE_QUERIES * FIXTURE_HEADS * FIXTURE_DIM];
    float lse[FIXTURE_SEQUENCES][FIXTURE_QUERIES * FIXTURE_HEADS];
    uint8_t kv[FIXTURE_SEQUENCES][2][8 * FIXTURE_KV_HEADS * FIXTURE_DIM], mask[8];
    struct problem problems[FIXTURE_SEQUENCES];
    struct output outputs[FIXTURE_SEQUENCES];
    struct sequences sequences;
};

/* Two sequences of 5 and 8 keys in f16 with an e4m3 cache, the second with a mask. */
static inline void launch_fixture_make(struct launch_fixture *launch)
{
    *launch = (struct launch_fixture){.mask = {1, 0, 1, 1, 0, 1, 1, 1}};
    launch->sequences = (struct sequences){launch->problems, launch->outputs, FIXTURE_SEQUENCES, NULL, NULL, false};
    for (int head = 0; head < FIXTURE_HEADS; head++) {
        launch->slopes[head] = 0.5f / (float)(head + 1);
        launch->sinks[head] = (float)head - 1;
    }
    for (int i = 0; i < FIXTURE_SEQUENCES; i++) {
        for (size_t n = 0; n < sizeof launch->q[i] / sizeof launch->q[i][0]; n++)
            launch->q[i][n] = (uint16_t)(0x3c00 + 7 * n + (size_t)i);
        memset(launch->kv[i][0], 0x38 + i, sizeof launch->kv[i][0]);
        memset(launch->kv[i][1], 0x30 + i, sizeof launch->kv[i][1]);
        launch->problems[i] = (struct problem){
            .seq_len = i ? 8 : 5,
            .num_queries = FIXTURE_QUERIES,
            .num_heads = FIXTURE_HEADS,
            .num_kv_heads = FIXTURE_KV_HEADS,
            .head_dim = FIXTURE_DIM,
            .dtype = DTYPE_F16,
            .kv_format = KV_E4M3,
            .k_scale = 0.5f,
            .v_scale = 2,
            .scale = 0.25f,
            .soft_cap = SOFT_CAP_AFTER_BIAS,
            .soft_cap_value = 30,
            .q_position = 40 + i,
            .kv_offset = 30 * i,
            .slopes = launch->slopes,
            .sink_logits = launch->sinks,
            .q = launch->q[i],
            .k = launch->kv[i][0],
            .v = launch->kv[i][1],
            .visible = i ? launch->mask : NULL,
        };
        launch->outputs[i] = (struct output){launch->out[i], launch->lse[i]};
    }
}

/* A message that has come; of no bytes where there is no memory. */
static inline struct frame frame_of(const void *bytes, size_t size)
{
    struct frame frame = {malloc(size + 1), size};
    if (frame.bytes)
        memcpy(frame.bytes, bytes, size);
    else
        frame.size = 0;
    return frame;
}

/* The plan's bytes in one message, and the plan cleared. */
static inline struct frame frame_of_plan(struct safetensors_plan *plan)
{
    struct frame frame = {malloc(plan->size_bytes + 1), plan->size_bytes};
    size_t at = plan->header_bytes;
    if (!frame.bytes)
        return (struct frame){.bytes = NULL};
    memcpy(frame.bytes, plan->header, plan->header_bytes);
    for (size_t i = 0; i < plan->num_pieces; at += plan->pieces[i++].size_bytes)
        memcpy((char *)frame.bytes + at, plan->pieces[i].elements, plan->pieces[i].size_bytes);
    safetensors_plan_clear(plan);
    return frame;
}

#endif
