#include "harness/report/review/pivot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/file/record_file.h"
#include "harness/report/review/pivot_cell.h"
#include "harness/report/review/pivot_field.h"
#include "harness/support/json_value.h"
#include "harness/support/room.h"

enum { COLUMNS_MAX = 256, PLACE_SIZE = 48 };

/* A row or a column. */
struct line {
    json_t *values;                /* of the axis's fields */
    double rank[PIVOT_FIELDS_MAX]; /* lines are in the order of these */
    size_t place;                  /* as it came */
};

struct axis {
    const struct pivot_fields *fields;
    json_t *places; /* key -> place in lines */
    struct line *lines;
    size_t count, capacity;
};

struct pivot {
    struct pivot_table table;
    struct axis rows, columns;
    struct pivot_models models[PIVOT_MEASURES_MAX];
    json_t *cell_places;      /* "row column" -> place in cells, in measures */
    struct pivot_cell *cells; /* [num_cells, measures] */
    size_t num_cells, capacity;
};

static enum error_kind no_memory(const struct pivot *pivot, struct error *error)
{
    return error_memory(error, "--table", (double)(pivot->num_cells + 1) * sizeof *pivot->cells);
}

enum error_kind pivot_parse(struct pivot **made, const char *text, struct error *error)
{
    struct pivot *pivot = *made = calloc(1, sizeof *pivot);
    if (!pivot)
        return error_memory(error, "--table", sizeof *pivot);
    pivot->rows = (struct axis){.fields = &pivot->table.rows, .places = json_object()};
    pivot->columns = (struct axis){.fields = &pivot->table.columns, .places = json_object()};
    pivot->cell_places = json_object();
    enum error_kind kind = pivot->rows.places && pivot->columns.places && pivot->cell_places
                               ? pivot_table_parse(&pivot->table, text, error)
                               : no_memory(pivot, error);
    if (kind) {
        pivot_free(pivot);
        *made = NULL;
    }
    return kind;
}

static void clear_axis(struct axis *axis)
{
    for (size_t l = 0; l < axis->count; l++)
        json_decref(axis->lines[l].values);
    free(axis->lines);
    json_decref(axis->places);
}

void pivot_free(struct pivot *pivot)
{
    if (!pivot)
        return;
    for (size_t c = 0; c < pivot->num_cells * pivot->table.num_measures; c++)
        pivot_cell_clear(&pivot->cells[c]);
    for (size_t m = 0; m < pivot->table.num_measures; m++)
        json_decref(pivot->models[m].by_group);
    clear_axis(&pivot->rows);
    clear_axis(&pivot->columns);
    json_decref(pivot->cell_places);
    free(pivot->cells);
    pivot_table_clear(&pivot->table);
    free(pivot);
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* A line of its own for values that are new. False if memory ran out. */
static bool add_line(struct axis *axis, json_t *values, const char *key)
{
    struct line *lines = room_for_one(axis->lines, &axis->capacity, axis->count, sizeof *lines);
    if (!lines)
        return false;
    axis->lines = lines;
    if (!json_put(axis->places, key, json_integer((json_int_t)axis->count)))
        return false;
    lines[axis->count] = (struct line){.values = json_incref(values), .place = axis->count};
    axis->count++;
    return true;
}

static bool find_line(struct axis *axis, const json_t *unit, size_t *place)
{
    json_t *values = pivot_values_of(axis->fields, unit);
    char *key = pivot_key_of(values);
    bool found = key && (json_object_get(axis->places, key) || add_line(axis, values, key));
    if (found)
        *place = (size_t)json_integer_value(json_object_get(axis->places, key));
    free(key);
    json_decref(values);
    return found;
}

static char *place_key(char *key, size_t row, size_t column)
{
    snprintf(key, PLACE_SIZE, "%zu %zu", row, column);
    return key;
}

static bool add_cells(struct pivot *pivot, const char *key)
{
    size_t measures = pivot->table.num_measures;
    struct pivot_cell *cells = room_for_one(pivot->cells, &pivot->capacity, pivot->num_cells, measures * sizeof *cells);
    if (!cells)
        return false;
    pivot->cells = cells;
    if (!json_put(pivot->cell_places, key, json_integer((json_int_t)pivot->num_cells)))
        return false;
    memset(&cells[pivot->num_cells * measures], 0, measures * sizeof *cells);
    pivot->num_cells++;
    return true;
}

/* The cells of a row and column, one a measure, or NULL. */
static struct pivot_cell *cells_at(const struct pivot *pivot, size_t row, size_t column)
{
    char key[PLACE_SIZE];
    const json_t *place = json_object_get(pivot->cell_places, place_key(key, row, column));
    return place ? &pivot->cells[(size_t)json_integer_value(place) * pivot->table.num_measures] : NULL;
}

static struct pivot_cell *find_cells(struct pivot *pivot, const json_t *unit)
{
    char key[PLACE_SIZE];
    size_t row = 0, column = 0;
    if (!find_line(&pivot->rows, unit, &row) || !find_line(&pivot->columns, unit, &column))
        return NULL;
    struct pivot_cell *cells = cells_at(pivot, row, column);
    if (!cells && add_cells(pivot, place_key(key, row, column)))
        cells = cells_at(pivot, row, column);
    return cells;
}

typedef bool visit_unit(struct pivot *pivot, size_t measure, const json_t *unit);

/* The record, or what it is with each element of the list. */
static bool visit_units(struct pivot *pivot, size_t measure, const char *list, const json_t *record, visit_unit *visit)
{
    if (!list)
        return visit(pivot, measure, record);
    const json_t *elements = record_at(record, list);
    bool complete = true;
    for (size_t e = 0; e < json_array_size(elements) && complete; e++) {
        json_t *unit = pivot_unit(record, list, json_array_get(elements, e));
        complete = unit && visit(pivot, measure, unit);
        json_decref(unit);
    }
    return complete;
}

/* A row is there even if a measure's list is empty. */
static bool place_unit(struct pivot *pivot, size_t measure, const json_t *unit)
{
    (void)measure;
    return find_cells(pivot, unit);
}

static bool count_unit(struct pivot *pivot, size_t measure, const json_t *unit)
{
    struct pivot_cell *cells = find_cells(pivot, unit);
    return cells && pivot_cell_add(&cells[measure], &pivot->table.measures[measure], unit) &&
           pivot_models_add(&pivot->models[measure], &pivot->table.measures[measure], unit);
}

enum error_kind pivot_add(struct pivot *pivot, const json_t *record, struct error *error)
{
    bool complete = visit_units(pivot, 0, pivot->table.list, record, place_unit);
    for (size_t m = 0; m < pivot->table.num_measures && complete; m++)
        complete = visit_units(pivot, m, pivot->table.measures[m].list, record, count_unit);
    return complete ? ERROR_NONE : no_memory(pivot, error);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* Numbers are their own ranks if a field has no other values; what is not known comes last. */
static bool rank_by_number(struct axis *axis, size_t field)
{
    for (size_t l = 0; l < axis->count; l++) {
        const json_t *value = json_array_get(axis->lines[l].values, field);
        if (json_is_null(value))
            axis->lines[l].rank[field] = NAN;
        else if (!record_number(value, &axis->lines[l].rank[field]))
            return false;
    }
    return true;
}

/* Other values are ranked as they came. */
static bool rank_by_place(struct axis *axis, size_t field)
{
    json_t *ranks = json_object();
    bool complete = ranks;
    for (size_t l = 0; l < axis->count && complete; l++) {
        char *text = pivot_value_text(json_array_get(axis->lines[l].values, field));
        complete = text && (json_object_get(ranks, text) || json_put(ranks, text, json_integer((json_int_t)l)));
        if (complete)
            axis->lines[l].rank[field] = (double)json_integer_value(json_object_get(ranks, text));
        free(text);
    }
    json_decref(ranks);
    return complete;
}

static int compare_lines(const void *a, const void *b)
{
    const struct line *one = a, *other = b;
    for (size_t f = 0; f < PIVOT_FIELDS_MAX; f++) {
        double x = one->rank[f], y = other->rank[f];
        if (isnan(x) != isnan(y))
            return isnan(x) ? 1 : -1;
        if (x < y || x > y)
            return x < y ? -1 : 1;
    }
    return (one->place > other->place) - (one->place < other->place);
}

/* False if memory ran out. Places in `places` are then those of before. */
static bool sort_axis(struct axis *axis)
{
    for (size_t f = 0; f < axis->fields->count; f++)
        if (!rank_by_number(axis, f) && !rank_by_place(axis, f))
            return false;
    if (axis->count > 1)
        qsort(axis->lines, axis->count, sizeof *axis->lines, compare_lines);
    return true;
}

/* "33001 f16", or "" of a table without columns; to be freed. NULL if memory ran out. */
static char *line_text(const struct line *line)
{
    char *whole = strdup("");
    for (size_t f = 0; f < json_array_size(line->values) && whole; f++) {
        char *text = pivot_value_text(json_array_get(line->values, f)), *joined = NULL;
        if (!text || asprintf(&joined, "%s%s%s", whole, f ? " " : "", text) < 0)
            joined = NULL;
        free(text);
        free(whole);
        whole = joined;
    }
    return whole;
}

/* Where there are columns, several measures have both names. */
static bool write_title(struct grid *grid, const struct pivot_table *table, const struct line *column, size_t measure)
{
    const char *title = table->measures[measure].title;
    char *text = table->columns.count > 0 ? line_text(column) : strdup(title), *both = NULL;
    if (text && table->columns.count > 0 && table->num_measures > 1) {
        if (asprintf(&both, "%s: %s", text, title) < 0)
            both = NULL;
        free(text);
        text = both;
    }
    if (text)
        grid_column(grid, text, NULL, table->measures[measure].kind != PIVOT_VALUES);
    free(text);
    return text;
}

static bool write_titles(struct grid *grid, const struct pivot *pivot)
{
    const struct pivot_table *table = &pivot->table;
    bool complete = true;
    for (size_t f = 0; f < table->rows.count; f++) {
        const struct pivot_field *field = &table->rows.items[f];
        grid_column(grid, field->title ? field->title : field->path, NULL, field->number);
    }
    for (size_t c = 0; c < pivot->columns.count; c++)
        for (size_t m = 0; m < table->num_measures && complete; m++)
            complete = write_title(grid, table, &pivot->columns.lines[c], m);
    return complete;
}

static bool write_row(struct grid *grid, const struct pivot *pivot, const struct line *row)
{
    const struct pivot_table *table = &pivot->table;
    for (size_t f = 0; f < table->rows.count; f++) {
        char *text = pivot_value_text(json_array_get(row->values, f));
        if (!text)
            return false;
        grid_text(grid, text);
        free(text);
    }
    for (size_t c = 0; c < pivot->columns.count; c++) {
        const struct pivot_cell *cells = cells_at(pivot, row->place, pivot->columns.lines[c].place);
        for (size_t m = 0; m < table->num_measures; m++)
            pivot_cell_write(grid, cells ? &cells[m] : NULL, &table->measures[m], &pivot->models[m]);
    }
    return true;
}

/* A table without columns has its measures even if nothing was counted. */
static bool complete_columns(struct pivot *pivot)
{
    size_t place;
    return pivot->table.columns.count > 0 || find_line(&pivot->columns, NULL, &place);
}

enum error_kind pivot_write(struct document *document, struct pivot *pivot, const char *caption, struct error *error)
{
    if (pivot->columns.count * pivot->table.num_measures > COLUMNS_MAX)
        return error_set(error, ERROR_USAGE, "--table: %zu columns; allowed: 256; exchange rows and columns",
                         pivot->columns.count * pivot->table.num_measures);
    bool complete = complete_columns(pivot) && sort_axis(&pivot->rows) && sort_axis(&pivot->columns);
    struct grid *grid = complete ? document_grid(document, caption) : NULL;
    complete = grid && write_titles(grid, pivot);
    for (size_t r = 0; r < pivot->rows.count && complete; r++)
        complete = write_row(grid, pivot, &pivot->rows.lines[r]);
    return complete && !document->spoilt ? ERROR_NONE : no_memory(pivot, error);
}
