#include "harness/case/case_document.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_constraint.h"
#include "harness/case/case_contradiction.h"
#include "harness/case/key_search.h"
#include "harness/support/field_yaml.h"

/* Whether it has what every recipe of a file has, and a case has not. */
static bool is_recipe(const struct yaml_node *document)
{
    bool has_source = false;
    for (const struct yaml_node *name = document->first; name; name = name->next->next)
        has_source |= name->kind == YAML_SCALAR && strcmp(name->text, "source") == 0;
    return has_source && document->first->kind == YAML_SCALAR && strcmp(document->first->text, "recipe") == 0;
}

/* values[id] = the node that the document gives first for key id, or NULL. What is no key is passed over. */
static void collect_values(const struct yaml_node *document, const struct yaml_node **values)
{
    for (const struct yaml_node *name = document->first; name; name = name->next->next) {
        enum key_id id = name->kind == YAML_SCALAR ? key_find(name->text, name->size) : KEY_COUNT;
        if (id != KEY_COUNT && !values[id])
            values[id] = name->next;
    }
}

/* What is read of a document. */
struct reading {
    struct test_case *made;
    const struct yaml_node *document;
    const struct yaml_node *values[KEY_COUNT]; /* what stands for key id: a setting, the document's first value, NULL */
    const struct yaml_node *seen[KEY_COUNT];   /* the document's first value, as far as it is read */
    bool meant[KEY_COUNT];                     /* by a key that there is not: it is not missing as well */
};

/* Reads a pair of the document: its value, unless a setting stands in its place. */
static enum error_kind read_pair(struct reading *reading, const struct yaml_node *name, struct error *error)
{
    char quoted[QUOTE_SIZE], advice[FIELD_ALLOWED_SIZE];
    enum error_kind kind = key_name_check(name, error);
    if (kind)
        return kind;
    enum key_id id = key_find(name->text, name->size), meant = key_meant(name->text, name->size);
    if (id == KEY_COUNT) {
        if (meant != KEY_COUNT)
            reading->meant[meant] = true;
        return place_error(error, &name->place, "unknown key: %s; %s", yaml_quote(quoted, name),
                           key_advice(advice, name->text, name->size));
    }
    if (reading->seen[id])
        return place_error(error, &name->place, "duplicate key: %s, already on line %d; allowed: each key once",
                           yaml_quote(quoted, name), reading->seen[id]->place.line);
    reading->seen[id] = name->next;
    return reading->values[id] == name->next ? axis_read(&reading->made->axes[id], &keys[id], name->next, error)
                                             : ERROR_NONE;
}

/* Reads what the document's pairs have not given: a setting, a default. */
static enum error_kind read_rest(struct reading *reading, enum key_id id, struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    const struct key *key = &keys[id];
    if (reading->values[id])
        return axis_read(&reading->made->axes[id], key, reading->values[id], error);
    if (key->preset || key->derived)
        return axis_read_preset(&reading->made->axes[id], key, error);
    if (reading->meant[id])
        return ERROR_NONE;
    return place_error(error, &reading->document->place, "required key is missing: '%s'; allowed: %s", key->field.name,
                       field_allowed(allowed, &key->field));
}

/* Reads every key, in the order of the document. */
static enum error_kind read_axes(struct reading *reading, struct error_list *errors)
{
    struct error error;
    enum error_kind kind = ERROR_NONE;
    for (const struct yaml_node *name = reading->document->first; name && !kind; name = name->next->next)
        kind = error_list_take(errors, read_pair(reading, name, &error), &error);
    for (int id = 0; id < KEY_COUNT && !kind; id++)
        if (!reading->values[id] || reading->values[id] != reading->seen[id])
            kind = error_list_take(errors, read_rest(reading, (enum key_id)id, &error), &error);
    return kind;
}

/* What the document as a whole must be. */
static enum error_kind check_form(const struct yaml_node *document, struct error *error)
{
    char quoted[QUOTE_SIZE];
    if (document->kind != YAML_MAPPING)
        return place_error(error, &document->place, "a case is a mapping of keys, not: %s; allowed: KEY: VALUE lines",
                           yaml_is_null(document) ? "an empty document" : yaml_quote(quoted, document));
    if (document->first && is_recipe(document))
        return place_error(error, &document->first->place,
                           "a recipe, not a case: %s; allowed: a case that names it (recipe: NAME, or --recipe NAME), "
                           "with --recipes DIR unless `alibicheck list recipes` has it",
                           yaml_quote(quoted, document->first->next));
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

/* What keys must be to each other. */
static enum error_kind check_keys(struct reading *reading, struct error *error)
{
    struct test_case *made = reading->made;
    enum error_kind kind = check_expectation(made, reading->values, error);
    if (!kind)
        kind = check_criterion(made, reading->values, error);
    case_leave_out_recipes(made);
    if (!kind)
        kind = count_points(made, error);
    return kind ? kind : case_check(made, error);
}

/* Fills a case that is new. */
static enum error_kind fill_case(struct reading *reading, struct error_list *errors)
{
    struct error error;
    size_t before = errors->count;
    enum error_kind kind = read_axes(reading, errors);
    if (!kind && errors->count == before)
        kind = error_list_take(errors, check_keys(reading, &error), &error);
    if (kind || errors->count > before)
        return kind;
    struct test_case *made = reading->made;
    made->standard_input = reading->document->place.source->standard_input;
    made->line = reading->values[KEY_CASE]->place.line;
    made->column = place_column(&reading->values[KEY_CASE]->place);
    for (int id = 0; id < KEY_COUNT; id++) {
        struct axis *axis = &made->axes[id];
        if (axis->given) {
            axis->is_set = reading->values[id] != reading->seen[id];
            axis->line = reading->values[id]->place.line;
            axis->column = place_column(&reading->values[id]->place);
        }
        for (size_t i = 0; i < axis->num_segments; i++)
            axis->segments[i].node = NULL;
    }
    return ERROR_NONE;
}

enum error_kind case_read(struct test_case **test_case, const struct yaml_node *document,
                          const struct setting *settings, size_t num_settings, struct error_list *errors)
{
    struct error error;
    struct reading reading = {.document = document};
    size_t before = errors->count;
    *test_case = NULL;
    enum error_kind kind = error_list_take(errors, check_form(document, &error), &error);
    if (kind || errors->count > before)
        return kind;
    collect_values(document, reading.values);
    apply_settings(reading.values, settings, num_settings);
    reading.made = calloc(1, sizeof *reading.made);
    if (!reading.made || !(reading.made->path = strdup(document->place.source->name)))
        kind = error_list_take(errors, error_memory(&error, "a case", (double)sizeof *reading.made), &error);
    if (!kind)
        kind = fill_case(&reading, errors);
    if (!kind && errors->count == before)
        *test_case = reading.made;
    else
        case_free(reading.made);
    return kind;
}
