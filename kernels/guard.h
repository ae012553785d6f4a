/*
 * Memory with guard zones: what writes before or past a buffer leaves its trace in them.
 *
 * A block is a zone, the data, a zone. Zones hold a pattern that depends on the place, so that neither a constant nor a
 * copy of the zone from elsewhere looks intact. guard_fill and guard_changed work on any plain memory, a copy of a
 * device's zone for one.
 */
#ifndef KERNELS_GUARD_H
#define KERNELS_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "reference/error.h"

enum { GUARD_BYTES = 4096 };

/* Fills a zone of GUARD_BYTES. */
void guard_fill(void *zone);

/* Offset of the first byte of a zone that is not as guard_fill left it, GUARD_BYTES if all are. */
size_t guard_changed(const void *zone);

/* Zeroed: holds nothing. */
struct guarded {
    void *data; /* size_bytes, aligned as a page */
    size_t size_bytes;
};

/* Allocates data, not initialised, between filled zones. ERROR_SYSTEM, "out of memory: WHAT ...". */
enum error_kind guarded_init(struct guarded *guarded, size_t size_bytes, const char *what, struct error *error);
void guarded_clear(struct guarded *guarded);

/*
 * Whether both zones are intact; if not, *offset_bytes is where the first changed byte lies as seen from data: below 0,
 * or size_bytes and up. Changed zones are filled anew.
 */
bool guarded_check(struct guarded *guarded, ptrdiff_t *offset_bytes);

#endif
