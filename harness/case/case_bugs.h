/*
 * The known bugs that a case stands for: its key `known_bugs`, as case_known_bugs returns it, and which of them a
 * failure looks like.
 *
 *     nan: K6; wrong-slope: K19 K54 (the softmax scale times it | multiplied by the scale) K56 (opposite sign)
 *
 * Behind a bug may stand what else it shows, its evidence: alternatives, of each of which all facts must hold that '&'
 * joins. A fact is `oracle NAME`, which is then violated, `dtype NAME` or `class NAME`, the output's, or words, which
 * then stand in what was found of the failure or in the contract that it is right under, as whole words and numbers;
 * with '!' right before it, it is not so.
 */
#ifndef HARNESS_CASE_CASE_BUGS_H
#define HARNESS_CASE_CASE_BUGS_H

#include <stdio.h>

#include "harness/judge/contract/contract_finding.h"
#include "harness/judge/judgement.h"
#include "reference/dtype.h"

/* What is known of a failure. */
struct seen_failure {
    enum signature signature;
    const char *detail;                      /* NULL: nothing was found */
    const struct contract_finding *contract; /* NULL: none was looked for */
    const char *arithmetic;                  /* the class of its output; NULL: not known */
    unsigned violated;                       /* bit o: oracle o was */
    enum dtype dtype;
};

/* How a bug fits a failure of its signature. */
enum bugs_fit {
    BUGS_NONE,         /* not: its evidence is not there, or its signature is another one */
    BUGS_BY_SIGNATURE, /* it says no more of itself */
    BUGS_BY_EVIDENCE,
};

/* The best fit of all bugs of a text, which may be NULL. */
enum bugs_fit known_bugs_fit(const char *text, const struct seen_failure *seen);

/* The bugs that fit so, with spaces between them. false: they could not be written. */
bool known_bugs_print(FILE *stream, const char *text, const struct seen_failure *seen, enum bugs_fit fit);

/* All bugs by their signature, without evidence: "nan: K6; wrong-slope: K19 K54 K56". */
bool known_bugs_print_all(FILE *stream, const char *text);

#endif
