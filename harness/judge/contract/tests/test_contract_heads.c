/* Contracts of heads and of scales, each planted and named: which KV head a head reads, heads in another order, tensors
 * as [head_dim, heads], the scales of an fp8 cache. */
#include "harness/judge/contract/tests/contract_desk.h"

#include <stdio.h>

/* Three KV heads of two heads each, so that no two orders are the same one. */
enum { HEADS = 6, KV_HEADS = 3, GROUP = HEADS / KV_HEADS, DIM = 16 };

struct heads {
    struct problem problem;
    float slopes[HEADS], lse[HEADS];
    uint16_t out[HEADS * DIM];
};

static void make_heads(struct heads *heads, const struct desk *desk)
{
    *heads = (struct heads){.problem = desk->problem};
    for (int h = 0; h < HEADS; h++)
        heads->slopes[h] = 1.0f / (float)(3 << h);
    heads->problem.num_heads = HEADS;
    heads->problem.num_kv_heads = KV_HEADS;
    heads->problem.head_dim = DIM;
    heads->problem.slopes = heads->slopes;
}

/* What a head answers with its own slope, another head's q and the keys of any KV head, in a place. */
static void answer_head(struct heads *heads, int head, int query, int kv_head, int place)
{
    const uint16_t *q = heads->problem.q;
    uint16_t queries[KV_HEADS * DIM] = {0}, out[KV_HEADS * DIM];
    float slopes[KV_HEADS], lse[KV_HEADS];
    struct problem problem = heads->problem;
    problem.num_heads = KV_HEADS;
    problem.q = queries;
    problem.slopes = slopes;
    for (int g = 0; g < KV_HEADS; g++)
        slopes[g] = heads->slopes[head];
    memcpy(queries + kv_head * DIM, q + query * DIM, DIM * sizeof *q);
    answer_exactly(out, lse, &problem);
    memcpy(heads->out + place * DIM, out + kv_head * DIM, DIM * sizeof *out);
    heads->lse[place] = lse[kv_head];
}

static const struct contract_finding *search_heads(struct desk *desk, struct heads *heads)
{
    const struct output output = {heads->out, heads->lse};
    return search_output(desk, &heads->problem, &output);
}

static void test_other_kv_heads_are_named(void **state)
{
    static const struct {
        const char *text;
        int kv_heads[HEADS];
    } rows[] = {
        {"query head h reads KV head h mod Hkv, not h / (H / Hkv)", {0, 1, 2, 0, 1, 2}},
        {"query heads read the next KV head", {1, 1, 2, 2, 0, 0}},
        {"query heads read the KV head before", {2, 2, 0, 0, 1, 1}},
        {"KV heads in reversed order", {2, 2, 1, 1, 0, 0}},
    };
    struct heads heads;
    make_heads(&heads, *state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int h = 0; h < HEADS; h++)
            answer_head(&heads, h, h, rows[i].kv_heads[h], h);
        assert_named(search_heads(*state, &heads), rows[i].text);
    }
}

/* What is in a head's place of q, or where its output is put. */
static void test_other_orders_of_heads_are_named(void **state)
{
    static const struct {
        const char *text;
        int heads[HEADS];
    } orders[] = {
        {"one head later", {1, 2, 3, 4, 5, 0}},
        {"one head earlier", {5, 0, 1, 2, 3, 4}},
        {"in reversed order", {5, 4, 3, 2, 1, 0}},
        {"as [heads of a group, KV heads], not [KV heads, heads of a group]", {0, 3, 1, 4, 2, 5}},
        {"as [KV heads, heads of a group], not [heads of a group, KV heads]", {0, 2, 4, 1, 3, 5}},
    };
    char text[128];
    struct heads heads;
    make_heads(&heads, *state);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        for (int of_query = 0; of_query < 2; of_query++) {
            for (int h = 0; h < HEADS; h++)
                answer_head(&heads, h, of_query ? orders[i].heads[h] : h, h / GROUP, of_query ? h : orders[i].heads[h]);
            snprintf(text, sizeof text, "%s %s", of_query ? "q" : "out and lse", orders[i].text);
            assert_named(search_heads(*state, &heads), text);
        }
}

static void test_heads_behind_elements_are_named(void **state)
{
    struct heads heads;
    uint16_t right[HEADS * DIM], q[HEADS * DIM];
    make_heads(&heads, *state);
    const uint16_t *stated = heads.problem.q;
    answer_exactly(heads.out, heads.lse, &heads.problem);
    memcpy(right, heads.out, sizeof right);
    for (int h = 0; h < HEADS; h++)
        for (int d = 0; d < DIM; d++) {
            heads.out[d * HEADS + h] = right[h * DIM + d];
            q[h * DIM + d] = stated[d * HEADS + h];
        }
    assert_named(search_heads(*state, &heads), "out as [head_dim, heads], not [heads, head_dim]");
    struct problem other = heads.problem;
    other.q = q;
    answer_exactly(heads.out, heads.lse, &other);
    assert_named(search_heads(*state, &heads), "q as [head_dim, heads], not [heads, head_dim]");
}

/* Of numbers that are no power of two, nor of one another. */
static void test_other_scales_of_a_cache_are_named(void **state)
{
    static const float k = 0.75f, v = 3;
    static const struct {
        const char *text;
        float k, v;
    } rows[] = {
        {"k_scale and v_scale ignored", 1, 1},
        {"k_scale and v_scale that of k ignored", 1, v},
        {"k_scale and v_scale that of v ignored", k, 1},
        {"k_scale and v_scale exchanged", v, k},
        {"k_scale and v_scale taken twice", k * k, v * v},
        {"k_scale and v_scale divided by", 1 / k, 1 / v},
        {"k_scale and v_scale that of k taken twice", k * k, v},
        {"k_scale and v_scale that of v taken twice", k, v * v},
    };
    struct desk *desk = *state;
    uint8_t keys[N * G * D], values[N * G * D];
    float wide[N * G * D];
    dtype_widen(DTYPE_F16, desk->k, 0, N * G * D, wide);
    dtype_narrow(DTYPE_E4M3, keys, 0, N * G * D, wide);
    dtype_widen(DTYPE_F16, desk->v, 0, N * G * D, wide);
    dtype_narrow(DTYPE_E4M3, values, 0, N * G * D, wide);
    desk->problem.kv_format = KV_E4M3;
    desk->problem.k = keys;
    desk->problem.v = values;
    desk->problem.k_scale = k;
    desk->problem.v_scale = v;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct problem other = desk->problem;
        other.k_scale = rows[i].k;
        other.v_scale = rows[i].v;
        answer(desk, &other);
        assert_named(search(desk, true), rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_other_kv_heads_are_named),
        TEST(test_other_orders_of_heads_are_named),
        TEST(test_heads_behind_elements_are_named),
        TEST(test_other_scales_of_a_cache_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
