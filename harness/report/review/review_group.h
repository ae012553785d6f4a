/*
 * The points, or heads, of a review in groups: by what they were run with, each word of the review's series apart.
 */
#ifndef HARNESS_REPORT_REVIEW_REVIEW_GROUP_H
#define HARNESS_REPORT_REVIEW_REVIEW_GROUP_H

#include "harness/report/review/review.h"

enum { GROUPS_MAX = 48 }; /* lengths beyond that many share a group with those up to twice as long */

struct group {
    char *label;
    double x;                           /* the number of a numeric field; of words their place */
    uint32_t series;                    /* a word of the review, 0 where series are not told apart */
    struct figures all, passed, failed; /* of points that pass, and of the others */
};

struct grouping {
    struct group *groups; /* in the order of x, then of series */
    size_t count, capacity;
    json_t *places;
    bool failed; /* memory ran out */
};

/* By a word that points have. */
void group_by_text(struct grouping *grouping, const struct review *review, enum review_text text, bool by_series);

/* By a number that points have. */
void group_by_number(struct grouping *grouping, const struct review *review, enum review_number number, bool by_series);

/* Heads: by their number, or by their slope (of panels that know it). */
void group_by_head(struct grouping *grouping, const struct review *review, bool by_series);
void group_by_slope(struct grouping *grouping, const struct review *review, bool by_series);

void grouping_clear(struct grouping *grouping);

/* How numbers are grouped: each by itself, or from a power of two to the next. */
struct number_groups {
    bool binned;
};
struct number_groups number_groups_of(const struct review *review, enum review_number number, size_t most);
/* The number that stands for it, and what the group is called: "33001", "1024 to 2047". text has 64 characters. */
double number_group(char *text, const struct number_groups *groups, double number);

/* Different words that points have for a field; those that the record does not know count as one. */
size_t count_texts(const struct review *review, enum review_text text);

#endif
