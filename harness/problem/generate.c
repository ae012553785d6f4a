#include "harness/problem/generate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define XXH_INLINE_ALL /* compiled for our instruction set: three times as fast as the library's SSE2 */
#include <xxhash.h>

#include "reference/float_environment.h"

enum {
    CHUNK = 256 * 1024,       /* elements a worker takes at a time; about 0.3 ms */
    HUGE_PAGE_BYTES = 1 << 21 /* of x86-64 and, in its usual set-up, of arm64 */
};

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
#pragma omp parallel num_threads(threads) if (tasks > 1)
    {
        FLOAT_ENVIRONMENT_DEFAULT();
#pragma omp for schedule(dynamic) nowait
        for (size_t task = 0; task < tasks; task++) {
            size_t begin = task % chunks_a_run * CHUNK, size = runs.run - begin < CHUNK ? runs.run - begin : CHUNK;
            size_t from = task / chunks_a_run * runs_at_once;
            for (size_t i = from; i < from + runs_at_once && i < runs.count && !progress_cancelled(progress); i++)
                generator_make(generator, tensor, runs.first + i * runs.stride + begin, size, elements,
                               i * runs.run + begin);
        }
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
#pragma omp parallel num_threads(threads) if (chunks > 1)
    {
        FLOAT_ENVIRONMENT_DEFAULT();
#pragma omp for schedule(dynamic) nowait
        for (size_t chunk = 0; chunk < chunks; chunk++) {
            size_t first = chunk * CHUNK, count = keys - first < CHUNK ? keys - first : CHUNK;
            mask_fill(visible + first, &spec->mask, spec->seq_len, problem_spec_seed(spec), (int64_t)first, count);
        }
    }
}

static void make_slopes(float *slopes, const struct problem_spec *spec)
{
    if (spec->slope_values)
        memcpy(slopes, spec->slope_values, (size_t)spec->num_heads * sizeof *slopes);
    else
        slopes_fill(slopes, spec->num_heads, spec->slopes, spec->max_bias, spec->head_offset, spec->total_heads);
}

/* Puts the part's heads of every query, which stand apart in q, side by side. */
static enum error_kind pack_queries(struct inputs *inputs, size_t queries, struct error *error)
{
    struct problem *problem = &inputs->problem;
    size_t dim_bytes = (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes;
    size_t row_bytes = (size_t)problem->num_heads * dim_bytes;
    enum error_kind kind = allocate(&inputs->part_q, (double)(queries * row_bytes), "q", error);
    for (size_t query = 0; query < queries && !kind; query++)
        memcpy((char *)inputs->part_q + query * row_bytes,
               (const char *)problem->q + query * (size_t)problem->place.num_heads * dim_bytes, row_bytes);
    problem->q = inputs->part_q;
    return kind;
}

/* Memory for the inputs of a part; nothing is in it yet. */
static enum error_kind allocate_inputs(struct inputs *inputs, const struct problem_spec *spec, struct part part,
                                       struct error *error)
{
    double q_size = (double)dtypes[spec->dtype].size_bytes;
    double kv_size = (double)dtypes[problem_spec_kv_dtype(spec)].size_bytes;
    double share = part.num_kv_heads / (double)spec->num_kv_heads;
    size_t part_row = (size_t)part.num_kv_heads * (size_t)spec->head_dim;
    void *slopes = NULL, *bounds = NULL, *visible = NULL;
    enum error_kind status = allocate(&inputs->q, problem_spec_query_elements(spec) * q_size, "q", error);
    if (!status)
        status = allocate(&inputs->k, share * problem_spec_key_elements(spec) * kv_size, "k", error);
    if (!status)
        status = allocate(&inputs->v, share * problem_spec_key_elements(spec) * kv_size, "v", error);
    if (!status)
        status = allocate(&slopes, (double)spec->num_heads * (double)sizeof(float), "slopes", error);
    if (!status)
        status = allocate(&bounds, 2 * (double)part_row * (double)sizeof(float), "bounds", error);
    if (!status && spec->mask.kind != MASK_NONE)
        status = allocate(&visible, (double)spec->seq_len, "the mask", error);
    inputs->slopes = slopes;
    inputs->visible = visible;
    inputs->bounds.k = bounds;
    if (!status)
        inputs->bounds.v = inputs->bounds.k + part_row;
    return status;
}

enum error_kind inputs_generate(struct inputs *inputs, const struct problem_spec *spec, struct part part, int threads,
                                struct progress *progress, struct error *error)
{
    FLOAT_ENVIRONMENT_DEFAULT();
    struct generator generator = {0};
    *inputs = (struct inputs){0};
    size_t head_dim = (size_t)spec->head_dim, part_row = (size_t)part.num_kv_heads * head_dim;
    enum error_kind status = allocate_inputs(inputs, spec, part, error);
    if (status)
        goto out;

    size_t first_head = (size_t)(part.kv_head * (spec->num_heads / spec->num_kv_heads));
    size_t queries = (size_t)problem_spec_queries(spec);
    size_t q_count = queries * (size_t)spec->num_heads * head_dim, row = (size_t)spec->num_kv_heads * head_dim;
    size_t keys = (size_t)spec->seq_len;
    struct runs q_runs = {0, q_count, q_count, 1}, kv_runs = {(size_t)part.kv_head * head_dim, part_row, row, keys};
    if (part_row == row)
        kv_runs = (struct runs){0, keys * row, keys * row, 1};
    make_slopes(inputs->slopes, spec);
    status = generator_init(&generator, spec, inputs->slopes, inputs->q, error);
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
    generator_bounds(&inputs->bounds, &generator, part);
    size_t q_bytes = dtypes[spec->dtype].size_bytes, kv_bytes = dtypes[problem_spec_kv_dtype(spec)].size_bytes;
    struct problem whole = problem_spec_shape(spec);
    whole.slopes = inputs->slopes;
    inputs->problem = part_shape(&whole, part);
    inputs->problem.q = (char *)inputs->q + first_head * head_dim * q_bytes;
    inputs->problem.k = inputs->k;
    inputs->problem.v = inputs->v;
    inputs->problem.visible = inputs->visible;
    inputs->problem.bounds = part_row < row ? &inputs->bounds : NULL;
    if (queries > 1 && part_row < row && (status = pack_queries(inputs, queries, error)))
        goto out;
    inputs->digest =
        digest_of(&inputs->problem, (size_t)problem_elements(&inputs->problem) * q_bytes, keys * part_row * kv_bytes);
out:
    generator_clear(&generator);
    if (status)
        inputs_clear(inputs);
    return status;
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

static bool same(const struct problem_source *source, const struct problem_source *other)
{
    return problem_spec_equal(spec_of(source), spec_of(other));
}

static double bytes_of(const struct problem_source *source)
{
    return problem_spec_bytes(spec_of(source));
}

static const struct problem_source_ops generated_ops = {part_of, open_part, same, bytes_of};

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
