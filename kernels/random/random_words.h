/*
 * The words of counter-based random streams, on any device: word i of a stream is a pure function of (seed, stream, i).
 */
#ifndef KERNELS_RANDOM_RANDOM_WORDS_H
#define KERNELS_RANDOM_RANDOM_WORDS_H

#include "kernels/dialect/intrinsics.h"

/*
 * Philox4x32 (Salmon, Moraes, Dror and Shaw, SC 2011) keyed by the seed's two halves; word i is number i % 4 of counter
 * {low and high half of i / 4, stream, 0}. Seven rounds are the fewest that its authors found to pass BigCrush; ten,
 * the default of their library, Random123, cost half as much again: 0.73 ns a word against 0.48. Its header for C++
 * brings iostream into what nvcc compiles, and that libstdc++ into the program; tests compare with it.
 */
enum { RANDOM_ROUNDS = 7, COUNTER_WORDS = 4 };

#define PHILOX_MULTIPLIER_0 0xd2511f53u /* of words 0 and 2 */
#define PHILOX_MULTIPLIER_1 0xcd9e8d57u
#define PHILOX_WEYL_0 0x9e3779b9u /* what the halves of the key grow by from round to round */
#define PHILOX_WEYL_1 0xbb67ae85u

struct random_stream {
    uint64_t seed;
    uint32_t stream;
};

struct counter_words {
    uint32_t words[COUNTER_WORDS];
};

/* The words of one counter: those from 4 counter on. */
SIMT_FUNCTION struct counter_words words_of_counter(struct random_stream stream, uint64_t counter)
{
    struct counter_words block = {{(uint32_t)counter, (uint32_t)(counter >> 32), stream.stream, 0}};
    uint32_t *words = block.words, key0 = (uint32_t)stream.seed, key1 = (uint32_t)(stream.seed >> 32);
    SIMT_UNROLL
    for (int round = 0; round < RANDOM_ROUNDS; round++) {
        uint64_t product0 = (uint64_t)PHILOX_MULTIPLIER_0 * words[0],
                 product1 = (uint64_t)PHILOX_MULTIPLIER_1 * words[2];
        words[0] = (uint32_t)(product1 >> 32) ^ words[1] ^ key0;
        words[2] = (uint32_t)(product0 >> 32) ^ words[3] ^ key1;
        words[1] = (uint32_t)product1;
        words[3] = (uint32_t)product0;
        key0 += PHILOX_WEYL_0;
        key1 += PHILOX_WEYL_1;
    }
    return block;
}

#endif
