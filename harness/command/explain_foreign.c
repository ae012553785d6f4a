#include "harness/command/explain_foreign.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/command/judge_explain.h"
#include "harness/report/record/record_field.h"
#include "harness/support/file.h"
#include "harness/support/json_line.h"
#include "harness/support/json_value.h"

/* What an unknown failure takes is this command, which need not advise itself. */
static enum error_kind print_text(const struct record *record, int64_t element, struct error *error)
{
    const struct problem_spec *spec = &record->point->problem;
    char key[POINT_KEY_SIZE], largest[RECORD_LARGEST_SIZE];
    printf("%s\n  %s, %lldx%dx%d %s, seed %llu: %s%s%s\n", point_key(key, record->point), record->device_name,
           (long long)spec->seq_len, spec->num_heads, spec->head_dim, dtypes[spec->dtype].name,
           (unsigned long long)spec->seed, status_names[record->outcome.status], *record->outcome.reason ? ": " : "",
           record->outcome.reason);
    if (!record->verdict || *record->outcome.reason) /* skipped, or failed to run: nothing stands in its output */
        return ERROR_NONE;
    const struct metrics *total = &record->verdict->total;
    const bool advised = !record->finding || record->finding->signature != SIGNATURE_UNKNOWN ||
                         (record->contract && record->contract->named) || record_oracles_alone(record);
    char *findings = record_findings(record, "  ", advised), *notes = record_notes(record);
    if (!findings || !notes) {
        free(findings);
        free(notes);
        return error_memory(error, "an explanation", 0);
    }
    printf("  %lld/%lld mismatched, %s\n%s%s%s%s", (long long)total->mismatched, (long long)total->elements,
           record_say_largest(largest, record, false), *notes ? "  " : "", notes, *notes ? "\n" : "", findings);
    free(findings);
    free(notes);
    struct explained_element explained;
    bool found;
    enum error_kind kind = judge_explain_find(&explained, &found, record, element, error);
    return kind ? kind
                : judge_explain(record, found ? &explained : NULL, element < 0 ? "worst element" : "element", error);
}

static enum error_kind print_json(const struct record *record, int64_t wanted, struct error *error)
{
    struct explained_element explained;
    bool found;
    enum error_kind kind = judge_explain_find(&explained, &found, record, wanted, error);
    if (kind)
        return kind;
    json_t *object = record_to_json(record),
           *element = found ? record_fields_to_json(&record_explained_fields, &explained) : json_null();
    const bool complete = json_put(object, "element", element);
    return json_line_print(json_finish(object, complete), "an explanation as JSON", error);
}

enum error_kind explain_foreign(struct evaluator *evaluator, const struct foreign_opened *foreign,
                                const struct point *point, int64_t element, bool json, bool *taken, struct error *error)
{
    struct record record = {.point = point,
                            .run = &(struct run_points){.count = 1},
                            .foreign_option = foreign->option,
                            .device = "foreign",
                            .device_name = foreign->device,
                            .kernel_digest = foreign_digest(foreign)};
    struct evaluation evaluation = {.has_other = false};
    struct error failure = {0};
    char key[POINT_KEY_SIZE], reason[SUBJECT_TEXT_SIZE];
    enum error_kind kind = ERROR_NONE;
    progress_display_point(evaluator->display, point_key(key, point));
    *taken = evaluate_takes(evaluator, point, reason);
    if (*taken) {
        kind = evaluate(evaluator, &evaluation, point, &failure);
        if (progress_cancelled(evaluator->progress))
            kind = error_set(&failure, ERROR_INTERRUPTED, "interrupted");
        record_take(&record, kind, &failure, &evaluation);
    } else {
        outcome_skip(&record.outcome, reason);
    }
    if (kind == ERROR_INTERRUPTED) {
        evaluation_clear(&evaluation);
        return error_set(error, kind, "%s", failure.text);
    }
    progress_display_hide(evaluator->display);
    kind = json ? print_json(&record, element, error) : print_text(&record, element, error);
    if (!kind)
        kind = file_flush(stdout, error);
    progress_display_show(evaluator->display);
    evaluation_clear(&evaluation);
    return kind;
}
