/* Recipes that are sound wherever a problem is, each with one choice other than zero, and some with many. */
#ifndef KERNELS_TESTS_SOUND_RECIPES_H
#define KERNELS_TESTS_SOUND_RECIPES_H

#include "kernels/recipe.h"

#define SOUND(...)                                             \
    {                                                          \
        .sentinel = {.policy = SENTINEL_INFINITY}, __VA_ARGS__ \
    }

static const struct recipe sound_recipes[] = {
    SOUND(.name = "infinity"),
    SOUND(.name = "natural polynomial", .log2e = LOG2E_EXPONENTIAL),
    SOUND(.name = "natural exp", .log2e = LOG2E_EXPONENTIAL, .exponential = EXPONENTIAL_EXP),
    SOUND(.name = "natural absolute", .log2e = LOG2E_EXPONENTIAL, .exponential = EXPONENTIAL_EXP,
          .bias = BIAS_ABSOLUTE),
    SOUND(.name = "natural ex2_approx", .log2e = LOG2E_EXPONENTIAL, .exponential = EXPONENTIAL_EX2_APPROX),
    SOUND(.name = "logits times log2e", .log2e = LOG2E_LOGIT),
    SOUND(.name = "logits times log2e absolute", .log2e = LOG2E_LOGIT, .bias = BIAS_ABSOLUTE,
          .exponential = EXPONENTIAL_EX2_APPROX),
    SOUND(.name = "logits times log2e, sum scaled", .log2e = LOG2E_LOGIT, .scale_entry = SCALE_SUM, .merge = MERGE_LSE),
    SOUND(.name = "exp2", .exponential = EXPONENTIAL_EXP2),
    SOUND(.name = "query scaled", .scale_entry = SCALE_QUERY),
    SOUND(.name = "sum scaled", .scale_entry = SCALE_SUM),
    SOUND(.name = "sum scaled absolute", .scale_entry = SCALE_SUM, .bias = BIAS_ABSOLUTE),
    SOUND(.name = "sum scaled natural", .scale_entry = SCALE_SUM, .log2e = LOG2E_EXPONENTIAL),
    SOUND(.name = "reciprocal", .division = DIVISION_RECIPROCAL),
    SOUND(.name = "weights f16", .weight_dtype = ROUND_F16),
    SOUND(.name = "weights bf16", .weight_dtype = ROUND_BF16),
    SOUND(.name = "dot f16", .dot_dtype = ROUND_F16),
    SOUND(.name = "logits f16", .logit_dtype = ROUND_F16),
    SOUND(.name = "logits bf16", .logit_dtype = ROUND_BF16),
    SOUND(.name = "slopes f16", .slope_dtype = ROUND_F16),
    SOUND(.name = "slopes bf16", .slope_dtype = ROUND_BF16),
    SOUND(.name = "positions f16", .position_dtype = ROUND_F16),
    SOUND(.name = "biases bf16", .bias_dtype = ROUND_BF16, .log2e = LOG2E_EXPONENTIAL),
    SOUND(.name = "biases f16", .bias_dtype = ROUND_F16),
    SOUND(.name = "scaled apart", .scale_entry = SCALE_PRODUCT),
    SOUND(.name = "scaled f16", .scale_entry = SCALE_PRODUCT, .scaled_dtype = ROUND_F16),
    SOUND(.name = "framework", .scale_entry = SCALE_PRODUCT, .log2e = LOG2E_EXPONENTIAL, .exponential = EXPONENTIAL_EXP,
          .dot_result_dtype = ROUND_INPUT, .scaled_dtype = ROUND_INPUT, .logit_dtype = ROUND_INPUT,
          .weight_form = WEIGHT_PROBABILITIES, .weight_dtype = ROUND_INPUT),
    SOUND(.name = "scale and query rounded", .scale_entry = SCALE_QUERY, .scale_dtype = ROUND_BF16,
          .query_dtype = ROUND_F16),
    SOUND(.name = "dot result bf16", .dot_result_dtype = ROUND_BF16),
    SOUND(.name = "probabilities", .weight_form = WEIGHT_PROBABILITIES),
    SOUND(.name = "probabilities f16", .weight_form = WEIGHT_PROBABILITIES, .weight_dtype = ROUND_F16),
    SOUND(.name = "weights e4m3", .weight_dtype = ROUND_E4M3, .weight_scale = 448),
    SOUND(.name = "weights e5m2", .weight_dtype = ROUND_E5M2),
    SOUND(.name = "probabilities e4m3", .weight_form = WEIGHT_PROBABILITIES, .weight_dtype = ROUND_E4M3,
          .weight_scale = 256),
    SOUND(.name = "sum f16", .sum_dtype = ROUND_F16),
    SOUND(.name = "sum bf16", .sum_dtype = ROUND_BF16),
    SOUND(.name = "weighted sum f16", .weighted_sum_dtype = ROUND_F16),
    SOUND(.name = "weighted sum bf16", .weighted_sum_dtype = ROUND_BF16),
    SOUND(.name = "running maximum", .tile_keys = 64, .weight_dtype = ROUND_F16),
    SOUND(.name = "raised running maximum", .tile_keys = 32, .max_offset = 5),
    SOUND(.name = "raised maximum", .max_offset = 2.0794415f),
    SOUND(.name = "initial sum", .initial_sum = 1),
    SOUND(.name = "normalized", .merge = MERGE_NORMALIZED),
    SOUND(.name = "lse", .merge = MERGE_LSE),
    SOUND(.name = "lse natural absolute", .merge = MERGE_LSE, .log2e = LOG2E_EXPONENTIAL, .bias = BIAS_ABSOLUTE),
    SOUND(.name = "partials f16", .merge = MERGE_LSE, .partial_dtype = ROUND_F16),
    SOUND(.name = "partials bf16", .partial_dtype = ROUND_BF16),
    SOUND(.name = "partials f16 undivided", .partial_dtype = ROUND_F16),
    {.name = "initial -FLT_MAX",
     .sentinel = {.policy = SENTINEL_EXCLUDE},
     .initial_max = INITIAL_MAX_VALUE,
     .initial_max_value = -0x1.fffffep+127f},
    {.name = "added infinity",
     .sentinel = {.policy = SENTINEL_INFINITY},
     .masked_entry = MASKED_ADD,
     .log2e = LOG2E_EXPONENTIAL},
    {.name = "many",
     .sentinel = {.policy = SENTINEL_EXCLUDE},
     .bias = BIAS_ABSOLUTE,
     .exponential = EXPONENTIAL_EX2_APPROX,
     .scale_entry = SCALE_QUERY,
     .log2e = LOG2E_EXPONENTIAL,
     .division = DIVISION_RECIPROCAL,
     .weight_dtype = ROUND_F16,
     .merge = MERGE_LSE,
     .partial_dtype = ROUND_F16},
};

enum { NUM_SOUND_RECIPES = sizeof sound_recipes / sizeof sound_recipes[0] };

#endif
