/*
 * What an output comes to, once the truth, the bounds and the classes of its rows are known: the verdict, and what a
 * failure is called. A kernel that was run and an output that was there already are heard alike: what only one of the
 * two has is said to these functions, or done between them.
 */
#ifndef HARNESS_LIBRARY_HEARING_H
#define HARNESS_LIBRARY_HEARING_H

#include "harness/library/judged_output.h"

/* An output that is being judged. */
struct hearing {
    struct judged_output *judged; /* what is found is put down there */
    const struct judging *judging;
    const struct problem_source *source; /* of the problem */
    struct inputs *inputs; /* of the part that was opened last: they lend their memory where parts are opened again
                            * (opened_parts.h), and have then no k and v */
};

/* The verdict of the whole, anew. */
enum error_kind hearing_reach_verdict(const struct hearing *hearing, struct error *error);

/* Whether a certificate leaves open what MPFR may tell. */
bool hearing_is_undecided(const struct hearing *hearing);

/* Whether a cause is sought: by its numbers the output does not pass, or an oracle is violated. Of what is but in
 * another class than is asked for there is none: no row is wrong. */
bool hearing_asks_cause(const struct hearing *hearing, const struct oracle_facts *facts);

/* The signature of an output of which that is asked. Of a sample none is sought. */
enum error_kind hearing_find_signature(const struct hearing *hearing, const struct oracle_facts *facts,
                                       struct error *error);

/* Whether another contract is sought: by its numbers the output does not pass. Of one that is right but in another
 * class than is asked for, or made with another arithmetic than it is said to be, the contract is no question, nor of a
 * sample. */
bool hearing_asks_contract(const struct hearing *hearing);

/* Under which other contract an output is right of which that is asked, and what that makes of its signature. */
enum error_kind hearing_find_contract(const struct hearing *hearing, struct error *error);

#endif
