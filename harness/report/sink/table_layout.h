/*
 * How the table of a run stands on the page: which columns, how wide, and what need not be a column because it is the
 * same for all points.
 */
#ifndef HARNESS_REPORT_SINK_TABLE_LAYOUT_H
#define HARNESS_REPORT_SINK_TABLE_LAYOUT_H

#include <stdint.h>

#include "harness/report/sink/table_column.h"
#include "harness/report/sink/table_options.h"

/* Sets of keys, bit k for key k: those that are not the same for all of some points, nor their default for each; and
 * those that are the same and worth saying. */
struct table_keys {
    uint64_t varying, constant;
};

struct table_layout {
    int width; /* of a line, characters */
    struct table_column columns[TABLE_MAX_CHOSEN];
    int widths[TABLE_MAX_CHOSEN];
    size_t num_columns;
    int point_width;        /* not 0: the keys that vary stand before the columns, as KEY=VALUE, ... */
    struct table_keys keys; /* of all points */
    bool has_lost_place;    /* there was no room for the column that says where the largest error is */
};

/* Lays out the points of a run on lines of width characters. options->width is not looked at. */
void table_layout_make(struct table_layout *layout, const struct table_options *options, int width,
                       const struct point *points, size_t num_points);

/* "kernel=single_pass, seq_len=33001": the keys of a set in this point. A new string, or NULL. */
char *table_keys_format(uint64_t set, const struct point *point);

#endif
