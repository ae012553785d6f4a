/*
 * Figures of a set of points or heads: counts, and the largest of each error. NaN is larger than any number: what is
 * no number must not hide among those that are.
 */
#ifndef HARNESS_REPORT_REVIEW_FIGURES_H
#define HARNESS_REPORT_REVIEW_FIGURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum figure { FIGURE_ABS, FIGURE_ULP, FIGURE_P99, FIGURE_P50, FIGURE_BOUND, FIGURE_LSE, FIGURE_COUNT };

struct figure_info {
    const char *path; /* of a record or of one of its heads */
    const char *also; /* the larger one of the two counts; NULL: none */
    const char *title, *about, *axis;
};

extern const struct figure_info figure_table[FIGURE_COUNT];

struct figures {
    size_t count, not_passed, unexpected; /* points; of heads: all, and those with mismatches */
    size_t skipped;                       /* of those that did not pass */
    double mismatched, elements;
    unsigned known; /* bit f: largest[f] is one */
    double largest[FIGURE_COUNT];
};

/* The larger of two, NaN above all. */
double larger(double a, double b);

void figures_add(struct figures *figures, enum figure figure, double value);
void figures_merge(struct figures *figures, const struct figures *other);

/* Adds the errors that a record, or the object of a head, has. */
void figures_add_json(struct figures *figures, const json_t *object);

#endif
