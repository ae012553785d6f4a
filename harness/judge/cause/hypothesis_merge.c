/*
 * Tiles or chunks of keys that are added up without the factors between their maxima.
 *
 * An online softmax (Milakov and Gimelshein, 2018) adds tile after tile to a running sum and output, which are of the
 * largest logit so far, and multiplies both by exp(old maximum - new) where a tile raises it; the merge of a split
 * sequence multiplies each chunk's by exp(its maximum - the largest). Without the factor the keys of tile i count as if
 * their logits were higher, by what the maximum rises after it: by raise_i. Then the sum is
 *
 *     L' = sum_i exp(raise_i) sum_(j in i) exp(s_j - max)
 *
 * and the output without its division O' in the same way. Both may lack it, and lse is then max + log L'; the output
 * alone, O' / L; or the sum alone, O / L' = truth * L / L', one number a row that lse, where there is one, has to bear
 * out to the last digit.
 *
 * Nothing of it is fitted: what is tried is how tiles may lie. Tiles of 1 to 4096 keys, from the first or from the
 * newest on; those that warps or threads take in turn, each with a maximum of its own; those of each chunk of a split
 * sequence. The merge of warps and chunks is right then, or it is what lacks the factor, and their tiles are right:
 * chunks have 16 to 4096 keys, or are 2 to 64 equal parts.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/judge/cause/hypothesis.h"
#include "harness/judge/cause/key_chunks.h"

enum {
    MERGINGS = 4096, /* predictions, at most: three of 60 ways or fewer a length of tiles, and of 3 ways a split */
    SPLITS = 64,
    MOST_WARPS = 16,
    MOST_THREADS = 128,
};

/* The keys as tiles; out NULL: what they weigh is added up key by key. */
struct tiles {
    int64_t count, len;
    const double *max, *sum; /* [count] as struct key_chunks has them */
    const double *out;       /* [count, D] */
    const double *along;     /* [count] that along the error of the row, where out is NULL */
    double *raise;           /* [count] nats that their keys are taken for higher */
};

enum merge_form {
    MERGE_RUNNING,  /* tile by tile */
    MERGE_APART,    /* what chunks or owners have come to, each by its own maximum, as if they had one */
    MERGE_AVERAGED, /* the mean of the outputs of chunks, each divided */
    MERGE_BY_MAX    /* that, weighted by exp(maximum) */
};

struct merging {
    enum merge_form form;
    int64_t chunk; /* keys of a chunk; 0: there are none */
    int owners;    /* that take tiles of a chunk in turn */
    bool backward; /* from the newest on */
};

/* ---- what tiles are taken for ---------------------------------------------------------------------------------- */

/* The tiles of one owner, from one of them on, up to end: how far the maximum rises behind each. */
static void raise_running(const struct tiles *tiles, int64_t first, int64_t end, const struct merging *merging)
{
    int64_t step = merging->owners, count = (end - first + step - 1) / step;
    double running = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        int64_t tile = first + step * (merging->backward ? count - 1 - i : i);
        running = fmax(running, tiles->max[tile]);
        tiles->raise[tile] = running;
    }
    for (int64_t tile = first; tile < end; tile += step)
        tiles->raise[tile] = tiles->max[tile] > -INFINITY ? running - tiles->raise[tile] : 0;
}

/* All tiles of a chunk, or of an owner, alike; largest: the maximum of all keys. */
static void raise_together(const struct tiles *tiles, int64_t first, int64_t end, const struct merging *merging,
                           double largest)
{
    double max = -INFINITY, sum = 0;
    for (int64_t tile = first; tile < end; tile += merging->owners)
        max = fmax(max, tiles->max[tile]);
    for (int64_t tile = first; tile < end; tile += merging->owners)
        sum += factor_between(tiles->max[tile], max) * tiles->sum[tile];
    double raise = max == -INFINITY                  ? 0
                   : merging->form == MERGE_APART    ? largest - max
                   : merging->form == MERGE_AVERAGED ? largest - max - log(sum)
                                                     : -log(sum);
    for (int64_t tile = first; tile < end; tile += merging->owners)
        tiles->raise[tile] = raise;
}

static double largest_of(const struct tiles *tiles)
{
    double largest = -INFINITY;
    for (int64_t tile = 0; tile < tiles->count; tile++)
        largest = fmax(largest, tiles->max[tile]);
    return largest;
}

static void fill_raises(const struct tiles *tiles, const struct merging *merging)
{
    int64_t in_chunk = merging->chunk > 0 ? merging->chunk / tiles->len : tiles->count;
    double largest = largest_of(tiles);
    for (int64_t first = 0; first < tiles->count; first += in_chunk) {
        int64_t end = first + in_chunk < tiles->count ? first + in_chunk : tiles->count;
        for (int64_t owner = first; owner < end && owner < first + merging->owners; owner++) {
            if (merging->form == MERGE_RUNNING)
                raise_running(tiles, owner, end, merging);
            else
                raise_together(tiles, owner, end, merging, largest);
        }
    }
}

/* ---- what comes of it ------------------------------------------------------------------------------------------ */

/* O' / L' of elements below dims into suspect->predicted, and along the error. max + log L'. */
static double attend_to_tiles(struct suspect *suspect, const struct tiles *tiles, int dims, double *along)
{
    int64_t all = suspect->problem->head_dim;
    double max = suspect->sink;
    for (int64_t i = 0; i < tiles->count; i++)
        if (tiles->sum[i] > 0)
            max = fmax(max, tiles->max[i] + tiles->raise[i]);
    double sum = factor_between(suspect->sink, max);
    *along = 0;
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] = 0;
    for (int64_t i = 0; i < tiles->count; i++) {
        double weight = tiles->sum[i] > 0 ? exp(tiles->max[i] + tiles->raise[i] - max) : 0;
        sum += weight * tiles->sum[i];
        *along += tiles->along ? weight * tiles->along[i] : 0;
        for (int d = 0; d < dims && weight > 0; d++)
            suspect->predicted[d] += weight * tiles->out[i * all + d];
    }
    *along /= sum;
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] /= sum;
    return max + log(sum);
}

/* O' / L' into suspect->predicted, of elements below dims. max + log L'. */
static double attend_raised(struct suspect *suspect, const struct tiles *tiles, int dims)
{
    double along;
    if (tiles->out || dims == 0)
        return attend_to_tiles(suspect, tiles, dims, &along);
    for (int64_t j = 0; j < suspect->problem->seq_len; j++)
        suspect->logits[j] =
            suspect_visible(suspect, j) ? suspect_logit(suspect, j) + tiles->raise[j / tiles->len] : -INFINITY;
    return suspect_attend(suspect, dims);
}

static void multiply(struct suspect *suspect, int dims, double factor)
{
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] *= factor;
}

/*
 * Whether neither O' / L' nor O' / L comes near to out, where keys would have to be read once more for the others: what
 * explains a row leaves a quarter of its error at most, and so of what lies along that, or next to rounding
 * (suspect_match.h).
 */
static bool is_far(struct suspect *suspect, const struct tiles *tiles)
{
    double along, of_out = 0, norm = suspect->error * sqrt(suspect->problem->head_dim);
    if (tiles->out || !(norm > 0))
        return false;
    for (int d = 0; d < suspect->problem->head_dim; d++)
        of_out += suspect->out[d] * (suspect->out[d] - suspect->truth[d]) / norm;
    double lse = attend_to_tiles(suspect, tiles, 0, &along);
    double left = fmax(norm / 4, 2 * suspect->noise * sqrt(suspect->problem->head_dim));
    return !(fabs(along - of_out) <= left || fabs(along * exp(lse - suspect->truth_lse) - of_out) <= left);
}

enum { TEXT_SIZE = 96 };

static const char *text_of(char text[TEXT_SIZE], const struct tiles *tiles, const struct merging *merging)
{
    size_t used = 0;
    if (merging->form != MERGE_RUNNING && merging->owners == 1) {
        snprintf(text, TEXT_SIZE, "chunks of %lld keys", (long long)merging->chunk);
        return text;
    }
    used =
        (size_t)snprintf(text, TEXT_SIZE, "tiles of %lld %s", (long long)tiles->len, tiles->len == 1 ? "key" : "keys");
    if (merging->backward)
        used += (size_t)snprintf(text + used, TEXT_SIZE - used, ", newest first");
    if (merging->owners > 1)
        used += (size_t)snprintf(text + used, TEXT_SIZE - used, ", %d side by side", merging->owners);
    if (merging->chunk > 0)
        snprintf(text + used, TEXT_SIZE - used, ", in chunks of %lld", (long long)merging->chunk);
    return text;
}

static const char running_factor[] = "multiplied by exp(old maximum - new)",
                  apart_factor[] = "multiplied by exp(own maximum - largest)";

/* Both without their factor, the output alone, the sum alone. */
static void offer_without_factor(struct suspect *suspect, const struct tiles *tiles, const struct merging *merging)
{
    char text[TEXT_SIZE];
    int dims = suspect->by_lse ? 0 : suspect->problem->head_dim;
    const char *factor = merging->form == MERGE_RUNNING ? running_factor : apart_factor;
    text_of(text, tiles, merging);
    bool far = !suspect->by_lse && is_far(suspect, tiles);
    double lse = attend_raised(suspect, tiles, far ? 0 : dims);
    if (!(fabs(lse - suspect->truth_lse) > suspect_lse_rounding(suspect) / 8)) /* the maximum does not rise */
        return;
    if (!far) {
        suspect_offer(suspect, SIGNATURE_WRONG_MERGE, false, suspect->predicted, lse, "|%s: sum and output are not %s|",
                      text, factor);
        multiply(suspect, dims, exp(lse - suspect->truth_lse));
        suspect_offer(suspect, SIGNATURE_WRONG_MERGE, false, suspect->predicted, suspect->truth_lse,
                      "|%s: the output is not %s, the sum is|", text, factor);
    }
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] = suspect->truth[d] * exp(suspect->truth_lse - lse);
    suspect->along_truth = true;
    suspect_offer(suspect, SIGNATURE_WRONG_MERGE, false, suspect->predicted, lse,
                  "|%s: the sum is not %s, the output is|", text, factor);
    suspect->along_truth = false;
}

static void try_merging(struct suspect *suspect, const struct tiles *tiles, struct merging merging)
{
    char text[TEXT_SIZE];
    fill_raises(tiles, &merging);
    if (merging.form == MERGE_RUNNING || merging.form == MERGE_APART) {
        offer_without_factor(suspect, tiles, &merging);
        return;
    }
    if (suspect->by_lse || suspect->sink > -INFINITY)
        return;
    double lse = attend_raised(suspect, tiles, suspect->problem->head_dim);
    if (merging.form == MERGE_AVERAGED)
        suspect_offer(suspect, SIGNATURE_WRONG_MERGE, false, suspect->predicted, suspect->truth_lse,
                      "|%s: their outputs are averaged, whatever their weights|", text_of(text, tiles, &merging));
    else
        suspect_offer(suspect, SIGNATURE_WRONG_MERGE, false, suspect->predicted, lse,
                      "|%s: their outputs are weighed by exp(maximum), without their sums|",
                      text_of(text, tiles, &merging));
}

static void try_chunks(struct suspect *suspect, const struct tiles *tiles, int64_t len)
{
    for (enum merge_form form = MERGE_APART; form <= MERGE_BY_MAX && len < suspect->problem->seq_len; form++)
        try_merging(suspect, tiles, (struct merging){form, len, 1, false});
}

/* Chunks of a power of two of keys, within which tiles are; of owners who have two tiles each at least. */
static void try_tiles_of_chunks(struct suspect *suspect, const struct tiles *tiles, int owners)
{
    const int64_t longest = SUSPECT_CHUNK_LEN_MIN << (SUSPECT_CHUNK_LENS - 1);
    for (int64_t chunk = SUSPECT_CHUNK_LEN_MIN; chunk <= longest && chunk < suspect->problem->seq_len; chunk *= 2)
        if (chunk >= 2 * owners * tiles->len)
            try_merging(suspect, tiles, (struct merging){MERGE_RUNNING, chunk, owners, false});
}

static void try_tiles(struct suspect *suspect, const struct tiles *tiles)
{
    const int most_owners = tiles->len == 1 ? MOST_THREADS : MOST_WARPS;
    if (tiles->count < 2)
        return;
    try_merging(suspect, tiles, (struct merging){MERGE_RUNNING, 0, 1, false});
    try_merging(suspect, tiles, (struct merging){MERGE_RUNNING, 0, 1, true});
    for (int owners = 2; owners <= most_owners && owners < tiles->count; owners *= 2) {
        try_merging(suspect, tiles, (struct merging){MERGE_RUNNING, 0, owners, false});
        try_merging(suspect, tiles, (struct merging){MERGE_APART, 0, owners, false});
    }
    for (int owners = 1; owners <= (tiles->out ? MOST_WARPS / 2 : 1); owners *= 2)
        try_tiles_of_chunks(suspect, tiles, owners);
    if (tiles->out)
        try_chunks(suspect, tiles, tiles->len);
}

/* Equal parts of whole tiles, but for those of a power of two of keys, which are tried anyway. */
static void try_splits(struct suspect *suspect, const struct tiles *tiles)
{
    const int64_t longest = SUSPECT_CHUNK_LEN_MIN << (SUSPECT_CHUNK_LENS - 1);
    int64_t before = 0;
    for (int64_t parts = 2; parts <= SPLITS; parts++) {
        int64_t len = (tiles->count + parts - 1) / parts * tiles->len;
        if (len != before && ((len & (len - 1)) != 0 || len > longest))
            try_chunks(suspect, tiles, len);
        before = len;
    }
}

/* ---- all tiles ------------------------------------------------------------------------------------------------- */

/* Each key as a tile: its logit, 1, and v along the error of the row. */
static void weigh_keys(struct suspect *suspect, double *max, double *sum, double *along)
{
    const struct problem *problem = suspect->problem;
    int dims = suspect->by_lse ? 0 : problem->head_dim;
    double unit = problem_value_scale(problem) / (suspect->error * sqrt(problem->head_dim));
    for (int64_t j = 0; j < problem->seq_len; j++) {
        max[j] = -INFINITY;
        sum[j] = along[j] = 0;
        if (!suspect_visible(suspect, j))
            continue;
        max[j] = suspect_logit(suspect, j);
        sum[j] = 1;
        suspect_read_value(suspect, j, dims);
        for (int d = 0; d < dims; d++)
            along[j] += (double)suspect->row[d] * (suspect->out[d] - suspect->truth[d]) * unit;
    }
}

static enum error_kind try_small_tiles(struct suspect *suspect, struct error *error)
{
    const int64_t keys = suspect->problem->seq_len;
    double *room = malloc(4 * (size_t)keys * sizeof *room);
    if (!room)
        return error_memory(error, "a head's signature", 4.0 * (double)keys * sizeof *room);
    /* with one number for an output, that along the error */
    struct key_chunks chunks = {.count = keys, .len = 1, .max = room, .sum = room + keys, .out = room + 2 * keys};
    weigh_keys(suspect, chunks.max, chunks.sum, chunks.out);
    while (chunks.len < SUSPECT_CHUNK_LEN_MIN) {
        try_tiles(suspect,
                  &(struct tiles){chunks.count, chunks.len, chunks.max, chunks.sum, NULL, chunks.out, room + 3 * keys});
        key_chunks_double(&chunks, 1);
    }
    free(room);
    return ERROR_NONE;
}

/* Logits are not asked for here: their room holds what tiles are raised by. */
static enum error_kind try_large_tiles(struct suspect *suspect, struct error *error)
{
    struct key_chunks chunks;
    enum error_kind kind = key_chunks_init(&chunks, suspect, error);
    for (int level = 0; level < SUSPECT_CHUNK_LENS && !kind; level++) {
        struct tiles tiles = {chunks.count, chunks.len, chunks.max, chunks.sum, chunks.out, NULL, suspect->logits};
        try_tiles(suspect, &tiles);
        if (level == 0)
            try_splits(suspect, &tiles);
        key_chunks_double(&chunks, suspect->problem->head_dim);
    }
    key_chunks_clear(&chunks);
    return kind;
}

enum error_kind hypothesis_merge(struct suspect *suspect, struct error *error)
{
    if (suspect->visible < 2)
        return ERROR_NONE;
    enum error_kind kind = suspect_need_keys(suspect, suspect->kv_head, error);
    suspect->choices = MERGINGS;
    if (!kind)
        kind = try_small_tiles(suspect, error);
    if (!kind)
        kind = try_large_tiles(suspect, error);
    suspect->choices = SUSPECT_CHOICES;
    return kind;
}
