/*
 * Along the values of which keys a row's error lies. Where one key has another weight, e = out - truth is a number
 * times v_j - truth; where two have, or their values are exchanged, it is a sum of two such vectors, and of as many
 * where a few have. Where one key
 * counts otherwise in the weighted sum of values than in the sum of weights, as where its v is another one or a sink is
 * given one, it is a sum of v_j and the truth. Roundings of weights leave something of every key that has some.
 */
#ifndef HARNESS_JUDGE_CAUSE_NEAREST_VALUES_H
#define HARNESS_JUDGE_CAUSE_NEAREST_VALUES_H

#include "harness/judge/cause/suspect.h"

/* rms of e that is left where one key alone has another weight: out then lies on a line with its v, and is one number.
 */
double nearest_values_left_by_one(struct suspect *suspect);

/* rms of e where each weight is off by a share of its own, of rms 1: sqrt(sum of w_j^2 |v_j - truth|^2 / D). by_size:
 * of rms |scale * q.k| + |bias|. */
double nearest_values_spread(struct suspect *suspect, bool by_size);

/* The visible key whose value, less what a learned sink takes, is the same as numbers [D] to twice the noise; -1: none.
 */
int64_t nearest_values_key_of(struct suspect *suspect, const double *numbers);

enum { NEAREST_VALUES_MAX = 4 };

/*
 * Whether e is of two to NEAREST_VALUES_MAX values, to a quarter of it, though roundings of weights that move as much
 * of theirs would have left far more of all others. The keys are found one after the other, each where it leaves least.
 */
bool nearest_values_are_few(struct suspect *suspect);

/* The same of one value and the truth. */
bool nearest_values_are_one_and_truth(struct suspect *suspect);

#endif
