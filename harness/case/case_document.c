#include "harness/case/case_document.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_constraint.h"
#include "harness/support/field_yaml.h"

/* Whether it has what every recipe of a file has, and a case has not. */
static bool is_recipe(const struct yaml_node *document)
{
    bool has_source = false;
    for (const struct yaml_node *name = document->first; name; name = name->next->next)
        has_source |= name->kind == YAML_SCALAR && strcmp(name->text, "source") == 0;
    return has_source && document->first->kind == YAML_SCALAR && strcmp(document->first->text, "recipe") == 0;
}

/* values[id] = the node that the document gives for key id, or NULL. */
static enum error_kind collect_keys(const struct yaml_node *document, const struct yaml_node **values,
                                    struct error *error)
{
    char quoted[QUOTE_SIZE], advice[FIELD_ALLOWED_SIZE];
    if (document->kind != YAML_MAPPING)
        return place_error(error, &document->place, "a case is a mapping of keys, not: %s; allowed: KEY: VALUE lines",
                           yaml_is_null(document) ? "an empty document" : yaml_quote(quoted, document));
    for (const struct yaml_node *name = document->first; name; name = name->next->next) {
        enum error_kind kind = key_name_check(name, error);
        if (kind)
            return kind;
        enum key_id id = key_find(name->text, name->size);
        if (id == KEY_COUNT && is_recipe(document))
            return place_error(error, &document->first->place,
                               "a recipe, not a case: %s; allowed: a case that names it (recipe: NAME, or --recipe "
                               "NAME), with --recipes DIR unless `alibicheck list recipes` has it",
                               yaml_quote(quoted, document->first->next));
        if (id == KEY_COUNT)
            return place_error(error, &name->place, "unknown key: %s; %s", yaml_quote(quoted, name),
                               key_advice(advice, name->text, name->size));
        if (values[id])
            return place_error(error, &name->place, "duplicate key: %s, already on line %d; allowed: each key once",
                               yaml_quote(quoted, name), values[id]->place.line);
        values[id] = name->next;
    }
    return ERROR_NONE;
}

static enum error_kind read_axes(struct test_case *test_case, const struct yaml_node *document,
                                 const struct yaml_node *const *values, struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    for (int id = 0; id < KEY_COUNT; id++) {
        const struct key *key = &keys[id];
        enum error_kind kind = ERROR_NONE;
        if (values[id])
            kind = axis_read(&test_case->axes[id], key, values[id], error);
        else if (key->preset || key->derived)
            kind = axis_read_preset(&test_case->axes[id], key, error);
        else
            kind = place_error(error, &document->place, "required key is missing: '%s'; allowed: %s", key->field.name,
                               field_allowed(allowed, &key->field));
        if (kind)
            return kind;
    }
    return ERROR_NONE;
}

/* The choice of a key that is no axis. */
static int64_t chosen(const struct test_case *test_case, enum key_id id)
{
    return field_integer(&keys[id].field, &test_case->axes[id].segments[0].first);
}

/* signature and because explain a failure. A setting of `expect` sets the file's explanation aside. */
static enum error_kind check_expectation(const struct test_case *test_case, const struct yaml_node *const *values,
                                         struct error *error)
{
    static const enum key_id explanations[] = {KEY_SIGNATURE, KEY_BECAUSE};
    char quoted[QUOTE_SIZE];
    if (chosen(test_case, KEY_EXPECT))
        return ERROR_NONE;
    for (size_t i = 0; i < sizeof explanations / sizeof explanations[0]; i++) {
        const struct yaml_node *node = values[explanations[i]];
        if (node)
            return place_error(error, &node->place, "%s stands without 'expect: fail': %s; allowed: with expect: fail",
                               keys[explanations[i]].field.name, yaml_quote(quoted, node));
    }
    return ERROR_NONE;
}

/* A budget that the way of judging does not read. A setting of `judge` sets the file's budget aside. */
static enum error_kind check_criterion(const struct test_case *test_case, const struct yaml_node *const *values,
                                       struct error *error)
{
    char quoted[QUOTE_SIZE];
    const struct yaml_node *budget = values[KEY_BUDGET];
    if (!budget || !values[KEY_JUDGE] || chosen(test_case, KEY_JUDGE) != JUDGE_TOLERANCE)
        return ERROR_NONE;
    return place_error(error, &budget->place,
                       "budget stands beside 'judge: tolerance': %s; allowed: with judge: both "
                       "or judge: budget",
                       yaml_quote(quoted, budget));
}

/* Too many points are reported at the longest axis. */
static enum error_kind count_points(struct test_case *test_case, struct error *error)
{
    char factors[384] = "", points[32];
    size_t length = 0;
    uint64_t product = 1, longest = 0;
    const struct yaml_node *culprit = NULL;
    for (int id = 0; id < KEY_COUNT; id++) {
        uint64_t count = axis_count(&test_case->axes[id]);
        if (count > 1 && length < sizeof factors)
            length += (size_t)snprintf(factors + length, sizeof factors - length, "%s%s %" PRIu64, length ? " x " : "",
                                       keys[id].field.name, count);
        if (count > longest) {
            longest = count;
            culprit = test_case->axes[id].segments[0].node;
        }
        if (__builtin_mul_overflow(product, count, &product))
            product = UINT64_MAX;
    }
    test_case->num_points = product;
    if (product <= CASE_MAX_POINTS)
        return ERROR_NONE;
    snprintf(points, sizeof points, product == UINT64_MAX ? "2^64 or more" : "%" PRIu64, product);
    return place_error(error, &culprit->place, "case has %s points: '%s'; allowed: at most %d points a case", points,
                       factors, CASE_MAX_POINTS);
}

/* Settings replace what the document says, and set aside what it says only for the sake of what they replace. */
static void apply_settings(const struct yaml_node **values, const struct setting *settings, size_t num_settings)
{
    for (size_t i = 0; i < num_settings; i++) {
        if (settings[i].key == KEY_EXPECT)
            values[KEY_SIGNATURE] = values[KEY_BECAUSE] = NULL;
        if (settings[i].key == KEY_JUDGE)
            values[KEY_BUDGET] = NULL;
    }
    for (size_t i = 0; i < num_settings; i++)
        values[settings[i].key] = settings[i].value;
}

enum error_kind case_read(struct test_case **test_case, const struct yaml_node *document,
                          const struct setting *settings, size_t num_settings, struct error *error)
{
    const struct yaml_node *values[KEY_COUNT] = {NULL};
    *test_case = NULL;
    enum error_kind kind = collect_keys(document, values, error);
    if (kind)
        return kind;
    apply_settings(values, settings, num_settings);
    struct test_case *made = calloc(1, sizeof *made);
    char *path = strdup(document->place.source->name);
    if (!made || !path) {
        free(made);
        free(path);
        return error_memory(error, "a case", (double)sizeof *made);
    }
    made->path = path;
    if ((kind = read_axes(made, document, values, error)) || (kind = check_expectation(made, values, error)) ||
        (kind = check_criterion(made, values, error)) || (kind = count_points(made, error)) ||
        (kind = case_check(made, error))) {
        case_free(made);
        return kind;
    }
    made->line = values[KEY_CASE]->place.line;
    made->column = place_column(&values[KEY_CASE]->place);
    for (int id = 0; id < KEY_COUNT; id++)
        for (size_t i = 0; i < made->axes[id].num_segments; i++)
            made->axes[id].segments[i].node = NULL;
    *test_case = made;
    return ERROR_NONE;
}
