#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/cause/signature_info.h"
#include "harness/library/metric.h"
#include "harness/report/file/record_file.h"
#include "harness/report/review/review_document.h"
#include "harness/support/text.h"
#include "harness/support/text_stream.h"

/* ---- what is said of a point ------------------------------------------------------------------------------------- */

/* Whether the point is of axes alone, and no case file has it. */
static bool is_of_sweep(const struct review *review, const struct review_point *point)
{
    return !strcmp(review_text_of(review, point, TEXT_CASE), "sweep");
}

/* Whether the output was given, to `alibicheck judge` or a library: no kernel was run, on no device. */
static bool is_given(const struct review_point *point)
{
    return !point->text[TEXT_DEVICE];
}

/* Whether a kernel was run that is not ours, which has no device here. */
static bool is_foreign(const struct review *review, const struct review_point *point)
{
    return !strcmp(review_text_of(review, point, TEXT_DEVICE), "foreign");
}

/* " --plugin ./mine.so", of a kernel that is not ours: what its points have for a device's name. */
static bool print_foreign(FILE *stream, const struct review *review, const struct review_point *point)
{
    static const char *const options[] = {"--plugin ", "--kernel-command "};
    const char *name = review_text_of(review, point, TEXT_DEVICE_NAME);
    if (!is_foreign(review, point))
        return true;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        const size_t size = strlen(options[i]);
        if (strncmp(name, options[i], size) != 0)
            continue;
        char *quoted = text_shell_quote(name + size, false);
        bool complete = quoted && fprintf(stream, " %s%s", options[i], quoted) >= 0;
        free(quoted);
        return complete;
    }
    return true;
}

/* The command of all points as it was told, or as far as records know it: what it was given with --set. */
static bool print_command(FILE *stream, const struct review *review, const struct review_point *point,
                          const json_t *failure, const struct review_options *options)
{
    const json_t *settings = json_object_get(failure, "settings");
    bool complete = true;
    if (options->command)
        return fputs(options->command, stream) >= 0;
    fputs(is_of_sweep(review, point) ? "alibicheck sweep" : "alibicheck run CASE...", stream);
    for (size_t i = 0; i < json_array_size(settings) && complete; i++) {
        const char *setting = json_string_value(json_array_get(settings, i));
        char *quoted = text_shell_quote(setting ? setting : "", false);
        complete = quoted && fprintf(stream, " --set %s", quoted) >= 0;
        free(quoted);
    }
    return complete && print_foreign(stream, review, point);
}

/* Whether a line is known that has the point again: of an output that was given no record names the files. */
static bool is_reproducible(const struct review_point *point, const json_t *failure,
                            const struct review_options *options)
{
    return !is_given(point) || options->command || json_is_string(json_object_get(failure, "reproduce"));
}

/* The line that runs the point alone, a new string, or NULL: as the record has it, or the command of all points with
 * --only, which `alibicheck judge` does not take. */
static char *reproduce(const struct review *review, const struct review_point *point, const json_t *failure,
                       const struct review_options *options)
{
    const char *told = json_string_value(json_object_get(failure, "reproduce"));
    char *quoted = text_shell_quote(point->key, true), *line = NULL;
    size_t size = 0;
    FILE *stream = quoted && !told ? text_stream_open(&line, &size) : NULL;
    bool complete = stream && print_command(stream, review, point, failure, options) &&
                    (is_given(point) || fprintf(stream, " --only %s", quoted) >= 0);
    complete = stream && fclose(stream) == 0 && complete;
    free(quoted);
    if (told)
        return strdup(told);
    if (complete)
        return line;
    free(line);
    return NULL;
}

enum { WHOLE = 0 };

/* A number that is known, between two texts: in digits, or in full. */
static void say_number(FILE *stream, const struct review_point *point, enum review_number number, const char *before,
                       int digits, const char *after)
{
    double value;
    if (!review_number_of(point, number, &value))
        return;
    if (isnan(value))
        fprintf(stream, "%snan%s", before, after); /* printf would show its sign */
    else if (digits == WHOLE)
        fprintf(stream, "%s%.0f%s", before, value, after);
    else
        fprintf(stream, "%s%.*g%s", before, digits, value, after);
}

static void say_beyond(FILE *stream, const struct review_point *point, enum review_number number, const char *before)
{
    char phrase[METRIC_PHRASE_SIZE];
    double value;
    if (review_number_of(point, number, &value))
        fprintf(stream, "%s%s", before, metric_say_beyond(phrase, value));
}

static void say_what(FILE *stream, const struct review *review, const struct review_point *point)
{
    if (point->text[TEXT_KERNEL])
        fprintf(stream, "%s, ", review_text_of(review, point, TEXT_KERNEL));
    if (point->text[TEXT_RECIPE])
        fprintf(stream, "%s, ", review_text_of(review, point, TEXT_RECIPE));
    if (point->text[TEXT_SENTINEL])
        fprintf(stream, "sentinel %s, ", review_text_of(review, point, TEXT_SENTINEL));
    say_number(stream, point, NUMBER_SEQ_LEN, "", WHOLE, " keys");
    say_number(stream, point, NUMBER_NUM_HEADS, " x ", WHOLE, " heads");
    say_number(stream, point, NUMBER_HEAD_DIM, " x ", WHOLE, "");
    fprintf(stream, " in %s", review_text_of(review, point, TEXT_DTYPE));
    if (is_given(point))
        fputs(", an output that was given.", stream);
    else if (!is_foreign(review, point))
        fprintf(stream, ", on %s.", review_text_of(review, point, TEXT_DEVICE));
    else
        fprintf(stream, ", run as %s.", review_text_of(review, point, TEXT_DEVICE_NAME));
}

static void say_how_far(FILE *stream, const struct review_point *point)
{
    double query, err;
    const char *words = review_number_of(point, NUMBER_MAX_ABS_ERR, &err) ? metric_say_not_finite(err) : NULL;
    say_number(stream, point, NUMBER_MISMATCHED, "", WHOLE, "");
    say_number(stream, point, NUMBER_ELEMENTS, " of ", WHOLE, " elements outside the tolerance");
    if (words) {
        fprintf(stream, ", %s", words);
    } else {
        say_number(stream, point, NUMBER_MAX_ABS_ERR, "; largest error ", 3, "");
        say_number(stream, point, NUMBER_MAX_ULP_ERR, ", ", 3, " ulp");
    }
    say_beyond(stream, point, NUMBER_BUDGET_USED, ", ");
    say_beyond(stream, point, NUMBER_LSE_BUDGET_USED, "; lse ");
    if (point->known >> NUMBER_WORST_HEAD & 1) {
        fputs(". Worst element: ", stream);
        if (review_number_of(point, NUMBER_WORST_QUERY, &query) && query > 0)
            fprintf(stream, "query %.0f, ", query);
        say_number(stream, point, NUMBER_WORST_HEAD, "head ", WHOLE, "");
        say_number(stream, point, NUMBER_WORST_DIM, ", dim ", WHOLE, "");
        say_number(stream, point, NUMBER_WORST_OUT, ": output ", 9, "");
        say_number(stream, point, NUMBER_WORST_TRUTH, ", truth ", 9, "");
    }
}

static void say_counts(FILE *stream, const struct review_point *point)
{
    static const enum review_number counts[] = {NUMBER_NAN,       NUMBER_INF,       NUMBER_UNWRITTEN,
                                                NUMBER_UNDECIDED, NUMBER_UNBOUNDED, NUMBER_LSE_OFF};
    double count;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (review_number_of(point, counts[i], &count) && count > 0)
            fprintf(stream, ". %.0f %s", count, review_numbers[counts[i]].title);
}

static void say_signature(FILE *stream, const struct review *review, const struct review_point *point,
                          const json_t *failure)
{
    const char *detail = json_string_value(record_at(failure, "finding.detail"));
    double explained, examined, queries;
    char text[EXAMINED_SIZE];
    fprintf(stream, "Signature %s", review_text_of(review, point, TEXT_SIGNATURE));
    if (point->text[TEXT_CLASS])
        fprintf(stream, ", class %s", review_text_of(review, point, TEXT_CLASS));
    if (detail && *detail)
        fprintf(stream, ": %s", detail);
    if (record_number(record_at(failure, "finding.heads_explained"), &explained) &&
        record_number(record_at(failure, "finding.heads_examined"), &examined)) {
        const bool named =
            strcmp(review_text_of(review, point, TEXT_SIGNATURE), signature_names[SIGNATURE_UNKNOWN]) != 0;
        const bool of_queries = review_number_of(point, NUMBER_NUM_QUERIES, &queries) && queries > 1;
        fputs(signature_examined(text, named, (int)explained, (int)examined, of_queries), stream);
    }
    fputs(".", stream);
}

/* Under which other contracts the output is right, and the known bugs that fail so. */
static void write_causes(struct document *document, const json_t *failure)
{
    const json_t *contract = json_object_get(failure, "contract"), *fits = json_object_get(contract, "fits");
    const char *bugs = json_string_value(json_object_get(failure, "known_bugs"));
    const bool named = json_is_true(json_object_get(contract, "named"));
    const json_int_t num_fits = json_integer_value(json_object_get(contract, "num_fits"));
    for (size_t i = 0; i < json_array_size(fits); i++) {
        const char *fit = json_string_value(json_array_get(fits, i));
        if (fit)
            document_paragraph(document, named && i == 0 ? "Right under: %s." : "Would be right under: %s.", fit);
    }
    if (num_fits > (json_int_t)json_array_size(fits))
        document_paragraph(document, "Under %lld contracts it would be right, of which these are some.",
                           (long long)num_fits);
    if (bugs && *bugs)
        document_paragraph(document, "Known bugs that fail so here: %s.", bugs);
}

/* Whether the kernel gave no answer on the problem itself; without one the output is what stood there before. */
static bool has_no_output(const struct review *review, const struct review_point *point)
{
    double elements, unwritten;
    return !strcmp(review_text_of(review, point, TEXT_SIGNATURE), signature_names[SIGNATURE_NO_ANSWER]) &&
           review_number_of(point, NUMBER_ELEMENTS, &elements) &&
           review_number_of(point, NUMBER_UNWRITTEN, &unwritten) && unwritten == elements;
}

/* A paragraph that `say` prints. */
struct saying {
    FILE *stream;
    char *text;
    size_t size;
};

static FILE *saying_begin(struct document *document, struct saying *saying)
{
    *saying = (struct saying){0};
    saying->stream = text_stream_open(&saying->text, &saying->size);
    document->spoilt |= !saying->stream;
    return saying->stream;
}

static void saying_end(struct document *document, struct saying *saying, enum tone tone)
{
    bool sound = fclose(saying->stream) == 0;
    document->spoilt |= !sound;
    if (sound)
        document_note(document, tone, "%s", saying->text);
    free(saying->text);
}

static void write_what(struct document *document, const struct review *review, const struct review_point *point)
{
    struct saying saying;
    if (!saying_begin(document, &saying))
        return;
    say_what(saying.stream, review, point);
    saying_end(document, &saying, TONE_PLAIN);
}

static void write_findings(struct document *document, const struct review *review, const struct review_point *point,
                           const json_t *failure)
{
    struct saying saying;
    const char *name, *reason = json_string_value(json_object_get(failure, "error"));
    json_t *detail;
    if (has_no_output(review, point)) {
        document_note(document, TONE_BAD, "The kernel gave no output.");
    } else if (point->known >> NUMBER_ELEMENTS & 1 && saying_begin(document, &saying)) {
        say_how_far(saying.stream, point);
        say_counts(saying.stream, point);
        fputs(".", saying.stream);
        saying_end(document, &saying, TONE_PLAIN);
    }
    if (reason)
        document_note(document, TONE_BAD, "%s", reason);
    if (point->text[TEXT_SIGNATURE] && strcmp(review_text_of(review, point, TEXT_SIGNATURE), "none") != 0 &&
        saying_begin(document, &saying)) {
        say_signature(saying.stream, review, point, failure);
        saying_end(document, &saying, TONE_PLAIN);
    }
    if (point->text[TEXT_CLASS_ASKED] && point->text[TEXT_CLASS])
        document_paragraph(document, "Class %s, where %s is asked for.", review_text_of(review, point, TEXT_CLASS),
                           review_text_of(review, point, TEXT_CLASS_ASKED));
    write_causes(document, failure);
    json_object_foreach(json_object_get(failure, "oracle_details"), name, detail) document_paragraph(
        document, "Oracle %s violated: %s.", name, json_is_string(detail) ? json_string_value(detail) : "");
}

static void write_against(struct document *document, const json_t *failure)
{
    const char *name;
    json_t *compared;
    double differ, kernel, reference, both;
    json_object_foreach(json_object_get(failure, "references"), name,
                        compared) if (record_number(json_object_get(compared, "mismatched"), &differ) && differ > 0 &&
                                      record_number(record_at(compared, "at_fault.kernel"), &kernel) &&
                                      record_number(record_at(compared, "at_fault.reference"), &reference) &&
                                      record_number(record_at(compared, "at_fault.both"), &both))
        document_paragraph(document,
                           "Against %s %.0f elements differ: the kernel alone is at fault in %.0f, the reference "
                           "alone in %.0f, both in %.0f.",
                           name, differ, kernel, reference, both);
}

void review_write_account(struct document *document, const struct review *review, const struct review_point *point,
                          const struct review_options *options)
{
    json_t *failure = point->failure ? json_loads(point->failure, 0, NULL) : NULL;
    const bool reproducible = !review_skipped(review, point) && is_reproducible(point, failure, options);
    char *line = reproducible ? reproduce(review, point, failure, options) : NULL;
    document->spoilt |= (reproducible && !line) || (point->failure && !failure);
    write_findings(document, review, point, failure);
    write_against(document, failure);
    if (line)
        document_code(document, line);
    free(line);
    json_decref(failure);
}

static void write_failure(struct document *document, const struct review *review, const struct review_point *point,
                          const struct review_options *options)
{
    const char *status = review_text_of(review, point, TEXT_STATUS);
    char name[48];
    snprintf(name, sizeof name, "point-%zu", (size_t)(point - review->points) + 1);
    document_item(document, review_tone(status), name, point->key);
    document_note(document, review_tone(status), "%s", status);
    write_what(document, review, point);
    review_write_account(document, review, point, options);
    document_item_end(document);
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

/* Whether the point is one that failed, as expected or not. */
static bool is_meant(const struct review *review, const struct review_point *point, bool expected)
{
    return !review_passed(review, point) && !review_skipped(review, point) &&
           review_as_expected(review, point) == expected;
}

/* Whether the record itself has the line that runs the point. */
static bool has_own_line(const struct review_point *point)
{
    json_t *failure = point->failure ? json_loads(point->failure, 0, NULL) : NULL;
    const bool has = json_is_string(json_object_get(failure, "reproduce"));
    json_decref(failure);
    return has;
}

/* Those that ended as expected, or not; in the order of the records. */
static void write_some(struct document *document, const struct review *review, bool expected, size_t count,
                       const struct review_options *options)
{
    size_t shown = 0;
    for (size_t p = 0; p < review->num_points && shown < FAILURES_SHOWN; p++) {
        const struct review_point *point = &review->points[p];
        if (!is_meant(review, point, expected))
            continue;
        write_failure(document, review, point, options);
        shown++;
    }
    if (shown < count)
        document_note(document, TONE_BAD,
                      "%zu more of these %zu points are not shown one by one. The table of all points has them, and "
                      "--format csv prints a row of each; --where selects some.",
                      count - shown, count);
}

void review_write_failures(struct document *document, const struct review *review, bool expected,
                           const struct review_options *options)
{
    size_t count = 0;
    bool unknown_case = false, unknown_files = false;
    for (size_t p = 0; p < review->num_points; p++) {
        const struct review_point *point = &review->points[p];
        if (!is_meant(review, point, expected))
            continue;
        if (is_given(point))
            unknown_files = unknown_files || !has_own_line(point);
        else if (!is_of_sweep(review, point))
            unknown_case = unknown_case || !has_own_line(point);
        count++;
    }
    if (count == 0)
        return;
    document_section(document, expected ? "expected" : "failing",
                     expected ? "Points that failed as expected" : "Points that did not end as expected");
    if (!options->command && unknown_case)
        document_paragraph(document,
                           "CASE... in a command stands for the case files that were run: records do not name "
                           "them, the option --command does.");
    if (!options->command && unknown_files)
        document_paragraph(document, "Records of outputs that were given do not name the files: the option --command "
                                     "does, and a line of it then stands below each.");
    write_some(document, review, expected, count, options);
}
