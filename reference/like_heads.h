/* Heads of a query of which all that a bound depends on is the same: one's bound is the other's. Whoever tells keys
 * apart by numbers of his own, which are the same for all heads or for those of a group, has many of them. */
#ifndef REFERENCE_LIKE_HEADS_H
#define REFERENCE_LIKE_HEADS_H

#include "reference/tensor_bounds.h"
#include "reference/truth.h"

/* like[head], of [H]: the first head whose q, k, v, slope, sink and truth (value, lse) have the same bits as its own,
 * if all heads between them have, too; else the head itself. The problem has one query. */
void like_heads_find(int *like, const struct problem *problem, const struct truth *truth,
                     const struct tensor_bounds *bounds);

#endif
