/*
 * Some keys, wherever they are, that are counted twice, or not at all, in a softmax that is right otherwise: pages that
 * a table has twice, keys that two lists have. With w_j the share of weight that key j has in the truth and sign 1 of
 * keys that are counted twice, -1 of those that are missing,
 *
 *     a_j = sign w_j (v_j - out),   out - truth = sum of a_j over these keys,   lse = truth + log(1 + sign sum of w_j)
 *
 * No number is fitted, so that few elements tell much: which keys they are is looked for one after the other, always
 * the one that leaves least of the error, or, if that leaves less, one that was taken before and is given up again.
 *
 * A set is told if what it leaves is rounding, and it would not be by chance. With e the rms of the error, r what those
 * m of n keys leave that show by themselves, a wrong set leaves as little in 1 of (e / 2r)^(D - 2) cases, where D is
 * how many directions the values of keys have, and there are n! / (m! (n - m)!) sets. Their weights are told as well,
 * each to 4r / |a_j|: keys that all weigh otherwise, by any factor, would not all have that of 2 or 0 to so many
 * digits.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/cause/choices.h"
#include "harness/judge/cause/hypothesis.h"
#include "harness/judge/cause/rounding_left.h"

enum { MOST_KEYS = 32, MOST_STEPS = 3 * MOST_KEYS };

/* By how many bits a set is to be told from all others, and its weights from any others. */
static const double BITS_MIN = 20, WEIGHT_BITS_MIN = 12;

struct candidate {
    int64_t key;
    double weight, length; /* w_j, |a_j| */
    double along;          /* a_j times what is left of the error */
    bool taken;
};

struct few_keys {
    struct candidate *of; /* [count], keys whose weight may show */
    int64_t count;
    int taken;
    double sign;
    double left[PROBLEM_MAX_DIM]; /* of the error */
    double step[PROBLEM_MAX_DIM]; /* a_j of the key that was taken, or given up, last */
    double cosines, pairs;        /* sum of squares, of a_j with those of that key, and how many */
};

static double squares_of(const double *vector, int dims)
{
    double squares = 0;
    for (int d = 0; d < dims; d++)
        squares += vector[d] * vector[d];
    return squares;
}

/* a_j times a vector, and |a_j|^2 into *squares. */
static double along_of(struct suspect *suspect, const struct candidate *key, double sign, const double *vector,
                       double *squares)
{
    const double scale = problem_value_scale(suspect->problem), factor = sign * key->weight;
    double along = 0, length = 0;
    suspect_read_value(suspect, key->key, suspect->problem->head_dim);
    for (int d = 0; d < suspect->problem->head_dim; d++) {
        double direction = scale * (double)suspect->row[d] - suspect->out[d];
        along += direction * vector[d];
        length += direction * direction;
    }
    *squares = factor * factor * length;
    return factor * along;
}

/* Takes in the keys that would show alone, and what the error has along each. */
static void look_at_keys(struct few_keys *few, struct suspect *suspect)
{
    const int dims = suspect->problem->head_dim;
    const double least = suspect->noise * suspect->noise / 4;
    few->count = few->taken = 0;
    few->cosines = few->pairs = 0;
    for (int d = 0; d < dims; d++)
        few->left[d] = suspect->out[d] - suspect->truth[d];
    for (int64_t j = 0; j < suspect->problem->seq_len; j++) {
        if (!suspect_visible(suspect, j))
            continue;
        struct candidate key = {.key = j, .weight = exp(suspect_logit(suspect, j) - suspect->max) / suspect->sum};
        double squares;
        key.along = along_of(suspect, &key, few->sign, few->left, &squares);
        key.length = sqrt(squares);
        if (squares > least)
            few->of[few->count++] = key;
    }
}

/* The sum of what the MOST_KEYS largest have, of weights or of lengths. */
static double most_of(const struct few_keys *few, bool of_weights)
{
    double largest[MOST_KEYS] = {0}, sum = 0;
    for (int64_t i = 0; i < few->count; i++) {
        double size = of_weights ? few->of[i].weight : few->of[i].length;
        for (int rank = 0; rank < MOST_KEYS && size > 0; rank++)
            if (size > largest[rank]) {
                double smaller = largest[rank];
                largest[rank] = size;
                size = smaller;
            }
    }
    for (int rank = 0; rank < MOST_KEYS; rank++)
        sum += largest[rank];
    return sum;
}

/* By how much |left|^2 falls with the key, or without it if it is taken. */
static double gain_of(const struct candidate *key)
{
    return (key->taken ? -2 : 2) * key->along - key->length * key->length;
}

static struct candidate *best_of(const struct few_keys *few)
{
    struct candidate *best = few->of;
    for (int64_t i = 1; i < few->count; i++)
        if (gain_of(&few->of[i]) > gain_of(best))
            best = &few->of[i];
    return best;
}

/* Takes a key, or gives it up. */
static void take(struct few_keys *few, struct suspect *suspect, struct candidate *key)
{
    const int dims = suspect->problem->head_dim;
    const double scale = problem_value_scale(suspect->problem);
    const double factor = (key->taken ? -1 : 1) * few->sign * key->weight;
    suspect_read_value(suspect, key->key, dims);
    for (int d = 0; d < dims; d++) {
        few->step[d] = factor * (scale * (double)suspect->row[d] - suspect->out[d]);
        few->left[d] -= few->step[d];
    }
    few->taken += key->taken ? -1 : 1;
    key->taken = !key->taken;
    for (int64_t i = 0; i < few->count; i++) {
        double squares, along = along_of(suspect, &few->of[i], few->sign, few->step, &squares);
        few->of[i].along -= along;
        few->cosines += &few->of[i] == key ? 0 : along * along / (squares * key->length * key->length);
        few->pairs += &few->of[i] != key;
    }
}

/* Takes keys until what is left is noise, or no key takes more of it than naming it costs. */
static void take_keys(struct few_keys *few, struct suspect *suspect)
{
    const int dims = suspect->problem->head_dim;
    const double noise = suspect->noise * suspect->noise;
    for (int step = 0; step < MOST_STEPS && squares_of(few->left, dims) > 1.5 * noise * dims; step++) {
        struct candidate *best = best_of(few);
        if (!(gain_of(best) > 2 * noise * log((double)few->count + 1)) || (!best->taken && few->taken == MOST_KEYS))
            return;
        take(few, suspect, best);
    }
}

/* Those of the keys taken that show by themselves, beside what is left, and what they leave alone. */
struct shown {
    double least; /* |a_j| */
    int keys;
    double left; /* rms */
};

/* left: rms of what all of them leave. */
static struct shown show(const struct few_keys *few, struct suspect *suspect, double left)
{
    const int dims = suspect->problem->head_dim;
    struct shown shown = {.least = 8 * left};
    double without[PROBLEM_MAX_DIM];
    memcpy(without, few->left, sizeof without);
    for (int64_t i = 0; i < few->count; i++) {
        const struct candidate *key = &few->of[i];
        shown.keys += key->taken && key->length >= shown.least;
        if (!key->taken || key->length >= shown.least)
            continue;
        suspect_read_value(suspect, key->key, dims);
        for (int d = 0; d < dims; d++)
            without[d] += few->sign * key->weight *
                          (problem_value_scale(suspect->problem) * (double)suspect->row[d] - suspect->out[d]);
    }
    shown.left = fmax(left, sqrt(squares_of(without, dims) / dims));
    return shown;
}

/* How many directions the values of keys have: random ones have cosines whose squares are 1 / D in the mean. */
static double directions_of(const struct few_keys *few, int dims)
{
    return few->cosines > 0 ? fmin(dims, few->pairs / few->cosines) : dims;
}

/* By how many bits so many keys are told from others, by what they leave. */
static double bits_of_set(const struct few_keys *few, const struct suspect *suspect, int keys, double left)
{
    const double directions = directions_of(few, suspect->problem->head_dim);
    return (directions - 2) * log2(suspect->error / (2 * left)) - bits_of_choice((double)few->count, keys);
}

/* And their weights from any other ones, lse with them; lse: the prediction's. */
static double bits_of_weights(const struct few_keys *few, const struct suspect *suspect, const struct shown *shown,
                              double lse)
{
    double bits = suspect_lse_is_exactly(suspect, lse)
                      ? log2(fabs(suspect->lse - suspect->truth_lse) / (2 * suspect_lse_rounding(suspect)))
                      : 0;
    for (int64_t i = 0; i < few->count; i++)
        if (few->of[i].taken && few->of[i].length >= shown->least)
            bits += fmax(0, log2(few->of[i].length / (4 * shown->left)));
    return bits;
}

/* Whether all keys are told, and those that show by themselves as well: many that do not would make up for anything.
 * left: rms of what all leave. */
static bool is_told(const struct few_keys *few, const struct suspect *suspect, const struct shown *shown, double left,
                    double lse)
{
    return bits_of_set(few, suspect, few->taken, left) >= BITS_MIN &&
           bits_of_set(few, suspect, shown->keys, shown->left) >= BITS_MIN &&
           bits_of_weights(few, suspect, shown, lse) >= WEIGHT_BITS_MIN &&
           (suspect->lse_unknown || suspect_lse_is(suspect, lse));
}

enum { TEXT_SIZE = 128, TEXT_MAX = TEXT_SIZE - 48 };

/* The keys that show by themselves: "3, 17, 64 to 79". */
static void list_keys(char text[TEXT_SIZE], const struct few_keys *few, double least)
{
    int used = 0;
    text[0] = '\0';
    for (int64_t i = 0; i < few->count; i++) {
        int64_t first = i;
        if (!few->of[i].taken || few->of[i].length < least)
            continue;
        while (i + 1 < few->count && few->of[i + 1].taken && few->of[i + 1].key == few->of[i].key + 1 &&
               few->of[i + 1].length >= least)
            i++;
        if (used > TEXT_MAX) {
            snprintf(text + used, TEXT_SIZE - (size_t)used, " and others");
            return;
        }
        used +=
            snprintf(text + used, TEXT_SIZE - (size_t)used, "%s%lld", used ? ", " : "", (long long)few->of[first].key);
        if (i > first)
            used += snprintf(text + used, TEXT_SIZE - (size_t)used, " to %lld", (long long)few->of[i].key);
    }
}

/* Attention with the keys once more, or without them. */
static void offer_keys(struct few_keys *few, struct suspect *suspect)
{
    const int dims = suspect->problem->head_dim;
    double weight = 0;
    char text[TEXT_SIZE];
    for (int64_t i = 0; i < few->count; i++)
        weight += few->of[i].taken ? few->sign * few->of[i].weight : 0;
    if (few->taken == 0 || !(weight > -1))
        return;
    const double left = fmax(sqrt(squares_of(few->left, dims) / dims) / (1 + weight), suspect->noise);
    const struct shown shown = show(few, suspect, left);
    if (!is_told(few, suspect, &shown, left, suspect->truth_lse + log1p(weight)))
        return;
    for (int d = 0; d < dims; d++) /* what is left is 1 + weight times what out is off by */
        suspect->predicted[d] = suspect->out[d] - few->left[d] / (1 + weight);
    list_keys(text, few, shown.least);
    if (few->sign > 0)
        suspect->remedy = "Look for keys, or pages, that stand twice among those that are read.";
    suspect_offer(suspect, few->sign > 0 ? SIGNATURE_DOUBLED_KEYS : SIGNATURE_DROPPED_KEYS, few->taken > 1,
                  suspect->predicted, suspect->truth_lse + log1p(weight), "%d of %lld visible keys |are %s|: %s%s",
                  shown.keys, (long long)suspect->visible, few->sign > 0 ? "counted twice" : "missing", text,
                  shown.keys < few->taken ? ", and perhaps others of little weight" : "");
    suspect->remedy = NULL;
}

/* Whether so few keys can be off by as much, in out and, where it is known, in lse. */
static bool may_be_few(const struct few_keys *few, const struct suspect *suspect)
{
    const double length = suspect->error * sqrt(suspect->problem->head_dim);
    if (few->count == 0 || !(length <= 1.01 * most_of(few, false)))
        return false;
    return suspect->lse_unknown || fabs(expm1(suspect->lse - suspect->truth_lse)) <= 1.01 * most_of(few, true);
}

enum error_kind hypothesis_few_keys(struct suspect *suspect, struct error *error)
{
    const double off = suspect->lse - suspect->truth_lse;
    if (suspect->visible < 2 || suspect->by_lse || !(suspect->lse_unknown || suspect_lse_is_off(suspect)))
        return ERROR_NONE;
    enum error_kind kind = suspect_need_keys(suspect, suspect->kv_head, error);
    if (kind)
        return kind;
    struct few_keys few = {.of = malloc((size_t)suspect->visible * sizeof *few.of)};
    if (!few.of)
        return error_memory(error, "a head's signature", (double)suspect->visible * sizeof *few.of);
    for (few.sign = 1; few.sign >= -1; few.sign -= 2) {
        if (!suspect->lse_unknown && few.sign * off < 0)
            continue;
        look_at_keys(&few, suspect);
        if (!may_be_few(&few, suspect))
            continue;
        take_keys(&few, suspect);
        offer_keys(&few, suspect);
    }
    free(few.of);
    return ERROR_NONE;
}
