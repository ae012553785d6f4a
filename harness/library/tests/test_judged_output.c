#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "harness/library/api.h"
#include "harness/library/judged_output.h"
#include "harness/library/judged_record.h"
#include "harness/library/overruled.h"
#include "harness/library/tests/api_fixture.h"
#include "harness/problem/given_source.h"
#include "kernels/attention/rounding.h"

static const struct judging plain = {
    .criterion = {.mode = JUDGE_TOLERANCE, .tolerance = {1e-5, 1e-5, 1e-5}, .budget = 1},
    .truth_method = TRUTH_CERTIFIED,
    .truth_precision = TRUTH_DEFAULT_PRECISION,
    .threads = 1,
};

/* A source that is cut into a part a KV head, as one is whose k and v take more than 2 GiB. */
struct cut_source {
    struct problem_source source; /* first */
    struct given_source given;
};

static struct part part_of(const struct problem_source *source, int index)
{
    (void)source;
    return (struct part){index, 1};
}

static enum error_kind open_part(const struct problem_source *source, struct part part, int threads,
                                 struct progress *progress, struct inputs *inputs, struct error *error)
{
    const struct problem_source *given = &((const struct cut_source *)(const void *)source)->given.source;
    return given->ops->open(given, part, threads, progress, inputs, error);
}

static enum error_kind read_rows(const struct problem_source *source, const struct inputs *inputs, bool of_v,
                                 const int64_t *rows, size_t count, int threads, void *to, struct error *error)
{
    const struct problem_source *given = &((const struct cut_source *)(const void *)source)->given.source;
    return given->ops->read_rows(given, inputs, of_v, rows, count, threads, to, error);
}

static const struct problem_source_ops cut_ops = {.part = part_of, .open = open_part, .read_rows = read_rows};

static struct tensor_view view_of(const float *elements, int heads)
{
    return (struct tensor_view){
        .name = "x", .elements = elements, .dtype = DTYPE_F32, .strides = {heads * DIM, DIM, 1}};
}

static struct cut_source source_of(const struct small *small)
{
    const struct problem_spec spec = {
        .seq_len = KEYS,
        .num_queries = QUERIES,
        .num_heads = HEADS,
        .num_kv_heads = KV_HEADS,
        .head_dim = DIM,
        .dtype = DTYPE_F32,
        .scale = 0.25f,
        .slope_values = small->slopes,
        .num_slope_values = HEADS,
        .q_position = KEYS - 1,
    };
    const struct given_tensors tensors = {
        .q = view_of(small->q, HEADS), .k = view_of(small->k, KV_HEADS), .v = view_of(small->v, KV_HEADS)};
    struct cut_source cut = {.given = given_source(&spec, &tensors)};
    cut.source = cut.given.source;
    cut.source.ops = &cut_ops;
    cut.source.num_parts = KV_HEADS;
    return cut;
}

static void judge_both_ways(const struct small *small, struct judged_output *whole, struct judged_output *parts)
{
    const struct cut_source cut = source_of(small);
    const struct tensor_view out = view_of(small->out, HEADS);
    const struct given_output given = given_output(&out, small->lse);
    struct error error;
    if (judge_output(whole, &cut.given.source, &given, &plain, &error) ||
        judge_output(parts, &cut.source, &given, &plain, &error))
        fail_msg("%s", error.text);
}

static void assert_same(const struct judged_output *whole, const struct judged_output *parts)
{
    assert_true(whole->truth_digest == parts->truth_digest && whole->output_digest == parts->output_digest);
    assert_true(whole->truth.plain_rows == parts->truth.plain_rows);
    assert_int_equal(whole->verdict.num_rows, ROWS);
    for (int row = 0; row < ROWS; row++) {
        const struct metrics *a = &whole->verdict.rows[row], *b = &parts->verdict.rows[row];
        assert_true(a->mismatched == b->mismatched && a->max_abs_err == b->max_abs_err &&
                    a->max_lse_err == b->max_lse_err);
    }
    assert_int_equal(whole->class_of_all.outcome, parts->class_of_all.outcome);
    assert_non_null(whole->problem.k);
    assert_null(parts->problem.k);
}

static void test_parts_come_to_the_whole(void **state)
{
    (void)state;
    static struct small small;
    struct judged_output whole, parts;
    small_make(&small);
    judge_both_ways(&small, &whole, &parts);
    assert_same(&whole, &parts);
    assert_int_equal(whole.finding.signature, SIGNATURE_NONE);
    judged_output_clear(&whole);
    judged_output_clear(&parts);
}

static void test_so_do_those_of_what_is_wrong(void **state)
{
    (void)state;
    static struct small small;
    struct judged_output whole, parts;
    small_make(&small);
    for (int d = 0; d < DIM; d++)
        small.out[(HEADS + 3) * DIM + d] *= -1;
    small.lse[1] += 1;
    judge_both_ways(&small, &whole, &parts);
    assert_same(&whole, &parts);
    assert_true(parts.verdict.total.mismatched == DIM && parts.verdict.total.lse_off == 1);
    assert_int_not_equal(parts.finding.signature, SIGNATURE_NONE);
    judged_output_clear(&whole);
    judged_output_clear(&parts);
}

/* What the steps of judging were called. */
struct told {
    char names[64][64];
    int count, parts; /* of them, those of a part that was opened again */
};

static void tell(void *context, const char *step, long work)
{
    struct told *told = context;
    (void)work;
    assert_true(told->count < 64);
    told->parts += strchr(step, ',') != NULL;
    snprintf(told->names[told->count++], sizeof told->names[0], "%s", step);
}

/* Judges in parts what is wrong, as who keeps the names of steps, or does not. */
static struct told steps_of_wrong(bool keeps_names)
{
    static struct small small;
    struct told told = {.count = 0};
    struct judged_output judged;
    struct error error;
    small_make(&small);
    for (int d = 0; d < DIM; d++)
        small.out[(HEADS + 3) * DIM + d] *= -1;
    const struct cut_source cut = source_of(&small);
    const struct tensor_view out = view_of(small.out, HEADS);
    const struct given_output given = given_output(&out, small.lse);
    struct judging judging = plain;
    judging.step = tell;
    judging.context = &told;
    judging.step_keeps_names = keeps_names;
    if (judge_output(&judged, &cut.source, &given, &judging, &error))
        fail_msg("%s", error.text);
    judged_output_clear(&judged);
    return told;
}

static void test_names_that_are_kept_are_constants(void **state)
{
    (void)state;
    const struct told shown = steps_of_wrong(false), kept = steps_of_wrong(true);
    assert_true(shown.parts > 0 && kept.parts == 0);
    assert_int_equal(kept.count, shown.count - shown.parts);
    assert_string_equal(kept.names[kept.count - 1], "contract");
}

/* The public interface does keep them: who asks how far it is may do so at any time. */
static void test_progress_of_the_interface_keeps_names(void **state)
{
    (void)state;
    struct alibicheck_progress progress = {.step = ""};
    const struct alibicheck_options options = {.tolerance = {-1, -1, -1}, .threads = 1, .progress = &progress};
    struct judging judging;
    struct error error;
    assert_int_equal(api_judging(&judging, &options, DTYPE_F32, &error), ERROR_NONE);
    assert_true(judging.step && judging.step_keeps_names);
}

static void test_digests_of_parts_are_not_that_of_the_whole(void **state)
{
    (void)state;
    static struct small small;
    struct judged_output whole, parts;
    small_make(&small);
    judge_both_ways(&small, &whole, &parts);
    assert_true(whole.input_digest != parts.input_digest);
    assert_true(judge_input_digest(0, 7, 1) == 7 && judge_input_digest(0, 7, 2) != 7);
    judged_output_clear(&whole);
    judged_output_clear(&parts);
}

static void test_a_truth_alone(void **state)
{
    (void)state;
    static struct small small;
    struct judged_output of_truth, whole, parts;
    struct error error;
    small_make(&small);
    const struct cut_source cut = source_of(&small);
    judge_both_ways(&small, &whole, &parts);
    assert_int_equal(judge_find_truth(&of_truth, &cut.source, &plain, &error), ERROR_NONE);
    assert_true(of_truth.truth_digest == whole.truth_digest);
    assert_null(of_truth.output.out);
    judged_output_clear(&of_truth);
    judged_output_clear(&whole);
    judged_output_clear(&parts);
}

static struct rounding_model single_pass(const struct subject *subject, const struct problem *problem)
{
    (void)subject;
    return kernel_rounding(KERNEL_SINGLE_PASS, &(struct kernel_options){.chunk_len = 1024}, &(struct recipe){0},
                           problem);
}

static const struct subject_ops single_pass_ops = {.rounding = single_pass};

/* Judges what is said to be made with an arithmetic, as a whole and in parts. */
static void judge_bounded(struct judged_output *whole, struct judged_output *parts, const struct small *small,
                          double lse_rounding)
{
    const struct subject arithmetic = {.ops = &single_pass_ops};
    const struct cut_source cut = source_of(small);
    const struct tensor_view out = view_of(small->out, HEADS);
    const struct given_output given = given_output(&out, small->lse);
    struct judging judging = plain;
    struct error error;
    judging.criterion.mode = JUDGE_BUDGET;
    judging.arithmetic = &arithmetic;
    judging.lse_rounding = lse_rounding;
    if (judge_output(whole, &cut.given.source, &given, &judging, &error) ||
        judge_output(parts, &cut.source, &given, &judging, &error))
        fail_msg("%s", error.text);
}

static void test_bounds_of_parts_are_those_of_the_whole(void **state)
{
    (void)state;
    static struct small small;
    struct judged_output whole, parts;
    small_make(&small);
    judge_bounded(&whole, &parts, &small, 0);
    for (int row = 0; row < ROWS; row++)
        assert_true(whole.lse_bound[row] > 0 && whole.lse_bound[row] == parts.lse_bound[row]);
    for (int i = 0; i < ROWS * DIM; i++)
        assert_true(whole.bound[i] > 0 && whole.bound[i] == parts.bound[i]);
    assert_true(whole.verdict.total.budget_used > 0 && whole.verdict.total.budget_used < 1);
    assert_true(whole.verdict.total.lse_budget_used < 1);
    judged_output_clear(&whole);
    judged_output_clear(&parts);
}

/* Twice its bound off: an element that no tolerance would see. */
static void test_what_is_beyond_the_bound_fails(void **state)
{
    (void)state;
    static struct small small;
    struct judged_output whole, parts;
    const int at = (ROWS - 1) * DIM;
    small_make(&small);
    judge_bounded(&whole, &parts, &small, 0);
    small.out[at] += (float)(2.5 * whole.bound[at]);
    judged_output_clear(&whole);
    judged_output_clear(&parts);
    judge_bounded(&whole, &parts, &small, 0);
    assert_true(parts.verdict.total.budget_used > 2 && parts.verdict.total.budget_used < 3);
    assert_true(parts.verdict.total.budget_used == whole.verdict.total.budget_used);
    judged_output_clear(&whole);
    judged_output_clear(&parts);
}

/* What an lse may have lost on its way from another base is relative to itself. */
static void test_lse_of_another_base_may_be_off_by_more(void **state)
{
    (void)state;
    static struct small small;
    struct judged_output plainly, from_base_2, parts;
    small_make(&small);
    judge_bounded(&plainly, &parts, &small, 0);
    judged_output_clear(&parts);
    judge_bounded(&from_base_2, &parts, &small, 0x1p-22);
    for (int row = 0; row < ROWS; row++) {
        double more = from_base_2.lse_bound[row] - plainly.lse_bound[row], lse = fabs(plainly.truth.lse[row]);
        assert_true(more >= 0x0.fffp-22 * lse && more <= 0x1.001p-22 * lse);
    }
    for (int i = 0; i < ROWS * DIM; i++)
        assert_true(from_base_2.bound[i] == plainly.bound[i]);
    judged_output_clear(&plainly);
    judged_output_clear(&from_base_2);
    judged_output_clear(&parts);
}

/* Judges rows of it alone, by a bound as well. */
static void judge_rows(struct judged_output *judged, const struct small *small, const bool *rows)
{
    const struct subject arithmetic = {.ops = &single_pass_ops};
    const struct cut_source cut = source_of(small);
    const struct tensor_view out = view_of(small->out, HEADS);
    const struct given_output given = given_output(&out, small->lse);
    struct judging judging = plain;
    struct error error;
    judging.criterion.mode = JUDGE_BOTH;
    judging.arithmetic = &arithmetic;
    judging.rows = rows;
    if (judge_output(judged, &cut.given.source, &given, &judging, &error))
        fail_msg("%s", error.text);
}

/* Row by row they come to what they come to together. */
static void test_rows_are_judged_as_among_all(void **state)
{
    (void)state;
    static struct small small;
    static const bool all[ROWS] = {true, true, true, true, true, true, true, true};
    struct judged_output whole, rows;
    small_make(&small);
    small.out[3 * DIM + 1] += 0x1p-18f;
    judge_rows(&whole, &small, NULL);
    judge_rows(&rows, &small, all);
    assert_true(whole.truth.num_rows == ROWS && truth_digest(&rows.truth) == truth_digest(&whole.truth));
    assert_memory_equal(rows.bound, whole.bound, ROWS * DIM * sizeof *rows.bound);
    assert_memory_equal(rows.lse_bound, whole.lse_bound, ROWS * sizeof *rows.lse_bound);
    assert_memory_equal(&rows.verdict.total, &whole.verdict.total, sizeof rows.verdict.total);
    assert_memory_equal(rows.classes.covered, whole.classes.covered, ROWS * sizeof *rows.classes.covered);
    assert_int_equal(rows.class_of_all.num_minimal, whole.class_of_all.num_minimal);
    judged_output_clear(&whole);
    judged_output_clear(&rows);
}

/* What is wrong elsewhere does not fail a sample, and is not counted right. */
static void test_a_sample_says_nothing_of_other_rows(void **state)
{
    (void)state;
    static struct small small;
    static const bool some[ROWS] = {[1] = true, [6] = true};
    struct judged_output judged;
    small_make(&small);
    small.out[4 * DIM] += 1;
    small.lse[5] += 1;
    judge_rows(&judged, &small, some);
    assert_true(judged.verdict.total.elements == 2 * DIM && judged.verdict.total.mismatched == 0);
    assert_true(judged.verdict.total.lse_off == 0 && judged.finding.signature == SIGNATURE_NONE);
    assert_true(judged.class_of_all.outcome == CLASS_FOUND && judged.input_digest == 0);
    for (int row = 0; row < ROWS; row++)
        assert_int_equal(judged.verdict.rows[row].elements, some[row] ? DIM : 0);
    judged_output_clear(&judged);
    small.out[6 * DIM + 2] += 1;
    judge_rows(&judged, &small, some);
    assert_true(judged.verdict.total.mismatched == 1 && judged.verdict.total.worst == 6 * DIM + 2);
    assert_true(judged.finding.signature == SIGNATURE_UNKNOWN && judged.finding.num_rows_failing == 1);
    assert_int_equal(judged.contract.num_fits, 0);
    judged_output_clear(&judged);
}

/* Of what is right, but in another class than is asked for, no cause is sought, be it of all rows or of a sample. */
static void test_another_class_has_no_cause(void **state)
{
    (void)state;
    static struct small small;
    static const bool some[ROWS] = {[1] = true, [6] = true};
    small_make(&small);
    small.out[6 * DIM + 2] += 0x1p-20f;
    for (int sample = 0; sample < 2; sample++) {
        struct judging judging = plain;
        struct judged_output judged;
        struct error error;
        const struct cut_source cut = source_of(&small);
        const struct tensor_view out = view_of(small.out, HEADS);
        const struct given_output given = given_output(&out, small.lse);
        judging.demand = (struct class_demand){true, {.output = true}};
        judging.rows = sample ? some : NULL;
        if (judge_output(&judged, &cut.given.source, &given, &judging, &error))
            fail_msg("%s", error.text);
        assert_string_equal(judged_status(&judging, &judged), "fail");
        assert_true(class_is_missed(&judged.classes, &judging.demand));
        assert_int_equal(judged.verdict.total.mismatched, 0);
        assert_int_equal(judged.finding.signature, SIGNATURE_NONE);
        judged_output_clear(&judged);
    }
}

/* Of a row that the class which is asked for promises nothing of: neither right nor wrong. */
static void test_a_class_that_cannot_be_told_is_no_verdict(void **state)
{
    (void)state;
    struct judging judging = plain;
    struct judged_output judged = {.verdict.total = {.elements = 1}};
    judging.demand = (struct class_demand){true, {.set = CLASS_F32}};
    assert_int_equal(class_report_init(&judged.classes, 1, NULL), ERROR_NONE);
    assert_string_equal(judged_status(&judging, &judged), "fail");
    assert_true(class_is_missed(&judged.classes, &judging.demand));
    assert_false(judged_class_is_open(&judging, &judged));
    class_sets_add_above(&judged.classes.open[0], CLASS_F32);
    assert_string_equal(judged_status(&judging, &judged), "error");
    assert_false(class_is_missed(&judged.classes, &judging.demand));
    assert_true(judged_class_is_open(&judging, &judged));
    judged.verdict.total.mismatched = judged.verdict.total.surely_off = 1;
    assert_string_equal(judged_status(&judging, &judged), "fail");
    assert_false(judged_class_is_open(&judging, &judged));
    judged.verdict.total.mismatched = judged.verdict.total.surely_off = 0;
    judged.classes.output[0] = true;
    assert_string_equal(judged_status(&judging, &judged), "pass");
    class_report_clear(&judged.classes);
}

/* A name that what fits contradicts is left open: both are said. */
static void test_a_contradicted_name_is_left_open(void **state)
{
    static const struct class_whole none = {.outcome = CLASS_NONE};
    struct contract_finding contract = {
        .num_fits = 1, .fits = {{.text = "scale 2 in place of 1", .seen_too = 1u << SIGNATURE_WRONG_SCALE}}};
    struct signature_finding finding = {
        .signature = SIGNATURE_DROPPED_KEYS, .num_rows_failing = 3, .detail = "key 7 is missing"};
    (void)state;
    signature_overrule(&finding, &contract, &none);
    assert_int_equal(finding.signature, SIGNATURE_UNKNOWN);
    assert_int_equal(finding.num_rows_failing, 3);
    assert_string_equal(finding.detail, "key 7 is missing, or scale 2 in place of 1");
    finding.signature = SIGNATURE_WRONG_SCALE;
    signature_overrule(&finding, &contract, &none);
    assert_int_equal(finding.signature, SIGNATURE_WRONG_SCALE);
}

/* What has no name has that of the one contract that is named. */
static void test_a_contract_names_what_nothing_names(void **state)
{
    static const struct class_whole none = {.outcome = CLASS_NONE};
    const struct contract_finding contract = {.num_fits = 1,
                                              .named = true,
                                              .fits = {{.text = "scale 2 in place of 1",
                                                        .remedy = "State it.",
                                                        .seen_as = SIGNATURE_WRONG_SCALE,
                                                        .seen_too = 1u << SIGNATURE_WRONG_SCALE}}};
    struct signature_finding finding = {.signature = SIGNATURE_UNKNOWN, .num_rows_failing = 3};
    (void)state;
    signature_overrule(&finding, &contract, &none);
    assert_int_equal(finding.signature, SIGNATURE_WRONG_SCALE);
    assert_int_equal(finding.num_rows_failing, 3);
    assert_string_equal(finding.detail, "scale 2 in place of 1");
    assert_string_equal(finding.remedy, "State it.");
}

/* Reasons are said whole, however long they are, and so is how many more there are. */
static void test_reasons_that_are_open_are_said_whole(void **state)
{
    static const struct class_whole none = {.outcome = CLASS_NONE};
    enum { LONG = SIGNATURE_DETAIL_SIZE - 1 };
    struct contract_finding contract = {.num_fits = 1, .fits = {{.seen_too = 1u << SIGNATURE_WRONG_SCALE}}};
    struct signature_finding finding = {.signature = SIGNATURE_DROPPED_KEYS};
    char both[2 * SIGNATURE_REASONS_SIZE];
    (void)state;
    memset(finding.detail, 'a', LONG);
    memset(contract.fits[0].text, 'b', LONG);
    snprintf(both, sizeof both, "%s, or %s", finding.detail, contract.fits[0].text);
    signature_overrule(&finding, &contract, &none);
    assert_string_equal(finding.detail, both);
    contract.num_fits = 3;
    contract.fits[1] = (struct contract_fit){.text = "c", .seen_too = 1u << SIGNATURE_DROPPED_KEYS};
    contract.fits[2] = contract.fits[1];
    finding.signature = SIGNATURE_DROPPED_KEYS;
    signature_overrule(&finding, &contract, &none);
    snprintf(both, sizeof both, "%s, or c, or 1 more", contract.fits[0].text);
    assert_string_equal(finding.detail, both);
}

/* Without classes nothing is known of how coarse an output is. */
static void test_what_has_no_class_is_not_coarse(void **state)
{
    const struct judged_output judged = {.input_digest = 0};
    const struct exhibit exhibit = judged_exhibit(&judged, &plain);
    (void)state;
    assert_false(exhibit.is_coarse || exhibit.is_rounding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_come_to_the_whole),
        cmocka_unit_test(test_so_do_those_of_what_is_wrong),
        cmocka_unit_test(test_names_that_are_kept_are_constants),
        cmocka_unit_test(test_progress_of_the_interface_keeps_names),
        cmocka_unit_test(test_digests_of_parts_are_not_that_of_the_whole),
        cmocka_unit_test(test_a_truth_alone),
        cmocka_unit_test(test_bounds_of_parts_are_those_of_the_whole),
        cmocka_unit_test(test_what_is_beyond_the_bound_fails),
        cmocka_unit_test(test_lse_of_another_base_may_be_off_by_more),
        cmocka_unit_test(test_rows_are_judged_as_among_all),
        cmocka_unit_test(test_a_sample_says_nothing_of_other_rows),
        cmocka_unit_test(test_another_class_has_no_cause),
        cmocka_unit_test(test_a_class_that_cannot_be_told_is_no_verdict),
        cmocka_unit_test(test_a_contradicted_name_is_left_open),
        cmocka_unit_test(test_a_contract_names_what_nothing_names),
        cmocka_unit_test(test_reasons_that_are_open_are_said_whole),
        cmocka_unit_test(test_what_has_no_class_is_not_coarse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
