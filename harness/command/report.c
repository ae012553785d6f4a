#include "harness/command/report.h"

#include <stdlib.h>
#include <string.h>

#include "harness/report/document_print.h"
#include "harness/report/review_document.h"
#include "harness/report/review_read.h"
#include "harness/report/review_table.h"
#include "harness/support/file.h"
#include "harness/support/source.h"
#include "harness/support/whole_file.h"

const char *const report_format_names[REPORT_FORMAT_COUNT] = {
    [REPORT_HTML] = "html", [REPORT_MARKDOWN] = "markdown", [REPORT_CSV] = "csv", [REPORT_JSON] = "json"};

enum report_format report_format_of(const char *path)
{
    static const char *const endings[REPORT_FORMAT_COUNT] = {
        [REPORT_HTML] = ".html", [REPORT_MARKDOWN] = ".md", [REPORT_CSV] = ".csv", [REPORT_JSON] = ".json"};
    const char *ending = strrchr(path, '.');
    int format = 0;
    while (format < REPORT_FORMAT_COUNT && (!ending || strcmp(ending, endings[format]) != 0))
        format++;
    return (enum report_format)format;
}

/* A file must not be written over those that it is made of. */
static enum error_kind check_output(const struct report_options *options, const struct strings *inputs,
                                    struct error *error)
{
    char quoted[PATH_QUOTE_SIZE];
    for (size_t i = 0; i < inputs->count && strcmp(options->output, "-") != 0; i++)
        if (strcmp(inputs->items[i], "-") != 0 && file_same(options->output, inputs->items[i]))
            return error_set(error, ERROR_USAGE,
                             "--output %s: a file of records that is read; allowed: a file of its "
                             "own",
                             quote_path(quoted, options->output));
    return ERROR_NONE;
}

/* Everything but the file is known. Printed to memory: what a library says of a full disk is not for users. */
static bool print(FILE *stream, const struct review *review, const struct review_changes *changes,
                  const struct report_options *options)
{
    static bool (*const printers[REPORT_FORMAT_COUNT])(FILE *, const struct document *) = {
        [REPORT_HTML] = document_print_html,
        [REPORT_MARKDOWN] = document_print_markdown,
        [REPORT_JSON] = document_print_json,
    };
    const struct review_options review_options = {
        .title = options->title, .command = options->command, .where = options->where};
    struct document document;
    if (options->format == REPORT_CSV) {
        review_print_csv(stream, review, changes);
        return true;
    }
    review_write(&document, review, changes, &review_options);
    bool complete = printers[options->format](stream, &document);
    document_clear(&document);
    return complete;
}

static enum error_kind write_report(struct whole_file *file, const struct review *review,
                                    const struct review_changes *changes, const struct report_options *options,
                                    struct error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    bool complete = stream && print(stream, review, changes, options) && !ferror(stream);
    complete = stream && fclose(stream) == 0 && complete;
    if (complete)
        fwrite(text, 1, size, file->stream); /* whole_file_close looks at the stream */
    free(text);
    return complete ? whole_file_close(file, error)
                    : error_memory(error, "a report", (double)review->num_points * sizeof *review->points);
}

enum error_kind report(const struct report_options *options, struct error *error)
{
    struct where *where = NULL;
    struct whole_file file = {0};
    struct review review = {0}, before = {0};
    struct review_changes changes = {0};
    enum error_kind kind = check_output(options, &options->records, error);
    if (!kind)
        kind = check_output(options, &options->before, error);
    if (!kind && options->where)
        kind = where_parse(&where, options->where, error);
    if (!kind)
        kind = whole_file_open(&file, options->output, error);
    if (!kind)
        kind = review_read(&review, options->records.items, options->records.count, where, options->series,
                           options->before.count > 0, error);
    if (!kind && options->before.count)
        kind = review_read(&before, options->before.items, options->before.count, where, options->series, true, error);
    if (!kind && options->before.count)
        kind = review_compare(&changes, &before, &review, error);
    if (!kind)
        kind = write_report(&file, &review, options->before.count ? &changes : NULL, options, error);
    whole_file_discard(&file);
    review_changes_clear(&changes);
    review_clear(&before);
    review_clear(&review);
    where_free(where);
    return kind;
}
