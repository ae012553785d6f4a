/*
 * --where EXPR: which records, or points, are meant.
 *
 *     seq_len >= 4k and dtype = f16
 *     status != pass or budget_used > 0.9
 *     not (kernel = split_kv) and sentinel != -inf and worst.head < 4
 *     key ~ *seq_len=729*
 *
 * FIELD is a field of a record (`alibicheck list record-fields`), members with a dot. = and != compare with a number or
 * a word, < <= > >= numbers, ~ and !~ texts with a glob; a word is anything without spaces, parentheses, && and ||, or
 * stands in quotes. `and` binds closer than `or`; && || ! are the same. What a record does not know (null) is equal to
 * null alone, and every order with it is false. Whole numbers may end in k, M, Ki, Mi, and are compared to the last
 * digit.
 */
#ifndef HARNESS_REPORT_FILE_WHERE_H
#define HARNESS_REPORT_FILE_WHERE_H

#include <jansson.h>
#include <stdbool.h>

#include "reference/error.h"

struct where; /* opaque */
struct suggestion;

/* What a name in an expression is. */
enum where_field { WHERE_UNKNOWN, WHERE_ANY, WHERE_TEXT, WHERE_NUMBER };

/* The names of objects of a kind. */
struct where_names {
    enum where_field (*find)(const char *name);
    void (*offer)(struct suggestion *suggestion); /* every name, to one that is mistyped */
    const char *allowed;                          /* in words */
    const char *option;                           /* that expressions stand in, for messages; NULL: --where */
};

/* Those of records: where_parse's. */
extern const struct where_names where_record_names;

/* ERROR_USAGE with "--where EXPR:COLUMN: what is wrong: 'the text'; allowed: ...". where_free takes NULL too. */
enum error_kind where_parse(struct where **where, const char *text, struct error *error);
enum error_kind where_parse_names(struct where **where, const char *text, const struct where_names *names,
                                  struct error *error);
void where_free(struct where *where);

/* The same of fields that a point has before it is run. */
enum error_kind where_parse_of_points(struct where **where, const char *text, struct error *error);

/* Calls visit for the field of each test. */
void where_visit_fields(const struct where *where, void (*visit)(void *context, const char *field), void *context);

/* Whether the record, a JSON object, is one of those that are meant. */
bool where_holds(const struct where *where, const json_t *record);

#endif
