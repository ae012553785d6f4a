/* Trials: what is copied of a problem, what a change leaves behind, and what a run reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <xxhash.h>

#include "harness/judge/oracle/trial.h"
#include "harness/judge/oracle/trial_bound.h"
#include "harness/subject/shipped.h"
#include "kernels/tests/made_problem.h"
#include "reference/recent_keys.h"

static const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
static const struct kernel_options options = {.chunk_len = 64};

static struct device *device;

static int open_device(void **state)
{
    struct error error;
    (void)state;
    return device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error);
}

static int close_device(void **state)
{
    (void)state;
    device_close(device);
    return 0;
}

static struct shipped_subject subject_on_host(void)
{
    return shipped_subject(device, KERNEL_SPLIT_KV, &options, &recipe);
}

static struct trial trial_of(const struct problem *problem, int64_t max_elements)
{
    struct trial trial;
    struct error error;
    if (trial_init(&trial, problem, max_elements, 0, &error))
        fail_msg("%s", error.text);
    return trial;
}

static uint64_t digest_of(const struct trial *trial, enum trial_tensor tensor)
{
    return XXH3_64bits(trial->tensors[tensor].data, trial->tensors[tensor].size_bytes);
}

static struct trial_values run_trial(struct trial *trial)
{
    const struct shipped_subject shipped = subject_on_host();
    struct trial_values values;
    struct error error;
    if (trial_values_init(&values, trial, &error) ||
        trial_run(trial, TRIAL_POISON_NUMBER, &shipped.subject, NULL, &error))
        fail_msg("%s", error.text);
    trial_values_take(&values, trial);
    return values;
}

/* Two KV heads with two query heads each at the least, then fewer keys; never more elements than allowed. */
static void test_a_part_is_as_large_as_allowed(void **state)
{
    static const struct {
        int64_t max_elements;
        int num_kv_heads, num_heads;
        int64_t seq_len;
    } parts[] = {{100 * 12 * 64, 4, 12, 100},  {100 * 12 * 64 - 1, 3, 9, 100},
                 {100 * 6 * 64, 2, 6, 100},    {100 * 6 * 64 - 1, 2, 4, 100},
                 {100 * 4 * 64, 2, 4, 100},    {100 * 4 * 64 - 1, 2, 4, 99},
                 {40 * 4 * 64 + 63, 2, 4, 40}, {1, 2, 4, 1}};
    struct made_problem made = make_problem(100, 12, 4, 64, DTYPE_BF16);
    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct trial trial = trial_of(&made.problem, parts[i].max_elements);
        assert_int_equal(trial.problem.num_kv_heads, parts[i].num_kv_heads);
        assert_int_equal(trial.problem.num_heads, parts[i].num_heads);
        assert_int_equal(trial.problem.seq_len, parts[i].seq_len);
        assert_int_equal(trial.whole, i == 0);
        double bytes = 0;
        for (int t = 0; t < TRIAL_TENSOR_COUNT; t++)
            bytes += (double)trial.tensors[t].size_bytes;
        assert_true(bytes < trial_bytes(&made.problem, parts[i].max_elements));
        trial_clear(&trial);
    }
    free_problem(&made);
}

/* Of a group as many heads as divide it, if some do: a kernel that shares rows among them has a form for these. */
static void test_a_part_of_a_group_divides_it(void **state)
{
    static const struct {
        int group, fit, heads;
    } parts[] = {{4, 4, 4}, {4, 3, 2}, {8, 7, 4}, {8, 3, 2}, {9, 8, 3}, {6, 5, 3}, {5, 4, 4}, {7, 1, 2}, {2, 1, 2}};
    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct made_problem made = make_problem(100, 2 * parts[i].group, 2, 64, DTYPE_F16);
        const struct trial_cut cut = trial_cut_shape(&made.problem, 2 * (int64_t)parts[i].fit * 100 * 64);
        assert_int_equal(cut.num_kv_heads, 2);
        assert_int_equal(cut.heads_a_kv_head, parts[i].heads);
        free_problem(&made);
    }
}

/* A part's heads give what they give in the whole, bit for bit: q, k, v and slopes are the right ones. */
static void test_heads_of_a_part_are_those_of_the_whole(void **state)
{
    (void)state;
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        struct made_problem made = make_problem(150, 12, 4, 80, (enum dtype)dtype);
        mask_keys(&made, 3, 140, 4);
        struct trial whole = trial_of(&made.problem, TRIAL_MAX_ELEMENTS), part = trial_of(&made.problem, 150 * 4 * 80);
        struct trial_values expected = run_trial(&whole), got = run_trial(&part);
        static const int heads[] = {0, 1, 3, 4};
        assert_int_equal(part.problem.num_heads, 4);
        for (int h = 0; h < 4; h++) {
            assert_memory_equal(got.out + (ptrdiff_t)h * 80, expected.out + (ptrdiff_t)heads[h] * 80,
                                80 * sizeof(double));
            assert_true(got.lse[h] == expected.lse[heads[h]]);
        }
        trial_values_clear(&expected);
        trial_values_clear(&got);
        trial_clear(&whole);
        trial_clear(&part);
        free_problem(&made);
    }
}

/* Keys of a part are removed by as many masks as in the whole, and by one that is a trial's own. */
static void test_keys_of_a_part_keep_their_masks(void **state)
{
    (void)state;
    struct made_problem made = make_problem(150, 12, 4, 64, DTYPE_F16);
    uint8_t counts[150];
    mask_keys(&made, 3, 140, 2);
    for (int key = 0; key < 150; key++)
        counts[key] = (uint8_t)(made.visible[key] ? 0 : 1 + key % 3);
    const struct key_masks masks = {made.visible, counts, 150};
    made.problem.masks = &masks;
    struct trial part;
    struct error error;
    assert_int_equal(trial_init(&part, &made.problem, 100 * 4 * 64, 0, &error), ERROR_NONE);
    assert_int_equal(part.problem.seq_len, 100);
    for (int key = 0; key < 100; key++)
        assert_int_equal(problem_masks(&part.problem, key), counts[part.cut.first_key + key]);
    uint8_t none[100] = {0};
    part.problem.visible = none;
    assert_int_equal(problem_masks(&part.problem, 50), 1);
    trial_clear(&part);
    made.problem.masks = NULL;
    free_problem(&made);
}

/* A kernel that makes its own slopes makes those of the whole: a part, and a part of a part, knows which heads it has.
 */
static void test_a_part_knows_its_place(void **state)
{
    (void)state;
    static const int heads[] = {0, 1, 3, 4};
    struct made_problem made = make_problem(150, 12, 4, 64, DTYPE_F16);
    struct trial part = trial_of(&made.problem, 150 * 4 * 64), again = trial_of(&part.problem, 150 * 4 * 64);
    for (int h = 0; h < 4; h++) {
        assert_int_equal(problem_whole_head(&part.problem, h), heads[h]);
        assert_int_equal(problem_whole_head(&again.problem, h), heads[h]);
    }
    assert_int_equal(problem_whole_heads(&part.problem), 12);
    assert_int_equal(problem_whole_heads(&again.problem), 12);
    trial_clear(&again);
    trial_clear(&part);
    free_problem(&made);
}

/* Any heads and keys may be chosen: tensors are those of the original in that place, a visible key is among them, and
 * the query is as far from the newest one as it was. */
static void test_a_part_may_be_anywhere(void **state)
{
    enum { KEYS = 300, ROW = 4 * 80 };
    struct made_problem made = make_problem(KEYS, 12, 4, 80, DTYPE_F32);
    bool kv_heads[4] = {false}, heads[12] = {false}, older = false, newest = false;
    (void)state;
    mask_keys(&made, 3, KEYS - 5, 4);
    mask_keys(&made, KEYS - 5, KEYS, 1);
    for (uint64_t choice = 1; choice < 80; choice++) {
        struct trial trial;
        struct error error;
        assert_int_equal(trial_init(&trial, &made.problem, 100 * 4 * 80, choice, &error), ERROR_NONE);
        const struct problem *part = &trial.problem;
        const int64_t first = trial.cut.first_key;
        const int kv_head = trial.cut.kv_head, head = trial.cut.kv_head * 3 + trial.cut.head_of_group;
        assert_true(part->seq_len == 100 && part->num_heads == 4 && part->num_kv_heads == 2);
        assert_true(first >= 0 && first + 100 <= KEYS && kv_head >= 0 && kv_head <= 2);
        kv_heads[kv_head] = heads[head] = true;
        older |= first < 150;
        newest |= first > 150;
        for (int64_t key = 0; key < 100; key++) {
            const size_t at = (size_t)(first + key) * ROW + (size_t)kv_head * 80, own = (size_t)key * 2 * 80;
            assert_memory_equal((const float *)part->k + own, (const float *)made.k + at, 2 * 80 * sizeof(float));
            assert_memory_equal((const float *)part->v + own, (const float *)made.v + at, 2 * 80 * sizeof(float));
            assert_int_equal(part->visible[key], made.visible[first + key]);
        }
        for (int h = 0; h < 4; h++) {
            const int of_whole = head + h / 2 * 3 + h % 2;
            assert_int_equal(problem_whole_head(part, h), of_whole);
            assert_true(part->slopes[h] == made.slopes[of_whole]);
            assert_memory_equal((const float *)part->q + (ptrdiff_t)h * 80,
                                (const float *)made.q + (ptrdiff_t)of_whole * 80, 80 * sizeof(float));
        }
        int64_t key = 99;
        while (!part->visible[key])
            key--;
        assert_int_equal(problem_distance(part, key), problem_distance(&made.problem, KEYS - 6));
        trial.problem.q_position += 3;
        trial_reload(&trial);
        assert_int_equal(problem_distance(part, key), problem_distance(&made.problem, KEYS - 6));
        trial_clear(&trial);
    }
    assert_true(kv_heads[0] && kv_heads[1] && kv_heads[2] && heads[0] && heads[1] && heads[3] && heads[4]);
    assert_true(older && newest);
    free_problem(&made);
}

/* Where no key outside the part is visible, leaving it out changes rounding alone. */
static void test_keys_of_a_part_keep_their_distances(void **state)
{
    static const struct {
        int64_t from, to; /* visible */
    } visible[] = {{250, 300}, {260, 261}, {150, 210}, {10, 40}, {0, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof visible / sizeof visible[0]; i++) {
        struct made_problem made = make_problem(300, 2, 2, 64, DTYPE_F32);
        mask_keys(&made, 0, visible[i].from, 1);
        mask_keys(&made, visible[i].to, 300, 1);
        struct trial whole = trial_of(&made.problem, TRIAL_MAX_ELEMENTS), part = trial_of(&made.problem, 120 * 2 * 64);
        struct trial_values expected = run_trial(&whole), got = run_trial(&part);
        assert_int_equal(part.problem.seq_len, 120);
        for (int j = 0; j < 2 * 64 + 2; j++)
            if (!(fabs(got.out[j] - expected.out[j]) <= 1e-6 * (1 + fabs(expected.out[j]))))
                fail_msg("keys %d to %d, number %d: %g, expected %g", (int)visible[i].from, (int)visible[i].to, j,
                         got.out[j], expected.out[j]);
        trial_values_clear(&expected);
        trial_values_clear(&got);
        trial_clear(&whole);
        trial_clear(&part);
        free_problem(&made);
    }
}

static void test_reload_undoes_every_change(void **state)
{
    struct made_problem made = make_problem(90, 4, 2, 64, DTYPE_F16);
    uint64_t digests[TRIAL_OUT];
    (void)state;
    mask_keys(&made, 5, 9, 1);
    made.problem.sink_logits = (const float[]){1, 2, 3, 4};
    struct trial trial = trial_of(&made.problem, 60 * 4 * 64);
    int64_t q_position = trial.problem.q_position;
    for (enum trial_tensor t = 0; t < TRIAL_OUT; t++)
        digests[t] = digest_of(&trial, t);
    for (enum trial_tensor t = 0; t < TRIAL_OUT; t++) {
        memset(trial_change(&trial, t), 0x77, trial.tensors[t].size_bytes);
        trial.problem.q_position += 3;
        assert_true(digest_of(&trial, t) != digests[t]);
        trial_reload(&trial);
        for (enum trial_tensor other = 0; other < TRIAL_OUT; other++)
            assert_true(digest_of(&trial, other) == digests[other]);
        assert_int_equal(trial.problem.q_position, q_position);
    }
    trial_clear(&trial);
    free_problem(&made);
}

/* The lse of every sound run lies within its bound, and the bound is not much wider than that of a few roundings. */
static void test_the_bound_of_lse_holds_and_is_narrow(void **state)
{
    static const int64_t lengths[] = {1, 40, 300};
    const struct shipped_subject shipped = subject_on_host();
    const struct oracle_inquiry inquiry = {.subject = &shipped.subject, .threads = 1};
    struct error error;
    (void)state;
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            struct made_problem made = make_problem(lengths[i], 4, 4, 64, (enum dtype)dtype);
            struct trial trial = trial_of(&made.problem, TRIAL_MAX_ELEMENTS);
            struct trial_values got = run_trial(&trial), bound;
            struct trial_truth truth;
            if (trial_values_init(&bound, &trial, &error) || trial_truth_init(&truth, &trial, &inquiry, &error) ||
                trial_bound(&bound, &trial, &truth, NULL, &shipped.subject, 0, &error))
                fail_msg("%s", error.text);
            for (int h = 0; h < 4; h++) {
                assert_true(fabs(got.lse[h] - truth.truth.lse[h]) <= bound.lse[h]);
                assert_true(bound.lse[h] < 5e-5);
            }
            for (int j = 0; j < 4 * 64; j++)
                assert_true(fabs(got.out[j] - truth.truth.value[j]) <= bound.out[j] + truth.truth.radius[j]);
            trial_truth_clear(&truth);
            trial_values_clear(&bound);
            trial_values_clear(&got);
            trial_clear(&trial);
            free_problem(&made);
        }
}

static void bound_of(struct trial_values *bound, struct trial *trial, int shift)
{
    const struct shipped_subject shipped = subject_on_host();
    const struct oracle_inquiry inquiry = {.subject = &shipped.subject, .threads = 1};
    struct trial_truth truth;
    struct error error;
    if (trial_values_init(bound, trial, &error) || trial_truth_init(&truth, trial, &inquiry, &error) ||
        trial_bound(bound, trial, &truth, NULL, &shipped.subject, shift, &error))
        fail_msg("%s", error.text);
    trial_truth_clear(&truth);
}

/* The bound where the query is some keys nearer is that of the problem in which it is. */
static void test_the_bound_moves_with_the_query(void **state)
{
    enum { SHIFT = 20 };
    (void)state;
    struct made_problem made = make_problem(100, 4, 4, 64, DTYPE_F16);
    struct trial trial = trial_of(&made.problem, TRIAL_MAX_ELEMENTS);
    struct trial_values shifted, moved;
    bound_of(&shifted, &trial, SHIFT);
    trial_clear(&trial);
    made.problem.q_position -= SHIFT;
    trial = trial_of(&made.problem, TRIAL_MAX_ELEMENTS);
    bound_of(&moved, &trial, 0);
    for (int h = 0; h < 4; h++)
        assert_true(fabs(shifted.lse[h] - moved.lse[h]) <= 1e-9 * moved.lse[h]);
    for (int i = 0; i < 4 * 64; i++)
        assert_true(fabs(shifted.out[i] - moved.out[i]) <= 1e-9 * moved.out[i]);
    trial_values_clear(&shifted);
    trial_values_clear(&moved);
    trial_clear(&trial);
    free_problem(&made);
}

/* Each row by itself: one that is not where the truth is says nothing of the row before it, nor of the next. */
static void test_a_row_is_elsewhere_by_its_own_numbers(void **state)
{
    enum { ROWS = 3, DIM = 2 };
    static const struct {
        double out[ROWS * DIM], lse[ROWS];
        bool without_lse, elsewhere[ROWS];
    } rows[] = {
        {{1, 1, 1, 1, 1, 1}, {1, 1, 1}, false, {false, false, false}},
        {{1, 1, 1, 1.25, 1, 1}, {1, 1, 1}, false, {false, true, false}},
        {{1, 1, 1, 1, 0.75, 1}, {1, 1, 1}, false, {false, false, true}},
        {{1, 1, 1, 1, 1, 1}, {1.25, 1, 1}, false, {true, false, false}},
        {{1, 1, 1, 1, 1, 1}, {1.25, 1, 1}, true, {false, false, false}},
        {{1.125, 1, 1, 1, 1, 1}, {1, 1, 1}, false, {false, false, false}}, /* within bound and radius together */
    };
    const double ones[ROWS * DIM] = {1, 1, 1, 1, 1, 1},
                             small[ROWS * DIM] = {0x1p-4, 0x1p-4, 0x1p-4, 0x1p-4, 0x1p-4, 0x1p-4};
    struct trial trial = {.problem = {.num_heads = ROWS, .num_kv_heads = ROWS, .head_dim = DIM}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double out[ROWS * DIM], lse[ROWS], bound[ROWS * DIM], lse_bound[ROWS];
        struct trial_truth truth = {.truth = {.num_rows = ROWS, .head_dim = DIM}};
        struct trial_own own;
        struct error error;
        memcpy(out, rows[i].out, sizeof out);
        memcpy(lse, rows[i].lse, sizeof lse);
        memcpy(bound, small, sizeof bound);
        memcpy(lse_bound, small, sizeof lse_bound);
        truth.truth.value = truth.truth.lse = (double *)(uintptr_t)ones;
        truth.truth.radius = truth.truth.lse_radius = (double *)(uintptr_t)small;
        const struct trial_values values = {.out = out, .lse = lse}, bounds = {.out = bound, .lse = lse_bound};
        assert_int_equal(trial_own_init(&own, &trial, &values, &bounds, &truth, rows[i].without_lse, &error), 0);
        bool any = false;
        for (int r = 0; r < ROWS; r++) {
            assert_int_equal(own.elsewhere[r], rows[i].elsewhere[r]);
            any |= rows[i].elsewhere[r];
        }
        assert_int_equal(own.any, any);
        trial_own_clear(&own);
    }
}

static void test_a_trial_says_which_keys_it_takes(void **state)
{
    struct made_problem made = make_problem(100, 4, 2, 64, DTYPE_F16);
    int64_t first[2];
    struct recent_keys recent = {.first = first};
    (void)state;
    made.problem.recent = &recent;
    for (int missing = 0; missing < 4; missing++) {
        first[0] = missing == 1 || missing == 3 ? 61 : 60;
        first[1] = missing >= 2 ? 61 : 60;
        recent.wanted = false;
        struct trial trial = trial_of(&made.problem, 40 * 4 * 64);
        assert_int_equal(trial.cut.first_key, 60);
        assert_null(trial.problem.recent);
        assert_int_equal(recent.wanted, missing > 0);
        trial_clear(&trial);
    }
    free_problem(&made);
}

static enum error_kind run_aligned(const struct subject *subject, const struct sequences *sequences,
                                   struct memory_audit *audit, double *seconds, struct error *error)
{
    (void)subject, (void)audit, (void)seconds, (void)error;
    for (int i = 0; i < sequences->count; i++)
        assert_int_equal((uintptr_t)sequences->outputs[i].lse % sizeof(float), 0);
    return ERROR_NONE;
}

/* Behind an out of 10 bytes, too. */
static void test_each_lse_of_a_launch_is_aligned(void **state)
{
    static const struct subject_ops ops = {.run = run_aligned};
    static const struct subject subject = {.ops = &ops};
    struct made_problem made = make_problem(20, 1, 1, 5, DTYPE_F16);
    struct trial trial = trial_of(&made.problem, TRIAL_MAX_ELEMENTS);
    struct trial_values first, last;
    struct error error;
    bool is_away;
    (void)state;
    assert_false(trial_values_init(&first, &trial, &error) || trial_values_init(&last, &trial, &error));
    assert_int_equal(trial_run_in_batch(&trial, &subject, &first, &last, &error), ERROR_NONE);
    assert_int_equal(trial_run_beside(&trial, &subject, TRIAL_BETWEEN, 1, &first, &is_away, &error), ERROR_NONE);
    assert_int_equal(trial_run_pair(&trial, &subject, true, TRIAL_MANY, &first, &last, &error), ERROR_NONE);
    trial_values_clear(&first);
    trial_values_clear(&last);
    trial_clear(&trial);
    free_problem(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_part_is_as_large_as_allowed),
        cmocka_unit_test(test_a_part_of_a_group_divides_it),
        cmocka_unit_test(test_heads_of_a_part_are_those_of_the_whole),
        cmocka_unit_test(test_keys_of_a_part_keep_their_masks),
        cmocka_unit_test(test_a_part_knows_its_place),
        cmocka_unit_test(test_a_part_may_be_anywhere),
        cmocka_unit_test(test_keys_of_a_part_keep_their_distances),
        cmocka_unit_test(test_reload_undoes_every_change),
        cmocka_unit_test(test_the_bound_of_lse_holds_and_is_narrow),
        cmocka_unit_test(test_the_bound_moves_with_the_query),
        cmocka_unit_test(test_a_row_is_elsewhere_by_its_own_numbers),
        cmocka_unit_test(test_a_trial_says_which_keys_it_takes),
        cmocka_unit_test(test_each_lse_of_a_launch_is_aligned),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
