/*
 * An allocator for a program that tests what becomes of memory that runs out: every library in it takes it. It fails
 * the allocation whose turn it is, if the library that is tested asks, or those parts of libc and jansson do that
 * answer to it. One source includes it. Where a sanitizer has an allocator there is none, and OTHER_ALLOCATOR says so.
 */
#ifndef HARNESS_SUPPORT_TESTS_FAILING_MEMORY_H
#define HARNESS_SUPPORT_TESTS_FAILING_MEMORY_H

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_ALLOCATOR 1 /* the sanitizer's, which must not be replaced */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OTHER_ALLOCATOR 1
#endif
#endif

#ifndef OTHER_ALLOCATOR

/* glibc's, under the names that it has beside. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

enum { SLOTS = 1 << 16 };

static struct {
    bool on;       /* counts, and fails */
    bool inside;   /* asks who is asking */
    long count;    /* allocations so far */
    long fails_at; /* the one that fails; -1: none */
    bool and_after;
    long failed;
    long live;               /* of those counted, not yet freed */
    const void *held[SLOTS]; /* which these are: open addressing */
} turn = {.fails_at = -1};

static size_t slot_of(const void *memory)
{
    size_t slot = (uintptr_t)memory / 16 * 0x9e3779b97f4a7c15u >> 48;
    while (turn.held[slot % SLOTS] && turn.held[slot % SLOTS] != memory)
        slot++;
    return slot % SLOTS;
}

static void *hold(void *memory)
{
    if (memory) {
        turn.held[slot_of(memory)] = memory;
        turn.live++;
    }
    return memory;
}

/* Takes it out, and what was put behind it for want of its slot moves up. */
static void let_go(const void *memory)
{
    size_t slot = slot_of(memory);
    if (!memory || !turn.held[slot])
        return;
    turn.held[slot] = NULL;
    turn.live--;
    for (size_t next = (slot + 1) % SLOTS; turn.held[next]; next = (next + 1) % SLOTS) {
        const void *moved = turn.held[next];
        turn.held[next] = NULL;
        turn.held[slot_of(moved)] = moved;
    }
}

static bool is_of(const void *caller, const char *const *libraries, size_t count)
{
    Dl_info info;
    bool found = dladdr(caller, &info) == 0 || !info.dli_fname;
    for (size_t i = 0; !found && i < count; i++)
        found = strstr(info.dli_fname, libraries[i]);
    return found;
}

/* Whether libc asks for libfyaml, which asks it for copies of strings. */
static bool is_for_yaml(const void *caller)
{
    static const char *const libc = "libc.so", *const yaml = "libfyaml";
    void *frames[16];
    bool found = false;
    if (!is_of(caller, &libc, 1))
        return false;
    int count = backtrace(frames, 16);
    for (int i = 0; i < count && !found; i++)
        found = is_of(frames[i], &yaml, 1);
    return found;
}

/* Whether whoever asks is to take a failure for an answer. */
static bool counts(const void *caller)
{
    static const char *const others[] = {"libgmp", "libmpfr", "libgomp", "libomp", "libfyaml", "ld-linux", "libcmocka"};
    if (!turn.on || turn.inside)
        return false;
    turn.inside = true;
    bool counted = !is_of(caller, others, sizeof others / sizeof *others) && !is_for_yaml(caller);
    turn.inside = false;
    return counted;
}

static bool fails(void)
{
    long now = turn.count++;
    bool failing = turn.fails_at >= 0 && (now == turn.fails_at || (turn.and_after && now > turn.fails_at));
    turn.failed += failing;
    if (failing)
        errno = ENOMEM;
    return failing;
}

void *malloc(size_t size)
{
    if (!counts(__builtin_return_address(0)))
        return __libc_malloc(size);
    return fails() ? NULL : hold(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    if (!counts(__builtin_return_address(0)))
        return __libc_calloc(count, size);
    return fails() ? NULL : hold(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size)
{
    if (!counts(__builtin_return_address(0)))
        return __libc_realloc(memory, size);
    if (fails())
        return NULL;
    let_go(memory);
    return hold(__libc_realloc(memory, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (!counts(__builtin_return_address(0)))
        return __libc_memalign(alignment, size);
    return fails() ? NULL : hold(__libc_memalign(alignment, size));
}

void free(void *memory)
{
    if (turn.on && memory)
        let_go(memory);
    __libc_free(memory);
}

#endif
#endif
