/*
 * What a measure has counted in one cell of a table.
 */
#ifndef HARNESS_REPORT_REVIEW_PIVOT_CELL_H
#define HARNESS_REPORT_REVIEW_PIVOT_CELL_H

#include <jansson.h>

#include "harness/report/page/grid.h"
#include "harness/report/review/pivot_table.h"

struct pivot_cell {
    size_t units, hits; /* points, or elements of a list: all, and those that `where` holds for */
    size_t known;       /* of the hits: with a number */
    double sum, least, most;
    json_t *place;   /* of least or most: the values of `at`; owned */
    double *numbers; /* [known], of a median */
    size_t numbers_capacity;
    json_t *values; /* of PIVOT_VALUES: text -> value; of PIVOT_SAME: group -> what its points have; owned */
};

/* A measure's points by group that `as` names: group -> the value that all of them have, or null if they differ. */
struct pivot_models {
    json_t *by_group;
};

/* The text of a value, as a cell or a title has it, to be freed; NULL if memory ran out. "-" for what is not known. */
char *pivot_value_text(const json_t *value);

/* Values of fields, a new JSON list, and its text, which are equal where all values are; NULL if memory ran out. */
json_t *pivot_values_of(const struct pivot_fields *fields, const json_t *unit);
char *pivot_key_of(const json_t *values);

/* Takes one unit in. False if memory ran out. */
bool pivot_cell_add(struct pivot_cell *cell, const struct pivot_measure *measure, const json_t *unit);
bool pivot_models_add(struct pivot_models *models, const struct pivot_measure *measure, const json_t *unit);

/* Puts the cell into the grid; NULL: nothing was counted there. */
void pivot_cell_write(struct grid *grid, const struct pivot_cell *cell, const struct pivot_measure *measure,
                      const struct pivot_models *models);

void pivot_cell_clear(struct pivot_cell *cell);

#endif
