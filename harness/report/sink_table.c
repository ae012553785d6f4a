#include "harness/report/sink.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/report/table_layout.h"
#include "harness/support/text.h"

enum { INDENT = 2, HEADING_SIZE = 400 };

struct table {
    struct table_layout layout;
    enum table_detail detail;
    const struct sink_plan *plan;
    const struct test_case *test_case; /* of the row above */
    struct table_keys keys;            /* of its points */
    bool colour;
    uint64_t explained; /* bit s: what signature s means has been said */
    char *first;        /* the first point that did not end as expected: in what way, and how to see it; NULL: none */
    double most_share;  /* of a bound that judges, among points that pass; 0: none */
};

/* ---- text ------------------------------------------------------------------------------------------------------ */

/* Prints a line between words on lines of width characters, those after the first INDENT further in. */
static void print_wrapped(const char *line, size_t size, int width)
{
    size_t indent = 0;
    while (indent < size && line[indent] == ' ')
        indent++;
    for (size_t at = indent, left = indent; at < size; left = indent + INDENT) {
        size_t room = (size_t)width > left ? (size_t)width - left : 1, end = size - at <= room ? size : at + room;
        while (end < size && end > at && line[end] != ' ')
            end--;
        if (end == at) /* a word that is longer */
            end = at + strcspn(line + at, " \n");
        printf("%*s%.*s\n", (int)left, "", (int)(end - at), line + at);
        for (at = end; at < size && line[at] == ' ';)
            at++;
    }
}

/* The same of each line; frees text. */
static bool print_lines(char *text, int width)
{
    char *clean = text ? text_clean(text) : NULL;
    bool printed = clean;
    for (const char *line = clean; line && *line;) {
        size_t size = strcspn(line, "\n");
        print_wrapped(line, size, width);
        line += size + (line[size] == '\n');
    }
    free(clean);
    free(text);
    return printed;
}

/* Prints prefix and text, made presentable, on one line; frees text. */
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

/* prefix and text; frees text. NULL if that is NULL or memory ran out. */
static char *with_prefix(const char *prefix, char *text)
{
    char *both = NULL;
    if (text && asprintf(&both, "%s%s", prefix, text) < 0)
        both = NULL;
    free(text);
    return both;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* "" or the escape sequence that colours a cell. */
static const char *cell_colour(const struct table *table, const struct table_column *column, enum status status,
                               bool judged)
{
    static const char *const colours[STATUS_COUNT] = {
        [STATUS_PASS] = "\x1b[32m",    [STATUS_FAIL] = "\x1b[1;31m",  [STATUS_XFAIL] = "\x1b[33m",
        [STATUS_XPASS] = "\x1b[1;31m", [STATUS_ERROR] = "\x1b[1;35m",
    };
    if (!table->colour)
        return "";
    return column->id == COLUMN_VERDICT ? colours[status] : judged ? "" : "\x1b[2m";
}

/* Text of a cell in its column; what is cut ends in "~". The last column gets no spaces after it, and is never cut. */
static void print_cell(const struct table_layout *layout, size_t i, const char *text, const char *colour)
{
    int width = layout->widths[i], length = (int)strlen(text), pad = length < width ? width - length : 0;
    bool is_text = layout->columns[i].text, last = i + 1 == layout->num_columns;
    bool cut = is_text && !last && length > width;
    printf("%*s%s%.*s%s%s", INDENT + (is_text ? 0 : pad), "", colour, cut ? width - 1 : length, text, cut ? "~" : "",
           *colour ? "\x1b[0m" : "");
    if (is_text && !last)
        printf("%*s", pad, "");
}

static void print_titles(const struct table_layout *layout)
{
    if (layout->point_width)
        printf("%*s%-*s", INDENT, "", layout->point_width, "point");
    for (size_t i = 0; i < layout->num_columns; i++)
        print_cell(layout, i, layout->columns[i].title, "");
    printf("\n");
}

/* What a row says of its point where the keys that vary are no columns: those that vary within the case; of a case's
 * only point all. */
static uint64_t row_keys(const struct table *table)
{
    return table->keys.varying ? table->keys.varying : table->keys.constant & table->layout.keys.varying;
}

/* On lines of their own where they do not fit. */
static bool print_point(const struct table *table, const struct point *point)
{
    const struct table_layout *layout = &table->layout;
    char *text = with_prefix("  ", table_keys_format(row_keys(table), point));
    bool printed = text, fits = text && (int)strlen(text) <= INDENT + layout->point_width;
    if (fits)
        printf("%-*s", INDENT + layout->point_width, text);
    else if (text)
        print_wrapped(text, strlen(text), layout->width);
    if (text && !fits)
        printf("%*s", INDENT + layout->point_width, "");
    free(text);
    return printed;
}

static bool print_row(const struct table *table, const struct record *record)
{
    const struct table_layout *layout = &table->layout;
    bool printed = layout->point_width == 0 || print_point(table, record->point);
    for (size_t i = 0; i < layout->num_columns; i++) {
        char cell[TABLE_CELL_SIZE];
        bool judged = table_column_print(cell, &layout->columns[i], record);
        print_cell(layout, i, cell, cell_colour(table, &layout->columns[i], record->outcome.status, judged));
    }
    printf("\n");
    return printed;
}

/* Whether what the record's signature means has been said. From now on it has. */
static bool is_explained(struct table *table, const struct record *record)
{
    uint64_t bit = record->finding ? UINT64_C(1) << record->finding->signature : 0, before = table->explained;
    table->explained |= bit;
    return before & bit;
}

/* What is known beside the row: of a point that ended as expected only if all is asked for. */
static bool print_details(struct table *table, const struct record *record)
{
    static const char indent[] = "      ";
    int width = table->layout.width;
    bool expected = status_as_expected(record->outcome.status), all = table->detail == TABLE_VERBOSE, printed = true;
    if (record->outcome.status != STATUS_XFAIL || all) {
        char *notes = record_notes(record);
        printed = notes && (*notes == '\0' || print_lines(with_prefix(indent, strdup(notes)), width));
        free(notes);
    }
    if (!expected || all)
        printed = print_lines(record_findings(record, indent, all || !is_explained(table, record)), width) && printed;
    printed = print_lines(record_references(record, indent, all), width) && printed;
    if (record->outcome.reason[0] && (!expected || all))
        printed =
            print_text("      error: ", text_line(record->outcome.reason, sizeof record->outcome.reason)) && printed;
    if (!expected)
        printed = print_text("      reproduce: ", record_reproduce(record, "")) && printed;
    return printed;
}

/* ---- what stands above them ------------------------------------------------------------------------------------ */

/* The points of a case stand together. */
static struct table_keys keys_of_case(const struct sink_plan *plan, const struct test_case *test_case)
{
    size_t first = 0, end;
    while (first < plan->num_points && plan->points[first].test_case != test_case)
        first++;
    for (end = first; end < plan->num_points && plan->points[end].test_case == test_case;)
        end++;
    return table_keys_of(plan->points + first, end - first);
}

/* Its name, and where keys are no columns those that are the same for its points and not for all. */
static bool print_case(struct table *table, const struct point *point)
{
    const struct test_case *test_case = point->test_case;
    const char *about = case_about(test_case);
    char *heading = NULL;
    if (asprintf(&heading, about && *about ? "%s: %s" : "%s", case_name(test_case), about) < 0)
        return false;
    printf("\n");
    bool printed = print_lines(text_line(heading, HEADING_SIZE), table->layout.width);
    free(heading);
    if (table->layout.point_width == 0)
        return printed;
    table->keys = keys_of_case(table->plan, test_case);
    uint64_t same = table->keys.constant & table->layout.keys.varying;
    if (table->keys.varying && same)
        printed = print_lines(with_prefix("  ", table_keys_format(same, point)), table->layout.width) && printed;
    return printed;
}

/* The device, what is the same for all points, and the titles. */
static bool print_head(const struct table *table, const struct record *record)
{
    const struct table_layout *layout = &table->layout;
    bool printed =
        !record->device_name || print_text("device: ", text_line(record->device_name, (size_t)layout->width));
    char *same = table_keys_format(layout->keys.constant, record->point);
    if (!same || *same)
        printed = print_lines(with_prefix("all points: ", same), layout->width) && printed;
    else
        free(same);
    print_titles(layout);
    return printed;
}

/* Everything is on its way to the system. */
static enum error_kind flush(struct error *error)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return error_set(error, ERROR_SYSTEM, "cannot write standard output: %s", strerror(errno));
    return ERROR_NONE;
}

/* ---- the run --------------------------------------------------------------------------------------------------- */

/* In what way a point did not end as expected, in a word. */
static const char *way_of(const struct record *record)
{
    const struct signature_finding *finding = record->finding;
    if (record->outcome.status != STATUS_FAIL)
        return status_names[record->outcome.status];
    if (finding && finding->signature != SIGNATURE_NONE)
        return signature_names[finding->signature];
    for (int o = 0; record->oracles && o < ORACLE_COUNT; o++)
        if (record->oracles->outcome[o] == ORACLE_VIOLATED)
            return oracle_names[o];
    return status_names[STATUS_FAIL];
}

/* Keeps what the last line says. False if memory ran out. */
static bool remember(struct table *table, const struct record *record)
{
    if (record->outcome.status == STATUS_PASS && record->point->criterion.mode != JUDGE_TOLERANCE)
        table->most_share = fmax(table->most_share, table_bound_share(record)); /* of a NaN and a number the number */
    if (status_as_expected(record->outcome.status) || table->first)
        return true;
    char *line = record_reproduce(record, " --verbose"), *reproduce = line ? text_clean(line) : NULL;
    free(line);
    if (reproduce && asprintf(&table->first, "%s; to see it: %s", way_of(record), reproduce) < 0)
        table->first = NULL;
    free(reproduce);
    return table->first;
}

static enum error_kind print_record(struct sink *sink, const struct record *record, struct error *error)
{
    struct table *table = sink->state;
    bool printed = remember(table, record);
    if (printed && table->detail == TABLE_QUIET && status_as_expected(record->outcome.status))
        return ERROR_NONE;
    if (!table->test_case)
        printed = print_head(table, record) && printed;
    if (record->point->test_case != table->test_case)
        printed = print_case(table, record->point) && printed;
    table->test_case = record->point->test_case;
    printed = print_row(table, record) && printed;
    printed = print_details(table, record) && printed;
    return printed ? flush(error) : error_memory(error, "a row of the table", POINT_KEY_SIZE);
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
        if (status == STATUS_PASS && table->most_share > 0)
            printf(" with up to %.3g of the bound", table->most_share);
        separator = ", ";
    }
    printf("; %.1f s", summary->elapsed_s);
    if (table->first)
        printf("; first: %s", table->first);
    printf("\n");
}

static enum error_kind close_table(struct sink *sink, const struct summary *summary, struct error *error)
{
    struct table *table = sink->state;
    if (table->test_case)
        printf("\n");
    print_summary(table, summary);
    free(table->first);
    free(table);
    sink->state = NULL;
    return flush(error);
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

static enum error_kind open_table(struct sink *sink, struct error *error)
{
    const struct sink_plan *plan = sink->plan;
    struct table *table = calloc(1, sizeof *table);
    if (!table)
        return error_memory(error, "the table", sizeof *table);
    const char *no_colour = getenv("NO_COLOR");
    table->colour = isatty(STDOUT_FILENO) && (!no_colour || !*no_colour);
    table->plan = plan;
    table->detail = plan->table.detail;
    table_layout_make(&table->layout, &plan->table, find_width(&plan->table), plan->points, plan->num_points);
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
