/*
 * What a hunt has evaluated so far, in a file: JSON Lines, a record (record_field.h) a line, with a member `hunt` that
 * has the case's text and what the hunt makes of it. A hunt is a matter of its seed and of the values alone, so one
 * that finds all values in its log comes to where it was without evaluating anything, and goes on from there.
 */
#ifndef HARNESS_HUNT_HUNT_LOG_H
#define HARNESS_HUNT_HUNT_LOG_H

#include <sys/types.h>

#include "harness/report/record/record.h"

enum { TRIAL_FAILURE_SIZE = 48 };

/* What came of a candidate. */
struct trial {
    double value;                     /* of the objective */
    char failure[TRIAL_FAILURE_SIZE]; /* how it failed: a signature's name, a run_failure's, "oracle", "class"; "": it
                                         did not */
};

struct hunt_log {
    const char *path;          /* the caller's; NULL: nothing is kept or found */
    const char *objective;     /* of the values */
    const char *subject;       /* what is hunted: a device's name, or the option that runs a kernel that is not ours */
    const char *kernel_digest; /* of the file of a kernel that is not ours; "": nobody knows, or it is ours */
    long planned; /* evaluations of the search: of this hunt or, of a file that is gone on with, of the first
                   * one, which the search's beginning is a share of (search.h) */
    int held, descriptor;
    off_t end;
    void *trials; /* a tree by digest */
};

/*
 * Opens the file: a new one in the place of what is there, or, with resume, the same one, whose trials are kept.
 * ERROR_USAGE if it is of another objective or subject, or, unless any_build, of another build or of another file of
 * the kernel; also if it is no file of records. log has path, objective, subject and kernel_digest, and is to be closed
 * whatever the result.
 */
enum error_kind hunt_log_open(struct hunt_log *log, bool resume, bool any_build, struct error *error);
void hunt_log_close(struct hunt_log *log);

/* Whether the trial of a point with this digest is known; *is_kept: it was there when the file was opened. */
bool hunt_log_find(const struct hunt_log *log, uint64_t digest, struct trial *trial, bool *is_kept);

/* Keeps a trial, on disk before it is used. text: the candidate's case. */
enum error_kind hunt_log_add(struct hunt_log *log, uint64_t digest, const struct trial *trial,
                             const struct record *record, const char *text, struct error *error);

#endif
