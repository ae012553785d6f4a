/*
 * A kernel that is not ours, as a command line names it: started in a process of its own, and the subject of points.
 */
#ifndef HARNESS_COMMAND_FOREIGN_KERNEL_H
#define HARNESS_COMMAND_FOREIGN_KERNEL_H

#include "harness/run/selection.h"
#include "harness/evaluate/foreign_class.h"
#include "harness/subject/kernel_process.h"
#include "harness/subject/launch_watch.h"

/* What the command line says; strings belong to the caller. */
struct foreign_options {
    const char *plugin;  /* a shared library; NULL: none */
    const char *command; /* a line for the shell; NULL: none */
    const char *pipes;   /* "TO,FROM", descriptors at whose other ends it is already; NULL: none */
    double timeout_s;    /* for an answer; 0: FOREIGN_TIMEOUT_S */
};

#define FOREIGN_TIMEOUT_S 60

static inline bool foreign_is_asked(const struct foreign_options *options)
{
    return options->plugin || options->command || options->pipes;
}

struct foreign_opened {
    struct kernel_process *process;
    struct foreign_subject subject;
    struct launch_watch watch; /* of its launches */
    char *name;                /* what messages call it: "--plugin ./mine.so" */
    char *device;              /* what records say that it runs on: the same, and what the kernel says of that */
    char *option;              /* for a command line that runs it again: " --plugin=./mine.so" */
    char *library;             /* the path that is loaded */
    const char *argv[5];
};

/* Starts it. ERROR_USAGE if it is none, or does not say what it is. foreign_close ends it, whatever the result. */
enum error_kind foreign_open(struct foreign_opened *opened, const struct foreign_options *options,
                             const struct progress *progress, struct error *error);
void foreign_close(struct foreign_opened *opened);

/* Of the file that it is in; "" where nobody knows, and of none. */
const char *foreign_digest(const struct foreign_opened *opened);

/* Selects points for it in place of those of their kernels. ERROR_USAGE where --device names another memory than that
 * in which it takes tensors. */
enum error_kind foreign_select(const struct foreign_opened *opened, struct selection_options *options,
                               struct error *error);

#endif
