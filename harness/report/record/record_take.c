#include <stdio.h>

#include "harness/report/record/record.h"

const struct given_claim *record_claim(const struct record *record)
{
    const struct given *given = record->point->given;
    return given && given->claim && !given->claim->checked ? given->claim : NULL;
}

bool record_cause_is_claimed(const struct record *record)
{
    const struct given_claim *claim = record_claim(record);
    return claim && claim->as_before && record->finding && record->finding->signature != SIGNATURE_NONE;
}

bool record_in_parts(const struct record *record)
{
    const struct point *point = record->point;
    return !point->given && !record->at_once && problem_spec_parts(&point->problem) > 1;
}

void record_take(struct record *record, enum error_kind kind, const struct error *failure,
                 const struct evaluation *evaluation)
{
    const struct judged_output *judged = &evaluation->judged;
    record->seconds = judged->seconds;
    record->ended = time(NULL);
    record->at_once = evaluation->at_once;
    record->launch_failure = evaluation->launch_failure;
    if (kind) {
        outcome_not_run(&record->outcome, failure->text);
        return;
    }
    outcome_reach(&record->outcome, record->point, &judged->verdict.total, &judged->classes, &evaluation->oracles,
                  judged->finding.signature);
    if (record->outcome.status == STATUS_SKIP && !*evaluation->subject_failure)
        return;
    record->run_failure = evaluation->oracles.how;
    if (*evaluation->subject_failure) {
        /* Also where whatever stands there is right; expected is it only by its name. */
        bool expected = record->point->expect_fail && record->point->signature == SIGNATURE_NO_ANSWER;
        record->outcome.status = expected ? STATUS_XFAIL : STATUS_FAIL;
        record->is_unanswered = true;
        record->run_failure = evaluation->run_failure;
        snprintf(record->outcome.reason, sizeof record->outcome.reason, "%s", evaluation->subject_failure);
    }
    record->faults = evaluation->faults;
    record->other = evaluation->has_other ? &evaluation->other : NULL;
    record->oracles = &evaluation->oracles;
    record->verdict = &judged->verdict;
    record->finding = &judged->finding;
    record->classes = &judged->classes;
    record->class_of_all = &judged->class_of_all;
    record->contract = &judged->contract;
    record->problem = &judged->problem;
    record->output = &judged->output;
    record->truth = &judged->truth;
    record->bound = judged->bound;
    record->lse_bound = judged->lse_bound;
    record->input_digest = judged->input_digest;
    record->output_digest = judged->output_digest;
    record->truth_digest = judged->truth_digest;
    record->contract_distance = judged->contract_distance;
}
