/* Outputs that are right as other numbers, or in other rows. */
#include "harness/judge/contract/tests/contract_desk.h"

#include "harness/judge/contract/contract_finding.h"

static void set_words(struct desk *desk, const void *words)
{
    memcpy(desk->out, words, sizeof desk->out);
}

static void test_bytes_in_the_opposite_order_are_named(void **state)
{
    struct desk *desk = *state;
    answer(desk, &desk->problem);
    for (int i = 0; i < H * D; i++)
        desk->out[i] = (uint16_t)(desk->out[i] << 8 | desk->out[i] >> 8);
    const struct contract_finding *finding = search(desk, true);
    assert_named(finding, "the two bytes of each element of out exchanged");
    assert_string_equal(finding->fits[0].class_name, "output");
    assert_true(contract_speaks_against(finding, SIGNATURE_NAN)); /* of numbers that nobody wrote */
    assert_true(contract_speaks_against(finding, SIGNATURE_LEAK));
    assert_false(contract_speaks_against(finding, SIGNATURE_UNKNOWN));
    assert_false(contract_speaks_against(finding, SIGNATURE_UNWRITTEN));
}

/* One number that is wrong as it was meant is another fault, or none that is known; so is an lse. */
static void test_bytes_in_the_opposite_order_make_all_right(void **state)
{
    struct desk *desk = *state;
    answer(desk, &desk->problem);
    desk->out[3 * D + 5] ^= 0x40; /* 2^-4 of it */
    for (int i = 0; i < H * D; i++)
        desk->out[i] = (uint16_t)(desk->out[i] << 8 | desk->out[i] >> 8);
    assert_int_equal(search(desk, true)->num_fits, 0);
    answer(desk, &desk->problem);
    for (int i = 0; i < H * D; i++)
        desk->out[i] = (uint16_t)(desk->out[i] << 8 | desk->out[i] >> 8);
    desk->lse[1] += 0.5f;
    assert_int_equal(search(desk, true)->num_fits, 0);
    assert_named(search(desk, false), "exchanged");
}

static void test_bits_of_another_type_are_named(void **state)
{
    struct desk *desk = *state;
    float wide[H * D];
    uint16_t narrow[H * D];
    answer(desk, &desk->problem);
    search(desk, true);
    for (int i = 0; i < H * D; i++)
        wide[i] = (float)desk->truth.value[i];
    dtype_narrow(DTYPE_BF16, narrow, 0, H * D, wide);
    set_words(desk, narrow);
    const struct contract_finding *finding = search(desk, true);
    assert_named(finding, "out in bf16, whose bits are read as f16");
    assert_string_equal(finding->fits[0].class_name, "output");
    set_words(desk, wide);
    assert_named(search(desk, true), "out in f32, whose first half is read as f16");
    wide[H * D / 2 - 1] *= 2;
    set_words(desk, wide);
    assert_int_equal(search(desk, true)->num_fits, 0);
}

/* What is asked for has to cover it as it was meant. */
static void test_bits_of_another_type_are_in_the_class_that_is_asked_for(void **state)
{
    struct desk *desk = *state;
    answer(desk, &desk->problem);
    desk->out[0]++; /* half an ulp at least, of f32 or not */
    for (int i = 0; i < H * D; i++)
        desk->out[i] = (uint16_t)(desk->out[i] << 8 | desk->out[i] >> 8);
    const struct contract_finding *finding = search(desk, true);
    assert_named(finding, "exchanged");
    assert_string_not_equal(finding->fits[0].class_name, "output");
    demand = (struct class_demand){true, {.output = true}};
    assert_int_equal(search(desk, true)->num_fits, 0);
    demand = (struct class_demand){true, {.set = finding->fits[0].set}};
    demand.arithmetic.set = CLASS_SETS - 1;
    assert_named(search(desk, true), "exchanged");
    demand.asked = false;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* Row r becomes what row of[r] was. */
static void take_rows(struct desk *desk, const int *of, bool lse)
{
    uint16_t out[H * D];
    float was[H];
    memcpy(out, desk->out, sizeof out);
    memcpy(was, desk->lse, sizeof was);
    for (int row = 0; row < H; row++) {
        memcpy(desk->out + row * D, out + of[row] * D, D * sizeof *out);
        if (lse)
            desk->lse[row] = was[of[row]];
    }
}

static void test_rows_of_others_are_named(void **state)
{
    struct desk *desk = *state;
    answer(desk, &desk->problem);
    take_rows(desk, (int[]){0, 3, 1, 2}, true);
    assert_named(search(desk, true),
                 "out and lse of 3 rows those of others: head 1 has that of head 3, head 2 has that "
                 "of head 1, head 3 has that of head 2");
    assert_true(contract_speaks_against(&desk->finding, SIGNATURE_LEAK));
    assert_false(contract_speaks_against(&desk->finding, SIGNATURE_NAN));
    assert_named(search(desk, false), "out of 3 rows");
    answer(desk, &desk->problem);
    take_rows(desk, (int[]){2, 2, 2, 1}, false);
    assert_named(search(desk, true), "out alone of 3 rows those of others: head 0 has that of head 2, head 1 has that");
}

/* Each row has to be right somewhere; and one that is elsewhere may be a copy by any other fault. */
static void test_rows_of_others_are_all_right(void **state)
{
    struct desk *desk = *state;
    answer(desk, &desk->problem);
    take_rows(desk, (int[]){0, 3, 1, 2}, true);
    desk->out[D + 3] ^= 0x40;
    assert_int_equal(search(desk, true)->num_fits, 0);
    answer(desk, &desk->problem);
    take_rows(desk, (int[]){0, 1, 1, 3}, true);
    assert_int_equal(search(desk, true)->num_fits, 0);
    answer(desk, &desk->problem);
    take_rows(desk, (int[]){0, 3, 1, 2}, true);
    desk->lse[2] += 0.5f;
    assert_int_equal(search(desk, true)->num_fits, 0);
}

/* Of the same query another head's row is that of its slope, or of its KV head. */
static void test_rows_of_one_query_are_not_told(void **state)
{
    struct desk *desk = *state;
    for (int head = 1; head < H; head++)
        memcpy(desk->q + head * D, desk->q, D * sizeof *desk->q);
    answer(desk, &desk->problem);
    take_rows(desk, (int[]){0, 3, 1, 2}, true);
    assert_int_equal(search(desk, true)->num_fits, 0);
}

/* Where heads are alike but for q, q may be what is elsewhere; one that lse denies is not. */
static void test_rows_of_heads_that_are_alike_may_be_those_of_q(void **state)
{
    struct desk *desk = *state;
    desk->problem.num_kv_heads = 1;
    for (int head = 0; head < H; head++)
        desk->slopes[head] = 0.25f;
    answer(desk, &desk->problem);
    take_rows(desk, (int[]){0, 3, 1, 2}, true);
    assert_named(search(desk, true), "out and lse, or q, of 3 rows those of others: ");
    assert_named(search(desk, false), "out, or q, of 3 rows");
    answer(desk, &desk->problem);
    take_rows(desk, (int[]){0, 3, 1, 2}, false);
    assert_named(search(desk, true), "out alone of 3 rows");
}

/* Heads of one KV head and slope, whose queries are those of the first but for one element. */
static void make_alike(struct desk *desk, float apart)
{
    desk->problem.num_kv_heads = 1;
    for (int head = 0; head < H; head++) {
        const float element = apart * (float)head;
        desk->slopes[head] = 0.25f;
        memcpy(desk->q + head * D, desk->q, D * sizeof *desk->q);
        dtype_narrow(DTYPE_F16, desk->q, (size_t)(head * D + head), 1, &element);
    }
}

/* What takes a rounding elsewhere, and one where it is, too, is where it is: a bias of slope * j, far from key 0. */
static void test_rows_that_rounding_explains_are_not_elsewhere(void **state)
{
    struct desk *desk = *state;
    make_alike(desk, 0.25f);
    answer(desk, &desk->problem);
    take_rows(desk, (int[]){0, 3, 1, 2}, true);
    for (int i = 0; i < H * D; i++)
        desk->out[i] = (uint16_t)(desk->out[i] + 1);
    assert_named(search(desk, false), "3 rows those of others");
    assert_int_equal(desk->finding.fits[0].num_roundings, 1);
    desk->problem.kv_offset += 1 << 20;
    desk->problem.q_position += 1 << 20;
    assert_int_equal(search(desk, false)->num_fits, 0);
}

/* Of rows that are alike but for their rounding each is its own. */
static void test_rows_that_are_alike_stay(void **state)
{
    struct desk *desk = *state;
    for (int head = 0; head < H; head++)
        desk->slopes[head] = 0.25f;
    desk->problem.num_kv_heads = 1;
    memcpy(desk->q + D, desk->q + 3 * D, D * sizeof *desk->q);
    desk->q[D] ^= 1;
    answer(desk, &desk->problem);
    take_rows(desk, (int[]){2, 3, 0, 1}, true);
    assert_named(search(desk, true), "of 2 rows those of others: head 0 has that of head 2, head 2 has that of head 0");
}

/* Two queries of two heads, the first of which stays where it was. */
static void test_rows_of_the_query_before_are_named(void **state)
{
    struct desk *desk = *state;
    struct problem two = desk->problem;
    two.num_queries = 2;
    two.num_heads = 2;
    answer(desk, &two);
    take_rows(desk, (int[]){0, 1, 0, 1}, true);
    const struct output output = {desk->out, desk->lse};
    assert_named(search_output(desk, &two, &output), "out and lse of 2 rows those of the same head, 1 query earlier");
    answer(desk, &two);
    take_rows(desk, (int[]){0, 2, 1, 3}, false);
    assert_named(search_output(desk, &two, &output),
                 "out alone of 2 rows those of others: head 1 of query 0 has that of head 0 of query 1, ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_in_the_opposite_order_are_named),
        TEST(test_bytes_in_the_opposite_order_make_all_right),
        TEST(test_bits_of_another_type_are_named),
        TEST(test_bits_of_another_type_are_in_the_class_that_is_asked_for),
        TEST(test_rows_of_others_are_named),
        TEST(test_rows_of_others_are_all_right),
        TEST(test_rows_of_one_query_are_not_told),
        TEST(test_rows_of_heads_that_are_alike_may_be_those_of_q),
        TEST(test_rows_that_rounding_explains_are_not_elsewhere),
        TEST(test_rows_that_are_alike_stay),
        TEST(test_rows_of_the_query_before_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
