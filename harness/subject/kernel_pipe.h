/*
 * Bytes to and from a kernel's process: over two pipes, whose ends here do not wait, until a deadline.
 */
#ifndef HARNESS_SUBJECT_KERNEL_PIPE_H
#define HARNESS_SUBJECT_KERNEL_PIPE_H

#include <sys/types.h>

#include "harness/support/safetensors_write.h"
#include "reference/progress.h"

struct kernel_pipe {
    int to, from;                    /* descriptors; -1: closed */
    const struct progress *progress; /* may be NULL */
    pid_t pid;                       /* of the process at the other ends; 0: it is not this one's child */
};

/* What became of a transfer. A process that was killed, or ended with an exit code other than 0, has ended, though what
 * it has started may hold its pipes. */
enum transfer { TRANSFERRED, ENDED, TOO_LATE, CANCELLED, BROKEN };

/* Seconds on the clock of deadlines. */
double kernel_pipe_now_s(void);

/* A whole message. *deadline_s moves by what this process itself was stopped for. */
enum transfer kernel_pipe_send(const struct kernel_pipe *pipe, const struct safetensors_plan *plan, double *deadline_s);

/* Whether there is something to read. */
bool kernel_pipe_holds(const struct kernel_pipe *pipe);

/* So many bytes. *came is how many there were, whatever became of the rest. */
enum transfer kernel_pipe_receive(const struct kernel_pipe *pipe, void *bytes, size_t size, size_t *came,
                                  double *deadline_s);

#endif
