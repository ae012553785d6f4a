/* Who is at fault, how it is counted, recorded and told. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/judge/fault.h"
#include "harness/library/metric.h"
#include "harness/report/record/record_field.h"
#include "harness/report/record/tests/sample.h"
#include "harness/report/sink/sink.h"
#include "harness/support/json_value.h"
#include "harness/support/tests/scratch.h"
#include "harness/support/text_stream.h"

enum { AGREE = FAULT_SIDE_COUNT };

static const char *side_name(int side)
{
    return side == AGREE ? "agree" : fault_side_names[side];
}

/* One element in f32 against its reference; its lse and that of the reference are 0. */
static struct fault find(double kernel, double reference, double truth_value, double radius,
                         const struct tolerance *tolerance)
{
    float out = (float)kernel, lse = 0;
    double tail = 0, magnitude = 1, zero = 0;
    struct output output = {&out, &lse};
    struct truth truth = {1, 1, &truth_value, &tail, &radius, &magnitude, &zero, &zero, &zero, 0, {0}};
    struct problem problem = {.seq_len = 1, .num_heads = 1, .num_kv_heads = 1, .head_dim = 1, .dtype = DTYPE_F32};
    struct fault fault;
    struct error error;
    const struct exhibit exhibit = {&problem, &output, &truth, .criterion.tolerance = *tolerance};
    assert_int_equal(fault_find(&fault, &exhibit, &reference, &zero, &error), ERROR_NONE);
    return fault;
}

static void test_every_disagreement_has_somebody_at_fault(void **state)
{
    (void)state;
    static const struct {
        double kernel, reference, truth, atol, rtol;
        int side;
    } rows[] = {
        {1, 1, 1, 0, 0, AGREE},
        {1, 0, 0, 1, 0, AGREE}, /* exactly the tolerance */
        {1.5, 0, 0, 1, 0, FAULT_KERNEL},
        {0, 1.5, 0, 1, 0, FAULT_REFERENCE},
        {0.75, -0.75, 0, 1, 0, FAULT_BOTH},
        {0.5, -0.75, 0, 1, 0, FAULT_REFERENCE}, /* half is not more than half */
        {0.75, -0.5, 0, 1, 0, FAULT_KERNEL},
        /* The trap: agreeing is not being right. */
        {3, 3, 0, 1, 0, AGREE},
        /* Both within half of rtol * |truth|, but rtol * |reference| is less: the larger error, or both. */
        {1.25, 0.75, 1, 0, 0.5, FAULT_BOTH},
        {1.25, 0.8125, 1, 0, 0.5, FAULT_KERNEL},
        {1.1875, 0.75, 1, 0, 0.5, FAULT_REFERENCE},
        {1.125, 0.75, 1, 0, 0.5, AGREE},
        /* rtol goes by the reference, not by the kernel. */
        {2, 1, 1, 0, 0.5, FAULT_KERNEL},
        {1, 2, 2, 0, 0.5, AGREE},
        {NAN, 0, 0, 1, 0, FAULT_KERNEL},
        {0, NAN, 0, 1, 0, FAULT_REFERENCE},
        {NAN, NAN, 0, 1, 0, FAULT_BOTH},
        {NAN, NAN, NAN, 1, 0, AGREE},
        {NAN, 0, NAN, 1, 0, FAULT_REFERENCE},
        {0, NAN, NAN, 1, 0, FAULT_KERNEL},
        {0, 2, NAN, 1, 0, FAULT_BOTH},
        {INFINITY, INFINITY, 0, 1, 0.5, AGREE},
        {INFINITY, 0, 0, 1, 0.5, FAULT_KERNEL},
        {0, INFINITY, 0, 1, 0.5, FAULT_REFERENCE},
        {0, INFINITY, INFINITY, 1, 0.5, FAULT_KERNEL},
        {INFINITY, 0, INFINITY, 1, 0.5, FAULT_REFERENCE},
        {INFINITY, -INFINITY, INFINITY, 1, 0.5, FAULT_REFERENCE},
        {INFINITY, -INFINITY, 0, 1, 0.5, FAULT_BOTH},
        {INFINITY, NAN, INFINITY, 1, 0.5, FAULT_REFERENCE},
        /* What rounds to the kernel's infinity is it. */
        {INFINITY, 1e39, 1e39, 1, 0, AGREE},
        {-INFINITY, 1e39, 1e39, 1, 0, FAULT_KERNEL},
        {INFINITY, 3e38, 3e38, 1, 0, FAULT_KERNEL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tolerance tolerance = {rows[i].atol, rows[i].rtol, rows[i].atol};
        struct fault fault = find(rows[i].kernel, rows[i].reference, rows[i].truth, 0, &tolerance);
        int side = AGREE;
        int64_t sum = 0;
        for (int s = 0; s < FAULT_SIDE_COUNT; s++) {
            side = fault.total.at_fault[s] ? s : side;
            sum += fault.total.at_fault[s];
        }
        if (side != rows[i].side || sum != fault.total.mismatched || sum != (rows[i].side != AGREE))
            fail_msg("row %zu: %s at fault in place of %s, %lld mismatched", i, side_name(side),
                     side_name(rows[i].side), (long long)fault.total.mismatched);
        assert_memory_equal(&fault.total, &fault.heads[0], sizeof fault.total);
        fault_clear(&fault);
    }
}

/* A hundred thousand triples around the truth: the sides add up, and one that is within half is blamed by the tie rule
 * alone. */
static void test_random_triples(void **state)
{
    (void)state;
    uint64_t word = 1;
    for (int i = 0; i < 100000; i++) {
        double values[3];
        for (int j = 0; j < 3; j++) {
            word = word * 6364136223846793005u + 1442695040888963407u;
            values[j] = (double)(int32_t)(word >> 32) * 0x1p-31;
        }
        struct tolerance tolerance = {0.125, 0.25, 0.125};
        double truth = values[0], kernel = (double)(float)(truth + values[1] * 0.5),
               reference = truth + values[2] * 0.5;
        struct fault fault = find(kernel, reference, truth, 0, &tolerance);
        double half = (tolerance.atol + tolerance.rtol * fabs(truth)) / 2;
        double kernel_err = fabs(kernel - truth), reference_err = fabs(reference - truth);
        bool differ = fabs(kernel - reference) > tolerance.atol + tolerance.rtol * fabs(reference);
        assert_int_equal(fault.total.mismatched, differ);
        if (differ && (kernel_err > half || reference_err > half)) {
            assert_int_equal(fault.total.at_fault[FAULT_KERNEL], kernel_err > half && reference_err <= half);
            assert_int_equal(fault.total.at_fault[FAULT_REFERENCE], kernel_err <= half && reference_err > half);
        } else if (differ) {
            assert_int_equal(fault.total.at_fault[FAULT_KERNEL], kernel_err > reference_err);
            assert_int_equal(fault.total.at_fault[FAULT_REFERENCE], kernel_err < reference_err);
        }
        fault_clear(&fault);
    }
}

static void test_the_reference_is_judged_by_the_truth_and_its_radius(void **state)
{
    (void)state;
    struct tolerance tolerance = {1, 0, 1};
    struct fault fault = find(0, 1, 0, 0x1p-40, &tolerance); /* on the tolerance, within the radius */
    assert_int_equal(fault.truth.undecided, 1);
    fault_clear(&fault);
    fault = find(0, 1.25, 0, 0x1p-40, &tolerance);
    assert_int_equal(fault.truth.undecided, 0);
    assert_int_equal(fault.truth.mismatched, 1);
    assert_true(fault.truth.max_abs_err == 1.25 && fault.truth.worst == 0);
    fault_clear(&fault);
    fault = find(0, NAN, 0, 0, &tolerance);
    assert_int_equal(fault.truth.mismatched, 1);
    assert_true(fault.truth.max_abs_err == 0 && fault.max_abs_err == 0);
    fault_clear(&fault);
}

/* An output without lse is held against a reference that has one by out alone. */
static void test_an_output_without_lse_is_held_against_a_reference(void **state)
{
    (void)state;
    double tail = 0, radius = 0, magnitude = 1, zero = 0, reference = 1, reference_lse = 0.5, value = 0;
    float out = 0;
    struct output output = {&out, NULL};
    struct truth truth = {1, 1, &value, &tail, &radius, &magnitude, &zero, &zero, &zero, 0, {0}};
    struct problem problem = {.seq_len = 1, .num_heads = 1, .num_kv_heads = 1, .head_dim = 1, .dtype = DTYPE_F32};
    struct fault fault;
    struct error error;
    const struct exhibit exhibit = {&problem, &output, &truth, .criterion.tolerance = {0.5, 0, 0.5}};
    assert_int_equal(fault_find(&fault, &exhibit, &reference, &reference_lse, &error), ERROR_NONE);
    assert_int_equal(fault.total.at_fault[FAULT_REFERENCE], 1);
    assert_true(fault.max_lse_err == 0 && fault.truth.max_lse_err == 0.5);
    fault_clear(&fault);
}

/* ---- the sample: outputs 1, but for 1.5 at head 1, dim 2 where the truth is 1 too ------------------------------- */

static const double right[SAMPLE_ELEMENTS] = {1, 1, 1, 1, 1, 1, 1, 1};
/* Wrong at head 0, dims 1 and 3, and head 1, dim 1; NaN at head 1, dim 0. */
static const double wrong[SAMPLE_ELEMENTS] = {1, 1.25, 1, 1.125, NAN, 1.375, 1, 1};
static const double wrong_lse[SAMPLE_H] = {1.5, 2}, right_lse[SAMPLE_H] = {1, 2 + 0x1p-10};

struct desk {
    struct sample sample;
    struct fault faults[BASELINE_COUNT];
};

static void compare(struct desk *desk, enum baseline kind, const double *reference, const double *lse)
{
    struct sample *sample = &desk->sample;
    const struct exhibit exhibit = sample_exhibit(sample);
    struct error error;
    assert_int_equal(fault_find(&desk->faults[kind], &exhibit, reference, lse, &error), ERROR_NONE);
    sample->point.baselines |= 1u << kind;
    sample->record.faults = desk->faults;
}

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return -1;
    sample_init(&desk->sample);
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    for (int kind = 0; kind < BASELINE_COUNT; kind++)
        fault_clear(&desk->faults[kind]);
    sample_clear(&desk->sample);
    free(desk);
    return 0;
}

static void test_heads_and_lse(void **state)
{
    struct desk *desk = *state;
    const struct fault *fault = &desk->faults[BASELINE_F32_ABSOLUTE];
    compare(desk, BASELINE_F32_ABSOLUTE, wrong, wrong_lse);
    assert_int_equal(fault->total.mismatched, 5);
    assert_int_equal(fault->heads[0].mismatched, 2);
    assert_int_equal(fault->heads[0].at_fault[FAULT_REFERENCE], 2);
    assert_int_equal(fault->heads[1].at_fault[FAULT_REFERENCE], 2);
    assert_int_equal(fault->heads[1].at_fault[FAULT_KERNEL], 1);
    assert_true(fault->max_abs_err == 0.5);
    assert_true(fault->max_lse_err == 0.5);
    assert_int_equal(fault->truth.mismatched, 4);
    assert_int_equal(fault->truth.worst, 4); /* the NaN, though an error larger than all before follows */
    assert_true(fault->truth.max_abs_err == 0.375 && fault->truth.max_lse_err == 0.5);

    static const double nan_lse[SAMPLE_H] = {NAN, 2};
    const struct exhibit exhibit = sample_exhibit(&desk->sample);
    struct fault other;
    struct error error;
    assert_int_equal(fault_find(&other, &exhibit, right, nan_lse, &error), ERROR_NONE);
    assert_true(isnan(other.max_lse_err) && isnan(other.truth.max_lse_err));
    fault_clear(&other);
    desk->sample.lse[0] = NAN; /* both are, and both are the same infinity: they do not differ */
    desk->sample.lse[1] = -INFINITY;
    const double same_lse[SAMPLE_H] = {NAN, -INFINITY};
    assert_int_equal(fault_find(&other, &exhibit, right, same_lse, &error), ERROR_NONE);
    assert_true(other.max_lse_err == 0);
    fault_clear(&other);
}

static void test_sentences(void **state)
{
    struct desk *desk = *state;
    desk->sample.out[6] = 0x3c00;
    compare(desk, BASELINE_F32_ABSOLUTE, wrong, wrong_lse);
    compare(desk, BASELINE_F64_RELATIVE, right, right_lse);
    char *lines = record_references(&desk->sample.record, "  ", true);
    assert_string_equal(lines, "  against f32_absolute: 4/8 differ, 0.375 max: reference at fault in 4 (heads 0-1); "
                               "reference itself 4/8 wrong, 0.375 max\n"
                               "  against f64_relative: agrees, 0 max\n");
    free(lines);
    lines = record_references(&desk->sample.record, "", false); /* who agrees is passed over */
    assert_string_equal(lines, "against f32_absolute: 4/8 differ, 0.375 max: reference at fault in 4 (heads 0-1); "
                               "reference itself 4/8 wrong, 0.375 max\n");
    free(lines);
    desk->sample.record.faults = NULL; /* the run failed */
    lines = record_references(&desk->sample.record, "  ", true);
    assert_string_equal(lines, "");
    free(lines);
}

/* A new string. */
static char *sentence_of(const struct fault *fault)
{
    char *text = NULL;
    size_t size;
    FILE *stream = text_stream_open(&text, &size);
    fault_print(stream, fault, fault_side_names);
    assert_int_equal(fclose(stream), 0);
    return text;
}

static void test_sentences_of_every_kind(void **state)
{
    (void)state;
    enum { HEADS = 12 };
    struct fault_tally heads[HEADS] = {
        [0] = {1, {1, 0, 0}}, [2] = {1, {1, 0, 0}}, [3] = {2, {1, 0, 1}}, [5] = {1, {1, 0, 0}},
        [7] = {1, {1, 0, 0}}, [9] = {1, {1, 0, 0}}, [11] = {1, {1, 0, 0}}};
    struct fault fault = {.num_heads = HEADS,
                          .head_dim = 2,
                          .elements = 2 * HEADS,
                          .total = {8, {7, 0, 1}},
                          .heads = heads,
                          .max_abs_err = 0.123456,
                          .truth = {.worst = 0, .max_abs_err = 0.0098765}};
    char *text = sentence_of(&fault);
    assert_string_equal(text, "8/24 differ, 0.123 max: kernel at fault in 7 (heads 0, 2-3, 5, 7, ...), both in 1 (head "
                              "3); reference itself within tolerance, 0.00988 max");
    free(text);
    fault.total = (struct fault_tally){0};
    fault.truth.mismatched = 3;
    fault.truth.undecided = 2;
    text = sentence_of(&fault);
    assert_string_equal(text, "agrees, 0.123 max; reference itself 3/24 wrong, 0.00988 max, 2 undecided");
    free(text);
}

static void test_record(void **state)
{
    struct desk *desk = *state;
    json_t *json = record_to_json(&desk->sample.record);
    assert_true(json_is_null(json_object_get(json, "references")));
    json_decref(json);

    compare(desk, BASELINE_F32_ABSOLUTE, wrong, wrong_lse);
    compare(desk, BASELINE_F64_RELATIVE, right, right_lse);
    desk->sample.record.seconds.reference = 0.5;
    json = record_to_json(&desk->sample.record);
    char *text = json_dumps(json_object_get(json, "references"), JSON_COMPACT | JSON_PRINT_FLAGS);
    assert_string_equal(
        text, "{\"f32_absolute\":{\"mismatched\":5,\"max_abs_err\":0.5,"
              "\"at_fault\":{\"kernel\":1,\"reference\":4,\"both\":0},\"max_lse_err\":0.5,"
              "\"truth\":{\"mismatched\":4,\"max_abs_err\":0.375,\"worst\":{\"head\":1,\"dim\":0,\"query\":0},"
              "\"undecided\":0,"
              "\"max_lse_err\":0.5},"
              "\"heads\":[{\"head\":0,\"mismatched\":2,\"at_fault\":{\"kernel\":0,\"reference\":2,\"both\":0}},"
              "{\"head\":1,\"mismatched\":3,\"at_fault\":{\"kernel\":1,\"reference\":2,\"both\":0}}]},"
              "\"f64_relative\":{\"mismatched\":1,\"max_abs_err\":0.5,"
              "\"at_fault\":{\"kernel\":1,\"reference\":0,\"both\":0},\"max_lse_err\":0.0009765625,"
              "\"truth\":{\"mismatched\":0,\"max_abs_err\":8.6736173798840355e-19,"
              "\"worst\":{\"head\":0,\"dim\":0,\"query\":0},\"undecided\":0,"
              "\"max_lse_err\":0.0},"
              "\"heads\":[{\"head\":1,\"mismatched\":1,\"at_fault\":{\"kernel\":1,\"reference\":0,\"both\":0}}]}}");
    free(text);
    assert_true(json_real_value(json_object_get(json_object_get(json, "seconds"), "reference")) == 0.5);
    json_decref(json);
}

static void test_junit_says_it_in_a_failure(void **state)
{
    struct desk *desk = *state;
    char path[SCRATCH_SIZE], text[4096] = "";
    struct summary summary = {.points_total = 1};
    struct error error;
    struct sink sink;
    int descriptor = scratch_file(path, "test_fault");
    assert_true(descriptor >= 0);
    compare(desk, BASELINE_F32_ABSOLUTE, right, right_lse);
    desk->sample.record.seconds.reference = 100;
    desk->sample.record.seconds.oracles = 1000;
    assert_int_equal(sink_open(&sink, &sink_junit, path, NULL, &error), ERROR_NONE);
    assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &error), ERROR_NONE);
    assert_int_equal(sink.kind->close(&sink, &summary, &error), ERROR_NONE);
    close(descriptor);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    unlink(path);
    assert_non_null(strstr(text, "\nagainst f32_absolute: 1/8 differ, 0.5 max: kernel at fault in 1 (head 1); "));
    assert_non_null(strstr(text, "time=\"1101.875000\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_disagreement_has_somebody_at_fault),
        cmocka_unit_test(test_random_triples),
        cmocka_unit_test(test_the_reference_is_judged_by_the_truth_and_its_radius),
        cmocka_unit_test(test_an_output_without_lse_is_held_against_a_reference),
        cmocka_unit_test_setup_teardown(test_heads_and_lse, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sentences, set_up, tear_down),
        cmocka_unit_test(test_sentences_of_every_kind),
        cmocka_unit_test_setup_teardown(test_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_junit_says_it_in_a_failure, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("fault", tests, NULL, NULL) ? 1 : 0;
}
