#include "harness/command/interrupt.h"

#include <signal.h>
#include <stddef.h>

/* Reached by the signal handler, hence global. */
static struct progress progress;

/* The first signal asks for an orderly end, the second ends at once, but for SIGHUP: a terminal that goes away may send
 * it twice, by the shell and by the kernel. nohup's wish to ignore it is kept. */
static void on_signal(int number)
{
    (void)number;
    atomic_store_explicit(&progress.cancelled, true, memory_order_relaxed);
}

struct progress *interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND | SA_RESTART}, before;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_flags = SA_RESTART;
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error, reported like any other */
    return &progress;
}
