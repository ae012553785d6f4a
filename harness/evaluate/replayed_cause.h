/*
 * The name of a failure of a shipped kernel that no prediction explains (judge/cause/signature.h): what its replay
 * says.
 *
 * Hypotheses predict outputs, and roundings whose sizes go by the order of a kernel's sums have no prediction: a sum
 * held in 16 bits is off by what its own additions drop. A shipped kernel can be replayed, which tells its recipe in
 * exact arithmetic from the roundings of each stage. Where the former is right and the latter fail, the failure is loss
 * of precision, and of a stage that has a name.
 */
#ifndef HARNESS_EVALUATE_REPLAYED_CAUSE_H
#define HARNESS_EVALUATE_REPLAYED_CAUSE_H

#include "harness/judge/cause/signature.h"
#include "harness/judge/exhibit.h"
#include "harness/subject/subject.h"

/*
 * Names a finding that is SIGNATURE_UNKNOWN if all of this holds: it is of rows, not of an oracle alone; the subject
 * can be replayed, on a problem of one query and at most REPLAYED_ELEMENTS in k; its output is off and within its error
 * bound, or has none; the replay computes that output; in exact arithmetic every element and every lse is off by an
 * eighth of the tolerance at most, and by an eighth of the output's own error where that fails. It is wrong-slope if
 * more than half of the error is from slopes that are rounded, precision-loss if no more than an eighth is, and stays
 * unknown between. ERROR_SYSTEM if memory is short.
 */
#define REPLAYED_ELEMENTS ((int64_t)1 << 23)
enum error_kind replayed_cause(struct signature_finding *finding, const struct exhibit *exhibit,
                               const struct verdict *verdict, const struct subject *subject, int threads,
                               struct error *error);

#endif
