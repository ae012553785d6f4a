/* What `run --dump` writes is the problem again: read back, it has the record's digests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "harness/case/recipe_library.h"
#include "harness/case/tests/case_fixture.h"
#include "harness/evaluate/evaluate.h"
#include "harness/problem/dumped_source.h"
#include "harness/problem/generate.h"
#include "harness/report/sink/sink.h"
#include "harness/support/file.h"
#include "harness/support/tests/scratch.h"
#include "harness/support/text.h"
#include "kernels/device/device.h"

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

/* Runs the point, dumps its record below the folder, and takes the record's digests over. */
static void dump(struct evaluator *evaluator, const struct point *point, const char *folder, struct record *record)
{
    struct evaluation evaluation;
    struct sink sink;
    struct error error;
    if (evaluate(evaluator, &evaluation, point, &error))
        fail_msg("%s", error.text);
    *record = (struct record){.point = point,
                              .device = "host",
                              .device_name = "host",
                              .verdict = &evaluation.judged.verdict,
                              .faults = evaluation.faults,
                              .finding = &evaluation.judged.finding,
                              .oracles = &evaluation.oracles,
                              .problem = &evaluation.judged.problem,
                              .output = &evaluation.judged.output,
                              .truth = &evaluation.judged.truth,
                              .input_digest = evaluation.judged.input_digest,
                              .output_digest = evaluation.judged.output_digest,
                              .truth_digest = evaluation.judged.truth_digest};
    assert_int_equal(sink_open(&sink, &sink_dump, folder, NULL, &error), 0);
    if (sink.kind->record(&sink, record, &error))
        fail_msg("%s", error.text);
    assert_int_equal(sink.kind->close(&sink, &(struct summary){0}, &error), 0);
    evaluation_clear(&evaluation);
}

static uint64_t truth_of(const struct problem *problem, const struct truth_contract *contract,
                         const struct point *point)
{
    struct truth truth;
    struct error error;
    const struct truth_options options = {.precision = point->truth_precision, .threads = 1, .contract = contract};
    assert_int_equal(truth_init(&truth, problem, &error), 0);
    assert_int_equal(truth_compute(&truth, point->truth_method, problem, &options, &error), 0);
    uint64_t digest = truth_digest(&truth);
    truth_clear(&truth);
    return digest;
}

static void check_point(const struct point *point, const struct record *record, const char *folder)
{
    char key[POINT_KEY_SIZE];
    char *name = text_file_name(point_key(key, point)), *path = file_join(folder, name);
    struct dumped_source dump;
    struct inputs read = {0}, made = {0};
    struct error error;
    if (dumped_source_open(&dump, path, &error))
        fail_msg("%s", error.text);
    const struct part part = dump.source.ops->part(&dump.source, 0);
    if (dump.source.ops->open(&dump.source, part, 1, NULL, &read, &error))
        fail_msg("%s", error.text);
    assert_int_equal(inputs_generate(&made, &point->problem, part, 1, NULL, &error), 0);

    assert_true(dump.point.has_digest);
    assert_true(read.digest == record->input_digest);
    assert_true(inputs_problem_digest(&read) == inputs_problem_digest(&made));
    assert_int_equal(dump.source.shape.num_queries, problem_spec_queries(&point->problem));
    assert_int_equal(dump.point.bias, point->recipe.bias);
    assert_int_equal(dump.source.contract.of, TRUTH_OF_INPUTS);
    uint64_t truth = truth_of(&read.problem, &dump.source.contract, point);
    assert_true(truth == truth_of(&made.problem, NULL, point));
    assert_true((truth == record->truth_digest) == (point->problem.truth_of == TRUTH_OF_INPUTS));
    inputs_clear(&read);
    inputs_clear(&made);
    dumped_source_clear(&dump);
    free(path);
    free(name);
}

#define PROBLEM "\nnum_heads: 6\nnum_kv_heads: 3\nhead_dim: 64\n"

static void test_every_kind_of_problem(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "case: a\nseq_len: 33" PROBLEM "dtype: [f16, bf16, f32]\nkv_dtype: [same, e4m3, e5m2]\nnum_queries: [1, 3]\n",
        "case: b\nseq_len: 33" PROBLEM "mask: [{window: 9}, {holes: 0.5}, {window: 33}, all]\nq_position: [32, 900]\n"
        "kv_offset: [0, 7]\n",
        "case: c\nseq_len: [1, 33]" PROBLEM "kv_dtype: e4m3\nk_scale: [0.1, 3]\nv_scale: 0.7\nscale: [0.3, 1.1]\n",
        "case: d\nseq_len: 33" PROBLEM "slopes: {values: [0.1, 0.7, 3, 0, 1e-3, 0.2]}\nseed: 18446744073709551615\n",
        "case: e\nseq_len: 33" PROBLEM "head_offset: 3\ntotal_heads: 11\nmax_bias: 5\ntruth_of: [inputs, formula]\n",
        "case: f\nseq_len: [9, 33]" PROBLEM "batch: together\n",
        "case: g\nseq_len: 33" PROBLEM "bias: none\njudge: tolerance\nkernel: split_kv\npage_size: 16\n",
    };
    char folder[SCRATCH_SIZE];
    struct evaluator evaluator = {.threads = 1};
    struct error error;
    assert_non_null(scratch_folder(folder, "test_dump"));
    assert_int_equal(device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    for (size_t t = 0; t < COUNT(texts); t++) {
        struct case_list list = parse(texts[t]);
        for (size_t i = 0; i < case_num_points(list.cases[0]); i++) {
            struct point point;
            struct record record;
            case_point(list.cases[0], i, &point);
            dump(&evaluator, &point, folder, &record);
            check_point(&point, &record, folder);
        }
        evaluator_clear(&evaluator);
        case_list_clear(&list);
    }
    device_close(evaluator.device);
    recipe_library_close();
    assert_int_equal(nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_problem),
    };
    return cmocka_run_group_tests_name("dump", tests, NULL, NULL) != 0;
}
