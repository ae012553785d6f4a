#include "harness/sentinel/sentinel_tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/problem/dumped_source.h"
#include "harness/support/npy_read.h"
#include "harness/support/source.h"

enum { HEADS_MAX = 1024, HEAD_DIM_MAX_READ = 65536, BLOCK_ELEMENTS = 1 << 18, LANES = 8 };

/* The files while they are read. */
struct reading {
    struct npy_file files[2];     /* q and k, opened by their paths */
    struct dumped_source dump;    /* or a folder's */
    const struct npy_file *q, *k; /* of either */
    int64_t q_position, kv_offset;
    uint8_t *visible; /* NULL: every key is */
    float *queries;   /* [H, D] */
    float *block;     /* keys, widened */
    void *raw;        /* the same as they stand in the file */
};

static enum error_kind refuse_file(struct error *error, const struct npy_file *file, const char *what)
{
    char path[PATH_QUOTE_SIZE];
    return error_set(error, ERROR_USAGE, "%s: %s", quote_path(path, file->path), what);
}

static enum error_kind find_dtype(enum dtype *dtype, const struct npy_file *file, const struct tensor_request *request,
                                  struct error *error)
{
    const struct {
        const char *type;
        enum dtype dtype; /* DTYPE_COUNT_WITH_FP8: not known */
    } rows[] = {
        {"<f2", DTYPE_F16},
        {"<f4", DTYPE_F32},
        {"<u2", request->raw_bf16 ? DTYPE_BF16 : DTYPE_COUNT_WITH_FP8},
        {"|u1", request->raw_fp8},
    };
    *dtype = DTYPE_COUNT_WITH_FP8;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!strcmp(file->header.type, rows[i].type))
            *dtype = rows[i].dtype;
    if (*dtype != DTYPE_COUNT_WITH_FP8)
        return ERROR_NONE;
    return refuse_file(error, file,
                       "has elements of an unknown kind; allowed: '<f2', '<f4', '<u2' with --dtype bf16, '|u1' with "
                       "--dtype e4m3, e5m2 or e4m3fnuz");
}

/* Takes the shapes over, once they agree. */
static enum error_kind check_shapes(struct sentinel_tensors *tensors, const struct reading *reading,
                                    struct error *error)
{
    char text[192];
    const struct npy_header *q = &reading->q->header, *k = &reading->k->header;
    if (q->num_axes != 2 || q->shape[0] > HEADS_MAX || q->shape[1] > HEAD_DIM_MAX_READ) {
        snprintf(text, sizeof text, "is no q; allowed: 2 axes [H, D], up to %d and %d", HEADS_MAX, HEAD_DIM_MAX_READ);
        return refuse_file(error, reading->q, text);
    }
    if (k->num_axes != 3 || k->shape[2] != q->shape[1] || k->shape[1] > q->shape[0] || q->shape[0] % k->shape[1] != 0) {
        snprintf(text, sizeof text, "is no k of this q; allowed: 3 axes [N, Hkv, %lld], Hkv a divisor of %lld",
                 (long long)q->shape[1], (long long)q->shape[0]);
        return refuse_file(error, reading->k, text);
    }
    tensors->seq_len = k->shape[0];
    tensors->num_heads = (int)q->shape[0];
    tensors->num_kv_heads = (int)k->shape[1];
    tensors->head_dim = (int)q->shape[1];
    return ERROR_NONE;
}

static enum error_kind allocate(struct sentinel_tensors *tensors, struct reading *reading, struct error *error)
{
    size_t heads = (size_t)tensors->num_heads, dim = (size_t)tensors->head_dim;
    size_t row = (size_t)tensors->num_kv_heads * dim;
    size_t elements = row > BLOCK_ELEMENTS ? row : BLOCK_ELEMENTS;
    if (elements < heads * dim)
        elements = heads * dim; /* q and slopes pass through the same memory */
    tensors->ranges = calloc(heads, sizeof *tensors->ranges);
    tensors->heads = calloc(heads, sizeof *tensors->heads);
    reading->queries = calloc(heads * dim, sizeof *reading->queries);
    reading->block = calloc(elements, sizeof *reading->block);
    reading->raw = calloc(elements, sizeof(float));
    if (!tensors->ranges || !tensors->heads || !reading->queries || !reading->block || !reading->raw)
        return error_memory(error, "a block of keys", (double)elements * 2 * sizeof(float));
    return ERROR_NONE;
}

static enum error_kind fill_slopes(struct sentinel_tensors *tensors, struct reading *reading,
                                   const struct tensor_request *request, struct error *error)
{
    float *slopes = reading->block;
    size_t heads = (size_t)tensors->num_heads;
    tensors->total_heads = request->total_heads ? request->total_heads : request->head_offset + tensors->num_heads;
    if (tensors->total_heads < request->head_offset + tensors->num_heads)
        return error_set(error, ERROR_USAGE, "--total-heads %d: allowed: at least head-offset + num-heads = %d",
                         tensors->total_heads, request->head_offset + tensors->num_heads);
    if (!request->dump)
        slopes_fill(slopes, tensors->num_heads, request->slopes, request->max_bias, request->head_offset,
                    tensors->total_heads);
    else
        memcpy(slopes, reading->dump.slopes, heads * sizeof *slopes);
    for (size_t h = 0; h < heads; h++) {
        if (!(slopes[h] >= 0) || !isfinite(slopes[h]))
            return refuse_file(error, &reading->dump.files[DUMPED_SLOPES],
                               "has a slope that is negative or not finite; allowed: 0 and "
                               "above");
        tensors->ranges[h] =
            (struct head_range){.slope = (double)slopes[h], .lowest_score = INFINITY, .highest_score = -INFINITY};
        tensors->heads[h] = (struct tensor_head){.lowest_key = -1, .highest_key = -1, .highest_masked = -INFINITY};
    }
    return ERROR_NONE;
}

/* Elements first.. of a file as floats, all finite. */
static enum error_kind read_elements(float *elements, struct reading *reading, const struct npy_file *file,
                                     enum dtype dtype, int64_t first, size_t count, struct error *error)
{
    char text[128];
    enum error_kind kind = npy_read(file, first, count, reading->raw, error);
    if (kind)
        return kind;
    dtype_widen(dtype, reading->raw, 0, count, elements);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(elements[i])) {
            snprintf(text, sizeof text, "element %lld is %g; allowed: finite ones", (long long)first + (long long)i,
                     isnan(elements[i]) ? NAN : (double)elements[i]);
            return refuse_file(error, file, text);
        }
    return ERROR_NONE;
}

/* sum q k and sum |q k|, in LANES partial sums: products of f32 are exact in double. */
static void dot(double *sum, double *magnitude, const float *q, const float *k, int head_dim)
{
    double sums[LANES] = {0}, magnitudes[LANES] = {0};
    int d = 0;
    for (; d + LANES <= head_dim; d += LANES)
        for (int i = 0; i < LANES; i++) {
            double product = (double)q[d + i] * (double)k[d + i];
            sums[i] += product;
            magnitudes[i] += fabs(product);
        }
    for (; d < head_dim; d++) {
        sums[0] += (double)q[d] * (double)k[d];
        magnitudes[0] += fabs((double)q[d] * (double)k[d]);
    }
    *sum = *magnitude = 0;
    for (int i = 0; i < LANES; i++) {
        *sum += sums[i];
        *magnitude += magnitudes[i];
    }
}

static void take_score(struct sentinel_tensors *tensors, const struct reading *reading, int head, int64_t key,
                       const float *k)
{
    struct head_range *range = &tensors->ranges[head];
    struct tensor_head *row = &tensors->heads[head];
    double sum, magnitude;
    dot(&sum, &magnitude, reading->queries + (size_t)head * (size_t)tensors->head_dim, k, tensors->head_dim);
    double score = tensors->scale * sum;
    double radius = (tensors->head_dim + 2) * 0x1p-52 * fabs(tensors->scale) * magnitude;
    range->lowest_score = fmin(range->lowest_score, score - radius);
    range->highest_score = fmax(range->highest_score, score + radius);
    int64_t origin = tensors->bias == BIAS_ABSOLUTE ? 0 : reading->q_position;
    double logit = score + range->slope * (double)(reading->kv_offset + key - origin);
    if (reading->visible && !reading->visible[key]) {
        row->highest_masked = fmax(row->highest_masked, logit);
        return;
    }
    if (row->lowest_key < 0 || logit < row->lowest_logit) {
        row->lowest_logit = logit;
        row->lowest_key = key;
    }
    if (row->highest_key < 0 || logit > row->highest_logit) {
        row->highest_logit = logit;
        row->highest_key = key;
    }
}

static enum error_kind scan(struct sentinel_tensors *tensors, struct reading *reading, struct error *error)
{
    size_t dim = (size_t)tensors->head_dim, row = (size_t)tensors->num_kv_heads * dim;
    int64_t block_keys = row < BLOCK_ELEMENTS ? (int64_t)(BLOCK_ELEMENTS / row) : 1;
    int group = tensors->num_heads / tensors->num_kv_heads;
    enum error_kind kind = read_elements(reading->queries, reading, reading->q, tensors->q_dtype, 0,
                                         (size_t)tensors->num_heads * dim, error);
    for (int64_t first = 0; !kind && first < tensors->seq_len; first += block_keys) {
        int64_t left = tensors->seq_len - first, count = left < block_keys ? left : block_keys;
        kind = read_elements(reading->block, reading, reading->k, tensors->k_dtype, first * (int64_t)row,
                             (size_t)count * row, error);
        for (int64_t i = 0; !kind && i < count; i++)
            for (int head = 0; head < tensors->num_heads; head++)
                take_score(tensors, reading, head, first + i,
                           reading->block + (size_t)i * row + (size_t)(head / group) * dim);
    }
    return kind;
}

static void find_nearest(struct sentinel_tensors *tensors, const struct reading *reading)
{
    int64_t newest = -1;
    for (int64_t key = 0; key < tensors->seq_len; key++)
        if (!reading->visible || reading->visible[key]) {
            tensors->num_visible++;
            newest = key;
        }
    int64_t distance = reading->q_position - reading->kv_offset - newest;
    tensors->nearest_distance = newest >= 0 && distance > 0 ? distance : 0;
    int64_t span = reading->q_position - reading->kv_offset + 1;
    tensors->span = span > 0 ? span : tensors->seq_len;
    tensors->first_position = reading->kv_offset;
    tensors->keys_ahead = span < tensors->seq_len ? tensors->seq_len - span : 0;
}

/* Opens the two files that a request names. */
static enum error_kind open_files(struct sentinel_tensors *tensors, struct reading *reading,
                                  const struct tensor_request *request, struct error *error)
{
    reading->q = &reading->files[0];
    reading->k = &reading->files[1];
    enum error_kind kind = npy_open(&reading->files[0], request->q, error);
    if (!kind)
        kind = npy_open(&reading->files[1], request->k, error);
    if (!kind)
        kind = find_dtype(&tensors->q_dtype, reading->q, request, error);
    if (!kind)
        kind = find_dtype(&tensors->k_dtype, reading->k, request, error);
    if (!kind)
        kind = check_shapes(tensors, reading, error);
    tensors->scale = (double)(float)(isnan(request->scale) ? 1 / sqrt((double)tensors->head_dim) : request->scale);
    tensors->bias = request->bias;
    reading->q_position = tensors->seq_len - 1;
    return kind;
}

/* Opens a folder and takes over what point.json says. */
static enum error_kind open_dump(struct sentinel_tensors *tensors, struct reading *reading,
                                 const struct tensor_request *request, struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    enum error_kind kind = dumped_source_open(&reading->dump, request->dump, error);
    if (kind)
        return kind;
    const struct dumped_point *point = &reading->dump.point;
    const struct problem *shape = &reading->dump.source.shape;
    if (point->bias >= BIAS_NONE)
        return error_set(error, ERROR_USAGE, "%s: bias: allowed: relative, absolute",
                         quote_path(path, reading->dump.point_path));
    if (problem_queries(shape) > 1)
        return error_set(error, ERROR_USAGE, "%s: num_queries: allowed: 1, of which sentinel takes the scores",
                         quote_path(path, reading->dump.point_path));
    if (shape->soft_cap) /* logits are then bounded by it, and not by what is computed here */
        return error_set(error, ERROR_USAGE, "%s: soft_cap: allowed: null", quote_path(path, reading->dump.point_path));
    reading->q = &reading->dump.files[DUMPED_Q];
    reading->k = &reading->dump.files[DUMPED_K];
    tensors->q_dtype = shape->dtype;
    tensors->k_dtype = problem_kv_dtype(shape);
    tensors->scale = problem_logit_scale(shape);
    tensors->bias = point->bias;
    reading->q_position = shape->q_position;
    reading->kv_offset = shape->kv_offset;
    kind = check_shapes(tensors, reading, error);
    if (kind || !point->masked)
        return kind;
    reading->visible = malloc((size_t)shape->seq_len);
    if (!reading->visible)
        return error_memory(error, "a mask", (double)shape->seq_len);
    dumped_point_visible(reading->visible, point);
    return ERROR_NONE;
}

enum error_kind sentinel_tensors_read(struct sentinel_tensors *tensors, const struct tensor_request *request,
                                      struct error *error)
{
    struct reading reading = {.files = {{.descriptor = -1}, {.descriptor = -1}}};
    *tensors = (struct sentinel_tensors){0};
    enum error_kind kind =
        request->dump ? open_dump(tensors, &reading, request, error) : open_files(tensors, &reading, request, error);
    if (!kind)
        kind = allocate(tensors, &reading, error);
    if (!kind)
        kind = fill_slopes(tensors, &reading, request, error);
    if (!kind) {
        find_nearest(tensors, &reading);
        kind = scan(tensors, &reading, error);
    }
    npy_close(&reading.files[0]);
    npy_close(&reading.files[1]);
    if (request->dump)
        dumped_source_clear(&reading.dump);
    free(reading.visible);
    free(reading.queries);
    free(reading.block);
    free(reading.raw);
    if (kind)
        sentinel_tensors_clear(tensors);
    return kind;
}

void sentinel_tensors_clear(struct sentinel_tensors *tensors)
{
    free(tensors->ranges);
    free(tensors->heads);
    *tensors = (struct sentinel_tensors){0};
}
