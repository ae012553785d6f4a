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
    real scale; /* before a soft cap natural, and divided by the cap where q.k or the sum is multiplied by it */
    real slope; /* divided by what the sum is multiplied by where that is: the scale, or the cap before it */
    real cap;   /* of a soft cap */
};

SIMT_FUNCTION struct head_factors head_factors(const struct attention_args *args, int head)
{
    bool capped_dot = args->soft_cap_entry == SOFT_CAP_BEFORE_BIAS, of_sum = args->recipe.scale_entry == SCALE_SUM;
    real scale = round_in(STAGE_SCALE, args->recipe.scale_dtype, real_of(args->scale));
    real slope = real_of(args->recipe.bias != BIAS_NONE ? args->slopes[head] : 0.0f);
    real cap = real_of(args->soft_cap);
    slope = round_in(STAGE_SLOPE, args->recipe.slope_dtype, slope);
    if (of_sum)
        slope = div_in(STAGE_SLOPE, slope, capped_dot ? cap : scale);
    else if (folds_log2e(args))
        slope = to_base_2_in(STAGE_SLOPE, slope);
    if (capped_dot && (of_sum || args->recipe.scale_entry == SCALE_DOT))
        scale = div_in(STAGE_CAP, scale, cap);
    if (!capped_dot && folds_log2e(args))
        scale = to_base_2_in(STAGE_SCALE, scale);
    if (args->soft_cap_entry != SOFT_CAP_NONE && folds_log2e(args))
        cap = to_base_2_in(STAGE_CAP, cap);
    return (struct head_factors){scale, slope, cap};
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

/* A logit once it is formed. */
SIMT_FUNCTION real finished_logit(const struct attention_args *args, real logit)
{
    logit = round_in(STAGE_LOGIT, args->recipe.logit_dtype, logit);
    return args->recipe.log2e == LOG2E_LOGIT ? to_base_2_in(STAGE_LOGIT, logit) : logit;
}

/* tanh of what a soft cap is applied to, divided by the cap. */
SIMT_FUNCTION real capped(const struct attention_args *args, real x)
{
    x = tanh_in(STAGE_CAP, x);
    return args->recipe.soft_cap == SOFT_CAP_DOUBLED ? tanh_in(STAGE_CAP, x) : x;
}

/* C tanh(x) + bias, where sums are scaled C (tanh(x) + bias / C). */
SIMT_FUNCTION real capped_logit(const struct attention_args *args, real x, struct head_factors factors, int64_t key)
{
    real bias = key_bias(args, factors.slope, key), logit = capped(args, x);
    if (args->recipe.scale_entry == SCALE_SUM)
        logit = mul_in(STAGE_LOGIT, add_in(STAGE_LOGIT, logit, bias), factors.cap);
    else
        logit = fma_in(STAGE_LOGIT, logit, factors.cap, bias);
    return finished_logit(args, logit);
}

/* C tanh(x) of a biased logit. */
SIMT_FUNCTION real capped_sum(const struct attention_args *args, real x, struct head_factors factors)
{
    real logit = mul_in(STAGE_CAP, capped(args, x), factors.cap);
    return finished_logit(args, logit);
}

/* The logit of a visible key. */
SIMT_FUNCTION real biased_logit(const struct attention_args *args, real dot, struct head_factors factors, int64_t key)
{
    if (args->soft_cap_entry == SOFT_CAP_BEFORE_BIAS) {
        bool multiplied = args->recipe.scale_entry == SCALE_DOT || args->recipe.scale_entry == SCALE_SUM;
        if (args->recipe.scale_entry == SCALE_PRODUCT)
            dot = round_in(STAGE_LOGIT, args->recipe.scaled_dtype, mul_in(STAGE_LOGIT, dot, factors.scale));
        real x = multiplied ? mul_in(STAGE_CAP, dot, factors.scale) : div_in(STAGE_CAP, dot, real_of(args->soft_cap));
        return capped_logit(args, x, factors, key);
    }
    real bias = key_bias(args, factors.slope, key), logit;
    if (args->recipe.scale_entry == SCALE_PRODUCT)
        dot = round_in(STAGE_LOGIT, args->recipe.scaled_dtype, mul_in(STAGE_LOGIT, dot, factors.scale));
    if (args->recipe.scale_entry == SCALE_DOT)
        logit = fma_in(STAGE_LOGIT, dot, factors.scale, bias);
    else
        logit = add_in(STAGE_LOGIT, dot, bias);
    if (args->recipe.scale_entry == SCALE_SUM)
        logit = mul_in(STAGE_LOGIT, logit, factors.scale);
    if (args->soft_cap_entry == SOFT_CAP_AFTER_BIAS)
        return capped_sum(args, div_in(STAGE_CAP, logit, factors.cap), factors);
    return finished_logit(args, logit);
}

/* What stands for a masked key, capped as its logit would be. */
SIMT_FUNCTION real capped_mask(const struct attention_args *args, struct head_factors factors, int64_t key)
{
    real x = div_in(STAGE_CAP, real_of(args->sequence.masked_logit), factors.cap);
    return args->soft_cap_entry == SOFT_CAP_BEFORE_BIAS ? capped_logit(args, x, factors, key)
                                                        : capped_sum(args, x, factors);
}

/* How many masks remove a key that one removes, as far as the recipe asks. */
SIMT_FUNCTION int masks_of(const struct attention_args *args, int64_t key)
{
    bool each = args->recipe.masked_entry == MASKED_ADD_EACH && args->sequence.has_mask;
    return each ? 1 + (args->visible[args->sequence.first_key + key] >> 1) : 1;
}

/* The logit of any key before `last`, and of what fills a tile beyond. */
SIMT_FUNCTION real key_logit(const struct attention_args *args, real dot, struct head_factors factors, int64_t key,
                             int64_t last, bool masked)
{
    if (!masked)
        return biased_logit(args, dot, factors, key);
    if (args->soft_cap_entry != SOFT_CAP_NONE && args->recipe.soft_cap == SOFT_CAP_AFTER_MASK && key < last)
        return capped_mask(args, factors, key);
    if (args->recipe.masked_entry == MASKED_REPLACE)
        return real_of(args->sequence.masked_logit);
    if (key >= last)
        return real_of(-FLOAT_INFINITY);
    real logit = biased_logit(args, dot, factors, key);
    SIMT_NO_UNROLL
    for (int masks = masks_of(args, key); masks > 0; masks--) {
        logit = add_in(STAGE_LOGIT, logit, real_of(args->sequence.masked_logit));
        logit = round_in(STAGE_LOGIT, args->recipe.logit_dtype, logit);
    }
    return logit;
}

/* e^difference or 2^difference, after the logits' units. */
SIMT_FUNCTION real weight_of(enum stage stage, const struct attention_args *args, real difference)
{
    int exponential = args->recipe.exponential;
    if (natural_logits(args) && exponential < EXPONENTIAL_EXP)
        difference = to_base_2_in(STAGE_SHIFT, difference);
    if (exponential == EXPONENTIAL_FEXP_U20 && stage != STAGE_EXPONENTIAL)
        exponential = EXPONENTIAL_EXP;
    return exponential_in(stage, exponential, difference);
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

/* The same where chunks alone are merged, which a recipe may leave unguarded. */
SIMT_FUNCTION real chunk_factor(const struct attention_args *args, real from, real to)
{
    if (args->recipe.contract.merge_guards == MERGE_GUARDS_NONE && value_of(from) == -FLOAT_INFINITY)
        return weight_of(STAGE_MERGE, args, sub_in(STAGE_MERGE, from, to));
    return merge_factor(args, from, to);
}

/* log(sum) + max, in the logits' units. */
SIMT_FUNCTION real state_lse(enum stage stage, const struct attention_args *args, real max, real sum)
{
    real logarithm = log2_in(stage, sum);
    return add_in(stage, max, natural_logits(args) ? to_base_e_in(stage, logarithm) : logarithm);
}

/* An lse in the logits' units as the recipe returns it. */
SIMT_FUNCTION real returned_lse(const struct attention_args *args, real lse)
{
    if (args->recipe.contract.lse_base == LSE_BASE_2)
        return natural_logits(args) ? to_base_2_in(STAGE_LSE, lse) : lse;
    return natural_logits(args) ? lse : to_base_e_in(STAGE_LSE, lse);
}

/* A row without a visible key, to a recipe that tells it by its maximum. A learned sink is then all that it has. */
SIMT_FUNCTION bool row_at_sentinel(const struct attention_args *args, real max)
{
    return args->recipe.empty_row == EMPTY_ROW_AT_SENTINEL && value_of(max) == args->sequence.masked_logit;
}

/* A row without weight. */
SIMT_FUNCTION bool row_without_weight(const struct attention_args *args, real sum)
{
    return args->recipe.empty_row != EMPTY_ROW_DIVIDE && value_of(sum) == 0.0f;
}

/* A row that gives nothing, as the recipe sees it. */
SIMT_FUNCTION bool row_empty(const struct attention_args *args, real max, real sum)
{
    return row_at_sentinel(args, max) || row_without_weight(args, sum);
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
    weight = round_weight_in(STAGE_WEIGHTED_SUM, args->recipe.weight_dtype, weight);
    if (args->recipe.weight_scale != 0)
        weight = div_in(STAGE_WEIGHTED_SUM, weight, real_of(args->recipe.weight_scale));
    return weight;
}

/* A block's state: thread d < head_dim has element d of out; max and sum are the same in every thread. */
struct block_state {
    real max, sum, out;
    bool divided; /* out is divided by the sum already */
};

/* The maximum as that of biases relative to the query. */
SIMT_FUNCTION real relative_max(const struct attention_args *args, enum stage stage, int head, real max)
{
    real slope = real_of(args->recipe.bias != BIAS_NONE ? args->slopes[head] : 0.0f);
    if (args->sequence.lse_distance == 0)
        return max;
    if (!natural_logits(args))
        slope = to_base_2_in(STAGE_SLOPE, slope);
    return sub_in(stage, max, mul_in(stage, slope, integer_in(stage, args->sequence.lse_distance)));
}

/* A head's learned sink, a logit without a value, with the maximum of all, which is relative. */
SIMT_FUNCTION struct block_state with_sink(const struct attention_args *args, int head, struct block_state state)
{
    real sink = real_of(args->sink_logits[head]);
    if (!natural_logits(args))
        sink = to_base_2_in(STAGE_MERGE, sink);
    real max = real_max(state.max, sink), weight = key_weight(args, sink, max);
    real factor = rescale_factor(STAGE_MERGE, args, state.max, max);
    if (args->recipe.sink == SINK_EVERY_CHUNK)
        weight = mul_in(STAGE_MERGE, weight, integer_in(STAGE_MERGE, args->sequence.num_chunks));
    real kept = mul_in(STAGE_MERGE, state.sum, factor), sum = fma_in(STAGE_MERGE, state.sum, factor, weight);
    state.out = mul_in(STAGE_MERGE, state.out, state.divided ? div_in(STAGE_MERGE, kept, sum) : factor);
    state.sum = sum;
    state.max = max;
    return state;
}

/* Divides, if that is still to be done, and writes a head's out and lse. */
SIMT_FUNCTION void store_head(const struct attention_args *args, int head, struct block_state state)
{
    int thread = (int)threadIdx.x;
    real max = state.max;
    if (args->sink_logits) {
        state.max = relative_max(args, STAGE_MERGE, head, state.max);
        if (row_at_sentinel(args, max))
            state = (struct block_state){.max = real_of(-FLOAT_INFINITY), .sum = real_of(0.0f), .out = real_of(0.0f)};
        state = with_sink(args, head, state);
    }
    bool empty = args->sink_logits ? row_without_weight(args, state.sum) : row_empty(args, max, state.sum);
    bool left = empty && args->recipe.empty_row == EMPTY_ROW_UNWRITTEN;
    if (thread < args->head_dim && !left) {
        real out = empty ? real_of(0.0f) : state.out;
        if (!empty && !state.divided)
            out = divide_by_sum(args, STAGE_DIVISION, out, state.sum);
        if (args->value_scale != 1.0f)
            out = mul_in(STAGE_DIVISION, out, real_of(args->value_scale));
        store_in(STAGE_OUTPUT, (enum dtype)args->dtype, args->out,
                 query_row(args, head) * (size_t)args->head_dim + (size_t)thread, out);
    }
    if (thread == 0) {
        bool above = args->recipe.contract.empty_row_lse == EMPTY_ROW_LSE_ABOVE;
        real lse = real_of(above ? FLOAT_INFINITY : -FLOAT_INFINITY);
        if (!empty) {
            lse = args->sink_logits ? state.max : relative_max(args, STAGE_LSE, head, state.max);
            lse = returned_lse(args, state_lse(STAGE_LSE, args, lse, state.sum));
        }
        ((real *)args->lse)[query_row(args, head)] = lse;
    }
}

#endif
