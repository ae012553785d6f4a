/*
 * `alibicheck fidelity`: whether two devices have the same bits, point by point, and where they part if they have not.
 */
#ifndef HARNESS_COMMAND_FIDELITY_H
#define HARNESS_COMMAND_FIDELITY_H

#include "harness/command/foreign_kernel.h"
#include "harness/command/outputs.h"
#include "harness/run/selection.h"
#include "reference/progress.h"

struct fidelity_options {
    struct selection_options selection;
    struct foreign_options foreign; /* the second side, in place of a device */
    const char *against;            /* DEVICE, or DEVICE:FORM of kernels; NULL: the host */
    struct outputs outputs;         /* --results alone, */
    int results;                    /* its place there */
    bool json;                      /* one JSON object a point, in a line, in place of the table */
};

/* What --against may say, for messages. */
#define FIDELITY_AGAINST "host, cuda, and with :generic or :plain the forms of kernels"

/* Whether it is one of them. */
bool fidelity_knows(const char *against);

/* Prints on stdout. The exit code: 0, or 1 if a bit differs where none may, or an enum error_kind with *error. */
int fidelity(const struct fidelity_options *options, struct progress *progress, struct error *error);

#endif
