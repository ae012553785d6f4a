#include "harness/problem/distribution.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mpfr.h>

#include "harness/problem/random_stream.h"

enum {
    BLOCK = 1024,                   /* elements held as f32 on a worker's stack */
    ONEHOT_NEWEST = 8,              /* the dominating key is one of so many newest */
    STREAM_CHANNELS = TENSOR_V + 1, /* streams beside those of the tensors: which channels are outliers, */
    STREAM_DOMINATING               /* and which key dominates */
};

_Static_assert((int)MASK_STREAM > (int)STREAM_DOMINATING, "no two uses share a stream");

/* Where a run of channels of one row stands. */
struct place {
    enum tensor tensor;
    int64_t key; /* of q: 0 */
    int head;    /* KV head; of q: query head */
    int channel; /* of values[0] */
};

/* ---- plain streams ------------------------------------------------------------------------------------------ */

/* A parameter as f32, finite. */
static float parameter(double value)
{
    return (float)(value < FLT_MAX ? value > -FLT_MAX ? value : -FLT_MAX : FLT_MAX);
}

static void normal_stream(float *values, const struct input_spec *input, struct random_stream stream, uint64_t first,
                          size_t count)
{
    uint32_t words[BLOCK];
    random_words(words, stream, first, count);
    random_normal(values, words, count, parameter(input->mean), parameter(input->stddev));
}

static void uniform_stream(float *values, const struct input_spec *input, struct random_stream stream, uint64_t first,
                           size_t count)
{
    uint32_t words[BLOCK];
    random_words(words, stream, first, count);
    random_uniform(values, words, count, parameter(input->low), parameter(input->high));
}

static void constant_stream(float *values, const struct input_spec *input, struct random_stream stream, uint64_t first,
                            size_t count)
{
    (void)stream, (void)first;
    for (size_t i = 0; i < count; i++)
        values[i] = parameter(input->value);
}

/* ---- shapes: what a distribution puts over its stream ------------------------------------------------------ */

static void outliers_shape(const struct generator *generator, struct place place, float *values, size_t count)
{
    if (place.tensor != TENSOR_K)
        return;
    const float *factor =
        generator->channel_factor + (size_t)place.head * (size_t)generator->spec->head_dim + place.channel;
    for (size_t i = 0; i < count; i++)
        values[i] *= factor[i];
}

/*
 * A pair's logits differ by the slope alone, since they share k. So w_new = exp(slope) w_old, and v_new = -exp(-slope)
 * v_old, with v_old as rounded to the dtype, leaves of w_old v_old + w_new v_new only what rounding v_new leaves:
 * at most w_new (ulp(v_new) / 2 + 2^-23 |v_new|), 2^-11 of the pair's weight for f16, unless exp(-slope) leaves f32's
 * normal numbers, as a slope of a convention never does.
 */
static void cancelling_shape(const struct generator *generator, struct place place, float *values, size_t count)
{
    const struct problem_spec *spec = generator->spec;
    bool newer_of_pair = (spec->seq_len - 1 - place.key) % 2 == 0 && place.key > 0;
    if (!newer_of_pair || place.tensor == TENSOR_Q)
        return;
    size_t older = (size_t)(place.key - 1) * generator->key_elements + (size_t)place.head * (size_t)spec->head_dim +
                   (size_t)place.channel;
    input_stream(values, &spec->input, problem_spec_seed(spec), place.tensor, older, count);
    if (place.tensor == TENSOR_V)
        for (size_t i = 0; i < count; i++)
            values[i] = -generator->decay[place.head] * dtype_round(problem_spec_kv_dtype(spec), values[i]);
}

static void onehot_shape(const struct generator *generator, struct place place, float *values, size_t count)
{
    const struct problem_spec *spec = generator->spec;
    if (place.tensor != TENSOR_K || place.key != generator->dominating[place.head])
        return;
    int first_head = place.head * (spec->num_heads / spec->num_kv_heads);
    dtype_widen(spec->dtype, generator->q, (size_t)first_head * (size_t)spec->head_dim + (size_t)place.channel, count,
                values);
    for (size_t i = 0; i < count; i++)
        values[i] *= parameter(spec->input.factor);
}

/*
 * q.k is c k_0: products with the zeros of q add nothing, and c is a power of two. So the logit is scale * k_scale * c
 * k_0, off from what was asked for by the rounding of k_0 alone, and exact where k_0 is.
 */
static void logit_floor_shape(const struct generator *generator, struct place place, float *values, size_t count)
{
    const struct problem_spec *spec = generator->spec;
    const struct input_spec unit = {.distribution = DISTRIBUTION_NORMAL, .mean = 0, .stddev = 1};
    if (place.tensor == TENSOR_Q)
        memset(values, 0, count * sizeof *values);
    if (place.channel != 0)
        return;
    if (place.tensor == TENSOR_Q)
        values[0] = generator->floor_query;
    if (place.tensor == TENSOR_K) {
        size_t index = (size_t)place.key * generator->key_elements + (size_t)place.head * (size_t)spec->head_dim;
        float z;
        normal_stream(&z, &unit, (struct random_stream){problem_spec_seed(spec), TENSOR_K}, index, 1);
        double logit = (double)parameter(spec->input.value) + (double)parameter(spec->input.spread) * (double)z;
        values[0] = parameter(logit / generator->floor_divisor);
    }
}

/* ---- the distributions ---------------------------------------------------------------------------------------- */

static const struct {
    /* At most BLOCK elements of the plain stream. */
    void (*stream)(float *values, const struct input_spec *input, struct random_stream stream, uint64_t first,
                   size_t count);
    /* Changes a run of one row's channels; NULL: q, k and v are the plain stream. */
    void (*shape)(const struct generator *generator, struct place place, float *values, size_t count);
} distributions[DISTRIBUTION_COUNT] = {
    [DISTRIBUTION_NORMAL] = {normal_stream, NULL},
    [DISTRIBUTION_UNIFORM] = {uniform_stream, NULL},
    [DISTRIBUTION_CONSTANT] = {constant_stream, NULL},
    [DISTRIBUTION_OUTLIERS] = {normal_stream, outliers_shape},
    [DISTRIBUTION_CANCELLING] = {normal_stream, cancelling_shape},
    [DISTRIBUTION_ONEHOT] = {normal_stream, onehot_shape},
    [DISTRIBUTION_LOGIT_FLOOR] = {normal_stream, logit_floor_shape},
};

void input_stream(float *destination, const struct input_spec *input, uint64_t seed, enum tensor tensor, uint64_t first,
                  size_t count)
{
    for (size_t done = 0; done < count; done += BLOCK)
        distributions[input->distribution].stream(destination + done, input, (struct random_stream){seed, tensor},
                                                  first + done, count - done < BLOCK ? count - done : BLOCK);
}

/* ---- elements ---- */

/* Shapes the elements first .. first + count of a tensor, one run of a row's channels at a time. */
static void shape_block(const struct generator *generator, enum tensor tensor, size_t first, size_t count,
                        float *values)
{
    size_t head_dim = (size_t)generator->spec->head_dim;
    size_t key_elements = tensor == TENSOR_Q ? (size_t)generator->spec->num_heads * head_dim : generator->key_elements;
    for (size_t done = 0; done < count;) {
        size_t index = first + done, channel = index % head_dim;
        size_t run = head_dim - channel < count - done ? head_dim - channel : count - done;
        struct place place = {tensor, (int64_t)(index / key_elements), (int)(index % key_elements / head_dim),
                              (int)channel};
        distributions[generator->spec->input.distribution].shape(generator, place, values + done, run);
        done += run;
    }
}

/* Inputs are finite: what the dtype cannot hold becomes its largest value. So does infinity times a factor of 0. */
static void clamp(float *values, size_t count, float largest)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        float below = values[i] < largest ? values[i] : largest;
        values[i] = below > -largest ? below : -largest;
    }
}

void generator_make(const struct generator *generator, enum tensor tensor, size_t first, size_t count, void *elements,
                    size_t at)
{
    const struct problem_spec *spec = generator->spec;
    enum dtype dtype = tensor == TENSOR_Q ? spec->dtype : problem_spec_kv_dtype(spec);
    float values[BLOCK];
    for (size_t done = 0; done < count; done += BLOCK) {
        size_t block = count - done < BLOCK ? count - done : BLOCK;
        input_stream(values, &spec->input, problem_spec_seed(spec), tensor, first + done, block);
        if (distributions[spec->input.distribution].shape)
            shape_block(generator, tensor, first + done, block, values);
        if (generator->may_overflow)
            clamp(values, block, (float)dtypes[dtype].max);
        dtype_narrow(dtype, elements, at + done, block, values);
    }
}

/* ---- generators ---- */

/* The largest magnitude of a normal number of the distribution; |z| < 6.5. */
static double largest_normal(const struct input_spec *input)
{
    return fabs(input->mean) + 6.5 * fabs(input->stddev);
}

static double largest_of_dtypes(const struct problem_spec *spec)
{
    return fmin(dtypes[spec->dtype].max, dtypes[problem_spec_kv_dtype(spec)].max);
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
    generator->may_overflow |= !(largest_normal(&spec->input) * largest < largest_of_dtypes(spec));
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

void generator_clear(struct generator *generator)
{
    free(generator->channel_factor);
    free(generator->decay);
    free(generator->dominating);
    *generator = (struct generator){0};
}

/* False only if no value of any distribution with these parameters leaves the dtypes' range, unless a slope takes it
 * there (make_decays). */
static bool may_overflow(const struct problem_spec *spec)
{
    const struct input_spec *input = &spec->input;
    double largest = largest_normal(input);
    largest = fmax(largest, fmax(fmax(fabs(input->low), fabs(input->high)), fabs(input->value)));
    if (input->distribution == DISTRIBUTION_LOGIT_FLOOR)
        largest = fmax(largest, floor_dot(spec) / floor_query(spec));
    return !(largest * fmax(1, fabs(input->factor)) < largest_of_dtypes(spec));
}

enum error_kind generator_init(struct generator *generator, const struct problem_spec *spec, const float *slopes,
                               const void *q, struct error *error)
{
    size_t kv_heads = (size_t)spec->num_kv_heads, head_dim = (size_t)spec->head_dim;
    *generator = (struct generator){
        .spec = spec, .key_elements = kv_heads * head_dim, .may_overflow = may_overflow(spec), .q = q};
    switch (spec->input.distribution) {
    case DISTRIBUTION_OUTLIERS: {
        int *order = calloc(head_dim, sizeof *order);
        generator->channel_factor = calloc(kv_heads * head_dim, sizeof *generator->channel_factor);
        if (order && generator->channel_factor)
            make_channel_factors(generator, order);
        else
            error_memory(error, "the outlier channels", (double)(kv_heads * head_dim * sizeof(float)));
        bool made = order && generator->channel_factor;
        free(order);
        return made ? ERROR_NONE : ERROR_SYSTEM;
    }
    case DISTRIBUTION_CANCELLING:
        generator->decay = calloc(kv_heads, sizeof *generator->decay);
        if (!generator->decay)
            return error_memory(error, "the cancelling pairs", (double)(kv_heads * sizeof(float)));
        make_decays(generator, slopes);
        return ERROR_NONE;
    case DISTRIBUTION_ONEHOT:
        generator->dominating = calloc(kv_heads, sizeof *generator->dominating);
        if (!generator->dominating)
            return error_memory(error, "the dominating keys", (double)(kv_heads * sizeof(int64_t)));
        make_dominating(generator);
        return ERROR_NONE;
    case DISTRIBUTION_LOGIT_FLOOR:
        generator->floor_query = (float)floor_query(spec);
        generator->floor_divisor = logit_scale(spec) * floor_query(spec);
        return ERROR_NONE;
    default:
        return ERROR_NONE;
    }
}

/*
 * Bounds that the distribution promises for every key, from its parameters: |z| < 6.5 of normal numbers, what shapes
 * multiply with, the dtype's range; 2^-7, of fp8 2^(1-p), covers f32 arithmetic and rounding to the dtype (2^-p), a
 * subnormal's half ulp apart.
 */
void generator_bounds(struct tensor_bounds *bounds, const struct generator *generator, struct part part)
{
    const struct problem_spec *spec = generator->spec;
    const struct input_spec *input = &spec->input;
    size_t head_dim = (size_t)spec->head_dim;
    const struct dtype_info *dtype = &dtypes[problem_spec_kv_dtype(spec)];
    double rounding = fmax(0x1p-7, ldexp(1, 1 - dtype->significand_bits));
    double half_ulp = fmax(0x1p-24, ldexp(1, dtype->min_exponent - dtype->significand_bits));
    double normal = largest_normal(input);
    const double plain[DISTRIBUTION_COUNT] = {
        [DISTRIBUTION_NORMAL] = normal,
        [DISTRIBUTION_UNIFORM] = fmax(fabs(input->low), fabs(input->high)),
        [DISTRIBUTION_CONSTANT] = fabs(input->value),
        [DISTRIBUTION_OUTLIERS] = normal,
        [DISTRIBUTION_CANCELLING] = normal,
        [DISTRIBUTION_ONEHOT] = normal,
        [DISTRIBUTION_LOGIT_FLOOR] = normal,
    };
    for (size_t i = 0; i < (size_t)part.num_kv_heads * head_dim; i++) {
        size_t channel = (size_t)part.kv_head * head_dim + i;
        double v = plain[input->distribution], k = v;
        if (generator->channel_factor)
            k *= fmax(1, fabs((double)generator->channel_factor[channel]));
        if (generator->decay)
            v *= fmax(1, (double)generator->decay[channel / head_dim]);
        if (generator->floor_divisor > 0 && channel % head_dim == 0)
            k = floor_dot(spec) / floor_query(spec);
        if (generator->dominating) {
            float q;
            size_t head = channel / head_dim * (size_t)(spec->num_heads / spec->num_kv_heads);
            dtype_widen(spec->dtype, generator->q, head * head_dim + channel % head_dim, 1, &q);
            k = fmax(k, fabs((double)q * input->factor));
        }
        bounds->k[i] = (float)fmin(k * (1 + rounding) + half_ulp, dtype->max);
        bounds->v[i] = (float)fmin(v * (1 + rounding) + half_ulp, dtype->max);
    }
}
