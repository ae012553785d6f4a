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
    enum error_kind failure = scalar_check(set->what, allowed, node, error);
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

/* "window, holes". text: ALLOWED_TEXT_SIZE. */
static char *kinds_format(char *text, const struct parameter_set *set, unsigned kinds)
{
    int length = 0;
    for (int kind = 0; kind < set->num_kinds; kind++)
        if (kinds >> kind & 1)
            length += snprintf(text + length, (size_t)(ALLOWED_TEXT_SIZE - length), "%s%s", length ? ", " : "",
                               set->kinds[kind]);
    return text;
}

/* Whether a parameter is allowed beside these kinds: it is read by one, or names another that may stand with them. */
static bool parameter_fits(const struct parameter_set *set, const struct parameter *parameter, unsigned kinds)
{
    bool names_kind = false;
    for (int kind = 0; !set->chooser && kind < set->num_kinds; kind++)
        names_kind |= strcmp(parameter->name, set->kinds[kind]) == 0;
    return names_kind || parameter_read_by(parameter, kinds);
}

/* The parameter called by node, or an error that lists what the kinds read. */
static enum error_kind parameter_find(const struct parameter_set *set, unsigned kinds, const struct yaml_node *node,
                                      size_t *found, struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE], quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE], names[ALLOWED_TEXT_SIZE];
    struct suggestion suggestion = {.text = node->text};
    int length = snprintf(allowed, sizeof allowed, "%s", set->chooser ? set->chooser : "");
    bool known = false;
    for (size_t i = 0; i < set->count; i++) {
        const struct parameter *parameter = &set->parameters[i];
        bool named = strcmp(node->text, parameter->name) == 0;
        known |= named;
        if (!parameter_fits(set, parameter, kinds))
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
        return place_error(error, &node->place, "%s %s does not read: %s; allowed: %s", set->what,
                           kinds_format(names, set, kinds), quoted, allowed);
    return place_error(error, &node->place, "unknown parameter of %s %s: %s; %sallowed: %s", set->what,
                       kinds_format(names, set, kinds), quoted, suggestion_format(advice, &suggestion), allowed);
}

static enum error_kind parameter_parse(const struct parameter *parameter, const struct yaml_node *node, void *spec,
                                       struct error *error)
{
    char quoted[QUOTE_SIZE];
    double number;
    if (parameter->parse)
        return parameter->parse(parameter, node, spec, error);
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

enum error_kind parameters_parse(const struct parameter_set *set, unsigned kinds, const struct yaml_node *mapping,
                                 void *spec, struct error *error)
{
    char quoted[QUOTE_SIZE];
    uint64_t seen = 0;
    for (const struct yaml_node *name = mapping->first; name; name = name->next->next) {
        size_t index = 0;
        enum error_kind failure = key_name_check(name, error);
        if (failure)
            return failure;
        if (set->chooser && strcmp(name->text, set->chooser) == 0)
            continue;
        if ((failure = parameter_find(set, kinds, name, &index, error)))
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
        const struct parameter *parameter = &set->parameters[i];
        if (parameter->text) {
            const char *s = parameter->text(a), *t = parameter->text(b);
            int order = strcmp(s ? s : "", t ? t : "");
            if (order)
                return order;
            continue;
        }
        double x = parameter_get(parameter, a), y = parameter_get(parameter, b);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}
