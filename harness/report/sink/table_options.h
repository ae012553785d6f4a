/*
 * What a user says of the table: how wide, how much, which columns.
 */
#ifndef HARNESS_REPORT_SINK_TABLE_OPTIONS_H
#define HARNESS_REPORT_SINK_TABLE_OPTIONS_H

#include <stddef.h>

enum table_detail {
    TABLE_NORMAL,  /* a row a point; of those that did not end as expected what is known, and how to run them alone */
    TABLE_QUIET,   /* the latter alone */
    TABLE_VERBOSE, /* all that is known of each */
};

enum {
    TABLE_MAX_CHOSEN = 64,
    TABLE_WIDTH_MIN = 40,
    TABLE_WIDTH_MAX = 1000,
    TABLE_WIDTH_DEFAULT = 100 /* where standard output is no terminal */
};

struct table_options {
    int width; /* characters; 0: the terminal's */
    enum table_detail detail;
    unsigned char columns[TABLE_MAX_CHOSEN]; /* table_column_find, [num_columns]; 0 columns: as the points ask for */
    size_t num_columns;
    const char *program; /* what the lines that run a point alone call this program; NULL: alibicheck */
};

#endif
