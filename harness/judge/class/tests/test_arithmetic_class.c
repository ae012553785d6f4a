/* Names of classes, sets of them, and the search for those that are minimal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "harness/judge/class/class_find.h"
#include "harness/judge/class/class_search.h"
#include "reference/tests/drawn_problem.h"

static void test_names_are_read_as_they_are_written(void **state)
{
    char text[CLASS_NAME_SIZE], word[CLASS_NAME_SIZE];
    struct arithmetic_class read;
    (void)state;
    for (class_set set = 0; set < CLASS_SETS; set++) {
        struct arithmetic_class arithmetic = {.set = set};
        assert_true(class_parse(&read, class_format(text, &arithmetic), word));
        assert_true(!read.output && read.set == set);
        assert_string_equal(word, "");
    }
    assert_true(class_parse(&read, class_format(text, &(struct arithmetic_class){.output = true}), word));
    assert_true(read.output && read.set == CLASS_F32);
    assert_true(class_parse(&read, "f32+logits16+weights16", NULL));
    assert_int_equal(read.set, 1 << CLASS_LOGITS16 | 1 << CLASS_WEIGHTS16);
}

static void test_what_is_wrong_in_a_name_is_told(void **state)
{
    static const struct {
        const char *text, *word;
    } rows[] = {{"f16", "f16"},
                {"", ""},
                {"f32+", ""},
                {"f32+weigths16+bias16", "weigths16"},
                {"weights16", "weights16"},
                {"output+weights16", "output"},
                {"f32+weights16 ", "weights16 "},
                {"F32", "F32"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arithmetic_class read = {.set = 3};
        char word[CLASS_NAME_SIZE];
        assert_false(class_parse(&read, rows[i].text, word));
        assert_string_equal(word, rows[i].word);
        assert_int_equal(read.set, 3);
    }
}

static void test_every_word_is_a_class_or_a_rounding(void **state)
{
    int count = 0;
    (void)state;
    for (; class_word(count); count++) {
        char text[CLASS_NAME_SIZE];
        struct arithmetic_class read;
        snprintf(text, sizeof text, "%s%s", count < 2 ? "" : "f32+", class_word(count));
        assert_true(class_parse(&read, text, NULL));
        assert_int_equal(read.set, count < 2 ? 0 : 1 << (count - 2));
    }
    assert_int_equal(count, 2 + CLASS_ROUNDING_COUNT);
}

/* A rounding that includes another one stands for both. */
static void test_sets_hold_what_has_more_roundings(void **state)
{
    struct class_sets sets = {{0}};
    class_set minimal[CLASS_SETS];
    (void)state;
    class_sets_add_above(&sets, 1 << CLASS_WEIGHTS16);
    assert_true(class_sets_have(&sets, 1 << CLASS_WEIGHTS8));
    assert_true(class_sets_have(&sets, 1 << CLASS_WEIGHTS16 | 1 << CLASS_BIAS16));
    assert_false(class_sets_have(&sets, 1 << CLASS_BIAS16));
    assert_int_equal(class_sets_minimal(minimal, &sets), 1);
    assert_int_equal(minimal[0], 1 << CLASS_WEIGHTS16);
    class_sets_add_above(&sets, 1 << CLASS_BIAS16 | 1 << CLASS_SUMS16);
    assert_int_equal(class_sets_minimal(minimal, &sets), 2);
    assert_int_equal(minimal[1], 1 << CLASS_BIAS16 | 1 << CLASS_SUMS16);
}

/* A row that answers as the sets say that are drawn, closed to above. */
struct answering {
    struct class_sets covered, open;
    int asked;
};

static enum class_answer answer(void *row, class_set set, double *size)
{
    struct answering *answering = row;
    answering->asked++;
    *size = 1 + __builtin_popcount(set);
    if (class_sets_have(&answering->covered, set))
        return CLASS_COVERS;
    return class_sets_have(&answering->open, set) ? CLASS_OPEN : CLASS_BEYOND;
}

static bool same_sets(const struct class_sets *a, const struct class_sets *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* Sets that cover stay covered with more roundings, unless a bound is lost on the way: then they are open, and no less
 * explained. */
static void test_the_search_finds_what_asking_for_all_would(void **state)
{
    int most = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        uint64_t random = seed;
        struct answering row = {.asked = 0};
        struct class_search search;
        int covered = draw_below(&random, 5), open = draw_below(&random, 4);
        for (int i = 0; i < open; i++) {
            class_set one = (class_set)draw_bits(&random);
            class_sets_add_above(&row.open, one % CLASS_SETS);
        }
        for (int i = 0; i < covered; i++) {
            class_set one = (class_set)draw_bits(&random), other = (class_set)draw_bits(&random);
            class_set set = (seed % 2 ? one & other : one) % CLASS_SETS;
            if (!class_sets_have(&row.open, set)) /* what has no bound covers nothing by itself */
                class_sets_add_above(&row.covered, set);
        }
        class_search(&search, answer, &row);
        assert_true(same_sets(&search.covered, &row.covered));
        for (class_set set = 0; set < CLASS_SETS; set++)
            if (!class_sets_have(&row.covered, set))
                assert_int_equal(class_sets_have(&search.open, set), class_sets_have(&row.open, set));
        most = row.asked > most ? row.asked : most;
        if (class_sets_have(&row.covered, CLASS_F32))
            assert_int_equal(row.asked, 1);
        if (class_sets_empty(&row.covered) && class_sets_empty(&row.open))
            assert_int_equal(row.asked, 2);
    }
    print_message("at most %d of %d sets asked for\n", most, CLASS_SETS);
    assert_true(most < 64);
}

/* Two rows: both have to be covered, the name is the smaller bound's, and what is open in one may still be `unbounded`.
 */
static void test_rows_together(void **state)
{
    enum { W = 1 << CLASS_WEIGHTS16, A = 1 << CLASS_ABSOLUTE_BIAS, L = 1 << CLASS_LOGITS16 };
    struct class_report report;
    struct class_whole whole;
    struct error error;
    char text[CLASS_NAME_SIZE];
    (void)state;
    assert_int_equal(class_report_init(&report, 2, &error), ERROR_NONE);
    class_of_rows(&whole, &report);
    assert_int_equal(whole.outcome, CLASS_NONE);
    assert_string_equal(class_name(text, &whole), "none");

    class_sets_add_above(&report.covered[0], W);
    class_sets_add_above(&report.covered[0], A);
    class_sets_add_above(&report.covered[1], A);
    class_sets_add_above(&report.covered[1], L | W);
    class_of_rows(&whole, &report);
    assert_int_equal(whole.num_minimal, 2);
    assert_string_equal(class_name(text, &whole), "f32+absolute-bias");
    report.size[0][CLASS_ABSOLUTE_BIAS] = 3; /* the other one has the smaller bound */
    report.size[1][CLASS_LOGITS16] = report.size[1][CLASS_WEIGHTS16] = 1;
    class_of_rows(&whole, &report);
    assert_string_equal(class_name(text, &whole), "f32+weights16+logits16");
    assert_int_equal(whole.minimal[1], A);
    class_of_row(&whole, &report, 0);
    assert_int_equal(whole.num_minimal, 2);
    assert_true(class_covers(&report, &(struct arithmetic_class){.set = A | L}));
    assert_false(class_covers(&report, &(struct arithmetic_class){.set = W}));

    memset(&report.covered[1], 0, sizeof report.covered[1]);
    class_of_rows(&whole, &report);
    assert_int_equal(whole.outcome, CLASS_NONE);
    class_sets_add_above(&report.open[1], L);
    class_of_rows(&whole, &report);
    assert_int_equal(whole.outcome, CLASS_UNBOUNDED);
    assert_string_equal(class_name(text, &whole), "unbounded");
    class_report_clear(&report);
}

/* How few roundings explain an output, and whether other faults would be explained as well. */
static void test_what_explains_little_is_coarse(void **state)
{
    enum { W = 1 << CLASS_WEIGHTS16, E = 1 << CLASS_WEIGHTS8, S = 1 << CLASS_SUMS16, L = 1 << CLASS_LOGITS16 };
    static const struct {
        struct class_whole whole;
        int fewest;
        bool coarse;
    } rows[] = {
        {{CLASS_FOUND, true, 1, {CLASS_F32}}, -1, false},
        {{CLASS_FOUND, false, 1, {CLASS_F32}}, 0, false},
        {{CLASS_FOUND, false, 1, {L}}, 1, false},
        {{CLASS_FOUND, false, 2, {L | W, L}}, 1, false}, /* whichever bound is smaller */
        {{CLASS_FOUND, false, 1, {L | W}}, 2, true},
        {{CLASS_FOUND, false, 2, {E, S}}, 1, true},
        {{CLASS_FOUND, false, 3, {E, L | W, S}}, 1, true},
        {{CLASS_NONE, false, 0, {0}}, CLASS_ROUNDING_COUNT + 1, true},
        {{CLASS_UNBOUNDED, false, 0, {0}}, CLASS_ROUNDING_COUNT + 1, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(class_fewest_roundings(&rows[i].whole), rows[i].fewest);
        assert_int_equal(class_is_coarse(&rows[i].whole), rows[i].coarse);
    }
}

/* A demand is met, missed, or cannot be told: by the worst row, and the first of such. */
static void test_rows_stand_to_a_class_that_is_asked_for(void **state)
{
    enum { W = 1 << CLASS_WEIGHTS16, L = 1 << CLASS_LOGITS16 };
    static const struct arithmetic_class weights = {.set = W}, logits = {.set = L}, output = {.output = true};
    struct class_report report;
    int row = -1;
    (void)state;
    assert_int_equal(class_report_init(&report, 4, NULL), ERROR_NONE);
    for (int r = 0; r < 4; r++)
        class_sets_add_above(&report.covered[r], W);
    class_sets_add_above(&report.covered[0], L);
    class_sets_add_above(&report.open[1], L);
    class_sets_add_above(&report.open[2], L);
    report.output[3] = true; /* of which f32+logits16 neither holds nor promises anything */
    assert_int_equal(class_stands(&report, &weights, &row), CLASS_IN);
    assert_int_equal(row, -1);
    assert_int_equal(class_stands(&report, &logits, &row), CLASS_OPEN_TO);
    assert_int_equal(row, 1);
    assert_int_equal(class_stands(&report, &output, &row), CLASS_OUT_OF);
    assert_int_equal(row, 0);

    const struct class_demand none = {.asked = false, .arithmetic = logits}, asked = {true, logits},
                              met = {true, weights};
    static const enum decision all[] = {DECISION_PASS, DECISION_FAIL, DECISION_UNDECIDED, DECISION_UNBOUNDED};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(class_decide(all[i], &report, &none), all[i]);
        assert_int_equal(class_decide(all[i], &report, &met), all[i]);
        assert_int_equal(class_decide(all[i], &report, &asked), i == 0 ? DECISION_UNBOUNDED : all[i]);
    }
    memset(&report.open[2], 0, sizeof report.open[2]);
    assert_int_equal(class_stands(&report, &logits, &row), CLASS_OUT_OF); /* whatever is open beside it */
    assert_int_equal(row, 2);
    for (int i = 0; i < 4; i++)
        assert_int_equal(class_decide(all[i], &report, &asked), i == 0 ? DECISION_FAIL : all[i]);
    for (int r = 0; r < 4; r++)
        class_sets_add_above(&report.covered[r], CLASS_F32);
    assert_int_equal(class_stands(&report, &output, &row), CLASS_OUT_OF);
    assert_int_equal(row, 0);
    class_report_clear(&report);
}

static void test_heads_of_a_part_come_to_their_places(void **state)
{
    struct class_report whole, part;
    struct error error;
    (void)state;
    assert_int_equal(class_report_init(&whole, 2 * 6, &error) || class_report_init(&part, 2 * 2, &error), ERROR_NONE);
    for (int row = 0; row < part.num_rows; row++) {
        class_sets_add(&part.covered[row], (class_set)row);
        class_sets_add(&part.open[row], (class_set)(row + 8));
        part.output[row] = row == 3;
        part.size[row][0] = row;
    }
    class_report_take_heads(&whole, 6, 4, &part, 2);
    static const int places[] = {4, 5, 10, 11};
    for (int row = 0; row < part.num_rows; row++) {
        int place = places[row];
        assert_true(class_sets_have(&whole.covered[place], (class_set)row));
        assert_true(class_sets_have(&whole.open[place], (class_set)(row + 8)));
        assert_int_equal(whole.output[place], row == 3);
        assert_true(whole.size[place][0] == row);
    }
    assert_true(class_sets_empty(&whole.covered[0]) && class_sets_empty(&whole.covered[9]));
    class_report_clear(&whole);
    class_report_clear(&part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_read_as_they_are_written),
        cmocka_unit_test(test_what_is_wrong_in_a_name_is_told),
        cmocka_unit_test(test_every_word_is_a_class_or_a_rounding),
        cmocka_unit_test(test_sets_hold_what_has_more_roundings),
        cmocka_unit_test(test_the_search_finds_what_asking_for_all_would),
        cmocka_unit_test(test_rows_together),
        cmocka_unit_test(test_what_explains_little_is_coarse),
        cmocka_unit_test(test_rows_stand_to_a_class_that_is_asked_for),
        cmocka_unit_test(test_heads_of_a_part_come_to_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
