/* How OpenBLAS is loaded. Once a process: each test has one of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "reference/openblas.h"

/* What a process saw that has loaded it. */
struct sight {
    char core[32], core_variable[32], threads_variable[32]; /* "": the variable is not set */
    float product;                                          /* of (1, 2) and (3, 4) */
};

static void note_variable(char copy[32], const char *name)
{
    const char *value = getenv(name);
    strncpy(copy, value ? value : "", 31);
}

static struct sight look(void)
{
    static const float rows[2] = {1, 2}, vector[2] = {3, 4};
    const struct openblas *blas;
    struct sight sight = {0};
    struct error error;
    if (openblas_load(&blas, &error))
        return sight;
    strncpy(sight.core, blas->core, sizeof sight.core - 1);
    blas->sgemv(CblasRowMajor, CblasNoTrans, 1, 2, 1, rows, 2, vector, 1, 1, &sight.product, 1);
    note_variable(sight.core_variable, "OPENBLAS_CORETYPE");
    note_variable(sight.threads_variable, "OPENBLAS_NUM_THREADS");
    return sight;
}

/* core: what OPENBLAS_CORETYPE says, NULL: it is not set. */
static struct sight load_apart(const char *core)
{
    int ends[2], status;
    struct sight sight = {0};
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        unsetenv("OPENBLAS_NUM_THREADS");
        unsetenv("OPENBLAS_CORETYPE");
        if (core)
            setenv("OPENBLAS_CORETYPE", core, 1);
        sight = look();
        _exit(write(ends[1], &sight, sizeof sight) != (ssize_t)sizeof sight);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &sight, sizeof sight), sizeof sight);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return sight;
}

static void test_this_cpu_has_kernels_that_suit_it(void **state)
{
    (void)state;
    struct sight sight = load_apart(NULL);
    assert_true(sight.product == 11);
    assert_null(openblas_better_core(sight.core));
}

static void test_a_choice_of_the_user_stands(void **state)
{
    (void)state;
#ifndef __x86_64__
    skip();
#endif
    struct sight sight = load_apart("Prescott");
    assert_true(sight.product == 11);
    assert_string_equal(sight.core, "Prescott");
    assert_string_equal(sight.core_variable, "Prescott");
}

static void test_the_environment_is_as_before(void **state)
{
    (void)state;
    struct sight sight = load_apart(NULL);
    assert_string_equal(sight.core_variable, "");
    assert_string_equal(sight.threads_variable, "");
}

static void test_which_core_suits(void **state)
{
    (void)state;
    assert_null(openblas_better_core("Zen"));
    assert_null(openblas_better_core("unknown"));
#ifdef __x86_64__
    bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const char *expected = __builtin_cpu_supports("avx512bw") ? "SkylakeX" : "Haswell";
    const char *const for_any[] = {"Prescott", "Barcelona"};
    for (int i = 0; i < 2; i++)
        if (has_avx2)
            assert_string_equal(openblas_better_core(for_any[i]), expected);
        else
            assert_null(openblas_better_core(for_any[i]));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_this_cpu_has_kernels_that_suit_it),
        cmocka_unit_test(test_a_choice_of_the_user_stands),
        cmocka_unit_test(test_the_environment_is_as_before),
        cmocka_unit_test(test_which_core_suits),
    };
    return cmocka_run_group_tests_name("openblas", tests, NULL, NULL) ? 1 : 0;
}
