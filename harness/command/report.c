#include "harness/command/report.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "harness/report/page/document_print.h"
#include "harness/report/review/pivot_document.h"
#include "harness/report/review/review_document.h"
#include "harness/report/review/review_junit.h"
#include "harness/report/review/review_read.h"
#include "harness/report/review/review_table.h"
#include "harness/support/replacement.h"
#include "harness/support/source.h"
#include "harness/support/text_stream.h"

const char *const report_format_names[REPORT_FORMAT_COUNT] = {[REPORT_HTML] = "html",
                                                              [REPORT_MARKDOWN] = "markdown",
                                                              [REPORT_CSV] = "csv",
                                                              [REPORT_JSON] = "json",
                                                              [REPORT_JUNIT] = "junit"};

/* What a file's name ends in, from the dot on; NULL: nothing that says of what kind it is, as `report`, or `run-0.9`.
 */
static const char *ending_of(const char *path)
{
    const char *name = strrchr(path, '/'), *ending = strrchr(name ? name : path, '.');
    return ending && isalpha((unsigned char)ending[1]) ? ending : NULL;
}

bool report_format_find(enum report_format *format, const char *path)
{
    static const char *const endings[REPORT_FORMAT_COUNT][2] = {[REPORT_HTML] = {".html", ".htm"},
                                                                [REPORT_MARKDOWN] = {".md", ".markdown"},
                                                                [REPORT_CSV] = {".csv"},
                                                                [REPORT_JSON] = {".json"},
                                                                [REPORT_JUNIT] = {".xml"}};
    const char *ending = ending_of(path);
    *format = REPORT_HTML;
    for (int f = 0; f < REPORT_FORMAT_COUNT && ending; f++)
        for (int e = 0; e < 2 && endings[f][e]; e++)
            if (strcasecmp(ending, endings[f][e]) == 0) {
                *format = (enum report_format)f;
                return true;
            }
    return !ending;
}

/* A file must not be written over those that it is made of, standard input among them. */
static enum error_kind check_output(const struct report_options *options, const struct strings *inputs,
                                    struct error *error)
{
    char quoted[PATH_QUOTE_SIZE];
    for (size_t i = 0; i < inputs->count && strcmp(options->output, "-") != 0; i++)
        if (file_same(options->output, strcmp(inputs->items[i], "-") == 0 ? "/dev/stdin" : inputs->items[i]))
            return error_set(error, ERROR_USAGE,
                             "--output %s: a file of records that is read; allowed: a file of its "
                             "own",
                             quote_path(quoted, options->output));
    return ERROR_NONE;
}

typedef bool document_printer(FILE *, const struct document *);

/* Of what is made of documents. */
static document_printer *const printers[REPORT_FORMAT_COUNT] = {
    [REPORT_HTML] = document_print_html,
    [REPORT_MARKDOWN] = document_print_markdown,
    [REPORT_CSV] = document_print_csv,
    [REPORT_JSON] = document_print_json,
};

/* Everything but the file is known. Printed to memory: what a library says of a full disk is not for users. */
static bool print(FILE *stream, const struct review *review, const struct review_changes *changes,
                  const struct report_options *options)
{
    const struct review_options review_options = {
        .title = options->title, .command = options->command, .where = options->where};
    struct document document;
    if (options->format == REPORT_CSV)
        return review_print_csv(stream, review, changes);
    if (options->format == REPORT_JUNIT)
        return review_print_junit(stream, review, &review_options, options->junit_gitlab);
    review_write(&document, review, changes, &review_options);
    bool complete = printers[options->format](stream, &document);
    document_clear(&document);
    return complete;
}

/* To the file, which is open unless the output is standard output. Whatever the result, it is closed then. */
static enum error_kind write_report(struct replacement *file, const char *text, size_t size,
                                    const struct report_options *options, struct error *error)
{
    if (strcmp(options->output, "-") == 0)
        return file_write(STDOUT_FILENO, "standard output", text, size, error);
    enum error_kind kind = file_write(file->descriptor, options->output, text, size, error);
    if (!kind)
        return replacement_keep(file, error);
    replacement_drop(file);
    return kind;
}

/* Rows of points and tables have no place to say it. */
static void warn_of_missing(size_t missing)
{
    if (missing)
        fprintf(stderr, "alibicheck: the records are incomplete: of the run they lack %zu %s\n", missing,
                missing == 1 ? "point" : "points");
}

/* Reads everything and prints it to *text, which the caller frees. */
static enum error_kind make_report(char **text, size_t *size, const struct report_options *options,
                                   const struct where *where, struct error *error)
{
    struct review review = {0}, before = {0};
    struct review_changes changes = {0};
    bool compares = options->before.count > 0;
    enum error_kind kind =
        review_read(&review, options->records.items, options->records.count, where, options->series, compares, error);
    if (!kind && compares)
        kind = review_read(&before, options->before.items, options->before.count, where, options->series, true, error);
    if (!kind && compares)
        kind = review_compare(&changes, &before, &review, error);
    if (!kind) {
        FILE *stream = text_stream_open(text, size);
        if (options->format == REPORT_CSV)
            warn_of_missing(record_runs_missing(&review.runs));
        bool complete = stream && print(stream, &review, compares ? &changes : NULL, options) && !ferror(stream);
        complete = stream && fclose(stream) == 0 && complete;
        if (!complete)
            kind = error_memory(error, "a report", (double)review.num_points * sizeof *review.points);
    }
    review_changes_clear(&changes);
    review_clear(&before);
    review_clear(&review);
    return kind;
}

/* The same of the tables that were asked for, and nothing else. In Markdown they are a part of another page. */
static enum error_kind make_tables(char **text, size_t *size, const struct report_options *options,
                                   const struct where *where, struct error *error)
{
    bool is_part = options->format == REPORT_MARKDOWN;
    const struct pivot_request request = {
        .records = options->records.items,
        .num_records = options->records.count,
        .tables = options->tables.items,
        .num_tables = options->tables.count,
        .where = where,
        .captioned = !is_part,
    };
    struct document document;
    document_begin(&document, is_part ? options->title : options->title ? options->title : "Accuracy tables");
    size_t missing;
    enum error_kind kind = pivot_document(&document, &request, &missing, error);
    if (!kind)
        warn_of_missing(missing);
    if (!kind) {
        FILE *stream = text_stream_open(text, size);
        bool complete = stream && printers[options->format](stream, &document) && !ferror(stream);
        complete = stream && fclose(stream) == 0 && complete;
        if (!complete)
            kind = error_memory(error, "tables", (double)document.num_blocks * sizeof *document.blocks);
    }
    document_clear(&document);
    return kind;
}

enum error_kind report_junit(const char *records, const struct replacement *file, bool gitlab, struct error *error)
{
    const struct report_options options = {.records = {.items = &records, .count = 1},
                                           .format = REPORT_JUNIT,
                                           .junit_gitlab = gitlab,
                                           .series = TEXT_DTYPE};
    char *text = NULL;
    size_t size = 0;
    enum error_kind kind = make_report(&text, &size, &options, NULL, error);
    if (!kind)
        kind = file_write(file->descriptor, file->target, text, size, error);
    free(text);
    return kind;
}

enum error_kind report(const struct report_options *options, struct error *error)
{
    struct where *where = NULL;
    struct replacement file = {.descriptor = -1};
    char *text = NULL;
    size_t size = 0;
    bool to_file = strcmp(options->output, "-") != 0;
    enum error_kind kind = check_output(options, &options->records, error);
    if (!kind)
        kind = check_output(options, &options->before, error);
    if (!kind && options->where)
        kind = where_parse(&where, options->where, error);
    if (!kind && to_file)
        kind = replacement_open(&file, options->output, error);
    if (kind)
        goto out;
    kind = (options->tables.count ? make_tables : make_report)(&text, &size, options, where, error);
    if (!kind)
        kind = write_report(&file, text, size, options, error);
    else if (to_file)
        replacement_drop(&file);
out:
    free(text);
    where_free(where);
    return kind;
}
