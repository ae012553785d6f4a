/*
 * A record as the table has it: its row and what is known beside it, as text that outlives the record.
 */
#ifndef HARNESS_REPORT_SINK_TABLE_ROW_H
#define HARNESS_REPORT_SINK_TABLE_ROW_H

#include <stdio.h>

#include "harness/report/sink/table_layout.h"

struct table_style {
    const struct table_layout *layout;
    enum table_detail detail;
    const char *program; /* as in table_options */
    bool colour;
    bool of_batch; /* points are the sequences of one output that was handed over, which no column tells apart */
};

enum { TABLE_MEANINGS = SIGNATURE_COUNT + ORACLES_ALONE_COUNT };

struct table_row {
    bool unexpected;         /* the point did not end as expected */
    char *failure;           /* then: in what way, and how to see it; allocated as the rest */
    char *skipped;           /* why it was not run, NULL: it was */
    char *text;              /* the row and what the columns do not say; NULL: the row is not shown */
    char *brief, *explained; /* how the point failed, without and with what its signature means */
    unsigned meaning;        /* which one that is, below TABLE_MEANINGS: of a signature, or of an oracle alone */
    char *end;               /* references, why the point was not judged, how to run it alone */
};

/* False if memory ran out; row is to be cleared in any case. */
bool table_row_make(struct table_row *row, const struct table_style *style, const struct record *record);
void table_row_clear(struct table_row *row);

void table_print_titles(FILE *out, const struct table_layout *layout);

#endif
