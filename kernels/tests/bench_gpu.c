/*
 * Time of the kernels on a GPU, the whole problem in one launch; one JSON object a line. `bench_gpu --help` says how.
 *
 * A time is that of a repetition in a CUDA graph, gaps between launches included: the median, and the minimum, of
 * replays of the graph. Repetitions rotate over copies of k and v that together are more than 4 times as large as the
 * L2 cache. bytes: k and v once, q and out. The shares are of what a copy on the device and a kernel that only reads
 * move in this process, measured first, last, and wherever the dtype changes.
 *
 * k and v hold a block of normal numbers over and over; the block's length is no multiple of a row's, so that no two
 * rows near each other are the same. Every process makes the same bits, so that digests of two builds can be compared.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "kernels/attention/plain.h"
#include "kernels/device/device.h"
#include "kernels/device/device_cuda.h"
#include "kernels/tests/bench_gpu_judge.h"
#include "kernels/tests/bench_gpu_keys.h"
#include "kernels/tests/bench_gpu_options.h"
#include "kernels/tests/gpu_timing.h"
#include "reference/slopes.h"

enum { ALIGNMENT = 256, STATUS_FAILED = 1, STATUS_NO_GPU = 3 };

#define BLOCK_BYTES (((size_t)64 << 20) + 16 * 257)
#define COPY_BYTES ((size_t)1 << 30)  /* of a copy that is timed, in each direction */
#define SPARE_BYTES ((size_t)4 << 30) /* of the GPU's memory, left free */

struct bench {
    const struct options *options;
    const char *device_name;
    cudaStream_t stream;
    int multiprocessors;
    size_t shared_room;  /* bytes of shared memory that a block may have */
    size_t cache_bytes;  /* of L2 */
    char *arena, *other; /* k and v of all lines; the destination of copies */
    size_t arena_bytes;
    char *block; /* [BLOCK_BYTES + JUDGED_ROW_BYTES] on the host; it goes on with its beginning */
    struct gpu_bandwidth bandwidth;
    double end_s; /* no line begins later */
    int lines, late, failed;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- inputs ----------------------------------------------------------------------------------------------------- */

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

static enum error_kind fill_arena(struct bench *bench, enum dtype dtype, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    size_t done = BLOCK_BYTES < bench->arena_bytes ? BLOCK_BYTES : bench->arena_bytes;
    fill(bench->block, dtype, BLOCK_BYTES / dtypes[dtype].size_bytes, 1);
    memcpy(bench->block + BLOCK_BYTES, bench->block, JUDGED_ROW_BYTES);
    TRY(cudaMemcpy(bench->arena, bench->block, done, cudaMemcpyHostToDevice));
    while (done < bench->arena_bytes) {
        size_t left = bench->arena_bytes - done, run = done < left ? done : left;
        TRY(cudaMemcpy(bench->arena + done, bench->arena, run, cudaMemcpyDeviceToDevice));
        done += run;
    }
    TRY(cudaDeviceSynchronize());
out:
    return kind;
}

/* ---- a line ----------------------------------------------------------------------------------------------------- */

/* One shape on the GPU, ready to launch. */
struct line {
    struct shape shape;
    size_t kv_bytes; /* from one of k and v to the next */
    int sets;        /* copies of k and v in the arena */
    double bytes;    /* read or written at least */
    struct bench *bench;
    struct launch_plan plan;
    void *buffers[BUFFER_COUNT]; /* on the GPU; NULL: in the arena, or there is none */
    void *q, *out;               /* on the host, as all below */
    float *slopes, *lse, scale;
    int32_t *page_table;
};

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

static size_t arena_of(const struct shape *shape, size_t cache_bytes)
{
    return (size_t)sets_of(shape, cache_bytes) * 2 * aligned(cache_size(shape));
}

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

static void line_close(struct line *line)
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
    const struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE},
                                  .exponential = line->bench->options->exponential};
    const struct kernel_options kernel_options = {.chunk_len = CHUNK_LEN_DEFAULT};
    const struct problem problem = {
        .seq_len = shape->keys,
        .num_heads = shape->heads,
        .num_kv_heads = shape->kv_heads,
        .head_dim = shape->dim,
        .dtype = shape->dtype,
        .kv_format = shape->kv_dtype == DTYPE_E4M3   ? KV_E4M3
                     : shape->kv_dtype == DTYPE_E5M2 ? KV_E5M2
                                                     : KV_AS_DTYPE,
        .k_scale = 1,
        .v_scale = 1,
        .scale = line->scale,
        .q_position = shape->keys - 1,
        .slopes = line->slopes,
        .q = line->q,
        .k = line->bench->arena,
        .v = line->bench->arena + line->kv_bytes,
    };
    const struct output output = {line->out, line->lse};
    const struct batch batch = {shape->kernel, &kernel_options, &recipe, &problem, &output, 1, false};
    const struct plan_options plan_options = {
        .real_bytes = sizeof(float),
        .generic = line->bench->options->generic || shape->page_size % PLAIN_RUN_KEYS != 0, /* pages come below */
        .plain_alone = true,
        .shared_blocks = (unsigned)line->bench->multiprocessors,
        .shared_room = line->bench->shared_room,
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

/* line_close follows, whatever the result. */
static enum error_kind line_open(struct line *line, struct bench *bench, const struct shape *shape, struct error *error)
{
    size_t elements = (size_t)shape->heads * (size_t)shape->dim, row = elements * dtypes[shape->dtype].size_bytes;
    *line = (struct line){.shape = *shape,
                          .kv_bytes = aligned(cache_size(shape)),
                          .sets = sets_of(shape, bench->cache_bytes),
                          .bytes = 2.0 * (double)shape->keys * shape->kv_heads * shape->dim *
                                       (double)dtypes[shape->kv_dtype].size_bytes +
                                   2.0 * (double)row,
                          .scale = (float)(1 / sqrt((double)shape->dim)),
                          .bench = bench};
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

static enum error_kind enqueue_line(void *context, int repetition, cudaStream_t stream, struct error *error)
{
    struct line *line = context;
    char *k = line->bench->arena + (size_t)(repetition % line->sets) * 2 * line->kv_bytes;
    plan_bind(&line->plan, BUFFER_K, k);
    plan_bind(&line->plan, BUFFER_V, k + line->kv_bytes);
    return cuda_enqueue(&line->plan, stream, error);
}

/* ---- what a line says ------------------------------------------------------------------------------------------- */

static void print_shape(const struct line *line)
{
    const struct shape *shape = &line->shape;
    printf("{\"bench\": \"gpu_kernel\", \"device\": \"%s\", \"kernel\": \"%s\", \"functions\": [",
           line->bench->device_name, kernels[shape->kernel]->name);
    for (int i = 0; i < line->plan.num_launches; i++)
        printf("%s\"%s\"", i ? ", " : "", launch_name(&line->plan.launches[i]));
    printf("], \"keys\": %lld, \"heads\": %d, \"kv_heads\": %d, \"dim\": %d, \"dtype\": \"%s\", \"page_size\": %d, "
           "\"exponential\": \"%s\"",
           (long long)shape->keys, shape->heads, shape->kv_heads, shape->dim, dtypes[shape->kv_dtype].name,
           shape->page_size, exponential_names[line->bench->options->exponential]);
}

static enum error_kind print_usage(const struct line *line, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    printf(", \"launches\": [");
    for (int i = 0; i < line->plan.num_launches; i++) {
        const struct launch *launch = &line->plan.launches[i];
        struct cuda_usage usage;
        if ((kind = cuda_usage_of(&usage, launch, error)))
            return kind;
        printf("%s{\"blocks\": [%u, %u, %u], \"threads\": %u, \"registers\": %d, \"local_bytes\": %d, "
               "\"shared_bytes\": %d, \"blocks_per_multiprocessor\": %d}",
               i ? ", " : "", launch->blocks_x, launch->blocks_y, launch->blocks_z, launch->threads, usage.registers,
               usage.local_bytes, usage.shared_bytes, usage.blocks_per_multiprocessor);
    }
    printf("]");
    return kind;
}

static enum error_kind print_times(struct line *line, struct error *error)
{
    struct bench *bench = line->bench;
    struct gpu_times times;
    enum error_kind kind = gpu_time(&times, &(struct gpu_work){enqueue_line, line, line->sets}, &bench->options->timing,
                                    bench->stream, error);
    if (kind)
        return kind;
    double bytes_s = line->bytes / times.median_s;
    printf(", \"median_us\": %.3f, \"min_us\": %.3f, \"replays\": %d, \"repetitions\": %d, \"kv_copies\": %d, "
           "\"bytes\": %.0f, \"gb_s\": %.1f, \"share_of_copy\": %.4f, \"share_of_read\": %.4f",
           1e6 * times.median_s, 1e6 * times.min_s, times.replays, times.repetitions, line->sets, line->bytes,
           1e-9 * bytes_s, bytes_s / bench->bandwidth.copy_bytes_s, bytes_s / bench->bandwidth.read_bytes_s);
    return kind;
}

/* One launch, what it writes being `before` in every byte. */
static enum error_kind run_once(struct line *line, int before, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (enum buffer b = BUFFER_OUT; b < BUFFER_COUNT; b++)
        if (line->buffers[b])
            TRY(cudaMemset(line->buffers[b], before, line->plan.buffers[b].size_bytes));
    TRY(cudaDeviceSynchronize()); /* the stream does not wait for others */
    if ((kind = enqueue_line(line, 0, line->bench->stream, error)))
        goto out;
    TRY(cudaStreamSynchronize(line->bench->stream));
    TRY(cudaMemcpy(line->out, line->buffers[BUFFER_OUT], line->plan.buffers[BUFFER_OUT].size_bytes,
                   cudaMemcpyDeviceToHost));
    TRY(cudaMemcpy(line->lse, line->buffers[BUFFER_LSE], line->plan.buffers[BUFFER_LSE].size_bytes,
                   cudaMemcpyDeviceToHost));
out:
    return kind;
}

static bool all_finite(const struct line *line)
{
    bool finite = true;
    for (size_t i = 0; i < (size_t)line->shape.heads * (size_t)line->shape.dim; i++) {
        float element;
        dtype_widen(line->shape.dtype, line->out, i, 1, &element);
        finite = finite && isfinite(element);
    }
    for (int i = 0; i < line->shape.heads; i++)
        finite = finite && isfinite(line->lse[i]);
    return finite;
}

/* The launch twice, on memory that holds NaN and 0 before: the same bits, all of them finite. */
static enum error_kind print_check(struct line *line, struct error *error)
{
    size_t out_bytes = line->plan.buffers[BUFFER_OUT].size_bytes, lse_bytes = line->plan.buffers[BUFFER_LSE].size_bytes;
    uint64_t out[2], lse[2];
    bool finite = true;
    for (int i = 0; i < 2; i++) {
        enum error_kind kind = run_once(line, i ? 0 : 0xff, error);
        if (kind)
            return kind;
        out[i] = XXH3_64bits(line->out, out_bytes);
        lse[i] = XXH3_64bits(line->lse, lse_bytes);
        finite = finite && all_finite(line);
    }
    bool equal = out[0] == out[1] && lse[0] == lse[1];
    printf(", \"runs_agree\": %s, \"finite\": %s, \"out_digest\": \"%016llx\", \"lse_digest\": \"%016llx\"",
           equal ? "true" : "false", finite ? "true" : "false", (unsigned long long)out[1], (unsigned long long)lse[1]);
    line->bench->failed += !equal || !finite;
    return ERROR_NONE;
}

static enum error_kind print_judgement(struct line *line, struct error *error)
{
    const struct judged_inputs inputs = {.q = line->q,
                                         .slopes = line->slopes,
                                         .page_table = line->page_table,
                                         .scale = line->scale,
                                         .block = line->bench->block,
                                         .block_bytes = BLOCK_BYTES,
                                         .v_offset = line->kv_bytes};
    struct judged judged;
    enum error_kind kind = run_once(line, 0xff, error);
    if (!kind)
        kind = judge_out(&judged, &line->shape, &inputs, line->out, error);
    if (!kind)
        printf(", \"reference\": \"f64 reference\", \"max_abs_err\": %.9g, \"mismatched\": %d, \"elements\": %d, "
               "\"nan\": %d",
               judged.max_abs_err, judged.mismatched, line->shape.heads * line->shape.dim, judged.nan);
    return kind;
}

static enum error_kind run_line(struct bench *bench, const struct shape *shape, struct error *error)
{
    struct line line;
    if (bench->options->seconds > 0 && now_s() > bench->end_s) {
        bench->late++;
        return ERROR_NONE;
    }
    enum error_kind kind = line_open(&line, bench, shape, error);
    if (!kind) {
        print_shape(&line);
        if (arena_of(shape, bench->cache_bytes) > bench->arena_bytes) {
            printf(", \"skipped\": \"k and v take %.3g GB, and the device has room for %.3g\"",
                   1e-9 * (double)arena_of(shape, bench->cache_bytes), 1e-9 * (double)bench->arena_bytes);
        } else {
            kind = print_usage(&line, error);
            if (!kind && bench->options->check)
                kind = print_check(&line, error);
            if (!kind && shape->keys <= bench->options->judged_keys)
                kind = print_judgement(&line, error);
            if (!kind && bench->options->timing.replays)
                kind = print_times(&line, error);
        }
        printf("}\n");
        fflush(stdout);
        bench->lines++;
    }
    line_close(&line);
    return kind;
}

/* ---- all lines -------------------------------------------------------------------------------------------------- */

static enum error_kind measure_bandwidth(struct bench *bench, const char *when, struct error *error)
{
    if (!bench->options->timing.replays)
        return ERROR_NONE;
    enum error_kind kind = gpu_bandwidth(&bench->bandwidth, bench->arena, bench->other, COPY_BYTES,
                                         bench->multiprocessors, &bench->options->timing, bench->stream, error);
    if (!kind)
        printf("{\"bench\": \"gpu_bandwidth\", \"device\": \"%s\", \"when\": \"%s\", \"copy_gb_s\": %.1f, "
               "\"read_gb_s\": %.1f, \"buffer_bytes\": %zu, \"l2_bytes\": %zu, \"multiprocessors\": %d}\n",
               bench->device_name, when, 1e-9 * bench->bandwidth.copy_bytes_s, 1e-9 * bench->bandwidth.read_bytes_s,
               COPY_BYTES, bench->cache_bytes, bench->multiprocessors);
    fflush(stdout);
    return kind;
}

/* The largest arena that any line takes and that the device has room for. */
static enum error_kind open_bench(struct bench *bench, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    struct cudaDeviceProp properties;
    size_t available = 0, total = 0;
    struct shape shape;
    TRY(cudaGetDeviceProperties(&properties, 0));
    TRY(cudaStreamCreateWithFlags(&bench->stream, cudaStreamNonBlocking));
    bench->multiprocessors = properties.multiProcessorCount;
    bench->shared_room = properties.sharedMemPerBlockOptin;
    bench->cache_bytes = (size_t)properties.l2CacheSize;
    TRY(cudaMalloc((void **)&bench->other, COPY_BYTES));
    TRY(cudaMemGetInfo(&available, &total));
    available = available > SPARE_BYTES ? available - SPARE_BYTES : 0;
    bench->arena_bytes = COPY_BYTES;
    for (struct shape_walk walk = {0}; shapes_next(&walk, bench->options, &shape);) {
        size_t needed = arena_of(&shape, bench->cache_bytes);
        if (needed > bench->arena_bytes && needed <= available)
            bench->arena_bytes = needed;
    }
    TRY(cudaMalloc((void **)&bench->arena, bench->arena_bytes));
    bench->block = malloc(BLOCK_BYTES + JUDGED_ROW_BYTES);
    if (!bench->block)
        kind = error_memory(error, "a block of inputs", (double)BLOCK_BYTES);
out:
    return kind;
}

static enum error_kind run_bench(struct bench *bench, struct error *error)
{
    struct shape shape;
    enum dtype filled = DTYPE_COUNT_WITH_FP8;
    enum error_kind kind = open_bench(bench, error);
    for (struct shape_walk walk = {0}; !kind && shapes_next(&walk, bench->options, &shape);) {
        if (shape.kv_dtype != filled) {
            filled = shape.kv_dtype;
            kind = fill_arena(bench, filled, error);
            if (!kind)
                kind = measure_bandwidth(bench, bench->lines ? "between" : "before", error);
        }
        if (!kind)
            kind = run_line(bench, &shape, error);
        if (kind == ERROR_USAGE) { /* a shape that the kernel does not take: the others are timed */
            fprintf(stderr, "bench_gpu: left out: %s\n", error->text);
            *error = (struct error){.kind = ERROR_NONE};
            kind = ERROR_NONE;
        }
    }
    return kind ? kind : measure_bandwidth(bench, "after", error);
}

/* The shapes' keys, in the place of kernels. */
static enum error_kind run_keys(struct bench *bench, struct device *device, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    struct shape shape;
    for (struct shape_walk walk = {0}; !kind && shapes_next(&walk, bench->options, &shape);) {
        struct keys_made made;
        kind = bench_gpu_keys(&made, device, &shape, error);
        if (kind)
            break;
        bench->failed += !made.bits_agree || !made.digest_agrees;
        bench->lines++;
        printf("{\"bench\": \"gpu_make_keys\", \"device\": \"%s\", \"keys\": %lld, \"kv_heads\": %d, \"head_dim\": %d, "
               "\"kv_dtype\": \"%s\", \"bytes\": %.0f, \"make_ms\": %.3f, \"digest_ms\": %.3f, \"compared_keys\": "
               "%lld, \"bits_agree\": %s, \"digest_agrees\": %s}\n",
               bench->device_name, (long long)shape.keys, shape.kv_heads, shape.dim, dtypes[shape.kv_dtype].name,
               made.bytes, 1e3 * made.make_s, 1e3 * made.digest_s, (long long)made.compared_keys,
               made.bits_agree ? "true" : "false", made.digest_agrees ? "true" : "false");
        fflush(stdout);
    }
    return kind;
}

int main(int argc, char **argv)
{
    struct options options;
    struct device *device = NULL;
    struct error error = {.kind = ERROR_NONE};
    struct bench bench = {.options = &options};
    int status = options_parse(&options, argc, argv);
    if (status >= 0)
        return status;
    if (device_open(&device, DEVICE_CUDA, &(struct device_options){.threads = 1}, &error)) {
        fprintf(stderr, "bench_gpu: nothing is timed: %s\n", error.text);
        return STATUS_NO_GPU;
    }
    bench.device_name = device_name(device);
    bench.end_s = now_s() + options.seconds;
    double start = now_s();
    enum error_kind kind = options.keys ? run_keys(&bench, device, &error) : run_bench(&bench, &error);
    status = kind || bench.failed ? STATUS_FAILED : 0;
    if (error.kind)
        fprintf(stderr, "bench_gpu: after %d lines: %s\n", bench.lines, error.text);
    if (bench.failed)
        fprintf(stderr, "bench_gpu: %d lines have runs that differ, or results that are not finite\n", bench.failed);
    if (bench.late)
        fprintf(stderr, "bench_gpu: %d lines left out: --seconds %g were over\n", bench.late, options.seconds);
    fprintf(stderr, "bench_gpu: %d lines in %.1f s\n", bench.lines, now_s() - start);
    if (bench.stream)
        cudaStreamDestroy(bench.stream);
    cudaFree(bench.arena);
    cudaFree(bench.other);
    free(bench.block);
    device_close(device);
    return status;
}
