#include "harness/case/case_recipe.h"

#include <string.h>

#include "harness/case/recipe_library.h"
#include "harness/case/recipe_yaml.h"
#include "harness/support/field_yaml.h"
#include "harness/support/suggest.h"

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
