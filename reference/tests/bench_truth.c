/*
 * Time of the certified truth of 33001 x 32 x 128, f16, normal inputs, against other ways to have every key count.
 * Prints one JSON object a line. All use every core; values are ratios of median times. The slow sides run once.
 *
 * truth_over_blas64: certified truth against dense f64 attention through OpenBLAS, conversion from f16 included.
 *
 * read_over_blas64: k and v read once and nothing else, against the same: what a truth that looks at every key cannot
 * be faster than, as a NaN may be anywhere.
 *
 * known_over_blas64: certified truth whose bounds on k and v are known, as those of generated inputs are: what is left
 * of it without that one pass.
 *
 * plain_over_truth: the plain truth (MPFR, 160 bits) against certified truth.
 *
 * arb_over_truth: dense Arb (arb_dot, arb_exp, 128 bits) against certified truth; left out where Arb is missing.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "reference/openblas.h"
#include "reference/slopes.h"
#include "reference/tensor_bounds.h"
#include "reference/truth.h"
#ifdef HAVE_ARB
#include "reference/tests/arb_attention.h"
#endif

enum {
    KEYS = 33001,
    HEADS = 32,
    DIM = 128,
    ROW = HEADS * DIM,
    BLOCK = 16, /* keys converted at once for BLAS: 512 KiB of doubles, which stay in the L2 cache */
    REPEATS = 9,
    QUANTILES = 65536
};

/* Memory in huge pages, which many systems give unasked; without them both sides wait for page tables. */
static uint16_t *tensor_new(size_t count)
{
    size_t page = (size_t)1 << 21, size = (count * sizeof(uint16_t) + page - 1) / page * page;
    uint16_t *tensor = aligned_alloc(page, size);
    if (tensor)
        madvise(tensor, size, MADV_HUGEPAGE);
    return tensor;
}

/* Normal numbers with standard deviation 1: quantiles (i + 1/2) / 65536, drawn at random. */
static void fill_normal(uint16_t *tensor, size_t count, const uint16_t *quantiles, uint64_t seed)
{
    uint64_t state = seed;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        tensor[i] = quantiles[state >> 48];
    }
}

/* Bisection: slow, and needs nothing but erfc. */
static void fill_quantiles(uint16_t *quantiles)
{
    for (int i = 0; i < QUANTILES / 2; i++) {
        double p = (i + 0.5) / QUANTILES, low = -5, high = 0;
        while (high - low > 1e-6) {
            double middle = 0.5 * (low + high);
            *(erfc(-middle * 0.70710678118654752) < 2 * p ? &low : &high) = middle;
        }
        float quantile = (float)low, mirrored = -quantile;
        dtype_narrow(DTYPE_F16, quantiles, (size_t)i, 1, &quantile);
        dtype_narrow(DTYPE_F16, quantiles, (size_t)(QUANTILES - 1 - i), 1, &mirrored);
    }
}

/* rows[count, HEADS, DIM] in f64. */
static void convert_rows(double *restrict rows, const uint16_t *tensor, int first, int count)
{
    for (int i = 0; i < count * HEADS; i++) {
        float row[DIM];
        dtype_widen(DTYPE_F16, tensor, (size_t)first * ROW + (size_t)i * DIM, DIM, row);
#pragma omp simd
        for (int d = 0; d < DIM; d++)
            rows[i * DIM + d] = (double)row[d];
    }
}

/*
 * What a careful user would write: f64 throughout, every key, a dgemv a head and block of keys. Blocks of whole rows
 * over threads read memory in order; a head a thread, which strides over the other heads, takes 1.5 to 3 times as long,
 * BLAS's own threads longer still. logits[HEADS, KEYS] and rows[threads, BLOCK, ROW] are the caller's.
 */
static void blas_attention(const struct openblas *blas, double *out, double *logits, double *rows,
                           const struct problem *problem, int threads)
{
    static const int num_blocks = (KEYS + BLOCK - 1) / BLOCK;
    double query[ROW], sums[HEADS];
    float narrow[ROW];
    dtype_widen(DTYPE_F16, problem->q, 0, ROW, narrow);
    for (int i = 0; i < ROW; i++) {
        query[i] = (double)narrow[i];
        out[i] = 0;
    }
#pragma omp parallel num_threads(threads)
    {
        double *own_rows = rows + (size_t)omp_get_thread_num() * BLOCK * ROW, own_out[ROW] = {0};
#pragma omp for schedule(static)
        for (int block = 0; block < num_blocks; block++) {
            int first = block * BLOCK, count = KEYS - first < BLOCK ? KEYS - first : BLOCK;
            convert_rows(own_rows, problem->k, first, count);
            for (int head = 0; head < HEADS; head++)
                blas->dgemv(CblasRowMajor, CblasNoTrans, count, DIM, (double)problem->scale, own_rows + head * DIM, ROW,
                            query + head * DIM, 1, 0, logits + (size_t)head * KEYS + first, 1);
        }
#pragma omp for schedule(static)
        for (int head = 0; head < HEADS; head++) {
            double *own = logits + (size_t)head * KEYS, max = -INFINITY, sum = 0;
            for (int j = 0; j < KEYS; j++) {
                own[j] += (double)problem->slopes[head] * (double)(j - problem->q_position);
                max = own[j] > max ? own[j] : max;
            }
            for (int j = 0; j < KEYS; j++)
                sum += own[j] = exp(own[j] - max);
            sums[head] = sum;
        }
#pragma omp for schedule(static)
        for (int block = 0; block < num_blocks; block++) {
            int first = block * BLOCK, count = KEYS - first < BLOCK ? KEYS - first : BLOCK;
            convert_rows(own_rows, problem->v, first, count);
            for (int head = 0; head < HEADS; head++)
                blas->dgemv(CblasRowMajor, CblasTrans, count, DIM, 1, own_rows + head * DIM, ROW,
                            logits + (size_t)head * KEYS + first, 1, 1, own_out + head * DIM, 1);
        }
#pragma omp critical
        for (int i = 0; i < ROW; i++)
            out[i] += own_out[i] / sums[i / DIM];
    }
}

/* Every byte of a tensor once, by all threads: the exclusive or of its words. */
static uint64_t read_once(const uint16_t *tensor, size_t count, int threads)
{
    const uint64_t *words = (const void *)tensor;
    uint64_t all = 0;
#pragma omp parallel for simd num_threads(threads) schedule(static) reduction(^ : all)
    for (size_t i = 0; i < count / 4; i++)
        all ^= words[i];
    return all;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, REPEATS, sizeof *values, ascending);
    return values[REPEATS / 2];
}

int main(void)
{
    static float slopes[HEADS];
    static double blas_out[HEADS * DIM];
    size_t elements = (size_t)KEYS * ROW, threads = (size_t)omp_get_num_procs();
    double *logits = malloc(KEYS * HEADS * sizeof *logits), *rows = malloc(threads * BLOCK * ROW * sizeof *rows);
    uint16_t *quantiles = malloc(QUANTILES * sizeof *quantiles), *q = malloc(ROW * sizeof *q);
    uint16_t *k = tensor_new(elements), *v = tensor_new(elements);
    double blas_s[REPEATS], truth_s[REPEATS], read_s[REPEATS], known_s[REPEATS], difference = 0, relative_radius = 0;
    const struct openblas *openblas;
    struct truth truth = {0}, other = {0};
    struct tensor_bounds bounds = {0};
    uint64_t words = 0;
    struct error error;
    int status = EXIT_FAILURE;
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = (int)threads};
    struct problem problem = {.seq_len = KEYS,
                              .num_heads = HEADS,
                              .num_kv_heads = HEADS,
                              .head_dim = DIM,
                              .dtype = DTYPE_F16,
                              .scale = 0x1.6a09e6p-4f,
                              .q_position = KEYS - 1,
                              .slopes = slopes,
                              .q = q,
                              .k = k,
                              .v = v};

    error_set(&error, ERROR_SYSTEM, "out of memory");
    if (!quantiles || !q || !k || !v || !logits || !rows)
        goto out;
    if (openblas_load(&openblas, &error))
        goto out;
    fill_quantiles(quantiles);
    fill_normal(q, ROW, quantiles, 1);
    fill_normal(k, elements, quantiles, 2);
    fill_normal(v, elements, quantiles, 3);
    slopes_fill(slopes, HEADS, SLOPES_BLOOM, 8, 0, HEADS);
    if (truth_init(&truth, &problem, &error) || truth_init(&other, &problem, &error) ||
        tensor_bounds_scan(&bounds, &problem, options.threads, NULL, &error))
        goto out;
    struct problem known = problem;
    known.bounds = &bounds;

    for (int i = -1; i < REPEATS; i++) { /* -1: warm up */
        double start = omp_get_wtime();
        if (truth_certified(&truth, &problem, &options, &error))
            goto out;
        double middle = omp_get_wtime();
        blas_attention(openblas, blas_out, logits, rows, &problem, options.threads);
        double end = omp_get_wtime();
        if (i >= 0) {
            truth_s[i] = middle - start;
            blas_s[i] = end - middle;
        }
        start = omp_get_wtime();
        words += read_once(k, elements, options.threads) ^ read_once(v, elements, options.threads);
        middle = omp_get_wtime();
        if (truth_certified(&other, &known, &options, &error))
            goto out;
        end = omp_get_wtime();
        if (i >= 0) {
            read_s[i] = middle - start;
            known_s[i] = end - middle;
        }
    }
    if (truth_digest(&other) != truth_digest(&truth)) {
        error_set(&error, ERROR_SYSTEM, "the truth is another one where its bounds are known");
        goto out;
    }
    for (int i = 0; i < ROW; i++) {
        difference = fmax(difference, fabs(blas_out[i] - truth.value[i]));
        relative_radius = fmax(relative_radius, truth.radius[i] / truth.magnitude[i]);
    }
    double certified = median(truth_s), blas = median(blas_s);
    printf("{\"bench\": \"truth_over_blas64\", \"value\": %.3f, \"unit\": \"ratio\", \"truth_s\": %.4f, \"blas64_s\": "
           "%.4f, \"blas_core\": \"%s\", \"threads\": %d, \"log2_radius_over_magnitude\": %.1f, \"pages\": \"2 MiB "
           "asked for\", "
           "\"plain_heads\": %d, \"max_difference\": %.1e}\n",
           certified / blas, certified, blas, openblas->core, options.threads, log2(relative_radius), truth.plain_rows,
           difference);
    double read = median(read_s), with_bounds = median(known_s);
    printf(
        "{\"bench\": \"read_over_blas64\", \"value\": %.3f, \"unit\": \"ratio\", \"read_s\": %.4f, \"blas64_s\": %.4f, "
        "\"gb_per_s\": %.1f, \"word\": %d}\n",
        read / blas, read, blas, 4e-9 * (double)elements / read, (int)(words & 1));
    printf("{\"bench\": \"known_over_blas64\", \"value\": %.3f, \"unit\": \"ratio\", \"truth_s\": %.4f, \"blas64_s\": "
           "%.4f}\n",
           with_bounds / blas, with_bounds, blas);
    fflush(stdout);

#ifdef HAVE_ARB
    double arb_start = omp_get_wtime();
    if (arb_attention(&other, &problem, 128, options.threads, &error))
        goto out;
    double arb = omp_get_wtime() - arb_start;
    printf("{\"bench\": \"arb_over_truth\", \"value\": %.1f, \"unit\": \"ratio\", \"truth_s\": %.4f, \"arb_s\": %.2f, "
           "\"threads\": %d, \"precision\": 128, \"log2_radius\": %.1f}\n",
           arb / certified, certified, arb, options.threads, log2(truth_max_radius(&other)));
    fflush(stdout);
#else
    fprintf(stderr, "bench_truth: built without Arb, so there is no arb_over_truth\n");
#endif
    double plain_start = omp_get_wtime();
    if (truth_plain(&other, &problem, &options, &error))
        goto out;
    double plain = omp_get_wtime() - plain_start;
    printf("{\"bench\": \"plain_over_truth\", \"value\": %.0f, \"unit\": \"ratio\", \"truth_s\": %.4f, \"plain_s\": "
           "%.2f, \"threads\": %d, \"precision\": %d, \"log2_radius\": %.1f}\n",
           plain / certified, certified, plain, options.threads, options.precision, log2(truth_max_radius(&other)));
    status = EXIT_SUCCESS;
out:
    if (status)
        fprintf(stderr, "bench_truth: %s\n", error.text);
    truth_clear(&truth);
    truth_clear(&other);
    tensor_bounds_clear(&bounds);
    free(quantiles), free(q), free(k), free(v), free(logits), free(rows);
    return status;
}
