#include "harness/report/sink/sink.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/report/sink/table_row.h"
#include "harness/report/sink/table_skips.h"
#include "harness/report/sink/table_text.h"
#include "harness/support/file.h"
#include "harness/support/text.h"
#include "harness/support/text_stream.h"

enum { HEADING_SIZE = 400 };

/* A point of the run that is done; points may end in another order than they stand in. */
struct ended {
    bool is_done;
    struct table_row row;
};

struct table {
    struct table_layout layout;      /* of all points; has a point_width: each case has one of its own */
    struct table_layout case_layout; /* of the points of test_case */
    struct table_style style;
    const struct sink_plan *plan;
    const struct test_case *test_case;
    struct ended *points;            /* [plan->num_points] */
    size_t next;                     /* the first that is not printed */
    const struct test_case *printed; /* the case of the row above */
    char *titles;                    /* above it */
    char *device_name;
    uint64_t explained;       /* bit m: meaning m has been said */
    char *first;              /* of the first point that did not end as expected; NULL: none */
    struct table_skips skips; /* of points that were not run */
    double most_share;        /* of a bound that judges, among points that pass; 0: none */
};

_Static_assert((int)TABLE_MEANINGS <= 64, "a bit for each meaning");

/* ---- what stands above rows ------------------------------------------------------------------------------------ */

/* Of the points of a case, which stand together. */
static void lay_out_case(struct table_layout *layout, const struct table *table, const struct test_case *test_case)
{
    const struct sink_plan *plan = table->plan;
    size_t first = 0, end;
    while (first < plan->num_points && plan->points[first].test_case != test_case)
        first++;
    for (end = first; end < plan->num_points && plan->points[end].test_case == test_case;)
        end++;
    table_layout_make(layout, &plan->table, table->layout.width, plan->points + first, end - first);
}

/* Unless they stand above already. */
static bool print_titles(struct table *table, const struct table_layout *layout)
{
    char *titles = NULL;
    size_t size;
    FILE *out = text_stream_open(&titles, &size);
    if (!out)
        return false;
    table_print_titles(out, layout);
    if (fclose(out) != 0 || !titles)
        return false;
    if (!table->titles || strcmp(titles, table->titles) != 0)
        printf("%s", titles);
    free(table->titles);
    table->titles = titles;
    return true;
}

/* Its name, and where cases have columns of their own what is the same for its points and not for all. */
static bool print_case(struct table *table, const struct point *point)
{
    const struct test_case *test_case = point->test_case;
    const char *about = case_about(test_case);
    char *heading = NULL;
    struct table_layout layout;
    if (asprintf(&heading, about && *about ? "%s: %s" : "%s", case_name(test_case), about) < 0)
        return false;
    printf("\n");
    bool printed = table_print_lines(stdout, text_line(heading, HEADING_SIZE), table->layout.width);
    free(heading);
    if (table->layout.point_width == 0)
        return printed;
    lay_out_case(&layout, table, test_case);
    uint64_t same = layout.keys.constant & table->layout.keys.varying;
    if (same)
        printed =
            table_print_lines(stdout, table_with_prefix("  ", table_keys_format(same, point)), layout.width) && printed;
    return print_titles(table, &layout) && printed;
}

/* The device, what is the same for all points, and the titles. */
static bool print_head(struct table *table, const struct point *point)
{
    const struct table_layout *layout = &table->layout;
    bool printed = !table->device_name ||
                   table_print_text(stdout, "device: ", text_line(table->device_name, (size_t)layout->width));
    char *same = table_keys_format(layout->keys.constant, point);
    if (!same || *same)
        printed = table_print_lines(stdout, table_with_prefix("all points: ", same), layout->width) && printed;
    else
        free(same);
    return (layout->point_width || print_titles(table, layout)) && printed;
}

/* ---- rows in order --------------------------------------------------------------------------------------------- */

static bool print_row(struct table *table, const struct point *point, struct table_row *row)
{
    bool printed = true;
    uint64_t meaning = UINT64_C(1) << row->meaning;
    bool brief = table->style.detail != TABLE_VERBOSE && table->explained & meaning;
    if (!table->printed)
        printed = print_head(table, point);
    if (point->test_case != table->printed)
        printed = print_case(table, point) && printed;
    table->printed = point->test_case;
    printf("%s%s%s", row->text, brief ? row->brief : row->explained, row->end);
    table->explained |= row->unexpected ? meaning : 0;
    return printed;
}

/* Prints the rows that are done up to the first that is not, or all of them. */
static enum error_kind print_rows(struct table *table, bool all, struct error *error)
{
    bool printed = true, any = false;
    for (; table->next < table->plan->num_points && (all || table->points[table->next].is_done); table->next++) {
        struct table_row *row = &table->points[table->next].row;
        if (row->text) {
            printed = print_row(table, &table->plan->points[table->next], row) && printed;
            any = true;
        }
        if (!table->first) {
            table->first = row->failure;
            row->failure = NULL;
        }
        printed = table_skips_add(&table->skips, row->skipped) && printed;
        table_row_clear(row);
    }
    if (!printed)
        return error_memory(error, "a row of the table", POINT_KEY_SIZE);
    return any ? file_flush(stdout, error) : ERROR_NONE;
}

static struct ended *point_at(const struct table *table, const struct point *point)
{
    return &table->points[point - table->plan->points];
}

static enum error_kind take_record(struct sink *sink, const struct record *record, struct error *error)
{
    struct table *table = sink->state;
    const struct point *point = record->point;
    struct ended *ended = point_at(table, point);
    if (!table->device_name && record->device_name && !(table->device_name = strdup(record->device_name)))
        return error_memory(error, "a row of the table", POINT_KEY_SIZE);
    if (point->test_case != table->test_case && table->layout.point_width)
        lay_out_case(&table->case_layout, table, point->test_case);
    table->test_case = point->test_case;
    if (record->outcome.status == STATUS_PASS && point->criterion.mode != JUDGE_TOLERANCE)
        table->most_share = fmax(table->most_share, table_bound_share(record)); /* of a NaN and a number the number */
    ended->is_done = true;
    if (!table_row_make(&ended->row, &table->style, record))
        return error_memory(error, "a row of the table", POINT_KEY_SIZE);
    return print_rows(table, false, error);
}

/* A point that was done before has no row; of the first that did not end as expected the last line tells. */
static enum error_kind keep_record(struct sink *sink, const struct point *point, const struct kept_record *kept,
                                   struct error *error)
{
    struct table *table = sink->state;
    struct ended *ended = point_at(table, point);
    char key[POINT_KEY_SIZE], *line = NULL;
    ended->is_done = true;
    if (!status_as_expected(kept->status)) {
        const char *headline = kept->headline ? kept->headline : status_names[kept->status];
        if (asprintf(&line, "%s: %s", point_key(key, point), headline) < 0)
            line = NULL;
        ended->row.failure = line ? text_clean(line) : NULL;
        free(line);
        if (!ended->row.failure)
            return error_memory(error, "a row of the table", POINT_KEY_SIZE);
    }
    return print_rows(table, false, error);
}

/* ---- the run --------------------------------------------------------------------------------------------------- */

/* ": 1 pass, of 10 sampled of 6400 rows": in how many sequences there are none is said as well. */
static void print_sample(const struct sink_plan *plan)
{
    const struct given *given = plan->num_points > 0 ? plan->points->given : NULL;
    if (!given || !given->sample.judged)
        return;
    long long without = (long long)given->sample.sequences - (long long)plan->num_points;
    printf("; of %lld sampled of %lld rows (seed %llu)", (long long)given->sample.drawn,
           (long long)given->sample.drawn_of, (unsigned long long)given->sample.seed);
    if (without > 0)
        printf(", none in %lld of %lld sequences", without, (long long)given->sample.sequences);
}

/* That it is judged by what a bundle without k and v says, or that this holds: a point that it does not is none. */
static void print_claim(const struct sink_plan *plan, const struct summary *summary)
{
    const struct given *given = plan->num_points > 0 ? plan->points->given : NULL;
    if (!given || !given->claim || summary->points_done == 0)
        return;
    if (given->claim->checked)
        printf("; what the bundle says is right");
    else
        printf("; by the truth that the bundle has, which --q, --k and --v check");
}

/* "48 points on host (2 threads): 46 pass, 2 fail; 12.3 s; first leak; to see it: alibicheck run ..." */
static void print_summary(const struct table *table, const struct summary *summary)
{
    if (summary->cut_short)
        printf("%s: %zu of ", summary->cut_short, summary->points_done);
    printf("%zu point%s", summary->points_total, summary->points_total == 1 ? "" : "s");
    printf("%s", summary->cut_short ? " done" : "");
    if (summary->device_name) {
        char *device = text_line(summary->device_name, (size_t)table->layout.width);
        printf(" on %s", device ? device : "?");
        free(device);
    }
    const char *separator = ": ";
    for (enum status status = 0; status < STATUS_COUNT; status++) {
        if (summary->by_status[status] == 0)
            continue;
        printf("%s%zu %s", separator, summary->by_status[status], status_names[status]);
        if (status == STATUS_PASS && table->most_share > 0 && summary->points_kept == 0)
            printf(" with up to %.3g of the bound", table->most_share);
        if (status == STATUS_SKIP)
            table_skips_print_first(stdout, &table->skips, table->plan);
        separator = ", ";
    }
    print_sample(table->plan);
    print_claim(table->plan, summary);
    printf("; %.1f s", summary->elapsed_s);
    if (table->first)
        printf("; first: %s", table->first);
    printf("\n");
}

static void free_table(struct table *table)
{
    for (size_t i = 0; table->points && i < table->plan->num_points; i++)
        table_row_clear(&table->points[i].row);
    free(table->points);
    free(table->device_name);
    free(table->titles);
    free(table->first);
    table_skips_clear(&table->skips);
    free(table);
}

static enum error_kind close_table(struct sink *sink, const struct summary *summary, struct error *error)
{
    struct table *table = sink->state;
    enum error_kind kind = print_rows(table, true, error);
    if (table->printed)
        printf("\n");
    table_skips_print(stdout, &table->skips, table->plan);
    print_summary(table, summary);
    free_table(table);
    sink->state = NULL;
    enum error_kind flushed = file_flush(stdout, kind ? NULL : error);
    return kind ? kind : flushed;
}

/* Of standard output: what the shell says of it, then what the terminal does. */
static int find_width(const struct table_options *options)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    if (options->width)
        return options->width;
    if (!isatty(STDOUT_FILENO))
        return TABLE_WIDTH_DEFAULT;
    int width = columns ? atoi(columns) : 0;
    if (width <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    return width <= 0                ? TABLE_WIDTH_DEFAULT
           : width < TABLE_WIDTH_MIN ? TABLE_WIDTH_MIN
           : width > TABLE_WIDTH_MAX ? TABLE_WIDTH_MAX
                                     : width;
}

/* Whether what was handed over is of several sequences. */
static bool has_sequences(const struct sink_plan *plan)
{
    for (size_t i = 0; i < plan->num_points; i++)
        if (plan->points[i].given && plan->points[i].problem.sequence > 0)
            return true;
    return false;
}

static enum error_kind open_table(struct sink *sink, struct error *error)
{
    const struct sink_plan *plan = sink->plan;
    const char *no_colour = getenv("NO_COLOR");
    struct table *table = calloc(1, sizeof *table);
    struct ended *points = calloc(plan->num_points + 1, sizeof *points);
    if (!table || !points) {
        free(table);
        free(points);
        return error_memory(error, "the table", (double)(plan->num_points + 1) * sizeof *points);
    }
    table->plan = plan;
    table->points = points;
    table_layout_make(&table->layout, &plan->table, find_width(&plan->table), plan->points, plan->num_points);
    table->style = (struct table_style){
        .layout = table->layout.point_width ? &table->case_layout : &table->layout,
        .detail = plan->table.detail,
        .program = plan->table.program,
        .of_batch = has_sequences(plan),
        .colour = isatty(STDOUT_FILENO) && (!no_colour || !*no_colour),
    };
    sink->state = table;
    return ERROR_NONE;
}

/* A table that a person reads at a glance, in the order of points, with one line for each failing point that reproduces
 * it. */
const struct sink_kind sink_table = {
    .target = SINK_TO_STDOUT,
    .without_keys = true,
    .open = open_table,
    .record = take_record,
    .keep = keep_record,
    .close = close_table,
};
