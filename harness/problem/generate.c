#include "harness/problem/generate.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "reference/computing_environment.h"

enum { CHUNK = 256 * 1024 }; /* elements a worker takes at a time; about 0.3 ms */

/* What elements are made by, and how. */
struct maker {
    struct generator generator;
    int threads;
    const struct progress *progress;
};

/* Runs of `run` elements that stand `stride` apart in the tensor, the first at `first`; in memory, from element `to`
 * on, they stand to_stride apart. */
struct runs {
    size_t first, run, stride, count, to, to_stride;
};

/* maxima: those of channels, which are found while a block is in the cache, of a tensor that is one run; or NULL. */
static enum error_kind make_tensor(const struct maker *maker, enum tensor tensor, struct runs runs, void *elements,
                                   const struct channel_maxima *maxima, struct error *error)
{
    const struct progress *progress = maker->progress;
    const int threads = maker->threads;
    size_t maxima_bytes = maxima ? (maxima->row * dtypes[maxima->dtype].size_bytes + 63) / 64 * 64 : 0;
    if (runs.run == 0) /* no keys */
        return ERROR_NONE;
    char *of_threads = maxima ? calloc((size_t)threads, maxima_bytes) : NULL;
    if (maxima && !of_threads)
        return error_memory(error, "the bounds of k and v", (double)threads * (double)maxima_bytes);
    /* A block's work depends on its place alone, so neither chunks nor threads show in the result. */
    size_t chunks_a_run = (runs.run + CHUNK - 1) / CHUNK, runs_at_once = runs.run < CHUNK ? CHUNK / runs.run : 1;
    size_t tasks = chunks_a_run * ((runs.count + runs_at_once - 1) / runs_at_once);
#pragma omp parallel num_threads(threads) if (tasks > 1)
    {
        COMPUTING_ENVIRONMENT();
        struct channel_maxima own = maxima ? *maxima : (struct channel_maxima){.maxima = NULL};
        if (maxima)
            own.maxima = of_threads + (size_t)omp_get_thread_num() * maxima_bytes;
#pragma omp for schedule(dynamic) nowait
        for (size_t task = 0; task < tasks; task++) {
            size_t begin = task % chunks_a_run * CHUNK, size = runs.run - begin < CHUNK ? runs.run - begin : CHUNK;
            size_t from = task / chunks_a_run * runs_at_once;
            for (size_t i = from; i < from + runs_at_once && i < runs.count && !progress_cancelled(progress); i++)
                generator_make(&maker->generator, tensor, runs.first + i * runs.stride + begin, size, elements,
                               runs.to + i * runs.to_stride + begin);
            if (maxima && !progress_cancelled(progress))
                channel_maxima_take(&own, elements, begin, size);
        }
    }
    for (int thread = 0; thread < threads && maxima; thread++)
        channel_maxima_merge(maxima, of_threads + (size_t)thread * maxima_bytes);
    free(of_threads);
    if (progress_cancelled(progress))
        return error_set(error, ERROR_INTERRUPTED, "interrupted while making inputs");
    return ERROR_NONE;
}

/* k or v, all of it, and the largest magnitude of each of its channels over visible keys. */
static enum error_kind make_bounded(const struct maker *maker, enum tensor tensor, void *elements, float *bounds,
                                    const uint8_t *visible, struct error *error)
{
    const struct problem_spec *spec = maker->generator.spec;
    size_t row = (size_t)spec->num_kv_heads * (size_t)spec->head_dim, count = (size_t)spec->seq_len * row;
    struct channel_maxima maxima = {problem_spec_kv_dtype(spec), row, visible, NULL};
    maxima.maxima = calloc(row, dtypes[maxima.dtype].size_bytes);
    if (!maxima.maxima)
        return error_memory(error, "the bounds of k and v", (double)row * sizeof(float));
    enum error_kind kind =
        make_tensor(maker, tensor, (struct runs){.run = count, .stride = count, .count = 1}, elements, &maxima, error);
    if (!kind)
        dtype_widen(maxima.dtype, maxima.maxima, 0, row, bounds);
    free(maxima.maxima);
    return kind;
}

static void make_visible(uint8_t *visible, const struct problem_spec *spec, int threads)
{
    size_t keys = (size_t)spec->seq_len, chunks = (keys + CHUNK - 1) / CHUNK;
#pragma omp parallel num_threads(threads) if (chunks > 1)
    {
        COMPUTING_ENVIRONMENT();
#pragma omp for schedule(dynamic) nowait
        for (size_t chunk = 0; chunk < chunks; chunk++) {
            size_t first = chunk * CHUNK, count = keys - first < CHUNK ? keys - first : CHUNK;
            mask_fill(visible + first, &spec->mask, spec->seq_len, problem_spec_seed(spec), (int64_t)first, count);
        }
    }
}

/* How many kinds of the mask remove each key, where that may be several. */
static enum error_kind make_masks(struct key_masks *masks, const uint8_t *visible, const struct problem_spec *spec,
                                  struct error *error)
{
    size_t keys = (size_t)spec->seq_len;
    uint8_t *counts = mask_overlaps(&spec->mask) && keys > 0 ? malloc(keys) : NULL;
    if (!mask_overlaps(&spec->mask) || keys == 0)
        return ERROR_NONE;
    if (!counts)
        return error_memory(error, "the masks of keys", (double)keys);
    mask_count(counts, &spec->mask, spec->seq_len, problem_spec_seed(spec), 0, keys);
    *masks = (struct key_masks){visible, counts, spec->seq_len};
    return ERROR_NONE;
}

static void make_slopes(float *slopes, const struct problem_spec *spec)
{
    if (spec->slope_values)
        memcpy(slopes, spec->slope_values, (size_t)spec->num_heads * sizeof *slopes);
    else
        slopes_fill(slopes, spec->num_heads, spec->slopes, spec->max_bias, spec->head_offset, spec->total_heads);
}

/* Their stream's seed is that of the inputs, and no tensor's. They are the model's: all sequences of a batch have the
 * same. */
static enum error_kind make_sinks(float **sinks, const struct problem_spec *spec, struct error *error)
{
    size_t heads = (size_t)spec->num_heads;
    *sinks = spec->sinks.kind ? malloc(heads * sizeof **sinks) : NULL;
    if (spec->sinks.kind == SINKS_NONE)
        return ERROR_NONE;
    if (!*sinks)
        return error_memory(error, "the sinks", (double)(heads * sizeof **sinks));
    if (spec->sinks.kind == SINKS_VALUES)
        memcpy(*sinks, spec->sinks.values, heads * sizeof **sinks);
    for (size_t head = 0; head < heads && spec->sinks.kind == SINKS_VALUE; head++)
        (*sinks)[head] = spec->sinks.number;
    if (spec->sinks.kind == SINKS_NORMAL)
        sink_stream(*sinks, heads, spec->seed, spec->sinks.number);
    return ERROR_NONE;
}

/* Room for bounds of the part's channels. */
static enum error_kind make_bounds(struct inputs *inputs, struct part part, size_t head_dim, struct error *error)
{
    size_t part_row = (size_t)part.num_kv_heads * head_dim;
    inputs->bounds.k = calloc(2 * part_row, sizeof *inputs->bounds.k);
    if (!inputs->bounds.k)
        return error_memory(error, "bounds", (double)(2 * part_row * sizeof *inputs->bounds.k));
    inputs->bounds.v = inputs->bounds.k + part_row;
    return ERROR_NONE;
}

/* What is not there is NaN where somebody looks for such faults: whoever reads it without a word (recent_keys_read) is
 * then seen to. Elsewhere it is what the memory held. */
#if defined(__SANITIZE_ADDRESS__)
#define SPOILS_OLDER_KEYS true
#else
#define SPOILS_OLDER_KEYS false
#endif

static void spoil_keys(struct inputs *inputs)
{
    const struct problem *problem = &inputs->problem;
    size_t bytes = (size_t)problem->seq_len * (size_t)problem->num_kv_heads * (size_t)problem->head_dim *
                   dtypes[problem_kv_dtype(problem)].size_bytes;
    memset(inputs->k, dtype_nan_byte(problem_kv_dtype(problem)), bytes);
    memset(inputs->v, dtype_nan_byte(problem_kv_dtype(problem)), bytes);
}

/* Names the keys of the part that are to be made, unless that is all of them. All of the problem but k and v is known.
 */
static enum error_kind name_newest(struct inputs *inputs, struct error *error)
{
    const struct problem *problem = &inputs->problem;
    size_t heads = (size_t)problem->num_kv_heads;
    int64_t *first = calloc(heads, sizeof *first);
    bool some_older = false;
    if (!first)
        return error_memory(error, "the newest keys", (double)(heads * sizeof *first));
    for (int head = 0; head < problem->num_kv_heads; head++) {
        first[head] = recent_keys_needed(problem, inputs->bounds.k, head);
        some_older |= first[head] > 0;
    }
    if (!some_older) {
        free(first);
        return ERROR_NONE;
    }
    inputs->recent = (struct recent_keys){.first = first};
    inputs->problem.recent = &inputs->recent;
    if (SPOILS_OLDER_KEYS)
        spoil_keys(inputs);
    return ERROR_NONE;
}

/* Keys of one head of a part. */
static enum error_kind make_keys(const struct maker *maker, enum tensor tensor, void *elements, struct part part,
                                 struct key_range range, struct error *error)
{
    const struct problem_spec *spec = maker->generator.spec;
    size_t head_dim = (size_t)spec->head_dim, row = (size_t)spec->num_kv_heads * head_dim, from = (size_t)range.first;
    size_t part_row = (size_t)part.num_kv_heads * head_dim, channel = (size_t)range.kv_head * head_dim;
    size_t first = (size_t)part.kv_head * head_dim;
    const struct runs runs = {from * row + first + channel, head_dim, row, (size_t)range.count,
                              from * part_row + channel,    part_row};
    return make_tensor(maker, tensor, runs, elements, NULL, error);
}

/* k or v of a part: all keys of its heads, or each head's newest. */
static enum error_kind make_part(const struct maker *maker, enum tensor tensor, void *elements,
                                 const struct inputs *inputs, struct part part, struct error *error)
{
    const struct problem_spec *spec = maker->generator.spec;
    size_t head_dim = (size_t)spec->head_dim, row = (size_t)spec->num_kv_heads * head_dim;
    size_t part_row = (size_t)part.num_kv_heads * head_dim, first = (size_t)part.kv_head * head_dim;
    const struct runs runs = {first, part_row, row, (size_t)spec->seq_len, 0, part_row};
    const int64_t *newest = inputs->recent.first;
    enum error_kind kind = ERROR_NONE;
    if (!newest)
        return make_tensor(maker, tensor, runs, elements, NULL, error);
    for (int head = 0; head < part.num_kv_heads && !kind; head++) {
        const struct key_range range = {head, newest[head], spec->seq_len - newest[head]};
        kind = make_keys(maker, tensor, elements, part, range, error);
    }
    return kind;
}

/* All of the inputs that is not k or v, and the problem. */
static enum error_kind make_rest(struct inputs *inputs, struct maker *maker, const struct problem_spec *spec,
                                 struct part part, struct error *error)
{
    const struct problem shape = problem_spec_shape(spec);
    size_t elements = (size_t)problem_spec_queries(spec) * (size_t)spec->num_heads * (size_t)spec->head_dim;
    const struct runs runs = {.run = elements, .stride = elements, .count = 1};
    enum error_kind kind = inputs_allocate(inputs, &shape, part, spec->mask.kind != MASK_NONE, error);
    if (!kind)
        kind = make_bounds(inputs, part, (size_t)spec->head_dim, error);
    if (kind)
        return kind;
    if (inputs->visible)
        make_visible(inputs->visible, spec, maker->threads);
    make_slopes(inputs->slopes, spec);
    kind = make_sinks(&inputs->sink_logits, spec, error);
    if (!kind)
        kind = make_masks(&inputs->masks, inputs->visible, spec, error);
    if (!kind)
        kind = generator_init(&maker->generator, spec, inputs->slopes, inputs->q, error);
    if (!kind)
        kind = make_tensor(maker, TENSOR_Q, runs, inputs->q, NULL, error);
    return kind ? kind : inputs_assemble(inputs, &shape, part, error);
}

static enum error_kind make_inputs(struct inputs *inputs, const struct problem_spec *spec, struct part part,
                                   bool newest, int threads, struct progress *progress, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    struct maker maker = {.threads = threads, .progress = progress};
    bool whole = part.num_kv_heads == spec->num_kv_heads;
    enum error_kind kind = make_rest(inputs, &maker, spec, part, error);
    if (!kind && (!whole || newest))
        generator_bounds(&inputs->bounds, &maker.generator, part);
    if (!kind && !whole)
        inputs->problem.bounds = &inputs->bounds;
    if (!kind && newest)
        kind = name_newest(inputs, error);
    bool bounded = whole && !inputs->recent.first; /* by what is made: all of it */
    for (enum tensor tensor = TENSOR_K; tensor <= TENSOR_V && !kind; tensor++) {
        void *elements = tensor == TENSOR_K ? inputs->k : inputs->v;
        float *bounds = tensor == TENSOR_K ? inputs->bounds.k : inputs->bounds.v;
        kind = bounded ? make_bounded(&maker, tensor, elements, bounds, inputs->visible, error)
                       : make_part(&maker, tensor, elements, inputs, part, error);
    }
    if (!kind && !inputs->recent.first)
        inputs_hash(inputs);
    generator_clear(&maker.generator);
    inputs->problem.masks = inputs->masks.counts ? &inputs->masks : NULL;
    if (kind)
        inputs_clear(inputs);
    return kind;
}

enum error_kind inputs_generate(struct inputs *inputs, const struct problem_spec *spec, struct part part, int threads,
                                struct progress *progress, struct error *error)
{
    return make_inputs(inputs, spec, part, false, threads, progress, error);
}

enum error_kind inputs_generate_newest(struct inputs *inputs, const struct problem_spec *spec, struct part part,
                                       int threads, struct progress *progress, struct error *error)
{
    return make_inputs(inputs, spec, part, true, threads, progress, error);
}

enum error_kind inputs_add_keys(struct inputs *inputs, const struct problem_spec *spec, struct part part,
                                struct key_range range, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    struct maker maker = {.threads = 1};
    enum error_kind kind = generator_init(&maker.generator, spec, inputs->slopes, inputs->q, error);
    for (enum tensor tensor = TENSOR_K; tensor <= TENSOR_V && !kind; tensor++)
        kind = make_keys(&maker, tensor, tensor == TENSOR_K ? inputs->k : inputs->v, part, range, error);
    generator_clear(&maker.generator);
    return kind;
}

enum { ROWS_AT_ONCE = 256 };

enum error_kind inputs_generate_rows(const struct inputs *inputs, const struct problem_spec *spec, bool of_v,
                                     const int64_t *rows, size_t count, int threads, void *to, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    struct generator generator = {0};
    const enum tensor tensor = of_v ? TENSOR_V : TENSOR_K;
    const size_t dim = (size_t)spec->head_dim;
    enum error_kind kind = generator_init(&generator, spec, inputs->slopes, inputs->q, error);
#pragma omp parallel num_threads(threads) if (count > ROWS_AT_ONCE)
    {
        COMPUTING_ENVIRONMENT();
#pragma omp for schedule(dynamic, ROWS_AT_ONCE) nowait
        for (size_t i = 0; i < (kind ? 0 : count); i++)
            generator_make(&generator, tensor, (size_t)rows[i] * dim, dim, to, i * dim);
    }
    generator_clear(&generator);
    return kind;
}

/* ---- as a source ------------------------------------------------------------------------------------------------ */

static const struct problem_spec *spec_of(const struct problem_source *source)
{
    return &((const struct generated_source *)(const void *)source)->spec;
}

static struct part part_of(const struct problem_source *source, int index)
{
    return problem_spec_part(spec_of(source), index);
}

static enum error_kind open_part(const struct problem_source *source, struct part part, int threads,
                                 struct progress *progress, struct inputs *inputs, struct error *error)
{
    return inputs_generate(inputs, spec_of(source), part, threads, progress, error);
}

static enum error_kind open_newest(const struct problem_source *source, struct part part, int threads,
                                   struct progress *progress, struct inputs *inputs, struct error *error)
{
    return inputs_generate_newest(inputs, spec_of(source), part, threads, progress, error);
}

static enum error_kind add_keys(const struct problem_source *source, struct part part, struct key_range range,
                                struct inputs *inputs, struct error *error)
{
    return inputs_add_keys(inputs, spec_of(source), part, range, error);
}

static enum error_kind read_rows(const struct problem_source *source, const struct inputs *inputs, bool of_v,
                                 const int64_t *rows, size_t count, int threads, void *to, struct error *error)
{
    return inputs_generate_rows(inputs, spec_of(source), of_v, rows, count, threads, to, error);
}

static bool same(const struct problem_source *source, const struct problem_source *other)
{
    return problem_spec_equal(spec_of(source), spec_of(other));
}

static const struct problem_source_ops generated_ops = {part_of, open_part, open_newest, add_keys, read_rows, same};

struct generated_source generated_source(const struct problem_spec *spec)
{
    return (struct generated_source){
        .source = {.ops = &generated_ops,
                   .shape = problem_spec_shape(spec),
                   .contract = problem_spec_contract(spec),
                   .num_parts = problem_spec_parts(spec)},
        .spec = *spec,
    };
}
