#include "kernels/tests/bench_gpu_keys.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "kernels/device/device.h"
#include "kernels/device/device_keys.h"
#include "kernels/device/keys_digest.h"
#include "kernels/device/kv_cache.h"
#include "kernels/random/made_elements.h"
#include "reference/slopes.h"

enum { TURNS = 3, PIECE_BYTES = 64 << 20, WINDOW_KEYS = 16, WINDOWS = 64 };

/* A shape's problem: q is 0 and there is no mask. */
struct keys_bench {
    struct device *device;
    struct problem problem;
    struct key_source source;
    struct device_keys keys;
    void *q;
    float *slopes;
    char *back, *here; /* [PIECE_BYTES] what came from the device; [WINDOW_KEYS, row] what the host makes */
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static enum error_kind open_bench(struct keys_bench *bench, struct device *device, const struct shape *shape,
                                  struct error *error)
{
    size_t q_bytes = (size_t)(shape->heads * shape->dim) * dtypes[shape->dtype].size_bytes;
    const struct element_source normal = {.stream = {(uint64_t)1 << 40, 1},
                                          .variate = {.kind = VARIATE_NORMAL, .stddev = 1},
                                          .largest = (float)dtypes[shape->kv_dtype].max,
                                          .dtype = shape->kv_dtype};
    *bench = (struct keys_bench){.device = device,
                                 .problem = {.seq_len = shape->keys,
                                             .num_heads = shape->heads,
                                             .num_kv_heads = shape->kv_heads,
                                             .head_dim = shape->dim,
                                             .dtype = shape->dtype,
                                             .kv_format = kv_format_of(shape->kv_dtype)},
                                 .source = {.k = normal, .v = normal},
                                 .q = calloc(1, q_bytes),
                                 .slopes = calloc((size_t)shape->heads, sizeof(float)),
                                 .back = malloc(PIECE_BYTES)};
    bench->source.v.stream.stream = 2;
    bench->here = malloc(WINDOW_KEYS * kv_row_bytes(&bench->problem));
    if (!bench->q || !bench->slopes || !bench->back || !bench->here)
        return error_memory(error, "the keys that are compared", PIECE_BYTES);
    slopes_fill(bench->slopes, shape->heads, SLOPES_BLOOM, 8, 0, shape->heads);
    bench->problem.q = bench->q;
    bench->problem.slopes = bench->slopes;
    return device_keys_open(&bench->keys, device, &bench->problem, error);
}

static void close_bench(struct keys_bench *bench)
{
    device_keys_close(&bench->keys);
    free(bench->q);
    free(bench->slopes);
    free(bench->back);
    free(bench->here);
}

static enum error_kind read_back(struct keys_bench *bench, const void *tensor, size_t begin, size_t size_bytes,
                                 struct error *error)
{
    return bench->device->ops->copy_out(bench->device->state, bench->back, (const char *)tensor + begin, size_bytes,
                                        error);
}

/* Until the last key is there, which is copied for that. */
static enum error_kind time_making(struct keys_made *made, struct keys_bench *bench, struct error *error)
{
    size_t row = bench->keys.row_bytes, last = ((size_t)bench->keys.seq_len - 1) * row;
    double start = now_s();
    enum error_kind kind = device_keys_make(&bench->keys, &bench->source, 0, bench->problem.num_kv_heads, error);
    if (!kind)
        kind = read_back(bench, bench->keys.v, last, row < PIECE_BYTES ? row : PIECE_BYTES, error);
    double seconds = now_s() - start;
    made->make_s = made->make_s > 0 && made->make_s < seconds ? made->make_s : seconds;
    return kind;
}

static enum error_kind time_digest(struct keys_made *made, struct keys_bench *bench, uint64_t *digest,
                                   struct error *error)
{
    double start = now_s();
    enum error_kind kind = keys_digest(digest, &bench->keys, &bench->problem, 0, error);
    double seconds = now_s() - start;
    made->digest_s = made->digest_s > 0 && made->digest_s < seconds ? made->digest_s : seconds;
    return kind;
}

/* All of it comes back for that. */
static enum error_kind digest_here(struct keys_bench *bench, uint64_t *digest, struct error *error)
{
    const struct problem *problem = &bench->problem;
    size_t size = (size_t)bench->keys.seq_len * bench->keys.row_bytes;
    enum error_kind kind = ERROR_NONE;
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, problem->q, (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes);
    for (int tensor = 0; tensor < 2; tensor++)
        for (size_t done = 0; done < size && !kind; done += PIECE_BYTES) {
            size_t piece = size - done < PIECE_BYTES ? size - done : PIECE_BYTES;
            kind = read_back(bench, tensor ? bench->keys.v : bench->keys.k, done, piece, error);
            if (!kind)
                XXH3_64bits_update(&state, bench->back, piece);
        }
    XXH3_64bits_update(&state, problem->slopes, (size_t)problem->num_heads * sizeof(float));
    *digest = XXH3_64bits_digest(&state);
    return kind;
}

/* count keys from key `first` on, of k or v. */
static enum error_kind compare_window(struct keys_made *made, struct keys_bench *bench, bool of_v, int64_t first,
                                      int64_t count, struct error *error)
{
    size_t row = bench->keys.row_bytes, bytes = (size_t)count * row;
    uint64_t elements = (uint64_t)bench->problem.num_kv_heads * (uint64_t)bench->problem.head_dim;
    const struct made_elements window = {.source = of_v ? bench->source.v : bench->source.k,
                                         .first = (uint64_t)first * elements,
                                         .run = (uint64_t)count * elements,
                                         .stride = (uint64_t)count * elements,
                                         .runs = 1};
    make_elements_in(&window, normal_coefficients, bench->here, 0, 1);
    enum error_kind kind = read_back(bench, of_v ? bench->keys.v : bench->keys.k, (size_t)first * row, bytes, error);
    made->bits_agree = made->bits_agree && !kind && memcmp(bench->back, bench->here, bytes) == 0;
    made->compared_keys += of_v ? count : 0;
    return kind;
}

/* Windows from the first key to the last, of few keys all of them. */
static enum error_kind compare_bits(struct keys_made *made, struct keys_bench *bench, struct error *error)
{
    int64_t keys = bench->keys.seq_len, apart = keys / WINDOWS > WINDOW_KEYS ? keys / WINDOWS : WINDOW_KEYS;
    enum error_kind kind = ERROR_NONE;
    made->bits_agree = true;
    for (int64_t end = keys; end > 0 && !kind; end -= apart) {
        int64_t first = end > WINDOW_KEYS ? end - WINDOW_KEYS : 0;
        kind = compare_window(made, bench, false, first, end - first, error);
        if (!kind)
            kind = compare_window(made, bench, true, first, end - first, error);
    }
    return kind;
}

enum error_kind bench_gpu_keys(struct keys_made *made, struct device *device, const struct shape *shape,
                               struct error *error)
{
    struct keys_bench bench;
    uint64_t there = 0, here = 1;
    *made = (struct keys_made){.bits_agree = false};
    enum error_kind kind = open_bench(&bench, device, shape, error);
    for (int turn = 0; turn < TURNS && !kind; turn++) {
        kind = time_making(made, &bench, error);
        if (!kind)
            kind = time_digest(made, &bench, &there, error);
    }
    if (!kind)
        kind = compare_bits(made, &bench, error);
    if (!kind)
        kind = digest_here(&bench, &here, error);
    made->bytes = 2 * (double)shape->keys * (double)bench.keys.row_bytes;
    made->digest_agrees = !kind && there == here;
    close_bench(&bench);
    return kind;
}
