/* What failures are called of problems that are worked on in parts: what they are called with all keys at hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <omp.h>

#include "harness/evaluate/tests/drawn_contract.h"
#include "harness/evaluate/tests/named_fault.h"
#include "harness/evaluate/tests/one_head_parts.h"

#define OF_KEYS(seq_len) "seq_len: " seq_len "\nnum_heads: 6\nnum_kv_heads: 3\nhead_dim: 64\noracles: none\n"
#define PROBLEM OF_KEYS("200")

/* A few keys have all weight, so that no rounding makes one row another. */
#define PEAKED PROBLEM "input: {distribution: normal, stddev: 3}\n"

/* A case's only point, with a recipe, run on all keys at once. */
struct ran {
    struct case_list list;
    struct point point;
    struct evaluator evaluator;
    struct evaluation evaluation;
};

static void ran_clear(struct ran *ran)
{
    evaluation_clear(&ran->evaluation);
    evaluator_clear(&ran->evaluator);
    device_close(ran->evaluator.device);
    case_list_clear(&ran->list);
}

static void run(struct ran *ran, const char *problem, const char *recipe)
{
    char text[FAULT_TEXT_SIZE];
    struct error error;
    *ran = (struct ran){.evaluator.threads = 1};
    snprintf(text, sizeof text, "case: parts\n%srecipe: {name: tried%s}\n", problem, recipe);
    if (!fault_point(&ran->list, &ran->point, text, &error) ||
        device_open(&ran->evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error) ||
        evaluate(&ran->evaluator, &ran->evaluation, &ran->point, &error))
        fail_msg("%s", error.text);
}

static void assert_same_finding(const struct signature_finding *whole, const struct signature_finding *parts)
{
    assert_int_equal(whole->signature, parts->signature);
    assert_string_equal(whole->detail, parts->detail);
    assert_true(whole->query == parts->query && whole->head == parts->head);
    assert_int_equal(whole->num_rows_failing, parts->num_rows_failing);
    assert_int_equal(whole->num_rows_examined, parts->num_rows_examined);
    assert_int_equal(whole->num_rows_explained, parts->num_rows_explained);
}

/* Four rows are looked at, which are of several parts. */
static void test_a_run_in_parts_has_the_name_of_the_whole(void **state)
{
    static const struct {
        const char *problem, *recipe;
        enum signature signature;
    } faults[] = {
        {PROBLEM, ", bias: none", SIGNATURE_DROPPED_BIAS},
        {PROBLEM, ", slope_factor: 2", SIGNATURE_WRONG_SLOPE},
        {PROBLEM, ", lse_base: 2", SIGNATURE_WRONG_LSE},
        {PROBLEM "num_queries: 3\n", ", slope_factor: -1", SIGNATURE_WRONG_SLOPE},
        {PROBLEM "mask: {holes: 0.5}\n", ", sentinel: -1", SIGNATURE_LEAK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct ran ran;
        struct generated_source cut;
        struct problem_source_ops ops;
        struct evaluation parts;
        struct error error;
        run(&ran, faults[i].problem, faults[i].recipe);
        assert_int_equal(ran.evaluation.judged.finding.signature, faults[i].signature);
        struct signature_finding whole = ran.evaluation.judged.finding;
        const size_t q_bytes = (size_t)problem_elements(&ran.evaluation.judged.problem) * 2;
        void *q = fault_copy(ran.evaluation.judged.problem.q, q_bytes);
        cut_by_head(&cut, &ops, &ran.point.problem);
        if (evaluate_from(&ran.evaluator, &parts, &ran.point, &cut, &error))
            fail_msg("%s", error.text);
        assert_same_finding(&whole, &parts.judged.finding);
        assert_null(parts.judged.problem.k);
        assert_memory_equal(parts.judged.problem.q, q, q_bytes); /* which the parts that were opened left */
        free(q);
        evaluation_clear(&parts);
        ran_clear(&ran);
    }
}

/* Keys and values of other KV heads are in other parts. */
static void test_an_output_in_parts_has_the_name_of_the_whole(void **state)
{
    static const struct {
        const char *problem, *recipe, *contract;
        enum signature signature;
    } faults[] = {
        {PROBLEM, ", bias: none", "no bias", SIGNATURE_DROPPED_BIAS},
        {PROBLEM, ", scale_factor: 2", "scale 0.25 in place of 0.125 (twice it)", SIGNATURE_WRONG_SCALE},
        {PROBLEM, ", kv_head_map: modulo", "query head h reads KV head h mod Hkv, not h / (H / Hkv)",
         SIGNATURE_WRONG_KV_HEAD},
        {PROBLEM, ", lse_base: 2", "lse in base 2, where e was stated", SIGNATURE_WRONG_LSE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct ran ran;
        struct judged_output judged[2];
        struct error error;
        run(&ran, faults[i].problem, faults[i].recipe);
        if (judge_at_once_and_in_parts(judged, &ran.evaluation, &ran.point, &error))
            fail_msg("%s", error.text);
        assert_int_equal(judged[1].finding.signature, faults[i].signature);
        assert_same_finding(&judged[0].finding, &judged[1].finding);
        for (int way = 0; way < 2; way++) {
            assert_true(judged[way].contract.named);
            assert_string_equal(judged[way].contract.fits[0].text, faults[i].contract);
        }
        assert_string_equal(judged[0].contract.fits[0].class_name, judged[1].contract.fits[0].class_name);
        judged_output_clear(&judged[0]);
        judged_output_clear(&judged[1]);
        ran_clear(&ran);
    }
}

/* A contract, and one on top of it or NULL. */
struct elsewhere {
    const char *problem;
    contract_maker *make;
    int variant;
    contract_maker *on_top;
    int of_top;
    const char *says;
};

/* A sound run, and in the place of its output what a kernel with that contract answers. */
static void answer_elsewhere(struct ran *ran, const struct elsewhere *elsewhere)
{
    struct contract_screen screen;
    struct error error;
    run(ran, elsewhere->problem, "");
    const struct exhibit stated = {.problem = &ran->evaluation.judged.problem,
                                   .output = &ran->evaluation.judged.output,
                                   .truth = &ran->evaluation.judged.truth};
    struct contract_trial first = contract_trial_begin(&stated);
    const struct contract_clue clue = {&screen, 0};
    assert_int_equal(contract_screen_init(&screen, stated.problem, SCREEN_ALL_ELEMENTS, &error), ERROR_NONE);
    assert_true(contract_make(contract_row_of(elsewhere->make), &first, elsewhere->variant, &clue));
    assert_true(contract_place_keys(&first));
    struct contract_trial trial = contract_trial_on(&first);
    if (elsewhere->on_top)
        assert_true(contract_make(contract_row_of(elsewhere->on_top), &trial, elsewhere->of_top, &clue));
    contract_write(&ran->evaluation, &trial, &screen);
    contract_trial_clear(&trial);
    contract_trial_clear(&first);
    contract_screen_clear(&screen);
}

/* Keys in the same KV head, in others and of all of them; one more, some fewer; exchanged; and on top of it another
 * contract. There is memory for the keys of one part, and one key more. */
static void test_keys_that_are_read_elsewhere_have_the_name_of_the_whole(void **state)
{
    static const struct elsewhere contracts[] = {
        {PROBLEM, contract_make_layout, 0, NULL, 0,
         "k and v as [KV heads, keys, head_dim], not [keys, KV heads, head_dim]"},
        {PROBLEM, contract_make_layout, 1, NULL, 0,
         "k and v as [keys, KV heads, head_dim], not [KV heads, keys, head_dim]"},
        {PROBLEM, contract_make_layout, 2, NULL, 0, "k alone as [KV heads, keys, head_dim]"},
        {PROBLEM, contract_make_layout, 5, NULL, 0, "v alone as [keys, KV heads, head_dim]"},
        {PROBLEM, contract_make_shifted, 1, NULL, 0, "k of the key before"},
        {PROBLEM, contract_make_shifted, 6, NULL, 0, "v of the key two places after"},
        {PROBLEM, contract_make_pages, 2, NULL, 0, "pages of 64 keys in reversed order"},
        {PROBLEM "kv_dtype: e4m3\n", contract_make_pages, 10, NULL, 0, "pages of 16 keys one page late"},
        {PROBLEM, contract_make_one_kv_head, 0, NULL, 0, "k alone of the next KV head"},
        {PROBLEM, contract_make_one_kv_head, 3, NULL, 0, "v alone of the KV head before"},
        {PROBLEM "num_queries: 3\n", contract_make_next_key, 0, NULL, 0, "queries see the next one's key"},
        {PROBLEM "num_queries: 3\n", contract_make_layout, 0, NULL, 0,
         "k and v as [KV heads, keys, head_dim], not [keys, KV heads, head_dim]"},
        {PROBLEM "mask: {holes: 0.5}\n", contract_make_counted, 0, NULL, 0, "positions counted in visible keys alone"},
        {PROBLEM, contract_make_layout, 0, contract_make_slope_factor, 5,
         "k and v as [KV heads, keys, head_dim], not [keys, KV heads, head_dim] and biases counted twice"},
        {PROBLEM, contract_make_one_kv_head, 0, contract_make_exchange, 0,
         "k alone of the next KV head and k and v exchanged"},
        {PROBLEM "mask: {holes: 0.5}\n", contract_make_counted, 0, contract_make_exchange, 0,
         "positions counted in visible keys alone and k and v exchanged"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof contracts / sizeof contracts[0]; i++) {
        struct ran ran;
        struct judged_output judged[2];
        struct error error;
        answer_elsewhere(&ran, &contracts[i]);
        if (judge_at_once_and_in_parts(judged, &ran.evaluation, &ran.point, &error))
            fail_msg("%s", error.text);
        for (int way = 0; way < 2; way++) {
            const struct contract_finding *finding = &judged[way].contract;
            if (!finding->named || strcmp(finding->fits[0].text, contracts[i].says) != 0)
                fail_msg("%s, way %d: %d fit, \"%s\"", contracts[i].says, way, finding->num_fits,
                         finding->num_fits ? finding->fits[0].text : "");
        }
        assert_same_finding(&judged[0].finding, &judged[1].finding);
        assert_string_equal(judged[0].contract.fits[0].class_name, judged[1].contract.fits[0].class_name);
        assert_true(judged[1].inputs.kv_room <= 201 * 64 * 2);
        judged_output_clear(&judged[0]);
        judged_output_clear(&judged[1]);
        ran_clear(&ran);
    }
}

/* In all KV heads but one, which is not the first that is looked at: in the other they are as stated. */
static void test_keys_have_to_be_elsewhere_in_every_part(void **state)
{
    static const struct elsewhere layout = {PEAKED, contract_make_layout, 0, NULL, 0, ""};
    (void)state;
    for (int sound_head = 0; sound_head < 3; sound_head++) {
        struct ran ran, sound;
        struct judged_output judged[2];
        struct error error;
        answer_elsewhere(&ran, &layout);
        run(&sound, PEAKED, "");
        for (int head = 2 * sound_head; head < 2 * sound_head + 2; head++) {
            memcpy((char *)ran.evaluation.judged.output.out + head * 128,
                   (char *)sound.evaluation.judged.output.out + head * 128, 128);
            ran.evaluation.judged.output.lse[head] = sound.evaluation.judged.output.lse[head];
        }
        if (judge_at_once_and_in_parts(judged, &ran.evaluation, &ran.point, &error))
            fail_msg("%s", error.text);
        for (int way = 0; way < 2; way++)
            assert_int_equal(judged[way].contract.num_fits, 0);
        judged_output_clear(&judged[0]);
        judged_output_clear(&judged[1]);
        ran_clear(&ran);
        ran_clear(&sound);
    }
}

/* Right under it in some parts, and not in another: the one that is looked at first is none of the latter. */
static void test_a_contract_has_to_hold_in_every_part(void **state)
{
    (void)state;
    for (int sound_head = 0; sound_head < 3; sound_head++) {
        struct ran ran, sound;
        struct judged_output judged[2];
        struct error error;
        run(&ran, PROBLEM, ", scale_factor: 2");
        run(&sound, PROBLEM, "");
        for (int head = 2 * sound_head; head < 2 * sound_head + 2; head++) {
            memcpy((char *)ran.evaluation.judged.output.out + head * 128,
                   (char *)sound.evaluation.judged.output.out + head * 128, 128);
            ran.evaluation.judged.output.lse[head] = sound.evaluation.judged.output.lse[head];
        }
        if (judge_at_once_and_in_parts(judged, &ran.evaluation, &ran.point, &error))
            fail_msg("%s", error.text);
        for (int way = 0; way < 2; way++)
            assert_int_equal(judged[way].contract.num_fits, 0);
        assert_int_equal(judged[0].finding.signature, judged[1].finding.signature);
        judged_output_clear(&judged[0]);
        judged_output_clear(&judged[1]);
        ran_clear(&ran);
        ran_clear(&sound);
    }
}

/* Draws whose names were others in parts, or were left open there. */
static void test_no_draw_has_another_name(void **state)
{
    static const struct {
        uint64_t seed, number;
    } draws[] = {
        {0, 10},   /* keys of the row that was looked at last, for those of the row */
        {1, 354},  /* as before */
        {1, 110},  /* an epsilon, or biases times a factor */
        {1, 685},  /* classes by what is promised of k, in place of what it has */
        {1, 199},  /* a sink, or one and positions that are counted in visible keys */
        {1, 249},  /* v of the key after */
        {7, 2017}, /* a slope of the other sign, or pages in reversed order */
        {99, 280}, /* no bias, or positions that are counted in visible keys */
    };
    (void)state;
    struct evaluator evaluator = {.threads = 1};
    struct error error;
    if (device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error))
        fail_msg("%s", error.text);
    for (size_t i = 0; i < sizeof draws / sizeof draws[0]; i++) {
        struct drawn_fault fault;
        struct case_list list = {0};
        struct point point;
        struct evaluation evaluation;
        struct judged_output judged[2];
        char text[FAULT_TEXT_SIZE];
        bool done = true;
        fault_draw(&fault, draws[i].seed, draws[i].number);
        bool planted = fault.plant != PLANT_NONE;
        snprintf(text, sizeof text, "case: drawn\n%soracles: none\nrecipe: {name: drawn%s%s}\n", fault.problem,
                 fault.variant, planted ? "" : fault.recipe);
        if (!fault_point(&list, &point, text, &error) || evaluate(&evaluator, &evaluation, &point, &error) ||
            (planted && fault_answer(&evaluation, &point, &point.recipe, &fault, evaluator.device, &done, &error)) ||
            judge_at_once_and_in_parts(judged, &evaluation, &point, &error))
            fail_msg("%s", error.text);
        assert_true(done && judged[0].finding.signature != SIGNATURE_NONE);
        if (judged[1].finding.signature != SIGNATURE_UNKNOWN)
            assert_int_equal(judged[0].finding.signature, judged[1].finding.signature);
        assert_true(judged[0].contract.named == judged[1].contract.named);
        if (judged[1].contract.named)
            assert_string_equal(judged[0].contract.fits[0].text, judged[1].contract.fits[0].text);
        judged_output_clear(&judged[0]);
        judged_output_clear(&judged[1]);
        evaluation_clear(&evaluation);
        case_list_clear(&list);
    }
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

static int opened;
static struct progress progress;

/* Somebody presses Ctrl-C when the parts, of which there are three, have been worked on. */
static enum error_kind open_and_cancel(const struct problem_source *source, struct part part, int threads,
                                       struct progress *of, struct inputs *inputs, struct error *error)
{
    const struct generated_source generated =
        generated_source(&((const struct generated_source *)(const void *)source)->spec);
    atomic_store(&progress.cancelled, ++opened > 4);
    return generated.source.ops->open(source, part, threads, of, inputs, error);
}

static void test_looking_for_a_cause_can_be_interrupted(void **state)
{
    struct ran ran;
    struct generated_source cut;
    struct problem_source_ops ops;
    struct evaluation parts;
    struct error error;
    (void)state;
    run(&ran, PROBLEM, ", bias: none");
    cut_by_head(&cut, &ops, &ran.point.problem);
    ops.open = open_and_cancel;
    ops.open_newest = NULL;
    ran.evaluator.progress = &progress;
    assert_int_equal(evaluate_from(&ran.evaluator, &parts, &ran.point, &cut, &error), ERROR_INTERRUPTED);
    assert_int_equal(opened, 5);
    evaluation_clear(&parts);
    ran_clear(&ran);
}

static int read_before; /* so many readings of rows go well */

static enum error_kind read_or_fail(const struct problem_source *source, const struct inputs *inputs, bool of_v,
                                    const int64_t *rows, size_t count, int threads, void *to, struct error *error)
{
    const struct generated_source generated =
        generated_source(&((const struct generated_source *)(const void *)source)->spec);
    if (read_before-- == 0)
        return error_set(error, ERROR_SYSTEM, "no such rows");
    return generated.source.ops->read_rows(source, inputs, of_v, rows, count, threads, to, error);
}

/* Whenever that is: where it is screened, on all rows, and when the keys as stated have their turn again; the first few
 * readings, and then some of them. */
static void test_rows_that_cannot_be_read_leave_no_name(void **state)
{
    static const struct elsewhere layout = {PROBLEM, contract_make_layout, 0, NULL, 0, ""};
    struct ran ran;
    struct error error;
    int before = 0;
    (void)state;
    answer_elsewhere(&ran, &layout);
    for (bool fails = true; fails; before += 1 + before / 4) {
        struct generated_source cut;
        struct problem_source_ops ops;
        struct judged_output judged[2];
        cut_by_head(&cut, &ops, &ran.point.problem);
        ops.read_rows = read_or_fail;
        read_before = before;
        enum error_kind kind = judge_by_source(judged, &ran.evaluation, &ran.point, &cut, 1, NULL, &error);
        fails = kind;
        assert_true(kind ? kind == ERROR_SYSTEM && strcmp(error.text, "no such rows") == 0 : judged[1].contract.named);
        judged_output_clear(&judged[0]);
        judged_output_clear(&judged[1]);
    }
    assert_true(before > 20);
    ran_clear(&ran);
}

static bool opened_by_several;

static enum error_kind open_alone(const struct problem_source *source, struct part part, int threads,
                                  struct progress *of, struct inputs *inputs, struct error *error)
{
    const struct generated_source generated =
        generated_source(&((const struct generated_source *)(const void *)source)->spec);
    opened_by_several |= omp_in_parallel();
    return generated.source.ops->open(source, part, threads, of, inputs, error);
}

/* A pair's second contract may look at a row of another part, that of the steepest slope or of several queries that are
 * heads of one: it is opened when no thread looks at the part of the first. */
static void test_no_part_is_opened_under_another_thread(void **state)
{
    struct ran ran;
    struct generated_source cut;
    struct problem_source_ops ops;
    struct judged_output judged[2];
    struct error error;
    (void)state;
    run(&ran, OF_KEYS("500") "num_queries: 3\n", ", scale_factor: 2, key_shift: 7");
    cut_by_head(&cut, &ops, &ran.point.problem);
    ops.open = open_alone;
    if (judge_by_source(judged, &ran.evaluation, &ran.point, &cut, 3, NULL, &error))
        fail_msg("%s", error.text);
    assert_false(opened_by_several);
    for (int way = 0; way < 2; way++) {
        assert_true(judged[way].contract.named);
        assert_string_equal(
            judged[way].contract.fits[0].text,
            "scale 0.25 in place of 0.125 (twice it) and biases counted from position 492 in place of 499");
    }
    judged_output_clear(&judged[0]);
    judged_output_clear(&judged[1]);
    ran_clear(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_in_parts_has_the_name_of_the_whole),
        cmocka_unit_test(test_an_output_in_parts_has_the_name_of_the_whole),
        cmocka_unit_test(test_keys_that_are_read_elsewhere_have_the_name_of_the_whole),
        cmocka_unit_test(test_keys_have_to_be_elsewhere_in_every_part),
        cmocka_unit_test(test_a_contract_has_to_hold_in_every_part),
        cmocka_unit_test(test_no_draw_has_another_name),
        cmocka_unit_test(test_looking_for_a_cause_can_be_interrupted),
        cmocka_unit_test(test_rows_that_cannot_be_read_leave_no_name),
        cmocka_unit_test(test_no_part_is_opened_under_another_thread),
    };
    return cmocka_run_group_tests_name("part causes", tests, NULL, NULL) != 0;
}
