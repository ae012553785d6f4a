/* A bundle without k and v comes to the verdict that it was written with, and one that cannot be is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/library/exhibit_reading.h"
#include "harness/library/judged_again.h"
#include "harness/library/judged_record.h"
#include "harness/library/tests/exhibit_sample.h"
#include "harness/support/safetensors_write.h"
#include "harness/support/tests/scratch.h"

static char folder[SCRATCH_SIZE], path[SCRATCH_PATH_SIZE], changed[SCRATCH_PATH_SIZE];

static int make_folder(void **state)
{
    (void)state;
    if (!scratch_folder(folder, "test_exhibit"))
        return -1;
    snprintf(path, sizeof path, "%s/a.safetensors", folder);
    snprintf(changed, sizeof changed, "%s/b.safetensors", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    unlink(changed);
    return rmdir(folder);
}

static alibicheck_verdict *write_sample(float off)
{
    alibicheck_verdict *verdict = NULL;
    struct alibicheck_error error;
    if (exhibit_sample_write(path, off, &verdict, &error))
        fail_msg("%s", error.text);
    return verdict;
}

static struct judging as_before(const struct exhibit_bundle *bundle)
{
    return (struct judging){.criterion = bundle->criterion, .demand = bundle->demand};
}

/* ---- what it comes to -------------------------------------------------------------------------------------------- */

static const char *const metrics[] = {"elements",    "mismatched",  "max_abs_err",    "max_ulp_err",
                                      "p99_ulp_err", "p50_ulp_err", "max_rel_err",    "rms_err",
                                      "nan",         "inf",         "max_lse_err",    "lse_off",
                                      "undecided",   "unwritten",   "lse_mismatched", "max_scaled_err"};

static double number_of(const alibicheck_verdict *verdict, const char *metric)
{
    double number;
    assert_int_equal(alibicheck_verdict_number(verdict, metric, &number, NULL), ALIBICHECK_OK);
    return number;
}

static double number_again(const struct judged_output *judged, const char *metric)
{
    for (int m = 0; m < METRIC_COUNT; m++)
        if (!strcmp(metric_table[m].field.name, metric))
            return metric_value((enum metric)m, &judged->verdict.total);
    fail_msg("%s is no metric", metric);
    return 0;
}

static void test_the_verdict_is_that_of_the_tensors(void **state)
{
    (void)state;
    static const float off[] = {0, 1e-6f, 0.25f, NAN, INFINITY};
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
        struct exhibit_bundle bundle;
        struct judged_output judged;
        struct error error;
        char name[CLASS_NAME_SIZE];
        alibicheck_verdict *verdict = write_sample(off[i]);
        if (exhibit_bundle_read(&bundle, path, &error))
            fail_msg("%s", error.text);
        const struct judging judging = as_before(&bundle);
        if (judge_again(&judged, &bundle, &judging, &error))
            fail_msg("%s", error.text);
        for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
            double then = number_of(verdict, metrics[m]), now = number_again(&judged, metrics[m]);
            if (then != now && !(isnan(then) && isnan(now)))
                fail_msg("%s was %.17g, and is %.17g", metrics[m], then, now);
        }
        assert_string_equal(alibicheck_verdict_status(verdict), judged_status(&judging, &judged));
        assert_string_equal(alibicheck_verdict_class(verdict), class_name(name, &judged.class_of_all));
        assert_string_equal(alibicheck_verdict_signature(verdict), signature_names[judged.finding.signature]);
        judged_output_clear(&judged);
        exhibit_bundle_clear(&bundle);
        alibicheck_verdict_free(verdict);
    }
}

/* What no number of the tensors says is the bundle's word, as far as it can be. */
static void test_what_only_the_bundle_says_is_taken_over(void **state)
{
    (void)state;
    static const float off[] = {0.25f, NAN};
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
        struct exhibit_bundle bundle;
        struct judged_output judged;
        struct error error;
        alibicheck_verdict_free(write_sample(off[i]));
        if (exhibit_bundle_read(&bundle, path, &error))
            fail_msg("%s", error.text);
        const struct judging judging = as_before(&bundle);
        bundle.contract_distance = 0.5;
        bundle.found.unwritten = 1000;
        if (judge_again(&judged, &bundle, &judging, &error))
            fail_msg("%s", error.text);
        assert_true(judged.contract_distance == 0.5);
        assert_true(judged.verdict.total.nan == (isnan(off[i]) ? 1 : 0));
        assert_true(judged.verdict.total.unwritten == judged.verdict.total.nan);
        assert_true(judged.problem.slopes && judged.problem.slopes == bundle.slopes);
        assert_ptr_equal(judged.problem.sink_logits, bundle.sink_logits);
        judged_output_clear(&judged);
        exhibit_bundle_clear(&bundle);
    }
}

/* Of another question the cause is not known, and the numbers are. */
static void test_by_another_tolerance_no_cause_is_taken_over(void **state)
{
    (void)state;
    static const struct {
        double atol;
        const char *status;
        enum signature signature;
    } rows[] = {{1e-5, "fail", SIGNATURE_NAN}, {1e-4, "fail", SIGNATURE_UNKNOWN}, {0.5, "fail", SIGNATURE_UNKNOWN}};
    alibicheck_verdict_free(write_sample(NAN));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct exhibit_bundle bundle;
        struct judged_output judged;
        struct error error;
        assert_int_equal(exhibit_bundle_read(&bundle, path, &error), ERROR_NONE);
        struct judging judging = as_before(&bundle);
        judging.criterion.tolerance.atol = rows[i].atol;
        assert_int_equal(judge_again(&judged, &bundle, &judging, &error), ERROR_NONE);
        assert_string_equal(judged_status(&judging, &judged), rows[i].status);
        assert_int_equal(judged.finding.signature, rows[i].signature);
        judged_output_clear(&judged);
        exhibit_bundle_clear(&bundle);
    }
}

static void test_a_wider_tolerance_passes(void **state)
{
    (void)state;
    struct exhibit_bundle bundle;
    struct judged_output judged;
    struct error error;
    alibicheck_verdict_free(write_sample(0.25f));
    assert_int_equal(exhibit_bundle_read(&bundle, path, &error), ERROR_NONE);
    struct judging judging = as_before(&bundle);
    judging.criterion.tolerance.atol = 0.5;
    assert_int_equal(judge_again(&judged, &bundle, &judging, &error), ERROR_NONE);
    assert_string_equal(judged_status(&judging, &judged), "pass");
    assert_int_equal(judged.finding.signature, SIGNATURE_NONE);
    assert_int_equal(judged.contract.num_fits, 0);
    judged_output_clear(&judged);
    exhibit_bundle_clear(&bundle);
}

/* The same class under another name is the same question; one more rounding, or none asked for, is another. */
static void test_another_class_is_another_question(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        bool same;
    } rows[] = {
        {NULL, NULL, true},
        {"f32", "f32", true},
        {"f32+weights16", "f32+weights16", true},
        {"f32", "f32+weights16", false},
        {"f32", "output", false},
        {"f32", NULL, false},
        {NULL, "f32", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct exhibit_bundle bundle = {.demand = {.asked = rows[i].before}};
        struct class_demand demand = {.asked = rows[i].after};
        assert_true(!rows[i].before || class_parse(&bundle.demand.arithmetic, rows[i].before, NULL));
        assert_true(!rows[i].after || class_parse(&demand.arithmetic, rows[i].after, NULL));
        assert_int_equal(judged_as_before(&bundle, &bundle.criterion, &demand), rows[i].same);
    }
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

enum how { NO_TEXT, TEXT, IN_TEXT, NO_TENSOR, NUMBER, CUT };

struct change {
    enum how how;
    const char *name, *value; /* TEXT: what it then says; IN_TEXT: "OLD=NEW" within it */
    double number;            /* of element 0 */
    const char *refused;      /* behind the path */
};

/* A contract that fits in the place of none. */
#define A_FIT(text, name, remedy_too, class_name)                            \
    "\"fits\":[],\"num_fits\":0=\"fits\":[{\"text\":" text ",\"name\":" name \
    ",\"remedy\":\"\",\"remedy_too\":" remedy_too ",\"class\":" class_name "}],\"num_fits\":1"

static const struct change changes[] = {
    {NO_TEXT, "seq_len", .refused = "has no seq_len"},
    {NO_TEXT, "found", .refused = "has no found"},
    {NO_TEXT, "build", .refused = "has no build"},
    {NO_TEXT, "content_digest", .refused = "has no content_digest"},
    {NO_TEXT, "k_digest", .refused = "has no k_digest"},
    {NO_TEXT, "tolerance", .refused = "has no tolerance"},
    {NO_TEXT, "class_roundings", .refused = "has no class_roundings"},
    {TEXT, "alibicheck", "bundle without k and v 2", .refused = "is no bundle without k and v"},
    {TEXT, "seq_len", "-1", .refused = "seq_len is '-1'; allowed: 0 to 1073741824"},
    {TEXT, "seq_len", "1e30", .refused = "seq_len is '1e30'"},
    {TEXT, "num_kv_heads", "3", .refused = "num_kv_heads is '3'; allowed: a divisor of the heads of out"},
    {TEXT, "num_kv_heads", "0", .refused = "num_kv_heads is '0'"},
    {TEXT, "kv_dtype", "f64", .refused = "kv_dtype is 'f64'; allowed: same, e4m3, e5m2, e4m3fnuz"},
    {TEXT, "kv_dtype", "e4m3", .refused = "has no k_scale"},
    {TEXT, "scale", "nan", .refused = "scale is 'nan'"},
    {TEXT, "q_position", "3000000000", .refused = "q_position is '3000000000'"},
    {TEXT, "masked", "maybe", .refused = "masked is 'maybe'; allowed: no, yes"},
    {TEXT, "masked", "yes", .refused = "has no mask_digest"},
    {TEXT, "truth_of", "nothing", .refused = "truth_of is 'nothing'"},
    {TEXT, "truth_precision", "1", .refused = "truth_precision is '1'; allowed: 64 to 4096"},
    {TEXT, "contract_distance", "-1", .refused = "contract_distance is '-1'"},
    {TEXT, "tolerance", "1e-5,nan,1", .refused = "tolerance is '1e-5,nan,1'"},
    {TEXT, "tolerance", "1e-5,-1,1", .refused = "tolerance is '1e-5,-1,1'"},
    {TEXT, "tolerance", "1e-5,1", .refused = "tolerance is '1e-5,1'"},
    {TEXT, "class", "f64", .refused = "class is 'f64'"},
    {TEXT, "q_digest", "xyz", .refused = "q_digest is 'xyz'; allowed: 16 hexadecimal digits"},
    {TEXT, "v_digest", "0123456789ABCDEF", .refused = "v_digest is '0123456789ABCDEF'"},
    {TEXT, "mask_digest", "0123456789abcdef", .refused = "has mask_digest of what it has not"},
    {TEXT, "truth_digest", "0123456789abcdef", .refused = "truth_digest is 0123456789abcdef and the truth has "},
    {TEXT, "content_digest", "0123456789abcdef", .refused = "content_digest is 0123456789abcdef and the tensors have "},
    {TEXT, "class_roundings", "weights16", .refused = "class_roundings is 'weights16'"},
    {TEXT, "judge", "both", .refused = "has no bound"},
    {TEXT, "recipe", "default", .refused = "has no recipe_digest"},
    {TEXT, "key", "a\nb", .refused = "key is 'a\\nb'; allowed: one line of text"},
    {TEXT, "case", "\x1b[31m", .refused = "case is '\\x1b[31m'"},
    {TEXT, "build", "[]", .refused = "build is '[]'"},
    {TEXT, "found", "[1", .refused = "found: is no JSON object"},
    {TEXT, "found", "{}", .refused = "found: status is not what it can be"},
    {IN_TEXT, "found", "\"status\":\"fail\"=\"status\":\"fine\"", .refused = "found: status"},
    {IN_TEXT, "found", "\"signature\":\"=\"signature\":\"x", .refused = "found: signature"},
    {IN_TEXT, "found", "\"head\":=\"head\":1000", .refused = "found: head is not what it can be; allowed: -1 to 3"},
    {IN_TEXT, "found", "\"unwritten\":=\"unwritten\":-1", .refused = "found: unwritten"},
    {IN_TEXT, "found", "\"of_run\":false=\"of_run\":0", .refused = "found: of_run"},
    {IN_TEXT, "found", "\"named\":false=\"named\":true", .refused = "found: named"},
    {IN_TEXT, "found", "\"num_fits\":0=\"num_fits\":2", .refused = "found: fits"},
    {IN_TEXT, "found", "\"num_fits\":0=\"num_fits\":-1", .refused = "found: num_fits"},
    {IN_TEXT, "found", A_FIT("null", "null", "null", "\"f32\""), .refused = "found: text is not what it can be"},
    {IN_TEXT, "found", A_FIT("\"\"", "1", "null", "\"f32\""), .refused = "found: name"},
    {IN_TEXT, "found", A_FIT("\"\"", "null", "1", "\"f32\""), .refused = "found: remedy_too"},
    {IN_TEXT, "found", A_FIT("\"\"", "null", "null", "null"), .refused = "found: class"},
    {NO_TENSOR, "out", .refused = "has no out"},
    {NO_TENSOR, "slopes", .refused = "has no slopes"},
    {NO_TENSOR, "truth_radius", .refused = "has no truth_radius"},
    {NO_TENSOR, "truth_lse", .refused = "has no truth_lse"},
    {NO_TENSOR, "class_row", .refused = "has no class_row"},
    {NO_TENSOR, "class_bound", .refused = "has no class_bound"},
    {NUMBER, "truth_radius", .number = -1,
     .refused = "truth_radius has -1 at element 0; allowed: finite numbers of 0 or "
                "more"},
    {NUMBER, "truth_radius", .number = NAN, .refused = "truth_radius has nan at element 0"},
    {NUMBER, "truth_radius", .number = INFINITY, .refused = "truth_radius has inf at element 0"},
    {NUMBER, "truth_lse_radius", .number = -1e-300, .refused = "truth_lse_radius has -1e-300 at element 0"},
    {NUMBER, "truth_tail", .number = NAN, .refused = "truth_tail has nan at element 0; allowed: finite numbers"},
    {NUMBER, "truth_lse_tail", .number = INFINITY, .refused = "truth_lse_tail has inf at element 0"},
    {NUMBER, "truth_magnitude", .number = -1, .refused = "truth_magnitude has -1 at element 0"},
    {NUMBER, "class_bound", .number = NAN, .refused = "class_bound has nan at element 0"},
    {NUMBER, "class_lse_bound", .number = -1, .refused = "class_lse_bound has -1 at element 0"},
    {NUMBER, "truth_value", .number = 7, .refused = "content_digest is "},
    {CUT, "truth_value", .refused = "truth_value is f64 [2, 4, 8]; allowed: f64 [2, 4, 16]"},
    {CUT, "truth_tail", .refused = "truth_tail is f64 [2, 4, 8]"},
    {CUT, "lse", .refused = "lse is f32 [2, 2]; allowed: f32 [2, 4]"},
    {CUT, "slopes", .refused = "slopes is f32 [2]; allowed: f32 [4]"},
    {CUT, "class_set", .refused = "class_set is u32 ["},
    {CUT, "out", .refused = "truth_value is f64 [2, 4, 16]; allowed: f64 [2, 4, 8]"},
};

enum { MOST = 64 };

/* What a file has, to be changed and written again. */
struct contents {
    struct tensor_archive archive;
    struct tensor_file files[MOST];
    struct safetensors_tensor tensors[MOST];
    struct tensor_metadata texts[MOST];
    size_t num_tensors, num_texts;
    char text[4096], first[1 << 17];
};

static void load(struct contents *contents)
{
    struct error error;
    *contents = (struct contents){.num_texts = 0};
    assert_int_equal(tensor_archive_open(&contents->archive, path, &error), ERROR_NONE);
    for (size_t i = 0; i < contents->archive.num_metadata; i++)
        contents->texts[contents->num_texts++] = contents->archive.metadata[i];
    for (size_t i = 0; i < contents->archive.num_entries; i++) {
        const struct tensor_entry *entry = &contents->archive.entries[i];
        struct tensor_file *file = &contents->files[i];
        assert_int_equal(tensor_archive_tensor(file, &contents->archive, entry, &error), ERROR_NONE);
        struct safetensors_tensor *tensor = &contents->tensors[contents->num_tensors++];
        *tensor = (struct safetensors_tensor){.name = entry->name,
                                              .type = file->layout.type,
                                              .num_axes = file->layout.num_axes,
                                              .elements = file->elements};
        memcpy(tensor->shape, file->layout.shape, sizeof tensor->shape);
    }
}

static size_t text_called(struct contents *contents, const char *name)
{
    size_t i = 0;
    while (i < contents->num_texts && strcmp(contents->texts[i].key, name) != 0)
        i++;
    if (i == contents->num_texts)
        contents->texts[contents->num_texts++] = (struct tensor_metadata){name, ""};
    return i;
}

static struct safetensors_tensor *tensor_called(struct contents *contents, const char *name)
{
    for (size_t i = 0; i < contents->num_tensors; i++)
        if (!strcmp(contents->tensors[i].name, name))
            return &contents->tensors[i];
    fail_msg("there is no %s", name);
    return NULL;
}

static void replace_within(struct contents *contents, size_t text, const char *value)
{
    char old[128];
    const char *middle = strchr(value, '=');
    snprintf(old, sizeof old, "%.*s", (int)(middle - value), value);
    const char *is = contents->texts[text].value, *at = strstr(is, old);
    assert_non_null(at);
    snprintf(contents->text, sizeof contents->text, "%.*s%s%s", (int)(at - is), is, middle + 1, at + strlen(old));
    contents->texts[text].value = contents->text;
}

static void apply(struct contents *contents, const struct change *change)
{
    size_t text = change->how <= IN_TEXT ? text_called(contents, change->name) : 0;
    struct safetensors_tensor *tensor = change->how >= NO_TENSOR ? tensor_called(contents, change->name) : NULL;
    size_t bytes = 1;
    switch (change->how) {
    case NO_TEXT:
        contents->texts[text] = contents->texts[--contents->num_texts];
        break;
    case TEXT:
        contents->texts[text].value = change->value;
        break;
    case IN_TEXT:
        replace_within(contents, text, change->value);
        break;
    case NO_TENSOR:
        *tensor = contents->tensors[--contents->num_tensors];
        break;
    case NUMBER:
        bytes = sizeof(double);
        for (int axis = 0; axis < tensor->num_axes; axis++)
            bytes *= (size_t)tensor->shape[axis];
        assert_true(bytes <= sizeof contents->first);
        memcpy(contents->first, tensor->elements, bytes);
        memcpy(contents->first, &change->number, sizeof change->number);
        tensor->elements = contents->first;
        break;
    default:
        tensor->shape[tensor->num_axes - 1] /= 2;
    }
}

/* Whether it is what is read, or what is judged, that refuses. */
static enum error_kind judge_file(const char *file, struct error *error)
{
    struct exhibit_bundle bundle;
    struct judged_output judged = {.input_digest = 0};
    enum error_kind kind = exhibit_bundle_read(&bundle, file, error);
    const struct judging judging = as_before(&bundle);
    if (!kind)
        kind = judge_again(&judged, &bundle, &judging, error);
    judged_output_clear(&judged);
    exhibit_bundle_clear(&bundle);
    return kind;
}

static void assert_refused(const char *refused)
{
    struct error error = {0};
    char begins[512];
    assert_int_equal(judge_file(changed, &error), ERROR_USAGE);
    snprintf(begins, sizeof begins, "%s: %s", changed, refused);
    if (strncmp(error.text, begins, strlen(begins)) != 0 || !strstr(error.text, "; allowed: ") ||
        strchr(error.text, '\n'))
        fail_msg("expected '%s', got '%s'", begins, error.text);
}

static void test_what_cannot_be_is_refused(void **state)
{
    (void)state;
    alibicheck_verdict_free(write_sample(0.25f));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        static struct contents contents;
        struct error error;
        load(&contents);
        apply(&contents, &changes[i]);
        if (safetensors_write(changed, contents.tensors, contents.num_tensors, contents.texts, contents.num_texts,
                              &error))
            fail_msg("%s", error.text);
        assert_refused(changes[i].refused);
        for (size_t t = 0; t < contents.archive.num_entries; t++)
            tensor_close(&contents.files[t]);
        tensor_archive_close(&contents.archive);
    }
}

/* Returns how many bytes there are. */
static size_t copy_changed(const char *old, const char *new, size_t size)
{
    static char bytes[1 << 17];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(bytes, 1, sizeof bytes, file);
    assert_true(fclose(file) == 0 && length < sizeof bytes);
    char *at = old ? memmem(bytes, length, old, strlen(old)) : NULL;
    assert_true(!old || (at && strlen(old) == strlen(new)));
    if (at)
        memcpy(at, new, strlen(new));
    file = fopen(changed, "wb");
    assert_non_null(file);
    assert_true(fwrite(bytes, 1, size < length ? size : length, file) > 0 && fclose(file) == 0);
    return length;
}

/* Sound numbers, of which something else is said. */
static void test_what_contradicts_itself_is_refused(void **state)
{
    (void)state;
    char old[CLASS_NAME_SIZE + 32], new[CLASS_NAME_SIZE + 32], refused[CLASS_NAME_SIZE + 64];
    struct error error = {0};
    alibicheck_verdict *verdict = write_sample(0.25f);
    copy_changed("\\\"status\\\":\\\"fail\\\"", "\\\"status\\\":\\\"pass\\\"", SIZE_MAX);
    assert_refused("its status was pass when alibicheck ");
    snprintf(old, sizeof old, "\\\"class\\\":\\\"%s", alibicheck_verdict_class(verdict));
    snprintf(new, sizeof new, "\\\"class\\\":\\\"x%s", alibicheck_verdict_class(verdict) + 1);
    snprintf(refused, sizeof refused, "its class was x%s when alibicheck ", alibicheck_verdict_class(verdict) + 1);
    copy_changed(old, new, SIZE_MAX);
    assert_refused(refused);
    copy_changed("\"output_digest\":\"", "\"output_digest\":\"", SIZE_MAX);
    assert_int_equal(judge_file(changed, &error), ERROR_NONE);
    alibicheck_verdict_free(verdict);
}

static void test_a_file_that_ends_early_is_refused(void **state)
{
    (void)state;
    alibicheck_verdict_free(write_sample(0));
    size_t all = copy_changed(NULL, NULL, SIZE_MAX);
    for (size_t size = 1; size < all; size += all / 24) {
        struct error error = {0};
        copy_changed(NULL, NULL, size);
        assert_int_equal(judge_file(changed, &error), ERROR_USAGE);
    }
}

/* What is read is copied: a file that loses its end behind the reader's back is an error, and no signal. */
static void test_a_file_that_loses_its_end_is_told(void **state)
{
    (void)state;
    struct exhibit_reading reading = {.written = exhibit_written};
    struct tensor_layout layout;
    struct error error = {0};
    void *elements = NULL;
    alibicheck_verdict_free(write_sample(0));
    assert_int_equal(tensor_archive_open(&reading.archive, path, &error), ERROR_NONE);
    assert_int_equal(exhibit_describe(&reading, "out", &layout, &error), ERROR_NONE);
    assert_int_equal(truncate(path, 64), 0);
    assert_int_equal(
        exhibit_read_tensor(&reading, "out", layout.type, layout.num_axes, layout.shape, &elements, &error),
        ERROR_SYSTEM);
    assert_null(elements);
    assert_non_null(strstr(error.text, ".safetensors: became shorter while it was read"));
    tensor_archive_close(&reading.archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_verdict_is_that_of_the_tensors),
        cmocka_unit_test(test_what_only_the_bundle_says_is_taken_over),
        cmocka_unit_test(test_by_another_tolerance_no_cause_is_taken_over),
        cmocka_unit_test(test_a_wider_tolerance_passes),
        cmocka_unit_test(test_another_class_is_another_question),
        cmocka_unit_test(test_what_cannot_be_is_refused),
        cmocka_unit_test(test_what_contradicts_itself_is_refused),
        cmocka_unit_test(test_a_file_that_ends_early_is_refused),
        cmocka_unit_test(test_a_file_that_loses_its_end_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
