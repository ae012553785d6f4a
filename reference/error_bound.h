/*
 * How far a kernel's output may lie from the truth by rounding alone: a forward error bound for every element.
 *
 * A kernel is described by a rounding model: the relative error of each step and the order of its summations. The bound
 * is derived in error_bound.md and holds to first order with its second-order terms included; it is not fitted. A sound
 * kernel stays below it, and an error above it is a bug in the kernel, in its recipe or in the bound.
 */
#ifndef REFERENCE_ERROR_BOUND_H
#define REFERENCE_ERROR_BOUND_H

#include "reference/truth.h"

/* Nats by which a recipe may raise its maxima: beyond, the exponential flushes keys that the bound counts as computed.
 */
#define ERROR_BOUND_MAX_OFFSET 24

struct rounding_model {
    /* Relative errors. Logits are in base 2, as the kernel forms them. */
    double slope;          /* of the base-2 slope, but for what follows */
    double slope_narrow;   /* of the slope's rounding to a narrow dtype, which does not hold it */
    double scale;          /* of the base-2 scale, k_scale included */
    double dot;            /* of q.k, relative to sum |q_i k_i| */
    double position;       /* of a position or distance as it is rounded, beyond position_exact */
    double bias;           /* of the bias as formed, from what its position is rounded to */
    double logit;          /* of the sum of both, as formed */
    double shift;          /* of logit - maximum */
    double exponential;    /* of 2^x */
    double rescale;        /* of one multiplication by a rescaling factor, the factor's own error included */
    double add;            /* of one addition to a sum of weights or weighted values */
    double weight;         /* of a weight's rounding before the product with v */
    double partial;        /* of a chunk's output's rounding, before chunks are merged */
    double logarithm;      /* of the logarithm of a sum of weights, relative to |log(sum)| + 1/2 */
    double lse_sum;        /* of maximum + log(sum), and of any other sum on the way to an lse */
    double lse_base;       /* of the lse's change to natural units */
    double lse_slope;      /* absolute_bias: of slope * P as it is taken off the maximum, against the slopes of keys */
    double division;       /* of the final division */
    bool divided_partials; /* partial outputs are divided by their sums of weights */
    bool merge_by_lse;     /* and merged by the lse of their chunks */
    int slope_bits;        /* that dtype's significant bits */
    bool absolute_bias;    /* the bias is formed as slope * j, not slope * (j - P) */
    bool distance_magnitude; /* as -slope * |j - P| */
    double position_exact;   /* the largest magnitude up to which all whole numbers are held */
    double max_offset;       /* nats by which maxima are raised, at most ERROR_BOUND_MAX_OFFSET */
    double query_scale;      /* what elements of q are multiplied by, in f32, before q.k is formed; 0: they are not */
    bool masked_logits;      /* logits of masked keys are formed too, and something is added to them */

    /* Absolute errors, of results that are subnormal. */
    double slope_floor;   /* of the slope's rounding to a narrow dtype, which does not hold it */
    double slope_divided; /* of a slope that is divided by the scale: times the scale */
    double dot_floor;     /* of q.k, in nats: times the scale, whether that is in it already or to come */
    double logit_floor;   /* of a logit, bias included, in nats */
    double weight_floor;  /* of a weight, of which the largest is e^-max_offset */
    double out_floor;     /* of weighted sums, all of them together, with such weights */
    double divided_floor; /* of outputs and partial outputs that are divided by their sums of weights */

    /* Magnitudes beyond which a dtype overflows and nothing can be promised; 0 where it does not. Those of
     * dots, folded slopes, biases and logits are in nats; slope_max is of the slope as given, partial_max of partial
     * outputs. Where the scale is 0, dot_max is of q.k itself. */
    double position_max, slope_max, folded_slope_max, bias_max, dot_max, logit_max, partial_max;
    bool scale_overflows; /* the scale itself is infinite in f32, or 0 where slopes are divided by it */

    /* The order of summation: a block goes through its keys in rounds; a chunk (0: all keys) is one block's. */
    int64_t keys_per_round, chunk_len;
    int rescales_per_round; /* 1, or 0 where the maximum is known from the start */
    int sum_adds_per_round; /* additions to one partial sum of weights in a round */
    int out_adds_per_round; /* additions to one partial weighted sum in a round */
    int sum_adds_after;     /* additions after the last round, within the block */
    int out_adds_after;
    int rescales_after; /* rescalings after the last round, merges of blocks included */
};

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

/* Those of out alone. */
enum error_kind error_bound(double *bound, const struct rounding_model *model, const struct problem *problem,
                            const struct truth *truth, int threads, const struct progress *progress,
                            struct error *error);

#endif
