/* Failures of a merge by name: tiles and chunks that are added up without the factors between their maxima. */
#include <stdio.h>

#include "harness/judge/cause/tests/online_softmax.h"
#include "harness/judge/cause/tests/signature_trial.h"

static void attend_online(struct signature_trial *trial, int head, const struct online_softmax *online)
{
    float narrow[ONLINE_MAX_DIM];
    double out[ONLINE_MAX_DIM];
    trial->output.lse[head] = online_attend(&trial->made.problem, head, online, narrow);
    for (int d = 0; d < trial->made.problem.head_dim; d++)
        out[d] = (double)narrow[d];
    set_out(trial, head, out);
}

static void attend_all_online(struct signature_trial *trial, const struct online_softmax *online)
{
    for (int h = 0; h < trial->made.problem.num_heads; h++)
        attend_online(trial, h, online);
}

/* Judged to the digits of the dtype. */
static void begin_narrow(struct signature_trial *trial)
{
    begin(trial);
    if (trial->made.problem.dtype == DTYPE_F32)
        trial->tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
}

static const char *const left_out[] = {"sum and output are not multiplied", "the output is not multiplied",
                                       "the sum is not multiplied"};

/* Of both, of the output or of the sum, as number has it, in one of three dtypes. */
static void expect_merge(int number, int64_t keys, const struct online_softmax *tiles, const char *detail)
{
    static const enum dtype dtypes_tried[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16};
    const int what = number % 3;
    char said[128];
    struct online_softmax online = *tiles;
    struct signature_trial trial = make_trial(keys, 4, 2, 64, dtypes_tried[number / 3 % 3]);
    online.sum_stays = what != 1;
    online.out_stays = what != 2;
    for (int h = 0; h < 4; h++) /* so that maxima go on rising, or falling */
        trial.made.slopes[h] = (online.backward ? -0x1p-8f : 0x1p-8f) * (float)(h + 1);
    begin_narrow(&trial);
    attend_all_online(&trial, &online);
    snprintf(said, sizeof said, "%s %s", detail, left_out[what]);
    expect_and_end(&trial, SIGNATURE_WRONG_MERGE, said);
}

static void test_tiles_without_their_factor(void **state)
{
    (void)state;
    static const struct {
        int64_t tile, chunk;
        int owners;
        bool backward, merged;
        const char *detail;
    } rows[] = {
        {1, 0, 1, false, false, "tiles of 1 key:"},
        {4, 0, 1, false, false, "tiles of 4 keys:"},
        {16, 0, 1, false, false, "tiles of 16 keys:"},
        {128, 0, 1, false, false, "tiles of 128 keys:"},
        {32, 0, 1, true, false, "tiles of 32 keys, newest first:"},
        {32, 0, 4, false, false, "tiles of 32 keys, 4 side by side:"},
        {1, 0, 8, false, false, "tiles of 1 key, 8 side by side:"},
        {32, 256, 1, false, false, "tiles of 32 keys, in chunks of 256:"},
        {1, 128, 1, false, false, "tiles of 1 key, in chunks of 128:"},
        {32, 256, 4, false, false, "tiles of 32 keys, 4 side by side, in chunks of 256:"},
        {16, 64, 1, false, true, "chunks of 64 keys:"},
        {1, 0, 32, false, true, "tiles of 1 key, 32 side by side:"},
        {64, 0, 4, false, true, "tiles of 64 keys, 4 side by side:"},
        {16, 112, 1, false, true, "chunks of 112 keys:"}, /* 7 parts of 700 keys */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_merge((int)i, 700,
                     &(struct online_softmax){.tile = rows[i].tile,
                                              .chunk = rows[i].chunk,
                                              .owners = rows[i].owners,
                                              .backward = rows[i].backward,
                                              .merged = rows[i].merged},
                     rows[i].detail);
}

/* Each chunk is right, and is taken in as if its maximum were the largest so far: what most often lacks in a merge. */
static void test_chunks_that_are_taken_in_without_their_factor(void **state)
{
    (void)state;
    static const struct {
        int64_t keys, chunk;
        const char *detail;
    } rows[] = {
        {700, 64, "tiles of 64 keys:"},
        {700, 128, "tiles of 128 keys:"},
        {700, 32, "tiles of 32 keys:"},
        {1000, 192, "tiles of 192 keys:"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int what = 0; what < 3; what++)
            for (int beside = 0; beside < 2; beside++) {
                struct signature_trial trial = make_trial(rows[i].keys, 4, 2, 64, what ? DTYPE_F32 : DTYPE_F16);
                const struct online_softmax online = {.tile = 16,
                                                      .chunk = rows[i].chunk,
                                                      .owners = 1,
                                                      .merged = true,
                                                      .own = true,
                                                      .sum_stays = what != 1,
                                                      .out_stays = what != 2};
                char said[128];
                for (int h = 0; h < 4; h++) /* so that maxima rise and fall: where they only do one, it is as another */
                    trial.made.slopes[h] = 0;
                if (beside == 1)
                    mask_keys(&trial.made, 0, rows[i].chunk, 1); /* a first chunk without a key, and holes */
                begin_narrow(&trial);
                attend_all_online(&trial, &online);
                snprintf(said, sizeof said, "%s %s by exp(own maximum - new)", rows[i].detail, left_out[what]);
                expect_and_end(&trial, SIGNATURE_WRONG_MERGE, said);
            }
}

/* Tiles that are no power of two, and sequences in a fixed number of parts, whole tiles or not. */
static void test_tiles_of_any_length_without_their_factor(void **state)
{
    (void)state;
    static const struct {
        int64_t keys, tile, chunk;
        int owners;
        bool backward, merged;
        const char *detail;
    } rows[] = {
        {700, 24, 0, 1, false, false, "tiles of 24 keys:"},
        {700, 48, 0, 1, true, false, "tiles of 48 keys, newest first:"},
        {700, 96, 0, 2, false, false, "tiles of 96 keys, 2 side by side:"},
        {700, 80, 0, 4, false, true, "tiles of 80 keys, 4 side by side:"},
        {1000, 192, 0, 1, false, false, "tiles of 192 keys:"},
        {2000, 576, 0, 1, false, false, " of 576 keys:"},
        {700, 16, 192, 1, false, true, "chunks of 192 keys:"},
        {700, 48, 384, 1, false, false, "tiles of 48 keys, in chunks of 384:"},  /* 2 parts in whole tiles */
        {1000, 32, 160, 1, false, false, "tiles of 32 keys, in chunks of 160:"}, /* 7 parts in whole tiles */
        {1000, 64, 352, 1, false, false, "tiles of 64 keys, in chunks of 352:"}, /* 3 parts in whole 32 */
        {1000, 16, 334, 1, false, true, "chunks of 334 keys:"},                  /* 3 parts to the key */
        {1000, 64, 250, 1, false, false, "tiles of 64 keys, in chunks of 250:"}, /* 4 parts to the key */
        {1000, 16, 320, 1, false, true, "chunks of 320 keys:"},                  /* 4 parts in whole 64 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_merge((int)i, rows[i].keys,
                     &(struct online_softmax){.tile = rows[i].tile,
                                              .chunk = rows[i].chunk,
                                              .owners = rows[i].owners,
                                              .backward = rows[i].backward,
                                              .merged = rows[i].merged},
                     rows[i].detail);
}

static const struct online_softmax both_of_32 = {.tile = 32, .owners = 1, .sum_stays = true, .out_stays = true},
                                   sum_of_32 = {.tile = 32, .owners = 1, .sum_stays = true};

/* A sink, a cap, a mask with holes: what tiles lack is the same. */
static void test_tiles_beside_what_else_there_may_be(void **state)
{
    (void)state;
    static const float sinks[4] = {1, 2, 0, -1};
    for (int beside = 0; beside < 3; beside++) {
        struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_F16);
        if (beside == 0)
            trial.made.problem.sink_logits = sinks;
        if (beside == 1) {
            trial.made.problem.soft_cap = SOFT_CAP_BEFORE_BIAS;
            trial.made.problem.soft_cap_value = 0.5f;
        }
        if (beside == 2)
            mask_keys(&trial.made, 100, 650, 3);
        begin_narrow(&trial);
        attend_all_online(&trial, &both_of_32);
        expect_and_end(&trial, SIGNATURE_WRONG_MERGE, "tiles of 32 keys: sum and output are not");
    }
}

/* Without lse an output that is too small has one number a row to tell by, and as much in all rows where something else
 * than tiles took it: enough in f32, too little in 16 bits. */
static void test_a_sum_without_its_factor_is_told_by_lse_or_by_f32(void **state)
{
    (void)state;
    for (int narrow = 0; narrow < 2; narrow++)
        for (int with_lse = 0; with_lse < 2; with_lse++) {
            struct signature_trial trial = make_trial(700, 4, 1, 64, narrow ? DTYPE_BF16 : DTYPE_F32);
            for (int h = 0; h < 4; h++)
                trial.made.slopes[h] = 0x1p-8f * (float)(h + 1);
            begin_narrow(&trial);
            attend_all_online(&trial, &sum_of_32);
            if (!with_lse)
                forget_lse(&trial);
            expect(&trial, narrow && !with_lse ? SIGNATURE_UNKNOWN : SIGNATURE_WRONG_MERGE, "");
            for (int h = 0; h < 4 && with_lse; h++) /* by what lse may be off of, where its logits were rounded */
                trial.output.lse[h] += 1e-3f;
            expect_and_end(&trial, narrow || with_lse ? SIGNATURE_UNKNOWN : SIGNATURE_WRONG_MERGE, "");
        }
}

/* Of one row lse has one number, as near to what some tiles would make of it as one in a thousand: two rows tell. */
static void test_a_sum_without_its_factor_takes_two_rows(void **state)
{
    (void)state;
    for (int heads = 1; heads <= 2; heads++) {
        struct signature_trial trial = make_trial(700, heads, 1, 64, DTYPE_F16);
        trial.made.slopes[0] = 0x1p-9f;
        begin(&trial);
        attend_all_online(&trial, &sum_of_32);
        expect_and_end(&trial, heads == 1 ? SIGNATURE_UNKNOWN : SIGNATURE_WRONG_MERGE, "");
    }
}

/* Weight that is with no key, as much in every head: no tiles make that of it. */
static void test_a_sum_that_is_too_large_is_no_merge(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_F32);
    begin_narrow(&trial);
    for (int h = 0; h < 4; h++) {
        double out[64];
        for (int d = 0; d < 64; d++)
            out[d] = 0.8 * trial.truth.value[h * 64 + d];
        set_out(&trial, h, out);
        trial.output.lse[h] = (float)(trial.truth.lse[h] - log(0.8));
    }
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "of the weight is with no key");
}

/* Where lse is not what the sum makes of it, the sum is not what is wrong. */
static void test_an_lse_may_speak_against_a_merge(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_F32);
    begin_narrow(&trial);
    attend_all_online(&trial, &both_of_32);
    expect(&trial, SIGNATURE_WRONG_MERGE, "");
    for (int h = 0; h < 4; h++)
        trial.output.lse[h] += 0.1f;
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* Chunks whose outputs are divided, and merged by a mean or by their maxima alone. */
static void test_chunks_merged_without_their_sums(void **state)
{
    (void)state;
    for (int by_max = 0; by_max < 2; by_max++) {
        struct signature_trial trial = make_trial(700, 4, 2, 64, DTYPE_F16);
        begin_narrow(&trial);
        for (int h = 0; h < 4; h++) {
            const struct online_softmax whole = {.tile = 128, .owners = 1};
            float narrow[ONLINE_MAX_DIM];
            double out[64] = {0}, weights = 0;
            for (int64_t first = 0; first < 700; first += 128) {
                struct online_state part =
                    online_run(&trial.made.problem, h, &whole, first, first + 128 < 700 ? first + 128 : 700, 0);
                double weight = by_max ? exp((double)part.max) : 1;
                weights += weight;
                for (int d = 0; d < 64; d++)
                    out[d] += weight * (double)(part.out[d] / part.sum);
            }
            for (int d = 0; d < 64; d++)
                out[d] /= weights;
            set_out(&trial, h, out);
            trial.output.lse[h] = by_max ? (float)log(weights) : online_attend(&trial.made.problem, h, &whole, narrow);
        }
        expect_and_end(&trial, SIGNATURE_WRONG_MERGE,
                       by_max ? "chunks of 128 keys: their outputs are weighed by exp(maximum)"
                              : "chunks of 128 keys: their outputs are averaged");
    }
}

/* All values are 1, so that out is right whatever the weights are. */
static struct signature_trial make_trial_by_lse_alone(int num_heads, enum dtype dtype)
{
    struct signature_trial trial = make_trial(700, num_heads, 1, 64, dtype);
    const float one = 1;
    for (size_t i = 0; i < 700 * 64; i++)
        dtype_narrow(dtype, trial.made.v, i, 1, &one);
    return trial;
}

/* An lse of another fault is as near to what some of thousands of tiles make of it as one in 256, in all heads if they
 * are alike: which is one number, and no four. */
static void test_heads_that_are_alike_bear_no_merge_out(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial_by_lse_alone(4, DTYPE_F16);
    for (int h = 0; h < 4; h++) {
        trial.made.slopes[h] = 0x1p-7f;
        memcpy((uint16_t *)trial.made.q + h * 64, trial.made.q, 64 * sizeof(uint16_t));
    }
    begin(&trial);
    trial.tolerance.lse = 1e-5;
    break_all(&trial, rule_slope, 0.9);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* Two heads that differ are two numbers, which no other tiles make. */
static void test_tiles_of_any_length_by_lse_alone(void **state)
{
    (void)state;
    static const struct online_softmax both_of_24 = {.tile = 24, .owners = 1, .sum_stays = true, .out_stays = true};
    for (int heads = 1; heads <= 2; heads++) {
        struct signature_trial trial = make_trial_by_lse_alone(heads, DTYPE_F16);
        for (int h = 0; h < heads; h++)
            trial.made.slopes[h] = 0x1p-8f * (float)(h + 1);
        begin(&trial);
        trial.tolerance.lse = 1e-5;
        attend_all_online(&trial, &both_of_24);
        for (int h = 0; h < heads; h++) /* out is right */
            set_out(&trial, h, trial.truth.value + h * 64);
        expect_and_end(&trial, heads == 1 ? SIGNATURE_UNKNOWN : SIGNATURE_WRONG_MERGE,
                       heads == 1 ? "" : "tiles of 24 keys: sum and output are not");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_that_are_taken_in_without_their_factor),
        cmocka_unit_test(test_tiles_without_their_factor),
        cmocka_unit_test(test_tiles_of_any_length_without_their_factor),
        cmocka_unit_test(test_tiles_beside_what_else_there_may_be),
        cmocka_unit_test(test_a_sum_without_its_factor_is_told_by_lse_or_by_f32),
        cmocka_unit_test(test_a_sum_without_its_factor_takes_two_rows),
        cmocka_unit_test(test_a_sum_that_is_too_large_is_no_merge),
        cmocka_unit_test(test_an_lse_may_speak_against_a_merge),
        cmocka_unit_test(test_chunks_merged_without_their_sums),
        cmocka_unit_test(test_heads_that_are_alike_bear_no_merge_out),
        cmocka_unit_test(test_tiles_of_any_length_by_lse_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
