/*
 * What `alibicheck judge` is given, made sense of: files opened, shapes held against each other, what is missing asked
 * for; then each sequence of a batch as a problem and an output.
 */
#ifndef HARNESS_COMMAND_JUDGE_INPUT_H
#define HARNESS_COMMAND_JUDGE_INPUT_H

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
    struct judge_sample *sample; /* NULL: all rows are judged */
    struct judge_other *other;   /* what the other output is read from; NULL: a tensor, or there is none */
};

/* The command line again, as input->command. */
enum error_kind judge_input_quote(struct judge_input *input, const struct judge_options *options, struct error *error);

/* input is overwritten and stays where it is; whatever the result, it is to be cleared. ERROR_USAGE with the option or
 * the file, what is wrong and what is allowed. */
enum error_kind judge_input_open(struct judge_input *input, const struct judge_options *options, struct error *error);
void judge_input_clear(struct judge_input *input);

/* The same of a folder that `run --dump` wrote (judge_folder.c). */
enum error_kind judge_input_open_folder(struct judge_input *input, const struct judge_options *options,
                                        struct error *error);

/* ERROR_SYSTEM if a file has changed since it was opened. */
enum error_kind judge_input_check(const struct judge_input *input, struct error *error);

#endif
