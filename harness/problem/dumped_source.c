#include "harness/problem/dumped_source.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/support/file.h"
#include "harness/support/source.h"

enum { BLOCK_BYTES = 4 << 20 }; /* read at a time; between two blocks a run can be interrupted */

/* ---- opening a folder -------------------------------------------------------------------------------------------- */

enum { HEADER_TEXT_SIZE = 96 };

/* "'<f2' [9, 2, 64]" */
static const char *describe(char *text, const struct npy_header *header)
{
    int length = snprintf(text, HEADER_TEXT_SIZE, "'%.3s' [", header->type);
    for (int i = 0; i < header->num_axes; i++)
        length += snprintf(text + length, (size_t)(HEADER_TEXT_SIZE - length), i ? ", %" PRId64 : "%" PRId64,
                           header->shape[i]);
    snprintf(text + length, (size_t)(HEADER_TEXT_SIZE - length), "]");
    return text;
}

static enum error_kind check_header(const struct npy_file *file, const struct npy_header *expected, struct error *error)
{
    char path[PATH_QUOTE_SIZE], found[HEADER_TEXT_SIZE], allowed[HEADER_TEXT_SIZE];
    bool same = !strcmp(file->header.type, expected->type) && file->header.num_axes == expected->num_axes;
    for (int i = 0; same && i < expected->num_axes; i++)
        same = file->header.shape[i] == expected->shape[i];
    if (same)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "%s: has %s; allowed: %s, as point.json beside it says",
                     quote_path(path, file->path), describe(found, &file->header), describe(allowed, expected));
}

static enum error_kind open_file(struct dumped_source *source, enum dumped_tensor tensor, const char *folder,
                                 struct error *error)
{
    struct npy_file *file = &source->files[tensor];
    const struct npy_header expected = dumped_header(tensor, &source->point.problem);
    char *path = source->paths[tensor] = file_join(folder, dumped_file_name(tensor));
    if (!path)
        return error_memory(error, "a path", (double)strlen(folder));
    if (tensor == DUMPED_SINKS && !source->point.has_sinks)
        return ERROR_NONE;
    if (tensor == DUMPED_V && access(path, F_OK) != 0 && errno == ENOENT)
        return ERROR_NONE;
    enum error_kind kind = npy_open(file, path, error);
    return kind ? kind : check_header(file, &expected, error);
}

/* Of each head, in memory of its own. */
static enum error_kind read_of_heads(float **values, const struct npy_file *file, int num_heads, const char *what,
                                     struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    *values = calloc((size_t)num_heads, sizeof **values);
    if (!*values)
        return error_memory(error, what, (double)num_heads * sizeof **values);
    enum error_kind kind = npy_read(file, 0, (size_t)num_heads, *values, error);
    for (int h = 0; !kind && h < num_heads; h++)
        if (!isfinite((*values)[h]))
            kind = error_set(error, ERROR_USAGE, "%s: %s %d is %g; allowed: finite ones", quote_path(path, file->path),
                             what, h, isnan((*values)[h]) ? NAN : (double)(*values)[h]);
    return kind;
}

static enum error_kind read_slopes(struct dumped_source *source, struct error *error)
{
    struct problem_spec *problem = &source->point.problem;
    enum error_kind kind =
        read_of_heads(&source->slopes, &source->files[DUMPED_SLOPES], problem->num_heads, "slope", error);
    problem->slope_values = source->slopes;
    problem->num_slope_values = problem->num_heads;
    if (kind || !source->point.has_sinks)
        return kind;
    kind = read_of_heads(&source->sinks, &source->files[DUMPED_SINKS], problem->num_heads, "sink", error);
    problem->sinks = (struct sink_spec){SINKS_VALUES, 0, problem->num_heads, source->sinks};
    return kind;
}

static const struct problem_source_ops dumped_ops;

enum error_kind dumped_source_open(struct dumped_source *source, const char *folder, struct error *error)
{
    *source = (struct dumped_source){.point_path = file_join(folder, "point.json")};
    for (int tensor = 0; tensor < DUMPED_INPUTS; tensor++)
        source->files[tensor].descriptor = -1;
    enum error_kind kind = source->point_path ? dumped_point_read(&source->point, folder, error)
                                              : error_memory(error, "a path", (double)strlen(folder));
    for (int tensor = 0; !kind && tensor < DUMPED_INPUTS; tensor++)
        kind = open_file(source, (enum dumped_tensor)tensor, folder, error);
    if (!kind)
        kind = read_slopes(source, error);
    if (kind) {
        dumped_source_clear(source);
        return kind;
    }
    source->source = (struct problem_source){
        .ops = &dumped_ops,
        .shape = problem_spec_shape(&source->point.problem),
        .contract = {.of = TRUTH_OF_INPUTS},
        .num_parts = problem_spec_parts(&source->point.problem),
    };
    return ERROR_NONE;
}

void dumped_source_clear(struct dumped_source *source)
{
    for (int tensor = 0; tensor < DUMPED_INPUTS; tensor++) {
        npy_close(&source->files[tensor]);
        free(source->paths[tensor]);
        source->paths[tensor] = NULL;
    }
    free(source->point_path);
    free(source->slopes);
    free(source->sinks);
    source->point_path = NULL;
    source->slopes = source->sinks = NULL;
    dumped_point_clear(&source->point);
}

/* ---- opening its problem ----------------------------------------------------------------------------------------- */

static const struct dumped_source *dump_of(const struct problem_source *source)
{
    return (const struct dumped_source *)(const void *)source;
}

static struct part part_of(const struct problem_source *source, int index)
{
    return problem_spec_part(&dump_of(source)->point.problem, index);
}

/* Of rows of row_elements, some elements of each from the first-th on, side by side. Rows pass through a block of
 * memory unless all of them is wanted. */
static enum error_kind read_rows(void *elements, const struct npy_file *file, size_t row_elements, size_t first,
                                 size_t count, const struct progress *progress, struct error *error)
{
    size_t size = npy_element_bytes(&file->header), row_bytes = row_elements * size, part_bytes = count * size;
    size_t rows = (size_t)file->header.num_elements / row_elements;
    size_t rows_at_once = row_bytes < BLOCK_BYTES ? BLOCK_BYTES / row_bytes : 1;
    char *destination = elements, *block = NULL;
    enum error_kind kind = ERROR_NONE;
    if (rows_at_once > rows)
        rows_at_once = rows;
    if (count < row_elements && !(block = malloc(rows_at_once * row_bytes)))
        return error_memory(error, "a block of keys", (double)(rows_at_once * row_bytes));
    for (size_t row = 0; row < rows && !kind; row += rows_at_once) {
        size_t now = rows - row < rows_at_once ? rows - row : rows_at_once;
        kind = npy_read(file, (int64_t)(row * row_elements), now * row_elements, block ? block : destination, error);
        for (size_t i = 0; block && i < now; i++)
            memcpy(destination + i * part_bytes, block + i * row_bytes + first * size, part_bytes);
        destination += now * part_bytes;
        if (!kind && progress_cancelled(progress))
            kind = error_set(error, ERROR_INTERRUPTED, "interrupted while reading inputs");
    }
    free(block);
    return kind;
}

/* What is in memory must be what the record was made of. Some heads alone have a digest of their own. */
static enum error_kind check_digest(const struct dumped_source *dump, const struct inputs *inputs, struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    const struct dumped_point *point = &dump->point;
    if (!point->has_digest || inputs->problem.num_kv_heads < point->problem.num_kv_heads ||
        inputs->digest == point->input_digest)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "%s: input_digest: is %016" PRIx64 " and the tensors beside it have %016" PRIx64
                     "; allowed: the files of one point, as they were written",
                     quote_path(path, dump->point_path), point->input_digest, inputs->digest);
}

static enum error_kind open_part(const struct problem_source *source, struct part part, int threads,
                                 struct progress *progress, struct inputs *inputs, struct error *error)
{
    (void)threads; /* the file system's time */
    const struct dumped_source *dump = dump_of(source);
    const struct problem_spec *problem = &dump->point.problem;
    const struct npy_file *q = &dump->files[DUMPED_Q], *v = &dump->files[DUMPED_V];
    char path[PATH_QUOTE_SIZE];
    if (v->descriptor < 0) {
        inputs_clear(inputs);
        return error_set(error, ERROR_USAGE, "%s: is missing; allowed: a folder with the values of its keys",
                         quote_path(path, dump->paths[DUMPED_V]));
    }
    size_t head_dim = (size_t)problem->head_dim, row = (size_t)problem->num_kv_heads * head_dim;
    size_t first = (size_t)part.kv_head * head_dim, count = (size_t)part.num_kv_heads * head_dim;
    enum error_kind kind = inputs_allocate(inputs, &source->shape, part, dump->point.masked, error);
    if (!kind)
        kind = npy_read(q, 0, (size_t)q->header.num_elements, inputs->q, error);
    if (!kind)
        kind = read_rows(inputs->k, &dump->files[DUMPED_K], row, first, count, progress, error);
    if (!kind)
        kind = read_rows(inputs->v, v, row, first, count, progress, error);
    if (!kind && dump->sinks) {
        inputs->sink_logits = malloc((size_t)problem->num_heads * sizeof *dump->sinks);
        if (!inputs->sink_logits)
            kind = error_memory(error, "the sinks", (double)problem->num_heads * (double)sizeof *dump->sinks);
        else
            memcpy(inputs->sink_logits, dump->sinks, (size_t)problem->num_heads * sizeof *dump->sinks);
    }
    if (!kind) {
        memcpy(inputs->slopes, dump->slopes, (size_t)problem->num_heads * sizeof *dump->slopes);
        if (inputs->visible)
            dumped_point_visible(inputs->visible, &dump->point);
        kind = inputs_assemble(inputs, &source->shape, part, error);
    }
    if (!kind)
        inputs_hash(inputs);
    if (!kind)
        kind = check_digest(dump, inputs, error);
    if (kind)
        inputs_clear(inputs);
    return kind;
}

/* Rows that follow one another in the file are read at once. */
static enum error_kind read_any_rows(const struct problem_source *source, const struct inputs *inputs, bool of_v,
                                     const int64_t *rows, size_t count, int threads, void *to, struct error *error)
{
    (void)inputs;
    (void)threads; /* the file system's time */
    const struct npy_file *file = &dump_of(source)->files[of_v ? DUMPED_V : DUMPED_K];
    const size_t dim = (size_t)source->shape.head_dim, row_bytes = dim * npy_element_bytes(&file->header);
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0, run; i < count && !kind; i += run) {
        for (run = 1; i + run < count && rows[i + run] == rows[i] + (int64_t)run;)
            run++;
        kind = npy_read(file, rows[i] * (int64_t)dim, run * dim, (char *)to + i * row_bytes, error);
    }
    return kind;
}

static bool same_mask(const struct dumped_point *a, const struct dumped_point *b)
{
    return a->masked == b->masked && a->num_removed == b->num_removed &&
           (a->num_removed == 0 || memcmp(a->removed, b->removed, a->num_removed * sizeof *a->removed) == 0);
}

/* Files of one place and one record: another folder's might have been changed since its record was written. */
static bool same(const struct problem_source *source, const struct problem_source *other)
{
    const struct dumped_source *a = dump_of(source), *b = dump_of(other);
    if (!a->point.has_digest || !b->point.has_digest || a->point.input_digest != b->point.input_digest ||
        !problem_spec_equal(&a->point.problem, &b->point.problem) || !same_mask(&a->point, &b->point))
        return false;
    for (int tensor = 0; tensor < DUMPED_INPUTS; tensor++) {
        struct stat one, two;
        if (tensor == DUMPED_SINKS && !a->point.has_sinks)
            continue;
        if (fstat(a->files[tensor].descriptor, &one) != 0 || fstat(b->files[tensor].descriptor, &two) != 0 ||
            one.st_dev != two.st_dev || one.st_ino != two.st_ino)
            return false;
    }
    return true;
}

static const struct problem_source_ops dumped_ops = {
    .part = part_of, .open = open_part, .read_rows = read_any_rows, .same = same};
