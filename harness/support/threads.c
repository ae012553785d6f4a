#include "harness/support/threads.h"

#include <errno.h>
#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/computing_environment.h"

int threads_quota(const char *path)
{
    double quota_us, period_us;
    char line[80] = "";
    FILE *file = fopen(path, "r");
    if (!file)
        return THREADS_MAX;
    bool limited = fgets(line, sizeof line, file) && sscanf(line, "%lf %lf", &quota_us, &period_us) == 2 &&
                   quota_us > 0 && period_us > 0;
    fclose(file);
    double cpus = limited ? ceil(quota_us / period_us) : THREADS_MAX; /* "max 100000" where there is no quota */
    return cpus < THREADS_MAX ? (int)cpus : THREADS_MAX;
}

int threads_default(void)
{
    int threads = omp_get_max_threads();
    int quota = getenv("OMP_NUM_THREADS") ? THREADS_MAX : threads_quota("/sys/fs/cgroup/cpu.max");
    threads = threads < quota ? threads : quota;
    return threads < 1 ? 1 : threads;
}

/* ---- stacks ------------------------------------------------------------------------------------------------------ */

/* What a thread's stack has to have left where it begins: GMP puts up to 64 KiB of what is short there, and the rest is
 * room for all else. */
enum { STACK_LEFT_BYTES = 256 << 10 };

/* What threads that we start ourselves have: what a main thread has as a rule. */
enum { STACK_BYTES = 8 << 20 };

int thread_start(pthread_t *thread, void *(*work)(void *context), void *context)
{
    pthread_attr_t attributes;
    int failure = pthread_attr_init(&attributes);
    if (failure)
        return failure;
    failure = pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (!failure)
        failure = pthread_create(thread, &attributes, work, context);
    pthread_attr_destroy(&attributes);
    return failure;
}

/* As OMP_STACKSIZE says it: a number, then B, K, M or G; K without one. 0: nothing that OpenMP would take. */
static size_t parse_stack_size(const char *text)
{
    static const char units[] = "bkmg";
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (end == text || errno || strchr(text, '-'))
        return 0;
    end += strspn(end, " \t");
    const char *unit = *end ? strchr(units, *end | 0x20) : &units[1];
    int shift = unit ? 10 * (int)(unit - units) : 0;
    end += *end != '\0';
    if (!unit || end[strspn(end, " \t")] || number > SIZE_MAX >> shift)
        return 0;
    return (size_t)number << shift;
}

/* What OpenMP's threads have for a stack: what the environment says, else what any thread has. */
static void set_stack_size(pthread_attr_t *attributes)
{
    static const char *const variables[] = {"OMP_STACKSIZE", "GOMP_STACKSIZE"};
    for (int i = 0; i < 2; i++) {
        const char *text = getenv(variables[i]);
        size_t size = text ? parse_stack_size(text) : 0;
        if (size) {
            pthread_attr_setstacksize(attributes, size); /* a size that is none changes nothing, there and here */
            return;
        }
    }
}

/* Bytes of the calling thread's stack below here: variables of the thread lie in it as well, and are not small. */
static size_t stack_left(void)
{
    pthread_attr_t attributes;
    char here;
    void *low = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return SIZE_MAX;
    if (pthread_attr_getstack(&attributes, &low, &size) != 0)
        low = NULL;
    pthread_attr_destroy(&attributes);
    return low ? (size_t)(&here - (char *)low) : SIZE_MAX;
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

struct trial {
    pthread_mutex_t mutex;
    size_t stack_left; /* of the thread that has least */
};

/* Ends once the mutex is free. */
static void *wait_for(void *context)
{
    struct trial *trial = context;
    size_t left = stack_left();
    pthread_mutex_lock(&trial->mutex);
    trial->stack_left = left < trial->stack_left ? left : trial->stack_left;
    pthread_mutex_unlock(&trial->mutex);
    return NULL;
}

enum error_kind threads_start(int threads, struct error *error)
{
    struct trial trial = {PTHREAD_MUTEX_INITIALIZER, SIZE_MAX};
    pthread_t *others = calloc((size_t)threads, sizeof *others);
    pthread_attr_t attributes;
    int started = 0, failure = others ? pthread_attr_init(&attributes) : ENOMEM;
    if (failure) {
        free(others);
        return error_memory(error, "threads", (double)threads * (double)sizeof *others);
    }

    /* All at once, as OpenMP will have them, which ends the program where it cannot. */
    set_stack_size(&attributes);
    pthread_mutex_lock(&trial.mutex);
    while (started < threads - 1 && !(failure = pthread_create(&others[started], &attributes, wait_for, &trial)))
        started++;
    pthread_mutex_unlock(&trial.mutex);
    for (int i = 0; i < started; i++)
        pthread_join(others[i], NULL);
    pthread_mutex_destroy(&trial.mutex);
    pthread_attr_destroy(&attributes);
    free(others);
    if (trial.stack_left < STACK_LEFT_BYTES || failure == EINVAL) /* EINVAL: less than a thread's own variables */
        return error_set(error, ERROR_SYSTEM,
                         "the stack of a thread is too small; allowed: OMP_STACKSIZE, or where it is not set `ulimit "
                         "-s`, of 2 MiB or more");
    if (failure)
        return error_set(error, ERROR_SYSTEM, "%d threads: the system starts no more than %d (%s); see `ulimit -a`",
                         threads, started + 1, strerror(failure));
#pragma omp parallel num_threads(threads)
    {
        COMPUTING_ENVIRONMENT(); /* an empty region is compiled to nothing */
    }
    return ERROR_NONE;
}
