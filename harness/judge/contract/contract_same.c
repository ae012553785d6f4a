#include "harness/judge/contract/contract_same.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool near(double a, double b)
{
    return a == b || fabs(a - b) <= 0x1p-10 * fmax(fabs(a), fabs(b));
}

static bool same_mask(const struct problem *a, const struct problem *b)
{
    if (a->visible == b->visible)
        return true;
    for (int64_t key = 0; key < a->seq_len; key++)
        if (problem_visible(a, key) != problem_visible(b, key))
            return false;
    return true;
}

/* Lists of keys are one if they have the same keys. */
static bool same_map(struct key_map x, struct key_map y)
{
    if (x.keys && y.keys && x.seq_len == y.seq_len && memcmp(x.keys, y.keys, (size_t)x.seq_len * sizeof *x.keys) == 0)
        x.keys = y.keys;
    return key_map_same(&x, &y);
}

/* Whether k and v are the same, as they are or moved in the same way. */
static bool same_keys(const struct contract_trial *x, const struct contract_trial *y)
{
    bool same = true;
    for (int tensor = 0; tensor < 2; tensor++)
        same = same && x->of[tensor] == y->of[tensor] && same_map(x->map[tensor], y->map[tensor]);
    return same;
}

static bool same_row(const void *x, const void *y, size_t row, size_t other, size_t bytes)
{
    return memcmp((const char *)x + row * bytes, (const char *)y + other * bytes, bytes) == 0;
}

/* Whether head h of x is head other of y, in every query. */
static bool same_head(const struct contract_trial *x, const struct contract_trial *y, int h, int other)
{
    const struct problem *a = &x->problem, *b = &y->problem;
    size_t bytes = (size_t)a->head_dim * dtypes[a->dtype].size_bytes;
    if (problem_kv_head(a, h) != problem_kv_head(b, other) || !near((double)a->slopes[h], (double)b->slopes[other]) ||
        !a->sink_logits != !b->sink_logits ||
        (a->sink_logits && !near((double)a->sink_logits[h], (double)b->sink_logits[other])))
        return false;
    for (int query = 0; query < problem_queries(a); query++) {
        size_t row = (size_t)(query * a->num_heads + h), of_other = (size_t)(query * a->num_heads + other);
        if (!same_row(a->q, b->q, row, of_other, bytes) ||
            !same_row(x->output.out, y->output.out, row, of_other, bytes) ||
            (x->output.lse && !near((double)x->output.lse[row], (double)y->output.lse[of_other])))
            return false;
    }
    return true;
}

/* Whether each head of x is one of y, no two the same one. */
static bool same_heads(const struct contract_trial *x, const struct contract_trial *y)
{
    int heads = x->problem.num_heads, h = 0;
    bool *taken = calloc((size_t)heads, sizeof *taken);
    for (; taken && h < heads; h++) {
        int other = h;
        for (int i = 0; i < heads && (taken[other] || !same_head(x, y, h, other)); i++)
            other = (other + 1) % heads;
        if (taken[other] || !same_head(x, y, h, other))
            break;
        taken[other] = true;
    }
    bool same = taken && h == heads; /* short of memory they are two, and neither is named */
    free(taken);
    return same;
}

bool contract_same(const struct contract_trial *x, const struct contract_trial *y)
{
    const struct problem *a = &x->problem, *b = &y->problem;
    if (!same_keys(x, y) || a->num_queries != b->num_queries || a->num_heads != b->num_heads ||
        a->seq_len != b->seq_len || a->soft_cap != b->soft_cap || a->q_position != b->q_position ||
        a->kv_offset != b->kv_offset || !near(problem_logit_scale(a), problem_logit_scale(b)) ||
        !near(problem_value_scale(a) * x->factor, problem_value_scale(b) * y->factor) || !near(x->offset, y->offset) ||
        (a->soft_cap && !near((double)a->soft_cap_value, (double)b->soft_cap_value)))
        return false;
    return same_heads(x, y) && same_mask(a, b);
}
