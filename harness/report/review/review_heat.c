#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/report/review/review_document.h"
#include "harness/report/review/review_group.h"

enum { LENGTHS_MAX = 16, HEADS_SHOWN = 256 };

/* Heads by lengths: the largest figures of each. */
struct heat {
    struct figures *cells; /* [num_heads, num_lengths] */
    double *lengths;       /* in their order */
    size_t num_lengths;
    int num_heads;
    struct number_groups groups;
};

static int compare_numbers(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

static size_t column_of(const struct heat *heat, double seq_len)
{
    char label[64];
    double group = number_group(label, &heat->groups, seq_len);
    size_t column = 0;
    while (column + 1 < heat->num_lengths && heat->lengths[column] != group)
        column++;
    return column;
}

/* False if memory ran out. */
static bool heat_make(struct heat *heat, const struct review *review)
{
    char label[64];
    *heat = (struct heat){.groups = number_groups_of(review, NUMBER_SEQ_LEN, LENGTHS_MAX)};
    heat->lengths = calloc(review->num_panels + 1, sizeof *heat->lengths);
    if (!heat->lengths)
        return false;
    for (size_t p = 0; p < review->num_panels; p++) {
        heat->lengths[p] = number_group(label, &heat->groups, review->panels[p].seq_len);
        if (heat->num_heads < review->panels[p].num_heads)
            heat->num_heads = review->panels[p].num_heads;
    }
    if (review->num_panels > 1)
        qsort(heat->lengths, review->num_panels, sizeof *heat->lengths, compare_numbers);
    for (size_t p = 0; p < review->num_panels; p++)
        if (p == 0 || heat->lengths[p] != heat->lengths[heat->num_lengths - 1])
            heat->lengths[heat->num_lengths++] = heat->lengths[p];
    heat->cells = calloc((size_t)heat->num_heads * heat->num_lengths + 1, sizeof *heat->cells);
    if (!heat->cells)
        return false;
    for (size_t p = 0; p < review->num_panels; p++) {
        size_t column = column_of(heat, review->panels[p].seq_len);
        for (int h = 0; h < review->panels[p].num_heads; h++)
            figures_merge(&heat->cells[(size_t)h * heat->num_lengths + column], &review->panels[p].heads[h]);
    }
    return true;
}

/* From cold to hot: a share of a bound as it is, other figures by their logarithm between the least and the most. */
static int heat_of(const struct heat *heat, enum figure figure, double value)
{
    double least = INFINITY, most = 0, place = value;
    if (figure != FIGURE_BOUND) {
        for (size_t c = 0; c < (size_t)heat->num_heads * heat->num_lengths; c++) {
            double other = heat->cells[c].largest[figure];
            if (!(heat->cells[c].known >> figure & 1) || !isfinite(other) || other <= 0)
                continue;
            least = fmin(least, other);
            most = fmax(most, other);
        }
        place = value <= 0 || most <= least ? 0 : log(value / least) / log(most / least);
    }
    return isnan(place) ? HEAT_STEPS - 1 : (int)fmax(0, fmin(HEAT_STEPS - 1, floor(place * HEAT_STEPS)));
}

static bool is_known(const struct heat *heat, enum figure figure)
{
    for (size_t c = 0; c < (size_t)heat->num_heads * heat->num_lengths; c++)
        if (heat->cells[c].known >> figure & 1)
            return true;
    return false;
}

static void write_heat(struct document *document, const struct heat *heat, enum figure figure)
{
    char caption[128], label[64];
    if (!is_known(heat, figure))
        return;
    snprintf(caption, sizeof caption, "Heads by keys: %s", figure_table[figure].axis);
    struct grid *grid = document_grid(document, caption);
    grid_column(grid, "head", NULL, true);
    for (size_t c = 0; c < heat->num_lengths; c++) {
        number_group(label, &heat->groups, heat->lengths[c]);
        grid_column(grid, label, NULL, true);
    }
    for (int h = 0; h < heat->num_heads && h < HEADS_SHOWN; h++) {
        snprintf(label, sizeof label, "%d", h);
        grid_text(grid, label);
        for (size_t c = 0; c < heat->num_lengths; c++) {
            const struct figures *cell = &heat->cells[(size_t)h * heat->num_lengths + c];
            double value = cell->largest[figure];
            bool over = !(value <= (figure == FIGURE_BOUND ? 1 : INFINITY));
            if (cell->known >> figure & 1)
                grid_heat(grid, value, heat_of(heat, figure, value), over ? TONE_BAD : TONE_PLAIN);
            else
                grid_unknown(grid);
        }
    }
    if (grid && heat->num_heads > HEADS_SHOWN)
        grid->rows_in_all = (size_t)heat->num_heads;
}

void review_write_heat(struct document *document, const struct review *review)
{
    struct heat heat;
    if (!heat_make(&heat, review)) {
        document->spoilt = true;
    } else if (heat.num_lengths > 1 && heat.num_heads > 1) {
        document_section(document, "heat", "Heads by sequence length");
        document_paragraph(document,
                           "The largest figure of all points of a length%s. In ALiBi the first heads are "
                           "the steep ones: they see near keys alone.",
                           heat.groups.binned ? ", lengths from a power of two to the next together" : "");
        write_heat(document, &heat, FIGURE_BOUND);
        write_heat(document, &heat, FIGURE_ULP);
    }
    free(heat.cells);
    free(heat.lengths);
}

/* ---- histograms -------------------------------------------------------------------------------------------------- */

static void bin_label(char *text, int bin)
{
    if (bin == ULP_BINS - 1)
        snprintf(text, 32, "no number");
    else if (bin == ULP_BINS - 2)
        snprintf(text, 32, "above %.4g", ldexp(1, bin - 4));
    else
        snprintf(text, 32, "to %.4g", ldexp(1, bin - 3));
}

/* The bins from the first to behind the last that anything is in; none if nothing is. */
static void find_bins(const struct review *review, int *first, int *end)
{
    *first = ULP_BINS;
    *end = 0;
    for (int b = 0; b < ULP_BINS; b++) {
        if (!review->max_ulp.counts[b] && !review->p99_ulp.counts[b] && !review->p50_ulp.counts[b] &&
            !review->head_ulp.counts[b])
            continue;
        *first = b < *first ? b : *first;
        *end = b + 1;
    }
}

struct histogram {
    const char *name, *about;
    const struct ulp_histogram *counts;
};

static void write_histogram_plot(struct document *document, const struct plot_axes *axes,
                                 const struct histogram *histograms, int count, int first, int end)
{
    struct plot *plot = document_plot(document, axes);
    for (int h = 0; h < count; h++) {
        struct plot_series *series = plot_series(plot, histograms[h].name);
        if (series)
            series->bars = true;
        for (int b = first; b < end; b++) {
            char label[32];
            bin_label(label, b);
            plot_mark(series, b, (double)histograms[h].counts->counts[b], label);
        }
    }
}

static void write_histogram_grid(struct document *document, const struct histogram *histograms, int count, int first,
                                 int end)
{
    struct grid *grid = document_grid(document, "How many points, and heads, have an error in ulp of");
    grid_column(grid, "ulp", NULL, false);
    for (int h = 0; h < count; h++)
        grid_column(grid, histograms[h].name, histograms[h].about, true);
    for (int b = first; b < end; b++) {
        char label[32];
        bin_label(label, b);
        grid_text(grid, label);
        for (int h = 0; h < count; h++)
            grid_count(grid, (double)histograms[h].counts->counts[b]);
    }
}

void review_write_histograms(struct document *document, const struct review *review)
{
    enum { OF_POINTS = 3, HISTOGRAMS };
    const struct histogram histograms[HISTOGRAMS] = {
        {"points by max ulp", "Points by their largest error.", &review->max_ulp},
        {"points by p99 ulp", "Points by the 99th percentile of their errors.", &review->p99_ulp},
        {"points by p50 ulp", "Points by the median of their errors.", &review->p50_ulp},
        {"heads by max ulp", "Heads of all points by their largest error.", &review->head_ulp},
    };
    static const struct plot_axes of_points = {"Points by error in ulp", "error in ulp", "points", .limit = NAN};
    static const struct plot_axes of_heads = {"Heads by error in ulp", "error in ulp", "heads", .limit = NAN};
    int first, end;
    find_bins(review, &first, &end);
    if (first == ULP_BINS)
        return;
    document_section(document, "histograms", "How often");
    document_paragraph(document, "Errors in ulp, the unit of the output's last place at the truth: points by their "
                                 "largest, 99th percentile and median, and heads by their largest. Records do not have "
                                 "the errors of single elements.");
    write_histogram_plot(document, &of_points, histograms, OF_POINTS, first, end);
    if (review->num_panels > 0)
        write_histogram_plot(document, &of_heads, histograms + OF_POINTS, HISTOGRAMS - OF_POINTS, first, end);
    write_histogram_grid(document, histograms, HISTOGRAMS, first, end);
}
