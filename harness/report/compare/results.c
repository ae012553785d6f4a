#include "harness/report/compare/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/file/record_file.h"
#include "harness/report/record/record_field.h"
#include "harness/support/source.h"
#include "harness/support/text.h"

const char *const note_names[NOTE_COUNT] = {
    [NOTE_KNOWN_FAILURE] = "known_failure",
    [NOTE_EXPIRES] = "expires",
    [NOTE_REASON] = "reason",
    [NOTE_DATE] = "date",
};

const char status_removed[] = "removed";

bool is_day(const char *text)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const char form[] = "0000-00-00";
    for (size_t i = 0; i < sizeof form; i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    int month = atoi(text + 5), day = atoi(text + 8);
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

/* ---- a line ------------------------------------------------------------------------------------------------------ */

void result_clear(struct result *result)
{
    for (int fact = 0; fact < FACT_COUNT; fact++)
        fact_clear(&result->facts[fact]);
    for (int note = 0; note < NOTE_COUNT; note++)
        free(result->notes[note]);
    free(result->why);
    free(result->key);
}

static enum error_kind fault_at(struct error *error, enum error_kind kind, const struct record_line *line,
                                const char *what, const char *fault, const char *advice)
{
    char path[PATH_QUOTE_SIZE];
    return error_set(error, kind, "%s:%zu: `%s` %s%s", quote_path(path, line->path), line->line, what, fault, advice);
}

/* A status this program knows, or the mark of a point that was removed. */
static enum error_kind read_status(struct result *result, const struct record_line *line, bool of_baseline,
                                   struct error *error)
{
    char path[PATH_QUOTE_SIZE], quoted[QUOTE_SIZE];
    result->removed = of_baseline && strcmp(line->status, status_removed) == 0;
    result->status = status_find(line->status);
    if (result->status == STATUS_COUNT && !result->removed)
        return error_set(error, ERROR_USAGE, "%s:%zu: status %s; allowed: pass, fail, xfail, xpass, error, skip%s%s",
                         quote_path(path, line->path), line->line, quote(quoted, line->status, strlen(line->status)),
                         of_baseline ? ", " : "", of_baseline ? status_removed : "");
    return ERROR_NONE;
}

/* Where the point was judged, every fact is known but for a few. */
static bool must_be_known(enum fact fact, const struct result *result)
{
    const struct fact_value *device = &result->facts[FACT_DEVICE];
    bool of_foreign =
        device->type == FACT_TEXT && !strcmp(device->text, device_foreign) && fact_is_unknown_of_foreign(fact);
    return status_is_judged(result->status) && !fact_info(fact).may_be_unknown && !of_foreign;
}

static enum error_kind check_expectation(const struct result *result, const struct record_line *line,
                                         struct error *error)
{
    if (status_is_possible(result->status, strcmp(result->facts[FACT_EXPECT].text, "pass") != 0))
        return ERROR_NONE;
    return fault_at(error, ERROR_USAGE, line, fact_info(FACT_EXPECT).name, "does not go with the status", "");
}

/* Whether an output was handed over, of which no program knows what made it, and to which no oracle can be put. */
static bool is_handed_over(const struct result *result)
{
    return result->facts[FACT_DEVICE].type == FACT_UNKNOWN && result->facts[FACT_ORACLES].type == FACT_UNKNOWN;
}

/* Whether a fact that is not known ought to be. Of a sample inputs and truth have no digest: these are of all rows. An
 * output that was handed over may have come without lse. */
static bool is_amiss(enum fact fact, const struct result *result)
{
    const enum fact_role role = fact_info(fact).role;
    bool of_subject = role == FACT_OF_SUBJECT || fact == FACT_ORACLES || fact == FACT_VIOLATED;
    bool of_all = fact == FACT_INPUT_DIGEST || fact == FACT_TRUTH_DIGEST;
    bool sampled = strcmp(result->facts[FACT_SAMPLE].text, fact_usual_text(FACT_SAMPLE)) != 0;
    if (result->facts[fact].type != FACT_UNKNOWN || !must_be_known(fact, result))
        return false;
    return is_handed_over(result) ? !of_subject && !(of_all && sampled) && !fact_is_unknown_of_foreign(fact) : true;
}

static enum error_kind read_facts(struct result *result, const struct record_line *line, bool of_baseline,
                                  struct error *error)
{
    static const char *const advice[] = {"; was it written by another version of this program? Run the points again",
                                         "; --update-baseline writes the line anew"};
    const char *fault = NULL;
    enum fact wrong = 0;
    for (enum fact fact = 0; fact < FACT_COUNT && !fault; fact++) {
        fault = fact_read(fact, &result->facts[fact], line->object, of_baseline);
        wrong = fact;
    }
    for (enum fact fact = 0; fact < FACT_COUNT && !fault; fact++)
        if (is_amiss(fact, result)) {
            fault = "is null, and the point was judged";
            wrong = fact;
        }
    if (!fault)
        return check_expectation(result, line, error);
    if (!*fault)
        return error_memory(error, line->path, (double)line->size);
    return fault_at(error, of_baseline ? ERROR_USAGE : ERROR_SYSTEM, line, fact_info(wrong).name, fault,
                    advice[of_baseline]);
}

/* Why a record's point ended as it did, for people. */
static enum error_kind read_why(struct result *result, const struct record_line *line, struct error *error)
{
    const char *why = json_string_value(json_object_get(line->object, "error"));
    if (!why || !*why)
        return ERROR_NONE;
    result->why = strdup(why);
    return result->why ? ERROR_NONE : error_memory(error, line->path, (double)line->size);
}

static enum error_kind read_notes(struct result *result, const struct record_line *line, struct error *error)
{
    for (int note = 0; note < NOTE_COUNT; note++) {
        const json_t *json = json_object_get(line->object, note_names[note]);
        if (!json)
            continue;
        const char *text = json_string_value(json);
        if (!text || !*text)
            return fault_at(error, ERROR_USAGE, line, note_names[note], "is no text", "");
        if ((note == NOTE_EXPIRES || note == NOTE_DATE) && !is_day(text))
            return fault_at(error, ERROR_USAGE, line, note_names[note], "is no day", "; allowed: YYYY-MM-DD");
        result->notes[note] = strdup(text);
        if (!result->notes[note])
            return error_memory(error, line->path, (double)line->size);
    }
    return ERROR_NONE;
}

/* A failure that nobody follows up, or for ever, is none that a baseline may hold. */
static enum error_kind check_notes(const struct result *result, const struct record_line *line, struct error *error)
{
    bool fails = !result->removed && !status_as_expected(result->status);
    if (fails && result->status == STATUS_ERROR)
        return fault_at(error, ERROR_USAGE, line, "status", "is error: a point that was not judged is no baseline", "");
    for (enum note note = NOTE_KNOWN_FAILURE; note <= NOTE_EXPIRES; note++)
        if (fails && !result->notes[note])
            return fault_at(error, ERROR_USAGE, line, note_names[note], "is missing, and the point fails",
                            "; a known failure has a link and the day on which it expires");
    if (result->removed && !result->notes[NOTE_REASON])
        return fault_at(error, ERROR_USAGE, line, note_names[NOTE_REASON], "is missing, and the point was removed", "");
    return ERROR_NONE;
}

static enum error_kind read_baseline_line(struct result *result, const struct record_line *line, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    if (json_integer_value(json_object_get(line->object, baseline_mark)) != BASELINE_SCHEMA)
        return fault_at(error, ERROR_USAGE, line, baseline_mark, "is not 1: another program's baseline, or none",
                        "; --update-baseline writes the lines anew");
    if (!result->removed)
        kind = read_facts(result, line, true, error);
    if (!kind)
        kind = read_notes(result, line, error);
    return kind ? kind : check_notes(result, line, error);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

enum { BUILD_WIDTH = 200 };

/* Which build wrote the record, and of which file of a kernel: "0.1 (1234abc, gcc 12.2.0)", and behind it ", of kernel
 * file 0123456789abcdef". */
static enum error_kind note_build(struct results *results, const struct record_line *line, struct error *error)
{
    static const char *const members[] = {"version", "commit", "compiler"};
    const json_t *build = json_object_get(line->object, "build");
    const char *texts[3], *digest = json_string_value(json_object_get(line->object, "kernel_digest"));
    char *said, *made_by;
    for (int i = 0; i < 3; i++) {
        texts[i] = json_string_value(json_object_get(build, members[i]));
        texts[i] = texts[i] ? texts[i] : "?";
    }
    if (asprintf(&said, "%s (%s, %s)%s%s", texts[0], texts[1], texts[2], digest ? ", of kernel file " : "",
                 digest ? digest : "") < 0)
        return error_memory(error, line->path, (double)line->size);
    made_by = text_line(said, BUILD_WIDTH); /* whatever stands in the file goes to a terminal */
    free(said);
    if (!made_by)
        return error_memory(error, line->path, (double)line->size);
    if (!results->made_by) {
        results->made_by = made_by;
        return ERROR_NONE;
    }
    results->mixed |= strcmp(made_by, results->made_by) != 0;
    free(made_by);
    return ERROR_NONE;
}

static struct result *add_result(struct results *results, const struct record_line *line)
{
    if (results->count == results->capacity) {
        size_t capacity = results->capacity ? 2 * results->capacity : 256;
        struct result *items = reallocarray(results->items, capacity, sizeof *items);
        if (!items)
            return NULL;
        results->items = items;
        results->capacity = capacity;
    }
    struct result *result = &results->items[results->count++];
    *result = (struct result){.line = line->line, .key = strdup(line->key)};
    return result->key ? result : NULL;
}

static enum error_kind take_line(void *context, const struct record_line *line, struct error *error)
{
    struct results *results = context;
    bool of_baseline = json_object_get(line->object, baseline_mark) != NULL;
    if (results->count == 0)
        results->is_baseline = of_baseline;
    if (of_baseline != results->is_baseline)
        return fault_at(error, ERROR_USAGE, line, baseline_mark, of_baseline ? "among records" : "is missing",
                        "; allowed: records, or lines of a baseline");
    struct result *result = add_result(results, line);
    if (!result)
        return error_memory(error, line->path, (double)(results->capacity * sizeof *result));
    enum error_kind kind = read_status(result, line, of_baseline, error);
    if (kind)
        return kind;
    if (of_baseline)
        return read_baseline_line(result, line, error);
    kind = read_facts(result, line, false, error);
    if (!kind)
        kind = read_why(result, line, error);
    if (!kind && !record_runs_add(&results->runs, line->object))
        kind = error_memory(error, line->path, (double)line->size);
    return kind ? kind : note_build(results, line, error);
}

enum error_kind result_read(struct result *result, const struct record_line *line, struct error *error)
{
    *result = (struct result){.line = line->line, .key = strdup(line->key)};
    enum error_kind kind =
        result->key ? read_status(result, line, false, error) : error_memory(error, line->path, (double)line->size);
    if (!kind)
        kind = read_facts(result, line, false, error);
    if (kind)
        result_clear(result);
    return kind;
}

static int by_key(const void *a, const void *b)
{
    const struct result *left = a, *right = b;
    int order = strcmp(left->key, right->key);
    return order ? order : (left->line > right->line) - (left->line < right->line);
}

/* What two results of a point differ in, or NULL. */
static const char *find_difference(const struct result *a, const struct result *b)
{
    for (enum fact fact = 0; fact < FACT_COUNT; fact++)
        if (a->removed != b->removed || !fact_equal(&a->facts[fact], &b->facts[fact]))
            return fact_info(fact).name;
    for (int note = 0; note < NOTE_COUNT; note++)
        if (!a->notes[note] != !b->notes[note] || (a->notes[note] && strcmp(a->notes[note], b->notes[note]) != 0))
            return note_names[note];
    return NULL;
}

/* Sorts by key and keeps one of each, if those that stand there more than once are the same. */
static enum error_kind sort_results(struct results *results, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    size_t kept = 0;
    char key[QUOTE_SIZE], path[PATH_QUOTE_SIZE];
    if (results->count > 0)
        qsort(results->items, results->count, sizeof *results->items, by_key);
    for (size_t i = 0; i < results->count; i++) {
        struct result *previous = kept > 0 ? &results->items[kept - 1] : NULL, *next = &results->items[i];
        if (!previous || strcmp(previous->key, next->key) != 0) {
            results->items[kept++] = *next;
            continue;
        }
        const char *difference = find_difference(previous, next);
        if (difference && !kind)
            kind = error_set(error, ERROR_USAGE,
                             "%s:%zu: point %s is in line %zu too, with another `%s`; allowed: a point once",
                             quote_path(path, results_name(results)), next->line,
                             quote(key, next->key, strlen(next->key)), previous->line, difference);
        result_clear(next);
    }
    results->count = kept;
    return kind;
}

enum error_kind results_read(struct results *results, const char *path, struct error *error)
{
    *results = (struct results){.path = path};
    enum error_kind kind = record_or_baseline_read(path, take_line, results, error);
    if (!kind)
        kind = sort_results(results, error);
    if (!kind && results_points(results) == 0)
        kind = error_set(error, ERROR_USAGE, "%s: no points; allowed: records of `run --results`, or a baseline",
                         results_name(results));
    return kind;
}

void results_clear(struct results *results)
{
    for (size_t i = 0; i < results->count; i++)
        result_clear(&results->items[i]);
    free(results->items);
    free(results->made_by);
    record_runs_clear(&results->runs);
    *results = (struct results){.path = NULL};
}

const char *results_name(const struct results *results)
{
    return strcmp(results->path, "-") == 0 ? "standard input" : results->path;
}

size_t results_points(const struct results *results)
{
    size_t count = 0;
    for (size_t i = 0; i < results->count; i++)
        count += !results->items[i].removed;
    return count;
}

size_t results_judged(const struct results *results)
{
    size_t count = 0;
    for (size_t i = 0; i < results->count; i++)
        count += !results->items[i].removed && status_is_judged(results->items[i].status);
    return count;
}
