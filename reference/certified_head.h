/*
 * A head of the certified truth (truth_certified.c) in double and double-double.
 */
#ifndef REFERENCE_CERTIFIED_HEAD_H
#define REFERENCE_CERTIFIED_HEAD_H

#include "reference/certified_room.h"
#include "reference/tensor_bounds.h"
#include "reference/truth.h"

/* Allocates for heads of the problem; certified_room_clear frees, and accepts a zeroed one. ERROR_SYSTEM if memory is
 * short. */
enum error_kind certified_room_init(struct certified_room *room, const struct problem *problem, struct error *error);
void certified_room_clear(struct certified_room *room);

/* Finds a head's values and radii, each within RADIUS_GOAL. False if that takes more than double-double, or the work
 * was cancelled: what truth holds of the head is then no result. */
bool certify_head(struct truth *truth, struct certified_room *room, const struct problem *problem, int index,
                  const struct tensor_bounds *bounds, const struct progress *progress);

#endif
