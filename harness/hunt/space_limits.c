#include "harness/hunt/space_limits.h"

#include <stdio.h>
#include <string.h>

#include "harness/case/case_parameter.h"
#include "harness/problem/distribution.h"
#include "harness/support/field_yaml.h"

/* The place of the ".." in a scalar; NULL: there is none. */
static const char *find_dots(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR ? strstr(node->text, "..") : NULL;
}

bool limits_is_range(const struct field *field, const struct yaml_node *node)
{
    bool of_numbers = field->type == FIELD_WHOLE || field->type == FIELD_UNSIGNED || field->type == FIELD_REAL;
    return of_numbers && find_dots(node) && !strchr(node->text, ':');
}

/* Reads both ends into members of the field's size. */
static enum error_kind read_ends(void *first, void *second, const struct field *field, const struct yaml_node *node,
                                 struct error *error)
{
    const char *dots = find_dots(node);
    if (!dots) {
        enum error_kind kind = field_read(field, node, first, error);
        if (!kind)
            memcpy(second, first, field->size);
        return kind;
    }
    char text[NUMBER_TEXT_MAX * 4]; /* the first end alone: "2." would be a number, too */
    int size = (int)(dots - node->text);
    bool fits = size < (int)sizeof text;
    snprintf(text, sizeof text, "%.*s", fits ? size : 0, node->text);
    enum value_fault fault = field_parse(field, text, strlen(text), first);
    if (!fault)
        fault = field_parse(field, dots + 2, strlen(dots + 2), second);
    if (fault)
        return field_error(field, node, value_fault_sentences[fault], error);
    return field_compare(field, first, second) > 0 ? field_error(field, node, "ends before it begins", error)
                                                   : ERROR_NONE;
}

enum error_kind limits_read_whole(int64_t *least, int64_t *greatest, const struct field *field,
                                  const struct yaml_node *node, struct error *error)
{
    uint64_t ends[2] = {0, 0};
    enum error_kind kind = read_ends(&ends[0], &ends[1], field, node, error);
    *least = kind ? 0 : field_integer(field, &ends[0]);
    *greatest = kind ? 0 : field_integer(field, &ends[1]);
    if (!kind && field->type == FIELD_UNSIGNED && ((*least | *greatest) < 0 || *greatest >> 52))
        return field_error(field, node, "is above what a hunt draws from, 2^52", error);
    return kind;
}

enum error_kind limits_read_real(struct real_limits *limits, const struct field *field, const struct yaml_node *node,
                                 struct error *error)
{
    double ends[2] = {0, 0};
    enum error_kind kind = read_ends(&ends[0], &ends[1], field, node, error);
    *limits = kind ? (struct real_limits){0, 0}
                   : (struct real_limits){field_real(field, &ends[0]), field_real(field, &ends[1])};
    return kind;
}

/* Names, one or a list, as bits. */
static enum error_kind read_names(unsigned *bits, const char *what, const struct field_names *of,
                                  const struct yaml_node *node, struct error *error)
{
    const struct field names = {.type = FIELD_CHOICE, .names = *of};
    char allowed[FIELD_ALLOWED_SIZE];
    bool is_list = node->kind == YAML_SEQUENCE;
    field_allowed(allowed, &names);
    *bits = 0;
    if (is_list && !node->first)
        return place_error(error, &node->place, "%s has no values: '[]'; allowed: %s", what, allowed);
    const struct yaml_node *first = is_list ? node->first : node;
    for (const struct yaml_node *name = first; name; name = is_list ? name->next : NULL) {
        enum error_kind kind = scalar_check(what, allowed, name, error);
        if (kind)
            return kind;
        int choice = field_choice(&names, name->text, name->size);
        if (choice == of->count)
            return unknown_name_error(what, &names, name, allowed, error);
        *bits |= 1u << choice;
    }
    return ERROR_NONE;
}

/* ---- input ------------------------------------------------------------------------------------------------------- */

static enum error_kind read_distributions(struct free_key *key, const struct yaml_node *node, struct error *error)
{
    static const struct field_names names = FIELD_NAMES_OF(distributions, kind.name, DISTRIBUTION_COUNT);
    return read_names(&key->kinds, "distribution", &names, node, error);
}

static enum error_kind read_parameter(struct free_key *key, const struct yaml_node *name, struct error *error)
{
    const struct field names = {
        .type = FIELD_CHOICE,
        .names = {&input_fields.first->name, input_fields.stride, (int)input_fields.count},
    };
    char quoted[QUOTE_SIZE], allowed[FIELD_ALLOWED_SIZE];
    size_t index = field_find(&input_fields, name->text, name->size);
    if (index == input_fields.count)
        return place_error(error, &name->place, "unknown parameter of input: %s; allowed: distribution, %s",
                           yaml_quote(quoted, name), field_allowed(allowed, &names));
    const struct field *field = field_at(&input_fields, index);
    int64_t least, greatest;
    key->parameters_said |= index == INPUT_VALUE;
    if (field->type == FIELD_REAL)
        return limits_read_real(&key->parameters[index], field, name->next, error);
    enum error_kind kind = limits_read_whole(&least, &greatest, field, name->next, error);
    key->parameters[index] = (struct real_limits){(double)least, (double)greatest};
    return kind;
}

enum error_kind limits_read_input(struct free_key *key, const struct yaml_node *node, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    if (node->kind != YAML_MAPPING)
        return read_distributions(key, node, error);
    for (const struct yaml_node *name = node->first; name && !kind; name = name->next->next) {
        kind = key_name_check(name, error);
        if (kind)
            return kind;
        kind = strcmp(name->text, "distribution") == 0 ? read_distributions(key, name->next, error)
                                                       : read_parameter(key, name, error);
    }
    if (!kind && key->parameters[INPUT_LOW].low > key->parameters[INPUT_HIGH].high)
        return place_error(error, &node->place, "low is above high: a mapping; allowed: low up to high");
    return kind;
}

/* ---- mask -------------------------------------------------------------------------------------------------------- */

enum error_kind limits_read_mask(struct free_key *key, const struct yaml_node *node, struct error *error)
{
    /* All but the last kind: a file's bits are no draw. */
    _Static_assert(MASK_FILE == 1 << (MASK_KINDS - 1), "the last kind of a mask is a file");
    const struct field_names names = {&mask_parameters.kinds->name, mask_parameters.kind_stride, MASK_KINDS - 1};
    return read_names(&key->kinds, "mask", &names, node, error);
}
