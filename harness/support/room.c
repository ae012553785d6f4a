#include "harness/support/room.h"

#include <stdlib.h>

void *room_for_one(void *items, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return items;
    size_t more = *capacity ? 2 * *capacity : 8;
    void *larger = reallocarray(items, more, size);
    if (larger)
        *capacity = more;
    return larger;
}
