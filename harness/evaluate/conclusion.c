#include "harness/evaluate/conclusion.h"

#include <math.h>
#include <stdio.h>

#include "harness/evaluate/outcome.h"
#include "harness/evaluate/replayed_cause.h"
#include "harness/evaluate/work_inputs.h"
#include "harness/judge/cause/signature_info.h"
#include "harness/library/opened_parts.h"
#include "harness/library/overruled.h"
#include "harness/subject/launch_watch.h"

static struct exhibit exhibit_of(const struct work *work)
{
    const struct evaluation *evaluation = work->evaluation;
    return (struct exhibit){
        .problem = &evaluation->judged.problem,
        .output = &evaluation->judged.output,
        .truth = &evaluation->judged.truth,
        .bound = evaluation->judged.bound,
        .lse_bound = evaluation->judged.lse_bound,
        .criterion = work->point->criterion,
        .is_rounding =
            evaluation->judged.classes.num_rows > 0 && evaluation->judged.class_of_all.outcome == CLASS_FOUND,
        .is_coarse = evaluation->judged.classes.num_rows > 0 && class_is_coarse(&evaluation->judged.class_of_all),
    };
}

enum error_kind conclude_verdict(struct work *work, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    const struct exhibit exhibit = exhibit_of(work);
    double start = seconds_now();
    verdict_clear(&evaluation->judged.verdict);
    enum error_kind kind = verdict_reach(&evaluation->judged.verdict, &exhibit, error);
    evaluation->judged.seconds.judge += seconds_now() - start;
    return kind;
}

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

static void show_step(void *display, const char *step, long work)
{
    progress_display_step(display, step, work);
}

/* What is sought needs keys: of a point that was worked on in parts these are opened again. */
static void offer_parts(struct exhibit *exhibit, struct opened_parts *opened, struct work *work, const char *purpose)
{
    struct evaluator *evaluator = work->evaluator;
    const struct part_opening how = {evaluator->threads, evaluator->progress, show_step, evaluator->display, purpose};
    opened_parts_offer(opened, exhibit, work->source, &evaluator->inputs, &how);
    if (exhibit->parts)
        evaluator->have_inputs = false; /* k and v are lent */
}

/* start: when it began to be sought. */
static void take_parts_back(struct opened_parts *opened, struct evaluation *evaluation, double start)
{
    double opening = opened_parts_end(opened);
    evaluation->judged.seconds.inputs += opening;
    evaluation->judged.seconds.judge += seconds_now() - start - opening;
}

enum error_kind conclude_signature(struct work *work, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    struct opened_parts opened;
    const unsigned violated = oracles_violated_mask(&evaluation->oracles);
    const struct oracle_facts facts = {violated, evaluation->oracles.not_finite, evaluation->oracles.failed,
                                       evaluation->oracles.how, evaluation->oracles.stale};
    if (*evaluation->subject_failure) {
        conclude_no_answer(evaluation);
        return ERROR_NONE;
    }
    if (criterion_decide(&work->point->criterion, &evaluation->judged.verdict.total) == DECISION_PASS && !violated &&
        !outcome_out_of_class(work->point, &evaluation->judged.classes))
        return ERROR_NONE;
    enum error_kind kind = work_need_keys(work, error);
    if (kind)
        return kind;
    struct exhibit exhibit = exhibit_of(work);
    double start = seconds_now();
    progress_display_step(work->evaluator->display, "signature", 0);
    offer_parts(&exhibit, &opened, work, "signature");
    kind = signature_find(&evaluation->judged.finding, &exhibit, &evaluation->judged.verdict, &facts,
                          work->evaluator->threads, error);
    if (!kind)
        kind = replayed_cause(&evaluation->judged.finding, &exhibit, &evaluation->judged.verdict, work->subject,
                              work->evaluator->threads, error);
    if (!kind && is_stale(work))
        conclude_stale(&evaluation->judged.finding);
    take_parts_back(&opened, evaluation, start);
    return kind;
}

/* The class that the point asks for, and the one that a plug-in says it is meant to be in. */
static struct class_demand demand_of(const struct work *work)
{
    struct class_demand demand = work->point->demand;
    class_set declared = work->evaluator->foreign->set;
    if (!demand.asked && declared != CLASS_SETS - 1)
        demand = (struct class_demand){.asked = true, .arithmetic = {.set = declared}};
    else if (demand.asked)
        demand.arithmetic.set = class_closed(demand.arithmetic.set) & declared;
    return demand;
}

enum error_kind conclude_contract(struct work *work, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    struct exhibit exhibit = exhibit_of(work); /* what is not ours has all keys */
    struct opened_parts opened;
    if (!work->evaluator->foreign || *evaluation->subject_failure || is_stale(work) ||
        criterion_decide(&work->point->criterion, &evaluation->judged.verdict.total) == DECISION_PASS)
        return ERROR_NONE;
    const struct class_demand demand = demand_of(work);
    double start = seconds_now();
    progress_display_step(work->evaluator->display, "contract", 0);
    offer_parts(&exhibit, &opened, work, "contract");
    enum error_kind kind = contract_search(&evaluation->judged.contract, &exhibit, &evaluation->judged.verdict, &demand,
                                           work->evaluator->threads, work->evaluator->progress, error);
    signature_overrule(&evaluation->judged.finding, &evaluation->judged.contract, &evaluation->judged.class_of_all);
    take_parts_back(&opened, evaluation, start);
    return kind;
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
    const struct exhibit exhibit = exhibit_of(work);
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
    const struct exhibit exhibit = exhibit_of(work);
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
    oracle_report_violate(report, work->point->oracles, ORACLE_INPUTS, work->changed);
    oracle_report_violate(report, work->point->oracles, ORACLE_GUARDS, work->breached);
}
