/*
 * What goes wrong with the causal mask of several queries, of which query i of Q is to see the keys up to its own,
 * N - Q + i: it sees those of later queries, or its mask begins with the first key in place of ending with the last.
 * Each with the position that is stated and with one that goes with the mistake, which lse alone shows.
 */
#include <math.h>

#include "harness/judge/cause/hypothesis.h"

static const char keys_up_to_its_own[] = "Let query i of Q see the keys up to its own, which is key N - Q + i.";

static int query_of(const struct suspect *suspect)
{
    return suspect->of_row / suspect->whole->num_heads;
}

/* The visible keys among the first so many of the whole. False if they are those that the query sees. */
static bool see_keys(struct suspect *suspect, int64_t keys)
{
    bool differs = false;
    for (int64_t j = 0; j < suspect->problem->seq_len; j++) {
        bool dropped = contract_bias(suspect->truth_of, suspect->problem, suspect->head, j).dropped;
        bool seen = j < keys && problem_visible(suspect->whole, j) && !dropped;
        suspect->logits[j] = seen ? suspect_logit(suspect, j) : -INFINITY;
        differs |= seen != suspect_visible(suspect, j);
    }
    return differs;
}

/* Keys of later queries carry weight; all of them, or the next query's. */
static void try_later_keys(struct suspect *suspect)
{
    int64_t keys = suspect->problem->seq_len, later = problem_queries(suspect->whole) - 1 - query_of(suspect);
    double lse;
    if (later > 1 && see_keys(suspect, keys - later + 1))
        suspect_try(suspect, SIGNATURE_LEAK, "the next query's key is let in");
    if (!see_keys(suspect, keys) || !suspect_predict(suspect, &lse))
        return;
    suspect->remedy = keys_up_to_its_own;
    suspect_offer_logits(suspect, SIGNATURE_LEAK, lse, "|the keys of later queries are let in|: %lld of them",
                         (long long)later);
    suspect_offer_logits(suspect, SIGNATURE_LEAK, lse - suspect->slope * (double)later,
                         "|the keys of later queries are let in, and biases counted from the last one|: %lld of them",
                         (long long)later);
    suspect->remedy = NULL;
}

/* Query i sees the first i + 1 keys. */
static void try_first_keys(struct suspect *suspect)
{
    int query = query_of(suspect);
    double lse, moved = (double)(suspect->problem->q_position - suspect->problem->kv_offset - query);
    if (!see_keys(suspect, query + 1) || !suspect_predict(suspect, &lse))
        return;
    suspect->remedy = keys_up_to_its_own;
    suspect_offer_logits(suspect, SIGNATURE_DROPPED_KEYS, lse,
                         "|query i sees the first i + 1 keys: the causal mask begins with the cache|, here %d of %lld",
                         query + 1, (long long)suspect->visible);
    suspect_offer_logits(suspect, SIGNATURE_DROPPED_KEYS, lse + suspect->slope * moved,
                         "|query i sees the first i + 1 keys, and stands at the last of them|, here %d of %lld",
                         query + 1, (long long)suspect->visible);
    suspect->remedy = NULL;
}

void hypothesis_queries(struct suspect *suspect)
{
    int64_t later = problem_queries(suspect->whole) - 1 - query_of(suspect);
    if (problem_queries(suspect->whole) < 2 || suspect->problem->seq_len != suspect->whole->seq_len)
        return;
    if (later > 0)
        try_later_keys(suspect);
    if (suspect->visible > 0)
        try_first_keys(suspect);
}
