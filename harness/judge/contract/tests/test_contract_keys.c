/* The contract detective: which keys are seen, where they lie, and what each of several queries sees. */
#include "harness/judge/contract/tests/contract_desk.h"

/* k and v as a kernel reads them whose keys stand at source(key). */
static void answer_misplaced(struct desk *desk, bool k_too, bool v_too, int64_t (*source)(int64_t key))
{
    struct problem other = desk->problem;
    uint16_t k[N * G * D], v[N * G * D];
    for (int64_t key = 0; key < N; key++) {
        memcpy(k + key * G * D, desk->k + (k_too ? source(key) : key) * G * D, G * D * sizeof *k);
        memcpy(v + key * G * D, desk->v + (v_too ? source(key) : key) * G * D, G * D * sizeof *v);
    }
    other.k = k;
    other.v = v;
    answer(desk, &other);
}

static int64_t key_before(int64_t key)
{
    return key > 0 ? key - 1 : 0;
}

static int64_t in_reversed_pages(int64_t key)
{
    return key < 64 ? (3 - key / 16) * 16 + key % 16 : key;
}

static int64_t in_exchanged_pages(int64_t key)
{
    return key < 64 ? key ^ 16 : key;
}

static int64_t in_pages_one_late(int64_t key)
{
    return key < 64 ? (key + 16) % 64 : key;
}

static int64_t two_exchanged(int64_t key)
{
    return key == 5 ? 60 : key == 60 ? 5 : key;
}

static void test_misplaced_keys_are_named(void **state)
{
    struct desk *desk = *state;
    for (int with_lse = 0; with_lse < 2; with_lse++) {
        answer_misplaced(desk, true, false, key_before);
        assert_named(search(desk, with_lse), "k of the key before");
        answer_misplaced(desk, false, true, key_before);
        assert_named(search(desk, with_lse), "v of the key before");
        answer_misplaced(desk, true, true, in_reversed_pages);
        assert_named(search(desk, with_lse), "pages of 16 keys in reversed order");
        answer_misplaced(desk, true, true, in_exchanged_pages);
        assert_named(search(desk, with_lse), "pages of 16 keys exchanged two by two");
        answer_misplaced(desk, true, true, in_pages_one_late);
        assert_named(search(desk, with_lse), "pages of 16 keys one page late");
        answer_misplaced(desk, true, true, two_exchanged);
        assert_false(search(desk, with_lse)->named);
    }
}

/* A screen of a trial as it is, and what is in it then. */
struct screened {
    bool passes;
    double sums[D], logits[N];
};

static struct screened screen_row(struct contract_screen *screen, const struct contract_trial *trial, int row)
{
    struct screened screened;
    memset(&screened, 0, sizeof screened);
    screened.passes = contract_screen_row(screen, trial, row);
    memcpy(screened.sums, screen->sums, (size_t)screen->dim * sizeof *screened.sums);
    const size_t keys = (size_t)trial->problem.seq_len - 1; /* the first query's */
    memcpy(screened.logits, screen->logits, keys * sizeof *screened.logits);
    return screened;
}

/* Keys that wait to be moved have the bits of those that were, are no contract but their own, and leave nothing in the
 * screen that the next trial would take for its. */
static void screen_before_and_after(struct desk *desk, const struct exhibit *stated, const struct contract_row *row,
                                    int variant, int dim)
{
    struct contract_screen screen, fresh;
    struct contract_trial trial = contract_trial_begin(stated), as_stated = trial;
    const struct contract_clue clue = {&screen, 0};
    assert_int_equal(contract_screen_init(&screen, &desk->problem, dim, &error), ERROR_NONE);
    assert_int_equal(contract_screen_init(&fresh, &desk->problem, dim, &error), ERROR_NONE);
    if (row->make(&trial, variant, &clue)) {
        assert_true(trial.waiting && trial.problem.k == desk->k && trial.problem.v == desk->v);
        assert_false(contract_same(&trial, &as_stated) || contract_same(&as_stated, &trial));
        for (int r = 0; r < 2 * H; r++) {
            const struct screened before = screen_row(&screen, &as_stated, r), waiting = screen_row(&screen, &trial, r);
            const struct screened again = screen_row(&screen, &as_stated, r);
            assert_memory_equal(&again, &before, sizeof before);
            struct contract_trial placed = contract_trial_begin(stated);
            assert_true(row->make(&placed, variant, &clue));
            assert_true(contract_place_keys(&placed) && !placed.waiting && contract_moved(&placed));
            assert_true(contract_same(&placed, &trial) && contract_same(&trial, &placed));
            const struct screened after = screen_row(&fresh, &placed, r);
            assert_memory_equal(&after, &waiting, sizeof after);
            contract_screen_forget(&fresh);
            contract_trial_clear(&placed);
        }
    }
    contract_trial_clear(&trial);
    contract_screen_clear(&screen);
    contract_screen_clear(&fresh);
}

static void test_keys_that_wait_are_those_that_are_moved(void **state)
{
    struct desk *desk = *state;
    static uint16_t q[2 * H * D], out[2 * H * D];
    uint8_t visible[N];
    int looked_at = 0;
    for (int key = 0; key < N; key++)
        visible[key] = key % 3 != 1;
    memcpy(q, desk->q, sizeof desk->q);
    memcpy(q + H * D, desk->k, sizeof desk->q);
    memcpy(out, desk->v, sizeof out);
    desk->problem.q = q;
    desk->problem.num_queries = 2;
    const struct output output = {out, NULL};
    find_truth(&desk->truth, &desk->problem);
    const struct exhibit stated = {.problem = &desk->problem, .output = &output, .truth = &desk->truth};
    for (int r = 0; r < num_contract_rows; r++) {
        const struct contract_row *row = &contract_rows[r];
        bool moves = row->make == contract_make_layout || row->make == contract_make_shifted ||
                     row->make == contract_make_pages || row->make == contract_make_one_kv_head ||
                     row->make == contract_make_next_key || row->make == contract_make_counted;
        desk->problem.visible = row->make == contract_make_counted ? visible : NULL;
        for (int variant = 0; variant < row->num_variants && moves; variant++, looked_at++) {
            screen_before_and_after(desk, &stated, row, variant, SCREEN_ALL_ELEMENTS);
            screen_before_and_after(desk, &stated, row, variant, SCREEN_SAMPLE);
        }
    }
    desk->problem.visible = NULL;
    assert_true(looked_at >= 32);
}

/* The newest keys alone; then with a key before them that weighs so little that a window of one more is as near. */
static void test_a_window_is_named_where_it_is_no_other(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    uint8_t visible[N] = {0};
    memset(visible + N - 21, 1, 21);
    other.visible = visible;
    answer(desk, &other);
    assert_named(search(desk, true), "a window of the newest 21 keys");
    assert_named(search(desk, false), "a window of the newest 21 keys");
    for (int g = 0; g < G; g++)
        for (int d = 0; d < D; d++) { /* the oldest of 22 keys weighs e^-10 */
            float first, second, element;
            dtype_widen(DTYPE_F16, desk->q, (size_t)(2 * g * D + d), 1, &first);
            dtype_widen(DTYPE_F16, desk->q, (size_t)((2 * g + 1) * D + d), 1, &second);
            element = -2 * (first + second);
            dtype_narrow(DTYPE_F16, desk->k, (size_t)(((N - 22) * G + g) * D + d), 1, &element);
        }
    answer(desk, &other);
    assert_false(search(desk, false)->named);
}

/* A kernel that takes 1 in the mask for a key that is removed. A mask of ones alone removes all keys of it, which many
 * mistakes do. */
static void test_a_mask_the_other_way_round_is_named(void **state)
{
    struct desk *desk = *state;
    uint8_t stated[N], taken[N];
    for (int key = 0; key < N; key++) {
        stated[key] = key % 3 != 1;
        taken[key] = !stated[key];
    }
    for (int with_lse = 0; with_lse < 2; with_lse++) {
        desk->problem.visible = taken;
        answer(desk, &desk->problem);
        desk->problem.visible = stated;
        assert_named(search(desk, with_lse), "the mask the other way round");
    }
    memset(stated, 1, sizeof stated);
    memset(taken, 0, sizeof taken);
    desk->problem.visible = taken;
    answer(desk, &desk->problem);
    desk->problem.visible = stated;
    const struct contract_finding *finding = search(desk, false);
    for (int i = 0; i < finding->num_fits && i < CONTRACT_FITS_MAX; i++)
        assert_null(strstr(finding->fits[i].text, "the other way round"));
}

/* One of seven masked keys is let in; then one that has a twin. */
static void test_a_masked_key_that_is_let_in_is_named(void **state)
{
    struct desk *desk = *state;
    uint8_t stated[N], taken[N];
    memset(stated, 1, sizeof stated);
    for (int key = 5; key < N; key += 10)
        stated[key] = 0;
    memcpy(taken, stated, sizeof taken);
    taken[65] = 1;
    for (int with_lse = 0; with_lse < 2; with_lse++) {
        desk->problem.visible = taken;
        answer(desk, &desk->problem);
        desk->problem.visible = stated;
        assert_named(search(desk, with_lse), "masked key 65 let in");
        assert_string_equal(desk->finding.fits[0].text, "masked key 65 let in");
    }
    memset(desk->slopes, 0, sizeof desk->slopes);
    memcpy(desk->k + 55 * G * D, desk->k + 65 * G * D, G * D * sizeof *desk->k);
    memcpy(desk->v + 55 * G * D, desk->v + 65 * G * D, G * D * sizeof *desk->v);
    desk->problem.visible = taken;
    answer(desk, &desk->problem);
    desk->problem.visible = stated;
    assert_false(search(desk, false)->named);
}

/* The same with a sink, which is no reason to look for another contract beside it; then a window. */
static void test_keys_are_told_beside_a_sink(void **state)
{
    struct desk *desk = *state;
    float sinks[H] = {3, 4, 3.5f, 4.5f};
    uint8_t stated[N], taken[N];
    memset(stated, 1, sizeof stated);
    for (int key = 5; key < N; key += 10)
        stated[key] = 0;
    memcpy(taken, stated, sizeof taken);
    taken[65] = 1;
    desk->problem.sink_logits = sinks;
    for (int with_lse = 0; with_lse < 2; with_lse++) {
        desk->problem.visible = taken;
        answer(desk, &desk->problem);
        desk->problem.visible = stated;
        assert_named(search(desk, with_lse), "masked key 65 let in");
        assert_string_equal(desk->finding.fits[0].text, "masked key 65 let in");
    }
    struct problem other = desk->problem;
    memset(taken, 0, N - 21);
    memset(taken + N - 21, 1, 21);
    desk->problem.visible = NULL;
    other.visible = taken;
    answer(desk, &other);
    assert_named(search(desk, true), "a window of the newest 21 keys");
    assert_named(search(desk, false), "a window of the newest 21 keys");
}

/* Biases made of the mask's cumulative sum: the cache without its masked keys. */
static void test_positions_counted_in_visible_keys(void **state)
{
    struct desk *desk = *state;
    static uint16_t k[N * G * D], v[N * G * D];
    uint8_t visible[N];
    struct problem other = desk->problem;
    other.seq_len = 0;
    for (int key = 0; key < N; key++) {
        visible[key] = key % 3 != 1 && key != N - 1;
        if (!visible[key])
            continue;
        memcpy(&k[other.seq_len * G * D], &desk->k[key * G * D], G * D * sizeof *k);
        memcpy(&v[other.seq_len * G * D], &desk->v[key * G * D], G * D * sizeof *v);
        other.seq_len++;
    }
    desk->problem.visible = visible;
    other.k = k;
    other.v = v;
    other.q_position = other.seq_len - 1;
    answer(desk, &other);
    assert_named(search(desk, true), "positions counted in visible keys alone");
    assert_named(search(desk, false), "positions counted in visible keys alone");
    float slopes[H]; /* as transformers' Falcon has them */
    for (int h = 0; h < H; h++)
        slopes[h] = desk->slopes[h] * other.scale;
    other.slopes = slopes;
    answer(desk, &other);
    assert_named(search(desk, false), "positions counted in visible keys alone and biases multiplied by the scale");
    memset(desk->slopes, 0, sizeof desk->slopes); /* then places do not matter */
    answer(desk, &desk->problem);
    assert_false(search(desk, true)->named);
}

/* ---- several queries --------------------------------------------------------------------------------------------- */

enum { QUERIES = 3 };

/* Q rows of each head, whose exact results are those of problems with one query each. */
struct queries_desk {
    uint16_t q[QUERIES * H * D], out[QUERIES * H * D];
    float lse[QUERIES * H];
    struct problem problem;
    struct truth truth;
    struct verdict verdict;
    struct contract_finding finding;
};

static void queries_begin(struct queries_desk *queries, const struct desk *desk)
{
    uint64_t random = 7;
    memset(queries, 0, sizeof *queries);
    for (int i = 0; i < QUERIES * H * D; i++)
        queries->q[i] = draw(&random);
    queries->problem = desk->problem;
    queries->problem.num_queries = QUERIES;
    queries->problem.q = queries->q;
    find_truth(&queries->truth, &queries->problem);
}

/* Query i sees so many keys and stands there. */
static void answer_query(struct queries_desk *queries, int query, int64_t keys, int64_t position)
{
    struct truth truth;
    struct problem one = queries->problem;
    one.num_queries = 1;
    one.q = queries->q + query * H * D;
    one.seq_len = keys;
    one.q_position = position;
    find_truth(&truth, &one);
    for (int i = 0; i < H * D; i++) {
        const float value = (float)truth.value[i];
        dtype_narrow(DTYPE_F16, queries->out, (size_t)(query * H * D + i), 1, &value);
    }
    for (int h = 0; h < H; h++)
        queries->lse[query * H + h] = (float)truth.lse[h];
    truth_clear(&truth);
}

static const struct contract_finding *search_queries(struct queries_desk *queries, bool with_lse)
{
    const struct output output = {queries->out, with_lse ? queries->lse : NULL};
    const struct exhibit exhibit = {.problem = &queries->problem,
                                    .output = &output,
                                    .truth = &queries->truth,
                                    .criterion = {.mode = JUDGE_TOLERANCE, .tolerance = {1e-3, 1e-3, 1e-3}}};
    assert_int_equal(verdict_reach(&queries->verdict, &exhibit, &error), ERROR_NONE);
    assert_int_equal(contract_search(&queries->finding, &exhibit, &queries->verdict, &demand, 1, NULL, &error),
                     ERROR_NONE);
    verdict_clear(&queries->verdict);
    return &queries->finding;
}

static void test_what_queries_see_is_named(void **state)
{
    static const struct {
        int64_t keys, per_query, position, per_position; /* what query i sees, and where it stands */
        const char *says;
        bool out_tells;
    } rows[] = {
        {N, 0, N - QUERIES, 1, "all queries see all keys: no causal mask", true},
        {N, 0, N - 1, 0, "all queries see all keys, and stand where the last one does", false},
        {1, 1, N - QUERIES, 1, "query i sees the first i + 1 keys: the causal mask begins with the cache", true},
        {1, 1, 0, 1, "query i sees the first i + 1 keys, and stands at the last of them", false},
        {N - QUERIES, 1, N - QUERIES, 1, "no query sees its own key", true},
        {N - QUERIES + 1, 1, N - 1, 0, "all queries stand where the last one does", false},
    };
    struct desk *desk = *state;
    struct queries_desk *queries = malloc(sizeof *queries);
    assert_non_null(queries);
    queries_begin(queries, desk);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        for (int i = 0; i < QUERIES; i++)
            answer_query(queries, i, rows[r].keys + rows[r].per_query * i, rows[r].position + rows[r].per_position * i);
        assert_named(search_queries(queries, true), rows[r].says);
        if (rows[r].out_tells)
            assert_named(search_queries(queries, false), rows[r].says);
    }
    for (int i = 0; i < QUERIES; i++) /* `<=` where `<` is meant */
        answer_query(queries, i, i < QUERIES - 1 ? N - QUERIES + 2 + i : N, N - QUERIES + i);
    assert_named(search_queries(queries, true), "queries see the next one's key");
    assert_named(search_queries(queries, false), "queries see the next one's key");
    for (int i = 0; i < QUERIES; i++)
        answer_query(queries, i, N - QUERIES + 1 + i, N - QUERIES + i);
    assert_false(search_queries(queries, true)->named);
    for (int i = 0; i < QUERIES * H; i++)
        queries->lse[i] *= 1.442695f;
    assert_named(search_queries(queries, true), "lse in base 2");
    truth_clear(&queries->truth);
    free(queries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_misplaced_keys_are_named),
        TEST(test_keys_that_wait_are_those_that_are_moved),
        TEST(test_a_window_is_named_where_it_is_no_other),
        TEST(test_a_mask_the_other_way_round_is_named),
        TEST(test_a_masked_key_that_is_let_in_is_named),
        TEST(test_keys_are_told_beside_a_sink),
        TEST(test_positions_counted_in_visible_keys),
        TEST(test_what_queries_see_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
