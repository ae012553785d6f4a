/*
 * A JUnit document, as Jenkins, GitLab and GitHub's viewers read it: suites of tests, with totals at each suite and at
 * the root. It is kept in memory until it is complete, since totals come before what they count.
 *
 * Texts are made presentable (text_clean). A function that returns false found no memory; the document is then only to
 * be freed.
 */
#ifndef HARNESS_SUPPORT_JUNIT_DOCUMENT_H
#define HARNESS_SUPPORT_JUNIT_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

enum junit_result { JUNIT_PASSED, JUNIT_SKIPPED, JUNIT_FAILED, JUNIT_ERROR };

struct junit_test {
    const char *name;
    enum junit_result result;
    const char *type, *message; /* of what failed, is an error or, message alone, was skipped */
    const char *text;           /* all there is to say, in the body; of what passed, what it prints; NULL: nothing */
    double elapsed_s;
};

struct junit_document; /* opaque */

/* Without suites; NULL if memory ran out. junit_document_free takes NULL too. */
struct junit_document *junit_document_new(void);
void junit_document_free(struct junit_document *document);

/* Begins a suite: what is put next is in it. Its name is the class name of its tests. */
bool junit_document_suite(struct junit_document *document, const char *name);

/* A property of the suite, before its tests. */
bool junit_document_property(struct junit_document *document, const char *name, const char *value);

bool junit_document_test(struct junit_document *document, const struct junit_test *test);

/* The document with its totals, a new string, or NULL. To be called once. */
char *junit_document_print(struct junit_document *document);

#endif
