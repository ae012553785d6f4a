/*
 * Keys that are counted twice, or not at all, where parts of a sequence meet: each part is attended to as is right, and
 * merged as is right, but its bounds are not those that its neighbours have.
 *
 * Part c of P keys has the keys [begin_c, end_c) in place of [c P, (c + 1) P), so that key j counts n_j times:
 *
 *     L' = sum_j n_j exp(s_j - max),  O' = sum_j n_j exp(s_j - max) v_j,  out = O' / L',  lse = max + log L'
 *
 * Nothing of it is fitted, but for a number of keys at an end. What is tried is an end that is taken for one that
 * belongs to the part, as `<=` for `<` does, or a tile more; keys that each part lacks at its end or its beginning;
 * bounds that are rounded to pages, down, up, or each number by itself, where pages do not divide parts; and the first
 * or newest keys of all, counted twice, as where they are kept elsewhere too, or where an index beyond the end is taken
 * for the last.
 *
 * Pages that are no power of two of keys may be worked on as if they were: slots that make them one have k and v of 0,
 * and where they carry weight it is that of the bias that a key with their index has. They are a sink to O'.
 *
 * A prediction costs a difference of two sums for each part: weights, and values along the error of the row, are added
 * up once.
 */
#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/hypothesis.h"
#include "harness/judge/cause/key_tiles.h"

enum {
    WAYS = 16384, /* predictions, at most: 48 of 120 lengths, 4 of 64 pages and 9 lengths, 200 of the ends */
    SPLITS = 64,
    FEW_SPLITS = 16,
    SHORTEST = 16,
    LONGEST = 4096,
    MOST_KEYS = 128, /* that two parts share or lack, a power of two */
};

/* What is wrong about bounds. */
enum bounds {
    FIRST_SHARED,  /* a part takes the first keys of the next one as well */
    LAST_SHARED,   /* a part takes the last keys of the one before as well */
    LAST_LOST,     /* a part lacks its last keys, but for the last part */
    LAST_LOST_ALL, /* that as well */
    FIRST_LOST,
    FIRST_LOST_ALL,
    PAGE_SHARED, /* begins are rounded down to pages, ends up */
    PAGE_LOST,   /* begins are rounded up, ends down */
    PAGES_OWN,   /* part c begins at page c * (P / page), and has as many as its keys fill */
    PAGES_OWN_PADDED,
    PAGES_PADDED, /* no parts, and no bounds that are wrong */
    OLDEST_TWICE,
    NEWEST_TWICE,
    LAST_AGAIN, /* the newest key stands for keys beyond the end of a tile */
};

struct way {
    enum bounds bounds;
    int64_t len;  /* of a part, or of a tile */
    int64_t keys; /* that are shared or lost; of a page; of the ends */
};

/* What keys [begin, end) weigh, and have along the error, as sums of those before. */
struct sums {
    const struct key_tiles *keys;
    const double *slots; /* what slots with k of 0 weigh, by their index; the room of the keys' maxima */
    double all, sink;    /* weights */
};

struct span {
    int64_t begin, end;
};

static int64_t within(int64_t key, int64_t keys)
{
    return key < 0 ? 0 : key > keys ? keys : key;
}

static int64_t rounded_up(int64_t key, int64_t page)
{
    return (key + page - 1) / page * page;
}

/* Part number part; one more than the last: the keys that are counted once more. */
static struct span span_of(const struct way *way, int64_t part, int64_t keys)
{
    int64_t len = way->len, some = way->keys, begin = part * len, end = within(begin + len, keys);
    bool first = part == 0, last = end == keys;
    switch (way->bounds) {
    case FIRST_SHARED:
        return (struct span){begin, end + some};
    case LAST_SHARED:
        return (struct span){first ? 0 : begin - some, end};
    case LAST_LOST:
        return (struct span){begin, last ? keys : end - some};
    case LAST_LOST_ALL:
        return (struct span){begin, end - some};
    case FIRST_LOST:
        return (struct span){first ? 0 : begin + some, end};
    case FIRST_LOST_ALL:
        return (struct span){begin + some, end};
    case PAGE_SHARED:
        return (struct span){begin / some * some, rounded_up(end, some)};
    case PAGE_LOST:
        return (struct span){rounded_up(begin, some), last ? keys : end / some * some};
    case PAGES_OWN:
    case PAGES_OWN_PADDED:
        return (struct span){part * (len / some) * some, part * (len / some) * some + rounded_up(end - begin, some)};
    case PAGES_PADDED:
        return (struct span){0, keys};
    case OLDEST_TWICE:
        return (struct span){0, first ? keys : some};
    case NEWEST_TWICE:
        return (struct span){first ? 0 : keys - some, keys};
    case LAST_AGAIN:
        return (struct span){first ? 0 : keys - 1, keys};
    }
    return (struct span){0, keys};
}

static int64_t parts_of(const struct way *way, int64_t keys)
{
    return way->bounds == LAST_AGAIN     ? 1 + rounded_up(keys, way->len) - keys
           : way->bounds >= OLDEST_TWICE ? 2
           : way->bounds == PAGES_PADDED ? 1
                                         : (keys + way->len - 1) / way->len;
}

static struct span clipped(const struct way *way, int64_t part, int64_t keys)
{
    struct span span = span_of(way, part, keys);
    span.begin = within(span.begin, keys);
    span.end = within(span.end, keys);
    return span.begin < span.end ? span : (struct span){0, 0};
}

/* Of keys before one. */
static double sum_before(const double *sums, int64_t key)
{
    return key > 0 ? sums[key - 1] : 0;
}

/* What the slots weigh that make pages a power of two. */
static double weigh_slots(const struct sums *sums, const struct way *way)
{
    int64_t keys = sums->keys->count, page = way->keys, padded = 1;
    double sum = 0;
    if (way->bounds != PAGES_OWN_PADDED && way->bounds != PAGES_PADDED)
        return 0;
    while (padded < page)
        padded *= 2;
    for (int64_t part = 0; part < parts_of(way, keys); part++) {
        struct span span = clipped(way, part, keys);
        for (int64_t first = span.begin; first < span.end; first += page)
            sum += sum_before(sums->slots, within(first + padded, keys)) -
                   sum_before(sums->slots, within(first + page, keys));
    }
    return sum;
}

/* L' / L, and O' / L' along the error. */
static double weigh(const struct sums *sums, const struct way *way, double *along)
{
    const struct key_tiles *keys = sums->keys;
    double sum = sums->sink + weigh_slots(sums, way), out = 0;
    for (int64_t part = 0; part < parts_of(way, keys->count); part++) {
        struct span span = clipped(way, part, keys->count);
        sum += sum_before(keys->sum, span.end) - sum_before(keys->sum, span.begin);
        out += sum_before(keys->along, span.end) - sum_before(keys->along, span.begin);
    }
    *along = out / sum;
    return sum / sums->all;
}

/* How often each key counts into keys->raise, its logit into suspect->logits. */
static void count_keys(struct suspect *suspect, const struct key_tiles *keys, const struct way *way)
{
    for (int64_t j = 0; j < keys->count; j++)
        keys->raise[j] = 0;
    for (int64_t part = 0; part < parts_of(way, keys->count); part++) {
        struct span span = clipped(way, part, keys->count);
        for (int64_t j = span.begin; j < span.end; j++)
            keys->raise[j]++;
    }
    for (int64_t j = 0; j < keys->count; j++)
        suspect->logits[j] = keys->raise[j] > 0 ? keys->logits[j] + log(keys->raise[j]) : -INFINITY;
}

/*
 * What it is that shows, by the weight that it moves: keys that count more than once, or those that are lost between
 * parts. Unknown where it is no more than keys lost at an end of the sequence, which other faults lose as well. Slots
 * behind pages that show alone second what other rows show, of pages that begin where parts do; by themselves they are
 * as much those of pages without parts.
 */
static enum signature what_shows(const struct suspect *suspect, const struct sums *sums, const struct way *way,
                                 bool *seconds)
{
    const struct key_tiles *keys = sums->keys;
    double doubled = 0, lost = 0, at_ends = 0, slots = weigh_slots(sums, way);
    int64_t first = 0, last = keys->count - 1;
    while (first < keys->count && keys->raise[first] == 0)
        first++;
    while (last >= first && keys->raise[last] == 0)
        last--;
    for (int64_t j = 0; j < keys->count; j++) {
        double weight = keys->logits[j] > -INFINITY ? exp(keys->logits[j] - suspect->max) : 0;
        if (j < first || j > last)
            at_ends += weight;
        else if (keys->raise[j] == 0)
            lost += weight;
        else
            doubled += (keys->raise[j] - 1) * weight;
    }
    double least = fmax(1.0 / 16, 8 * suspect->noise / suspect->error) * (doubled + lost + at_ends + slots);
    *seconds = doubled < least && slots >= least;
    return doubled >= least || slots >= least ? SIGNATURE_DOUBLED_KEYS
           : lost >= least                    ? SIGNATURE_DROPPED_KEYS
                                              : SIGNATURE_UNKNOWN;
}

enum { TEXT_SIZE = 160 };

static void say(char text[TEXT_SIZE], const struct way *way, int64_t keys)
{
    static const char own[] = "each begins at a multiple of the whole pages that fit into one";
    static const struct {
        const char *before, *after;
    } texts[] = {
        [FIRST_SHARED] = {"the first", "of each are counted in the one before as well"},
        [LAST_SHARED] = {"the last", "of each are counted in the next one as well"},
        [LAST_LOST] = {"the last", "of each but the last are missing"},
        [LAST_LOST_ALL] = {"the last", "of each are missing"},
        [FIRST_LOST] = {"the first", "of each but the first are missing"},
        [FIRST_LOST_ALL] = {"the first", "of each are missing"},
        [PAGE_SHARED] = {"pages of", "where two meet are counted in both"},
        [PAGE_LOST] = {"pages of", "where two meet are in neither"},
        [PAGES_OWN] = {"with pages of", own},
        [PAGES_OWN_PADDED] = {"with pages of", own},
    };
    if (way->bounds < PAGES_PADDED)
        snprintf(text, TEXT_SIZE, "parts of %lld keys: %s %lld %s%s", (long long)way->len, texts[way->bounds].before,
                 (long long)way->keys, texts[way->bounds].after,
                 way->bounds == PAGES_OWN_PADDED ? ", and slots behind each page carry weight" : "");
    else if (way->bounds == PAGES_PADDED)
        snprintf(text, TEXT_SIZE,
                 "slots without a key behind pages of %lld, which make them a power of two, carry weight",
                 (long long)way->keys);
    else if (way->bounds == LAST_AGAIN)
        snprintf(text, TEXT_SIZE, "the newest key is counted %lld times, for keys beyond it in a tile of %lld",
                 (long long)parts_of(way, keys), (long long)way->len);
    else
        snprintf(text, TEXT_SIZE, "the %s %lld keys are counted twice",
                 way->bounds == OLDEST_TWICE ? "oldest" : "newest", (long long)way->keys);
}

/* The truth without what the slots behind pages take: one number a row. */
static void offer_padded(struct suspect *suspect, double share, const char *text)
{
    for (int d = 0; d < suspect->problem->head_dim; d++)
        suspect->predicted[d] = suspect->truth[d] / share;
    suspect->along_truth = true;
    suspect_offer(suspect, SIGNATURE_LEAK, false, suspect->predicted, suspect->truth_lse + log(share), "|%s|", text);
    suspect->along_truth = false;
}

/* fitted: the number of keys was looked for. */
static void offer_way(struct suspect *suspect, const struct sums *sums, struct way way, bool fitted)
{
    double along, share = weigh(sums, &way, &along), lse, sink = suspect->sink;
    char text[TEXT_SIZE];
    if (!(share > 0x1p-20 && share < 0x1p512) || !key_tiles_is_near(suspect, along))
        return;
    say(text, &way, sums->keys->count);
    if (way.bounds == PAGES_PADDED) {
        offer_padded(suspect, share, text);
        return;
    }
    count_keys(suspect, sums->keys, &way);
    enum signature signature = what_shows(suspect, sums, &way, &suspect->seconds);
    if (signature == SIGNATURE_UNKNOWN) /* and seconds nothing */
        return;
    double empty = weigh_slots(sums, &way) + sums->sink;
    suspect->sink = empty > 0 ? suspect->max + log(empty) : -INFINITY;
    if (suspect_predict(suspect, &lse))
        suspect_offer(suspect, signature, fitted, suspect->predicted, lse, "|%s|", text);
    suspect->seconds = false;
    suspect->sink = sink;
}

static void try_way(struct suspect *suspect, const struct sums *sums, struct way way)
{
    offer_way(suspect, sums, way, false);
}

/* ---- the ways -------------------------------------------------------------------------------------------------- */

static void try_parts(struct suspect *suspect, const struct sums *sums, int64_t len)
{
    if (len >= sums->keys->count)
        return;
    for (int64_t keys = 1; keys <= MOST_KEYS && 2 * keys <= len; keys *= 2)
        for (enum bounds bounds = FIRST_SHARED; bounds <= FIRST_LOST_ALL; bounds++)
            try_way(suspect, sums, (struct way){bounds, len, keys});
}

/* Pages that do not divide parts. */
static void try_pages(struct suspect *suspect, const struct sums *sums, int64_t len)
{
    if (len >= sums->keys->count)
        return;
    for (int64_t page = 4; page < len && page <= 512; page += key_tiles_step(page))
        for (enum bounds bounds = PAGE_SHARED; bounds <= PAGES_OWN_PADDED && len % page != 0; bounds++)
            try_way(suspect, sums, (struct way){bounds, len, page});
}

static void try_padding(struct suspect *suspect, const struct sums *sums)
{
    for (int64_t page = 12; page <= 512 && page < sums->keys->count; page += key_tiles_step(page))
        if ((page & (page - 1)) != 0)
            try_way(suspect, sums, (struct way){PAGES_PADDED, 0, page});
}

static void try_lengths(struct suspect *suspect, const struct sums *sums)
{
    for (int64_t len = SHORTEST; len <= LONGEST; len += key_tiles_step(len)) {
        try_parts(suspect, sums, len);
        if ((len & (len - 1)) == 0)
            try_pages(suspect, sums, len);
    }
}

/* Equal parts to the key, or in whole tiles that are longer than LONGEST. */
static void try_splits(struct suspect *suspect, const struct sums *sums)
{
    int64_t keys = sums->keys->count;
    for (int64_t parts = 2; parts <= SPLITS; parts += parts < FEW_SPLITS ? 1 : 4) {
        int64_t len = (keys + parts - 1) / parts;
        if (len < SHORTEST)
            return;
        try_parts(suspect, sums, len);
        for (int64_t page = SHORTEST; page <= MOST_KEYS && page < len; page *= 2) {
            if (len % page != 0)
                try_way(suspect, sums, (struct way){PAGE_SHARED, len, page});
            if (len > LONGEST)
                try_parts(suspect, sums, rounded_up(len, page));
        }
    }
}

static void try_ends(struct suspect *suspect, const struct sums *sums)
{
    int64_t keys = sums->keys->count;
    for (int64_t some = 1; some < keys && some <= MOST_KEYS; some += some < SHORTEST ? 1 : SHORTEST) {
        try_way(suspect, sums, (struct way){OLDEST_TWICE, keys, some});
        try_way(suspect, sums, (struct way){NEWEST_TWICE, keys, some});
    }
    for (int64_t len = 8; len <= 512; len *= 2) {
        int64_t in_last = keys - (keys - 1) / len * len;
        if (in_last > SHORTEST && in_last < keys)
            try_way(suspect, sums, (struct way){NEWEST_TWICE, keys, in_last});
        if (in_last < len - 1)
            try_way(suspect, sums, (struct way){LAST_AGAIN, len, 1});
    }
}

/* What an end of the sequence has: its weight, and values times weights; and what is nearest to the row with it twice.
 */
struct end {
    double sum, values[PROBLEM_MAX_DIM];
    int64_t nearest; /* keys */
    double least;    /* squares of what it leaves */
};

/* The end's keys once more beside all of them. */
static void count_end_twice(struct end *end, const struct suspect *suspect, const struct sums *sums, int64_t keys)
{
    double squares = 0;
    for (int d = 0; d < suspect->problem->head_dim; d++) {
        double out = (suspect->truth[d] * sums->all + end->values[d]) / (sums->all + end->sum);
        squares += (suspect->out[d] - out) * (suspect->out[d] - out);
    }
    if (squares < end->least) {
        end->least = squares;
        end->nearest = keys;
    }
}

/* Any number of keys of an end, the one that is nearest to the row: a prefix, or a window, that two levels of a cache
 * have. */
static void try_any_end(struct suspect *suspect, const struct sums *sums, enum bounds bounds)
{
    const int64_t keys = sums->keys->count;
    const double scale = problem_value_scale(suspect->problem);
    struct end end = {.least = INFINITY};
    for (int64_t some = 1; some < keys; some++) {
        int64_t key = bounds == OLDEST_TWICE ? some - 1 : keys - some;
        double weight = sum_before(sums->keys->sum, key + 1) - sum_before(sums->keys->sum, key);
        if (!(weight > 0))
            continue;
        suspect_read_value(suspect, key, suspect->problem->head_dim);
        end.sum += weight;
        for (int d = 0; d < suspect->problem->head_dim; d++)
            end.values[d] += weight * scale * (double)suspect->row[d];
        count_end_twice(&end, suspect, sums, some);
    }
    if (end.nearest > 0)
        offer_way(suspect, sums, (struct way){bounds, keys, end.nearest}, true);
}

/* Weights, and what values have along the error, become sums of those before and its own. */
static struct sums add_up(struct suspect *suspect, struct key_tiles *keys)
{
    double sum = 0, along = 0, slots = 0;
    for (int64_t j = 0; j < keys->count; j++) {
        double weight = keys->sum[j] > 0 ? exp(keys->logits[j] - suspect->max) : 0;
        keys->sum[j] = sum += weight;
        keys->along[j] = along += weight * keys->along[j];
        keys->max[j] = slots +=
            keys->logits[j] > -INFINITY ? exp(suspect_capped(suspect, suspect_bias(suspect, j)) - suspect->max) : 0;
    }
    double sink = suspect->sink > -INFINITY ? exp(suspect->sink - suspect->max) : 0;
    return (struct sums){keys, keys->max, sum + sink, sink};
}

enum error_kind hypothesis_doubled(struct suspect *suspect, struct error *error)
{
    struct key_tiles keys;
    if (suspect->visible < 2 || suspect->by_lse) /* of so many ways some have an lse that is one number */
        return ERROR_NONE;
    enum error_kind kind = suspect_need_keys(suspect, suspect->kv_head, error);
    if (kind)
        return kind;
    kind = key_tiles_init(&keys, suspect, error);
    if (!kind) {
        const struct sums sums = add_up(suspect, &keys);
        suspect->choices = WAYS;
        try_ends(suspect, &sums); /* first: where parts look like them, theirs is the shorter account */
        try_lengths(suspect, &sums);
        try_splits(suspect, &sums);
        try_padding(suspect, &sums);
        try_any_end(suspect, &sums, OLDEST_TWICE);
        try_any_end(suspect, &sums, NEWEST_TWICE);
        suspect->choices = SUSPECT_CHOICES;
    }
    key_tiles_clear(&keys);
    return kind;
}
