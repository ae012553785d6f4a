#include "harness/report/sink.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/problem/distribution.h"
#include "harness/report/metric.h"
#include "harness/support/text.h"

enum { CELL_SIZE = 64, HEADING_WIDTH = 132 };

struct table {
    const struct test_case *test_case; /* of the row above */
    bool colour;
};

/* ---- cells ----------------------------------------------------------------------------------------------------- */

static void cell_kernel(char *cell, const struct record *record)
{
    const struct point *point = record->point;
    const struct kernel_descriptor *kernel = kernels[point->kernel];
    if (kernel->uses_chunk_len)
        snprintf(cell, CELL_SIZE, "%s/%lld", kernel->name, (long long)point->kernel_options.chunk_len);
    else
        snprintf(cell, CELL_SIZE, "%s", kernel->name);
}

static void cell_recipe(char *cell, const struct record *record)
{
    char text[RECIPE_TEXT_SIZE];
    snprintf(cell, CELL_SIZE, "%s", recipe_format(text, &record->point->recipe));
}

/* "33001x32x128 f16", with grouped queries "33001x32/8x128 f16", with an fp8 cache "33001x32x128 f16/e4m3", with
 * several queries "4:33001x32x128 f16". */
static void cell_shape(char *cell, const struct record *record)
{
    const struct problem_spec *problem = &record->point->problem;
    char queries[16] = "", groups[16] = "", cache[16] = "";
    if (problem_spec_queries(problem) > 1)
        snprintf(queries, sizeof queries, "%d:", problem_spec_queries(problem));
    if (problem->num_kv_heads != problem->num_heads)
        snprintf(groups, sizeof groups, "/%d", problem->num_kv_heads);
    if (problem->kv_format != KV_AS_DTYPE)
        snprintf(cache, sizeof cache, "/%s", kv_format_names[problem->kv_format]);
    snprintf(cell, CELL_SIZE, "%s%lldx%d%sx%d %s%s", queries, (long long)problem->seq_len, problem->num_heads, groups,
             problem->head_dim, dtypes[problem->dtype].name, cache);
}

static void cell_input(char *cell, const struct record *record)
{
    snprintf(cell, CELL_SIZE, "%s", distributions[record->point->problem.input.distribution].kind.name);
}

static void cell_sentinel(char *cell, const struct record *record)
{
    char text[SENTINEL_TEXT_SIZE];
    snprintf(cell, CELL_SIZE, "%s", sentinel_format(text, &record->point->recipe.sentinel));
}

static void cell_seed(char *cell, const struct record *record)
{
    snprintf(cell, CELL_SIZE, "%llu", (unsigned long long)record->point->problem.seed);
}

static void cell_mismatched(char *cell, const struct record *record)
{
    const struct metrics *total = &record->verdict->total;
    snprintf(cell, CELL_SIZE, "%lld/%lld", (long long)total->mismatched, (long long)total->elements);
}

static void cell_worst(char *cell, const struct record *record)
{
    const struct problem_spec *problem = &record->point->problem;
    int64_t worst = record->verdict->total.worst, row = worst / problem->head_dim;
    char query[16] = "";
    if (problem_spec_queries(problem) > 1)
        snprintf(query, sizeof query, "%lld:", (long long)(row / problem->num_heads));
    snprintf(cell, CELL_SIZE, "%s%lld,%lld", query, (long long)(row % problem->num_heads),
             (long long)(worst % problem->head_dim));
}

/* The larger share of an error bound, of out or of lse. */
static void cell_bound(char *cell, const struct record *record)
{
    const struct metrics *total = &record->verdict->total;
    double share = fmax(total->budget_used, total->lse_budget_used); /* NaN: neither has a bound */
    snprintf(cell, CELL_SIZE, isnan(share) ? "-" : "%.3g", share);
}

/* What a person needs to look at stands out. */
static const char *const verdict_titles[STATUS_COUNT] = {
    [STATUS_PASS] = "pass",   [STATUS_FAIL] = "FAIL",   [STATUS_XFAIL] = "xfail",
    [STATUS_XPASS] = "XPASS", [STATUS_ERROR] = "ERROR",
};

static void cell_verdict(char *cell, const struct record *record)
{
    snprintf(cell, CELL_SIZE, "%s", verdict_titles[record->outcome.status]);
}

static const struct column {
    const char *title;
    int width; /* < 0: text, to the left, shortened if it must be; > 0: numbers, to the right, never shortened */
    void (*print)(char *cell, const struct record *record); /* NULL: the metric */
    enum metric metric;
    bool needs_verdict;
} columns[] = {
    {.title = "kernel", .width = -13, .print = cell_kernel},
    {.title = "recipe", .width = -19, .print = cell_recipe},
    {.title = "shape", .width = -20, .print = cell_shape},
    {.title = "input", .width = -10, .print = cell_input},
    {.title = "sentinel", .width = 9, .print = cell_sentinel},
    {.title = "seed", .width = 4, .print = cell_seed},
    {.title = "mismatched", .width = 12, .print = cell_mismatched, .needs_verdict = true},
    {.width = 11, .metric = METRIC_MAX_ABS_ERR, .needs_verdict = true},
    {.title = "at h,d", .width = 7, .print = cell_worst, .needs_verdict = true},
    {.width = 8, .metric = METRIC_MAX_ULP_ERR, .needs_verdict = true},
    {.title = "bound", .width = 8, .print = cell_bound, .needs_verdict = true},
    {.title = "verdict", .width = -7, .print = cell_verdict},
};

enum { NUM_COLUMNS = sizeof columns / sizeof columns[0] };

/* "" or the escape sequence that colours the verdict. */
static const char *verdict_colour(const struct table *table, enum status status)
{
    static const char *const colours[STATUS_COUNT] = {
        [STATUS_PASS] = "\x1b[32m",    [STATUS_FAIL] = "\x1b[1;31m",  [STATUS_XFAIL] = "\x1b[33m",
        [STATUS_XPASS] = "\x1b[1;31m", [STATUS_ERROR] = "\x1b[1;35m",
    };
    return table->colour ? colours[status] : "";
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

/* Text of a cell in its column; what is cut ends in "~". The last column gets no spaces after it. */
static void print_cell(const struct column *column, const char *text)
{
    int width = abs(column->width), length = (int)strlen(text);
    bool last = column == &columns[NUM_COLUMNS - 1];
    printf("%s", column == columns ? "  " : column->width < 0 ? "  " : " ");
    if (column->width > 0)
        printf("%*s", width, text);
    else if (length > width)
        printf("%.*s~", width - 1, text);
    else
        printf("%-*s", last ? 0 : width, text);
}

static void print_titles(void)
{
    for (const struct column *column = columns; column < columns + NUM_COLUMNS; column++)
        print_cell(column, column->title ? column->title : metric_table[column->metric].title);
    printf("\n");
}

static void print_row(const struct table *table, const struct record *record)
{
    const struct point *point = record->point;
    const struct mask_spec *mask = &point->problem.mask;
    int width = abs(columns[NUM_COLUMNS - 1].width) - (int)strlen(verdict_titles[record->outcome.status]);
    for (const struct column *column = columns; column < columns + NUM_COLUMNS; column++) {
        char cell[CELL_SIZE];
        if (column->needs_verdict && !record->verdict)
            strcpy(cell, "-");
        else if (column->print)
            column->print(cell, record);
        else
            record_format_error(cell, record, column->metric);
        if (column->print == cell_verdict)
            printf("%s", verdict_colour(table, record->outcome.status));
        print_cell(column, cell);
    }
    printf("%s", table->colour ? "\x1b[0m" : "");
    /* The only things behind the last column, so that tables without masks and batches are no wider. */
    if (mask->kind != MASK_NONE || point->batch == BATCH_TOGETHER)
        printf("%*s", width, "");
    if (point->batch == BATCH_TOGETHER)
        printf("  sequence %d of %d", point->problem.sequence + 1, point_num_sequences(point));
    if (mask->kind != MASK_NONE) {
        char text[MASK_TEXT_SIZE];
        printf("  mask %s", mask_format(text, mask));
    }
    printf("\n");
}

/* What became of the comparisons with conventional references, a line each. */
static bool print_references(const struct record *record)
{
    char *lines = record_references(record, "      ");
    if (lines)
        fputs(lines, stdout);
    free(lines);
    return lines;
}

static bool print_notes(const struct record *record)
{
    char *line = record_notes(record);
    if (line && *line)
        printf("      %s\n", line);
    free(line);
    return line;
}

static bool print_findings(const struct record *record)
{
    char *lines = record_findings(record, "      ");
    if (lines)
        fputs(lines, stdout);
    free(lines);
    return lines;
}

/* Prints prefix and text, made presentable; frees text. */
static bool print_text(const char *prefix, char *text)
{
    char *clean = text ? text_clean(text) : NULL;
    if (clean)
        printf("%s%s\n", prefix, clean);
    bool printed = clean;
    free(clean);
    free(text);
    return printed;
}

static bool print_heading(const struct test_case *test_case)
{
    const char *about = case_about(test_case);
    char *heading = NULL;
    if (asprintf(&heading, about && *about ? "%s: %s" : "%s", case_name(test_case), about) < 0)
        return false;
    char *line = text_line(heading, HEADING_WIDTH);
    free(heading);
    return print_text("\n", line);
}

/* Everything is on its way to the system. */
static enum error_kind flush(struct error *error)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return error_set(error, ERROR_SYSTEM, "cannot write standard output: %s", strerror(errno));
    return ERROR_NONE;
}

static enum error_kind print_record(struct sink *sink, const struct record *record, struct error *error)
{
    struct table *table = sink->state;
    bool printed = true;
    if (!table->test_case) {
        if (record->device_name)
            printed = print_text("device: ", text_line(record->device_name, HEADING_WIDTH));
        print_titles();
    }
    if (record->point->test_case != table->test_case)
        printed = print_heading(record->point->test_case) && printed;
    table->test_case = record->point->test_case;

    print_row(table, record);
    printed = print_notes(record) && printed;
    printed = print_findings(record) && printed;
    printed = print_references(record) && printed;
    if (record->outcome.reason[0])
        printed =
            print_text("      error: ", text_line(record->outcome.reason, sizeof record->outcome.reason)) && printed;
    if (!status_as_expected(record->outcome.status))
        printed = print_text("      reproduce: ", record_reproduce(record)) && printed;
    return printed ? flush(error) : error_memory(error, "a row of the table", POINT_KEY_SIZE);
}

static enum error_kind close_table(struct sink *sink, const struct summary *summary, struct error *error)
{
    free(sink->state);
    sink->state = NULL;
    printf("\n");
    if (summary->cut_short)
        printf("%s: %zu of ", summary->cut_short, summary->points_done);
    printf("%zu point%s", summary->points_total, summary->points_total == 1 ? "" : "s");
    printf("%s", summary->cut_short ? " done" : "");
    if (summary->device_name) {
        char *device = text_line(summary->device_name, HEADING_WIDTH);
        printf(" on %s", device ? device : "?");
        free(device);
    }
    const char *separator = ": ";
    for (enum status status = 0; status < STATUS_COUNT; status++) {
        if (summary->by_status[status] == 0)
            continue;
        printf("%s%zu %s", separator, summary->by_status[status], status_names[status]);
        separator = ", ";
    }
    printf("; %.1f s\n", summary->elapsed_s);
    return flush(error);
}

static enum error_kind open_table(struct sink *sink, struct error *error)
{
    struct table *table = calloc(1, sizeof *table);
    if (!table)
        return error_memory(error, "the table", sizeof *table);
    const char *no_colour = getenv("NO_COLOR");
    table->colour = isatty(STDOUT_FILENO) && (!no_colour || !*no_colour);
    sink->state = table;
    return ERROR_NONE;
}

/* A table that a person reads at a glance, with one line for each failing point that reproduces it. */
const struct sink_kind sink_table = {
    .target = SINK_TO_STDOUT,
    .open = open_table,
    .record = print_record,
    .close = close_table,
};
