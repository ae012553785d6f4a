/* Attention over some of the visible keys: all but the newest, all but the oldest, all but the lightest. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/judge/cause/hypothesis.h"

/* A softmax that grows key by key, from a learned sink on where there is one; its largest weight is kept at 1, so that
 * no order of keys underflows. */
struct growing {
    double max, sum;
    double *out; /* [D] not divided */
};

static void grow(struct growing *growing, struct suspect *suspect, int64_t key, double logit)
{
    int dims = suspect->problem->head_dim;
    if (logit > growing->max) {
        double factor = exp(growing->max - logit);
        growing->sum *= factor;
        for (int d = 0; d < dims; d++)
            growing->out[d] *= factor;
        growing->max = logit;
    }
    double weight = exp(logit - growing->max);
    suspect_read_value(suspect, key, dims);
    growing->sum += weight;
    for (int d = 0; d < dims; d++)
        growing->out[d] += weight * (double)suspect->row[d];
}

static double divisor(const struct growing *growing, const struct suspect *suspect)
{
    return problem_value_scale(suspect->problem) / growing->sum;
}

/* Sum of (out - so far)^2, given up once it exceeds limit. */
static double squares_below(const struct suspect *suspect, const struct growing *growing, double limit)
{
    double squares = 0, factor = divisor(growing, suspect);
    for (int d = 0; d < suspect->problem->head_dim && squares <= limit; d++) {
        double left = suspect->out[d] - growing->out[d] * factor;
        squares += left * left;
    }
    return squares;
}

/* Goes through keys in some order and finds after how many of them the softmax so far is closest to out. */
struct search {
    int64_t count; /* keys taken at the best place; 0: nowhere within reach */
    double squares, lse;
    double *predicted; /* [D] there */
};

static void look(struct search *search, const struct suspect *suspect, const struct growing *growing, int64_t count)
{
    double squares = squares_below(suspect, growing, search->squares);
    if (!(squares < search->squares))
        return;
    double factor = divisor(growing, suspect);
    search->count = count;
    search->squares = squares;
    search->lse = growing->max + log(growing->sum);
    for (int d = 0; d < suspect->problem->head_dim; d++)
        search->predicted[d] = growing->out[d] * factor;
}

/* A visible key and its logit; sorted by logit, highest first, then newest first. */
struct weighed_key {
    double logit;
    int64_t key;
};

static int compare_weighed_keys(const void *left, const void *right)
{
    const struct weighed_key *a = left, *b = right;
    if (a->logit != b->logit)
        return a->logit < b->logit ? 1 : -1;
    return (a->key < b->key) - (a->key > b->key);
}

/* Through keys[0], keys[step], ..., the last one left out. */
static void search_keys(struct search *search, struct growing *growing, struct suspect *suspect,
                        const struct weighed_key *keys, int64_t first, int64_t step)
{
    int dims = suspect->problem->head_dim;
    *growing = (struct growing){.max = suspect->sink, .sum = suspect->sink > -INFINITY, .out = growing->out};
    for (int d = 0; d < dims; d++)
        growing->out[d] = 0;
    search->count = 0;
    search->squares = suspect->error * suspect->error / 16 * dims;
    for (int64_t i = 0; i + 1 < suspect->visible; i++) {
        const struct weighed_key *key = &keys[first + i * step];
        grow(growing, suspect, key->key, key->logit);
        look(search, suspect, growing, i + 1);
    }
}

/* Whether a visible key that is missing alone would move out by what rounding leaves, or lse by more than it is rounded
 * by. */
static bool would_show(struct suspect *suspect, const struct weighed_key *key)
{
    const double weight = exp(key->logit - suspect->max) / suspect->sum;
    double squares = 0;
    if (!suspect->lse_unknown && weight > suspect_lse_rounding(suspect))
        return true;
    suspect_read_value(suspect, key->key, suspect->problem->head_dim);
    for (int d = 0; d < suspect->problem->head_dim; d++) {
        double moved = weight * (problem_value_scale(suspect->problem) * (double)suspect->row[d] - suspect->truth[d]);
        squares += moved * moved;
    }
    return squares > suspect->noise * suspect->noise;
}

enum { SHARE_SIZE = 96 };

/* "29 of 69 visible ones, of which 1 would show": how many of so many keys from `first` on are known to be missing. The
 * others, too light to show, only lie on the same side. */
static const char *say_share(char text[SHARE_SIZE], struct suspect *suspect, const struct weighed_key *first,
                             int64_t missing, const char *of_visible)
{
    int64_t shown = 0;
    for (int64_t i = 0; i < missing; i++)
        shown += would_show(suspect, &first[i]);
    int used =
        snprintf(text, SHARE_SIZE, "%lld of %lld %s", (long long)missing, (long long)suspect->visible, of_visible);
    if (shown > 0 && shown < missing)
        snprintf(text + used, SHARE_SIZE - (size_t)used, ", of which %lld would show", (long long)shown);
    return text;
}

static void offer_ends(struct suspect *suspect, struct search *search, struct growing *growing,
                       const struct weighed_key *keys)
{
    const struct problem *problem = suspect->problem;
    char share[SHARE_SIZE];
    search_keys(search, growing, suspect, keys, 0, 1);
    if (search->count > 0)
        suspect_offer(
            suspect, SIGNATURE_DROPPED_KEYS, true, search->predicted, search->lse,
            "|the newest keys are missing: key %lld| and newer, %s", (long long)keys[search->count].key,
            say_share(share, suspect, &keys[search->count], suspect->visible - search->count, "visible ones"));
    search_keys(search, growing, suspect, keys, suspect->visible - 1, -1);
    if (search->count > 0)
        suspect_offer(suspect, SIGNATURE_DROPPED_KEYS, true, search->predicted, search->lse,
                      "|keys older than %lld missing|, %s",
                      (long long)-problem_distance(problem, keys[suspect->visible - search->count].key),
                      say_share(share, suspect, keys, suspect->visible - search->count, "visible ones"));
}

static void offer_lightest(struct suspect *suspect, struct search *search, struct growing *growing,
                           const struct weighed_key *sorted)
{
    char share[SHARE_SIZE];
    search_keys(search, growing, suspect, sorted, 0, 1);
    if (search->count > 0)
        suspect_offer(suspect, SIGNATURE_DROPPED_KEYS, true, search->predicted, search->lse,
                      "|keys with a logit of| %.6g or less missing, exp(%.4g) of the largest weight, %s",
                      sorted[search->count].logit, sorted[search->count].logit - suspect->max,
                      say_share(share, suspect, &sorted[search->count], suspect->visible - search->count, "visible"));
}

enum error_kind hypothesis_keys(struct suspect *suspect, struct error *error)
{
    const struct problem *problem = suspect->problem;
    size_t visible = (size_t)suspect->visible, dim = (size_t)problem->head_dim;
    if (visible < 2 || suspect->by_lse || suspect_lse_rose(suspect)) /* fewer keys have a lower lse */
        return ERROR_NONE;
    enum error_kind kind = ERROR_NONE;
    struct weighed_key *keys = malloc(visible * sizeof *keys);
    struct growing growing = {.out = malloc(dim * sizeof(double))};
    struct search search = {.predicted = malloc(dim * sizeof(double))};
    if (!keys || !growing.out || !search.predicted) {
        kind = error_memory(error, "a head's signature", (double)(visible * sizeof *keys));
        goto out;
    }
    int64_t count = 0;
    for (int64_t j = 0; j < problem->seq_len; j++)
        if (suspect_visible(suspect, j))
            keys[count++] = (struct weighed_key){suspect_logit(suspect, j), j};
    offer_ends(suspect, &search, &growing, keys);
    if (!suspect_is_settled(suspect) || suspect->best.signature == SIGNATURE_DROPPED_KEYS) {
        qsort(keys, visible, sizeof *keys, compare_weighed_keys);
        offer_lightest(suspect, &search, &growing, keys);
    }

out:
    free(search.predicted);
    free(growing.out);
    free(keys);
    return kind;
}
