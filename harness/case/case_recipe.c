#include "harness/case/case_recipe.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_keys.h"
#include "harness/case/recipe_library.h"
#include "harness/support/suggest.h"

/* ---- mappings ---------------------------------------------------------------------------------------------------- */

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
    char allowed[ALLOWED_TEXT_SIZE], quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE];
    struct suggestion suggestion = {.text = name->text};
    int length = 0;
    for (size_t i = 0; i < num_extras + recipe_fields.count; i++) {
        const char *known = i < num_extras ? extras[i].name : field_at(&recipe_fields, i - num_extras)->name;
        suggestion_offer(&suggestion, known);
        length += snprintf(allowed + length, sizeof allowed - (size_t)length, "%s%s", i ? ", " : "", known);
    }
    return place_error(error, &name->place, "unknown key of a recipe: %s; %sallowed: %s", yaml_quote(quoted, name),
                       suggestion_format(advice, &suggestion), allowed);
}

enum error_kind recipe_parse(const struct yaml_node *mapping, struct recipe_extra *extras, size_t num_extras,
                             struct recipe *recipe, struct error *error)
{
    uint64_t seen = 0;
    _Static_assert(RECIPE_MAX_FIELDS + 8 <= 64, "a bit for each pair");
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

/* ---- entries ----------------------------------------------------------------------------------------------------- */

struct recipe_entry *recipe_entry_new(struct error *error)
{
    struct recipe_entry *entry = calloc(1, sizeof *entry);
    if (!entry) {
        error_memory(error, "a recipe", sizeof *entry);
        return NULL;
    }
    entry->recipe = recipe_sound;
    entry->recipe.name = entry->name;
    return entry;
}

void recipe_entry_free(struct recipe_entry *entry)
{
    if (!entry)
        return;
    free(entry->about);
    free(entry->source);
    free(entry->path);
    free(entry);
}

void recipe_print(FILE *stream, const struct recipe_entry *entry)
{
    fprintf(stream, "---\nrecipe: %s\nabout: >-\n  %s\nsource: >-\n  %s\n", entry->name, entry->about, entry->source);
    for (size_t i = 0; i < recipe_fields.count; i++) {
        const struct field *field = field_at(&recipe_fields, i);
        char value[FIELD_TEXT_SIZE];
        if (i == 0 || !recipe_field_equal(field, &entry->recipe, &recipe_sound))
            fprintf(stream, "%s: %s\n", field->name, field_format(value, field, field_in(field, &entry->recipe)));
    }
}

static enum error_kind library_find(const struct yaml_node *node, const struct recipe_entry **found,
                                    struct error *error)
{
    static const char allowed[] = "names that `alibicheck list recipes` prints, all, {base: NAME, KEY: VALUE, ...}";
    char quoted[QUOTE_SIZE], advice[SUGGESTION_SIZE];
    enum error_kind kind = scalar_check("recipe", allowed, node, error);
    if (kind || (kind = recipe_library_open(error)))
        return kind;
    if ((*found = recipe_library_find(node->text)))
        return ERROR_NONE;
    struct suggestion suggestion = {.text = node->text};
    for (size_t i = 0; i < recipe_library_count(); i++)
        suggestion_offer(&suggestion, recipe_library_at(i)->name);
    return place_error(error, &node->place, "unknown recipe: %s; %sallowed: %s", yaml_quote(quoted, node),
                       suggestion_format(advice, &suggestion), allowed);
}

/* "BASE:FIELD=VALUE:...", or false if that is too long. */
static bool describe(struct recipe_entry *entry, const struct recipe_entry *base)
{
    size_t length = (size_t)snprintf(entry->name, sizeof entry->name, "%s", base->name);
    for (size_t i = 0; i < recipe_fields.count && length < sizeof entry->name; i++) {
        const struct field *field = field_at(&recipe_fields, i);
        char value[FIELD_TEXT_SIZE];
        if (!recipe_field_equal(field, &entry->recipe, &base->recipe))
            length += (size_t)snprintf(entry->name + length, sizeof entry->name - length, ":%s=%s", field->name,
                                       field_format(value, field, field_in(field, &entry->recipe)));
    }
    return length < sizeof entry->name;
}

static enum error_kind inline_name(const struct yaml_node *mapping, const struct yaml_node *name,
                                   const struct recipe_entry *base, struct recipe_entry *entry, struct error *error)
{
    char quoted[QUOTE_SIZE];
    if (!name)
        return describe(entry, base) ? ERROR_NONE
                                     : place_error(error, &mapping->place,
                                                   "a recipe with so many keys needs a name: %s; allowed: {name: NAME, "
                                                   "base: NAME, KEY: VALUE, ...}",
                                                   yaml_quote(quoted, mapping));
    enum error_kind kind = recipe_name_parse(name, entry->name, error);
    if (!kind && recipe_library_find(entry->name))
        return place_error(error, &name->place,
                           "a recipe of that name exists: %s; allowed: names that `alibicheck list recipes` does not "
                           "print",
                           yaml_quote(quoted, name));
    return kind;
}

static enum error_kind inline_parse(const struct yaml_node *mapping, struct recipe_entry *entry, struct error *error)
{
    struct recipe_extra extras[] = {{.name = "base"}, {.name = "name"}};
    struct recipe scratch = recipe_sound;
    const struct recipe_entry *base;
    enum error_kind kind;
    /* Once for the base, which may stand anywhere, and once on top of it. */
    if ((kind = recipe_parse(mapping, extras, 2, &scratch, error)) || (kind = recipe_library_open(error)))
        return kind;
    base = recipe_library_find("default");
    if (extras[0].node && (kind = library_find(extras[0].node, &base, error)))
        return kind;
    entry->recipe = base->recipe;
    entry->recipe.name = entry->name;
    if ((kind = recipe_parse(mapping, extras, 2, &entry->recipe, error)) ||
        (kind = recipe_check(mapping, &base->recipe, &entry->recipe, error)))
        return kind;
    return inline_name(mapping, extras[1].node, base, entry, error);
}

enum error_kind recipe_value_parse(const struct yaml_node *node, const struct recipe_entry **entry, struct error *error)
{
    *entry = NULL;
    if (node->kind != YAML_MAPPING)
        return library_find(node, entry, error);
    struct recipe_entry *made = recipe_entry_new(error);
    if (!made)
        return ERROR_SYSTEM;
    made->owned = true;
    enum error_kind kind = inline_parse(node, made, error);
    if (kind)
        recipe_entry_free(made);
    else
        *entry = made;
    return kind;
}
