/*
 * libFuzzer entry for tables that a caller describes: the first line is a description, the rest a file of records. What
 * means nothing is refused with a sentence, and so is what is no record; of the rest every form is printed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/report/page/document_print.h"
#include "harness/report/review/pivot_document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *promise)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", promise);
    abort();
}

static void print(const struct document *document)
{
    FILE *null = fopen("/dev/null", "w");
    demand(null, "/dev/null");
    demand(document_print_markdown(null, document) && document_print_csv(null, document) &&
               document_print_json(null, document),
           "tables are printed");
    fclose(null);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    size_t length = end ? (size_t)(end - data) : size;
    char *text = strndup((const char *)data, length), path[64];
    struct document document;
    struct error error = {0};
    int descriptor = memfd_create("records", 0);
    size_t rest = end ? size - length - 1 : 0;
    demand(text && descriptor >= 0 && write(descriptor, data + size - rest, rest) == (ssize_t)rest, "a file");
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    const char *const paths[] = {path}, *const tables[] = {text};
    const struct pivot_request request = {
        .records = paths, .num_records = 1, .tables = tables, .num_tables = 1, .captioned = true};
    document_begin(&document, "fuzz");
    size_t missing;
    enum error_kind kind = pivot_document(&document, &request, &missing, &error);
    demand(kind == ERROR_NONE || (kind == ERROR_USAGE && *error.text), "what is wrong is refused with a sentence");
    if (!kind)
        print(&document);
    document_clear(&document);
    close(descriptor);
    free(text);
    return 0;
}
