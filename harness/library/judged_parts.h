/*
 * Truth, bounds and classes of some heads, and all of it put where it belongs in the whole; and of an output that is
 * there already, of which a part of its problem is opened after the other, or of a sample a row.
 */
#ifndef HARNESS_LIBRARY_JUDGED_PARTS_H
#define HARNESS_LIBRARY_JUDGED_PARTS_H

#include "harness/library/judged_output.h"

/* Tells who wants to know that the next step begins. */
void judged_step(const struct judging *judging, const char *name, long work);

/* Room for the bounds of the whole. A row that no part brings has a bound of 0. */
enum error_kind judged_make_bounds(struct judged_output *judged, const struct problem *shape, struct error *error);

/* ---- some heads -------------------------------------------------------------------------------------------------- */

/* Copies the rows of some heads, those of `part`, query by query to where they belong among all heads; and the other
 * way. */
void judged_take_rows(void *whole, const void *rows, const struct problem *part, int whole_heads, size_t row_bytes);
void judged_give_rows(void *rows, const void *whole, const struct problem *part, int whole_heads, size_t row_bytes);

/* No part of a problem is done; and all of the source's are, the last of which is in inputs. */
void judged_begin_parts(struct judged_output *judged);
void judged_end_parts(struct judged_output *judged, const struct problem_source *source, const struct inputs *inputs);

/* Puts the truth of heads first_head.., so far from that of the inputs, among those of the others. */
void judged_take_truth(struct judged_output *judged, int whole_heads, int first_head, const struct truth *truth,
                       int num_heads, double contract_distance);

/* bound[R, D] and lse_bound[R] of the part's rows, which the truth is of, by judging's arithmetic on a problem of this
 * shape; and among those of the others. */
enum error_kind judged_find_bounds(struct judged_output *judged, double *bound, double *lse_bound,
                                   const struct problem *shape, const struct problem *part, const struct truth *truth,
                                   const struct judging *judging, struct error *error);
void judged_take_bounds(struct judged_output *judged, int whole_heads, const struct problem *part, const double *bound,
                        const double *lse_bound);

/* The classes of an exhibit's rows, which are those of some heads, among those of the others. */
enum error_kind judged_find_classes(struct judged_output *judged, const struct problem *shape,
                                    const struct exhibit *exhibit, const struct judging *judging, struct error *error);

/* ---- an output that is there already ----------------------------------------------------------------------------- */

/* The output of a problem or of a part of it, in new memory, whatever the result. */
enum error_kind judged_take_output(struct output *output, const struct problem *problem,
                                   const struct given_output *given, struct error *error);

/* Of all parts, or of the rows of a sample, into judged, whose truth has room for them. given NULL: the truth alone. */
enum error_kind judged_work_through(struct judged_output *judged, const struct problem_source *source,
                                    const struct given_output *given, enum truth_method method,
                                    const struct judging *judging, struct error *error);

#endif
