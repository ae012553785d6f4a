/*
 * A judged point made by hand, and a case that is whatever a test says it is: names that no case file could have.
 * The functions of case.h that sinks call are defined here, so that the real ones are not linked.
 */
#ifndef HARNESS_REPORT_RECORD_TESTS_SAMPLE_H
#define HARNESS_REPORT_RECORD_TESTS_SAMPLE_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/report/record/record.h"

struct test_case {
    const char *name, *about, *because, *known_bugs, *path, *key;
    bool standard_input;
    int line;
};

const char *case_name(const struct test_case *test_case)
{
    return test_case->name;
}

const char *case_about(const struct test_case *test_case)
{
    return test_case->about;
}

const char *case_because(const struct test_case *test_case)
{
    return test_case->because;
}

const char *case_known_bugs(const struct test_case *test_case)
{
    return test_case->known_bugs;
}

const char *case_path(const struct test_case *test_case)
{
    return test_case->path;
}

int case_line(const struct test_case *test_case)
{
    return test_case->line;
}

bool case_from_standard_input(const struct test_case *test_case)
{
    return test_case->standard_input;
}

char *point_key(char *text, const struct point *point)
{
    snprintf(text, POINT_KEY_SIZE, "%s", point->test_case->key);
    return text;
}

uint64_t point_digest(const struct point *point)
{
    (void)point;
    return 0x123456789abcdef0;
}

int point_num_sequences(const struct point *point)
{
    return point->batch == BATCH_TOGETHER ? 3 : 1;
}

/* Lengths that go up by one. */
void point_sequence(const struct point *point, int i, struct point *sequence)
{
    *sequence = *point;
    sequence->problem.seq_len += i - point->problem.sequence;
    sequence->problem.sequence = i;
}

/* The run that the sample is of. */
static const struct run_points sample_run = {.count = 7, .digest = 0xfedcba9876543210};

enum { SAMPLE_N = 3, SAMPLE_H = 2, SAMPLE_D = 4, SAMPLE_ELEMENTS = SAMPLE_H * SAMPLE_D };

/* Two heads, one KV head, three keys, the second one removed; everything in place, so it must not be moved. */
struct sample {
    struct test_case test_case;
    struct point point;
    struct problem problem;
    uint16_t q[SAMPLE_ELEMENTS], k[SAMPLE_N * SAMPLE_D], v[SAMPLE_N * SAMPLE_D], out[SAMPLE_ELEMENTS];
    float slopes[SAMPLE_H], lse[SAMPLE_H];
    uint8_t visible[SAMPLE_N];
    double value[SAMPLE_ELEMENTS], tail[SAMPLE_ELEMENTS], radius[SAMPLE_ELEMENTS], magnitude[SAMPLE_ELEMENTS];
    double truth_lse[SAMPLE_H], truth_lse_tail[SAMPLE_H], truth_lse_radius[SAMPLE_H];
    struct truth truth;
    struct output output;
    struct verdict verdict;
    struct record record;
};

static inline struct exhibit sample_exhibit(const struct sample *sample)
{
    return (struct exhibit){&sample->problem, &sample->output, &sample->truth, .criterion = sample->point.criterion};
}

static inline void sample_judge(struct sample *sample)
{
    const struct exhibit exhibit = sample_exhibit(sample);
    struct error error;
    verdict_clear(&sample->verdict);
    assert_int_equal(verdict_reach(&sample->verdict, &exhibit, &error), 0);
    sample->record.outcome.status = sample->verdict.total.mismatched ? STATUS_FAIL : STATUS_PASS;
}

/* Output 1 everywhere but for 1.5 at head 1, dim 2, where the truth is 1 as well: one mismatch, 512 ulp of f16. */
static inline void sample_init(struct sample *sample)
{
    *sample = (struct sample){
        .test_case = {.name = "sample",
                      .about = "A point made by hand.",
                      .path = "cases/sample.yaml",
                      .key = "sample:kernel=split_kv,seq_len=3"},
        .slopes = {0.5f, 0.25f},
        .lse = {1, 2},
        .truth_lse = {1, 2 + 0x1p-10},
        .visible = {1, 0, 1},
    };
    for (int i = 0; i < SAMPLE_ELEMENTS; i++) {
        sample->q[i] = (uint16_t)(0x3c00 + i);
        sample->out[i] = 0x3c00;
        sample->value[i] = sample->magnitude[i] = 1;
        sample->tail[i] = 0x1p-60;
        sample->radius[i] = 0x1p-100 * (i + 1);
    }
    sample->out[6] = 0x3e00;
    for (int i = 0; i < SAMPLE_N * SAMPLE_D; i++) {
        sample->k[i] = (uint16_t)(0x4000 + i);
        sample->v[i] = (uint16_t)(0x4400 + i);
    }
    sample->problem = (struct problem){.seq_len = SAMPLE_N,
                                       .num_heads = SAMPLE_H,
                                       .num_kv_heads = 1,
                                       .head_dim = SAMPLE_D,
                                       .dtype = DTYPE_F16,
                                       .scale = 0.1f,
                                       .q_position = 2,
                                       .slopes = sample->slopes,
                                       .q = sample->q,
                                       .k = sample->k,
                                       .v = sample->v};
    sample->truth = (struct truth){SAMPLE_H,
                                   SAMPLE_D,
                                   sample->value,
                                   sample->tail,
                                   sample->radius,
                                   sample->magnitude,
                                   sample->truth_lse,
                                   sample->truth_lse_tail,
                                   sample->truth_lse_radius,
                                   0,
                                   {0}};
    sample->output = (struct output){.out = sample->out, .lse = sample->lse};
    sample->point = (struct point){
        .test_case = &sample->test_case,
        .problem = {.seq_len = SAMPLE_N,
                    .num_heads = SAMPLE_H,
                    .num_kv_heads = 1,
                    .head_dim = SAMPLE_D,
                    .dtype = DTYPE_F16,
                    .scale = 0.1f,
                    .slopes = SLOPES_BLOOM,
                    .max_bias = 8,
                    .total_heads = SAMPLE_H,
                    .q_position = 2,
                    .input = {.distribution = DISTRIBUTION_OUTLIERS,
                              .mean = 0.1,
                              .stddev = 1,
                              .low = -1,
                              .high = 1,
                              .value = 1,
                              .channels = 4,
                              .factor = 30},
                    .seed = 7},
        .kernel = KERNEL_SPLIT_KV,
        .kernel_options = {.chunk_len = 1024},
        .recipe = {.sentinel = {SENTINEL_VALUE, -50000.0f}},
        .truth_precision = 160,
        .criterion = {.mode = JUDGE_BOTH, .tolerance = {1e-3, 1e-3, 1e-3}, .budget = 1},
    };
    sample->record = (struct record){
        .point = &sample->point,
        .run = &sample_run,
        .place = 2,
        .device = "host",
        .device_name = "host (2 threads, fibers: x86-64)",
        .fidelity = "exact",
        .verdict = &sample->verdict,
        .problem = &sample->problem,
        .output = &sample->output,
        .truth = &sample->truth,
        .input_digest = 0x0123456789abcdef,
        .output_digest = 0xa,
        .truth_digest = 0xffffffffffffffff,
        .seconds = {.inputs = 0.25, .kernel = 0.5, .truth = 1, .judge = 0.125},
    };
    sample_judge(sample);
}

/* The point as it is if the run failed before there was anything to judge. */
static inline void sample_set_error(struct sample *sample, const char *text)
{
    sample->record.outcome.status = STATUS_ERROR;
    snprintf(sample->record.outcome.reason, sizeof sample->record.outcome.reason, "%s", text);
    sample->record.verdict = NULL;
    sample->record.problem = NULL;
    sample->record.output = NULL;
    sample->record.truth = NULL;
}

static inline void sample_clear(struct sample *sample)
{
    verdict_clear(&sample->verdict);
}

#endif
