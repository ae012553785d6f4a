/* Finds made small, with failures and values that are planted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/hunt/shrink.h"
#include "harness/hunt/tests/hunt_fixture.h"

#define LARGE                                                                                               \
    "case: a\nseq_len: 500\nnum_heads: 12\nnum_kv_heads: 4\nhead_dim: 128\nseed: 77\nmask: {holes: 0.25}\n" \
    "input: {distribution: outliers, factor: 17.3, stddev: 1.37}\n"

struct planted {
    int64_t from; /* the length from which on it fails */
    bool of_mask; /* and only where there is a mask */
    long evaluated;
    struct trial (*trial)(const struct planted *, const struct point *);
};

static enum error_kind evaluate_planted(void *context, const struct candidate *candidate,
                                        const struct hunted_point *read, bool *taken, struct trial *trial,
                                        struct error *error)
{
    struct planted *planted = context;
    (void)candidate, (void)error;
    *taken = true;
    *trial = planted->trial(planted, &read->point);
    planted->evaluated++;
    return ERROR_NONE;
}

/* A leak from a length on, and something else below half of it. */
static struct trial leak(const struct planted *planted, const struct point *point)
{
    struct trial trial = {.value = 1 / (double)point->problem.seq_len};
    bool fails =
        point->problem.seq_len >= planted->from && (!planted->of_mask || point->problem.mask.kind != MASK_NONE);
    snprintf(trial.failure, sizeof trial.failure, "%s",
             fails                                        ? "leak"
             : point->problem.seq_len < planted->from / 2 ? "nan"
                                                          : "");
    return trial;
}

/* Passes, the larger the longer. */
static struct trial longer(const struct planted *planted, const struct point *point)
{
    (void)planted;
    return (struct trial){.value = (double)point->problem.seq_len};
}

static struct point shrink_start(struct start *start, struct planted *planted, long evaluations)
{
    struct find find = {.trial = planted->trial(planted, &start->point)};
    struct error error = {0};
    struct hunted_point read;
    struct point point;
    const struct shrinking shrinking = {
        .space = &start->space,
        .kernel = &ours,
        .keep = 0.9,
        .evaluations = evaluations,
        .evaluate = evaluate_planted,
        .context = planted,
    };
    assert_int_equal(candidate_copy(&find.candidate, &start->candidate, &error), ERROR_NONE);
    if (shrink(&find, &shrinking, &error))
        fail_msg("%s", error.text);
    assert_int_equal(candidate_read(&read, &find.candidate, "b", &ours, &error), ERROR_NONE);
    point = read.point; /* its numbers, not what they point to */
    hunted_point_clear(&read);
    candidate_clear(&find.candidate);
    return point;
}

static void test_a_failure_from_a_length_on_is_found_there(void **state)
{
    struct start start = start_of(LARGE, "seq_len=1..500,input,mask,seed");
    struct planted planted = {.from = 37, .trial = leak};
    (void)state;
    struct point small = shrink_start(&start, &planted, 1000);
    assert_int_equal(small.problem.seq_len, 37);
    assert_int_equal(small.problem.num_heads, 1);
    assert_int_equal(small.problem.num_kv_heads, 1);
    assert_int_equal(small.problem.head_dim, HEAD_DIM_MIN);
    assert_int_equal(small.problem.mask.kind, MASK_NONE);
    assert_int_equal(small.problem.input.distribution, DISTRIBUTION_NORMAL);
    assert_int_equal(small.problem.seed, 0);
    start_clear(&start);
}

static void test_what_a_failure_needs_stays(void **state)
{
    struct start start = start_of(LARGE, "seq_len=1..500,input,mask,seed");
    struct planted planted = {.from = 5, .of_mask = true, .trial = leak};
    (void)state;
    struct point small = shrink_start(&start, &planted, 1000);
    assert_int_equal(small.problem.seq_len, 5);
    assert_int_equal(small.problem.mask.kind, MASK_HOLES);
    start_clear(&start);
}

static void test_what_is_not_free_stays_but_for_shapes(void **state)
{
    struct start start = start_of(LARGE, "seq_len=100..500");
    struct planted planted = {.from = 37, .trial = leak};
    (void)state;
    struct point small = shrink_start(&start, &planted, 1000);
    assert_int_equal(small.problem.seq_len, 100); /* the limit */
    assert_int_equal(small.problem.mask.kind, MASK_HOLES);
    assert_int_equal(small.problem.input.distribution, DISTRIBUTION_OUTLIERS);
    assert_int_equal(small.problem.seed, 77);
    assert_int_equal(small.problem.num_heads, 1);
    start_clear(&start);
}

static void test_a_find_that_passes_keeps_its_value(void **state)
{
    struct start start = start_of(LARGE, "seq_len=1..500,input,mask,seed");
    struct planted planted = {.trial = longer};
    (void)state;
    struct point small = shrink_start(&start, &planted, 300);
    assert_in_range(small.problem.seq_len, 450, 470);
    assert_int_equal(small.problem.num_heads, 1);
    start_clear(&start);
}

static void test_no_more_is_evaluated_than_allowed(void **state)
{
    struct start start = start_of(LARGE, "seq_len=1..500,input,mask,seed");
    struct planted planted = {.from = 37, .trial = leak};
    (void)state;
    shrink_start(&start, &planted, 7);
    assert_int_equal(planted.evaluated, 7);
    start_clear(&start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure_from_a_length_on_is_found_there),
        cmocka_unit_test(test_what_a_failure_needs_stays),
        cmocka_unit_test(test_what_is_not_free_stays_but_for_shapes),
        cmocka_unit_test(test_a_find_that_passes_keeps_its_value),
        cmocka_unit_test(test_no_more_is_evaluated_than_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
