/*
 * A key's logit as a kernel forms it: how far roundings may move it and the logarithm of the key's weight, (3) of
 * error_bound.md, and whether a number on the way may overflow.
 *
 * Logits, biases and errors are in nats, whatever base the kernel has its logits in. An infinite error says that
 * nothing can be promised. None of these functions allocates or fails.
 */
#ifndef REFERENCE_LOGIT_ERROR_H
#define REFERENCE_LOGIT_ERROR_H

#include "reference/rounding_model.h"
#include "reference/truth.h"

/* A head's part of the formula, as the truth's contract has it, to the nearest double. */
struct logit_terms {
    const struct problem *problem;
    enum truth_of of;
    int head, kv_head;
    const double *query; /* [D] the head's q */
    double scale, slope;
    double slope_narrow, slope_floor; /* the model's, or 0 where a narrow dtype holds the head's slope */
    double slope_lost; /* absolutely: of that floor and of what division by the scale loses, another rounding */
    double dot_floor;  /* the model's, and what subnormal elements of a scaled query lose */
    bool query_held;   /* no element of a scaled query overflows */
};

/* sum_i q_i k_ij, and of the magnitudes, without the scale. */
struct logit_dot {
    double sum, absolute;
};

/* Whether a magnitude may be beyond what its dtype holds; limit 0: it holds everything. */
static inline bool overflows(double magnitude, double limit)
{
    return limit > 0 && magnitude > limit;
}

/* The terms of a head. query[D], its q in f64, and the problem stay the caller's and have to outlive them; k_bounds[D]
 * are the head's of tensor_bounds.h. Leaves numbers in MPFR's cache. */
struct logit_terms logit_terms_of(const struct rounding_model *model, const struct problem *problem,
                                  const struct truth_contract *contract, int head, const double *query,
                                  const float *k_bounds);

/* Whether something overflows that all logits of a head are formed with, or a logit of a key that does not count: a
 * masked one, or one that the contract drops. row[D] is overwritten. */
bool logits_overflow(const struct rounding_model *model, const struct logit_terms *terms, float *row);

/* The exact logit of a key is problem_logit() (soft_cap.h) of logit_dot().sum * scale and logit_bias(), but for f64's
 * roundings. The bias of a key that the contract drops is -inf. row[D] is overwritten, with the key's k. */
struct logit_dot logit_dot(const struct logit_terms *terms, int64_t key, float *row);
double logit_bias(const struct logit_terms *terms, int64_t key);

/* |scale| sum_i |q_i k_ij| from the sum, in nats; infinite where q.k may overflow on the way, be it to cancel. */
double logit_absolute(const struct rounding_model *model, const struct logit_terms *terms, double products);

/* (3) before it becomes relative, of a visible key that the contract keeps, from its exact logit and logit_absolute():
 * infinite where something may overflow, -inf for a key that weighs nothing to the kernel as well. lse is the row's,
 * max the largest of its logits; rescale_error: relative error of all rescalings of the key's part together. */
double logit_error(const struct rounding_model *model, const struct logit_terms *terms, int64_t key, double logit,
                   double absolute, double lse, double max, double rescale_error);

/* The same, and the part of it that is the logit's own error: what is left is of the weight that is made of the logit,
 * which a kernel may make anew for each of its sums. Both are infinite, or -inf, where logit_error() is. */
struct key_error {
    double logit, weight;
};

struct key_error key_error_parts(const struct rounding_model *model, const struct logit_terms *terms, int64_t key,
                                 double logit, double absolute, double lse, double max, double rescale_error);

/* The error of slope * P, which an absolute bias is off by, as it is taken off a maximum, in nats. */
double logit_shift_error(const struct rounding_model *model, const struct logit_terms *terms);

/* (8): the same of the weight of a learned sink. */
double sink_error(const struct rounding_model *model, const struct logit_terms *terms, double sink, double max);

/* The error of keys that are not looked at: of the newest of them, whose bias is given and whose logit_absolute() is at
 * most reach; rescale_error is that of the key with most rescalings. Infinite if older keys' errors may grow by more
 * than 1/16 nat for a nat of bias, or if something may overflow. Takes slopes above 0. */
double logit_error_unseen(const struct rounding_model *model, const struct logit_terms *terms, int64_t key, double bias,
                          double reach, double lse, double rescale_error);

#endif
