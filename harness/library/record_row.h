/*
 * Fields of records as rows: what each is called, where its value comes from, what it means. The rows write records and
 * document them (`alibicheck list record-fields`), so a field is its row and, where it is no member of a struct, a
 * function.
 *
 * A value is null where it is not known; doubles read back exactly, NaN and infinities are "nan", "inf", "-inf".
 */
#ifndef HARNESS_LIBRARY_RECORD_ROW_H
#define HARNESS_LIBRARY_RECORD_ROW_H

#include "harness/library/metric.h"
#include "harness/support/field.h"

enum { RECORD_SCHEMA = 1 };

struct record_field;

/* What holds a part of what the rows are of, NULL where there is no such part: its fields are then null. */
typedef const void *record_part_finder(const void *holder, int part);

enum { RECORD_HOLDER = 0 }; /* the part that is all of it */

struct record_fields {
    const struct record_field *rows;
    size_t count;
    record_part_finder *find_part; /* NULL: members are of the holder */
};

struct record_field {
    struct field field; /* name, what it means (a choice: without the names), and a member's type and place */
    int part;           /* the struct that the member is in, as find_part knows it */
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

const char *record_field_name(const struct record_field *field);

/* "integer", "number", "string", "object", "list", as far as it is not null. */
const char *record_field_type(const struct record_field *field);

/* What holds fields as a new JSON object with all of them, or NULL. */
json_t *record_fields_to_json(const struct record_fields *fields, const void *holder);

typedef json_t *record_value(const struct record_field *field, const void *member);

#define RECORD_FIELDS(array)                            \
    {                                                   \
        (array), sizeof(array) / sizeof(array)[0], NULL \
    }

/* The start of a row: a member, and what follows of its struct field. */
#define RECORD_MEMBER(called, structure, member, of_type, says, ...) \
    .field = {.name = called, .type = FIELD_##of_type, FIELD_MEMBER(structure, member), .about = says, __VA_ARGS__}

/* The same of a value that a function computes from all that holds it. */
#define RECORD_NAMED(called, says) .field = {.name = called, .about = says}

#endif
