/*
 * What a message shows of an output that is wrong: its worst elements, lse and rows.
 */
#ifndef HARNESS_LIBRARY_JUDGED_WORST_H
#define HARNESS_LIBRARY_JUDGED_WORST_H

#include "harness/library/judged_record.h"

enum { WORST_ELEMENTS = 5, WORST_ROWS = 8 };

/* An element, or a row's lse, that is outside its tolerance; or a row in which one is. */
struct wrong {
    int64_t at; /* element r * D + d; of lse and rows r, query * H + head */
    double out, truth, err;
    double share; /* of its tolerance; infinite for what is no number */
};

/* The worst, the worst first; of equals the first. */
struct worst {
    struct wrong shown[WORST_ROWS];
    int count, max;
};

/* Of the WORST_ELEMENTS worst elements and lse, and of the WORST_ROWS worst rows that have one of them. */
void worst_find(struct worst *elements, struct worst *lses, struct worst *rows, const struct judged_record *record);

/* The class in whose bounds errors are said: that which is asked for, or which explains the output, or f32. */
class_set worst_class(const struct judged_record *record);

/* bounds[count] of elements in that class; NaN where k and v are not at hand. ERROR_SYSTEM if memory is short. */
enum error_kind worst_bounds(double *bounds, const struct worst *elements, const struct judged_record *record);

#endif
