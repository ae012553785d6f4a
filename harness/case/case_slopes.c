/* The value of the key `slopes`: a convention's name, or the slopes themselves: {values: [0.5, 0.25]}. */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/head_values.h"
#include "harness/case/value_types.h"
#include "harness/support/field_yaml.h"

/* Times log2(e), which kernels fold into the slope, it is still finite: 1.443 / 2 < 1. */
#define SLOPE_MAX ((double)FLT_MAX / 2)

static const struct field convention = {
    .name = "slopes", .type = FIELD_CHOICE, .size = sizeof(int), .names = FIELD_NAMES(slope_convention_names)};
static const struct field slope = {.name = "slopes",
                                   .type = FIELD_REAL,
                                   .size = sizeof(float),
                                   .real = {-SLOPE_MAX, SLOPE_MAX, false},
                                   .allowed = "numbers from -FLT_MAX / 2 to FLT_MAX / 2"};

static char *slopes_allowed(char *text, const struct field *field)
{
    (void)field;
    size_t length = strlen(field_allowed(text, &convention));
    snprintf(text + length, FIELD_ALLOWED_SIZE - length, ", {values: [S, ...]}, a number a head up to FLT_MAX / 2");
    return text;
}

static enum error_kind slopes_read(const struct field *field, const struct yaml_node *node, void *member,
                                   struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE], quoted[QUOTE_SIZE];
    if (node->kind != YAML_MAPPING) {
        struct slopes_value named = {.count = 0};
        struct field name = convention;
        name.allowed = slopes_allowed(allowed, field);
        enum error_kind kind = field_read(&name, node, &named.convention, error);
        if (!kind)
            memcpy(member, &named, sizeof named);
        return kind;
    }
    const struct yaml_node *list = NULL;
    for (const struct yaml_node *name = node->first; name; name = name->next->next) {
        enum error_kind kind = key_name_check(name, error);
        if (kind)
            return kind;
        if (strcmp(name->text, head_values_name) != 0)
            return place_error(error, &name->place, "unknown part of %s: %s; allowed: %s", field->name,
                               yaml_quote(quoted, name), head_values_name);
        if (list)
            return duplicate_key_error(name, error);
        list = name->next;
    }
    if (!list)
        return place_error(error, &node->place, "%s is an empty mapping: '{}'; allowed: %s", field->name,
                           slopes_allowed(allowed, field));
    struct slopes_value given = {.count = 0};
    enum error_kind kind =
        head_values_read(&given.values, &given.count, list, &slope, field, slopes_allowed(allowed, field), error);
    if (!kind)
        memcpy(member, &given, sizeof given);
    return kind;
}

static int slopes_compare(const struct field *field, const void *a, const void *b)
{
    const struct slopes_value *x = a, *y = b;
    (void)field;
    if (x->convention != y->convention)
        return x->convention < y->convention ? -1 : 1;
    return head_values_compare(x->values, x->count, y->values, y->count);
}

static void slopes_apply(const union value *value, struct point *point)
{
    point->problem.slopes = value->slopes.convention;
    point->problem.slope_values = value->slopes.values;
    point->problem.num_slope_values = (int)value->slopes.count;
}

/* "bloom" or "values:0.5:0.25". */
static char *slopes_format(char *text, const struct point *point)
{
    const struct problem_spec *problem = &point->problem;
    if (problem->num_slope_values == 0)
        return field_format(text, &convention, &problem->slopes);
    return head_values_format(text, problem->slope_values, (size_t)problem->num_slope_values);
}

static void slopes_clear(union value *value)
{
    free(value->slopes.values);
    value->slopes = (struct slopes_value){0};
}

const struct field_own slopes_own = {slopes_read, NULL, slopes_allowed, slopes_compare};

const struct value_type type_slopes = {.apply = slopes_apply, .format = slopes_format, .clear = slopes_clear};
