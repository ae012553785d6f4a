/* What a point came to, for people: in one line, and in some. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/library/metric.h"
#include "harness/report/record/record.h"

char *record_headline(const struct record *record)
{
    char *headline = NULL;
    if (!status_is_judged(record->outcome.status))
        return strdup(record->outcome.reason);
    if (record->is_unanswered)
        return asprintf(&headline, "%s: %s", run_failures[record->run_failure].name, record->outcome.reason) < 0
                   ? NULL
                   : headline;
    const struct metrics *total = &record->verdict->total;
    char largest[RECORD_LARGEST_SIZE];
    const struct problem_spec *problem = &record->point->problem;
    long long row = (long long)(total->worst / problem->head_dim);
    char query[32] = "";
    if (problem_spec_queries(problem) > 1)
        snprintf(query, sizeof query, "query %lld ", row / problem->num_heads);
    char *notes = record_notes(record);
    if (!notes || asprintf(&headline, "%lld of %lld elements mismatched, %s, worst at %shead %lld dim %lld%s%s",
                           (long long)total->mismatched, (long long)total->elements,
                           record_say_largest(largest, record, true), query, row % problem->num_heads,
                           (long long)(total->worst % problem->head_dim), *notes ? "; " : "", notes) < 0)
        headline = NULL;
    free(notes);
    return headline;
}

char *record_detail(const struct record *record, const char *headline)
{
    static const char *const verdicts[STATUS_COUNT] = {
        [STATUS_FAIL] = "fail",
        [STATUS_XFAIL] = "failed as expected",
        [STATUS_XPASS] = "passed where a failure was expected",
        [STATUS_ERROR] = "error",
        [STATUS_SKIP] = "skipped",
    };
    const char *because = case_because(record->point->test_case);
    const bool runs_again = !record->point->foreign || record->foreign_option;
    char *detail = NULL, *reproduce = runs_again ? record_reproduce(record, "") : strdup("");
    /* Why it failed otherwise than by its numbers: the headline of the others is of those. */
    const bool says_why = status_is_judged(record->outcome.status) && !record->is_unanswered && *record->outcome.reason;
    char *references = record_references(record, "", true), *findings = record_findings(record, "", true);
    if (reproduce && references && findings &&
        asprintf(&detail, "%s: %s\n%s%s%s%s%s%s%s%s%s%s%s", verdicts[record->outcome.status], headline, findings,
                 references, says_why ? "error: " : "", says_why ? record->outcome.reason : "", says_why ? "\n" : "",
                 because ? "because: " : "", because ? because : "", because ? "\n" : "",
                 runs_again ? "reproduce: " : "", reproduce, runs_again ? "\n" : "") < 0)
        detail = NULL;
    free(findings);
    free(references);
    free(reproduce);
    return detail;
}
