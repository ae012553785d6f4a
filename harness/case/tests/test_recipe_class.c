/* Every shipped recipe is within its class's bound on drawn problems: half a second of kernels. `make soak-class` has
 * more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/case/tests/recipe_class.h"

static int open_library(void **state)
{
    struct error error;
    (void)state;
    return recipe_library_open(&error);
}

static int close_library(void **state)
{
    (void)state;
    recipe_library_close();
    return 0;
}

static void test_every_recipe_has_a_class(void **state)
{
    (void)state;
    assert_int_equal(recipe_library_count(), RECIPE_CLASSES);
    for (int i = 0; i < RECIPE_CLASSES; i++)
        if (!recipe_library_find(recipe_classes[i].recipe))
            fail_msg("no recipe '%s'", recipe_classes[i].recipe);
}

static void test_recipes_are_within_their_class(void **state)
{
    struct device *device;
    struct error error;
    long runs = 0;
    (void)state;
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), ERROR_NONE);
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct order_trial trial;
        recipe_trial_init(&trial, seed + 50, 150);
        for (int i = 0; i < RECIPE_CLASSES; i++) {
            struct order_used used;
            enum kernel kernel = (enum kernel)((seed + (uint64_t)i) % KERNEL_ANY_COUNT);
            if (!recipe_trial_run(&used, &trial, &recipe_classes[i], kernel, 32, device))
                continue;
            runs++;
            if (used.out > 1 || used.lse > 1)
                fail_msg("%s is beyond its class: %g of out's bound, %g of lse's; %s", recipe_classes[i].recipe,
                         used.out, used.lse, trial.made.text);
        }
        order_trial_clear(&trial);
    }
    device_close(device);
    assert_true(runs > 10 * RECIPE_CLASSES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_recipe_has_a_class),
        cmocka_unit_test(test_recipes_are_within_their_class),
    };
    return cmocka_run_group_tests(tests, open_library, close_library);
}
