/*
 * The command line of `alibicheck judge`: tensors, and what they do not say. Every option is kept as it was written;
 * judge_input.h makes sense of them together, since most are read in the light of the others.
 */
#ifndef HARNESS_COMMAND_JUDGE_OPTIONS_H
#define HARNESS_COMMAND_JUDGE_OPTIONS_H

#include <argp.h>

#include "harness/command/outputs.h"
#include "harness/report/sink/table_options.h"
#include "reference/progress.h"

#define JUDGE_OWN_RECIPE "own" /* --recipe of a folder or a bundle: the one that is said there */

/* Those that take a value, but for the ones that all commands share. */
enum judge_option {
    GIVEN_Q,
    GIVEN_K,
    GIVEN_V,
    GIVEN_KV,
    GIVEN_OUT,
    GIVEN_OTHER,
    GIVEN_LSE,
    GIVEN_SLOPES,
    GIVEN_MASK,
    GIVEN_SINK_LOGITS,
    GIVEN_LAYOUT,
    GIVEN_KV_AXIS,
    GIVEN_SCALE,
    GIVEN_LSE_BASE,
    GIVEN_POSITIONS,
    GIVEN_KV_OFFSET,
    GIVEN_K_SCALE,
    GIVEN_V_SCALE,
    GIVEN_SOFT_CAP,
    GIVEN_DTYPE, /* repeatable: judge_options.dtypes */
    GIVEN_SEQ_LENS,
    GIVEN_BLOCK_TABLE,
    GIVEN_PAGE_SIZE,
    GIVEN_QO_INDPTR,
    GIVEN_DEFINITION,
    GIVEN_WORKLOAD,
    GIVEN_ROOT,
    GIVEN_SEED,
    GIVEN_WRITE_INPUTS,
    GIVEN_KV_INDPTR,
    GIVEN_KV_INDICES,
    GIVEN_KV_LAST_PAGE_LEN,
    GIVEN_PLAN,
    GIVEN_INIT,
    GIVEN_TOLERANCE,
    GIVEN_CLASS,
    GIVEN_RECIPE,
    GIVEN_KERNEL,
    GIVEN_CHUNK_LEN,
    GIVEN_BUDGET,
    GIVEN_SAMPLE,
    GIVEN_SAMPLE_SEED,
    GIVEN_OPTION_COUNT
};

enum { JUDGE_ASIDE_MAX = 2 * SINK_COUNT + 2 };

struct judge_options {
    struct strings exhibits;                /* folders that `run --dump` wrote, and bundles, each judged by itself */
    size_t at;                              /* which of them is judged */
    const char *exhibit;                    /* that one; NULL: none */
    const char *values[GIVEN_OPTION_COUNT]; /* NULL: not given */
    struct strings dtypes;                  /* TENSOR=DTYPE */
    struct strings recipes;                 /* files and folders of further recipes */
    struct outputs outputs;
    struct table_options table;
    bool json;                       /* the records on standard output */
    bool explain;                    /* and what an output's worst element is made of */
    int threads;                     /* 0: the default */
    const struct progress *progress; /* of who waits for it; NULL: nobody */
    char **words;                    /* of the command line, [num_words]: the program's name first */
    int num_words;
    const char *aside[JUDGE_ASIDE_MAX]; /* those of them that say where results go, which a line that judges it again */
    int num_aside;                      /* leaves out: it would write over them */
};

/* "--k-scale". text has JUDGE_NAME_SIZE characters. */
enum { JUDGE_NAME_SIZE = 32 };
char *judge_option_name(char *text, enum judge_option option);

/* Whether an option says something of the problem or its output, and not how that is judged. */
bool judge_option_of_problem(enum judge_option option);

/* Its input is a struct judge_options, zeroed. */
const struct argp *judge_options_parser(void);

#endif
