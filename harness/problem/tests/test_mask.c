/* Masks: every kind against its definition, and that a key's visibility depends on nothing but its place. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xxhash.h>

#include "harness/problem/mask.h"
#include "harness/problem/random_stream.h"
#include "harness/support/tests/scratch.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Keys 0, 3, 4, 8 of 16; eight keys and no more. */
static const struct mask_bits some_bits = {.name = "some", .bytes = (uint8_t[]){0x19, 0x01}, .size_bytes = 2};
static const struct mask_bits short_bits = {.name = "short", .bytes = (uint8_t[]){0xff}, .size_bytes = 1};

/* Oldest key first; '#' is visible, '.' removed. */
static void each_kind_removes_the_keys_it_says(void **state)
{
    (void)state;
    static const struct {
        struct mask_spec mask;
        const char *keys;
    } rows[] = {
        {{.kind = MASK_NONE}, "##########"},
        {{.kind = MASK_NONE}, "#"},
        {{.kind = MASK_ALL}, ".........."},
        {{.kind = MASK_ALL}, "."},
        {{.kind = MASK_HOLES, .holes = 0}, "##########"},
        {{.kind = MASK_HOLES, .holes = 1}, ".........."},
        {{.kind = MASK_WINDOW, .window = 3}, ".......###"},
        {{.kind = MASK_WINDOW, .window = 3, .sinks = 2}, "##.....###"},
        {{.kind = MASK_WINDOW, .window = 0, .sinks = 2}, "##........"},
        {{.kind = MASK_WINDOW, .window = 0}, ".........."},
        {{.kind = MASK_WINDOW, .window = 7, .sinks = 3}, "##########"},
        {{.kind = MASK_WINDOW, .window = 7, .sinks = 9}, "##########"},
        {{.kind = MASK_WINDOW, .window = 10}, "##########"},
        {{.kind = MASK_WINDOW, .window = 1000, .sinks = 1000}, "##########"},
        {{.kind = MASK_DROP_NEWEST, .drop_newest = 0}, "##########"},
        {{.kind = MASK_DROP_NEWEST, .drop_newest = 1}, "#########."},
        {{.kind = MASK_DROP_NEWEST, .drop_newest = 7}, "###......."},
        {{.kind = MASK_DROP_NEWEST, .drop_newest = 10}, ".........."},
        {{.kind = MASK_DROP_NEWEST, .drop_newest = 11}, ".........."},
        {{.kind = MASK_BLOCK, .block = 2, .keep_every = 2}, "##..##..##"},
        {{.kind = MASK_BLOCK, .block = 3, .keep_every = 3}, "###......#"},
        {{.kind = MASK_BLOCK, .block = 1, .keep_every = 4}, "#...#...#."},
        {{.kind = MASK_BLOCK, .block = 2, .keep_every = 1}, "##########"},
        {{.kind = MASK_BLOCK, .block = 10, .keep_every = 5}, "##########"},
        {{.kind = MASK_BLOCK, .block = 4, .keep_every = 100}, "####......"},
        {{.kind = MASK_PADDING, .padding = 0}, "##########"},
        {{.kind = MASK_PADDING, .padding = 4}, "....######"},
        {{.kind = MASK_PADDING, .padding = 10}, ".........."},
        {{.kind = MASK_PADDING, .padding = 11}, ".........."},
        {{.kind = MASK_GAP, .gap_from = 0, .gap_keys = 1}, ".#########"},
        {{.kind = MASK_GAP, .gap_from = 3, .gap_keys = 4}, "###....###"},
        {{.kind = MASK_GAP, .gap_from = 9, .gap_keys = 1}, "#########."},
        {{.kind = MASK_GAP, .gap_from = 0, .gap_keys = 10}, ".........."},
        {{.kind = MASK_GAP, .gap_from = 8, .gap_keys = INT64_MAX}, "########.."},
        {{.kind = MASK_FILE, .bits = &some_bits}, "#..##...#."},
        {{.kind = MASK_FILE, .bits = &some_bits}, "#..##...#"},
        {{.kind = MASK_FILE, .bits = &short_bits}, "########.."},
        {{.kind = MASK_WINDOW | MASK_DROP_NEWEST, .window = 5, .sinks = 2, .drop_newest = 2}, "##...###.."},
        {{.kind = MASK_WINDOW | MASK_GAP, .window = 5, .sinks = 1, .gap_from = 6, .gap_keys = 2}, "#....#..##"},
        {{.kind = MASK_FILE | MASK_PADDING, .padding = 1, .bits = &some_bits}, "...##...#."},
        {{.kind = MASK_BLOCK | MASK_PADDING | MASK_DROP_NEWEST,
          .block = 3,
          .keep_every = 2,
          .padding = 1,
          .drop_newest = 2},
         ".##...##.."},
        {{.kind = MASK_HOLES | MASK_PADDING, .holes = 0, .padding = 4}, "....######"},
        {{.kind = MASK_HOLES | MASK_WINDOW, .holes = 1, .window = 10}, ".........."},
        {{.kind = MASK_ALL | MASK_PADDING, .padding = 0}, ".........."},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        uint8_t visible[10];
        char text[11] = "";
        size_t seq_len = strlen(rows[r].keys);
        memset(visible, 0xa5, sizeof visible);
        mask_fill(visible, &rows[r].mask, (int64_t)seq_len, 5, 0, seq_len);
        for (size_t j = 0; j < seq_len; j++)
            text[j] = visible[j] == 1 ? '#' : visible[j] == 0 ? '.' : '?';
        assert_string_equal(text, rows[r].keys);
        for (size_t j = seq_len; j < sizeof visible; j++)
            assert_int_equal(visible[j], 0xa5);
    }
}

/* A key is removed as often as kinds remove it, of any range, and some kinds alone leave no key to two of them. */
static void each_kind_counts_by_itself(void **state)
{
    (void)state;
    enum { N = 3000, FIRST = 700 };
    const struct mask_spec mask = {.kind = MASK_HOLES | MASK_PADDING | MASK_WINDOW | MASK_DROP_NEWEST,
                                   .holes = 0.5,
                                   .padding = 1800,
                                   .window = 1500,
                                   .sinks = 9,
                                   .drop_newest = 40};
    uint8_t visible[N], counts[N], some[N - FIRST];
    int most = 0;
    mask_fill(visible, &mask, N, 7, 0, N);
    mask_count(counts, &mask, N, 7, 0, N);
    mask_count(some, &mask, N, 7, FIRST, N - FIRST);
    assert_memory_equal(some, counts + FIRST, N - FIRST);
    for (int key = 0; key < N; key++) {
        struct mask_spec holes = {.kind = MASK_HOLES, .holes = 0.5};
        uint8_t without_hole;
        mask_fill(&without_hole, &holes, N, 7, key, 1);
        int count = !without_hole + (key < 1800) + (key < 1500 && key >= 9) + (key >= N - 40);
        assert_int_equal(counts[key], count);
        assert_int_equal(visible[key], count == 0);
        most = count > most ? count : most;
    }
    assert_int_equal(most, 3);
    assert_true(mask_overlaps(&mask));
    assert_false(mask_overlaps(&(struct mask_spec){.kind = MASK_WINDOW}));
    assert_false(mask_overlaps(&(struct mask_spec){.kind = MASK_NONE}));
}

/* Binomial: within five standard deviations. A smaller P removes some of the keys that a larger one does. */
static void holes_are_as_frequent_as_they_should_be(void **state)
{
    (void)state;
    enum { N = 100000 };
    static const double shares[] = {0, 1e-3, 0.1, 0.5, 0.9, 1};
    uint8_t *fewer = malloc(N), *visible = malloc(N);
    memset(fewer, 1, N);
    for (size_t s = 0; s < COUNT(shares); s++) {
        double p = shares[s];
        int removed = 0;
        mask_fill(visible, &(struct mask_spec){.kind = MASK_HOLES, .holes = p}, N, 3, 0, N);
        for (int j = 0; j < N; j++) {
            removed += !visible[j];
            assert_true(visible[j] <= fewer[j]);
        }
        assert_true(fabs(removed - p * N) <= 5 * sqrt(N * p * (1 - p)));
        memcpy(fewer, visible, N);
    }
    free(visible);
    free(fewer);
}

/* Removed keys of two seeds, and those of a key and its neighbour, are independent: a quarter agree on both. */
static void holes_of_seeds_and_of_neighbours_are_independent(void **state)
{
    (void)state;
    enum { N = 100000 };
    uint8_t *a = malloc(N), *b = malloc(N);
    const struct mask_spec half = {.kind = MASK_HOLES, .holes = 0.5};
    mask_fill(a, &half, N, 3, 0, N);
    mask_fill(b, &half, N, 4, 0, N);
    int both = 0, pairs = 0;
    for (int j = 0; j + 1 < N; j++) {
        both += a[j] && b[j];
        pairs += a[j] && a[j + 1];
    }
    assert_true(abs(both - N / 4) < 5 * 137);  /* sqrt(N 3/16) */
    assert_true(abs(pairs - N / 4) < 5 * 177); /* neighbours overlap: sqrt(N 5/16) */
    free(b);
    free(a);
}

static void a_range_alone_is_the_range_in_bulk(void **state)
{
    (void)state;
    enum { N = 5000 };
    uint8_t bytes[N / 8 + 1], bulk[N], range[N];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * i + 1);
    const struct mask_bits bits = {.bytes = bytes, .size_bytes = sizeof bytes};
    const struct mask_spec masks[] = {
        {.kind = MASK_NONE},
        {.kind = MASK_ALL},
        {.kind = MASK_HOLES, .holes = 0.3},
        {.kind = MASK_WINDOW, .window = 900, .sinks = 70},
        {.kind = MASK_DROP_NEWEST, .drop_newest = 1234},
        {.kind = MASK_BLOCK, .block = 48, .keep_every = 3},
        {.kind = MASK_PADDING, .padding = 77},
        {.kind = MASK_GAP, .gap_from = 1000, .gap_keys = 1001},
        {.kind = MASK_FILE, .bits = &bits},
        {.kind = MASK_HOLES | MASK_BLOCK | MASK_FILE, .holes = 0.3, .block = 48, .keep_every = 3, .bits = &bits},
    };
    _Static_assert(COUNT(masks) == MASK_KINDS + 2, "every kind, none and several");
    for (size_t kind = 0; kind < COUNT(masks); kind++) {
        mask_fill(bulk, &masks[kind], N, 9, 0, N);
        for (int64_t first = 0; first < N; first = 3 * first + 1)
            for (int64_t count = 0; first + count <= N; count = 2 * count + 1) {
                memset(range, 0xa5, sizeof range);
                mask_fill(range, &masks[kind], N, 9, first, (size_t)count);
                assert_memory_equal(range, bulk + first, (size_t)count);
                if (count < N)
                    assert_int_equal(range[count], 0xa5);
            }
    }
}

/* Whatever the kinds: a key is visible where it is for each of them alone. */
static void several_kinds_keep_what_each_of_them_keeps(void **state)
{
    (void)state;
    enum { N = 600 };
    uint8_t bytes[N / 8 + 1], together[N], alone[N], expected[N];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(0xff - (i % 7 == 0));
    const struct mask_bits bits = {.bytes = bytes, .size_bytes = sizeof bytes};
    struct mask_spec mask = {.holes = 0.05,
                             .window = 500,
                             .sinks = 20,
                             .drop_newest = 10,
                             .padding = 5,
                             .block = 40,
                             .keep_every = 1,
                             .gap_from = 300,
                             .gap_keys = 33,
                             .bits = &bits};
    for (unsigned kinds = 0; kinds < 1u << MASK_KINDS; kinds++) {
        memset(expected, 1, N);
        for (unsigned kind = 1; kind < 1u << MASK_KINDS; kind *= 2) {
            mask.kind = (enum mask_kind)(kinds & kind);
            mask_fill(alone, &mask, N, 3, 0, N);
            for (int j = 0; j < N; j++)
                expected[j] &= alone[j];
        }
        mask.kind = (enum mask_kind)kinds;
        mask_fill(together, &mask, N, 3, 0, N);
        assert_memory_equal(together, expected, N);
    }
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void a_bit_file_is_read_as_it_is_or_refused(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x19, 0x01, 0x00, 0x80};
    char folder[SCRATCH_SIZE], path[SCRATCH_PATH_SIZE];
    struct mask_bits *bits;
    struct error error;
    assert_non_null(scratch_folder(folder, "test_mask"));
    snprintf(path, sizeof path, "%s/bits", folder);
    assert_int_equal(mask_bits_read(&bits, "b", path, 4, &error), ERROR_USAGE);
    assert_string_equal(error.text, "cannot be opened (No such file or directory)");
    assert_null(bits);
    assert_int_equal(mask_bits_read(&bits, "b", folder, 4, &error), ERROR_USAGE);
    assert_string_equal(error.text, "is not a regular file");
    write_file(path, bytes, 0);
    assert_int_equal(mask_bits_read(&bits, "b", path, 4, &error), ERROR_USAGE);
    assert_string_equal(error.text, "has 0 bytes");
    write_file(path, bytes, sizeof bytes);
    assert_int_equal(mask_bits_read(&bits, "b", path, 3, &error), ERROR_USAGE);
    assert_string_equal(error.text, "has 4 bytes");
    assert_int_equal(mask_bits_read(&bits, "b", path, 4, &error), ERROR_NONE);
    assert_string_equal(bits->name, "b");
    assert_int_equal(bits->size_bytes, 4);
    for (int key = 0; key < 64; key++)
        assert_int_equal(mask_bits_visible(bits, key), key == 0 || key == 3 || key == 4 || key == 8 || key == 31);
    mask_bits_free(bits);
    mask_bits_free(NULL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* Key j of a longer cache has the holes of a shorter one, and they come from a stream of their own. */
static void holes_are_words_of_the_masks_stream(void **state)
{
    (void)state;
    enum { N = 3000 };
    uint8_t visible[N];
    uint32_t words[N];
    mask_fill(visible, &(struct mask_spec){.kind = MASK_HOLES, .holes = 0.25}, N, 11, 0, N);
    random_words(words, (struct random_stream){11, MASK_STREAM}, 0, N);
    for (int j = 0; j < N; j++)
        assert_int_equal(visible[j], words[j] >= UINT32_C(1) << 30);
}

/* A change here means that every committed baseline with holes describes other inputs. */
static void the_bits_never_change(void **state)
{
    (void)state;
    enum { N = 3000 };
    uint8_t visible[N];
    mask_fill(visible, &(struct mask_spec){.kind = MASK_HOLES, .holes = 0.3}, N, 7, 0, N);
    uint64_t digest = XXH64(visible, N, 0);
    if (digest != UINT64_C(0x810ff514148708d8))
        fail_msg("digest 0x%016llx", (unsigned long long)digest);
}

static void specs_are_equal_if_every_field_is(void **state)
{
    (void)state;
    static const struct mask_spec none,
        others[] = {
            {.kind = MASK_ALL}, {.holes = 0.5},  {.window = 1},        {.sinks = 1},
            {.drop_newest = 1}, {.padding = 1},  {.block = 1},         {.keep_every = 1},
            {.gap_from = 1},    {.gap_keys = 1}, {.bits = &some_bits},
        };
    assert_true(mask_spec_equal(&none, &none));
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_true(mask_spec_equal(&others[i], &others[i]));
        assert_false(mask_spec_equal(&none, &others[i]));
    }
    /* Files are equal by their bytes, whatever they are called. */
    struct mask_bits same = {.name = "other", .bytes = (uint8_t[]){0x19, 0x01}, .size_bytes = 2}, longer = same;
    assert_true(mask_spec_equal(&(struct mask_spec){.bits = &some_bits}, &(struct mask_spec){.bits = &same}));
    assert_false(mask_spec_equal(&(struct mask_spec){.bits = &some_bits}, &(struct mask_spec){.bits = &short_bits}));
    longer.size_bytes = 1;
    assert_false(mask_spec_equal(&(struct mask_spec){.bits = &same}, &(struct mask_spec){.bits = &longer}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_removes_the_keys_it_says),
        cmocka_unit_test(each_kind_counts_by_itself),
        cmocka_unit_test(holes_are_as_frequent_as_they_should_be),
        cmocka_unit_test(holes_of_seeds_and_of_neighbours_are_independent),
        cmocka_unit_test(a_range_alone_is_the_range_in_bulk),
        cmocka_unit_test(several_kinds_keep_what_each_of_them_keeps),
        cmocka_unit_test(a_bit_file_is_read_as_it_is_or_refused),
        cmocka_unit_test(holes_are_words_of_the_masks_stream),
        cmocka_unit_test(the_bits_never_change),
        cmocka_unit_test(specs_are_equal_if_every_field_is),
    };
    return cmocka_run_group_tests_name("mask", tests, NULL, NULL) ? 1 : 0;
}
