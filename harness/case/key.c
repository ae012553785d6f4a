#include "harness/case/key.h"

#include <stdio.h>
#include <string.h>

#include "harness/case/key_range.h"
#include "harness/support/field_yaml.h"

static bool is_range(const struct key *key, const struct yaml_node *node)
{
    return key->axis && key_is_range(&key->field, node);
}

enum error_kind key_num_segments(const struct key *key, const struct yaml_node *node, size_t *count,
                                 struct error *error)
{
    *count = 1;
    if (is_range(key, node))
        return key_range_count(&key->field, node, count, error);
    return key->type && key->type->num_segments ? key->type->num_segments(node, count, error) : ERROR_NONE;
}

static bool is_whole(const struct field *field)
{
    return field->type == FIELD_WHOLE || field->type == FIELD_UNSIGNED;
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
        segment->extra = (uint64_t)(field->num_every ? field->num_every : field->names.count) - 1;
        return ERROR_NONE;
    }
    if (!is_range(key, node))
        return field_read(field, node, &segment->first, error);
    const void *before = segment->rank > 0 ? &segment[-1].first : NULL;
    return key_range_read(field, node, before, &segment->first, &segment->extra, error);
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

bool key_is_of_others(const struct key *key, const struct point *point)
{
    return point->foreign && key->of_shipped && !(key->of_pages && point->foreign_paged);
}

char *key_format(char *text, const struct key *key, const struct point *point)
{
    if (key->is_kernel && point->foreign)
        return strcpy(text, point->foreign); /* KERNEL_NAME_SIZE */
    return key->type && key->type->format ? key->type->format(text, point)
                                          : field_format(text, &key->field, field_in(&key->field, point));
}

const char *key_about(char *text, const struct key *key)
{
    return key->type && key->type->about ? key->type->about(text, &key->field) : key->field.about;
}

char *key_default(char *text, const struct key *key, const struct point *point)
{
    if (key->preset) {
        snprintf(text, FIELD_TEXT_SIZE, "%s", key->preset);
        return text;
    }
    struct point without = *point;
    field_copy(&key->field, &without, &point_unset);
    point_derive(&without);
    return key_format(text, key, &without);
}
