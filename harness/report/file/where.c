/* What an expression means for a record. How it is read is in where_parse.c. */
#include "harness/report/file/where.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/file/record_file.h"
#include "harness/report/file/where_tree.h"

void where_free(struct where *where)
{
    if (!where)
        return;
    where_free(where->left);
    where_free(where->right);
    free(where->field);
    free(where->word);
    free(where);
}

void where_visit_fields(const struct where *where, void (*visit)(void *context, const char *field), void *context)
{
    if (where->kind == NODE_TEST)
        visit(context, where->field);
    if (where->left)
        where_visit_fields(where->left, visit, context);
    if (where->right)
        where_visit_fields(where->right, visit, context);
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* What a record has in a text is compared as one, or as numbers where both are. */
static bool is_equal(const struct where *node, const json_t *value)
{
    struct quantity number;
    const char *text = json_string_value(value);
    if (node->is_null || json_is_null(value) || !value)
        return (node->is_null && (!value || json_is_null(value))) || (node->is_none && json_is_null(value));
    if (text && strcmp(text, node->word) == 0)
        return true;
    return node->is_number && quantity_read(&number, value) &&
           (quantity_compare(&number, &node->number) == 0 || (isnan(number.real) && isnan(node->number.real)));
}

static bool test_holds(const struct where *node, const json_t *value)
{
    struct quantity number;
    const char *text = json_string_value(value);
    if (node->test == TEST_EQUAL)
        return is_equal(node, value);
    if (node->test == TEST_GLOB)
        return text && fnmatch(node->word, text, 0) == 0;
    if (!quantity_read(&number, value))
        return false;
    int order = quantity_compare(&number, &node->number);
    switch (node->test) {
    case TEST_LESS:
        return order == -1;
    case TEST_LESS_OR_EQUAL:
        return order == -1 || order == 0;
    case TEST_GREATER:
        return order == 1;
    case TEST_GREATER_OR_EQUAL:
        return order == 1 || order == 0;
    case TEST_EQUAL:
    case TEST_GLOB:
    case TEST_COUNT:
        break;
    }
    return false;
}

bool where_holds(const struct where *where, const json_t *record)
{
    switch (where->kind) {
    case NODE_TEST:
        return test_holds(where, record_at(record, where->field));
    case NODE_AND:
        return where_holds(where->left, record) && where_holds(where->right, record);
    case NODE_OR:
        return where_holds(where->left, record) || where_holds(where->right, record);
    case NODE_NOT:
        return !where_holds(where->left, record);
    }
    return false;
}
