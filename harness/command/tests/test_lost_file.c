/* A mapped file that loses bytes while they are read ends the program by a line that names it. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/command/lost_file.h"
#include "harness/support/tests/scratch.h"
#include "reference/error.h"

enum { PAGES = 8, TEXT_SIZE = 4096 };

/* In a child: maps a file, has it lose all but its first page, and reads. */
static void read_lost_file(const char *path)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const int descriptor = open(path, O_RDWR | O_CREAT, 0600);
    if (descriptor < 0 || ftruncate(descriptor, (off_t)(PAGES * page)) != 0)
        _exit(100);
    const volatile char *bytes = mmap(NULL, PAGES * page, PROT_READ, MAP_SHARED, descriptor, 0);
    lost_file_watch();
    if (bytes == MAP_FAILED || bytes[(PAGES - 1) * page] != 0 || ftruncate(descriptor, (off_t)page) != 0)
        _exit(101);
    if (bytes[0] == 0 && bytes[(PAGES - 1) * page] == 0)
        _exit(102);
    _exit(103);
}

static void send_by_hand(const char *nothing)
{
    (void)nothing;
    lost_file_watch();
    raise(SIGBUS);
    _exit(102);
}

/* What a child says on stderr, in text, and how it ended. */
static int run(void (*child)(const char *), const char *argument, char *text)
{
    int ends[2], status;
    size_t used = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        child(argument);
    }
    close(ends[1]);
    for (ssize_t count; used + 1 < TEXT_SIZE && (count = read(ends[0], text + used, TEXT_SIZE - 1 - used)) > 0;)
        used += (size_t)count;
    text[used] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void test_a_lost_file_is_named(void **state)
{
    static const char *const names[] = {"k.npy", "a name with  blanks.npy", "\xc3\xbc.npy"};
    char folder[SCRATCH_SIZE], path[SCRATCH_PATH_SIZE], text[TEXT_SIZE], expected[TEXT_SIZE];
    (void)state;
    assert_non_null(scratch_folder(folder, "test_lost_file"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        const int status = run(read_lost_file, path, text);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), ERROR_SYSTEM);
        snprintf(expected, sizeof expected,
                 "alibicheck: %s: became shorter while it was read, or its disk fails; allowed: files that nobody "
                 "writes to\n",
                 path);
        assert_string_equal(text, expected);
        unlink(path);
    }
    rmdir(folder);
}

static void test_a_signal_that_was_sent_kills(void **state)
{
    char text[TEXT_SIZE];
    (void)state;
    const int status = run(send_by_hand, "nothing", text);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lost_file_is_named),
        cmocka_unit_test(test_a_signal_that_was_sent_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
