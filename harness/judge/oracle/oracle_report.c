#include "harness/judge/oracle/oracle_report.h"

#include <stdio.h>

#include "harness/subject/launch_watch.h"

const char *const oracle_outcome_names[ORACLE_OUTCOME_COUNT] = {
    [ORACLE_NOT_RUN] = "not_run",
    [ORACLE_HELD] = "held",
    [ORACLE_VIOLATED] = "violated",
    [ORACLE_NOT_APPLICABLE] = "not_applicable",
};

int oracles_violated(const struct oracle_report *report)
{
    int violated = 0;
    for (int o = 0; o < ORACLE_COUNT; o++)
        violated += report->outcome[o] == ORACLE_VIOLATED;
    return violated;
}

unsigned oracles_violated_mask(const struct oracle_report *report)
{
    unsigned mask = 0;
    for (int o = 0; o < ORACLE_COUNT; o++)
        if (report->outcome[o] == ORACLE_VIOLATED)
            mask |= 1u << o;
    return mask;
}

void oracle_report_find_stale(struct oracle_report *report, const struct launch_watch *watch)
{
    for (int o = 0; o < ORACLE_COUNT; o++) {
        if (report->outcome[o] != ORACLE_VIOLATED || !launch_watch_is_right(watch, report->repeats[o]))
            continue;
        report->stale |= 1u << o;
        snprintf(report->detail[o], ORACLE_DETAIL_SIZE,
                 "its output is, bit for bit, that of an earlier launch, of which no row of v is the same");
    }
}

void oracle_report_violate(struct oracle_report *report, unsigned which, enum oracle oracle, const char *seen)
{
    if (!*seen || !(which >> oracle & 1) || report->outcome[oracle] == ORACLE_VIOLATED)
        return;
    report->outcome[oracle] = ORACLE_VIOLATED;
    snprintf(report->detail[oracle], ORACLE_DETAIL_SIZE, "%s", seen);
}
