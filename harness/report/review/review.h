/*
 * A review: what the records of one or several files come to. Of a point it keeps what a page shows of every point;
 * of one that did not pass also what is said of its failure; the figures of heads are added up as they come. 100,000
 * points of 32 heads take 60 MB.
 */
#ifndef HARNESS_REPORT_REVIEW_REVIEW_H
#define HARNESS_REPORT_REVIEW_REVIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/report/compare/results.h"
#include "harness/report/file/record_runs.h"
#include "harness/report/review/figures.h"
#include "harness/report/review/review_field.h"

enum { DIGEST_INPUT, DIGEST_OUTPUT, DIGEST_TRUTH, DIGEST_COUNT };

struct review_point {
    char *key;
    uint32_t text[REVIEW_TEXTS]; /* places among the words; 0: not known */
    uint64_t known;              /* bit n: number[n] is a number, maybe NaN */
    double number[REVIEW_NUMBERS];
    uint64_t digest[DIGEST_COUNT]; /* 0: not known */
    double seconds;                /* spent on it, all steps */
    uint32_t file;
    size_t line;
    struct result *facts; /* what a comparison asks of it; NULL unless the review is made for one */
    char *failure;        /* JSON text of what the record says of it, of a point that did not pass; else NULL */
};

/* The heads of points that agree in length, model, word of the series, and in whether they passed: the largest of
 * each. */
struct panel {
    double seq_len;
    uint32_t series; /* a word */
    bool passed;
    int num_heads;
    float *slopes;         /* [num_heads], or NULL where the record does not say */
    struct figures *heads; /* [num_heads] */
};

struct review_file {
    char *path;
    size_t num_records, num_points; /* read, and those of them that are meant (--where) and new */
    bool torn;                      /* ends in the beginning of a record */
};

enum { ULP_BINS = 16 };

/* How many have an error in ulp of at most 2^(b - 3), bin by bin; in the last but one all others, in the last what is
 * no number. */
struct ulp_histogram {
    size_t counts[ULP_BINS];
};

/* A conventional reference, over all points that were compared with it. */
struct reference_sum {
    char *name;
    size_t points, points_differing;
    double differing, kernel, reference, both; /* elements, and who is at fault in them */
    double wrong;                              /* elements in which the reference itself is outside the tolerance */
    double max_abs_err;                        /* of the reference itself */
};

struct review {
    struct review_file *files;
    struct review_point *points;
    struct panel *panels;
    struct reference_sum *references;
    char **words;
    size_t num_files, num_points, num_panels, num_references, num_words;
    size_t points_capacity, panels_capacity, references_capacity, words_capacity;
    json_t *word_places, *point_places, *panel_places, *reference_places; /* objects: text -> place */
    json_t *oracles;         /* object: oracle -> object: outcome -> points */
    json_t *inputs;          /* object with a member for each input_digest */
    struct record_runs runs; /* of all records, those that --where leaves out as well */
    struct ulp_histogram max_ulp, p99_ulp, p50_ulp, head_ulp;
    char *first_ended, *last_ended; /* when the first, and the last, point was done; NULL: not known */
    double seconds;                 /* spent, all steps of all points */
    double radius;                  /* the largest of a truth; NaN: not known */
    size_t repeated;                /* records that were there already */
    size_t left_out;                /* by --where, */
    size_t left_out_worse;          /* and those of them that did not end as expected */
    enum review_text series;
    bool comparable; /* points have their facts */
};

void review_clear(struct review *review);

/* By what a point is known: its key and, unless device is NULL, its device. A new string, or NULL. */
char *review_identity(const char *key, const char *device);

/* The bin of an error in ulp. */
int ulp_bin(double value);

/* The point's place, by its key and, where device is not NULL, its device; SIZE_MAX: it is not there. */
size_t review_find(const struct review *review, const char *key, const char *device);

/* The point's word of a field; "-" if the record does not know. */
const char *review_text_of(const struct review *review, const struct review_point *point, enum review_text text);

/* The point's number of a field; false if the record does not know. */
bool review_number_of(const struct review_point *point, enum review_number number, double *value);

/* What a status says of a point. A word that this program does not know is none of them. */
bool review_passed(const struct review *review, const struct review_point *point);
bool review_as_expected(const struct review *review, const struct review_point *point);
bool review_skipped(const struct review *review, const struct review_point *point);

/* The largest share of an error bound, of out or lse; NaN for a NaN; false where there is none. */
bool review_bound_used(const struct review_point *point, double *share);

#endif
