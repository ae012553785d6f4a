#include "harness/case/case_contradiction.h"

#include <stdio.h>
#include <string.h>

#include "harness/case/recipe_field.h"

/* The recipe, and what overrides fields of it. */
static const struct recipe_key {
    enum key_id key;
    enum recipe_override by;
} recipe_keys[] = {
    {KEY_RECIPE, RECIPE_OVERRIDE_COUNT},
    {KEY_SENTINEL, OVERRIDE_SENTINEL},
    {KEY_BIAS, OVERRIDE_BIAS},
    {KEY_EXPONENTIAL, OVERRIDE_EXPONENTIAL},
};

enum { NUM_RECIPE_KEYS = sizeof recipe_keys / sizeof recipe_keys[0] };

void case_contradiction_keys(bool *marked)
{
    for (size_t i = 0; i < NUM_RECIPE_KEYS; i++)
        marked[recipe_keys[i].key] = true;
}

/* The recipe itself does not contradict itself, so one of the keys that override it makes the contradiction: the one
 * that makes it alone, or else the last one given. */
static enum key_id recipe_culprit(const struct test_case *test_case, const struct point *point)
{
    enum key_id last = KEY_RECIPE;
    for (size_t i = 0; i < NUM_RECIPE_KEYS; i++) {
        struct recipe recipe = point->base_recipe ? *point->base_recipe : recipe_sound;
        if (!test_case->axes[recipe_keys[i].key].given)
            continue;
        recipe_override(&recipe, recipe_keys[i].by, &point->recipe);
        last = recipe_keys[i].key;
        if (recipe_contradiction(&recipe))
            break;
    }
    return last;
}

/* What to do where only some of a case's recipes contradict themselves beside these values: leave those out. */
static void recipe_remedy(char *text, size_t size, const struct test_case *test_case, const uint64_t *index)
{
    uint64_t count = axis_count(&test_case->axes[KEY_RECIPE]), left = count, at[KEY_COUNT];
    size_t length = 0;
    *text = '\0';
    memcpy(at, index, sizeof at);
    for (at[KEY_RECIPE] = 0; at[KEY_RECIPE] < count && length < size; at[KEY_RECIPE]++) {
        char recipe[FIELD_TEXT_SIZE];
        struct point point;
        case_assemble(test_case, at, &point);
        if (!recipe_contradiction(&point.recipe))
            continue;
        left--;
        length +=
            (size_t)snprintf(text + length, size - length, "%s %s", length ? "," : ", or --recipe NAME,... without",
                             key_format(recipe, &keys[KEY_RECIPE], &point));
    }
    if (left == 0)
        *text = '\0';
}

enum error_kind case_contradiction_error(const struct test_case *test_case, const uint64_t *index,
                                         const struct point *point, struct error *error)
{
    char value[FIELD_TEXT_SIZE], recipe[FIELD_TEXT_SIZE], remedy[2 * FIELD_TEXT_SIZE];
    enum key_id id = recipe_culprit(test_case, point);
    uint64_t step;
    const struct segment *segment = axis_at(&test_case->axes[id], index[id], &step);
    key_format(recipe, &keys[KEY_RECIPE], point);
    recipe_remedy(remedy, sizeof remedy, test_case, index);
    return place_error(error, &segment->node->place,
                       "%s contradicts the recipe: '%s' with recipe %s; %s; allowed: choices that agree%s",
                       keys[id].field.name, key_format(value, &keys[id], point), recipe,
                       recipe_contradiction(&point->recipe), remedy);
}

/* ---- recipes that `all` leaves out ---- */

static bool is_of_all(const struct segment *segment)
{
    const struct yaml_node *node = segment->node;
    return node && node->kind == YAML_SCALAR && strcmp(node->text, "all") == 0;
}

/* Whether recipe number `recipe` of the axis contradicts itself beside some values of the keys that override it. */
static bool recipe_cannot(const struct test_case *test_case, uint64_t recipe)
{
    uint64_t index[KEY_COUNT] = {[KEY_RECIPE] = recipe};
    for (size_t i = 1; i < NUM_RECIPE_KEYS;) {
        struct point point;
        case_assemble(test_case, index, &point);
        if (recipe_contradiction(&point.recipe))
            return true;
        for (i = 1; i < NUM_RECIPE_KEYS; i++) {
            enum key_id id = recipe_keys[i].key;
            if (++index[id] < axis_count(&test_case->axes[id]))
                break;
            index[id] = 0;
        }
    }
    return false;
}

void case_leave_out_recipes(struct test_case *test_case)
{
    struct axis *axis = &test_case->axes[KEY_RECIPE];
    size_t left = 0, able = 0;
    for (size_t i = 0; i < axis->num_segments; i++)
        able += !recipe_cannot(test_case, i);
    for (size_t i = 0; i < axis->num_segments && able > 0; i++) {
        struct segment segment = axis->segments[i];
        if (is_of_all(&segment) && recipe_cannot(test_case, i))
            continue;
        segment.before = left; /* a recipe is a segment */
        axis->segments[left++] = segment;
    }
    if (able > 0)
        axis->num_segments = left;
}
