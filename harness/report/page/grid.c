#include "harness/report/page/grid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/room.h"

/* A copy of text that may be NULL. */
static char *copy(struct grid *grid, const char *text)
{
    char *copied = text ? strdup(text) : NULL;
    *grid->spoilt |= text && !copied;
    return copied;
}

struct grid *grid_make(const char *caption, bool *spoilt)
{
    struct grid *grid = calloc(1, sizeof *grid);
    *spoilt |= !grid;
    if (!grid)
        return NULL;
    grid->spoilt = spoilt;
    grid->caption = copy(grid, caption);
    return grid;
}

void grid_column(struct grid *grid, const char *title, const char *about, bool number)
{
    if (!grid || *grid->spoilt)
        return;
    struct column *columns = room_for_one(grid->columns, &grid->columns_capacity, grid->num_columns, sizeof *columns);
    *grid->spoilt |= !columns;
    if (!columns)
        return;
    grid->columns = columns;
    columns[grid->num_columns++] = (struct column){copy(grid, title), copy(grid, about), number};
}

static void add(struct grid *grid, const struct cell *cell, const char *text)
{
    if (!grid || *grid->spoilt)
        return;
    struct cell *cells = room_for_one(grid->cells, &grid->cells_capacity, grid->num_cells, sizeof *cells);
    *grid->spoilt |= !cells;
    if (!cells)
        return;
    grid->cells = cells;
    cells += grid->num_cells++;
    *cells = *cell;
    cells->text = copy(grid, text);
    if (grid->rows_in_all < grid_rows(grid))
        grid->rows_in_all = grid_rows(grid);
}

void grid_toned(struct grid *grid, enum tone tone, const char *text)
{
    add(grid, &(struct cell){.kind = CELL_TEXT, .tone = tone, .heat = HEAT_NONE, .value = NAN}, text);
}

void grid_text(struct grid *grid, const char *text)
{
    grid_toned(grid, TONE_PLAIN, text);
}

void grid_code(struct grid *grid, const char *text)
{
    add(grid, &(struct cell){.kind = CELL_CODE, .heat = HEAT_NONE, .value = NAN}, text);
}

void grid_unknown(struct grid *grid)
{
    grid_text(grid, "-");
}

void grid_count(struct grid *grid, double count)
{
    char text[32];
    if (!(fabs(count) < 0x1p53)) { /* of no record of ours */
        grid_number(grid, count);
        return;
    }
    snprintf(text, sizeof text, "%.0f", count);
    add(grid, &(struct cell){.kind = CELL_NUMBER, .heat = HEAT_NONE, .value = count}, text);
}

void grid_heat(struct grid *grid, double value, int heat, enum tone tone)
{
    char text[32];
    if (isnan(value))
        snprintf(text, sizeof text, "nan"); /* printf would show its sign */
    else
        snprintf(text, sizeof text, "%.3g", value);
    add(grid, &(struct cell){.kind = CELL_NUMBER, .tone = tone, .heat = heat, .value = value}, text);
}

void grid_number(struct grid *grid, double value)
{
    grid_heat(grid, value, HEAT_NONE, TONE_PLAIN);
}

size_t grid_rows(const struct grid *grid)
{
    return grid && grid->num_columns ? grid->num_cells / grid->num_columns : 0;
}

void grid_free(struct grid *grid)
{
    if (!grid)
        return;
    for (size_t c = 0; c < grid->num_columns; c++) {
        free(grid->columns[c].title);
        free(grid->columns[c].about);
    }
    for (size_t c = 0; c < grid->num_cells; c++)
        free(grid->cells[c].text);
    free(grid->columns);
    free(grid->cells);
    free(grid->caption);
    free(grid->data);
    free(grid);
}
