/*
 * The bounds that a search for classes has looked at, row by row and set by set: with the output and its truth all that
 * the same search takes, so that it can be done again where k and v are not.
 */
#ifndef HARNESS_JUDGE_CLASS_CLASS_BOUNDS_H
#define HARNESS_JUDGE_CLASS_CLASS_BOUNDS_H

#include "harness/judge/class/class_rounding.h"

struct class_bounds {
    int head_dim;
    size_t count, capacity;
    int32_t *row;      /* [count], ascending */
    uint32_t *set;     /* [count], of a row ascending, each once */
    double *bound;     /* [count, D] of the row's elements, the truth's radius not added; infinite: none is promised */
    double *lse_bound; /* [count]; 0 of an output without lse */
};

/* Appends one; in order only after class_bounds_sort. ERROR_SYSTEM if memory is short. */
enum error_kind class_bounds_add(struct class_bounds *bounds, int row, class_set set, const double *bound,
                                 double lse_bound, struct error *error);

/* Puts them in order, and leaves out what is there twice. */
enum error_kind class_bounds_sort(struct class_bounds *bounds, struct error *error);

/* Whether rows and sets are in order, each of num_rows rows and of the sets that there are. */
bool class_bounds_in_order(const struct class_bounds *bounds, int num_rows);

/* The place of a row's set; -1 if it was not looked at. */
int64_t class_bounds_find(const struct class_bounds *bounds, int row, class_set set);

/* Accepts a zeroed one. */
void class_bounds_clear(struct class_bounds *bounds);

#endif
