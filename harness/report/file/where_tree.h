/* What an expression of --where is read into, and what is walked for each record: a tree of tests. */
#ifndef HARNESS_REPORT_FILE_WHERE_TREE_H
#define HARNESS_REPORT_FILE_WHERE_TREE_H

#include "harness/report/file/quantity.h"

enum test { TEST_EQUAL, TEST_LESS, TEST_LESS_OR_EQUAL, TEST_GREATER, TEST_GREATER_OR_EQUAL, TEST_GLOB, TEST_COUNT };

enum node_kind { NODE_TEST, NODE_AND, NODE_OR, NODE_NOT };

struct where {
    enum node_kind kind;
    struct where *left, *right; /* of `not` the left alone; owned */
    enum test test;
    char *field, *word;      /* owned */
    bool is_number, is_null; /* the word */
    bool is_none;            /* the word none, which a case has for what a record has null for */
    struct quantity number;
};

#endif
