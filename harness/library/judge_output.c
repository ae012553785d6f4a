#include <math.h>
#include <stddef.h>

#include "harness/library/judged_output.h"
#include "harness/library/judged_parts.h"
#include "harness/library/opened_parts.h"
#include "harness/library/overruled.h"
#include "reference/computing_environment.h"

static enum error_kind reach_verdict(struct judged_output *judged, const struct judging *judging, struct error *error)
{
    const struct exhibit exhibit = judged_exhibit(judged, judging);
    double start = seconds_now();
    verdict_clear(&judged->verdict);
    enum error_kind kind = verdict_reach(&judged->verdict, &exhibit, error);
    judged->seconds.judge += seconds_now() - start;
    return kind;
}

/* A failure of a sample: what the other rows say of its cause is not known. */
static void find_nothing(struct judged_output *judged, const struct criterion *criterion)
{
    const struct metrics *rows = judged->verdict.rows;
    judged->finding = (struct signature_finding){
        .signature = SIGNATURE_UNKNOWN,
        .head = -1,
        .residual = NAN,
        .remedy = "Of a sample no cause is sought: judge this sequence alone to have it named.",
    };
    for (int r = 0; r < judged->verdict.num_rows; r++)
        judged->finding.num_rows_failing +=
            rows[r].elements > 0 && criterion_decide(criterion, &rows[r]) == DECISION_FAIL;
}

/* What is sought needs keys: of a problem that was worked on in parts these are opened again. */
static void offer_parts(struct exhibit *exhibit, struct opened_parts *opened, struct judged_output *judged,
                        const struct problem_source *source, const struct judging *judging, const char *purpose)
{
    const struct part_opening how = {judging->threads, judging->progress, judging->step, judging->context, purpose};
    opened_parts_offer(opened, exhibit, source, &judged->inputs, &how);
}

/* start: when it began to be sought. */
static void take_parts_back(struct opened_parts *opened, struct judged_output *judged, double start)
{
    double opening = opened_parts_end(opened);
    judged->seconds.inputs += opening;
    judged->seconds.judge += seconds_now() - start - opening;
}

static enum error_kind find_signature(struct judged_output *judged, const struct problem_source *source,
                                      const struct judging *judging, struct error *error)
{
    struct exhibit exhibit = judged_exhibit(judged, judging);
    const struct oracle_facts facts = {0};
    if (criterion_decide(&judging->criterion, &judged->verdict.total) == DECISION_PASS &&
        class_decide(DECISION_PASS, &judged->classes, &judging->demand) != DECISION_FAIL)
        return ERROR_NONE;
    if (judging->rows) {
        find_nothing(judged, &judging->criterion);
        return ERROR_NONE;
    }
    double start = seconds_now();
    struct opened_parts opened;
    judged_step(judging, "signature", 0);
    offer_parts(&exhibit, &opened, judged, source, judging, "signature");
    enum error_kind kind =
        signature_find(&judged->finding, &exhibit, &judged->verdict, &facts, judging->threads, error);
    take_parts_back(&opened, judged, start);
    return kind;
}

/* Whether it is but the bound of an arithmetic that the output is beyond: it is within the tolerance, and some other
 * arithmetic explains it as it was stated. */
static bool is_of_other_arithmetic(const struct judged_output *judged, const struct judging *judging)
{
    struct criterion tolerance = judging->criterion;
    tolerance.mode = JUDGE_TOLERANCE;
    return judging->arithmetic && judged->class_of_all.outcome == CLASS_FOUND &&
           criterion_decide(&tolerance, &judged->verdict.total) == DECISION_PASS;
}

/* Of an output that is right but in another class than is asked for, or made with another arithmetic than it is said to
 * be, the contract is no question. */
static enum error_kind find_contract(struct judged_output *judged, const struct problem_source *source,
                                     const struct judging *judging, struct error *error)
{
    struct exhibit exhibit = judged_exhibit(judged, judging);
    if (criterion_decide(&judging->criterion, &judged->verdict.total) == DECISION_PASS ||
        is_of_other_arithmetic(judged, judging) || judging->rows)
        return ERROR_NONE;
    double start = seconds_now();
    struct opened_parts opened;
    judged_step(judging, "contract", 0);
    offer_parts(&exhibit, &opened, judged, source, judging, "contract");
    enum error_kind kind = contract_search(&judged->contract, &exhibit, &judged->verdict, &judging->demand,
                                           judging->threads, judging->progress, error);
    signature_overrule(&judged->finding, &judged->contract, &judged->class_of_all);
    take_parts_back(&opened, judged, start);
    return kind;
}

enum error_kind judge_find_truth(struct judged_output *judged, const struct problem_source *source,
                                 const struct judging *judging, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    *judged = (struct judged_output){.input_digest = 0};
    enum error_kind kind = truth_init(&judged->truth, &source->shape, error);
    return kind ? kind : judged_work_through(judged, source, NULL, judging->truth_method, judging, error);
}

enum error_kind judge_output(struct judged_output *judged, const struct problem_source *source,
                             const struct given_output *given, const struct judging *judging, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    *judged = (struct judged_output){.input_digest = 0};
    enum error_kind kind = judged_take_output(&judged->output, &source->shape, given, error);
    if (!kind)
        kind = truth_init(&judged->truth, &source->shape, error);
    if (!kind && judging->arithmetic)
        kind = judged_make_bounds(judged, &source->shape, error);
    if (!kind)
        kind = judged_work_through(judged, source, given, judging->truth_method, judging, error);
    if (!kind)
        kind = reach_verdict(judged, judging, error);
    /* What a certificate leaves undecided is judged again by MPFR. */
    if (!kind && judged->verdict.total.undecided > 0 && judging->truth_method != TRUTH_PLAIN) {
        kind = judged_work_through(judged, source, given, TRUTH_PLAIN, judging, error);
        if (!kind)
            kind = reach_verdict(judged, judging, error);
    }
    if (!kind)
        class_of_rows(&judged->class_of_all, &judged->classes);
    if (!kind)
        kind = find_signature(judged, source, judging, error);
    if (!kind)
        kind = find_contract(judged, source, judging, error);
    if (!kind)
        judged->output_digest = judge_output_digest(&judged->output, &judged->problem);
    return kind;
}
