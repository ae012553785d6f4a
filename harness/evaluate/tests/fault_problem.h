/*
 * The problem that a fault is drawn for, as text of a case: sizes, mask, inputs, what problems may have beside keys and
 * slopes, and sound forms of a kernel.
 */
#ifndef HARNESS_EVALUATE_TESTS_FAULT_PROBLEM_H
#define HARNESS_EVALUATE_TESTS_FAULT_PROBLEM_H

#include "harness/evaluate/tests/fault_kind.h"

/* A mask of any kind, with keys on both sides; or none. */
static inline void fault_mask(struct drawn_fault *fault, uint64_t *state, bool some)
{
    int n = (int)fault->seq_len, kind = draw_below(state, some ? 5 : 9);
    double holes = draw_between(state, 0.05, 0.7);
    int part = 1 + draw_below(state, n - 1), sinks = draw_below(state, 4), every = 2 + draw_below(state, 3);
    int block = 1 + draw_below(state, n / 4 + 1);
    if (kind == 0)
        FAULT_SAY(fault, "mask: {holes: %.3f}\n", holes);
    else if (kind == 1)
        FAULT_SAY(fault, "mask: {window: %d, sinks: %d}\n", part, part + sinks < n ? sinks : 0);
    else if (kind == 2)
        FAULT_SAY(fault, "mask: {drop_newest: %d}\n", part);
    else if (kind == 3)
        FAULT_SAY(fault, "mask: {padding: %d}\n", part);
    else if (kind == 4)
        FAULT_SAY(fault, "mask: {block: %d, keep_every: %d}\n", block, every);
}

static inline void fault_input(struct drawn_fault *fault, uint64_t *state)
{
    static const char *const inputs[] = {
        "normal",
        "normal",
        "normal",
        "uniform",
        "{distribution: outliers, channels: 3, factor: 10}",
        "{distribution: normal, mean: 1, stddev: 0.1}",
        "{distribution: normal, mean: 0.5, stddev: 0.5}",
        "{distribution: normal, stddev: 3}",
        "cancelling",
        "{distribution: normal, mean: 1, stddev: 0.01}",
        "onehot",
    };
    int kinds = (int)(sizeof inputs / sizeof inputs[0]);
    FAULT_SAY(fault, "input: %s\n", inputs[draw_below(state, fault->features ? kinds : kinds - 3)]);
}

static inline void fault_problem(struct drawn_fault *fault, uint64_t *state)
{
    static const char *const forms[] = {"single_pass", "split_kv", "two_pass"}, *const types[] = {"f16", "bf16", "f32"};
    static const int kv_heads[] = {1, 1, 2, 3, 4}, groups[] = {1, 1, 2, 3}, dims[] = {64, 64, 80, 128},
                     chunks[] = {32, 64, 96, 256, 1024}, biases[] = {8, 8, 16, 4};
    double octaves = draw_between(state, 4, 11);
    const char *kernel = forms[draw_below(state, 3)], *dtype = types[draw_below(state, 3)];
    int kv = kv_heads[draw_below(state, 5)], heads = kv * groups[draw_below(state, 4)],
        dim = dims[draw_below(state, 4)];
    int chunk = chunks[draw_below(state, 5)], max_bias = biases[draw_below(state, 4)];
    const char *slopes = fault_chance(state, 0.7) ? "bloom" : "geometric";
    uint64_t seed = draw_bits(state) >> 12;
    fault->seq_len = (int64_t)exp2(octaves);
    FAULT_SAY(fault,
              "kernel: %s\nseq_len: %lld\nnum_heads: %d\nnum_kv_heads: %d\nhead_dim: %d\ndtype: %s\nchunk_len: %d\n"
              "max_bias: %d\nslopes: %s\nseed: %llu\n",
              kernel, (long long)fault->seq_len, heads, kv, dim, dtype, chunk, max_bias, slopes,
              (unsigned long long)seed);
}

static inline void fault_no_slopes(struct drawn_fault *fault, int heads)
{
    FAULT_SAY(fault, "slopes: {values: [0");
    for (int h = 1; h < heads; h++)
        FAULT_SAY(fault, ", 0");
    FAULT_SAY(fault, "]}\n");
}

/* Few keys and many, several queries, caps, sinks, an fp8 cache, pages, large logits, no lse. */
static inline void fault_features(struct drawn_fault *fault, uint64_t *state)
{
    static const char *const forms[] = {"single_pass", "split_kv", "two_pass"}, *const types[] = {"f16", "bf16", "f32"},
                             *const caches[] = {"e4m3", "e5m2", "same", "same", "same"},
                             *const slopes[] = {"bloom", "bloom", "bloom", "geometric", "none"};
    static const int kv_heads[] = {1, 1, 2, 3}, groups[] = {1, 1, 2, 4}, dims[] = {64, 64, 80, 96, 112, 128, 256},
                     chunks[] = {32, 64, 128, 1024}, biases[] = {8, 8, 16, 4}, pages[] = {16, 32, 48};
    double octaves = draw_between(state, 4, 10), cap = exp2(draw_between(state, 1, 6));
    bool few = fault_chance(state, 0.35);
    int some = 2 + draw_below(state, 19), kv = kv_heads[draw_below(state, 4)];
    int heads = kv * groups[draw_below(state, 4)], dim = dims[draw_below(state, 7)], queries = 1 + draw_below(state, 4);
    const char *kernel = forms[draw_below(state, 3)], *dtype = types[draw_below(state, 3)];
    const char *cache = caches[draw_below(state, 5)], *convention = slopes[draw_below(state, 5)];
    int chunk = chunks[draw_below(state, 4)], page = pages[draw_below(state, 3)],
        max_bias = biases[draw_below(state, 4)];
    uint64_t seed = draw_bits(state) >> 12;
    fault->seq_len = few ? some : (int64_t)exp2(octaves);
    FAULT_SAY(fault,
              "kernel: %s\nseq_len: %lld\nnum_heads: %d\nnum_kv_heads: %d\nhead_dim: %d\ndtype: %s\nchunk_len: %d\n"
              "seed: %llu\n",
              kernel, (long long)fault->seq_len, heads, kv, dim, dtype, chunk, (unsigned long long)seed);
    if (strcmp(convention, "none"))
        FAULT_SAY(fault, "max_bias: %d\nslopes: %s\n", max_bias, convention);
    else
        fault_no_slopes(fault, heads);
    if (fault_chance(state, 0.3))
        FAULT_SAY(fault, "num_queries: %d\n", queries);
    if (strcmp(cache, "same") && strcmp(dtype, "f32"))
        FAULT_SAY(fault, "kv_dtype: %s\nk_scale: 0.75\nv_scale: 1.5\n", cache);
    if (fault_chance(state, 0.15))
        FAULT_SAY(fault, "soft_cap: {%s_bias: %.4g}\n", fault_chance(state, 0.6) ? "before" : "after", cap);
    if (fault_chance(state, 0.2))
        FAULT_SAY(fault, "sink_logits: {normal: 2}\n");
    if (fault_chance(state, 0.2))
        FAULT_SAY(fault, "page_size: %d\n", page);
    if (fault_chance(state, 0.15))
        FAULT_SAY(fault, "scale: 1\n");
    fault->no_lse = fault_chance(state, 0.35);
}

/* Sound forms, so that a fault is not known by the arithmetic around it. */
static inline void fault_variant(struct drawn_fault *fault, uint64_t *state)
{
    static const char *const variants[] = {
        "",
        "",
        ", log2e: exponential",
        ", log2e: exponential, exponential: exp",
        ", exponential: ex2_approx",
        ", bias: absolute",
        ", log2e: exponential, bias: absolute",
        ", scale_entry: sum",
        ", scale_entry: sum, bias: absolute, merge: lse",
        ", scale_entry: query, merge: normalized",
        ", sentinel: -inf, exponential: ex2_approx, division: reciprocal",
    };
    const char *variant = variants[draw_below(state, (int)(sizeof variants / sizeof variants[0]))];
    fault_write(fault->variant, sizeof fault->variant, "%s", variant);
}

#endif
