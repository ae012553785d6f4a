/*
 * What dump_functions.cu writes of a GPU's functions, and how it is read again.
 *
 * A file is a row of sections: a struct section, then `bytes` bytes. SECTION_RUN: results at `count` consecutive bit
 * patterns from `first`. SECTION_SAMPLES: those at sample_input(0 .. count-1). Both are packed: of the sequence of
 * results' bits, the second differences (run) or the results themselves (samples) as unsigned varints of zigzag
 * numbers, 3 bits and a continuation bit a nibble, least significant nibble first. SECTION_DIGESTS: one uint64_t for
 * each of the `count` blocks of 2^32 / count consecutive bit patterns: the sum, modulo 2^64, of result_mix over its
 * inputs. Every NaN is 0x7fffffff. All numbers are little-endian.
 */
#ifndef KERNELS_PROBE_FUNCTION_DUMP_H
#define KERNELS_PROBE_FUNCTION_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __CUDACC__
#define DUMP_FUNCTION __host__ __device__ static inline
#else
#define DUMP_FUNCTION static inline
#endif

enum function {
    FUNCTION_EX2_APPROX,
    FUNCTION_RCP_APPROX,
    FUNCTION_LG2_APPROX,
    FUNCTION_EXP2,
    FUNCTION_EXP,
    FUNCTION_EXP_FAST,
    FUNCTION_COUNT
};

/* [enum function] */
#define FUNCTION_NAMES                                                                              \
    {                                                                                               \
        "ex2.approx.ftz.f32", "rcp.approx.ftz.f32", "lg2.approx.ftz.f32", "exp2f", "expf", "__expf" \
    }

enum section_kind { SECTION_RUN = 1, SECTION_SAMPLES, SECTION_DIGESTS };

/* A block of inputs has a digest. */
enum { DIGEST_BLOCKS = 4096, BLOCK_INPUTS = 1 << 20 };

enum { SECTION_MAGIC = 0x706d7564, EXPONENT_SAMPLES = 512, SAMPLES = 512 * EXPONENT_SAMPLES };

struct section {
    uint32_t magic, kind, function, first, count, bytes;
    uint64_t digest; /* of a run or samples: the sum of result_mix; of digests: their sum */
};

/* The finaliser of splitmix64 (Steele, Lea and Flood, 2014). */
DUMP_FUNCTION uint64_t mix64(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

DUMP_FUNCTION uint64_t result_mix(uint32_t input, uint32_t result)
{
    return mix64((uint64_t)input << 32 | result);
}

/* Of every sign and exponent: the first 64 and the last 64 significands, and others spread between them. */
DUMP_FUNCTION uint32_t sample_input(uint32_t i)
{
    uint32_t octave = i / EXPONENT_SAMPLES, j = i % EXPONENT_SAMPLES;
    uint32_t fraction = j < 64 ? j : j < 128 ? 0x7fffffu - (j - 64) : (uint32_t)mix64(i) & 0x7fffffu;
    return octave << 23 | fraction;
}

/* Writes count results to packed, which has room for 11 nibbles each and one more byte; returns its bytes. */
static inline size_t pack_results(uint32_t kind, const uint32_t *results, size_t count, unsigned char *packed)
{
    size_t nibbles = 0;
    uint32_t value = 0, slope = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t difference = results[i] - (kind == SECTION_RUN ? value + slope : 0);
        uint32_t zigzag = difference << 1 ^ (difference >> 31 ? UINT32_MAX : 0);
        slope = i > 0 ? results[i] - value : 0;
        value = results[i];
        do {
            unsigned nibble = (zigzag & 7u) | (zigzag > 7u ? 8u : 0u);
            if (nibbles % 2 == 0)
                packed[nibbles / 2] = (unsigned char)nibble;
            else
                packed[nibbles / 2] = (unsigned char)(packed[nibbles / 2] | nibble << 4);
            nibbles++;
            zigzag >>= 3;
        } while (zigzag > 0);
    }
    return (nibbles + 1) / 2;
}

/* The reverse; false where bytes end too early or are left over. */
static inline bool unpack_results(uint32_t kind, const unsigned char *packed, size_t bytes, uint32_t *results,
                                  size_t count)
{
    size_t nibbles = 0;
    uint32_t value = 0, slope = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t zigzag = 0;
        unsigned nibble, shift = 0;
        do {
            if (nibbles / 2 >= bytes || shift > 30)
                return false;
            nibble = packed[nibbles / 2] >> nibbles % 2 * 4 & 15u;
            zigzag |= (nibble & 7u) << shift;
            nibbles++;
            shift += 3;
        } while (nibble & 8u);
        uint32_t difference = zigzag >> 1 ^ (zigzag & 1u ? UINT32_MAX : 0);
        uint32_t result = difference + (kind == SECTION_RUN ? value + slope : 0);
        slope = i > 0 ? result - value : 0;
        value = result;
        results[i] = result;
    }
    return (nibbles + 1) / 2 == bytes;
}

#endif
