/*
 * Runs of kernels at the ends of every exponent range, held against their error bounds: what test_extremes.c does a few
 * hundred times and soak_extremes.c as often as it is told to.
 *
 * A run is a pure function of a seed and its number: tensors of any magnitude their dtype holds, subnormals and the
 * largest finite number included; scales, slopes and positions likewise, half of them chosen so that large and small
 * cancel and the logits are ordinary; a recipe that is sound wherever a problem is; any kernel, dtype and cache.
 * No two draws in one expression.
 */
#ifndef KERNELS_TESTS_EXTREME_RUN_H
#define KERNELS_TESTS_EXTREME_RUN_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/attention/rounding.h"
#include "reference/tests/drawn_problem.h"
#include "reference/soft_cap.h"
#include "reference/truth.h"

enum { EXTREME_KEYS = 600, EXTREME_HEADS = 2, EXTREME_DIM = 128, EXTREME_ROW = EXTREME_HEADS * EXTREME_DIM };

struct extreme_run {
    struct problem problem;
    struct recipe recipe;
    enum kernel kernel;
    struct kernel_options options;
    struct truth_contract contract;
    bool on_tensor_cores; /* asked for: the kernel that has them, on what it takes */
    float slopes[EXTREME_HEADS], sinks[EXTREME_HEADS];
    uint8_t visible[EXTREME_KEYS];
    float q[EXTREME_ROW], k[EXTREME_KEYS * EXTREME_ROW], v[EXTREME_KEYS * EXTREME_ROW]; /* room in the widest dtype */
};

/* What runs came to. Elements are those of out and of lse. */
struct extreme_counts {
    long runs, refused;      /* by the device: an adaptive sentinel that no f32 is low enough for */
    long elements, bounded;  /* with a finite bound */
    long lses, lses_bounded; /* the same of lse alone */
    long unbounded_far;      /* without a bound, and not finite or off by more than 1% of sum w|v| / l */
    double used, lse_used;   /* the largest share of a finite bound that was used */
    long accused;            /* numbers beyond their bound and the truth's radius */
};

/* The number of a run that uses the largest share of a finite bound. */
struct extreme_worst {
    double used, number, truth, bound;
    const char *of; /* "out" or "lse" */
    int index;
};

static inline bool extreme_chance(uint64_t *state, double probability)
{
    return draw_between(state, 0, 1) < probability;
}

/* 2^e with a random significand, e uniform in [low, high). */
static inline double extreme_power(uint64_t *state, double low, double high)
{
    double exponent = draw_between(state, low, high);
    return exp2(exponent);
}

/* A finite f32, the nearest to a size that may be none. */
static inline float extreme_f32(double size)
{
    return (float)fmin(fmax(size, -(double)FLT_MAX), (double)FLT_MAX);
}

/* Any f32 above 0: exponents of the whole range. */
static inline float extreme_any_f32(uint64_t *state)
{
    double size = extreme_power(state, -149, 128);
    return extreme_chance(state, 0.1) ? FLT_MAX : extreme_f32(size);
}

enum extreme_filling {
    FILL_LEVEL,
    FILL_WIDE,
    FILL_LARGEST,
    FILL_SUBNORMAL,
    FILL_ONE_CHANNEL,
    FILL_CANCELLING,
    FILL_COUNT
};

/* Fills a tensor, and returns its largest magnitude. */
static inline double extreme_fill(uint64_t *state, enum dtype dtype, void *tensor, size_t rows, size_t dim)
{
    const struct dtype_info *info = &dtypes[dtype];
    enum extreme_filling filling = (enum extreme_filling)draw_below(state, FILL_COUNT);
    double lowest = info->min_exponent - info->significand_bits + 1, highest = ilogb(info->max);
    double any = draw_between(state, lowest, highest + 1), ordinary = draw_between(state, -4, 4), largest = 0;
    double level = extreme_chance(state, 0.5) ? ordinary : any, spread = draw_between(state, 0, 80);
    size_t channel = (size_t)draw_below(state, (int)dim);
    double before = 0;
    for (size_t i = 0; i < rows * dim; i++) {
        double significand = draw_normal(state), below = draw_between(state, 0, 1), size = exp2(level) * significand;
        if (filling == FILL_WIDE)
            size *= exp2(-spread * below);
        if (filling == FILL_LARGEST)
            size = copysign(info->max, significand);
        if (filling == FILL_SUBNORMAL)
            size = significand * ldexp(1, info->min_exponent);
        if (filling == FILL_ONE_CHANNEL && i % dim != channel)
            size = 0;
        if (filling == FILL_CANCELLING) /* 1 in 8 pairs does not cancel exactly */
            size = i % 2 ? -before * (below < 0.125 ? 1 + 0.01 * significand : 1) : size;
        before = size;
        float element = extreme_f32(fmin(fmax(size, -info->max), info->max));
        dtype_narrow(dtype, tensor, i, 1, &element);
        dtype_widen(dtype, tensor, i, 1, &element);
        largest = fmax(largest, fabs((double)element));
    }
    return largest;
}

/* scale and k_scale: ordinary, anything, or what makes ordinary logits of the products there are. */
static inline void extreme_scales(uint64_t *state, struct problem *problem, double product, double largest_v)
{
    bool fp8 = problem->kv_format != KV_AS_DTYPE;
    float any = extreme_any_f32(state), any_k = extreme_any_f32(state), any_v = extreme_any_f32(state);
    double logit = extreme_power(state, -30, 16), value = extreme_power(state, -30, 20);
    problem->k_scale = fp8 && extreme_chance(state, 0.7) ? any_k : 1;
    problem->v_scale = fp8 && extreme_chance(state, 0.4) ? any_v : 1;
    if (fp8 && largest_v > 0 && extreme_chance(state, 0.3))
        problem->v_scale = extreme_f32(value / largest_v);
    product *= sqrt(problem->head_dim) * (double)problem->k_scale;
    double balanced = product > 0 ? logit / product : logit;
    int kind = draw_below(state, 20);
    problem->scale = kind == 0  ? 0
                     : kind < 4 ? (float)(1 / sqrt(problem->head_dim))
                     : kind < 9 ? any
                                : extreme_f32(balanced);
    problem->scale = extreme_chance(state, 0.1) ? -problem->scale : problem->scale;
}

static inline void extreme_positions(uint64_t *state, struct problem *problem)
{
    double far = extreme_chance(state, 0.1) ? 61 : 31;
    int64_t offset = (int64_t)extreme_power(state, 0, far), position = (int64_t)extreme_power(state, 0, far);
    int64_t near = draw_below(state, (int)problem->seq_len + 40);
    problem->kv_offset = extreme_chance(state, 0.4) ? offset : 0;
    switch (draw_below(state, 6)) {
    case 0:
        problem->q_position = position;
        break;
    case 1:
        problem->q_position = -position;
        break;
    case 2:
        problem->q_position = problem->kv_offset + near;
        break;
    case 3:
        problem->q_position = 0;
        break;
    default:
        problem->q_position = problem->kv_offset + problem->seq_len - 1;
    }
}

static inline void extreme_slopes(uint64_t *state, struct extreme_run *run)
{
    const struct problem *problem = &run->problem;
    double oldest = fabs((double)problem_distance(problem, 0)) + 1;
    for (int head = 0; head < problem->num_heads; head++) {
        double bias = extreme_power(state, -30, 16), near_f16 = draw_between(state, 6e4, 7e4);
        float any = extreme_any_f32(state), slope = 0;
        int kind = draw_below(state, 10);
        if (kind < 3)
            slope = exp2f(-(float)draw_below(state, 9));
        else if (kind < 5)
            slope = any;
        else if (kind == 5)
            slope = (float)near_f16;
        else if (kind < 9)
            slope = extreme_f32(bias / oldest);
        run->slopes[head] = extreme_chance(state, 0.1) ? -slope : slope;
    }
}

static inline void extreme_mask(uint64_t *state, struct extreme_run *run)
{
    double kept = (double[]){0, 0.1, 0.5, 0.9}[draw_below(state, 4)];
    if (extreme_chance(state, 0.6))
        return;
    for (int64_t key = 0; key < run->problem.seq_len; key++)
        run->visible[key] = extreme_chance(state, kept);
    run->problem.visible = run->visible;
}

static inline enum dtype_rounding extreme_rounding(uint64_t *state)
{
    enum dtype_rounding rounding = (enum dtype_rounding)draw_below(state, ROUND_ANY_COUNT);
    return extreme_chance(state, 0.2) ? rounding : ROUND_F32;
}

static inline void extreme_recipe(uint64_t *state, struct extreme_run *run)
{
    struct recipe *recipe = &run->recipe;
    *recipe = (struct recipe){.name = "extreme", .sentinel.policy = SENTINEL_INFINITY};
    recipe->bias = (enum bias_form)draw_below(state, BIAS_NONE);
    recipe->log2e = (enum log2e_entry)draw_below(state, LOG2E_ENTRY_COUNT);
    recipe->exponential =
        (enum exponential)draw_below(state, recipe->log2e == LOG2E_EXPONENTIAL ? EXPONENTIAL_COUNT : EXPONENTIAL_EXP);
    recipe->division = (enum division)draw_below(state, DIVISION_COUNT);
    recipe->scale_entry = (enum scale_entry)draw_below(state, SCALE_ENTRY_COUNT);
    recipe->merge = (enum merge_form)draw_below(state, MERGE_FORM_COUNT);
    recipe->slope_dtype = extreme_rounding(state);
    recipe->position_dtype = extreme_rounding(state);
    recipe->bias_dtype = extreme_rounding(state);
    recipe->dot_dtype = extreme_rounding(state);
    recipe->logit_dtype = extreme_rounding(state);
    recipe->weight_dtype = extreme_rounding(state);
    recipe->partial_dtype = extreme_rounding(state);
    recipe->scale_dtype = extreme_rounding(state);
    recipe->query_dtype = recipe->scale_entry == SCALE_QUERY ? extreme_rounding(state) : ROUND_F32;
    recipe->dot_result_dtype = extreme_rounding(state);
    recipe->scaled_dtype = recipe->scale_entry == SCALE_PRODUCT ? extreme_rounding(state) : ROUND_F32;
    recipe->sum_dtype = extreme_rounding(state);
    recipe->weighted_sum_dtype = extreme_rounding(state);
    recipe->weight_form = (enum weight_form)draw_below(state, WEIGHT_FORM_COUNT);
    if (!recipe->weight_form && extreme_chance(state, 0.2))
        recipe->tile_keys = 32 << draw_below(state, 4);
    if (extreme_chance(state, 0.1))
        recipe->weight_dtype = extreme_chance(state, 0.5) ? ROUND_E4M3 : ROUND_E5M2;
    if (recipe->weight_dtype && extreme_chance(state, 0.5))
        recipe->weight_scale = (float[]){2, 3, 256, 448}[draw_below(state, 4)];
    double offset = draw_between(state, 0, ERROR_BOUND_MAX_OFFSET);
    recipe->max_offset = extreme_chance(state, 0.2) ? (float)offset : 0;
    bool rounds = recipe->slope_dtype || recipe->position_dtype || recipe->bias_dtype || recipe->dot_dtype ||
                  recipe->scale_dtype || recipe->query_dtype || recipe->dot_result_dtype || recipe->scaled_dtype;
    int start = draw_below(state, 4), sentinel = draw_below(state, 4);
    if (start == 0)
        recipe->initial_sum = 1;
    if (sentinel == 0)
        recipe->sentinel.policy = SENTINEL_EXCLUDE;
    if (sentinel == 1)
        recipe->masked_entry = MASKED_ADD;
    if (sentinel == 2 && !run->problem.visible && !rounds && !recipe->logit_dtype)
        recipe->sentinel.policy = SENTINEL_ADAPTIVE;
    if (start == 1 && recipe->sentinel.policy != SENTINEL_ADAPTIVE) {
        recipe->initial_max = INITIAL_MAX_VALUE;
        recipe->initial_max_value = -FLT_MAX;
    }
}

/* Now and then the biases of a checkpoint, with a kernel that promises them. */
static inline void extreme_contract(uint64_t *state, struct extreme_run *run)
{
    const struct problem *problem = &run->problem;
    run->contract = (struct truth_contract){.of = TRUTH_OF_INPUTS};
    int kind = draw_below(state, 25);
    if (run->recipe.sentinel.policy == SENTINEL_ADAPTIVE) /* which takes biases as the inputs have them */
        return;
    if (kind == 0) {
        run->contract.of = TRUTH_OF_BF16_BIAS;
        run->recipe.bias = BIAS_ABSOLUTE;
        run->recipe.bias_dtype = ROUND_BF16;
        run->recipe.slope_dtype = run->recipe.position_dtype = ROUND_F32;
        run->recipe.scale_entry = run->recipe.scale_entry == SCALE_SUM ? SCALE_DOT : run->recipe.scale_entry;
        run->recipe.log2e = LOG2E_EXPONENTIAL;
    }
    if (kind == 1 && problem_distance(problem, problem->seq_len - 1) <= 0) {
        run->contract.of = TRUTH_OF_F16_DISTANCE;
        run->recipe.bias = BIAS_RELATIVE;
        run->recipe.position_dtype = ROUND_F16;
    }
}

/* Of the visible keys, by the inputs and in double; 0 where there is none, or it is no number. */
static inline double extreme_largest_logit(const struct problem *problem, int head)
{
    int dim = problem->head_dim;
    float q[EXTREME_DIM], k[EXTREME_DIM];
    double largest = -INFINITY;
    dtype_widen(problem->dtype, problem->q, (size_t)head * (size_t)dim, (size_t)dim, q);
    for (int64_t key = 0; key < problem->seq_len; key++) {
        double product = 0;
        dtype_widen(problem_kv_dtype(problem), problem->k, problem_row(problem, key, problem_kv_head(problem, head)),
                    (size_t)dim, k);
        for (int d = 0; d < dim; d++)
            product += (double)q[d] * (double)k[d];
        double logit = problem_logit(problem, product * problem_logit_scale(problem),
                                     (double)problem->slopes[head] * (double)problem_distance(problem, key));
        largest = problem_visible(problem, key) ? fmax(largest, logit) : largest;
    }
    return isfinite(largest) ? largest : 0;
}

/* A soft cap and learned sinks, each a quarter of the time. A cap after the bias takes no absolute one. */
static inline void extreme_cap_and_sinks(uint64_t *state, struct extreme_run *run)
{
    int where = draw_below(state, 8);
    double cap = extreme_power(state, -10, 20), ordinary = extreme_power(state, 0, 6),
           unit = extreme_power(state, -2, 16);
    bool any = extreme_chance(state, 0.3), sunk = extreme_chance(state, 0.25);
    if (where > SOFT_CAP_NONE && where < SOFT_CAP_COUNT) {
        run->problem.soft_cap = (enum soft_cap)where;
        run->problem.soft_cap_value = (float)(any ? cap : ordinary);
        if (where == SOFT_CAP_AFTER_BIAS) {
            run->recipe.bias = BIAS_RELATIVE;
            if (run->contract.of != TRUTH_OF_FORMULA)
                run->contract = (struct truth_contract){.of = TRUTH_OF_INPUTS};
        }
    }
    bool beside = extreme_chance(state, 0.5); /* the keys, a float's exponents away at most */
    double apart = draw_below(state, 2) ? 4 : 100;
    for (int head = 0; head < EXTREME_HEADS; head++) {
        double sink = draw_normal(state) * unit;
        if (beside && head < run->problem.num_heads)
            sink = extreme_largest_logit(&run->problem, head) + draw_between(state, -apart, apart);
        run->sinks[head] = (float)fmax(-FLT_MAX, fmin(FLT_MAX, sink));
    }
    run->problem.sink_logits = sunk ? run->sinks : NULL;
}

/* What the kernel on tensor cores takes of a recipe, and a generation of them. */
static inline void extreme_tensor_cores(uint64_t *state, struct extreme_run *run)
{
    struct recipe *recipe = &run->recipe;
    run->kernel = KERNEL_TENSOR_CORE;
    recipe->tensor_core = (enum tensor_core)draw_below(state, TENSOR_CORE_COUNT);
    recipe->dot_dtype = recipe->sum_dtype = recipe->weighted_sum_dtype = recipe->query_dtype = ROUND_F32;
    recipe->weight_dtype = ROUND_F32;
    recipe->weight_scale = 0;
    recipe->scale_entry = recipe->scale_entry == SCALE_QUERY ? SCALE_DOT : recipe->scale_entry;
}

/* The run of that number. run holds nothing that has to be freed, and is not to be copied. */
static inline void extreme_draw(struct extreme_run *run, uint64_t seed, uint64_t number)
{
    uint64_t mixed = seed, of_number = draw_bits(&mixed) + number, state = draw_bits(&of_number);
    double size = extreme_power(&state, 0, 9.2);
    bool few = extreme_chance(&state, 0.6);
    struct problem *problem = &run->problem;
    *problem = (struct problem){
        .seq_len = few ? 1 + (int64_t)size % 6 : (int64_t)size,
        .slopes = run->slopes,
        .q = run->q,
        .k = run->k,
        .v = run->v,
    };
    problem->num_heads = 1 + draw_below(&state, EXTREME_HEADS);
    problem->num_kv_heads = 1 + draw_below(&state, problem->num_heads);
    problem->head_dim = (int[]){64, 64, 64, 80, 128}[draw_below(&state, 5)];
    problem->dtype = (enum dtype)draw_below(&state, DTYPE_COUNT);
    problem->kv_format =
        extreme_chance(&state, 0.4) ? (enum kv_format)draw_below(&state, KV_FORMAT_COUNT) : KV_AS_DTYPE;
    if (run->on_tensor_cores) {
        problem->dtype = problem->dtype == DTYPE_F16 ? DTYPE_F16 : DTYPE_BF16;
        problem->kv_format = KV_AS_DTYPE;
    }
    size_t dim = (size_t)problem->head_dim, rows = (size_t)problem->seq_len * (size_t)problem->num_kv_heads;
    double largest_q = extreme_fill(&state, problem->dtype, run->q, (size_t)problem->num_heads, dim);
    double largest_k = extreme_fill(&state, problem_kv_dtype(problem), run->k, rows, dim);
    double largest_v = extreme_fill(&state, problem_kv_dtype(problem), run->v, rows, dim);
    extreme_scales(&state, problem, largest_q * largest_k, largest_v);
    extreme_positions(&state, problem);
    extreme_slopes(&state, run);
    extreme_mask(&state, run);
    extreme_recipe(&state, run);
    extreme_contract(&state, run);
    run->kernel = (enum kernel)draw_below(&state, KERNEL_ANY_COUNT);
    if (run->on_tensor_cores)
        extreme_tensor_cores(&state, run);
    run->options = (struct kernel_options){.chunk_len = 32 << draw_below(&state, 3)};
    extreme_cap_and_sinks(&state, run);
}

/* What share of a finite bound an error uses beyond the truth's radius; infinite for NaN, and where the bound is 0. */
static inline double extreme_used(double number, double value, double tail, double radius, double bound)
{
    double error = number == value ? fabs(tail) : fabs((number - value) - tail);
    if (error <= radius)
        return 0;
    return bound > 0 && !isnan(error) ? (error - radius) / bound : INFINITY;
}

/* Holds a number against its bound. True if it is finite. */
static inline bool extreme_hold(struct extreme_counts *counts, struct extreme_worst *worst, const char *of, int index,
                                double number, double value, double tail, double radius, double bound)
{
    if (!isfinite(bound))
        return false;
    double used = extreme_used(number, value, tail, radius, bound);
    counts->accused += used > 1;
    if (used >= worst->used)
        *worst = (struct extreme_worst){used, number, value, bound, of, index};
    return true;
}

/* Adds a run's numbers to counts. */
static inline void extreme_count(struct extreme_counts *counts, struct extreme_worst *worst,
                                 const struct extreme_run *run, const struct truth *truth, const void *out,
                                 const float *lse, const double *bound, const double *lse_bound)
{
    const struct problem *problem = &run->problem;
    for (int i = 0; i < (int)problem_elements(problem); i++) {
        float element;
        dtype_widen(problem->dtype, out, (size_t)i, 1, &element);
        bool bounded = extreme_hold(counts, worst, "out", i, (double)element, truth->value[i], truth->tail[i],
                                    truth->radius[i], bound[i]);
        counts->elements++;
        counts->bounded += bounded;
        counts->unbounded_far += !bounded && !(fabs((double)element - truth->value[i]) <= 0.01 * truth->magnitude[i]);
    }
    for (int h = 0; h < problem->num_heads; h++) {
        counts->lses++;
        counts->lses_bounded += extreme_hold(counts, worst, "lse", h, (double)lse[h], truth->lse[h], truth->lse_tail[h],
                                             truth->lse_radius[h], lse_bound[h]);
    }
    counts->used = fmax(counts->used, worst->used);
}

/* Runs and judges. The error of a device that takes no such run is no error here; truths and bounds that fail are. */
static inline enum error_kind extreme_judge(struct extreme_counts *counts, struct extreme_worst *worst,
                                            const struct extreme_run *run, struct device *device, struct error *error)
{
    const struct problem *problem = &run->problem;
    float out[EXTREME_ROW], lse[EXTREME_HEADS];
    double bound[EXTREME_ROW], lse_bound[EXTREME_HEADS], seconds;
    struct output output = {out, lse};
    struct truth truth;
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1, .contract = &run->contract};
    *worst = (struct extreme_worst){.of = "out"};
    counts->runs++;
    if (device_run(device, run->kernel, &run->options, &run->recipe, problem, &output, &seconds, error)) {
        counts->refused++;
        return run->recipe.sentinel.policy == SENTINEL_ADAPTIVE ? ERROR_NONE : ERROR_SYSTEM;
    }
    enum error_kind kind = truth_init(&truth, problem, error);
    if (!kind)
        kind = truth_compute(&truth, TRUTH_CERTIFIED, problem, &options, error);
    struct rounding_model model = kernel_rounding(run->kernel, &run->options, &run->recipe, problem);
    if (!kind)
        kind = error_bounds(bound, lse_bound, &model, problem, &truth, 1, NULL, error);
    if (!kind)
        extreme_count(counts, worst, run, &truth, out, lse, bound, lse_bound);
    truth_clear(&truth);
    return kind;
}

static inline void extreme_add(struct extreme_counts *sum, const struct extreme_counts *counts)
{
    sum->runs += counts->runs;
    sum->refused += counts->refused;
    sum->elements += counts->elements;
    sum->bounded += counts->bounded;
    sum->lses += counts->lses;
    sum->lses_bounded += counts->lses_bounded;
    sum->unbounded_far += counts->unbounded_far;
    sum->accused += counts->accused;
    sum->used = fmax(sum->used, counts->used);
}

enum { EXTREME_TEXT_SIZE = 512 };

/* What was drawn, in a line. */
static inline char *extreme_format(char *text, const struct extreme_run *run)
{
    const struct problem *problem = &run->problem;
    const struct recipe *recipe = &run->recipe;
    snprintf(text, EXTREME_TEXT_SIZE,
             "%s N %lld H %d/%d D %d %s kv %s scale %a k_scale %a v_scale %a offset %lld position %lld slopes %a %a %s "
             "truth of %s; %s %s entry %s merge %s dtypes slope %d position %d bias %d dot %d logit %d weight %d "
             "partial %d raised %g sentinel %d add %d chunk %lld soft cap %d of %a sink %a",
             kernels[run->kernel]->name, (long long)problem->seq_len, problem->num_heads, problem->num_kv_heads,
             problem->head_dim, dtypes[problem->dtype].name, dtypes[problem_kv_dtype(problem)].name,
             (double)problem->scale, (double)problem->k_scale, (double)problem->v_scale, (long long)problem->kv_offset,
             (long long)problem->q_position, (double)run->slopes[0], (double)run->slopes[problem->num_heads - 1],
             problem->visible ? "masked" : "whole", truth_ofs[run->contract.of].name, bias_form_names[recipe->bias],
             exponential_names[recipe->exponential], scale_entry_names[recipe->scale_entry],
             merge_form_names[recipe->merge], recipe->slope_dtype, recipe->position_dtype, recipe->bias_dtype,
             recipe->dot_dtype, recipe->logit_dtype, recipe->weight_dtype, recipe->partial_dtype,
             (double)recipe->max_offset, recipe->sentinel.policy, recipe->masked_entry,
             (long long)run->options.chunk_len, (int)problem->soft_cap, (double)problem->soft_cap_value,
             problem->sink_logits ? (double)problem->sink_logits[0] : -INFINITY);
    return text;
}

#endif
