/*
 * A problem of one part on a device that makes its keys: nothing but seconds differs from a run on keys that the host
 * made, the host makes the newest alone where that is enough, and all of them for whoever asks more.
 */
#include "harness/evaluate/tests/small_point.h"
#include "kernels/device/device_keys.h"
#include "kernels/tests/apart_device.h"

enum { KEYS = 9000, FEWER_KEYS = 1500, KV_HEADS = 3, DIM = 64, KEY_BYTES = KV_HEADS * DIM * 2 };

/* How often the problem was opened, how often with its newest keys alone, and how often some were added to them. */
static struct {
    int opened, newest, added;
} counts;

static const struct problem_source_ops *generated_ops(void)
{
    struct point any = small_point(KERNEL_SPLIT_KV);
    return generated_source(&any.problem).source.ops;
}

static enum error_kind open_and_count(const struct problem_source *source, struct part part, int threads,
                                      struct progress *progress, struct inputs *inputs, struct error *error)
{
    counts.opened++;
    return generated_ops()->open(source, part, threads, progress, inputs, error);
}

/* NaN where keys are not: whoever reads it is seen to. */
static void spoil_older(struct inputs *inputs)
{
    const struct problem *problem = &inputs->problem;
    size_t bytes = (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
    for (int head = 0; head < problem->num_kv_heads; head++)
        for (int64_t key = 0; key < inputs->recent.first[head]; key++) {
            size_t row = problem_row(problem, key, head) / (size_t)problem->head_dim * bytes;
            memset((char *)inputs->k + row, 0xff, bytes);
            memset((char *)inputs->v + row, 0xff, bytes);
        }
}

static enum error_kind open_newest_and_count(const struct problem_source *source, struct part part, int threads,
                                             struct progress *progress, struct inputs *inputs, struct error *error)
{
    enum error_kind kind = generated_ops()->open_newest(source, part, threads, progress, inputs, error);
    counts.opened++;
    counts.newest += !kind && inputs->recent.first;
    if (!kind && inputs->recent.first)
        spoil_older(inputs);
    return kind;
}

static enum error_kind add_and_count(const struct problem_source *source, struct part part, struct key_range range,
                                     struct inputs *inputs, struct error *error)
{
    counts.added++;
    return generated_ops()->add_keys(source, part, range, inputs, error);
}

/* The ops outlive the source. */
static struct generated_source counted_source(const struct point *point, struct problem_source_ops *ops)
{
    struct generated_source source = generated_source(&point->problem);
    *ops = *source.source.ops;
    ops->open = open_and_count;
    ops->open_newest = open_newest_and_count;
    ops->add_keys = add_and_count;
    source.source.ops = ops;
    memset(&counts, 0, sizeof counts);
    return source;
}

static void assert_same(const struct evaluation *a, const struct evaluation *b)
{
    size_t rows = (size_t)problem_rows(&a->judged.problem), elements = (size_t)problem_elements(&a->judged.problem);
    assert_memory_equal(a->judged.output.out, b->judged.output.out, elements * 2);
    assert_memory_equal(a->judged.output.lse, b->judged.output.lse, rows * sizeof(float));
    assert_memory_equal(a->judged.bound, b->judged.bound, elements * sizeof(double));
    assert_memory_equal(a->judged.lse_bound, b->judged.lse_bound, rows * sizeof(double));
    assert_memory_equal(a->judged.truth.value, b->judged.truth.value, elements * sizeof(double));
    assert_memory_equal(a->judged.truth.radius, b->judged.truth.radius, elements * sizeof(double));
    assert_true(a->judged.input_digest == b->judged.input_digest && a->judged.output_digest == b->judged.output_digest);
    assert_true(a->judged.truth_digest == b->judged.truth_digest);
    assert_memory_equal(&a->judged.verdict.total, &b->judged.verdict.total, sizeof b->judged.verdict.total);
    assert_int_equal(a->judged.finding.signature, b->judged.finding.signature);
    assert_string_equal(a->judged.finding.detail, b->judged.finding.detail);
    assert_memory_equal(a->oracles.outcome, b->oracles.outcome, sizeof b->oracles.outcome);
    assert_memory_equal(a->oracles.detail, b->oracles.detail, sizeof b->oracles.detail);
    assert_int_equal(a->judged.classes.num_rows, b->judged.classes.num_rows);
    for (int row = 0; row < a->judged.classes.num_rows; row++)
        assert_memory_equal(&a->judged.classes.output[row], &b->judged.classes.output[row],
                            sizeof *a->judged.classes.output);
}

/* What a test does to the device once it is open. */
static void as_it_is(void)
{
}

static void make_other_keys(void)
{
    apart.ops.make_elements = apart_make_badly;
}

static enum error_kind make_old_badly(void *state, void *memory, const struct made_elements *made, struct error *error)
{
    struct made_elements old = *made;
    enum error_kind kind = apart_make_elements(state, memory, made, error);
    old.runs = 1;
    old.source.stream.seed++;
    return kind ? kind : apart_make_elements(state, memory, &old, error);
}

/* The oldest alone, which nobody on the host has. */
static void make_other_oldest_key(void)
{
    apart.ops.make_elements = make_old_badly;
}

/* What a device finds badly: of k's last bounds, then of v's. */
static struct {
    uint32_t mask, more;
    bool of_k, of_v;
    int found;
} badly;

static enum error_kind find_badly(void *state, uint32_t *maxima, const struct row_maxima *find, struct error *error)
{
    enum error_kind kind = apart_find_maxima(state, maxima, find, error);
    bool is_last = find->num_groups == 1, of_k = badly.found % 2 == 0;
    badly.found += is_last;
    if (!is_last || !(of_k ? badly.of_k : badly.of_v))
        return kind;
    apart_open_blocks(PROT_READ | PROT_WRITE);
    *maxima = (*maxima & badly.mask) + badly.more;
    apart_open_blocks(PROT_NONE);
    return kind;
}

static void find_otherwise(uint32_t mask, uint32_t more, bool of_k, bool of_v)
{
    memset(&badly, 0, sizeof badly);
    badly.mask = mask;
    badly.more = more;
    badly.of_k = of_k;
    badly.of_v = of_v;
    apart.ops.find_maxima = find_badly;
}

static void find_low_bounds_of_k(void)
{
    find_otherwise(0xff, 0, true, false);
}

static void find_low_bounds_of_v(void)
{
    find_otherwise(0xff, 0, false, true);
}

static void find_high_bounds_of_k(void)
{
    find_otherwise(~0u, 0x1000, true, false);
}

static void find_high_bounds_of_v(void)
{
    find_otherwise(~0u, 0x1000, false, true);
}

static void find_other_bounds(void)
{
    find_otherwise(~0u, 1, true, true);
}

struct expected {
    int opened, newest; /* on the device apart */
    bool keys;          /* k and v of the evaluation are there */
};

static enum error_kind evaluate_apart(struct evaluator *evaluator, struct evaluation *evaluation,
                                      const struct point *point, void (*change)(void), struct error *error)
{
    struct problem_source_ops ops;
    const struct generated_source source = counted_source(point, &ops);
    *evaluator = (struct evaluator){.threads = 1, .without_keys = true};
    assert_int_equal(apart_device_open(&evaluator->device, 1, error), ERROR_NONE);
    change();
    enum error_kind kind = evaluate_from(evaluator, evaluation, point, &source, error);
    evaluator->have_inputs = false; /* the source's ops are gone */
    return kind;
}

static void close_apart(struct evaluator *evaluator, struct evaluation *evaluation)
{
    evaluation_clear(evaluation);
    evaluator_clear(evaluator);
    device_close(evaluator->device);
    assert_int_equal(apart.in_use_bytes, 0);
}

static void compare(const char *what, const struct point *point, struct expected expected)
{
    struct evaluator here = {.threads = 1}, there;
    struct evaluation of_host, of_device;
    struct error error;
    const size_t tensor_bytes = (size_t)point->problem.seq_len * KEY_BYTES;
    assert_int_equal(device_open(&here.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    if (evaluate(&here, &of_host, point, &error) || evaluate_apart(&there, &of_device, point, as_it_is, &error))
        fail_msg("%s: %s", what, error.text);
    if (counts.opened != expected.opened || counts.newest != expected.newest ||
        !!of_device.judged.problem.k != expected.keys)
        fail_msg("%s: opened %d times, %d with the newest keys, %s keys", what, counts.opened, counts.newest,
                 of_device.judged.problem.k ? "with" : "without");
    assert_same(&of_host, &of_device);
    assert_true(of_device.at_once && !*of_device.launch_failure);
    assert_int_equal(apart.times_made, 2);
    if (!point->oracles)
        assert_true(apart.copied_bytes < tensor_bytes / 16); /* q, slopes, a mask, and no keys */
    if (expected.keys) {
        assert_memory_equal(of_device.judged.problem.k, of_host.judged.problem.k, tensor_bytes);
        assert_memory_equal(of_device.judged.problem.v, of_host.judged.problem.v, tensor_bytes);
    }
    evaluation_clear(&of_host);
    evaluator_clear(&here);
    device_close(here.device);
    close_apart(&there, &of_device);
}

static const struct tolerance too_tight = {1e-12, 0, 1e-3};

/* Under steeper slopes fewer keys are enough: of what fails a name is looked for in all of them, which takes its time.
 */
static struct point steep_point(void)
{
    struct point point = long_point(FEWER_KEYS);
    point.problem.max_bias = 1;
    return point;
}

static void test_a_pass_takes_the_newest_keys(void **state)
{
    (void)state;
    for (int variant = 0; variant < 6; variant++) {
        struct point point = long_point(KEYS);
        point.kernel = (enum kernel)(variant % KERNEL_ANY_COUNT);
        point.problem.seed = (uint64_t)variant;
        point.kernel_options.page_size = variant == 3 ? 16 : 0;
        if (variant == 1)
            point.problem.mask = (struct mask_spec){.kind = MASK_HOLES, .holes = 0.4};
        if (variant == 2)
            point.problem.mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 5000};
        if (variant >= 4)
            point.problem.input = input_spec_of(variant == 4 ? DISTRIBUTION_UNIFORM : DISTRIBUTION_NORMAL);
        compare("a pass", &point, (struct expected){1, 1, false});
    }
}

/* Masked keys may be larger than any bound, as some of the newest are where few show. */
static void test_masked_keys_have_no_bound(void **state)
{
    struct point point = long_point(FEWER_KEYS);
    (void)state;
    point.problem.max_bias = 0.25f;
    point.problem.mask = (struct mask_spec){.kind = MASK_HOLES, .holes = 0.8};
    compare("holes", &point, (struct expected){1, 1, false});
}

/* Half of the trials are cut from the newest keys, half from anywhere. */
static void test_oracles_take_the_keys_of_their_trial(void **state)
{
    int added = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct point point = long_point(KEYS);
        point.problem.seed = seed;
        point.oracles = 1u << (seed % 2 ? ORACLE_CONSTANT_V : ORACLE_DETERMINISM);
        compare("oracles", &point, (struct expected){1, 1, false});
        added += counts.added > 0;
    }
    assert_true(added > 0);
    struct point of_two_heads = long_point(KEYS); /* of which a trial takes both */
    of_two_heads.problem.num_heads = of_two_heads.problem.total_heads = 4;
    of_two_heads.problem.num_kv_heads = 2;
    of_two_heads.oracles = 1u << ORACLE_DETERMINISM;
    compare("some keys of all heads", &of_two_heads, (struct expected){1, 1, false});
    struct point of_some_heads = long_point(7000); /* of which a trial takes two, and all their keys */
    of_some_heads.oracles = 1u << ORACLE_DETERMINISM;
    compare("all keys of some heads", &of_some_heads, (struct expected){1, 1, false});
    struct point point = long_point(KEYS);
    point.problem.seq_len = 4001; /* of which a trial takes all */
    point.problem.q_position = 4000;
    struct evaluator evaluator;
    struct evaluation evaluation;
    struct error error;
    point.oracles = 1u << ORACLE_DETERMINISM;
    assert_int_equal(evaluate_apart(&evaluator, &evaluation, &point, as_it_is, &error), ERROR_NONE);
    assert_true(counts.newest == 0 && evaluation.judged.problem.k);
    close_apart(&evaluator, &evaluation);
}

static void test_who_asks_more_has_all_keys(void **state)
{
    (void)state;
    struct point point = steep_point();
    point.recipe.bias = BIAS_ABSOLUTE; /* fails, and has a name by its keys */
    point.criterion.tolerance = too_tight;
    point.find_class = CLASS_OF_FAILING;
    compare("a signature, and the class of a failure", &point, (struct expected){2, 1, true});
    point = long_point(KEYS);
    point.find_class = CLASS_OF_ALL;
    compare("classes", &point, (struct expected){1, 0, true});
    point = long_point(KEYS);
    point.baselines = 1u << BASELINE_F64_RELATIVE;
    compare("a reference", &point, (struct expected){1, 0, true});
    point = long_point(KEYS);
    point.truth_method = TRUTH_PLAIN;
    point.problem.seq_len = 2000;
    point.problem.q_position = 1999;
    point.truth_precision = 64;
    compare("MPFR", &point, (struct expected){1, 0, true});
    point = long_point(KEYS);
    point.problem.num_queries = 2;
    point.problem.seed = 3;
    struct evaluator evaluator;
    struct evaluation evaluation;
    struct error error;
    assert_int_equal(evaluate_apart(&evaluator, &evaluation, &point, as_it_is, &error), ERROR_NONE);
    assert_true(counts.newest == 0 && evaluation.judged.problem.k && apart.times_made == 2);
    close_apart(&evaluator, &evaluation);
    point = long_point(KEYS);
    /* The bound of a kernel that adds to masked logits asks for all of them. */
    point.problem.mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 3000};
    point.recipe.sentinel = (struct sentinel){.policy = SENTINEL_VALUE, .value = -1e4f};
    point.recipe.masked_entry = MASKED_ADD;
    compare("logits of masked keys", &point, (struct expected){2, 1, true});
}

/* Whoever does not say that he looks at no keys has them. */
static void test_keys_are_there_unless_nobody_looks(void **state)
{
    const struct point point = long_point(KEYS);
    struct problem_source_ops ops;
    struct evaluator evaluator = {.threads = 1};
    struct evaluation evaluation;
    struct error error;
    (void)state;
    const struct generated_source source = counted_source(&point, &ops);
    assert_int_equal(apart_device_open(&evaluator.device, 1, &error), ERROR_NONE);
    assert_int_equal(evaluate_from(&evaluator, &evaluation, &point, &source, &error), ERROR_NONE);
    assert_true(counts.newest == 0 && evaluation.judged.problem.k && evaluation.judged.problem.v &&
                apart.times_made == 2);
    close_apart(&evaluator, &evaluation);
}

/* Points of one problem, one after the other: what is at hand does for the next, and is completed for one that fails.
 */
static void test_points_of_one_problem_share_its_newest_keys(void **state)
{
    struct point points[3] = {steep_point(), steep_point(), steep_point()};
    struct evaluator evaluator = {.threads = 1, .without_keys = true};
    struct problem_source_ops ops;
    struct error error;
    (void)state;
    for (int i = 0; i < 3; i++) {
        points[i].kernel = i == 0 ? KERNEL_TWO_PASS : KERNEL_SINGLE_PASS;
        points[i].problem.seed = 1; /* of which both bounds look at the newest keys alone */
    }
    points[2].criterion.tolerance = too_tight;
    assert_int_equal(apart_device_open(&evaluator.device, 1, &error), ERROR_NONE);
    const struct generated_source source = counted_source(&points[0], &ops);
    for (int i = 0; i < 3; i++) {
        struct evaluation evaluation;
        assert_int_equal(evaluate_from(&evaluator, &evaluation, &points[i], &source, &error), ERROR_NONE);
        if (counts.opened != (i < 2 ? 1 : 2) || counts.newest != 1)
            fail_msg("point %d: opened %d times, %d with the newest keys; %s", i, counts.opened, counts.newest,
                     evaluation.launch_failure);
        assert_true(!!evaluation.judged.problem.k == (i == 2) && !*evaluation.launch_failure);
        assert_true(evaluation.judged.seconds.truth_shared == (i > 0));
        evaluation_clear(&evaluation);
    }
    assert_int_equal(apart.times_made, 6);
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

/* A device that makes other keys, or finds bounds that cannot be theirs: the host makes them. */
static void test_a_device_that_is_wrong_is_not_asked(void **state)
{
    void (*const changes[])(void) = {make_other_keys, find_low_bounds_of_k, find_low_bounds_of_v, find_high_bounds_of_k,
                                     find_high_bounds_of_v};
    const struct point point = long_point(KEYS);
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct evaluator evaluator;
        struct evaluation evaluation;
        struct error error;
        if (evaluate_apart(&evaluator, &evaluation, &point, changes[i], &error))
            fail_msg("%s", error.text);
        if (!strstr(evaluation.launch_failure, "the keys that it makes are not those of the problem"))
            fail_msg("change %d: '%s'", (int)i, evaluation.launch_failure);
        assert_false(evaluation.at_once);
        assert_int_equal(evaluation.judged.verdict.total.mismatched, 0);
        assert_true(counts.opened == 2 && evaluation.judged.problem.k);
        close_apart(&evaluator, &evaluation);
    }
}

/* Of keys that it has made before it is to find the same bounds. */
static void test_a_device_that_finds_other_bounds_than_before_is_not_asked(void **state)
{
    const struct point point = steep_point();
    struct evaluator evaluator;
    struct evaluation first, second;
    struct problem_source_ops ops;
    struct error error;
    (void)state;
    const struct generated_source source = counted_source(&point, &ops);
    evaluator = (struct evaluator){.threads = 1, .without_keys = true};
    assert_int_equal(apart_device_open(&evaluator.device, 1, &error), ERROR_NONE);
    assert_int_equal(evaluate_from(&evaluator, &first, &point, &source, &error), ERROR_NONE);
    assert_true(counts.newest == 1 && !*first.launch_failure);
    find_other_bounds();
    assert_int_equal(evaluate_from(&evaluator, &second, &point, &source, &error), ERROR_NONE);
    assert_non_null(strstr(second.launch_failure, "the keys that it makes are not those of the problem"));
    assert_true(second.judged.problem.k && !second.at_once);
    evaluation_clear(&first);
    evaluator.have_inputs = false; /* the source's ops are gone */
    close_apart(&evaluator, &second);
}

/* What the host cannot know of a pass it finds out where a failure has it make all keys; nothing that came of what the
 * device said is kept. */
static void test_what_a_device_said_is_held_against_all_keys(void **state)
{
    static const char *const texts[] = {"the device made other inputs", "the device found other bounds"};
    void (*const changes[])(void) = {make_other_oldest_key, find_other_bounds};
    struct point point = steep_point();
    (void)state;
    point.criterion.tolerance = too_tight;
    for (size_t i = 0; i < 2; i++) {
        struct evaluator evaluator;
        struct evaluation evaluation;
        struct error error;
        assert_int_equal(evaluate_apart(&evaluator, &evaluation, &point, changes[i], &error), ERROR_SYSTEM);
        assert_non_null(strstr(error.text, texts[i]));
        assert_null(evaluator.cache.newest);
        close_apart(&evaluator, &evaluation);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pass_takes_the_newest_keys),
        cmocka_unit_test(test_masked_keys_have_no_bound),
        cmocka_unit_test(test_oracles_take_the_keys_of_their_trial),
        cmocka_unit_test(test_who_asks_more_has_all_keys),
        cmocka_unit_test(test_keys_are_there_unless_nobody_looks),
        cmocka_unit_test(test_points_of_one_problem_share_its_newest_keys),
        cmocka_unit_test(test_a_device_that_is_wrong_is_not_asked),
        cmocka_unit_test(test_a_device_that_finds_other_bounds_than_before_is_not_asked),
        cmocka_unit_test(test_what_a_device_said_is_held_against_all_keys),
    };
    return cmocka_run_group_tests_name("made_whole", tests, NULL, NULL);
}
