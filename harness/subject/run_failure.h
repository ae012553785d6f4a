/*
 * How what is judged fails to run: what becomes of a launch that gives no output.
 */
#ifndef HARNESS_SUBJECT_RUN_FAILURE_H
#define HARNESS_SUBJECT_RUN_FAILURE_H

#include "reference/error.h"

enum run_failure {
    RUN_FAILURE_NONE, /* it ran */
    RUN_FAILURE_CRASH,
    RUN_FAILURE_EXIT,
    RUN_FAILURE_HANG,
    RUN_FAILURE_REFUSAL,
    RUN_FAILURE_NONSENSE,
    RUN_FAILURE_DEVICE,
    RUN_FAILURE_LEFTOVER,
    RUN_FAILURE_COUNT
};

struct run_failure_info {
    const char *name;   /* a word, for records and messages */
    const char *about;  /* what the kernel did, as in "it ..." */
    const char *remedy; /* a sentence: what to look for */
};

extern const struct run_failure_info run_failures[RUN_FAILURE_COUNT];

/* The names after the first one, with commas between them. */
#define RUN_FAILURE_WORDS "crash, exit, hang, refusal, nonsense, device, leftover"

/* Says of an error that is ERROR_SUBJECT how the run failed, and returns that. error may be NULL. */
enum error_kind run_failed(struct error *error, enum run_failure how);

/* What was said; of an error of which nothing was it is a refusal, and RUN_FAILURE_NONE of one of another kind. */
enum run_failure run_failure_of(const struct error *error);

#endif
