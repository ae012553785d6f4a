#include "harness/report/sink/sink.h"
#include "harness/support/file.h"

#include <stdlib.h>
#include <string.h>

#include "harness/support/github_annotation.h"
#include "harness/support/text.h"

/* A point that did not end as its case expects. */
struct unexpected {
    size_t place; /* in the run */
    const struct test_case *test_case;
    enum status status;
    char *text; /* its key and what it came to */
};

struct github {
    struct unexpected first[GITHUB_ANNOTATIONS_MAX]; /* in order of place */
    size_t count;                                    /* of all of them, of which those above are the first */
};

static size_t num_kept(const struct github *github)
{
    return github->count < GITHUB_ANNOTATIONS_MAX ? github->count : GITHUB_ANNOTATIONS_MAX;
}

/* Takes the text; points may end in another order than they stand in. */
static void keep_first(struct github *github, struct unexpected point)
{
    size_t kept = num_kept(github), at = kept;
    while (at > 0 && github->first[at - 1].place > point.place)
        at--;
    github->count++;
    if (at == GITHUB_ANNOTATIONS_MAX) {
        free(point.text);
        return;
    }
    if (kept == GITHUB_ANNOTATIONS_MAX)
        free(github->first[--kept].text);
    memmove(github->first + at + 1, github->first + at, (kept - at) * sizeof *github->first);
    github->first[at] = point;
}

/* One more point, and what is said of it; NULL: there was no memory for that. */
static enum error_kind add(struct sink *sink, size_t place, const struct point *point, enum status status,
                           const char *said, struct error *error)
{
    char key[POINT_KEY_SIZE], *text = NULL;
    if (!said || asprintf(&text, "%s\n%s", point_key(key, point), said) < 0)
        return error_memory(error, "an annotation", POINT_KEY_SIZE);
    char *clean = text_clean(text);
    free(text);
    if (!clean)
        return error_memory(error, "an annotation", POINT_KEY_SIZE);
    for (size_t end = strlen(clean); end > 0 && clean[end - 1] == '\n'; end--)
        clean[end - 1] = '\0';
    keep_first(sink->state, (struct unexpected){place, point->test_case, status, clean});
    return ERROR_NONE;
}

static enum error_kind record_github(struct sink *sink, const struct record *record, struct error *error)
{
    if (status_as_expected(record->outcome.status))
        return ERROR_NONE;
    char *headline = record_headline(record), *detail = headline ? record_detail(record, headline) : NULL;
    enum error_kind kind = add(sink, record->place, record->point, record->outcome.status, detail, error);
    free(detail);
    free(headline);
    return kind;
}

static enum error_kind keep_github(struct sink *sink, const struct point *point, const struct kept_record *kept,
                                   struct error *error)
{
    const char *said = kept->headline ? kept->headline : status_names[kept->status];
    return status_as_expected(kept->status) ? ERROR_NONE : add(sink, kept->place, point, kept->status, said, error);
}

/* At the case's name in its file. */
static void print_unexpected(const struct sink_plan *plan, const struct unexpected *point)
{
    const struct test_case *test_case = point->test_case;
    bool has_place = plan->of_files && !case_from_standard_input(test_case);
    const struct github_annotation annotation = {
        .level = "error",
        .path = has_place ? case_path(test_case) : NULL,
        .line = has_place ? (size_t)case_line(test_case) : 0,
        .title = status_names[point->status],
        .text = point->text,
    };
    github_annotation_print(stdout, &annotation);
}

static void print_of_run(const char *text)
{
    github_annotation_print(stdout, &(struct github_annotation){.level = "error", .title = "alibicheck", .text = text});
}

/* What there is no room for, and that it is not all. */
static void print_rest(size_t more, const struct summary *summary)
{
    char text[160];
    if (more > 0) {
        snprintf(text, sizeof text, "and %zu more that did not end as their cases expect", more);
        print_of_run(text);
    }
    if (summary->cut_short) {
        snprintf(text, sizeof text, "%s: %zu of %zu points done", summary->cut_short, summary->points_done,
                 summary->points_total);
        print_of_run(text);
    }
    if (summary->unjudged)
        print_of_run(SUMMARY_UNJUDGED);
}

static enum error_kind close_github(struct sink *sink, const struct summary *summary, struct error *error)
{
    struct github *github = sink->state;
    size_t kept = num_kept(github), room = GITHUB_ANNOTATIONS_MAX - (summary->cut_short != NULL);
    size_t printed = github->count > room ? room - 1 : github->count;
    for (size_t i = 0; i < printed; i++)
        print_unexpected(sink->plan, &github->first[i]);
    print_rest(github->count - printed, summary);
    for (size_t i = 0; i < kept; i++)
        free(github->first[i].text);
    free(github);
    sink->state = NULL;
    return file_flush(stdout, error);
}

static enum error_kind open_github(struct sink *sink, struct error *error)
{
    sink->state = calloc(1, sizeof(struct github));
    return sink->state ? ERROR_NONE : error_memory(error, "annotations", sizeof(struct github));
}

/* Annotations of GitHub Actions behind the table, in the order of points: ten at most, the last of which counts the
 * others. */
const struct sink_kind sink_github = {
    .option = "github",
    .about = "print annotations for GitHub Actions, behind the table: ten points at most, the rest counted",
    .target = SINK_BEHIND_STDOUT,
    .without_keys = true,
    .open = open_github,
    .record = record_github,
    .keep = keep_github,
    .close = close_github,
};
