/* What a record says of the comparisons with conventional references. */
#include "harness/report/record/record_value.h"
#include "harness/support/json_value.h"

static bool put_faults(json_t *object, const struct record_field *field, const void *member)
{
    const struct record *record = member;
    bool complete = true;
    for (int kind = 0; complete && kind < BASELINE_COUNT; kind++)
        if (record->point->baselines >> kind & 1)
            complete =
                json_put(object, baselines[kind].name, record_fields_to_json(field->members, &record->faults[kind]));
    if (complete && record->other)
        complete = json_put(object, "other", record_fields_to_json(field->members, record->other));
    return complete;
}

static const struct record_field reference_rows[] = {
    {RECORD_NAMED("NAME",
                  "The kernel against each reference of the case (`list keys`), or out against `judge --other`."),
     .put = put_faults, .members = &record_fault_fields},
};
const struct record_fields record_reference_fields = RECORD_FIELDS(reference_rows);

json_t *record_value_references(const struct record_field *field, const void *member)
{
    const struct record *record = member;
    if (!record->other && (!record->faults || record->point->baselines == 0))
        return json_null();
    return record_fields_to_json(field->members, record);
}
