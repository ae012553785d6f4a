/*
 * The columns that the table can have: the keys of a case, the metrics of a verdict, and a few that are neither.
 */
#ifndef HARNESS_REPORT_SINK_TABLE_COLUMN_H
#define HARNESS_REPORT_SINK_TABLE_COLUMN_H

#include "harness/case/case_keys.h"
#include "harness/report/record/record.h"

enum { TABLE_CELL_SIZE = FIELD_TEXT_SIZE + 2 };

/* Those that are neither key nor metric, first of all columns. */
enum table_own_column {
    COLUMN_VERDICT,
    COLUMN_BOUND,
    COLUMN_WORST,
    COLUMN_SIGNATURE,
    COLUMN_CLASS,
    COLUMN_SECONDS,
    COLUMN_OWN_COUNT
};

struct table_column {
    const char *name;  /* as --columns takes it: of keys and metrics that of the record's field */
    const char *title; /* over the column */
    bool text;         /* to the left */
    int id;            /* table_column_at */
    enum key_id key;   /* KEY_COUNT: none */
    int width;         /* of its cells at most, as far as that is no matter of the points */
};

/* Number of columns; column `id` of them. */
int table_num_columns(void);
struct table_column table_column_at(int id);

/* The column of a name, of a key or of a metric. -1 if there is no such name. */
int table_column_find(const char *name, size_t size);
int table_column_of_key(enum key_id key);
int table_column_of_metric(enum metric metric);

/* "did you mean 'x'? allowed: verdict, bound, ...". text: FIELD_ALLOWED_SIZE. */
char *table_column_advice(char *text, const char *name, size_t size);

/* The widest cell that a column can have for this point: of a key its value, of what counts elements their number, of a
 * failure that is expected its name. */
int table_column_width(const struct table_column *column, const struct point *point);

/* A record's cell: "-" where it is not known. Whether it is one that judges the point. cell: TABLE_CELL_SIZE. */
bool table_column_print(char *cell, const struct table_column *column, const struct record *record);

/* Above its error bound a point's error is a bug: the larger share of out's and lse's, NaN where neither has one. */
double table_bound_share(const struct record *record);

#endif
