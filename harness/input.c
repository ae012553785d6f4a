#include "harness/input.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <mpfr.h>

#define XXH_INLINE_ALL /* compiled for our instruction set: three times as fast as the library's SSE2 */
#include <xxhash.h>

#include "harness/random_stream.h"

enum {
    BLOCK = 1024,                   /* elements held as f32 on a worker's stack */
    CHUNK = 256 * BLOCK,            /* elements a worker takes at a time; about 0.3 ms */
    HUGE_PAGE_BYTES = 1 << 21,      /* of x86-64 and, in its usual set-up, of arm64 */
    ONEHOT_NEWEST = 8,              /* the dominating key is one of so many newest */
    STREAM_CHANNELS = TENSOR_V + 1, /* streams beside those of the tensors: which channels are outliers, */
    STREAM_DOMINATING               /* and which key dominates */
};

_Static_assert((int)MASK_STREAM > (int)STREAM_DOMINATING, "no two uses share a stream");

/* What the shapes of a problem's distribution need, made once. Pointers are NULL where the distribution has no use. */
struct generator {
    const struct problem_spec *spec;
    size_t key_elements;   /* Hkv * D */
    bool may_overflow;     /* the dtype's range; a clamp of every value costs 6% */
    float *channel_factor; /* [Hkv, D] outliers: factor for outlier channels, 1 for the rest */
    float *decay;          /* [Hkv] cancelling: exp(-slope of the group's first head) */
    int64_t *dominating;   /* [Hkv] onehot: the key */
    const void *q;         /* onehot: [H, D], complete */
};

/* Where a run of channels of one key stands. */
struct place {
    enum tensor tensor;
    int64_t key;
    int kv_head;
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

/* ---- shapes: what a distribution puts over its stream, in k and v --------------------------------------------- */

static void outliers_shape(const struct generator *generator, struct place place, float *values, size_t count)
{
    if (place.tensor != TENSOR_K)
        return;
    const float *factor =
        generator->channel_factor + (size_t)place.kv_head * (size_t)generator->spec->head_dim + place.channel;
    for (size_t i = 0; i < count; i++)
        values[i] *= factor[i];
}

/*
 * A pair's logits differ by the slope alone, since they share k. So w_new = exp(slope) w_old, and v_new = -exp(-slope)
 * v_old, with v_old as rounded to the dtype, leaves of w_old v_old + w_new v_new only what rounding v_new leaves:
 * at most w_new (ulp(v_new) / 2 + 2^-23 |v_new|), 2^-11 of the pair's weight for f16.
 */
static void cancelling_shape(const struct generator *generator, struct place place, float *values, size_t count)
{
    const struct problem_spec *spec = generator->spec;
    bool newer_of_pair = (spec->seq_len - 1 - place.key) % 2 == 0 && place.key > 0;
    if (!newer_of_pair)
        return;
    size_t older = (size_t)(place.key - 1) * generator->key_elements + (size_t)place.kv_head * (size_t)spec->head_dim +
                   (size_t)place.channel;
    input_stream(values, &spec->input, spec->seed, place.tensor, older, count);
    if (place.tensor == TENSOR_V)
        for (size_t i = 0; i < count; i++)
            values[i] = -generator->decay[place.kv_head] * dtype_round(spec->dtype, values[i]);
}

static void onehot_shape(const struct generator *generator, struct place place, float *values, size_t count)
{
    const struct problem_spec *spec = generator->spec;
    if (place.tensor != TENSOR_K || place.key != generator->dominating[place.kv_head])
        return;
    int first_head = place.kv_head * (spec->num_heads / spec->num_kv_heads);
    dtype_widen(spec->dtype, generator->q, (size_t)first_head * (size_t)spec->head_dim + (size_t)place.channel, count,
                values);
    for (size_t i = 0; i < count; i++)
        values[i] *= parameter(spec->input.factor);
}

/* ---- the distributions ---------------------------------------------------------------------------------------- */

static const struct {
    /* At most BLOCK elements of the plain stream. */
    void (*stream)(float *values, const struct input_spec *input, struct random_stream stream, uint64_t first,
                   size_t count);
    /* Changes a run of one key's channels in k or v; NULL: k and v are the plain stream, as q always is. */
    void (*shape)(const struct generator *generator, struct place place, float *values, size_t count);
} distributions[DISTRIBUTION_COUNT] = {
    [DISTRIBUTION_NORMAL] = {normal_stream, NULL},
    [DISTRIBUTION_UNIFORM] = {uniform_stream, NULL},
    [DISTRIBUTION_CONSTANT] = {constant_stream, NULL},
    [DISTRIBUTION_OUTLIERS] = {normal_stream, outliers_shape},
    [DISTRIBUTION_CANCELLING] = {normal_stream, cancelling_shape},
    [DISTRIBUTION_ONEHOT] = {normal_stream, onehot_shape},
};

const char *const distribution_names[DISTRIBUTION_COUNT] = {
    [DISTRIBUTION_NORMAL] = "normal",         [DISTRIBUTION_UNIFORM] = "uniform",
    [DISTRIBUTION_CONSTANT] = "constant",     [DISTRIBUTION_OUTLIERS] = "outliers",
    [DISTRIBUTION_CANCELLING] = "cancelling", [DISTRIBUTION_ONEHOT] = "onehot",
};

const struct input_spec input_spec_default = {
    .distribution = DISTRIBUTION_NORMAL,
    .mean = 0,
    .stddev = 1,
    .low = -1,
    .high = 1,
    .value = 1,
    .channels = 4,
    .factor = 30,
};

void input_stream(float *destination, const struct input_spec *input, uint64_t seed, enum tensor tensor, uint64_t first,
                  size_t count)
{
    for (size_t done = 0; done < count; done += BLOCK)
        distributions[input->distribution].stream(destination + done, input, (struct random_stream){seed, tensor},
                                                  first + done, count - done < BLOCK ? count - done : BLOCK);
}

/* ---- tensors -------------------------------------------------------------------------------------------------- */

/* Shapes the elements first .. first + count of k or v, one run of a key's channels at a time. */
static void shape_block(const struct generator *generator, enum tensor tensor, size_t first, size_t count,
                        float *values)
{
    size_t head_dim = (size_t)generator->spec->head_dim;
    for (size_t done = 0; done < count;) {
        size_t index = first + done, channel = index % head_dim;
        size_t run = head_dim - channel < count - done ? head_dim - channel : count - done;
        struct place place = {tensor, (int64_t)(index / generator->key_elements),
                              (int)(index % generator->key_elements / head_dim), (int)channel};
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

/* Elements first .. first + count of a tensor, in its dtype, at elements[at]. */
static void make_elements(const struct generator *generator, enum tensor tensor, size_t first, size_t count,
                          void *elements, size_t at)
{
    const struct problem_spec *spec = generator->spec;
    float values[BLOCK];
    for (size_t done = 0; done < count; done += BLOCK) {
        size_t block = count - done < BLOCK ? count - done : BLOCK;
        input_stream(values, &spec->input, spec->seed, tensor, first + done, block);
        if (tensor != TENSOR_Q && distributions[spec->input.distribution].shape)
            shape_block(generator, tensor, first + done, block, values);
        if (generator->may_overflow)
            clamp(values, block, (float)dtypes[spec->dtype].max);
        dtype_narrow(spec->dtype, elements, at + done, block, values);
    }
}

/* Runs of `run` elements that stand `stride` apart in the tensor, the first at `first`, packed into elements. */
struct runs {
    size_t first, run, stride, count;
};

static enum error_kind make_tensor(const struct generator *generator, enum tensor tensor, struct runs runs,
                                   void *elements, int threads, const struct progress *progress, struct error *error)
{
    /* A block's work depends on its place alone, so neither chunks nor threads show in the result. */
    size_t chunks_a_run = (runs.run + CHUNK - 1) / CHUNK, runs_at_once = runs.run < CHUNK ? CHUNK / runs.run : 1;
    size_t tasks = chunks_a_run * ((runs.count + runs_at_once - 1) / runs_at_once);
#pragma omp parallel for num_threads(threads) schedule(dynamic) if (tasks > 1)
    for (size_t task = 0; task < tasks; task++) {
        size_t begin = task % chunks_a_run * CHUNK, size = runs.run - begin < CHUNK ? runs.run - begin : CHUNK;
        size_t from = task / chunks_a_run * runs_at_once;
        for (size_t i = from; i < from + runs_at_once && i < runs.count && !progress_cancelled(progress); i++)
            make_elements(generator, tensor, runs.first + i * runs.stride + begin, size, elements,
                          i * runs.run + begin);
    }
    if (progress_cancelled(progress))
        return error_set(error, ERROR_INTERRUPTED, "interrupted while making inputs");
    return ERROR_NONE;
}

/* Memory on 64-byte boundaries. Large tensors ask for huge pages, whose first touch costs a third as much. */
static enum error_kind allocate(void **memory, double size_bytes, const char *what, struct error *error)
{
    *memory = NULL;
    if (size_bytes < (double)PTRDIFF_MAX / 2) {
        size_t alignment = size_bytes < HUGE_PAGE_BYTES ? 64 : HUGE_PAGE_BYTES;
        size_t size = ((size_t)size_bytes + alignment - 1) / alignment * alignment;
        *memory = aligned_alloc(alignment, size > 0 ? size : alignment);
        if (*memory && alignment == HUGE_PAGE_BYTES)
            (void)madvise(*memory, size, MADV_HUGEPAGE); /* a hint: refused, it costs time and nothing else */
    }
    return *memory ? ERROR_NONE : error_memory(error, what, size_bytes);
}

static void make_channel_factors(struct generator *generator, int *order)
{
    const struct problem_spec *spec = generator->spec;
    int head_dim = spec->head_dim, channels = spec->input.channels < head_dim ? spec->input.channels : head_dim;
    struct random_stream stream = {spec->seed, STREAM_CHANNELS};
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
    mpfr_t decay;
    mpfr_init2(decay, 24); /* f32's own precision: exp(-slope) > 1/e is normal, so one rounding in all */
    for (int g = 0; g < spec->num_kv_heads; g++) {
        mpfr_set_flt(decay, -slopes[g * (spec->num_heads / spec->num_kv_heads)], MPFR_RNDN);
        mpfr_exp(decay, decay, MPFR_RNDN);
        generator->decay[g] = mpfr_get_flt(decay, MPFR_RNDN);
    }
    mpfr_clear(decay);
    mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
}

static void make_dominating(struct generator *generator)
{
    const struct problem_spec *spec = generator->spec;
    uint64_t newest = spec->seq_len < ONEHOT_NEWEST ? (uint64_t)spec->seq_len : ONEHOT_NEWEST;
    for (int g = 0; g < spec->num_kv_heads; g++) {
        uint32_t word;
        random_words(&word, (struct random_stream){spec->seed, STREAM_DOMINATING}, (uint64_t)g, 1);
        generator->dominating[g] = spec->seq_len - 1 - (int64_t)(word * newest >> 32);
    }
}

static void generator_clear(struct generator *generator)
{
    free(generator->channel_factor);
    free(generator->decay);
    free(generator->dominating);
    *generator = (struct generator){0};
}

/* False only if no value of any distribution with these parameters leaves the dtype's range; |z| < 6.5. */
static bool may_overflow(const struct problem_spec *spec)
{
    const struct input_spec *input = &spec->input;
    double largest = fabs(input->mean) + 6.5 * fabs(input->stddev);
    largest = fmax(largest, fmax(fmax(fabs(input->low), fabs(input->high)), fabs(input->value)));
    return !(largest * fmax(1, fabs(input->factor)) < dtypes[spec->dtype].max);
}

static enum error_kind generator_init(struct generator *generator, const struct problem_spec *spec,
                                      const struct inputs *inputs, struct error *error)
{
    size_t kv_heads = (size_t)spec->num_kv_heads, head_dim = (size_t)spec->head_dim;
    *generator = (struct generator){
        .spec = spec, .key_elements = kv_heads * head_dim, .may_overflow = may_overflow(spec), .q = inputs->q};
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
        make_decays(generator, inputs->slopes);
        return ERROR_NONE;
    case DISTRIBUTION_ONEHOT:
        generator->dominating = calloc(kv_heads, sizeof *generator->dominating);
        if (!generator->dominating)
            return error_memory(error, "the dominating keys", (double)(kv_heads * sizeof(int64_t)));
        make_dominating(generator);
        return ERROR_NONE;
    default:
        return ERROR_NONE;
    }
}

/* ---- problems ------------------------------------------------------------------------------------------------- */

static double query_elements(const struct problem_spec *spec)
{
    return (double)spec->num_heads * spec->head_dim;
}

static double key_value_elements(const struct problem_spec *spec)
{
    return (double)spec->seq_len * spec->num_kv_heads * spec->head_dim;
}

int problem_spec_parts(const struct problem_spec *spec)
{
    double head_bytes = 2.0 * (double)spec->seq_len * spec->head_dim * (double)dtypes[spec->dtype].size_bytes;
    if (head_bytes * spec->num_kv_heads <= 4.0 * PART_BYTES)
        return 1;
    int heads_a_part = head_bytes < PART_BYTES ? (int)(PART_BYTES / head_bytes) : 1;
    return (spec->num_kv_heads + heads_a_part - 1) / heads_a_part;
}

struct part problem_spec_part(const struct problem_spec *spec, int index)
{
    int parts = problem_spec_parts(spec), heads = (spec->num_kv_heads + parts - 1) / parts, first = index * heads;
    return (struct part){first, spec->num_kv_heads - first < heads ? spec->num_kv_heads - first : heads};
}

double problem_spec_bytes(const struct problem_spec *spec)
{
    double part = problem_spec_part(spec, 0).num_kv_heads / (double)spec->num_kv_heads;
    return (query_elements(spec) + 2 * part * key_value_elements(spec)) * (double)dtypes[spec->dtype].size_bytes +
           (double)spec->num_heads * (double)sizeof(float) + (spec->mask.kind != MASK_NONE ? (double)spec->seq_len : 0);
}

bool problem_spec_equal(const struct problem_spec *a, const struct problem_spec *b)
{
    const struct input_spec *x = &a->input, *y = &b->input;
    return a->seq_len == b->seq_len && a->num_heads == b->num_heads && a->num_kv_heads == b->num_kv_heads &&
           a->head_dim == b->head_dim && a->dtype == b->dtype && a->scale == b->scale && a->slopes == b->slopes &&
           a->max_bias == b->max_bias && a->head_offset == b->head_offset && a->total_heads == b->total_heads &&
           a->q_position == b->q_position && a->seed == b->seed && x->distribution == y->distribution &&
           x->mean == y->mean && x->stddev == y->stddev && x->low == y->low && x->high == y->high &&
           x->value == y->value && x->channels == y->channels && x->factor == y->factor &&
           mask_spec_equal(&a->mask, &b->mask);
}

static uint64_t digest_of(const struct problem *problem, size_t q_bytes, size_t kv_bytes)
{
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, problem->q, q_bytes);
    XXH3_64bits_update(&state, problem->k, kv_bytes);
    XXH3_64bits_update(&state, problem->v, kv_bytes);
    XXH3_64bits_update(&state, problem->slopes, (size_t)problem->num_heads * sizeof(float));
    if (problem->visible)
        XXH3_64bits_update(&state, problem->visible, (size_t)problem->seq_len);
    return XXH3_64bits_digest(&state);
}

static void make_visible(uint8_t *visible, const struct problem_spec *spec, int threads)
{
    size_t keys = (size_t)spec->seq_len, chunks = (keys + CHUNK - 1) / CHUNK;
#pragma omp parallel for num_threads(threads) schedule(dynamic) if (chunks > 1)
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        size_t first = chunk * CHUNK, count = keys - first < CHUNK ? keys - first : CHUNK;
        mask_fill(visible + first, &spec->mask, spec->seq_len, spec->seed, (int64_t)first, count);
    }
}

/*
 * Bounds that the distribution promises for every key, from its parameters: |z| < 6.5 of normal numbers, what shapes
 * multiply with, the dtype's range; 2^-7 covers f32 arithmetic and rounding to any dtype, a subnormal's half ulp apart.
 */
static void promise_bounds(struct tensor_bounds *bounds, const struct generator *generator, struct part part)
{
    const struct problem_spec *spec = generator->spec;
    const struct input_spec *input = &spec->input;
    size_t head_dim = (size_t)spec->head_dim;
    double normal = fabs(input->mean) + 6.5 * fabs(input->stddev);
    const double plain[DISTRIBUTION_COUNT] = {
        [DISTRIBUTION_NORMAL] = normal,
        [DISTRIBUTION_UNIFORM] = fmax(fabs(input->low), fabs(input->high)),
        [DISTRIBUTION_CONSTANT] = fabs(input->value),
        [DISTRIBUTION_OUTLIERS] = normal,
        [DISTRIBUTION_CANCELLING] = normal,
        [DISTRIBUTION_ONEHOT] = normal,
    };
    for (size_t i = 0; i < (size_t)part.num_kv_heads * head_dim; i++) {
        size_t channel = (size_t)part.kv_head * head_dim + i;
        double v = plain[input->distribution], k = v;
        if (generator->channel_factor)
            k *= fmax(1, fabs((double)generator->channel_factor[channel]));
        if (generator->dominating) {
            float q;
            size_t head = channel / head_dim * (size_t)(spec->num_heads / spec->num_kv_heads);
            dtype_widen(spec->dtype, generator->q, head * head_dim + channel % head_dim, 1, &q);
            k = fmax(k, fabs((double)q * input->factor));
        }
        bounds->k[i] = (float)fmin(k * (1 + 0x1p-7) + 0x1p-24, dtypes[spec->dtype].max);
        bounds->v[i] = (float)fmin(v * (1 + 0x1p-7) + 0x1p-24, dtypes[spec->dtype].max);
    }
}

enum error_kind inputs_generate(struct inputs *inputs, const struct problem_spec *spec, struct part part, int threads,
                                struct progress *progress, struct error *error)
{
    struct generator generator = {0};
    *inputs = (struct inputs){0};
    double size_bytes = (double)dtypes[spec->dtype].size_bytes;
    double share = part.num_kv_heads / (double)spec->num_kv_heads;
    size_t head_dim = (size_t)spec->head_dim, part_row = (size_t)part.num_kv_heads * head_dim;
    void *slopes = NULL, *bounds = NULL, *visible = NULL;
    enum error_kind status = allocate(&inputs->q, query_elements(spec) * size_bytes, "q", error);
    if (!status)
        status = allocate(&inputs->k, share * key_value_elements(spec) * size_bytes, "k", error);
    if (!status)
        status = allocate(&inputs->v, share * key_value_elements(spec) * size_bytes, "v", error);
    if (!status)
        status = allocate(&slopes, (double)spec->num_heads * (double)sizeof(float), "slopes", error);
    if (!status)
        status = allocate(&bounds, 2 * (double)part_row * (double)sizeof(float), "bounds", error);
    if (!status && spec->mask.kind != MASK_NONE)
        status = allocate(&visible, (double)spec->seq_len, "the mask", error);
    inputs->slopes = slopes;
    inputs->visible = visible;
    inputs->bounds.k = bounds;
    if (status)
        goto out;
    inputs->bounds.v = inputs->bounds.k + part_row;

    int heads_a_kv_head = spec->num_heads / spec->num_kv_heads;
    size_t first_head = (size_t)(part.kv_head * heads_a_kv_head);
    size_t q_count = (size_t)spec->num_heads * head_dim, row = (size_t)spec->num_kv_heads * head_dim;
    size_t keys = (size_t)spec->seq_len;
    struct runs q_runs = {0, q_count, q_count, 1}, kv_runs = {(size_t)part.kv_head * head_dim, part_row, row, keys};
    if (part_row == row)
        kv_runs = (struct runs){0, keys * row, keys * row, 1};
    slopes_fill(inputs->slopes, spec->num_heads, spec->slopes, spec->max_bias, spec->head_offset, spec->total_heads);
    status = generator_init(&generator, spec, inputs, error);
    if (!status)
        status = make_tensor(&generator, TENSOR_Q, q_runs, inputs->q, threads, progress, error);
    if (!status)
        status = make_tensor(&generator, TENSOR_K, kv_runs, inputs->k, threads, progress, error);
    if (!status)
        status = make_tensor(&generator, TENSOR_V, kv_runs, inputs->v, threads, progress, error);
    if (status)
        goto out;

    if (inputs->visible)
        make_visible(inputs->visible, spec, threads);
    promise_bounds(&inputs->bounds, &generator, part);
    size_t element_bytes = dtypes[spec->dtype].size_bytes;
    inputs->problem = (struct problem){
        .seq_len = spec->seq_len,
        .num_heads = part.num_kv_heads * heads_a_kv_head,
        .num_kv_heads = part.num_kv_heads,
        .head_dim = spec->head_dim,
        .dtype = spec->dtype,
        .scale = spec->scale,
        .q_position = spec->q_position,
        .slopes = inputs->slopes + first_head,
        .q = (char *)inputs->q + first_head * head_dim * element_bytes,
        .k = inputs->k,
        .v = inputs->v,
        .visible = inputs->visible,
        .bounds = part_row < row ? &inputs->bounds : NULL,
    };
    inputs->digest = digest_of(&inputs->problem, (size_t)problem_elements(&inputs->problem) * element_bytes,
                               keys * part_row * element_bytes);
out:
    generator_clear(&generator);
    if (status)
        inputs_clear(inputs);
    return status;
}

void inputs_clear(struct inputs *inputs)
{
    free(inputs->q);
    free(inputs->k);
    free(inputs->v);
    free(inputs->slopes);
    free(inputs->visible);
    free(inputs->bounds.k);
    *inputs = (struct inputs){0};
}
