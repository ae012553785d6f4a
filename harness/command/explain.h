/*
 * `alibicheck explain`: where the error of each point comes from, stage by stage of the kernel's arithmetic.
 */
#ifndef HARNESS_COMMAND_EXPLAIN_H
#define HARNESS_COMMAND_EXPLAIN_H

#include "harness/command/foreign_kernel.h"
#include "harness/run/selection.h"
#include "reference/progress.h"

enum { EXPLAIN_MAX_POINTS = 16 };

struct explain_options {
    struct selection_options selection;
    struct foreign_options foreign; /* what is explained in place of points' kernels (explain_foreign.h) */
    bool has_element;               /* else each point's worst element */
    int head, dim;
    bool json; /* one JSON object a point, in a line, instead of text */
};

/*
 * Explains on stdout. Returns the exit code: 0, or an enum error_kind with *error; ERROR_SYSTEM too, once all points
 * are explained, if a kernel is wrong in exact arithmetic and nothing in its recipe is the reason. Of a kernel that is
 * not ours ERROR_USAGE if it takes none of the points.
 */
int explain(const struct explain_options *options, struct progress *progress, struct error *error);

#endif
