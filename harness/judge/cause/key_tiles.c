#include "harness/judge/cause/key_tiles.h"

#include <stdlib.h>

#include "harness/judge/cause/key_chunks.h"

void key_tiles_clear(struct key_tiles *tiles)
{
    free(tiles->room);
    *tiles = (struct key_tiles){.count = 0};
}

/* Room for count tiles, and for the logits of keys. */
static enum error_kind make_room(struct key_tiles *tiles, int64_t count, int64_t keys, struct error *error)
{
    double *room = malloc((4 * (size_t)count + (size_t)keys) * sizeof *room);
    if (!room)
        return error_memory(error, "a head's signature", (4.0 * (double)count + (double)keys) * sizeof *room);
    tiles->count = count;
    tiles->room = tiles->max = room;
    tiles->sum = room + count;
    tiles->along = room + 2 * count;
    tiles->raise = room + 3 * count;
    tiles->logits = room + 4 * count;
    return ERROR_NONE;
}

/* 1 over the length of the error. */
static double of_length_1(const struct suspect *suspect)
{
    double length = suspect->error * sqrt(suspect->problem->head_dim);
    return length > 0 ? 1 / length : 0;
}

bool key_tiles_is_near(const struct suspect *suspect, double along)
{
    double of_out = 0, squares = 0, length = sqrt(suspect->problem->head_dim);
    for (int d = 0; d < suspect->problem->head_dim; d++) {
        of_out += suspect->out[d] * (suspect->out[d] - suspect->truth[d]);
        squares += suspect->out[d] * suspect->out[d];
    }
    double left = fmax(fmin(suspect->error / 4 * length, sqrt(squares) / 2), 2 * suspect->noise * length);
    return !suspect->by_lse && fabs(along - of_out * of_length_1(suspect)) <= left;
}

enum error_kind key_tiles_init(struct key_tiles *tiles, struct suspect *suspect, struct error *error)
{
    const struct problem *problem = suspect->problem;
    int dims = suspect->by_lse ? 0 : problem->head_dim;
    double unit = problem_value_scale(problem) * of_length_1(suspect);
    *tiles = (struct key_tiles){.len = 1, .per_restart = problem->seq_len};
    enum error_kind kind = make_room(tiles, problem->seq_len, problem->seq_len, error);
    for (int64_t j = 0; j < problem->seq_len && !kind; j++) {
        tiles->max[j] = tiles->logits[j] = -INFINITY;
        tiles->sum[j] = tiles->along[j] = 0;
        if (!suspect_visible(suspect, j))
            continue;
        tiles->max[j] = tiles->logits[j] = suspect_logit(suspect, j);
        tiles->sum[j] = 1;
        suspect_read_value(suspect, j, dims);
        for (int d = 0; d < dims; d++)
            tiles->along[j] += (double)suspect->row[d] * (suspect->out[d] - suspect->truth[d]) * unit;
    }
    return kind;
}

void key_tiles_double(struct key_tiles *tiles)
{
    /* with one number for an output, that along the error */
    struct key_chunks chunks = {
        .count = tiles->count, .len = tiles->len, .max = tiles->max, .sum = tiles->sum, .out = tiles->along};
    key_chunks_double(&chunks, 1);
    tiles->count = tiles->per_restart = chunks.count;
    tiles->len = chunks.len;
    tiles->out = NULL;
}

/* Tile number tile: those of from from one on, up to end. */
static void put_together(struct key_tiles *tiles, int64_t tile, const struct key_tiles *from, int64_t first,
                         int64_t end)
{
    double max = -INFINITY, sum = 0, along = 0;
    for (int64_t i = first; i < end; i++)
        max = larger_of(max, from->max[i]);
    for (int64_t i = first; i < end; i++) {
        double factor = factor_between(from->max[i], max);
        sum += factor * from->sum[i];
        along += factor * from->along[i];
    }
    tiles->max[tile] = max;
    tiles->sum[tile] = sum;
    tiles->along[tile] = along;
}

static int64_t smaller_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

enum error_kind key_tiles_gather(struct key_tiles *tiles, const struct key_tiles *from, int64_t len, int64_t restart,
                                 struct error *error)
{
    int64_t step = len / from->len, span = from->restart == 0 && restart > 0 ? restart / from->len : from->per_restart;
    int64_t per_span = (span + step - 1) / step, spans = from->count / span, rest = from->count % span;
    *tiles = (struct key_tiles){.len = len, .restart = restart, .per_restart = per_span};
    enum error_kind kind = make_room(tiles, spans * per_span + (rest + step - 1) / step, 0, error);
    tiles->logits = from->logits;
    int64_t tile = 0;
    for (int64_t first = 0; first < from->count && !kind; first += span) {
        int64_t end = smaller_of(first + span, from->count);
        for (int64_t i = first; i < end; i += step)
            put_together(tiles, tile++, from, i, smaller_of(i + step, end));
    }
    return kind;
}

void key_tiles_raise(const struct key_tiles *tiles, int64_t keys, double *logits)
{
    int64_t span = tiles->restart > 0 ? tiles->restart : keys, tile = 0;
    for (int64_t first = 0; first < keys; first += span) {
        int64_t end = smaller_of(first + span, keys);
        for (int64_t from = first; from < end; from += tiles->len, tile++)
            for (int64_t j = from; j < smaller_of(from + tiles->len, end); j++)
                logits[j] = tiles->logits[j] + tiles->raise[tile];
    }
}
