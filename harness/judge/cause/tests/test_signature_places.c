/* Failures by name that move keys or values to other places, or lse by a constant; and what only looks so. */
#include "harness/judge/cause/tests/signature_trial.h"

enum { KEYS = 400, HEADS = 4, KV_HEADS = 2, DIM = 64 };

/* From which key each is read. */
typedef int64_t place_rule(int64_t key, int64_t by);

static int64_t clamped(int64_t key, int64_t by)
{
    return key + by < 0 ? 0 : key + by < KEYS ? key + by : KEYS - 1;
}

static int64_t counted_round(int64_t key, int64_t by)
{
    return (key + by + KEYS) % KEYS;
}

/* The newest two keys, each in the other's place. */
static int64_t newest_exchanged(int64_t key, int64_t by)
{
    (void)by;
    return key < KEYS - 2 ? key : 2 * KEYS - 3 - key;
}

static void *moved(const void *tensor, place_rule *rule, int64_t by)
{
    size_t row = (size_t)KV_HEADS * DIM * sizeof(uint16_t);
    char *to = malloc(KEYS * row);
    assert_non_null(to);
    for (int64_t key = 0; key < KEYS; key++)
        memcpy(to + (size_t)key * row, (const char *)tensor + (size_t)rule(key, by) * row, row);
    return to;
}

enum { OF_K = 1, OF_V = 2 };

/* The output is that of a problem whose k or v lie elsewhere. */
static struct signature_trial move_at(float slope, unsigned which, place_rule *rule, int64_t by, bool masked)
{
    struct signature_trial trial = make_trial(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F16);
    if (masked)
        mask_keys(&trial.made, 100, KEYS, 3);
    for (int h = 0; h < HEADS && slope != 0; h++)
        trial.made.slopes[h] = slope;
    begin(&trial);
    struct problem told = trial.made.problem;
    void *k = moved(told.k, rule, by), *v = moved(told.v, rule, by);
    told.k = which & OF_K ? k : told.k;
    told.v = which & OF_V ? v : told.v;
    answer_as_of(&trial, &told);
    free(k);
    free(v);
    return trial;
}

static struct signature_trial move(unsigned which, place_rule *rule, int64_t by, bool masked)
{
    return move_at(0, which, rule, by, masked);
}

static void test_values_of_another_key_are_misplaced(void **state)
{
    (void)state;
    static const struct {
        int64_t by;
        const char *detail;
    } rows[] = {{1, "v of the key after"},
                {-1, "v of the key before"},
                {2, "v of two keys after"},
                {-2, "v of two keys before"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature_trial trial = move(OF_V, clamped, rows[i].by, i % 2);
        expect_and_end(&trial, SIGNATURE_MISPLACED_KEYS, rows[i].detail);
        trial = move(OF_V, counted_round, rows[i].by, false);
        expect_and_end(&trial, SIGNATURE_MISPLACED_KEYS, rows[i].detail);
    }
}

static void test_keys_of_another_place_are_misplaced(void **state)
{
    (void)state;
    struct signature_trial trial = move(OF_K, clamped, 1, true);
    expect_and_end(&trial, SIGNATURE_MISPLACED_KEYS, "k of the key after");
    trial = move(OF_K, counted_round, -2, false);
    expect_and_end(&trial, SIGNATURE_MISPLACED_KEYS, "k of two keys before");
}

/* Two keys tell no place: where the newest has most of the weight, its value is that of the key before in both. */
static void test_two_values_exchanged_are_unknown(void **state)
{
    (void)state;
    struct signature_trial trial = move(OF_V, newest_exchanged, 0, false);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
    trial = move_at(20, OF_V, newest_exchanged, 0, false);
    find(&trial);
    assert_int_not_equal(trial.finding.signature, SIGNATURE_MISPLACED_KEYS);
    end(&trial);
    trial = move(OF_K | OF_V, newest_exchanged, 0, false);
    find(&trial);
    assert_int_not_equal(trial.finding.signature, SIGNATURE_MISPLACED_KEYS);
    end(&trial);
}

/* ---- lse --------------------------------------------------------------------------------------------------------- */

static struct signature_trial add_to_lse(double constant)
{
    struct signature_trial trial = make_trial(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F16);
    begin(&trial);
    for (int h = 0; h < HEADS; h++)
        trial.output.lse[h] = (float)(trial.truth.lse[h] + constant);
    return trial;
}

static void test_a_constant_in_lse(void **state)
{
    (void)state;
    static const double constants[] = {2.0794415416798357, -0.0625, 5e-3, 1000};
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        struct signature_trial trial = add_to_lse(constants[i]);
        expect_and_end(&trial, SIGNATURE_WRONG_LSE, "the same constant in every row");
    }
}

/* In one row it is not the same; or out is not what it was. */
static void test_what_is_no_constant_in_lse(void **state)
{
    (void)state;
    struct signature_trial trial = add_to_lse(0.5);
    trial.output.lse[2] += 0x1p-12f;
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
    trial = add_to_lse(0.5);
    trial.output.lse[1] = (float)trial.truth.lse[1];
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
    trial = add_to_lse(3e-3);
    double out[DIM];
    for (int h = 0; h < HEADS; h++) { /* weight with no key, that the tolerance allows out */
        for (int d = 0; d < DIM; d++)
            out[d] = trial.truth.value[h * DIM + d] * exp(-3e-3);
        set_out(&trial, h, out);
    }
    trial.tolerance = (struct tolerance){4e-3, 4e-3, 1e-3};
    find(&trial);
    assert_int_not_equal(trial.finding.signature, SIGNATURE_WRONG_LSE);
    end(&trial);
}

/* Rows with one slope: biases moved by any distance, or a factor on an lse that is the same, do as much. */
static void test_rows_that_are_alike_tell_no_constant(void **state)
{
    (void)state;
    struct signature_trial trial = make_trial(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F16);
    for (int h = 0; h < HEADS; h++)
        trial.made.slopes[h] = 0.25f;
    begin(&trial);
    for (int h = 0; h < HEADS; h++)
        trial.output.lse[h] = (float)(trial.truth.lse[h] + 0.1);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
    trial = make_trial(KEYS, 1, 1, DIM, DTYPE_F16);
    begin(&trial);
    trial.output.lse[0] += 0.1f;
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* Rows of out that are exchanged: of one key each is a row of v, and nothing tells a KV head that is mistaken from an
 * output that is. Of two it is neither's v. */
static void test_exchanged_rows_of_one_key_are_no_kv_heads(void **state)
{
    (void)state;
    for (int64_t keys = 1; keys <= 2; keys++) {
        struct signature_trial trial = make_trial(keys, 2, 2, 64, DTYPE_F16);
        begin(&trial);
        set_out(&trial, 0, trial.truth.value + 64);
        set_out(&trial, 1, trial.truth.value);
        expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_of_another_key_are_misplaced),
        cmocka_unit_test(test_keys_of_another_place_are_misplaced),
        cmocka_unit_test(test_two_values_exchanged_are_unknown),
        cmocka_unit_test(test_a_constant_in_lse),
        cmocka_unit_test(test_what_is_no_constant_in_lse),
        cmocka_unit_test(test_rows_that_are_alike_tell_no_constant),
        cmocka_unit_test(test_exchanged_rows_of_one_key_are_no_kv_heads),
    };
    return cmocka_run_group_tests_name("signatures of places", tests, NULL, NULL) != 0;
}
