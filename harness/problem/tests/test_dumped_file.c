/* What the arrays of a dump are, as docs/commands.md says it and scripts read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/problem/dumped_file.h"

/* "q.npy <f2 3,4,64" of every array, in the order of the table. */
static void check(const struct problem_spec *problem, const char *const expected[DUMPED_COUNT])
{
    for (int tensor = 0; tensor < DUMPED_COUNT; tensor++) {
        const struct npy_header header = dumped_header((enum dumped_tensor)tensor, problem);
        char text[96];
        int length = snprintf(text, sizeof text, "%s %s", dumped_file_name((enum dumped_tensor)tensor), header.type);
        for (int i = 0; i < header.num_axes; i++)
            length +=
                snprintf(text + length, sizeof text - (size_t)length, "%c%d", i ? ',' : ' ', (int)header.shape[i]);
        assert_string_equal(text, expected[tensor]);
    }
}

static void test_rows_of_one_query_are_heads(void **state)
{
    (void)state;
    const struct problem_spec problem = {
        .seq_len = 9, .num_queries = 1, .num_heads = 4, .num_kv_heads = 2, .head_dim = 64, .dtype = DTYPE_BF16};
    check(&problem, (const char *const[DUMPED_COUNT]){"q.npy <u2 4,64", "k.npy <u2 9,2,64", "v.npy <u2 9,2,64",
                                                      "slopes.npy <f4 4", "sink_logits.npy <f4 4", "out.npy <u2 4,64",
                                                      "lse.npy <f4 4", "truth.npy <f8 4,64", "truth_tail.npy <f8 4,64",
                                                      "truth_radius.npy <f8 4,64", "truth_lse.npy <f8 4"});
}

/* Slopes and sinks are of heads alone, and fp8 is of k and v alone. */
static void test_queries_are_an_axis_of_rows(void **state)
{
    (void)state;
    const struct problem_spec problem = {.seq_len = 9,
                                         .num_queries = 3,
                                         .num_heads = 4,
                                         .num_kv_heads = 2,
                                         .head_dim = 64,
                                         .dtype = DTYPE_F16,
                                         .kv_format = KV_E5M2};
    check(&problem, (const char *const[DUMPED_COUNT]){
                        "q.npy <f2 3,4,64", "k.npy |u1 9,2,64", "v.npy |u1 9,2,64", "slopes.npy <f4 4",
                        "sink_logits.npy <f4 4", "out.npy <f2 3,4,64", "lse.npy <f4 3,4", "truth.npy <f8 3,4,64",
                        "truth_tail.npy <f8 3,4,64", "truth_radius.npy <f8 3,4,64", "truth_lse.npy <f8 3,4"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_one_query_are_heads),
        cmocka_unit_test(test_queries_are_an_axis_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
