/*
 * Truth, bounds and classes of an output that is there already: a part of its problem is opened after the other, or of
 * a sample a row, and what is found of it is put where it belongs in the whole.
 */
#ifndef HARNESS_LIBRARY_JUDGED_PARTS_H
#define HARNESS_LIBRARY_JUDGED_PARTS_H

#include "harness/library/judged_output.h"

/* Tells who wants to know that the next step begins. */
void judged_step(const struct judging *judging, const char *name, long work);

/* Room for the bounds of the whole. A row that no part brings has a bound of 0. */
enum error_kind judged_make_bounds(struct judged_output *judged, const struct problem *shape, struct error *error);

/* The output of a problem or of a part of it, in new memory, whatever the result. */
enum error_kind judged_take_output(struct output *output, const struct problem *problem,
                                   const struct given_output *given, struct error *error);

/* Of all parts, or of the rows of a sample, into judged, whose truth has room for them. given NULL: the truth alone. */
enum error_kind judged_work_through(struct judged_output *judged, const struct problem_source *source,
                                    const struct given_output *given, enum truth_method method,
                                    const struct judging *judging, struct error *error);

#endif
