#include <stdlib.h>
#include <string.h>

#include "harness/run/walk.h"
#include "harness/run/walking.h"
#include "harness/support/threads.h"
#include "reference/computing_environment.h"

/* Whether two points that stand together share their inputs: who works on one works on the other. */
static bool points_belong(const struct point *a, const struct point *b)
{
    return problem_spec_equal(&a->problem, &b->problem);
}

/* Takes points [*first, *end) that belong together; false if there are none. Those that are kept are done with. */
static bool take_points(struct walking *walking, size_t *first, size_t *end)
{
    const struct walk *walk = walking->walk;
    const struct point *points = walk->selection->points;
    pthread_mutex_lock(&walking->mutex);
    for (; walking->next < walk->selection->count && walk->kept[walking->next] && !walking_is_to_end(walking);
         walking->next++)
        walking_keep_point(walking, walking->next);
    bool taken = !walking_is_to_end(walking) && walking->next < walk->selection->count;
    *first = *end = walking->next;
    while (taken && *end < walk->selection->count && !walk->kept[*end] && points_belong(&points[*first], &points[*end]))
        ++*end;
    walking->next = *end;
    pthread_mutex_unlock(&walking->mutex);
    return taken;
}

/* Whether records go to nobody who reads k and v. A sink that says nothing has them. */
static bool is_without_keys(const struct walk *walk)
{
    bool without = true;
    for (size_t i = 0; i < walk->num_sinks; i++)
        without = without && walk->sinks[i].kind->without_keys;
    return without;
}

struct worker {
    struct walking *walking;
    struct device *device;                 /* of its own: two launches at a time would mix on one */
    const struct foreign_subject *foreign; /* the same; NULL: there is none */
    void *opened;                          /* what foreign is of, unless it is the walk's own */
    pthread_t thread;
    bool started;
};

static int threads_of_worker(const struct walk *walk)
{
    int threads = walk->threads / walk->jobs;
    return threads > 0 ? threads : 1;
}

static void *work(void *context)
{
    COMPUTING_ENVIRONMENT();
    const struct worker *worker = context;
    struct walking *walking = worker->walking;
    const struct walk *walk = walking->walk;
    struct evaluator evaluator = {
        .device = worker->device,
        .foreign = worker->foreign,
        .threads = threads_of_worker(walk),
        .progress = walk->progress,
        .display = walk->jobs == 1 ? walking->display : NULL,
        .without_keys = is_without_keys(walk),
    };
    size_t first, end;
    while (take_points(walking, &first, &end))
        walking_do_points(walking, &evaluator, first, end);
    evaluator_clear(&evaluator);
    return NULL;
}

/* The first worker is this thread itself, with the walk's device. */
static enum error_kind start_workers(struct walking *walking, struct worker *workers, struct error *error)
{
    const struct walk *walk = walking->walk;
    const struct device_options options = {.threads = threads_of_worker(walk)};
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < walk->jobs && !kind; i++) {
        const struct walk_foreign *foreign = walk->foreign;
        workers[i] =
            (struct worker){.walking = walking, .device = walk->device, .foreign = foreign ? foreign->subject : NULL};
        if (i > 0)
            kind = device_open(&workers[i].device, device_kind(walk->device), &options, error);
        if (i > 0 && foreign && !kind)
            kind = foreign->open(foreign->context, &workers[i].opened, &workers[i].foreign, error);
    }
    for (int i = 1; i < walk->jobs && !kind; i++) {
        int reason = thread_start(&workers[i].thread, work, &workers[i]);
        workers[i].started = reason == 0;
        if (reason) /* those that have started end before their next point */
            kind = error_set(error, ERROR_SYSTEM, "cannot start --jobs %d: %s", walk->jobs, strerror(reason));
    }
    return kind;
}

void walking_run_workers(struct walking *walking)
{
    const struct walk *walk = walking->walk;
    int jobs = walk->jobs;
    struct worker *workers = calloc((size_t)jobs, sizeof *workers);
    struct error failure;
    enum error_kind kind = workers ? start_workers(walking, workers, &failure)
                                   : error_memory(&failure, "--jobs", (double)jobs * sizeof *workers);
    pthread_mutex_lock(&walking->mutex);
    walking_fail(walking, kind, &failure);
    pthread_mutex_unlock(&walking->mutex);
    if (!kind)
        work(&workers[0]);
    for (int i = 1; workers && i < jobs; i++) {
        if (workers[i].started)
            pthread_join(workers[i].thread, NULL);
        device_close(workers[i].device);
        if (walk->foreign)
            walk->foreign->close(workers[i].opened);
    }
    free(workers);
}
