/*
 * Forms in which a comparison is printed: a descriptor at the foot of compare_NAME.c each.
 */
#ifndef HARNESS_REPORT_COMPARE_COMPARE_FORMAT_H
#define HARNESS_REPORT_COMPARE_COMPARE_FORMAT_H

#include <stdio.h>

#include "harness/report/compare/baseline.h"
#include "harness/report/compare/compare_field.h"

/* How the person who asked wants to see it. */
struct compare_view {
    const struct collation *collation;
    const struct compare_field *columns; /* [num_columns]; none: what the form has of itself */
    size_t num_columns;
    const struct compare_field *order; /* [num_order], within a change; of columns, of all points */
    size_t num_order;
    bool verbose; /* everything that changed, and every point of every change but that of the same bits */
    bool colour;
    int width;                             /* of a line, in characters */
    bool breaks_keys;                      /* longer keys go on in the next line; else they stay whole, to be copied */
    bool gitlab;                           /* JUnit: failures that are expected or known are skipped tests */
    bool updates;                          /* the base is a baseline that is to be what this comparison makes of it */
    const struct baseline_change *updated; /* what came of that; NULL: nothing, as it was refused */
};

struct compare_format {
    const char *option; /* NULL: the one without an option */
    const char *about;
    bool to_file;   /* takes a file alone; else stdout where none is given */
    bool is_beside; /* goes to stdout behind what else goes there */
    /* Writes to stream, of which errors are found by the caller. False if memory ran out. */
    bool (*print)(FILE *stream, const struct compare_view *view);
};

#define COMPARE_FORMATS(ROW) \
    ROW(table)               \
    ROW(markdown)            \
    ROW(json)                \
    ROW(junit)               \
    ROW(github)

#define COMPARE_FORMAT_DECLARE(name) extern const struct compare_format compare_##name;
COMPARE_FORMATS(COMPARE_FORMAT_DECLARE)

#define COMPARE_FORMAT_ONE_MORE(name) +1
enum { COMPARE_FORMAT_COUNT = COMPARE_FORMATS(COMPARE_FORMAT_ONE_MORE) };

extern const struct compare_format *const compare_formats[COMPARE_FORMAT_COUNT];

/* The points in the order of the view: all of them by `order`, or, if by_change, each change by it. A new array of
 * collation->count pointers, or NULL. */
const struct compared **compare_view_order(const struct compare_view *view, bool by_change);

#endif
