#include "harness/library/api_end.h"

#include <stdio.h>
#include <string.h>

int api_end(struct alibicheck_error *error, const struct error *failure)
{
    if (error) {
        error->status = failure ? (int32_t)failure->kind : ALIBICHECK_OK;
        error->text[0] = 0;
        if (failure && snprintf(error->text, sizeof error->text, "%s", failure->text) >= (int)sizeof error->text)
            memcpy(error->text + sizeof error->text - 4, "...", 4);
    }
    return failure ? (int)failure->kind : ALIBICHECK_OK;
}

bool api_has(const void *argument, const char *name, struct error *failure)
{
    if (!argument)
        error_set(failure, ERROR_USAGE, "%s: is NULL", name);
    return argument;
}
