/*
 * One document of a case file as a test case: its axes, checked value by value and in every combination.
 */
#ifndef HARNESS_CASE_CASE_DOCUMENT_H
#define HARNESS_CASE_CASE_DOCUMENT_H

#include "harness/case/test_case.h"
#include "harness/support/error_list.h"

/* A key=value pair of the command line, which replaces what documents say of the key. */
struct setting {
    enum key_id key;
    const struct yaml_node *value;
};

/*
 * Reads a document. *test_case is new and freed by case_free, which accepts NULL; NULL if the document is wrong, which
 * errors then says key by key. ERROR_USAGE is no result.
 */
enum error_kind case_read(struct test_case **test_case, const struct yaml_node *document,
                          const struct setting *settings, size_t num_settings, struct error_list *errors);

#endif
