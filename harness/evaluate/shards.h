/*
 * The parts of a run that machines work on side by side.
 */
#ifndef HARNESS_EVALUATE_SHARDS_H
#define HARNESS_EVALUATE_SHARDS_H

#include "harness/case/case.h"

/*
 * Gives each point one of num_shards shards, from 0: the same one on every machine. Points that stand together and have
 * the same inputs stay together, for what they share is computed once; the most expensive group goes first, to the
 * shard with the least to do.
 */
enum error_kind shards_assign(int *shards, const struct point *points, size_t count, int num_shards,
                              struct error *error);

#endif
