#include "harness/judge/oracle/oracle_report.h"

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
