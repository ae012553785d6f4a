/* Files that appear when they are complete, whatever ends their writer. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/support/replacement.h"
#include "harness/support/tests/scratch.h"

static bool refuse_links; /* as a file system may that gives nameless files no name */

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    if (!refuse_links)
        return (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
    errno = EXDEV;
    return -1;
}

struct desk {
    char folder[SCRATCH_SIZE], path[SCRATCH_PATH_SIZE];
};

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return -1;
    if (!scratch_folder(desk->folder, "test_replacement"))
        return -1;
    snprintf(desk->path, sizeof desk->path, "%s/report", desk->folder);
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    char command[SCRATCH_PATH_SIZE];
    refuse_links = false;
    snprintf(command, sizeof command, "rm -rf '%s'", desk->folder);
    int status = system(command);
    free(desk);
    return status;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void assert_holds(const char *path, const char *text)
{
    char found[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    found[fread(found, 1, sizeof found - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(found, text);
}

/* The names in the folder, in order of name, with a space behind each; the caller frees. */
static char *names_in(const char *folder)
{
    char command[SCRATCH_PATH_SIZE], *names = calloc(1, 1024);
    snprintf(command, sizeof command, "ls -A '%s' | tr '\\n' ' '", folder);
    FILE *list = popen(command, "r");
    assert_true(names && list);
    names[fread(names, 1, 1023, list)] = '\0';
    pclose(list);
    return names;
}

static void assert_names(const char *folder, const char *expected)
{
    char *names = names_in(folder);
    assert_string_equal(names, expected);
    free(names);
}

static struct replacement begin(const struct desk *desk, const char *text)
{
    struct replacement replacement;
    struct error error = {0};
    if (replacement_open(&replacement, desk->path, &error))
        fail_msg("%s", error.text);
    assert_int_equal(file_write(replacement.descriptor, desk->path, text, strlen(text), &error), 0);
    return replacement;
}

static void test_it_takes_the_place_when_complete(void **state)
{
    struct desk *desk = *state;
    struct error error;
    put(desk->path, "before");
    struct replacement replacement = begin(desk, "after");
    assert_holds(desk->path, "before");
    assert_int_equal(replacement_keep(&replacement, &error), 0);
    assert_holds(desk->path, "after");
    assert_names(desk->folder, "report ");
}

static void test_dropped_it_leaves_what_was_there(void **state)
{
    struct desk *desk = *state;
    put(desk->path, "before");
    struct replacement replacement = begin(desk, "after");
    replacement_drop(&replacement);
    assert_holds(desk->path, "before");
    assert_names(desk->folder, "report ");
}

static void test_a_new_file_has_the_permissions_of_any(void **state)
{
    struct desk *desk = *state;
    struct error error;
    struct stat status;
    mode_t mask = umask(027);
    struct replacement replacement = begin(desk, "new");
    assert_int_equal(replacement_keep(&replacement, &error), 0);
    umask(mask);
    assert_int_equal(stat(desk->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
}

static void test_a_link_is_followed(void **state)
{
    struct desk *desk = *state;
    struct error error;
    char target[SCRATCH_PATH_SIZE];
    struct stat status;
    snprintf(target, sizeof target, "%s/target", desk->folder);
    put(target, "before");
    assert_int_equal(symlink("target", desk->path), 0);
    struct replacement replacement = begin(desk, "after");
    assert_int_equal(replacement_keep(&replacement, &error), 0);
    assert_holds(target, "after");
    assert_int_equal(lstat(desk->path, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
}

static void test_what_is_no_file_is_written_to(void **state)
{
    struct desk *desk = *state;
    struct error error;
    char text[8] = "";
    assert_int_equal(mkfifo(desk->path, 0600), 0);
    int reader = open(desk->path, O_RDWR);
    struct replacement replacement = begin(desk, "text");
    assert_int_equal(replacement_keep(&replacement, &error), 0);
    assert_int_equal(read(reader, text, sizeof text), 4);
    assert_string_equal(text, "text");
    close(reader);
}

/* Where a nameless file gets no name, what was written is not lost. */
static void test_it_is_copied_where_links_are_refused(void **state)
{
    struct desk *desk = *state;
    struct error error = {0};
    put(desk->path, "before");
    struct replacement replacement = begin(desk, "after");
    refuse_links = true;
    if (replacement_keep(&replacement, &error))
        fail_msg("%s", error.text);
    assert_holds(desk->path, "after");
    assert_names(desk->folder, "report ");
}

static void test_a_folder_that_is_not_there(void **state)
{
    struct desk *desk = *state;
    struct replacement replacement;
    struct error error;
    strcat(desk->path, "/below/report");
    assert_int_equal(replacement_open(&replacement, desk->path, &error), ERROR_SYSTEM);
}

/* A process that is killed in the middle. */
static pid_t killed(const struct desk *desk)
{
    pid_t child = fork();
    if (child == 0) {
        begin(desk, "half");
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return child;
}

static void test_a_killed_writer_leaves_nothing(void **state)
{
    struct desk *desk = *state;
    put(desk->path, "before");
    int nameless = open(desk->folder, O_TMPFILE | O_WRONLY, 0600);
    pid_t gone = killed(desk);
    assert_holds(desk->path, "before");
    if (nameless >= 0) {
        close(nameless);
        assert_names(desk->folder, "report ");
    }
    /* What one on a file system without such files has left goes with the next writer. */
    char name[SCRATCH_PATH_SIZE + 64];
    snprintf(name, sizeof name, "%s.partial.%ld", desk->path, (long)gone);
    put(name, "half");
    struct replacement replacement = begin(desk, "after");
    assert_int_equal(access(name, F_OK), -1);
    replacement_drop(&replacement);
    assert_names(desk->folder, "report ");
}

/* Only what a writer of this file has left, whose process is gone and which no other machine has locked. */
static void test_what_may_be_in_use_stays(void **state)
{
    struct desk *desk = *state;
    pid_t gone = killed(desk);
    char name[4][SCRATCH_PATH_SIZE + 64];
    snprintf(name[0], sizeof name[0], "%s.partial.%ld", desk->path, (long)getppid());
    snprintf(name[1], sizeof name[1], "%s.partial.%ldx", desk->path, (long)gone);
    snprintf(name[2], sizeof name[2], "%s2.partial.%ld", desk->path, (long)gone);
    snprintf(name[3], sizeof name[3], "%s.partial.%ld", desk->path, (long)gone);
    for (int i = 0; i < 4; i++)
        put(name[i], "in use");
    int locked = open(name[3], O_RDONLY);
    assert_int_equal(flock(locked, LOCK_EX), 0);
    struct replacement replacement = begin(desk, "after");
    for (int i = 0; i < 4; i++)
        assert_int_equal(access(name[i], F_OK), 0);
    replacement_drop(&replacement);
    close(locked);
}

static void test_what_is_replaced_keeps_its_mode(void **state)
{
    struct desk *desk = *state;
    struct error error;
    struct stat after;
    for (int i = 0; i < 2; i++) {
        refuse_links = i;
        put(desk->path, "before");
        assert_int_equal(chmod(desk->path, i ? 0604 : 0640), 0);
        struct replacement replacement = begin(desk, "after");
        assert_int_equal(replacement_keep(&replacement, &error), 0);
        assert_int_equal(stat(desk->path, &after), 0);
        assert_int_equal(after.st_mode & 0777, i ? 0604 : 0640);
    }
}

/* The name on the way there begins with as much of it as leaves room, and what is left of that is known. One that is
 * too long is so before anything is written. */
static void test_a_name_may_be_as_long_as_any(void **state)
{
    struct desk *desk = *state;
    struct replacement replacement;
    struct error error;
    char path[SCRATCH_SIZE + NAME_MAX + 3], stale[SCRATCH_SIZE + NAME_MAX + 32], name[NAME_MAX + 2];
    memset(name, 'x', NAME_MAX);
    name[NAME_MAX] = '\0';
    snprintf(path, sizeof path, "%s/%s", desk->folder, name);
    snprintf(stale, sizeof stale, "%s/%.*s.partial.2000000000", desk->folder, NAME_MAX - 19, name);
    put(stale, "old");
    for (int linked = 0; linked < 2; linked++) {
        refuse_links = !linked;
        assert_int_equal(replacement_open(&replacement, path, &error), ERROR_NONE);
        assert_int_not_equal(access(stale, F_OK), 0);
        assert_int_equal(write(replacement.descriptor, linked ? "new" : "one", 3), 3);
        if (replacement_keep(&replacement, &error))
            fail_msg("%s", error.text);
        assert_holds(path, linked ? "new" : "one");
    }
    strcat(path, "x");
    assert_int_equal(replacement_open(&replacement, path, &error), ERROR_SYSTEM);
    assert_non_null(strstr(error.text, "File name too long"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_takes_the_place_when_complete),
        TEST(test_dropped_it_leaves_what_was_there),
        TEST(test_a_new_file_has_the_permissions_of_any),
        TEST(test_what_is_replaced_keeps_its_mode),
        TEST(test_a_name_may_be_as_long_as_any),
        TEST(test_a_link_is_followed),
        TEST(test_what_is_no_file_is_written_to),
        TEST(test_it_is_copied_where_links_are_refused),
        TEST(test_a_folder_that_is_not_there),
        TEST(test_a_killed_writer_leaves_nothing),
        TEST(test_what_may_be_in_use_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
