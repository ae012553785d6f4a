/*
 * Two reviews side by side, point by point: before and after.
 */
#ifndef HARNESS_REPORT_REVIEW_CHANGE_H
#define HARNESS_REPORT_REVIEW_CHANGE_H

#include "harness/report/review.h"
#include "reference/error.h"

/* What became of a point, the most important that holds: exact on every figure, and no allowance. */
enum change {
    CHANGE_UNLIKE,      /* other inputs or another truth: the two say nothing of each other */
    CHANGE_FAILING,     /* ended as expected, and no longer does */
    CHANGE_MISSING,     /* is no longer there */
    CHANGE_NEW_FAILING, /* was not there, and does not end as expected */
    CHANGE_STATUS,      /* another status in another way */
    CHANGE_JUDGED,      /* another tolerance, budget, or way of judging: what it passes is not what it passed */
    CHANGE_SIGNATURE,   /* fails in another way */
    CHANGE_FIXED_WORSE, /* ends as expected, and did not, and some error grew */
    CHANGE_WORSE,       /* some error grew */
    CHANGE_FIXED,       /* ends as expected, and did not */
    CHANGE_BETTER,      /* some error shrank, and none grew */
    CHANGE_OTHER_BITS,  /* other output, equal figures */
    CHANGE_NEW,         /* was not there, and ends as expected */
    CHANGE_SAME,        /* the same bits and status */
    CHANGE_COUNT
};

struct change_info {
    const char *name;  /* "worse" */
    const char *about; /* a sentence */
    int tone;          /* enum tone */
};

extern const struct change_info change_table[CHANGE_COUNT];

struct review_change {
    enum change change;
    const struct review_point *before, *after; /* NULL: missing, new */
};

struct review_changes {
    const struct review *before, *after;
    struct review_change *changes; /* every point of both: those of `after` in their order, then those missing */
    size_t count;
    size_t by_kind[CHANGE_COUNT];
};

/* Joins by key, and by device as well where either has several. ERROR_SYSTEM if memory ran out. */
enum error_kind review_compare(struct review_changes *changes, const struct review *before, const struct review *after,
                               struct error *error);
void review_changes_clear(struct review_changes *changes);

#endif
