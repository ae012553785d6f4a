#include "harness/report/compare/baseline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/record/record_field.h"
#include "harness/support/json_value.h"
#include "harness/support/source.h"
#include "harness/support/text_stream.h"

/* ---- a line ------------------------------------------------------------------------------------------------------ */

/* A count of 0, an empty list, no signature: what a line leaves out. */
static bool is_left_out(enum fact fact, const struct fact_value *value)
{
    if (!fact_info(fact).is_zero_often || value->type == FACT_UNKNOWN)
        return false;
    if (value->type == FACT_NUMBER)
        return value->number == 0;
    return strcmp(value->text, fact_usual_text(fact)) == 0;
}

static bool put_facts(json_t *object, const struct result *result)
{
    bool complete = true;
    for (enum fact fact = 0; fact < FACT_COUNT && complete; fact++)
        if (!is_left_out(fact, &result->facts[fact]))
            complete = json_put(object, fact_info(fact).name, fact_to_json(&result->facts[fact]));
    return complete;
}

/* result NULL: a point that was removed. */
static bool print_line(FILE *stream, const char *key, const struct result *result, const char *const *notes)
{
    json_t *object = json_object();
    bool complete = object && json_put(object, baseline_mark, json_integer(BASELINE_SCHEMA)) &&
                    json_put(object, "schema", json_integer(RECORD_SCHEMA)) &&
                    json_put(object, "key", json_string(key));
    if (complete)
        complete = result ? put_facts(object, result) : json_put(object, "status", json_string(status_removed));
    for (int note = 0; note < NOTE_COUNT && complete; note++)
        if (notes[note])
            complete = json_put(object, note_names[note], json_from_text(notes[note]));
    char *text = complete ? json_print(object, JSON_COMPACT | JSON_PRINT_FLAGS) : NULL;
    complete = text && fprintf(stream, "%s\n", text) > 0;
    free(text);
    json_decref(object);
    return complete;
}

static bool keep_line(FILE *stream, const struct result *result)
{
    return print_line(stream, result->key, result->removed ? NULL : result, (const char *const *)result->notes);
}

/* ---- a point ----------------------------------------------------------------------------------------------------- */

/* Whether the line stays as it is. One of a point that was removed has a reason, and a skip is no more than that. */
static bool is_kept(const struct compared *point)
{
    if (point->change == CHANGE_ALLOWED)
        return true;
    if (!point->a)
        return false;
    for (enum fact fact = 0; fact < FACT_COUNT; fact++)
        if (point->tendencies[fact] != TENDENCY_SAME)
            return false;
    return change_is_none(point->change);
}

/* Of what is skipped a line would say nothing that no line does not (status_changes[]). A first baseline of a kernel
 * that takes one dtype would be such lines for the most part. */
static bool needs_no_line(const struct compared *point)
{
    return !point->a && point->change == CHANGE_SKIPPED;
}

static bool is_failing(const struct compared *point)
{
    return point->change != CHANGE_MISSING && !status_as_expected(point->b->status);
}

/* A failure whose time is over needs another day, if not another link. */
static bool needs_link(const struct compared *point)
{
    const struct result *a = point->a;
    return is_failing(point) && (point->change == CHANGE_EXPIRED || !a || !a->notes[NOTE_KNOWN_FAILURE]);
}

static bool needs_reason(const struct collation *collation, const struct compared *point)
{
    return collation_outcome(collation, point->change) != CHANGE_IS_FINE;
}

static void choose_notes(const char **chosen, const struct collation *collation, const struct compared *point,
                         const struct baseline_notes *notes)
{
    for (int note = 0; note < NOTE_COUNT; note++)
        chosen[note] = point->a && !point->a->removed ? point->a->notes[note] : NULL;
    if (needs_reason(collation, point)) {
        chosen[NOTE_REASON] = notes->reason;
        chosen[NOTE_DATE] = collation->rules.today;
    }
    if (needs_link(point)) {
        chosen[NOTE_KNOWN_FAILURE] = notes->known_failure;
        chosen[NOTE_EXPIRES] = notes->expires;
    }
    if (!is_failing(point))
        chosen[NOTE_KNOWN_FAILURE] = chosen[NOTE_EXPIRES] = NULL;
}

/* What points may need, in the order in which it is asked for. */
enum { NEED_JUDGED, NEED_WHOLE_RUN, NEED_ALL_POINTS, NEED_REASON, NEED_LINK };

/* What a need of some points is called, and which option meets it. */
struct need {
    const char *what, *option;
    size_t count;
    const struct compared *first;
};

static void add_need(struct need *need, const struct compared *point)
{
    if (need->count++ == 0)
        need->first = point;
}

static enum error_kind check_needs(const struct collation *collation, const struct baseline_notes *notes,
                                   struct error *error)
{
    struct need needs[] = {
        [NEED_JUDGED] = {.what = "not judged, and so no baseline",
                         .option = "points that were judged, or --where without them"},
        [NEED_WHOLE_RUN] = {.what = "missing, and the new records are not all of their run's",
                            .option = "all of them (run --resume, merge), or --where 'change != missing'"},
        [NEED_ALL_POINTS] =
            {.what = "missing, and the new records are of a run that was told to leave points of its cases out",
             .option = "a run without --only, --where and --last-failed, or --where 'change != missing'"},
        [NEED_REASON] = {.what = "not as good as before", .option = "--reason TEXT, which is kept beside them"},
        [NEED_LINK] = {.what = "failing", .option = "--known-failure LINK and --expires YYYY-MM-DD"},
    };
    char key[QUOTE_SIZE];
    const bool is_whole = record_runs_missing(&collation->new->runs) == 0;
    const bool is_all = record_runs_left_out(&collation->new->runs) == 0;
    for (size_t i = 0; i < collation->count; i++) {
        const struct compared *point = &collation->points[i];
        if (is_failing(point) && point->b->status == STATUS_ERROR)
            add_need(&needs[NEED_JUDGED], point);
        if (point->change == CHANGE_MISSING && !is_whole)
            add_need(&needs[NEED_WHOLE_RUN], point);
        if (point->change == CHANGE_MISSING && is_whole && !is_all)
            add_need(&needs[NEED_ALL_POINTS], point);
        if (needs_reason(collation, point) && !notes->reason)
            add_need(&needs[NEED_REASON], point);
        if (needs_link(point) && !(notes->known_failure && notes->expires))
            add_need(&needs[NEED_LINK], point);
    }
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (needs[i].count)
            return error_set(error, ERROR_USAGE, "--update-baseline: %zu point%s %s, %s%s; allowed: %s", needs[i].count,
                             needs[i].count == 1 ? " is" : "s are", needs[i].what,
                             quote(key, compared_key(needs[i].first), strlen(compared_key(needs[i].first))),
                             needs[i].count == 1 ? "" : " among them", needs[i].option);
    return ERROR_NONE;
}

static bool all_are_skipped(const struct results *results)
{
    for (size_t i = 0; i < results->count; i++)
        if (results->items[i].removed || results->items[i].status != STATUS_SKIP)
            return false;
    return true;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    const struct compared *left = *(const struct compared *const *)a, *right = *(const struct compared *const *)b;
    return strcmp(compared_key(left), compared_key(right));
}

static const struct compared **sort_by_key(const struct collation *collation)
{
    const struct compared **points = reallocarray(NULL, collation->count + 1, sizeof *points);
    if (!points)
        return NULL;
    for (size_t i = 0; i < collation->count; i++)
        points[i] = &collation->points[i];
    qsort(points, collation->count, sizeof *points, by_key);
    return points;
}

static bool print_point(FILE *stream, struct baseline_change *change, const struct collation *collation,
                        const struct compared *point, const struct baseline_notes *notes)
{
    const char *chosen[NOTE_COUNT];
    bool is_there = point->a && !point->a->removed;
    if (needs_no_line(point))
        return true;
    if (is_kept(point)) {
        change->kept++;
        return keep_line(stream, point->a);
    }
    change->added += !is_there;
    change->removed += point->change == CHANGE_MISSING;
    change->changed += is_there && point->change != CHANGE_MISSING;
    choose_notes(chosen, collation, point, notes);
    return print_line(stream, compared_key(point), point->change == CHANGE_MISSING ? NULL : point->b, chosen);
}

/* A merge of what is compared and what the base has beside that. */
static bool print_baseline(FILE *stream, struct baseline_change *change, const struct collation *collation,
                           const struct compared **points, const struct baseline_notes *notes)
{
    const struct results *base = collation->base;
    bool complete = true;
    for (size_t i = 0, j = 0; (i < base->count || j < collation->count) && complete;) {
        int order = i == base->count        ? 1
                    : j == collation->count ? -1
                                            : strcmp(base->items[i].key, compared_key(points[j]));
        if (order < 0)
            complete = keep_line(stream, &base->items[i]);
        else
            complete = print_point(stream, change, collation, points[j], notes);
        change->kept += order < 0;
        i += order <= 0;
        j += order >= 0;
    }
    return complete;
}

enum error_kind baseline_update(char **text, struct baseline_change *change, const struct collation *collation,
                                const struct baseline_notes *notes, struct error *error)
{
    size_t size = 0;
    *text = NULL;
    *change = (struct baseline_change){0};
    if (all_are_skipped(collation->new))
        return error_set(error, ERROR_USAGE,
                         "--update-baseline: every point of %s is skipped, and a baseline of them holds nothing; "
                         "allowed: results with a point that was judged",
                         results_name(collation->new));
    enum error_kind kind = check_needs(collation, notes, error);
    if (kind)
        return kind;
    const struct compared **points = sort_by_key(collation);
    FILE *stream = points ? text_stream_open(text, &size) : NULL;
    bool complete = stream && print_baseline(stream, change, collation, points, notes);
    complete = stream && fclose(stream) == 0 && complete;
    free(points);
    if (complete)
        return ERROR_NONE;
    free(*text);
    *text = NULL;
    return error_memory(error, "the baseline", (double)collation->count * 1024);
}
