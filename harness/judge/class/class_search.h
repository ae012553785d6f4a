/*
 * Which sets of roundings explain a row: all minimal ones, from as few bounds as it takes.
 */
#ifndef HARNESS_JUDGE_CLASS_CLASS_SEARCH_H
#define HARNESS_JUDGE_CLASS_CLASS_SEARCH_H

#include "harness/judge/class/arithmetic_class.h"

/* What a set's bound says of a row. */
enum class_answer {
    CLASS_COVERS,
    CLASS_BEYOND, /* an element, or the lse, is farther from the truth than it allows */
    CLASS_OPEN    /* neither: it promises nothing of some */
};

/* The answer of one set, and what its bounds of the row's elements add up to. */
typedef enum class_answer class_ask(void *row, class_set set, double *size);

struct class_search {
    struct class_sets covered; /* with each set all that have more roundings */
    struct class_sets open;    /* the same of those that are open, where no smaller set covers */
    double
        size[CLASS_ROUNDING_COUNT]; /* where more than one set is minimal: what a rounding adds to the row's bounds */
};

/*
 * A kernel of a set is one of each set that has more roundings, so that one answer is that of many sets, even where a
 * bound that is derived for more roundings comes out smaller (test_class_find.c): where a set covers, or is open, so do
 * those that have more; where an output is beyond a set's bound, it is beyond those of its parts. So a set that
 * explains a row is made smaller until no part of it does, and one that does not, tried where it is the largest of
 * which nothing is known, speaks for all of its parts.
 *
 * Of a row that f32 covers one set is asked, of one that no set explains two.
 */
void class_search(struct class_search *search, class_ask *ask, void *row);

#endif
