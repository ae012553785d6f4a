/* A point written as a case file and read again is the same point, for every point of the shipped cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/tests/case_fixture.h"
#include "harness/case/case_write.h"
#include "harness/hunt/candidate.h"

static const struct point_kernel ours = {.name = NULL};

/* Every key that is given, those of an expected failure too, which candidates leave out. */
static char *write_whole(const struct point *point)
{
    struct candidate whole = {{NULL}};
    for (int id = KEY_ABOUT + 1; id < KEY_COUNT; id++)
        if (id != KEY_BECAUSE && case_gives(point, (enum key_id)id))
            whole.values[id] = case_write_value((enum key_id)id, point);
    char *text = candidate_text(&whole, case_name(point->test_case), NULL);
    candidate_clear(&whole);
    return text;
}

static void expect_the_same(const struct point *point)
{
    char keys_of[2][POINT_KEY_SIZE];
    struct case_list list = {0};
    struct error error = {0};
    struct point again;
    char *text = write_whole(point);
    assert_non_null(text);
    if (case_list_parse(&list, "written", text, strlen(text), NULL, 0, &error))
        fail_msg("%s: %s\n%s", point_key(keys_of[0], point), error.text, text);
    assert_int_equal(list.count, 1);
    assert_int_equal(case_num_points(list.cases[0]), 1);
    case_point(list.cases[0], 0, &again);
    assert_string_equal(point_key(keys_of[0], point), point_key(keys_of[1], &again));
    if (point_digest(point) != point_digest(&again))
        fail_msg("%s is another point when it is read again:\n%s", keys_of[0], text);
    case_list_clear(&list);
    free(text);
}

static void test_points_of_shipped_cases_are_the_same_when_read_again(void **state)
{
    static const char *const folders[] = {"cases/seed", "cases/known-bugs", "cases/models", "cases/survival",
                                          "cases/example"};
    size_t count = 0;
    (void)state;
    for (size_t f = 0; f < COUNT(folders); f++) {
        struct case_list list = {0};
        struct error error = {0};
        if (case_list_read(&list, folders[f], NULL, 0, &error))
            fail_msg("%s", error.text);
        for (size_t c = 0; c < list.count; c++)
            for (size_t i = 0; i < case_num_points(list.cases[c]) && i < 64; i++) {
                struct point point;
                case_point(list.cases[c], i, &point);
                if (point.batch == BATCH_TOGETHER || point.problem.mask.bits)
                    continue;
                expect_the_same(&point);
                count++;
            }
        case_list_clear(&list);
    }
    assert_true(count > 300);
}

static void test_values_of_every_form_are_the_same_when_read_again(void **state)
{
    static const char *const texts[] = {
        HEAD "slopes: {values: [0.5, 0.25, 0.1, 1, -2, 1e-9, 3, 4]}\n",
        HEAD "sink_logits: {normal: 0.3}\n",
        HEAD "sink_logits: -1.5\n",
        HEAD "sink_logits: {values: [0.1, 0, 3, 4, 5, 6, 7, -8]}\n",
        HEAD "soft_cap: {after_bias: 30}\n",
        HEAD "mask: {window: 7, sinks: 2, holes: 0.125, block: 5, gap_from: 3, gap_keys: 4}\n",
        HEAD "mask: all\n",
        HEAD "input: {distribution: outliers, channels: 3, factor: 1e3, stddev: 0.1, mean: -3}\n",
        HEAD "recipe: {name: mine, base: hf-bloom, epsilon: 0.5}\n",
        HEAD "recipe: {base: hf-bloom, sentinel: -1e4}\n",
        HEAD "tolerance: {atol: 0.3}\nreference: [f32_absolute, f64_relative]\noracles: [poison, determinism]\n",
        HEAD "budget: 0.7\njudge: both\nclass: f32+weights16+bias16\n",
        HEAD "scale: 0.1\nmax_bias: 3.3\nkv_dtype: e4m3\nk_scale: 0.7\nq_position: -5\nseed: 18446744073709551615\n",
        HEAD "recipe: all\n",
    };
    (void)state;
    for (size_t t = 0; t < COUNT(texts); t++) {
        struct case_list list = parse(texts[t]);
        for (size_t i = 0; i < case_num_points(list.cases[0]); i++) {
            struct point point;
            case_point(list.cases[0], i, &point);
            expect_the_same(&point);
        }
        case_list_clear(&list);
    }
}

static void test_a_candidate_expects_no_failure_and_tries_no_oracle_unasked(void **state)
{
    struct case_list list = parse(HEAD "expect: fail\nsignature: leak\nbecause: it is known\n");
    struct case_list asked = parse(HEAD "oracles: [poison]\n");
    struct candidate candidate;
    struct hunted_point read;
    struct error error = {0};
    struct point point;
    (void)state;
    case_point(list.cases[0], 0, &point);
    assert_int_equal(candidate_of_point(&candidate, &point, &ours, &error), ERROR_NONE);
    assert_int_equal(candidate_read(&read, &candidate, "b", &ours, &error), ERROR_NONE);
    assert_false(read.point.expect_fail);
    assert_int_equal(read.point.oracles, 0);
    hunted_point_clear(&read);
    candidate_clear(&candidate);
    case_point(asked.cases[0], 0, &point);
    assert_int_equal(candidate_of_point(&candidate, &point, &ours, &error), ERROR_NONE);
    assert_int_equal(candidate_read(&read, &candidate, "b", &ours, &error), ERROR_NONE);
    assert_int_equal(read.point.oracles, point.oracles);
    hunted_point_clear(&read);
    candidate_clear(&candidate);
    case_list_clear(&list);
    case_list_clear(&asked);
}

/* A window beyond a shorter cache of its case is of a case with longer ones: it goes, and what else the mask has stays.
 */
static void test_a_window_beyond_the_cache_goes(void **state)
{
    static const struct {
        const char *mask;
        unsigned kept;
    } rows[] = {{"{window: 40}", MASK_NONE},
                {"{window: 9, sinks: 40}", MASK_NONE},
                {"{window: 9}", MASK_WINDOW},
                {"{window: 40, padding: 3}", MASK_PADDING}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[256];
        snprintf(text, sizeof text, "case: a\nseq_len: [9, 40]\nnum_heads: 2\nhead_dim: 64\nmask: %s\n", rows[i].mask);
        struct case_list list = parse(text);
        struct candidate candidate;
        struct hunted_point read;
        struct error error = {0};
        struct point point;
        case_point(list.cases[0], 0, &point);
        assert_int_equal(candidate_of_point(&candidate, &point, &ours, &error), ERROR_NONE);
        assert_int_equal(candidate_read(&read, &candidate, "b", &ours, &error), ERROR_NONE);
        assert_int_equal(read.point.problem.mask.kind, rows[i].kept);
        assert_int_equal(read.point.problem.seq_len, 9);
        hunted_point_clear(&read);
        candidate_clear(&candidate);
        case_list_clear(&list);
    }
}

static void test_what_no_case_may_be_is_refused(void **state)
{
    struct case_list list = parse(HEAD);
    struct candidate candidate;
    struct hunted_point read;
    struct error error = {0};
    struct point point;
    (void)state;
    case_point(list.cases[0], 0, &point);
    assert_int_equal(candidate_of_point(&candidate, &point, &ours, &error), ERROR_NONE);
    candidate_take(&candidate, KEY_NUM_KV_HEADS, strdup("3"));
    assert_int_equal(candidate_read(&read, &candidate, "b", &ours, &error), ERROR_USAGE);
    hunted_point_clear(&read);
    candidate_clear(&candidate);
    case_list_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points_of_shipped_cases_are_the_same_when_read_again),
        cmocka_unit_test(test_values_of_every_form_are_the_same_when_read_again),
        cmocka_unit_test(test_a_candidate_expects_no_failure_and_tries_no_oracle_unasked),
        cmocka_unit_test(test_a_window_beyond_the_cache_goes),
        cmocka_unit_test(test_what_no_case_may_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
