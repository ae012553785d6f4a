/* Failures by name of tiles of keys that have k or v of the tile before, and of chunks that have positions of their
 * own. */
#include "harness/judge/cause/tests/signature_trial.h"

enum { KEYS = 400, HEADS = 4, KV_HEADS = 2, DIM = 64, ELEMENTS = KV_HEADS * DIM };

enum { OF_V = 1, OF_K = 2 };

/* Keys [first, end) are read len places before their own; the output is that of a problem in which they lie there. */
static struct signature_trial read_before(enum dtype dtype, float slope, unsigned which, int64_t first, int64_t end,
                                          int64_t len)
{
    struct signature_trial trial = make_trial(KEYS, HEADS, KV_HEADS, DIM, dtype);
    const size_t row = ELEMENTS * dtypes[dtype].size_bytes;
    for (int h = 0; h < HEADS; h++)
        trial.made.slopes[h] = slope / (float)(h + 1);
    begin(&trial);
    struct problem told = trial.made.problem;
    char *k = malloc(KEYS * row), *v = malloc(KEYS * row);
    assert_true(k && v);
    memcpy(k, told.k, KEYS * row);
    memcpy(v, told.v, KEYS * row);
    for (int64_t key = first; key < end; key++) {
        size_t to = (size_t)key * row, from = (size_t)(key - len) * row;
        memcpy(k + to, (const char *)told.k + (which & OF_K ? from : to), row);
        memcpy(v + to, (const char *)told.v + (which & OF_V ? from : to), row);
    }
    told.k = k;
    told.v = v;
    answer_as_of(&trial, &told);
    free(k);
    free(v);
    return trial;
}

static void test_a_tile_is_that_of_the_tile_before(void **state)
{
    (void)state;
    static const struct {
        unsigned which;
        int64_t first, end, len;
        const char *says;
    } rows[] = {
        {OF_V, 192, 256, 64, "v of keys 192 to 255 are those of the 64 before"},
        {OF_K, 192, 256, 64, "k of keys 192 to 255 are those of the 64 before"},
        {OF_K | OF_V, 256, 384, 128, "k and v of keys 256 to 383 are those of the 128 before"},
        {OF_V, 384, 400, 16, "v of keys 384 to 399 are those of the 16 before"},
        {OF_V, 384, 400, 128, "v of keys 384 to 399 are those of the 128 before"},
        {OF_V, 32, 400, 32, "v of each tile are those of the 32 before"},
        {OF_K, 32, 400, 32, "k of each tile are those of the 32 before"},
        {OF_V, 396, 400, 4, "v of keys 396 to 399 are those of the 4 before"},
        {OF_K | OF_V, 112, 224, 112, "k and v of keys 112 to 223 are those of the 112 before"},
        {OF_K, 352, 400, 176, "k of keys 352 to 399 are those of the 176 before"},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const bool with_lse = i % 2;
        const size_t r = i / 2;
        struct signature_trial trial =
            read_before(DTYPE_F16, 0x1p-8f, rows[r].which, rows[r].first, rows[r].end, rows[r].len);
        if (!with_lse)
            forget_lse(&trial);
        expect(&trial, SIGNATURE_MISPLACED_KEYS, rows[r].says);
        assert_non_null(strstr(trial.finding.remedy, "copy of a tile"));
        end(&trial);
    }
}

/* One key or two that have other values are two that were exchanged as well: where those behind them have no weight,
 * and where no tile begins with them. */
static void test_two_keys_are_no_tile(void **state)
{
    (void)state;
    struct signature_trial trial = read_before(DTYPE_F16, 0x1p-8f, OF_V, KEYS - 2, KEYS, 16);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
    for (int steep = 0; steep < 2; steep++) {
        trial = read_before(DTYPE_F16, steep ? 48 : 0x1p-8f, OF_V, 384, KEYS, 16);
        expect_and_end(&trial, steep ? SIGNATURE_UNKNOWN : SIGNATURE_MISPLACED_KEYS, "");
    }
}

/* What v alone does leaves lse as it is. */
static void test_an_lse_that_is_off_denies_stale_values(void **state)
{
    (void)state;
    struct signature_trial trial = read_before(DTYPE_F16, 0x1p-8f, OF_V, 192, 256, 64);
    for (int h = 0; h < HEADS; h++)
        trial.output.lse[h] += 0.0625f;
    find(&trial);
    assert_int_not_equal(trial.finding.signature, SIGNATURE_MISPLACED_KEYS);
    end(&trial);
}

/* ---- positions --------------------------------------------------------------------------------------------------- */

static double rule_begins_anew(const struct problem *problem, int head, int64_t key, double len)
{
    double distance = (double)problem_distance(problem, key) - (double)(key / (int64_t)len * (int64_t)len);
    return scaled_dot(problem, head, key) + (double)problem->slopes[head] * distance;
}

/* The position of the query is right, or that of the chunk's last key, or 0. */
static void test_positions_begin_anew(void **state)
{
    (void)state;
    static const double lens[] = {8, 16, 64};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
        for (int of = 0; of < 4; of++) {
            struct signature_trial trial = make_trial(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F16);
            for (int h = 0; h < HEADS; h++)
                trial.made.slopes[h] = ldexpf(1, -3 - h);
            begin(&trial);
            break_all(&trial, rule_begins_anew, lens[i]);
            for (int h = 0; h < HEADS; h++) {
                double moved = of == 1 ? KEYS - lens[i] : of == 2 ? KEYS - 1 : 0;
                trial.output.lse[h] += (float)((double)trial.made.slopes[h] * moved);
            }
            if (of == 3)
                forget_lse(&trial);
            expect(&trial, SIGNATURE_WRONG_SLOPE, "positions begin anew with each");
            assert_int_equal(strtol(strstr(trial.finding.detail, "each ") + 5, NULL, 10), (long)lens[i]);
            assert_non_null(strstr(trial.finding.remedy, "beginning of the sequence"));
            end(&trial);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tile_is_that_of_the_tile_before),
        cmocka_unit_test(test_two_keys_are_no_tile),
        cmocka_unit_test(test_an_lse_that_is_off_denies_stale_values),
        cmocka_unit_test(test_positions_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
