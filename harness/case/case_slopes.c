/* The value of the key `slopes`: a convention's name, or the slopes themselves: {values: [0.5, 0.25]}. */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "harness/case/value_types.h"
#include "harness/support/field_yaml.h"

static const char values_name[] = "values";

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

static enum error_kind values_read(const struct field *field, const struct yaml_node *list, struct slopes_value *slopes,
                                   struct error *error)
{
    char quoted[QUOTE_SIZE], allowed[FIELD_ALLOWED_SIZE];
    size_t count = 0;
    if (list->kind != YAML_SEQUENCE || !list->first)
        return place_error(error, &list->place, "%s are not a list of numbers: %s; allowed: %s", values_name,
                           list->kind == YAML_SEQUENCE ? "'[]'" : yaml_quote(quoted, list),
                           slopes_allowed(allowed, field));
    for (const struct yaml_node *value = list->first; value; value = value->next)
        count++;
    float *values = malloc(count * sizeof *values);
    if (!values)
        return error_memory(error, "slopes", (double)(count * sizeof *values));
    enum error_kind kind = ERROR_NONE;
    size_t i = 0;
    for (const struct yaml_node *value = list->first; value && !kind; value = value->next, i++)
        kind = field_read(&slope, value, &values[i], error);
    if (kind) {
        free(values);
        return kind;
    }
    *slopes = (struct slopes_value){.count = count, .values = values};
    return ERROR_NONE;
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
        if (strcmp(name->text, values_name) != 0)
            return place_error(error, &name->place, "unknown part of %s: %s; allowed: %s", field->name,
                               yaml_quote(quoted, name), values_name);
        if (list)
            return duplicate_key_error(name, error);
        list = name->next;
    }
    if (!list)
        return place_error(error, &node->place, "%s is an empty mapping: '{}'; allowed: %s", field->name,
                           slopes_allowed(allowed, field));
    return values_read(field, list, member, error);
}

static int slopes_compare(const struct field *field, const void *a, const void *b)
{
    const struct slopes_value *x = a, *y = b;
    (void)field;
    if (x->convention != y->convention)
        return x->convention < y->convention ? -1 : 1;
    if (x->count != y->count)
        return x->count < y->count ? -1 : 1;
    for (size_t i = 0; i < x->count; i++)
        if (x->values[i] != y->values[i])
            return x->values[i] < y->values[i] ? -1 : 1;
    return 0;
}

static void slopes_apply(const union value *value, struct point *point)
{
    point->problem.slopes = value->slopes.convention;
    point->problem.slope_values = value->slopes.values;
    point->problem.num_slope_values = (int)value->slopes.count;
}

/* "bloom", "values:0.5:0.25", or, of many, their number and hash: "values:112:0123456789abcdef". */
static char *slopes_format(char *text, const struct point *point)
{
    enum { LENGTH_MAX = 96 };
    const struct problem_spec *problem = &point->problem;
    int length = 0, count = problem->num_slope_values;
    if (count == 0)
        return field_format(text, &convention, &problem->slopes);
    length = snprintf(text, FIELD_TEXT_SIZE, "%s", values_name);
    for (int i = 0; i < count && length <= LENGTH_MAX; i++) {
        char number[NUMBER_TEXT_MAX];
        length += snprintf(text + length, (size_t)(FIELD_TEXT_SIZE - length), ":%s",
                           format_float(number, problem->slope_values[i]));
    }
    if (length > LENGTH_MAX)
        snprintf(text, FIELD_TEXT_SIZE, "%s:%d:%016llx", values_name, count,
                 (unsigned long long)XXH64(problem->slope_values, (size_t)count * sizeof *problem->slope_values, 0));
    return text;
}

static void slopes_clear(union value *value)
{
    free(value->slopes.values);
    value->slopes = (struct slopes_value){0};
}

const struct field_own slopes_own = {slopes_read, NULL, slopes_allowed, slopes_compare};

const struct value_type type_slopes = {.apply = slopes_apply, .format = slopes_format, .clear = slopes_clear};
