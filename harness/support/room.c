#include "harness/support/room.h"

#include <stdlib.h>

void *room_for_one(void *items, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return items;
    size_t more = *capacity ? 2 * *capacity : 8, size_bytes;
    if (more <= count || __builtin_mul_overflow(more, size, &size_bytes))
        return NULL; /* asked for so much, an allocator that is watched would end the program */
    void *larger = realloc(items, size_bytes);
    if (larger)
        *capacity = more;
    return larger;
}
