/*
 * ALiBi slopes (Press, Smith and Lewis, 2022, section 3 and the authors' published code for H not a power of two), and
 * what libraries make of them: powers of a base that was rounded to f32, from 11 heads on some ulps away.
 */
#ifndef REFERENCE_SLOPES_H
#define REFERENCE_SLOPES_H

#include <mpfr.h>

enum slope_convention {
    SLOPES_BLOOM,     /* n = 2^floor(log2 H): heads h < n get 2^(-b (h+1) / n), head n + i gets 2^(-b (2i+1) / (2n)) */
    SLOPES_GEOMETRIC, /* 2^(-b (h+1) / H) for every H */
    SLOPES_HF,        /* as bloom, with f32(2^(-b / n))^(h+1) and f32(2^(-b / (2n)))^(2i+1): Hugging Face transformers,
                       * models/bloom/modeling_bloom.py, build_alibi_tensor, whose b is 8 */
    SLOPES_VLLM,      /* the same formula: vLLM, model_executor/models/bloom.py, _get_alibi_slopes */
    SLOPES_FALCON, /* the same, rounded to bf16: transformers, models/falcon/modeling_falcon.py, build_alibi_tensor */
    SLOPES_COUNT
};

extern const char *const slope_convention_names[SLOPES_COUNT];

/* All of them, for sentences. */
#define SLOPE_CONVENTION_WORDS "bloom, geometric, hf, vllm, falcon"

/* b where nobody says it, as in the paper and in every library above: of a power of two heads the flattest slope is
 * 2^-8. */
#define SLOPES_MAX_BIAS 8.0

/*
 * slopes[i] = slope of head head_offset + i of a model with total_heads heads, rounded to f32 (to nearest, computed
 * with MPFR so that every machine gets the same bits), for i < num_heads. b = max_bias, finite and > 0.
 * Requires head_offset + num_heads <= total_heads. Where a library takes a power in f32 it is taken here correctly
 * rounded, from which the library's may be an ulp away.
 */
void slopes_fill(float *slopes, int num_heads, enum slope_convention convention, double max_bias, int head_offset,
                 int total_heads);

/* slope = that of one head, as a real number that nothing was rounded for, not its base either: relative error at most
 * 2^(10 - p) where f32 can hold it, p >= 128 being the precision of slope. */
void slope_of_head(mpfr_t slope, enum slope_convention convention, double max_bias, int head, int total_heads);

#endif
