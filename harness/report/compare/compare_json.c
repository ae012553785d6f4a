#include "harness/report/compare/compare_format.h"

#include <stdlib.h>
#include <string.h>

#include "harness/support/json_value.h"

enum { COMPARE_SCHEMA = 1 };

static json_t *describe(const struct results *results)
{
    json_t *object = json_object();
    bool complete = object && json_put(object, "path", json_from_text(results_name(results))) &&
                    json_put(object, "is_baseline", json_boolean(results->is_baseline)) &&
                    json_put(object, "points", json_integer((json_int_t)results_points(results))) &&
                    json_put(object, "build", results->made_by ? json_from_text(results->made_by) : json_null());
    return json_finish(object, complete);
}

static json_t *count_changes(const struct collation *collation)
{
    json_t *object = json_object();
    bool complete = object;
    for (enum change change = 0; change < CHANGE_COUNT && complete; change++)
        complete = json_put(object, change_table[change].name, json_integer((json_int_t)collation->by_change[change]));
    return json_finish(object, complete);
}

/* The fields that were asked for, or all, and what people said of the point. */
static json_t *describe_point(const struct compare_view *view, const struct compared *point)
{
    const struct compare_rules *rules = &view->collation->rules;
    json_t *object = view->num_columns ? json_object() : compared_to_json(point, rules);
    bool complete = object;
    for (size_t i = 0; i < view->num_columns && complete; i++) {
        char name[COMPARE_FIELD_SIZE];
        const struct fact_value value = compare_field_value(&view->columns[i], point, rules);
        complete = json_put(object, compare_field_name(name, &view->columns[i]), fact_to_json(&value));
    }
    for (int note = 0; note < NOTE_COUNT && complete && point->a && !view->num_columns; note++)
        if (point->a->notes[note])
            complete = json_put(object, note_names[note], json_from_text(point->a->notes[note]));
    return json_finish(object, complete);
}

/* Points that are the same bit for bit, or skipped, are counted; --verbose and --columns name them too. */
static json_t *list_points(const struct compare_view *view)
{
    const struct compared **points = compare_view_order(view, view->num_order == 0);
    json_t *list = points ? json_array() : NULL;
    bool complete = list;
    for (size_t i = 0; i < view->collation->count && complete; i++)
        if (view->verbose || view->num_columns || !change_is_none(points[i]->change))
            complete = json_array_append_new(list, describe_point(view, points[i])) == 0;
    free(points);
    return json_finish(list, complete);
}

static bool print_json(FILE *stream, const struct compare_view *view)
{
    const struct collation *collation = view->collation;
    json_t *object = json_object();
    bool complete = object && json_put(object, "schema", json_integer(COMPARE_SCHEMA)) &&
                    json_put(object, "verdict", json_string(collation_verdict(collation))) &&
                    json_put(object, "exit_code", json_integer(collation_result(collation))) &&
                    json_put(object, "base", describe(collation->base)) &&
                    json_put(object, "new", describe(collation->new)) &&
                    json_put(object, "changes", count_changes(collation)) &&
                    json_put(object, "left_out", json_integer((json_int_t)collation->left_out)) &&
                    json_put(object, "left_out_worse", json_integer((json_int_t)collation->left_out_worse)) &&
                    json_put(object, "points", list_points(view));
    char *text = complete ? json_print(object, JSON_COMPACT | JSON_PRINT_FLAGS) : NULL;
    if (text)
        fprintf(stream, "%s\n", text);
    json_decref(object);
    free(text);
    return text;
}

/* One object: verdict, counts, and every point that is not the same bit for bit with all its fields. */
const struct compare_format compare_json = {
    .option = "json",
    .about = "a JSON object: verdict, counts, points with their facts before and after",
    .print = print_json,
};
