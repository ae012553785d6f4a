/* The SIMT executor: primitives, barriers, and what it says of threads that diverge. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernels/dialect/simt.h"

struct simt_args {
    float *out;
    int group;
};

static enum error_kind launch_on(int cpu_threads, enum simt_order order, simt_kernel *kernel, struct simt_args args,
                                 struct simt_grid grid, struct error *error)
{
    struct simt_executor *executor;
    if (simt_executor_new(&executor, cpu_threads, order, sizeof(real), error))
        fail_msg("%s", error->text);
    enum error_kind kind = simt_launch(executor, "under_test", kernel, &args, &grid, error);
    simt_executor_free(executor);
    return kind;
}

static void launch(simt_kernel *kernel, struct simt_args args, struct simt_grid grid)
{
    struct error error;
    if (launch_on(1, SIMT_FORWARD, kernel, args, grid, &error))
        fail_msg("%s", error.text);
}

SIMT_KERNEL(write_indices, struct simt_args, args)
{
    unsigned block = blockIdx.y * 3 + blockIdx.x;
    args.out[block * blockDim.x + threadIdx.x] = (float)(block * 1000 + threadIdx.x);
}

static void test_every_thread_of_every_block_runs(void **state)
{
    float out[6 * 64] = {0};
    (void)state;
    for (int cpu_threads = 1; cpu_threads <= 3; cpu_threads += 2) {
        struct error error;
        memset(out, 0, sizeof out);
        assert_int_equal(launch_on(cpu_threads, SIMT_FORWARD, host_write_indices, (struct simt_args){out, 0},
                                   (struct simt_grid){3, 2, 1, 64}, &error),
                         ERROR_NONE);
        for (int i = 0; i < 6 * 64; i++)
            assert_true(out[i] == (float)(i / 64 * 1000 + i % 64));
    }
}

enum { REDUCED = 6 }; /* results of a thread */

SIMT_KERNEL(reduce, struct simt_args, args)
{
    float x = (float)((threadIdx.x * 37) % 61);
    int lane = (int)threadIdx.x % WARP_SIZE;
    float *row = args.out + threadIdx.x * REDUCED, numbers[LANE_DIMS];
    struct warp_scatter scatter;
    struct warp_gather gather;
    for (int n = 0; n < args.group; n++)
        warp_scatter_add_in(STAGE_DOT, &scatter, n, args.group, x + (float)(100 * warp_scatter_index(n, args.group)));
    row[0] = warp_max(x);
    row[1] = warp_sum_in(STAGE_SUM, x, 1);
    row[2] = warp_sum_in(STAGE_SUM, x, args.group);
    row[3] = warp_scatter_end_in(STAGE_DOT, &scatter, args.group);
    warp_gather_begin(&gather, x, args.group);
    row[4] = warp_gather_at(&gather, (lane + 3) % args.group, args.group);
    for (int i = 0; i < LANE_DIMS; i++)
        numbers[i] = (float)(i + 1) * x;
    warp_sums_in(STAGE_SUM, numbers, args.group);
    row[5] = 0;
    for (int i = 0; i < LANE_DIMS; i++)
        row[5] += (float)(1 << i) * numbers[i];
}

/* Against the definitions in simt.h, in integers that f32 holds exactly. */
static void test_warp_primitives(void **state)
{
    (void)state;
    for (int group = 8; group <= 32; group *= 2) {
        float out[64 * REDUCED];
        launch(host_reduce, (struct simt_args){out, group}, (struct simt_grid){1, 1, 1, 64});
        for (int thread = 0; thread < 64; thread++) {
            int warp = thread / 32 * 32, lane = thread % 32, first = thread / group * group, rank = thread % group;
            int max = 0, sum = 0, strided = 0, scattered = 0;
            for (int i = 0; i < 32; i++) {
                int x = ((warp + i) * 37) % 61;
                max = x > max ? x : max;
                sum += x;
                strided += i % group == lane % group ? x : 0;
            }
            for (int r = 0; r < group; r++)
                scattered += ((first + r) * 37) % 61 + 100 * rank;
            int gathered = ((first + (lane + 3) % group) * 37) % 61, weighted = 0;
            for (int i = 0; i < LANE_DIMS; i++)
                weighted += (1 << i) * (i + 1) * strided;
            const int expected[REDUCED] = {max, sum, strided, scattered, gathered, weighted};
            for (int i = 0; i < REDUCED; i++)
                assert_true(out[thread * REDUCED + i] == (float)expected[i]);
        }
    }
}

SIMT_KERNEL(scatter_order, struct simt_args, args)
{
    static const float values[8] = {0x1p24f, 1.0f, -0x1p24f, 1.0f, 3.0f, 0x1p-2f, 1.0f, -3.0f};
    struct warp_scatter scatter;
    for (int n = 0; n < 8; n++)
        warp_scatter_add_in(STAGE_DOT, &scatter, n, 8, values[((int)threadIdx.x % 8 + warp_scatter_index(n, 8)) % 8]);
    args.out[threadIdx.x] = warp_scatter_end_in(STAGE_DOT, &scatter, 8);
}

/* The order of additions is part of the contract: bits on a GPU are compared with it. */
static void test_reduction_order(void **state)
{
    static const float values[8] = {0x1p24f, 1.0f, -0x1p24f, 1.0f, 3.0f, 0x1p-2f, 1.0f, -3.0f};
    float out[32];
    (void)state;
    launch(host_scatter_order, (struct simt_args){out, 0}, (struct simt_grid){1, 1, 1, 32});
    for (int rank = 0; rank < 8; rank++) {
        float x[8];
        for (int r = 0; r < 8; r++)
            x[r] = values[(r + rank) % 8];
        for (int offset = 4; offset > 0; offset /= 2)
            for (int r = 0; r < offset; r++)
                x[r] = x[r] + x[r + offset];
        assert_true(out[rank] == x[0]);
    }
}

SIMT_KERNEL(shared_sum, struct simt_args, args)
{
    __shared__ float values[MAX_BLOCK_THREADS];
    values[threadIdx.x] = (float)(threadIdx.x + blockIdx.x);
    __syncthreads();
    float sum = 0;
    for (unsigned i = 0; i < blockDim.x; i++)
        sum += values[i];
    __syncthreads();
    values[threadIdx.x] = -1;
    args.out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

static void test_shared_memory_and_barriers(void **state)
{
    float out[4 * 256];
    struct error error;
    (void)state;
    for (int order = SIMT_FORWARD; order <= SIMT_BACKWARD; order++) {
        assert_int_equal(launch_on(2, (enum simt_order)order, host_shared_sum, (struct simt_args){out, 0},
                                   (struct simt_grid){4, 1, 1, 256}, &error),
                         ERROR_NONE);
        for (int i = 0; i < 4 * 256; i++)
            assert_true(out[i] == (float)(255 * 128 + 256 * (i / 256)));
    }
}

SIMT_KERNEL(missing_barrier, struct simt_args, args)
{
    __shared__ float value;
    if (threadIdx.x == 0)
        value = 1;
    else if (threadIdx.x == 63)
        value = 2;
    args.out[threadIdx.x] = value;
}

/* What tests of kernels rely on: a race shows as other bits in the opposite order. */
static void test_backward_order_shows_a_race(void **state)
{
    float out[2][64];
    struct error error;
    (void)state;
    for (int order = SIMT_FORWARD; order <= SIMT_BACKWARD; order++)
        launch_on(1, (enum simt_order)order, host_missing_barrier, (struct simt_args){out[order], 0},
                  (struct simt_grid){1, 1, 1, 64}, &error);
    assert_memory_not_equal(out[0], out[1], sizeof out[0]);
}

SIMT_KERNEL(note_block, struct simt_args, args)
{
    if (threadIdx.x == 0) {
        args.out[1 + (int)args.out[0]] = (float)blockIdx.x;
        args.out[0]++;
    }
}

/* An executor takes the order of the next launch; blocks, too, run from the last to the first. */
static void test_backward_order_is_that_of_blocks_too(void **state)
{
    struct simt_executor *executor;
    struct error error;
    (void)state;
    assert_int_equal(simt_executor_new(&executor, 1, SIMT_FORWARD, sizeof(real), &error), ERROR_NONE);
    for (int order = SIMT_BACKWARD; order >= SIMT_FORWARD; order--) {
        float out[1 + 5] = {0};
        simt_executor_set_order(executor, (enum simt_order)order);
        assert_int_equal(simt_launch(executor, "note_block", host_note_block, &(struct simt_args){out, 0},
                                     &(struct simt_grid){5, 1, 1, 64}, &error),
                         ERROR_NONE);
        for (int i = 0; i < 5; i++)
            assert_true(out[1 + i] == (float)(order == SIMT_FORWARD ? i : 4 - i));
    }
    simt_executor_free(executor);
}

SIMT_KERNEL(barrier_in_branch, struct simt_args, args)
{
    if (threadIdx.x < 40)
        __syncthreads();
    args.out[threadIdx.x] = 1;
}

SIMT_KERNEL(shuffle_in_branch, struct simt_args, args)
{
    float x = 1;
    if (threadIdx.x % 2)
        x = warp_max(x);
    else
        x = warp_sum_in(STAGE_SUM, x, 1);
    args.out[threadIdx.x] = x;
}

SIMT_KERNEL(warps_apart, struct simt_args, args)
{
    if (threadIdx.x < 32)
        __syncthreads();
    else
        __syncthreads();
    args.out[threadIdx.x] = 1;
}

SIMT_KERNEL(early_return, struct simt_args, args)
{
    if (threadIdx.x == 5)
        return;
    args.out[threadIdx.x] = warp_max(1);
}

static void test_divergence_is_reported(void **state)
{
    static const struct {
        simt_kernel *kernel;
        const char *places[2];
    } rows[] = {
        {host_barrier_in_branch, {"__syncthreads (", "the end of the kernel"}},
        {host_shuffle_in_branch, {"warp_max (", "warp_sum_in ("}},
        {host_warps_apart, {"__syncthreads (", "test_simt.c:"}},
        {host_early_return, {"warp_max (", "thread 5 "}},
    };
    float out[64];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int order = SIMT_FORWARD; order <= SIMT_BACKWARD; order++) {
            struct error error;
            assert_int_equal(launch_on(2, (enum simt_order)order, rows[i].kernel, (struct simt_args){out, 0},
                                       (struct simt_grid){2, 2, 1, 64}, &error),
                             ERROR_SYSTEM);
            assert_non_null(strstr(error.text, "under_test diverged in block"));
            for (int place = 0; place < 2; place++)
                if (!strstr(error.text, rows[i].places[place]))
                    fail_msg("'%s' does not name '%s'", error.text, rows[i].places[place]);
        }
}

/* An executor that reported an error runs the next kernel as if nothing had happened. */
static void test_usable_after_divergence(void **state)
{
    float out[6 * 64];
    struct simt_executor *executor;
    struct error error;
    struct simt_args args = {out, 0};
    (void)state;
    assert_int_equal(simt_executor_new(&executor, 1, SIMT_FORWARD, sizeof(real), &error), ERROR_NONE);
    assert_int_equal(simt_launch(executor, "a", host_early_return, &args, &(struct simt_grid){1, 1, 1, 64}, &error),
                     ERROR_SYSTEM);
    assert_int_equal(simt_launch(executor, "b", host_write_indices, &args, &(struct simt_grid){3, 2, 1, 64}, &error),
                     ERROR_NONE);
    assert_true(out[6 * 64 - 1] == 5063);
    simt_executor_free(executor);
}

SIMT_KERNEL(gather_apart, struct simt_args, args)
{
    struct warp_gather gather;
    if (threadIdx.x == 5)
        return;
    warp_gather_begin(&gather, 1, args.group);
    args.out[threadIdx.x] = warp_gather_at(&gather, 0, args.group);
}

/* Pages of address space that this process has. */
static long address_space(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &pages), 1);
    fclose(file);
    return pages;
}

/* Where it looks for uses after return, the address sanitizer keeps 2.75 MiB for each fiber: gigabytes if each block
 * had new ones, or if an executor left its fibers' behind. */
static void test_fibers_leave_no_memory(void **state)
{
    static float out[64 * REDUCED];
    struct error error;
    struct simt_args args = {out, 8};
    (void)state;
    launch(host_reduce, args, (struct simt_grid){1, 1, 1, 64});
    long before = address_space();
    for (int i = 0; i < 8; i++) {
        launch(host_reduce, args, (struct simt_grid){1, 1, 1, 64});
        launch_on(1, SIMT_FORWARD, host_gather_apart, args, (struct simt_grid){1, 1, 1, 64}, &error);
    }
    assert_in_range(address_space() - before, 0, (256 << 20) / sysconf(_SC_PAGESIZE));

    struct simt_executor *executor;
    assert_int_equal(simt_executor_new(&executor, 1, SIMT_FORWARD, sizeof(real), &error), ERROR_NONE);
    for (int i = 0; i < 32; i++) {
        simt_launch(executor, "often", host_reduce, &args, &(struct simt_grid){1, 1, 1, 64}, &error);
        simt_launch(executor, "apart", host_gather_apart, &args, &(struct simt_grid){1, 1, 1, 64}, &error);
    }
    assert_in_range(address_space() - before, 0, (256 << 20) / sysconf(_SC_PAGESIZE));
    simt_executor_free(executor);
}

/* One thread, args.group, calls itself until out[1] bytes of its stack are in use. */
static __attribute__((noinline)) void call_down(const char *top, ptrdiff_t bytes)
{
    volatile char frame[32];
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = 1;
    if (top - (const char *)__builtin_frame_address(0) < bytes)
        call_down(top, bytes);
    frame[1] = frame[0]; /* no tail call */
}

SIMT_KERNEL(deep, struct simt_args, args)
{
    if ((int)threadIdx.x == args.group)
        call_down(__builtin_frame_address(0), (ptrdiff_t)args.out[0]);
}

/* Launches `deep` so that thread `thread` takes all its stack, but for `spare` bytes. */
static enum error_kind launch_deep(enum simt_order order, int thread, ptrdiff_t spare, struct error *error)
{
    struct simt_executor *executor;
    if (simt_executor_new(&executor, 1, order, sizeof(real), error))
        fail_msg("%s", error->text);
    float bytes = (float)((ptrdiff_t)simt_stack_bytes(executor) - spare);
    enum error_kind kind = simt_launch(executor, "under_test", host_deep, &(struct simt_args){&bytes, thread},
                                       &(struct simt_grid){1, 1, 1, 64}, error);
    simt_executor_free(executor);
    return kind;
}

/* What a thread other than the first overwrites at the low end of its stack is seen when the block is done. Goes there
 * step by step, so that what lies below is not harmed. */
static void test_stack_overflow_is_reported(void **state)
{
    (void)state;
    for (int order = SIMT_FORWARD; order <= SIMT_BACKWARD; order++) {
        struct error error;
        ptrdiff_t spare = 2048;
        assert_int_equal(launch_deep((enum simt_order)order, 5, spare, &error), ERROR_NONE);
        while (spare > 0 && !launch_deep((enum simt_order)order, 5, spare, &error))
            spare -= 16;
        assert_true(spare > 0);
        assert_non_null(strstr(error.text, "kernel under_test overflowed the stack of thread 5, "));
    }
}

/* The thread that runs first, whose stack is the lowest, cannot go further than that. */
static void test_stack_overflow_of_first_thread_is_stopped(void **state)
{
    (void)state;
    for (int order = SIMT_FORWARD; order <= SIMT_BACKWARD; order++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct error error;
            int nowhere = open("/dev/null", O_WRONLY);
            dup2(nowhere, STDERR_FILENO); /* what a sanitizer says of it */
            signal(SIGSEGV, SIG_DFL);
            launch_deep((enum simt_order)order, order == SIMT_FORWARD ? 0 : 63, -8192, &error);
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

/* As many CPU threads as the program takes; a guard below each fiber would be more mappings than a process may have. */
static void test_many_cpu_threads(void **state)
{
    float out[6 * 64] = {0};
    struct error error;
    (void)state;
    assert_int_equal(launch_on(1024, SIMT_FORWARD, host_write_indices, (struct simt_args){out, 0},
                               (struct simt_grid){3, 2, 1, 64}, &error),
                     ERROR_NONE);
    assert_true(out[6 * 64 - 1] == 5063);
}

static void test_refuses_block_sizes(void **state)
{
    static const unsigned threads[] = {0, 31, 33, 288};
    float out[1];
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++)
        assert_int_equal(launch_on(1, SIMT_FORWARD, host_write_indices, (struct simt_args){out, 0},
                                   (struct simt_grid){1, 1, 1, threads[i]}, &error),
                         ERROR_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_thread_of_every_block_runs),
        cmocka_unit_test(test_warp_primitives),
        cmocka_unit_test(test_reduction_order),
        cmocka_unit_test(test_shared_memory_and_barriers),
        cmocka_unit_test(test_backward_order_shows_a_race),
        cmocka_unit_test(test_backward_order_is_that_of_blocks_too),
        cmocka_unit_test(test_divergence_is_reported),
        cmocka_unit_test(test_usable_after_divergence),
        cmocka_unit_test(test_fibers_leave_no_memory),
        cmocka_unit_test(test_stack_overflow_is_reported),
        cmocka_unit_test(test_stack_overflow_of_first_thread_is_stopped),
        cmocka_unit_test(test_many_cpu_threads),
        cmocka_unit_test(test_refuses_block_sizes),
    };
    return cmocka_run_group_tests_name("simt", tests, NULL, NULL) != 0;
}
