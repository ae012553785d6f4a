#include "harness/judge/parting/parting_step.h"

#include <math.h>

#include "harness/judge/parting/asking.h"

enum { DIVISIONS = 6 };

/* Nats by which the estimates of two logits are apart that are in this order. */
#define LOGIT_GAP 1e-2

/* Neither step nor key is known. */
static void unknown(struct asking *asking, const char *why)
{
    name_key(asking, -1, why);
}

static bool can_be_zero(const struct asking *asking)
{
    return !asking->runs->inquiry->subjects[0]->own_slopes && !asking->runs->inquiry->subjects[1]->own_slopes;
}

/* Whether out differs where sums are of ones, which are exact in any order, of as many keys in two places: a division
 * by that many does, whichever the keys are, and what is read of a key does not. */
static enum error_kind ask_division(struct asking *asking, bool *named, struct error *error)
{
    const struct row_change ones = {.no_query = true, .no_slopes = true, .ones = true};
    enum error_kind kind = ERROR_NONE;
    size_t count = asking->num_all / 2;
    *named = false;
    for (int i = 0; i < DIVISIONS && count > 0 && !kind && !*named; i++, count--) {
        struct row_seen first, second = {.out = false};
        kind = ask(asking, ones, asking->all, count, &first, error);
        if (!kind && first.out)
            kind = ask(asking, ones, asking->all + count, count, &second, error);
        *named = !kind && second.out;
    }
    if (*named)
        name_step(asking, PARTING_DIVISION, -1);
    return kind;
}

/* What differs where every weight is 1. *named: it is known. */
static enum error_kind ask_weights_of_one(struct asking *asking, const int64_t *keys, size_t num_keys, bool *named,
                                          struct error *error)
{
    struct row_change change = {.no_query = true, .no_slopes = true, .ones = true};
    struct row_seen ones, sums;
    enum error_kind kind = ask(asking, change, keys, num_keys, &ones, error);
    change.ones = false;
    change.sharp = true;
    if (!kind)
        kind = ask(asking, change, keys, num_keys, &sums, error);
    *named = !kind && !ones.out && (sums.out || sums.lse);
    if (*named) /* the sum of weights is exact */
        name_step(asking, sums.out ? PARTING_SUM : PARTING_LSE, -1);
    return kind;
}

/* With all visible keys and weights of 1 lse alone differs: then it is lse, as far as out of pairs with the key shows.
 */
static enum error_kind ask_lse(struct asking *asking, const char *else_why, struct error *error)
{
    const struct row_change change = {.no_query = true, .no_slopes = true, .sharp = true};
    struct row_seen seen;
    int tried, differ;
    enum error_kind kind = ask_pairs(asking, asking->keys[0], &tried, &differ, error);
    if (!kind)
        kind = ask(asking, change, asking->all, asking->num_all, &seen, error);
    if (kind)
        return kind;
    if (tried >= 2 && differ == 0 && seen.lse && !seen.out)
        name_step(asking, PARTING_LSE, -1);
    else
        unknown(asking, else_why);
    return kind;
}

/* Of a key whose lse differs even with a logit of 0: a number that is added to its logit cannot be told from one that
 * its weight is multiplied by. */
static enum error_kind ask_lone_weight(struct asking *asking, struct error *error)
{
    bool its_own;
    enum error_kind kind = ask_weight_of(asking, asking->keys[0], &its_own, error);
    if (kind || !its_own)
        return kind ? kind : ask_lse(asking, "the weight of the key, or what lse makes of it", error);
    name_key(asking, asking->keys[0],
             "the logit of the key or its weight: alone, lse differs even where its logit is 0");
    return kind;
}

/* Of how many keys, this one and some others, lse differs where they are alone and half of their logit is 0. */
static enum error_kind count_halves(struct asking *asking, struct row_change half, int *differ, struct error *error)
{
    const struct problem *problem = asking->runs->inquiry->problem;
    enum error_kind kind = ERROR_NONE;
    *differ = 0;
    for (int i = -1; i < PARTING_OTHERS && !kind; i++) {
        int64_t key = i < 0 ? asking->keys[0] : problem->seq_len * (2 * i + 1) / (2 * PARTING_OTHERS);
        struct row_seen seen;
        if (!problem_visible(problem, key))
            continue;
        kind = ask(asking, half, &key, 1, &seen, error);
        *differ += !kind && seen.lse;
    }
    return kind;
}

/* Logits of several keys differ, or what lse makes of them: where one half of the logit never does, lse is sound. */
static enum error_kind ask_halves(struct asking *asking, struct error *error)
{
    const struct parting_inquiry *inquiry = asking->runs->inquiry;
    bool has_bias = problem_row_slope(inquiry->problem, inquiry->head) != 0 && asking->parting->others_tried >= 4;
    int dots, biases;
    enum error_kind kind = count_halves(asking, (struct row_change){.no_slopes = true}, &dots, error);
    if (!kind)
        kind = count_halves(asking, (struct row_change){.no_query = true}, &biases, error);
    if (kind)
        return kind;
    if (has_bias && dots > 0 && biases == 0)
        name_step(asking, PARTING_DOT, -1);
    else if (has_bias && dots == 0 && biases > 0)
        name_step(asking, PARTING_BIAS, -1);
    else
        return ask_lse(asking, "the logit of the key, or what lse makes of it", error);
    return kind;
}

/* Of a key whose lse alone differs, but not with a logit of 0: which part of its logit. */
static enum error_kind ask_logit(struct asking *asking, struct error *error)
{
    struct row_seen dot, bias;
    bool its_own;
    int64_t key = asking->keys[0];
    enum error_kind kind = ask(asking, (struct row_change){.no_slopes = true}, &key, 1, &dot, error);
    if (!kind)
        kind = ask(asking, (struct row_change){.no_query = true}, &key, 1, &bias, error);
    if (!kind)
        kind = ask_weight_of(asking, key, &its_own, error);
    if (kind)
        return kind;
    if (!its_own) /* lse of another logit may be off for itself */
        return ask_halves(asking, error);
    name_step(asking, dot.lse == bias.lse ? PARTING_LOGIT : dot.lse ? PARTING_DOT : PARTING_BIAS, key);
    return kind;
}

/* Of a key whose out alone differs, its weight being 1. */
static enum error_kind ask_value(struct asking *asking, struct error *error)
{
    bool divided = false;
    enum error_kind kind = ERROR_NONE;
    if (asking->parting->others_differ)
        kind = ask_division(asking, &divided, error);
    if (!kind && !divided)
        name_step(asking, PARTING_VALUE, asking->parting->others_differ ? -1 : asking->keys[0]);
    return kind;
}

/* One key differs alone. */
static enum error_kind ask_one_key(struct asking *asking, struct error *error)
{
    const struct row_change logit_of_0 = {.no_query = true, .no_slopes = true};
    struct row_seen alone, zero;
    enum error_kind kind = ask(asking, (struct row_change){.sharp = false}, asking->keys, 1, &alone, error);
    if (!kind)
        kind = ask_others(asking, error);
    if (!kind)
        kind = ask(asking, logit_of_0, asking->keys, 1, &zero, error);
    if (kind)
        return kind;
    if (!asking->runs->inquiry->lone_weight_is_one)
        unknown(asking, "by this recipe a key alone has another weight than 1");
    else if (!alone.lse)
        return ask_value(asking, error);
    else if (!can_be_zero(asking))
        unknown(asking, "the logit of the key, or what lse makes of it; the slopes are the kernel's own");
    else
        return zero.lse ? ask_lone_weight(asking, error) : ask_logit(asking, error);
    return kind;
}

/* By what share a weight may differ whose logit does so in bits that lse does not show: in base 2, it is multiplied by
 * ln 2 and rounded, so that no more than neighbours become the same. */
static double hidden_by_lse(const struct asking *asking)
{
    const double *logits = asking->runs->logits;
    return 8 * dtype_ulp(DTYPE_F32, fmax(fabs(logits[asking->keys[0]]), fabs(logits[asking->keys[1]])));
}

/* The lighter one of two keys, -1 where that is not clear: alone they are the same, and so is the weight of the heavier
 * one of both, which is 1. */
static int64_t lighter_of(const struct asking *asking)
{
    const double *logits = asking->runs->logits;
    double gap = logits[asking->keys[0]] - logits[asking->keys[1]];
    if (!(fabs(gap) > LOGIT_GAP))
        return -1;
    return asking->keys[gap > 0];
}

/* Two keys differ together, and neither alone: by the weight of one, where its partners tell it from the other one;
 * else by a weight if it shows where products with v are exact, whether or not they are rounded. Where every v is 1,
 * out is the same sum twice, one divided by the other. */
static enum error_kind ask_pair(struct asking *asking, struct error *error)
{
    const struct row_change exact_products = {.exact_products = true};
    bool own[2];
    struct row_seen exact, ones;
    enum error_kind kind = ask_weight_of(asking, asking->keys[0], &own[0], error);
    if (!kind)
        kind = ask_weight_of(asking, asking->keys[1], &own[1], error);
    if (!kind)
        kind = ask(asking, (struct row_change){.ones = true}, asking->keys, 2, &ones, error);
    if (!kind)
        kind = ask(asking, exact_products, asking->keys, 2, &exact, error);
    if (kind)
        return kind;
    int64_t key = own[0] != own[1] ? asking->keys[own[1]] : exact.shift > 0 ? lighter_of(asking) : -1;
    bool known = !ones.out && asking->runs->inquiry->lone_weight_is_one;
    if (known && exact.shift > hidden_by_lse(asking))
        name_step(asking, PARTING_WEIGHT, key);
    else if (known && key >= 0)
        name_key(asking, key, "the weight of the key, or a last bit of its logit that lse does not show");
    else
        unknown(asking, "the weights of these keys, their products with v, their sum, or the division by it");
    return kind;
}

static enum error_kind find_step(struct asking *asking, struct error *error)
{
    bool named = false;
    if (asking->num_keys == 1)
        return ask_one_key(asking, error);
    if (!can_be_zero(asking)) {
        unknown(asking, "the slopes are the kernel's own, so that no weights are the same by arithmetic");
        return ERROR_NONE;
    }
    enum error_kind kind = ask_division(asking, &named, error);
    if (!kind && !named)
        kind = ask_weights_of_one(asking, asking->keys, asking->num_keys, &named, error);
    if (!kind && !named && asking->num_keys == 2)
        return ask_pair(asking, error);
    if (!kind && !named)
        kind = ask_weights_of_one(asking, asking->all, asking->num_all, &named, error);
    if (!kind && !named)
        unknown(asking, "no fewer keys show it, and nothing differs where all weights are 1");
    return kind;
}

enum error_kind parting_find_step(struct parting *parting, struct row_runs *runs, const int64_t *keys, size_t num_keys,
                                  struct error *error)
{
    struct asking asking;
    enum error_kind kind = asking_begin(&asking, parting, runs, keys, num_keys, error);
    if (!kind)
        kind = find_step(&asking, error);
    asking_end(&asking);
    return kind;
}
