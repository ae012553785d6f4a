#include "harness/case/case_parameter.h"

#include <math.h>
#include <string.h>

#include "harness/case/case_keys.h"
#include "harness/support/suggest.h"

double parameter_get(const struct parameter *parameter, const void *spec)
{
    const char *field = (const char *)spec + parameter->field;
    int narrow;
    int64_t wide;
    double number;
    switch (parameter->type) {
    case PARAMETER_INT:
        memcpy(&narrow, field, sizeof narrow);
        return narrow;
    case PARAMETER_INT64:
        memcpy(&wide, field, sizeof wide);
        return (double)wide;
    case PARAMETER_DOUBLE:
        break;
    }
    memcpy(&number, field, sizeof number);
    return number;
}

static void parameter_put(const struct parameter *parameter, void *spec, double number)
{
    char *field = (char *)spec + parameter->field;
    int narrow = parameter->type == PARAMETER_INT ? (int)number : 0;
    int64_t wide = parameter->type == PARAMETER_INT64 ? (int64_t)number : 0;
    switch (parameter->type) {
    case PARAMETER_INT:
        memcpy(field, &narrow, sizeof narrow);
        break;
    case PARAMETER_INT64:
        memcpy(field, &wide, sizeof wide);
        break;
    case PARAMETER_DOUBLE:
        memcpy(field, &number, sizeof number);
        break;
    }
}

enum error_kind parameter_kind_parse(const struct parameter_set *set, const char *allowed, const struct yaml_node *node,
                                     int *kind, struct error *error)
{
    char quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE];
    enum error_kind failure = parse_scalar(set->what, allowed, node, error);
    if (failure)
        return failure;
    struct suggestion suggestion = {.text = node->text};
    for (*kind = 0; *kind < set->num_kinds; ++*kind) {
        if (strcmp(node->text, set->kinds[*kind]) == 0)
            return ERROR_NONE;
        suggestion_offer(&suggestion, set->kinds[*kind]);
    }
    return place_error(error, &node->place, "unknown %s: %s; %sallowed: %s", set->what, yaml_quote(quoted, node),
                       suggestion_format(advice, &suggestion), allowed);
}

/* The parameter called by node, or an error that lists what the kind reads. */
static enum error_kind parameter_find(const struct parameter_set *set, int kind, const struct yaml_node *node,
                                      size_t *found, struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE], quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE];
    struct suggestion suggestion = {.text = node->text};
    int length = snprintf(allowed, sizeof allowed, "%s", set->chooser ? set->chooser : "");
    bool known = false;
    for (size_t i = 0; i < set->count; i++) {
        const struct parameter *parameter = &set->parameters[i];
        bool named = strcmp(node->text, parameter->name) == 0;
        known |= named;
        if (!parameter_read_by(parameter, kind))
            continue;
        if (named) {
            *found = i;
            return ERROR_NONE;
        }
        length +=
            snprintf(allowed + length, sizeof allowed - (size_t)length, "%s%s", length ? ", " : "", parameter->name);
        suggestion_offer(&suggestion, parameter->name);
    }
    yaml_quote(quoted, node);
    if (known)
        return place_error(error, &node->place, "%s %s does not read: %s; allowed: %s", set->what, set->kinds[kind],
                           quoted, allowed);
    return place_error(error, &node->place, "unknown parameter of %s %s: %s; %sallowed: %s", set->what,
                       set->kinds[kind], quoted, suggestion_format(advice, &suggestion), allowed);
}

static enum error_kind parameter_parse(const struct parameter *parameter, const struct yaml_node *node, void *spec,
                                       struct error *error)
{
    char quoted[QUOTE_SIZE];
    double number;
    enum error_kind kind = parse_number(parameter->name, parameter->allowed, node, &number, error);
    if (kind)
        return kind;
    bool fraction = parameter->type != PARAMETER_DOUBLE && number != trunc(number);
    if (fraction || !(number >= parameter->least && number <= parameter->greatest))
        return place_error(error, &node->place, "%s is %s: %s; allowed: %s", parameter->name,
                           fraction ? "not a whole number" : "out of range", yaml_quote(quoted, node),
                           parameter->allowed);
    parameter_put(parameter, spec, number + 0.0); /* -0 + 0 is 0 */
    return ERROR_NONE;
}

enum error_kind parameters_parse(const struct parameter_set *set, int kind, const struct yaml_node *mapping, void *spec,
                                 struct error *error)
{
    char quoted[QUOTE_SIZE];
    uint64_t seen = 0;
    for (const struct yaml_node *name = mapping->first; name; name = name->next->next) {
        size_t index = 0;
        enum error_kind failure = parse_key_name(name, error);
        if (failure)
            return failure;
        if (set->chooser && strcmp(name->text, set->chooser) == 0)
            continue;
        if ((failure = parameter_find(set, kind, name, &index, error)))
            return failure;
        if (seen >> index & 1)
            return place_error(error, &name->place, "duplicate key: %s; allowed: each key once",
                               yaml_quote(quoted, name));
        seen |= UINT64_C(1) << index;
        if ((failure = parameter_parse(&set->parameters[index], name->next, spec, error)))
            return failure;
    }
    return ERROR_NONE;
}

int parameters_compare(const struct parameter_set *set, const void *a, const void *b)
{
    for (size_t i = 0; i < set->count; i++) {
        double x = parameter_get(&set->parameters[i], a), y = parameter_get(&set->parameters[i], b);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}
