/*
 * Guard zones: memory around a buffer in which what writes before or past the buffer leaves its trace.
 *
 * A zone holds a pattern that depends on the place, so that neither a constant nor a copy of the zone from elsewhere
 * looks intact. It is filled and looked at in plain memory; a device's zones travel (device.c).
 */
#ifndef KERNELS_DEVICE_GUARD_H
#define KERNELS_DEVICE_GUARD_H

#include <stddef.h>

enum { GUARD_BYTES = 4096 };

/* What a zone holds. */
enum guard {
    GUARD_PATTERN,
    GUARD_NAN /* all bits set, which is NaN in every dtype: what reads it shows it, what writes NaN does not */
};

/* Fills a zone of GUARD_BYTES. */
void guard_fill(void *zone, enum guard guard);

/* Offset of the first byte of a zone that is not as guard_fill left it, GUARD_BYTES if all are. */
size_t guard_changed(const void *zone, enum guard guard);

#endif
