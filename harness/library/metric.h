/*
 * The metrics of a verdict as data: one row each drives the record's fields and those of its heads, what is said of
 * them (`alibicheck list record-fields`), and the table. Adding one: a member of struct metrics, a row in metric.c, and
 * its place in record_table.c.
 */
#ifndef HARNESS_LIBRARY_METRIC_H
#define HARNESS_LIBRARY_METRIC_H

#include <jansson.h>

#include "harness/judge/verdict.h"
#include "harness/support/field.h"

enum metric {
    METRIC_ELEMENTS,
    METRIC_MISMATCHED,
    METRIC_MAX_ABS_ERR,
    METRIC_MAX_ULP_ERR,
    METRIC_P99_ULP_ERR,
    METRIC_P50_ULP_ERR,
    METRIC_MAX_REL_ERR,
    METRIC_MAX_SCALED_ERR,
    METRIC_RMS_ERR,
    METRIC_NAN,
    METRIC_INF,
    METRIC_UNDECIDED,
    METRIC_UNWRITTEN,
    METRIC_BUDGET_USED,
    METRIC_UNBOUNDED,
    METRIC_LSE_MISMATCHED,
    METRIC_MAX_LSE_ERR,
    METRIC_LSE_BUDGET_USED,
    METRIC_LSE_OFF,
    METRIC_LSE_UNBOUNDED,
    METRIC_COUNT
};

struct metric_info {
    struct field field; /* of struct metrics: a record's name for it, a count or an error, what it means */
    const char *unit;
    const char *title;   /* for people: over a column, or after a count ("3 unwritten") */
    bool nan_is_unknown; /* a NaN is null in a record */
    bool of_lse;         /* of lse: null in a record of an output without */
    bool of_bound;       /* is measured by the error bound, which each kernel and recipe has of its own */
    bool is_size;        /* of the problem; of all others less is better, and a NaN is the worst */
};

extern const struct metric_info metric_table[METRIC_COUNT];

/* The metric's value; counts are exact below 2^53. */
double metric_value(enum metric metric, const struct metrics *metrics);

/* The value as a new JSON integer or, through json_from_double, real. NULL if memory ran out. */
json_t *metric_to_json(const struct metric_info *metric, const struct metrics *metrics);

/* The value for people: a count in full, an error to three digits. text has METRIC_TEXT_SIZE characters. */
char *metric_format(char *text, enum metric metric, const struct metrics *metrics);

enum { METRIC_TEXT_SIZE = 32, METRIC_PHRASE_SIZE = 64 };

/* What a sentence says of a largest error that is no finite number, "off by infinity" or "off, NaN among them"; NULL of
 * a finite one. */
const char *metric_say_not_finite(double err);

/* An error as a sentence goes on with it, in words where it is no finite number: "off by up to 0.84 nats", "off by
 * infinity", "off, NaN among them". phrase: METRIC_PHRASE_SIZE. */
char *metric_say_lse_off(char *phrase, double max_lse_err);

/* The same of a share of a bound: "1.83 times its bound", "beyond any multiple of its bound". */
char *metric_say_beyond(char *phrase, double budget_used);

#endif
