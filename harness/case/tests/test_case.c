/* What good case files mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/tests/case_fixture.h"

static struct point point_of(const struct case_list *list, size_t test_case, size_t index)
{
    struct point point;
    case_point(list->cases[test_case], index, &point);
    return point;
}

/* The keys of the first case's points, a line each. A new string. */
static char *all_keys(const struct case_list *list)
{
    char *text = NULL, key[POINT_KEY_SIZE];
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    for (size_t i = 0; i < case_num_points(list->cases[0]); i++) {
        struct point point = point_of(list, 0, i);
        fprintf(stream, "%s\n", point_key(key, &point));
    }
    fclose(stream);
    return text;
}

static void assert_keys(const char *text, const char *expected)
{
    struct case_list list = parse(text);
    char *keys = all_keys(&list);
    assert_string_equal(keys, expected);
    free(keys);
    case_list_clear(&list);
}

static void test_defaults_of_a_minimal_case(void **state)
{
    (void)state;
    struct case_list list = parse(HEAD);
    assert_int_equal(list.count, 1);
    assert_int_equal(case_num_points(list.cases[0]), 1);
    assert_string_equal(case_name(list.cases[0]), "a");
    assert_string_equal(case_path(list.cases[0]), "test.yaml");
    assert_null(case_about(list.cases[0]));
    assert_null(case_because(list.cases[0]));

    struct point point = point_of(&list, 0, 0);
    assert_int_equal(point.signature, SIGNATURE_NONE);
    assert_int_equal(point.oracles, ORACLE_ALL);
    const struct problem_spec *problem = &point.problem;
    assert_ptr_equal(point.test_case, list.cases[0]);
    assert_int_equal(point.index, 0);
    assert_int_equal(point.kernel, KERNEL_SINGLE_PASS);
    assert_int_equal(point.kernel_options.chunk_len, CHUNK_LEN_DEFAULT);
    assert_int_equal(point.recipe.sentinel.policy, SENTINEL_EXCLUDE);
    assert_int_equal(point.recipe.bias, BIAS_RELATIVE);
    assert_int_equal(point.recipe.exponential, EXPONENTIAL_POLYNOMIAL);
    assert_int_equal(point.truth_method, TRUTH_CERTIFIED);
    assert_int_equal(point.truth_precision, TRUTH_DEFAULT_PRECISION);
    assert_true(point.criterion.tolerance.atol == 1e-3 && point.criterion.tolerance.rtol == 1e-3);
    assert_false(point.expect_fail);
    assert_int_equal(problem->seq_len, 33);
    assert_int_equal(problem->num_heads, 8);
    assert_int_equal(problem->num_kv_heads, 8);
    assert_int_equal(problem->head_dim, 64);
    assert_int_equal(problem->dtype, DTYPE_F16);
    assert_true(problem->scale == 0.125f);
    assert_int_equal(problem->slopes, SLOPES_BLOOM);
    assert_true(problem->max_bias == 8);
    assert_int_equal(problem->head_offset, 0);
    assert_int_equal(problem->total_heads, 8);
    assert_int_equal(problem->kv_offset, 0);
    assert_int_equal(problem->q_position, 32);
    assert_int_equal(problem->kv_format, KV_AS_DTYPE);
    assert_true(problem->k_scale == 1 && problem->v_scale == 1);
    assert_null(problem->slope_values);
    assert_int_equal(problem->num_slope_values, 0);
    assert_int_equal(point.kernel_options.page_size, 0);
    assert_true(point.kernel_options.page_seed == 0);
    assert_int_equal(problem->input.distribution, DISTRIBUTION_NORMAL);
    assert_true(problem->input.mean == 0 && problem->input.stddev == 1);
    assert_int_equal(problem->mask.kind, MASK_NONE);
    assert_int_equal(problem->seed, 0);
    case_list_clear(&list);
}

static void test_values_arrive_in_their_fields(void **state)
{
    (void)state;
    struct case_list list = parse("case: All.keys_1-x\n"
                                  "about: |\n"
                                  "  Two\tlines\n"
                                  "  of text.\n"
                                  "kernel: split_kv\n"
                                  "seq_len: 134217728\n"
                                  "num_heads: 12\n"
                                  "num_kv_heads: 4\n"
                                  "head_dim: 112\n"
                                  "dtype: bf16\n"
                                  "kv_dtype: e5m2\n"
                                  "k_scale: 0.1\n"
                                  "v_scale: 3\n"
                                  "sentinel: -5e4\n"
                                  "bias: absolute\n"
                                  "exponential: ex2_approx\n"
                                  "chunk_len: 32\n"
                                  "page_size: 65536\n"
                                  "page_seed: 18446744073709551614\n"
                                  "scale: 0x1.8p-4\n"
                                  "max_bias: 16.5\n"
                                  "slopes: geometric\n"
                                  "head_offset: 4\n"
                                  "total_heads: 40\n"
                                  "kv_offset: 2013265920\n"
                                  "q_position: -2147483648\n"
                                  "input: {distribution: outliers, mean: -1.5, channels: 112, factor: 1e2}\n"
                                  "mask: {sinks: 4, window: 256}\n"
                                  "seed: 18446744073709551615\n"
                                  "truth: plain\n"
                                  "truth_precision: 4096\n"
                                  "tolerance: {rtol: 0}\n"
                                  "expect: fail\n"
                                  "signature: leak\n"
                                  "because: 'it''s known'\n");
    struct point point = point_of(&list, 0, 0);
    const struct problem_spec *problem = &point.problem;
    assert_string_equal(case_name(list.cases[0]), "All.keys_1-x");
    assert_string_equal(case_about(list.cases[0]), "Two lines of text.");
    assert_int_equal(point.signature, SIGNATURE_LEAK);
    assert_string_equal(case_because(list.cases[0]), "it's known");
    assert_int_equal(point.kernel, KERNEL_SPLIT_KV);
    assert_int_equal(point.kernel_options.chunk_len, 32);
    assert_int_equal(point.recipe.sentinel.policy, SENTINEL_VALUE);
    assert_true(point.recipe.sentinel.value == -5e4f);
    assert_int_equal(point.recipe.bias, BIAS_ABSOLUTE);
    assert_int_equal(point.recipe.exponential, EXPONENTIAL_EX2_APPROX);
    assert_int_equal(point.truth_method, TRUTH_PLAIN);
    assert_int_equal(point.truth_precision, 4096);
    /* The part of the tolerance that is not given keeps the dtype's default. */
    assert_true(point.criterion.tolerance.atol == 1e-2 && point.criterion.tolerance.rtol == 0);
    assert_true(point.expect_fail);
    assert_int_equal(problem->seq_len, 134217728);
    assert_int_equal(problem->num_heads, 12);
    assert_int_equal(problem->num_kv_heads, 4);
    assert_int_equal(problem->head_dim, 112);
    assert_int_equal(problem->dtype, DTYPE_BF16);
    assert_true(problem->scale == 0x1.8p-4f);
    assert_true(problem->max_bias == 16.5);
    assert_int_equal(problem->slopes, SLOPES_GEOMETRIC);
    assert_int_equal(problem->head_offset, 4);
    assert_int_equal(problem->total_heads, 40);
    assert_true(problem->kv_offset == 2013265920);
    assert_true(problem->q_position == INT64_C(-2147483648));
    assert_int_equal(problem->kv_format, KV_E5M2);
    assert_true(problem->k_scale == 0.1f && problem->v_scale == 3);
    assert_int_equal(point.kernel_options.page_size, 65536);
    assert_true(point.kernel_options.page_seed == UINT64_MAX - 1);
    assert_int_equal(problem->input.distribution, DISTRIBUTION_OUTLIERS);
    assert_true(problem->input.mean == -1.5 && problem->input.stddev == 1 && problem->input.factor == 100);
    assert_int_equal(problem->input.channels, 112);
    assert_true(mask_spec_equal(&problem->mask, &(struct mask_spec){.kind = MASK_WINDOW, .window = 256, .sinks = 4}));
    assert_true(problem->seed == UINT64_MAX);
    case_list_clear(&list);
}

static void test_values_given_as_their_defaults_leave_the_key_alone(void **state)
{
    (void)state;
    assert_keys(HEAD "kernel: single_pass\nnum_kv_heads: 8\ndtype: f16\nsentinel: exclude\nbias: relative\n"
                     "exponential: polynomial\nchunk_len: 1024\nscale: 0.125\nmax_bias: 8\nslopes: bloom\n"
                     "head_offset: 0\ntotal_heads: 8\nkv_offset: 0\nq_position: 32\nkv_dtype: same\nk_scale: 1\n"
                     "v_scale: 1.0\npage_size: 0\npage_seed: 0\n"
                     "input: {distribution: normal, mean: -0, stddev: 1}\nmask: none\nseed: 0\n",
                "a:seq_len=33,num_heads=8,head_dim=64\n");
}

static void test_keys_name_what_differs_from_the_default(void **state)
{
    (void)state;
    assert_keys(HEAD "seed: 7\nscale: 0.1\nsentinel: -.inf\nnum_kv_heads: 2\nmax_bias: 0.1\n"
                     "input: {distribution: onehot, factor: 8, stddev: 2.5}\nq_position: -1\ndtype: 'f32'\n",
                "a:seq_len=33,num_heads=8,num_kv_heads=2,head_dim=64,dtype=f32,sentinel=-inf,scale=0.1,max_bias=0.1,"
                "q_position=-1,input=onehot:stddev=2.5,seed=7\n");
    assert_keys(HEAD "kv_offset: 9\nkv_dtype: e4m3\nk_scale: 0.5\nv_scale: 2\npage_size: 16\npage_seed: 3\n"
                     "q_position: 41\n", /* the default of this kv_offset */
                "a:seq_len=33,num_heads=8,head_dim=64,kv_dtype=e4m3,k_scale=0.5,v_scale=2,page_size=16,page_seed=3,"
                "kv_offset=9\n");
}

static void test_q_position_follows_the_offset_of_the_chunk(void **state)
{
    (void)state;
    struct case_list list = parse(HEAD "kv_offset: [0, 100, 2013265920]\n");
    for (size_t i = 0; i < 3; i++) {
        struct point point = point_of(&list, 0, i);
        assert_int_equal(point.problem.q_position, point.problem.kv_offset + 32);
    }
    case_list_clear(&list);
}

static void test_slopes_may_be_given(void **state)
{
    (void)state;
    static const float expected[] = {0.1f, 0, -1.7e38f};
    struct case_list list = parse("case: a\nseq_len: 1\nnum_heads: 3\nhead_dim: 64\n"
                                  "slopes: [geometric, {values: [0.1, -0, -1.7e38]}, bloom]\n");
    struct point point = point_of(&list, 0, 1);
    assert_int_equal(point.problem.num_slope_values, 3);
    assert_memory_equal(point.problem.slope_values, expected, sizeof expected);
    assert_null(point_of(&list, 0, 0).problem.slope_values);
    assert_int_equal(point_of(&list, 0, 0).problem.slopes, SLOPES_GEOMETRIC);
    char *keys = all_keys(&list);
    assert_string_equal(keys, "a:seq_len=1,num_heads=3,head_dim=64,slopes=geometric\n"
                              "a:seq_len=1,num_heads=3,head_dim=64,slopes=values:0.1:0:-1.7e+38\n"
                              "a:seq_len=1,num_heads=3,head_dim=64\n");
    free(keys);
    case_list_clear(&list);
}

/* Too many to spell: their number and hash, which one f32 step in the last of them changes. */
static void test_many_slopes_are_named_by_their_hash(void **state)
{
    (void)state;
    char keys[2][POINT_KEY_SIZE], text[2048], values[1024] = "";
    for (int i = 0; i < 99; i++)
        strcat(values, i ? ", 0.123" : "0.123");
    for (size_t i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "case: a\nseq_len: 1\nnum_heads: 100\nhead_dim: 64\nslopes: {values: [%s, %s]}\n",
                 values, i ? "0.70000005" : "0.7");
        struct case_list list = parse(text);
        struct point point = point_of(&list, 0, 0);
        static const char start[] = "a:seq_len=1,num_heads=100,head_dim=64,slopes=values:100:";
        assert_memory_equal(point_key(keys[i], &point), start, sizeof start - 1);
        assert_int_equal(strlen(keys[i]), sizeof start - 1 + 16);
        case_list_clear(&list);
    }
    assert_string_not_equal(keys[0], keys[1]);
}

static void test_every_mask_has_a_key_of_its_own(void **state)
{
    (void)state;
    assert_keys(HEAD
                "mask: [none, all, {holes: 0.25}, {holes: 0}, {window: 33}, {sinks: 4, window: 1e1}, {window: 0},\n"
                "  {drop_newest: 33}, {drop_newest: -0}, {block: 16}, {block: 16, keep_every: 4},\n"
                "  {block: 1, keep_every: 134217728}, {padding: 3},\n"
                "  {drop_newest: 1, holes: 0.5, sinks: 2, window: 8}, {gap_from: 3}, {gap_keys: 30, gap_from: 3}]\n"
                "seed: 7\n",
                "a:seq_len=33,num_heads=8,head_dim=64,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=all,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=holes:0.25,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=holes:0,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=window:33,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=window:10:sinks:4,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=window:0,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=drop_newest:33,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=drop_newest:0,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=block:16,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=block:16:keep_every:4,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=block:1:keep_every:134217728,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=padding:3,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=holes:0.5:window:8:sinks:2:drop_newest:1,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=gap_from:3,seed=7\n"
                "a:seq_len=33,num_heads=8,head_dim=64,mask=gap_from:3:gap_keys:30,seed=7\n");
}

static void test_mask_defaults(void **state)
{
    (void)state;
    struct case_list list = parse(HEAD "mask: [{block: 8}, {window: 5}, {gap_from: 4}, {gap_from: 4, block: 8}]\n");
    struct point point = point_of(&list, 0, 0);
    assert_true(
        mask_spec_equal(&point.problem.mask, &(struct mask_spec){.kind = MASK_BLOCK, .block = 8, .keep_every = 2}));
    point = point_of(&list, 0, 1);
    assert_true(mask_spec_equal(&point.problem.mask, &(struct mask_spec){.kind = MASK_WINDOW, .window = 5}));
    point = point_of(&list, 0, 2);
    assert_true(
        mask_spec_equal(&point.problem.mask, &(struct mask_spec){.kind = MASK_GAP, .gap_from = 4, .gap_keys = 1}));
    point = point_of(&list, 0, 3);
    assert_true(mask_spec_equal(
        &point.problem.mask,
        &(struct mask_spec){.kind = MASK_GAP | MASK_BLOCK, .gap_from = 4, .gap_keys = 1, .block = 8, .keep_every = 2}));
    case_list_clear(&list);
}

/* As every cache is while it fills. */
static void test_a_window_may_be_longer_than_the_shorter_caches(void **state)
{
    (void)state;
    assert_keys("case: a\nseq_len: [4..16:x4, 33]\nnum_heads: 2\nhead_dim: 64\nmask: {window: 33, sinks: 33}\n",
                "a:seq_len=4,num_heads=2,head_dim=64,mask=window:33:sinks:33\n"
                "a:seq_len=16,num_heads=2,head_dim=64,mask=window:33:sinks:33\n"
                "a:seq_len=33,num_heads=2,head_dim=64,mask=window:33:sinks:33\n");
}

static void test_kernel_then_sentinel_vary_fastest_and_problems_slowest(void **state)
{
    (void)state;
    assert_keys("case: a\nseed: [3, 1]\nkernel: [single_pass, split_kv]\nbias: [absolute, relative]\nsentinel: [-inf, "
                "exclude]\n"
                "seq_len: [9, 1]\nnum_heads: 8\nhead_dim: 64\n",
                "a:seq_len=9,num_heads=8,head_dim=64,sentinel=-inf,bias=absolute,seed=3\n"
                "a:kernel=split_kv,seq_len=9,num_heads=8,head_dim=64,sentinel=-inf,bias=absolute,seed=3\n"
                "a:seq_len=9,num_heads=8,head_dim=64,bias=absolute,seed=3\n"
                "a:kernel=split_kv,seq_len=9,num_heads=8,head_dim=64,bias=absolute,seed=3\n"
                "a:seq_len=9,num_heads=8,head_dim=64,sentinel=-inf,seed=3\n"
                "a:kernel=split_kv,seq_len=9,num_heads=8,head_dim=64,sentinel=-inf,seed=3\n"
                "a:seq_len=9,num_heads=8,head_dim=64,seed=3\n"
                "a:kernel=split_kv,seq_len=9,num_heads=8,head_dim=64,seed=3\n"
                "a:seq_len=9,num_heads=8,head_dim=64,sentinel=-inf,bias=absolute,seed=1\n"
                "a:kernel=split_kv,seq_len=9,num_heads=8,head_dim=64,sentinel=-inf,bias=absolute,seed=1\n"
                "a:seq_len=9,num_heads=8,head_dim=64,bias=absolute,seed=1\n"
                "a:kernel=split_kv,seq_len=9,num_heads=8,head_dim=64,bias=absolute,seed=1\n"
                "a:seq_len=9,num_heads=8,head_dim=64,sentinel=-inf,seed=1\n"
                "a:kernel=split_kv,seq_len=9,num_heads=8,head_dim=64,sentinel=-inf,seed=1\n"
                "a:seq_len=9,num_heads=8,head_dim=64,seed=1\n"
                "a:kernel=split_kv,seq_len=9,num_heads=8,head_dim=64,seed=1\n"
                "a:seq_len=1,num_heads=8,head_dim=64,sentinel=-inf,bias=absolute,seed=3\n"
                "a:kernel=split_kv,seq_len=1,num_heads=8,head_dim=64,sentinel=-inf,bias=absolute,seed=3\n"
                "a:seq_len=1,num_heads=8,head_dim=64,bias=absolute,seed=3\n"
                "a:kernel=split_kv,seq_len=1,num_heads=8,head_dim=64,bias=absolute,seed=3\n"
                "a:seq_len=1,num_heads=8,head_dim=64,sentinel=-inf,seed=3\n"
                "a:kernel=split_kv,seq_len=1,num_heads=8,head_dim=64,sentinel=-inf,seed=3\n"
                "a:seq_len=1,num_heads=8,head_dim=64,seed=3\n"
                "a:kernel=split_kv,seq_len=1,num_heads=8,head_dim=64,seed=3\n"
                "a:seq_len=1,num_heads=8,head_dim=64,sentinel=-inf,bias=absolute,seed=1\n"
                "a:kernel=split_kv,seq_len=1,num_heads=8,head_dim=64,sentinel=-inf,bias=absolute,seed=1\n"
                "a:seq_len=1,num_heads=8,head_dim=64,bias=absolute,seed=1\n"
                "a:kernel=split_kv,seq_len=1,num_heads=8,head_dim=64,bias=absolute,seed=1\n"
                "a:seq_len=1,num_heads=8,head_dim=64,sentinel=-inf,seed=1\n"
                "a:kernel=split_kv,seq_len=1,num_heads=8,head_dim=64,sentinel=-inf,seed=1\n"
                "a:seq_len=1,num_heads=8,head_dim=64,seed=1\n"
                "a:kernel=split_kv,seq_len=1,num_heads=8,head_dim=64,seed=1\n");
}

static void test_ranges_are_inclusive_and_mix_with_values(void **state)
{
    (void)state;
    struct case_list list = parse("case: a\nseq_len: 5\nnum_heads: 8\nhead_dim: 64\n"
                                  "q_position: [100, -2..1, 7..7]\nseed: 18446744073709551614..18446744073709551615\n");
    static const int64_t positions[] = {100, -2, -1, 0, 1, 7};
    assert_int_equal(case_num_points(list.cases[0]), 12);
    for (size_t i = 0; i < 12; i++) {
        struct point point = point_of(&list, 0, i);
        assert_true(point.problem.q_position == positions[i / 2]);
        assert_true(point.problem.seed == UINT64_MAX - 1 + i % 2);
    }
    case_list_clear(&list);
}

static void test_ranges_have_steps(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        int64_t values[8]; /* up to a 0 */
    } ranges[] = {
        {"1..100:x3", {1, 3, 9, 27, 81}},
        {"1..64:x2", {1, 2, 4, 8, 16, 32, 64}},
        {"10..40:x1.5", {10, 15, 22, 33}},
        {"1..5:x1.01", {1, 2, 3, 4, 5}},
        {"1k..4Ki:+1k", {1000, 2000, 3000, 4000}},
        {"5..5:+7", {5}},
        {"7..9:x100", {7}},
        {"[1..3, 10..30:+10]", {1, 2, 3, 10, 20, 30}},
        {"1..134217728:x1e2", {1, 100, 10000, 1000000, 100000000}},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "case: a\nnum_heads: 8\nhead_dim: 64\nseq_len: %s\n", ranges[i].range);
        struct case_list list = {0};
        struct error error = {0};
        if (case_list_parse(&list, "test", text, strlen(text), NULL, 0, &error))
            fail_msg("%s", error.text);
        size_t count = 0;
        for (; ranges[i].values[count]; count++) {
            struct point point;
            assert_in_range(count, 0, case_num_points(list.cases[0]) - 1);
            case_point(list.cases[0], count, &point);
            assert_int_equal(point.problem.seq_len, ranges[i].values[count]);
        }
        assert_int_equal(case_num_points(list.cases[0]), count);
        case_list_clear(&list);
    }
}

static void test_defaults_follow_the_other_axes(void **state)
{
    (void)state;
    struct case_list list = parse("case: a\nseq_len: [1, 9]\nnum_heads: [4, 6]\nhead_dim: [80, 256]\nhead_offset: 3\n");
    for (size_t i = 0; i < case_num_points(list.cases[0]); i++) {
        struct point point = point_of(&list, 0, i);
        const struct problem_spec *problem = &point.problem;
        assert_int_equal(problem->num_kv_heads, problem->num_heads);
        assert_int_equal(problem->total_heads, problem->num_heads + 3);
        assert_int_equal(problem->q_position, problem->seq_len - 1);
        /* 1/sqrt(80) correctly rounded to f32 by hand: 0x1.c9f25cp-4 is nearest to 0.111803398874989... */
        assert_true(problem->scale ==
                    (problem->head_dim == 256 ? 0.0625f : 0.111803398874989484820458683436563811772f));
    }
    case_list_clear(&list);
}

static void test_tolerance_defaults_to_the_dtype_of_the_point(void **state)
{
    (void)state;
    static const double expected[] = {1e-3, 1e-2, 1e-5};
    struct case_list list = parse(HEAD "dtype: [f16, bf16, f32]\n");
    for (size_t i = 0; i < 3; i++)
        assert_true(point_of(&list, 0, i).criterion.tolerance.atol == expected[i] &&
                    point_of(&list, 0, i).criterion.tolerance.rtol == expected[i] &&
                    point_of(&list, 0, i).criterion.tolerance.lse == expected[i]);
    case_list_clear(&list);
    list = parse(HEAD "dtype: bf16\ntolerance: {lse: 0.25}\n");
    assert_true(point_of(&list, 0, 0).criterion.tolerance.atol == 1e-2 &&
                point_of(&list, 0, 0).criterion.tolerance.lse == 0.25);
    case_list_clear(&list);
    list = parse(HEAD "dtype: [f16, bf16, f32]\ntolerance: {atol: 0.5}\n");
    for (size_t i = 0; i < 3; i++)
        assert_true(point_of(&list, 0, i).criterion.tolerance.atol == 0.5 &&
                    point_of(&list, 0, i).criterion.tolerance.rtol == expected[i]);
    case_list_clear(&list);
}

static void test_a_distribution_has_its_own_value(void **state)
{
    (void)state;
    struct case_list list =
        parse(HEAD "input: [constant, logit_floor, {distribution: logit_floor, value: 1, spread: 0}]\n");
    assert_true(point_of(&list, 0, 0).problem.input.value == 1);
    assert_true(point_of(&list, 0, 1).problem.input.value == -10000);
    assert_true(point_of(&list, 0, 1).problem.input.spread == 1);
    assert_true(point_of(&list, 0, 2).problem.input.value == 1);
    char *keys = all_keys(&list);
    assert_string_equal(keys, "a:seq_len=33,num_heads=8,head_dim=64,input=constant\n"
                              "a:seq_len=33,num_heads=8,head_dim=64,input=logit_floor\n"
                              "a:seq_len=33,num_heads=8,head_dim=64,input=logit_floor:value=1:spread=0\n");
    free(keys);
    case_list_clear(&list);
}

static void test_a_distribution_has_its_own_factor(void **state)
{
    (void)state;
    struct case_list list = parse(HEAD "input: [outliers, onehot, {distribution: onehot, factor: 30}, normal]\n");
    assert_true(point_of(&list, 0, 0).problem.input.factor == 30);
    assert_true(point_of(&list, 0, 1).problem.input.factor == 8);
    assert_true(point_of(&list, 0, 2).problem.input.factor == 30);
    char *keys = all_keys(&list);
    assert_string_equal(keys, "a:seq_len=33,num_heads=8,head_dim=64,input=outliers\n"
                              "a:seq_len=33,num_heads=8,head_dim=64,input=onehot\n"
                              "a:seq_len=33,num_heads=8,head_dim=64,input=onehot:factor=30\n"
                              "a:seq_len=33,num_heads=8,head_dim=64\n");
    free(keys);
    case_list_clear(&list);
}

static void test_a_key_does_not_change_when_the_case_gains_values(void **state)
{
    (void)state;
    char before[POINT_KEY_SIZE], after[POINT_KEY_SIZE];
    struct case_list small = parse(HEAD "seed: 2\nkernel: split_kv\n");
    struct case_list large = parse(HEAD "seed: 0..9\nkernel: [single_pass, split_kv]\ndtype: [bf16, f16]\n");
    struct point a = point_of(&small, 0, 0), b;
    point_key(before, &a);
    size_t found = 0;
    for (size_t i = 0; i < case_num_points(large.cases[0]); i++) {
        b = point_of(&large, 0, i);
        found += strcmp(point_key(after, &b), before) == 0;
    }
    assert_int_equal(found, 1);
    case_list_clear(&small);
    case_list_clear(&large);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void test_keys_of_a_large_case_are_unique(void **state)
{
    (void)state;
    struct case_list list = parse("case: a\nseq_len: [1..3, 33]\nnum_heads: [2, 4]\nnum_kv_heads: [1, 2]\n"
                                  "head_dim: [64, 80]\nscale: [0.125, 0.5]\nq_position: [2, 3]\nkernel: all\n"
                                  "sentinel: [-1, -2, exclude]\n");
    size_t count = case_num_points(list.cases[0]);
    char(*keys)[POINT_KEY_SIZE] = malloc(count * sizeof *keys);
    assert_non_null(keys);
    for (size_t i = 0; i < count; i++) {
        struct point point = point_of(&list, 0, i);
        point_key(keys[i], &point);
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++)
        assert_string_not_equal(keys[i - 1], keys[i]);
    free(keys);
    case_list_clear(&list);
}

static void test_documents_are_cases_in_their_order(void **state)
{
    (void)state;
    struct case_list list = parse("# first\n---\n" HEAD "---\ncase: b # second\nseq_len: 1\nnum_heads: 1\n"
                                  "head_dim: 64\n...\n---\n{case: c, seq_len: 1, num_heads: 1, head_dim: 64}\n");
    assert_int_equal(list.count, 3);
    assert_string_equal(case_name(list.cases[1]), "b");
    assert_string_equal(case_name(list.cases[2]), "c");
    case_list_clear(&list);
}

static void test_crlf_and_byte_order_mark_are_taken(void **state)
{
    (void)state;
    assert_keys(
        "\xef\xbb\xbf"
        "case: a\r\nabout: \xc3\xa4 # \xe2\x98\xba\r\nseq_len: [33,\r\n  9]\r\nnum_heads: 8\r\nhead_dim: 64\r\n",
        "a:seq_len=33,num_heads=8,head_dim=64\na:seq_len=9,num_heads=8,head_dim=64\n");
}

/* libfyaml 0.7.12 miscounts escaped quotes, and gives no text at all for this many. */
static void test_quoted_text_is_whole(void **state)
{
    (void)state;
    struct case_list list = parse(HEAD "about: 'a''''''''''''''''''''''''b'\nexpect: fail\n"
                                       "because: 'two  \r\n\n   lines ''''\n   folded '\n");
    assert_string_equal(case_about(list.cases[0]), "a''''''''''''b");
    assert_string_equal(case_because(list.cases[0]), "two lines '' folded");
    case_list_clear(&list);
    list = parse(HEAD "expect: fail\nbecause: \"is it? \\u263a\\tyes\"\n");
    assert_string_equal(case_because(list.cases[0]), "is it? \xe2\x98\xba yes");
    case_list_clear(&list);
}

static void test_settings_replace_what_files_say(void **state)
{
    (void)state;
    static const char *const settings[] = {"seq_len=[1, 2..3]", "input={distribution: uniform, high: 3}", "expect=pass",
                                           "tolerance={atol: 7}", "dtype=f32"};
    struct case_list list = parse_with("case: a\nseq_len: nonsense\nnum_heads: 8\nhead_dim: 64\ninput: onehot\n"
                                       "expect: fail\nbecause: it was\nsignature: nan\n",
                                       settings, COUNT(settings));
    struct point point = point_of(&list, 0, 2);
    assert_int_equal(case_num_points(list.cases[0]), 3);
    assert_int_equal(point.problem.seq_len, 3);
    assert_int_equal(point.problem.input.distribution, DISTRIBUTION_UNIFORM);
    assert_true(point.problem.input.high == 3);
    assert_false(point.expect_fail);
    assert_null(case_because(list.cases[0]));
    assert_true(point.criterion.tolerance.atol == 7 && point.criterion.tolerance.rtol == 1e-5);
    case_list_clear(&list);
}

/* What a case says of its judging, and its settings: the mode and the budget that come of it. */
static void test_a_budget_alone_judges_alone(void **state)
{
    (void)state;
    static const struct {
        const char *text, *setting;
        enum judge_mode mode;
        double budget;
    } rows[] = {
        {"", NULL, JUDGE_BOTH, 1},
        {"budget: 0.5\n", NULL, JUDGE_BUDGET, 0.5},
        {"judge: both\n", NULL, JUDGE_BOTH, 1},
        {"judge: both\nbudget: 2\n", NULL, JUDGE_BOTH, 2},
        {"judge: budget\n", NULL, JUDGE_BUDGET, 1},
        {"judge: budget\nbudget: 3\n", NULL, JUDGE_BUDGET, 3},
        {"judge: tolerance\n", NULL, JUDGE_TOLERANCE, 1},
        {"tolerance: {atol: 1}\n", NULL, JUDGE_BOTH, 1},
        {"", "budget=4", JUDGE_BUDGET, 4},
        {"budget: 4\n", "judge=tolerance", JUDGE_TOLERANCE, 1},
        {"budget: 4\n", "judge=both", JUDGE_BOTH, 1},
        {"judge: both\n", "budget=4", JUDGE_BOTH, 4},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[512];
        snprintf(text, sizeof text, HEAD "%s", rows[i].text);
        struct case_list list = parse_with(text, &rows[i].setting, rows[i].setting != NULL);
        struct criterion criterion = point_of(&list, 0, 0).criterion;
        assert_int_equal(criterion.mode, rows[i].mode);
        assert_true(criterion.budget == rows[i].budget);
        case_list_clear(&list);
    }
}

static void test_the_documented_example_is_a_case(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    case_print_keys(stream);
    fclose(stream);
    char *start = strstr(text, "    case: "), *end = start ? strstr(start, "\n\n") : NULL;
    assert_non_null(end);
    struct case_list list = {0};
    struct error error = {0};
    if (case_list_parse(&list, "example", start, (size_t)(end - start), NULL, 0, &error))
        fail_msg("%s", error.text);
    assert_int_equal(case_num_points(list.cases[0]), 2 * 2 * 2 * 4 * 3);
    case_list_clear(&list);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 0, 120);
    free(text);
}

/* The lengths of seq_len are the sequences of one launch, each with inputs of its own; the first with those of a launch
 * alone. */
static void test_a_batch_is_the_lengths_of_its_case(void **state)
{
    (void)state;
    struct case_list list =
        parse("case: a\nseq_len: [5, 70..71]\nnum_heads: 8\nhead_dim: 64\nbatch: [alone, together]\nkernel: all\n");
    static const int64_t lengths[] = {5, 70, 71};
    assert_int_equal(case_num_points(list.cases[0]), 18);
    for (size_t i = 0; i < 18; i++) {
        struct point point = point_of(&list, 0, i), sequence;
        bool together = point.batch == BATCH_TOGETHER;
        assert_int_equal(together, i / 3 % 2);
        assert_int_equal(point.problem.sequence, together ? i / 6 : 0);
        assert_int_equal(point_num_sequences(&point), together ? 3 : 1);
        for (int s = 0; s < point_num_sequences(&point); s++) {
            point_sequence(&point, s, &sequence);
            assert_int_equal(sequence.kernel, point.kernel);
            assert_int_equal(sequence.problem.seq_len, together ? lengths[s] : point.problem.seq_len);
            assert_int_equal(sequence.problem.q_position, sequence.problem.seq_len - 1);
            assert_int_equal(sequence.problem.sequence, s);
            assert_true((problem_spec_seed(&sequence.problem) == sequence.problem.seed) == (s == 0));
            if (s == point.problem.sequence)
                assert_true(problem_spec_equal(&sequence.problem, &point.problem));
        }
    }
    case_list_clear(&list);
    assert_keys("case: a\nseq_len: [5, 9]\nnum_heads: 8\nhead_dim: 64\nbatch: together\n",
                "a:seq_len=5,num_heads=8,head_dim=64,batch=together\n"
                "a:seq_len=9,num_heads=8,head_dim=64,batch=together\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_is_the_lengths_of_its_case),
        cmocka_unit_test(test_defaults_of_a_minimal_case),
        cmocka_unit_test(test_values_arrive_in_their_fields),
        cmocka_unit_test(test_values_given_as_their_defaults_leave_the_key_alone),
        cmocka_unit_test(test_keys_name_what_differs_from_the_default),
        cmocka_unit_test(test_q_position_follows_the_offset_of_the_chunk),
        cmocka_unit_test(test_slopes_may_be_given),
        cmocka_unit_test(test_many_slopes_are_named_by_their_hash),
        cmocka_unit_test(test_every_mask_has_a_key_of_its_own),
        cmocka_unit_test(test_mask_defaults),
        cmocka_unit_test(test_a_window_may_be_longer_than_the_shorter_caches),
        cmocka_unit_test(test_kernel_then_sentinel_vary_fastest_and_problems_slowest),
        cmocka_unit_test(test_ranges_are_inclusive_and_mix_with_values),
        cmocka_unit_test(test_ranges_have_steps),
        cmocka_unit_test(test_defaults_follow_the_other_axes),
        cmocka_unit_test(test_tolerance_defaults_to_the_dtype_of_the_point),
        cmocka_unit_test(test_a_distribution_has_its_own_factor),
        cmocka_unit_test(test_a_distribution_has_its_own_value),
        cmocka_unit_test(test_a_key_does_not_change_when_the_case_gains_values),
        cmocka_unit_test(test_keys_of_a_large_case_are_unique),
        cmocka_unit_test(test_documents_are_cases_in_their_order),
        cmocka_unit_test(test_crlf_and_byte_order_mark_are_taken),
        cmocka_unit_test(test_quoted_text_is_whole),
        cmocka_unit_test(test_settings_replace_what_files_say),
        cmocka_unit_test(test_a_budget_alone_judges_alone),
        cmocka_unit_test(test_the_documented_example_is_a_case),
    };
    return cmocka_run_group_tests_name("case", tests, NULL, NULL) ? 1 : 0;
}
