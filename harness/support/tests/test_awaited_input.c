/* Input that never comes does not outlast a signal, though the handler asks for calls to be begun again. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/support/awaited_input.h"
#include "harness/support/source.h"
#include "harness/support/tests/scratch.h"

/* Who is still waiting 10 s later would wait for ever. */
static void take(int number)
{
    static volatile sig_atomic_t times;
    (void)number;
    if (++times == 1000)
        _exit(1);
}

/* SIGALRM every 10 ms, as Ctrl-C comes: sooner or later while the input is waited for. */
static void begin_signals(void)
{
    const struct sigaction action = {.sa_handler = take, .sa_flags = SA_RESTART};
    const struct itimerval often = {{.tv_usec = 10000}, {.tv_usec = 10000}};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void end_signals(void)
{
    const struct itimerval never = {{0}, {0}};
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
}

static void test_standard_input_that_never_comes_is_left_at_a_signal(void **state)
{
    struct error error;
    struct source source;
    int ends[2], saved = dup(STDIN_FILENO);
    (void)state;
    assert_true(saved >= 0);
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    begin_signals();
    assert_int_equal(source_read(&source, "-", 64, &error), ERROR_INTERRUPTED);
    assert_string_equal(error.text, "interrupted while waiting for standard input");
    assert_int_equal(write(ends[1], "case: x", 7), 7); /* and so it is where no more than a part has come */
    assert_int_equal(source_read(&source, "-", 64, &error), ERROR_INTERRUPTED);
    end_signals();
    assert_int_equal(write(ends[1], "case: y", 7), 7);
    close(ends[1]);
    assert_int_equal(source_read(&source, "-", 64, &error), ERROR_NONE);
    assert_int_equal(source.size, 7);
    source_clear(&source);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(ends[0]);
}

static void test_a_pipe_is_opened_without_its_writer_and_then_read_whole(void **state)
{
    struct error error;
    char path[SCRATCH_SIZE], bytes[8] = "";
    (void)state;
    assert_non_null(scratch_folder(path, "test_awaited_input"));
    char name[sizeof path + 5];
    strcat(strcpy(name, path), "/pipe");
    assert_int_equal(mkfifo(name, 0600), 0);
    int descriptor = awaited_input_open(name);
    assert_true(descriptor >= 0);
    begin_signals();
    assert_int_equal(awaited_input_wait(descriptor, name, &error), ERROR_INTERRUPTED);
    end_signals();
    int writer = open(name, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(writer, "abc", 3), 3);
    assert_int_equal(awaited_input_wait(descriptor, name, &error), ERROR_NONE);
    assert_int_equal(read(descriptor, bytes, sizeof bytes), 3);
    close(writer);
    assert_int_equal(awaited_input_wait(descriptor, name, &error), ERROR_NONE);
    assert_int_equal(read(descriptor, bytes, sizeof bytes), 0);
    assert_int_equal(fcntl(descriptor, F_GETFL) & O_NONBLOCK, 0);
    close(descriptor);
    assert_int_equal(awaited_input_open("/nowhere/pipe"), -1);
    assert_int_equal(errno, ENOENT);
    unlink(name);
    rmdir(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standard_input_that_never_comes_is_left_at_a_signal),
        cmocka_unit_test(test_a_pipe_is_opened_without_its_writer_and_then_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
