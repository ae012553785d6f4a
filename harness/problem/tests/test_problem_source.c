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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fact_has_its_digest),
        cmocka_unit_test(test_a_part_has_its_heads_and_its_place),
    };
    return cmocka_run_group_tests_name("problem_source", tests, NULL, NULL) != 0;
}
