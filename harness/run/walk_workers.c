#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/walk.h"
#include "harness/run/walking.h"
#include "harness/support/memory.h"
#include "harness/support/threads.h"
#include "reference/computing_environment.h"

/* Points [first, end) of the order of work, which are worked on together as they share their inputs. */
struct group {
    size_t first, end;
    bool alone; /* nobody works beside */
};

/* The next points that nobody has taken, behind those that are kept, with which it is done. False: there are none, or
 * the walk is to end. Under the mutex. */
static bool find_group(struct walking *walking, struct group *group)
{
    const struct walk *walk = walking->walk;
    const size_t count = walk->order->count;
    for (; walking->next < count && walking_kept(walking, walking->next) && !walking_is_to_end(walking);
         walking->next++)
        walking_keep_point(walking, walking->next);
    if (walking_is_to_end(walking) || walking->next >= count)
        return false;
    size_t first = walking->next, end = first + 1, all = work_order_group_end(walk->order, first);
    while (end < all && !walking_kept(walking, end))
        end++;
    *group = (struct group){first, end, side_by_side_is_alone(&walk->beside, walk->order, first, end)};
    return true;
}

/* Waits until points may be taken, and takes them: those that nobody works beside are the first worker's, when all
 * others are done. False if there are none. */
static bool take_group(struct walking *walking, bool is_first_worker, struct group *group)
{
    pthread_mutex_lock(&walking->mutex);
    bool found = find_group(walking, group);
    while (found && (walking->is_alone || (group->alone && (walking->working > 0 || !is_first_worker)))) {
        pthread_cond_wait(&walking->changed, &walking->mutex);
        found = find_group(walking, group);
    }
    if (found) {
        walking->next = group->end;
        walking->is_alone = group->alone;
        walking->working++;
    }
    pthread_cond_broadcast(&walking->changed);
    pthread_mutex_unlock(&walking->mutex);
    return found;
}

static void leave_group(struct walking *walking)
{
    pthread_mutex_lock(&walking->mutex);
    walking->working--;
    walking->is_alone = false;
    pthread_cond_broadcast(&walking->changed);
    pthread_mutex_unlock(&walking->mutex);
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
    bool is_first, started;
};

static int threads_of_worker(const struct walk *walk)
{
    int threads = walk->threads / walk->beside.jobs;
    return threads > 0 ? threads : 1;
}

/* Bytes of k, and of v, of the walk's largest problem, or of its largest part; 0: nobody is to have so much at once. */
static size_t most_key_bytes(const struct walk *walk)
{
    double most = 0;
    if (!memory_untouched_is_free())
        return 0;
    for (size_t i = 0; i < walk->order->count; i++)
        most = fmax(most, problem_spec_key_bytes(&walk->selection->points[walk->order->indices[i]].problem));
    return (size_t)most;
}

static struct evaluator make_evaluator(const struct worker *worker)
{
    const struct walk *walk = worker->walking->walk;
    return (struct evaluator){
        .device = worker->device,
        .foreign = worker->foreign,
        .threads = threads_of_worker(walk),
        .progress = walk->progress,
        .display = walk->beside.jobs == 1 ? worker->walking->display : NULL,
        .without_keys = is_without_keys(walk),
        .inputs = {.kv_most = most_key_bytes(walk)},
    };
}

/* The first worker's with all threads, and the walk's device. */
static struct evaluator make_evaluator_alone(const struct worker *worker)
{
    const struct walk *walk = worker->walking->walk;
    struct evaluator evaluator = make_evaluator(worker);
    evaluator.device = walk->device;
    evaluator.threads = walk->threads;
    evaluator.display = worker->walking->display;
    return evaluator;
}

static void *work(void *context)
{
    COMPUTING_ENVIRONMENT();
    const struct worker *worker = context;
    struct evaluator beside = make_evaluator(worker), alone = make_evaluator_alone(worker);
    struct group group;
    while (take_group(worker->walking, worker->is_first, &group)) {
        walking_do_points(worker->walking, group.alone ? &alone : &beside, group.first, group.end);
        leave_group(worker->walking);
    }
    evaluator_clear(&beside);
    evaluator_clear(&alone);
    return NULL;
}

/* Whether nobody has said how many points are worked on at a time. The first worker then has a device beside the
 * walk's, whose threads are all of them. */
static bool is_chosen(const struct walk *walk)
{
    return isfinite(walk->beside.most_s);
}

static enum error_kind open_worker(struct worker *worker, struct error *error)
{
    const struct walk *walk = worker->walking->walk;
    const struct walk_foreign *foreign = walk->foreign;
    const struct device_options options = {.threads = threads_of_worker(walk)};
    enum error_kind kind = ERROR_NONE;
    worker->device = walk->device;
    worker->foreign = foreign ? foreign->subject : NULL;
    if (walk->device && (!worker->is_first || is_chosen(walk)))
        kind = device_open(&worker->device, device_kind(walk->device), &options, error);
    if (!worker->is_first && foreign && !kind)
        kind = foreign->open(foreign->context, &worker->opened, &worker->foreign, error);
    return kind;
}

static void close_worker(const struct worker *worker)
{
    const struct walk *walk = worker->walking->walk;
    if (worker->device != walk->device)
        device_close(worker->device);
    if (!worker->is_first && walk->foreign)
        walk->foreign->close(worker->opened);
}

/* The first worker is this thread itself. Where nobody has asked for as many, those that the system starts will do. */
static enum error_kind start_workers(struct walking *walking, struct worker *workers, struct error *error)
{
    const struct walk *walk = walking->walk;
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < walk->beside.jobs; i++)
        workers[i] = (struct worker){.walking = walking, .device = walk->device, .is_first = i == 0};
    for (int i = 0; i < walk->beside.jobs && !kind; i++)
        kind = open_worker(&workers[i], error);
    for (int i = 1; i < walk->beside.jobs && !kind; i++) {
        int reason = thread_start(&workers[i].thread, work, &workers[i]);
        workers[i].started = reason == 0;
        if (reason && is_chosen(walk))
            return ERROR_NONE;
        if (reason) /* those that have started end before their next point */
            kind = error_set(error, ERROR_SYSTEM, "cannot start --jobs %d: %s", walk->beside.jobs, strerror(reason));
    }
    return kind;
}

void walking_run_workers(struct walking *walking)
{
    int jobs = walking->walk->beside.jobs;
    struct worker *workers = calloc((size_t)jobs, sizeof *workers);
    struct error failure;
    enum error_kind kind = workers ? start_workers(walking, workers, &failure)
                                   : error_memory(&failure, "--jobs", (double)jobs * sizeof *workers);
    pthread_mutex_lock(&walking->mutex);
    walking_fail(walking, kind, &failure);
    pthread_cond_broadcast(&walking->changed); /* to those who wait for the first worker */
    pthread_mutex_unlock(&walking->mutex);
    if (!kind)
        work(&workers[0]);
    for (int i = 0; workers && i < jobs; i++) {
        if (workers[i].started)
            pthread_join(workers[i].thread, NULL);
        close_worker(&workers[i]);
    }
    free(workers);
}
