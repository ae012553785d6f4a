/*
 * The work on some heads of a point: their inputs opened, the subject run on them, their truth, bounds and baselines
 * found, and all of it put where it belongs in the whole.
 */
#ifndef HARNESS_EVALUATE_PART_WORK_H
#define HARNESS_EVALUATE_PART_WORK_H

#include "harness/evaluate/work.h"

/* Some heads of the work, with room for what comes of them. */
struct part_work {
    struct problem problem;
    struct output output;
    double *bound, *lse_bound;
    struct truth_cache_entry *entry;
};

/* Opens part `index`; whatever the result, part is to be cleared. newest: all that is asked about it is a certified
 * truth, the bounds and oracles, for which its newest keys may be enough. Each of the functions below sees to it that
 * more are there where it needs them. */
enum error_kind part_open(struct part_work *part, struct work *work, int index, bool newest, struct error *error);
void part_clear(struct part_work *part);

/* Runs the subject: on the part alone or, of a batch, on the whole problem in its place among its companions. */
enum error_kind part_run(struct work *work, struct part_work *part, struct error *error);

/* The part's entry in the cache, with its truth. */
enum error_kind part_need_truth(struct work *work, struct part_work *part, enum truth_method method,
                                struct error *error);

/* The error bounds; the truth is there. */
enum error_kind part_compute_bound(struct work *work, struct part_work *part, struct error *error);

/* The baselines that the point asks for and the entry does not have yet. */
enum error_kind part_need_baselines(struct work *work, struct part_work *part, struct error *error);

/* Gives the part its rows of the evaluation's output, of a subject that was run on the whole. */
void part_give_output(struct part_work *part, const struct work *work);

/* Whether the classes of the point's rows are asked for; and those of the part's, where they are, into those of the
 * whole. */
bool part_has_classes(const struct work *work);
enum error_kind part_find_classes(struct work *work, struct part_work *part, struct error *error);

/* The oracles that the point asks for, on the part alone: their findings are the whole point's. */
enum error_kind part_run_oracles(struct work *work, struct part_work *part, struct error *error);

/* Copies what is known of the part's rows into the evaluation; with_output: out, lse and baselines as well. */
void part_take(struct work *work, const struct part_work *part, bool with_output);

#endif
