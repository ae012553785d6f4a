/*
 * How far a kernel's output may lie from the truth by rounding alone: a forward error bound for every element.
 *
 * A kernel is described by a rounding model: the relative error of each step and the order of its summations. The bound
 * is derived in error_bound.md and holds to first order with its second-order terms included; it is not fitted. A sound
 * kernel stays below it, and an error above it is a bug in the kernel, in its recipe or in the bound.
 */
#ifndef REFERENCE_ERROR_BOUND_H
#define REFERENCE_ERROR_BOUND_H

#include "reference/rounding_model.h"
#include "reference/truth.h"

/*
 * out[r * D + d] bounds the error of an output element, lse[r] that of a row's lse (natural), for the problem and its
 * truth, under that truth's contract. A number of which nothing can be promised has an infinite bound: where L of (2)
 * is 1/2 or more, and where something may overflow, be it the output. A row without visible keys has bounds of 0: its
 * out is 0 and its lse -inf, unless the logits of masked keys may overflow. Of the truth, value, lse and contract are
 * read; what its radius allows comes on top. out or lse may be NULL; both cost no more than out alone, and lse alone
 * reads no v but for its largest elements.
 *
 * Policies are not rounding and not in the bounds: epsilons, cut-offs, sentinels, a sum that begins with 1 and is not
 * rescaled away, slopes and positions other than the problem's.
 *
 * ERROR_SYSTEM if memory is short, ERROR_INTERRUPTED.
 */
enum error_kind error_bounds(double *out, double *lse, const struct rounding_model *model,
                             const struct problem *problem, const struct truth *truth, int threads,
                             const struct progress *progress, struct error *error);

/*
 * The same of single heads of a problem with one query (problem_query), for models that are tried one after the other.
 * out[D] and lse[1], or NULL; truth is that query's. `bounds` are of the problem's tensors, or of more keys. A room is
 * one thread's, of any query of a problem; whatever bound_room_new returns, it is to be freed. Leaves numbers in MPFR's
 * cache.
 */
struct bound_room;
struct tensor_bounds;

enum error_kind bound_room_new(struct bound_room **room, const struct problem *problem, struct error *error);
void bound_room_free(struct bound_room *room);
void error_bounds_of_head(double *out, double *lse, struct bound_room *room, const struct rounding_model *model,
                          const struct problem *problem, const struct truth *truth, const struct tensor_bounds *bounds,
                          int head);

/* The bound of out where all elements of v that a row sees are `value`, v_scale aside, whatever the weights are.
 * Infinite for a model of any order. */
double error_bound_of_constant(const struct rounding_model *model, const struct problem *problem, double value);

/* Those of out alone. */
enum error_kind error_bound(double *bound, const struct rounding_model *model, const struct problem *problem,
                            const struct truth *truth, int threads, const struct progress *progress,
                            struct error *error);

#endif
