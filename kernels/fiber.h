/*
 * Fibers: stacks that one CPU thread switches between.
 *
 * Switching saves the callee-saved registers alone; the floating-point environment is the thread's.
 */
#ifndef KERNELS_FIBER_H
#define KERNELS_FIBER_H

#include <stddef.h>

#if defined __x86_64__ && !defined FIBER_UCONTEXT
#define FIBER_ASSEMBLY 1
#else
#define FIBER_ASSEMBLY 0
#include <ucontext.h>
#endif

struct fiber {
#if FIBER_ASSEMBLY
    void *stack_pointer;
#else
    ucontext_t context;
#endif
    void *stack; /* lowest address; NULL for the thread's own stack */
    size_t stack_bytes;
    void *shadow; /* the address sanitizer's */
};

/* "x86-64 assembly" or "ucontext". */
extern const char fiber_switch_name[];

/* Makes *fiber start in entry when it is first switched to. entry never returns. */
void fiber_prepare(struct fiber *fiber, void *stack, size_t stack_bytes, void (*entry)(void));

/* Saves the running fiber in *from and continues *to. */
void fiber_switch(struct fiber *from, struct fiber *to);

/* First thing that entry calls, before anything else runs on the new stack. */
void fiber_started(void);

#endif
