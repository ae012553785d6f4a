/* Pages of a pool: every key is where the table says, and what is nobody's holds NaN. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/subject/paged_cache.h"
#include "harness/subject/tensor_strides.h"
#include "kernels/device/kv_cache.h"

enum { SEQUENCES = 3, KV_HEADS = 2, DIM = 3, ROW = KV_HEADS * DIM, LONGEST = 40 };

struct fixture {
    float kv[SEQUENCES][2][LONGEST * ROW];
    struct problem problems[SEQUENCES];
    struct output outputs[SEQUENCES];
    struct sequences sequences;
};

static void make(struct fixture *fixture, const int lengths[SEQUENCES])
{
    memset(fixture, 0, sizeof *fixture);
    fixture->sequences = (struct sequences){fixture->problems, fixture->outputs, SEQUENCES, NULL, NULL, false};
    for (int i = 0; i < SEQUENCES; i++) {
        for (int n = 0; n < LONGEST * ROW; n++) {
            fixture->kv[i][0][n] = (float)(1000 * i + n);
            fixture->kv[i][1][n] = -(float)(1000 * i + n);
        }
        fixture->problems[i] = (struct problem){.seq_len = lengths[i],
                                                .num_heads = KV_HEADS,
                                                .num_kv_heads = KV_HEADS,
                                                .head_dim = DIM,
                                                .dtype = DTYPE_F32,
                                                .k = fixture->kv[i][0],
                                                .v = fixture->kv[i][1]};
    }
}

/* Every slot of the pool is a key of one sequence, once, or NaN. */
static void assert_laid_out(const struct fixture *fixture, const struct page_setting *setting)
{
    struct paged_cache cache;
    struct error error;
    int64_t longest = 0, pages = 0;
    assert_int_equal(paged_cache_lay_out(&cache, &fixture->sequences, setting, &error), ERROR_NONE);
    char *taken = calloc((size_t)cache.num_pages * (size_t)setting->size, 1);
    assert_non_null(taken);
    for (int i = 0; i < SEQUENCES; i++) {
        int64_t seq_len = fixture->problems[i].seq_len, own = (seq_len + setting->size - 1) / setting->size;
        longest = own > longest ? own : longest;
        pages += own;
        assert_int_equal(cache.seq_lens[i], seq_len);
        for (int64_t key = 0; key < seq_len; key++) {
            int32_t page = cache.block_table[i * cache.max_pages + key / setting->size];
            assert_in_range(page, 0, cache.num_pages - 1);
            size_t slot = (size_t)page * (size_t)setting->size + (size_t)(key % setting->size);
            assert_int_equal(taken[slot]++, 0);
            assert_memory_equal((const float *)cache.k + slot * ROW, fixture->kv[i][0] + key * ROW,
                                ROW * sizeof(float));
            assert_memory_equal((const float *)cache.v + slot * ROW, fixture->kv[i][1] + key * ROW,
                                ROW * sizeof(float));
        }
    }
    longest = longest > 0 ? longest : 1;
    assert_int_equal(cache.max_pages, longest + 1 + (setting->wide ? 2 * longest + 8 : 0)); /* no row is as long as the
                                                                                             * longest sequence */
    assert_int_equal(cache.num_pages, setting->pool > pages ? setting->pool : pages + 1);
    for (int64_t slot = 0; slot < cache.num_pages * setting->size; slot++)
        for (int n = 0; n < ROW && !taken[slot]; n++)
            assert_true(isnan(((const float *)cache.k)[slot * ROW + n]) &&
                        isnan(((const float *)cache.v)[slot * ROW + n]));
    for (int i = 0; i < SEQUENCES; i++) /* behind its pages a sequence's row is of one that no key is in */
        for (int64_t n = (fixture->problems[i].seq_len + setting->size - 1) / setting->size; n < cache.max_pages; n++)
            for (int slot = 0; slot < setting->size; slot++)
                assert_false(taken[cache.block_table[i * cache.max_pages + n] * setting->size + slot]);
    free(taken);
    paged_cache_clear(&cache);
}

static void test_every_key_is_where_the_table_says(void **state)
{
    (void)state;
    static const int lengths[][SEQUENCES] = {{17, 40, 1}, {16, 0, 32}, {0, 0, 0}, {40, 40, 40}};
    static const struct page_setting settings[] = {{.size = 16},
                                                   {.size = 16, .seed = 5, .pool = 30},
                                                   {.size = 1, .seed = 1},
                                                   {.size = 7, .seed = 2, .pool = 200},
                                                   {.size = 64, .seed = 3},
                                                   {.size = 16, .seed = 1, .pool = 3},
                                                   {.size = 16, .seed = 7, .wide = true},
                                                   {.size = 1, .seed = 8, .wide = true}};
    static struct fixture fixture;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (size_t s = 0; s < sizeof settings / sizeof settings[0]; s++) {
            make(&fixture, lengths[i]);
            assert_laid_out(&fixture, &settings[s]);
        }
}

/* As many columns as a server's table would have that admits so long a sequence, and not very many. */
static void test_a_wide_table_has_an_end(void **state)
{
    static const struct {
        int size;
        int64_t most_keys;
        int columns;
    } rows[] = {{4, 0, 39}, {4, 40, 11}, {4, 48, 13}, {4, 1 << 20, 39}, {4, 12, 11}, {1, 0, 129}};
    static struct fixture fixture;
    (void)state;
    make(&fixture, (const int[]){40, 3, 17});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct page_setting setting = {.size = rows[i].size, .wide = true, .most_keys = rows[i].most_keys};
        struct paged_cache cache;
        struct error error;
        assert_int_equal(paged_cache_lay_out(&cache, &fixture.sequences, &setting, &error), ERROR_NONE);
        assert_int_equal(cache.max_pages, rows[i].columns);
        paged_cache_clear(&cache);
    }
}

static void test_another_seed_puts_pages_elsewhere(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct paged_cache a, b;
    struct error error;
    make(&fixture, (const int[]){40, 40, 17});
    assert_int_equal(paged_cache_lay_out(&a, &fixture.sequences, &(struct page_setting){.size = 4, .seed = 1}, &error),
                     ERROR_NONE);
    assert_int_equal(paged_cache_lay_out(&b, &fixture.sequences, &(struct page_setting){.size = 4, .seed = 2}, &error),
                     ERROR_NONE);
    assert_true(memcmp(a.block_table, b.block_table, SEQUENCES * 10 * sizeof(int32_t)) != 0);
    paged_cache_clear(&a);
    paged_cache_clear(&b);
    paged_cache_clear(&b);
}

static void test_slots_of_the_last_page_are_the_problem_s(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct paged_cache cache;
    struct error error;
    make(&fixture, (const int[]){5, 5, 5});
    for (int i = 0; i < SEQUENCES; i++)
        fixture.problems[i].kv_slots = 2;
    assert_int_equal(
        paged_cache_lay_out(&cache, &fixture.sequences, &(struct page_setting){.size = 8, .seed = 1}, &error), 0);
    const float *page = (const float *)cache.k + (size_t)cache.block_table[cache.max_pages] * 8 * ROW;
    assert_memory_equal(page, fixture.kv[1][0], 7 * ROW * sizeof(float));
    assert_true(isnan(page[7 * ROW]));
    assert_int_equal(cache.seq_lens[1], 5);
    paged_cache_clear(&cache);
}

/* Each key is where it was among the pages that there are, whose numbers are others; sizes of a page's rows and pages.
 */
static void test_pages_become_the_last_of_a_pool(void **state)
{
    (void)state;
    static struct fixture fixture;
    static const int sizes[] = {1, 16, 64, 20000};
    make(&fixture, (const int[]){40, 1, 17});
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int near = 0; near < 2; near++) {
            struct paged_cache cache, whole;
            struct error error;
            const struct page_setting setting = {.size = sizes[s], .seed = 3};
            int64_t elements = 0;
            assert_int_equal(paged_cache_lay_out(&whole, &fixture.sequences, &setting, &error), ERROR_NONE);
            assert_int_equal(paged_cache_lay_out(&cache, &fixture.sequences, &setting, &error), ERROR_NONE);
            assert_int_equal(paged_cache_scatter(&cache, fixture.problems, SEQUENCES, near, &elements, &error),
                             ERROR_NONE);
            const int64_t page = (int64_t)sizes[s] * ROW, first = cache.page_ids[0];
            assert_int_equal(paged_cache_held(&cache), whole.num_pages);
            assert_int_equal(elements, cache.num_pages * page);
            assert_true(near ? first == 0 : first * page > FAR_ELEMENTS && first >= (1 << 16));
            assert_true(cache.num_pages * page > FAR_ELEMENTS);
            for (int64_t i = 0; i < paged_cache_held(&cache); i++)
                assert_int_equal(cache.page_ids[i], first + i);
            for (int i = 0; i < SEQUENCES * cache.max_pages; i++)
                assert_int_equal(cache.block_table[i], whole.block_table[i] + first);
            const struct strided_shape shape = strided_shape(fixture.problems, &cache, STRIDED_K);
            struct sequence_strides strides;
            sequence_strides_make(&strides, fixture.problems, &cache, 0);
            assert_int_equal(strided_element(&strides.of[STRIDED_K], &shape, sizes[s] * KV_HEADS + 1),
                             (first + 1) * page + DIM);
            assert_memory_equal(cache.k, whole.k, paged_cache_bytes(&whole, fixture.problems));
            assert_int_equal(paged_cache_bytes(&cache, fixture.problems), paged_cache_bytes(&whole, fixture.problems));
            paged_cache_clear(&cache);
            paged_cache_clear(&whole);
        }
}

/* Of two that have the same k and v: 13 keys in pages of 4 are 3 whole ones, of which 2 are shared; of 9 and 13 one is.
 */
static void test_sequences_of_the_same_keys_share_pages(void **state)
{
    (void)state;
    static const struct {
        int lengths[SEQUENCES], shared;
    } rows[] = {{{13, 7, 13}, 2}, {{13, 40, 9}, 1}, {{5, 0, 33}, 1}, {{3, 3, 3}, 0}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct fixture fixture;
        struct paged_cache own, cache;
        struct error error;
        make(&fixture, rows[r].lengths);
        fixture.problems[2].k = fixture.problems[0].k;
        fixture.problems[2].v = fixture.problems[0].v;
        assert_int_equal(
            paged_cache_lay_out(&own, &fixture.sequences, &(struct page_setting){.size = 4, .seed = 1}, &error), 0);
        assert_int_equal(paged_cache_lay_out(&cache, &fixture.sequences,
                                             &(struct page_setting){.size = 4, .seed = 1, .shared = true}, &error),
                         0);
        assert_int_equal(cache.num_pages, own.num_pages);
        for (int i = 0; i < SEQUENCES; i++)
            for (int64_t page = 0; page < cache.max_pages; page++) {
                const int64_t at = i * cache.max_pages + page;
                const bool shared = i == 2 && page < rows[r].shared;
                assert_int_equal(cache.block_table[at], own.block_table[shared ? page : at]);
                for (int n = 0; n < 4 * ROW && shared; n++) { /* what was its own is nobody's */
                    assert_true(isnan(((const float *)cache.k)[own.block_table[at] * 4 * ROW + n]));
                    assert_true(isnan(((const float *)cache.v)[own.block_table[at] * 4 * ROW + n]));
                }
            }
        for (int i = 0; i < SEQUENCES; i++)
            for (int64_t key = 0; key < fixture.problems[i].seq_len; key++) {
                const int64_t slot = cache.block_table[i * cache.max_pages + key / 4] * 4 + key % 4;
                const struct problem *problem = &fixture.problems[i];
                assert_memory_equal((const float *)cache.k + slot * ROW, (const float *)problem->k + key * ROW,
                                    ROW * sizeof(float));
                assert_memory_equal((const float *)cache.v + slot * ROW, (const float *)problem->v + key * ROW,
                                    ROW * sizeof(float));
            }
        paged_cache_clear(&own);
        paged_cache_clear(&cache);
    }
}

/* The whole pages of what sequences begin with are in the pool once, where they are the same. */
static void test_a_prefix_is_in_the_pool_once(void **state)
{
    (void)state;
    static struct fixture fixture;
    static const int lengths[SEQUENCES] = {13, 9, 13};
    struct paged_cache own, cache;
    struct error error;
    make(&fixture, lengths);
    for (int i = 1; i < SEQUENCES; i++)
        memcpy(fixture.kv[i], fixture.kv[0], sizeof fixture.kv[0]);
    fixture.kv[2][1][5 * ROW]++; /* a v of its second page */
    assert_int_equal(
        paged_cache_lay_out(&own, &fixture.sequences, &(struct page_setting){.size = 4, .seed = 1}, &error), 0);
    for (int shared = 0; shared < 2; shared++) { /* what k and v of one place share as well is shared once */
        const struct page_setting setting = {.size = 4, .seed = 1, .shared = shared, .shared_keys = 10};
        fixture.problems[1].k = shared ? fixture.problems[0].k : fixture.kv[1][0];
        fixture.problems[1].v = shared ? fixture.problems[0].v : fixture.kv[1][1];
        assert_int_equal(paged_cache_lay_out(&cache, &fixture.sequences, &setting, &error), 0);
        for (int i = 0; i < SEQUENCES; i++)
            for (int64_t page = 0; page < cache.max_pages; page++) {
                const int64_t at = i * cache.max_pages + page;
                const bool in_common = (i == 1 && page < 2) || (i == 2 && page < 1);
                assert_int_equal(cache.block_table[at], own.block_table[in_common ? page : at]);
                for (int n = 0; n < 4 * ROW && in_common; n++)
                    assert_true(isnan(((const float *)cache.k)[own.block_table[at] * 4 * ROW + n]));
            }
        assert_memory_equal((const float *)cache.k + cache.block_table[0] * 4 * ROW, fixture.kv[0][0],
                            4 * ROW * sizeof(float));
        paged_cache_clear(&cache);
    }
    paged_cache_clear(&own);
}

static void test_more_pages_than_32_bits_number_are_refused(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct paged_cache cache;
    struct error error;
    int64_t elements = 0;
    make(&fixture, (const int[]){5, 1, 1});
    for (int i = 0; i < SEQUENCES; i++)
        fixture.problems[i].num_heads = fixture.problems[i].num_kv_heads = fixture.problems[i].head_dim = 1;
    assert_int_equal(
        paged_cache_lay_out(&cache, &fixture.sequences, &(struct page_setting){.size = 1, .seed = 1}, &error), 0);
    assert_int_equal(paged_cache_scatter(&cache, fixture.problems, SEQUENCES, false, &elements, &error), ERROR_SUBJECT);
    assert_non_null(strstr(error.text, "its pages cannot be numbered"));
    paged_cache_clear(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_is_where_the_table_says),
        cmocka_unit_test(test_another_seed_puts_pages_elsewhere),
        cmocka_unit_test(test_a_wide_table_has_an_end),
        cmocka_unit_test(test_slots_of_the_last_page_are_the_problem_s),
        cmocka_unit_test(test_pages_become_the_last_of_a_pool),
        cmocka_unit_test(test_sequences_of_the_same_keys_share_pages),
        cmocka_unit_test(test_a_prefix_is_in_the_pool_once),
        cmocka_unit_test(test_more_pages_than_32_bits_number_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
