/*
 * The stages of a kernel's arithmetic: what each rounding error belongs to.
 *
 * Every operation of a kernel that rounds names its stage (real.h). `alibicheck explain` reports errors by stage.
 */
#ifndef KERNELS_DIALECT_STAGE_H
#define KERNELS_DIALECT_STAGE_H

enum stage {
    STAGE_NONE,         /* nothing rounds: the recipe itself, in exact arithmetic */
    STAGE_SLOPE,        /* slope log2(e) */
    STAGE_SCALE,        /* scale log2(e) */
    STAGE_DOT,          /* q.k: products and their sum */
    STAGE_BIAS,         /* slope * distance, or slope * key */
    STAGE_CAP,          /* a soft cap, of q.k or of the logit */
    STAGE_LOGIT,        /* scale q.k + bias */
    STAGE_SHIFT,        /* logit - maximum */
    STAGE_EXPONENTIAL,  /* 2^x of a key's weight */
    STAGE_RESCALE,      /* moving what is summed so far to a new maximum */
    STAGE_SUM,          /* adding weights, within a warp */
    STAGE_WEIGHTED_SUM, /* adding weight * v, within a warp */
    STAGE_MERGE,        /* merging warps, then chunks, then a learned sink: factors, products, sums */
    STAGE_DIVISION,     /* weighted sum / sum */
    STAGE_OUTPUT,       /* rounding to the output's dtype */
    STAGE_LSE,          /* what lse takes beyond maximum and sum; out does not depend on it */
    ROUNDING_STAGE_COUNT
};

extern const char *const stage_names[ROUNDING_STAGE_COUNT];

#endif
