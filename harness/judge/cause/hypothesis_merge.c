/*
 * Tiles or chunks of keys that are added up without the factors between their maxima.
 *
 * An online softmax (Milakov and Gimelshein, 2018) adds tile after tile to a running sum and output, which are of the
 * largest logit so far, and multiplies both by exp(old maximum - new) where a tile raises it; the merge of a split
 * sequence multiplies each chunk's by exp(its maximum - the largest). Without the factor the keys of tile i count as if
 * their logits were higher, by what the maximum rises after it: by raise_i. A tile that has been summed by a maximum of
 * its own is itself multiplied by exp(its maximum - new) as it is added; without that, raise_i is how far its maximum
 * is below the largest so far. Then the sum is
 *
 *     L' = sum_i exp(raise_i) sum_(j in i) exp(s_j - max)
 *
 * and the output without its division O' in the same way. Both may lack it, and lse is then max + log L'; the output
 * alone, O' / L; or the sum alone, O / L' = truth * L / L', one number a row that lse, where there is one, has to bear
 * out to the last digit.
 *
 * Nothing of it is fitted: what is tried is how tiles may lie. Tiles of 1 to 4096 keys, from the first or from the
 * newest on; those that warps or threads take in turn, each with a maximum of its own; those of each chunk of a split
 * sequence, from its first key on. The merge of warps and chunks is right then, or it is what lacks the factor,
 * and their tiles are right. Lengths are powers of two, or multiples of 4, 8, 16 or 64 keys (key_tiles_step); chunks
 * have such a length as well, or are 2 to 64 equal parts of the sequence, in whole tiles or to the key.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/judge/cause/hypothesis.h"
#include "harness/judge/cause/key_chunks.h"
#include "harness/judge/cause/key_tiles.h"

enum {
    MERGINGS_OF_POWERS = 4096, /* predictions, at most: three of 60 ways or fewer a length that is a power of two, and
                                * of 3 ways a split in whole 16 keys */
    MERGINGS = 16384, /* with 90 of 82 other lengths, 5 of 15 splits in longer tiles, 17 of 27 to the key, 9 of 30 in
                       * which tiles begin anew: who is one of the first is one of few */
    SPLITS = 64,
    FEW_SPLITS = 16,  /* with tiles that begin anew, or of more than 16 keys */
    FEWER_SPLITS = 8, /* with tiles of a length that is no power of two */
    MOST_WARPS = 16,
    MOST_WARPS_OF_ODD = 8,
    MOST_THREADS = 128,
    LONGEST = SUSPECT_CHUNK_LEN_MIN << (SUSPECT_CHUNK_LENS - 1),
    LONGEST_OF_SPLITS = 128, /* tiles that parts of a sequence are whole numbers of */
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
    bool own;      /* MERGE_RUNNING: what lacks its factor is the tile that is added, not what is there */
};

/* ---- what tiles are taken for ---------------------------------------------------------------------------------- */

/* The tiles of one owner, from one of them on, up to end: how far the maximum rises behind each. */
static void raise_running(const struct key_tiles *tiles, int64_t first, int64_t end, const struct merging *merging)
{
    int64_t step = merging->owners, count = (end - first + step - 1) / step;
    double running = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        int64_t tile = first + step * (merging->backward ? count - 1 - i : i);
        running = larger_of(running, tiles->max[tile]);
        tiles->raise[tile] = running;
    }
    for (int64_t tile = first; tile < end; tile += step) {
        double after = tiles->raise[tile];
        tiles->raise[tile] = !(tiles->max[tile] > -INFINITY) ? 0
                             : merging->own                  ? after - tiles->max[tile]
                                                             : running - after;
    }
}

/* All tiles of a chunk, or of an owner, alike; largest: the maximum of all keys. */
static void raise_together(const struct key_tiles *tiles, int64_t first, int64_t end, const struct merging *merging,
                           double largest)
{
    double max = -INFINITY, sum = 0;
    for (int64_t tile = first; tile < end; tile += merging->owners)
        max = larger_of(max, tiles->max[tile]);
    for (int64_t tile = first; tile < end; tile += merging->owners)
        sum += factor_between(tiles->max[tile], max) * tiles->sum[tile];
    double raise = max == -INFINITY                  ? 0
                   : merging->form == MERGE_APART    ? largest - max
                   : merging->form == MERGE_AVERAGED ? largest - max - log(sum)
                                                     : -log(sum);
    for (int64_t tile = first; tile < end; tile += merging->owners)
        tiles->raise[tile] = raise;
}

static double largest_of(const struct key_tiles *tiles)
{
    double largest = -INFINITY;
    for (int64_t tile = 0; tile < tiles->count; tile++)
        largest = larger_of(largest, tiles->max[tile]);
    return largest;
}

static void fill_raises(const struct key_tiles *tiles, const struct merging *merging)
{
    int64_t in_chunk = tiles->restart > 0 || merging->chunk == 0 ? tiles->per_restart : merging->chunk / tiles->len;
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
static double attend_to_tiles(struct suspect *suspect, const struct key_tiles *tiles, int dims, double *along)
{
    int64_t all = suspect->problem->head_dim;
    double max = suspect->sink;
    for (int64_t i = 0; i < tiles->count; i++)
        if (tiles->sum[i] > 0)
            max = larger_of(max, tiles->max[i] + tiles->raise[i]);
    double sum = factor_between(suspect->sink, max);
    *along = 0;
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] = 0;
    for (int64_t i = 0; i < tiles->count; i++) {
        double weight = tiles->sum[i] > 0 ? exp(tiles->max[i] + tiles->raise[i] - max) : 0;
        sum += weight * tiles->sum[i];
        *along += weight * tiles->along[i];
        for (int d = 0; d < dims && weight > 0; d++)
            suspect->predicted[d] += weight * tiles->out[i * all + d];
    }
    *along /= sum;
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] /= sum;
    return max + log(sum);
}

/* O' / L' times a factor into suspect->predicted, key by key where tiles have no output. False: it does not match. */
static bool predict_raised(struct suspect *suspect, const struct key_tiles *tiles, double factor)
{
    double along, lse;
    if (tiles->out) {
        attend_to_tiles(suspect, tiles, suspect->problem->head_dim, &along);
        for (int d = 0; d < suspect->problem->head_dim; d++)
            suspect->predicted[d] *= factor;
        return true;
    }
    key_tiles_raise(tiles, suspect->problem->seq_len, suspect->logits);
    return suspect_predict_times(suspect, factor, &lse);
}

enum { TEXT_SIZE = 96 };

static const char *text_of(char text[TEXT_SIZE], const struct key_tiles *tiles, const struct merging *merging)
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
                  own_factor[] = "multiplied by exp(own maximum - new)",
                  apart_factor[] = "multiplied by exp(own maximum - largest)";

/* Both without their factor, in a row whose lse alone is wrong, if it is about as predicted. */
static void offer_by_lse(struct suspect *suspect, const struct key_tiles *tiles, double lse, const char *text,
                         const char *factor)
{
    if (!(fabs(suspect->lse - lse) <= fabs(suspect->lse - suspect->truth_lse) / 4))
        return;
    key_tiles_raise(tiles, suspect->problem->seq_len, suspect->logits);
    suspect_offer_logits(suspect, SIGNATURE_WRONG_MERGE, lse, "|%s: sum and output are not %s|", text, factor);
}

/* Both without their factor, the output alone, the sum alone. */
static void offer_without_factor(struct suspect *suspect, const struct key_tiles *tiles, const struct merging *merging)
{
    char text[TEXT_SIZE];
    const char *factor = merging->form != MERGE_RUNNING ? apart_factor : merging->own ? own_factor : running_factor;
    double along, lse = attend_to_tiles(suspect, tiles, 0, &along), rise = exp(lse - suspect->truth_lse);
    if (!(fabs(lse - suspect->truth_lse) > suspect_lse_rounding(suspect) / 8)) /* the maximum does not rise */
        return;
    text_of(text, tiles, merging);
    if (suspect->by_lse)
        offer_by_lse(suspect, tiles, lse, text, factor);
    else if (key_tiles_is_near(suspect, along) && predict_raised(suspect, tiles, 1))
        suspect_offer(suspect, SIGNATURE_WRONG_MERGE, false, suspect->predicted, lse, "|%s: sum and output are not %s|",
                      text, factor);
    if (key_tiles_is_near(suspect, along * rise) && predict_raised(suspect, tiles, rise))
        suspect_offer(suspect, SIGNATURE_WRONG_MERGE, false, suspect->predicted, suspect->truth_lse,
                      "|%s: the output is not %s, the sum is|", text, factor);
    for (int d = 0; d < suspect->problem->head_dim; d++)
        suspect->predicted[d] = suspect->truth[d] / rise;
    suspect->along_truth = true;
    suspect_offer(suspect, SIGNATURE_WRONG_MERGE, false, suspect->predicted, lse,
                  "|%s: the sum is not %s, the output is|", text, factor);
    suspect->along_truth = false;
}

static void try_merging(struct suspect *suspect, const struct key_tiles *tiles, struct merging merging)
{
    char text[TEXT_SIZE];
    double along;
    if (progress_cancelled(suspect->progress))
        return;
    fill_raises(tiles, &merging);
    if (merging.form == MERGE_RUNNING || merging.form == MERGE_APART) {
        offer_without_factor(suspect, tiles, &merging);
        return;
    }
    if (suspect->by_lse || suspect->sink > -INFINITY)
        return;
    double lse = attend_to_tiles(suspect, tiles, 0, &along);
    if (!key_tiles_is_near(suspect, along) || !predict_raised(suspect, tiles, 1))
        return;
    if (merging.form == MERGE_AVERAGED)
        suspect_offer(suspect, SIGNATURE_WRONG_MERGE, false, suspect->predicted, suspect->truth_lse,
                      "|%s: their outputs are averaged, whatever their weights|", text_of(text, tiles, &merging));
    else
        suspect_offer(suspect, SIGNATURE_WRONG_MERGE, false, suspect->predicted, lse,
                      "|%s: their outputs are weighed by exp(maximum), without their sums|",
                      text_of(text, tiles, &merging));
}

/* ---- how tiles lie --------------------------------------------------------------------------------------------- */

static void try_chunks(struct suspect *suspect, const struct key_tiles *tiles, int64_t len)
{
    for (enum merge_form form = MERGE_APART; form <= MERGE_BY_MAX && len < suspect->problem->seq_len; form++)
        try_merging(suspect, tiles, (struct merging){form, len, 1, false, false});
}

/* One after the other, or side by side. */
static void try_sequence(struct suspect *suspect, const struct key_tiles *tiles, int most_owners)
{
    try_merging(suspect, tiles, (struct merging){MERGE_RUNNING, 0, 1, false, false});
    try_merging(suspect, tiles, (struct merging){MERGE_RUNNING, 0, 1, true, false});
    try_merging(suspect, tiles, (struct merging){MERGE_RUNNING, 0, 1, false, true});
    for (int owners = 2; owners <= most_owners && owners < tiles->count; owners *= 2) {
        try_merging(suspect, tiles, (struct merging){MERGE_RUNNING, 0, owners, false, false});
        try_merging(suspect, tiles, (struct merging){MERGE_APART, 0, owners, false, false});
    }
}

/* Chunks of a power of two of keys, within which tiles are; of owners who have two tiles each at least. */
static void try_tiles_of_chunks(struct suspect *suspect, const struct key_tiles *tiles, int owners)
{
    for (int64_t chunk = SUSPECT_CHUNK_LEN_MIN; chunk <= LONGEST && chunk < suspect->problem->seq_len; chunk *= 2)
        if (chunk >= 2 * owners * tiles->len)
            try_merging(suspect, tiles, (struct merging){MERGE_RUNNING, chunk, owners, false, false});
}

/* Of a power of two of keys. */
static void try_tiles(struct suspect *suspect, const struct key_tiles *tiles)
{
    bool large = tiles->len >= SUSPECT_CHUNK_LEN_MIN;
    if (tiles->count < 2)
        return;
    try_sequence(suspect, tiles, tiles->len == 1 ? MOST_THREADS : MOST_WARPS);
    for (int owners = 1; owners <= (large ? MOST_WARPS / 2 : 1); owners *= 2)
        try_tiles_of_chunks(suspect, tiles, owners);
    if (large)
        try_chunks(suspect, tiles, tiles->len);
}

/* Equal parts of whole tiles, but for those of a power of two of keys, which are tried anyway. */
static void try_splits(struct suspect *suspect, const struct key_tiles *tiles, int64_t most_parts)
{
    int64_t before = 0;
    for (int64_t parts = 2; parts <= most_parts; parts++) {
        int64_t of_tiles = (tiles->count + parts - 1) / parts, len = of_tiles * tiles->len;
        if (len != before && len < suspect->problem->seq_len && ((len & (len - 1)) != 0 || len > LONGEST)) {
            if (of_tiles > 1)
                try_merging(suspect, tiles, (struct merging){MERGE_RUNNING, len, 1, false, false});
            if (tiles->len == SUSPECT_CHUNK_LEN_MIN)
                try_chunks(suspect, tiles, len);
            else
                try_merging(suspect, tiles, (struct merging){MERGE_APART, len, 1, false, false});
        }
        before = len;
    }
}

/* Tiles of len keys, a multiple of from's. */
static enum error_kind try_odd_tiles(struct suspect *suspect, const struct key_tiles *from, int64_t len,
                                     struct error *error)
{
    struct key_tiles tiles;
    enum error_kind kind = key_tiles_gather(&tiles, from, len, 0, error);
    if (!kind && tiles.count > 1) {
        try_sequence(suspect, &tiles, MOST_WARPS_OF_ODD);
        try_chunks(suspect, &tiles, len);
        try_splits(suspect, &tiles, FEWER_SPLITS);
    }
    key_tiles_clear(&tiles);
    return kind;
}

static enum error_kind try_odd_lengths(struct suspect *suspect, const struct key_tiles *from, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int64_t len = from->len; len <= LONGEST && len < suspect->problem->seq_len && !kind; len += from->len)
        if (key_tiles_step(len - 1) == from->len && (len & (len - 1)) != 0)
            kind = try_odd_tiles(suspect, from, len, error);
    return kind;
}

/* Tiles of len keys and of powers of two above that begin anew with each chunk. */
static enum error_kind try_tiles_anew(struct suspect *suspect, const struct key_tiles *from, int64_t len, int64_t chunk,
                                      bool running, struct error *error)
{
    struct key_tiles tiles;
    enum error_kind kind = key_tiles_gather(&tiles, from, len, chunk, error);
    if (!kind && len == SUSPECT_CHUNK_LEN_MIN)
        try_chunks(suspect, &tiles, chunk);
    if (!kind && running)
        try_merging(suspect, &tiles, (struct merging){MERGE_RUNNING, chunk, 1, false, false});
    if (!kind && running && 2 * len <= LONGEST_OF_SPLITS && 2 * len < chunk)
        kind = try_tiles_anew(suspect, &tiles, 2 * len, chunk, true, error);
    key_tiles_clear(&tiles);
    return kind;
}

/* Equal parts of whole tiles of from's length, that of keys, 16 or 32, in which longer tiles begin anew. */
static enum error_kind try_parts(struct suspect *suspect, const struct key_tiles *from, struct error *error)
{
    const bool to_the_key = from->len == 1;
    const int64_t len = to_the_key ? SUSPECT_CHUNK_LEN_MIN : 2 * from->len;
    enum error_kind kind = ERROR_NONE;
    for (int64_t parts = 2; parts <= SPLITS && !kind; parts += parts < FEW_SPLITS ? 1 : 4) {
        int64_t chunk = (from->count + parts - 1) / parts * from->len;
        if (chunk > len && chunk % len != 0 && (to_the_key || parts <= FEW_SPLITS))
            kind = try_tiles_anew(suspect, from, len, chunk, parts <= FEW_SPLITS, error);
    }
    return kind;
}

/* What tiles of a power of two of keys make up. */
static enum error_kind try_made_of(struct suspect *suspect, const struct key_tiles *tiles, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    if (tiles->len == SUSPECT_CHUNK_LEN_MIN)
        try_splits(suspect, tiles, SPLITS);
    suspect->choices = MERGINGS;
    if (tiles->len == 1 || tiles->len == 16 || tiles->len == 32)
        kind = try_parts(suspect, tiles, error);
    if (!kind && tiles->len > SUSPECT_CHUNK_LEN_MIN && tiles->len <= LONGEST_OF_SPLITS)
        try_splits(suspect, tiles, FEW_SPLITS);
    if (!kind)
        kind = try_odd_lengths(suspect, tiles, error);
    suspect->choices = MERGINGS_OF_POWERS;
    return kind;
}

static enum error_kind try_all(struct suspect *suspect, struct error *error)
{
    struct key_tiles tiles;
    struct key_chunks chunks = {.count = 0};
    enum error_kind kind = key_tiles_init(&tiles, suspect, error);
    while (!kind && tiles.len <= LONGEST) {
        if (tiles.len == SUSPECT_CHUNK_LEN_MIN)
            kind = key_chunks_init(&chunks, suspect, error);
        tiles.out = chunks.out;
        if (!kind) {
            try_tiles(suspect, &tiles);
            kind = try_made_of(suspect, &tiles, error);
        }
        if (!kind && chunks.out)
            key_chunks_double(&chunks, suspect->problem->head_dim);
        if (!kind)
            key_tiles_double(&tiles);
    }
    key_chunks_clear(&chunks);
    key_tiles_clear(&tiles);
    return kind;
}

enum error_kind hypothesis_merge(struct suspect *suspect, struct error *error)
{
    if (suspect->visible < 2)
        return ERROR_NONE;
    enum error_kind kind = suspect_need_keys(suspect, suspect->kv_head, error);
    suspect->choices = MERGINGS_OF_POWERS;
    if (!kind)
        kind = try_all(suspect, error);
    suspect->choices = SUSPECT_CHOICES;
    return kind;
}
