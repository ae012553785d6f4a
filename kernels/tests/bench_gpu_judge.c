#include "kernels/tests/bench_gpu_judge.h"

#include <math.h>
#include <stdlib.h>

static const double tolerance = 1e-3;

/* The elements of one key in k (offset 0) or v, widened. */
static void read_row(float *row, const struct shape *shape, const struct judged_inputs *inputs, size_t offset,
                     int64_t key, int kv_head)
{
    int64_t slot = key;
    if (shape->page_size)
        slot = inputs->page_table[key / shape->page_size] * (int64_t)shape->page_size + key % shape->page_size;
    size_t element = ((size_t)slot * (size_t)shape->kv_heads + (size_t)kv_head) * (size_t)shape->dim;
    size_t at = (offset + element * dtypes[shape->kv_dtype].size_bytes) % inputs->block_bytes;
    dtype_widen(shape->kv_dtype, inputs->block + at, 0, (size_t)shape->dim, row);
}

/* out [group, D] of the query heads of one KV head; logits [group, N] is overwritten. */
static void attend(double *out, double *logits, const struct shape *shape, const struct judged_inputs *inputs,
                   int kv_head)
{
    int dim = shape->dim, group = shape->heads / shape->kv_heads, first_head = kv_head * group;
    float query[HEAD_DIM_MAX], row[HEAD_DIM_MAX];
    for (int64_t key = 0; key < shape->keys; key++) {
        read_row(row, shape, inputs, 0, key, kv_head);
        for (int h = 0; h < group; h++) {
            double dot = 0;
            dtype_widen(shape->dtype, inputs->q, (size_t)(first_head + h) * (size_t)dim, (size_t)dim, query);
            for (int d = 0; d < dim; d++)
                dot += (double)query[d] * (double)row[d];
            logits[h * shape->keys + key] =
                dot * (double)inputs->scale + (double)inputs->slopes[first_head + h] * (double)(key + 1 - shape->keys);
        }
    }
    for (int h = 0; h < group; h++) {
        double max = -INFINITY, sum = 0;
        for (int64_t key = 0; key < shape->keys; key++)
            max = fmax(max, logits[h * shape->keys + key]);
        for (int64_t key = 0; key < shape->keys; key++)
            sum += logits[h * shape->keys + key] = exp(logits[h * shape->keys + key] - max);
        for (int64_t key = 0; key < shape->keys; key++)
            logits[h * shape->keys + key] /= sum;
    }
    for (int i = 0; i < group * dim; i++)
        out[i] = 0;
    for (int64_t key = 0; key < shape->keys; key++) {
        read_row(row, shape, inputs, inputs->v_offset, key, kv_head);
        for (int h = 0; h < group; h++)
            for (int d = 0; d < dim; d++)
                out[h * dim + d] += logits[h * shape->keys + key] * (double)row[d];
    }
}

enum error_kind judge_out(struct judged *judged, const struct shape *shape, const struct judged_inputs *inputs,
                          const void *out, struct error *error)
{
    size_t elements = (size_t)shape->heads * (size_t)shape->dim, group = (size_t)(shape->heads / shape->kv_heads);
    size_t logits_bytes = group * (size_t)shape->keys * sizeof(double);
    double *reference = malloc(elements * sizeof *reference);
    bool short_of_memory = !reference;
    *judged = (struct judged){0};
#pragma omp parallel for schedule(dynamic) reduction(|| : short_of_memory)
    for (int kv_head = 0; kv_head < shape->kv_heads; kv_head++) {
        double *logits = malloc(logits_bytes);
        if (logits && reference)
            attend(reference + (size_t)kv_head * group * (size_t)shape->dim, logits, shape, inputs, kv_head);
        short_of_memory = short_of_memory || !logits;
        free(logits);
    }
    for (size_t i = 0; i < elements && !short_of_memory; i++) {
        float element;
        dtype_widen(shape->dtype, out, i, 1, &element);
        double err = fabs((double)element - reference[i]);
        judged->nan += isnan(element);
        judged->mismatched += !(err <= tolerance + tolerance * fabs(reference[i]));
        judged->max_abs_err = fmax(judged->max_abs_err, err); /* fmax takes the number where the other is NaN */
    }
    free(reference);
    return short_of_memory ? error_memory(error, "an f64 reference", (double)logits_bytes) : ERROR_NONE;
}
