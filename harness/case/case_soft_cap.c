/* The value of the key `soft_cap`: none, or the cap under the name of where it applies: {before_bias: 30}. */
#include <stdio.h>
#include <string.h>

#include "harness/case/value_types.h"
#include "harness/support/field_yaml.h"

/* Between what no logit reaches and what f32 cannot tell from 0, so that nothing that is formed of it overflows. */
static const struct field cap = {.name = "soft_cap",
                                 .type = FIELD_REAL,
                                 .size = sizeof(float),
                                 .real = {0x1p-10, 0x1p20, false},
                                 .allowed = "numbers from 2^-10 to 2^20"};

static char *soft_cap_allowed(char *text, const struct field *field)
{
    (void)field;
    snprintf(text, FIELD_ALLOWED_SIZE, "none, {before_bias: C}, {after_bias: C}, a number from 2^-10 to 2^20");
    return text;
}

static enum error_kind soft_cap_read(const struct field *field, const struct yaml_node *node, void *member,
                                     struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE], quoted[QUOTE_SIZE];
    struct soft_cap_spec read = {.where = SOFT_CAP_COUNT};
    soft_cap_allowed(allowed, field);
    const struct yaml_node *name = node;
    if (node->kind == YAML_MAPPING) {
        name = node->first;
        if (!name || name->next->next)
            return place_error(error, &node->place, "%s is not one cap; allowed: %s", field->name, allowed);
    } else {
        enum error_kind kind = scalar_check(field->name, allowed, node, error);
        if (kind)
            return kind;
    }
    for (int where = 0; where < SOFT_CAP_COUNT; where++)
        if (name->kind == YAML_SCALAR && !strcmp(name->text, soft_cap_names[where]))
            read.where = (enum soft_cap)where;
    if (read.where == SOFT_CAP_COUNT || (read.where == SOFT_CAP_NONE) != (node->kind != YAML_MAPPING))
        return place_error(error, &name->place, "unknown %s: %s; allowed: %s", field->name, yaml_quote(quoted, name),
                           allowed);
    enum error_kind kind = read.where ? field_read(&cap, name->next, &read.value, error) : ERROR_NONE;
    if (!kind)
        memcpy(member, &read, sizeof read);
    return kind;
}

static char *soft_cap_format(char *text, const struct field *field, const void *member)
{
    char number[NUMBER_TEXT_MAX];
    struct soft_cap_spec written;
    (void)field;
    memcpy(&written, member, sizeof written);
    if (written.where == SOFT_CAP_NONE)
        snprintf(text, FIELD_TEXT_SIZE, "%s", soft_cap_names[SOFT_CAP_NONE]);
    else
        snprintf(text, FIELD_TEXT_SIZE, "%s:%s", soft_cap_names[written.where], format_float(number, written.value));
    return text;
}

static int soft_cap_compare(const struct field *field, const void *a, const void *b)
{
    const struct soft_cap_spec *x = a, *y = b;
    (void)field;
    if (x->where != y->where)
        return x->where < y->where ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

const struct field_own soft_cap_own = {soft_cap_read, soft_cap_format, soft_cap_allowed, soft_cap_compare};
