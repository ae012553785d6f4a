#include "harness/library/opened_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/library/seconds.h"

static int of_kv_head(void *context, int kv_head)
{
    const struct problem_source *source = ((const struct opened_parts *)context)->source;
    int index = 0;
    for (struct part part = source->ops->part(source, 0);
         index + 1 < source->num_parts && kv_head >= part.kv_head + part.num_kv_heads;)
        part = source->ops->part(source, ++index);
    return index;
}

static void show_step(const struct opened_parts *opened, int index)
{
    char step[64];
    snprintf(step, sizeof step, "%s, part %d of %d", opened->how.purpose, index + 1, opened->source->num_parts);
    if (opened->how.step)
        opened->how.step(opened->how.context, step, 0);
}

/* A part with its keys as they are, its q, slopes and bounds. */
static enum error_kind open_as_it_is(struct opened_parts *opened, int index, struct error *error)
{
    const struct problem_source *source = opened->source;
    opened->open = opened->held[0].part = opened->held[1].part = -1;
    inputs_reuse(&opened->inputs);
    enum error_kind kind = source->ops->open(source, source->ops->part(source, index), opened->how.threads,
                                             opened->how.progress, &opened->inputs, error);
    if (!kind)
        opened->open = opened->held[0].part = opened->held[1].part = index;
    opened->held[0].map = opened->held[1].map = (struct key_map){.place = NULL};
    return kind;
}

/* Of a list of keys nobody knows whether it is still there. */
static bool holds(const struct opened_parts *opened, int tensor, int index, const struct key_map *map)
{
    const struct held_rows *held = &opened->held[tensor];
    return held->part == index && !map->keys && key_map_same(&held->map, map);
}

static size_t row_bytes(const struct problem *shape)
{
    return (size_t)shape->head_dim * dtypes[problem_kv_dtype(shape)].size_bytes;
}

/* Rows of a part's k or v. */
static size_t rows_of(const struct problem_source *source, int index, const struct key_map *map)
{
    int64_t keys = map->place ? map->seq_len : source->shape.seq_len;
    return (size_t)keys * (size_t)source->ops->part(source, index).num_kv_heads;
}

/* Memory for both tensors of a part. */
static enum error_kind make_room(struct opened_parts *opened, int index, const struct key_map moved[2],
                                 struct error *error)
{
    size_t of_k = rows_of(opened->source, index, &moved[0]), of_v = rows_of(opened->source, index, &moved[1]);
    bool lost;
    enum error_kind kind = inputs_need_room(
        &opened->inputs, (of_k > of_v ? of_k : of_v) * row_bytes(&opened->source->shape), &lost, error);
    if (lost)
        opened->held[0].part = opened->held[1].part = -1;
    opened->inputs.problem.k = opened->inputs.k;
    opened->inputs.problem.v = opened->inputs.v;
    return kind;
}

enum { ROWS_AT_ONCE = 1 << 14 };

/* Which row of the whole row `at` of a part is; -1: one of zeros. */
static int64_t row_of_whole(const struct problem *shape, struct part part, size_t at, const struct key_map *map)
{
    int64_t key = (int64_t)at / part.num_kv_heads;
    int kv_head = part.kv_head + (int)((int64_t)at % part.num_kv_heads);
    key_map_row(map, &key, &kv_head);
    return key < 0 ? -1 : key * shape->num_kv_heads + kv_head;
}

/* So many rows of a part's k or v, from row `first` on; rows: room for so many. */
static enum error_kind read_rows(struct opened_parts *opened, int index, int tensor, const struct key_map *map,
                                 size_t first, size_t count, int64_t *rows, struct error *error)
{
    const struct problem_source *source = opened->source;
    const struct part part = source->ops->part(source, index);
    const size_t bytes = row_bytes(&source->shape);
    char *to = (char *)(tensor ? opened->inputs.v : opened->inputs.k) + first * bytes;
    for (size_t i = 0; i < count; i++) {
        int64_t row = row_of_whole(&source->shape, part, first + i, map);
        rows[i] = row < 0 ? 0 : row;
    }
    enum error_kind kind =
        source->ops->read_rows(source, &opened->inputs, tensor == 1, rows, count, opened->how.threads, to, error);
    for (size_t i = 0; i < count && !kind; i++)
        if (row_of_whole(&source->shape, part, first + i, map) < 0)
            memset(to + i * bytes, 0, bytes);
    if (!kind && progress_cancelled(opened->how.progress))
        kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
    return kind;
}

/* k or v of a part, whose memory there is, by a map. */
static enum error_kind fill(struct opened_parts *opened, int index, int tensor, const struct key_map *map,
                            struct error *error)
{
    const size_t count = rows_of(opened->source, index, map);
    enum error_kind kind = ERROR_NONE;
    int64_t *rows = malloc(ROWS_AT_ONCE * sizeof *rows);
    if (!rows)
        return error_memory(error, "the places of keys", ROWS_AT_ONCE * sizeof *rows);
    opened->held[tensor].part = -1;
    for (size_t first = 0; first < count && !kind; first += ROWS_AT_ONCE)
        kind = read_rows(opened, index, tensor, map, first, count - first < ROWS_AT_ONCE ? count - first : ROWS_AT_ONCE,
                         rows, error);
    free(rows);
    if (!kind)
        opened->held[tensor] = (struct held_rows){index, *map};
    return kind;
}

/* What of k and v is not held: of a part that was opened, or whose q and slopes nobody asks for. */
static enum error_kind read_missing(struct opened_parts *opened, int index, const struct key_map moved[2],
                                    struct error *error)
{
    enum error_kind kind = opened->open < 0 ? open_as_it_is(opened, index, error) : ERROR_NONE;
    if (!kind)
        kind = make_room(opened, index, moved, error);
    for (int tensor = 0; tensor < 2 && !kind; tensor++)
        if (!holds(opened, tensor, index, &moved[tensor]))
            kind = fill(opened, index, tensor, &moved[tensor], error);
    opened->moved = part_shape(&opened->source->shape, opened->source->ops->part(opened->source, index));
    opened->moved.k = opened->inputs.k;
    opened->moved.v = opened->inputs.v;
    return kind;
}

static enum error_kind open_part(void *context, int index, const struct key_map *moved, const struct problem **part,
                                 struct error *error)
{
    static const struct key_map as_it_is[2];
    struct opened_parts *opened = context;
    const bool is_moved = moved && (moved[0].place || moved[1].place);
    if (!is_moved)
        moved = as_it_is;
    *part = is_moved ? &opened->moved : &opened->inputs.problem;
    if (holds(opened, 0, index, &moved[0]) && holds(opened, 1, index, &moved[1]) && (is_moved || opened->open == index))
        return progress_cancelled(opened->how.progress) ? error_set(error, ERROR_INTERRUPTED, "interrupted")
                                                        : ERROR_NONE;
    double start = seconds_now();
    show_step(opened, index);
    enum error_kind kind = is_moved || opened->open == index ? read_missing(opened, index, moved, error)
                                                             : open_as_it_is(opened, index, error);
    opened->seconds += seconds_now() - start;
    return kind;
}

void opened_parts_offer(struct opened_parts *opened, struct exhibit *exhibit, const struct problem_source *source,
                        struct inputs *lender, const struct part_opening *how)
{
    *opened = (struct opened_parts){.open = -1};
    if (source->num_parts == 1)
        return;
    *opened = (struct opened_parts){
        .parts = {.count = source->num_parts, .of_kv_head = of_kv_head, .open = open_part, .context = opened},
        .source = source,
        .lender = lender,
        .inputs = {.k = lender->k, .v = lender->v, .kv_room = lender->kv_room},
        .open = -1,
        .held = {{.part = -1}, {.part = -1}},
        .how = *how,
    };
    lender->k = lender->v = NULL;
    lender->problem.k = lender->problem.v = NULL;
    lender->kv_room = 0;
    exhibit->parts = &opened->parts;
}

double opened_parts_end(struct opened_parts *opened)
{
    double seconds = opened->seconds;
    if (!opened->lender)
        return 0;
    inputs_reuse(&opened->inputs);
    opened->lender->k = opened->inputs.k;
    opened->lender->v = opened->inputs.v;
    opened->lender->kv_room = opened->inputs.kv_room;
    *opened = (struct opened_parts){.open = -1};
    return seconds;
}
