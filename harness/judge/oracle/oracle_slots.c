/* The oracle of slots that no query sees: past the length, and of masked keys. */
#include <math.h>

#include "harness/judge/oracle/oracle_allowance.h"
#include "harness/judge/oracle/oracle_checks.h"
#include "harness/judge/oracle/oracle_together.h"

/* Fills the slots of key `key`, masked or past the length, with what must not matter there. Slots past the length must
 * not be read at all: NaN, Inf. */
static void spoil_key(struct oracle_work *work, int64_t key)
{
    const struct problem *problem = &work->trial.problem;
    const struct subject *subject = work->inquiry->subject;
    size_t row = (size_t)problem->num_kv_heads * (size_t)problem->head_dim, first = (size_t)key * row;
    int odd = (int)(key % 2);
    float past = odd ? INFINITY : NAN;
    bool masked = key < problem->seq_len;
    trial_fill(&work->trial, TRIAL_K, first, row, masked ? subject->masked_k[odd] : past);
    trial_fill(&work->trial, TRIAL_V, first, row, masked ? subject->masked_v[odd] : past);
}

void slots_spoil(struct oracle_work *work)
{
    const struct problem *problem = &work->trial.problem;
    for (int64_t key = 0; key < problem->seq_len + TRIAL_SLOTS; key++)
        if (key >= problem->seq_len || !problem_visible(problem, key))
            spoil_key(work, key);
}

static bool has_masked_keys(const struct problem *problem)
{
    for (int64_t key = 0; key < problem->seq_len; key++)
        if (!problem_visible(problem, key))
            return true;
    return false;
}

enum error_kind check_masked_slots(struct oracle_work *work, struct error *error)
{
    if (!oracle_tells(work, ORACLE_MASKED_SLOTS,
                      work->inquiry->subject->without_slots && !has_masked_keys(&work->trial.problem),
                      "no key is masked"))
        return ERROR_NONE;
    const struct trial_values *allowed;
    bool hold;
    enum error_kind kind = oracle_hold_together(work, ORACLE_MASKED_SLOTS, &hold, error);
    if (!kind && !hold)
        kind = oracle_allow_no_difference(work, &allowed, error);
    if (kind || hold)
        return kind;
    trial_reload(&work->trial);
    slots_spoil(work);
    kind = oracle_run(work, TRIAL_POISON_NAN, work->inquiry->subject, error);
    if (!kind)
        oracle_expect(work, ORACLE_MASKED_SLOTS, &work->base, allowed, "with other numbers in masked slots");
    return kind;
}
