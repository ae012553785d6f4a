/* Names are those of the specification (block_sums.h): what is done to the accumulators, and why, is there. */
#include "kernels/digest/stream_digest.h"

#include <string.h>

#include <xxhash.h>

enum { SHORT_BYTES = 240, LAST_STRIPE_SECRET = 192 - STRIPE_BYTES - 7, MERGE_SECRET = 11 };

static const uint64_t PRIME32_1 = 0x9e3779b1u, PRIME32_2 = 0x85ebca77u, PRIME32_3 = 0xc2b2ae3du,
                      PRIME64_1 = 0x9e3779b185ebca87u, PRIME64_2 = 0xc2b2ae3d27d4eb4fu, PRIME64_3 = 0x165667b19e3779f9u,
                      PRIME64_4 = 0x85ebca77c2b2ae63u, PRIME64_5 = 0x27d4eb2f165667c5u, PRIME_MX1 = 0x165667919e3779f9u;

static uint64_t word_at(const void *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word); /* little-endian, as all that is hashed here */
    return word;
}

void stream_digest_begin(struct stream_digest *digest)
{
    *digest = (struct stream_digest){
        {PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1}, 0, {0}, 0};
}

/* secret: of the stripe, at any byte. */
static void add_stripe(uint64_t *accumulators, const unsigned char *stripe, const unsigned char *secret)
{
    for (int lane = 0; lane < DIGEST_LANES; lane++) {
        uint64_t word = word_at(stripe + 8 * lane);
        accumulators[lane ^ 1] += word;
        accumulators[lane] += stripe_product(word, word_at(secret + 8 * lane));
    }
}

static const unsigned char *secret_at(size_t byte)
{
    return (const unsigned char *)digest_secret + byte;
}

static void add_stripes(uint64_t *accumulators, const unsigned char *block, size_t num_stripes)
{
    for (size_t stripe = 0; stripe < num_stripes; stripe++)
        add_stripe(accumulators, block + stripe * STRIPE_BYTES, secret_at(8 * stripe));
}

static void scramble(uint64_t *accumulators)
{
    for (int lane = 0; lane < DIGEST_LANES; lane++) {
        uint64_t mixed = accumulators[lane] ^ accumulators[lane] >> 47;
        accumulators[lane] = (mixed ^ digest_secret[SECRET_WORDS - DIGEST_LANES + lane]) * PRIME32_1;
    }
}

/* Takes the block that is whole, of a stream that goes on behind it. */
static void end_block(struct stream_digest *digest)
{
    add_stripes(digest->accumulators, digest->end + STRIPE_BYTES, BLOCK_STRIPES);
    scramble(digest->accumulators);
    memcpy(digest->end, digest->end + BLOCK_BYTES, STRIPE_BYTES);
    digest->filled = 0;
}

void stream_digest_add(struct stream_digest *digest, const void *bytes, size_t size_bytes)
{
    const unsigned char *from = bytes;
    digest->length += size_bytes;
    while (size_bytes > 0) {
        if (digest->filled == BLOCK_BYTES)
            end_block(digest);
        size_t room = BLOCK_BYTES - digest->filled, taken = size_bytes < room ? size_bytes : room;
        memcpy(digest->end + STRIPE_BYTES + digest->filled, from, taken);
        digest->filled += taken;
        from += taken;
        size_bytes -= taken;
    }
}

size_t stream_digest_to_block(const struct stream_digest *digest)
{
    return digest->filled == 0 ? 0 : BLOCK_BYTES - digest->filled;
}

void stream_digest_add_blocks(struct stream_digest *digest, const uint64_t *sums, size_t num_blocks,
                              const void *last_stripe)
{
    if (digest->filled == BLOCK_BYTES)
        end_block(digest);
    for (size_t block = 0; block < num_blocks; block++) {
        for (int lane = 0; lane < DIGEST_LANES; lane++)
            digest->accumulators[lane] += sums[block * DIGEST_LANES + (size_t)lane];
        scramble(digest->accumulators);
    }
    memcpy(digest->end, last_stripe, STRIPE_BYTES);
    digest->length += (uint64_t)num_blocks * BLOCK_BYTES;
}

/* The two halves of a product of 128 bits, one over the other. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t merge(const uint64_t *accumulators, uint64_t length)
{
    uint64_t merged = length * PRIME64_1;
    for (size_t lane = 0; lane < DIGEST_LANES; lane += 2)
        merged += fold(accumulators[lane] ^ word_at(secret_at(MERGE_SECRET + 8 * lane)),
                       accumulators[lane + 1] ^ word_at(secret_at(MERGE_SECRET + 8 * lane + 8)));
    merged = (merged ^ merged >> 37) * PRIME_MX1;
    return merged ^ merged >> 32;
}

uint64_t stream_digest_end(const struct stream_digest *digest)
{
    uint64_t accumulators[DIGEST_LANES];
    if (digest->length <= SHORT_BYTES) /* of which the sums of blocks are no part */
        return XXH3_64bits(digest->end + STRIPE_BYTES, digest->filled);
    memcpy(accumulators, digest->accumulators, sizeof accumulators);
    add_stripes(accumulators, digest->end + STRIPE_BYTES, (digest->filled - 1) / STRIPE_BYTES);
    add_stripe(accumulators, digest->end + digest->filled, secret_at(LAST_STRIPE_SECRET));
    return merge(accumulators, digest->length);
}
