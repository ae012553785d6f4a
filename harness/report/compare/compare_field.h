/*
 * The fields of a point that is compared: `key`, `change`, `outcome`, and of each fact X its value before and after,
 * X_a and X_b, of each figure the difference X_diff = b - a and the change X_pct in percent of a too. One table of
 * facts makes names, columns, order, filter and JSON.
 */
#ifndef HARNESS_REPORT_COMPARE_COMPARE_FIELD_H
#define HARNESS_REPORT_COMPARE_COMPARE_FIELD_H

#include "harness/report/compare/compare_point.h"
#include "harness/report/file/where.h"

enum compare_part { PART_KEY, PART_CHANGE, PART_OUTCOME, PART_A, PART_B, PART_DIFF, PART_PCT };

struct compare_field {
    enum compare_part part;
    enum fact fact;  /* of the last four */
    bool descending; /* as an order */
};

/* Reads "max_ulp_err_pct", after a '-' for a descending order. ERROR_USAGE, beginning with the option, if there is no
 * such field. */
enum error_kind compare_field_parse(struct compare_field *field, const char *option, const char *name, size_t size,
                                    struct error *error);

/* The field's name. text: COMPARE_FIELD_SIZE, returned. */
enum { COMPARE_FIELD_SIZE = 64 };
char *compare_field_name(char *text, const struct compare_field *field);

/* The field's value, as fact_value; a text of it belongs to the point. */
struct fact_value compare_field_value(const struct compare_field *field, const struct compared *point,
                                      const struct compare_rules *rules);

/* The order of two points by a field: what is not known first, texts by letters, NaN last. */
int compare_field_order(const struct compare_field *field, const struct compared *a, const struct compared *b,
                        const struct compare_rules *rules);

/* The names for an expression, which is put to compared_to_json. */
extern const struct where_names compare_field_names;

/* All fields as a new JSON object, or NULL. */
json_t *compared_to_json(const struct compared *point, const struct compare_rules *rules);

#endif
