/*
 * Queries that outscore all others of a launch. A softmax is each row's own: a kernel that takes one maximum for
 * several rows, of heads, queries or sequences, leaves those without weight that score far less. Problems as they are
 * drawn do not show it, for the maxima of their rows are near each other.
 */
#ifndef HARNESS_JUDGE_ORACLE_LOUD_QUERY_H
#define HARNESS_JUDGE_ORACLE_LOUD_QUERY_H

#include "reference/problem.h"

/* By how much: more than the -log of the smallest positive f32, 103.3. */
enum { LOUD_BEYOND = 192 };

/*
 * Row `row` of q, [R, D] of the problem's dtype := what is parallel to the k of the newest key that it sees, so long
 * that the logit there is `logit` before its bias, or as near to that as a 16th of the dtype's largest number comes. It
 * stays as it is where the row sees no key or that k has no length.
 */
void loud_query_make(void *q, const struct problem *problem, int row, double logit);

#endif
