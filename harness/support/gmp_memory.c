#include "harness/support/gmp_memory.h"

#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "reference/error.h"

/* Not exit(): this may be any thread, and what other threads work on is not to be taken down under them. */
static void *need(void *memory, size_t size_bytes)
{
    if (memory)
        return memory;
    fprintf(stderr, "alibicheck: out of memory: a number of the truth needs %zu bytes\n", size_bytes);
    fflush(NULL);
    _exit(ERROR_SYSTEM);
}

static void *allocate(size_t size_bytes)
{
    return need(malloc(size_bytes), size_bytes);
}

static void *reallocate(void *memory, size_t old_bytes, size_t size_bytes)
{
    (void)old_bytes;
    return need(realloc(memory, size_bytes), size_bytes);
}

static void release(void *memory, size_t size_bytes)
{
    (void)size_bytes;
    free(memory);
}

void gmp_memory_ends_program(void)
{
    mp_set_memory_functions(allocate, reallocate, release);
}
