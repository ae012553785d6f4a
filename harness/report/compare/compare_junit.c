#include "harness/report/compare/compare_format.h"

#include <stdlib.h>
#include <string.h>

#include "harness/report/compare/compare_text.h"
#include "harness/report/compare/key_order.h"
#include "harness/support/junit_document.h"

enum { CHANGES_NAMED = 3 };

/* ---- one point --------------------------------------------------------------------------------------------------- */

/* Whether the point fails as people know that it does: what GitLab's reports call a skipped test. */
static bool is_known(const struct compared *point)
{
    return point->b && (point->b->status == STATUS_XFAIL || !status_as_expected(point->b->status));
}

/* A point that is skipped passes nothing, and no point does where none was compared. */
static enum junit_result result_of(const struct compare_view *view, const struct compared *point)
{
    if (*collation_void(view->collation))
        return JUNIT_ERROR;
    if (point->change == CHANGE_SKIPPED)
        return JUNIT_SKIPPED;
    switch (collation_outcome(view->collation, point->change)) {
    case CHANGE_IS_NO_COMPARISON:
        return JUNIT_ERROR;
    case CHANGE_IS_WORSE:
        return JUNIT_FAILED;
    case CHANGE_IS_FINE:
    case CHANGE_IS_WORSE_IF_BITS:
        break;
    }
    return view->gitlab && is_known(point) ? JUNIT_SKIPPED : JUNIT_PASSED;
}

/* "better: max_ulp_err 0.5 -> 0.4, ..." and what people said; of a point that failed before and does now, its status.
 */
static char *make_text(const struct compared *point)
{
    char *changes = compared_changes(point, CHANGES_ALL), *notes = compared_notes(point), *text = NULL;
    const char *status = changes && !*changes && point->b ? status_names[point->b->status] : "";
    if (changes && notes &&
        asprintf(&text, "%s: %s%s\n%s%s", change_table[point->change].name, changes, status, notes,
                 *notes ? "\n" : "") < 0)
        text = NULL;
    free(notes);
    free(changes);
    return text;
}

static bool put_point(struct junit_document *document, const struct compare_view *view, const struct compared *point)
{
    char *changes = compared_changes(point, CHANGES_NAMED), *text = make_text(point);
    const struct junit_test test = {
        .name = compared_key(point),
        .result = result_of(view, point),
        .type = change_table[point->change].name,
        .message = changes && *changes ? changes : change_table[point->change].name,
        .text = change_is_none(point->change) && !is_known(point) ? NULL : text,
    };
    bool complete = changes && text && junit_document_test(document, &test);
    free(text);
    free(changes);
    return complete;
}

/* ---- suites ------------------------------------------------------------------------------------------------------ */

static bool begin_suite(struct junit_document *document, const struct collation *collation, const char *name)
{
    char *before = collation_describe(collation->base), *after = collation_describe(collation->new);
    char *left_out = collation_left_out(collation);
    bool complete = before && after && left_out && junit_document_suite(document, name) &&
                    junit_document_property(document, "base", before) &&
                    junit_document_property(document, "new", after) &&
                    (!*left_out || junit_document_property(document, "left_out", left_out));
    free(left_out);
    free(after);
    free(before);
    return complete;
}

/* The case of a point: its key up to the first colon. */
static size_t case_length(const struct compared *point)
{
    return strcspn(compared_key(point), ":");
}

static int by_key(const void *a, const void *b)
{
    const struct compared *left = *(const struct compared *const *)a, *right = *(const struct compared *const *)b;
    size_t left_length = case_length(left), right_length = case_length(right);
    size_t length = left_length < right_length ? left_length : right_length;
    int order = memcmp(compared_key(left), compared_key(right), length);
    if (!order && left_length != right_length)
        return left_length < right_length ? -1 : 1;
    return order ? order : key_order(compared_key(left), compared_key(right));
}

static bool put_points(struct junit_document *document, const struct compare_view *view, const struct compared **points)
{
    bool complete = true;
    for (size_t i = 0; i < view->collation->count && complete; i++) {
        size_t length = case_length(points[i]);
        bool same = i > 0 && case_length(points[i - 1]) == length &&
                    memcmp(compared_key(points[i]), compared_key(points[i - 1]), length) == 0;
        char *name = same ? NULL : strndup(compared_key(points[i]), length);
        complete = same || (name && begin_suite(document, view->collation, name));
        complete = complete && put_point(document, view, points[i]);
        free(name);
    }
    return complete;
}

static bool print_junit(FILE *stream, const struct compare_view *view)
{
    struct junit_document *document = junit_document_new();
    const struct compared **points = compare_view_order(view, true);
    bool complete = document && points;
    if (complete) {
        qsort(points, view->collation->count, sizeof *points, by_key);
        complete = put_points(document, view, points);
    }
    char *text = complete ? junit_document_print(document) : NULL;
    if (text)
        fputs(text, stream);
    free(text);
    free(points);
    junit_document_free(document);
    return text;
}

/* A test a point, a suite a case: what is worse fails, what cannot be compared is an error. */
const struct compare_format compare_junit = {
    .option = "junit",
    .about = "a JUnit report: a suite a case, a test a point; what is worse fails",
    .to_file = true,
    .print = print_junit,
};
