/*
 * What `alibicheck judge` has opened: tensors, and each sequence of a batch as a problem and an output. judge_input.h
 * makes it.
 */
#ifndef HARNESS_COMMAND_JUDGE_EXHIBIT_H
#define HARNESS_COMMAND_JUDGE_EXHIBIT_H

#include "harness/case/case.h"
#include "harness/command/judge_options.h"
#include "harness/problem/dumped_source.h"
#include "harness/problem/given_source.h"
#include "harness/subject/given_output.h"
#include "harness/support/tensor_file.h"

enum judge_tensor {
    TENSOR_FILE_Q,
    TENSOR_FILE_K,
    TENSOR_FILE_V,
    TENSOR_FILE_OUT,
    TENSOR_FILE_OTHER,
    TENSOR_FILE_LSE,
    TENSOR_FILE_SLOPES,
    TENSOR_FILE_MASK,
    TENSOR_FILE_SINKS,
    TENSOR_FILE_POSITIONS,
    TENSOR_FILE_SEQ_LENS,
    TENSOR_FILE_BLOCK_TABLE,
    TENSOR_FILE_INDPTR,
    TENSOR_FILE_INDICES,
    TENSOR_FILE_LAST_PAGE_LEN,
    TENSOR_FILE_QO_INDPTR,
    TENSOR_FILE_COUNT
};

/* A sequence: one problem, one output. */
struct judged_sequence {
    struct point point;
    struct given given;
    const struct problem_source *source; /* one of the two */
    struct given_source of_tensors;
    struct dumped_source of_folder;
    struct given_output output, other;
    bool has_other;
};

struct judge_claim;  /* judge_claim.h */
struct judge_other;  /* judge_other.h */
struct judge_sample; /* judge_sample.h */

struct judge_input {
    struct tensor_file files[TENSOR_FILE_COUNT];
    bool is_open[TENSOR_FILE_COUNT];
    struct case_list cases; /* one, which the points are of */
    struct point *points;   /* [num_sequences], of the sequences */
    struct judged_sequence *sequences;
    int num_sequences; /* that have queries */
    /* What they point into. */
    float *slopes, *sinks; /* [H] */
    float *lse;            /* [B, Q, H], natural */
    uint8_t *visible;      /* [B, N] */
    int64_t *pages;        /* [B, n] */
    char *command;
    bool has_recipe; /* the points have the kernel and the recipe that the outputs are said to be made with */
    enum kernel kernel;
    enum judge_mode mode;
    double budget;
    struct given_workload workload; /* uuid NULL: it is of none */
    bool has_digest;                /* the inputs are to have a digest */
    uint64_t input_digest;
    struct judge_claim *claim;   /* a bundle without k and v; NULL: it is none */
    struct judge_sample *sample; /* NULL: all rows are judged */
    struct judge_other *other;   /* what the other output is read from; NULL: a tensor, or there is none */
};

#endif
