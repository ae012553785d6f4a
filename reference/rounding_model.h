/*
 * A kernel's rounding model: the relative error of each of its steps and the order of its summations, which is all that
 * its error bound (error_bound.h) knows of it. Logits are in nats or in base 2, as the kernel forms them.
 *
 * Where the order is not known, as of an output that came from elsewhere, any_order says so: the bound then holds
 * whatever the order is (any_order.md), and members of its own take the place of the order of summation.
 */
#ifndef REFERENCE_ROUNDING_MODEL_H
#define REFERENCE_ROUNDING_MODEL_H

#include <stdbool.h>
#include <stdint.h>

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
    double cap_argument;   /* of what a soft cap is applied to, as it is divided by the cap */
    double cap;            /* of a soft cap's tanh, and of its product with the cap */
    double capped;         /* of a biased logit's rounding to a narrow dtype after its soft cap, not in `logit` then */
    double sink;           /* of a learned sink as it is given, in the logits' units */
    double shift;          /* of logit - maximum */
    double exponential;    /* of 2^x */
    double rescale;        /* of one multiplication by a rescaling factor, the factor's own error included */
    double add;            /* of one addition to a sum of weights or weighted values */
    double weight;         /* of a weight's rounding before the product with v, a division before it included */
    double sum_narrow;     /* of the rounding of a lane's sum of weights to a narrow dtype */
    double out_narrow;     /* the same of its weighted sum */
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
    double slope_floor;               /* of the slope's rounding to a narrow dtype, which does not hold it */
    double slope_divided;             /* of a slope that is divided by the scale: times the scale */
    double dot_floor;                 /* of q.k, in nats: times the scale, whether that is in it already or to come */
    double logit_floor;               /* of a logit, bias included, in nats */
    double cap_floor;                 /* of a logit that is capped, in nats */
    double weight_floor;              /* of a weight, of which the largest is e^-max_offset */
    double probability_floor;         /* of a weight that was divided by the sum of weights */
    double sum_floor;                 /* of the sum of such weights, all roundings together */
    double query_floor, query_normal; /* of an element of a scaled query below query_normal, which is not held */
    double dot_alignment, dot_normal; /* of q.k in fused sums, where elements below dot_normal are taken for it: times
                                       * the largest product that one of them would make so */
    double out_floor;                 /* of weighted sums, all of them together, with such weights */
    double divided_floor;             /* of outputs and partial outputs that are divided by their sums of weights */

    /* Magnitudes beyond which a dtype overflows and nothing can be promised; 0 where it does not. Those of
     * dots, folded slopes, biases and logits are in nats; slope_max is of the slope as given, partial_max of partial
     * outputs. Where the scale is 0, dot_max is of q.k itself. */
    double position_max, slope_max, folded_slope_max, bias_max, dot_max, logit_max, partial_max, query_max;
    double lane_sum_max, lane_out_max; /* of a lane's sums in narrow dtypes */
    bool scale_overflows;              /* the scale itself is infinite in f32, or 0 where slopes are divided by it */

    /* The order of summation: a block goes through its keys in rounds; a chunk (0: all keys) is one block's. */
    int64_t keys_per_round, chunk_len;
    int rescales_per_round; /* 1, or 0 where the maximum is known from the start */
    int sum_adds_per_round; /* additions to one partial sum of weights in a round */
    int out_adds_per_round; /* additions to one partial weighted sum in a round */
    int sum_adds_after;     /* additions after the last round, within the block */
    int out_adds_after;
    int rescales_after; /* rescalings after the last round, merges of blocks included */

    /* Any order: of what precedes, rescales_after alone is read, as what rescales a key beside new maxima, and
     * sum_narrow, out_narrow and the limits of sums are not. `weight` is of what is rounded of each key's part of the
     * output beside the weight itself: products with v. */
    bool any_order;
    int64_t chain;                   /* additions that a key's part goes through at most; 0: any number */
    double add_lost;                 /* an addition also loses at most this many times either of its sides */
    double dot_add;                  /* of all additions of q.k, relative to the largest of its partial sums */
    double dot_result;               /* of q.k once it is summed up, relative to q.k itself */
    double narrow_bias;              /* of a bias's rounding to a narrow dtype, unless its slope is a power of two */
    double maximum;                  /* of a maximum, relative to its size, that logits are scaled apart from */
    double narrow_weight;            /* of a weight's rounding before the product with v, and perhaps in its sum */
    double narrow_weight_floor;      /* its absolute part, of a weight of which the largest is e^-max_offset */
    double narrow_probability_floor; /* the same of a weight that was divided by the sum of weights */
    double sum_max;                  /* what a sum of weights overflows beyond; 0: it does not */
    bool lse_weights;                /* weights may be taken against the row's lse and not be divided by their sum */
};

#endif
