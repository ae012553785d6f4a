/* The oracle of batches: the trial is the first sequence of a launch and, with another v, the last; then many
 * (oracle_many.c). */
#include "harness/judge/oracle/oracle_checks.h"

enum error_kind check_batch(struct oracle_work *work, struct error *error)
{
    const struct trial_values *allowed;
    if (!oracle_takes(work, ORACLE_BATCH, &work->trial.problem, TRIAL_BATCH))
        return ERROR_NONE;
    enum error_kind kind = oracle_need_constant_run(work, error);
    if (!kind)
        kind = oracle_allow_no_difference(work, &allowed, error);
    if (!kind)
        kind = oracle_run_in_batch(work, &work->expected, error);
    if (kind)
        return kind;
    oracle_expect(work, ORACLE_BATCH, &work->base, allowed, "as the first of " TRIAL_BATCH_TEXT " in one launch");
    if (work->report->outcome[ORACLE_BATCH] == ORACLE_VIOLATED)
        return ERROR_NONE;
    oracle_copy_values(work, &work->got, &work->expected);
    oracle_expect(work, ORACLE_BATCH, &work->constant, allowed,
                  "as the last of " TRIAL_BATCH_TEXT " in one launch, v constant");
    if (work->report->outcome[ORACLE_BATCH] == ORACLE_VIOLATED)
        return ERROR_NONE;
    kind = oracle_need_many(work, error);
    if (!kind)
        oracle_tell_many(work, ORACLE_BATCH);
    return kind;
}
