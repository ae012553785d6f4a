/*
 * Facts: the fields of a record that say whether two runs of a point came to the same, and what a change of each means.
 * The rows read records and baselines, compare, sort and print; a fact more is its row in fact.c.
 */
#ifndef HARNESS_REPORT_COMPARE_FACT_H
#define HARNESS_REPORT_COMPARE_FACT_H

#include <jansson.h>
#include <stdbool.h>

#include "harness/library/metric.h"

enum fact {
    FACT_STATUS,
    FACT_EXPECT,
    FACT_EXPECTED_SIGNATURE,
    FACT_SIGNATURE,
    FACT_CONTRACT, /* under which it is right, if that is known */
    FACT_VIOLATED,
    FACT_RUN_FAILURE, /* how the kernel failed to run */
    FACT_SAMPLE,      /* which rows were judged */
    FACT_METRICS,     /* the first metric; the others follow as in metric_table */
    FACT_CLASS = FACT_METRICS + METRIC_COUNT,
    FACT_OUTPUT_DIGEST,
    FACT_JUDGE,
    FACT_ATOL,
    FACT_RTOL,
    FACT_LSE_TOLERANCE,
    FACT_BUDGET,
    FACT_CLASS_ASKED,
    FACT_ORACLES,
    FACT_PROMISES,   /* of a kernel that is not ours */
    FACT_TAKEN_OVER, /* what is as a bundle without k and v says it, and was not computed */
    FACT_PROBLEM,    /* as the record states it */
    FACT_INPUT_DIGEST,
    FACT_TRUTH_DIGEST,
    FACT_SAMPLED_TRUTH, /* of the rows of a sample */
    FACT_TRUTH_OF,
    FACT_KERNEL,
    FACT_RECIPE,
    FACT_RECIPE_DIGEST,
    FACT_DEVICE,
    FACT_DEVICE_NAME, /* of a GPU alone */
    FACT_COUNT
};

/* What a fact is a part of. */
enum fact_role {
    FACT_OF_OUTCOME,   /* how the point ended, and what its case expects */
    FACT_OF_CAUSE,     /* in what way it failed */
    FACT_OF_ERROR,     /* a metric; less is better */
    FACT_OF_CLASS,     /* the arithmetic that explains the error */
    FACT_OF_OUTPUT,    /* the bits */
    FACT_OF_CRITERION, /* what was asked of the output */
    FACT_OF_PROBLEM,   /* what the output is an answer to, and the exact answer */
    FACT_OF_SUBJECT    /* what was run: it may change, and is named where it does */
};

struct fact_info {
    const char *name;
    const char *path; /* in a record; NULL: `name` */
    enum fact_role role;
    bool is_text;
    bool may_be_unknown;  /* null in the record of a point that was judged */
    bool is_zero_often;   /* a count, "" or "none": what a baseline leaves out */
    bool is_often_unsaid; /* null, or not there in records of before: as what a baseline leaves out */
    bool is_list;         /* names with commas between them, in a fixed order */
    bool is_new;          /* what does not say it, as baselines of before, is as it is */
};

struct fact_info fact_info(enum fact fact);

/* The device of records of a kernel that is not ours, and what is null in them where it was judged: it has no recipe,
 * and perhaps writes no lse. */
extern const char device_foreign[];
bool fact_is_unknown_of_foreign(enum fact fact);

/* A fact of a point. NaN and infinities are numbers. */
struct fact_value {
    enum { FACT_UNKNOWN, FACT_NUMBER, FACT_TEXT } type;
    double number;
    char *text; /* owned */
};

void fact_clear(struct fact_value *value);

/*
 * Reads a fact of a record, or of a line of a baseline, which has each under its name and leaves out what is 0, "" or
 * "none". What is wrong, to follow the fact's name ("is missing", "is no number"), or NULL; "" if memory ran out.
 */
const char *fact_read(enum fact fact, struct fact_value *value, const json_t *record, bool of_baseline);

/* What a text is that a baseline leaves out: "none", "all rows", "". Of a class it is that nobody looked for one, and
 * "none" that no arithmetic explains the output. */
const char *fact_usual_text(enum fact fact);

/* A new JSON value that reads back as the same, null for what is not known; NULL if memory ran out. */
json_t *fact_to_json(const struct fact_value *value);

/* Bit for bit; a NaN is equal to a NaN. */
bool fact_equal(const struct fact_value *a, const struct fact_value *b);

/* For people: a text, a count in full, an error to `digits` digits, "-" if it is not known. Returns text. */
enum { FACT_TEXT_SIZE = 128 };
char *fact_format(char *text, const struct fact_value *value, int digits);

/* Whether every name of the list a is one of b. Unknown lists have none. */
bool fact_list_within(const struct fact_value *a, const struct fact_value *b);

#endif
