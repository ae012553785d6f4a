/* What all sources have in common: the digest of a problem, and parts of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/problem/problem_source.h"

static struct inputs some_inputs(void)
{
    static const float slopes[4] = {0.5f, 0.25f, 0.125f, 0.0625f};
    return (struct inputs){.problem = {.seq_len = 9,
                                       .num_queries = 2,
                                       .num_heads = 4,
                                       .num_kv_heads = 2,
                                       .head_dim = 64,
                                       .k_scale = 1,
                                       .v_scale = 1,
                                       .scale = 0.125f,
                                       .q_position = 8,
                                       .slopes = slopes},
                           .digest = 12345};
}

/* A truth that is found by the digest must be that of this problem. */
static void test_each_fact_has_its_digest(void **state)
{
    (void)state;
    static const uint8_t visible[9] = {0};
    enum { FACTS = 15 };
    struct inputs inputs[FACTS];
    uint64_t digests[FACTS];
    for (int i = 0; i < FACTS; i++)
        inputs[i] = some_inputs();
    inputs[1].digest++;
    inputs[2].problem.seq_len++;
    inputs[3].problem.num_queries = 1;
    inputs[4].problem.num_heads = 2;
    inputs[5].problem.num_kv_heads = 4;
    inputs[6].problem.head_dim = 80;
    inputs[7].problem.dtype = DTYPE_BF16;
    inputs[8].problem.kv_format = KV_E4M3;
    inputs[9].problem.k_scale = 2;
    inputs[10].problem.v_scale = 2;
    inputs[11].problem.scale = 0.25f;
    inputs[12].problem.q_position = 9;
    inputs[13].problem.kv_offset = 1;
    inputs[14].problem.visible = visible;
    for (int i = 0; i < FACTS; i++) {
        digests[i] = inputs_problem_digest(&inputs[i]);
        for (int j = 0; j < i; j++)
            assert_true(digests[i] != digests[j]);
    }
    /* No query said is one. */
    inputs[3].problem.num_queries = 0;
    assert_true(inputs_problem_digest(&inputs[3]) == digests[3]);
}

static void test_a_part_has_its_heads_and_its_place(void **state)
{
    (void)state;
    struct problem whole = some_inputs().problem;
    struct problem part = part_shape(&whole, (struct part){1, 1});
    assert_int_equal(part.num_heads, 2);
    assert_int_equal(part.num_kv_heads, 1);
    assert_int_equal(part.num_queries, 2);
    assert_true(part.slopes == whole.slopes + 2);
    assert_int_equal(problem_whole_heads(&part), 4);
    assert_int_equal(problem_whole_head(&part, 1), 3);
}

/* Opens a problem of so many keys, of 8 KiB each in k and in v, and writes to the last byte of both. */
static void open_keys(struct inputs *inputs, int64_t keys)
{
    struct error error;
    const struct problem shape = {.seq_len = keys, .num_heads = 16, .num_kv_heads = 16, .head_dim = 256};
    assert_int_equal(inputs_allocate(inputs, &shape, (struct part){0, 16}, false, &error), ERROR_NONE);
    size_t bytes = (size_t)keys * 16 * 256 * dtypes[shape.dtype].size_bytes;
    assert_true(inputs->kv_room >= bytes);
    ((char *)inputs->k)[bytes - 1] = 1;
    ((char *)inputs->v)[bytes - 1] = 1;
}

/* The sanitizers see a byte that is not there, and memory that nobody frees. */
static void test_memory_of_large_tensors_is_used_again_where_it_is_enough(void **state)
{
    (void)state;
    struct inputs inputs = {0};
    open_keys(&inputs, 1024); /* 8 MiB */
    void *k = inputs.k, *v = inputs.v;
    inputs_reuse(&inputs);
    assert_null(inputs.q);
    open_keys(&inputs, 520);
    assert_ptr_equal(inputs.k, k);
    assert_ptr_equal(inputs.v, v);
    inputs_reuse(&inputs);
    open_keys(&inputs, 1024);
    assert_ptr_equal(inputs.k, k);
    assert_ptr_equal(inputs.v, v);
    inputs_reuse(&inputs);
    open_keys(&inputs, 1500);
    inputs_reuse(&inputs);
    k = inputs.k;
    open_keys(&inputs, 3);
    assert_ptr_not_equal(inputs.k, k);
    inputs_reuse(&inputs);
    open_keys(&inputs, 2048);
    size_t room = inputs.kv_room;
    assert_true(room >= 2048u * 16 * 256 * 2);
    inputs_clear(&inputs);
    assert_null(inputs.k);
}

/* What was touched of a room is there for what is larger; where there is no such room, there is what is needed. */
static void test_large_tensors_get_the_room_of_the_largest_at_once(void **state)
{
    (void)state;
    struct inputs inputs = {.kv_most = 16 << 20};
    open_keys(&inputs, 3);
    assert_true(inputs.kv_room < 1 << 20);
    inputs_reuse(&inputs);
    open_keys(&inputs, 512);
    assert_int_equal(inputs.kv_room, 16 << 20);
    const void *k = inputs.k, *v = inputs.v;
    inputs_reuse(&inputs);
    open_keys(&inputs, 2048);
    assert_ptr_equal(inputs.k, k);
    assert_ptr_equal(inputs.v, v);
    assert_int_equal(((char *)inputs.k)[(4 << 20) - 1], 1); /* of the first ones */
    inputs_clear(&inputs);
    inputs.kv_most = SIZE_MAX / 4; /* as nobody has */
    open_keys(&inputs, 512);
    assert_int_equal(inputs.kv_room, 4 << 20);
    inputs_clear(&inputs);
}

/* Half of what is used again goes back to the system: it is zeros when it is needed next. */
static void test_what_is_not_needed_goes_back(void **state)
{
    (void)state;
    struct inputs inputs = {0};
    enum { BYTES = 8 << 20 };
    open_keys(&inputs, 1024);
    assert_int_equal(((char *)inputs.v)[BYTES - 1], 1);
    inputs_reuse(&inputs);
    open_keys(&inputs, 512);
    assert_int_equal(((char *)inputs.k)[BYTES - 1], 0);
    assert_int_equal(((char *)inputs.v)[BYTES - 1], 0);
    assert_int_equal(((char *)inputs.v)[BYTES / 2 - 1], 1);
    inputs_clear(&inputs);
}

/* The address sanitizer is to refuse memory as malloc does. Called by its runtime where there is one. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fact_has_its_digest),
        cmocka_unit_test(test_a_part_has_its_heads_and_its_place),
        cmocka_unit_test(test_memory_of_large_tensors_is_used_again_where_it_is_enough),
        cmocka_unit_test(test_what_is_not_needed_goes_back),
        cmocka_unit_test(test_large_tensors_get_the_room_of_the_largest_at_once),
    };
    return cmocka_run_group_tests_name("problem_source", tests, NULL, NULL) != 0;
}
