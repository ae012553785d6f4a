/* Memory behind which nothing can be read: who does all the same is noted, and goes on. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka.h wants these before it */
#include <cmocka.h>

#include "harness/subject/fenced_memory.h"
#include "harness/support/tests/sanitized.h"

enum { ZONE = 4096, NAN_BYTE = 0xff };

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void test_memory_ends_where_its_alignment_lets_it(void **state)
{
    static const size_t sizes[] = {1, 2, 16, 20, 4096, 4097, 70000}, alignments[] = {1, 2, 8, 32, 4096};
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (size_t a = 0; a < sizeof alignments / sizeof alignments[0]; a++) {
            struct fenced_memory fenced;
            assert_true(fenced_memory_make(&fenced, sizes[s], alignments[a], ZONE, NAN_BYTE));
            const size_t gap = (size_t)(fenced.fence - fenced.first) - sizes[s];
            assert_int_equal((uintptr_t)fenced.first % alignments[a], 0);
            assert_int_equal((uintptr_t)fenced.fence % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
            assert_true(gap < alignments[a] && fenced.first - fenced.memory >= ZONE);
            memset(fenced.first, 7, sizes[s]);
            for (size_t i = 1; i <= ZONE; i++)
                assert_int_equal((unsigned char)fenced.first[-(ptrdiff_t)i], NAN_BYTE);
            assert_true(fenced_memory_open(&fenced));
            for (size_t i = 0; i < ZONE; i++)
                assert_int_equal((unsigned char)fenced.first[sizes[s] + i], NAN_BYTE);
            assert_int_equal(fenced_memory_touched(&fenced), 0);
            fenced_memory_clear(&fenced);
            assert_null(fenced.first);
            fenced_memory_clear(&fenced);
        }
}

/* ---- the watch --------------------------------------------------------------------------------------------------- */

/* Of three, so that none is found by being the only one. */
enum { COUNT = 3 };

static void make(struct fenced_memory fenced[COUNT])
{
    for (int i = 0; i < COUNT; i++)
        assert_true(fenced_memory_make(&fenced[i], 64, 32, ZONE, NAN_BYTE));
}

static void clear(struct fenced_memory fenced[COUNT])
{
    static const int order[COUNT] = {1, 0, 2};
    for (int i = 0; i < COUNT; i++)
        fenced_memory_clear(&fenced[order[i]]);
}

static void test_who_reads_is_noted_and_goes_on(void **state)
{
    (void)state;
    for (int which = 0; which < COUNT; which++) {
        struct fenced_memory fenced[COUNT];
        make(fenced);
        fences_watch();
        const volatile char *first = fenced[which].first;
        assert_int_equal((unsigned char)first[64 + 5], NAN_BYTE);
        assert_int_equal((unsigned char)first[64 + 2], NAN_BYTE);
        fences_leave();
        for (int i = 0; i < COUNT; i++)
            assert_int_equal(fenced_memory_touched(&fenced[i]), i == which ? 64 + 5 : 0);
        clear(fenced);
    }
}

static void test_those_that_stay_are_watched(void **state)
{
    struct fenced_memory fenced[COUNT];
    (void)state;
    make(fenced);
    fenced_memory_clear(&fenced[1]);
    fences_watch();
    for (int i = 0; i < COUNT; i += 2)
        assert_int_equal((unsigned char)((volatile char *)fenced[i].first)[64], NAN_BYTE);
    fences_leave();
    assert_true(fenced_memory_touched(&fenced[0]) == 64 && fenced_memory_touched(&fenced[2]) == 64);
    clear(fenced);
}

static void test_who_writes_is_noted_and_has_written(void **state)
{
    struct fenced_memory fenced[COUNT];
    (void)state;
    make(fenced);
    fences_watch();
    volatile char *first = fenced[1].first;
    first[64] = 3;
    first[64 + ZONE - 1] = 4;
    fences_leave();
    assert_int_equal(fenced_memory_touched(&fenced[1]), 64);
    assert_true(fenced_memory_open(&fenced[1]) && first[64] == 3 && first[64 + ZONE - 1] == 4);
    clear(fenced);
}

static void *read_all(void *fenced)
{
    const volatile char *first = ((struct fenced_memory *)fenced)->first;
    size_t sum = 0;
    for (size_t i = 0; i < ZONE; i++)
        sum += (unsigned char)first[64 + i] == NAN_BYTE;
    return (void *)(uintptr_t)sum;
}

static void test_threads_read_at_once(void **state)
{
    enum { THREADS = 4 };
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct fenced_memory fenced[COUNT];
        pthread_t threads[THREADS];
        make(fenced);
        fences_watch();
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, read_all, &fenced[0]), 0);
        for (int i = 0; i < THREADS; i++) {
            void *sum;
            assert_int_equal(pthread_join(threads[i], &sum), 0);
            assert_int_equal((uintptr_t)sum, ZONE);
        }
        fences_leave();
        assert_int_equal(fenced_memory_touched(&fenced[0]), 64);
        clear(fenced);
    }
}

/* ---- what is no fence -------------------------------------------------------------------------------------------- */

static volatile char *volatile nobody_s = (volatile char *)64;

/* How a process ends that does it. */
static int status_of(void (*does)(void))
{
    int status;
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL); /* which cmocka takes, as sanitizers do */
        does();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void read_nobody_s(void)
{
    struct fenced_memory fenced[COUNT];
    make(fenced);
    fences_watch();
    (void)*nobody_s;
}

static void raise_it(void)
{
    fences_watch();
    raise(SIGSEGV);
}

static void read_unwatched(void)
{
    struct fenced_memory fenced[COUNT];
    make(fenced);
    fences_watch();
    fences_leave();
    (void)*(volatile char *)(fenced[0].first + 64);
}

static void test_other_faults_end_the_process(void **state)
{
    void (*const all[])(void) = {read_nobody_s, raise_it, read_unwatched};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const int status = status_of(all[i]);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    }
}

static sigjmp_buf fault;
static void *volatile fault_address;

static void note_fault(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    fault_address = info->si_addr;
    siglongjmp(fault, 1);
}

/* A runtime that lives of such faults has them, with their addresses, and its handler back. */
static void test_another_handler_has_its_faults(void **state)
{
    struct sigaction own = {.sa_sigaction = note_fault, .sa_flags = SA_SIGINFO | SA_NODEFER}, before, after;
    struct fenced_memory fenced[COUNT];
    (void)state;
    make(fenced);
    sigemptyset(&own.sa_mask);
    assert_int_equal(sigaction(SIGSEGV, &own, &before), 0);
    fences_watch();
    assert_int_equal((unsigned char)((volatile char *)fenced[2].first)[64], NAN_BYTE);
    if (!sigsetjmp(fault, 1))
        (void)*nobody_s;
    fences_leave();
    assert_true(fault_address == nobody_s && fenced_memory_touched(&fenced[2]) == 64);
    assert_int_equal(sigaction(SIGSEGV, &before, &after), 0);
    assert_true(after.sa_sigaction == note_fault);
    clear(fenced);
}

/* What a kernel sets while it runs stays. */
static void test_a_handler_of_the_kernel_s_own_stays(void **state)
{
    struct sigaction own = {.sa_sigaction = note_fault, .sa_flags = SA_SIGINFO | SA_NODEFER}, before, after;
    (void)state;
    sigemptyset(&own.sa_mask);
    assert_int_equal(sigaction(SIGSEGV, NULL, &before), 0);
    fences_watch();
    assert_int_equal(sigaction(SIGSEGV, &own, NULL), 0);
    fences_leave();
    assert_int_equal(sigaction(SIGSEGV, &before, &after), 0);
    assert_true(after.sa_sigaction == note_fault);
}

static void find_no_room(void)
{
    struct fenced_memory fenced;
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_AS, &none))
        _exit(1);
    _exit(fenced_memory_make(&fenced, 1 << 20, 32, ZONE, NAN_BYTE) || fenced.first ? 1 : 0);
}

static void test_that_there_is_no_room_is_told(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    assert_int_equal(status_of(find_no_room), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_ends_where_its_alignment_lets_it),
        cmocka_unit_test(test_who_reads_is_noted_and_goes_on),
        cmocka_unit_test(test_those_that_stay_are_watched),
        cmocka_unit_test(test_who_writes_is_noted_and_has_written),
        cmocka_unit_test(test_threads_read_at_once),
        cmocka_unit_test(test_other_faults_end_the_process),
        cmocka_unit_test(test_another_handler_has_its_faults),
        cmocka_unit_test(test_a_handler_of_the_kernel_s_own_stays),
        cmocka_unit_test(test_that_there_is_no_room_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
