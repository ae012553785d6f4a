#include "kernels/device/guard.h"

#include <stdint.h>

/* The multiplier is odd: no two bytes within 256 of each other are equal, so a zone holds no element of equal bytes. */
static unsigned char pattern(enum guard guard, size_t offset)
{
    return guard == GUARD_NAN ? 0xff : (unsigned char)(0xa7 + 0x3b * offset + (offset >> 8));
}

void guard_fill(void *zone, enum guard guard)
{
    for (size_t i = 0; i < GUARD_BYTES; i++)
        ((unsigned char *)zone)[i] = pattern(guard, i);
}

size_t guard_changed(const void *zone, enum guard guard)
{
    size_t i = 0;
    while (i < GUARD_BYTES && ((const unsigned char *)zone)[i] == pattern(guard, i))
        i++;
    return i;
}
