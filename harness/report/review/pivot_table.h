/*
 * A table as its description says it: the fields of its rows and columns, and its measures.
 */
#ifndef HARNESS_REPORT_REVIEW_PIVOT_TABLE_H
#define HARNESS_REPORT_REVIEW_PIVOT_TABLE_H

#include "harness/report/review/pivot_field.h"

enum { PIVOT_MEASURES_MAX = 32 };

enum pivot_kind {
    PIVOT_COUNT,  /* how many */
    PIVOT_SHARE,  /* how many, "of" how many there are */
    PIVOT_SUM,    /* of numbers; a NaN is larger than all */
    PIVOT_MIN,    /* with `at`: and where */
    PIVOT_MAX,    /* the same */
    PIVOT_MEDIAN, /* of an even number the upper one of the two in the middle */
    PIVOT_RANGE,  /* "least to largest" */
    PIVOT_VALUES, /* all that there are, each once */
    PIVOT_SAME,   /* of groups with equal values of `by`: how many have one value in all of their points, "of" how many;
                   * with `as`: of points, how many have that of the point of their group that the expression names */
    PIVOT_KIND_COUNT
};

struct pivot_measure {
    enum pivot_kind kind;
    char *title;
    struct pivot_fields of, at, by;
    struct where *where, *as; /* NULL: none */
    char *list;               /* that the measure goes over, element by element; NULL: over points */
};

struct pivot_table {
    struct pivot_fields rows, columns;
    char *list; /* that rows or columns are in, or NULL; each measure goes over it then */
    struct pivot_measure *measures;
    size_t num_measures;
};

/* table is overwritten; pivot_table_clear frees. Errors as of pivot_parse. */
enum error_kind pivot_table_parse(struct pivot_table *table, const char *text, struct error *error);
void pivot_table_clear(struct pivot_table *table);

#endif
