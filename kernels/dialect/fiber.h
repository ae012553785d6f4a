/*
 * Fibers: stacks that one CPU thread switches between.
 *
 * Switching saves the callee-saved registers alone; the floating-point environment is the thread's.
 */
#ifndef KERNELS_DIALECT_FIBER_H
#define KERNELS_DIALECT_FIBER_H

#include <stddef.h>

#if defined __x86_64__ && !defined FIBER_UCONTEXT
#define FIBER_ASSEMBLY 1
#else
#define FIBER_ASSEMBLY 0
#include <ucontext.h>
#endif

#if defined __SANITIZE_ADDRESS__
#define FIBER_ASAN 1
#elif defined __has_feature
#define FIBER_ASAN __has_feature(address_sanitizer)
#else
#define FIBER_ASAN 0
#endif

struct fiber {
#if FIBER_ASSEMBLY
    void *stack_pointer;
#else
    ucontext_t context;
#endif
    void *stack; /* lowest address; NULL for the thread's own stack */
    size_t stack_bytes;
    void *shadow; /* the address sanitizer's, from one prepare to the next */
};

/* "x86-64 assembly" or "ucontext". */
extern const char fiber_switch_name[];

/* Makes *fiber, zeroed or prepared before, start in entry when it is first switched to. entry never returns. */
void fiber_prepare(struct fiber *fiber, void *stack, size_t stack_bytes, void (*entry)(void));

/* Saves the running fiber in *from and continues *to. */
void fiber_switch(struct fiber *from, struct fiber *to);

/* First thing that entry calls, before anything else runs on the new stack. */
void fiber_started(struct fiber *fiber);

/* Frees what belongs to a fiber, zeroed or prepared, that neither runs nor is continued. Its stack is the caller's. */
void fiber_release(struct fiber *fiber);

#endif
