/*
 * Time of kernels on the host device. Prints one JSON object a line.
 *
 * host_ns_per_row: single_pass, 33001 keys x 128, f16, one head, one thread: nanoseconds a key.
 *
 * host_over_blas32: the same, against a dense f32 attention through OpenBLAS (convert, sgemv, softmax, sgemv): k and v
 * are widened whole, into a buffer of 17 MB, as a framework's operators do.
 *
 * host_over_blas32_blocks: and against one that widens them in blocks that stay in the cache.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels/kernel.h"
#include "reference/openblas.h"

enum { KEYS = 33001, DIM = 128, REPETITIONS = 15, BLOCK = 64 };

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, REPETITIONS, sizeof *values, compare);
    return values[REPETITIONS / 2];
}

/* Sums of 4 uniform numbers: nearly normal, and that is all that timing asks for. */
static void fill(uint16_t *tensor, size_t count)
{
    uint64_t state = 1;
    for (size_t i = 0; i < count; i++) {
        float sum = 0;
        for (int j = 0; j < 4; j++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            sum += (float)(state >> 40) * 0x1p-24f;
        }
        sum = (sum - 2) * 1.7f;
        dtype_narrow(DTYPE_F16, tensor, i, 1, &sum);
    }
}

static void softmax(float *logits, float *sum, float slope)
{
    float max = -INFINITY;
    for (int j = 0; j < KEYS; j++) {
        logits[j] += slope * (float)j;
        max = logits[j] > max ? logits[j] : max;
    }
    *sum = 0;
    for (int j = 0; j < KEYS; j++)
        *sum += logits[j] = expf(logits[j] - max);
}

/* What a test elsewhere would compute: everything in f32, absolute bias, from f16 inputs that are widened `block` rows
 * at a time, into rows. */
static void blas_attention(const struct openblas *blas, float *out, float *rows, float *logits,
                           const struct problem *problem, int block)
{
    float query[DIM], sum;
    dtype_widen(DTYPE_F16, problem->q, 0, DIM, query);
    for (int j = 0; j < KEYS; j += block) {
        int count = KEYS - j < block ? KEYS - j : block;
        dtype_widen(DTYPE_F16, problem->k, (size_t)j * DIM, (size_t)count * DIM, rows);
        blas->sgemv(CblasRowMajor, CblasNoTrans, count, DIM, problem->scale, rows, DIM, query, 1, 0, logits + j, 1);
    }
    softmax(logits, &sum, problem->slopes[0]);
    for (int j = 0; j < KEYS; j += block) {
        int count = KEYS - j < block ? KEYS - j : block;
        dtype_widen(DTYPE_F16, problem->v, (size_t)j * DIM, (size_t)count * DIM, rows);
        blas->sgemv(CblasRowMajor, CblasTrans, count, DIM, 1 / sum, rows, DIM, logits + j, 1, j > 0, out, 1);
    }
}

static void print_ratio(const char *bench, double kernel, double blas, const char *core)
{
    printf("{\"bench\": \"%s\", \"value\": %.3f, \"unit\": \"ratio\", \"blas_ns_per_row\": %.1f, "
           "\"blas_core\": \"%s\", \"threads\": 1}\n",
           bench, kernel / blas, 1e9 * blas / KEYS, core);
}

int main(void)
{
    size_t elements = (size_t)KEYS * DIM;
    uint16_t *q = malloc(DIM * sizeof *q), *k = malloc(elements * sizeof *k), *v = malloc(elements * sizeof *v);
    float *rows = malloc(elements * sizeof *rows), *logits = malloc(KEYS * sizeof *logits);
    uint16_t out[DIM];
    float lse, slope = 0.01f, blas_out[DIM];
    double kernel_s[REPETITIONS], blas_s[REPETITIONS], blocks_s[REPETITIONS];
    const struct openblas *blas;
    struct device *device = NULL;
    struct error error;
    int status = 1;

    if (!q || !k || !v || !rows || !logits) {
        fprintf(stderr, "bench_host: out of memory\n");
        goto out;
    }
    fill(q, DIM);
    fill(k, elements);
    fill(v, elements);
    struct problem problem = {.seq_len = KEYS,
                              .num_heads = 1,
                              .num_kv_heads = 1,
                              .head_dim = DIM,
                              .dtype = DTYPE_F16,
                              .scale = 0.088388346f,
                              .q_position = KEYS - 1,
                              .slopes = &slope,
                              .q = q,
                              .k = k,
                              .v = v};
    struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}};
    struct kernel_options options = {.chunk_len = CHUNK_LEN_DEFAULT};
    struct output output = {out, &lse};
    if (device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error) ||
        openblas_load(&blas, &error))
        goto failed;
    for (int i = -1; i < REPETITIONS; i++) { /* -1: warm up */
        double seconds, start, between, end;
        if (device_run(device, KERNEL_SINGLE_PASS, &options, &recipe, &problem, &output, &seconds, &error))
            goto failed;
        start = now_s();
        blas_attention(blas, blas_out, rows, logits, &problem, KEYS);
        between = now_s();
        blas_attention(blas, blas_out, rows, logits, &problem, BLOCK);
        end = now_s();
        if (i >= 0) {
            kernel_s[i] = seconds;
            blas_s[i] = between - start;
            blocks_s[i] = end - between;
        }
    }
    double kernel = median(kernel_s);
    printf("{\"bench\": \"host_ns_per_row\", \"value\": %.1f, \"unit\": \"ns\", \"kernel\": \"single_pass\", "
           "\"keys\": %d, \"head_dim\": %d, \"dtype\": \"f16\", \"threads\": 1, \"device\": \"%s\"}\n",
           1e9 * kernel / KEYS, KEYS, DIM, device_name(device));
    print_ratio("host_over_blas32", kernel, median(blas_s), blas->core);
    print_ratio("host_over_blas32_blocks", kernel, median(blocks_s), blas->core);
    status = 0;
    goto out;
failed:
    fprintf(stderr, "bench_host: %s\n", error.text);
out:
    device_close(device);
    free(q), free(k), free(v), free(rows), free(logits);
    return status;
}
