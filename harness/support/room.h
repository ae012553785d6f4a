/*
 * Lists that grow.
 */
#ifndef HARNESS_SUPPORT_ROOM_H
#define HARNESS_SUPPORT_ROOM_H

#include <stddef.h>

/* items, of size bytes each, with room for one more than count, and *capacity as it then is; or NULL if memory ran out,
 * with items as they were. */
void *room_for_one(void *items, size_t *capacity, size_t count, size_t size);

#endif
