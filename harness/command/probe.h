/* `alibicheck probe`: whether the host device has a device's bits (kernels/probe/probe.h). */
#ifndef HARNESS_COMMAND_PROBE_H
#define HARNESS_COMMAND_PROBE_H

#include <stdbool.h>

#include "harness/run/selection.h"
#include "reference/error.h"
#include "reference/progress.h"

struct probe_options {
    struct selection_options device; /* device, threads and notes of it */
    bool json;
};

/* Prints what each primitive came to. Returns the exit code: 0 all have the bits of the models, 1 one has not. */
int probe(const struct probe_options *options, struct progress *progress, struct error *error);

#endif
