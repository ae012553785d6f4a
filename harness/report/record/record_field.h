/*
 * The fields of a point's record: rows (record_row.h) that stand in record_table.c, and the functions of
 * record_value.h.
 */
#ifndef HARNESS_REPORT_RECORD_RECORD_FIELD_H
#define HARNESS_REPORT_RECORD_RECORD_FIELD_H

#include <stdio.h>

#include "harness/library/record_row.h"
#include "harness/report/record/record.h"

/* The struct that a row's member is in; where there is none, the value is null. */
enum record_part {
    RECORD_RECORD = RECORD_HOLDER,
    RECORD_POINT,
    RECORD_KERNEL,  /* struct point where a kernel is run, */
    RECORD_SHIPPED, /* one of ours */
    RECORD_PROBLEM, /* struct problem_spec */
    RECORD_DRAWN,   /* the same where inputs are drawn */
    RECORD_BATCH,   /* the same of a sequence that is launched with others */
    RECORD_RECIPE,
    RECORD_OPTIONS, /* struct kernel_options */
    RECORD_CHUNKS,  /* the same of a kernel that splits */
    RECORD_PAGES,   /* the same with pages */
    RECORD_CRITERION,
    RECORD_BUDGET, /* the same where a budget judges */
    RECORD_INPUTS, /* struct record, where the inputs were made, */
    RECORD_OUTPUT, /* the kernel was run, */
    RECORD_TRUTH,  /* the truth was computed */
    RECORD_VERDICT,
    RECORD_TOTAL,     /* struct metrics of the verdict */
    RECORD_FINDING,   /* struct signature_finding */
    RECORD_FAILURE,   /* the same where something failed */
    RECORD_DEMAND,    /* struct class_demand where a class is asked for */
    RECORD_CLASSES,   /* struct record of an output whose classes were looked for */
    RECORD_CONTRACT,  /* struct contract_finding of an output that was given and fits another one */
    RECORD_EXPLAINED, /* struct explained_element of an output of which that was asked */
    RECORD_SAMPLE,    /* struct given_sample of an output that is judged by some rows */
    RECORD_SAMPLED,   /* struct record of one of which the truth of these rows is known */
    RECORD_ORACLES    /* struct oracle_report; the last */
};

/* The part, an enum record_part, of a struct record. */
record_part_finder record_find_part;

/* Of struct record, in the order of a record. */
extern const struct record_fields record_fields;

/* Whether a record has the field at "input.stddev" before its point is run. */
bool record_field_of_point(const char *path);

/* The record as a new JSON object, or NULL if memory ran out. */
json_t *record_to_json(const struct record *record);

/* The table that documents records: field, type, unit, meaning. */
void record_print_fields(FILE *stream);

/* Calls visit for each of its rows, whose cells it may keep no longer than that. */
enum { RECORD_COLUMNS = 4 };
typedef void record_visitor(void *context, const char *const *cells);
void record_visit_fields(record_visitor *visit, void *context);

#endif
