/* What a run keeps of its problems: truths and references. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/evaluate/truth_cache.h"

enum { HEADS = 2, DIM = 64, REFERENCE_BYTES = HEADS * (DIM + 1) * 8 };

static const struct problem shape = {.num_heads = HEADS, .num_kv_heads = HEADS, .head_dim = DIM};

static struct truth_key key_of(uint64_t problem)
{
    return (struct truth_key){.problem = problem, .method = TRUTH_CERTIFIED, .precision = 160};
}

/* An entry that is kept, its truth all zero. */
static struct truth_cache_entry *keep(struct truth_cache *cache, uint64_t problem)
{
    const struct truth_key key = key_of(problem);
    struct truth_cache_entry *entry = truth_cache_begin(&key, &shape);
    assert_non_null(entry);
    truth_cache_keep(cache, entry);
    return entry;
}

static void add_reference(struct truth_cache *cache, struct truth_cache_entry *entry, enum baseline kind)
{
    struct error error;
    if (truth_cache_add_baseline(cache, entry, kind, &error))
        fail_msg("%s", error.text);
    memset(entry->baselines[kind], 0, REFERENCE_BYTES); /* the sanitizer sees to it that there is room */
}

static void test_an_entry_is_found_by_all_that_it_depends_on(void **state)
{
    (void)state;
    struct truth_cache cache = {0};
    struct truth_key key = key_of(1);
    struct truth_cache_entry *entry = keep(&cache, 1);
    keep(&cache, 3);
    assert_ptr_equal(truth_cache_find(&cache, &key), entry);
    key.problem = 2;
    assert_null(truth_cache_find(&cache, &key));
    key = key_of(1);
    key.method = TRUTH_PLAIN;
    assert_null(truth_cache_find(&cache, &key));
    key = key_of(1);
    key.precision++;
    assert_null(truth_cache_find(&cache, &key));
    for (enum truth_of of = TRUTH_OF_INPUTS + 1; of < TRUTH_OF_COUNT; of++) {
        key = key_of(1);
        key.contract.of = of;
        assert_null(truth_cache_find(&cache, &key));
    }
    /* Where the inputs themselves are right, it does not matter where they come from. */
    key = key_of(1);
    key.contract.head_offset = 3;
    assert_ptr_equal(truth_cache_find(&cache, &key), entry);
    truth_cache_clear(&cache);
    assert_null(cache.newest);
    assert_int_equal(cache.size_bytes, 0);
}

/* Of the formula's truth, each fact of the contract. */
static void test_a_formula_has_its_own_truth(void **state)
{
    (void)state;
    struct truth_cache cache = {0};
    struct truth_key of_formula = key_of(1), others[5];
    of_formula.contract = (struct truth_contract){.of = TRUTH_OF_FORMULA, .max_bias = 8, .total_heads = 16};
    for (int i = 0; i < 5; i++)
        others[i] = of_formula;
    others[0].contract.default_scale = true;
    others[1].contract.convention = SLOPES_GEOMETRIC;
    others[2].contract.max_bias = 16;
    others[3].contract.head_offset = 2;
    others[4].contract.total_heads = 8;
    struct truth_cache_entry *entry = truth_cache_begin(&of_formula, &shape);
    assert_non_null(entry);
    truth_cache_keep(&cache, entry);
    assert_ptr_equal(truth_cache_find(&cache, &of_formula), entry);
    for (int i = 0; i < 5; i++)
        assert_null(truth_cache_find(&cache, &others[i]));
    truth_cache_clear(&cache);
}

static void test_references_stay_with_their_truth(void **state)
{
    (void)state;
    struct truth_cache cache = {0};
    struct truth_cache_entry *entry = keep(&cache, 1);
    size_t size_bytes = entry->size_bytes;
    add_reference(&cache, entry, BASELINE_F64_RELATIVE);
    add_reference(&cache, entry, BASELINE_F32_ABSOLUTE);
    assert_int_equal(cache.size_bytes, size_bytes + 2 * REFERENCE_BYTES);
    assert_int_equal(entry->size_bytes, cache.size_bytes);
    const double *made = entry->baselines[BASELINE_F32_ABSOLUTE];
    add_reference(&cache, entry, BASELINE_F32_ABSOLUTE);
    assert_ptr_equal(entry->baselines[BASELINE_F32_ABSOLUTE], made);
    assert_int_equal(cache.size_bytes, size_bytes + 2 * REFERENCE_BYTES);
    assert_null(entry->baselines[BASELINE_F32_RELATIVE]);
    truth_cache_clear(&cache);
}

/* The oldest entry outgrows the budget by its reference: the others go, it stays until it is out of use. */
static void test_the_entry_in_use_is_never_dropped(void **state)
{
    (void)state;
    struct truth_cache cache = {0};
    struct truth_cache_entry *oldest = keep(&cache, 1);
    keep(&cache, 2);
    keep(&cache, 3);
    oldest->size_bytes += TRUTH_CACHE_BYTES;
    cache.size_bytes += TRUTH_CACHE_BYTES;
    add_reference(&cache, oldest, BASELINE_F32_RELATIVE);
    assert_ptr_equal(cache.newest, oldest);
    assert_null(oldest->older);
    assert_non_null(oldest->baselines[BASELINE_F32_RELATIVE]);
    assert_int_equal(cache.size_bytes, oldest->size_bytes);

    struct truth_cache_entry *newest = keep(&cache, 4);
    assert_ptr_equal(cache.newest, newest);
    assert_null(newest->older);
    assert_int_equal(cache.size_bytes, newest->size_bytes);
    truth_cache_clear(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_entry_is_found_by_all_that_it_depends_on),
        cmocka_unit_test(test_a_formula_has_its_own_truth),
        cmocka_unit_test(test_references_stay_with_their_truth),
        cmocka_unit_test(test_the_entry_in_use_is_never_dropped),
    };
    return cmocka_run_group_tests_name("truth_cache", tests, NULL, NULL) ? 1 : 0;
}
