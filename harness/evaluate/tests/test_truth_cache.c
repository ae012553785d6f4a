/* What a run keeps of its problems: truths and references. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/evaluate/truth_cache.h"

enum { HEADS = 2, DIM = 64, REFERENCE_BYTES = HEADS * (DIM + 1) * 8 };

static struct problem_spec spec_of_seed(uint64_t seed)
{
    return (struct problem_spec){.seq_len = 40,
                                 .num_heads = HEADS,
                                 .num_kv_heads = HEADS,
                                 .head_dim = DIM,
                                 .dtype = DTYPE_F16,
                                 .scale = 0.125f,
                                 .max_bias = 8,
                                 .total_heads = HEADS,
                                 .q_position = 39,
                                 .input = input_spec_default,
                                 .seed = seed};
}

/* An entry that is kept, its truth all zero. */
static struct truth_cache_entry *keep(struct truth_cache *cache, uint64_t seed)
{
    struct problem_spec spec = spec_of_seed(seed);
    struct truth_cache_entry *entry = truth_cache_begin(&spec, TRUTH_CERTIFIED, 160);
    assert_non_null(entry);
    truth_cache_keep(cache, entry);
    return entry;
}

static void add_reference(struct truth_cache *cache, struct truth_cache_entry *entry, enum conventional kind)
{
    struct error error;
    if (truth_cache_add_reference(cache, entry, kind, &error))
        fail_msg("%s", error.text);
    memset(entry->references[kind], 0, REFERENCE_BYTES); /* the sanitizer sees to it that there is room */
}

static void test_an_entry_is_found_by_all_that_it_depends_on(void **state)
{
    (void)state;
    struct truth_cache cache = {0};
    struct problem_spec spec = spec_of_seed(1), other = spec_of_seed(2);
    struct truth_cache_entry *entry = keep(&cache, 1);
    keep(&cache, 3);
    assert_ptr_equal(truth_cache_find(&cache, &spec, TRUTH_CERTIFIED, 160), entry);
    assert_null(truth_cache_find(&cache, &other, TRUTH_CERTIFIED, 160));
    assert_null(truth_cache_find(&cache, &spec, TRUTH_PLAIN, 160));
    assert_null(truth_cache_find(&cache, &spec, TRUTH_CERTIFIED, 161));
    truth_cache_clear(&cache);
    assert_null(cache.newest);
    assert_int_equal(cache.size_bytes, 0);
}

static void test_references_stay_with_their_truth(void **state)
{
    (void)state;
    struct truth_cache cache = {0};
    struct problem_spec spec = spec_of_seed(1);
    struct truth_cache_entry *entry = truth_cache_begin(&spec, TRUTH_CERTIFIED, 160);
    assert_non_null(entry);
    size_t size_bytes = entry->size_bytes;
    add_reference(&cache, entry, CONVENTIONAL_F64_RELATIVE); /* before it is kept */
    assert_int_equal(cache.size_bytes, 0);
    truth_cache_keep(&cache, entry);
    add_reference(&cache, entry, CONVENTIONAL_F32_ABSOLUTE); /* and after */
    assert_int_equal(cache.size_bytes, size_bytes + 2 * REFERENCE_BYTES);
    assert_int_equal(entry->size_bytes, cache.size_bytes);
    const double *made = entry->references[CONVENTIONAL_F32_ABSOLUTE];
    add_reference(&cache, entry, CONVENTIONAL_F32_ABSOLUTE);
    assert_ptr_equal(entry->references[CONVENTIONAL_F32_ABSOLUTE], made);
    assert_int_equal(cache.size_bytes, size_bytes + 2 * REFERENCE_BYTES);
    assert_null(entry->references[CONVENTIONAL_F32_RELATIVE]);
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
    add_reference(&cache, oldest, CONVENTIONAL_F32_RELATIVE);
    assert_ptr_equal(cache.newest, oldest);
    assert_null(oldest->older);
    assert_non_null(oldest->references[CONVENTIONAL_F32_RELATIVE]);
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
        cmocka_unit_test(test_references_stay_with_their_truth),
        cmocka_unit_test(test_the_entry_in_use_is_never_dropped),
    };
    return cmocka_run_group_tests_name("truth_cache", tests, NULL, NULL) ? 1 : 0;
}
