#include "harness/case/key.h"

#include <string.h>

#include "harness/support/field_yaml.h"

enum error_kind key_num_segments(const struct key *key, const struct yaml_node *node, size_t *count,
                                 struct error *error)
{
    *count = 1;
    return key->type && key->type->num_segments ? key->type->num_segments(node, count, error) : ERROR_NONE;
}

static bool is_whole(const struct field *field)
{
    return field->type == FIELD_WHOLE || field->type == FIELD_UNSIGNED;
}

/* "FIRST..LAST"; dots stands at the first dot. What is malformed is told before what is out of range. */
static enum error_kind read_range(const struct key *key, const struct yaml_node *node, const char *dots,
                                  struct segment *segment, struct error *error)
{
    struct field ends = key->field; /* steps are not those of its ends */
    ends.whole.multiple_of = 0;
    union value last;
    size_t size = (size_t)(dots - node->text);
    enum value_fault fault = field_parse(&ends, node->text, size, &segment->first),
                     end = field_parse(&ends, dots + 2, node->size - size - 2, &last);
    if (end == VALUE_NOT_WHOLE || fault == VALUE_SOUND)
        fault = end;
    if (fault != VALUE_SOUND)
        return field_error(&key->field, node, value_fault_sentences[fault], error);
    if (field_compare(&key->field, &last, &segment->first) < 0)
        return field_error(&key->field, node, "is a range whose end is before its start", error);
    segment->extra = field_distance(&key->field, &segment->first, &last);
    if (key->field.whole.multiple_of && segment->extra)
        return field_error(&key->field, node, "has steps and takes no range", error);
    fault = field_parse(&key->field, node->text, size, &segment->first);
    return fault ? field_error(&key->field, node, value_fault_sentences[fault], error) : ERROR_NONE;
}

enum error_kind key_read(const struct key *key, const struct yaml_node *node, struct segment *segment,
                         struct error *error)
{
    const struct field *field = &key->field;
    bool scalar = node->kind == YAML_SCALAR;
    if (key->type && key->type->read)
        return key->type->read(key, node, segment, error);
    if (field->type == FIELD_CHOICE && field->every && scalar && strcmp(node->text, field->every) == 0) {
        field_put_integer(field, &segment->first, 0);
        segment->extra = (uint64_t)field->names.count - 1;
        return ERROR_NONE;
    }
    const char *dots = is_whole(field) && key->axis && scalar && node->plain ? strstr(node->text, "..") : NULL;
    return dots ? read_range(key, node, dots, segment, error) : field_read(field, node, &segment->first, error);
}

bool key_takes_list(const struct key *key)
{
    return key->field.type == FIELD_SET;
}

bool key_counts(const struct key *key)
{
    return is_whole(&key->field) || key->field.type == FIELD_CHOICE;
}

int key_compare(const struct key *key, const union value *a, const union value *b)
{
    return key->type && key->type->compare ? key->type->compare(a, b) : field_compare(&key->field, a, b);
}

void key_apply(const struct key *key, const union value *first, uint64_t step, struct point *point)
{
    void *member = field_of(&key->field, point);
    if (key->type && key->type->apply)
        key->type->apply(first, point);
    else if (!key->type || !key->type->aside)
        memcpy(member, first, key->field.size);
    if (step)
        field_advance(&key->field, member, step);
}

char *key_format(char *text, const struct key *key, const struct point *point)
{
    return key->type && key->type->format ? key->type->format(text, point)
                                          : field_format(text, &key->field, field_in(&key->field, point));
}

const char *key_about(char *text, const struct key *key)
{
    return key->type && key->type->about ? key->type->about(text, &key->field) : key->field.about;
}
