/* The values of case keys that are no axes: text, names of cases, the tolerance. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/value_types.h"
#include "harness/support/field_yaml.h"

/* ---- text ---- */

static enum error_kind text_copy(const struct yaml_node *node, struct segment *segment, struct error *error)
{
    char *copy = malloc(node->size + 1);
    if (!copy)
        return error_memory(error, "a text of a case file", (double)node->size + 1);
    /* One line, whatever line breaks the file needed: records and tables hold it. */
    size_t length = 0;
    for (size_t i = 0; i < node->size; i++)
        if (!isspace((unsigned char)node->text[i]))
            copy[length++] = node->text[i];
        else if (length && copy[length - 1] != ' ')
            copy[length++] = ' ';
    copy[length - (length && copy[length - 1] == ' ')] = '\0';
    segment->first.text = copy;
    return ERROR_NONE;
}

static enum error_kind text_read(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                 struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    enum error_kind kind = scalar_check(key->field.name, field_allowed(allowed, &key->field), node, error);
    if (kind)
        return kind;
    for (size_t i = 0; i < node->size; i++)
        if (iscntrl((unsigned char)node->text[i]) && !isspace((unsigned char)node->text[i]))
            return field_error(&key->field, node, "holds a control character", error);
    return text_copy(node, segment, error);
}

static void text_clear(union value *value)
{
    free(value->text);
    value->text = NULL;
}

const struct value_type type_text = {.read = text_read, .clear = text_clear, .aside = true};

enum { NAME_TEXT_MAX = 96 };

static enum error_kind name_text_read(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                      struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    enum error_kind kind = scalar_check(key->field.name, field_allowed(allowed, &key->field), node, error);
    if (kind)
        return kind;
    bool good = node->size > 0 && node->size <= NAME_TEXT_MAX;
    for (size_t i = 0; i < node->size; i++)
        good &= isalnum((unsigned char)node->text[i]) || strchr("._-", node->text[i]);
    if (!good)
        return field_error(&key->field, node, "is not a name", error);
    return text_copy(node, segment, error);
}

const char name_text_allowed[] = "1 to 96 of A-Z a-z 0-9 . _ -";

_Static_assert((int)NAME_TEXT_MAX == 96, "allowed values of names");

const struct value_type type_name_text = {.read = name_text_read, .clear = text_clear, .aside = true};

/* ---- tolerance ---- */

#define PART(member)                                                                 \
    {                                                                                \
        .name = #member, .type = FIELD_REAL, FIELD_MEMBER(struct tolerance, member), \
        .allowed = "finite numbers, 0 or more"                                       \
    }

static const struct field parts[] = {PART(atol), PART(rtol), PART(lse)};
static const struct field_table part_table = FIELD_TABLE(parts);

static enum error_kind tolerance_read(const struct field *field, const struct yaml_node *node, void *member,
                                      struct error *error)
{
    char quoted[QUOTE_SIZE];
    struct tolerance tolerance = {.atol = -1, .rtol = -1, .lse = -1};
    if (node->kind != YAML_MAPPING)
        return field_error(field, node, yaml_is_null(node) ? "has no value" : "is not a mapping", error);
    for (const struct yaml_node *name = node->first, *value; name; name = value->next) {
        value = name->next;
        enum error_kind kind = key_name_check(name, error);
        if (kind)
            return kind;
        size_t index = field_find(&part_table, name->text, name->size);
        if (index == part_table.count)
            return place_error(error, &name->place, "unknown part of %s: %s; allowed: atol, rtol, lse", field->name,
                               yaml_quote(quoted, name));
        const struct field *part = &parts[index];
        if (field_real(part, field_of(part, &tolerance)) >= 0)
            return duplicate_key_error(name, error);
        if ((kind = field_read(part, value, field_of(part, &tolerance), error)))
            return kind;
        if (field_real(part, field_of(part, &tolerance)) < 0)
            return field_error(part, value, "is negative", error);
    }
    memcpy(member, &tolerance, sizeof tolerance);
    return ERROR_NONE;
}

static char *tolerance_allowed(char *text, const struct field *field)
{
    (void)field;
    snprintf(text, FIELD_ALLOWED_SIZE, "{atol: A, rtol: R, lse: L}, finite numbers, 0 or more");
    return text;
}

const struct field_own tolerance_own = {tolerance_read, NULL, tolerance_allowed, NULL};
