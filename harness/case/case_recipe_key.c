/* The value of the key `recipe`: a recipe of the library, all of them, or one that the case spells itself. */
#include <string.h>

#include "harness/case/case_recipe.h"
#include "harness/case/recipe_library.h"
#include "harness/case/value_types.h"

static bool is_all(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && strcmp(node->text, "all") == 0;
}

/* `all` is a segment for each recipe, so that lists of it and names are seen to repeat some. */
static enum error_kind recipe_num_segments(const struct yaml_node *node, size_t *count, struct error *error)
{
    *count = 1;
    if (!is_all(node))
        return ERROR_NONE;
    enum error_kind kind = recipe_library_open(error);
    *count = recipe_library_count();
    return kind;
}

static enum error_kind recipe_key_read(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                       struct error *error)
{
    (void)key;
    if (!is_all(node))
        return recipe_value_parse(node, &segment->first.recipe, error);
    segment->first.recipe = recipe_library_at(segment->rank);
    return ERROR_NONE;
}

static int recipe_key_compare(const union value *a, const union value *b)
{
    return recipe_compare(&a->recipe->recipe, &b->recipe->recipe);
}

static int recipe_name_compare(const union value *a, const union value *b)
{
    return strcmp(a->recipe->name, b->recipe->name);
}

static void recipe_key_apply(const union value *value, struct point *point)
{
    point->base_recipe = &value->recipe->recipe;
}

static char *recipe_key_format(char *text, const struct point *point)
{
    snprintf(text, FIELD_TEXT_SIZE, "%s", point->base_recipe ? point->base_recipe->name : "default");
    return text;
}

static void recipe_key_clear(union value *value)
{
    if (value->recipe && value->recipe->owned)
        recipe_entry_free((struct recipe_entry *)value->recipe);
    value->recipe = NULL;
}

const struct value_type type_recipe = {
    .num_segments = recipe_num_segments,
    .read = recipe_key_read,
    .compare = recipe_key_compare,
    .compare_names = recipe_name_compare,
    .apply = recipe_key_apply,
    .format = recipe_key_format,
    .clear = recipe_key_clear,
};
