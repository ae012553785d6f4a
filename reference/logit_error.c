/* Section "The weight of a key" of error_bound.md, and "Overflow" as far as the logits. */
#include "reference/logit_error.h"

#include <math.h>

#include "reference/recent_keys.h"
#include "reference/soft_cap.h"

/* ln of a probability below which all keys together are none: e^-60 N is below 2^-46, the tail that error_bound.c adds
 * twice, for N < 2^40. */
#define NEGLIGIBLE (-60.0)

/* Whether rounding to a narrow dtype leaves a slope as it is: a multiple of its ulp, of the least subnormal at least.
 */
static bool slope_held(const struct rounding_model *model, double slope)
{
    int exponent;
    frexp(slope, &exponent);
    return fmod(slope, fmax(ldexp(1, exponent - model->slope_bits), 2 * model->slope_floor)) == 0;
}

/* Relative errors of what a head's logits are formed with. */
static double given_error(const struct logit_terms *terms)
{
    return terms->of == TRUTH_OF_FORMULA ? 0x1p-24 : 0;
}

/* A slope's, of which more than one step may have been rounded; 0x1p-40 is for what doubles lose here. */
static double given_slope_error(const struct logit_terms *terms)
{
    if (terms->of != TRUTH_OF_FORMULA || terms->slope == 0)
        return 0;
    double given = (double)terms->problem->slopes[terms->head];
    return fmax(0x1p-24, fabs(given - terms->slope) / fabs(terms->slope) * (1 + 0x1p-40));
}

static double slope_error(const struct rounding_model *model, const struct logit_terms *terms)
{
    return model->slope + given_slope_error(terms) + terms->slope_narrow;
}

/* What fused sums of q.k lose to products of subnormal elements, which they align as if these were normal: at most that
 * of the least normal number with the largest of the other side, an element at a time. Zeros are not aligned. */
static double alignment_floor(const struct rounding_model *model, const float *k_bounds,
                              const struct logit_terms *terms)
{
    double largest = 0, normal = model->dot_normal;
    for (int d = 0; d < terms->problem->head_dim; d++) {
        double q = fabs(terms->query[d]), k = (double)k_bounds[d];
        if (q > 0 && k > 0)
            largest = fmax(largest, normal * fmax(fmax(q < normal ? k : 0, q), normal));
    }
    return model->dot_alignment * largest * fabs(terms->scale);
}

/* Adds what subnormal elements of a scaled query lose, times the largest k that they meet, to the terms. False if an
 * element overflows. */
static bool query_held(const struct rounding_model *model, const float *k_bounds, struct logit_terms *terms)
{
    bool held = true;
    for (int d = 0; d < terms->problem->head_dim; d++) {
        double scaled = fabs(terms->query[d] * model->query_scale); /* exact: 48 bits */
        held = held && !overflows(scaled, fmin(dtypes[DTYPE_F32].max, model->query_max));
        if (scaled < 0x1p-126 && scaled != (double)(float)scaled)
            terms->dot_floor += 0x1p-150 * (double)k_bounds[d];
        if (scaled < model->query_normal)
            terms->dot_floor += model->query_floor * (double)k_bounds[d];
    }
    return held;
}

struct logit_terms logit_terms_of(const struct rounding_model *model, const struct problem *problem,
                                  const struct truth_contract *contract, int head, const double *query,
                                  const float *k_bounds)
{
    struct logit_terms terms = {
        .problem = problem,
        .of = contract->of,
        .head = head,
        .kv_head = problem_kv_head(problem, head),
        .query = query,
        .dot_floor = model->dot_floor,
    };
    if (!(model->slope_narrow > 0 && slope_held(model, (double)problem->slopes[head]))) {
        terms.slope_narrow = model->slope_narrow;
        terms.slope_floor = model->slope_floor;
    }
    terms.slope_lost = terms.slope_floor + model->slope_divided;
    mpfr_t number;
    mpfr_init2(number, 128);
    contract_scale(number, contract, problem);
    terms.scale = mpfr_get_d(number, MPFR_RNDN);
    contract_slope(number, contract, problem, head);
    terms.slope = mpfr_get_d(number, MPFR_RNDN);
    mpfr_clear(number);
    terms.query_held = query_held(model, k_bounds, &terms);
    if (model->dot_alignment > 0)
        terms.dot_floor += alignment_floor(model, k_bounds, &terms);
    return terms;
}

double logit_bias(const struct logit_terms *terms, int64_t key)
{
    struct contract_bias bias = contract_bias(terms->of, terms->problem, terms->head, key);
    return bias.dropped ? -INFINITY : terms->slope * (double)bias.distance + bias.rounded;
}

double logit_absolute(const struct rounding_model *model, const struct logit_terms *terms, double products)
{
    double scale = fabs(terms->scale), formed = products * (scale > 0 ? scale : 1) * (1 + model->dot + model->dot_add);
    if (model->query_scale != 0)
        formed = formed * (1 + model->scale + given_error(terms)) + terms->dot_floor;
    return overflows(formed, model->dot_max) ? INFINITY : products * scale;
}

/* Each lane sums every DOT_LANES-th product: one sum would wait for itself at each of them. */
static struct logit_dot dot_in_lanes(const double *restrict query, const float *restrict row, int dim)
{
    enum { DOT_LANES = 8 };
    double sums[DOT_LANES] = {0}, absolutes[DOT_LANES] = {0};
    struct logit_dot dot = {0, 0};
    int d = 0;
    for (; d + DOT_LANES <= dim; d += DOT_LANES)
        for (int lane = 0; lane < DOT_LANES; lane++) {
            double product = query[d + lane] * (double)row[d + lane];
            sums[lane] += product;
            absolutes[lane] += fabs(product);
        }
    for (int lane = 0; d < dim; d++, lane++) {
        double product = query[d] * (double)row[d];
        sums[lane] += product;
        absolutes[lane] += fabs(product);
    }
    for (int lane = 0; lane < DOT_LANES; lane++) {
        dot.sum += sums[lane];
        dot.absolute += absolutes[lane];
    }
    return dot;
}

struct logit_dot logit_dot(const struct logit_terms *terms, int64_t key, float *row)
{
    const struct problem *problem = terms->problem;
    recent_keys_read(problem, terms->kv_head, key);
    dtype_widen(problem_kv_dtype(problem), problem->k, problem_row(problem, key, terms->kv_head),
                (size_t)problem->head_dim, row);
    return dot_in_lanes(terms->query, row, problem->head_dim);
}

/* The size of what slopes are multiplied by. */
static double formed_position(const struct rounding_model *model, const struct problem *problem, int64_t key)
{
    double position = fabs((double)(problem->kv_offset + key)), distance = fabs((double)problem_distance(problem, key));
    if (model->any_order) /* an absolute bias is allowed, not asked for */
        return model->absolute_bias ? fmax(position, distance) : distance;
    return model->absolute_bias ? position : distance;
}

/* A logit on its way: sizes as formed, errors of the steps before included, in nats. */
struct formed {
    double position, bias, logit;
    double error;   /* of the logit */
    double largest; /* |logit| at most: q.k and bias may be on one side, which tells more in the absolute form */
    double highest; /* logit at most, with its sign */
};

/*
 * What a soft cap makes of a number of at most `size` and of its error. The cap's own slope is 1 at most, and an error
 * of x relative to x moves C tanh(x / C) by x / cosh^2(x / C), 0.448 C at most. Nothing is further off than 2 C.
 */
static double capped_error(const struct rounding_model *model, const struct problem *problem, double size, double error)
{
    double cap = (double)problem->soft_cap_value;
    size += error;
    error = fmin(error + fmin(size, 0.45 * cap) * model->cap_argument, 2 * cap);
    return error + fmin(size * (1 + model->cap_argument), cap) * model->cap + model->cap_floor;
}

static bool power_of_two(double number)
{
    int exponent;
    return frexp(number, &exponent) == 0.5;
}

static double position_error(const struct rounding_model *model, double position)
{
    return position > model->position_exact ? model->position : 0;
}

static double narrow_bias_error(const struct rounding_model *model, const struct logit_terms *terms)
{
    return power_of_two(fabs(terms->slope)) ? 0 : model->narrow_bias;
}

/* (3) as far as the logit. Each step's error is of what the steps before have made of it. absolute is finite. */
static struct formed form_logit(const struct rounding_model *model, const struct logit_terms *terms, int64_t key,
                                double logit, double absolute)
{
    const struct problem *problem = terms->problem;
    double slope = fabs(terms->slope), given = given_error(terms);
    double keys = fabs((double)problem_distance(problem, key));
    double distance = fmax(slope * keys, fabs(logit_bias(terms, key)));
    double position = formed_position(model, problem, key);
    double formed_bias = (model->absolute_bias ? slope * position : distance) * (1 + slope_error(model, terms)) +
                         position * terms->slope_lost;
    double formed_shift = model->absolute_bias ? slope * fabs((double)problem->q_position) : 0;
    double from_position = position_error(model, position), own_bias = model->bias + narrow_bias_error(model, terms);
    double bias_error = own_bias + from_position + own_bias * from_position;
    double scale_error = model->scale + given;
    double product_error = absolute * (scale_error + model->dot + scale_error * model->dot);
    if (model->any_order) {
        double size = problem->soft_cap ? absolute : fmin(fabs(logit - logit_bias(terms, key)), absolute);
        product_error += 0.5 * (absolute + size) * (1 + scale_error) * model->dot_add; /* any_order.md */
        product_error += (size + product_error) * model->dot_result;
    }
    double product = problem_reach(problem, absolute);
    double uncapped = problem->soft_cap == SOFT_CAP_AFTER_BIAS ? absolute + distance : fabs(logit);

    double error = fmax(distance * terms->slope_narrow, keys * terms->slope_floor) * (1 + model->slope) +
                   keys * model->slope_divided + distance * (model->slope + given_slope_error(terms)) +
                   formed_bias * bias_error;
    if (problem->soft_cap == SOFT_CAP_BEFORE_BIAS)
        error += capped_error(model, problem, absolute, product_error + terms->dot_floor);
    else
        error = error + product_error + terms->dot_floor;
    double formed_logit = uncapped + formed_shift * (1 + slope_error(model, terms)) + error;
    error += formed_logit * model->logit + model->logit_floor;
    formed_bias *= 1 + bias_error;
    double largest = fmin(formed_logit, product + formed_bias + error);
    if (problem->soft_cap == SOFT_CAP_AFTER_BIAS) {
        double cap = (double)problem->soft_cap_value;
        error = capped_error(model, problem, formed_logit, error);
        formed_logit = fmin(formed_logit, cap) + error;
        error += formed_logit * model->capped;
        formed_shift = 0;
    }
    return (struct formed){position, formed_bias,        formed_logit,
                           error,    .largest = largest, .highest = logit + formed_shift + error};
}

/* Whether a bias may overflow: a slope, narrow or folded, of which a distance of 0 would make NaN; a position; or what
 * both come to. */
static bool bias_overflows(const struct rounding_model *model, const struct logit_terms *terms,
                           const struct formed *formed)
{
    double slope = fabs(terms->slope);
    return overflows(formed->position, model->position_max) || overflows(slope, model->slope_max) ||
           overflows(slope * (1 + slope_error(model, terms)) + terms->slope_lost, model->folded_slope_max) ||
           overflows(formed->bias, model->bias_max);
}

/* Whether a step on the way to a logit may overflow, q.k aside. */
static bool logit_overflows(const struct rounding_model *model, const struct logit_terms *terms,
                            const struct formed *formed)
{
    return bias_overflows(model, terms, formed) || overflows(formed->largest * (1 + model->logit), model->logit_max);
}

/* Whether a bias that overflows is -inf: of a key older than the query, under a slope that is not rounded to 0. */
static bool bias_falls(const struct rounding_model *model, const struct logit_terms *terms, int64_t key)
{
    double least_slope = terms->slope * (1 - slope_error(model, terms)) - terms->slope_lost;
    bool older = model->distance_magnitude || problem_distance(terms->problem, key) < 0;
    return !model->absolute_bias && least_slope > 0 && older;
}

/* Whether a logit that overflows is -inf, and so a weight of 0. */
static bool overflows_to_nothing(const struct rounding_model *model, const struct logit_terms *terms, int64_t key,
                                 const struct formed *formed)
{
    return terms->problem->soft_cap != SOFT_CAP_AFTER_BIAS && /* which makes -C of it */
           (bias_falls(model, terms, key) || !bias_overflows(model, terms, formed)) &&
           !overflows(formed->highest, model->logit_max);
}

/* (3) before it becomes relative: nats by which roundings may move the logarithm of a key's weight. An error relative
 * to a base-2 logit is the same relative to a natural one. */
static double weight_error(const struct rounding_model *model, const struct logit_terms *terms,
                           const struct formed *formed, double logit, double max, double rescale_error)
{
    double formed_shift = model->absolute_bias ? fabs(terms->slope) * fabs((double)terms->problem->q_position) : 0;
    double error = formed->error;
    error += (max - logit + model->max_offset + 2 * error) * model->shift; /* the maximum's own error taken as large */
    error += model->exponential + rescale_error;
    double size = fmax(formed->logit, fabs(max) + formed_shift + error);
    if (model->merge_by_lse) { /* (6) */
        double log_keys = log((double)model->chunk_len);
        error += (size + log_keys) * model->lse_sum + (fmax(log_keys, model->max_offset) + 0.5) * model->logarithm +
                 log_keys * model->shift;
    }
    return model->maximum > 0 ? error + size * model->maximum : error;
}

struct key_error key_error_parts(const struct rounding_model *model, const struct logit_terms *terms, int64_t key,
                                 double logit, double absolute, double lse, double max, double rescale_error)
{
    if (!isfinite(absolute))
        return (struct key_error){INFINITY, INFINITY};
    struct formed formed = form_logit(model, terms, key, logit, absolute);
    double error = weight_error(model, terms, &formed, logit, max, rescale_error);
    bool overflow = logit_overflows(model, terms, &formed);
    if (logit - lse + error < NEGLIGIBLE && (!overflow || overflows_to_nothing(model, terms, key, &formed)))
        return (struct key_error){-INFINITY, -INFINITY};
    return overflow ? (struct key_error){INFINITY, INFINITY} : (struct key_error){formed.error, error};
}

double logit_error(const struct rounding_model *model, const struct logit_terms *terms, int64_t key, double logit,
                   double absolute, double lse, double max, double rescale_error)
{
    return key_error_parts(model, terms, key, logit, absolute, lse, max, rescale_error).weight;
}

double logit_shift_error(const struct rounding_model *model, const struct logit_terms *terms)
{
    double position = fabs((double)terms->problem->q_position), slope = fabs(terms->slope);
    double error = position * (slope * (model->lse_slope + terms->slope_narrow) + terms->slope_lost);
    if (model->any_order) { /* where it may be rounded like the biases of keys */
        double from_position = position_error(model, position), from_product = narrow_bias_error(model, terms);
        error += (position * slope + error) * (from_position + from_product + from_position * from_product);
        error += model->logit_floor;
    }
    return error;
}

double sink_error(const struct rounding_model *model, const struct logit_terms *terms, double sink, double max)
{
    double distance = fabs(max - sink) + model->max_offset;
    double error = fabs(sink) * model->sink;
    if (model->absolute_bias)
        error += logit_shift_error(model, terms) + (fabs(max) + error) * model->lse_sum;
    return error + (distance + error) * model->shift + model->exponential + model->rescale;
}

/* Nats that a nat more of bias adds to a key's error at most; a tail of keys needs it to be small. */
#define LARGEST_GROWTH 0x1p-4

static double error_growth(const struct rounding_model *model, const struct logit_terms *terms)
{
    return 1.1 * (slope_error(model, terms) + terms->slope_lost / terms->slope + model->bias + model->narrow_bias +
                  model->position + model->logit + model->shift + model->maximum +
                  (model->merge_by_lse ? model->lse_sum : 0));
}

double logit_error_unseen(const struct rounding_model *model, const struct logit_terms *terms, int64_t key, double bias,
                          double reach, double lse, double rescale_error)
{
    struct rounding_model rounded = *model;
    rounded.position_exact = 0; /* older positions may be rounded */
    if (!(error_growth(model, terms) < LARGEST_GROWTH) || isinf(reach))
        return INFINITY;
    struct formed formed = form_logit(&rounded, terms, key, bias - reach, reach);
    if (logit_overflows(model, terms, &formed))
        return INFINITY;
    return weight_error(&rounded, terms, &formed, bias - reach, lse, rescale_error);
}

/* Whether the logit of a key that does not count, which the kernel forms nevertheless, may be anything but finite or
 * -inf. What its k holds that is not finite is no overflow. */
static bool uncounted_overflows(const struct rounding_model *model, const struct logit_terms *terms, int64_t key,
                                float *row)
{
    const struct problem *problem = terms->problem;
    struct logit_dot dot = logit_dot(terms, key, row);
    double absolute = logit_absolute(model, terms, dot.absolute), bias = logit_bias(terms, key);
    if (!isfinite(dot.absolute) || isinf(absolute))
        return isfinite(dot.absolute);
    if (bias == -INFINITY)
        return overflows(formed_position(model, problem, key), model->position_max) && !bias_falls(model, terms, key);
    double logit = problem_logit(problem, dot.sum * terms->scale, bias);
    struct formed formed = form_logit(model, terms, key, logit, absolute);
    return logit_overflows(model, terms, &formed) && !overflows_to_nothing(model, terms, key, &formed);
}

bool logits_overflow(const struct rounding_model *model, const struct logit_terms *terms, float *row)
{
    const struct problem *problem = terms->problem;
    bool shared = !terms->query_held || model->scale_overflows, found = false;
    if (!shared && !model->masked_logits && terms->of != TRUTH_OF_F16_DISTANCE)
        return false;
    for (int64_t key = 0; key < problem->seq_len && !found; key++) {
        bool visible = problem_visible(problem, key);
        bool uncounted = visible ? logit_bias(terms, key) == -INFINITY : model->masked_logits;
        found = (shared && visible) || (uncounted && (shared || uncounted_overflows(model, terms, key, row)));
    }
    return found;
}
