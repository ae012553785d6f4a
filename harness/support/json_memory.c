#include "harness/support/json_memory.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "reference/error.h"

/* Not exit(): this may be any thread, and what other threads work on is not to be taken down under them. */
static void *allocate(size_t size_bytes)
{
    void *memory = malloc(size_bytes);
    if (memory)
        return memory;
    fprintf(stderr, "alibicheck: out of memory: JSON needs %zu bytes\n", size_bytes);
    fflush(NULL);
    _exit(ERROR_SYSTEM);
}

void json_memory_ends_program(void)
{
    json_set_alloc_funcs(allocate, free);
}
