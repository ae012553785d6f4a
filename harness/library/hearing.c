#include "harness/library/hearing.h"

#include "harness/library/judged_parts.h"
#include "harness/library/opened_parts.h"
#include "harness/library/overruled.h"

/* ---- the verdict ------------------------------------------------------------------------------------------------- */

enum error_kind hearing_reach_verdict(const struct hearing *hearing, struct error *error)
{
    struct judged_output *judged = hearing->judged;
    const struct exhibit exhibit = judged_exhibit(judged, hearing->judging);
    double start = seconds_now();
    verdict_clear(&judged->verdict);
    enum error_kind kind = verdict_reach(&judged->verdict, &exhibit, error);
    judged->seconds.judge += seconds_now() - start;
    return kind;
}

bool hearing_is_undecided(const struct hearing *hearing)
{
    return hearing->judged->verdict.total.undecided > 0 && hearing->judging->truth_method != TRUTH_PLAIN;
}

static bool numbers_pass(const struct hearing *hearing)
{
    return criterion_decide(&hearing->judging->criterion, &hearing->judged->verdict.total) == DECISION_PASS;
}

/* ---- what needs keys --------------------------------------------------------------------------------------------- */

/* What is sought needs keys: of a problem that was worked on in parts these are opened again. That a part is, is told
 * to who does not keep what it is called. */
static void offer_parts(struct exhibit *exhibit, struct opened_parts *opened, const struct hearing *hearing,
                        const char *purpose)
{
    const struct judging *judging = hearing->judging;
    const struct part_opening how = {
        .threads = judging->threads,
        .progress = judging->progress,
        .step = judging->step_keeps_names ? NULL : judging->step,
        .context = judging->context,
        .purpose = purpose,
    };
    opened_parts_offer(opened, exhibit, hearing->source, hearing->inputs, &how);
}

/* start: when it began to be sought. */
static void take_parts_back(struct opened_parts *opened, const struct hearing *hearing, double start)
{
    struct seconds *seconds = &hearing->judged->seconds;
    double opening = opened_parts_end(opened);
    seconds->inputs += opening;
    seconds->judge += seconds_now() - start - opening;
}

/* ---- the signature ----------------------------------------------------------------------------------------------- */

bool hearing_asks_cause(const struct hearing *hearing, const struct oracle_facts *facts)
{
    return facts->violated || !numbers_pass(hearing);
}

enum error_kind hearing_find_signature(const struct hearing *hearing, const struct oracle_facts *facts,
                                       struct error *error)
{
    struct judged_output *judged = hearing->judged;
    const struct judging *judging = hearing->judging;
    struct exhibit exhibit = judged_exhibit(judged, judging);
    struct opened_parts opened;
    if (judging->rows) {
        judged_without_cause(judged, judging,
                             "Of a sample no cause is sought: judge this sequence alone to have it named.");
        return ERROR_NONE;
    }
    double start = seconds_now();
    judged_step(judging, "signature", 0);
    offer_parts(&exhibit, &opened, hearing, "signature");
    enum error_kind kind = signature_find(&judged->finding, &exhibit, &judged->verdict, facts, judging->threads, error);
    take_parts_back(&opened, hearing, start);
    return kind;
}

/* ---- the contract ------------------------------------------------------------------------------------------------ */

/* Whether it is but the bound of an arithmetic that the output is beyond: it is within the tolerance, and some other
 * arithmetic explains it as it was stated. Where a class is promised, what fits in that explains more than a coarser
 * one. */
static bool is_of_other_arithmetic(const struct judged_output *judged, const struct judging *judging)
{
    struct criterion tolerance = judging->criterion;
    tolerance.mode = JUDGE_TOLERANCE;
    return judging->arithmetic && !judging->promised.asked && judged->class_of_all.outcome == CLASS_FOUND &&
           criterion_decide(&tolerance, &judged->verdict.total) == DECISION_PASS;
}

bool hearing_asks_contract(const struct hearing *hearing)
{
    return !numbers_pass(hearing) && !is_of_other_arithmetic(hearing->judged, hearing->judging) &&
           !hearing->judging->rows;
}

/* The class that is asked for, and the one that is promised. */
static struct class_demand demand_of(const struct judging *judging)
{
    struct class_demand demand = judging->demand;
    const struct class_demand *promised = &judging->promised;
    if (!promised->asked)
        return demand;
    if (!demand.asked)
        return *promised;
    demand.arithmetic.set = class_closed(demand.arithmetic.set) & promised->arithmetic.set;
    return demand;
}

enum error_kind hearing_find_contract(const struct hearing *hearing, struct error *error)
{
    struct judged_output *judged = hearing->judged;
    const struct judging *judging = hearing->judging;
    struct exhibit exhibit = judged_exhibit(judged, judging);
    struct opened_parts opened;
    const struct class_demand demand = demand_of(judging);
    double start = seconds_now();
    judged_step(judging, "contract", 0);
    offer_parts(&exhibit, &opened, hearing, "contract");
    enum error_kind kind = contract_search(&judged->contract, &exhibit, &judged->verdict, &demand, judging->threads,
                                           judging->progress, error);
    signature_overrule(&judged->finding, &judged->contract, &judged->class_of_all);
    take_parts_back(&opened, hearing, start);
    return kind;
}
