/* Contracts on numbers: scales, slopes, and what is said of a row or handed to a merge. */
#include "kernels/tests/answer.h"

enum { KEYS = 400, HEADS = 4, KV_HEADS = 2, DIM = ANSWER_DIM, ELEMENTS = HEADS * DIM };

static void widen(const struct answer *answer, enum dtype dtype, float *out)
{
    dtype_widen(dtype, answer->out, 0, ELEMENTS, out);
}

/* ---- scales and slopes ------------------------------------------------------------------------------------------- */

static void test_scale_factor(void **state)
{
    static const float factors[] = {8, 0.125f, -1};
    static const struct sentinel sentinels[] = {{.policy = SENTINEL_EXCLUDE}, {.policy = SENTINEL_ADAPTIVE}};
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F16);
    mask_keys(&made, 380, KEYS, 1);
    for (int i = 0; i < 3; i++)
        for (int s = 0; s < 2; s++) {
            struct problem as = made.problem;
            struct recipe recipe = {.sentinel = sentinels[s], .contract.scale_factor = factors[i]};
            as.scale *= factors[i];
            assert_answers_as(&recipe, &made.problem, &as);
        }
    free_problem(&made);
}

static void test_cache_scales(void **state)
{
    enum { CACHED = KEYS * KV_HEADS * DIM };
    static const struct {
        enum cache_scale k_scale, v_scale;
        float k, v; /* what is taken */
    } rows[] = {
        {CACHE_SCALE_IGNORED, CACHE_SCALE_APPLIED, 1, 4},
        {CACHE_SCALE_TWICE, CACHE_SCALE_APPLIED, 0.0625f, 4},
        {CACHE_SCALE_APPLIED, CACHE_SCALE_IGNORED, 0.25f, 1},
        {CACHE_SCALE_APPLIED, CACHE_SCALE_TWICE, 0.25f, 16},
    };
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F32);
    uint8_t *k = malloc(CACHED), *v = malloc(CACHED);
    assert_true(k && v);
    dtype_narrow(DTYPE_E4M3, k, 0, CACHED, made.k);
    dtype_narrow(DTYPE_E4M3, v, 0, CACHED, made.v);
    struct problem problem = made.problem;
    problem.kv_format = KV_E4M3;
    problem.k_scale = 0.25f;
    problem.v_scale = 4;
    problem.k = k;
    problem.v = v;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recipe recipe = {.sentinel = {.policy = SENTINEL_INFINITY},
                                .contract = {.k_scale = rows[i].k_scale, .v_scale = rows[i].v_scale}};
        struct problem as = problem;
        as.k_scale = rows[i].k;
        as.v_scale = rows[i].v;
        assert_answers_as(&recipe, &problem, &as);
    }
    free(k);
    free(v);
    free_problem(&made);
}

/* Slopes given and slopes of the kernel's own, counted round in both directions, with a sign. */
static void test_slopes(void **state)
{
    static const struct {
        enum slopes_source source;
        float factor;
        int shift;
    } rows[] = {
        {SLOPES_FROM_INPUT, 0.125f, 0}, {SLOPES_FROM_INPUT, -1, 0},       {SLOPES_FROM_INPUT, 0, 1},
        {SLOPES_FROM_INPUT, 0, -1},     {SLOPES_FROM_INPUT, 2, -9},       {SLOPES_FROM_BLOOM, 0.5f, 0},
        {SLOPES_FROM_BLOOM, 0, 3},      {SLOPES_FROM_GEOMETRIC, 0.5f, 1},
    };
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F16);
    for (int bias = 0; bias < BIAS_NONE; bias++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            float slopes[HEADS], own[HEADS];
            memcpy(own, made.slopes, sizeof own);
            if (rows[i].source != SLOPES_FROM_INPUT)
                slopes_fill(own, HEADS, rows[i].source == SLOPES_FROM_BLOOM ? SLOPES_BLOOM : SLOPES_GEOMETRIC, 8, 0,
                            HEADS);
            for (int h = 0; h < HEADS; h++)
                slopes[h] = own[(h + rows[i].shift + 4 * HEADS) % HEADS] * (rows[i].factor != 0 ? rows[i].factor : 1);
            struct problem as = made.problem;
            struct recipe recipe = {.sentinel = {.policy = SENTINEL_ADAPTIVE},
                                    .bias = (enum bias_form)bias,
                                    .slopes = rows[i].source,
                                    .contract = {.slope_factor = rows[i].factor, .slope_head_shift = rows[i].shift}};
            as.slopes = slopes;
            for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
                struct recipe plain = {.sentinel = recipe.sentinel, .bias = recipe.bias};
                struct answer answer = answer_of((enum kernel)kernel, &recipe, &made.problem);
                struct answer expected = answer_of((enum kernel)kernel, &plain, &as);
                assert_memory_equal(&answer, &expected, sizeof answer);
            }
        }
    free_problem(&made);
}

/* A sentinel that adapts does so to the slopes and scale that are taken: below every logit of slopes that rise. */
static void test_adaptive_sentinel_of_a_contract(void **state)
{
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F32);
    float *v = made.v;
    mask_keys(&made, 350, KEYS, 1);
    for (int i = 0; i < KEYS * KV_HEADS * DIM; i++)
        v[i] = i / (KV_HEADS * DIM) < 350 ? 1 : 100;
    struct recipe recipe = {.sentinel = {.policy = SENTINEL_ADAPTIVE}, .contract.slope_factor = 1000};
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
        struct answer answer = answer_of((enum kernel)kernel, &recipe, &made.problem);
        for (int i = 0; i < ELEMENTS; i++)
            assert_true(fabsf(answer.out[i] - 1) < 1e-5f);
    }
    free_problem(&made);
}

/* ---- lse --------------------------------------------------------------------------------------------------------- */

/* The output's bits stay, and lse is log2(e) times what it is. */
static void test_lse_in_base_2(void **state)
{
    static const struct recipe rows[] = {
        {.sentinel = {.policy = SENTINEL_EXCLUDE}},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .log2e = LOG2E_EXPONENTIAL, .merge = MERGE_LSE},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .bias = BIAS_ABSOLUTE},
    };
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F16);
    made.problem.q_position += 500;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
            struct recipe recipe = rows[i];
            recipe.contract.lse_base = LSE_BASE_2;
            struct answer natural = answer_of((enum kernel)kernel, &rows[i], &made.problem);
            struct answer answer = answer_of((enum kernel)kernel, &recipe, &made.problem);
            assert_memory_equal(answer.out, natural.out, sizeof answer.out);
            for (int h = 0; h < HEADS; h++)
                assert_true(fabs((double)answer.lse[h] / (double)natural.lse[h] - M_LOG2E) < 1e-6);
        }
    free_problem(&made);
}

/* Attention over the chunks of a problem one by one, merged in double with e^(factor of the chunk * lse). */
static void merge_chunks(const struct problem *problem, double first_factor, double factor, double *out, double *lse)
{
    double weights[HEADS] = {0};
    memset(out, 0, ELEMENTS * sizeof *out);
    for (int64_t first = 0; first < problem->seq_len; first += ANSWER_CHUNK) {
        struct problem chunk = *problem;
        float of_chunk[ELEMENTS];
        chunk.seq_len = first + ANSWER_CHUNK < problem->seq_len ? ANSWER_CHUNK : problem->seq_len - first;
        chunk.kv_offset += first;
        chunk.k = (const char *)problem->k + problem_row(problem, first, 0) * dtypes[problem->dtype].size_bytes;
        chunk.v = (const char *)problem->v + problem_row(problem, first, 0) * dtypes[problem->dtype].size_bytes;
        struct answer answer = answer_of(KERNEL_SINGLE_PASS, &sound, &chunk);
        widen(&answer, problem->dtype, of_chunk);
        for (int h = 0; h < HEADS; h++) {
            double weight = exp((first == 0 ? first_factor : factor) * (double)answer.lse[h]);
            weights[h] += weight;
            for (int d = 0; d < DIM; d++)
                out[h * DIM + d] += weight * (double)of_chunk[h * DIM + d];
        }
    }
    for (int h = 0; h < HEADS; h++) {
        lse[h] = log(weights[h]);
        for (int d = 0; d < DIM; d++)
            out[h * DIM + d] /= weights[h];
    }
}

static void test_merge_by_lse_of_another_base(void **state)
{
    static const struct {
        enum merge_lse_base base;
        double first_factor, factor;
    } rows[] = {
        {MERGE_LSE_BASE_SAME, 1, 1},
        {MERGE_LSE_BASE_2_AS_E, M_LOG2E, M_LOG2E},
        {MERGE_LSE_BASE_E_AS_2, M_LN2, M_LN2},
        {MERGE_LSE_BASE_MIXED, M_LOG2E, 1},
    };
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F32);
    for (int h = 0; h < HEADS; h++)
        made.slopes[h] *= 0.01f; /* so that every chunk counts */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int log2e = 0; log2e < 2; log2e++) {
            double out[ELEMENTS], lse[HEADS];
            struct recipe recipe = {.sentinel = {.policy = SENTINEL_EXCLUDE},
                                    .log2e = (enum log2e_entry)log2e,
                                    .merge = MERGE_LSE,
                                    .contract.merge_lse_base = rows[i].base};
            struct answer answer = answer_of(KERNEL_SPLIT_KV, &recipe, &made.problem);
            merge_chunks(&made.problem, rows[i].first_factor, rows[i].factor, out, lse);
            for (int d = 0; d < ELEMENTS; d++)
                assert_true(fabs((double)answer.out[d] - out[d]) < 2e-5);
            for (int h = 0; h < HEADS; h++)
                assert_true(fabs((double)answer.lse[h] - lse[h]) < 2e-5);
        }
    free_problem(&made);
}

/* ---- empty rows -------------------------------------------------------------------------------------------------- */

/* Chunks alone are merged without guards: nothing but split_kv is hurt, and that by a row without keys alone. */
static void test_merge_without_guards(void **state)
{
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F16);
    for (int merge = 0; merge < MERGE_FORM_COUNT; merge++) {
        struct recipe recipe = {.sentinel = {.policy = SENTINEL_INFINITY}, .merge = (enum merge_form)merge},
                      unguarded = recipe;
        unguarded.contract.merge_guards = MERGE_GUARDS_NONE;
        for (int empty = 0; empty < 2; empty++) {
            if (made.visible)
                memset(made.visible, 1, KEYS);
            mask_keys(&made, 0, empty ? KEYS : 2 * ANSWER_CHUNK, 1);
            for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
                struct answer right = answer_of((enum kernel)kernel, &recipe, &made.problem);
                struct answer answer = answer_of((enum kernel)kernel, &unguarded, &made.problem);
                float out[ELEMENTS];
                widen(&answer, DTYPE_F16, out);
                if (!empty || kernel != KERNEL_SPLIT_KV)
                    assert_memory_equal(&answer, &right, sizeof answer);
                else
                    for (int i = 0; i < ELEMENTS; i++)
                        assert_true(isnan(out[i]) && isnan(answer.lse[i / DIM]));
            }
        }
    }
    free_problem(&made);
}

/* An empty row's output is left as it was, or its lse is the other infinity; rows with keys have the bits that they
 * have. */
static void test_empty_rows(void **state)
{
    (void)state;
    struct made_problem made = make_problem(KEYS, HEADS, KV_HEADS, DIM, DTYPE_F32);
    struct recipe unwritten = {.sentinel = {.policy = SENTINEL_INFINITY}, .empty_row = EMPTY_ROW_UNWRITTEN},
                  above = {.sentinel = {.policy = SENTINEL_EXCLUDE},
                           .merge = MERGE_LSE,
                           .contract.empty_row_lse = EMPTY_ROW_LSE_ABOVE},
                  zero = {.sentinel = {.policy = SENTINEL_INFINITY}}, below = above;
    below.contract.empty_row_lse = EMPTY_ROW_LSE_BELOW;
    mask_keys(&made, 0, 3 * ANSWER_CHUNK, 1);
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
        struct answer a = answer_of((enum kernel)kernel, &unwritten, &made.problem),
                      b = answer_of((enum kernel)kernel, &zero, &made.problem),
                      c = answer_of((enum kernel)kernel, &above, &made.problem),
                      d = answer_of((enum kernel)kernel, &below, &made.problem);
        assert_memory_equal(&a, &b, sizeof a);
        assert_memory_equal(&c, &d, sizeof c);
    }
    mask_keys(&made, 0, KEYS, 1);
    for (int kernel = 0; kernel < KERNEL_ANY_COUNT; kernel++) {
        struct answer a = answer_of((enum kernel)kernel, &unwritten, &made.problem), untouched;
        struct answer c = answer_of((enum kernel)kernel, &above, &made.problem);
        memset(&untouched, 0xff, sizeof untouched);
        assert_memory_equal(a.out, untouched.out, sizeof a.out);
        for (int i = 0; i < ELEMENTS; i++)
            assert_true(a.lse[i / DIM] == -INFINITY && c.out[i] == 0 && c.lse[i / DIM] == INFINITY);
    }
    free_problem(&made);
}

/* ---- contradictions ---------------------------------------------------------------------------------------------- */

static void test_contradictions(void **state)
{
    static const struct recipe refused[] = {
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .contract.merge_lse_base = MERGE_LSE_BASE_MIXED},
        {.sentinel = {SENTINEL_VALUE, -1e4f}, .contract.merge_guards = MERGE_GUARDS_NONE},
        {.sentinel = {.policy = SENTINEL_INFINITY}, .guards = GUARDS_NONE, .contract.merge_guards = MERGE_GUARDS_NONE},
        {.sentinel = {.policy = SENTINEL_INFINITY},
         .empty_row = EMPTY_ROW_DIVIDE,
         .contract.empty_row_lse = EMPTY_ROW_LSE_ABOVE},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .contract.window_by = REMOVAL_TILE_ANY},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .bias = BIAS_NONE, .contract.slope_factor = 2},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .bias = BIAS_NONE, .contract.slope_head_shift = 1},
    };
    static const struct recipe taken[] = {
        {.sentinel = {SENTINEL_VALUE, -1e4f}, .merge = MERGE_LSE, .contract.merge_guards = MERGE_GUARDS_NONE},
        {.sentinel = {.policy = SENTINEL_INFINITY}, .contract.merge_guards = MERGE_GUARDS_NONE},
        {.sentinel = {SENTINEL_VALUE, -1e4f},
         .initial_max = INITIAL_MAX_INFINITY,
         .contract.merge_guards = MERGE_GUARDS_NONE},
        {.sentinel = {.policy = SENTINEL_INFINITY}, .contract.empty_row_lse = EMPTY_ROW_LSE_ABOVE},
        {.sentinel = {.policy = SENTINEL_INFINITY},
         .empty_row = EMPTY_ROW_UNWRITTEN,
         .contract.empty_row_lse = EMPTY_ROW_LSE_ABOVE},
        {.sentinel = {.policy = SENTINEL_EXCLUDE}, .contract = {.window = 1, .window_by = REMOVAL_TILE_ANY}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_non_null(recipe_contradiction(&refused[i]));
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        assert_null(recipe_contradiction(&taken[i]));
}

/* ---- several queries --------------------------------------------------------------------------------------------- */

/* What each of 3 queries of 10 keys sees, where it stands, and how many slots are left behind. Of 2 keys, fewer than
 * there are queries, the first one sees none unless the contract gives it one. */
static void test_queries(void **state)
{
    static const struct {
        struct recipe_contract contract;
        int64_t keys[3], positions[3];
    } rows[] = {
        {{0}, {8, 9, 10}, {105, 106, 107}},
        {{.query_keys = QUERY_KEYS_NEXT}, {9, 10, 10}, {105, 106, 107}},
        {{.query_keys = QUERY_KEYS_ALL}, {10, 10, 10}, {105, 106, 107}},
        {{.query_keys = QUERY_KEYS_TOP_LEFT}, {1, 2, 3}, {105, 106, 107}},
        {{.query_positions = QUERY_AT_LAST}, {8, 9, 10}, {107, 107, 107}},
        {{.query_positions = QUERY_AT_TOP_LEFT}, {8, 9, 10}, {50, 51, 52}},
    };
    static const uint8_t visible[10] = {1, 1, 0, 1};
    const struct problem problem = {.seq_len = 10,
                                    .kv_slots = 5,
                                    .num_queries = 3,
                                    .num_heads = 1,
                                    .num_kv_heads = 1,
                                    .head_dim = DIM,
                                    .q_position = 107,
                                    .kv_offset = 50,
                                    .visible = visible};
    struct problem two = problem, alone = problem;
    (void)state;
    two.seq_len = 2;
    alone.num_queries = 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int query = 0; query < 3; query++) {
            struct problem one = contract_query(&rows[i].contract, &problem, query);
            assert_int_equal(one.seq_len, rows[i].keys[query]);
            assert_int_equal(one.q_position, rows[i].positions[query]);
            assert_int_equal(one.seq_len + one.kv_slots, 15);
            assert_ptr_equal(one.visible, visible);
            assert_int_equal(problem_queries(&one), 1);
        }
        struct problem one = contract_query(&rows[i].contract, &alone, 0);
        assert_int_equal(one.seq_len, 10);
        assert_int_equal(one.q_position, 107);
        one = contract_query(&rows[i].contract, &two, 0);
        bool sees = rows[i].contract.query_keys != QUERY_KEYS_OWN;
        assert_int_equal(one.visible == visible, sees);
        assert_int_equal(one.seq_len, rows[i].contract.query_keys == QUERY_KEYS_ALL ? 2 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scale_factor),
        cmocka_unit_test(test_cache_scales),
        cmocka_unit_test(test_slopes),
        cmocka_unit_test(test_adaptive_sentinel_of_a_contract),
        cmocka_unit_test(test_lse_in_base_2),
        cmocka_unit_test(test_merge_by_lse_of_another_base),
        cmocka_unit_test(test_merge_without_guards),
        cmocka_unit_test(test_empty_rows),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_queries),
    };
    int failed = cmocka_run_group_tests_name("contracts", tests, NULL, NULL);
    return failed > 125 ? 125 : failed;
}
