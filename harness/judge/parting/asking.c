#include "harness/judge/parting/asking.h"

#include <stdio.h>
#include <stdlib.h>

void name_step(struct asking *asking, enum parting_step step, int64_t key)
{
    asking->parting->step = step;
    asking->parting->key = key;
}

void name_key(struct asking *asking, int64_t key, const char *why)
{
    asking->parting->key = key;
    snprintf(asking->parting->why, sizeof asking->parting->why, "%s", why);
}

enum error_kind ask(struct asking *asking, struct row_change change, const int64_t *keys, size_t num_keys,
                    struct row_seen *seen, struct error *error)
{
    change.keys = keys;
    change.num_keys = num_keys;
    return row_runs_make(asking->runs, &change, seen, error);
}

/* ---- other keys -------------------------------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
    return (first > second) - (first < second);
}

/* Whether the row differs with it. */
static bool is_one_of(const struct asking *asking, int64_t key)
{
    return bsearch(&key, asking->keys, asking->num_keys, sizeof key, compare_keys) != NULL;
}

/* The heaviest visible keys beside those that the row differs with. */
static void find_partners(struct asking *asking)
{
    const struct problem *problem = asking->runs->inquiry->problem;
    const double *logits = asking->runs->logits;
    for (int64_t key = 0; key < problem->seq_len; key++) {
        int place = asking->num_partners;
        if (!problem_visible(problem, key) || is_one_of(asking, key))
            continue;
        while (place > 0 && logits[asking->partners[place - 1]] < logits[key])
            place--;
        if (place > PARTNERS)
            continue;
        if (asking->num_partners <= PARTNERS)
            asking->num_partners++;
        for (int i = asking->num_partners - 1; i > place; i--)
            asking->partners[i] = asking->partners[i - 1];
        asking->partners[place] = key;
    }
}

enum error_kind ask_others(struct asking *asking, struct error *error)
{
    const struct problem *problem = asking->runs->inquiry->problem;
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < PARTING_OTHERS && !kind; i++) {
        int64_t key = problem->seq_len * (2 * i + 1) / (2 * PARTING_OTHERS);
        struct row_seen seen;
        if (!problem_visible(problem, key) || is_one_of(asking, key))
            continue;
        kind = ask(asking, (struct row_change){.sharp = false}, &key, 1, &seen, error);
        asking->parting->others_tried++;
        asking->parting->others_differ += !kind && (seen.out || seen.lse);
    }
    return kind;
}

enum error_kind ask_pairs(struct asking *asking, int64_t key, int *tried, int *differ, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    *tried = *differ = 0;
    for (int i = 0; i < asking->num_partners && *tried < PARTNERS && !kind; i++) {
        int64_t other = asking->partners[i], pair[2] = {key < other ? key : other, key < other ? other : key};
        struct row_seen seen;
        if (other == key)
            continue;
        kind = ask(asking, (struct row_change){.sharp = true}, pair, 2, &seen, error);
        ++*tried;
        *differ += !kind && seen.out;
    }
    return kind;
}

enum error_kind ask_weight_of(struct asking *asking, int64_t key, bool *its_own, struct error *error)
{
    int tried, differ, tried_of_others = 0, differ_of_others = 0;
    *its_own = false;
    enum error_kind kind = ask_pairs(asking, key, &tried, &differ, error);
    if (kind || tried < 2 || differ < tried)
        return kind;
    kind = ask_pairs(asking, asking->partners[0], &tried_of_others, &differ_of_others, error);
    *its_own = !kind && tried_of_others >= 2 && differ_of_others == 0;
    return kind;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

enum error_kind asking_begin(struct asking *asking, struct parting *parting, struct row_runs *runs, const int64_t *keys,
                             size_t num_keys, struct error *error)
{
    const struct problem *problem = runs->inquiry->problem;
    size_t size_bytes = ((size_t)problem->seq_len + 1) * sizeof(int64_t);
    *asking = (struct asking){
        .parting = parting, .runs = runs, .keys = keys, .num_keys = num_keys, .all = malloc(size_bytes)};
    if (!asking->all)
        return error_memory(error, "the keys of a row", (double)size_bytes);
    for (int64_t key = 0; key < problem->seq_len; key++)
        if (problem_visible(problem, key))
            asking->all[asking->num_all++] = key;
    find_partners(asking);
    return ERROR_NONE;
}

void asking_end(struct asking *asking)
{
    free(asking->all);
}
