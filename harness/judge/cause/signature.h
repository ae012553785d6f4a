/*
 * The name of a failure, told from the output and from what the oracles saw.
 *
 * Each failure mode predicts an output: what attention gives with another slope, without some keys, with masked keys
 * let in. A mode explains a row if its prediction, in double precision, matches the row's out far better than the
 * truth does (suspect.h says how far). Neither the kernel nor its recipe is looked at.
 */
#ifndef HARNESS_JUDGE_CAUSE_SIGNATURE_H
#define HARNESS_JUDGE_CAUSE_SIGNATURE_H

#include "harness/judge/cause/signature_finding.h"
#include "harness/judge/verdict.h"

/*
 * Names the failure of an output whose verdict is known. A row fails by an element or an lse outside the tolerance; if
 * the criterion asks for the bound alone, or if nothing is outside the tolerance, by a share of the bound above the
 * budget. The name is one that explains the worst row as well as any does and, among those, the one whose reason most
 * of the rows examined have in common; if nothing explains that row, the name that explains most of the others. What
 * fails by an oracle alone has no row, and is no answer if the subject did not run under it, stale if it answered from
 * an earlier launch, nan if a NaN in masked slots reaches the result, a leak if what stands there changes it, else
 * unknown.
 *
 * The exhibit and verdict->rows are of the same rows: all of them, or a part's. Where k and v are NULL, the parts of
 * the rows that are looked at are opened; without parts only what needs no keys is found: nan, silent-zero, bias-shift,
 * of a constant in it wrong-lse, of rows without a key wrong-sink. threads >= 1. ERROR_SYSTEM if memory is short; what
 * opening a part returns.
 */
enum error_kind signature_find(struct signature_finding *finding, const struct exhibit *exhibit,
                               const struct verdict *verdict, const struct oracle_facts *facts, int threads,
                               struct error *error);

/* Memory that signature_find takes at its peak. */
double signature_bytes(int64_t seq_len, int num_rows, int head_dim, int threads);

#endif
