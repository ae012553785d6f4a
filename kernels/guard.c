#include "kernels/guard.h"

#include <stdint.h>
#include <stdlib.h>

/* The multiplier is odd: no two bytes within 256 of each other are equal, so a zone holds no element of equal bytes. */
static unsigned char pattern(size_t offset)
{
    return (unsigned char)(0xa7 + 0x3b * offset + (offset >> 8));
}

void guard_fill(void *zone)
{
    for (size_t i = 0; i < GUARD_BYTES; i++)
        ((unsigned char *)zone)[i] = pattern(i);
}

size_t guard_changed(const void *zone)
{
    size_t i = 0;
    while (i < GUARD_BYTES && ((const unsigned char *)zone)[i] == pattern(i))
        i++;
    return i;
}

static void *zone_before(const struct guarded *guarded)
{
    return (char *)guarded->data - GUARD_BYTES;
}

static void *zone_after(const struct guarded *guarded)
{
    return (char *)guarded->data + guarded->size_bytes;
}

enum error_kind guarded_init(struct guarded *guarded, size_t size_bytes, const char *what, struct error *error)
{
    *guarded = (struct guarded){0};
    char *block = NULL;
    if (size_bytes < PTRDIFF_MAX - 3 * GUARD_BYTES) {
        size_t pages = (size_bytes + GUARD_BYTES - 1) / GUARD_BYTES;
        block = aligned_alloc(GUARD_BYTES, (pages + 2) * GUARD_BYTES);
    }
    if (!block)
        return error_memory(error, what, (double)size_bytes);
    *guarded = (struct guarded){block + GUARD_BYTES, size_bytes};
    guard_fill(zone_before(guarded));
    guard_fill(zone_after(guarded));
    return ERROR_NONE;
}

void guarded_clear(struct guarded *guarded)
{
    if (guarded->data)
        free(zone_before(guarded));
    *guarded = (struct guarded){0};
}

bool guarded_check(struct guarded *guarded, ptrdiff_t *offset_bytes)
{
    size_t before = guard_changed(zone_before(guarded)), after = guard_changed(zone_after(guarded));
    if (before == GUARD_BYTES && after == GUARD_BYTES)
        return true;
    *offset_bytes =
        before < GUARD_BYTES ? (ptrdiff_t)before - GUARD_BYTES : (ptrdiff_t)guarded->size_bytes + (ptrdiff_t)after;
    guard_fill(zone_before(guarded));
    guard_fill(zone_after(guarded));
    return false;
}
