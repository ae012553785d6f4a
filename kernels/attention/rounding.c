#include "kernels/attention/rounding.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/dialect/elements.h"
#include "kernels/dialect/fused_sum.h"
#include "kernels/geometry.h"

/* u of f32. */
#define UNIT 0x1p-24

/* |LOG2_E as f32 - log2 e| / log2 e = 0.224 u, and one rounding for the product with it. */
#define BASE_CHANGE (1.23 * UNIT)

/*
 * An ulp is at most 2 u. The GPU's functions by their documents, which count from the exact result rounded: half an ulp
 * more. The worst of all f32 on an H200 is 2.06, 2.06, 1.94 and 0.98 ulp (reports/gpu.md). The host has the same bits
 * (special_functions.h).
 */
static const double exponential_error[EXPONENTIAL_COUNT] = {
    [EXPONENTIAL_POLYNOMIAL] = 2 * 0x1.06p0 * UNIT, /* 0x1.06p0 ulp (arithmetic.h) */
    [EXPONENTIAL_EX2_APPROX] = 2 * 2.5 * UNIT,      /* 2 ulp (PTX ISA, ex2.approx.ftz.f32) */
    [EXPONENTIAL_EXP2] = 2 * 2.5 * UNIT,            /* 2 ulp (CUDA C Programming Guide, exp2f) */
    [EXPONENTIAL_EXP] = 2 * 2.5 * UNIT,             /* 2 ulp (the same, expf) */
    [EXPONENTIAL_FEXP_U20] = 0x1.d1p-14,            /* arithmetic.h, of differences, which are 0 or less */
};

static const double division_error[DIVISION_COUNT] = {
    [DIVISION_EXACT] = UNIT, [DIVISION_RECIPROCAL] = 2 * 1.5 * UNIT + UNIT, /* 1 ulp (PTX ISA, rcp.approx.ftz.f32), and
                                                                               the product */
};

/* Half of f32's least subnormal: what an operation whose result is subnormal may lose. Sums of two lose nothing. */
#define UNDERFLOW 0x1p-150

/* What rounding to a dtype does: relative error, counted operation by operation for f32 and 0 here; absolute error of
 * subnormal results, that of the f32 which is rounded included; largest magnitude. */
struct narrowing {
    double unit, floor, max;
};

static struct narrowing narrowing_of(enum dtype_rounding rounding)
{
    const struct dtype_info *info = &dtypes[dtype_rounding_dtype(rounding)];
    return (struct narrowing){
        rounding == ROUND_F32 ? 0 : ldexp(1, -info->significand_bits),
        ldexp(1, info->min_exponent - info->significand_bits) + (rounding == ROUND_F32 ? 0 : UNDERFLOW),
        info->max,
    };
}

/* n roundings to a narrow dtype, one after the other. */
static double compounded(int n, double unit)
{
    return n * unit / (1 - n * unit);
}

/* log2_polynomial (arithmetic.h) is off by at most 2^-23 (|log2 x| + 1/2). */
#define LOG2_ERROR 0x1p-23

/* |ln 2 as f32 - ln 2| / ln 2 = 0.046 u, and one rounding for the product with it. */
#define NATURAL_CHANGE (1.05 * UNIT)

/* tanh_polynomial is off by at most 0x1.fp0 ulp (arithmetic.h). */
#define TANH_ERROR (2 * 0x1.fp0 * UNIT)

static bool caps_dot(const struct problem *problem)
{
    return problem->soft_cap == SOFT_CAP_BEFORE_BIAS;
}

/* Whether q.k or the sum is multiplied by the scale, which is divided by a cap before the bias first. */
static bool multiplies(const struct recipe *recipe)
{
    return recipe->scale_entry == SCALE_DOT || recipe->scale_entry == SCALE_SUM;
}

/* The scale of q.k as the kernel has it: rounded to f32 (launch.c) and scale_dtype, then in the logits' units, or
 * natural and divided by a soft cap before the bias (logit.h). */
struct held_scale {
    float given, folded;
};

static struct held_scale held_scale(const struct recipe *recipe, const struct problem *problem)
{
    enum dtype dtype = dtype_rounding_dtype(recipe->scale_dtype);
    float given = dtype_round(dtype, (float)problem_logit_scale(problem)), folded = given;
    if (caps_dot(problem))
        folded = multiplies(recipe) ? given / problem->soft_cap_value : given;
    else if (recipe->log2e == LOG2E_FOLDED)
        folded = value_of(to_base_2_in(STAGE_SCALE, real_of(given)));
    return (struct held_scale){given, folded};
}

/* What sums are multiplied by where that is so: the scale, or a soft cap before the bias. */
static double sum_factor(const struct recipe *recipe, const struct problem *problem)
{
    return caps_dot(problem) ? (double)problem->soft_cap_value : fabs((double)held_scale(recipe, problem).given);
}

/* What may overflow on the way to a logit, and what is formed of it beforehand. dots, biases: what q.k and biases are
 * multiplied by on their way to natural logits; nats: those of a logit's unit. */
static void limit_logits(struct rounding_model *model, const struct recipe *recipe, const struct problem *problem,
                         double dots, double nats)
{
    struct held_scale scale = held_scale(recipe, problem);
    double largest = dtypes[DTYPE_F32].max,
           biases = recipe->scale_entry == SCALE_SUM ? sum_factor(recipe, problem) : nats;
    model->scale_overflows = !isfinite(scale.folded) || (recipe->scale_entry == SCALE_SUM && biases == 0);
    model->query_scale = recipe->scale_entry == SCALE_QUERY ? (double)scale.folded : 0;
    model->query_max = narrowing_of(recipe->query_dtype).max;
    model->masked_logits = recipe_adds_sentinel(recipe);
    double dot_max = fmin(narrowing_of(recipe->dot_dtype).max, narrowing_of(recipe->dot_result_dtype).max);
    model->dot_max = dot_max * (dots > 0 ? dots : 1);
    if (recipe->scale_entry == SCALE_PRODUCT && dots > 0)
        model->dot_max = fmin(model->dot_max, narrowing_of(recipe->scaled_dtype).max * nats);
    if (recipe->scale_entry == SCALE_QUERY && scale.folded == 0)
        model->dot_max = 0; /* every q.k is 0 */
    model->position_max = narrowing_of(recipe->position_dtype).max;
    model->slope_max = narrowing_of(recipe->slope_dtype).max;
    model->folded_slope_max = largest * biases;
    model->bias_max = narrowing_of(recipe->bias_dtype).max * biases;
    model->logit_max = narrowing_of(recipe->logit_dtype).max * nats;
    if (recipe->log2e == LOG2E_LOGIT)
        model->logit_max = fmin(model->logit_max, largest * M_LN2);
    if (recipe->scale_entry == SCALE_SUM) /* and the sum, before it is scaled */
        model->logit_max = fmin(model->logit_max, largest * biases);
}

/*
 * A soft cap: logit.h. Before the bias the scale is divided by it and q.k multiplied by the quotient, or q.k divided by
 * it; after the bias the logit is. Then come tanh, and the product with the cap, which is in the logits' units; before
 * the bias that product is exact within a sum, or rounded with it.
 */
static void round_cap(struct rounding_model *model, const struct recipe *recipe, const struct problem *problem,
                      double base_change, double nats)
{
    double cap = (double)problem->soft_cap_value, scale = fabs(problem_logit_scale(problem));
    bool scales_sum = recipe->scale_entry == SCALE_SUM;
    struct narrowing logit = narrowing_of(recipe->logit_dtype);
    double changed = recipe->log2e == LOG2E_LOGIT ? BASE_CHANGE : 0;
    double narrowed = logit.unit + changed * (1 + logit.unit);
    if (!problem->soft_cap)
        return;
    model->cap = TANH_ERROR + (scales_sum && caps_dot(problem) ? 0 : base_change);
    model->cap_floor = 4 * UNDERFLOW * cap;
    if (caps_dot(problem)) {
        bool product = multiplies(recipe);
        model->cap_argument = product ? 2.01 * UNIT + (scale > 0 ? UNDERFLOW * cap / scale : 0) : UNIT;
        if (scales_sum) {
            double sum = 2.01 * UNIT + base_change;
            model->logit = sum + narrowed * (1 + sum);
        }
    } else {
        model->cap_argument = UNIT;
        model->cap += UNIT;
        model->logit = UNIT + (scales_sum ? UNIT + model->scale : 0);
        model->capped = narrowed;
        model->cap_floor += logit.floor * nats + (changed > 0 ? UNDERFLOW : 0);
    }
}

/* What a subnormal number of the problem's dtype is aligned as (fused_sum.h). */
static double least_normal(const struct problem *problem)
{
    return ldexp(1, dtypes[problem->dtype].min_exponent);
}

/* Fused sums that q.k takes: tensor_core.cu. */
static int fused_sums_of_dot(const struct problem *problem)
{
    return (problem->head_dim + MMA_PRODUCTS - 1) / MMA_PRODUCTS;
}

/* q.k as a chain of fused sums, each relative to what it adds: error_bound.md, "Tensor cores". Returns its floor.
 * `once` is of what rounds the result. */
static double round_fused_dot(struct rounding_model *model, const struct recipe *recipe, const struct problem *problem,
                              double once)
{
    const struct fused_sum_errors errors = fused_sum_errors(recipe->tensor_core);
    int sums = fused_sums_of_dot(problem);
    model->dot = sums * errors.relative;
    model->dot_alignment = sums * errors.alignment * (1 + once);
    model->dot_normal = least_normal(problem);
    return sums * errors.floor * (1 + once);
}

/* slope, scale, bias and logit: logit.h. */
static void round_logits(struct rounding_model *model, const struct kernel_descriptor *kernel,
                         const struct recipe *recipe, const struct problem *problem)
{
    bool natural = recipe->log2e == LOG2E_EXPONENTIAL, folded = recipe->log2e == LOG2E_FOLDED,
         changed = recipe->log2e == LOG2E_LOGIT, scales_sum = recipe->scale_entry == SCALE_SUM;
    bool has_kv_scale = problem->kv_format != KV_AS_DTYPE;
    struct narrowing slope = narrowing_of(recipe->slope_dtype), position = narrowing_of(recipe->position_dtype),
                     bias = narrowing_of(recipe->bias_dtype), dot = narrowing_of(recipe->dot_dtype),
                     logit = narrowing_of(recipe->logit_dtype);
    double base_change = folded ? BASE_CHANGE : 0, nats = folded ? M_LN2 : 1;
    struct narrowing query = narrowing_of(recipe->query_dtype), result = narrowing_of(recipe->dot_result_dtype),
                     scaled = narrowing_of(recipe->scaled_dtype);
    bool scales_query = recipe->scale_entry == SCALE_QUERY, scales_product = recipe->scale_entry == SCALE_PRODUCT;
    double given = fabs(problem_logit_scale(problem)), held = fabs((double)held_scale(recipe, problem).given);
    /* What q.k and biases are multiplied by on their way to natural logits. */
    double scale = fabs(problem_logit_scale(problem)), product_nats = caps_dot(problem) ? 1 : nats,
           factor = caps_dot(problem) ? (double)problem->soft_cap_value : scale,
           dot_nats = scales_query ? product_nats : scale, bias_nats = scales_sum ? factor : nats;
    int lanes = group_lanes(group_of(problem->head_dim));

    model->absolute_bias = recipe->bias == BIAS_ABSOLUTE;
    model->distance_magnitude = recipe->positions == POSITIONS_TOP_LEFT;
    model->slope = scales_sum ? UNIT : base_change;
    model->slope_narrow = slope.unit;
    model->slope_bits = dtypes[dtype_rounding_dtype(recipe->slope_dtype)].significand_bits;
    model->slope_floor = slope.floor;
    model->slope_divided = scales_sum ? UNDERFLOW * factor : 0;
    model->scale =
        (caps_dot(problem) ? 0 : base_change) + has_kv_scale * UNIT + (scale > 0 ? 2 * UNDERFLOW / scale : 0);
    if (recipe->scale_dtype && scale > 0)
        model->scale += fabs(held - given) / given * (1 + base_change);
    model->dot = (LANE_DIMS + ilogb(lanes)) * UNIT * (1 + 0x1p-18) +
                 compounded(LANE_DIMS + 1, dot.unit) * (1 + 0x1p-18) + scales_query * UNIT;
    double once = (1 + query.unit) * (1 + result.unit) * (scales_product ? (1 + UNIT) * (1 + scaled.unit) : 1) - 1;
    double dot_floor = (LANE_DIMS * lanes + 1) * dot.floor * (1 + once);
    if (kernel->tensor_cores)
        dot_floor = round_fused_dot(model, recipe, problem, once);
    model->dot += once * (1 + model->dot);
    model->dot_floor = (dot_floor + (recipe->dot_result_dtype != 0) * result.floor) * dot_nats +
                       scales_product * (UNDERFLOW + scaled.floor) * product_nats;
    model->query_floor = recipe->query_dtype ? query.floor : 0;
    model->query_normal =
        recipe->query_dtype ? ldexp(1, dtypes[dtype_rounding_dtype(recipe->query_dtype)].min_exponent) : 0;
    model->position = UNIT + position.unit;
    model->position_exact = ldexp(1, dtypes[dtype_rounding_dtype(recipe->position_dtype)].significand_bits);
    model->bias = UNIT * (1 + bias.unit) + bias.unit;
    double sum = UNIT + (scales_sum ? UNIT + model->scale : 0);
    model->logit = sum + logit.unit + sum * logit.unit;
    model->logit += changed * BASE_CHANGE * (1 + model->logit);
    model->logit_floor = bias.floor * bias_nats +
                         (problem->soft_cap == SOFT_CAP_AFTER_BIAS ? 0 : logit.floor * nats + changed * UNDERFLOW);
    model->sink = natural ? 0 : BASE_CHANGE;
    round_cap(model, recipe, problem, base_change, nats);
    model->shift = UNIT + (natural && !exponential_is_natural(recipe->exponential) ? BASE_CHANGE : 0);
    if (recipe->exponential == EXPONENTIAL_FEXP_U20) /* within it, (4) */
        model->shift += BASE_CHANGE + 1.45 * UNIT;
    model->max_offset = (double)recipe->max_offset;
    model->logarithm = LOG2_ERROR + (natural ? NATURAL_CHANGE : 0);
    model->lse_sum = UNIT;
    model->lse_base = natural ? 0 : NATURAL_CHANGE;
    model->lse_slope = (scales_sum ? UNIT + base_change : 0) + changed * BASE_CHANGE +
                       (llabs(problem->q_position) <= 1 << 24 ? UNIT : 2 * UNIT);
    limit_logits(model, recipe, problem, dot_nats, nats);
}

/*
 * Lanes whose sums are rounded to a narrow dtype: each addition and rescaling once more. What is lost of subnormal sums
 * is relative to a weight of 1, and grows with the roundings that follow. products: of an element, of all lanes; sums
 * of weights have as many additions, and a rescaling for each of the 32 lanes in place of 32 / lanes.
 */
static void narrow_sums(struct rounding_model *model, const struct recipe *recipe, const struct problem *problem,
                        double products, double chunks)
{
    struct narrowing sum = narrowing_of(recipe->sum_dtype), out = narrowing_of(recipe->weighted_sum_dtype);
    double keys = (double)(model->chunk_len ? model->chunk_len : problem->seq_len), rounds = ceil(keys / ROUND_KEYS),
           sums = rounds * (model->sum_adds_per_round + model->rescales_per_round),
           outs = rounds * (model->out_adds_per_round + model->rescales_per_round);
    if (recipe->sum_dtype) {
        model->sum_narrow = sum.unit;
        model->sum_floor = sum.floor * exp(sums * sum.unit) * (products + BLOCK_THREADS * chunks);
        model->lane_sum_max = sum.max;
    }
    if (recipe->weighted_sum_dtype) {
        model->out_narrow = out.unit;
        model->out_floor += out.floor * exp(outs * out.unit) * products;
        model->lane_out_max = out.max;
    }
}

/*
 * tensor_core.cu: a warp's weighted sum is a chain of fused sums, two a round, each as good as `relative` / u
 * additions. A lane adds up four weights a round; eight lanes add in a tree, then warps merge in order. What fused sums
 * lose beyond is error_bound.md, "Tensor cores": with a key's weight that is subnormal, with its v that is, and below
 * f32's range.
 */
static void round_fused_sums(struct rounding_model *model, const struct kernel_descriptor *kernel,
                             const struct recipe *recipe, const struct problem *problem)
{
    enum { TREE_LANES = 8 };
    const struct fused_sum_errors errors = fused_sum_errors(recipe->tensor_core);
    double normal = least_normal(problem);
    int sums = kernel->sums.fused_sums_per_round;
    model->out_adds_per_round = (int)ceil(sums * errors.relative / UNIT);
    model->sum_adds_after = ilogb(TREE_LANES) + kernel->sums.merged_warps;
    model->out_adds_after = kernel->sums.merged_warps;
    model->weight_floor += errors.alignment * normal;
    model->divided_floor += 2 * errors.alignment * normal;
    model->out_floor += 2 * (double)problem->seq_len * (errors.floor + errors.alignment * normal * normal);
}

/*
 * lane.h and online_softmax.h, line by line. A round is 8 warps x 32 keys; a lane adds one weight a round to its sum
 * and `lanes` values to its output. After the last round the lanes add in a tree (5 levels for sums, log2(32 / lanes)
 * for outputs) and the warps merge in order, one rescaling and one fma each. Chunks are merged with one more rescaling,
 * or two products where partial outputs are normalised; their additions are counted chunk by chunk.
 */
static void round_sums(struct rounding_model *model, const struct kernel_descriptor *kernel,
                       const struct kernel_options *options, const struct recipe *recipe, const struct problem *problem)
{
    const struct sum_order *sums = &kernel->sums;
    int lanes = group_lanes(group_of(problem->head_dim));
    bool split = kernel->uses_chunk_len;
    model->keys_per_round = ROUND_KEYS;
    model->chunk_len = split ? options->chunk_len : 0;
    model->rescales_per_round = kernel->knows_sum && recipe->tile_keys ? 1 : sums->rescales_per_round;
    model->sum_adds_per_round = sums->sum_adds_per_round;
    model->out_adds_per_round = sums->out_adds_per_lane * lanes;
    model->sum_adds_after = ilogb(WARP_SIZE) + sums->merged_warps;
    model->out_adds_after = ilogb(WARP_SIZE / lanes) + sums->merged_warps;
    model->rescales_after = !split ? 1 : recipe->merge == MERGE_MAX_SUM ? 2 : 3;

    struct narrowing weight = narrowing_of(recipe->weight_dtype), partial = narrowing_of(recipe->partial_dtype);
    bool probabilities = kernel->knows_sum && recipe->weight_form == WEIGHT_PROBABILITIES;
    double weight_scale = recipe->weight_scale > 0 ? (double)recipe->weight_scale : 1;
    model->weight = weight.unit + (recipe->weight_scale > 0) * 2 * UNIT * (1 + weight.unit);
    model->weight_floor = weight.floor / weight_scale;
    if (probabilities) {
        model->weight += model->division * (1 + model->weight);
        model->probability_floor = model->weight_floor + UNDERFLOW;
        model->weight_floor = 0;
    }
    /* An element's products that may underflow: one a key, 8 a round for each of 32 / lanes lanes that rescale, 8 where
     * warps merge, one or two where chunks do. */
    double chunks = split ? ceil((double)problem->seq_len / (double)options->chunk_len) : 1;
    double products = 2 * (double)problem->seq_len + 64 * chunks;
    model->out_floor = UNDERFLOW * products;
    model->divided_floor = UNDERFLOW;
    narrow_sums(model, recipe, problem, products, chunks);
    if (probabilities) {
        model->divided_floor += model->out_floor;
        model->out_floor = 0;
    }
    if (kernel->tensor_cores)
        round_fused_sums(model, kernel, recipe, problem);
    if (!split)
        return;
    bool divided = recipe->merge != MERGE_MAX_SUM;
    model->divided_partials = divided;
    model->partial = partial.unit + (divided ? model->division : 0);
    model->out_floor += divided ? 0 : partial.floor * chunks;
    model->divided_floor += divided ? UNDERFLOW + partial.floor : 0;
    model->partial_max = partial.max;
    model->merge_by_lse = recipe->merge == MERGE_LSE;
}

struct rounding_model kernel_rounding(enum kernel kernel, const struct kernel_options *options,
                                      const struct recipe *recipe, const struct problem *problem)
{
    const struct recipe for_dtype = kernel_recipe(kernel, recipe, problem->dtype);
    double exponential = exponential_error[recipe->exponential];
    enum exponential factors =
        recipe->exponential == EXPONENTIAL_FEXP_U20 ? EXPONENTIAL_EXP : recipe->exponential; /* logit.h, weight_of */
    struct rounding_model model = {
        .exponential = exponential,
        .rescale = exponential_error[factors] + UNIT,
        .add = UNIT,
        .division = division_error[recipe->division] + (problem->kv_format != KV_AS_DTYPE) * UNIT +
                    (recipe->epsilon != 0) * UNIT,
    };
    round_logits(&model, kernels[kernel], &for_dtype, problem);
    round_sums(&model, kernels[kernel], options, &for_dtype, problem);
    return model;
}
