/*
 * The class that each shipped recipe is of, and what kernels that run it come to beside that class's bounds.
 *
 * A recipe's class is what its fields round (class_rounding.c has the roundings). Those of dtype `input` round nothing
 * where the problem's dtype is f32.
 */
#ifndef HARNESS_CASE_TESTS_RECIPE_CLASS_H
#define HARNESS_CASE_TESTS_RECIPE_CLASS_H

#include <string.h>

#include "harness/case/recipe_library.h"
#include "harness/judge/class/tests/order_trial.h"
#include "kernels/device/device.h"

struct recipe_class {
    const char *recipe;
    const char *of_16_bits, *of_f32; /* of outputs in f16 and bf16, and in f32; NULL: the same */
};

static const struct recipe_class recipe_classes[] = {
    {"ctranslate2", "f32+weights16+bias16+logits16", NULL},
    {"deepspeed-inference", "f32+weights16+absolute-bias+bias16", NULL},
    {"default", "f32", NULL},
    {"fastertransformer-decode", "f32+weights16+bias16", NULL},
    {"fastertransformer-prefill", "f32+weights16+bias16", NULL},
    {"flash-attention-2", "f32+weights16+absolute-bias", NULL},
    {"flashinfer-to-2026", "f32+absolute-bias+partials16", NULL},
    {"flashinfer", "f32+absolute-bias+partials16", NULL},
    {"ggml-cpu", "f32+bias16+sums16", NULL},
    {"ggml-flash-attention", "f32+weights16+bias16+partials16", NULL},
    {"hf-bloom", "f32+weights16+absolute-bias+bias16+logits16", "f32+absolute-bias"},
    {"hf-mpt", "f32+weights16+logits16", "f32"},
    {"jax-pallas-decode", "f32+weights16+partials16", NULL},
    {"jax-pallas", "f32+weights16", NULL},
    {"jax-xla", "f32+weights16+bias16", "f32"},
    {"llm-foundry-mpt", "f32+weights16+bias16+logits16", "f32"},
    {"mlx-cpu", "f32+weights16+bias16+query16+logits16", "f32"},
    {"mlx", "f32+bias16+partials16", NULL},
    {"onnx-runtime-attention-cpu", "f32+weights16+bias16+logits16", "f32"},
    {"onnx-runtime-cpu", "f32+bias16", "f32"},
    {"onnx-runtime", "f32+weights16+bias16", NULL},
    {"pytorch-eager", "f32+weights16+bias16+logits16", "f32"},
    {"pytorch-flash-cpu", "f32+weights16+bias16", "f32+weights16"},
    {"pytorch-flex-compiled-cpu", "f32+weights16", "f32"},
    {"pytorch-flex-eager", "f32+weights16", "f32"},
    {"pytorch-sdpa-math", "f32+bias16", "f32"},
    {"sound-adaptive", "f32", NULL},
    {"sound-exclude", "f32", NULL},
    {"sound-infinity", "f32", NULL},
    {"tensorrt-llm-decode", "f32+weights16+bias16+partials16", NULL},
    {"transformer-engine-fused-softmax", "f32+weights16+logits16", NULL},
    {"vllm-paged-v1", "f32+weights16", NULL},
    {"vllm-paged-v2", "f32+weights16+partials16", NULL},
    {"vllm-triton-alibi-prefix", "f32+weights16", NULL},
    {"vllm-triton-unified-2025", "f32+weights16", "f32"},
    {"vllm-triton-unified", "f32+weights16", "f32"},
};
enum { RECIPE_CLASSES = sizeof recipe_classes / sizeof recipe_classes[0] };

/* Aborts if a row's name is none. */
static inline class_set recipe_class_of(const struct recipe_class *row, enum dtype dtype)
{
    struct arithmetic_class arithmetic;
    if (!class_parse(&arithmetic, dtype == DTYPE_F32 && row->of_f32 ? row->of_f32 : row->of_16_bits, NULL))
        abort();
    return arithmetic.set;
}

/* Whether kernels take a drawn problem; what they do about a row that sees nothing is no rounding. */
static inline bool recipe_seed_serves(uint64_t seed, int64_t longest)
{
    struct order_problem made;
    order_problem_init(&made, seed, longest);
    bool visible = false;
    for (int64_t key = 0; key < made.problem.seq_len; key++)
        visible = visible || problem_visible(&made.problem, key);
    bool serves = visible && made.problem.head_dim >= HEAD_DIM_MIN;
    order_problem_clear(&made);
    return serves;
}

/* A problem of one query, which a launch works on, and that every recipe takes for what it is: no key is newer. */
static inline void recipe_trial_init(struct order_trial *trial, uint64_t seed, int64_t longest)
{
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    struct error error;
    seed *= 64;
    while (!recipe_seed_serves(seed, longest))
        seed++;
    order_trial_init(trial, seed, longest);
    struct problem *problem = &trial->made.problem;
    problem->q_position = problem->kv_offset + problem->seq_len - 1;
    problem->num_queries = 1;
    truth_clear(&trial->truth);
    if (truth_init(&trial->truth, problem, &error) || truth_certified(&trial->truth, problem, &options, &error))
        abort();
}

/* Runs a recipe, and has the bounds of its class beside it. False where the device refuses, or where an absolute bias
 * is under a soft cap, which makes it another problem. */
static inline bool recipe_trial_run(struct order_used *used, struct order_trial *trial, const struct recipe_class *row,
                                    enum kernel kernel, int64_t chunk_len, struct device *device)
{
    const struct kernel_options options = {.chunk_len = chunk_len};
    const struct recipe_entry *entry = recipe_library_find(row->recipe);
    double seconds;
    struct error error;
    if (!entry || (entry->recipe.bias == BIAS_ABSOLUTE && trial->made.problem.soft_cap == SOFT_CAP_AFTER_BIAS) ||
        device_run(device, kernel, &options, &entry->recipe, &trial->made.problem, &trial->output, &seconds, &error))
        return false;
    order_trial_bound(trial, recipe_class_of(row, trial->made.problem.dtype), 0);
    *used = order_trial_used(trial);
    return true;
}

#endif
