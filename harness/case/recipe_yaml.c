#include "harness/case/recipe_yaml.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "harness/case/recipe_field.h"
#include "harness/support/field_yaml.h"
#include "harness/support/suggest.h"

/* The index of what a mapping's key names: fields first, then extras; their number together if it names nothing. */
static size_t find_pair(const char *name, const struct recipe_extra *extras, size_t num_extras)
{
    size_t index = field_find(&recipe_fields, name, strlen(name)), extra = 0;
    while (index == recipe_fields.count && extra < num_extras && strcmp(name, extras[extra].name) != 0)
        extra++;
    return index + extra;
}

static enum error_kind unknown_key(const struct yaml_node *name, const struct recipe_extra *extras, size_t num_extras,
                                   struct error *error)
{
    enum { LONGEST_NAME = 24 };
    char allowed[(RECIPE_MAX_FIELDS + 8) * LONGEST_NAME], quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE];
    struct suggestion suggestion = {.text = name->text};
    size_t length = 0;
    for (size_t i = 0; i < num_extras + recipe_fields.count; i++) {
        const char *known = i < num_extras ? extras[i].name : field_at(&recipe_fields, i - num_extras)->name;
        suggestion_offer(&suggestion, known);
        if (length < sizeof allowed)
            length += (size_t)snprintf(allowed + length, sizeof allowed - length, "%s%s", i ? ", " : "", known);
    }
    return place_error(error, &name->place, "unknown key of a recipe: %s; %sallowed: %s", yaml_quote(quoted, name),
                       suggestion_format(advice, &suggestion), allowed);
}

enum error_kind recipe_parse(const struct yaml_node *mapping, struct recipe_extra *extras, size_t num_extras,
                             struct recipe *recipe, struct error *error)
{
    uint64_t seen = 0;
    _Static_assert(RECIPE_MAX_FIELDS + 4 <= 64, "a bit for each pair");
    for (const struct yaml_node *name = mapping->first; name; name = name->next->next) {
        enum error_kind kind = key_name_check(name, error);
        if (kind)
            return kind;
        size_t index = find_pair(name->text, extras, num_extras);
        if (index == recipe_fields.count + num_extras)
            return unknown_key(name, extras, num_extras, error);
        if (seen >> index & 1)
            return duplicate_key_error(name, error);
        seen |= UINT64_C(1) << index;
        if (index >= recipe_fields.count) {
            extras[index - recipe_fields.count].node = name->next;
            continue;
        }
        const struct field *field = field_at(&recipe_fields, index);
        if ((kind = field_read(field, name->next, field_of(field, recipe), error)))
            return kind;
    }
    return ERROR_NONE;
}

enum error_kind recipe_check(const struct yaml_node *mapping, const struct recipe *base, const struct recipe *recipe,
                             struct error *error)
{
    char quoted[QUOTE_SIZE];
    const char *why = recipe_contradiction(recipe);
    if (!why)
        return ERROR_NONE;
    for (const struct yaml_node *name = mapping->first; name; name = name->next->next) {
        size_t index = find_pair(name->text, NULL, 0);
        if (index == recipe_fields.count)
            continue;
        const struct field *field = field_at(&recipe_fields, index);
        struct recipe without = *recipe;
        field_copy(field, &without, base);
        if (!recipe_contradiction(&without))
            return place_error(error, &name->next->place,
                               "%s contradicts the rest of its recipe: %s; %s; allowed: choices that agree",
                               field->name, yaml_quote(quoted, name->next), why);
    }
    return place_error(error, &mapping->place, "a recipe contradicts itself: %s; allowed: choices that agree", why);
}

enum error_kind recipe_name_parse(const struct yaml_node *node, char *name, struct error *error)
{
    char allowed[64], quoted[QUOTE_SIZE];
    snprintf(allowed, sizeof allowed, "1 to %d of a-z 0-9 . _ -, not all", RECIPE_NAME_MAX);
    enum error_kind kind = scalar_check("a recipe's name", allowed, node, error);
    if (kind)
        return kind;
    bool good = node->size > 0 && node->size <= RECIPE_NAME_MAX && strcmp(node->text, "all") != 0;
    for (size_t i = 0; i < node->size; i++)
        good &= islower((unsigned char)node->text[i]) || isdigit((unsigned char)node->text[i]) ||
                strchr("._-", node->text[i]);
    if (!good)
        return place_error(error, &node->place, "a recipe's name is none: %s; allowed: %s", yaml_quote(quoted, node),
                           allowed);
    memcpy(name, node->text, node->size + 1);
    return ERROR_NONE;
}
