#include "kernels/dialect/simt_host.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "kernels/dialect/fiber.h"
#include "reference/computing_environment.h"

#if FIBER_ASAN || !defined __OPTIMIZE__
enum { STACK_BYTES = 256 * 1024 };
#else
enum { STACK_BYTES = 32 * 1024 }; /* a kernel's frame is below 4 KiB */
#endif
enum { STACK_REALS = 1024 }; /* of a frame, at most: what it grows by where a real is larger than a float */

/* Frames of a warp's lanes, which take turns, lie this much further apart than a power of two, the canary included: one
 * way of a first cache, 4 KiB, is then a frame's beginning at every second line, and lanes do not take each other's
 * lines there before all of it is used. */
enum { STACK_STAGGER_BYTES = 4096 / WARP_SIZE };

/*
 * Stacks of a block lie one above the other. All threads run one kernel, so a stack that is too small is so for the
 * thread that runs first, and below that one's stack lies a guard that may not be touched. A guard below each would be
 * 512 mappings a CPU thread, of which Linux gives a process 65530 (vm.max_map_count). What only another thread's calls
 * need ends in its canary, which is looked at when the block is done.
 */
enum { GUARD_ZONE_BYTES = 64 * 1024, CANARY_WORDS = 8, SIGNAL_STACK_BYTES = 64 * 1024 };
static const uint64_t canary_word = 0xc5a1f0e37b926d84;

/* One block, run by one CPU thread. */
struct block_runner {
    _Alignas(64) struct simt_block block; /* first: what kernels see */
    struct fiber host;
    struct fiber fibers[MAX_BLOCK_THREADS];
    const struct simt_site *site[MAX_BLOCK_THREADS];
    char *mapping, *stacks; /* the stacks lie behind the mapping's guard, and behind them that of signals */
    size_t stack_bytes;     /* of one fiber */
    int threads;
    int step;      /* from a thread to the one whose turn is next: 1 or, backwards, -1 */
    int last_lane; /* of a warp to have its turn */
    simt_kernel *kernel;
    const void *arguments;
    int diverged[2]; /* two threads that wait at different places; equal: none */
    int overflowed;  /* a thread whose stack was too small, or -1 */
};

struct simt_executor {
    int count;
    struct block_runner **runners; /* [count], one a CPU thread */
    size_t mapping_bytes;          /* of one runner */
};

_Thread_local struct simt_block *simt_block;

static const struct simt_site site_exit = {"the end of the kernel", NULL, 0, STAGE_NONE};

/* ---- taking turns ---- */

static struct block_runner *runner_here(void)
{
    return (struct block_runner *)simt_block;
}

static void switch_to(struct block_runner *runner, int from, int to)
{
    runner->block.thread = to;
    fiber_switch(&runner->fibers[from], &runner->fibers[to]);
}

/* Two places are one if they are the same line: inlining may have made copies of a site. */
static bool same_site(const struct simt_site *a, const struct simt_site *b)
{
    return a == b || (a->line == b->line && a->file && b->file && !strcmp(a->file, b->file));
}

/* The usual case, that `count` threads wait at one copy of a place, without a branch for each. */
static bool all_at(const struct simt_site *const *sites, int count, const struct simt_site *site)
{
    uintptr_t differences = 0;
    for (int i = 0; i < count; i++)
        differences |= (uintptr_t)sites[i] ^ (uintptr_t)site;
    return differences == 0;
}

/* Leaves the block for good if one of `count` threads, of which `here` arrives last, waits elsewhere than that one. */
static void check_convergence(struct block_runner *runner, int here, int count)
{
    const struct simt_site *site = runner->site[here];
    int first = here - (count - 1) * runner->step, low = first < here ? first : here;
    if (all_at(runner->site + low, count, site))
        return;
    for (int i = first; i != here; i += runner->step)
        if (!same_site(runner->site[i], site)) {
            runner->diverged[0] = i;
            runner->diverged[1] = here;
            fiber_switch(&runner->fibers[here], &runner->host);
        }
}

/* The last lane of its warp goes on with the first one. */
static __attribute__((noinline)) void end_warp_round(struct block_runner *runner, simt_combine *combine, void *values,
                                                     int group)
{
    int thread = runner->block.thread;
    check_convergence(runner, thread, WARP_SIZE);
    combine(values, group, runner->site[thread]->stage);
    runner->block.copy ^= 1;
    switch_to(runner, thread, thread - (WARP_SIZE - 1) * runner->step);
}

static bool last_of_warp(const struct block_runner *runner, int thread)
{
    return (int)((unsigned)thread % WARP_SIZE) == runner->last_lane;
}

void simt_warp_arrive(const struct simt_site *site, simt_combine *combine, void *values, int group)
{
    struct block_runner *runner = runner_here();
    int thread = runner->block.thread;
    runner->site[thread] = site;
    if (last_of_warp(runner, thread))
        end_warp_round(runner, combine, values, group);
    else
        switch_to(runner, thread, thread + runner->step);
}

void simt_block_arrive(const struct simt_site *site)
{
    struct block_runner *runner = runner_here();
    int thread = runner->block.thread, last = runner->step > 0 ? runner->threads - 1 : 0;
    runner->site[thread] = site;
    if (last_of_warp(runner, thread))
        check_convergence(runner, thread, WARP_SIZE);
    if (thread != last) {
        switch_to(runner, thread, thread + runner->step);
        return;
    }
    check_convergence(runner, thread, runner->threads);
    if (site == &site_exit)
        fiber_switch(&runner->fibers[thread], &runner->host);
    else
        switch_to(runner, thread, thread - (runner->threads - 1) * runner->step);
}

bool simt_runs_here(void)
{
    return simt_block;
}

static void fiber_entry(void)
{
    struct block_runner *runner = runner_here();
    fiber_started(&runner->fibers[runner->block.thread]);
    runner->kernel(runner->arguments);
    simt_block_arrive(&site_exit);
    abort(); /* nobody switches back to a thread that ended */
}

/* The low end of a thread's stack; the thread that runs first has the lowest. */
static uint64_t *canary_of(const struct block_runner *runner, int thread)
{
    int place = runner->step > 0 ? thread : runner->threads - 1 - thread;
    return (uint64_t *)(runner->stacks + (size_t)place * runner->stack_bytes);
}

static void prepare_stack(struct block_runner *runner, int thread)
{
    uint64_t *canary = canary_of(runner, thread);
    for (int word = 0; word < CANARY_WORDS; word++)
        canary[word] = canary_word;
    fiber_prepare(&runner->fibers[thread], canary + CANARY_WORDS, runner->stack_bytes - CANARY_WORDS * sizeof canary[0],
                  fiber_entry);
}

static bool stack_overflowed(const struct block_runner *runner, int thread)
{
    const uint64_t *canary = canary_of(runner, thread);
    uint64_t difference = 0;
    for (int word = 0; word < CANARY_WORDS; word++)
        difference |= canary[word] ^ canary_word;
    return difference != 0;
}

static void run_block(struct block_runner *runner, struct simt_index block_idx)
{
    runner->block.block_idx = block_idx;
    runner->block.thread = runner->step > 0 ? 0 : runner->threads - 1;
    runner->diverged[0] = runner->diverged[1] = 0;
    runner->overflowed = -1;
    for (int i = 0; i < runner->threads; i++)
        prepare_stack(runner, i);

    simt_block = &runner->block;
    fiber_switch(&runner->host, &runner->fibers[runner->block.thread]);
    simt_block = NULL;
    for (int i = 0; i < runner->threads && runner->overflowed < 0; i++)
        if (stack_overflowed(runner, i))
            runner->overflowed = i;
}

/* ---- launching ---- */

static void set_order(struct block_runner *runner, enum simt_order order)
{
    runner->step = order == SIMT_FORWARD ? 1 : -1;
    runner->last_lane = order == SIMT_FORWARD ? WARP_SIZE - 1 : 0;
}

enum error_kind simt_executor_new(struct simt_executor **executor, int threads, enum simt_order order,
                                  size_t real_bytes, struct error *error)
{
    size_t stack_bytes = STACK_BYTES + STACK_REALS * (real_bytes - sizeof(float)) + STACK_STAGGER_BYTES;
    struct simt_executor *made = calloc(1, sizeof *made);
    *executor = made;
    if (!made || !(made->runners = calloc((size_t)threads, sizeof *made->runners)))
        goto failed;
    made->mapping_bytes = GUARD_ZONE_BYTES + MAX_BLOCK_THREADS * stack_bytes + SIGNAL_STACK_BYTES;
    while (made->count < threads) {
        struct block_runner *runner = aligned_alloc(64, sizeof *runner);
        if (!runner)
            goto failed;
        memset(runner, 0, sizeof *runner);
        set_order(runner, order);
        runner->stack_bytes = stack_bytes;
        runner->block.exchange = aligned_alloc(64, 2 * WARP_SIZE * WARP_SIZE * real_bytes);
        runner->mapping = mmap(NULL, made->mapping_bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        made->runners[made->count++] = runner;
        if (runner->mapping == MAP_FAILED || !runner->block.exchange ||
            mprotect(runner->mapping, GUARD_ZONE_BYTES, PROT_NONE))
            goto failed;
        (void)madvise(runner->mapping, made->mapping_bytes, MADV_NOHUGEPAGE); /* a hint: few of its pages are used */
        runner->stacks = runner->mapping + GUARD_ZONE_BYTES;
    }
    return ERROR_NONE;
failed:
    simt_executor_free(made);
    *executor = NULL;
    return error_memory(error, "the host device", (double)threads * MAX_BLOCK_THREADS * (double)stack_bytes);
}

void simt_executor_free(struct simt_executor *executor)
{
    if (!executor)
        return;
    for (int i = 0; i < executor->count; i++) {
        for (int j = 0; j < MAX_BLOCK_THREADS; j++)
            fiber_release(&executor->runners[i]->fibers[j]);
        if (executor->runners[i]->mapping != MAP_FAILED)
            munmap(executor->runners[i]->mapping, executor->mapping_bytes);
        free(executor->runners[i]->block.exchange);
        free(executor->runners[i]);
    }
    free(executor->runners);
    free(executor);
}

void simt_executor_set_order(struct simt_executor *executor, enum simt_order order)
{
    for (int i = 0; i < executor->count; i++)
        set_order(executor->runners[i], order);
}

unsigned simt_executor_threads(const struct simt_executor *executor)
{
    return (unsigned)executor->count;
}

size_t simt_stack_bytes(const struct simt_executor *executor)
{
    return executor->runners[0]->stack_bytes;
}

static enum error_kind report_overflow(struct error *error, const char *name, const struct block_runner *runner)
{
    char size[32];
    return error_set(error, ERROR_SYSTEM, "kernel %s overflowed the stack of thread %d, %s, in block (%u, %u, %u)",
                     name, runner->overflowed, format_size(size, (double)runner->stack_bytes),
                     runner->block.block_idx.x, runner->block.block_idx.y, runner->block.block_idx.z);
}

static enum error_kind report_divergence(struct error *error, const char *name, const struct block_runner *runner)
{
    char places[2][256];
    for (int i = 0; i < 2; i++) {
        const struct simt_site *site = runner->site[runner->diverged[i]];
        snprintf(places[i], sizeof places[i], site->file ? "%s (%s:%d)" : "%s", site->primitive, site->file,
                 site->line);
    }
    return error_set(error, ERROR_SYSTEM,
                     "kernel %s diverged in block (%u, %u, %u): thread %d waits at %s while thread %d waits at %s",
                     name, runner->block.block_idx.x, runner->block.block_idx.y, runner->block.block_idx.z,
                     runner->diverged[0], places[0], runner->diverged[1], places[1]);
}

enum error_kind simt_launch(struct simt_executor *executor, const char *name, simt_kernel *kernel,
                            const void *arguments, const struct simt_grid *grid, struct error *error)
{
    enum error_kind result = ERROR_NONE;
    long layer = (long)grid->blocks_x * (long)grid->blocks_y, blocks = layer * (long)grid->blocks_z;
    int next_runner = 0;
    atomic_bool failed = false;

    if (grid->threads == 0 || grid->threads % WARP_SIZE || grid->threads > MAX_BLOCK_THREADS)
        return error_set(error, ERROR_SYSTEM, "kernel %s: %u threads a block; allowed: multiples of %d up to %d", name,
                         grid->threads, WARP_SIZE, MAX_BLOCK_THREADS);

#pragma omp parallel num_threads(executor->count)
    {
        COMPUTING_ENVIRONMENT();
        struct block_runner *runner;
#pragma omp critical
        runner = executor->runners[next_runner++];
        runner->kernel = kernel;
        runner->arguments = arguments;
        runner->threads = (int)grid->threads;
        runner->block.block_dim = (struct simt_index){grid->threads, 1, 1};
        runner->host = (struct fiber){0};
        stack_t before,
            stack = {.ss_sp = runner->stacks + MAX_BLOCK_THREADS * runner->stack_bytes, .ss_size = SIGNAL_STACK_BYTES};
        bool has_stack = sigaltstack(&stack, &before) == 0;
#pragma omp for schedule(dynamic, 1) nowait
        for (long turn = 0; turn < blocks; turn++) {
            if (failed)
                continue;
            long block = runner->step > 0 ? turn : blocks - 1 - turn;
            run_block(runner,
                      (struct simt_index){(unsigned)(block % grid->blocks_x),
                                          (unsigned)(block % layer / grid->blocks_x), (unsigned)(block / layer)});
            bool overflowed = runner->overflowed >= 0;
            if (overflowed || runner->diverged[0] != runner->diverged[1]) {
#pragma omp critical
                if (!failed) {
                    failed = true;
                    result = overflowed ? report_overflow(error, name, runner) : report_divergence(error, name, runner);
                }
            }
        }
        if (has_stack)
            sigaltstack(&before, NULL);
    }
    return result;
}
