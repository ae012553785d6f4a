/*
 * v, or k, of another key than the one that is weighed: the one after or before it, or two places off. What stands
 * beyond the ends is the key at the end, or, where places are counted round, the one at the other end.
 *
 * Of one key or two that have all weight, out tells no more than that some value is another one, as two values that
 * are exchanged make it. So three keys at least have to show, each by more than rounding.
 */
#include <math.h>

#include "harness/judge/cause/hypothesis.h"

enum { KEYS_THAT_SHOW = 3 };

/* Places by which keys are off, and what becomes of the ends. */
struct places {
    int64_t by;
    bool round;
    const char *text;
};

static const struct places all_places[] = {
    {1, false, "the key after"},    {1, true, "the key after"},    {-1, false, "the key before"},
    {-1, true, "the key before"},   {2, false, "two keys after"},  {2, true, "two keys after"},
    {-2, false, "two keys before"}, {-2, true, "two keys before"},
};

static int64_t place_of(const struct suspect *suspect, const struct places *places, int64_t key)
{
    int64_t keys = suspect->problem->seq_len, place = key + places->by;
    if (places->round)
        return (place % keys + keys) % keys;
    return place < 0 ? 0 : place < keys ? place : keys - 1;
}

static double weight_of(const struct suspect *suspect, int64_t key)
{
    return suspect_visible(suspect, key) ? exp(suspect_logit(suspect, key) - suspect->max) : 0;
}

/* Each value has the weights of the keys that take it. */
static void take_values(struct suspect *suspect, const struct places *places)
{
    int64_t keys = suspect->problem->seq_len;
    for (int64_t j = 0; j < keys; j++)
        suspect->logits[j] = 0;
    for (int64_t j = 0; j < keys; j++)
        suspect->logits[place_of(suspect, places, j)] += weight_of(suspect, j);
    for (int64_t j = 0; j < keys; j++)
        suspect->logits[j] = log(suspect->logits[j]) + suspect->max;
}

/* Each key has q.k of the place that it is read at, and its own bias. */
static void take_keys(struct suspect *suspect, const struct places *places)
{
    for (int64_t j = 0; j < suspect->problem->seq_len; j++)
        suspect->logits[j] =
            suspect_visible(suspect, j)
                ? suspect_capped(suspect, suspect->dots[place_of(suspect, places, j)] + suspect_bias(suspect, j))
                : -INFINITY;
}

/* Values whose weights are other ones, by more than rounding shows; lse: of suspect->logits. */
static bool enough_show(struct suspect *suspect, double lse)
{
    const struct problem *problem = suspect->problem;
    double value_scale = problem_value_scale(problem), least = 8 * suspect->noise;
    int count = 0;
    for (int64_t j = 0; j < problem->seq_len && count < KEYS_THAT_SHOW; j++) {
        double squares = 0, moved = exp(suspect->logits[j] - lse) - weight_of(suspect, j) / suspect->sum;
        suspect_read_value(suspect, j, problem->head_dim);
        for (int d = 0; d < problem->head_dim; d++) {
            double from_truth = value_scale * (double)suspect->row[d] - suspect->truth[d];
            squares += from_truth * from_truth;
        }
        count += fabs(moved) * sqrt(squares / problem->head_dim) > least;
    }
    return count >= KEYS_THAT_SHOW;
}

void hypothesis_places(struct suspect *suspect)
{
    double lse;
    if (suspect->visible <= KEYS_THAT_SHOW || suspect->by_lse)
        return;
    for (size_t i = 0; i < sizeof all_places / sizeof all_places[0]; i++)
        for (int of_keys = 0; of_keys < 2; of_keys++) {
            const struct places *places = &all_places[i];
            if (of_keys)
                take_keys(suspect, places);
            else
                take_values(suspect, places);
            if (suspect_predict(suspect, &lse) && enough_show(suspect, lse))
                suspect_offer(suspect, SIGNATURE_MISPLACED_KEYS, false, suspect->predicted, lse,
                              "|%s of %s| in place of its own", of_keys ? "k" : "v", places->text);
        }
}
