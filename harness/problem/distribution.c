#include "harness/problem/distribution.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mpfr.h>

enum {
    ONEHOT_NEWEST = 8,              /* the dominating key is one of so many newest */
    STREAM_CHANNELS = TENSOR_V + 1, /* streams beside those of the tensors: which channels are outliers, */
    STREAM_DOMINATING,              /* which key dominates, */
    STREAM_SINKS = MASK_STREAM + 1  /* and learned sinks */
};

_Static_assert((int)MASK_STREAM > (int)STREAM_DOMINATING, "no two uses share a stream");

/* ---- plain streams ------------------------------------------------------------------------------------------ */

/* A parameter as f32, finite. */
static float parameter(double value)
{
    return (float)(value < FLT_MAX ? value > -FLT_MAX ? value : -FLT_MAX : FLT_MAX);
}

static struct variate normal_variate(const struct input_spec *input)
{
    return (struct variate){.kind = VARIATE_NORMAL, .mean = parameter(input->mean), .stddev = parameter(input->stddev)};
}

static struct variate uniform_variate(const struct input_spec *input)
{
    float low = parameter(input->low), high = parameter(input->high);
    return (struct variate){.kind = VARIATE_UNIFORM, .low = low, .high = high, .highest = variate_highest(low, high)};
}

static struct variate constant_variate(const struct input_spec *input)
{
    return (struct variate){.kind = VARIATE_CONSTANT, .value = parameter(input->value)};
}

static void normal_stream(float *values, const struct input_spec *input, struct random_stream stream, uint64_t first,
                          size_t count)
{
    const struct variate variate = normal_variate(input);
    uint32_t words[GENERATOR_BLOCK];
    random_words(words, stream, first, count);
    random_normal(values, words, count, variate.mean, variate.stddev);
}

static void uniform_stream(float *values, const struct input_spec *input, struct random_stream stream, uint64_t first,
                           size_t count)
{
    const struct variate variate = uniform_variate(input);
    uint32_t words[GENERATOR_BLOCK];
    random_words(words, stream, first, count);
    random_uniform(values, words, count, variate.low, variate.high);
}

static void constant_stream(float *values, const struct input_spec *input, struct random_stream stream, uint64_t first,
                            size_t count)
{
    (void)stream, (void)first;
    for (size_t i = 0; i < count; i++)
        values[i] = constant_variate(input).value;
}

/* |z| < 6.5 of normal numbers. */
static double largest_normal(const struct input_spec *input)
{
    return fabs(input->mean) + 6.5 * fabs(input->stddev);
}

static double largest_uniform(const struct input_spec *input)
{
    return fmax(fabs(input->low), fabs(input->high));
}

static double largest_constant(const struct input_spec *input)
{
    return fabs(input->value);
}

/* ---- shapes: what a distribution puts over its stream ------------------------------------------------------ */

static void outliers_shape(const struct generator *generator, struct row_run run, float *values, size_t count)
{
    if (run.tensor != TENSOR_K)
        return;
    const float *factor =
        generator->channel_factor + (size_t)run.head * (size_t)generator->spec->head_dim + run.channel;
    for (size_t i = 0; i < count; i++)
        values[i] *= factor[i];
}

/*
 * A pair's logits differ by the slope alone, since they share k. So w_new = exp(slope) w_old, and v_new = -exp(-slope)
 * v_old, with v_old as rounded to the dtype, leaves of w_old v_old + w_new v_new only what rounding v_new leaves:
 * at most w_new (ulp(v_new) / 2 + 2^-23 |v_new|), 2^-11 of the pair's weight for f16, unless exp(-slope) leaves f32's
 * normal numbers, as a slope of a convention never does.
 */
static void cancelling_shape(const struct generator *generator, struct row_run run, float *values, size_t count)
{
    const struct problem_spec *spec = generator->spec;
    bool newer_of_pair = (spec->seq_len - 1 - run.key) % 2 == 0 && run.key > 0;
    if (!newer_of_pair || run.tensor == TENSOR_Q)
        return;
    size_t older = (size_t)(run.key - 1) * generator->key_elements + (size_t)run.head * (size_t)spec->head_dim +
                   (size_t)run.channel;
    input_stream(values, &spec->input, problem_spec_seed(spec), run.tensor, older, count);
    if (run.tensor == TENSOR_V)
        for (size_t i = 0; i < count; i++)
            values[i] = -generator->decay[run.head] * dtype_round(problem_spec_kv_dtype(spec), values[i]);
}

static void onehot_shape(const struct generator *generator, struct row_run run, float *values, size_t count)
{
    const struct problem_spec *spec = generator->spec;
    if (run.tensor != TENSOR_K || run.key != generator->dominating[run.head])
        return;
    int first_head = run.head * (spec->num_heads / spec->num_kv_heads);
    dtype_widen(spec->dtype, generator->q, (size_t)first_head * (size_t)spec->head_dim + (size_t)run.channel, count,
                values);
    for (size_t i = 0; i < count; i++)
        values[i] *= parameter(spec->input.factor);
}

/*
 * q.k is c k_0: products with the zeros of q add nothing, and c is a power of two. So the logit is scale * k_scale * c
 * k_0, off from what was asked for by the rounding of k_0 alone, and exact where k_0 is.
 */
static void logit_floor_shape(const struct generator *generator, struct row_run run, float *values, size_t count)
{
    const struct problem_spec *spec = generator->spec;
    const struct input_spec unit = {.distribution = DISTRIBUTION_NORMAL, .mean = 0, .stddev = 1};
    if (run.tensor == TENSOR_Q)
        memset(values, 0, count * sizeof *values);
    if (run.channel != 0)
        return;
    if (run.tensor == TENSOR_Q)
        values[0] = generator->floor_query;
    if (run.tensor == TENSOR_K) {
        size_t index = (size_t)run.key * generator->key_elements + (size_t)run.head * (size_t)spec->head_dim;
        float z;
        normal_stream(&z, &unit, (struct random_stream){problem_spec_seed(spec), TENSOR_K}, index, 1);
        double logit = (double)parameter(spec->input.value) + (double)parameter(spec->input.spread) * (double)z;
        values[0] = parameter(logit / generator->floor_divisor);
    }
}

static double logit_scale(const struct problem_spec *spec)
{
    return problem_logit_scale(
        &(struct problem){.kv_format = spec->kv_format, .k_scale = spec->k_scale, .scale = spec->scale});
}

/* The largest |q.k| that logit_floor asks for. */
static double floor_dot(const struct problem_spec *spec)
{
    double logit = fabs((double)parameter(spec->input.value)) + 6.5 * fabs((double)parameter(spec->input.spread));
    return logit / logit_scale(spec);
}

/* c, such that element 0 of k lies in [8, 16), well within every dtype, as far as a normal number of q can bring that
 * about. */
static double floor_query(const struct problem_spec *spec)
{
    const struct dtype_info *dtype = &dtypes[spec->dtype];
    double dot = floor_dot(spec);
    int exponent = dot > 0 ? ilogb(dot) - 3 : 0, largest = ilogb(dtype->max);
    return ldexp(1, exponent < dtype->min_exponent ? dtype->min_exponent : exponent > largest ? largest : exponent);
}

bool logit_floor_fits(const struct problem_spec *spec)
{
    const struct dtype_info *dtype = &dtypes[problem_spec_kv_dtype(spec)];
    double element = floor_dot(spec) / floor_query(spec);
    return spec->input.distribution != DISTRIBUTION_LOGIT_FLOOR || element == 0 ||
           (element >= ldexp(1, dtype->min_exponent) && element <= dtype->max);
}

static void make_channel_factors(struct generator *generator, int *order)
{
    const struct problem_spec *spec = generator->spec;
    int head_dim = spec->head_dim, channels = spec->input.channels < head_dim ? spec->input.channels : head_dim;
    struct random_stream stream = {problem_spec_seed(spec), STREAM_CHANNELS};
    for (int g = 0; g < spec->num_kv_heads; g++) {
        float *factor = generator->channel_factor + (size_t)g * (size_t)head_dim;
        for (int d = 0; d < head_dim; d++) {
            factor[d] = 1;
            order[d] = d;
        }
        /* The first steps of a Fisher-Yates shuffle: distinct channels, every set of them equally likely. */
        for (int i = 0; i < channels; i++) {
            uint32_t word;
            random_words(&word, stream, (uint64_t)g * (uint64_t)head_dim + (uint64_t)i, 1);
            int other = i + (int)((uint64_t)word * (uint64_t)(head_dim - i) >> 32), channel = order[other];
            order[other] = order[i];
            order[i] = channel;
            factor[channel] = parameter(spec->input.factor);
        }
    }
}

static void make_decays(struct generator *generator, const float *slopes)
{
    const struct problem_spec *spec = generator->spec;
    double largest = 1;
    mpfr_t decay;
    mpfr_init2(decay, 24); /* f32's own precision: of a convention's slopes, exp(-slope) > 1/e is normal, so one
                            * rounding in all */
    for (int g = 0; g < spec->num_kv_heads; g++) {
        mpfr_set_flt(decay, -slopes[g * (spec->num_heads / spec->num_kv_heads)], MPFR_RNDN);
        mpfr_exp(decay, decay, MPFR_RNDN);
        generator->decay[g] = mpfr_get_flt(decay, MPFR_RNDN);
        largest = fmax(largest, (double)generator->decay[g]);
    }
    generator->may_overflow |= !(largest_normal(&spec->input) * largest < generator->largest);
    mpfr_clear(decay);
    mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
}

static void make_dominating(struct generator *generator)
{
    const struct problem_spec *spec = generator->spec;
    uint64_t newest = spec->seq_len < ONEHOT_NEWEST ? (uint64_t)spec->seq_len : ONEHOT_NEWEST;
    for (int g = 0; g < spec->num_kv_heads; g++) {
        uint32_t word;
        random_words(&word, (struct random_stream){problem_spec_seed(spec), STREAM_DOMINATING}, (uint64_t)g, 1);
        generator->dominating[g] = spec->seq_len - 1 - (int64_t)(word * newest >> 32);
    }
}

void sink_stream(float *sinks, size_t count, uint64_t seed, float stddev)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        random_words(&word, (struct random_stream){seed, STREAM_SINKS}, i, 1);
        random_normal(&sinks[i], &word, 1, 0, stddev);
    }
}

/* ---- what shapes need ------------------------------------------------------------------------------------------ */

static enum error_kind prepare_outliers(struct generator *generator, const float *slopes, struct error *error)
{
    size_t head_dim = (size_t)generator->spec->head_dim;
    int *order = calloc(head_dim, sizeof *order);
    (void)slopes;
    generator->channel_factor = calloc(generator->key_elements, sizeof *generator->channel_factor);
    bool made = order && generator->channel_factor;
    if (made)
        make_channel_factors(generator, order);
    free(order);
    return made ? ERROR_NONE
                : error_memory(error, "the outlier channels", (double)(generator->key_elements * sizeof(float)));
}

static enum error_kind prepare_cancelling(struct generator *generator, const float *slopes, struct error *error)
{
    size_t kv_heads = (size_t)generator->spec->num_kv_heads;
    generator->decay = calloc(kv_heads, sizeof *generator->decay);
    if (!generator->decay)
        return error_memory(error, "the cancelling pairs", (double)(kv_heads * sizeof(float)));
    make_decays(generator, slopes);
    return ERROR_NONE;
}

static enum error_kind prepare_onehot(struct generator *generator, const float *slopes, struct error *error)
{
    size_t kv_heads = (size_t)generator->spec->num_kv_heads;
    (void)slopes;
    generator->dominating = calloc(kv_heads, sizeof *generator->dominating);
    if (!generator->dominating)
        return error_memory(error, "the dominating keys", (double)(kv_heads * sizeof(int64_t)));
    make_dominating(generator);
    return ERROR_NONE;
}

static enum error_kind prepare_logit_floor(struct generator *generator, const float *slopes, struct error *error)
{
    const struct problem_spec *spec = generator->spec;
    (void)slopes, (void)error;
    generator->floor_query = (float)floor_query(spec);
    generator->floor_divisor = logit_scale(spec) * floor_query(spec);
    generator->floor_key = floor_dot(spec) / floor_query(spec);
    generator->may_overflow |= !(generator->floor_key * fmax(1, fabs(spec->input.factor)) < generator->largest);
    return ERROR_NONE;
}

/* ---- the distributions ----------------------------------------------------------------------------------------- */

#define READS(parameter) (UINT64_C(1) << INPUT_##parameter)
#define NORMAL (READS(MEAN) | READS(STDDEV))

const struct distribution_info distributions[DISTRIBUTION_COUNT] = {
    [DISTRIBUTION_NORMAL] = {.kind = {.name = "normal", .reads = NORMAL},
                             .largest = largest_normal,
                             .stream = normal_stream,
                             .variate = normal_variate},
    [DISTRIBUTION_UNIFORM] = {.kind = {.name = "uniform", .reads = READS(LOW) | READS(HIGH)},
                              .largest = largest_uniform,
                              .stream = uniform_stream,
                              .variate = uniform_variate},
    [DISTRIBUTION_CONSTANT] = {.kind = {.name = "constant", .reads = READS(VALUE)},
                               .largest = largest_constant,
                               .stream = constant_stream,
                               .variate = constant_variate},
    [DISTRIBUTION_OUTLIERS] = {.kind = {.name = "outliers", .reads = NORMAL | READS(CHANNELS) | READS(FACTOR)},
                               .largest = largest_normal,
                               .stream = normal_stream,
                               .prepare = prepare_outliers,
                               .shape = outliers_shape},
    [DISTRIBUTION_CANCELLING] = {.kind = {.name = "cancelling", .reads = NORMAL},
                                 .largest = largest_normal,
                                 .stream = normal_stream,
                                 .prepare = prepare_cancelling,
                                 .shape = cancelling_shape},
    [DISTRIBUTION_ONEHOT] =
        {.kind = {.name = "onehot", .reads = NORMAL | READS(FACTOR), .preset_field = INPUT_FACTOR, .preset = 8},
         .largest = largest_normal,
         .stream = normal_stream,
         .prepare = prepare_onehot,
         .shape = onehot_shape},
    [DISTRIBUTION_LOGIT_FLOOR] = {.kind = {.name = "logit_floor",
                                           .reads = NORMAL | READS(VALUE) | READS(SPREAD),
                                           .preset_field = INPUT_VALUE,
                                           .preset = -10000,
                                           .about = "all logits, bias apart, are value + spread * N(0, 1) up to the "
                                                    "rounding of k."},
                                  .largest = largest_normal,
                                  .stream = normal_stream,
                                  .prepare = prepare_logit_floor,
                                  .shape = logit_floor_shape},
};

struct input_spec input_spec_of(enum distribution distribution)
{
    struct input_spec input = input_spec_default;
    input.distribution = distribution;
    field_kind_preset(&distributions[distribution].kind, &input_fields, &input);
    return input;
}
