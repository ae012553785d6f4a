/*
 * The process of a kernel as a child of this one: how it begins, and how it has ended.
 */
#ifndef HARNESS_SUBJECT_KERNEL_CHILD_H
#define HARNESS_SUBJECT_KERNEL_CHILD_H

#include "harness/subject/kernel_pipe.h"
#include "harness/subject/run_failure.h"

enum { CHILD_WHY_SIZE = 256 };

/* Starts a program, with its arguments and NULL, at the other ends of the pipe; this one's ends do not wait.
 * ERROR_SYSTEM by name if it cannot be started. */
enum error_kind kernel_child_start(struct kernel_pipe *pipe, const char *const *argv, const char *name,
                                   struct error *error);

/* Closes the pipe, ends the process and says in why, of CHILD_WHY_SIZE, how it ended. One that has closed its pipe has
 * a moment to end by itself (wait_for_it), so that what it died of is known: by a signal that was not sent here, or by
 * itself. Of a pipe without a child of this one's, nothing is known. */
enum run_failure kernel_child_end(struct kernel_pipe *pipe, bool wait_for_it, char *why);

#endif
