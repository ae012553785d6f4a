/* Of what an element is made, through the public interface. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "harness/library/tests/api_fixture.h"

static struct alibicheck_error error;

struct explained {
    struct small small;
    struct alibicheck_output output;
    alibicheck_problem *problem;
    alibicheck_verdict *verdict;
    alibicheck_explanation *explanation;
    json_t *json;
};

#define assert_ok(call)                 \
    do {                                \
        if (call)                       \
            fail_msg("%s", error.text); \
    } while (0)

static int set_up(void **state)
{
    static struct explained explained;
    memset(&explained, 0, sizeof explained);
    small_make(&explained.small);
    explained.output = small_output(&explained.small);
    explained.small.out[(1 * HEADS + 2) * DIM + 7] += 0.5f;
    explained.small.out[(0 * HEADS + 1) * DIM + 3] -= 0.25f;
    assert_ok(small_problem(&explained.problem, &explained.small, &error));
    assert_ok(alibicheck_judge(&explained.verdict, explained.problem, &explained.output, NULL, NULL, &error));
    *state = &explained;
    return 0;
}

static int tear_down(void **state)
{
    struct explained *explained = *state;
    json_decref(explained->json);
    alibicheck_explanation_free(explained->explanation);
    alibicheck_verdict_free(explained->verdict);
    alibicheck_problem_free(explained->problem);
    return 0;
}

static void explain(struct explained *explained, int64_t row, int64_t dim)
{
    json_error_t where;
    json_decref(explained->json);
    alibicheck_explanation_free(explained->explanation);
    assert_ok(alibicheck_explain(&explained->explanation, explained->problem, &explained->output, explained->verdict,
                                 row, dim, &error));
    explained->json = json_loads(alibicheck_explanation_json(explained->explanation), 0, &where);
    assert_non_null(explained->json);
}

static double number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void assert_place(const struct explained *explained, int query, int head, int dim)
{
    char line[64];
    assert_true(number(explained->json, "query") == query);
    assert_true(number(explained->json, "head") == head);
    assert_true(number(explained->json, "dim") == dim);
    snprintf(line, sizeof line, "  element: query %d, head %d, dim %d: out ", query, head, dim);
    assert_int_equal(strncmp(alibicheck_explanation_text(explained->explanation), line, strlen(line)), 0);
}

static void test_the_worst_element_is_chosen(void **state)
{
    struct explained *explained = *state;
    explain(explained, -1, -1);
    assert_place(explained, 1, 2, 7);
    assert_true(fabs(number(explained->json, "error") - 0.5) < 1e-5);
    explain(explained, 0 * HEADS + 1, -1);
    assert_place(explained, 0, 1, 3);
    assert_true(fabs(number(explained->json, "error") - 0.25) < 1e-5);
    explain(explained, 0 * HEADS + 1, 5);
    assert_place(explained, 0, 1, 5);
    assert_true(number(explained->json, "ulp") <= 1);
}

/* Where a key is said to be missing, the exact result without it says the same. */
static void test_without_a_key_is_the_result_without_it(void **state)
{
    struct explained *explained = *state;
    alibicheck_truth *truth;
    uint8_t visible[KEYS];
    explain(explained, -1, -1);
    const json_t *terms = json_object_get(explained->json, "terms");
    double left = 1, last = 1;
    assert_int_equal(json_array_size(terms), 8);
    for (size_t i = 0; i < 8; i++) {
        const json_t *term = json_array_get(terms, i);
        double weight = number(term, "weight"), exact = number(explained->json, "truth");
        assert_true(weight <= last && weight > 0);
        last = weight;
        left -= weight;
        memset(visible, 1, sizeof visible);
        visible[(int)number(term, "key")] = 0;
        assert_ok(alibicheck_problem_set_visible(explained->problem, visible, &error));
        assert_ok(alibicheck_truth_compute(&truth, explained->problem, NULL, &error));
        double without = alibicheck_truth_array(truth, ALIBICHECK_TRUTH_VALUE)[(1 * HEADS + 2) * DIM + 7];
        assert_true(fabs(number(term, "without") - without) < 1e-9);
        assert_true(fabs(number(term, "twice") - (exact + weight * number(term, "v")) / (1 + weight)) < 1e-9);
        alibicheck_truth_free(truth);
    }
    assert_true(left > -1e-9);
    assert_ok(alibicheck_problem_set_visible(explained->problem, NULL, &error));
}

static void assert_refused(const struct explained *explained, const alibicheck_problem *problem, int64_t row,
                           int64_t dim, const char *text)
{
    alibicheck_explanation *explanation = (alibicheck_explanation *)1;
    assert_int_equal(
        alibicheck_explain(&explanation, problem, &explained->output, explained->verdict, row, dim, &error),
        ALIBICHECK_INVALID);
    assert_null(explanation);
    assert_non_null(strstr(error.text, text));
}

static void test_what_is_not_there_is_refused(void **state)
{
    struct explained *explained = *state;
    const struct alibicheck_shape shape = {KEYS, 1, HEADS, KV_HEADS, DIM};
    alibicheck_problem *other;
    assert_refused(explained, explained->problem, 2 * HEADS, 0, "row 8: allowed: 0 to 7");
    assert_refused(explained, explained->problem, -2, -1, "row -2: allowed: 0 to 7");
    assert_refused(explained, explained->problem, 0, DIM, "dim 16: allowed: 0 to 15");
    assert_refused(explained, explained->problem, -1, 3, "dim 3: allowed: 0 to 15 of a row");
    assert_refused(explained, NULL, 0, 0, "problem");
    assert_int_equal(alibicheck_explain(NULL, explained->problem, &explained->output, explained->verdict, 0, 0, &error),
                     ALIBICHECK_INVALID);
    assert_ok(alibicheck_problem_new(&other, &shape, &error));
    assert_refused(explained, other, 0, 0, "q");
    alibicheck_problem_free(other);
    alibicheck_explanation_free(NULL);
    assert_string_equal(alibicheck_explanation_text(NULL), "");
    assert_string_equal(alibicheck_explanation_json(NULL), "null");
}

/* A truth of other numbers than those at hand explains none of them. */
static void test_what_has_changed_since_is_refused(void **state)
{
    struct explained *explained = *state;
    float *const numbers[] = {explained->small.q + 3, explained->small.k + DIM, explained->small.v + 5,
                              explained->small.out + 1};
    static const char *const names[] = {"problem: ", "problem: ", "problem: ", "output: "};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        float before = *numbers[i];
        *numbers[i] += 1;
        assert_refused(explained, explained->problem, -1, -1, names[i]);
        assert_non_null(strstr(error.text, "allowed: what was judged"));
        *numbers[i] = before;
    }
    explain(explained, -1, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_worst_element_is_chosen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_a_key_is_the_result_without_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_there_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_has_changed_since_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
