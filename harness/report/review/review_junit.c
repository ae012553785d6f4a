#include "harness/report/review/review_junit.h"

#include <stdlib.h>
#include <string.h>

#include "harness/report/record/status_test.h"
#include "harness/support/text_stream.h"

/* ---- a point ----------------------------------------------------------------------------------------------------- */

static const char *first_text(const struct document *account)
{
    return account->num_blocks > 0 ? account->blocks[0].text : NULL;
}

/* A line for each thing that is said; a new string, or NULL. */
static char *account_text(const struct document *account)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = text_stream_open(&text, &size);
    for (size_t b = 0; stream && b < account->num_blocks; b++)
        fprintf(stream, "%s%s\n", account->blocks[b].kind == BLOCK_CODE ? "reproduce: " : "", account->blocks[b].text);
    if (stream && fclose(stream) == 0)
        return text;
    free(text);
    return NULL;
}

static bool put_point(struct junit_document *junit, const struct review *review, const struct review_point *point,
                      const struct review_options *options, bool gitlab)
{
    const enum status status = status_find(review_text_of(review, point, TEXT_STATUS));
    /* A word that this program does not know is no pass. */
    const struct status_test as_test = status_test(status < STATUS_COUNT ? status : STATUS_ERROR, gitlab);
    struct document account;
    document_begin(&account, "");
    if (as_test.says)
        review_write_account(&account, review, point, options);
    char *text = account_text(&account);
    const struct junit_test test = {
        .name = point->key,
        .result = as_test.result,
        .type = as_test.type,
        .message = first_text(&account),
        .text = text && *text ? text : NULL,
        .elapsed_s = point->seconds,
    };
    const bool complete = text && !account.spoilt && junit_document_test(junit, &test);
    free(text);
    document_clear(&account);
    return complete;
}

/* ---- suites ------------------------------------------------------------------------------------------------------ */

static bool put_properties(struct junit_document *junit, const struct review *review, const struct review_point *point)
{
    static const enum review_text texts[] = {TEXT_KERNEL, TEXT_DEVICE, TEXT_DEVICE_NAME, TEXT_BUILD};
    char left_out[32];
    snprintf(left_out, sizeof left_out, "%zu", review->left_out);
    bool complete = review->left_out == 0 || junit_document_property(junit, "left_out", left_out);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && complete; i++)
        if (point->text[texts[i]])
            complete =
                junit_document_property(junit, review_texts[texts[i]].path, review_text_of(review, point, texts[i]));
    return complete;
}

static bool put_points(struct junit_document *junit, const struct review *review, const struct review_options *options,
                       bool gitlab)
{
    bool complete = true;
    for (size_t p = 0; p < review->num_points && complete; p++) {
        const struct review_point *point = &review->points[p];
        if (p == 0 || point->text[TEXT_CASE] != point[-1].text[TEXT_CASE])
            complete = junit_document_suite(junit, review_text_of(review, point, TEXT_CASE)) &&
                       put_properties(junit, review, point);
        complete = complete && put_point(junit, review, point, options, gitlab);
    }
    return complete;
}

/* A test of the run that is an error, whatever its points did. */
static bool put_of_run(struct junit_document *junit, const char *name, const char *text)
{
    const struct junit_test test = {
        .name = name,
        .result = JUNIT_ERROR,
        .type = status_test(STATUS_ERROR, false).type,
        .message = text,
        .text = text,
    };
    return junit_document_suite(junit, "alibicheck") && junit_document_test(junit, &test);
}

/* Nobody may take a part for the whole, */
static bool put_missing(struct junit_document *junit, const struct review *review)
{
    char text[96];
    const size_t missing = record_runs_missing(&review->runs);
    snprintf(text, sizeof text, "of the run %zu %s no record", missing, missing == 1 ? "point has" : "points have");
    return missing == 0 || put_of_run(junit, "ran to the end", text);
}

/* nor what nobody has looked at for what passes. */
static bool put_unjudged(struct junit_document *junit, const struct review *review)
{
    for (size_t p = 0; p < review->num_points; p++)
        if (!review_skipped(review, &review->points[p]))
            return true;
    return put_of_run(junit, "judged a point", "nothing was judged: the kernel takes none of the points");
}

bool review_print_junit(FILE *stream, const struct review *review, const struct review_options *options, bool gitlab)
{
    struct junit_document *junit = junit_document_new();
    const bool complete = junit && put_points(junit, review, options, gitlab) && put_missing(junit, review) &&
                          put_unjudged(junit, review);
    char *text = complete ? junit_document_print(junit) : NULL;
    if (text)
        fputs(text, stream);
    free(text);
    junit_document_free(junit);
    return text;
}
