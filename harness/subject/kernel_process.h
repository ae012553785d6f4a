/*
 * A kernel in a process of its own: a program that is started, says what it is, and answers launches over two pipes
 * (kernel_message.h). Whatever it does, this process goes on: one that ends, is killed, answers nonsense or not at all
 * has failed its launch, and is started again for the next one.
 */
#ifndef HARNESS_SUBJECT_KERNEL_PROCESS_H
#define HARNESS_SUBJECT_KERNEL_PROCESS_H

#include "harness/subject/foreign.h"
#include "reference/progress.h"

struct kernel_process;

struct kernel_process_options {
    const char *name;                /* what messages call it: "--plugin mine.so" */
    const char *const *argv;         /* the program, its arguments, NULL; the caller's. NULL: it is there already, */
    int to, from;                    /* at the other ends of these, which are taken over */
    double timeout_s;                /* for an answer; a process that takes longer is killed */
    const struct progress *progress; /* once it is cancelled, launches are ERROR_INTERRUPTED; may be NULL */
};

/* Starts it and reads what it is. ERROR_USAGE if it does not say it, with how it ended. The options' texts outlive the
 * process. */
enum error_kind kernel_process_start(struct kernel_process **process, const struct kernel_process_options *options,
                                     struct error *error);

/* Ends it; NULL is nothing. */
void kernel_process_stop(struct kernel_process *process);

const struct foreign_kernel *kernel_process_kernel(const struct kernel_process *process);

/* What launches it; its launcher is the process. */
const struct foreign_launcher *kernel_process_launcher(const struct kernel_process *process);

/* ---- the other side ---------------------------------------------------------------------------------------------- */

/* Says what a kernel is and answers launches, read from one descriptor and written to another, by calling it in this
 * process, until there are no more. digest: of the file that it is in; "": nobody knows. ERROR_SYSTEM, ERROR_USAGE for
 * a launch that is none. */
enum error_kind kernel_serve(const struct alibicheck_kernel *kernel, const char *source, const char *digest, int in,
                             int out, struct error *error);

#endif
