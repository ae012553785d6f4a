/* Failures by name where parts of a sequence meet: keys that are counted twice, and keys that are lost. */
#include "harness/judge/cause/tests/counted_keys.h"
#include "harness/judge/cause/tests/signature_trial.h"

static void count_all(struct signature_trial *trial, const struct counted_keys *counted)
{
    const struct problem *problem = &trial->made.problem;
    for (int h = 0; h < problem->num_heads; h++) {
        float narrow[ONLINE_MAX_DIM];
        double out[ONLINE_MAX_DIM];
        trial->output.lse[h] = counted_attend(problem, h, counted, narrow);
        for (int d = 0; d < problem->head_dim; d++)
            out[d] = (double)narrow[d];
        set_out(trial, h, out);
    }
}

/* Slopes so small that the weight is spread, judged to the digits of the dtype. */
static struct signature_trial begin_flat(int64_t keys, enum dtype dtype)
{
    struct signature_trial trial = make_trial(keys, 4, 2, 64, dtype);
    for (int h = 0; h < 4; h++)
        trial.made.slopes[h] = 0x1p-10f * (float)(h + 1);
    begin(&trial);
    if (dtype == DTYPE_F32)
        trial.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
    return trial;
}

static const enum dtype dtypes_tried[] = {DTYPE_F32, DTYPE_F16};

static void test_bounds_of_parts(void **state)
{
    (void)state;
    static const struct {
        struct counted_keys counted;
        enum signature signature;
        const char *detail;
    } rows[] = {
        {{COUNT_BEYOND_END, 128, 1, 0},
         SIGNATURE_DOUBLED_KEYS,
         "parts of 128 keys: the first 1 of each are counted in the one before as well"},
        {{COUNT_BEYOND_END, 234, 16, 0}, SIGNATURE_DOUBLED_KEYS, "parts of 234 keys: the first 16"}, /* 3 parts */
        {{COUNT_BEFORE_BEGIN, 96, 8, 0},
         SIGNATURE_DOUBLED_KEYS,
         "parts of 96 keys: the last 8 of each are counted in the next one as well"},
        {{COUNT_SHORT_OF_END, 64, 1, 0}, SIGNATURE_DROPPED_KEYS, "parts of 64 keys: the last 1 of each are missing"},
        {{COUNT_LATE, 192, 4, 0},
         SIGNATURE_DROPPED_KEYS,
         "parts of 192 keys: the first 4 of each but the first are missing"},
        {{COUNT_WHOLE_PAGES, 256, 48, 0}, SIGNATURE_DOUBLED_KEYS, "pages of 48 where two meet are counted in both"},
        {{COUNT_PAGES_OF_PART, 256, 24, 0},
         SIGNATURE_DOUBLED_KEYS,
         "parts of 256 keys: with pages of 24 each begins at a multiple of the whole pages"},
        {{COUNT_PAGES_OF_PART, 256, 48, 64}, SIGNATURE_DOUBLED_KEYS, "and slots behind each page carry weight"},
        {{COUNT_OLDEST_TWICE, 700, 4, 0}, SIGNATURE_DOUBLED_KEYS, "the oldest 4 keys are counted twice"},
        {{COUNT_NEWEST_TWICE, 700, 1, 0}, SIGNATURE_DOUBLED_KEYS, "the newest 1 keys are counted twice"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = begin_flat(700, dtypes_tried[i % 2]);
        count_all(&trial, &rows[i].counted);
        expect_and_end(&trial, rows[i].signature, rows[i].detail);
    }
}

/* Of an end any number counts twice: with lse, whose gain says how many, and without. */
static void test_any_number_of_keys_at_an_end(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct signature_trial trial = begin_flat(700, dtypes_tried[i % 2]);
        enum counting counting = i & 2 ? COUNT_OLDEST_TWICE : COUNT_NEWEST_TWICE;
        count_all(&trial, &(struct counted_keys){counting, 700, i & 2 ? 423 : 77, 0});
        if (i & 4)
            forget_lse(&trial);
        expect_and_end(&trial, SIGNATURE_DOUBLED_KEYS,
                       i & 2 ? "the oldest 423 keys are counted twice" : "the newest 77 keys are counted twice");
    }
}

/* Two keys behind the first 256, twice: parts of 256 that end too late by any number of keys make the same of them. */
static void test_an_end_is_no_part(void **state)
{
    (void)state;
    struct signature_trial trial = begin_flat(258, DTYPE_F16);
    count_all(&trial, &(struct counted_keys){COUNT_NEWEST_TWICE, 258, 2, 0});
    expect_and_end(&trial, SIGNATURE_DOUBLED_KEYS, "the newest 2 keys are counted twice");
}

/* Where the newest keys have all the weight, out is right with them doubled, and lse too large by log 2, as it is where
 * tiles of other lengths leave out a factor: that would show in out. */
static void test_an_lse_alone_is_no_merge_that_changes_out(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(247, 2, 2, 64, DTYPE_F16);
    for (int h = 0; h < 2; h++)
        trial.made.slopes[h] = 0.5f / (float)(1 + h);
    begin(&trial);
    count_all(&trial, &(struct counted_keys){COUNT_NEWEST_TWICE, 247, 75, 0});
    find(&trial);
    if (trial.finding.signature == SIGNATURE_WRONG_MERGE)
        fail_msg("%s", trial.finding.detail);
    end(&trial);
}

/* An lse without its newest key beside an out that has it: what would have changed out has not happened. */
static void test_an_lse_alone_is_no_key_that_out_has(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(60, 4, 2, 64, DTYPE_F32);
    begin(&trial);
    for (int h = 0; h < 4; h++) {
        double sum = 0;
        for (int64_t j = 0; j < 59; j++)
            sum += exp(rule_right(&trial.made.problem, h, j, 0));
        trial.output.lse[h] = (float)log(sum);
    }
    find(&trial);
    if (trial.finding.signature != SIGNATURE_UNKNOWN)
        fail_msg("%s: %s", signature_names[trial.finding.signature], trial.finding.detail);
    end(&trial);
}

/* Slots behind pages whose keys count once take as much from all elements of a row: two rows tell, by lse. */
static void test_slots_behind_pages(void **state)
{
    (void)state;
    for (int with_lse = 0; with_lse < 2; with_lse++) {
        struct signature_trial trial = begin_flat(696, DTYPE_F16);
        count_all(&trial, &(struct counted_keys){COUNT_PAGES_OF_PART, 696, 24, 32});
        if (!with_lse)
            forget_lse(&trial);
        expect_and_end(&trial, with_lse ? SIGNATURE_LEAK : SIGNATURE_UNKNOWN, with_lse ? "behind pages of 24" : "");
    }
}

/* The same in rows whose weight is on the newest keys: parts with such pages would look alike, and no row shows them.
 */
static void test_slots_behind_pages_are_no_parts(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(2100, 4, 2, 64, DTYPE_F16);
    for (int h = 0; h < 4; h++)
        trial.made.slopes[h] = 0.5f / (float)(1 + h);
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-2, 1e-2, 1e-3};
    count_all(&trial, &(struct counted_keys){COUNT_PAGES_OF_PART, 2100, 24, 32});
    forget_lse(&trial);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* A sink, a cap, holes: what is counted twice is the same. */
static void test_bounds_beside_what_else_there_may_be(void **state)
{
    (void)state;
    static const float sinks[4] = {6, 7, 5, 4};
    for (int beside = 0; beside < 3; beside++) {
        struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_F16);
        for (int h = 0; h < 4; h++)
            trial.made.slopes[h] = 0x1p-10f * (float)(h + 1);
        if (beside == 0)
            trial.made.problem.sink_logits = sinks;
        if (beside == 1) {
            trial.made.problem.soft_cap = SOFT_CAP_BEFORE_BIAS;
            trial.made.problem.soft_cap_value = 0.5f;
        }
        if (beside == 2)
            mask_keys(&trial.made, 100, 650, 3);
        begin(&trial);
        count_all(&trial, &(struct counted_keys){COUNT_BEYOND_END, 128, 16, 0});
        expect_and_end(&trial, SIGNATURE_DOUBLED_KEYS, "parts of 128 keys: the first 16");
    }
}

/* Where lse is not what the keys make of it, they are not what is wrong. */
static void test_an_lse_may_speak_against_a_count(void **state)
{
    (void)state;
    struct signature_trial trial = begin_flat(700, DTYPE_F32);
    count_all(&trial, &(struct counted_keys){COUNT_BEYOND_END, 128, 16, 0});
    for (int h = 0; h < 4; h++)
        trial.output.lse[h] += 0.1f;
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* A key that weighs as much more as a key counted twice, at no bound of parts. */
static void test_one_weight_is_no_count(void **state)
{
    (void)state;
    struct signature_trial trial = begin_flat(700, DTYPE_F16);
    for (int h = 0; h < 4; h++) {
        double out[64], weight = 0.05;
        const struct problem *problem = &trial.made.problem;
        size_t row = problem_row(problem, 333, problem_kv_head(problem, h));
        for (int d = 0; d < 64; d++)
            out[d] = (trial.truth.value[h * 64 + d] + weight * element(problem->v, problem->dtype, row + (size_t)d)) /
                     (1 + weight);
        set_out(&trial, h, out);
        trial.output.lse[h] = (float)(trial.truth.lse[h] + log1p(weight));
    }
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* Parts that lack their last keys, in a row whose weight is on the newest: those of the end alone are lost, as far as
 * anyone sees, and something else is wrong with lse. */
static void test_what_is_lost_at_the_end_says_nothing_of_parts(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_F32);
    for (int h = 0; h < 4; h++)
        trial.made.slopes[h] = 0.5f * (float)(h + 1);
    begin(&trial);
    count_all(&trial, &(struct counted_keys){COUNT_SHORT_OF_END, 128, 2, 0});
    for (int h = 0; h < 4; h++)
        trial.output.lse[h] += 0x1p-14f;
    find(&trial);
    assert_null(strstr(trial.finding.detail, "parts of"));
    end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_of_parts),
        cmocka_unit_test(test_any_number_of_keys_at_an_end),
        cmocka_unit_test(test_an_end_is_no_part),
        cmocka_unit_test(test_an_lse_alone_is_no_merge_that_changes_out),
        cmocka_unit_test(test_an_lse_alone_is_no_key_that_out_has),
        cmocka_unit_test(test_slots_behind_pages),
        cmocka_unit_test(test_slots_behind_pages_are_no_parts),
        cmocka_unit_test(test_bounds_beside_what_else_there_may_be),
        cmocka_unit_test(test_an_lse_may_speak_against_a_count),
        cmocka_unit_test(test_one_weight_is_no_count),
        cmocka_unit_test(test_what_is_lost_at_the_end_says_nothing_of_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
