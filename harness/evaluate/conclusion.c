#include "harness/evaluate/conclusion.h"

#include <math.h>
#include <stdio.h>

#include "harness/evaluate/replayed_cause.h"
#include "harness/evaluate/work_inputs.h"
#include "harness/judge/cause/signature_info.h"
#include "harness/subject/launch_watch.h"

/* Whether the output is wrong, and that of an earlier launch, for which it was right. */
static bool is_stale(const struct work *work)
{
    const struct launch_watch *watch = work->subject->watch;
    return watch && work->source->num_parts == 1 && criterion_out_off(&work->evaluation->judged.verdict.total) &&
           launch_watch_is_right(watch, work->repeats);
}

void conclude_watch(struct work *work)
{
    struct launch_watch *watch = work->subject->watch;
    if (!watch)
        return;
    if (work->source->num_parts == 1 && !*work->evaluation->subject_failure &&
        !criterion_out_off(&work->evaluation->judged.verdict.total))
        launch_watch_approve(watch, work->launch);
    oracle_report_find_stale(&work->evaluation->oracles, watch);
}

/* Without an output there is none to explain. */
static void conclude_no_answer(struct evaluation *evaluation)
{
    const struct run_failure_info *how = &run_failures[evaluation->run_failure];
    struct signature_finding *finding = &evaluation->judged.finding;
    *finding = (struct signature_finding){.signature = SIGNATURE_NO_ANSWER,
                                          .head = -1,
                                          .num_rows_failing = problem_rows(&evaluation->judged.problem),
                                          .residual = NAN,
                                          .remedy = how->remedy};
    snprintf(finding->detail, sizeof finding->detail, "the kernel %s", how->about);
    class_report_clear(&evaluation->judged.classes);
    evaluation->judged.classes = (struct class_report){.num_rows = 0};
}

/* Whatever the rows of an earlier launch's output look like here. */
static void conclude_stale(struct signature_finding *finding)
{
    finding->signature = SIGNATURE_STALE;
    finding->remedy = signature_remedy(SIGNATURE_STALE);
    finding->num_rows_examined = finding->num_rows_explained = 0;
    finding->detail[0] = '\0';
}

/* Where parts are opened again, the memory of the inputs at hand is lent. */
static void lend_inputs(struct work *work)
{
    if (work->source->num_parts > 1)
        work->evaluator->have_inputs = false;
}

/* What only a kernel that can be replayed tells. */
static enum error_kind ask_replay(struct work *work, struct error *error)
{
    struct judged_output *judged = &work->evaluation->judged;
    const struct exhibit exhibit = judged_exhibit(judged, &work->judging);
    double start = seconds_now();
    enum error_kind kind =
        replayed_cause(&judged->finding, &exhibit, &judged->verdict, work->subject, work->judging.threads, error);
    judged->seconds.judge += seconds_now() - start;
    return kind;
}

enum error_kind conclude_signature(struct work *work, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    const struct hearing hearing = work_hearing(work);
    const unsigned violated = oracles_violated_mask(&evaluation->oracles);
    const struct oracle_facts facts = {violated, evaluation->oracles.not_finite, evaluation->oracles.failed,
                                       evaluation->oracles.how, evaluation->oracles.stale};
    if (*evaluation->subject_failure) {
        conclude_no_answer(evaluation);
        return ERROR_NONE;
    }
    if (!hearing_asks_cause(&hearing, &facts))
        return ERROR_NONE;
    enum error_kind kind = work_need_keys(work, error);
    if (kind)
        return kind;
    lend_inputs(work);
    kind = hearing_find_signature(&hearing, &facts, error);
    if (!kind)
        kind = ask_replay(work, error);
    if (!kind && is_stale(work))
        conclude_stale(&evaluation->judged.finding);
    return kind;
}

enum error_kind conclude_contract(struct work *work, struct error *error)
{
    const struct hearing hearing = work_hearing(work);
    if (!work->evaluator->foreign || *work->evaluation->subject_failure || is_stale(work) ||
        !hearing_asks_contract(&hearing))
        return ERROR_NONE;
    lend_inputs(work); /* what is not ours has all keys */
    return hearing_find_contract(&hearing, error);
}

enum error_kind conclude_class(struct work *work, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    if (work->point->find_class != CLASS_OF_FAILING || evaluation->judged.classes.num_rows > 0 ||
        *evaluation->subject_failure ||
        criterion_decide(&work->point->criterion, &evaluation->judged.verdict.total) == DECISION_PASS)
        return ERROR_NONE;
    enum error_kind kind = work_need_keys(work, error);
    if (kind || !evaluation->judged.problem.k)
        return kind;
    const struct exhibit exhibit = judged_exhibit(&evaluation->judged, &work->judging);
    double start = seconds_now();
    progress_display_step(work->evaluator->display, "class", 0);
    kind =
        class_find(&evaluation->judged.classes, &exhibit, work->evaluator->threads, work->evaluator->progress, error);
    if (!kind)
        class_of_rows(&evaluation->judged.class_of_all, &evaluation->judged.classes);
    evaluation->judged.seconds.judge += seconds_now() - start;
    return kind;
}

enum error_kind conclude_faults(struct work *work, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    const struct exhibit exhibit = judged_exhibit(&evaluation->judged, &work->judging);
    enum error_kind kind = ERROR_NONE;
    double start = seconds_now();
    for (enum baseline c = 0; c < BASELINE_COUNT && !kind; c++)
        if (evaluation->baselines[c])
            kind = fault_find(&evaluation->faults[c], &exhibit, evaluation->baselines[c],
                              evaluation->baselines[c] + problem_elements(&evaluation->judged.problem), error);
    evaluation->judged.seconds.judge += seconds_now() - start;
    return kind;
}

void conclude_audit(struct work *work)
{
    struct oracle_report *report = &work->evaluation->oracles;
    /* `oracles: none` spares launches, and what the one that is judged did to memory is known without another. */
    const unsigned of_the_run = 1u << ORACLE_INPUTS | 1u << ORACLE_GUARDS;
    const unsigned which = work->point->oracles ? work->point->oracles : of_the_run;
    oracle_report_violate(report, which, ORACLE_INPUTS, work->changed);
    oracle_report_violate(report, which, ORACLE_GUARDS, work->breached);
}
