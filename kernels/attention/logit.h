/*
 * How a recipe forms logits, weights and results.
 *
 * Logits are natural where log2(e) enters at the exponential, else in base 2: because scale and slope are, or because
 * each one is multiplied by log2(e) once it is formed.
 */
#ifndef KERNELS_ATTENTION_LOGIT_H
#define KERNELS_ATTENTION_LOGIT_H

#include "kernels/attention/sequence.h"
#include "kernels/dialect/elements.h"

/* log2(e) enters at the exponential. */
SIMT_FUNCTION bool natural_logits(const struct attention_args *args)
{
    return args->recipe.log2e == LOG2E_EXPONENTIAL;
}

/* It enters in scale and slope. */
SIMT_FUNCTION bool folds_log2e(const struct attention_args *args)
{
    return args->recipe.log2e == LOG2E_FOLDED;
}

/* What a head's logits are formed with, in base 2 where log2(e) is folded. */
struct head_factors {
    real scale;
    real slope; /* divided by the scale where the sum is scaled */
};

SIMT_FUNCTION struct head_factors head_factors(const struct attention_args *args, int head)
{
    real scale = round_in(STAGE_SCALE, args->recipe.scale_dtype, real_of(args->scale));
    real slope = real_of(args->recipe.bias != BIAS_NONE ? args->slopes[head] : 0.0f);
    slope = round_in(STAGE_SLOPE, args->recipe.slope_dtype, slope);
    if (args->recipe.scale_entry == SCALE_SUM)
        slope = div_in(STAGE_SLOPE, slope, scale);
    else if (folds_log2e(args))
        slope = to_base_2_in(STAGE_SLOPE, slope);
    if (folds_log2e(args))
        scale = to_base_2_in(STAGE_SCALE, scale);
    return (struct head_factors){scale, slope};
}

SIMT_FUNCTION real key_bias(const struct attention_args *args, real slope, int64_t key)
{
    int64_t distance = key + args->sequence.key_distance;
    if (args->recipe.positions == POSITIONS_TOP_LEFT && distance > 0)
        distance = -distance;
    real position = round_in(STAGE_BIAS, args->recipe.position_dtype, integer_in(STAGE_BIAS, distance));
    return round_in(STAGE_BIAS, args->recipe.bias_dtype, mul_in(STAGE_BIAS, slope, position));
}

/* A key that the recipe masks for the sign of its bias. */
SIMT_FUNCTION bool bias_masks(const struct attention_args *args, struct head_factors factors, int64_t key)
{
    return args->recipe.positive_bias == POSITIVE_BIAS_MASKED && value_of(key_bias(args, factors.slope, key)) > 0.0f;
}

/* The logit of a visible key. */
SIMT_FUNCTION real biased_logit(const struct attention_args *args, real dot, struct head_factors factors, int64_t key)
{
    real bias = key_bias(args, factors.slope, key), logit;
    if (args->recipe.scale_entry == SCALE_PRODUCT)
        dot = round_in(STAGE_LOGIT, args->recipe.scaled_dtype, mul_in(STAGE_LOGIT, dot, factors.scale));
    if (args->recipe.scale_entry == SCALE_DOT)
        logit = fma_in(STAGE_LOGIT, dot, factors.scale, bias);
    else
        logit = add_in(STAGE_LOGIT, dot, bias);
    if (args->recipe.scale_entry == SCALE_SUM)
        logit = mul_in(STAGE_LOGIT, logit, factors.scale);
    logit = round_in(STAGE_LOGIT, args->recipe.logit_dtype, logit);
    return args->recipe.log2e == LOG2E_LOGIT ? to_base_2_in(STAGE_LOGIT, logit) : logit;
}

/* The logit of any key before `last`, and of what fills a tile beyond. */
SIMT_FUNCTION real key_logit(const struct attention_args *args, real dot, struct head_factors factors, int64_t key,
                             int64_t last, bool masked)
{
    if (!masked)
        return biased_logit(args, dot, factors, key);
    if (args->recipe.masked_entry != MASKED_ADD)
        return real_of(args->sequence.masked_logit);
    if (key >= last)
        return real_of(-FLOAT_INFINITY);
    real logit = add_in(STAGE_LOGIT, biased_logit(args, dot, factors, key), real_of(args->sequence.masked_logit));
    return round_in(STAGE_LOGIT, args->recipe.logit_dtype, logit);
}

/* e^difference or 2^difference, after the logits' units. */
SIMT_FUNCTION real weight_of(enum stage stage, const struct attention_args *args, real difference)
{
    if (natural_logits(args) && args->recipe.exponential != EXPONENTIAL_EXP)
        difference = to_base_2_in(STAGE_SHIFT, difference);
    return exponential_in(stage, args->recipe.exponential, difference);
}

/* The maximum of some keys as the recipe goes on with it. */
SIMT_FUNCTION real guarded_max(const struct attention_args *args, real max)
{
    return args->recipe.guards == GUARDS_ZERO_MAX && value_of(max) == -FLOAT_INFINITY ? real_of(0.0f) : max;
}

/* No key has been seen, and the recipe knows it. */
SIMT_FUNCTION bool nothing_seen(const struct attention_args *args, real max)
{
    return args->recipe.guards == GUARDS_SOUND && value_of(max) == -FLOAT_INFINITY;
}

/* The weight of a logit against a maximum; 0 where the logit is infinite and guarded. */
SIMT_FUNCTION real key_weight(const struct attention_args *args, real logit, real max)
{
    if (args->recipe.guards != GUARDS_NONE && value_of(logit) == -FLOAT_INFINITY)
        return real_of(0.0f);
    return weight_of(STAGE_EXPONENTIAL, args, sub_in(STAGE_SHIFT, logit, max));
}

/* The factor that moves a sum from one maximum to another; 0 from an empty (infinite) one if guarded. */
SIMT_FUNCTION real rescale_factor(enum stage stage, const struct attention_args *args, real from, real to)
{
    if (args->recipe.guards != GUARDS_NONE && value_of(from) == -FLOAT_INFINITY)
        return real_of(0.0f);
    return weight_of(stage, args, sub_in(stage, from, to));
}

/* The same when warps and chunks are merged, where a recipe may cut small factors off. */
SIMT_FUNCTION real merge_factor(const struct attention_args *args, real from, real to)
{
    if (args->recipe.merge_cutoff != 0 && value_of(from) - value_of(to) < args->recipe.merge_cutoff)
        return real_of(0.0f);
    return rescale_factor(STAGE_MERGE, args, from, to);
}

/* log(sum) + max, in the logits' units. */
SIMT_FUNCTION real state_lse(enum stage stage, const struct attention_args *args, real max, real sum)
{
    real logarithm = log2_in(stage, sum);
    return add_in(stage, max, natural_logits(args) ? to_base_e_in(stage, logarithm) : logarithm);
}

/* A row without weight, as the recipe sees it. */
SIMT_FUNCTION bool row_empty(const struct attention_args *args, real max, real sum)
{
    if (args->recipe.empty_row == EMPTY_ROW_AT_SENTINEL && value_of(max) == args->sequence.masked_logit)
        return true;
    return args->recipe.empty_row != EMPTY_ROW_DIVIDE && value_of(sum) == 0.0f;
}

/* out / (sum + epsilon) */
SIMT_FUNCTION real divide_by_sum(const struct attention_args *args, enum stage stage, real out, real sum)
{
    if (args->recipe.epsilon != 0)
        sum = add_in(stage, sum, real_of(args->recipe.epsilon));
    if (args->recipe.division == DIVISION_RECIPROCAL)
        return mul_in(stage, out, reciprocal_in(stage, sum));
    return div_in(stage, out, sum);
}

/* The weight of a key as it is multiplied with v. */
SIMT_FUNCTION real rounded_weight(const struct attention_args *args, real weight)
{
    if (args->recipe.weight_dtype == ROUND_F32)
        return weight;
    if (args->recipe.weight_scale != 0)
        weight = mul_in(STAGE_WEIGHTED_SUM, weight, real_of(args->recipe.weight_scale));
    weight = round_in(STAGE_WEIGHTED_SUM, args->recipe.weight_dtype, weight);
    if (args->recipe.weight_scale != 0)
        weight = div_in(STAGE_WEIGHTED_SUM, weight, real_of(args->recipe.weight_scale));
    return weight;
}

/* A block's state: thread d < head_dim has element d of out; max and sum are the same in every thread. */
struct block_state {
    real max, sum, out;
    bool divided; /* out is divided by the sum already */
};

/* Divides, if that is still to be done, and writes a head's out and lse. */
SIMT_FUNCTION void store_head(const struct attention_args *args, int head, struct block_state state)
{
    int thread = (int)threadIdx.x;
    bool empty = row_empty(args, state.max, state.sum);
    if (thread < args->head_dim) {
        real out = empty ? real_of(0.0f) : state.out;
        if (!empty && !state.divided)
            out = divide_by_sum(args, STAGE_DIVISION, out, state.sum);
        if (args->value_scale != 1.0f)
            out = mul_in(STAGE_DIVISION, out, real_of(args->value_scale));
        store_in(STAGE_OUTPUT, (enum dtype)args->dtype, args->out,
                 query_row(args, head) * (size_t)args->head_dim + (size_t)thread, out);
    }
    if (thread == 0) {
        real lse = real_of(-FLOAT_INFINITY);
        if (!empty) {
            real slope = real_of(args->recipe.bias != BIAS_NONE ? args->slopes[head] : 0.0f);
            lse = state.max;
            if (args->sequence.lse_distance != 0) {
                if (!natural_logits(args))
                    slope = to_base_2_in(STAGE_SLOPE, slope);
                lse = sub_in(STAGE_LSE, lse,
                             mul_in(STAGE_LSE, slope, integer_in(STAGE_LSE, args->sequence.lse_distance)));
            }
            lse = state_lse(STAGE_LSE, args, lse, state.sum);
            if (!natural_logits(args))
                lse = to_base_e_in(STAGE_LSE, lse);
        }
        ((real *)args->lse)[query_row(args, head)] = lse;
    }
}

#endif
