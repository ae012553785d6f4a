/* Digests of streams in pieces, of bytes and of the sums of blocks, against the library's of the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xxhash.h>

#include "kernels/digest/stream_digest.h"

enum { MOST_BYTES = 40 * BLOCK_BYTES };

static unsigned char stream[MOST_BYTES];
static uint64_t drawn = 1;

/* 0 .. below - 1. */
static size_t draw(size_t below)
{
    drawn = drawn * 6364136223846793005u + 1442695040888963407u;
    return (size_t)((drawn >> 33) % below);
}

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < MOST_BYTES; i++)
        stream[i] = (unsigned char)draw(256);
    return 0;
}

/* Adds num_blocks blocks of the stream by their sums, made of rows of row_words that stand apart, by some threads. */
static void add_sums(struct stream_digest *digest, size_t num_blocks, size_t row_words, size_t threads)
{
    size_t begin = digest->length, words = begin / 8 + num_blocks * BLOCK_BYTES / 8, num_rows = words / row_words + 1;
    size_t stride = row_words + draw(3);
    uint64_t *rows = malloc(num_rows * stride * sizeof *rows), *sums = malloc(num_blocks * DIGEST_LANES * sizeof *sums);
    assert_true(rows && sums);
    memset(rows, 0xee, num_rows * stride * sizeof *rows);
    for (size_t word = 0; word < words; word++)
        memcpy(&rows[word / row_words * stride + word % row_words], stream + 8 * word, 8);
    const struct block_rows blocks = {rows, row_words, stride, begin / 8, num_blocks};
    for (size_t thread = 0; thread < threads; thread++)
        sum_blocks_in(&blocks, digest_secret, sums, thread, threads);
    stream_digest_add_blocks(digest, sums, num_blocks, stream + begin + num_blocks * BLOCK_BYTES - STRIPE_BYTES);
    free(rows);
    free(sums);
}

/* The first `length` bytes of the stream, in pieces of `piece` bytes at most or, of 0, of any; with_sums: some blocks
 * by their sums. */
static void assert_digest(size_t length, size_t piece, bool with_sums)
{
    struct stream_digest digest;
    stream_digest_begin(&digest);
    while (digest.length < length) {
        size_t left = length - digest.length, blocks = (left - 1) / BLOCK_BYTES;
        if (with_sums && stream_digest_to_block(&digest) == 0 && blocks > 0 && draw(3) > 0) {
            add_sums(&digest, 1 + draw(blocks), 1 + draw(300), 1 + draw(9));
            continue;
        }
        size_t most = piece ? piece : 1 + draw(2 * BLOCK_BYTES);
        if (with_sums && stream_digest_to_block(&digest) > 0 && draw(2))
            most = stream_digest_to_block(&digest);
        stream_digest_add(&digest, stream + digest.length, left < most ? left : most);
    }
    if (stream_digest_end(&digest) != XXH3_64bits(stream, length))
        fail_msg("%zu bytes, in pieces of %zu%s", length, piece, with_sums ? ", some by their sums" : "");
}

static void test_digests_of_bytes_are_the_librarys(void **state)
{
    static const size_t pieces[] = {1, 7, 64, 1000, 1024, 1025, MOST_BYTES, 0};
    (void)state;
    for (size_t length = 0; length <= 3000; length++)
        for (size_t p = length % 5 ? 6 : 0; p < sizeof pieces / sizeof *pieces; p++)
            assert_digest(length, pieces[p], false);
    for (size_t blocks = 3; blocks < 40; blocks++)
        for (int off = -65; off <= 65; off++)
            assert_digest((size_t)((int)blocks * BLOCK_BYTES + off), 0, false);
}

static void test_digests_with_sums_of_blocks_are_the_librarys(void **state)
{
    static const int offs[] = {-65, -64, -63, -1, 0, 1, 4, 63, 64, 65, 500};
    (void)state;
    for (size_t blocks = 1; blocks < 39; blocks++)
        for (size_t i = 0; i < sizeof offs / sizeof *offs; i++)
            for (int turn = 0; turn < 4; turn++)
                assert_digest((size_t)((int)blocks * BLOCK_BYTES + offs[i]), 0, true);
    for (int turn = 0; turn < 300; turn++)
        assert_digest(1 + draw(MOST_BYTES), 0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digests_of_bytes_are_the_librarys),
        cmocka_unit_test(test_digests_with_sums_of_blocks_are_the_librarys),
    };
    return cmocka_run_group_tests_name("stream_digest", tests, fill, NULL);
}
