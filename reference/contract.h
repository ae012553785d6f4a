/*
 * What a truth is the truth of. A kernel that has to reproduce a checkpoint's rounded biases is judged by the biases
 * that it promises, not by the formula's.
 *
 * A contract says which scale, slope and bias enter the formula of problem.h, and leaves the rest as it is:
 *
 *     logit_j = scale * k_scale * <q, k_j> + slope * distance_j + rounded_j
 *
 *   inputs        the problem's scale and slopes, exact as given; rounded_j = 0 and
 *                 distance_j = kv_offset + j - q_position
 *   formula       1 / sqrt(head_dim) and 2^(-b n / d) (slopes.h) as real numbers, in the place of their roundings
 *   bf16_bias     rounded_j = bf16(f32(slope * f32(kv_offset + j))), the bias that BLOOM's checkpoints were trained
 *                 with (Hugging Face transformers, build_alibi_tensor: slopes times positions in f32, then rounded to
 *                 the model's dtype). distance_j = -q_position takes off what that form adds to every logit, so that
 *                 lse means the same as in the others
 *   f16_distance  distance_j rounded to f16, as in ggml, whose mask holds distances in f16. From 65520 on that is an
 *                 infinity, and the key drops out, on either side of the query
 */
#ifndef REFERENCE_CONTRACT_H
#define REFERENCE_CONTRACT_H

#include <mpfr.h>

#include "reference/problem.h"
#include "reference/slopes.h"

enum truth_of { TRUTH_OF_INPUTS, TRUTH_OF_FORMULA, TRUTH_OF_BF16_BIAS, TRUTH_OF_F16_DISTANCE, TRUTH_OF_COUNT };

struct truth_of_info {
    const char *name;    /* as in case files and records */
    const char *meaning; /* in a line */
};

extern const struct truth_of_info truth_ofs[TRUTH_OF_COUNT];

/* All zero: that of the inputs. */
struct truth_contract {
    enum truth_of of;
    /* Read by TRUTH_OF_FORMULA alone: where the problem's scale and slopes come from. */
    bool default_scale;               /* 1 / sqrt(head_dim), rounded; else the problem's scale is exact */
    enum slope_convention convention; /* of slopes that slopes_fill made */
    double max_bias;
    int head_offset, total_heads; /* head 0 of the problem is head head_offset of total_heads; 0 in all: the problem's
                                     slopes come from no convention and are exact */
};

/* The same for the heads of a part, of which first_head of the problem is the first. */
struct truth_contract truth_contract_of_heads(const struct truth_contract *contract, int first_head);

/* The bias of a key: slope * distance + rounded, both exact. */
struct contract_bias {
    bool dropped; /* the key takes no part, as if it were not visible */
    int64_t distance;
    double rounded;
};

struct contract_bias contract_bias(enum truth_of of, const struct problem *problem, int head, int64_t key);

/* scale * k_scale and a head's slope, the one a double at most and the other an f32 at most, or real numbers that are
 * rounded: relative error at most 2^(12 - p), p the precision of the number. For slopes that f32 can hold. */
void contract_scale(mpfr_t scale, const struct truth_contract *contract, const struct problem *problem);
void contract_slope(mpfr_t slope, const struct truth_contract *contract, const struct problem *problem, int head);

#endif
