/*
 * Time of the kernels on a GPU, the whole problem in one launch; one JSON object a line. `bench_gpu --help` says how.
 *
 * A time is that of a repetition in a CUDA graph, gaps between launches included: the median, and the minimum, of
 * replays of the graph. Repetitions rotate over copies of k and v that together are more than 4 times as large as the
 * L2 cache. bytes: k and v once, q and out. The shares are of what a copy on the device and a kernel that only reads
 * move in this process, measured first, last, and wherever the dtype changes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "kernels/device/device.h"
#include "kernels/device/device_cuda.h"
#include "kernels/device/launch_choice.h"
#include "kernels/tests/bench_gpu_keys.h"
#include "kernels/tests/bench_gpu_line.h"
#include "kernels/tests/bench_gpu_options.h"
#include "kernels/tests/gpu_timing.h"

enum { STATUS_FAILED = 1, STATUS_NO_GPU = 3 };

#define COPY_BYTES ((size_t)1 << 30)  /* of a copy that is timed, in each direction */
#define SPARE_BYTES ((size_t)4 << 30) /* of the GPU's memory, left free */
#define AGAIN_S 2.0                   /* no launch more begins later */

struct bench {
    const struct options *options;
    const char *device_name;
    cudaStream_t stream;
    struct arena arena; /* k and v of all lines */
    char *other;        /* the destination of copies */
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

/* ---- what a line says ------------------------------------------------------------------------------------------- */

static void print_shape(const struct bench *bench, const struct line *line)
{
    const struct shape *shape = &line->shape;
    printf("{\"bench\": \"gpu_kernel\", \"device\": \"%s\", \"kernel\": \"%s\", \"functions\": [", bench->device_name,
           kernels[shape->kernel]->name);
    for (int i = 0; i < line->plan.num_launches; i++)
        printf("%s\"%s\"", i ? ", " : "", launch_name(&line->plan.launches[i]));
    printf("], \"keys\": %lld, \"heads\": %d, \"kv_heads\": %d, \"dim\": %d, \"dtype\": \"%s\", \"page_size\": %d, "
           "\"exponential\": \"%s\"",
           (long long)shape->keys, shape->heads, shape->kv_heads, shape->dim, dtypes[shape->kv_dtype].name,
           shape->page_size, exponential_names[line->options->exponential]);
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

static enum error_kind print_times(const struct bench *bench, struct line *line, struct error *error)
{
    struct gpu_times times;
    enum error_kind kind = gpu_time(&times, &(struct gpu_work){line_enqueue, line, line->sets}, &bench->options->timing,
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
static enum error_kind run_once(struct line *line, cudaStream_t stream, int before, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (enum buffer b = BUFFER_OUT; b < BUFFER_COUNT; b++)
        if (line->buffers[b])
            TRY(cudaMemset(line->buffers[b], before, line->plan.buffers[b].size_bytes));
    TRY(cudaDeviceSynchronize()); /* the stream does not wait for others */
    if ((kind = line_enqueue(line, 0, stream, error)))
        goto out;
    TRY(cudaStreamSynchronize(stream));
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

/* The launch twice, on memory that holds NaN and 0 before: the same bits, all of them finite. bits: their digests. */
static enum error_kind print_check(struct bench *bench, struct line *line, uint64_t bits[2], struct error *error)
{
    size_t out_bytes = line->plan.buffers[BUFFER_OUT].size_bytes, lse_bytes = line->plan.buffers[BUFFER_LSE].size_bytes;
    uint64_t out[2], lse[2];
    bool finite = true;
    for (int i = 0; i < 2; i++) {
        enum error_kind kind = run_once(line, bench->stream, i ? 0 : 0xff, error);
        if (kind)
            return kind;
        out[i] = XXH3_64bits(line->out, out_bytes);
        lse[i] = XXH3_64bits(line->lse, lse_bytes);
        finite = finite && all_finite(line);
    }
    bool equal = out[0] == out[1] && lse[0] == lse[1];
    printf(", \"runs_agree\": %s, \"finite\": %s, \"out_digest\": \"%016llx\", \"lse_digest\": \"%016llx\"",
           equal ? "true" : "false", finite ? "true" : "false", (unsigned long long)out[1], (unsigned long long)lse[1]);
    bench->failed += !equal || !finite;
    bits[0] = out[1];
    bits[1] = lse[1];
    return ERROR_NONE;
}

/* What launches leave behind, thousands of them where times were taken, is what the first one found: counters of blocks
 * that have not begun anew, or a block that reads a chunk before it is there once in a thousand times, show here alone.
 */
static enum error_kind print_again(struct bench *bench, struct line *line, const uint64_t bits[2], struct error *error)
{
    size_t out_bytes = line->plan.buffers[BUFFER_OUT].size_bytes, lse_bytes = line->plan.buffers[BUFFER_LSE].size_bytes;
    int64_t differ = 0, launches = 0;
    double end_s = now_s() + AGAIN_S;
    for (; launches < bench->options->again && (launches == 0 || now_s() < end_s); launches++) {
        enum error_kind kind = run_once(line, bench->stream, 0xff, error);
        if (kind)
            return kind;
        differ += XXH3_64bits(line->out, out_bytes) != bits[0] || XXH3_64bits(line->lse, lse_bytes) != bits[1];
    }
    printf(", \"again\": %lld, \"again_differ\": %lld", (long long)launches, (long long)differ);
    bench->failed += differ > 0;
    return ERROR_NONE;
}

static enum error_kind print_judgement(const struct bench *bench, struct line *line, struct error *error)
{
    const struct judged_inputs inputs = {.q = line->q,
                                         .slopes = line->slopes,
                                         .page_table = line->page_table,
                                         .scale = line->scale,
                                         .block = line->arena->block,
                                         .block_bytes = BLOCK_BYTES,
                                         .v_offset = line->kv_bytes};
    struct judged judged;
    enum error_kind kind = run_once(line, bench->stream, 0xff, error);
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
    enum error_kind kind = line_open(&line, &bench->arena, bench->options, shape, error);
    if (!kind) {
        print_shape(bench, &line);
        if (arena_of(shape, bench->arena.cache_bytes) > bench->arena.bytes) {
            printf(", \"skipped\": \"k and v take %.3g GB, and the device has room for %.3g\"",
                   1e-9 * (double)arena_of(shape, bench->arena.cache_bytes), 1e-9 * (double)bench->arena.bytes);
        } else {
            uint64_t bits[2] = {0, 0};
            kind = print_usage(&line, error);
            if (!kind && bench->options->check)
                kind = print_check(bench, &line, bits, error);
            if (!kind && shape->keys <= bench->options->judged_keys)
                kind = print_judgement(bench, &line, error);
            if (!kind && bench->options->timing.replays)
                kind = print_times(bench, &line, error);
            if (!kind && bench->options->again)
                kind = print_again(bench, &line, bits, error);
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
    enum error_kind kind = gpu_bandwidth(&bench->bandwidth, bench->arena.memory, bench->other, COPY_BYTES,
                                         bench->arena.multiprocessors, &bench->options->timing, bench->stream, error);
    if (!kind)
        printf("{\"bench\": \"gpu_bandwidth\", \"device\": \"%s\", \"when\": \"%s\", \"copy_gb_s\": %.1f, "
               "\"read_gb_s\": %.1f, \"buffer_bytes\": %zu, \"l2_bytes\": %zu, \"multiprocessors\": %d}\n",
               bench->device_name, when, 1e-9 * bench->bandwidth.copy_bytes_s, 1e-9 * bench->bandwidth.read_bytes_s,
               COPY_BYTES, bench->arena.cache_bytes, bench->arena.multiprocessors);
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
    bench->arena.multiprocessors = properties.multiProcessorCount;
    bench->arena.shared_room = properties.sharedMemPerBlockOptin;
    bench->arena.cache_bytes = (size_t)properties.l2CacheSize;
    TRY(cudaMalloc((void **)&bench->other, COPY_BYTES));
    TRY(cudaMemGetInfo(&available, &total));
    available = available > SPARE_BYTES ? available - SPARE_BYTES : 0;
    bench->arena.bytes = COPY_BYTES;
    for (struct shape_walk walk = {0}; shapes_next(&walk, bench->options, &shape);) {
        size_t needed = arena_of(&shape, bench->arena.cache_bytes);
        if (needed > bench->arena.bytes && needed <= available)
            bench->arena.bytes = needed;
    }
    TRY(cudaMalloc((void **)&bench->arena.memory, bench->arena.bytes));
    bench->arena.block = malloc(BLOCK_BYTES + JUDGED_ROW_BYTES);
    if (!bench->arena.block)
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
            kind = arena_fill(&bench->arena, filled, error);
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
    cudaFree(bench.arena.memory);
    cudaFree(bench.other);
    free(bench.arena.block);
    device_close(device);
    return status;
}
