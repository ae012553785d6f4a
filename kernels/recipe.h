/*
 * The numerical choices a kernel is run with. A recipe is data: kernels read it, nothing is compiled for one.
 *
 * Zero is the sound choice of every field but `sentinel`, so a recipe names only what it does otherwise. A sentinel
 * stands in the units of the logits that the kernel takes maxima of: natural where log2(e) enters at the exponential,
 * else base 2.
 */
#ifndef KERNELS_RECIPE_H
#define KERNELS_RECIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/recipe_contract.h"
#include "kernels/tensor_core.h"
#include "reference/problem.h"

/* What stands in for -inf, both as a masked key's logit and as the maximum before the first key. */
enum sentinel_policy {
    SENTINEL_VALUE,    /* a finite number the user chose */
    SENTINEL_INFINITY, /* IEEE -inf, guarded so that inf - inf is never formed */
    SENTINEL_ADAPTIVE, /* a finite number below every logit that the problem can reach */
    SENTINEL_EXCLUDE,  /* nothing: masked keys are skipped by index, the maximum starts at the first visible key */
    SENTINEL_COUNT
};

struct sentinel {
    enum sentinel_policy policy;
    float value; /* SENTINEL_VALUE only; finite, < 0 */
};

/* How the value of the sentinel comes into a masked key's logit. */
enum masked_entry {
    MASKED_REPLACE,  /* the logit is the sentinel */
    MASKED_ADD,      /* the logit is what it would be plus the sentinel: -FLT_MAX plus a negative logit may be -inf */
    MASKED_ADD_EACH, /* the same, once for each of the problem's masks that removes the key (reference/key_masks.h) */
    MASKED_ENTRY_COUNT
};

/* The maximum before the first key. */
enum initial_max {
    INITIAL_MAX_AS_SENTINEL, /* the masked value; -inf where the policy excludes */
    INITIAL_MAX_VALUE,       /* a number of its own: -FLT_MAX, -1e20 */
    INITIAL_MAX_INFINITY,    /* -inf, whatever masked keys have */
    INITIAL_MAX_COUNT
};

/* What a maximum of -inf is taken for. */
enum guards {
    GUARDS_SOUND,    /* no key so far: inf - inf is never formed */
    GUARDS_NONE,     /* a number like others: inf - inf is formed */
    GUARDS_ZERO_MAX, /* 0, which stays the maximum, so that later logits far below 0 have no weight: vLLM's unified
                        Triton kernel */
    GUARDS_COUNT
};

/* A row whose sum of weights is 0, or looks it. */
enum empty_row {
    EMPTY_ROW_ZERO,        /* out 0, lse -inf */
    EMPTY_ROW_DIVIDE,      /* 0 / 0 */
    EMPTY_ROW_AT_SENTINEL, /* 0 also where the maximum equals the masked value, as TransformerEngine's softmax does */
    EMPTY_ROW_UNWRITTEN,   /* out is not written, lse -inf is */
    EMPTY_ROW_COUNT
};

enum bias_form {
    BIAS_RELATIVE, /* slope * (j - P): 0 at the query, exact distances */
    BIAS_ABSOLUTE, /* slope * j: differs from relative by a constant a row, which softmax ignores and f32 does not */
    BIAS_NONE,     /* dropped */
    BIAS_COUNT
};

/* Keys whose bias is positive: with slopes above 0 those newer than the query. */
enum positive_bias {
    POSITIVE_BIAS_KEPT,
    POSITIVE_BIAS_MASKED, /* as if the mask removed them, but that v of excluded ones is read */
    POSITIVE_BIAS_COUNT
};

/* Which slopes the kernel uses. */
enum slopes_source {
    SLOPES_FROM_INPUT,     /* those of the problem */
    SLOPES_FROM_BLOOM,     /* its own, for num_heads heads: wrong for a part of a model, or for one that has others */
    SLOPES_FROM_GEOMETRIC, /* the same by the other convention (reference/slopes.h) */
    SLOPES_SOURCE_COUNT
};

/* What the kernel takes the positions of keys and query to be. */
enum positions {
    POSITIONS_GLOBAL,   /* key j is at kv_offset + j, the query at q_position */
    POSITIONS_LOCAL,    /* the chunk's offset is forgotten: key j is at j */
    POSITIONS_TOP_LEFT, /* the query is at 0 and distances count as magnitudes: slope * -|j| */
    POSITIONS_COUNT
};

enum scale_entry {
    SCALE_DOT,     /* scale * q.k + bias, one fma */
    SCALE_QUERY,   /* (scale q).k + bias: q is scaled and rounded to f32 first */
    SCALE_SUM,     /* scale * (q.k + bias / scale): FlashAttention-2, Falcon */
    SCALE_PRODUCT, /* scale * q.k, rounded, then the bias: frameworks, operation by operation */
    SCALE_ENTRY_COUNT
};

enum log2e_entry {
    LOG2E_FOLDED,      /* scale and slopes are multiplied by log2(e) in f32; logits are in base 2 */
    LOG2E_EXPONENTIAL, /* natural logits; differences are multiplied by log2(e) before 2^x, or go to e^x */
    LOG2E_LOGIT,       /* natural logits are formed and rounded, then multiplied by log2(e): maxima, differences and lse
                        * are in base 2. FlashInfer with ALiBi (attention/variants.cuh, sm_scale_log2 = log2e) */
    LOG2E_ENTRY_COUNT
};

enum exponential {
    EXPONENTIAL_POLYNOMIAL, /* degree-6 polynomial on fmaf: the same bits on every device */
    EXPONENTIAL_EX2_APPROX, /* ex2.approx.ftz.f32; on the host its bits (special_functions.h), as of the next two */
    EXPONENTIAL_EXP2,       /* exp2f of CUDA, subnormals kept */
    EXPONENTIAL_EXP,        /* expf of CUDA, of natural differences, as all that follow */
    EXPONENTIAL_FEXP_U20,   /* weights by PyTorch's fexp_u20 (arithmetic.h), factors that rescale sums by expf */
    EXPONENTIAL_COUNT
};

enum division {
    DIVISION_EXACT,      /* IEEE */
    DIVISION_RECIPROCAL, /* rcp.approx.ftz.f32, then a product; on the host its bits */
    DIVISION_COUNT
};

/* How chunks come together; kernels that do not split ignore it. */
enum merge_form {
    MERGE_MAX_SUM,    /* partial outputs undivided, factors exp(max_c - max) */
    MERGE_NORMALIZED, /* partial outputs divided by their sums, weights sum_c exp(max_c - max): vLLM paged v2 */
    MERGE_LSE,        /* partial outputs divided by their sums, weights exp(lse_c - max lse): FlashAttention-2 */
    MERGE_FORM_COUNT
};

/* What the kernel does with a problem's soft cap. */
enum soft_cap_use {
    SOFT_CAP_APPLIED,
    SOFT_CAP_IGNORED,
    SOFT_CAP_DOUBLED,    /* the capped logit is capped again */
    SOFT_CAP_OTHER_SIDE, /* it is applied after the bias in place of before it, or before in place of after */
    SOFT_CAP_AFTER_MASK, /* what stands for a masked key is capped like a logit: -inf becomes -C */
    SOFT_CAP_USE_COUNT
};

/* And with learned sinks. */
enum sink_use {
    SINK_COUNTED,
    SINK_IGNORED,
    SINK_EVERY_CHUNK, /* counted once for each chunk, by kernels that split the sequence */
    SINK_USE_COUNT
};

enum masked_values {
    MASKED_VALUES_SKIPPED,       /* v of excluded keys is not read */
    MASKED_VALUES_READ,          /* it is read and multiplied by a weight of 0 */
    MASKED_VALUES_READ_PAST_END, /* so is that of slots past the end that fill the last tile */
    MASKED_VALUES_COUNT
};

/* What is multiplied with v. */
enum weight_form {
    WEIGHT_EXPONENTIALS,  /* exponentials; their weighted sum is divided by their sum */
    WEIGHT_PROBABILITIES, /* exponentials divided by their sum, which a kernel must know by then: others divide at the
                           * end, as with exponentials */
    WEIGHT_FORM_COUNT
};

/* The dtype that a quantity is rounded to, to nearest even, as soon as it is formed. */
enum dtype_rounding {
    ROUND_F32,
    ROUND_F16,
    ROUND_BF16,
    ROUND_INPUT, /* the problem's: that of q and out (recipe_for) */
    ROUND_ANY_COUNT,
    ROUND_E4M3 = ROUND_ANY_COUNT, /* fp8, of weights alone */
    ROUND_E5M2,
    ROUND_COUNT
};

struct recipe {
    /* What stands in for -inf. */
    struct sentinel sentinel;

    /* The bias, and 2^x. */
    enum bias_form bias;
    enum exponential exponential;

    /* Masked keys, the start, the end. */
    enum masked_entry masked_entry;
    enum initial_max initial_max;
    float initial_max_value; /* INITIAL_MAX_VALUE */
    float initial_sum;       /* of weights, before the first key: 0 or 1; what it adds is rescaled away by any key that
                              * lies above the initial maximum */
    enum guards guards;
    enum empty_row empty_row;
    float epsilon; /* added to every denominator */
    enum division division;
    enum masked_values masked_values;

    /* Slopes and positions. */
    enum slopes_source slopes;
    float slopes_max_bias; /* of SLOPES_FROM_*; 0: 8 */
    enum dtype_rounding slope_dtype, position_dtype, bias_dtype;
    enum positions positions;
    enum positive_bias positive_bias;
    int key_shift; /* keys by which all distances are off: slope * (j - P + key_shift) */

    /* Logits and weights. */
    enum scale_entry scale_entry;
    enum log2e_entry log2e;
    enum dtype_rounding scale_dtype;      /* the scale, before log2(e) */
    enum dtype_rounding query_dtype;      /* q times the scale: SCALE_QUERY */
    enum dtype_rounding dot_dtype;        /* every product and sum of q.k */
    enum dtype_rounding dot_result_dtype; /* q.k once it is summed up */
    enum dtype_rounding scaled_dtype;     /* scale * q.k: SCALE_PRODUCT */
    enum dtype_rounding logit_dtype;
    enum weight_form weight_form;
    enum dtype_rounding weight_dtype; /* before the product with v; sums take them unrounded */
    float weight_scale;               /* what weights are multiplied by for that, and divided by again; 0: nothing */
    enum dtype_rounding sum_dtype, weighted_sum_dtype; /* a lane's sums of weights, and of weights times v, after each
                                                        * addition and rescaling; lanes and warps add up in f32 */
    float max_offset;                                  /* added to every maximum, in nats: ggml's 3 ln 2 */
    enum tensor_core tensor_core; /* whose sums kernels on tensor cores make; a GPU makes its own */
    int tile_keys;                /* of a running maximum in a kernel that knows the row's; 0: it takes that */
    enum soft_cap_use soft_cap;
    enum sink_use sink;

    /* Chunks. */
    enum merge_form merge;
    enum dtype_rounding partial_dtype; /* partial outputs */
    float merge_cutoff;                /* chunks whose factor lies below exp(merge_cutoff) count as 0; 0: none do */

    /* What it takes the problem to be. */
    struct recipe_contract contract;

    const char *name; /* of a recipe that has one; the caller's */
};

extern const char *const masked_entry_names[MASKED_ENTRY_COUNT];
extern const char *const guards_names[GUARDS_COUNT];
extern const char *const empty_row_names[EMPTY_ROW_COUNT];
extern const char *const bias_form_names[BIAS_COUNT];
extern const char *const slopes_source_names[SLOPES_SOURCE_COUNT];
extern const char *const positions_names[POSITIONS_COUNT];
extern const char *const positive_bias_names[POSITIVE_BIAS_COUNT];
extern const char *const scale_entry_names[SCALE_ENTRY_COUNT];
extern const char *const log2e_entry_names[LOG2E_ENTRY_COUNT];
extern const char *const exponential_names[EXPONENTIAL_COUNT];
extern const char *const division_names[DIVISION_COUNT];
extern const char *const merge_form_names[MERGE_FORM_COUNT];
extern const char *const masked_values_names[MASKED_VALUES_COUNT];
extern const char *const weight_form_names[WEIGHT_FORM_COUNT];
extern const char *const soft_cap_use_names[SOFT_CAP_USE_COUNT];
extern const char *const sink_use_names[SINK_USE_COUNT];
extern const char *const dtype_rounding_names[ROUND_COUNT];

/* It takes natural differences, and gives e^x. */
static inline bool exponential_is_natural(int exponential)
{
    return exponential >= EXPONENTIAL_EXP;
}

/* The sentinel is added to the logits of masked keys. */
static inline bool recipe_adds_sentinel(const struct recipe *recipe)
{
    return recipe->masked_entry != MASKED_REPLACE;
}

/* Why a recipe contradicts itself, as a sentence without a full stop; NULL if it does not. */
const char *recipe_contradiction(const struct recipe *recipe);

/* The dtype itself; of ROUND_INPUT f32, which has to be replaced before (recipe_for). */
enum dtype dtype_rounding_dtype(enum dtype_rounding rounding);

/* The recipe for problems of a dtype: ROUND_INPUT becomes that. */
struct recipe recipe_for(const struct recipe *recipe, enum dtype dtype);

enum { SENTINEL_TEXT_SIZE = 32, RECIPE_TEXT_SIZE = 64 };

/* The sentinel as a case file spells it: "-50000", "-inf", "adaptive", "exclude". text: SENTINEL_TEXT_SIZE. */
char *sentinel_format(char *text, const struct sentinel *sentinel);

/* Reads what sentinel_format writes, and any finite negative f32 number ("-5e4"). False if it is neither. */
bool sentinel_parse(const char *text, struct sentinel *sentinel);

/* Its name, or for one that has none "BIAS-EXPONENTIAL", as in "relative-polynomial". text: RECIPE_TEXT_SIZE. */
char *recipe_format(char *text, const struct recipe *recipe);

/*
 * The value of SENTINEL_ADAPTIVE where no logit, base 2, lies below lowest <= 0: max(160, 2^-10 |lowest|) lower, so
 * that a masked key weighs less than 2^-126 of any visible one, which the exponential flushes to 0. ERROR_SYSTEM if no
 * f32 is low enough.
 */
enum error_kind adaptive_sentinel_below(float *sentinel, double lowest, struct error *error);

/* The value for a problem in the units of the recipe's logits, from the largest |q| and |k| of its tensors and its
 * slopes. */
enum error_kind adaptive_sentinel(float *sentinel, const struct problem *problem, const struct recipe *recipe,
                                  struct error *error);

#endif
