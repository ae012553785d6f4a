/*
 * Reading case files in memory, for tests. Include after cmocka.h.
 */
#ifndef HARNESS_CASE_TESTS_CASE_FIXTURE_H
#define HARNESS_CASE_TESTS_CASE_FIXTURE_H

#include <string.h>

#include "harness/case/case.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define TEXT(literal) literal, sizeof(literal) - 1

/* What every case needs; what a test adds to it starts on line 5. */
#define HEAD "case: a\nseq_len: 33\nnum_heads: 8\nhead_dim: 64\n"

static inline struct case_list parse_with(const char *text, const char *const *settings, size_t num_settings)
{
    struct case_list list = {0};
    struct error error = {0};
    if (case_list_parse(&list, "test.yaml", text, strlen(text), settings, num_settings, &error))
        fail_msg("%s", error.text);
    return list;
}

static inline struct case_list parse(const char *text)
{
    return parse_with(text, NULL, 0);
}

#endif
