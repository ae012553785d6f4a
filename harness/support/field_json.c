#include "harness/support/field_json.h"

#include <string.h>

#include "harness/support/json_value.h"

static json_t *names_to_json(const struct field *field, uint64_t bits)
{
    json_t *list = json_array();
    bool complete = list;
    for (int i = 0; complete && i < field->names.count; i++)
        if (bits >> i & 1)
            complete = json_array_append_new(list, json_string(field_choice_name(field, i))) == 0;
    return json_finish(list, complete);
}

json_t *field_to_json(const struct field *field, const void *member)
{
    char text[FIELD_TEXT_SIZE];
    switch (field->type) {
    case FIELD_WHOLE:
        return json_integer(field_integer(field, member));
    case FIELD_UNSIGNED:
        return json_from_unsigned((uint64_t)field_integer(field, member));
    case FIELD_REAL:
        return json_from_double(field_real(field, member));
    case FIELD_CHOICE:
        return json_string(field_choice_name(field, (int)field_integer(field, member)));
    case FIELD_SET:
        return names_to_json(field, (uint64_t)field_integer(field, member));
    case FIELD_TEXT:
        return field_text(member) ? json_from_text(field_text(member)) : json_null();
    case FIELD_OWN:
        return json_from_text(field_format(text, field, member));
    case FIELD_TYPE_COUNT:
        break;
    }
    return NULL;
}

enum value_fault field_from_json(const struct field *field, const json_t *value, void *member)
{
    if (field->type == FIELD_CHOICE)
        return json_is_string(value)
                   ? field_parse(field, json_string_value(value), strlen(json_string_value(value)), member)
                   : VALUE_UNKNOWN;
    return json_is_integer(value) ? field_take_integer(field, json_integer_value(value), member) : VALUE_NOT_WHOLE;
}
