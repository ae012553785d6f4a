#include "kernels/dialect/fiber.h"

#include <stdint.h>
#include <string.h>

#if FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* Frames of a fiber that was left for good still mark its stack. */
static void forget_frames(void *stack, size_t stack_bytes)
{
    __asan_unpoison_memory_region(stack, stack_bytes);
}
#else
static void forget_frames(void *stack, size_t stack_bytes)
{
    (void)stack, (void)stack_bytes;
}
#endif

#if FIBER_ASSEMBLY
const char fiber_switch_name[] = "x86-64 assembly";

/*
 * void simt_switch_stacks(void **save, void *load): System V AMD64 ABI 1.0, section 3.2.1, callee-saved registers.
 *
 * Ends in a jump: a lane goes on behind the place where it waited last, which is not where the lane before it waits
 * now, and what a processor predicts of `ret` is the call before it. A wrong guess costs as much as all of a switch.
 */
void simt_switch_stacks(void **save, void *load);
__asm__(".text\n"
        ".globl simt_switch_stacks\n"
        ".hidden simt_switch_stacks\n"
        ".type simt_switch_stacks, @function\n"
        ".p2align 4\n"
        "simt_switch_stacks:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    popq %rcx\n"
        "    jmpq *%rcx\n"
        ".size simt_switch_stacks, . - simt_switch_stacks\n");

void fiber_prepare(struct fiber *fiber, void *stack, size_t stack_bytes, void (*entry)(void))
{
    /* Six registers, the address that the switch jumps to, and the word that makes the stack look like after a call. */
    forget_frames(stack, stack_bytes);
    uintptr_t top = ((uintptr_t)stack + stack_bytes) & ~(uintptr_t)15;
    void **words = (void **)top - 8;
    memset(words, 0, 8 * sizeof *words);
    memcpy(&words[6], &entry, sizeof entry);
    *fiber =
        (struct fiber){.stack_pointer = words, .stack = stack, .stack_bytes = stack_bytes, .shadow = fiber->shadow};
}

static void switch_stacks(struct fiber *from, struct fiber *to)
{
    simt_switch_stacks(&from->stack_pointer, to->stack_pointer);
}
#else
const char fiber_switch_name[] = "ucontext";

void fiber_prepare(struct fiber *fiber, void *stack, size_t stack_bytes, void (*entry)(void))
{
    forget_frames(stack, stack_bytes);
    *fiber = (struct fiber){.stack = stack, .stack_bytes = stack_bytes, .shadow = fiber->shadow};
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = stack;
    fiber->context.uc_stack.ss_size = stack_bytes;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, entry, 0);
}

static void switch_stacks(struct fiber *from, struct fiber *to)
{
    swapcontext(&from->context, &to->context);
}
#endif

#if FIBER_ASAN
static _Thread_local struct fiber *fiber_left; /* the one that the running fiber was switched to from */

/* The thread's own stack has bounds that only the sanitizer knows, and tells once it was left. */
static void finish_switch(void *shadow)
{
    const void *stack;
    size_t stack_bytes;
    __sanitizer_finish_switch_fiber(shadow, &stack, &stack_bytes);
    if (!fiber_left->stack_bytes) {
        memcpy(&fiber_left->stack, &stack, sizeof stack);
        fiber_left->stack_bytes = stack_bytes;
    }
}

void fiber_switch(struct fiber *from, struct fiber *to)
{
    fiber_left = from;
    __sanitizer_start_switch_fiber(&from->shadow, to->stack, to->stack_bytes);
    switch_stacks(from, to);
    finish_switch(from->shadow);
}

void fiber_started(struct fiber *fiber)
{
    finish_switch(fiber->shadow);
}

/*
 * To find uses after return, the sanitizer puts a fiber's frames on a fake stack that is 11 times as large as the real
 * one. Every fiber that runs has one; the next on the same stack takes it over, since making one costs more than most
 * fibers do. It is freed only when the fiber is left with no place to save it in (common_interface_defs.h): told of a
 * switch to the fiber and of one back, the sanitizer frees it. In between nothing runs.
 */
void fiber_release(struct fiber *fiber)
{
    void *own_shadow;
    const void *own_stack;
    size_t own_bytes;
    if (!fiber->shadow)
        return;
    __sanitizer_start_switch_fiber(&own_shadow, fiber->stack, fiber->stack_bytes);
    __sanitizer_finish_switch_fiber(fiber->shadow, &own_stack, &own_bytes);
    __sanitizer_start_switch_fiber(NULL, own_stack, own_bytes);
    __sanitizer_finish_switch_fiber(own_shadow, NULL, NULL);
    fiber->shadow = NULL;
}
#else
void fiber_switch(struct fiber *from, struct fiber *to)
{
    switch_stacks(from, to);
}

void fiber_started(struct fiber *fiber)
{
    (void)fiber;
}

void fiber_release(struct fiber *fiber)
{
    (void)fiber;
}
#endif
