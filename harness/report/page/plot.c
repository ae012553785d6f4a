#include "harness/report/page/plot.h"

#include <stdlib.h>
#include <string.h>

#include "harness/support/room.h"

/* A copy of text that may be NULL. */
static char *copy(bool *spoilt, const char *text)
{
    char *copied = text ? strdup(text) : NULL;
    *spoilt |= text && !copied;
    return copied;
}

struct plot *plot_make(const struct plot_axes *axes, bool *spoilt)
{
    struct plot *plot = calloc(1, sizeof *plot);
    *spoilt |= !plot;
    if (!plot)
        return NULL;
    *plot = (struct plot){
        .spoilt = spoilt,
        .title = copy(spoilt, axes->title),
        .x = copy(spoilt, axes->x),
        .y = copy(spoilt, axes->y),
        .x_log = axes->x_log,
        .y_log = axes->y_log,
        .diagonal = axes->diagonal,
        .limit = axes->limit,
    };
    return plot;
}

struct plot_series *plot_series(struct plot *plot, const char *name)
{
    if (!plot || *plot->spoilt)
        return NULL;
    struct plot_series *series = room_for_one(plot->series, &plot->capacity, plot->num_series, sizeof *series);
    *plot->spoilt |= !series;
    if (!series)
        return NULL;
    plot->series = series;
    series += plot->num_series++;
    *series = (struct plot_series){
        .spoilt = plot->spoilt, .name = copy(plot->spoilt, name), .colour = (int)plot->num_series - 1};
    return series;
}

void plot_mark(struct plot_series *series, double x, double y, const char *text)
{
    if (!series || *series->spoilt)
        return;
    struct plot_mark *marks = room_for_one(series->marks, &series->capacity, series->num_marks, sizeof *marks);
    *series->spoilt |= !marks;
    if (!marks)
        return;
    series->marks = marks;
    marks[series->num_marks++] = (struct plot_mark){x, y, copy(series->spoilt, text)};
}

void plot_free(struct plot *plot)
{
    if (!plot)
        return;
    for (size_t s = 0; s < plot->num_series; s++) {
        for (size_t m = 0; m < plot->series[s].num_marks; m++)
            free(plot->series[s].marks[m].text);
        free(plot->series[s].marks);
        free(plot->series[s].name);
    }
    free(plot->series);
    free(plot->title);
    free(plot->x);
    free(plot->y);
    free(plot);
}
