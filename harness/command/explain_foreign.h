/*
 * `alibicheck explain` of a kernel that is not ours. Nobody can replay it, so it is explained from what it gave: its
 * verdict, what was found, of what its worst element is made and which class each head needs.
 */
#ifndef HARNESS_COMMAND_EXPLAIN_FOREIGN_H
#define HARNESS_COMMAND_EXPLAIN_FOREIGN_H

#include "harness/command/foreign_kernel.h"

/* Explains on stdout the point of which evaluator->foreign, opened as `foreign`, is the kernel; of one that it does not
 * take, why not, and *taken is false. element: (query * H + head) * D + dim, or -1, the worst one. json: an object, in
 * a line. */
enum error_kind explain_foreign(struct evaluator *evaluator, const struct foreign_opened *foreign,
                                const struct point *point, int64_t element, bool json, bool *taken,
                                struct error *error);

#endif
