/*
 * The bound of a kernel that sums in an order of its own: any tree of additions, any order of keys, with rescaling at
 * each new maximum. any_order.md is its derivation; error_bound.h is how it is called, with a model that says
 * any_order.
 */
#ifndef REFERENCE_ANY_ORDER_H
#define REFERENCE_ANY_ORDER_H

#include "reference/key_scores.h"

/* One thread's room for heads of a problem, beside their scores. */
struct any_order_room {
    double *logit_error;  /* [N] x_j, nats; infinite, or -inf, as logit_error() */
    double *weight_error; /* [N] y_j, nats, without rescalings */
    int32_t *above;       /* keys whose logit may lie above, in steps */
    double *values;       /* [6, D] sums over keys */
};

enum error_kind any_order_room_init(struct any_order_room *room, const struct problem *problem, struct error *error);
void any_order_room_clear(struct any_order_room *room);

/* out[D] and lse[1], or NULL, of a head whose truth is value[D] and row_lse, which is finite. scores->query is the
 * head's. */
void any_order_bounds(double *out, double *lse, struct any_order_room *room, struct key_scores *scores,
                      const struct rounding_model *model, const struct logit_terms *terms,
                      const struct tensor_bounds *bounds, const double *value, double row_lse);

#endif
