#include "harness/case/case_parameter.h"

#include <stdio.h>
#include <string.h>

#include "harness/support/field_yaml.h"
#include "harness/support/suggest.h"

bool parameter_read_by(const struct parameter_set *set, size_t field, unsigned kinds)
{
    bool read = false;
    for (int kind = 0; kind < set->num_kinds; kind++)
        read |= (kinds >> kind & 1) && (parameter_kind(set, kind)->reads >> field & 1);
    return read;
}

/* Whether a text begins with the name of a kind and a colon. */
static bool begins_with_kind(const struct parameter_set *set, const char *text)
{
    const size_t size = strcspn(text, ":");
    for (int kind = 0; kind < set->num_kinds && text[size]; kind++) {
        const char *name = parameter_kind(set, kind)->name;
        if (strlen(name) == size && !strncmp(name, text, size))
            return true;
    }
    return false;
}

/* "{window: 64, sinks: 4}" of the "window:64:sinks:4" that keys of points have, and with a chooser "{distribution:
 * onehot, factor: 2}" of "onehot:factor=2"; "" of other texts. text: QUOTE_SIZE. */
static char *mapping_of_key(char *text, const struct parameter_set *set, const char *of_key)
{
    bool names = !set->chooser; /* what stands behind the next colon is the value of what stands before it */
    text[0] = '\0';
    if (!begins_with_kind(set, of_key) || strlen(of_key) > QUOTE_SIZE / 3) /* of which none becomes more than two */
        return text;
    int length = snprintf(text, QUOTE_SIZE, "{%s%s", set->chooser ? set->chooser : "", set->chooser ? ": " : "");
    for (const char *at = of_key; *at; at++) {
        const char *instead = *at == '=' || (*at == ':' && names) ? ": " : *at == ':' ? ", " : (char[]){*at, '\0'};
        length += snprintf(text + length, (size_t)(QUOTE_SIZE - length), "%s", instead);
        names ^= *at == ':' && !set->chooser;
    }
    snprintf(text + length, (size_t)(QUOTE_SIZE - length), "}");
    return text;
}

enum error_kind parameter_kind_parse(const struct parameter_set *set, const char *allowed, const struct yaml_node *node,
                                     int *kind, struct error *error)
{
    const struct field names = {.names = {&set->kinds->name, set->kind_stride, set->num_kinds}};
    enum error_kind failure = scalar_check(set->what, allowed, node, error);
    if (failure)
        return failure;
    *kind = field_choice(&names, node->text, node->size);
    if (*kind < set->num_kinds)
        return ERROR_NONE;
    char mapping[QUOTE_SIZE], quoted[QUOTE_SIZE];
    if (node->kind == YAML_SCALAR && *mapping_of_key(mapping, set, node->text))
        return place_error(error, &node->place, "unknown %s: %s; did you mean %s? allowed: %s", set->what,
                           yaml_quote(quoted, node), mapping, allowed);
    return unknown_name_error(set->what, &names, node, allowed, error);
}

/* "window, holes". text: FIELD_ALLOWED_SIZE. */
static char *kinds_format(char *text, const struct parameter_set *set, unsigned kinds)
{
    int length = 0;
    for (int kind = 0; kind < set->num_kinds; kind++)
        if (kinds >> kind & 1)
            length += snprintf(text + length, (size_t)(FIELD_ALLOWED_SIZE - length), "%s%s", length ? ", " : "",
                               parameter_kind(set, kind)->name);
    return text;
}

/* Whether a parameter is allowed beside these kinds: it is read by one, or names another that may stand with them. */
static bool parameter_fits(const struct parameter_set *set, size_t index, unsigned kinds)
{
    bool names_kind = false;
    for (int kind = 0; !set->chooser && kind < set->num_kinds; kind++)
        names_kind |= strcmp(field_at(set->fields, index)->name, parameter_kind(set, kind)->name) == 0;
    return names_kind || parameter_read_by(set, index, kinds);
}

/* The parameter called by node, or an error that lists what the kinds read. */
static enum error_kind parameter_find(const struct parameter_set *set, unsigned kinds, const struct yaml_node *node,
                                      size_t *found, struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE], quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE], names[FIELD_ALLOWED_SIZE];
    struct suggestion suggestion = {.text = node->text};
    int length = snprintf(allowed, sizeof allowed, "%s", set->chooser ? set->chooser : "");
    *found = field_find(set->fields, node->text, node->size);
    if (*found < set->fields->count && parameter_fits(set, *found, kinds))
        return ERROR_NONE;
    for (size_t i = 0; i < set->fields->count; i++) {
        if (!parameter_fits(set, i, kinds))
            continue;
        const char *name = field_at(set->fields, i)->name;
        length += snprintf(allowed + length, sizeof allowed - (size_t)length, "%s%s", length ? ", " : "", name);
        suggestion_offer(&suggestion, name);
    }
    yaml_quote(quoted, node);
    if (*found < set->fields->count)
        return place_error(error, &node->place, "%s %s does not read: %s; allowed: %s", set->what,
                           kinds_format(names, set, kinds), quoted, allowed);
    return place_error(error, &node->place, "unknown parameter of %s %s: %s; %sallowed: %s", set->what,
                       kinds_format(names, set, kinds), quoted, suggestion_format(advice, &suggestion), allowed);
}

enum error_kind parameters_parse(const struct parameter_set *set, unsigned kinds, const struct yaml_node *mapping,
                                 void *spec, struct error *error)
{
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
            return duplicate_key_error(name, error);
        seen |= UINT64_C(1) << index;
        const struct field *field = field_at(set->fields, index);
        if ((failure = field_read(field, name->next, field_of(field, spec), error)))
            return failure;
    }
    return ERROR_NONE;
}
