#include "harness/judge/contract/contract_makers.h"

/* What each of several queries sees, and where it stands. */

/* The first keys, as many as there are queries, so that query i sees i + 1 of them. */
static bool keep_first_keys(struct contract_trial *trial, bool from_start)
{
    struct problem *problem = &trial->problem;
    int64_t queries = problem_queries(problem), later = problem->seq_len - queries;
    if (later < 1 || (from_start && !trial->output.lse)) /* out does not tell positions */
        return false;
    problem->seq_len = queries;
    problem->kv_slots += later;
    problem->bounds = NULL;
    if (from_start)
        problem->q_position = problem->kv_offset + queries - 1;
    return true;
}

/* The newest key of each query. */
static bool drop_own_keys(struct contract_trial *trial)
{
    struct problem *problem = &trial->problem;
    if (problem->seq_len < 2)
        return false;
    problem->seq_len--;
    problem->kv_slots++;
    problem->bounds = NULL;
    return true;
}

/* Biases of all queries counted from the last one's position, which lse alone tells. */
static bool join_positions(struct contract_trial *trial)
{
    const struct problem *problem = &trial->problem;
    float *lse = contract_own_lse(trial);
    for (int row = 0; lse && row < problem_rows(problem); row++) {
        int later = problem_queries(problem) - 1 - row / problem->num_heads;
        lse[row] = (float)((double)lse[row] + problem_row_slope(problem, row) * later);
    }
    return lse;
}

bool contract_make_queries(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const char *const what[] = {
        "all queries see all keys: no causal mask",
        "all queries see all keys, and stand where the last one does",
        "query i sees the first i + 1 keys: the causal mask begins with the cache",
        "query i sees the first i + 1 keys, and stands at the last of them",
        "no query sees its own key",
        "all queries stand where the last one does",
    };
    bool made = false;
    if (problem_queries(&trial->problem) < 2)
        return false;
    switch (variant) {
    case 0:
    case 1:
        made = contract_join_queries(trial, variant == 0);
        break;
    case 2:
    case 3:
        made = keep_first_keys(trial, variant == 3);
        break;
    case 4:
        made = drop_own_keys(trial);
        break;
    default:
        made = join_positions(trial);
    }
    return made && contract_say(trial, "%s", what[variant]);
}

bool contract_make_next_key(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    (void)variant;
    return problem_queries(&trial->problem) > 1 && contract_append_key(trial) &&
           contract_say(trial, "queries see the next one's key");
}
