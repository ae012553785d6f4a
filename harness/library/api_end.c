#include "harness/library/api_end.h"

#include <stdio.h>
#include <string.h>

#include "harness/support/threads.h"

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

bool api_take_threads(int *taken, int threads, struct error *failure)
{
    if (threads < 0 || threads > THREADS_MAX) {
        error_set(failure, ERROR_USAGE, "threads: %d; allowed: 1 to %d, 0 for one a CPU", threads, THREADS_MAX);
        return false;
    }
    *taken = threads;
    return true;
}
