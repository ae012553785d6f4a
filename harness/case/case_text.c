/* The value types of case keys that are no axes: text, names of cases, the tolerance. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_keys.h"

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

static enum error_kind text_parse(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                  struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE];
    enum error_kind kind = scalar_check(key->name, key->type->allowed(allowed, key), node, error);
    if (kind)
        return kind;
    for (size_t i = 0; i < node->size; i++)
        if (iscntrl((unsigned char)node->text[i]) && !isspace((unsigned char)node->text[i]))
            return value_error(key, node, "holds a control character", error);
    return text_copy(node, segment, error);
}

static char *text_allowed(char *text, const struct key *key)
{
    (void)key;
    snprintf(text, ALLOWED_TEXT_SIZE, "text");
    return text;
}

static void text_clear(union value *value)
{
    free(value->text);
    value->text = NULL;
}

const struct value_type type_text = {.parse = text_parse, .allowed = text_allowed, .clear = text_clear};

enum { NAME_TEXT_MAX = 96 };

static enum error_kind name_text_parse(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                       struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE];
    enum error_kind kind = scalar_check(key->name, key->type->allowed(allowed, key), node, error);
    if (kind)
        return kind;
    bool good = node->size > 0 && node->size <= NAME_TEXT_MAX;
    for (size_t i = 0; i < node->size; i++)
        good &= isalnum((unsigned char)node->text[i]) || strchr("._-", node->text[i]);
    if (!good)
        return value_error(key, node, "is not a name", error);
    return text_copy(node, segment, error);
}

static char *name_text_allowed(char *text, const struct key *key)
{
    (void)key;
    snprintf(text, ALLOWED_TEXT_SIZE, "1 to %d of A-Z a-z 0-9 . _ -", NAME_TEXT_MAX);
    return text;
}

const struct value_type type_name_text = {
    .parse = name_text_parse,
    .allowed = name_text_allowed,
    .clear = text_clear,
};

/* ---- tolerance ---- */

static enum error_kind tolerance_parse(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                       struct error *error)
{
    static const char *const names[] = {"atol", "rtol", "lse"};
    enum { NUM_PARTS = sizeof names / sizeof names[0] };
    static const char allowed[] = "finite numbers, 0 or more";
    double parts[NUM_PARTS] = {-1, -1, -1};
    char quoted[QUOTE_SIZE];
    if (node->kind != YAML_MAPPING)
        return value_error(key, node, yaml_is_null(node) ? "has no value" : "is not a mapping", error);
    for (const struct yaml_node *name = node->first, *value; name; name = value->next) {
        value = name->next;
        enum error_kind kind = key_name_check(name, error);
        if (kind)
            return kind;
        size_t part = 0;
        while (part < NUM_PARTS && strcmp(name->text, names[part]) != 0)
            part++;
        if (part == NUM_PARTS)
            return place_error(error, &name->place, "unknown part of %s: %s; allowed: atol, rtol, lse", key->name,
                               yaml_quote(quoted, name));
        if (parts[part] >= 0)
            return place_error(error, &name->place, "duplicate key: %s; allowed: each key once",
                               yaml_quote(quoted, name));
        kind = parse_number(names[part], allowed, value, &parts[part], error);
        if (kind)
            return kind;
        if (parts[part] < 0)
            return place_error(error, &value->place, "%s is negative: %s; allowed: %s", names[part],
                               yaml_quote(quoted, value), allowed);
        parts[part] = fabs(parts[part]); /* -0 */
    }
    segment->first.tolerance = (struct tolerance){.atol = parts[0], .rtol = parts[1], .lse = parts[2]};
    return ERROR_NONE;
}

static void tolerance_apply(const struct key *key, const union value *first, uint64_t step, struct point *point)
{
    (void)step;
    memcpy((char *)point + key->field, &first->tolerance, sizeof first->tolerance);
}

static char *tolerance_allowed(char *text, const struct key *key)
{
    (void)key;
    snprintf(text, ALLOWED_TEXT_SIZE, "{atol: A, rtol: R, lse: L}, finite numbers, 0 or more");
    return text;
}

const struct value_type type_tolerance = {
    .parse = tolerance_parse,
    .apply = tolerance_apply,
    .allowed = tolerance_allowed,
};
