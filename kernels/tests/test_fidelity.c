/* Which recipes have a GPU's bits on the host for certain, by a model, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/device/device.h"
#include "kernels/fidelity.h"

static void test_the_weakest_operation_says(void **state)
{
    static const struct {
        enum exponential exponential;
        enum division division;
        enum fidelity measured, unmeasured;
    } rows[] = {
        {EXPONENTIAL_POLYNOMIAL, DIVISION_EXACT, FIDELITY_EXACT, FIDELITY_EXACT},
        {EXPONENTIAL_POLYNOMIAL, DIVISION_RECIPROCAL, FIDELITY_BIT_MODEL, FIDELITY_BOUNDED},
        {EXPONENTIAL_EX2_APPROX, DIVISION_EXACT, FIDELITY_BIT_MODEL, FIDELITY_BOUNDED},
        {EXPONENTIAL_EXP2, DIVISION_EXACT, FIDELITY_BIT_MODEL, FIDELITY_BOUNDED},
        {EXPONENTIAL_FEXP_U20, DIVISION_EXACT, FIDELITY_BIT_MODEL, FIDELITY_BOUNDED},
        {EXPONENTIAL_EXP, DIVISION_RECIPROCAL, FIDELITY_BIT_MODEL, FIDELITY_BOUNDED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct recipe recipe = {.exponential = rows[i].exponential, .division = rows[i].division};
        assert_int_equal(recipe_fidelity(KERNEL_SPLIT_KV, &recipe, true), rows[i].measured);
        assert_int_equal(recipe_fidelity(KERNEL_TENSOR_CORE, &recipe, true), FIDELITY_BOUNDED);
        assert_int_equal(recipe_fidelity(KERNEL_SPLIT_KV, &recipe, false), rows[i].unmeasured);
    }
}

static enum error_kind open_other(void **state, char *name, const struct device_options *options, struct error *error)
{
    (void)name, (void)options, (void)error;
    *state = NULL;
    return ERROR_NONE;
}

static void close_other(void *state)
{
    (void)state;
}

static void release_other(void *state, void *memory)
{
    (void)state, (void)memory;
}

static bool never_measured(const void *state)
{
    (void)state;
    return false;
}

static void test_devices_say_whether_they_were_measured(void **state)
{
    const struct device_options options = {.threads = 1};
    struct device_ops ops = {.open = open_other, .close = close_other, .release = release_other};
    struct device *device;
    (void)state;
    assert_int_equal(device_open_with(&device, DEVICE_HOST, &ops, &options, NULL), ERROR_NONE);
    assert_true(device_has_models(device));
    device_close(device);
    ops.has_models = never_measured;
    assert_int_equal(device_open_with(&device, DEVICE_CUDA, &ops, &options, NULL), ERROR_NONE);
    assert_false(device_has_models(device));
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_weakest_operation_says),
        cmocka_unit_test(test_devices_say_whether_they_were_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
