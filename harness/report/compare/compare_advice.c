#include "harness/report/compare/compare_advice.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/support/text.h"
#include "harness/support/text_stream.h"

/* What helps against a change, beside looking at the point. */
enum {
    HELP_ALLOW = 1,   /* figures may be worse by so much */
    HELP_UPDATE = 2,  /* the baseline takes it over, with a reason */
    HELP_LINK = 4,    /* it fails, and takes a link and a day */
    HELP_SAME = 8,    /* the problem is another one: what the base is of is to be judged on it */
    HELP_ALL_RUN = 16 /* the run may not have asked for it */
};

static const int helps[CHANGE_COUNT] = {
    [CHANGE_UNLIKE] = HELP_SAME,
    [CHANGE_NEWLY_FAILING] = HELP_UPDATE | HELP_LINK,
    [CHANGE_EXPIRED] = HELP_UPDATE | HELP_LINK,
    [CHANGE_MISSING] = HELP_UPDATE,
    [CHANGE_NEW_FAILING] = HELP_UPDATE | HELP_LINK,
    [CHANGE_VERDICT] = HELP_UPDATE | HELP_LINK,
    [CHANGE_JUDGED_OTHERWISE] = HELP_UPDATE,
    [CHANGE_CAUSE] = HELP_UPDATE | HELP_LINK,
    [CHANGE_FIXED_WORSE] = HELP_UPDATE | HELP_ALLOW,
    [CHANGE_WORSE] = HELP_UPDATE | HELP_ALLOW,
    [CHANGE_OTHER_BITS] = HELP_UPDATE,
};

/* A point that a kernel was run on, and not an output that was given. */
static bool was_run(const struct compared *point)
{
    return point->b && point->b->status != STATUS_SKIP && point->b->facts[FACT_DEVICE].type == FACT_TEXT;
}

static bool is_fine(const struct collation *collation, const struct compared *point)
{
    return collation_outcome(collation, point->change) == CHANGE_IS_FINE;
}

/* Points are in the order of what became of them, the worst first. */
static const struct compared *first_to_see(const struct collation *collation)
{
    for (size_t i = 0; i < collation->count; i++)
        if (!is_fine(collation, &collation->points[i]) && was_run(&collation->points[i]))
            return &collation->points[i];
    return NULL;
}

static bool say_how_to_see(FILE *stream, const struct collation *collation)
{
    const struct compared *point = first_to_see(collation);
    char *key = point ? text_shell_quote(compared_key(point), true) : NULL;
    if (key)
        fprintf(
            stream,
            "to see the first, add --only %s --verbose to the run's command, and --bundle DIR to keep it as a file for "
            "`alibicheck judge`; `alibicheck explain CASE... --only KEY` says what its error is made of",
            key);
    free(key);
    return key || !point;
}

/* Whether the new records are a part of their run, of which the hint says how to get the rest. */
static bool is_part(const struct collation *collation)
{
    return record_runs_missing(&collation->new->runs) > 0;
}

/* Whether the new records lack a point, which its kernel may well take. */
static bool lacks_point(const struct collation *collation)
{
    if (is_part(collation))
        return false;
    for (size_t i = 0; i < collation->count; i++)
        if (collation->points[i].change == CHANGE_MISSING && !collation->points[i].b)
            return true;
    return false;
}

static int help_of(const struct collation *collation)
{
    int help = lacks_point(collation) ? HELP_ALL_RUN : 0;
    for (enum change change = 0; change < CHANGE_COUNT; change++)
        if (collation->by_change[change] && collation_outcome(collation, change) != CHANGE_IS_FINE &&
            !(change == CHANGE_MISSING && is_part(collation)))
            help |= helps[change];
    return help;
}

/* "A", "; A": a part of a sentence that has others before it. */
static void say(FILE *stream, const char **separator, const char *text)
{
    fprintf(stream, "%s%s", *separator, text);
    *separator = "; ";
}

static void say_what_passes(FILE *stream, const struct collation *collation)
{
    const int help = help_of(collation);
    const bool of_baseline = collation->base->is_baseline;
    const char *separator = "";
    if (help & HELP_SAME)
        say(stream, &separator,
            of_baseline
                ? "what is not comparable has another problem, other inputs or other rows than before: make the "
                  "records of the old kernel once more, by this program, and take them over with "
                  "--update-baseline --reason TEXT"
                : "what is not comparable has another problem, other inputs or other rows than before: make "
                  "the base once more, by the same program and options");
    if (help & HELP_ALL_RUN)
        say(stream, &separator,
            "of points that are missing the run was to have all that the base has: the same cases, without --only and "
            "--where");
    if (help & HELP_ALLOW)
        say(stream, &separator, "--allow METRIC=+X% lets a figure be worse by so much, --allow all=+X% each of them");
    if (help & HELP_UPDATE && of_baseline)
        say(stream, &separator, "if it is meant, --update-baseline --reason TEXT takes it over");
    if (help & HELP_LINK && of_baseline)
        fputs(", with --known-failure LINK and --expires YYYY-MM-DD what fails", stream);
}

char *collation_advice(const struct collation *collation)
{
    char *text = NULL;
    size_t size;
    FILE *stream = text_stream_open(&text, &size);
    if (!stream)
        return NULL;
    bool complete = say_how_to_see(stream, collation);
    if (ftell(stream) > 0 && help_of(collation))
        putc('\n', stream);
    say_what_passes(stream, collation);
    if (fclose(stream) == 0 && complete)
        return text;
    free(text);
    return NULL;
}
