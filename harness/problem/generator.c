/* Elements by the rows of distribution.c. */
#include <math.h>
#include <stdlib.h>

#include "harness/problem/distribution.h"

void input_stream(float *destination, const struct input_spec *input, uint64_t seed, enum tensor tensor, uint64_t first,
                  size_t count)
{
    for (size_t done = 0; done < count; done += GENERATOR_BLOCK)
        distributions[input->distribution].stream(destination + done, input, (struct random_stream){seed, tensor},
                                                  first + done,
                                                  count - done < GENERATOR_BLOCK ? count - done : GENERATOR_BLOCK);
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
        struct row_run row = {tensor, (int64_t)(index / key_elements), (int)(index % key_elements / head_dim),
                              (int)channel};
        distributions[generator->spec->input.distribution].shape(generator, row, values + done, run);
        done += run;
    }
}

static void clamp(float *values, size_t count, float largest)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        values[i] = variate_clamp(values[i], largest);
}

/* The plain stream's, of keys that are those of the batch's first sequence by its seed. */
static void stream_block(const struct problem_spec *spec, enum tensor tensor, size_t first, size_t count, size_t shared,
                         float *values)
{
    const size_t before = tensor == TENSOR_Q || first >= shared ? 0 : shared - first;
    const size_t common = before < count ? before : count;
    if (common > 0)
        input_stream(values, &spec->input, spec->seed, tensor, first, common);
    if (common < count)
        input_stream(values + common, &spec->input, problem_spec_seed(spec), tensor, first + common, count - common);
}

void generator_make(const struct generator *generator, enum tensor tensor, size_t first, size_t count, void *elements,
                    size_t at)
{
    const struct problem_spec *spec = generator->spec;
    enum dtype dtype = tensor == TENSOR_Q ? spec->dtype : problem_spec_kv_dtype(spec);
    float values[GENERATOR_BLOCK];
    for (size_t done = 0; done < count; done += GENERATOR_BLOCK) {
        size_t block = count - done < GENERATOR_BLOCK ? count - done : GENERATOR_BLOCK;
        stream_block(spec, tensor, first + done, block, (size_t)spec->shared_prefix * generator->key_elements, values);
        if (distributions[spec->input.distribution].shape)
            shape_block(generator, tensor, first + done, block, values);
        if (generator->may_overflow)
            clamp(values, block, (float)dtypes[dtype].max);
        dtype_narrow(dtype, elements, at + done, block, values);
    }
}

/* ---- generators ---- */

void generator_clear(struct generator *generator)
{
    free(generator->channel_factor);
    free(generator->decay);
    free(generator->dominating);
    *generator = (struct generator){0};
}

/* False only if no value of any distribution with these parameters leaves the dtypes' range, unless a shape takes it
 * there (prepare). */
static bool may_overflow(const struct input_spec *input, double limit)
{
    double largest = 0;
    for (int i = 0; i < DISTRIBUTION_COUNT; i++)
        largest = fmax(largest, distributions[i].largest(input));
    return !(largest * fmax(1, fabs(input->factor)) < limit);
}

enum error_kind generator_init(struct generator *generator, const struct problem_spec *spec, const float *slopes,
                               const void *q, struct error *error)
{
    double limit = fmin(dtypes[spec->dtype].max, dtypes[problem_spec_kv_dtype(spec)].max);
    *generator = (struct generator){.spec = spec,
                                    .key_elements = (size_t)spec->num_kv_heads * (size_t)spec->head_dim,
                                    .largest = limit,
                                    .may_overflow = may_overflow(&spec->input, limit),
                                    .q = q};
    const struct distribution_info *info = &distributions[spec->input.distribution];
    return info->prepare ? info->prepare(generator, slopes, error) : ERROR_NONE;
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
    double plain = distributions[input->distribution].largest(input);
    for (size_t i = 0; i < (size_t)part.num_kv_heads * head_dim; i++) {
        size_t channel = (size_t)part.kv_head * head_dim + i;
        double v = plain, k = v;
        if (generator->channel_factor)
            k *= fmax(1, fabs((double)generator->channel_factor[channel]));
        if (generator->decay)
            v *= fmax(1, (double)generator->decay[channel / head_dim]);
        if (generator->floor_divisor > 0 && channel % head_dim == 0)
            k = generator->floor_key;
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
