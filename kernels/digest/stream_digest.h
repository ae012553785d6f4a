/*
 * XXH3-64 of a stream that comes in pieces: as bytes or, where nobody here has those, as the sums of its blocks
 * (block_sums.h), which whoever has the bytes has made. The result is XXH3_64bits of the stream.
 */
#ifndef KERNELS_DIGEST_STREAM_DIGEST_H
#define KERNELS_DIGEST_STREAM_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/digest/block_sums.h"

struct stream_digest {
    uint64_t accumulators[DIGEST_LANES];           /* of the blocks before the last one that has begun */
    uint64_t length;                               /* of the stream so far */
    unsigned char end[STRIPE_BYTES + BLOCK_BYTES]; /* the last stripe of those blocks, and what there is of that one */
    size_t filled;                                 /* bytes of that one, 0 .. BLOCK_BYTES */
};

void stream_digest_begin(struct stream_digest *digest);

void stream_digest_add(struct stream_digest *digest, const void *bytes, size_t size_bytes);

/* Bytes that are missing before blocks can be added. */
size_t stream_digest_to_block(const struct stream_digest *digest);

/* Adds blocks by their sums, [num_blocks][DIGEST_LANES], num_blocks > 0, where none is begun; last_stripe is the end of
 * the last one. Another byte follows before the end of the stream: of its last block, whole or not, more than the sum
 * counts. */
void stream_digest_add_blocks(struct stream_digest *digest, const uint64_t *sums, size_t num_blocks,
                              const void *last_stripe);

uint64_t stream_digest_end(const struct stream_digest *digest);

#endif
