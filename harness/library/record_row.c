#include "harness/library/record_row.h"

#include "harness/support/field_json.h"
#include "harness/support/json_value.h"

const char *record_field_name(const struct record_field *field)
{
    return field->metric ? field->metric->field.name : field->field.name;
}

const char *record_field_type(const struct record_field *field)
{
    static const char *const types[FIELD_TYPE_COUNT] = {
        [FIELD_WHOLE] = "integer", [FIELD_UNSIGNED] = "integer", [FIELD_REAL] = "number", [FIELD_CHOICE] = "string",
        [FIELD_SET] = "list",      [FIELD_TEXT] = "string",      [FIELD_OWN] = "string",
    };
    if (field->type)
        return field->type;
    if (field->members)
        return field->is_list ? "list" : "object";
    return types[field->metric ? field->metric->field.type : field->field.type];
}

static const void *find_member(const struct record_fields *fields, const struct record_field *field, const void *holder)
{
    const void *part = fields->find_part ? fields->find_part(holder, field->part) : holder;
    return part ? field_in(&field->field, part) : NULL;
}

static json_t *make_value(const struct record_field *field, const void *member)
{
    if (!member)
        return json_null();
    if (field->value)
        return field->value(field, member);
    if (field->metric)
        return metric_to_json(field->metric, member);
    if (field->members)
        return record_fields_to_json(field->members, member);
    return field_to_json(&field->field, member);
}

json_t *record_fields_to_json(const struct record_fields *fields, const void *holder)
{
    json_t *object = json_object();
    bool complete = object;
    for (size_t i = 0; complete && i < fields->count; i++) {
        const struct record_field *field = &fields->rows[i];
        const void *member = find_member(fields, field, holder);
        complete = field->put ? field->put(object, field, member)
                              : json_put(object, record_field_name(field), make_value(field, member));
    }
    return json_finish(object, complete);
}
