/* What makes two problems the same one, which a truth, inputs and companions are shared by, and what a truth is of. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/problem/mask_bits.h"
#include "harness/problem/problem_spec.h"

static const float slope_values[] = {0.5f, 0.25f, 0.125f, 0.0625f}, other_slope_values[] = {0.5f, 0.25f, 0.125f, 0.25f};
static uint8_t bits_bytes[] = {0xff, 0x0f}, other_bits_bytes[] = {0xff, 0x1f}, longer_bits_bytes[] = {0xff, 0x0f, 0};
static const struct mask_bits bits = {.bytes = bits_bytes, .size_bytes = 2},
                              same_bits = {.bytes = bits_bytes, .size_bytes = 2},
                              other_bits = {.bytes = other_bits_bytes, .size_bytes = 2},
                              longer_bits = {.bytes = longer_bits_bytes, .size_bytes = 3};

static struct problem_spec make_spec(void)
{
    return (struct problem_spec){
        .seq_len = 16,
        .num_heads = 4,
        .num_kv_heads = 2,
        .head_dim = 64,
        .dtype = DTYPE_F16,
        .kv_format = KV_E4M3,
        .k_scale = 2,
        .v_scale = 3,
        .scale = 0.125f,
        .slopes = SLOPES_BLOOM,
        .max_bias = 8,
        .head_offset = 3,
        .total_heads = 12,
        .kv_offset = 5,
        .q_position = 20,
        .input = input_spec_default,
        .seed = 7,
    };
}

/* Every member that a problem depends on, with a value that make_spec does not give it. */
static void test_each_member_tells_problems_apart(void **state)
{
    (void)state;
    static const struct problem_spec other = {
        .seq_len = 17,
        .num_queries = 3,
        .num_heads = 6,
        .num_kv_heads = 1,
        .head_dim = 80,
        .dtype = DTYPE_BF16,
        .kv_format = KV_E5M2,
        .k_scale = 4,
        .v_scale = 5,
        .scale = 0.25f,
        .slopes = SLOPES_GEOMETRIC,
        .max_bias = 16,
        .head_offset = 4,
        .total_heads = 13,
        .kv_offset = 6,
        .q_position = 21,
        .input = {DISTRIBUTION_UNIFORM, 1, 2, -2, 2, 2, 2, 5, 31},
        .seed = 8,
        .sequence = 1,
        .shared_prefix = 8,
        .truth_of = TRUTH_OF_FORMULA,
        .num_slope_values = 4,
    };
#define MEMBER_OF(member)                                                   \
    {                                                                       \
#member, offsetof(struct problem_spec, member), sizeof other.member \
    }
    static const struct {
        const char *name;
        size_t offset, size;
    } members[] = {
        MEMBER_OF(seq_len),
        MEMBER_OF(num_queries),
        MEMBER_OF(num_heads),
        MEMBER_OF(num_kv_heads),
        MEMBER_OF(head_dim),
        MEMBER_OF(dtype),
        MEMBER_OF(kv_format),
        MEMBER_OF(k_scale),
        MEMBER_OF(v_scale),
        MEMBER_OF(scale),
        MEMBER_OF(slopes),
        MEMBER_OF(max_bias),
        MEMBER_OF(head_offset),
        MEMBER_OF(total_heads),
        MEMBER_OF(kv_offset),
        MEMBER_OF(q_position),
        MEMBER_OF(seed),
        MEMBER_OF(shared_prefix),
        MEMBER_OF(sequence),
        MEMBER_OF(truth_of),
        MEMBER_OF(input.mean),
        MEMBER_OF(input.stddev),
        MEMBER_OF(input.low),
        MEMBER_OF(input.high),
        MEMBER_OF(input.value),
        MEMBER_OF(input.spread),
        MEMBER_OF(input.channels),
        MEMBER_OF(input.factor),
        MEMBER_OF(input.distribution),
    };
    struct problem_spec spec = make_spec(), same = make_spec();
    assert_true(problem_spec_equal(&spec, &same));
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct problem_spec changed = make_spec();
        memcpy((char *)&changed + members[i].offset, (const char *)&other + members[i].offset, members[i].size);
        if (problem_spec_equal(&spec, &changed) || problem_spec_equal(&changed, &spec))
            fail_msg("another %s is the same problem", members[i].name);
    }
}

static void test_slopes_of_their_own_are_compared_by_value(void **state)
{
    (void)state;
    float copy[4];
    struct problem_spec spec = make_spec(), same, other;
    memcpy(copy, slope_values, sizeof copy);
    spec.num_slope_values = 4;
    same = other = spec;
    spec.slope_values = slope_values;
    same.slope_values = copy;
    other.slope_values = other_slope_values;
    assert_true(problem_spec_equal(&spec, &same));
    assert_false(problem_spec_equal(&spec, &other));
    struct problem_spec none = make_spec(), fewer = spec;
    fewer.num_slope_values = 3;
    assert_false(problem_spec_equal(&spec, &none));
    assert_false(problem_spec_equal(&spec, &fewer));
}

static void test_each_parameter_tells_masks_apart(void **state)
{
    (void)state;
    static const struct mask_spec base = {.kind = MASK_WINDOW | MASK_HOLES | MASK_FILE,
                                          .holes = 0.5,
                                          .window = 3,
                                          .sinks = 1,
                                          .drop_newest = 2,
                                          .padding = 4,
                                          .block = 5,
                                          .keep_every = 2,
                                          .gap_from = 6,
                                          .gap_keys = 1,
                                          .bits = &bits};
    struct mask_spec changed[] = {base, base, base, base, base, base, base, base, base, base, base, base};
    changed[0].kind = MASK_WINDOW | MASK_HOLES;
    changed[1].holes = 0.25;
    changed[2].window++;
    changed[3].sinks++;
    changed[4].drop_newest++;
    changed[5].padding++;
    changed[6].block++;
    changed[7].keep_every++;
    changed[8].gap_from++;
    changed[9].gap_keys++;
    changed[10].bits = &other_bits;
    changed[11].bits = &longer_bits;
    struct problem_spec spec = make_spec(), other = make_spec();
    spec.mask = other.mask = base;
    other.mask.bits = &same_bits;
    assert_true(problem_spec_equal(&spec, &other));
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
        other.mask = changed[i];
        if (problem_spec_equal(&spec, &other) || problem_spec_equal(&other, &spec))
            fail_msg("mask %zu is the same", i);
    }
    other.mask.bits = NULL;
    assert_false(problem_spec_equal(&spec, &other));
}

/* Sequence 0 has the seed's own stream, every other one a stream of its own. */
static void test_sequences_have_seeds_of_their_own(void **state)
{
    (void)state;
    struct problem_spec spec = make_spec();
    uint64_t seeds[4];
    for (int i = 0; i < 4; i++) {
        spec.sequence = i;
        seeds[i] = problem_spec_seed(&spec);
        for (int j = 0; j < i; j++)
            assert_true(seeds[i] != seeds[j]);
    }
    assert_true(seeds[0] == spec.seed);
}

/* The contract's slopes are those of the heads at hand: head h of a part is head head_offset + first_head + h of all.
 */
static void test_a_contract_is_of_the_heads_at_hand(void **state)
{
    (void)state;
    struct problem_spec spec = make_spec();
    spec.truth_of = TRUTH_OF_FORMULA;
    struct truth_contract whole = problem_spec_contract(&spec), part = truth_contract_of_heads(&whole, 2);
    assert_int_equal(whole.of, TRUTH_OF_FORMULA);
    assert_true(whole.default_scale);
    assert_int_equal(whole.convention, SLOPES_BLOOM);
    assert_true(whole.max_bias == 8);
    assert_int_equal(whole.head_offset, 3);
    assert_int_equal(part.head_offset, 5);
    assert_int_equal(whole.total_heads, 12);
    spec.scale = 0.1f;
    assert_false(problem_spec_contract(&spec).default_scale);
}

/* Slopes that come from no convention are exact as given. */
static void test_own_slopes_come_from_no_convention(void **state)
{
    (void)state;
    struct problem_spec spec = make_spec();
    spec.slope_values = slope_values;
    spec.num_slope_values = 4;
    struct truth_contract whole = problem_spec_contract(&spec), contract = truth_contract_of_heads(&whole, 1);
    assert_true(contract.max_bias == 0);
    assert_int_equal(contract.head_offset, 0);
    assert_int_equal(contract.total_heads, 0);
}

/* A part's queries stand apart in the whole's and are copied; one query, or all heads, are where they were made. */
static void test_memory_counts_the_queries_of_a_part(void **state)
{
    (void)state;
    struct problem_spec spec = make_spec();
    double whole[2], parts[2];
    spec.num_slope_values = 0;
    spec.slope_values = NULL;
    spec.num_heads = spec.num_kv_heads = 4;
    spec.head_dim = 128;
    for (int i = 0; i < 2; i++) {
        spec.num_queries = i ? 3 : 1;
        spec.seq_len = 100;
        assert_int_equal(problem_spec_parts(&spec), 1);
        whole[i] = problem_spec_bytes(&spec);
        spec.seq_len = 1 << 22;
        assert_int_equal(problem_spec_parts(&spec), 4);
        parts[i] = problem_spec_bytes(&spec);
    }
    double row = 128 * (double)dtypes[spec.dtype].size_bytes;
    assert_true(whole[1] - whole[0] == 2 * 4 * row);
    assert_true(parts[1] - parts[0] == 2 * 4 * row + 3 * row);
}

/* Who has tensors and no name asks by their dtype. */
static void test_a_format_of_keys_is_found_by_its_dtype(void **state)
{
    (void)state;
    for (int format = KV_AS_DTYPE + 1; format < KV_FORMAT_COUNT; format++) {
        enum dtype dtype = kv_format_dtype((enum kv_format)format, DTYPE_F16);
        assert_int_equal(kv_format_of(dtype), format);
        assert_string_equal(kv_format_names[format], dtypes[dtype].name);
    }
    for (int dtype = 0; dtype < DTYPE_COUNT_WITH_FP8; dtype++) {
        assert_int_equal(kv_format_of((enum dtype)dtype) == KV_AS_DTYPE, dtype < DTYPE_COUNT);
        assert_int_equal(kv_format_dtype(KV_AS_DTYPE, (enum dtype)dtype), dtype);
    }
    assert_int_equal(kv_format_of(DTYPE_COUNT_WITH_FP8), KV_AS_DTYPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_member_tells_problems_apart),
        cmocka_unit_test(test_slopes_of_their_own_are_compared_by_value),
        cmocka_unit_test(test_each_parameter_tells_masks_apart),
        cmocka_unit_test(test_sequences_have_seeds_of_their_own),
        cmocka_unit_test(test_a_contract_is_of_the_heads_at_hand),
        cmocka_unit_test(test_own_slopes_come_from_no_convention),
        cmocka_unit_test(test_memory_counts_the_queries_of_a_part),
        cmocka_unit_test(test_a_format_of_keys_is_found_by_its_dtype),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
