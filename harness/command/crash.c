#include "harness/command/crash.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernels/dialect/fiber.h"
#include "kernels/dialect/simt_host.h"

static const struct crash_signal {
    int number;
    const char *name;
} signals[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"}};

enum { NUM_SIGNALS = sizeof signals / sizeof signals[0] };

enum { STACK_BYTES = 1 << 21 }; /* of the thread that closes sinks */

/* Reached by the signal handler, hence global. */
static struct crash_watch {
    bool watching;
    pthread_t thread;
    sem_t wake;
    atomic_int crashed; /* the signal; 0: none */
    int (*end)(void *context, const char *signal);
    void *context;
    struct sigaction before[NUM_SIGNALS];
} watch;

static void on_crash(int number)
{
    int none = 0;
    if (!simt_runs_here()) {
        signal(number, SIG_DFL);
        raise(number); /* once this handler has returned */
        return;
    }
    if (atomic_compare_exchange_strong(&watch.crashed, &none, number))
        sem_post(&watch.wake);
    for (;;)
        pause();
}

static const char *name_of(int number)
{
    const struct crash_signal *found = signals;
    while (found->number != number)
        found++;
    return found->name;
}

static void *wait_for_crash(void *nothing)
{
    (void)nothing;
    while (sem_wait(&watch.wake) && errno == EINTR)
        ;
    int crashed = atomic_load(&watch.crashed);
    if (!crashed)
        return NULL;
    int code = watch.end(watch.context, name_of(crashed));
    fflush(NULL);
    _exit(code);
}

/* The thread takes no signals: those are for the others. */
static int start_thread(void)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    int reason = pthread_attr_init(&attributes);
    if (reason)
        return reason;
    sigfillset(&all);
    for (int i = 0; i < NUM_SIGNALS; i++)
        sigdelset(&all, signals[i].number);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    reason = pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (!reason)
        reason = pthread_create(&watch.thread, &attributes, wait_for_crash, NULL);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return reason;
}

enum error_kind crash_watch_begin(int (*end)(void *context, const char *signal), void *context, struct error *error)
{
    if (FIBER_ASAN)
        return ERROR_NONE;
    watch = (struct crash_watch){.end = end, .context = context};
    sem_init(&watch.wake, 0, 0);
    int reason = start_thread();
    if (reason) {
        sem_destroy(&watch.wake);
        return error_set(error, ERROR_SYSTEM, "cannot start a thread: %s", strerror(reason));
    }
    watch.watching = true;
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < NUM_SIGNALS; i++)
        sigaction(signals[i].number, &action, &watch.before[i]);
    return ERROR_NONE;
}

void crash_watch_end(void)
{
    if (!watch.watching)
        return;
    for (int i = 0; i < NUM_SIGNALS; i++)
        sigaction(signals[i].number, &watch.before[i], NULL);
    sem_post(&watch.wake);
    pthread_join(watch.thread, NULL);
    sem_destroy(&watch.wake);
    watch.watching = false;
}
