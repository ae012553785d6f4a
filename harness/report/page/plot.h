/*
 * A plot: series of points, what the axes are called. Each value may be NaN or infinite; a drawing says so.
 */
#ifndef HARNESS_REPORT_PAGE_PLOT_H
#define HARNESS_REPORT_PAGE_PLOT_H

#include <stdbool.h>
#include <stddef.h>

struct plot_axes {
    const char *title; /* what the plot shows, a sentence without a full stop */
    const char *x, *y; /* with units */
    bool x_log, y_log; /* 0, and what is far below the most, then stands at the lower edge */
    bool diagonal;     /* the line y = x */
    double limit;      /* of y, drawn as a line; NaN: none */
};

struct plot_mark {
    double x, y;
    char *text; /* for who points at it */
};

struct plot_series {
    bool *spoilt; /* of the plot */
    char *name;
    bool joined; /* by lines, in the order of the marks; NaN and infinities break them */
    bool bars;   /* from the lower edge */
    bool failed; /* of what did not pass: crosses */
    int colour;  /* from 0 */
    struct plot_mark *marks;
    size_t num_marks, capacity;
};

struct plot {
    bool *spoilt; /* becomes true when memory runs out: what follows is dropped */
    char *title, *x, *y;
    bool x_log, y_log, diagonal;
    double limit;
    struct plot_series *series;
    size_t num_series, capacity;
};

/* A new plot, or NULL with *spoilt true. All functions below take NULL for what could not be made. */
struct plot *plot_make(const struct plot_axes *axes, bool *spoilt);
void plot_free(struct plot *plot);

/* A new series, the last one of the plot, or NULL. Pointers to series end with the next one. Text is copied. */
struct plot_series *plot_series(struct plot *plot, const char *name);
void plot_mark(struct plot_series *series, double x, double y, const char *text);

#endif
