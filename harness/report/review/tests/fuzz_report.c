/*
 * libFuzzer entry for reports: any bytes as a file of records. What is no record is refused with a sentence; of the
 * rest every form is printed, HTML that is well-formed XML but for its style sheet and script, JSON that is JSON.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>
#include <libxml/parser.h>

#include "harness/report/page/document_print.h"
#include "harness/report/review/review_document.h"
#include "harness/report/review/review_read.h"
#include "harness/report/review/review_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *promise)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", promise);
    abort();
}

static char *print(bool (*printer)(FILE *, const struct document *), const struct document *document)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    demand(stream, "memory for a report");
    demand(printer(stream, document), "a document is printed");
    demand(fclose(stream) == 0, "memory for a report");
    return text;
}

/* What stands between the tags, if they are there, becomes spaces. */
static void blank(char *text, const char *begin, const char *end)
{
    char *from = strstr(text, begin), *to = from ? strstr(from, end) : NULL;
    demand(from && to, "style sheet and script are there");
    memset(from + strlen(begin), ' ', (size_t)(to - from) - strlen(begin));
}

static void check_html(const struct document *document)
{
    char *text = print(document_print_html, document);
    blank(text, "<style>", "</style>");
    blank(text, "<script>", "</script>");
    xmlDoc *parsed = xmlReadMemory(text, (int)strlen(text), "page", NULL,
                                   XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_HUGE);
    demand(parsed, "HTML is well-formed");
    xmlFreeDoc(parsed);
    free(text);
}

static void check(const struct review *review, const struct review_changes *changes)
{
    const struct review_options options = {.title = "fuzz"};
    struct document document;
    review_write(&document, review, changes, &options);
    check_html(&document);
    free(print(document_print_markdown, &document));
    char *json = print(document_print_json, &document);
    json_t *parsed = json_loads(json, 0, NULL);
    demand(parsed, "JSON is JSON");
    json_decref(parsed);
    free(json);
    document_clear(&document);
    FILE *null = fopen("/dev/null", "w");
    demand(null, "/dev/null");
    review_print_csv(null, review, changes);
    fclose(null);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct review review;
    struct review_changes changes;
    struct error error = {0};
    char path[64];
    int descriptor = memfd_create("records", 0);
    demand(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size, "a file of records");
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    const char *const paths[] = {path};
    enum error_kind kind = review_read(&review, paths, 1, NULL, TEXT_DTYPE, false, &error);
    demand(kind == ERROR_NONE || (kind == ERROR_USAGE && *error.text), "what is no record is refused with a sentence");
    if (!kind) {
        check(&review, NULL);
        review_clear(&review);
    }
    lseek(descriptor, 0, SEEK_SET);
    if (!kind && !review_read(&review, paths, 1, NULL, TEXT_DTYPE, true, &error)) {
        demand(review_compare(&changes, &review, &review, &error) == ERROR_NONE, "a comparison");
        demand(changes.unchanged + changes.by_change[CHANGE_NOT_JUDGED] == changes.count, "records are what they are");
        check(&review, &changes);
        review_changes_clear(&changes);
        review_clear(&review);
    }
    close(descriptor);
    return 0;
}
