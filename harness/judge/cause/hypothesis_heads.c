/*
 * Attention to the keys, the values or both of another KV head. Which one may follow from how a kernel tells KV heads
 * of query head h, of H and Hkv: then it is the same fault in every row.
 */
#include <math.h>
#include <stdlib.h>

#include "harness/judge/cause/hypothesis.h"

/* Beyond so many products of an element of q and one of k, KV heads that follow from nothing are not tried; nor are
 * those of other parts, each of which would be opened for it. */
static const double PRODUCTS_MAX = 0x1p30;

static int tiled(const struct problem *problem, int head)
{
    return head % problem->num_kv_heads;
}

static int by_count(const struct problem *problem, int head)
{
    int kv_head = head / problem->num_kv_heads;
    return kv_head < problem->num_kv_heads ? kv_head : problem->num_kv_heads - 1;
}

static int next(const struct problem *problem, int head)
{
    return (problem_kv_head(problem, head) + 1) % problem->num_kv_heads;
}

static int before(const struct problem *problem, int head)
{
    return (problem_kv_head(problem, head) + problem->num_kv_heads - 1) % problem->num_kv_heads;
}

static int first(const struct problem *problem, int head)
{
    (void)problem, (void)head;
    return 0;
}

static const struct kv_head_rule {
    int (*kv_head)(const struct problem *problem, int head);
    const char *text;
} rules[] = {
    {tiled, "query head h reads h mod Hkv: KV heads are tiled where they are to be repeated"},
    {by_count, "query head h reads h / Hkv, not h / (H / Hkv)"},
    {next, "that of the next group of query heads"},
    {before, "that of the group of query heads before"},
    {first, "the first one, for all query heads"},
};

enum { NUM_RULES = sizeof rules / sizeof rules[0] };

static void offer(struct suspect *suspect, double lse, const char *what, int kv_head)
{
    int own = problem_kv_head(suspect->problem, suspect->head);
    bool follows = false;
    for (int r = 0; r < NUM_RULES && !suspect->problem->place.num_heads; r++)
        if (rules[r].kv_head(suspect->problem, suspect->head) == kv_head) {
            suspect_offer(suspect, SIGNATURE_WRONG_KV_HEAD, false, suspect->predicted, lse,
                          "%s of KV head %d in place of %d: |%s|", what, kv_head, own, rules[r].text);
            follows = true;
        }
    if (!follows)
        suspect_offer(suspect, SIGNATURE_WRONG_KV_HEAD, false, suspect->predicted, lse,
                      "|%s of another KV head|, %d in place of %d", what, kv_head, own);
}

/* Of one key out is a row of v, which may as well have been written to another head's place: then lse has to tell. */
static bool may_be_misplaced(const struct suspect *suspect, double lse)
{
    const struct problem *problem = suspect->problem;
    return suspect->visible == 1 && problem->num_heads == problem->num_kv_heads &&
           !(suspect_lse_is_off(suspect) && suspect_lse_is(suspect, lse));
}

static void attend(struct suspect *suspect, int value_head, const char *what, int kv_head)
{
    int own = suspect->kv_head;
    suspect->kv_head = value_head;
    double lse = suspect_attend(suspect, suspect->problem->head_dim);
    suspect->kv_head = own;
    if (!may_be_misplaced(suspect, lse))
        offer(suspect, lse, what, kv_head);
}

static void fill_logits(struct suspect *suspect)
{
    for (int64_t j = 0; j < suspect->problem->seq_len; j++)
        suspect->logits[j] = suspect_visible(suspect, j) ? suspect_logit(suspect, j) : -INFINITY;
}

/* other: room for the products of q and its keys. */
static enum error_kind try_kv_head(struct suspect *suspect, int kv_head, double *other, struct error *error)
{
    double *own = suspect->dots;
    enum error_kind kind = suspect_need_keys(suspect, kv_head, error);
    if (kind)
        return kind;
    fill_logits(suspect);
    attend(suspect, kv_head, "values", kv_head);
    suspect_read_dots(suspect, kv_head, other, NULL);
    suspect->dots = other;
    fill_logits(suspect);
    suspect->dots = own;
    attend(suspect, kv_head, "keys and values", kv_head);
    kind = suspect_need_keys(suspect, suspect->kv_head, error);
    if (!kind)
        attend(suspect, suspect->kv_head, "keys", kv_head);
    return kind;
}

static bool follows_from_a_rule(const struct problem *problem, int head, int kv_head)
{
    for (int r = 0; r < NUM_RULES; r++)
        if (rules[r].kv_head(problem, head) == kv_head)
            return true;
    return false;
}

enum error_kind hypothesis_heads(struct suspect *suspect, struct error *error)
{
    const struct problem *problem = suspect->problem;
    double products = (double)problem->seq_len * problem->head_dim * problem->num_kv_heads;
    if (suspect->visible == 0 || suspect->by_lse || problem->num_kv_heads < 2)
        return ERROR_NONE;
    double *other = malloc((size_t)problem->seq_len * sizeof *other);
    if (!other)
        return error_memory(error, "a head's signature", (double)problem->seq_len * sizeof *other);
    enum error_kind kind = ERROR_NONE;
    for (int kv_head = 0; kv_head < problem->num_kv_heads && !suspect_is_settled(suspect) && !kind; kv_head++)
        if (kv_head != suspect->kv_head && ((products <= PRODUCTS_MAX && suspect_shares_part(suspect, kv_head)) ||
                                            follows_from_a_rule(problem, suspect->head, kv_head)))
            kind = try_kv_head(suspect, kv_head, other, error);
    free(other);
    return kind;
}
