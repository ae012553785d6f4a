#include "harness/evaluate/outcome.h"

#include <stdio.h>
#include <string.h>

#include "harness/judge/verdict.h"

const char *const status_names[STATUS_COUNT] = {
    [STATUS_PASS] = "pass",   [STATUS_FAIL] = "fail",   [STATUS_XFAIL] = "xfail",
    [STATUS_XPASS] = "xpass", [STATUS_ERROR] = "error", [STATUS_SKIP] = "skip",
};

bool status_as_expected(enum status status)
{
    return status == STATUS_PASS || status == STATUS_XFAIL || status == STATUS_SKIP;
}

bool status_is_judged(enum status status)
{
    return status != STATUS_ERROR && status != STATUS_SKIP;
}

bool status_is_possible(enum status status, bool expects_failure)
{
    if (status == STATUS_FAIL || status == STATUS_ERROR || status == STATUS_SKIP)
        return true;
    return expects_failure == (status == STATUS_XFAIL || status == STATUS_XPASS);
}

enum status status_find(const char *name)
{
    enum status status = 0;
    while (status < STATUS_COUNT && strcmp(status_names[status], name) != 0)
        status++;
    return status;
}

bool status_name_as_expected(const char *name)
{
    return status_as_expected(status_find(name));
}

enum status outcome_status(const struct expectation *expected, enum decision decision, bool violated,
                           enum signature found)
{
    if (decision == DECISION_UNDECIDED || decision == DECISION_UNBOUNDED)
        return STATUS_ERROR;
    bool failed = decision == DECISION_FAIL || violated;
    if (!expected->failure)
        return failed ? STATUS_FAIL : STATUS_PASS;
    if (!failed)
        return STATUS_XPASS;
    return expected->signature == SIGNATURE_NONE || expected->signature == found ? STATUS_XFAIL : STATUS_FAIL;
}

/* Why it cannot be told whether the output is in the class that is asked for. */
static void say_class_is_open(struct outcome *outcome, const struct point *point, const struct class_report *classes)
{
    char asked[CLASS_NAME_SIZE], of_query[32] = "";
    int row = 0, heads = point->problem.num_heads;
    class_stands(classes, &point->demand.arithmetic, &row);
    if (problem_spec_queries(&point->problem) > 1)
        snprintf(of_query, sizeof of_query, " of query %d", row / heads);
    snprintf(
        outcome->reason, sizeof outcome->reason,
        "in class %s rounding can do anything to head %d%s, so whether the output is in it cannot be told; ask for "
        "another class, or for none",
        class_format(asked, &point->demand.arithmetic), row % heads, of_query);
}

/* The first of the oracles that the point asks for, where none of them could be tried; else ORACLE_COUNT. */
static enum oracle not_tried(const struct point *point, const struct oracle_report *report)
{
    enum oracle first = ORACLE_COUNT;
    for (enum oracle o = ORACLE_COUNT; o-- > 0;)
        if (point->oracles >> o & 1) {
            if (report->outcome[o] != ORACLE_NOT_APPLICABLE)
                return ORACLE_COUNT;
            first = o;
        }
    return first;
}

void outcome_reach(struct outcome *outcome, const struct point *point, const struct metrics *total,
                   const struct class_report *classes, const struct oracle_report *report, enum signature found)
{
    const struct expectation expected = {point->expect_fail, point->signature};
    enum decision of_numbers = criterion_decide(&point->criterion, total), decision = of_numbers;
    bool violated = oracles_violated(report) > 0;
    if (!violated)
        decision = class_decide(of_numbers, classes, &point->demand);
    *outcome = (struct outcome){.status = outcome_status(&expected, decision, violated, found)};
    if (outcome->status == STATUS_FAIL && expected.failure)
        snprintf(outcome->reason, sizeof outcome->reason, "expected to fail as %s, fails as %s",
                 signature_names[expected.signature], signature_names[found]);
    enum oracle untried = outcome->status == STATUS_XPASS ? not_tried(point, report) : ORACLE_COUNT;
    if (untried < ORACLE_COUNT) {
        outcome->status = STATUS_SKIP;
        snprintf(outcome->reason, sizeof outcome->reason,
                 "the failure that is expected could not be looked for: %s: %s", oracle_names[untried],
                 report->detail[untried]);
    }
    if (decision == DECISION_UNDECIDED)
        snprintf(outcome->reason, sizeof outcome->reason,
                 "the tolerance lies within the radius of the truth for %lld elements; allow a little more or, in a "
                 "case, raise truth_precision",
                 (long long)total->undecided);
    if (decision == DECISION_UNBOUNDED && of_numbers == DECISION_PASS)
        say_class_is_open(outcome, point, classes);
    else if (decision == DECISION_UNBOUNDED)
        snprintf(outcome->reason, sizeof outcome->reason,
                 "rounding can do anything to %lld %s, so a budget says nothing; give a tolerance",
                 (long long)(total->unbounded ? total->unbounded : total->lse_unbounded),
                 total->unbounded ? "elements" : "lse");
}

void outcome_skip(struct outcome *outcome, const char *reason)
{
    *outcome = (struct outcome){.status = STATUS_SKIP};
    snprintf(outcome->reason, sizeof outcome->reason, "%.500s", reason);
}

void outcome_not_run(struct outcome *outcome, const char *reason)
{
    *outcome = (struct outcome){.status = STATUS_ERROR};
    snprintf(outcome->reason, sizeof outcome->reason, "%.500s", reason);
}
