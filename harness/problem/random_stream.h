/*
 * Counter-based random numbers: word i of a stream is a pure function of (seed, stream, i), and a variate a pure
 * function of its word. The same bits on every machine: integer operations, + * and comparisons in a fixed order.
 */
#ifndef HARNESS_PROBLEM_RANDOM_STREAM_H
#define HARNESS_PROBLEM_RANDOM_STREAM_H

#include <stddef.h>

#include "kernels/random/random_words.h"

/* words[i] = word first + i of the stream, for i < count. */
void random_words(uint32_t *words, struct random_stream stream, uint64_t first, size_t count);

/*
 * values[i] = mean + stddev * z with two f32 roundings, where the word's top bit is the sign of z and its other 31
 * bits t are |z|'s upper tail probability (t + 1/2) / 2^32: |z| runs from 0 to 6.34. The error of z is in
 * normal_quantile.h.
 */
void random_normal(float *values, const uint32_t *words, size_t count, float mean, float stddev);

/* values[i] in [low, high), from the word's top 24 bits; low if low == high. Requires low <= high, both finite. */
void random_uniform(float *values, const uint32_t *words, size_t count, float low, float high);

#endif
