/*
 * k, v or both of the tile before, in one tile of keys or, of one of the two, in all: what a kernel reads that takes a
 * tile from its buffer before the copy into it is done, or the buffer of the other stage. A key j of a tile of len keys
 * is read at j - len, and keeps its own bias. With w_j its weight, w'_j that by the k which is read, v'_j the v,
 *
 *     out = (sum of w v + sum over the tile of w' v' - w v) / (sum of w + sum over the tile of w' - w)
 *
 * Nothing is fitted, but which tile it is, which is one of many. Of one key or two another value may be anything, as
 * two that are exchanged: three keys of the tile have to show, each by more than rounding.
 */
#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/hypothesis.h"

enum { KEYS_THAT_SHOW = 3, SCREENED = 16 };

/* Tiles of keys: powers of two, and those between them of FlashAttention-3 (hopper/tile_size.h), and 48. */
static const int64_t lens[] = {4, 8, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 512};

enum stale_part { STALE_V, STALE_K, STALE_BOTH, STALE_COUNT };

static const char *const parts[STALE_COUNT] = {"v", "k", "k and v"};

/* Keys [first, end), read len places before their own. */
struct stale {
    enum stale_part part;
    int64_t len, first, end;
};

/* What they add: to the sum of weights, and to that of weighted values. */
struct added {
    double weight, out[PROBLEM_MAX_DIM];
};

static double weight_by(const struct suspect *suspect, int64_t key, int64_t place)
{
    double logit = suspect_capped(suspect, suspect->dots[place] + suspect_bias(suspect, key));
    return suspect_visible(suspect, key) ? exp(logit - suspect->max) : 0;
}

static double weight_read(const struct suspect *suspect, const struct stale *stale, int64_t key)
{
    return weight_by(suspect, key, stale->part == STALE_V ? key : key - stale->len);
}

static void add_weights(struct added *added, const struct suspect *suspect, const struct stale *stale)
{
    added->weight = 0;
    for (int64_t j = stale->first; j < stale->end && stale->part != STALE_V; j++)
        added->weight += weight_read(suspect, stale, j) - weight_by(suspect, j, j);
}

static void add_value(struct added *added, struct suspect *suspect, int64_t place, double weight, int dims)
{
    weight *= problem_value_scale(suspect->problem);
    if (weight == 0)
        return;
    suspect_read_value(suspect, place, dims);
    for (int d = 0; d < dims; d++)
        added->out[d] += weight * (double)suspect->row[d];
}

/* Elements below dims. */
static void add_values(struct added *added, struct suspect *suspect, const struct stale *stale, int dims)
{
    for (int d = 0; d < dims; d++)
        added->out[d] = 0;
    for (int64_t j = stale->first; j < stale->end; j++) {
        add_value(added, suspect, stale->part == STALE_K ? j : j - stale->len, weight_read(suspect, stale, j), dims);
        add_value(added, suspect, j, -weight_by(suspect, j, j), dims);
    }
}

/* Into suspect->predicted; the rms that it leaves of these elements. */
static double predict(struct suspect *suspect, const struct stale *stale, struct added *added, int dims)
{
    add_values(added, suspect, stale, dims);
    for (int d = 0; d < dims; d++)
        suspect->predicted[d] = (suspect->truth[d] * suspect->sum + added->out[d]) / (suspect->sum + added->weight);
    return suspect_rms(suspect, suspect->predicted, dims);
}

/* Keys whose share of out is another one, by more than rounding shows. */
static bool enough_show(struct suspect *suspect, const struct stale *stale)
{
    const int dims = suspect->problem->head_dim;
    const double least = 8 * suspect->noise * suspect->sum;
    int count = 0;
    for (int64_t j = stale->first; j < stale->end && count < KEYS_THAT_SHOW; j++) {
        const struct stale one = {stale->part, stale->len, j, j + 1};
        struct added added;
        double squares = 0;
        add_weights(&added, suspect, &one);
        add_values(&added, suspect, &one, dims);
        for (int d = 0; d < dims; d++) {
            double moved = added.out[d] - added.weight * suspect->truth[d];
            squares += moved * moved;
        }
        count += sqrt(squares / dims) > least;
    }
    return count >= KEYS_THAT_SHOW;
}

static void offer(struct suspect *suspect, const struct stale *stale, double lse, bool all)
{
    char keys[64] = "each tile";
    if (!all)
        snprintf(keys, sizeof keys, "keys %lld to %lld", (long long)stale->first, (long long)stale->end - 1);
    suspect->remedy = "Wait for the copy of a tile before it is read, and read the buffer that it went to.";
    suspect_offer(suspect, SIGNATURE_MISPLACED_KEYS, false, suspect->predicted, lse,
                  "|%s of %s are those of the %lld before|", parts[stale->part], keys, (long long)stale->len);
    suspect->remedy = NULL;
}

static void try_keys(struct suspect *suspect, const struct stale *stale, bool all)
{
    const int dims = suspect->problem->head_dim, screened = dims < SCREENED ? dims : SCREENED;
    struct added added;
    add_weights(&added, suspect, stale);
    const double lse = suspect->truth_lse + log1p(added.weight / suspect->sum);
    if (!isfinite(lse) || !(suspect->lse_unknown || suspect_lse_is(suspect, lse)))
        return;
    double err = suspect_rms(suspect, suspect->truth, screened);
    if (err >= suspect->error / 4 && !(predict(suspect, stale, &added, screened) <= err / 2))
        return;
    if (predict(suspect, stale, &added, dims) <= suspect->error / 4 && enough_show(suspect, stale))
        offer(suspect, stale, lse, all);
}

/* Each tile of the length but the first, which has none before it, and all of these. */
static void try_tiles(struct suspect *suspect, enum stale_part part, int64_t len)
{
    const int64_t keys = suspect->problem->seq_len;
    for (int64_t first = len; first < keys; first += len)
        try_keys(suspect, &(struct stale){part, len, first, first + len < keys ? first + len : keys}, false);
    if (part != STALE_BOTH && 2 * len < keys)
        try_keys(suspect, &(struct stale){part, len, len, keys}, true);
}

enum error_kind hypothesis_stale(struct suspect *suspect, struct error *error)
{
    if (suspect->visible <= KEYS_THAT_SHOW || suspect->by_lse)
        return ERROR_NONE;
    enum error_kind kind = suspect_need_keys(suspect, suspect->kv_head, error);
    if (kind)
        return kind;
    suspect->choices = fmax(SUSPECT_CHOICES, 2 * (double)suspect->problem->seq_len); /* sum of 3 / len is 1.7 */
    for (size_t i = 0; i < sizeof lens / sizeof *lens && lens[i] < suspect->problem->seq_len; i++)
        for (enum stale_part part = 0; part < STALE_COUNT; part++)
            if (part != STALE_V || suspect->lse_unknown || suspect_lse_is(suspect, suspect->truth_lse))
                try_tiles(suspect, part, lens[i]);
    suspect->choices = SUSPECT_CHOICES;
    return ERROR_NONE;
}
