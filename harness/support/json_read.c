#include "harness/support/json_read.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "reference/error.h"

static _Thread_local bool is_reading;

/* Not exit(): this may be any thread, and what other threads work on is not to be taken down under them. */
static void *allocate(size_t size_bytes)
{
    void *memory = malloc(size_bytes);
    if (memory || !is_reading)
        return memory;
    fprintf(stderr, "alibicheck: out of memory: reading JSON needs %zu bytes\n", size_bytes);
    fflush(NULL);
    _exit(ERROR_SYSTEM);
}

void json_read_ends_program(void)
{
    json_set_alloc_funcs(allocate, free);
}

json_t *json_read(const char *text, size_t size, json_error_t *fault)
{
    is_reading = true;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES, fault);
    is_reading = false;
    return value;
}
