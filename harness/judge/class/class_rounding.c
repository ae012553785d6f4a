#include "harness/judge/class/class_rounding.h"

#include <float.h>
#include <math.h>

/* u of f32. */
#define UNIT 0x1p-24

/* |LOG2_E as f32 - log2 e| / log2 e = 0.224 u, and one rounding for the product with it; of ln 2, 0.046 u. */
#define BASE_CHANGE (1.23 * UNIT)
#define NATURAL_CHANGE (1.05 * UNIT)

/* What an f32 operation loses whose result is subnormal: all of it, where such are flushed to 0. */
#define UNDERFLOW 0x1p-126

/* Of e^x and 2^x: 3.5 ulp, of 2 u each, and half an ulp. CUDA's expf, exp2f and ex2.approx.ftz.f32 have 2 ulp beside
 * the half (CUDA C++ Programming Guide, mathematical functions; PTX ISA); __expf has that and its argument's product
 * with log2(e), which is in `shift`; glibc's and SLEEF's have 1. */
#define EXPONENTIAL 0x1p-21

/* A reciprocal of 1 ulp and half of one (PTX ISA, rcp.approx.ftz.f32; __fdividef has 2), and the product. */
#define DIVISION (4 * UNIT)

/* lg2.approx.ftz.f32 is off by 2^-22.6 between 1/2 and 2, elsewhere by 2^-22 of the result (PTX ISA): in terms of
 * |log2 x| + 1/2, 2^-21.6. */
#define LOGARITHM (0x1p-21 + NATURAL_CHANGE)

/* tanhf is off by 2 ulp and half of one (CUDA C++ Programming Guide: 1; glibc 2). Made of exponentials, as kernels in
 * Triton do that have none (2 sigmoid(2x) - 1: SGLang, triton_ops/decode_attention.py), it keeps no digits near 0:
 * TANH |tanh x| and TANH_NEAR_0. any_order.md. */
#define TANH (6 * UNIT)
#define TANH_NEAR_0 (10 * UNIT)

/* Nats by which a maximum may be raised: ggml's 3 ln 2 (ggml-cuda/fattn-common.cuh, FATTN_KQ_MAX_OFFSET). */
#define MAX_OFFSET 2.08

/* And by which it may lag behind the largest logit: FlashAttention-4 rescales beyond 8 in base 2 alone. */
#define MAX_LAG 5.55

/* Rescalings of a key's part beside those at new maxima: the factors of a merge by sums or by lse, their quotient. */
enum { MERGES = 3 };

/* Half the least subnormal number of f16, and its least normal one: of 16 bits whichever they are, since a kernel may
 * have f16 weights whatever its outputs are. */
#define NARROW_FLOOR 0x1p-25
#define NARROW_NORMAL 0x1p-14

/* Sums on tensor cores, of what was rounded to 16 bits or fewer before. Of a step's terms each but one is cut to
 * 2^-24 of the largest (Ampere and later; fused_sum.h), which loses no more than the term, and the sum to f32: 3 u for
 * each term that is added. The last cut loses at most 7 times what was added to the largest term. any_order.md. */
enum { FUSED_UNITS = 3, FUSED_LOSES = 9 };

/* The additions of q.k on them are a quarter more: 2 u for each 8 products. */
#define FUSED_DOT 1.25

/*
 * f32 throughout. q.k: D products and the additions, fused or not, in any order; q scaled before, k by its own scale,
 * or the sum after. Scale and slope: times log2(e), by k_scale, by a soft cap, or a slope by the scale. A logit: the
 * sum, its product with the scale or log2(e). A weight: its difference, in f32, times log2(e); e^x. Maxima, scaled
 * apart as FlashAttention-2 does. A weight that is divided, a v that is scaled, and their product; with a sink two
 * products and a quotient more. Merges by the lse of chunks.
 */
static struct rounding_model f32_rounding(const struct problem *problem)
{
    double scale = fabs(problem_logit_scale(problem)), cap = (double)problem->soft_cap_value,
           keys = (double)problem->seq_len;
    double dim = problem->head_dim, factor = problem->soft_cap == SOFT_CAP_BEFORE_BIAS ? cap : scale;
    double additions = problem->dtype == DTYPE_F32 ? dim : FUSED_DOT * dim, least_factor = fmin(factor, M_LN2);
    struct rounding_model model = {
        .slope = BASE_CHANGE + UNIT,
        .scale = BASE_CHANGE + 2 * UNIT + (scale > 0 ? 2 * UNDERFLOW / scale : 0),
        .dot = 3 * UNIT * (1 + 0x1p-10),
        .dot_add = additions * UNIT * (1 + 0x1p-10),
        .position = UNIT,
        .position_exact = 0x1p24,
        .bias = UNIT,
        .cap_argument = 3.01 * UNIT + (scale > 0 ? UNDERFLOW * cap / scale : 0),
        .cap = TANH + UNIT + BASE_CHANGE,
        .cap_floor = (TANH_NEAR_0 + 4 * UNDERFLOW) * cap,
        .sink = BASE_CHANGE,
        .shift = UNIT + BASE_CHANGE,
        .maximum = UNIT,
        .rescale = EXPONENTIAL + UNIT,
        .add = UNIT,
        .add_lost = 1,
        .weight = 2 * UNIT + DIVISION + (problem->sink_logits ? 3 * UNIT : 0),
        .logarithm = LOGARITHM,
        .lse_sum = UNIT,
        .lse_base = NATURAL_CHANGE + UNIT,
        .lse_slope = 2 * UNIT + 2 * BASE_CHANGE + UNIT,
        .division = DIVISION + 2 * UNIT,
        .merge_by_lse = true,
        .chunk_len = problem->seq_len > 1 ? problem->seq_len : 1,
        .rescales_after = MERGES,
        .max_offset = MAX_OFFSET,
        .query_scale = problem_logit_scale(problem),
        .query_floor = UNDERFLOW,
        .query_normal = 0x1p-126,
        .slope_divided = UNDERFLOW * factor,
        .dot_floor = (2 * dim + 1) * UNDERFLOW * fmax(scale, 1),
        .logit_floor = 2 * UNDERFLOW,
        .out_floor = UNDERFLOW * (2 * keys + 64),
        .divided_floor = 4 * UNDERFLOW,
        .folded_slope_max = (double)FLT_MAX * least_factor,
        .bias_max = (double)FLT_MAX * least_factor,
        .logit_max = (double)FLT_MAX * least_factor,
        .dot_max = (double)FLT_MAX * (scale > 0 ? fmin(scale, M_LN2) : 1),
        .query_max = (double)FLT_MAX,
        .any_order = true,
        .lse_weights = true,
    };
    model.logit = 2 * UNIT + model.scale + BASE_CHANGE;
    model.exponential = EXPONENTIAL + MAX_LAG * model.shift;
    model.scale_overflows = !isfinite((float)(scale * M_LOG2E));
    return model;
}

/* On tensor cores, where the inputs are of 16 bits. */
static void fuse_sums(struct rounding_model *model, const struct problem *problem)
{
    if (problem->dtype == DTYPE_F32)
        return;
    model->add = fmax(model->add, FUSED_UNITS * UNIT);
    model->add_lost = FUSED_LOSES;
}

static void weights_to(struct rounding_model *model, const struct problem *problem, double unit, double floor,
                       double probability_floor)
{
    model->narrow_weight = fmax(model->narrow_weight, unit);
    model->narrow_weight_floor = fmax(model->narrow_weight_floor, floor);
    model->narrow_probability_floor = fmax(model->narrow_probability_floor, probability_floor);
    model->weight += 2 * UNIT; /* times a scale and back */
    fuse_sums(model, problem);
}

static void round_weights_16(struct rounding_model *model, const struct problem *problem,
                             const struct class_narrow *narrow)
{
    weights_to(model, problem, narrow->unit, NARROW_FLOOR, NARROW_FLOOR);
}

/* e4m3: 4 significant bits, multiples of 2^-9. Exponentials as they are, of which the largest is 1 or more;
 * probabilities times 256 at least, without which they would be 0. */
static void round_weights_8(struct rounding_model *model, const struct problem *problem,
                            const struct class_narrow *narrow)
{
    (void)narrow;
    weights_to(model, problem, 0x1p-4, 0x1p-10 * exp(-MAX_OFFSET), 0x1p-18);
}

static void form_bias_absolutely(struct rounding_model *model, const struct problem *problem,
                                 const struct class_narrow *narrow)
{
    (void)problem, (void)narrow;
    model->absolute_bias = true;
}

static void round_bias(struct rounding_model *model, const struct problem *problem, const struct class_narrow *narrow)
{
    (void)problem;
    model->slope_narrow = narrow->unit;
    model->slope_bits = narrow->bits;
    model->slope_floor = NARROW_FLOOR;
    model->position += narrow->unit;
    model->position_exact = ldexp(1, narrow->bits);
    model->narrow_bias = narrow->unit * (1 + model->bias);
    model->logit_floor += NARROW_FLOOR;
    if (isfinite(narrow->max)) {
        model->slope_max = model->position_max = narrow->max;
        model->bias_max = narrow->max * M_LN2;
    }
}

static void round_query(struct rounding_model *model, const struct problem *problem, const struct class_narrow *narrow)
{
    (void)problem;
    model->scale += narrow->unit * (1 + model->scale);
    model->logit += narrow->unit * (1 + model->logit); /* of a sum that is scaled */
    model->dot += (2 + narrow->unit) * narrow->unit * (1 + model->dot);
    model->query_floor = NARROW_FLOOR;
    model->query_normal = NARROW_NORMAL;
    if (isfinite(narrow->max))
        model->query_max = narrow->max;
}

static void round_logits(struct rounding_model *model, const struct problem *problem, const struct class_narrow *narrow)
{
    double scale = fabs(problem_logit_scale(problem));
    model->dot_result = (2 + narrow->unit) * narrow->unit;
    model->dot_floor += 2 * NARROW_FLOOR * fmax(scale, 1);
    model->logit_floor += NARROW_FLOOR;
    model->logit += narrow->unit * (1 + model->logit);
    if (problem->soft_cap == SOFT_CAP_BEFORE_BIAS)
        model->cap += narrow->unit * (1 + model->cap);
    model->capped = narrow->unit;
    if (isfinite(narrow->max)) {
        model->dot_max = narrow->max * (scale > 0 ? fmin(scale, M_LN2) : 1);
        model->logit_max = narrow->max * M_LN2;
    }
}

/* Once within a device, once where devices merge. What is merged and stored more often is a sum that is kept in 16
 * bits: any_order.md. */
static void round_partials(struct rounding_model *model, const struct problem *problem,
                           const struct class_narrow *narrow)
{
    model->partial = (2 + narrow->unit) * narrow->unit;
    model->out_floor += NARROW_FLOOR * (double)problem->seq_len;
    model->divided_floor += 2 * NARROW_FLOOR;
}

/* Each addition, product and rescaling. */
static void round_sums(struct rounding_model *model, const struct problem *problem, const struct class_narrow *narrow)
{
    double operations = 2 * (double)problem->seq_len + 64;
    model->add = fmax(model->add, narrow->unit * (1 + 4 * UNIT));
    model->rescale += narrow->unit * (1 + model->rescale);
    model->weight += narrow->unit * (1 + model->weight);
    model->sum_floor += NARROW_FLOOR * operations;
    model->out_floor += NARROW_FLOOR * operations;
    if (isfinite(narrow->max))
        model->sum_max = narrow->max;
}

const struct class_rounding_info class_roundings[CLASS_ROUNDING_COUNT] = {
    [CLASS_WEIGHTS16] = {"weights16", "weights are rounded to 16 bits before they meet v, in their sum or not",
                         .apply = round_weights_16},
    [CLASS_WEIGHTS8] = {"weights8", "weights are rounded to e4m3", .includes = 1 << CLASS_WEIGHTS16,
                        .apply = round_weights_8},
    [CLASS_ABSOLUTE_BIAS] = {"absolute-bias", "the bias is formed as slope * j, not slope * (j - position)",
                             .apply = form_bias_absolutely},
    [CLASS_BIAS16] = {"bias16", "slope, position and bias are held in 16 bits", .apply = round_bias},
    [CLASS_QUERY16] = {"query16", "scale, scaled q and k are rounded to 16 bits before q.k", .apply = round_query},
    [CLASS_LOGITS16] = {"logits16", "q.k, scaled or not, and the biased logit are held in 16 bits",
                        .apply = round_logits},
    [CLASS_PARTIALS16] = {"partials16",
                          "outputs of chunks are held in 16 bits until they are merged, at two levels at most",
                          .apply = round_partials},
    [CLASS_SUMS16] =
        {"sums16", "sums of weights and of weighted values are kept in 16 bits, as outputs merged at more levels are",
         .includes = 1 << CLASS_PARTIALS16, .apply = round_sums},
};

class_set class_closed(class_set set)
{
    for (int i = 0; i < CLASS_ROUNDING_COUNT; i++)
        if (set >> i & 1)
            set |= class_roundings[i].includes;
    return set;
}

static struct class_narrow narrow_of(enum dtype dtype)
{
    const struct dtype_info *info = &dtypes[dtype == DTYPE_F16 ? DTYPE_F16 : DTYPE_BF16];
    return (struct class_narrow){.unit = ldexp(1, -info->significand_bits),
                                 .max = dtype == DTYPE_F16 ? info->max : INFINITY,
                                 .bits = info->significand_bits};
}

struct rounding_model class_rounding_model(class_set set, const struct problem *problem)
{
    struct rounding_model model = f32_rounding(problem);
    const struct class_narrow narrow = narrow_of(problem->dtype);
    set = class_closed(set);
    for (int i = 0; i < CLASS_ROUNDING_COUNT; i++)
        if (set >> i & 1)
            class_roundings[i].apply(&model, problem, &narrow);
    return model;
}
