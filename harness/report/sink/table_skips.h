/*
 * Why points were not run: each reason, and how many points have it.
 */
#ifndef HARNESS_REPORT_SINK_TABLE_SKIPS_H
#define HARNESS_REPORT_SINK_TABLE_SKIPS_H

#include <stdbool.h>
#include <stdio.h>

#include "harness/report/sink/sink.h"

struct table_skip {
    char *reason;
    size_t count;
};

struct table_skips {
    struct table_skip *items; /* [count], in the order in which they came */
    size_t count;
};

/* A point that was skipped for this reason; none where it is NULL. False if memory ran out. */
bool table_skips_add(struct table_skips *skips, const char *reason);
void table_skips_clear(struct table_skips *skips);

/* Of kernels of ours, whose skips may be a slip of the case: " (the first: REASON)" behind their number. */
void table_skips_print_first(FILE *out, const struct table_skips *skips, const struct sink_plan *plan);

/* Of a kernel that is not ours: "  48 skipped: REASON", a line each, those that most points have first. Of many the
 * last line counts what is left. */
void table_skips_print(FILE *out, struct table_skips *skips, const struct sink_plan *plan);

#endif
