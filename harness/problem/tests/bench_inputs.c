/*
 * Time to make the inputs of 33001 x 32 x 128, f16, normal: inputs_generate from call to return, digest included.
 *
 * value: one thread, memory that the process has touched before, so that it is not the kernel's clearing of pages that
 * is timed. of_which_digest: hashing the same bytes again, as inputs_generate does. value_fresh_memory: on new pages,
 * as the first point of a run sees them. value_all_threads: value with every core.
 *
 * A second line is of a million keys that a device makes: what the host has to do of them, which is to make the newest
 * keys of each part and to find its truth. keys_made: their share of all.
 */
#include <malloc.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL /* as harness/problem/problem_source.c does */
#include <xxhash.h>

#include "harness/problem/generate.h"
#include "reference/truth.h"

enum { REPEATS = 5 };

static const struct problem_spec spec = {
    .seq_len = 33001,
    .num_heads = 32,
    .num_kv_heads = 32,
    .head_dim = 128,
    .dtype = DTYPE_F16,
    .scale = 0x1.6a09e6p-4f,
    .slopes = SLOPES_BLOOM,
    .max_bias = 8,
    .total_heads = 32,
    .q_position = 33000,
    .input = {.distribution = DISTRIBUTION_NORMAL, .stddev = 1},
    .seed = 1,
};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct times {
    double generate_s, digest_s;
};

static double median(double *seconds)
{
    qsort(seconds, REPEATS, sizeof *seconds, ascending);
    return seconds[REPEATS / 2];
}

/* Medians of REPEATS runs. */
static enum error_kind measure(struct times *times, int threads)
{
    double generate_s[REPEATS], digest_s[REPEATS];
    size_t kv_bytes = (size_t)spec.seq_len * (size_t)spec.num_kv_heads * (size_t)spec.head_dim * 2;
    for (int i = 0; i < REPEATS; i++) {
        struct inputs inputs = {0};
        struct error error;
        double start = omp_get_wtime();
        if (inputs_generate(&inputs, &spec, whole_problem(&spec), threads, NULL, &error)) {
            fprintf(stderr, "bench_inputs: %s\n", error.text);
            return error.kind;
        }
        double made = omp_get_wtime();
        volatile uint64_t digest = XXH3_64bits(inputs.k, kv_bytes) ^ XXH3_64bits(inputs.v, kv_bytes);
        (void)digest;
        generate_s[i] = made - start;
        digest_s[i] = omp_get_wtime() - made;
        inputs_clear(&inputs);
    }
    *times = (struct times){median(generate_s), median(digest_s)};
    return ERROR_NONE;
}

/* Of a part with its newest keys: seconds, and keys of its heads that were made. */
static enum error_kind measure_part(const struct problem_spec *million, struct inputs *inputs, int index, int threads,
                                    double *inputs_s, double *truth_s, double *keys, struct error *error)
{
    const struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = threads};
    struct truth truth = {.head_dim = 0};
    double start = omp_get_wtime();
    inputs_reuse(inputs);
    enum error_kind kind =
        inputs_generate_newest(inputs, million, problem_spec_part(million, index), threads, NULL, error);
    if (kind)
        return kind;
    double made = omp_get_wtime();
    kind = truth_init(&truth, &inputs->problem, error);
    if (!kind)
        kind = truth_compute(&truth, TRUTH_CERTIFIED, &inputs->problem, &options, error);
    truth_clear(&truth);
    if (!kind && (!inputs->recent.first || inputs->recent.wanted))
        kind = error_set(error, ERROR_SYSTEM, "part %d: the newest keys were not enough", index);
    *inputs_s += made - start;
    *truth_s += omp_get_wtime() - made;
    for (int head = 0; head < inputs->problem.num_kv_heads && !kind; head++)
        *keys += (double)(million->seq_len - inputs->recent.first[head]);
    return kind;
}

static enum error_kind measure_million(int threads)
{
    struct problem_spec million = spec;
    struct inputs inputs = {0};
    struct error error;
    double inputs_s = 0, truth_s = 0, keys = 0;
    enum error_kind kind = ERROR_NONE;
    million.seq_len = 1 << 20;
    million.q_position = million.seq_len - 1;
    for (int part = 0; part < problem_spec_parts(&million) && !kind; part++)
        kind = measure_part(&million, &inputs, part, threads, &inputs_s, &truth_s, &keys, &error);
    inputs_clear(&inputs);
    if (kind) {
        fprintf(stderr, "bench_inputs: %s\n", error.text);
        return kind;
    }
    printf("{\"bench\": \"newest_of_a_million_keys_s\", \"value\": %.3f, \"unit\": \"s\", \"threads\": %d, "
           "\"seq_len\": %lld, \"num_heads\": %d, \"head_dim\": %d, \"dtype\": \"f16\", \"inputs_s\": %.3f, "
           "\"truth_s\": %.3f, \"keys_made\": %.4f}\n",
           inputs_s + truth_s, threads, (long long)million.seq_len, million.num_heads, million.head_dim, inputs_s,
           truth_s, keys / ((double)million.seq_len * million.num_kv_heads));
    return ERROR_NONE;
}

int main(void)
{
    int threads = omp_get_num_procs();
    double elements =
        (double)spec.head_dim * ((double)spec.num_heads + 2.0 * (double)spec.num_kv_heads * (double)spec.seq_len);
    double ns = 1e9 / elements;

    struct times fresh, first, touched, all;
    if (measure(&fresh, 1))
        return EXIT_FAILURE;
    /* From here on freed memory stays with the process: no separate mappings, nothing given back. */
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
    if (measure(&first, 1) || measure(&touched, 1) || measure(&all, threads))
        return EXIT_FAILURE;

    printf("{\"bench\": \"inputs_ns_per_element\", \"value\": %.3f, \"unit\": \"ns\", \"threads\": 1, "
           "\"elements\": %.0f, \"dtype\": \"f16\", \"distribution\": \"normal\", \"memory\": \"touched before\", "
           "\"of_which_digest\": %.3f, \"value_fresh_memory\": %.3f, \"value_all_threads\": %.3f, "
           "\"all_threads\": %d}\n",
           touched.generate_s * ns, elements, touched.digest_s * ns, fresh.generate_s * ns, all.generate_s * ns,
           threads);
    return measure_million(threads) ? EXIT_FAILURE : EXIT_SUCCESS;
}
