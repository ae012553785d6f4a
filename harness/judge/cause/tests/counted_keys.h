/*
 * Attention in f32 of a sequence in parts whose bounds are wrong: how often each key counts, as kernels come to it,
 * part after part and key after key.
 */
#ifndef HARNESS_JUDGE_CAUSE_TESTS_COUNTED_KEYS_H
#define HARNESS_JUDGE_CAUSE_TESTS_COUNTED_KEYS_H

#include "harness/judge/cause/tests/online_softmax.h"

enum counting {
    COUNT_BEYOND_END,    /* parts go on for some keys beyond their end */
    COUNT_BEFORE_BEGIN,  /* and begin some keys too early */
    COUNT_SHORT_OF_END,  /* they lack their last ones, the last part as well */
    COUNT_LATE,          /* they lack their first ones, but for the first part */
    COUNT_WHOLE_PAGES,   /* they take all pages that have a key of theirs */
    COUNT_PAGES_OF_PART, /* part c begins at page c * (part / page), and has as many as its keys fill */
    COUNT_OLDEST_TWICE,
    COUNT_NEWEST_TWICE,
    COUNT_KINDS
};

struct counted_keys {
    enum counting counting;
    int64_t part, some;
    int slots; /* a page has: those beyond its keys count with a k and a v of 0; 0: they do not */
};

/* Takes in a key, or a slot that has the bias of one. */
static inline void counted_take(struct online_state *state, const struct problem *problem, int head, int64_t key,
                                bool is_slot)
{
    if (key < 0 || key >= problem->seq_len || !problem_visible(problem, key))
        return;
    struct online_state one = {.sum = 1};
    size_t row = problem_row(problem, key, problem_kv_head(problem, head));
    one.max =
        is_slot ? problem->slopes[head] * (float)problem_distance(problem, key) : online_logit(problem, head, key);
    for (int d = 0; d < problem->head_dim && !is_slot; d++)
        one.out[d] = online_element(problem->v, problem_kv_dtype(problem), row + (size_t)d);
    online_merge(state, &one, problem->head_dim, false, false);
}

static inline void counted_take_range(struct online_state *state, const struct problem *problem, int head,
                                      int64_t begin, int64_t end, const struct counted_keys *counted)
{
    for (int64_t key = begin; key < end; key++) {
        counted_take(state, problem, head, key, false);
        for (int64_t slot = counted->some; slot < counted->slots && (key - begin) % counted->some == 0; slot++)
            counted_take(state, problem, head, key + slot, true);
    }
}

static inline void counted_take_part(struct online_state *state, const struct problem *problem, int head, int64_t first,
                                     const struct counted_keys *counted)
{
    int64_t keys = problem->seq_len, part = counted->part, some = counted->some, begin = first;
    int64_t end = first + part < keys ? first + part : keys;
    switch (counted->counting) {
    case COUNT_BEYOND_END:
        end += some;
        break;
    case COUNT_BEFORE_BEGIN:
        begin -= some;
        break;
    case COUNT_SHORT_OF_END:
        end -= some;
        break;
    case COUNT_LATE:
        begin += first > 0 ? some : 0;
        break;
    case COUNT_WHOLE_PAGES:
        begin -= begin % some;
        end += (some - end % some) % some;
        break;
    case COUNT_PAGES_OF_PART:
        begin = first / part * (part / some) * some;
        end = begin + (end - first + some - 1) / some * some;
        break;
    default:
        break;
    }
    counted_take_range(state, problem, head, begin, end, counted);
}

/* out[D], divided; lse. */
static inline float counted_attend(const struct problem *problem, int head, const struct counted_keys *counted,
                                   float *out)
{
    int64_t keys = problem->seq_len;
    struct online_state state = {.max = -INFINITY};
    for (int64_t first = 0; first < keys; first += counted->part)
        counted_take_part(&state, problem, head, first, counted);
    if (counted->counting == COUNT_OLDEST_TWICE)
        counted_take_range(&state, problem, head, 0, counted->some, counted);
    if (counted->counting == COUNT_NEWEST_TWICE)
        counted_take_range(&state, problem, head, keys - counted->some, keys, counted);
    return online_finish(&state, problem, head, out);
}

#endif
