/*
 * The parts of a point that was worked on in parts, opened again where it fails: what the cause is, keys tell.
 */
#ifndef HARNESS_EVALUATE_PART_CAUSES_H
#define HARNESS_EVALUATE_PART_CAUSES_H

#include "harness/evaluate/part_work.h"
#include "harness/library/opened_parts.h"

struct part_causes {
    struct opened_parts opened;
};

/* Lets the exhibit, the point's, have the keys of its parts; where all keys are at hand, nothing changes. causes is
 * overwritten and, whatever follows, to be ended. purpose: what the display calls it. */
void part_causes_begin(struct part_causes *causes, struct exhibit *exhibit, struct work *work, const char *purpose);

/* The seconds that opening took, which the point has then counted as those of its inputs. */
double part_causes_end(struct part_causes *causes, struct work *work);

#endif
