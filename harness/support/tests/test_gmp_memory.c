/* A program whose memory does not suffice for a number of GMP's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/support/gmp_memory.h"
#include "reference/error.h"

/* Under the address sanitizer, too, what is too large gets NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* The exit status of a process that asks for so much, as mpz_init2 does or, again, as mpz_realloc2; what it said. */
static int ask(size_t size_bytes, int again, char *said, size_t size)
{
    int ends[2], status = 0;
    if (pipe(ends))
        abort();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        void *(*allocate)(size_t), *(*reallocate)(void *, size_t, size_t);
        void (*release)(void *, size_t);
        dup2(ends[1], STDERR_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        gmp_memory_ends_program();
        mp_get_memory_functions(&allocate, &reallocate, &release);
        printf("written before; ");
        static void *memory; /* within reach where the process ends: nothing of it is lost */
        memory = allocate(again ? 8 : size_bytes);
        if (again)
            memory = reallocate(memory, 8, size_bytes);
        memset(memory, 1, size_bytes);
        release(memory, size_bytes);
        fflush(NULL);
        _exit(0);
    }
    close(ends[1]);
    ssize_t count = 0, taken;
    while ((taken = read(ends[0], said + count, size - 1 - (size_t)count)) > 0)
        count += taken;
    said[count] = '\0';
    close(ends[0]);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_what_does_not_suffice_is_said(void **state)
{
    char said[512];
    (void)state;
    for (int again = 0; again < 2; again++) {
        assert_int_equal(ask(1000, again, said, sizeof said), 0);
        assert_string_equal(said, "written before; ");
        assert_int_equal(ask(SIZE_MAX / 4, again, said, sizeof said), ERROR_SYSTEM);
        assert_non_null(strstr(said, "alibicheck: out of memory: a number of the truth needs "));
        assert_non_null(strstr(said, "written before; ")); /* the order is that of the streams */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_does_not_suffice_is_said)};
    return cmocka_run_group_tests_name("gmp_memory", tests, NULL, NULL);
}
