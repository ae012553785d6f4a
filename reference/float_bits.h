/* The 32 bits of a float as an integer, and back. The kernels' dialect has the same two on a GPU (intrinsics.h). */
#ifndef REFERENCE_FLOAT_BITS_H
#define REFERENCE_FLOAT_BITS_H

#include <stdint.h>
#include <string.h>

static inline uint32_t float_to_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
