/*
 * The fields that tables of records know: those of a record, and those of the elements of its lists, heads.head.
 */
#ifndef HARNESS_REPORT_REVIEW_PIVOT_FIELD_H
#define HARNESS_REPORT_REVIEW_PIVOT_FIELD_H

#include "harness/report/file/where.h"

enum { PIVOT_FIELDS_MAX = 8 };

struct pivot_field {
    char *path;  /* in a record */
    char *title; /* over its column; NULL: the path */
    size_t list; /* of the path, up to the list that the field is in; 0: none */
    bool number, whole;
};

struct pivot_fields {
    struct pivot_field items[PIVOT_FIELDS_MAX];
    size_t count;
};

/* The names, for expressions: as where_record_names, and what is in lists. */
extern const struct where_names pivot_names;

/* Looks the path up and fills in all but the texts. False if there is no such field. */
bool pivot_field_find(struct pivot_field *field, const char *path);

/* The record with the element in place of the list that is at the path, a new object; NULL if memory ran out. */
json_t *pivot_unit(const json_t *record, const char *list, json_t *element);

#endif
