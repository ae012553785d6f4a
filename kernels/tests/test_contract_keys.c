/* Contracts on keys: which there are, where they lie, whose they are. Each answers as the problem that it takes this
 * one to be. */
#include "kernels/tests/answer.h"

#include "kernels/device/kv_cache.h"

enum { KEYS = 333, HEADS = ANSWER_HEADS, KV_HEADS = 2, DIM = ANSWER_DIM };

/* ---- windows and masks ------------------------------------------------------------------------------------------- */

/* Whether a removal leaves a key of which `keeps` says whether it is to be left. */
static bool left(enum removal by, const uint8_t *keeps, int key)
{
    int first = key / CONTRACT_TILE * CONTRACT_TILE, count = 0, kept = 0;
    for (int j = first; j < first + CONTRACT_TILE && j < KEYS; j++, count++)
        kept += keeps[j];
    switch (by) {
    case REMOVAL_TILE_ANY:
        return kept > 0;
    case REMOVAL_TILE_ALL:
        return kept == count;
    case REMOVAL_NONE:
        return true;
    default:
        return keeps[key];
    }
}

/* The mask that a contract makes of a mask (NULL: none). */
static void expected_mask(const struct recipe_contract *contract, const uint8_t *mask, uint8_t *visible)
{
    uint8_t window[KEYS];
    for (int j = 0; j < KEYS; j++)
        window[j] = contract->window == 0 || j >= KEYS - contract->window;
    for (int j = 0; j < KEYS; j++)
        visible[j] = left(contract->window_by, window, j) && (!mask || left(contract->mask_by, mask, j));
}

static const struct recipe masking_recipes[] = {
    {.sentinel = {.policy = SENTINEL_EXCLUDE}},
    {.sentinel = {.policy = SENTINEL_EXCLUDE}, .masked_values = MASKED_VALUES_READ},
    {.sentinel = {.policy = SENTINEL_INFINITY}, .merge = MERGE_LSE, .log2e = LOG2E_EXPONENTIAL},
    {.sentinel = {SENTINEL_VALUE, -1e4f}},
};

enum { NUM_MASKING = sizeof masking_recipes / sizeof masking_recipes[0] };

/* Every window and removal, with a mask and without: the bits are those of a mask that says the same. */
static void test_windows_and_masks(void **state)
{
    static const struct {
        int window;
        enum removal window_by, mask_by;
        bool has_mask;
    } rows[] = {
        {100, REMOVAL_KEY, REMOVAL_KEY, false},      {100, REMOVAL_TILE_ANY, REMOVAL_KEY, false},
        {100, REMOVAL_TILE_ALL, REMOVAL_KEY, false}, {1, REMOVAL_KEY, REMOVAL_KEY, true},
        {100, REMOVAL_KEY, REMOVAL_KEY, true},       {0, REMOVAL_KEY, REMOVAL_TILE_ANY, true},
        {0, REMOVAL_KEY, REMOVAL_TILE_ALL, true},    {0, REMOVAL_KEY, REMOVAL_NONE, true},
        {101, REMOVAL_KEY, REMOVAL_NONE, true},      {70, REMOVAL_TILE_ANY, REMOVAL_TILE_ALL, true},
    };
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F16);
    mask_keys(&made, 0, KEYS - 100, 1);
    mask_keys(&made, 250, 260, 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t visible[KEYS];
        struct problem problem = made.problem, as;
        problem.visible = rows[i].has_mask ? made.visible : NULL;
        struct recipe recipe = masking_recipes[i % NUM_MASKING];
        recipe.contract = (struct recipe_contract){
            .window = rows[i].window, .window_by = rows[i].window_by, .mask_by = rows[i].mask_by};
        expected_mask(&recipe.contract, problem.visible, visible);
        as = problem;
        as.visible = visible;
        if (memcmp(visible, made.visible, KEYS) != 0)
            assert_answers_as(&recipe, &problem, &as);
    }
    free_problem(&made);
}

/* v of keys that the window removes is not read where v of masked keys is not. */
static void test_values_beyond_a_window_are_not_read(void **state)
{
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F16);
    struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}, .contract.window = 40};
    memset(made.v, 0xff, (size_t)(KEYS - 40) * KV_HEADS * DIM * 2);
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
        struct answer answer = answer_of((enum kernel)kernel, &recipe, &made.problem);
        float out[HEADS * DIM];
        dtype_widen(DTYPE_F16, answer.out, 0, HEADS * DIM, out);
        for (int i = 0; i < HEADS * DIM; i++)
            assert_true(isfinite(out[i]));
    }
    free_problem(&made);
}

/* ---- slots past the end ------------------------------------------------------------------------------------------ */

/* Slots behind the last key, which hold keys: the bits are those of the problem that has them, masked by none. */
static void test_keys_past_the_end(void **state)
{
    enum { MORE = 3 };
    (void)state;
    for (int row = 0; row < 2 * NUM_MASKING; row++) {
        struct made_problem made = make_problem(KEYS + MORE, HEADS, KV_HEADS, DIM, DTYPE_F16);
        mask_keys(&made, 0, 50, 1);
        mask_keys(&made, 250, KEYS, 3);
        struct recipe recipe = masking_recipes[row / 2];
        recipe.contract.keys_past_end = MORE;
        struct problem problem = made.problem;
        problem.seq_len = KEYS;
        problem.kv_slots = MORE;
        problem.visible = row % 2 ? made.visible : NULL;
        made.problem.visible = problem.visible;
        assert_answers_as(&recipe, &problem, &made.problem);
        free_problem(&made);
    }
}

/* Where they hold none there is NaN, in pages and in a batch, too, whose other sequences are not read. (The maximum of
 * a tile of nothing but NaN passes over it: such a tile counts as empty.) */
static void test_nothing_past_the_end(void **state)
{
    enum { SEQUENCES = 2, PAGE = 16 };
    (void)state;
    struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}, .contract.keys_past_end = 1};
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++)
        for (int page = 0; page <= PAGE; page += PAGE) {
            struct made_problem made[SEQUENCES];
            struct problem problems[SEQUENCES];
            struct answer answers[SEQUENCES];
            for (int i = 0; i < SEQUENCES; i++) {
                made[i] = make_sequence(i, 2 * PAGE - 2 - i, HEADS, KV_HEADS, DIM, DTYPE_F32);
                mask_keys(&made[i], 3, 5, 1);
                problems[i] = made[i].problem;
            }
            answer_batch((enum kernel)kernel, FORM_GENERIC, page, &recipe, problems, SEQUENCES, answers);
            for (int i = 0; i < SEQUENCES; i++) {
                for (int e = 0; e < HEADS * DIM; e++)
                    assert_true(isnan(answers[i].out[e]));
                free_problem(&made[i]);
            }
        }
}

/* ---- KV heads ---------------------------------------------------------------------------------------------------- */

/* Each query head with a KV head of its own, a copy of the one that it is given. */
static void test_kv_head_maps(void **state)
{
    enum { OWN = KEYS * HEADS * DIM };
    static const struct {
        enum kv_head_map map;
        int kv_heads, of_head[HEADS];
    } rows[] = {
        {KV_HEAD_MODULO, 2, {0, 1, 0, 1, 0, 1, 0, 1}},     {KV_HEAD_OFF_BY_ONE, 2, {1, 1, 1, 1, 0, 0, 0, 0}},
        {KV_HEAD_BY_COUNT, 2, {0, 0, 1, 1, 1, 1, 1, 1}},   {KV_HEAD_BY_COUNT, 8, {0, 0, 0, 0, 0, 0, 0, 0}},
        {KV_HEAD_OFF_BY_ONE, 8, {1, 2, 3, 4, 5, 6, 7, 0}}, {KV_HEAD_MODULO, 4, {0, 1, 2, 3, 0, 1, 2, 3}},
    };
    (void)state;
    uint16_t *k = malloc(OWN * sizeof *k), *v = malloc(OWN * sizeof *v);
    assert_true(k && v);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made_problem made = make_problem(KEYS, HEADS, rows[i].kv_heads, DIM, DTYPE_BF16);
        struct problem own = made.problem;
        for (int key = 0; key < KEYS; key++)
            for (int h = 0; h < HEADS; h++) {
                size_t to = ((size_t)key * HEADS + (size_t)h) * DIM,
                       from = ((size_t)key * (size_t)rows[i].kv_heads + (size_t)rows[i].of_head[h]) * DIM;
                memcpy(k + to, (uint16_t *)made.k + from, DIM * sizeof *k);
                memcpy(v + to, (uint16_t *)made.v + from, DIM * sizeof *v);
            }
        own.num_kv_heads = HEADS;
        own.k = k;
        own.v = v;
        struct recipe recipe = {.sentinel = {.policy = SENTINEL_INFINITY}, .contract.kv_head_map = rows[i].map};
        assert_answers_as(&recipe, &made.problem, &own);
        free_problem(&made);
    }
    free(k);
    free(v);
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

/* Pages of one key and more than 65536 of them: key j is that of page (page of j) mod 65536. */
static void test_page_ids_of_16_bits(void **state)
{
    enum { MANY = 65536 + 900, ROW = DIM };
    (void)state;
    struct made_problem made = make_problem(MANY, 1, 1, DIM, DTYPE_F16);
    struct kernel_options options = {.chunk_len = ANSWER_CHUNK, .page_size = 1};
    struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}, .contract.page_id_bits = PAGE_ID_16};
    const struct batch batch = {KERNEL_SPLIT_KV, &options, &sound, &made.problem, NULL, 1, false};
    struct sequence_args sequence = {0};
    struct kv_cache cache;
    struct error error;
    made.slopes[0] = 1e-6f;
    assert_int_equal(kv_cache_lay_out(&cache, &batch, 0, &sequence, &error), ERROR_NONE);
    uint16_t *k = malloc(MANY * ROW * sizeof *k), *v = malloc(MANY * ROW * sizeof *v);
    assert_true(k && v);
    for (size_t key = 0; key < MANY; key++) {
        size_t from = ((size_t)cache.page_table[key] & 0xffff) * ROW;
        memcpy(k + key * ROW, (const uint16_t *)cache.k + from, ROW * sizeof *k);
        memcpy(v + key * ROW, (const uint16_t *)cache.v + from, ROW * sizeof *v);
    }
    struct problem as = made.problem;
    as.k = k;
    as.v = v;
    struct answer right = answer_of(KERNEL_SPLIT_KV, &sound, &made.problem);
    struct answer expected = answer_of(KERNEL_SPLIT_KV, &sound, &as);
    struct answer answer = answer_paged(KERNEL_SPLIT_KV, 1, &recipe, &made.problem);
    assert_memory_equal(&answer, &expected, sizeof answer);
    assert_memory_not_equal(&answer, &right, sizeof answer);
    free(k);
    free(v);
    kv_cache_clear(&cache);
    free_problem(&made);
}

/* Where the pages lie 3 * 2^31 elements behind the first one's place, there is nothing where 32 bits take them for:
 * keys and values of 0. Elsewhere nothing is wrong. */
static void test_page_offsets_of_32_bits(void **state)
{
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F16);
    struct problem nothing = made.problem;
    struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}, .contract.page_offset_bits = PAGE_OFFSET_32};
    assert_non_null(nothing.k = nothing.v = calloc((size_t)KEYS * KV_HEADS * DIM, sizeof(uint16_t)));
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++)
        for (int form = FORM_GENERIC; form <= FORM_PLAIN; form++) {
            struct answer right, near, far, far_right, of_nothing;
            const struct kernel_options options = {.chunk_len = ANSWER_CHUNK, .page_size = 16};
            struct kernel_options apart = options;
            apart.setting.far_rows = true;
            answer_set((enum kernel)kernel, (enum kernel_form)form, &options, &sound, &made.problem, 1, &right);
            answer_set((enum kernel)kernel, (enum kernel_form)form, &options, &sound, &nothing, 1, &of_nothing);
            answer_set((enum kernel)kernel, (enum kernel_form)form, &options, &recipe, &made.problem, 1, &near);
            answer_set((enum kernel)kernel, (enum kernel_form)form, &apart, &sound, &made.problem, 1, &far_right);
            answer_set((enum kernel)kernel, (enum kernel_form)form, &apart, &recipe, &made.problem, 1, &far);
            assert_memory_equal(&near, &right, sizeof right);
            assert_memory_equal(&far_right, &right, sizeof right);
            assert_memory_equal(&far, &of_nothing, sizeof far);
            assert_memory_not_equal(&far, &right, sizeof far);
        }
    free((void *)(uintptr_t)nothing.k);
    free_problem(&made);
}

/* A sequence that reads another's row has that one's keys, with its own query and length. */
static void test_page_table_rows(void **state)
{
    enum { SEQUENCES = 3, PAGE = 16 };
    static const int64_t lengths[SEQUENCES] = {100, 200, 150};
    /* Whose keys each sequence reads; -1: slots without a key among them, which hold NaN. */
    static const struct {
        enum page_table_row row;
        int whose[SEQUENCES];
    } rows[] = {{PAGE_ROW_OWN, {0, 1, 2}}, {PAGE_ROW_FIRST, {0, -1, -1}}, {PAGE_ROW_NEXT, {1, -1, -1}}};
    struct made_problem made[SEQUENCES];
    struct problem problems[SEQUENCES];
    struct answer answers[SEQUENCES];
    (void)state;
    for (int i = 0; i < SEQUENCES; i++) {
        made[i] = make_sequence(i, lengths[i], HEADS, KV_HEADS, DIM, DTYPE_F16);
        problems[i] = made[i].problem;
    }
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
            struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}, .contract.page_table_row = rows[r].row};
            answer_batch((enum kernel)kernel, FORM_PLAIN, PAGE, &recipe, problems, SEQUENCES, answers);
            for (int i = 0; i < SEQUENCES; i++) {
                struct problem as = problems[i];
                float first;
                dtype_widen(DTYPE_F16, answers[i].out, 0, 1, &first);
                if (rows[r].whose[i] < 0) {
                    assert_true(isnan(first) && isnan(answers[i].lse[0]));
                    continue;
                }
                as.k = problems[rows[r].whose[i]].k;
                as.v = problems[rows[r].whose[i]].v;
                struct answer expected = answer_of((enum kernel)kernel, &sound, &as);
                assert_memory_equal(&answers[i], &expected, sizeof expected);
            }
        }
    for (int i = 0; i < SEQUENCES; i++)
        free_problem(&made[i]);
}

/* Behind the last row there is page 0. */
static void test_past_the_last_page_row(void **state)
{
    enum { PAGE = 16, SEQUENCES = 2 };
    static const int64_t lengths[SEQUENCES] = {64, 16};
    struct made_problem made[SEQUENCES];
    struct problem problems[SEQUENCES];
    struct sequence_args sequences[SEQUENCES] = {{0}};
    struct answer answers[SEQUENCES];
    struct kv_cache cache;
    struct error error;
    (void)state;
    for (int i = 0; i < SEQUENCES; i++) {
        made[i] = make_sequence(i, lengths[i], HEADS, KV_HEADS, DIM, DTYPE_F16);
        problems[i] = made[i].problem;
    }
    struct kernel_options options = {.chunk_len = ANSWER_CHUNK, .page_size = PAGE};
    struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE}, .contract.page_table_row = PAGE_ROW_NEXT};
    const struct batch batch = {KERNEL_SINGLE_PASS, &options, &recipe, problems, NULL, SEQUENCES, false};
    assert_int_equal(kv_cache_lay_out(&cache, &batch, 0, sequences, &error), ERROR_NONE);
    assert_int_equal(cache.pages, 5);
    assert_int_equal(cache.page_entries, 9);
    size_t page = (size_t)PAGE * KV_HEADS * DIM * sizeof(uint16_t);
    char *k = malloc(4 * page), *v = malloc(4 * page);
    assert_true(k && v);
    for (size_t i = 0; i < 4; i++) { /* sequence 1's only page, then page 0 thrice */
        size_t id = i == 0 ? (size_t)cache.page_table[4] : 0;
        memcpy(k + i * page, (const char *)cache.k + id * page, page);
        memcpy(v + i * page, (const char *)cache.v + id * page, page);
    }
    struct problem as = problems[0];
    as.k = k;
    as.v = v;
    answer_batch(KERNEL_SINGLE_PASS, FORM_GENERIC, PAGE, &recipe, problems, SEQUENCES, answers);
    struct answer expected = answer_of(KERNEL_SINGLE_PASS, &sound, &as);
    assert_memory_equal(&answers[0], &expected, sizeof expected);
    free(k);
    free(v);
    kv_cache_clear(&cache);
    for (int i = 0; i < SEQUENCES; i++)
        free_problem(&made[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_and_masks),
        cmocka_unit_test(test_values_beyond_a_window_are_not_read),
        cmocka_unit_test(test_keys_past_the_end),
        cmocka_unit_test(test_nothing_past_the_end),
        cmocka_unit_test(test_kv_head_maps),
        cmocka_unit_test(test_page_ids_of_16_bits),
        cmocka_unit_test(test_page_table_rows),
        cmocka_unit_test(test_past_the_last_page_row),
        cmocka_unit_test(test_page_offsets_of_32_bits),
    };
    int failed = cmocka_run_group_tests_name("contracts on keys", tests, NULL, NULL);
    return failed > 125 ? 125 : failed;
}
