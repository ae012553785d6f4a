/*
 * The fields of records that a report keeps of every point, as rows: where they stand in a record, and how a report
 * calls them. Adding one is an enum value and a row.
 */
#ifndef HARNESS_REPORT_REVIEW_REVIEW_FIELD_H
#define HARNESS_REPORT_REVIEW_REVIEW_FIELD_H

#include <stdbool.h>

enum review_text {
    TEXT_CASE,
    TEXT_STATUS,
    TEXT_KERNEL,
    TEXT_RECIPE,
    TEXT_DEVICE,
    TEXT_DTYPE,
    TEXT_KV_DTYPE,
    TEXT_SENTINEL,
    TEXT_INPUT,
    TEXT_MASK,
    TEXT_SLOPES,
    TEXT_SIGNATURE,
    TEXT_CLASS,
    TEXT_JUDGE,
    TEXT_TOLERANCE,
    TEXT_TRUTH_METHOD,
    TEXT_DEVICE_NAME,
    TEXT_BUILD,
    TEXT_KERNEL_DIGEST,
    TEXT_LAUNCHED,
    TEXT_SETTINGS,
    TEXT_SAMPLE,
    TEXT_OVERRIDDEN,
    TEXT_RECIPE_DIGEST,
    TEXT_RECIPE_KEYS,
    TEXT_CLASS_ASKED,
    TEXT_PROMISES,
    TEXT_EXPECTED_SIGNATURE,
    REVIEW_TEXTS
};

enum review_number {
    NUMBER_SEQ_LEN,
    NUMBER_NUM_QUERIES,
    NUMBER_NUM_HEADS,
    NUMBER_NUM_KV_HEADS,
    NUMBER_HEAD_DIM,
    NUMBER_SEED,
    NUMBER_CHUNK_LEN,
    NUMBER_PAGE_SIZE,
    NUMBER_BUDGET,
    NUMBER_ELEMENTS,
    NUMBER_MISMATCHED,
    NUMBER_MAX_ABS_ERR,
    NUMBER_MAX_ULP_ERR,
    NUMBER_P99_ULP_ERR,
    NUMBER_P50_ULP_ERR,
    NUMBER_BUDGET_USED,
    NUMBER_MAX_LSE_ERR,
    NUMBER_LSE_BUDGET_USED,
    NUMBER_LSE_OFF,
    NUMBER_NAN,
    NUMBER_INF,
    NUMBER_UNWRITTEN,
    NUMBER_UNDECIDED,
    NUMBER_UNBOUNDED,
    NUMBER_WORST_QUERY,
    NUMBER_WORST_HEAD,
    NUMBER_WORST_DIM,
    NUMBER_WORST_OUT,
    NUMBER_WORST_TRUTH,
    NUMBER_MAX_REL_ERR,
    NUMBER_MAX_SCALED_ERR,
    NUMBER_RMS_ERR,
    NUMBER_LSE_MISMATCHED,
    REVIEW_NUMBERS
};

struct review_field {
    const char *path;  /* in a record: "worst.head" */
    const char *title; /* for people */
    const char *about; /* a sentence, or NULL */
    bool setting;      /* says what was run, not what came of it */
    bool column;       /* of the table of all points */
    bool count;        /* a whole number, shown in full */
    const char *none;  /* what null stands for where it is no lack of knowledge */
};

extern const struct review_field review_texts[REVIEW_TEXTS], review_numbers[REVIEW_NUMBERS];

#endif
