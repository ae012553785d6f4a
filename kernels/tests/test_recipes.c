/* What the choices of a recipe do to an answer that rounding alone does not explain, and the forms of a cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/kernel.h"
#include "kernels/tests/made_problem.h"
#include "kernels/tests/sound_recipes.h"
#include "reference/key_masks.h"

enum { KEYS = 700, HEADS = 4, DIM = 64 };

/* What a kernel makes of a problem: out widened. */
struct answer {
    float out[HEADS * DIM], lse[HEADS];
};

static struct answer answer_of(enum kernel kernel, const struct kernel_options *options, const struct recipe *recipe,
                               const struct problem *problem)
{
    struct answer answer;
    struct device *device;
    struct error error;
    double seconds;
    size_t elements = (size_t)problem_elements(problem);
    float raw[HEADS * DIM];
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), ERROR_NONE);
    if (device_run(device, kernel, options, recipe, problem, &(struct output){raw, answer.lse}, &seconds, &error))
        fail_msg("%s", error.text);
    device_close(device);
    dtype_widen(problem->dtype, raw, 0, elements, answer.out);
    return answer;
}

static struct answer answer_to(const struct recipe *recipe, const struct problem *problem)
{
    return answer_of(KERNEL_SINGLE_PASS, &(struct kernel_options){.chunk_len = 96}, recipe, problem);
}

/* v: 1 on visible keys, 100 on the others; the newest `masked` keys are masked. The truth is 1. */
static struct made_problem masked_problem(int64_t masked)
{
    struct made_problem made = make_problem(KEYS, HEADS, HEADS, DIM, DTYPE_F32);
    float *v = made.v;
    made.visible = malloc(KEYS);
    assert_non_null(made.visible);
    for (int64_t key = 0; key < KEYS; key++) {
        made.visible[key] = key < KEYS - masked;
        for (int i = 0; i < HEADS * DIM; i++)
            v[key * HEADS * DIM + i] = made.visible[key] ? 1 : 100;
    }
    made.problem.visible = made.visible;
    return made;
}

/* The first head's slope is 0.25, so with 600 keys masked the best logit is some -150 in base e, -216 in base 2. */
static void test_masked_keys(void **state)
{
    static const struct {
        struct recipe recipe;
        int64_t masked;
        float low, high; /* of head 0's elements; NAN: NaN */
    } rows[] = {
        {{.sentinel = {SENTINEL_VALUE, -1e4f}}, 600, 1, 1},
        {{.sentinel = {SENTINEL_VALUE, -100}}, 600, 99, 100},
        {{.sentinel = {SENTINEL_VALUE, -100}, .log2e = LOG2E_EXPONENTIAL}, 600, 99, 100},
        {{.sentinel = {SENTINEL_VALUE, -200}, .log2e = LOG2E_EXPONENTIAL}, 600, 1, 1},
        {{.sentinel = {SENTINEL_VALUE, -100}, .masked_entry = MASKED_ADD}, 600, 99, 100},
        {{.sentinel = {SENTINEL_VALUE, -1000}, .masked_entry = MASKED_ADD}, 600, 1, 1},
        {{.sentinel = {.policy = SENTINEL_EXCLUDE}, .initial_max = INITIAL_MAX_VALUE, .initial_max_value = 0},
         600,
         0,
         0},
        {{.sentinel = {SENTINEL_VALUE, -100}, .empty_row = EMPTY_ROW_AT_SENTINEL}, 600, 0, 0},
        {{.sentinel = {SENTINEL_VALUE, -100}, .empty_row = EMPTY_ROW_AT_SENTINEL}, 0, 1, 1},
        {{.sentinel = {.policy = SENTINEL_INFINITY}, .empty_row = EMPTY_ROW_DIVIDE}, KEYS, NAN, NAN},
        {{.sentinel = {.policy = SENTINEL_INFINITY}, .guards = GUARDS_NONE}, KEYS, NAN, NAN},
        {{.sentinel = {.policy = SENTINEL_INFINITY}}, KEYS, 0, 0},
        {{.sentinel = {.policy = SENTINEL_EXCLUDE}, .epsilon = 0.25f}, 0, 0.7f, 0.99f},
        {{.sentinel = {.policy = SENTINEL_EXCLUDE}, .masked_values = MASKED_VALUES_READ}, 600, 1, 1},
        {{.sentinel = {.policy = SENTINEL_EXCLUDE}, .masked_values = MASKED_VALUES_READ_PAST_END}, 0, NAN, NAN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made_problem made = masked_problem(rows[i].masked);
        struct answer answer = answer_to(&rows[i].recipe, &made.problem);
        for (int d = 0; d < DIM; d++) {
            float out = answer.out[d];
            bool as_expected = rows[i].low != rows[i].low
                                   ? out != out
                                   : out >= rows[i].low * (1 - 1e-5f) && out <= rows[i].high * (1 + 1e-5f);
            if (!as_expected)
                fail_msg("row %zu: %g, expected %g to %g", i, (double)out, (double)rows[i].low, (double)rows[i].high);
        }
        free_problem(&made);
    }
}

/* A row without a visible key has its sink alone, also one below the sentinel that tells the row. */
static void test_sink_of_a_row_at_the_sentinel(void **state)
{
    static const float sinks[HEADS] = {2.5f, -1, 6, -1000};
    static const struct recipe recipe = {.sentinel = {SENTINEL_VALUE, -100}, .empty_row = EMPTY_ROW_AT_SENTINEL};
    (void)state;
    struct made_problem made = masked_problem(KEYS);
    made.problem.sink_logits = sinks;
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
        struct answer answer =
            answer_of((enum kernel)kernel, &(struct kernel_options){.chunk_len = 96}, &recipe, &made.problem);
        for (int i = 0; i < HEADS * DIM; i++)
            assert_true(answer.out[i] == 0);
        for (int head = 0; head < HEADS; head++)
            assert_true(fabsf(answer.lse[head] - sinks[head]) <= 0x1p-21f * fabsf(sinks[head]));
    }
    free_problem(&made);
}

/* On an empty row two_pass with a finite sentinel averages all keys, without what fills a tile. */
static void test_two_pass_averages_an_empty_row(void **state)
{
    (void)state;
    struct made_problem made = masked_problem(KEYS);
    struct recipe recipe = {.sentinel = {SENTINEL_VALUE, -1e4f}};
    struct answer answer =
        answer_of(KERNEL_TWO_PASS, &(struct kernel_options){.chunk_len = 96}, &recipe, &made.problem);
    for (int i = 0; i < HEADS * DIM; i++)
        assert_true(fabsf(answer.out[i] - 100) < 1e-3f);
    free_problem(&made);
}

/*
 * A maximum of -inf that becomes 0 stays the maximum: where the oldest keys are masked and the others lie below -250 in
 * head 0, every block that began with a tile or chunk of masked keys loses all weight. Head 3, above -6, keeps its.
 */
static void test_a_maximum_set_to_0(void **state)
{
    static const struct {
        enum kernel kernel;
        int64_t masked; /* of the oldest keys */
        bool lost;
    } rows[] = {
        {KERNEL_SINGLE_PASS, 0, false}, {KERNEL_SINGLE_PASS, 31, false}, {KERNEL_SINGLE_PASS, 32, true},
        {KERNEL_SPLIT_KV, 31, false},   {KERNEL_SPLIT_KV, 96, true},     {KERNEL_TWO_PASS, 300, false},
    };
    (void)state;
    struct kernel_options options = {.chunk_len = 96};
    struct recipe sound = {.sentinel = {.policy = SENTINEL_INFINITY}}, zero = sound;
    zero.guards = GUARDS_ZERO_MAX;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made_problem made = make_problem(KEYS, HEADS, HEADS, DIM, DTYPE_F32);
        made.problem.q_position += 1000;
        mask_keys(&made, 0, rows[i].masked, 1);
        struct answer right = answer_of(rows[i].kernel, &options, &sound, &made.problem);
        struct answer answer = answer_of(rows[i].kernel, &options, &zero, &made.problem);
        for (int d = 0; d < DIM; d++) {
            assert_true(right.out[d] != 0 && answer.out[d] == (rows[i].lost ? 0 : right.out[d]));
            assert_true(fabsf(answer.out[3 * DIM + d] - right.out[3 * DIM + d]) < 1e-5f);
        }
        assert_true(answer.lse[0] == (rows[i].lost ? -INFINITY : right.lse[0]));
        free_problem(&made);
    }
}

/* With it a row without visible keys has a sum of 0 and a finite maximum: 0 or 0 / 0 by the choice of empty_row. */
static void test_a_maximum_set_to_0_on_an_empty_row(void **state)
{
    (void)state;
    struct made_problem made = masked_problem(KEYS);
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++)
        for (int divide = 0; divide < 2; divide++) {
            struct recipe recipe = {.sentinel = {.policy = SENTINEL_INFINITY},
                                    .initial_sum = 1,
                                    .guards = GUARDS_ZERO_MAX,
                                    .empty_row = divide ? EMPTY_ROW_DIVIDE : EMPTY_ROW_ZERO};
            struct answer answer =
                answer_of((enum kernel)kernel, &(struct kernel_options){.chunk_len = 96}, &recipe, &made.problem);
            for (int i = 0; i < HEADS * DIM; i++)
                assert_true(divide ? isnan(answer.out[i]) : answer.out[i] == 0);
            for (int h = 0; h < HEADS; h++)
                assert_true(divide || answer.lse[h] == -INFINITY);
        }
    free_problem(&made);
}

/* A choice that changes the mathematics gives the answer of the problem that it takes this one to be. */
static void test_mistaken_biases(void **state)
{
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, HEADS, DIM, DTYPE_F32);
    const struct problem *problem = &made.problem;
    struct recipe sound = {.sentinel = {.policy = SENTINEL_EXCLUDE}};
    float slopes[4][HEADS];
    slopes_fill(slopes[0], HEADS, SLOPES_BLOOM, 16, 0, HEADS);
    slopes_fill(slopes[1], HEADS, SLOPES_GEOMETRIC, 8, 0, HEADS);
    for (int h = 0; h < HEADS; h++) {
        slopes[2][h] = 0;
        slopes[3][h] = -problem->slopes[h];
    }
    struct problem flatter = *problem, geometric = *problem, unbiased = *problem, mirrored = *problem, later = *problem;
    flatter.slopes = slopes[0];
    geometric.slopes = slopes[1];
    unbiased.slopes = slopes[2];
    mirrored.slopes = slopes[3];
    mirrored.q_position = 0;
    later.q_position -= 1;
    const struct {
        struct recipe recipe;
        const struct problem *as;
    } rows[] = {
        {{.slopes = SLOPES_FROM_BLOOM, .slopes_max_bias = 16}, &flatter},
        {{.slopes = SLOPES_FROM_BLOOM}, problem},
        {{.slopes = SLOPES_FROM_GEOMETRIC}, &geometric},
        {{.bias = BIAS_NONE}, &unbiased},
        {{.positions = POSITIONS_TOP_LEFT}, &mirrored},
        {{.key_shift = 1}, &later},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recipe recipe = rows[i].recipe;
        recipe.sentinel = sound.sentinel;
        struct answer mistaken = answer_to(&recipe, problem), expected = answer_to(&sound, rows[i].as);
        assert_memory_equal(mistaken.out, expected.out, sizeof mistaken.out);
        assert_memory_equal(mistaken.lse, expected.lse, sizeof mistaken.lse);
    }
    free_problem(&made);
}

/* A query among the keys: the answer is that of the problem whose newer keys are masked, bit by bit. */
static void test_keys_of_positive_bias_masked(void **state)
{
    static const struct recipe rows[] = {
        {.sentinel = {.policy = SENTINEL_EXCLUDE}},
        {.sentinel = {.policy = SENTINEL_INFINITY}, .scale_entry = SCALE_SUM, .merge = MERGE_LSE},
        {.sentinel = {.policy = SENTINEL_INFINITY}, .masked_entry = MASKED_ADD, .log2e = LOG2E_EXPONENTIAL},
        {.sentinel = {SENTINEL_VALUE, -1e4f}, .empty_row = EMPTY_ROW_DIVIDE},
    };
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, HEADS, DIM, DTYPE_F32);
    struct made_problem older = make_problem(KEYS, HEADS, HEADS, DIM, DTYPE_F32);
    struct kernel_options options = {.chunk_len = 96};
    made.problem.q_position = older.problem.q_position = 400;
    mask_keys(&made, 350, 360, 1);
    mask_keys(&older, 350, 360, 1);
    mask_keys(&older, 401, KEYS, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
            struct recipe recipe = rows[i];
            recipe.positive_bias = POSITIVE_BIAS_MASKED;
            struct answer all = answer_of((enum kernel)kernel, &options, &rows[i], &made.problem);
            struct answer some = answer_of((enum kernel)kernel, &options, &recipe, &made.problem);
            struct answer expected = answer_of((enum kernel)kernel, &options, &rows[i], &older.problem);
            assert_memory_equal(&some, &expected, sizeof some);
            assert_true(all.lse[0] > some.lse[0] + 10);
        }
    free_problem(&made);
    free_problem(&older);
}

/* A chunk of a longer cache: only the distance counts, so an offset is a query that is nearer. */
static void test_chunk_of_a_cache(void **state)
{
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, HEADS, DIM, DTYPE_F32);
    struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}};
    struct problem chunk = made.problem;
    chunk.kv_offset = 5000;
    chunk.q_position = 6000;
    made.problem.q_position = 1000;
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
        struct kernel_options options = {.chunk_len = 96};
        struct answer a = answer_of((enum kernel)kernel, &options, &recipe, &made.problem);
        struct answer b = answer_of((enum kernel)kernel, &options, &recipe, &chunk);
        assert_memory_equal(&a, &b, sizeof a);
    }
    recipe.positions = POSITIONS_LOCAL;
    struct answer near = answer_to(&(struct recipe){.sentinel = {.policy = SENTINEL_EXCLUDE}}, &chunk);
    struct answer far = answer_to(&recipe, &chunk);
    for (int h = 0; h < HEADS; h++)
        assert_true(fabsf(near.lse[h] - far.lse[h] - 5000 * made.problem.slopes[h]) < 2e-3f);
    free_problem(&made);
}

/* Pages, shuffled, change no bit; keys past the last page's end are not read. */
static void test_pages_change_nothing(void **state)
{
    static const int page_sizes[] = {1, 16, 48, 1024};
    (void)state;
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        struct made_problem made = make_problem(KEYS, HEADS, 2, DIM, (enum dtype)dtype);
        struct recipe recipe = {.sentinel = {.policy = SENTINEL_INFINITY}};
        for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
            struct kernel_options options = {.chunk_len = 96};
            struct answer whole = answer_of((enum kernel)kernel, &options, &recipe, &made.problem);
            for (size_t i = 0; i < sizeof page_sizes / sizeof page_sizes[0]; i++) {
                options.page_size = page_sizes[i];
                options.page_seed = i;
                struct answer paged = answer_of((enum kernel)kernel, &options, &recipe, &made.problem);
                assert_memory_equal(&paged, &whole, sizeof paged);
            }
        }
        free_problem(&made);
    }
}

/* An fp8 cache with scales that are powers of 2 gives the bits of the f32 cache that it stands for. */
static void test_fp8_cache(void **state)
{
    enum { ELEMENTS = KEYS * 2 * DIM };
    static const enum dtype formats[] = {DTYPE_E4M3, DTYPE_E5M2};
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        struct made_problem made = make_problem(KEYS, HEADS, 2, DIM, DTYPE_F32);
        uint8_t *k8 = malloc(ELEMENTS), *v8 = malloc(ELEMENTS);
        assert_true(k8 && v8);
        dtype_narrow(formats[f], k8, 0, ELEMENTS, made.k);
        dtype_narrow(formats[f], v8, 0, ELEMENTS, made.v);
        dtype_widen(formats[f], k8, 0, ELEMENTS, made.k);
        dtype_widen(formats[f], v8, 0, ELEMENTS, made.v);
        struct problem wide = made.problem, narrow = made.problem;
        wide.scale *= 0.5f;
        narrow.kv_format = formats[f] == DTYPE_E4M3 ? KV_E4M3 : KV_E5M2;
        narrow.k_scale = 0.5f;
        narrow.v_scale = 4;
        narrow.k = k8;
        narrow.v = v8;
        struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}};
        for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
            struct kernel_options options = {.chunk_len = 96, .page_size = 16};
            struct answer a = answer_of((enum kernel)kernel, &options, &recipe, &wide);
            struct answer b = answer_of((enum kernel)kernel, &options, &recipe, &narrow);
            for (int i = 0; i < HEADS * DIM; i++)
                assert_true(b.out[i] == 4 * a.out[i]);
            assert_memory_equal(a.lse, b.lse, sizeof a.lse);
        }
        free(k8);
        free(v8);
        free_problem(&made);
    }
}

/* Warps and chunks whose factor is below the cut-off count as nothing: a little at -3, nothing that f32 shows at -40.
 */
static void test_merge_cutoff(void **state)
{
    static const float cutoffs[] = {-3, -40};
    float lost[2] = {0, 0};
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, HEADS, DIM, DTYPE_F32);
    struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}};
    struct kernel_options options = {.chunk_len = 96};
    struct answer all = answer_of(KERNEL_SPLIT_KV, &options, &recipe, &made.problem);
    for (int i = 0; i < 2; i++) {
        recipe.merge_cutoff = cutoffs[i];
        struct answer some = answer_of(KERNEL_SPLIT_KV, &options, &recipe, &made.problem);
        for (int d = 0; d < DIM; d++)
            lost[i] = fmaxf(lost[i], fabsf(all.out[d] - some.out[d]));
    }
    assert_true(lost[0] > 1e-5f && lost[0] < 0.2f);
    assert_true(lost[1] == 0);
    free_problem(&made);
}

/* A head's out 0 and lse of a problem whose masked keys have a natural sentinel added `masks` times, in double. */
static void attend_masked(const struct problem *problem, double sentinel, const uint8_t *masks, double *out,
                          double *lse)
{
    const float *q = problem->q, *k = problem->k, *v = problem->v;
    double sum = 0, max = -INFINITY, logits[KEYS];
    for (int key = 0; key < KEYS; key++) {
        double dot = 0;
        for (int d = 0; d < DIM; d++)
            dot += (double)q[d] * (double)k[key * HEADS * DIM + d];
        logits[key] = dot * (double)problem->scale + (double)problem->slopes[0] * (double)(key - problem->q_position) +
                      sentinel * masks[key];
        max = fmax(max, logits[key]);
    }
    *out = 0;
    for (int key = 0; key < KEYS; key++) {
        sum += exp(logits[key] - max);
        *out += exp(logits[key] - max) * (double)v[key * HEADS * DIM];
    }
    *out /= sum;
    *lse = max + log(sum);
}

/* The sentinel comes once for each mask that is known to remove a key, of the problem or of one of its newest keys, and
 * once where a mask is another's. add adds it once. */
static void test_a_sentinel_for_each_mask(void **state)
{
    (void)state;
    uint8_t counts[KEYS];
    struct made_problem made = masked_problem(600);
    for (int key = 0; key < KEYS; key++)
        counts[key] = (uint8_t)(made.visible[key] ? 0 : 1 + key % 3);
    const struct key_masks masks = {made.visible, counts, KEYS};
    uint8_t other[KEYS], once[KEYS];
    memcpy(other, made.visible, KEYS);
    for (int key = 0; key < KEYS; key++)
        once[key] = !made.visible[key];
    for (int row = 0; row < 4; row++) {
        struct problem problem = made.problem;
        struct recipe recipe = {.sentinel = {SENTINEL_VALUE, -50},
                                .masked_entry = row == 1 ? MASKED_ADD : MASKED_ADD_EACH,
                                .initial_max = INITIAL_MAX_INFINITY,
                                .log2e = LOG2E_EXPONENTIAL};
        problem.masks = row == 3 ? NULL : &masks;
        problem.visible = row == 2 ? other : made.visible;
        double out, lse;
        attend_masked(&problem, -50, row == 0 ? counts : once, &out, &lse);
        for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
            struct answer answer =
                answer_of((enum kernel)kernel, &(struct kernel_options){.chunk_len = 96}, &recipe, &problem);
            assert_true(fabs((double)answer.out[0] - out) < 1e-4 * out);
            assert_true(fabs((double)answer.lse[0] - lse) < 1e-4);
        }
        assert_true(fabs(out - 1) > 1);
    }
    struct problem newest = made.problem;
    newest.visible += 50;
    newest.masks = &masks;
    assert_int_equal(problem_masks(&newest, 51), counts[101]);
    assert_int_equal(problem_masks(&newest, 49), 0);
    newest.visible = other;
    assert_int_equal(problem_masks(&newest, 101), 1);
    free_problem(&made);
}

static void test_contradictions(void **state)
{
    static const struct recipe refused[] = {
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .masked_entry = MASKED_ADD},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .masked_entry = MASKED_ADD_EACH},
        {.sentinel = {SENTINEL_VALUE, -1e5f}, .logit_dtype = ROUND_F16},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .exponential = EXPONENTIAL_EXP},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .exponential = EXPONENTIAL_FEXP_U20},
        {.sentinel = {.policy = SENTINEL_INFINITY}, .empty_row = EMPTY_ROW_AT_SENTINEL},
        {.sentinel = {SENTINEL_VALUE, -1e4f}, .guards = GUARDS_NONE},
        {.sentinel = {.policy = SENTINEL_ADAPTIVE}, .guards = GUARDS_ZERO_MAX},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .slopes_max_bias = 16},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .bias = BIAS_NONE, .slope_dtype = ROUND_F16},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .merge = MERGE_LSE, .merge_cutoff = -20},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .bias = BIAS_ABSOLUTE, .positive_bias = POSITIVE_BIAS_MASKED},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .query_dtype = ROUND_F16},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .scaled_dtype = ROUND_F16},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .tile_keys = 32, .weight_form = WEIGHT_PROBABILITIES},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .weight_scale = 2},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .weight_scale = 449, .weight_dtype = ROUND_E4M3},
        {.sentinel = {.policy = SENTINEL_EXCLUDE},
         .positions = POSITIONS_TOP_LEFT,
         .positive_bias = POSITIVE_BIAS_MASKED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_non_null(recipe_contradiction(&refused[i]));
    for (int i = 0; i < NUM_SOUND_RECIPES; i++)
        assert_null(recipe_contradiction(&sound_recipes[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masked_keys),
        cmocka_unit_test(test_two_pass_averages_an_empty_row),
        cmocka_unit_test(test_a_maximum_set_to_0),
        cmocka_unit_test(test_a_maximum_set_to_0_on_an_empty_row),
        cmocka_unit_test(test_mistaken_biases),
        cmocka_unit_test(test_keys_of_positive_bias_masked),
        cmocka_unit_test(test_chunk_of_a_cache),
        cmocka_unit_test(test_pages_change_nothing),
        cmocka_unit_test(test_fp8_cache),
        cmocka_unit_test(test_merge_cutoff),
        cmocka_unit_test(test_a_sentinel_for_each_mask),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_sink_of_a_row_at_the_sentinel),
    };
    int failed = cmocka_run_group_tests_name("recipes", tests, NULL, NULL);
    return failed > 125 ? 125 : failed;
}
