#include "harness/report/compare/compare_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/compare/compare_field.h"
#include "harness/support/text.h"
#include "harness/support/text_stream.h"

enum { TEXT_MAX = 1 << 16 };

/* The role of facts that a change is about, and that are named first. */
static const enum fact_role leads[CHANGE_COUNT] = {
    [CHANGE_UNLIKE] = FACT_OF_PROBLEM,        [CHANGE_NOT_JUDGED] = FACT_OF_OUTCOME,
    [CHANGE_NEWLY_FAILING] = FACT_OF_OUTCOME, [CHANGE_EXPIRED] = FACT_OF_OUTCOME,
    [CHANGE_MISSING] = FACT_OF_OUTCOME,       [CHANGE_NEW_FAILING] = FACT_OF_OUTCOME,
    [CHANGE_VERDICT] = FACT_OF_OUTCOME,       [CHANGE_JUDGED_OTHERWISE] = FACT_OF_CRITERION,
    [CHANGE_CAUSE] = FACT_OF_CAUSE,           [CHANGE_FIXED_WORSE] = FACT_OF_OUTCOME,
    [CHANGE_WORSE] = FACT_OF_ERROR,           [CHANGE_OTHER_BITS] = FACT_OF_OUTPUT,
    [CHANGE_ALLOWED] = FACT_OF_ERROR,         [CHANGE_BETTER] = FACT_OF_ERROR,
    [CHANGE_FIXED] = FACT_OF_OUTCOME,         [CHANGE_NEW] = FACT_OF_OUTCOME,
    [CHANGE_SAME_BITS] = FACT_OF_OUTPUT,      [CHANGE_SKIPPED] = FACT_OF_OUTCOME,
};

static bool has_none(const struct result *result, enum fact fact)
{
    const struct fact_value *value = &result->facts[fact];
    return value->type == FACT_UNKNOWN || (fact == FACT_CLASS && !strcmp(value->text, fact_usual_text(FACT_CLASS)));
}

/* Whether a fact is gone because there is no output any more: that the point failed or was skipped says it all. */
static bool is_lost_with_output(const struct compared *point, enum fact fact)
{
    return has_none(point->b, fact) && leads[point->change] != FACT_OF_ERROR;
}

/* Whether a fact is of one side alone because the other was not run. */
static bool is_of_a_skip(const struct compared *point, enum fact fact)
{
    return (point->a->status == STATUS_SKIP && has_none(point->a, fact)) ||
           (point->b->status == STATUS_SKIP && has_none(point->b, fact));
}

/* Facts that are named go by this, the smallest first; among equal ones by the table of facts. */
static int rank(const struct compared *point, enum fact fact)
{
    static const int ranks[] = {
        [FACT_OF_OUTCOME] = 1, [FACT_OF_CAUSE] = 2, [FACT_OF_PROBLEM] = 3,  [FACT_OF_CRITERION] = 4,
        [FACT_OF_ERROR] = 5,   [FACT_OF_CLASS] = 5, [FACT_OF_SUBJECT] = 10, [FACT_OF_OUTPUT] = 11,
    };
    const enum fact_role role = fact_info(fact).role;
    if (role == FACT_OF_CLASS && point->tendencies[fact] == TENDENCY_WORSE && !is_lost_with_output(point, fact))
        /* It may be all that is not allowed; of a failure the cause says more. */
        return leads[point->change] == FACT_OF_ERROR ? -11 : ranks[FACT_OF_CAUSE];
    int of_tendency = role == FACT_OF_ERROR ? TENDENCY_WORSE - (int)point->tendencies[fact] : 0;
    return (role == leads[point->change] ? -10 : ranks[role]) + of_tendency;
}

/* What is not named unless everything is: digests of other bits, figures by the bound of another recipe, and those that
 * are better where others are worse. */
static bool is_detail(const struct compared *point, enum fact fact)
{
    const enum fact_role role = fact_info(fact).role;
    bool counts_better = point->change >= CHANGE_FIXED || point->change == CHANGE_NEWLY_FAILING ||
                         point->change == CHANGE_JUDGED_OTHERWISE;
    return role == FACT_OF_OUTPUT || is_of_a_skip(point, fact) ||
           (role == FACT_OF_ERROR && point->tendencies[fact] <= (counts_better ? TENDENCY_SAME : TENDENCY_OTHER));
}

/* The facts that changed, the first to be named first. How many. */
static int find_changes(enum fact *changes, const struct compared *point, bool all)
{
    int count = 0;
    for (enum fact fact = 0; fact < FACT_COUNT; fact++) {
        if (point->tendencies[fact] == TENDENCY_SAME || (!all && is_detail(point, fact)))
            continue;
        int place = count++;
        for (; place > 0 && rank(point, changes[place - 1]) > rank(point, fact); place--)
            changes[place] = changes[place - 1];
        changes[place] = fact;
    }
    return count;
}

/* ---- one change -------------------------------------------------------------------------------------------------- */

/* As many digits, three or more, as tell the two apart. */
static void format_both(char *a_text, char *b_text, const struct fact_value *a, const struct fact_value *b)
{
    int digits = 3;
    do {
        fact_format(a_text, a, digits);
        fact_format(b_text, b, digits);
    } while (strcmp(a_text, b_text) == 0 && digits++ < 17);
}

/* " +name" or " -name" for each name of a list that another does not have. */
static void print_names(FILE *stream, char sign, const struct fact_value *list, const struct fact_value *other)
{
    const char *name = list->type == FACT_TEXT ? list->text : "";
    while (*name) {
        size_t length = strcspn(name, ",");
        struct fact_value one = {.type = FACT_TEXT, .text = strndup(name, length)};
        if (one.text && !fact_list_within(&one, other))
            fprintf(stream, " %c%s", sign, one.text);
        fact_clear(&one);
        name += length + (name[length] == ',');
    }
}

static const char *criterion_note(const struct compared *point, enum fact fact)
{
    if (fact_info(fact).role != FACT_OF_CRITERION)
        return "";
    return point->tendencies[fact] == TENDENCY_WORSE ? " (looser)" : " (stricter)";
}

/* Of nothing, and of what is no number, there is no growth to tell. */
static void print_growth(FILE *stream, double percent)
{
    if (!isfinite(percent) || percent == 0)
        return;
    if (percent < 1000)
        fprintf(stream, " (%+.3g%%)", percent);
    else
        fprintf(stream, " (%.3g times)", 1 + percent / 100);
}

static void print_why(FILE *stream, const struct result *result)
{
    if (result->why)
        fprintf(stream, " (%s)", result->why);
}

static void print_change(FILE *stream, const struct compared *point, enum fact fact)
{
    const struct fact_value *a = &point->a->facts[fact], *b = &point->b->facts[fact];
    const struct compare_rules rules = {.today = ""};
    const struct fact_value percent =
        compare_field_value(&(struct compare_field){.part = PART_PCT, .fact = fact}, point, &rules);
    char a_text[FACT_TEXT_SIZE], b_text[FACT_TEXT_SIZE];
    fprintf(stream, "%s", fact_info(fact).name);
    if (fact_info(fact).is_list) {
        print_names(stream, '-', a, b);
        print_names(stream, '+', b, a);
    } else {
        format_both(a_text, b_text, a, b);
        fprintf(stream, " %s -> %s", a_text, b_text);
    }
    if (fact == FACT_STATUS)
        print_why(stream, point->b);
    if (fact_info(fact).role == FACT_OF_ERROR && percent.type == FACT_NUMBER)
        print_growth(stream, percent.number);
    fprintf(stream, "%s", criterion_note(point, fact));
}

/* Of a point on one side alone: how it ended if it did not pass, and the figures of that. */
static void print_result(FILE *stream, const struct result *result)
{
    static const enum fact figures[] = {FACT_SIGNATURE, FACT_METRICS + METRIC_MISMATCHED,
                                        FACT_METRICS + METRIC_MAX_ABS_ERR, FACT_METRICS + METRIC_BUDGET_USED};
    char text[FACT_TEXT_SIZE];
    if (result->status == STATUS_PASS)
        return;
    fprintf(stream, "status %s", status_names[result->status]);
    print_why(stream, result);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (result->facts[figures[i]].type != FACT_UNKNOWN)
            fprintf(stream, ", %s %s", fact_info(figures[i]).name, fact_format(text, &result->facts[figures[i]], 3));
}

static void print_changes(FILE *stream, const struct compared *point, int most)
{
    enum fact changes[FACT_COUNT];
    int count = find_changes(changes, point, most >= FACT_COUNT);
    const char *separator = "";
    for (int i = 0; i < count && i < most; i++) {
        fprintf(stream, "%s", separator);
        print_change(stream, point, changes[i]);
        separator = ", ";
    }
    if (count > most)
        fprintf(stream, "%s%d more", separator, count - most);
}

/* ---- a point ----------------------------------------------------------------------------------------------------- */

/* What was written, on one line that a terminal can take. */
static char *finish(FILE *stream, char **text)
{
    bool complete = fclose(stream) == 0;
    char *line = complete ? text_line(*text, TEXT_MAX) : NULL;
    free(*text);
    return line;
}

char *compared_changes(const struct compared *point, int most)
{
    char *text = NULL;
    size_t size;
    FILE *stream = text_stream_open(&text, &size);
    if (!stream)
        return NULL;
    bool in_base = point->a && !point->a->removed;
    if (in_base && point->b)
        print_changes(stream, point, most);
    else
        print_result(stream, in_base ? point->a : point->b);
    return finish(stream, &text);
}

char *compared_notes(const struct compared *point)
{
    char *text = NULL;
    size_t size;
    FILE *stream = text_stream_open(&text, &size);
    if (!stream)
        return NULL;
    char *const *notes = point->a ? point->a->notes : point->b->notes;
    if (notes[NOTE_KNOWN_FAILURE] && notes[NOTE_EXPIRES])
        fprintf(stream, "known failure %s, expires %s", notes[NOTE_KNOWN_FAILURE], notes[NOTE_EXPIRES]);
    if (notes[NOTE_REASON])
        fprintf(stream, "%s%s %s%s%s", notes[NOTE_KNOWN_FAILURE] ? "; " : "",
                point->a && point->a->removed ? "removed" : "accepted", notes[NOTE_DATE] ? notes[NOTE_DATE] : "",
                notes[NOTE_DATE] ? ": " : "", notes[NOTE_REASON]);
    return finish(stream, &text);
}
