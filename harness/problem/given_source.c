#include "harness/problem/given_source.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_AT_ONCE = 1024, FORGET_BYTES = 64 << 20 }; /* a run can be interrupted in between */

static const struct given_source *given_of(const struct problem_source *source)
{
    return (const struct given_source *)(const void *)source;
}

static struct part part_of(const struct problem_source *source, int index)
{
    return problem_spec_part(&given_of(source)->spec, index);
}

static enum error_kind copy_queries(struct inputs *inputs, const struct given_source *given, struct error *error)
{
    const struct problem *shape = &given->source.shape;
    size_t row_bytes = (size_t)shape->head_dim * dtypes[shape->dtype].size_bytes;
    enum error_kind kind = ERROR_NONE;
    for (int row = 0; row < problem_rows(shape) && !kind; row++)
        kind = tensor_view_copy((char *)inputs->q + (size_t)row * row_bytes, shape->dtype, &given->tensors.q,
                                row / shape->num_heads, row % shape->num_heads, shape->head_dim, error);
    return kind;
}

/* The view of a key's page, and its place there. */
static struct tensor_view view_of_key(const struct tensor_view *view, const struct given_tensors *tensors,
                                      int64_t page_stride, int64_t *key)
{
    struct tensor_view page = *view;
    if (!tensors->pages)
        return page;
    page.elements = (const char *)view->elements +
                    tensors->pages[*key / tensors->page_size] * page_stride * (int64_t)dtypes[view->dtype].size_bytes;
    *key %= tensors->page_size;
    return page;
}

/* What is read of a key brings pages of other heads with it, the key's at most. */
static double bytes_brought(const struct given_source *given, const struct tensor_view *view)
{
    const struct problem *shape = &given->source.shape;
    return (double)(shape->num_kv_heads * shape->head_dim) * (double)dtypes[view->dtype].size_bytes;
}

/* k or v of a part's heads. */
static enum error_kind copy_keys(void *destination, const struct given_source *given, const struct tensor_view *view,
                                 int64_t page_stride, struct part part, const struct progress *progress,
                                 struct error *error)
{
    const struct problem *shape = &given->source.shape;
    enum dtype dtype = problem_kv_dtype(shape);
    size_t row_bytes = (size_t)shape->head_dim * dtypes[dtype].size_bytes;
    double key_bytes = bytes_brought(given, view), read = 0;
    char *to = destination;
    enum error_kind kind = ERROR_NONE;
    for (int64_t key = 0; key < shape->seq_len && !kind; key++) {
        int64_t place = key;
        const struct tensor_view page = view_of_key(view, &given->tensors, page_stride, &place);
        for (int head = 0; head < part.num_kv_heads && !kind; head++, to += row_bytes)
            kind = tensor_view_copy(to, dtype, &page, place, part.kv_head + head, shape->head_dim, error);
        read += key_bytes;
        if (given->tensors.forget && (read >= FORGET_BYTES || key + 1 == shape->seq_len)) {
            given->tensors.forget(given->tensors.context);
            read = 0;
        }
        if (!kind && key % KEYS_AT_ONCE == 0 && progress_cancelled(progress))
            kind = error_set(error, ERROR_INTERRUPTED, "interrupted while reading inputs");
    }
    return kind;
}

static enum error_kind read_rows(const struct problem_source *source, const struct inputs *inputs, bool of_v,
                                 const int64_t *rows, size_t count, int threads, void *to, struct error *error)
{
    (void)inputs;
    (void)threads; /* memory's time */
    const struct given_source *given = given_of(source);
    const struct given_tensors *tensors = &given->tensors;
    const struct problem *shape = &source->shape;
    const struct tensor_view *view = of_v ? &tensors->v : &tensors->k;
    const enum dtype dtype = problem_kv_dtype(shape);
    const size_t row_bytes = (size_t)shape->head_dim * dtypes[dtype].size_bytes;
    double key_bytes = bytes_brought(given, view), read = 0;
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0; i < count && !kind; i++) {
        int64_t key = rows[i] / shape->num_kv_heads;
        const struct tensor_view page =
            view_of_key(view, tensors, of_v ? tensors->v_page_stride : tensors->k_page_stride, &key);
        kind = tensor_view_copy((char *)to + i * row_bytes, dtype, &page, key, (int)(rows[i] % shape->num_kv_heads),
                                shape->head_dim, error);
        read += key_bytes;
        if (tensors->forget && (read >= FORGET_BYTES || i + 1 == count)) {
            tensors->forget(tensors->context);
            read = 0;
        }
    }
    return kind;
}

static enum error_kind open_part(const struct problem_source *source, struct part part, int threads,
                                 struct progress *progress, struct inputs *inputs, struct error *error)
{
    (void)threads; /* memory's time */
    const struct given_source *given = given_of(source);
    const struct given_tensors *tensors = &given->tensors;
    const struct problem *shape = &source->shape;
    size_t of_heads = (size_t)shape->num_heads * sizeof(float);
    enum error_kind kind = inputs_allocate(inputs, shape, part, tensors->visible, error);
    if (!kind)
        kind = copy_queries(inputs, given, error);
    if (!kind)
        kind = copy_keys(inputs->k, given, &tensors->k, tensors->k_page_stride, part, progress, error);
    if (!kind)
        kind = copy_keys(inputs->v, given, &tensors->v, tensors->v_page_stride, part, progress, error);
    if (!kind && given->spec.sinks.kind == SINKS_VALUES) {
        inputs->sink_logits = malloc(of_heads);
        if (!inputs->sink_logits)
            kind = error_memory(error, "the sinks", (double)of_heads);
        else
            memcpy(inputs->sink_logits, given->spec.sinks.values, of_heads);
    }
    if (!kind) {
        memcpy(inputs->slopes, given->spec.slope_values, of_heads);
        if (inputs->visible)
            memcpy(inputs->visible, tensors->visible, (size_t)shape->seq_len);
        kind = inputs_assemble(inputs, shape, part, error);
    }
    if (!kind)
        inputs_hash(inputs);
    if (kind)
        inputs_clear(inputs);
    return kind;
}

/* Memory may have changed in between. */
static bool same(const struct problem_source *source, const struct problem_source *other)
{
    (void)source, (void)other;
    return false;
}

static const struct problem_source_ops given_ops = {
    .part = part_of, .open = open_part, .read_rows = read_rows, .same = same};

struct given_source given_source(const struct problem_spec *spec, const struct given_tensors *tensors)
{
    return (struct given_source){
        .source = {.ops = &given_ops,
                   .shape = problem_spec_shape(spec),
                   .contract = {.of = TRUTH_OF_INPUTS},
                   .num_parts = problem_spec_parts(spec)},
        .spec = *spec,
        .tensors = *tensors,
    };
}
