/* What is left behind: told where it grows launch after launch, of the heap and of mappings; caches are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/subject/leftover.h"

enum { OUT_BYTES = 8192, LAUNCHES = 3 * LEFTOVER_LAUNCHES };

static void *volatile held[LAUNCHES];
static void *own; /* of whoever launches */

/* A kernel's launch number i. */
typedef void launch(int i);

static void leave(int i)
{
    held[i] = malloc(OUT_BYTES);
}

static void leave_little(int i)
{
    held[i] = malloc(i % 2 ? 64 : OUT_BYTES);
}

static void leave_mapping(int i)
{
    held[i] = mmap(NULL, OUT_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void fill_cache(int i)
{
    int slot = i % (LEFTOVER_LAUNCHES - 1);
    free(held[slot]);
    held[slot] = malloc(OUT_BYTES);
}

/* As a thread of the kernel's gives back what the launch before has taken, between launches. */
static void take(int i)
{
    held[i] = malloc(OUT_BYTES);
}

static void nothing(int i)
{
    (void)i;
}

static void give_back(int i)
{
    free(held[i]);
    held[i] = NULL;
}

static void keep_more(int i)
{
    give_back(i);
    own = realloc(own, (size_t)(i + 1) * 4 * OUT_BYTES); /* which is the launcher's, and not asked about */
}

/* Of LAUNCHES launches, of so many shapes by turns, those before which something was told. */
static int count_told(launch *launched, launch *between, int num_shapes, const char *text)
{
    struct leftover leftover = {.first_files = 0};
    char said[256];
    int told = 0;
    for (int i = 0; i < LAUNCHES; i++) {
        leftover_look(&leftover, own ? (size_t)i * 4 * OUT_BYTES : 0, said, sizeof said);
        told += *said != 0;
        if (*said)
            assert_non_null(strstr(said, text));
        leftover_begin(&leftover);
        launched(i);
        leftover_end(&leftover, (uint64_t)(i % num_shapes), OUT_BYTES);
        between(i);
    }
    return told;
}

static void free_held(bool mapped)
{
    for (int i = 0; i < LAUNCHES; i++) {
        if (mapped)
            munmap(held[i], OUT_BYTES);
        else
            free(held[i]);
        held[i] = NULL;
    }
    free(own);
    own = NULL;
}

static void test_memory_that_is_left(void **state)
{
    (void)state;
    assert_int_equal(count_told(leave, nothing, 1, "each of its last 32 launches has left 8"), 2);
    free_held(false);
    assert_int_equal(count_told(leave, nothing, 8, "each of its last 32 launches has left 8"), 2);
    free_held(false);
    assert_int_equal(count_told(leave_mapping, nothing, 1, "each of its last 32 launches has left 8192 bytes"), 2);
    free_held(true);
}

static void test_memory_that_is_not(void **state)
{
    (void)state;
    assert_int_equal(count_told(nothing, nothing, 1, ""), 0);
    assert_int_equal(count_told(leave_little, nothing, 1, ""), 0);
    free_held(false);
    assert_int_equal(count_told(leave, nothing, LAUNCHES, ""), 0); /* the first of their shape, all of them */
    free_held(false);
    assert_int_equal(count_told(fill_cache, nothing, 1, ""), 0);
    free_held(false);
    assert_int_equal(count_told(take, give_back, 1, ""), 0);
    free_held(false);
    assert_int_equal(count_told(take, keep_more, 1, ""), 0);
    free_held(false);
}

static void test_files(void **state)
{
    (void)state;
    struct leftover leftover = {.first_files = 0};
    int files[LEFTOVER_FILES + 1];
    char said[256];
    leftover_look(&leftover, 0, said, sizeof said);
    leftover_begin(&leftover);
    leftover_end(&leftover, 0, OUT_BYTES);
    leftover_look(&leftover, 0, said, sizeof said);
    for (int i = 0; i <= LEFTOVER_FILES; i++) {
        assert_string_equal(said, "");
        files[i] = open("/dev/null", O_RDONLY);
        assert_true(files[i] >= 0);
        leftover_look(&leftover, 0, said, sizeof said);
    }
    assert_non_null(strstr(said, "leaves files open: 9 more"));
    for (int i = 0; i <= LEFTOVER_FILES; i++)
        close(files[i]);
}

/* What a kernel opens in its first launch, as one does that makes itself or a library ready, and what the driver of a
 * device opens in any, is not held against it; of other names it is. */
static void test_files_that_are_not(void **state)
{
    static const char *const names[] = {NULL, "/dev/zero", "/dev/zer", "/dev/zero/"};
    (void)state;
    for (int opening = 0; opening < 2; opening++)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            struct leftover leftover = {.driver_files = names[i]};
            int files[LEFTOVER_FILES + 1];
            char said[2][256];
            leftover_look(&leftover, 0, said[0], sizeof said[0]);
            for (int number = 0; number < 2; number++) {
                leftover_begin(&leftover);
                for (int f = 0; f <= LEFTOVER_FILES && number == opening; f++) {
                    files[f] = open("/dev/zero", O_RDONLY);
                    assert_true(files[f] >= 0);
                }
                leftover_end(&leftover, (uint64_t)number, OUT_BYTES);
                leftover_look(&leftover, 0, said[number], sizeof said[number]);
            }
            assert_string_equal(said[0], "");
            assert_int_equal(*said[1] != 0, opening == 1 && (i == 0 || i == 3));
            for (int f = 0; f <= LEFTOVER_FILES; f++)
                close(files[f]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_that_is_left),
        cmocka_unit_test(test_memory_that_is_not),
        cmocka_unit_test(test_files_that_are_not),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
