/*
 * All that judging needs: what was asked, what was answered, what is right, how far rounding may lead away from it, and
 * what is asked of the answer. Where any of it comes from, judging does not know.
 */
#ifndef HARNESS_JUDGE_EXHIBIT_H
#define HARNESS_JUDGE_EXHIBIT_H

#include "harness/judge/criterion.h"
#include "harness/judge/key_parts.h"
#include "reference/progress.h"
#include "reference/truth.h"

struct exhibit {
    const struct problem *problem; /* k and v may be NULL: what needs no keys is judged and named without them */
    const struct output *output;
    const struct truth *truth;
    const double *bound, *lse_bound; /* error bounds of out [R, D] and lse [R] (error_bound.h); NULL: none is known */
    struct criterion criterion;
    const bool *rows; /* [R], those that are judged: of the others nothing is known; NULL: all */
    bool turned;      /* elements of heads stand in an order, and have signs, that are not their own */
    bool is_rounding; /* the roundings of some arithmetic explain every row (class_find.h); false: they do not, or
                       * nobody has looked */
    bool is_coarse;   /* none does, or it takes so many or such coarse ones that they would explain other faults as well
                       * (class_is_coarse); false: one plain rounding is enough, or nobody has looked */
    /* Where k and v are NULL: how to have those of some KV heads; NULL: there are none. */
    const struct key_parts *parts;
    const struct progress *progress; /* by which the search for a cause is cancelled; NULL: by nobody */
};

/* Whether there are k and v, all of them or a part at a time. */
static inline bool exhibit_has_keys(const struct exhibit *exhibit)
{
    return (exhibit->problem->k && exhibit->problem->v) || exhibit->parts;
}

#endif
