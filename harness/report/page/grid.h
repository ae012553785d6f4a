/*
 * A grid: the cells of a table, under the titles of its columns.
 */
#ifndef HARNESS_REPORT_PAGE_GRID_H
#define HARNESS_REPORT_PAGE_GRID_H

#include <stdbool.h>
#include <stddef.h>

enum tone { TONE_PLAIN, TONE_GOOD, TONE_EXPECTED, TONE_BAD, TONE_COUNT };

enum cell_kind {
    CELL_TEXT,
    CELL_CODE,
    CELL_NUMBER /* text for people, value in full; what is not known is text */
};

enum { HEAT_NONE = -1, HEAT_STEPS = 10 };

struct cell {
    enum cell_kind kind;
    enum tone tone;
    int heat; /* HEAT_NONE, or 0 (cold) to HEAT_STEPS - 1 */
    char *text;
    double value;
};

struct column {
    char *title;
    char *about; /* what it means, or NULL */
    bool number; /* to the right */
};

struct grid {
    bool *spoilt; /* becomes true when memory runs out: what follows is dropped */
    char *caption;
    struct column *columns;
    struct cell *cells; /* [num_cells / num_columns, num_columns] */
    size_t num_columns, num_cells, columns_capacity, cells_capacity;
    size_t rows_in_all; /* more than there are if the others stand elsewhere */
    bool searched;      /* long: a reader wants to search in it */
    char *data;         /* all rows as JSON, for the script of a page; or NULL */
};

/* A new grid, or NULL with *spoilt true. All functions below take NULL for one that could not be made. */
struct grid *grid_make(const char *caption, bool *spoilt);
void grid_free(struct grid *grid);

/* Columns before rows. Text is copied; about may be NULL. */
void grid_column(struct grid *grid, const char *title, const char *about, bool number);

/* Cells from left to right, row by row. */
void grid_text(struct grid *grid, const char *text);
void grid_toned(struct grid *grid, enum tone tone, const char *text);
void grid_code(struct grid *grid, const char *text);
void grid_count(struct grid *grid, double count);
/* Three digits; "nan", "inf", "-inf". */
void grid_number(struct grid *grid, double value);
/* The same, cold to hot. */
void grid_heat(struct grid *grid, double value, int heat, enum tone tone);
/* What is not known: a dash. */
void grid_unknown(struct grid *grid);

size_t grid_rows(const struct grid *grid);

#endif
