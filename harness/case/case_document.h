/*
 * One document of a case file as a test case: its axes, checked value by value and in every combination.
 */
#ifndef HARNESS_CASE_CASE_DOCUMENT_H
#define HARNESS_CASE_CASE_DOCUMENT_H

#include "harness/case/case_axis.h"
#include "harness/case/case_keys.h"

struct test_case {
    char *path;
    int line, column; /* of its name */
    struct axis axes[KEY_COUNT];
    size_t num_points;
};

/* A key=value pair of the command line, which replaces what documents say of the key. */
struct setting {
    enum key_id key;
    const struct yaml_node *value;
};

/* Reads a document. *test_case is new and freed by case_free, which accepts NULL; NULL on error. */
enum error_kind case_read(struct test_case **test_case, const struct yaml_node *document,
                          const struct setting *settings, size_t num_settings, struct error *error);
void case_free(struct test_case *test_case);

/* The point whose axes have the values index[]. */
void case_assemble(const struct test_case *test_case, const uint64_t *index, struct point *point);

#endif
