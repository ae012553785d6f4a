/* The display drawn on a pseudo-terminal and read from its other end. Waits for redraws: half a second in all. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/support/progress_display.h"

/* stderr on something else for a while. */
struct swapped {
    int saved, terminal; /* terminal: the end that a person looks at */
};

static void swap_stderr(struct swapped *swapped, int descriptor)
{
    fflush(stderr);
    swapped->saved = dup(STDERR_FILENO);
    dup2(descriptor, STDERR_FILENO);
    close(descriptor);
}

static void restore_stderr(struct swapped *swapped)
{
    dup2(swapped->saved, STDERR_FILENO);
    close(swapped->saved);
}

static void open_terminal(struct swapped *swapped, unsigned short columns)
{
    swapped->terminal = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(swapped->terminal >= 0);
    assert_int_equal(grantpt(swapped->terminal), 0);
    assert_int_equal(unlockpt(swapped->terminal), 0);
    int inside = open(ptsname(swapped->terminal), O_RDWR | O_NOCTTY);
    assert_true(inside >= 0);
    assert_int_equal(ioctl(inside, TIOCSWINSZ, &(struct winsize){.ws_row = 24, .ws_col = columns}), 0);
    swap_stderr(swapped, inside);
    setenv("TERM", "xterm", 1);
}

/* Reads until text has appeared, or quiet_ms have passed without it. Returns whether it did; all is kept in seen. */
static bool wait_for(const struct swapped *swapped, char *seen, size_t size, const char *text, int quiet_ms)
{
    size_t used = strlen(seen);
    while (!text || !strstr(seen, text)) {
        struct pollfd poll_terminal = {.fd = swapped->terminal, .events = POLLIN};
        if (poll(&poll_terminal, 1, quiet_ms) <= 0)
            return false;
        ssize_t count = read(swapped->terminal, seen + used, size - used - 1);
        if (count <= 0)
            return false;
        used += (size_t)count;
        seen[used] = '\0';
    }
    return true;
}

static void test_nothing_without_a_terminal(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct swapped swapped;
    swap_stderr(&swapped, ends[1]);
    struct progress progress = {.work_done = 0};
    struct progress_display *display = progress_display_start(4, &progress);
    progress_display_point(display, "label");
    progress_display_step(display, "truth", 100);
    progress_display_hide(display);
    progress_display_show(display);
    progress_display_stop(display);
    restore_stderr(&swapped);
    char byte;
    assert_null(display);
    assert_int_equal(read(ends[0], &byte, 1), 0); /* closed, and empty */
    close(ends[0]);
}

static void test_line_shows_point_step_and_percentage(void **state)
{
    (void)state;
    struct swapped swapped;
    char seen[4096] = "";
    open_terminal(&swapped, 100);
    struct progress progress = {.work_done = 0};
    struct progress_display *display = progress_display_start(48, &progress);
    progress_add(&progress, 500); /* of points before: the percentage is the step's own */
    progress_display_point(display, "sample split_kv 3x2x4");
    progress_display_step(display, "truth", 100);
    progress_add(&progress, 43);
    bool drawn = wait_for(&swapped, seen, sizeof seen, "\r\x1b[K[ 1/48] sample split_kv 3x2x4: truth  43%", 2000);
    progress_display_stop(display);
    bool cleared = wait_for(&swapped, seen, sizeof seen, "%\r\x1b[K", 2000);
    restore_stderr(&swapped);
    close(swapped.terminal);
    assert_true(drawn);
    assert_true(cleared);
}

/* Who starts the program, and reads its stderr, has the line on a terminal of its own. */
static void test_line_on_a_descriptor_that_is_named(void **state)
{
    (void)state;
    int ends[2];
    struct swapped swapped, inner;
    char seen[4096] = "", number[16], byte;
    open_terminal(&swapped, 100);
    snprintf(number, sizeof number, "%d", dup(STDERR_FILENO));
    assert_int_equal(pipe(ends), 0);
    swap_stderr(&inner, ends[1]);
    setenv("ALIBICHECK_TERMINAL", number, 1);
    struct progress_display *display = progress_display_start(4, NULL);
    progress_display_point(display, "label");
    bool drawn = wait_for(&swapped, seen, sizeof seen, "[1/4] label", 2000);
    progress_display_stop(display);
    bool cleared = wait_for(&swapped, seen, sizeof seen, "label\r\x1b[K", 2000);
    setenv("ALIBICHECK_TERMINAL", "none", 1);
    struct progress_display *of_none = progress_display_start(4, NULL);
    unsetenv("ALIBICHECK_TERMINAL");
    restore_stderr(&inner);
    restore_stderr(&swapped);
    close(atoi(number));
    close(swapped.terminal);
    assert_true(drawn);
    assert_true(cleared);
    assert_null(of_none);
    assert_int_equal(read(ends[0], &byte, 1), 0); /* closed, and empty */
    close(ends[0]);
}

static void test_hidden_line_stays_away(void **state)
{
    (void)state;
    struct swapped swapped;
    char seen[4096] = "";
    open_terminal(&swapped, 100);
    struct progress_display *display = progress_display_start(4, NULL);
    progress_display_point(display, "label");
    bool drawn = wait_for(&swapped, seen, sizeof seen, "[1/4] label", 2000);
    progress_display_hide(display);
    wait_for(&swapped, seen, sizeof seen, "label\r\x1b[K", 2000);
    seen[0] = '\0';
    bool quiet = !wait_for(&swapped, seen, sizeof seen, "label", 300);
    progress_display_show(display);
    bool back = wait_for(&swapped, seen, sizeof seen, "[1/4] label", 2000);
    progress_display_stop(display);
    restore_stderr(&swapped);
    close(swapped.terminal);
    assert_true(drawn);
    assert_true(quiet);
    assert_true(back);
}

static void test_line_never_wraps(void **state)
{
    (void)state;
    struct swapped swapped;
    char seen[4096] = "";
    open_terminal(&swapped, 20);
    struct progress_display *display = progress_display_start(4, NULL);
    progress_display_point(display, "a label that is longer than the terminal is wide");
    bool drawn = wait_for(&swapped, seen, sizeof seen, "[1/4] a label that ", 2000);
    progress_display_stop(display);
    wait_for(&swapped, seen, sizeof seen, NULL, 50);
    restore_stderr(&swapped);
    close(swapped.terminal);
    assert_true(drawn);
    assert_null(strstr(seen, "a label that i"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_without_a_terminal),
        cmocka_unit_test(test_line_shows_point_step_and_percentage),
        cmocka_unit_test(test_line_on_a_descriptor_that_is_named),
        cmocka_unit_test(test_hidden_line_stays_away),
        cmocka_unit_test(test_line_never_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
