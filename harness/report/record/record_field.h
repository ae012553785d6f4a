/*
 * The fields of a record as rows: what each is called, where its value comes from, what it means. The rows write
 * records and document them (`alibicheck list record-fields`), so a field is its row in record_table.c and, where it is
 * no member of a struct, a function.
 *
 * A value is null where it is not known; doubles read back exactly, NaN and infinities are "nan", "inf", "-inf".
 */
#ifndef HARNESS_REPORT_RECORD_RECORD_FIELD_H
#define HARNESS_REPORT_RECORD_RECORD_FIELD_H

#include <stdio.h>

#include "harness/library/metric.h"
#include "harness/report/record/record.h"
#include "harness/support/field.h"

enum { RECORD_SCHEMA = 1 };

/* The struct that a row's member is in; where there is none, the value is null. */
enum record_part {
    RECORD_HOLDER, /* what the rows are of: struct record or, of members, what holds them */
    RECORD_POINT,
    RECORD_KERNEL,  /* struct point where a kernel is run */
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
    RECORD_TOTAL,    /* struct metrics of the verdict */
    RECORD_FINDING,  /* struct signature_finding */
    RECORD_FAILURE,  /* the same where something failed */
    RECORD_DEMAND,   /* struct class_demand where a class is asked for */
    RECORD_CLASSES,  /* struct record of an output whose classes were looked for */
    RECORD_CONTRACT, /* struct contract_finding of an output that was given and fits another one */
    RECORD_ORACLES   /* struct oracle_report */
};

struct record_field;

struct record_fields {
    const struct record_field *rows;
    size_t count;
};

struct record_field {
    struct field field; /* name, what it means (a choice: without the names), and a member's type and place */
    enum record_part part;
    const struct metric_info *metric; /* not NULL: has all that, of struct metrics, which is at field.offset */
    const char *unit;                 /* NULL: none */
    const char *type;                 /* in JSON; NULL: told from the rest */
    /* A value that is no member, from the part and field.offset in it. NULL if memory ran out. */
    json_t *(*value)(const struct record_field *field, const void *member);
    /* Of a row that stands for any number of fields, of which `name` describes the names: appends them. False if memory
     * ran out. */
    bool (*put)(json_t *object, const struct record_field *field, const void *member);
    const struct record_fields *members; /* of an object, or of each in a list */
    bool is_list;
    bool of_point; /* a value of the record's point, whatever becomes of it; so are all of its parts */
};

/* Of struct record, in the order of a record. */
extern const struct record_fields record_fields;

const char *record_field_name(const struct record_field *field);

/* "integer", "number", "string", "object", "list", as far as it is not null. */
const char *record_field_type(const struct record_field *field);

/* Whether a record has the field at "input.stddev" before its point is run. */
bool record_field_of_point(const char *path);

/* What holds fields as a new JSON object with all of them, or NULL. */
json_t *record_fields_to_json(const struct record_fields *fields, const void *holder);

/* The record as a new JSON object, or NULL if memory ran out. */
json_t *record_to_json(const struct record *record);

/* What a record says of this build, a new object, or NULL. */
json_t *record_own_build(void);

/* The table that documents records: field, type, unit, meaning. */
void record_print_fields(FILE *stream);

/* Calls visit for each of its rows, whose cells it may keep no longer than that. */
enum { RECORD_COLUMNS = 4 };
typedef void record_visitor(void *context, const char *const *cells);
void record_visit_fields(record_visitor *visit, void *context);

#endif
