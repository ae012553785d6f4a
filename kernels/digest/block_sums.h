/*
 * What of a digest can be computed of each of its blocks alone, on any device.
 *
 * XXH3-64 of more than 240 bytes (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md, "XXH3 Algorithm
 * Overview", "Accumulation") keeps eight accumulators. A stripe of 64 bytes adds to each what depends on the stripe and
 * its place in its block alone; after each block of 1024 bytes, 16 stripes with the default secret, all are scrambled.
 * So a block's sum of what its stripes add is made anywhere, in any order, and stream_digest.h chains the sums.
 */
#ifndef KERNELS_DIGEST_BLOCK_SUMS_H
#define KERNELS_DIGEST_BLOCK_SUMS_H

#include "kernels/dialect/intrinsics.h"

enum {
    DIGEST_LANES = 8, /* accumulators, and 64-bit words of a stripe */
    STRIPE_BYTES = 64,
    BLOCK_STRIPES = 16,
    BLOCK_BYTES = BLOCK_STRIPES * STRIPE_BYTES,
    BLOCK_PAIRS = DIGEST_LANES / 2,
    SECRET_WORDS = 24
};

#ifdef __CUDACC__
#define DIGEST_TABLE static __device__ const
#else
#define DIGEST_TABLE static const
#endif

/* The default secret, 192 bytes, as little-endian words. */
DIGEST_TABLE uint64_t digest_secret[SECRET_WORDS] = {
    0xbe4ba423396cfeb8, 0x1cad21f72c81017c, 0xdb979083e96dd4de, 0x1f67b3b7a4a44072, 0x78e5c0cc4ee679cb,
    0x2172ffcc7dd05a82, 0x8e2443f7744608b8, 0x4c263a81e69035e0, 0xcb00c391bb52283c, 0xa32e531b8b65d088,
    0x4ef90da297486471, 0xd8acdea946ef1938, 0x3f349ce33f76faa8, 0x1d4f0bc7c7bbdcf9, 0x3159b4cd4be0518a,
    0x647378d9c97e9fc8, 0xc3ebd33483acc5ea, 0xeb6313faffa081c5, 0x49daf0b751dd0d17, 0x9e68d429265516d3,
    0xfca1477d58be162b, 0xce31d07ad1b8f88f, 0x280416958f3acb45, 0x7e404bbbcafbd7af,
};

/*
 * Blocks of a stream that is the rows of a tensor in memory side by side, while there they stand apart. Numbers are of
 * 64-bit words: a row has row_words, the next one begins stride_words behind it, and the first block begins first_word
 * words from the first row's begin, as they are counted in the stream.
 */
struct block_rows {
    const uint64_t *rows;
    uint64_t row_words, stride_words, first_word, num_blocks;
};

/* One lane of a stripe: what its word adds to its own accumulator, beside the word itself, which its neighbour gets. */
SIMT_FUNCTION uint64_t stripe_product(uint64_t word, uint64_t secret)
{
    uint64_t keyed = word ^ secret;
    return (keyed & 0xffffffffu) * (keyed >> 32);
}

/* Lanes 2 pair and 2 pair + 1 of the sum of block `block`, into sums[2]. */
SIMT_FUNCTION void sum_pair(const struct block_rows *blocks, const uint64_t *secret, uint64_t block, int pair,
                            uint64_t *sums)
{
    uint64_t word = blocks->first_word + block * (BLOCK_BYTES / 8) + (uint64_t)(2 * pair), low = 0, high = 0;
    uint64_t row = word / blocks->row_words, column = word % blocks->row_words;
    SIMT_UNROLL
    for (int stripe = 0; stripe < BLOCK_STRIPES; stripe++) {
        uint64_t next_row = row, next_column = column + 1;
        if (next_column == blocks->row_words) {
            next_column = 0;
            next_row++;
        }
        uint64_t first = blocks->rows[row * blocks->stride_words + column];
        uint64_t second = blocks->rows[next_row * blocks->stride_words + next_column];
        low += second + stripe_product(first, secret[stripe + 2 * pair]);
        high += first + stripe_product(second, secret[stripe + 2 * pair + 1]);
        column += DIGEST_LANES;
        while (column >= blocks->row_words) {
            column -= blocks->row_words;
            row++;
        }
    }
    sums[0] = low;
    sums[1] = high;
}

/* sums[num_blocks][DIGEST_LANES]: what thread number `thread` of `threads` makes of them. secret is digest_secret, or a
 * copy of it that is nearer. */
SIMT_FUNCTION void sum_blocks_in(const struct block_rows *blocks, const uint64_t *secret, uint64_t *sums,
                                 uint64_t thread, uint64_t threads)
{
    for (uint64_t i = thread; i < blocks->num_blocks * BLOCK_PAIRS; i += threads)
        sum_pair(blocks, secret, i / BLOCK_PAIRS, (int)(i % BLOCK_PAIRS), sums + 2 * i);
}

#endif
