/*
 * Two reviews side by side, point by point: before and after. What became of a point is compare_point's to say, so that
 * a report and `alibicheck compare` never disagree.
 */
#ifndef HARNESS_REPORT_REVIEW_REVIEW_CHANGE_H
#define HARNESS_REPORT_REVIEW_REVIEW_CHANGE_H

#include "harness/report/compare/compare_point.h"
#include "harness/report/page/grid.h"
#include "harness/report/review/review.h"
#include "reference/error.h"

struct review_change {
    enum change change;
    const struct review_point *before, *after; /* NULL: new, missing */
    double growth;                             /* as of struct compared */
};

struct review_changes {
    const struct review *before, *after;
    struct review_change *changes; /* every point of both: those of `after` in their order, then those missing */
    size_t count;
    size_t by_change[CHANGE_COUNT];
    size_t unchanged; /* of which nothing became: change_is_none */
};

/* Joins by key, and by device as well where either has several; nothing is allowed to be worse. Both are comparable.
 * ERROR_SYSTEM if memory ran out. */
enum error_kind review_compare(struct review_changes *changes, const struct review *before, const struct review *after,
                               struct error *error);
void review_changes_clear(struct review_changes *changes);

/* What of the point changed, in the words of `alibicheck compare`, at most `most` facts:
 * "max_lse_err 2.2e-08 -> 3.7e-08 (+67%), class output -> f32". A new string, or NULL. */
char *review_change_facts(const struct review_change *change, int most);

/* What a change stands for on a page. */
enum tone change_tone(enum change change);

#endif
