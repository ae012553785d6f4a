/*
 * The name of a failure, told from the output and from what the oracles saw.
 *
 * Each failure mode predicts an output: what attention gives with another slope, without some keys, with masked keys
 * let in. A mode explains a row if its prediction, in double precision, matches the row's out far better than the
 * truth does (suspect.h says how far). Neither the kernel nor its recipe is looked at.
 */
#ifndef HARNESS_JUDGE_CAUSE_SIGNATURE_H
#define HARNESS_JUDGE_CAUSE_SIGNATURE_H

#include "harness/judge/judgement.h"
#include "harness/judge/verdict.h"
#include "harness/subject/run_failure.h"

/* What the oracles saw, as plain facts. Zeroed: nothing. */
struct oracle_facts {
    unsigned violated;    /* bit o: oracle o was */
    unsigned not_finite;  /* bit o: by NaN or infinity where a number was expected */
    unsigned failed;      /* bit o: by the subject, which did not run under it */
    enum run_failure how; /* and how */
    unsigned stale;       /* bit o: by the output of an earlier launch */
};

struct signature_finding {
    enum signature signature;
    int query, head;        /* the row that `residual` and `detail` are of, within the problem; head -1 for none */
    int num_rows_failing;   /* all rows that fail; with one query rows are heads */
    int num_rows_examined;  /* the worst of them, a few; bias-shift examines all */
    int num_rows_explained; /* of those examined, by this signature */
    double residual;        /* of the row: largest |out - predicted| in units of the tolerance at that element; of a
                             * row that fails by its lse alone, and of bias-shift: the same of lse. NaN if unknown */
    const char *remedy;     /* a sentence: what to change, by what was found */
    char detail[SIGNATURE_DETAIL_SIZE]; /* what the match says: "slope 0.0078 in place of 0.84"; may be empty */
};

/*
 * Names the failure of an output whose verdict is known. A row fails by an element or an lse outside the tolerance; if
 * the criterion asks for the bound alone, or if nothing is outside the tolerance, by a share of the bound above the
 * budget. The name is one that explains the worst row as well as any does and, among those, the one whose reason most
 * of the rows examined have in common; if nothing explains that row, the name that explains most of the others. What
 * fails by an oracle alone has no row, and is no answer if the subject did not run under it, stale if it answered from
 * an earlier launch, a leak if what stands in masked slots changes the result, else unknown.
 *
 * The exhibit and verdict->rows are of the same rows: all of them, or a part's. Where k and v are NULL only what
 * needs no keys is found: nan, silent-zero and bias-shift. threads >= 1. ERROR_SYSTEM if memory is short.
 */
enum error_kind signature_find(struct signature_finding *finding, const struct exhibit *exhibit,
                               const struct verdict *verdict, const struct oracle_facts *facts, int threads,
                               struct error *error);

/* Memory that signature_find takes at its peak. */
double signature_bytes(int64_t seq_len, int num_rows, int head_dim, int threads);

#endif
