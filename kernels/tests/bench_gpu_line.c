#include "kernels/tests/bench_gpu_line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/attention/plain.h"
#include "kernels/device/device_cuda.h"
#include "reference/slopes.h"

enum { ALIGNMENT = 256 };

/* ---- the arena --------------------------------------------------------------------------------------------------- */

/* count elements of nearly normal numbers of deviation 1: sums of four uniform ones. */
static void fill(void *elements, enum dtype dtype, size_t count, uint64_t state)
{
    enum { RUN = 4096 };
    float numbers[RUN];
    for (size_t first = 0; first < count; first += RUN) {
        size_t run = count - first < RUN ? count - first : RUN;
        for (size_t i = 0; i < run; i++) {
            uint64_t z = state += 0x9e3779b97f4a7c15u; /* splitmix64 */
            z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
            z = (z ^ z >> 27) * 0x94d049bb133111ebu;
            z ^= z >> 31;
            float sum = (float)(z & 0xffff) + (float)(z >> 16 & 0xffff) + (float)(z >> 32 & 0xffff) + (float)(z >> 48);
            numbers[i] = (sum * 0x1p-16f - 2) * 1.7320508f;
        }
        dtype_narrow(dtype, elements, first, run, numbers);
    }
}

enum error_kind arena_fill(const struct arena *arena, enum dtype dtype, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    size_t done = BLOCK_BYTES < arena->bytes ? BLOCK_BYTES : arena->bytes;
    fill(arena->block, dtype, BLOCK_BYTES / dtypes[dtype].size_bytes, 1);
    memcpy(arena->block + BLOCK_BYTES, arena->block, JUDGED_ROW_BYTES);
    TRY(cudaMemcpy(arena->memory, arena->block, done, cudaMemcpyHostToDevice));
    while (done < arena->bytes) {
        size_t left = arena->bytes - done, run = done < left ? done : left;
        TRY(cudaMemcpy(arena->memory + done, arena->memory, run, cudaMemcpyDeviceToDevice));
        done += run;
    }
    TRY(cudaDeviceSynchronize());
out:
    return kind;
}

static int64_t pages_of(const struct shape *shape)
{
    return shape->page_size ? (shape->keys + shape->page_size - 1) / shape->page_size : 0;
}

/* Of one of k and v, whole pages. */
static size_t cache_size(const struct shape *shape)
{
    int64_t rows = shape->page_size ? pages_of(shape) * shape->page_size : shape->keys;
    return (size_t)rows * (size_t)shape->kv_heads * (size_t)shape->dim * dtypes[shape->kv_dtype].size_bytes;
}

static size_t aligned(size_t size_bytes)
{
    return (size_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Copies of k and v that are together more than 4 times the cache. */
static int sets_of(const struct shape *shape, size_t cache_bytes)
{
    return (int)(4 * cache_bytes / (2 * aligned(cache_size(shape)))) + 1;
}

size_t arena_of(const struct shape *shape, size_t cache_bytes)
{
    return (size_t)sets_of(shape, cache_bytes) * 2 * aligned(cache_size(shape));
}

/* ---- a line ------------------------------------------------------------------------------------------------------ */

/* Pages in an order of their own, the same in every process. */
static void shuffle_pages(int32_t *table, int64_t pages)
{
    uint64_t state = 3;
    for (int64_t i = 0; i < pages; i++)
        table[i] = (int32_t)i;
    for (int64_t i = pages - 1; i > 0; i--) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        int64_t j = (int64_t)((state >> 33) % (uint64_t)(i + 1));
        int32_t swapped = table[i];
        table[i] = table[j];
        table[j] = swapped;
    }
}

void line_close(struct line *line)
{
    for (enum buffer b = 0; b < BUFFER_COUNT; b++)
        cudaFree(line->buffers[b]); /* accepts NULL */
    plan_clear(&line->plan);
    free(line->q), free(line->out), free(line->slopes), free(line->lse), free(line->page_table);
}

/* A buffer of its own, holding what it is to hold; results begin as NaN. */
static enum error_kind place(struct line *line, enum buffer b, const void *source, size_t size_bytes,
                             struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    if (!size_bytes)
        return ERROR_NONE;
    TRY(cudaMalloc(&line->buffers[b], size_bytes));
    if (source && b != BUFFER_OUT && b != BUFFER_LSE)
        TRY(cudaMemcpy(line->buffers[b], source, size_bytes, cudaMemcpyHostToDevice));
    else
        TRY(cudaMemset(line->buffers[b], 0xff, size_bytes));
    plan_bind(&line->plan, b, line->buffers[b]);
out:
    return kind;
}

/* Plans the launch; k and v are never read on the host: nothing is laid out, and pages are bound here. */
static enum error_kind plan_line(struct line *line, struct error *error)
{
    const struct shape *shape = &line->shape;
    const struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}, .exponential = line->options->exponential};
    const struct kernel_options kernel_options = {.chunk_len = CHUNK_LEN_DEFAULT};
    const struct problem problem = {
        .seq_len = shape->keys,
        .num_heads = shape->heads,
        .num_kv_heads = shape->kv_heads,
        .head_dim = shape->dim,
        .dtype = shape->dtype,
        .kv_format = kv_format_of(shape->kv_dtype),
        .k_scale = 1,
        .v_scale = 1,
        .scale = line->scale,
        .q_position = shape->keys - 1,
        .slopes = line->slopes,
        .q = line->q,
        .k = line->arena->memory,
        .v = line->arena->memory + line->kv_bytes,
    };
    const struct output output = {line->out, line->lse};
    const struct batch batch = {shape->kernel, &kernel_options, &recipe, &problem, &output, 1, false};
    const struct plan_options plan_options = {
        .real_bytes = sizeof(float),
        .generic = line->options->generic || shape->page_size % PLAIN_RUN_KEYS != 0, /* pages come below */
        .merge_apart = line->options->merge_apart,
        .plain_alone = true,
        .shared_blocks = (unsigned)line->arena->multiprocessors,
        .shared_room = line->arena->shared_room,
    };
    enum error_kind kind = plan_launches(&line->plan, &batch, &plan_options, error);
    for (enum buffer b = 0; b < BUFFER_COUNT && !kind; b++)
        if (b != BUFFER_K && b != BUFFER_V)
            kind = place(line, b, line->plan.buffers[b].source, line->plan.buffers[b].size_bytes, error);
    if (!kind && shape->page_size) {
        line->plan.args.page_size = shape->page_size;
        shuffle_pages(line->page_table, pages_of(shape));
        kind = place(line, BUFFER_PAGE_TABLE, line->page_table, (size_t)pages_of(shape) * sizeof(int32_t), error);
    }
    return kind;
}

enum error_kind line_open(struct line *line, const struct arena *arena, const struct options *options,
                          const struct shape *shape, struct error *error)
{
    size_t elements = (size_t)shape->heads * (size_t)shape->dim, row = elements * dtypes[shape->dtype].size_bytes;
    *line = (struct line){.shape = *shape,
                          .kv_bytes = aligned(cache_size(shape)),
                          .sets = sets_of(shape, arena->cache_bytes),
                          .bytes = 2.0 * (double)shape->keys * shape->kv_heads * shape->dim *
                                       (double)dtypes[shape->kv_dtype].size_bytes +
                                   2.0 * (double)row,
                          .scale = (float)(1 / sqrt((double)shape->dim)),
                          .arena = arena,
                          .options = options};
    line->q = malloc(row);
    line->out = malloc(row);
    line->slopes = malloc((size_t)shape->heads * sizeof *line->slopes);
    line->lse = malloc((size_t)shape->heads * sizeof *line->lse);
    line->page_table = malloc((size_t)(pages_of(shape) + 1) * sizeof *line->page_table);
    if (!line->q || !line->out || !line->slopes || !line->lse || !line->page_table)
        return error_memory(error, "a line", 2.0 * (double)row);
    fill(line->q, shape->dtype, elements, 2);
    slopes_fill(line->slopes, shape->heads, SLOPES_BLOOM, 8, 0, shape->heads);
    enum error_kind kind = plan_line(line, error);
    if (!kind)
        kind = cuda_prepare(&line->plan, error);
    if (!kind)
        TRY(cudaDeviceSynchronize()); /* copies may still be under way, and the stream does not wait for them */
out:
    return kind;
}

enum error_kind line_enqueue(void *context, int repetition, cudaStream_t stream, struct error *error)
{
    struct line *line = context;
    char *k = line->arena->memory + (size_t)(repetition % line->sets) * 2 * line->kv_bytes;
    plan_bind(&line->plan, BUFFER_K, k);
    plan_bind(&line->plan, BUFFER_V, k + line->kv_bytes);
    return cuda_enqueue(&line->plan, stream, error);
}
