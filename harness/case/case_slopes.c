/* The value of the key `slopes`: a convention's name, or the slopes themselves: {values: [0.5, 0.25]}. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "harness/case/case_keys.h"

static const char values_name[] = "values", value_allowed[] = "numbers from -FLT_MAX / 2 to FLT_MAX / 2";

/* Times log2(e), which kernels fold into the slope, it is still finite: 1.443 / 2 < 1. */
#define SLOPE_MAX (FLT_MAX / 2)

static char *slopes_allowed(char *text, const struct key *key)
{
    type_choice.allowed(text, key);
    size_t length = strlen(text);
    snprintf(text + length, ALLOWED_TEXT_SIZE - length, ", {values: [S, ...]}, a number a head up to FLT_MAX / 2");
    return text;
}

static enum error_kind values_parse(const struct key *key, const struct yaml_node *list, struct slopes_value *slopes,
                                    struct error *error)
{
    char quoted[QUOTE_SIZE], allowed[ALLOWED_TEXT_SIZE];
    size_t count = 0;
    if (list->kind != YAML_SEQUENCE || !list->first)
        return place_error(error, &list->place, "%s are not a list of numbers: %s; allowed: %s", values_name,
                           list->kind == YAML_SEQUENCE ? "'[]'" : yaml_quote(quoted, list),
                           key->type->allowed(allowed, key));
    for (const struct yaml_node *value = list->first; value; value = value->next)
        count++;
    float *values = malloc(count * sizeof *values);
    if (!values)
        return error_memory(error, "slopes", (double)(count * sizeof *values));
    enum error_kind kind = ERROR_NONE;
    size_t i = 0;
    for (const struct yaml_node *value = list->first; value && !kind; value = value->next, i++) {
        kind = parse_float(key->name, value_allowed, value, &values[i], error);
        if (!kind && !(fabsf(values[i]) <= SLOPE_MAX))
            kind = place_error(error, &value->place, "%s is out of range: %s; allowed: %s", key->name,
                               yaml_quote(quoted, value), value_allowed);
    }
    if (kind) {
        free(values);
        return kind;
    }
    *slopes = (struct slopes_value){.count = count, .values = values};
    return ERROR_NONE;
}

static enum error_kind slopes_parse(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                    struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE], quoted[QUOTE_SIZE];
    if (node->kind != YAML_MAPPING) {
        enum error_kind kind = type_choice.parse(key, node, segment, error);
        enum slope_convention convention = (enum slope_convention)segment->first.integer;
        segment->first.slopes = (struct slopes_value){.convention = convention};
        return kind;
    }
    const struct yaml_node *list = NULL;
    for (const struct yaml_node *name = node->first; name; name = name->next->next) {
        enum error_kind kind = key_name_check(name, error);
        if (kind)
            return kind;
        if (strcmp(name->text, values_name) != 0)
            return place_error(error, &name->place, "unknown part of %s: %s; allowed: %s", key->name,
                               yaml_quote(quoted, name), values_name);
        if (list)
            return place_error(error, &name->place, "duplicate key: %s; allowed: each key once",
                               yaml_quote(quoted, name));
        list = name->next;
    }
    if (!list)
        return place_error(error, &node->place, "%s is an empty mapping: '{}'; allowed: %s", key->name,
                           slopes_allowed(allowed, key));
    return values_parse(key, list, &segment->first.slopes, error);
}

static int slopes_compare(const union value *a, const union value *b)
{
    const struct slopes_value *x = &a->slopes, *y = &b->slopes;
    if (x->convention != y->convention)
        return x->convention < y->convention ? -1 : 1;
    if (x->count != y->count)
        return x->count < y->count ? -1 : 1;
    for (size_t i = 0; i < x->count; i++)
        if (x->values[i] != y->values[i])
            return x->values[i] < y->values[i] ? -1 : 1;
    return 0;
}

static void slopes_apply(const struct key *key, const union value *first, uint64_t step, struct point *point)
{
    (void)key, (void)step;
    point->problem.slopes = first->slopes.convention;
    point->problem.slope_values = first->slopes.values;
    point->problem.num_slope_values = (int)first->slopes.count;
}

/* "bloom", "values:0.5:0.25", or, of many, their number and hash: "values:112:0123456789abcdef". */
static char *slopes_format(char *text, const struct key *key, const struct point *point)
{
    enum { LENGTH_MAX = 96 };
    const struct problem_spec *problem = &point->problem;
    int length = 0, count = problem->num_slope_values;
    if (count == 0)
        return type_choice.format(text, key, point);
    length = snprintf(text, VALUE_TEXT_SIZE, "%s", values_name);
    for (int i = 0; i < count && length <= LENGTH_MAX; i++) {
        char number[32];
        length += snprintf(text + length, (size_t)(VALUE_TEXT_SIZE - length), ":%s",
                           format_float(number, problem->slope_values[i]));
    }
    if (length > LENGTH_MAX)
        snprintf(text, VALUE_TEXT_SIZE, "%s:%d:%016llx", values_name, count,
                 (unsigned long long)XXH64(problem->slope_values, (size_t)count * sizeof *problem->slope_values, 0));
    return text;
}

static void slopes_clear(union value *value)
{
    free(value->slopes.values);
    value->slopes = (struct slopes_value){0};
}

const struct value_type type_slopes = {
    .parse = slopes_parse,
    .compare = slopes_compare,
    .apply = slopes_apply,
    .format = slopes_format,
    .allowed = slopes_allowed,
    .clear = slopes_clear,
};
