#include "harness/report/review/pivot_cell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/file/record_file.h"
#include "harness/support/json_value.h"
#include "harness/support/room.h"
#include "harness/support/text_stream.h"

enum { VALUES_SHOWN = 64 };

/* ---- values ------------------------------------------------------------------------------------------------------ */

char *pivot_value_text(const json_t *value)
{
    if (!value || json_is_null(value))
        return strdup("-");
    if (json_is_string(value))
        return strdup(json_string_value(value));
    char shortest[32];
    if (json_is_real(value)) {
        snprintf(shortest, sizeof shortest, "%.15g", json_real_value(value));
        return strdup(shortest);
    }
    return json_print(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_PRINT_FLAGS);
}

json_t *pivot_values_of(const struct pivot_fields *fields, const json_t *unit)
{
    json_t *values = json_array();
    bool complete = values;
    for (size_t f = 0; f < fields->count && complete; f++) {
        const json_t *value = record_at(unit, fields->items[f].path);
        complete = json_array_append_new(values, value ? json_incref((json_t *)(uintptr_t)value) : json_null()) == 0;
    }
    return json_finish(values, complete);
}

char *pivot_key_of(const json_t *values)
{
    return values ? json_print(values, JSON_COMPACT | JSON_SORT_KEYS | JSON_PRINT_FLAGS) : NULL;
}

static char *key_of_fields(const struct pivot_fields *fields, const json_t *unit)
{
    json_t *values = pivot_values_of(fields, unit);
    char *key = pivot_key_of(values);
    json_decref(values);
    return key;
}

/* The values as a text, null if one of them is not known: what nobody knows is equal to nothing. */
static json_t *known_values(const struct pivot_fields *fields, const json_t *unit)
{
    json_t *values = pivot_values_of(fields, unit);
    bool known = values;
    for (size_t f = 0; f < fields->count && known; f++)
        known = !json_is_null(json_array_get(values, f));
    char *key = known ? pivot_key_of(values) : NULL;
    json_t *text = !values ? NULL : known ? json_from_text(key ? key : "") : json_null();
    if (known && !key) {
        json_decref(text);
        text = NULL;
    }
    free(key);
    json_decref(values);
    return text;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* A NaN is larger than all numbers. */
static bool is_less(double a, double b)
{
    return !isnan(a) && (isnan(b) || a < b);
}

static int compare_numbers(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return is_less(other, one) - is_less(one, other);
}

static bool keep_number(struct pivot_cell *cell, double number)
{
    double *numbers = room_for_one(cell->numbers, &cell->numbers_capacity, cell->known, sizeof *numbers);
    if (!numbers)
        return false;
    cell->numbers = numbers;
    numbers[cell->known] = number;
    return true;
}

/* The kernel's seconds of a point that was launched in parts are a sum of launches of some heads each, and no figure of
 * the whole. */
static bool is_sum_of_parts(const json_t *unit, const char *path)
{
    const char *launched = json_string_value(record_at(unit, "launched"));
    return strcmp(path, "seconds.kernel") == 0 && launched && strcmp(launched, "parts") == 0;
}

static bool add_number(struct pivot_cell *cell, const struct pivot_measure *measure, const json_t *unit)
{
    double number;
    const char *path = measure->of.items[0].path;
    if (is_sum_of_parts(unit, path) || !record_number(record_at(unit, path), &number))
        return true;
    if (measure->kind == PIVOT_MEDIAN && !keep_number(cell, number))
        return false;
    bool first = cell->known == 0, least = first || is_less(number, cell->least),
         most = first || is_less(cell->most, number);
    cell->known++;
    cell->sum += number;
    if (least)
        cell->least = number;
    if (most)
        cell->most = number;
    if (measure->at.count == 0 || !(measure->kind == PIVOT_MIN ? least : most))
        return true;
    json_decref(cell->place);
    cell->place = pivot_values_of(&measure->at, unit);
    return cell->place;
}

/* ---- values and groups ------------------------------------------------------------------------------------------- */

static bool add_value(struct pivot_cell *cell, const json_t *value)
{
    if (!value || json_is_null(value))
        return true;
    char *text = pivot_value_text(value);
    bool added = text && json_object_set(cell->values, text, (json_t *)(uintptr_t)value) == 0;
    free(text);
    return added;
}

/* A group has a list of what its points have, in their order. */
static bool add_to_group(struct pivot_cell *cell, const struct pivot_measure *measure, const json_t *unit)
{
    char *group = key_of_fields(&measure->by, unit);
    json_t *points = group ? json_object_get(cell->values, group) : NULL;
    if (group && !points) {
        points = json_array();
        if (json_object_set_new(cell->values, group, points) != 0)
            points = NULL;
    }
    free(group);
    return points && json_array_append_new(points, known_values(&measure->of, unit)) == 0;
}

bool pivot_cell_add(struct pivot_cell *cell, const struct pivot_measure *measure, const json_t *unit)
{
    cell->units++;
    if (measure->where && !where_holds(measure->where, unit))
        return true;
    cell->hits++;
    if (!cell->values)
        cell->values = json_object();
    if (!cell->values)
        return false;
    if (measure->kind == PIVOT_VALUES)
        return add_value(cell, record_at(unit, measure->of.items[0].path));
    if (measure->kind == PIVOT_SAME)
        return add_to_group(cell, measure, unit);
    return measure->of.count == 0 || add_number(cell, measure, unit);
}

bool pivot_models_add(struct pivot_models *models, const struct pivot_measure *measure, const json_t *unit)
{
    if (!measure->as || !where_holds(measure->as, unit))
        return true;
    if (!models->by_group)
        models->by_group = json_object();
    char *group = key_of_fields(&measure->by, unit);
    json_t *value = known_values(&measure->of, unit);
    bool complete = models->by_group && group && value;
    json_t *before = complete ? json_object_get(models->by_group, group) : NULL;
    if (complete && (!before || !json_equal(before, value)))
        complete = json_object_set(models->by_group, group, before ? json_null() : value) == 0;
    json_decref(value);
    free(group);
    return complete;
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

static void write_share(struct grid *grid, size_t part, size_t whole)
{
    char text[64];
    snprintf(text, sizeof text, "%zu of %zu", part, whole);
    grid_text(grid, text);
}

/* Of points: those with the value that the point has which `as` names. */
static size_t count_like_model(const json_t *points, const json_t *model)
{
    size_t like = 0;
    for (size_t p = 0; p < json_array_size(points); p++)
        like += json_is_string(model) && json_equal(json_array_get(points, p), model);
    return like;
}

/* A point alone is the same as nothing. */
static void write_same(struct grid *grid, const struct pivot_cell *cell, const struct pivot_measure *measure,
                       const struct pivot_models *models)
{
    const char *group;
    json_t *points;
    size_t same = 0, all = 0;
    json_object_foreach(cell->values, group, points)
    {
        size_t count = json_array_size(points);
        all += measure->as ? count : 1;
        if (measure->as)
            same += count_like_model(points, json_object_get(models->by_group, group));
        else
            same += count > 1 && count_like_model(points, json_array_get(points, 0)) == count;
    }
    write_share(grid, same, all);
}

struct value {
    const char *text;
    bool is_number;
    double number;
};

static int compare_values(const void *a, const void *b)
{
    const struct value *one = a, *other = b;
    if (one->is_number != other->is_number)
        return one->is_number ? -1 : 1;
    return one->is_number ? compare_numbers(&one->number, &other->number) : strcmp(one->text, other->text);
}

/* False if memory ran out. */
static bool print_values(FILE *stream, json_t *values)
{
    size_t count = json_object_size(values), n = 0;
    struct value *sorted = calloc(count + 1, sizeof *sorted);
    const char *text;
    json_t *value;
    if (!sorted)
        return false;
    json_object_foreach(values, text, value)
    {
        sorted[n] = (struct value){.text = text};
        sorted[n].is_number = record_number(value, &sorted[n].number);
        n++;
    }
    qsort(sorted, count, sizeof *sorted, compare_values);
    for (size_t v = 0; v < count && v < VALUES_SHOWN; v++)
        fprintf(stream, "%s%s", v ? ", " : "", sorted[v].text);
    if (count > VALUES_SHOWN)
        fprintf(stream, " and %zu more", count - VALUES_SHOWN);
    free(sorted);
    return true;
}

static void print_number(FILE *stream, double number, bool whole)
{
    if (isnan(number))
        fputs("nan", stream); /* printf would show its sign */
    else
        fprintf(stream, whole && fabs(number) < 0x1p53 ? "%.0f" : "%.3g", number);
}

/* " (seed 28, worst.head 1)". False if memory ran out. */
static bool print_place(FILE *stream, const struct pivot_cell *cell, const struct pivot_fields *at)
{
    bool complete = true;
    for (size_t f = 0; f < at->count && complete; f++) {
        char *text = pivot_value_text(json_array_get(cell->place, f));
        complete = text;
        fprintf(stream, "%s%s %s", f ? ", " : " (", at->items[f].path, text ? text : "");
        free(text);
    }
    fputs(at->count ? ")" : "", stream);
    return complete;
}

static double number_of(const struct pivot_cell *cell, enum pivot_kind kind)
{
    if (kind == PIVOT_MEDIAN) {
        qsort(cell->numbers, cell->known, sizeof *cell->numbers, compare_numbers);
        return cell->numbers[cell->known / 2];
    }
    return kind == PIVOT_SUM ? cell->sum : kind == PIVOT_MIN ? cell->least : cell->most;
}

/* What is more than a number: with the place, as a range, or with how many are not known. False if memory ran out. */
static bool print_numbers(FILE *stream, const struct pivot_cell *cell, const struct pivot_measure *measure)
{
    bool whole = measure->of.items[0].whole, complete = true;
    if (measure->kind == PIVOT_RANGE && is_less(cell->least, cell->most)) {
        print_number(stream, cell->least, whole);
        fputs(" to ", stream);
    }
    print_number(stream, number_of(cell, measure->kind), whole);
    if (measure->at.count > 0)
        complete = print_place(stream, cell, &measure->at);
    if (cell->known < cell->hits)
        fprintf(stream, " (%zu unknown)", cell->hits - cell->known);
    return complete;
}

static bool print_cell(FILE *stream, const struct pivot_cell *cell, const struct pivot_measure *measure)
{
    return measure->kind == PIVOT_VALUES ? print_values(stream, cell->values) : print_numbers(stream, cell, measure);
}

static void write_text(struct grid *grid, const struct pivot_cell *cell, const struct pivot_measure *measure)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = text_stream_open(&text, &size);
    bool complete = stream && print_cell(stream, cell, measure);
    complete = stream && fclose(stream) == 0 && complete;
    if (complete)
        grid_text(grid, text);
    else if (grid)
        *grid->spoilt = true;
    free(text);
}

static bool is_plain_number(const struct pivot_cell *cell, const struct pivot_measure *measure)
{
    bool one = measure->kind == PIVOT_SUM || measure->kind == PIVOT_MIN || measure->kind == PIVOT_MAX ||
               measure->kind == PIVOT_MEDIAN || (measure->kind == PIVOT_RANGE && !is_less(cell->least, cell->most));
    return one && measure->at.count == 0 && cell->known == cell->hits;
}

static void write_number(struct grid *grid, double number, bool whole)
{
    if (whole)
        grid_count(grid, number);
    else
        grid_number(grid, number);
}

static bool has_nothing(const struct pivot_cell *cell, const struct pivot_measure *measure)
{
    if (measure->kind == PIVOT_VALUES)
        return json_object_size(cell->values) == 0;
    if (measure->kind == PIVOT_SUM)
        return cell->known == 0 && cell->hits > 0;
    return cell->known == 0;
}

void pivot_cell_write(struct grid *grid, const struct pivot_cell *cell, const struct pivot_measure *measure,
                      const struct pivot_models *models)
{
    if (!cell || cell->units == 0)
        grid_unknown(grid);
    else if (measure->kind == PIVOT_COUNT)
        grid_count(grid, (double)cell->hits);
    else if (measure->kind == PIVOT_SHARE)
        write_share(grid, cell->hits, cell->units);
    else if (measure->kind == PIVOT_SAME)
        write_same(grid, cell, measure, models);
    else if (has_nothing(cell, measure))
        grid_unknown(grid);
    else if (is_plain_number(cell, measure))
        write_number(grid, number_of(cell, measure->kind), measure->of.items[0].whole);
    else
        write_text(grid, cell, measure);
}

void pivot_cell_clear(struct pivot_cell *cell)
{
    json_decref(cell->place);
    json_decref(cell->values);
    free(cell->numbers);
    *cell = (struct pivot_cell){0};
}
