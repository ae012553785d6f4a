/* A folder of a dumped point as a source: what it gives, part by part, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/problem/dumped_source.h"
#include "harness/problem/generate.h"
#include "harness/support/file.h"
#include "harness/support/npy.h"
#include "harness/support/tests/scratch.h"
#include "reference/truth.h"

enum { PATH_SIZE = SCRATCH_PATH_SIZE, POINT_SIZE = 2048 };

/* A generated problem and the folder that it stands in. */
struct fixture {
    struct problem_spec spec;
    struct inputs inputs; /* of all heads */
    char folder[SCRATCH_SIZE];
};

/* 21 keys, 6 heads on 3 KV heads of 80: rows that no block size divides. */
static struct problem_spec small_spec(void)
{
    struct problem_spec spec = {
        .seq_len = 21,
        .num_queries = 3,
        .num_heads = 6,
        .num_kv_heads = 3,
        .head_dim = 80,
        .dtype = DTYPE_F16,
        .kv_format = KV_E5M2,
        .k_scale = 0.75f,
        .v_scale = 1.25f,
        .scale = 0x1.c9f25cp-4f,
        .max_bias = 8,
        .total_heads = 6,
        .kv_offset = 1000,
        .q_position = 1027,
        .mask = {.kind = MASK_WINDOW | MASK_HOLES, .window = 15, .holes = 0.3},
        .input = input_spec_default,
        .seed = 7,
    };
    return spec;
}

static char *in_folder(char *path, const struct fixture *fixture, const char *name)
{
    snprintf(path, PATH_SIZE, "%s/%s", fixture->folder, name);
    return path;
}

static void write_array(const struct fixture *fixture, const char *name, const char *type, const int64_t *shape,
                        const void *data)
{
    char path[PATH_SIZE];
    struct error error;
    struct npy_array array = {.type = type, .data = data};
    while (array.num_axes < 3 && shape[array.num_axes] > 0) {
        array.shape[array.num_axes] = shape[array.num_axes];
        array.num_axes++;
    }
    assert_int_equal(npy_write(in_folder(path, fixture, name), &array, &error), 0);
}

static void write_point(const struct fixture *fixture, const char *text)
{
    char path[PATH_SIZE];
    FILE *stream = fopen(in_folder(path, fixture, "point.json"), "w");
    assert_non_null(stream);
    assert_true(fputs(text, stream) >= 0);
    assert_int_equal(fclose(stream), 0);
}

/* The record, as far as it is read, and in the place of `replaced`, a member's name, another value. */
static void describe(const struct fixture *fixture, const char *replaced, const char *value)
{
    const struct problem_spec *spec = &fixture->spec;
    char mask[POINT_SIZE / 2] = "null", text[POINT_SIZE] = "{\"case\": \"other members are not read\"";
    const uint8_t *visible = fixture->inputs.visible;
    int length = visible ? snprintf(mask, sizeof mask, "[") : 0;
    for (int64_t key = 0; visible && key < spec->seq_len; key++)
        if (!visible[key])
            length += snprintf(mask + length, sizeof mask - (size_t)length, "%s[%" PRId64 ", %" PRId64 "]",
                               length > 1 ? ", " : "", key, key + 1);
    if (visible)
        snprintf(mask + length, sizeof mask - (size_t)length, "]");
    char values[15][POINT_SIZE / 2];
    const char *const names[] = {"seq_len",    "num_queries", "num_heads", "num_kv_heads", "head_dim",
                                 "q_position", "kv_offset",   "scale",     "k_scale",      "v_scale",
                                 "dtype",      "kv_dtype",    "bias",      "mask",         "input_digest"};
    const int64_t whole[] = {spec->seq_len,  spec->num_queries, spec->num_heads, spec->num_kv_heads,
                             spec->head_dim, spec->q_position,  spec->kv_offset};
    const float real[] = {spec->scale, spec->k_scale, spec->v_scale};
    for (int i = 0; i < 7; i++)
        snprintf(values[i], sizeof values[i], "%" PRId64, whole[i]);
    for (int i = 0; i < 3; i++)
        snprintf(values[7 + i], sizeof values[0], "%.17g", (double)real[i]);
    snprintf(values[10], sizeof values[0], "\"%s\"", dtypes[spec->dtype].name);
    snprintf(values[11], sizeof values[0], "\"%s\"", dtypes[problem_spec_kv_dtype(spec)].name);
    snprintf(values[12], sizeof values[0], "\"none\"");
    snprintf(values[13], sizeof values[0], "%s", mask);
    snprintf(values[14], sizeof values[0], "\"%016" PRIx64 "\"", fixture->inputs.digest);
    length = (int)strlen(text);
    bool found = !replaced;
    for (int i = 0; i < 15; i++) {
        bool other = replaced && !strcmp(replaced, names[i]);
        found |= other;
        length +=
            snprintf(text + length, sizeof text - (size_t)length, ", \"%s\": %s", names[i], other ? value : values[i]);
    }
    assert_true(found);
    snprintf(text + length, sizeof text - (size_t)length, "}");
    write_point(fixture, text);
}

static void write_tensors(const struct fixture *fixture)
{
    const struct problem_spec *spec = &fixture->spec;
    const int64_t several[] = {spec->num_queries, spec->num_heads, spec->head_dim, 0};
    const int64_t kv_shape[] = {spec->seq_len, spec->num_kv_heads, spec->head_dim, 0};
    const int64_t slopes_shape[] = {spec->num_heads, 0};
    const char *kv_type = dtypes[problem_spec_kv_dtype(spec)].numpy;
    write_array(fixture, "q.npy", dtypes[spec->dtype].numpy, several + (spec->num_queries < 2), fixture->inputs.q);
    write_array(fixture, "k.npy", kv_type, kv_shape, fixture->inputs.k);
    write_array(fixture, "v.npy", kv_type, kv_shape, fixture->inputs.v);
    write_array(fixture, "slopes.npy", "<f4", slopes_shape, fixture->inputs.slopes);
}

static void make(struct fixture *fixture, const struct problem_spec *spec)
{
    struct error error;
    *fixture = (struct fixture){.spec = *spec};
    assert_non_null(scratch_folder(fixture->folder, "test_dumped_source"));
    if (inputs_generate(&fixture->inputs, spec, whole_problem(spec), 1, NULL, &error))
        fail_msg("%s", error.text);
    write_tensors(fixture);
    describe(fixture, NULL, NULL);
}

static void remove_all(struct fixture *fixture)
{
    static const char *const names[] = {"q.npy", "k.npy", "v.npy", "slopes.npy", "point.json"};
    char path[PATH_SIZE];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(in_folder(path, fixture, names[i]));
    inputs_clear(&fixture->inputs);
    assert_int_equal(rmdir(fixture->folder), 0);
}

static void open_folder(struct dumped_source *dump, const struct fixture *fixture)
{
    struct error error;
    if (dumped_source_open(dump, fixture->folder, &error))
        fail_msg("%s", error.text);
}

static void open_problem(struct inputs *inputs, const struct dumped_source *dump, struct part part)
{
    struct error error;
    if (dump->source.ops->open(&dump->source, part, 1, NULL, inputs, &error))
        fail_msg("%s", error.text);
}

/* A part's problem and its tensors are those of the generator's, bit for bit. */
static void assert_same_inputs(const struct inputs *inputs, const struct inputs *made)
{
    const struct problem *problem = &inputs->problem, *expected = &made->problem;
    size_t q_bytes = (size_t)problem_elements(expected) * dtypes[expected->dtype].size_bytes;
    size_t kv_bytes = (size_t)(expected->seq_len * expected->num_kv_heads * expected->head_dim) *
                      dtypes[problem_kv_dtype(expected)].size_bytes;
    assert_true(inputs->digest == made->digest);
    assert_true(inputs_problem_digest(inputs) == inputs_problem_digest(made));
    assert_memory_equal(&problem->place, &expected->place, sizeof problem->place);
    assert_memory_equal(problem->q, expected->q, q_bytes);
    assert_memory_equal(problem->k, expected->k, kv_bytes);
    assert_memory_equal(problem->v, expected->v, kv_bytes);
    assert_memory_equal(problem->slopes, expected->slopes, (size_t)expected->num_heads * sizeof(float));
    assert_int_equal(problem->visible != NULL, expected->visible != NULL);
    if (expected->visible)
        assert_memory_equal(problem->visible, expected->visible, (size_t)expected->seq_len);
    assert_true(((uintptr_t)inputs->q | (uintptr_t)inputs->k | (uintptr_t)inputs->v) % 64 == 0);
}

static struct problem_spec spec_of_row(int row)
{
    struct problem_spec spec = small_spec();
    if (row == 1)
        spec.mask = (struct mask_spec){.kind = MASK_NONE};
    if (row == 2)
        spec.num_queries = 1;
    if (row >= 3) {
        spec.kv_format = KV_AS_DTYPE;
        spec.k_scale = spec.v_scale = 1;
        spec.dtype = row == 3 ? DTYPE_BF16 : DTYPE_F32;
    }
    if (row == 4) /* a mask that removes nothing */
        spec.mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 1000};
    return spec;
}
enum { SPEC_ROWS = 5 };

static void test_all_heads_and_some(void **state)
{
    (void)state;
    for (int row = 0; row < SPEC_ROWS; row++) {
        const struct problem_spec spec = spec_of_row(row);
        struct fixture fixture;
        struct dumped_source dump;
        struct inputs inputs = {0}, made = {0};
        struct error error;
        make(&fixture, &spec);
        open_folder(&dump, &fixture);
        assert_int_equal(dump.source.contract.of, TRUTH_OF_INPUTS);
        assert_int_equal(dump.source.num_parts, 1);
        const struct part whole = dump.source.ops->part(&dump.source, 0);
        assert_int_equal(whole.num_kv_heads, 3);
        open_problem(&inputs, &dump, whole);
        assert_same_inputs(&inputs, &fixture.inputs);
        assert_null(inputs.problem.bounds);
        inputs_clear(&inputs);
        for (int g = 0; g < 3; g++) {
            const struct part part = {g, g == 2 ? 1 : 2 - g};
            open_problem(&inputs, &dump, part);
            assert_int_equal(inputs_generate(&made, &spec, part, 1, NULL, &error), 0);
            assert_same_inputs(&inputs, &made);
            inputs_clear(&made);
            inputs_clear(&inputs);
        }
        dumped_source_clear(&dump);
        remove_all(&fixture);
    }
}

/* Some heads of more keys than a block holds are taken from each block. */
static void test_parts_of_several_blocks(void **state)
{
    (void)state;
    struct problem_spec spec = small_spec();
    spec.seq_len = 20001;
    spec.q_position = spec.kv_offset + spec.seq_len - 1;
    spec.mask = (struct mask_spec){.kind = MASK_NONE};
    const struct part part = {1, 1};
    struct fixture fixture;
    struct dumped_source dump;
    struct inputs inputs = {0}, made = {0};
    struct error error;
    make(&fixture, &spec);
    open_folder(&dump, &fixture);
    open_problem(&inputs, &dump, part);
    assert_int_equal(inputs_generate(&made, &spec, part, 1, NULL, &error), 0);
    assert_same_inputs(&inputs, &made);
    inputs_clear(&made);
    inputs_clear(&inputs);

    struct progress progress = {.cancelled = true};
    assert_int_equal(dump.source.ops->open(&dump.source, part, 1, &progress, &inputs, &error), ERROR_INTERRUPTED);
    assert_null(inputs.k);
    dumped_source_clear(&dump);
    remove_all(&fixture);
}

/* Those that follow one another in the file, and others, whichever part is open. */
static void test_rows_of_any_keys(void **state)
{
    (void)state;
    for (int row = 0; row < SPEC_ROWS; row++) {
        static const int64_t rows[] = {62, 3, 4, 5, 6, 6, 20, 19, 0, 61, 62, 40};
        enum { ROWS = sizeof rows / sizeof rows[0] };
        const struct problem_spec spec = spec_of_row(row);
        const size_t bytes = (size_t)spec.head_dim * dtypes[problem_spec_kv_dtype(&spec)].size_bytes;
        char to[ROWS * 80 * 4];
        struct fixture fixture;
        struct dumped_source dump;
        struct inputs inputs = {0};
        struct error error;
        make(&fixture, &spec);
        open_folder(&dump, &fixture);
        open_problem(&inputs, &dump, (struct part){1, 1});
        for (int of_v = 0; of_v < 2; of_v++) {
            const char *whole = of_v ? fixture.inputs.v : fixture.inputs.k;
            assert_int_equal(dump.source.ops->read_rows(&dump.source, &inputs, of_v, rows, ROWS, 1, to, &error), 0);
            for (size_t i = 0; i < ROWS; i++)
                assert_memory_equal(to + i * bytes, whole + (size_t)rows[i] * bytes, bytes);
        }
        inputs_clear(&inputs);
        dumped_source_clear(&dump);
        remove_all(&fixture);
    }
}

static void test_its_truth_is_that_of_the_inputs(void **state)
{
    (void)state;
    struct problem_spec spec = small_spec();
    struct truth truths[2] = {0};
    struct fixture fixture;
    struct dumped_source dump;
    struct inputs inputs = {0};
    struct error error;
    spec.truth_of = TRUTH_OF_FORMULA;
    make(&fixture, &spec);
    open_folder(&dump, &fixture);
    open_problem(&inputs, &dump, (struct part){0, 3});
    const struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    const struct truth_options own = {
        .precision = TRUTH_DEFAULT_PRECISION, .threads = 1, .contract = &dump.source.contract};
    for (int method = 0; method < TRUTH_METHOD_COUNT; method++) {
        for (int i = 0; i < 2; i++)
            assert_int_equal(truth_init(&truths[i], &fixture.inputs.problem, &error), 0);
        assert_int_equal(
            truth_compute(&truths[0], (enum truth_method)method, &fixture.inputs.problem, &options, &error), 0);
        assert_int_equal(truth_compute(&truths[1], (enum truth_method)method, &inputs.problem, &own, &error), 0);
        assert_true(truth_digest(&truths[0]) == truth_digest(&truths[1]));
        truth_clear(&truths[0]);
        truth_clear(&truths[1]);
    }
    inputs_clear(&inputs);
    dumped_source_clear(&dump);
    remove_all(&fixture);
}

/* Each file that is not the one that was written, in values alone, is refused with all heads. */
static void test_tensors_of_another_point_are_refused(void **state)
{
    (void)state;
    struct fixture fixture, other;
    const struct problem_spec spec = small_spec();
    struct problem_spec other_spec = spec;
    other_spec.seed++;
    other_spec.max_bias = 4;
    make(&fixture, &spec);
    make(&other, &other_spec);
    static const char *const names[] = {"q.npy", "k.npy", "v.npy", "slopes.npy"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char from[PATH_SIZE], to[PATH_SIZE];
        struct dumped_source dump;
        struct inputs inputs = {0};
        struct error error;
        assert_int_equal(rename(in_folder(from, &other, names[i]), in_folder(to, &fixture, names[i])), 0);
        open_folder(&dump, &fixture);
        assert_int_equal(dump.source.ops->open(&dump.source, (struct part){0, 3}, 1, NULL, &inputs, &error),
                         ERROR_USAGE);
        assert_non_null(strstr(error.text, "point.json: input_digest: is "));
        assert_null(inputs.k);
        dumped_source_clear(&dump);
        write_tensors(&fixture);
    }
    /* As is a mask that was not the point's. */
    struct dumped_source dump;
    struct inputs inputs = {0};
    struct error error;
    describe(&fixture, "mask", "[[0, 3]]");
    open_folder(&dump, &fixture);
    assert_int_equal(dump.source.ops->open(&dump.source, (struct part){0, 3}, 1, NULL, &inputs, &error), ERROR_USAGE);
    dumped_source_clear(&dump);

    /* A folder that was made by hand need not know its digest. */
    describe(&fixture, "input_digest", "null");
    open_folder(&dump, &fixture);
    open_problem(&inputs, &dump, (struct part){0, 3});
    assert_same_inputs(&inputs, &fixture.inputs);
    inputs_clear(&inputs);
    dumped_source_clear(&dump);
    remove_all(&fixture);
    remove_all(&other);
}

static void assert_refused(const struct fixture *fixture, const char *file, const char *reason)
{
    struct dumped_source dump;
    struct error error = {0};
    assert_int_equal(dumped_source_open(&dump, fixture->folder, &error), ERROR_USAGE);
    if (strncmp(error.text, fixture->folder, strlen(fixture->folder)) != 0 || !strstr(error.text, file) ||
        !strstr(error.text, reason) || !strstr(error.text, "allowed: "))
        fail_msg("%s: %s: %s", file, reason, error.text);
    dumped_source_clear(&dump); /* it is clear */
}

static void test_points_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *member, *value, *file, *reason;
    } rows[] = {
        {"seq_len", "22", "k.npy", "has '|u1' [21, 3, 80]; allowed: '|u1' [22, 3, 80], as point.json beside it says"},
        {"seq_len", "-1", "point.json", "whole numbers 0 to"},
        {"num_queries", "2", "q.npy", "has '<f2' [3, 6, 80]; allowed: '<f2' [2, 6, 80]"},
        {"num_queries", "1", "q.npy", "allowed: '<f2' [6, 80]"},
        {"num_queries", "null", "q.npy", "allowed: '<f2' [6, 80]"},
        {"num_heads", "9", "q.npy", "allowed: '<f2' [3, 9, 80]"},
        {"num_kv_heads", "6", "k.npy", "allowed: '|u1' [21, 6, 80]"},
        {"num_kv_heads", "4", "point.json", "num_kv_heads: allowed: divisors of num_heads"},
        {"head_dim", "64", "q.npy", "allowed: '<f2' [3, 6, 64]"},
        {"dtype", "\"f32\"", "q.npy", "allowed: '<f4' [3, 6, 80]"},
        {"dtype", "\"e4m3\"", "point.json", "dtype: allowed: f16, bf16, f32"},
        {"kv_dtype", "\"bf16\"", "point.json", "kv_dtype: allowed: f16, which is the dtype, e4m3, e5m2"},
        {"kv_dtype", "\"f16\"", "point.json", "k_scale: allowed: 1, since k and v are not fp8"},
        {"scale", "null", "point.json", "scale: allowed: numbers that f32 can hold"},
        {"k_scale", "1e39", "point.json", "k_scale: allowed"},
        {"v_scale", "\"1\"", "point.json", "v_scale: allowed"},
        {"q_position", "1.5", "point.json", "q_position: allowed"},
        {"kv_offset", "9007199254740993", "point.json", "kv_offset: allowed"},
        {"bias", "\"sideways\"", "point.json", "bias: allowed"},
        {"mask", "\"all\"", "point.json", "mask: allowed: null or a list"},
        {"mask", "[[0, 22]]", "point.json", "mask: range 0: allowed: [first, end) in ascending order, 0 to 21"},
        {"mask", "[[3, 5], [4, 6]]", "point.json", "mask: range 1"},
        {"mask", "[[3, 3]]", "point.json", "mask: range 0"},
        {"input_digest", "\"0123\"", "point.json", "input_digest: allowed: 16 hexadecimal digits"},
        {"input_digest", "\"0x23456789abcdef\"", "point.json", "input_digest: allowed: 16 hexadecimal digits"},
    };
    struct fixture fixture;
    const struct problem_spec spec = small_spec();
    make(&fixture, &spec);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        describe(&fixture, rows[r].member, rows[r].value);
        assert_refused(&fixture, rows[r].file, rows[r].reason);
    }
    remove_all(&fixture);
}

static void test_files_that_are_refused(void **state)
{
    (void)state;
    static const uint64_t zeros[21 * 3 * 80];
    static const struct {
        const char *name, *type;
        int64_t shape[4];
        const char *reason;
    } rows[] = {
        {"v.npy", "|u1", {20, 3, 80}, "has '|u1' [20, 3, 80]; allowed: '|u1' [21, 3, 80]"},
        {"v.npy", "<f2", {21, 3, 80}, "has '<f2' [21, 3, 80]; allowed: '|u1' [21, 3, 80]"},
        {"k.npy", "|u1", {21, 240}, "has '|u1' [21, 240]; allowed: '|u1' [21, 3, 80]"},
        {"k.npy", "|u1", {3, 21, 80}, "allowed: '|u1' [21, 3, 80]"},
        {"q.npy", "<f2", {18, 80}, "allowed: '<f2' [3, 6, 80]"},
        {"q.npy", "<u2", {3, 6, 80}, "allowed: '<f2' [3, 6, 80]"},
        {"slopes.npy", "<f4", {7}, "has '<f4' [7]; allowed: '<f4' [6]"},
        {"slopes.npy", "<f8", {6}, "has '<f8' [6]; allowed: '<f4' [6]"},
        {"slopes.npy", "<f4", {6, 1}, "has '<f4' [6, 1]; allowed: '<f4' [6]"},
    };
    char path[PATH_SIZE];
    struct fixture fixture;
    const struct problem_spec spec = small_spec();
    make(&fixture, &spec);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        write_array(&fixture, rows[r].name, rows[r].type, rows[r].shape, zeros);
        assert_refused(&fixture, rows[r].name, rows[r].reason);
        write_tensors(&fixture);
    }
    float slopes[6] = {0.5f, 0.25f, NAN, 1, 1, 1};
    write_array(&fixture, "slopes.npy", "<f4", (const int64_t[]){6, 0}, slopes);
    assert_refused(&fixture, "slopes.npy", "slope 2 is nan; allowed: finite ones");
    write_tensors(&fixture);

    /* A file that ends before its elements do. */
    assert_int_equal(truncate(in_folder(path, &fixture, "v.npy"), 128 + 21 * 3 * 80 - 1), 0);
    assert_refused(&fixture, "v.npy", "has 5167 bytes; allowed: 5168");
    write_tensors(&fixture);
    remove_all(&fixture);
}

/* Who wants no more than scores needs no v; a problem has one. A file may also shrink once it is open. */
static void test_values_that_are_missing_or_cut(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    struct fixture fixture;
    struct dumped_source dump;
    struct inputs inputs = {0};
    struct error error;
    const struct problem_spec spec = small_spec();
    make(&fixture, &spec);
    open_folder(&dump, &fixture);
    assert_int_equal(truncate(in_folder(path, &fixture, "v.npy"), 200), 0);
    assert_int_equal(dump.source.ops->open(&dump.source, (struct part){1, 2}, 1, NULL, &inputs, &error), ERROR_SYSTEM);
    assert_non_null(strstr(error.text, "v.npy: became shorter"));
    assert_null(inputs.k);
    dumped_source_clear(&dump);

    assert_int_equal(unlink(path), 0);
    open_folder(&dump, &fixture);
    assert_int_equal(dump.source.ops->open(&dump.source, (struct part){0, 3}, 1, NULL, &inputs, &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, "v.npy: is missing"));
    dumped_source_clear(&dump);
    remove_all(&fixture);
}

/* Inputs at hand serve for the same files alone: what another folder says of itself was not looked at. */
static void test_which_sources_are_the_same(void **state)
{
    (void)state;
    struct fixture fixture, twin;
    struct dumped_source dump, again, other;
    const struct problem_spec spec = small_spec();
    make(&fixture, &spec);
    make(&twin, &spec);
    open_folder(&dump, &fixture);
    open_folder(&again, &fixture);
    open_folder(&other, &twin);
    assert_true(problem_source_same(&dump.source, &again.source));
    assert_false(problem_source_same(&dump.source, &other.source));
    const struct generated_source generated = generated_source(&spec);
    assert_false(problem_source_same(&dump.source, &generated.source));
    dumped_source_clear(&again);
    dumped_source_clear(&other);

    static const struct {
        const char *member, *value;
    } rows[] = {{"q_position", "1028"}, {"kv_offset", "999"}, {"k_scale", "0.5"},   {"input_digest", "null"},
                {"scale", "1"},         {"mask", "null"},     {"mask", "[[0, 1]]"}, {"v_scale", "1"}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        describe(&fixture, rows[r].member, rows[r].value);
        open_folder(&again, &fixture);
        assert_false(problem_source_same(&dump.source, &again.source));
        assert_false(problem_source_same(&again.source, &dump.source));
        dumped_source_clear(&again);
    }
    dumped_source_clear(&dump);
    remove_all(&fixture);
    remove_all(&twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_heads_and_some),
        cmocka_unit_test(test_parts_of_several_blocks),
        cmocka_unit_test(test_rows_of_any_keys),
        cmocka_unit_test(test_its_truth_is_that_of_the_inputs),
        cmocka_unit_test(test_tensors_of_another_point_are_refused),
        cmocka_unit_test(test_points_that_are_refused),
        cmocka_unit_test(test_files_that_are_refused),
        cmocka_unit_test(test_values_that_are_missing_or_cut),
        cmocka_unit_test(test_which_sources_are_the_same),
    };
    return cmocka_run_group_tests_name("dumped_source", tests, NULL, NULL) != 0;
}
