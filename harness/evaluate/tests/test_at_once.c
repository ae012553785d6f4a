/*
 * A problem that is worked on in parts, on a device that takes all of it: its kernel is launched once, and nothing else
 * differs from the launches of its parts.
 */
#include "harness/evaluate/part_work.h"
#include "harness/evaluate/tests/small_point.h"
#include "kernels/device/device_keys.h"
#include "kernels/tests/apart_device.h"

enum { NUM_PARTS = 2, HEADS = 6, DIM = 64 };

/* Keys that are opened at a time, at most, and how often any were, and the newest ones alone. */
static int most_heads, num_opened, num_newest;

/* Whether what was compared last had been launched on all heads, which failed. */
static int failed_launches;

/* The KV heads of a part: 0 and 1, then 2. */
static struct part cut_in_two(const struct problem_source *source, int index)
{
    return source->num_parts == 1 ? (struct part){0, 3} : index == 0 ? (struct part){0, 2} : (struct part){2, 1};
}

static enum error_kind open_and_count(const struct problem_source *source, struct part part, int threads,
                                      struct progress *progress, struct inputs *inputs, struct error *error)
{
    struct point any = small_point(KERNEL_SPLIT_KV);
    const struct generated_source generated = generated_source(&any.problem);
    num_opened++;
    most_heads = part.num_kv_heads > most_heads ? part.num_kv_heads : most_heads;
    return generated.source.ops->open(source, part, threads, progress, inputs, error);
}

static enum error_kind open_newest_and_count(const struct problem_source *source, struct part part, int threads,
                                             struct progress *progress, struct inputs *inputs, struct error *error)
{
    struct point any = small_point(KERNEL_SPLIT_KV);
    const struct generated_source generated = generated_source(&any.problem);
    enum error_kind kind = generated.source.ops->open_newest(source, part, threads, progress, inputs, error);
    num_opened++;
    num_newest += inputs->recent.first != NULL;
    most_heads = part.num_kv_heads > most_heads ? part.num_kv_heads : most_heads;
    return kind;
}

/* The point's source in two parts; the ops outlive it. */
static struct generated_source cut_source(const struct point *point, struct problem_source_ops *ops)
{
    struct generated_source cut = generated_source(&point->problem);
    *ops = *cut.source.ops;
    ops->part = cut_in_two;
    ops->open = open_and_count;
    ops->open_newest = open_newest_and_count;
    cut.source.ops = ops;
    cut.source.num_parts = NUM_PARTS;
    most_heads = num_opened = num_newest = 0;
    return cut;
}

static void assert_same(const struct evaluation *a, const struct evaluation *b)
{
    size_t rows = (size_t)problem_rows(&a->judged.problem), elements = (size_t)problem_elements(&a->judged.problem);
    assert_memory_equal(a->judged.output.out, b->judged.output.out, elements * 2);
    assert_memory_equal(a->judged.output.lse, b->judged.output.lse, rows * sizeof(float));
    assert_memory_equal(a->judged.bound, b->judged.bound, elements * sizeof(double));
    assert_memory_equal(a->judged.lse_bound, b->judged.lse_bound, rows * sizeof(double));
    assert_true(a->judged.input_digest == b->judged.input_digest && a->judged.output_digest == b->judged.output_digest);
    assert_true(a->judged.truth_digest == b->judged.truth_digest &&
                a->judged.contract_distance == b->judged.contract_distance);
    assert_memory_equal(&a->judged.verdict.total, &b->judged.verdict.total, sizeof b->judged.verdict.total);
    assert_int_equal(a->judged.finding.signature, b->judged.finding.signature);
    assert_memory_equal(a->oracles.outcome, b->oracles.outcome, sizeof b->oracles.outcome);
    for (enum baseline c = 0; c < BASELINE_COUNT; c++) {
        assert_true(!a->baselines[c] == !b->baselines[c]);
        if (a->baselines[c])
            assert_memory_equal(a->baselines[c], b->baselines[c], (elements + rows) * sizeof(double));
    }
    assert_int_equal(a->judged.classes.num_rows, b->judged.classes.num_rows);
    for (int row = 0; row < a->judged.classes.num_rows; row++)
        assert_memory_equal(&a->judged.classes.output[row], &b->judged.classes.output[row],
                            sizeof *a->judged.classes.output);
    assert_null(a->judged.problem.k);
    assert_null(b->judged.problem.k);
}

/* What the device apart has; 0: enough. */
struct limits {
    size_t room_bytes, limit_bytes;
};

static enum error_kind open_apart(struct device **device, struct limits limits, struct error *error)
{
    enum error_kind kind = apart_device_open(device, 1, error);
    if (limits.room_bytes)
        apart.room_bytes = limits.room_bytes;
    if (limits.limit_bytes)
        apart.limit_bytes = limits.limit_bytes;
    return kind;
}

/* Whether a device can make its keys. */
static bool is_plain(const struct point *point)
{
    return point->problem.input.distribution <= DISTRIBUTION_CONSTANT;
}

/* Part by part in the host's memory, and on the device apart. */
static void compare(const struct point *point, struct limits limits, bool at_once, int opened)
{
    struct problem_source_ops ops;
    struct evaluator evaluators[2] = {{.threads = 1}, {.threads = 1}};
    struct evaluation evaluations[2];
    struct error error;
    for (int i = 0; i < 2; i++) {
        const struct generated_source cut = cut_source(point, &ops);
        enum error_kind kind =
            i ? open_apart(&evaluators[i].device, limits, &error)
              : device_open(&evaluators[i].device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error);
        assert_int_equal(kind, ERROR_NONE);
        if (evaluate_from(&evaluators[i], &evaluations[i], point, &cut, &error))
            fail_msg("%s", error.text);
        if (criterion_decide(&point->criterion, &evaluations[i].judged.verdict.total) == DECISION_PASS)
            assert_int_equal(num_opened, i ? opened : NUM_PARTS);
        else /* and again for the name */
            assert_true(num_opened > NUM_PARTS);
        assert_int_equal(most_heads, 2); /* never more in the host's memory */
    }
    assert_false(evaluations[0].at_once);
    assert_int_equal(evaluations[1].at_once, at_once);
    assert_false(at_once && *evaluations[1].launch_failure);
    failed_launches = !!*evaluations[1].launch_failure;
    assert_same(&evaluations[0], &evaluations[1]);
    if (!point->oracles) {
        int queries = point->problem.num_queries ? point->problem.num_queries : 1;
        assert_int_equal(apart.launches, queries * (at_once ? 1 : NUM_PARTS));
        assert_int_equal(apart.kv_heads, at_once ? 3 : 1);
        if (at_once)
            assert_int_equal(apart.times_made, is_plain(point) ? 2 * NUM_PARTS : 0);
    }
    for (int i = 0; i < 2; i++) {
        evaluation_clear(&evaluations[i]);
        evaluator_clear(&evaluators[i]);
        device_close(evaluators[i].device);
    }
    assert_int_equal(apart.in_use_bytes, 0);
}

static void test_one_launch_of_all_heads_gives_what_launches_of_parts_give(void **state)
{
    static const int page_sizes[] = {0, 16};
    (void)state;
    for (int variant = 0; variant < 10; variant++) {
        struct point point = small_point((enum kernel)(variant % KERNEL_ANY_COUNT));
        point.problem.num_queries = variant % 4 == 1 ? 3 : 1;
        point.kernel_options.page_size = page_sizes[variant / 2 % 2];
        point.problem.kv_format = variant == 6 ? KV_E4M3 : KV_AS_DTYPE;
        point.problem.k_scale = point.problem.v_scale = 0.5f;
        if (variant >= 8)
            point.problem.input = input_spec_of(variant == 8 ? DISTRIBUTION_OUTLIERS : DISTRIBUTION_UNIFORM);
        point.baselines = variant == 5 ? 1 << BASELINE_F64_RELATIVE : 0;
        point.oracles = variant == 7 ? ~0u >> (32 - ORACLE_COUNT) : 0;
        if (variant == 3)
            point.problem.mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 50, .sinks = 1};
        if (variant == 4) { /* fails */
            point.criterion.tolerance = (struct tolerance){1e-12, 0, 1e-3};
            point.recipe.sentinel = (struct sentinel){.policy = SENTINEL_INFINITY};
        }
        compare(&point, (struct limits){0, 0}, true, NUM_PARTS);
    }
}

/* What the device makes the host has the newest keys of, where nothing is asked that more of them would be needed for,
 * and more where the truth wants them. */
static void test_the_host_has_the_newest_keys_of_those_that_are_made(void **state)
{
    static const struct {
        const char *what;
        unsigned oracles, baselines;
        enum truth_method method;
        enum distribution distribution;
        int opened, newest;
    } variants[] = {
        {"nothing else", 0, 0, TRUTH_CERTIFIED, DISTRIBUTION_NORMAL, NUM_PARTS, NUM_PARTS},
        {"oracles", 1u << ORACLE_DETERMINISM, 0, TRUTH_CERTIFIED, DISTRIBUTION_NORMAL, NUM_PARTS, NUM_PARTS - 1},
        {"a reference", 0, 1u << BASELINE_F64_RELATIVE, TRUTH_CERTIFIED, DISTRIBUTION_NORMAL, NUM_PARTS, 0},
        {"MPFR", 0, 0, TRUTH_PLAIN, DISTRIBUTION_NORMAL, NUM_PARTS, 0},
        {"logits of masked keys", 0, 0, TRUTH_CERTIFIED, DISTRIBUTION_UNIFORM, 2 * NUM_PARTS, NUM_PARTS},
        {"keys that the host makes", 0, 0, TRUTH_CERTIFIED, DISTRIBUTION_OUTLIERS, NUM_PARTS, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        struct point point = long_point(4000);
        point.oracles = variants[i].oracles;
        point.baselines = variants[i].baselines;
        point.truth_method = variants[i].method;
        point.problem.input = input_spec_of(variants[i].distribution);
        if (variants[i].distribution == DISTRIBUTION_UNIFORM) {
            /* The bound of a kernel that adds to masked logits asks for all of them. */
            point.problem.mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 3000};
            point.recipe.sentinel = (struct sentinel){.policy = SENTINEL_VALUE, .value = -1e4f};
            point.recipe.masked_entry = MASKED_ADD;
        }
        compare(&point, (struct limits){0, 0}, true, variants[i].opened);
        if (num_newest != variants[i].newest)
            fail_msg("%s: %d parts with their newest keys, not %d", variants[i].what, num_newest, variants[i].newest);
    }
}

/* Truths are kept by the digest of their inputs: newest keys of which nobody has said it are not enough for one. */
static void test_a_part_without_a_digest_is_completed(void **state)
{
    struct point point = long_point(4000);
    struct problem_source_ops ops;
    struct evaluator evaluator = {.threads = 1};
    struct evaluation evaluation = {.has_other = false};
    struct work work = {.evaluator = &evaluator, .evaluation = &evaluation, .point = &point};
    struct part_work part;
    struct error error;
    (void)state;
    work.generated = cut_source(&point, &ops);
    work.source = &work.generated.source;
    work.shipped = point_subject(&point, NULL);
    work.subject = &work.shipped.subject;
    assert_int_equal(part_open(&part, &work, 0, true, &error), ERROR_NONE);
    assert_non_null(part.problem.recent);
    assert_int_equal(part_need_truth(&work, &part, TRUTH_CERTIFIED, &error), ERROR_NONE);
    assert_null(part.problem.recent);
    assert_true(evaluator.inputs.digest != 0 && part.entry->key.problem == inputs_problem_digest(&evaluator.inputs));
    part_clear(&part);
    evaluator_clear(&evaluator);
}

/* A device that makes other keys: they are not what the kernel is run on. */
static void test_keys_that_are_not_the_problems_are_noticed(void **state)
{
    struct point point = small_point(KERNEL_SPLIT_KV);
    struct problem_source_ops ops;
    struct evaluator evaluator = {.threads = 1};
    struct evaluation evaluation;
    struct error error;
    (void)state;
    for (int i = 0; i < 4; i++) {
        bool badly = i % 2;
        point = i < 2 ? small_point(KERNEL_SPLIT_KV) : long_point(4000); /* of which there are the newest alone */
        const struct generated_source cut = cut_source(&point, &ops);
        assert_int_equal(apart_device_open(&evaluator.device, 1, &error), ERROR_NONE);
        apart.ops.make_elements = badly ? apart_make_badly : apart.ops.make_elements;
        if (evaluate_from(&evaluator, &evaluation, &point, &cut, &error))
            fail_msg("%s", error.text);
        assert_int_equal(apart.times_made, badly ? 2 : 2 * NUM_PARTS);
        assert_int_equal(evaluation.at_once, !badly);
        assert_int_equal(strstr(evaluation.launch_failure, "the keys that it makes are not") != NULL, badly);
        assert_true(badly || !*evaluation.launch_failure);
        assert_int_equal(evaluation.judged.verdict.total.mismatched, 0);
        assert_int_equal(num_newest, i < 2 ? 0 : badly ? 1 : NUM_PARTS);
        evaluation_clear(&evaluation);
        evaluator_clear(&evaluator);
        device_close(evaluator.device);
        evaluator = (struct evaluator){.threads = 1};
    }
}

/* Classes need the keys and the output: the parts are made again. */
static void test_classes_are_found_of_each_part(void **state)
{
    struct point point = small_point(KERNEL_SPLIT_KV);
    (void)state;
    point.find_class = CLASS_OF_ALL;
    compare(&point, (struct limits){0, 0}, true, 2 * NUM_PARTS);
    point.problem.num_queries = 3;
    compare(&point, (struct limits){0, 0}, true, 2 * NUM_PARTS);
}

static void test_what_does_not_fit_is_launched_in_parts(void **state)
{
    struct point point = small_point(KERNEL_SPLIT_KV);
    (void)state;
    /* Of what is free too little may be asked for; and of what may be asked for there is less, enough for a part. */
    compare(&point, (struct limits){.room_bytes = 1 << 20}, false, NUM_PARTS);
    compare(&point, (struct limits){.limit_bytes = (size_t)5 * 301 * DIM * 2 + APART_PAGE}, false, NUM_PARTS);
    point.recipe.sentinel = (struct sentinel){.policy = SENTINEL_ADAPTIVE}; /* it sees all of k */
    compare(&point, (struct limits){0, 0}, false, NUM_PARTS);
}

/* Others take what was free before: the keys have room, and what is launched on them has none. */
static void test_what_fits_no_longer_is_launched_in_parts(void **state)
{
    enum { TENSOR = (HEADS / 2 * 301 * DIM * 2 + APART_PAGE) / APART_PAGE * APART_PAGE };
    struct point point = small_point(KERNEL_SPLIT_KV);
    (void)state;
    point.oracles = 0;
    compare(&point, (struct limits){.limit_bytes = 3 * TENSOR}, false, 2 * NUM_PARTS);
    assert_true(failed_launches == 1);
    point.find_class = CLASS_OF_ALL;
    point.kernel_options.page_size = 16;
    compare(&point, (struct limits){.limit_bytes = 4 * TENSOR}, false, 2 * NUM_PARTS);
}

/* A point that cannot be launched at once runs on its parts beside the keys that another one gathers. */
static void test_keys_are_gathered_where_others_have_room_beside_them(void **state)
{
    enum { KEYS_BYTES = HEADS * 301 * DIM * 2 + (64 << 20) /* staging */ };
    struct point own[2] = {small_point(KERNEL_SPLIT_KV), small_point(KERNEL_SPLIT_KV)};
    struct problem_source_ops ops;
    struct device *device;
    struct error error;
    (void)state;
    own[1].recipe.sentinel = (struct sentinel){.policy = SENTINEL_ADAPTIVE};
    const struct generated_source cut = cut_source(&own[0], &ops);
    const struct problem *shape = &cut.source.shape;
    const double least = device_keys_bytes(KERNEL_SPLIT_KV, &own[0].kernel_options, &own[0].recipe, shape);
    for (int with_other = 0; with_other < 2; with_other++)
        for (int enough = 0; enough < 2; enough++) {
            struct shared_point points[2] = {{.point = &own[0]}, {.point = &own[1]}};
            struct evaluator evaluator = {.threads = 1};
            assert_int_equal(apart_device_open(&device, 1, &error), 0);
            apart.room_bytes = (size_t)((least + (enough ? KEYS_BYTES : 1000) + (256 << 20)) / 31 * 32);
            assert_true(device_room(device) > least && device_room(device) < least + KEYS_BYTES + 1000);
            evaluator.device = device;
            assert_int_equal(evaluate_together_from(&evaluator, points, 1 + with_other, &cut, &error), ERROR_NONE);
            assert_int_equal(points[0].evaluation.at_once, enough || !with_other);
            for (int p = 0; p < 1 + with_other; p++) {
                assert_int_equal(points[p].kind, ERROR_NONE);
                assert_false(p == 1 && points[p].evaluation.at_once);
                evaluation_clear(&points[p].evaluation);
            }
            assert_int_equal(apart.in_use_bytes, 0);
            evaluator_clear(&evaluator);
            device_close(device);
        }
}

/* Points of one problem gather its keys once; one that cannot be launched at once goes on part by part beside them. */
static void test_points_of_one_problem_share_what_is_gathered(void **state)
{
    enum { NUM_POINTS = 4 };
    static const bool at_once[NUM_POINTS] = {true, false, true, true};
    struct point own[NUM_POINTS];
    struct shared_point points[NUM_POINTS];
    struct evaluator evaluators[2] = {{.threads = 1}, {.threads = 1}};
    struct problem_source_ops ops;
    struct error error;
    (void)state;
    for (int p = 0; p < NUM_POINTS; p++) {
        own[p] = small_point(p % 2 ? KERNEL_SPLIT_KV : KERNEL_TWO_PASS);
        points[p] = (struct shared_point){.point = &own[p]};
    }
    own[1].recipe.sentinel = (struct sentinel){.policy = SENTINEL_ADAPTIVE};
    own[2].kernel_options.page_size = 16;
    own[3].find_class = CLASS_OF_ALL;
    assert_int_equal(device_open(&evaluators[0].device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error),
                     0);
    assert_int_equal(apart_device_open(&evaluators[1].device, 1, &error), 0);
    const struct generated_source cut = cut_source(&own[0], &ops);
    assert_int_equal(evaluate_together_from(&evaluators[1], points, NUM_POINTS, &cut, &error), ERROR_NONE);
    assert_int_equal(num_opened, 2 * NUM_PARTS);
    assert_int_equal(apart.launches, 3 + NUM_PARTS);
    assert_int_equal(apart.in_use_bytes, 0);
    for (int p = 0; p < NUM_POINTS; p++) {
        struct evaluation alone;
        assert_int_equal(points[p].kind, ERROR_NONE);
        assert_int_equal(points[p].evaluation.at_once, at_once[p]);
        assert_int_equal(evaluate_from(&evaluators[0], &alone, &own[p], &cut, &error), ERROR_NONE);
        assert_same(&points[p].evaluation, &alone);
        evaluation_clear(&alone);
    }
    for (int p = 0; p < NUM_POINTS; p++)
        evaluation_clear(&points[p].evaluation);
    for (int i = 0; i < 2; i++) {
        evaluator_clear(&evaluators[i]);
        device_close(evaluators[i].device);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_launch_of_all_heads_gives_what_launches_of_parts_give),
        cmocka_unit_test(test_the_host_has_the_newest_keys_of_those_that_are_made),
        cmocka_unit_test(test_a_part_without_a_digest_is_completed),
        cmocka_unit_test(test_keys_that_are_not_the_problems_are_noticed),
        cmocka_unit_test(test_classes_are_found_of_each_part),
        cmocka_unit_test(test_what_does_not_fit_is_launched_in_parts),
        cmocka_unit_test(test_what_fits_no_longer_is_launched_in_parts),
        cmocka_unit_test(test_keys_are_gathered_where_others_have_room_beside_them),
        cmocka_unit_test(test_points_of_one_problem_share_what_is_gathered),
    };
    return cmocka_run_group_tests_name("at_once", tests, NULL, NULL);
}
