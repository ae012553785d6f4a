/*
 * The plain forms of kernels (plain.h) against the generic one, which takes any recipe: the same bits of out and lse,
 * over kernels, dtypes, head dims, shared heads, lengths, pages, masks, recipes, and inputs with infinities and NaN.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/device/launch.h"
#include "kernels/device/launch_choice.h"
#include "kernels/tests/made_problem.h"

enum { MAX_HEADS = 8, MAX_DIM = 256, MAX_ELEMENTS = MAX_HEADS * MAX_DIM };

struct result {
    float out[MAX_ELEMENTS], lse[MAX_HEADS]; /* out in its dtype */
};

static struct device *open_host(enum kernel_form form)
{
    struct device *device;
    struct error error;
    if (device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1, .form = form}, &error))
        fail_msg("%s", error.text);
    return device;
}

/* Whether the first launch of the batch is in its plain form, and on how many heads of those that may share rows by it:
 * 1 where they do in every form. */
static int heads_of_plain(struct batch batch)
{
    const struct output nowhere = {NULL, NULL};
    struct launch_plan plan;
    struct error error;
    if (!batch.outputs)
        batch.outputs = &nowhere;
    if (plan_launches(&plan, &batch,
                      &(struct plan_options){.real_bytes = sizeof(float), .plain_alone = true, .shared_blocks = 1},
                      &error))
        fail_msg("%s", error.text);
    const char *name = launch_name(&plan.launches[0]);
    const char *form = strrchr(name, '_');
    plan_clear(&plan);
    return !strcmp(form, "_plain") ? 1 : form[1] == 'x' ? atoi(form + 2) : 0;
}

static void run(struct device *device, struct batch batch, struct result *result)
{
    const struct output output = {result->out, result->lse};
    struct error error;
    double seconds;
    memset(result, 0, sizeof *result);
    batch.outputs = &output;
    if (device_run_batch(device, &batch, NULL, &seconds, &error))
        fail_msg("%s", error.text);
}

/* The bits of a NaN are no one's promise. */
static bool same_bits(enum dtype dtype, const struct result *a, const struct result *b, size_t elements, int heads)
{
    float x[MAX_ELEMENTS], y[MAX_ELEMENTS];
    dtype_widen(dtype, a->out, 0, elements, x);
    dtype_widen(dtype, b->out, 0, elements, y);
    for (size_t i = 0; i < elements; i++)
        if ((x[i] == x[i] || y[i] == y[i]) && memcmp(&x[i], &y[i], sizeof x[i]))
            return false;
    for (int h = 0; h < heads; h++)
        if ((a->lse[h] == a->lse[h] || b->lse[h] == b->lse[h]) && memcmp(&a->lse[h], &b->lse[h], sizeof a->lse[h]))
            return false;
    return true;
}

static struct device *plain_device, *generic_device;

static const enum kernel kernels_with_plain_forms[] = {KERNEL_SINGLE_PASS, KERNEL_SPLIT_KV, KERNEL_TENSOR_CORE};
enum { KERNELS_OF_FP8 = 2, NUM_KERNELS };

/* expected: query heads that share rows; 0: the launch has no plain form. */
static void compare(const struct batch *batch, int expected, const char *what)
{
    static struct result plain, generic;
    const struct problem *problem = batch->problems;
    int heads = heads_of_plain(*batch);
    if (kernels[batch->kernel]->tensor_cores && expected > 1)
        expected = 1;
    if (heads != expected)
        fail_msg("%s: %s works on %d heads at once in its plain form, expected: %d", what, kernels[batch->kernel]->name,
                 heads, expected);
    run(plain_device, *batch, &plain);
    run(generic_device, *batch, &generic);
    if (!same_bits(problem->dtype, &plain, &generic, (size_t)problem_elements(problem), problem->num_heads))
        fail_msg("%s: %s has other bits in its plain form, %lld keys, %d/%d heads, head dim %d", what,
                 kernels[batch->kernel]->name, (long long)problem->seq_len, problem->num_heads, problem->num_kv_heads,
                 problem->head_dim);
}

/* Recipes with plain forms: what they choose comes once a head, a chunk or a tile that is not whole. */
static const struct recipe recipes[] = {
    {.name = "exclude", .sentinel.policy = SENTINEL_EXCLUDE},
    {.name = "infinity", .sentinel.policy = SENTINEL_INFINITY, .bias = BIAS_ABSOLUTE},
    {.name = "adaptive", .sentinel.policy = SENTINEL_ADAPTIVE, .merge = MERGE_LSE, .partial_dtype = ROUND_F16},
    {.name = "finite", .sentinel = {SENTINEL_VALUE, -5}, .initial_sum = 1, .merge = MERGE_NORMALIZED},
    {.name = "added", .sentinel = {SENTINEL_VALUE, -100}, .masked_entry = MASKED_ADD, .division = DIVISION_RECIPROCAL},
    {.name = "read past end", .sentinel.policy = SENTINEL_EXCLUDE, .masked_values = MASKED_VALUES_READ_PAST_END},
    {.name = "no bias", .sentinel.policy = SENTINEL_EXCLUDE, .bias = BIAS_NONE, .epsilon = 1e-6f},
    {.name = "slopes", .sentinel.policy = SENTINEL_EXCLUDE, .slope_dtype = ROUND_BF16, .key_shift = 1},
    {.name = "local", .sentinel.policy = SENTINEL_EXCLUDE, .positions = POSITIONS_LOCAL},
};

enum { NUM_RECIPES = sizeof recipes / sizeof recipes[0] };

static const struct {
    int num_heads, num_kv_heads, shared;
} head_counts[] = {{4, 4, 1}, {4, 1, 4}, {8, 1, 4}, {8, 2, 4}, {6, 2, 1}, {4, 2, 2}, {6, 1, 2}};

/* Less than a tile, tiles of one warp, of all, and a rest; for split_kv chunks of 64 keys. */
static const int64_t lengths[] = {1, 31, 64, 300, 549};

static void test_plain_is_generic_bit_for_bit(void **state)
{
    static const enum dtype dtypes_of_kv[] = {DTYPE_F16, DTYPE_BF16, DTYPE_E4M3};
    static const int page_sizes[] = {0, 16, 48};
    size_t turn = 0;
    (void)state;
    for (int d = 0; d < 3; d++)
        for (int head_dim = 64; head_dim <= MAX_DIM; head_dim *= 2)
            for (size_t h = 0; h < sizeof head_counts / sizeof head_counts[0]; h++)
                for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++, turn++) {
                    bool fp8 = dtypes_of_kv[d] == DTYPE_E4M3;
                    enum dtype dtype = fp8 ? DTYPE_F16 : dtypes_of_kv[d];
                    struct made_problem made = make_problem(lengths[n], head_counts[h].num_heads,
                                                            head_counts[h].num_kv_heads, head_dim, dtype);
                    made.problem.kv_format = fp8 ? KV_E4M3 : KV_AS_DTYPE; /* the bytes of f16, whatever they mean */
                    made.problem.k_scale = made.problem.v_scale = 0.25f;
                    if (turn % 4 == 3)
                        mask_keys(&made, 0, lengths[n] / 2, 2);
                    const struct recipe *recipe = &recipes[turn % NUM_RECIPES];
                    const struct kernel_options options = {
                        .chunk_len = 64, .page_size = page_sizes[turn / 2 % 3], .page_seed = turn};
                    const struct batch batch = {kernels_with_plain_forms[turn % (fp8 ? KERNELS_OF_FP8 : NUM_KERNELS)],
                                                &options,
                                                recipe,
                                                &made.problem,
                                                NULL,
                                                1,
                                                false};
                    compare(&batch, head_counts[h].shared, recipe->name);
                    free_problem(&made);
                }
}

/* Sequences of a batch have their own lengths, rows, pages, positions and mask. */
static void test_batches(void **state)
{
    enum { SEQUENCES = 4, HEADS = 4, DIM = 64 };
    static const int64_t seq_lens[SEQUENCES] = {75, 1, 300, 96};
    static const int page_sizes[] = {0, 16};
    (void)state;
    for (int turn = 0; turn < 2 * NUM_KERNELS; turn++) {
        static struct result results[2][SEQUENCES];
        const struct kernel_options options = {.chunk_len = 64, .page_size = page_sizes[turn % 2], .page_seed = 7};
        struct made_problem made[SEQUENCES];
        struct problem problems[SEQUENCES];
        for (int i = 0; i < SEQUENCES; i++) {
            made[i] = make_sequence(i, seq_lens[i], HEADS, 1, DIM, DTYPE_F16);
            made[i].problem.q_position += 10 * i;
            if (i == 3)
                mask_keys(&made[i], 5, 90, 3);
            problems[i] = made[i].problem;
        }
        for (int form = 0; form < 2; form++) {
            struct output outputs[SEQUENCES];
            struct error error;
            double seconds;
            for (int i = 0; i < SEQUENCES; i++)
                outputs[i] = (struct output){results[form][i].out, results[form][i].lse};
            memset(results[form], 0, sizeof results[form]);
            const struct batch batch = {
                kernels_with_plain_forms[turn / 2], &options, &recipes[0], problems, outputs, SEQUENCES, false};
            if (form == 0)
                assert_int_equal(heads_of_plain(batch), kernels[batch.kernel]->tensor_cores ? 1 : HEADS);
            if (device_run_batch(form ? generic_device : plain_device, &batch, NULL, &seconds, &error))
                fail_msg("%s", error.text);
        }
        for (int i = 0; i < SEQUENCES; i++) {
            if (!same_bits(DTYPE_F16, &results[0][i], &results[1][i], HEADS * DIM, HEADS))
                fail_msg("sequence %d of %d has other bits in the plain form of %s", i, SEQUENCES,
                         kernels[kernels_with_plain_forms[turn / 2]]->name);
            free_problem(&made[i]);
        }
    }
}

/* An infinite logit leaves a head without a key in a whole tile, while others of its group have theirs. */
static void test_values_that_are_no_numbers(void **state)
{
    static const float odd[] = {INFINITY, -INFINITY, NAN, 65504};
    (void)state;
    for (int first = 0; first < 4; first++)
        for (int place = 0; place < 3; place++) {
            struct made_problem made = make_problem(300, 4, 1, 128, DTYPE_F16);
            void *const tensors[] = {made.q, made.k, made.v};
            size_t elements = place == 0 ? 4 * 128 : 300 * 128;
            for (size_t i = 0; i < elements; i += 128 * (1 + (size_t)first))
                dtype_narrow(DTYPE_F16, tensors[place], i, 1, &odd[first]);
            for (int r = 0; r < NUM_RECIPES; r++) {
                const struct kernel_options options = {.chunk_len = 96};
                const struct batch batch = {kernels_with_plain_forms[(r + place) % NUM_KERNELS],
                                            &options,
                                            &recipes[r],
                                            &made.problem,
                                            NULL,
                                            1,
                                            false};
                if (recipes[r].sentinel.policy != SENTINEL_ADAPTIVE) /* has no value for infinite logits */
                    compare(&batch, 4, recipes[r].name);
            }
            free_problem(&made);
        }
}

static void test_what_has_no_plain_form(void **state)
{
    static const struct recipe others[] = {
        {.name = "natural", .sentinel.policy = SENTINEL_EXCLUDE, .log2e = LOG2E_EXPONENTIAL},
        {.name = "logits times log2e", .sentinel.policy = SENTINEL_EXCLUDE, .log2e = LOG2E_LOGIT},
        {.name = "scaled query", .sentinel.policy = SENTINEL_EXCLUDE, .scale_entry = SCALE_QUERY},
        {.name = "ex2", .sentinel.policy = SENTINEL_EXCLUDE, .exponential = EXPONENTIAL_EX2_APPROX},
        {.name = "guards", .sentinel.policy = SENTINEL_INFINITY, .guards = GUARDS_NONE},
        {.name = "sign", .sentinel.policy = SENTINEL_EXCLUDE, .positive_bias = POSITIVE_BIAS_MASKED},
        {.name = "top left", .sentinel.policy = SENTINEL_EXCLUDE, .positions = POSITIONS_TOP_LEFT},
        {.name = "offset", .sentinel.policy = SENTINEL_EXCLUDE, .max_offset = 2},
        {.name = "positions", .sentinel.policy = SENTINEL_EXCLUDE, .position_dtype = ROUND_F16},
        {.name = "biases", .sentinel.policy = SENTINEL_EXCLUDE, .bias_dtype = ROUND_F16},
        {.name = "dots", .sentinel.policy = SENTINEL_EXCLUDE, .dot_dtype = ROUND_F16},
        {.name = "logits", .sentinel.policy = SENTINEL_EXCLUDE, .logit_dtype = ROUND_BF16},
        {.name = "weights", .sentinel.policy = SENTINEL_EXCLUDE, .weight_dtype = ROUND_BF16},
        {.name = "dots, once summed", .sentinel.policy = SENTINEL_EXCLUDE, .dot_result_dtype = ROUND_F16},
        {.name = "sums", .sentinel.policy = SENTINEL_EXCLUDE, .sum_dtype = ROUND_BF16},
        {.name = "weighted sums", .sentinel.policy = SENTINEL_EXCLUDE, .weighted_sum_dtype = ROUND_BF16},
    };
    static const struct {
        int head_dim, page_size, chunk_len;
        enum dtype dtype;
    } shapes[] = {{80, 0, 64, DTYPE_F16}, {128, 8, 64, DTYPE_F16}, {128, 16, 48, DTYPE_F16}, {128, 0, 64, DTYPE_F32}};
    (void)state;
    for (size_t r = 0; r < sizeof others / sizeof others[0]; r++) {
        struct made_problem made = make_problem(70, 4, 1, 64, DTYPE_F16);
        const struct kernel_options options = {.chunk_len = 64};
        const struct batch batch = {KERNEL_SPLIT_KV, &options, &others[r], &made.problem, NULL, 1, false};
        compare(&batch, 0, others[r].name);
        free_problem(&made);
    }
    {
        struct made_problem made = make_problem(70, 4, 1, 64, DTYPE_F16);
        const struct kernel_options options = {.chunk_len = 64};
        compare(&(struct batch){KERNEL_TWO_PASS, &options, &recipes[0], &made.problem, NULL, 1, false}, 0, "two_pass");
        free_problem(&made);
    }
    {
        static const struct recipe others_of_columns[] = {
            {.name = "natural", .sentinel.policy = SENTINEL_EXCLUDE, .log2e = LOG2E_EXPONENTIAL},
            {.name = "tiled", .sentinel.policy = SENTINEL_EXCLUDE, .contract.kv_head_map = KV_HEAD_MODULO},
            {.name = "window", .sentinel.policy = SENTINEL_EXCLUDE, .contract.window = 40},
        };
        struct made_problem made = make_problem(70, 4, 2, 64, DTYPE_BF16);
        const struct kernel_options options = {.chunk_len = 64};
        for (size_t r = 0; r < 3; r++)
            compare(&(struct batch){KERNEL_TENSOR_CORE, &options, &others_of_columns[r], &made.problem, NULL, 1, false},
                    0, others_of_columns[r].name);
        free_problem(&made);
    }
    for (enum soft_cap cap = SOFT_CAP_BEFORE_BIAS; cap <= SOFT_CAP_AFTER_BIAS; cap++) {
        struct made_problem made = make_problem(70, 4, 1, 64, DTYPE_F16);
        const struct kernel_options options = {.chunk_len = 64};
        made.problem.soft_cap = cap;
        made.problem.soft_cap_value = 2;
        compare(&(struct batch){KERNEL_SPLIT_KV, &options, &recipes[0], &made.problem, NULL, 1, false}, 0,
                "a soft cap");
        free_problem(&made);
    }
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        struct made_problem made = make_problem(70, 4, 1, shapes[s].head_dim, shapes[s].dtype);
        const struct kernel_options options = {.chunk_len = shapes[s].chunk_len, .page_size = shapes[s].page_size};
        const struct batch batch = {KERNEL_SPLIT_KV, &options, &recipes[0], &made.problem, NULL, 1, false};
        compare(&batch, 0, "a shape");
        free_problem(&made);
    }
}

/* Heads share rows only where enough blocks are left. */
static void test_shared_rows_leave_blocks(void **state)
{
    struct made_problem made = make_problem(640, 8, 2, 64, DTYPE_F16);
    const struct kernel_options options = {.chunk_len = 64};
    const struct output nowhere = {NULL, NULL};
    const struct batch batch = {KERNEL_SPLIT_KV, &options, &recipes[0], &made.problem, &nowhere, 1, false};
    (void)state;
    for (unsigned blocks = 18; blocks <= 42; blocks++) { /* 10 chunks of 2 groups of 4 heads */
        struct launch_plan plan;
        struct error error;
        const struct plan_options plan_options = {.real_bytes = sizeof(float), .shared_blocks = blocks};
        assert_int_equal(plan_launches(&plan, &batch, &plan_options, &error), ERROR_NONE);
        assert_int_equal(plan.launches[0].blocks_x, blocks <= 20 ? 20 : blocks <= 40 ? 40 : 80);
        plan_clear(&plan);
    }
    free_problem(&made);
}

/* Heads share no rows of masked keys: where that is all that the plain form is faster for, it is for launches most of
 * whose keys have no mask. */
static void test_masked_keys_leave_nothing_to_share(void **state)
{
    struct made_problem made[2] = {make_problem(640, 8, 2, 64, DTYPE_F16), make_problem(640, 8, 2, 64, DTYPE_F16)};
    struct problem problems[2];
    static struct result results[2];
    const struct output outputs[2] = {{results[0].out, results[0].lse}, {results[1].out, results[1].lse}};
    const struct kernel_options options = {.chunk_len = 64};
    static const struct {
        int64_t masked, other; /* lengths */
        bool alone;
        const char *name;
    } rows[] = {
        {640, 0, false, "split_kv_f16_8"},      {640, 0, true, "split_kv_f16_8_x4"},
        {640, 639, false, "split_kv_f16_8"},    {640, 640, false, "split_kv_f16_8_x4"},
        {320, 640, false, "split_kv_f16_8_x4"}, {640, 320, false, "split_kv_f16_8"},
    };
    (void)state;
    mask_keys(&made[0], 0, 1, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct launch_plan plan;
        struct error error;
        const struct plan_options plan_options = {
            .real_bytes = sizeof(float), .plain_alone = rows[i].alone, .shared_blocks = 1};
        for (int s = 0; s < 2; s++)
            problems[s] = made[s].problem;
        problems[0].seq_len = rows[i].masked;
        problems[1].seq_len = rows[i].other;
        const struct batch batch = {KERNEL_SPLIT_KV,       &options, &recipes[0], problems, outputs,
                                    rows[i].other ? 2 : 1, false};
        assert_int_equal(plan_launches(&plan, &batch, &plan_options, &error), ERROR_NONE);
        assert_string_equal(launch_name(&plan.launches[0]), rows[i].name);
        plan_clear(&plan);
    }
    for (int s = 0; s < 2; s++)
        free_problem(&made[s]);
}

/* A GPU whose blocks have less shared memory than the ring and what else a plain form has takes the generic form. */
static void test_plain_forms_need_their_shared_memory(void **state)
{
    struct made_problem made = make_problem(640, 8, 2, 64, DTYPE_F16);
    const struct kernel_options options = {.chunk_len = 64};
    const struct output nowhere = {NULL, NULL};
    const struct batch batch = {KERNEL_SPLIT_KV, &options, &recipes[0], &made.problem, &nowhere, 1, false};
    static const size_t rooms[] = {0, 227 << 10, 112 << 10, (112 << 10) - 1, 99 << 10}; /* any, sm_90; sm_86 */
    (void)state;
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        struct launch_plan plan;
        struct error error;
        const struct plan_options plan_options = {
            .real_bytes = sizeof(float), .plain_alone = true, .shared_blocks = 1, .shared_room = rooms[i]};
        assert_int_equal(plan_launches(&plan, &batch, &plan_options, &error), ERROR_NONE);
        assert_int_equal(plan.launches[0].shared_bytes, i < 3 ? 96 << 10 : 0); /* the ring */
        assert_int_equal(strcmp(launch_name(&plan.launches[0]), i < 3 ? "split_kv_f16_8_x4" : "split_kv_f16_8"), 0);
        plan_clear(&plan);
    }
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) { /* columns have no ring */
        struct batch of_columns = batch;
        struct launch_plan plan;
        struct error error;
        const struct plan_options plan_options = {
            .real_bytes = sizeof(float), .plain_alone = true, .shared_blocks = 1, .shared_room = rooms[i]};
        of_columns.kernel = KERNEL_TENSOR_CORE;
        assert_int_equal(plan_launches(&plan, &of_columns, &plan_options, &error), ERROR_NONE);
        assert_int_equal(plan.launches[0].shared_bytes, 0);
        assert_string_equal(launch_name(&plan.launches[0]), "tensor_core_f16_8_plain");
        plan_clear(&plan);
    }
    free_problem(&made);
}

/* The plan's launches where chunks are merged within a plain form (`apart`: by a launch of their own all the same). */
static int launches_of(const struct batch *batch, bool generic, bool apart)
{
    const struct plan_options options = {
        .real_bytes = sizeof(float), .generic = generic, .merge_apart = apart, .plain_alone = true, .shared_blocks = 1};
    struct launch_plan plan;
    struct error error;
    if (plan_launches(&plan, batch, &options, &error))
        fail_msg("%s", error.text);
    int launches = plan.num_launches;
    assert_int_equal(plan.arrivals != NULL, kernels[batch->kernel]->num_launches > launches);
    plan_clear(&plan);
    return launches;
}

/* Of a sequence's heads the last block to have its chunk ready merges them, whichever that is, and an empty sequence
 * has its merge, too; what blocks count themselves by is afterwards what it was, as an input is to be. */
static void test_the_last_block_merges(void **state)
{
    enum { SEQUENCES = 5, HEADS = 4, DIM = 64 };
    static const int64_t seq_lens[SEQUENCES] = {75, 0, 700, 96, 1};
    static const enum kernel of_chunks[] = {KERNEL_SPLIT_KV, KERNEL_TENSOR_CORE};
    static const int kv_heads[] = {1, 2, 4};
    struct made_problem made[SEQUENCES];
    struct problem problems[SEQUENCES];
    struct device *threads;
    struct error error;
    (void)state;
    if (device_open(&threads, DEVICE_HOST, &(struct device_options){.threads = 4, .form = FORM_PLAIN}, &error))
        fail_msg("%s", error.text);
    for (int turn = 0; turn < 24; turn++) {
        static struct result results[2][SEQUENCES];
        struct device *merging = turn / 12 ? threads : plain_device;
        const bool backward = turn % 2;
        for (int i = 0; i < SEQUENCES; i++) {
            made[i] = make_sequence(i, seq_lens[i], HEADS, kv_heads[turn / 4 % 3], DIM, DTYPE_F16);
            problems[i] = made[i].problem;
        }
        for (int generic = 0; generic < 2; generic++) {
            const struct kernel_options options = {.chunk_len = 64, .setting = {.backward = backward && !generic}};
            struct output outputs[SEQUENCES];
            struct memory_audit audit;
            double seconds;
            memset(results[generic], 0, sizeof results[generic]);
            for (int i = 0; i < SEQUENCES; i++)
                outputs[i] = (struct output){results[generic][i].out, results[generic][i].lse};
            const struct batch batch = {
                of_chunks[turn / 2 % 2], &options, &recipes[turn % 4], problems, outputs, SEQUENCES, false};
            assert_int_equal(launches_of(&batch, generic, false), 1 + generic);
            assert_int_equal(launches_of(&batch, generic, true), 2);
            if (device_run_batch(generic ? generic_device : merging, &batch, &audit, &seconds, &error))
                fail_msg("%s", error.text);
            assert_string_equal(audit.changed, "");
            assert_string_equal(audit.written.name, "");
        }
        for (int i = 0; i < SEQUENCES; i++) {
            if (!same_bits(DTYPE_F16, &results[0][i], &results[1][i], HEADS * DIM, HEADS))
                fail_msg("turn %d: sequence %d has other bits where the last block merges", turn, i);
            free_problem(&made[i]);
        }
    }
    device_close(threads);
}

static int open_devices(void **state)
{
    (void)state;
    plain_device = open_host(FORM_PLAIN);
    generic_device = open_host(FORM_GENERIC);
    return 0;
}

static int close_devices(void **state)
{
    (void)state;
    device_close(plain_device);
    device_close(generic_device);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_is_generic_bit_for_bit),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_values_that_are_no_numbers),
        cmocka_unit_test(test_what_has_no_plain_form),
        cmocka_unit_test(test_shared_rows_leave_blocks),
        cmocka_unit_test(test_masked_keys_leave_nothing_to_share),
        cmocka_unit_test(test_plain_forms_need_their_shared_memory),
        cmocka_unit_test(test_the_last_block_merges),
    };
    return cmocka_run_group_tests_name("plain", tests, open_devices, close_devices);
}
