#include "harness/report/page/page_plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/page/plot_scale.h"
#include "harness/support/text_stream.h"

enum {
    WIDTH = 450,
    LEFT = 60,
    RIGHT = 432,
    TOP = 14,
    BAND = 20, /* above, or to the right of, what is a finite number */
    BOTTOM = 236,
    FOOT = 278,
    LEGEND_LINE = 18,
    MARKS_SHOWN = 512 /* of a series, one by one */
};

/* Okabe and Ito's colours, told apart by people who see few; dark enough on white, and light enough on black. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#b8579a",
                                      "#b07800", "#3d9bd1", "#777777", "#8a6d3b"};
enum { COLOURS = sizeof colours / sizeof colours[0] };

/* What is smaller by more stands at the lower edge: an error near 0 must not press all others together. */
#define DECADES 1e-9

struct drawing {
    struct page *page;
    const struct plot *plot;
    struct plot_scale x, y;
    bool off_x, off_y; /* something is no finite number */
};

/* ---- elements ---------------------------------------------------------------------------------------------------- */

static void line(struct page *page, const char *class_name, const char *colour, double x1, double y1, double x2,
                 double y2)
{
    page_start(page, "line");
    page_attribute(page, "class", "%s", class_name);
    page_attribute(page, "stroke", "%s", colour);
    page_attribute(page, "x1", "%.1f", x1);
    page_attribute(page, "y1", "%.1f", y1);
    page_attribute(page, "x2", "%.1f", x2);
    page_attribute(page, "y2", "%.1f", y2);
    page_end_empty(page);
}

static void text(struct page *page, const char *anchor, double x, double y, const char *says)
{
    page_start(page, "text");
    page_attribute(page, "text-anchor", "%s", anchor);
    page_attribute(page, "x", "%.1f", x);
    page_attribute(page, "y", "%.1f", y);
    page_text(page, says);
    page_end(page);
}

static const char *colour_of(const struct plot_series *series)
{
    return colours[series->colour % COLOURS];
}

/* A cross for what failed; else a shape for each colour. */
static void shape(struct page *page, const struct plot_series *series, double x, double y, const char *says)
{
    static const char *const shapes[] = {"m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z", "m-3-3h6v6h-6z",
                                         "m0-4.5l4.5 4.5l-4.5 4.5l-4.5-4.5z", "m0-4l4 7h-8z"};
    page_start(page, "path");
    if (series->failed) {
        page_attribute(page, "class", "cross");
        page_attribute(page, "d", "M%.1f %.1fm-4-4l8 8m0-8l-8 8", x, y);
        page_attribute(page, "stroke", "%s", colour_of(series));
        page_attribute(page, "stroke-width", "2");
        page_attribute(page, "fill", "none");
    } else {
        page_attribute(page, "d", "M%.1f %.1f%s", x, y, shapes[series->colour % 4]);
        page_attribute(page, "fill", "%s", colour_of(series));
    }
    if (says) {
        page_element(page, "title", NULL, says);
        page_end(page);
    } else {
        page_end_empty(page);
    }
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

static void widen(double *least, double *most, double value, bool log)
{
    if (!isfinite(value) || (log && value <= 0))
        return;
    *least = fmin(*least, value);
    *most = fmax(*most, value);
}

static void make_scales(struct drawing *drawing)
{
    const struct plot *plot = drawing->plot;
    double least_x = INFINITY, most_x = -INFINITY, least_y = INFINITY, most_y = -INFINITY;
    for (size_t s = 0; s < plot->num_series; s++)
        for (size_t m = 0; m < plot->series[s].num_marks; m++) {
            const struct plot_mark *mark = &plot->series[s].marks[m];
            widen(&least_x, &most_x, mark->x, plot->x_log);
            widen(&least_y, &most_y, mark->y, plot->y_log);
            drawing->off_x |= !isfinite(mark->x);
            drawing->off_y |= !isfinite(mark->y);
        }
    if (!plot->y_log)
        widen(&least_y, &most_y, 0, false);
    widen(&least_y, &most_y, plot->limit, plot->y_log);
    if (plot->y_log)
        least_y = fmax(least_y, most_y * DECADES);
    if (plot->x_log && plot->diagonal)
        least_x = fmax(least_x, most_x * DECADES);
    if (plot->diagonal) {
        least_x = least_y = fmin(least_x, least_y);
        most_x = most_y = fmax(most_x, most_y);
    }
    plot_scale_make(&drawing->x, least_x, most_x, plot->x_log);
    plot_scale_make(&drawing->y, least_y, most_y, plot->y_log);
    drawing->x.from = LEFT;
    drawing->x.to = RIGHT - (drawing->off_x ? BAND : 0);
    drawing->x.off = RIGHT - 4;
    drawing->y.from = BOTTOM;
    drawing->y.to = TOP + (drawing->off_y ? BAND : 0);
    drawing->y.off = TOP + 4;
}

static void draw_y_axis(struct drawing *drawing)
{
    struct page *page = drawing->page;
    char tick[32];
    for (int t = 0; t < drawing->y.num_ticks; t++) {
        double y = plot_place(&drawing->y, drawing->y.ticks[t]);
        line(page, "grid", "#dddddd", LEFT, y, RIGHT, y);
        text(page, "end", LEFT - 6, y + 4, plot_tick_text(tick, drawing->y.ticks[t]));
    }
    if (drawing->off_y)
        text(page, "end", LEFT - 6, drawing->y.off + 4, "inf, nan");
    page_start(page, "text");
    page_attribute(page, "text-anchor", "middle");
    page_attribute(page, "transform", "translate(12 %d) rotate(-90)", (TOP + BOTTOM) / 2);
    page_text(page, drawing->plot->y);
    page_end(page);
}

static void draw_x_axis(struct drawing *drawing)
{
    struct page *page = drawing->page;
    char tick[32];
    for (int t = 0; t < drawing->x.num_ticks; t++) {
        double x = plot_place(&drawing->x, drawing->x.ticks[t]);
        line(page, "tick", "#888888", x, BOTTOM, x, BOTTOM + 4);
        text(page, "middle", x, BOTTOM + 17, plot_tick_text(tick, drawing->x.ticks[t]));
    }
    if (drawing->off_x)
        text(page, "middle", drawing->x.off, BOTTOM + 17, "inf, nan");
}

/* Their names lean, so that all have room. */
static void draw_categories(struct drawing *drawing)
{
    const struct plot_series *series = &drawing->plot->series[0];
    double width = (double)(RIGHT - LEFT) / (double)(series->num_marks ? series->num_marks : 1);
    for (size_t m = 0; m < series->num_marks; m++) {
        page_start(drawing->page, "text");
        page_attribute(drawing->page, "text-anchor", "end");
        page_attribute(drawing->page, "font-size", "10");
        page_attribute(drawing->page, "transform", "translate(%.1f %d) rotate(-40)", LEFT + ((double)m + 0.6) * width,
                       BOTTOM + 12);
        page_text(drawing->page, series->marks[m].text ? series->marks[m].text : "");
        page_end(drawing->page);
    }
}

/* ---- series ------------------------------------------------------------------------------------------------------ */

static void draw_line(struct drawing *drawing, const struct plot_series *series)
{
    char *path = NULL;
    size_t size = 0;
    FILE *stream = text_stream_open(&path, &size);
    bool up = true;
    drawing->page->failed |= !stream;
    if (!stream)
        return;
    for (size_t m = 0; m < series->num_marks; m++) {
        const struct plot_mark *mark = &series->marks[m];
        if (!isfinite(mark->x) || !isfinite(mark->y)) {
            up = true;
            continue;
        }
        fprintf(stream, "%c%.1f %.1f", up ? 'M' : 'L', plot_place(&drawing->x, mark->x),
                plot_place(&drawing->y, mark->y));
        up = false;
    }
    drawing->page->failed |= fclose(stream) != 0;
    if (!drawing->page->failed && *path) {
        page_start(drawing->page, "path");
        page_attribute(drawing->page, "class", "line");
        page_attribute(drawing->page, "d", "%s", path);
        page_attribute(drawing->page, "fill", "none");
        page_attribute(drawing->page, "stroke", "%s", colour_of(series));
        page_end_empty(drawing->page);
    }
    free(path);
}

static void draw_marks(struct drawing *drawing, const struct plot_series *series)
{
    page_start(drawing->page, "g");
    page_attribute(drawing->page, "class", "c%d", series->colour % COLOURS);
    if (series->joined)
        draw_line(drawing, series);
    for (size_t m = 0; m < series->num_marks && (m < MARKS_SHOWN || !series->joined); m++)
        shape(drawing->page, series, plot_place(&drawing->x, series->marks[m].x),
              plot_place(&drawing->y, series->marks[m].y), series->marks[m].text);
    page_end(drawing->page);
}

static void draw_bars(struct drawing *drawing, size_t place)
{
    const struct plot *plot = drawing->plot;
    const struct plot_series *series = &plot->series[place];
    double width = (double)(RIGHT - LEFT) / (double)(series->num_marks ? series->num_marks : 1);
    double bar = 0.8 * width / (double)plot->num_series;
    page_start(drawing->page, "g");
    page_attribute(drawing->page, "class", "c%d", series->colour % COLOURS);
    for (size_t m = 0; m < series->num_marks; m++) {
        double y = plot_place(&drawing->y, series->marks[m].y);
        if (!(series->marks[m].y > 0))
            continue;
        page_start(drawing->page, "rect");
        page_attribute(drawing->page, "x", "%.1f", LEFT + ((double)m + 0.1) * width + (double)place * bar);
        page_attribute(drawing->page, "y", "%.1f", fmin(y, BOTTOM - 1));
        page_attribute(drawing->page, "width", "%.1f", bar);
        page_attribute(drawing->page, "height", "%.1f", fmax(1, BOTTOM - y));
        page_attribute(drawing->page, "fill", "%s", colour_of(series));
        page_start(drawing->page, "title");
        page_text(drawing->page, series->name);
        page_text(drawing->page, ", ");
        page_text(drawing->page, series->marks[m].text ? series->marks[m].text : "");
        char count[32];
        snprintf(count, sizeof count, ": %.0f", series->marks[m].y);
        page_text(drawing->page, count);
        page_end(drawing->page);
        page_end(drawing->page);
    }
    page_end(drawing->page);
}

static void draw_legend(struct drawing *drawing)
{
    const struct plot *plot = drawing->plot;
    for (size_t s = 0; s < plot->num_series; s++) {
        double x = LEFT + (double)(s % 2) * (RIGHT - LEFT) / 2, y = FOOT + 16 + (double)(s / 2) * LEGEND_LINE;
        shape(drawing->page, &plot->series[s], x + 5, y - 4, NULL);
        text(drawing->page, "start", x + 14, y, plot->series[s].name);
    }
}

static void draw_limits(struct drawing *drawing)
{
    const struct plot *plot = drawing->plot;
    line(drawing->page, "axis", "#888888", LEFT, BOTTOM, RIGHT, BOTTOM);
    if (!isnan(plot->limit)) {
        double y = plot_place(&drawing->y, plot->limit);
        line(drawing->page, "limit", "#c00000", LEFT, y, RIGHT, y);
    }
    if (plot->diagonal)
        line(drawing->page, "limit", "#888888", drawing->x.from, drawing->y.from, drawing->x.to, drawing->y.to);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

void page_plot(struct page *page, const struct plot *plot)
{
    struct drawing drawing = {.page = page, .plot = plot};
    bool bars = plot->num_series && plot->series[0].bars, legend = plot->num_series > 1;
    int height = FOOT + 6 + (legend ? LEGEND_LINE * (int)((plot->num_series + 1) / 2) : 0);
    make_scales(&drawing);
    page_start(page, "svg");
    page_attribute(page, "xmlns", "http://www.w3.org/2000/svg");
    page_attribute(page, "viewBox", "0 0 %d %d", WIDTH, height);
    page_attribute(page, "width", "%d", WIDTH);
    page_attribute(page, "height", "%d", height);
    page_attribute(page, "role", "img");
    page_attribute(page, "aria-label", "%s. The table that follows has the figures.", plot->title);
    page_start(page, "g");
    page_attribute(page, "font-family", "sans-serif");
    page_attribute(page, "font-size", "12");
    page_attribute(page, "fill", "#444444");
    draw_y_axis(&drawing);
    if (bars)
        draw_categories(&drawing);
    else
        draw_x_axis(&drawing);
    draw_limits(&drawing);
    for (size_t s = 0; s < plot->num_series; s++)
        if (plot->series[s].bars)
            draw_bars(&drawing, s);
        else
            draw_marks(&drawing, &plot->series[s]);
    text(page, "middle", (LEFT + RIGHT) / 2.0, bars ? FOOT + 2 : FOOT - 6, plot->x);
    if (legend)
        draw_legend(&drawing);
    page_end(page);
    page_end(page);
}
