#include "harness/report/file/expression_fault.h"

#include <stdio.h>
#include <string.h>

#include "harness/report/file/where.h"
#include "harness/support/source.h"
#include "harness/support/suggest.h"

/* advice: "did you mean 'seq_len'? ", or "". */
static enum error_kind fault_advised(const struct expression *expression, const char *at, size_t size, const char *what,
                                     const char *advice, const char *allowed)
{
    char text[QUOTE_SIZE], offending[QUOTE_SIZE];
    return error_set(expression->error, ERROR_USAGE, "%s %s:%zu: %s: %s; %sallowed: %s", expression->option,
                     quote(text, expression->text, strlen(expression->text)), (size_t)(at - expression->text) + 1, what,
                     quote(offending, at, size), advice, allowed);
}

enum error_kind expression_fault(const struct expression *expression, const char *at, size_t size, const char *what,
                                 const char *allowed)
{
    return fault_advised(expression, at, size, what, "", allowed);
}

enum error_kind expression_unknown_field(const struct expression *expression, const char *at, size_t size,
                                         const struct where_names *names)
{
    char typed[SUGGESTION_SIZE], advice[SUGGESTION_SIZE];
    snprintf(typed, sizeof typed, "%.*s", (int)(size < sizeof typed ? size : sizeof typed), at);
    struct suggestion suggestion = {.text = typed};
    names->offer(&suggestion);
    return fault_advised(expression, at, size, "unknown field", suggestion_format(advice, &suggestion), names->allowed);
}
