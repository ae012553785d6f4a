/*
 * Whether errors that are as small as those of rounding are none: they have one sign, or one share of the truth, in
 * all rows, stand in a few elements, or have one size or two. Rounding gives each element of a row an error of its own,
 * as often above as below, and every element some.
 */
#ifndef HARNESS_JUDGE_CAUSE_ERROR_LEAN_H
#define HARNESS_JUDGE_CAUSE_ERROR_LEAN_H

#include <stdbool.h>

#include "harness/judge/exhibit.h"
#include "harness/judge/judgement.h"

enum { ERROR_OCTAVES = 16, ERROR_SIZES = 4 * ERROR_OCTAVES };

/* Elements by the size of their errors against the row's root mean square, four bins an octave. */
struct error_sizes {
    double count[ERROR_SIZES];
};

/* What is summed over rows; zeroed before the first. */
struct error_lean {
    bool turned; /* signs of elements are not their own: what leans in them says nothing */
    double rows, lean, elements, small, above, off;
    double along, factor, factor_squares; /* rows that are off along their truth, and by which factor - 1 */
    struct error_sizes against_magnitude, as_they_are;
};

/* Adds a row; nothing where it has no key, or numbers that are not finite. */
void error_lean_add(struct error_lean *lean, const struct exhibit *exhibit, int row);

/* Whether the errors of the rows are systematic; how, in a sentence, into remark, which is empty where they are not.
 * That they have one sign is not by chance to one in 10000; the others have no such figure. */
bool error_lean_found(const struct error_lean *lean, char remark[SIGNATURE_DETAIL_SIZE]);

#endif
