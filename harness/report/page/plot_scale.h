/*
 * The scale of an axis: numbers to places, and where its ticks stand. Linear or logarithmic.
 */
#ifndef HARNESS_REPORT_PAGE_PLOT_SCALE_H
#define HARNESS_REPORT_PAGE_PLOT_SCALE_H

#include <stdbool.h>

enum { TICKS_MAX = 12 };

struct plot_scale {
    bool log;
    double least, most;
    double from, to; /* places of least and most */
    double off;      /* the place of what is no finite number */
    double ticks[TICKS_MAX];
    int num_ticks;
};

/* Widens [least, most] to round numbers; a range that is empty, or not positive on a logarithmic scale, becomes one. */
void plot_scale_make(struct plot_scale *scale, double least, double most, bool log);

/* The place of a value: of one outside at the edge, of NaN and infinities `off`. */
double plot_place(const struct plot_scale *scale, double value);

/* A tick for people: "2.5e-4", "2Ki", "0.25". text has 32 characters and is returned. */
char *plot_tick_text(char *text, double tick);

#endif
