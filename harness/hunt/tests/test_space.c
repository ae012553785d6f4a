/* What is free, and within what limits: how it is said, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/hunt/tests/hunt_fixture.h"

static void test_limits_are_as_said(void **state)
{
    struct start start =
        start_of(HEAD, "seq_len=5..2k,dtype=[f16,bf16],input={distribution: [normal, uniform], stddev: "
                       "0.5..2, value: 3},mask=[holes,window],scale=0.25..0.5,seed,num_heads");
    (void)state;
    assert_int_equal(start.space.keys[KEY_SEQ_LEN]->least, 5);
    assert_int_equal(start.space.keys[KEY_SEQ_LEN]->greatest, 2000);
    assert_int_equal(start.space.keys[KEY_DTYPE]->num_values, 2);
    assert_string_equal(start.space.keys[KEY_DTYPE]->values[1], "bf16");
    assert_int_equal(start.space.keys[KEY_INPUT]->kinds, 1u << DISTRIBUTION_NORMAL | 1u << DISTRIBUTION_UNIFORM);
    assert_true(start.space.keys[KEY_INPUT]->parameters[INPUT_STDDEV].low == 0.5);
    assert_true(space_parameter(start.space.keys[KEY_INPUT], DISTRIBUTION_LOGIT_FLOOR, INPUT_VALUE).low == 3);
    assert_int_equal(start.space.keys[KEY_MASK]->kinds, MASK_HOLES | MASK_WINDOW);
    assert_true(start.space.keys[KEY_SCALE]->real.high == 0.5);
    assert_int_equal(start.space.keys[KEY_NUM_HEADS]->greatest, 8);
    assert_null(start.space.keys[KEY_HEAD_DIM]);
    start_clear(&start);
}

static void test_usual_lengths_end_where_the_hunt_starts(void **state)
{
    struct start start = start_of(HEAD, space_default);
    (void)state;
    assert_int_equal(start.space.keys[KEY_SEQ_LEN]->least, 1);
    assert_int_equal(start.space.keys[KEY_SEQ_LEN]->greatest, 33);
    start_clear(&start);
}

static void test_a_value_is_within_its_limits_or_not(void **state)
{
    struct start start = start_of(HEAD "dtype: bf16\nmask: {window: 3}\n", "seq_len=1..32,dtype=[f16,f32],mask=[holes],"
                                                                           "input=[uniform],seed=0..3");
    (void)state;
    for (int id = 0; id < KEY_COUNT; id++)
        if (start.space.keys[id])
            assert_int_equal(space_holds(start.space.keys[id], &start.point, start.candidate.values[id]),
                             id == KEY_SEED);
    start_clear(&start);
}

static void test_what_is_no_limit_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"seq_le", "unknown key: 'seq_le'; did you mean 'seq_len'?"},
        {"seq_len=9..3", "ends before it begins"},
        {"seq_len=0..x", "is not a whole number"},
        {"seq_len=1..200M", "is out of range"},
        {"seq_len=", "no limits"},
        {"seq_len,seq_len=1..3", "varied twice: 'seq_len'"},
        {"batch", "cannot be varied: 'batch'"},
        {"judge", "cannot be varied: 'judge'"},
        {"recipe", "there are no usual limits"},
        {"recipe=[hf-blom]", "did you mean 'hf-bloom'?"},
        {"input=[norml]", "did you mean 'normal'?"},
        {"input={stdev: 1..2}", "unknown parameter of input: 'stdev'"},
        {"input={stddev: 2..1}", "ends before it begins"},
        {"mask=[file]", "unknown mask: 'file'"},
        {"mask=[]", "mask has no values"},
        {"scale=0..1", "is out of range"},
        {"seed=0..18446744073709551615", "above what a hunt draws from"},
        {"dtype=[f16,f16]", "duplicate value of dtype"},
        {"", "unknown key: ''"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct start start = start_of(HEAD, space_default);
        struct space space;
        struct error error = {0};
        assert_int_equal(space_read(&space, &wrong[i].text, 1, &start.point, 1, &error), ERROR_USAGE);
        if (!strstr(error.text, wrong[i].says) || strncmp(error.text, "--vary ", 7) != 0)
            fail_msg("%s: %s", wrong[i].text, error.text);
        space_clear(&space);
        start_clear(&start);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_are_as_said),
        cmocka_unit_test(test_usual_lengths_end_where_the_hunt_starts),
        cmocka_unit_test(test_a_value_is_within_its_limits_or_not),
        cmocka_unit_test(test_what_is_no_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
