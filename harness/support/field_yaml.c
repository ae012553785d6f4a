#include "harness/support/field_yaml.h"

#include <string.h>

#include "harness/support/suggest.h"

enum error_kind field_error(const struct field *field, const struct yaml_node *node, const char *what,
                            struct error *error)
{
    char quoted[QUOTE_SIZE], allowed[FIELD_ALLOWED_SIZE];
    return place_error(error, &node->place, "%s %s: %s; allowed: %s", field->name, what, yaml_quote(quoted, node),
                       field_allowed(allowed, field));
}

enum error_kind unknown_name_error(const char *what, const struct field *field, const struct yaml_node *node,
                                   const char *allowed, struct error *error)
{
    char quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE];
    struct suggestion suggestion = {.text = node->text};
    for (int i = 0; i < field->names.count; i++)
        suggestion_offer(&suggestion, field_choice_name(field, i));
    return place_error(error, &node->place, "unknown %s: %s; %sallowed: %s", what, yaml_quote(quoted, node),
                       suggestion_format(advice, &suggestion), allowed);
}

enum error_kind scalar_check(const char *name, const char *allowed, const struct yaml_node *node, struct error *error)
{
    char quoted[QUOTE_SIZE];
    const char *what = node->kind != YAML_SCALAR              ? "is not a single value"
                       : yaml_is_null(node)                   ? "has no value"
                       : memchr(node->text, '\0', node->size) ? "holds a NUL character"
                                                              : NULL;
    if (!what)
        return ERROR_NONE;
    return place_error(error, &node->place, "%s %s: %s; allowed: %s", name, what, yaml_quote(quoted, node), allowed);
}

enum error_kind key_name_check(const struct yaml_node *node, struct error *error)
{
    char quoted[QUOTE_SIZE];
    if (node->kind == YAML_SCALAR && node->size > 0 && !memchr(node->text, '\0', node->size))
        return ERROR_NONE;
    return place_error(error, &node->place, "a key is not a name: %s; allowed: KEY: VALUE", yaml_quote(quoted, node));
}

enum error_kind duplicate_key_error(const struct yaml_node *name, struct error *error)
{
    char quoted[QUOTE_SIZE];
    return place_error(error, &name->place, "duplicate key: %s; allowed: each key once", yaml_quote(quoted, name));
}

static bool is_word(const struct yaml_node *node, const char *word)
{
    return word && node->kind == YAML_SCALAR && strcmp(node->text, word) == 0;
}

/* The index of the name that the node holds. */
static enum error_kind read_name(const struct field *field, const struct yaml_node *node, int *index,
                                 struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    enum error_kind kind = scalar_check(field->name, field_allowed(allowed, field), node, error);
    if (kind)
        return kind;
    *index = field_choice(field, node->text, node->size);
    return *index < field->names.count ? ERROR_NONE : unknown_name_error(field->name, field, node, allowed, error);
}

static enum error_kind read_set(const struct field *field, const struct yaml_node *node, void *member,
                                struct error *error)
{
    char quoted[QUOTE_SIZE], allowed[FIELD_ALLOWED_SIZE];
    bool list = node->kind == YAML_SEQUENCE;
    uint64_t bits = 0;
    int index = 0;
    if (is_word(node, field->every))
        bits = (UINT64_C(1) << field->names.count) - 1;
    if (is_word(node, "none") || is_word(node, field->every)) {
        field_put_integer(field, member, (int64_t)bits);
        return ERROR_NONE;
    }
    if (list && !node->first)
        return place_error(error, &node->place, "%s has no values: '[]'; allowed: %s", field->name,
                           field_allowed(allowed, field));
    for (const struct yaml_node *name = list ? node->first : node; name; name = list ? name->next : NULL) {
        if (list && (is_word(name, "none") || is_word(name, field->every)))
            return place_error(error, &name->place, "%s takes %s alone, not in a list; allowed: %s", field->name,
                               yaml_quote(quoted, name), field_allowed(allowed, field));
        enum error_kind kind = read_name(field, name, &index, error);
        if (kind)
            return kind;
        if (bits >> index & 1)
            return place_error(error, &name->place, "duplicate value of %s: %s; allowed: each value once", field->name,
                               yaml_quote(quoted, name));
        bits |= UINT64_C(1) << index;
    }
    field_put_integer(field, member, (int64_t)bits);
    return ERROR_NONE;
}

static bool has_number_name(const struct field *field, const struct yaml_node *node)
{
    bool has = false;
    for (int i = 0; i < field->num_numbers; i++)
        has |= is_word(node, field->numbers[i].name);
    return has;
}

static enum error_kind read_number(const struct field *field, const struct yaml_node *node, void *member,
                                   struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    enum error_kind kind = scalar_check(field->name, field_allowed(allowed, field), node, error);
    if (kind)
        return kind;
    bool whole = field->type != FIELD_REAL;
    if (!node->plain && !has_number_name(field, node))
        return field_error(field, node, whole ? "is quoted text, not a whole number" : "is quoted text, not a number",
                           error);
    enum value_fault fault = field_parse(field, node->text, node->size, member);
    return fault ? field_error(field, node, value_fault_sentences[fault], error) : ERROR_NONE;
}

enum error_kind field_read(const struct field *field, const struct yaml_node *node, void *member, struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    enum error_kind kind;
    int index = 0;
    switch (field->type) {
    case FIELD_WHOLE:
    case FIELD_UNSIGNED:
    case FIELD_REAL:
        return read_number(field, node, member, error);
    case FIELD_CHOICE:
        if (!(kind = read_name(field, node, &index, error)))
            field_put_integer(field, member, index);
        return kind;
    case FIELD_SET:
        return read_set(field, node, member, error);
    case FIELD_TEXT:
        if (!(kind = scalar_check(field->name, field_allowed(allowed, field), node, error)))
            field_parse(field, node->text, node->size, member);
        return kind;
    case FIELD_OWN:
        return field->own->read(field, node, member, error);
    case FIELD_TYPE_COUNT:
        break;
    }
    return ERROR_NONE;
}
