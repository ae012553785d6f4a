#include "harness/support/threads.h"

#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdbool.h>
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

/* Ends once the mutex is free. */
static void *wait_for(void *mutex)
{
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    return NULL;
}

enum error_kind threads_start(int threads, struct error *error)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_t *others = calloc((size_t)threads, sizeof *others);
    int started = 0, failure = 0;
    if (!others)
        return error_memory(error, "threads", (double)threads * (double)sizeof *others);

    /* All at once, as OpenMP will have them. */
    pthread_mutex_lock(&mutex);
    while (started < threads - 1 && !(failure = pthread_create(&others[started], NULL, wait_for, &mutex)))
        started++;
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < started; i++)
        pthread_join(others[i], NULL);
    pthread_mutex_destroy(&mutex);
    free(others);
    if (failure)
        return error_set(error, ERROR_SYSTEM, "%d threads: the system starts no more than %d (%s); see `ulimit -a`",
                         threads, started + 1, strerror(failure));
#pragma omp parallel num_threads(threads)
    {
        COMPUTING_ENVIRONMENT(); /* an empty region is compiled to nothing */
    }
    return ERROR_NONE;
}
