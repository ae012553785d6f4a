/* Random tensors: the elements of a generated problem, mapped, that stay when their memory is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/problem/generate.h"
#include "harness/problem/random_tensor.h"

static void elements_are_those_of_a_problem(void **state)
{
    (void)state;
    for (enum dtype dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        struct problem_spec spec = {.seq_len = 2051,
                                    .num_queries = 3,
                                    .num_heads = 4,
                                    .num_kv_heads = 2,
                                    .head_dim = 80,
                                    .dtype = dtype,
                                    .k_scale = 1,
                                    .v_scale = 1,
                                    .scale = 0.125f,
                                    .slopes = SLOPES_BLOOM,
                                    .max_bias = 8,
                                    .total_heads = 4,
                                    .q_position = 2050,
                                    .input = input_spec_default,
                                    .seed = 5};
        struct inputs inputs = {0};
        struct error error = {0};
        assert_int_equal(inputs_generate(&inputs, &spec, whole_problem(&spec), 1, NULL, &error), ERROR_NONE);
        const void *of_problem[] = {inputs.q, inputs.k, inputs.v};
        for (int tensor = TENSOR_Q; tensor <= TENSOR_V; tensor++) {
            struct tensor_file made;
            struct tensor_layout layout = {dtype_element_types[dtype], 3, {2051, 2, 80, 1, 1, 1, 1, 1}, 2051 * 2 * 80};
            if (tensor == TENSOR_Q)
                layout = (struct tensor_layout){dtype_element_types[dtype], 3, {3, 4, 80, 1, 1, 1, 1, 1}, 3 * 4 * 80};
            assert_int_equal(random_tensor_make(&made, "x", &layout, (enum tensor)tensor, 5, NULL, &error), ERROR_NONE);
            size_t size = (size_t)tensor_layout_bytes(&layout);
            assert_memory_equal(made.elements, of_problem[tensor], size);
            tensor_forget(&made, 0, layout.num_elements);
            assert_memory_equal(made.elements, of_problem[tensor], size);
            assert_int_equal(tensor_check_unchanged(&made, &error), ERROR_NONE);
            tensor_close(&made);
        }
        inputs_clear(&inputs);
    }
}

static void every_dtype_can_be_drawn(void **state)
{
    (void)state;
    for (enum dtype dtype = 0; dtype < DTYPE_COUNT_WITH_FP8; dtype++) {
        struct tensor_layout layout = {dtype_element_types[dtype], 1, {1000, 1, 1, 1, 1, 1, 1, 1}, 1000};
        struct tensor_file made;
        struct error error = {0};
        float values[1000], sum = 0;
        assert_true(random_tensor_may_be(dtype_element_types[dtype]));
        assert_int_equal(random_tensor_make(&made, "x", &layout, TENSOR_K, 1, NULL, &error), ERROR_NONE);
        dtype_widen(dtype, made.elements, 0, 1000, values);
        for (int i = 0; i < 1000; i++)
            sum += values[i] * values[i];
        assert_true(sum > 850 && sum < 1150); /* 1000 +- 3 standard deviations of 45 */
        tensor_close(&made);
    }
    assert_false(random_tensor_may_be(ELEMENT_I32));
    assert_false(random_tensor_may_be(ELEMENT_F64));
    assert_false(random_tensor_may_be(ELEMENT_COUNT));
}

static void nothing_and_too_much(void **state)
{
    struct tensor_layout none = {ELEMENT_F16, 2, {0, 5, 1, 1, 1, 1, 1, 1}, 0};
    struct tensor_layout much = {ELEMENT_F32, 1, {INT64_C(1) << 58, 1, 1, 1, 1, 1, 1, 1}, INT64_C(1) << 58};
    struct progress progress = {.cancelled = true};
    struct tensor_layout some = {ELEMENT_F16, 1, {1000, 1, 1, 1, 1, 1, 1, 1}, 1000};
    struct tensor_file made;
    struct error error = {0};
    (void)state;
    assert_int_equal(random_tensor_make(&made, "x", &none, TENSOR_K, 1, NULL, &error), ERROR_NONE);
    tensor_close(&made);
    assert_int_equal(random_tensor_make(&made, "x", &much, TENSOR_K, 1, NULL, &error), ERROR_SYSTEM);
    assert_non_null(strstr(error.text, "there is no room"));
    assert_null(made.name);
    assert_int_equal(random_tensor_make(&made, "x", &some, TENSOR_K, 1, &progress, &error), ERROR_INTERRUPTED);
    assert_null(made.name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_those_of_a_problem),
        cmocka_unit_test(every_dtype_can_be_drawn),
        cmocka_unit_test(nothing_and_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
