#include "harness/run/walk.h"

#include <stdlib.h>
#include <time.h>

#include "harness/run/walking.h"
#include "kernels/fidelity.h"

const char *walk_device(bool foreign, const struct device *device)
{
    return foreign ? "foreign" : device_kind_names[device_kind(device)];
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static const struct point *point_at(const struct walking *walking, size_t position)
{
    return work_order_point(walking->walk->order, position);
}

const struct kept_record *walking_kept(const struct walking *walking, size_t position)
{
    return walking->walk->kept[walking->walk->order->indices[position]];
}

/* Of a kernel of ours. */
static const char *fidelity_of(const struct walk *walk, size_t index)
{
    const struct point *point = &walk->selection->points[index];
    return fidelity_names[recipe_fidelity(point->kernel, &point->recipe, device_has_models(walk->device))];
}

static struct record make_record(const struct walk *walk, size_t position)
{
    const struct selection_options *options = walk->asked;
    const size_t index = walk->order->indices[position];
    return (struct record){
        .point = &walk->selection->points[index],
        .run = &walk->selection->run,
        .place = walk->selection->places[index],
        .of_axes = selection_is_of_axes(options),
        .settings = options->settings.items,
        .num_settings = options->settings.count,
        .recipes = options->recipes.items,
        .num_recipes = options->recipes.count,
        .foreign_option = walk->foreign ? walk->foreign->option : NULL,
        .device = walk_device(walk->foreign, walk->device),
        .device_name = walk->foreign ? walk->foreign->name : device_name(walk->device),
        .kernel_digest = walk->foreign ? walk->foreign->digest : NULL,
        .fidelity = walk->foreign ? NULL : fidelity_of(walk, index),
    };
}

static enum error_kind hand_out(const struct walk *walk, const struct record *record, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0; i < walk->num_sinks && !kind; i++)
        kind = sink_record(&walk->sinks[i], record, error);
    return kind;
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

/* Counts a record; the walk ends where it is to. Under the mutex. */
static void tally(struct walking *walking, enum status status)
{
    struct summary *summary = walking->walk->summary;
    summary->points_done++;
    summary->by_status[status]++;
    if (walking->walk->fail_fast && !status_as_expected(status) && !summary->cut_short)
        summary->cut_short = "stopped at the first failure";
}

void walking_fail(struct walking *walking, enum error_kind kind, const struct error *failure)
{
    if (kind && !walking->kind)
        walking->kind = error_set(walking->error, kind, "%s", failure->text);
}

/* Under the mutex. */
bool walking_is_to_end(struct walking *walking)
{
    const struct walk *walk = walking->walk;
    struct error interrupted;
    if (progress_cancelled(walk->progress)) {
        error_set(&interrupted, ERROR_INTERRUPTED, "interrupted");
        walking_fail(walking, ERROR_INTERRUPTED, &interrupted);
    } else if (walk->time_limit_s > 0 && seconds_now() - walking->start_s >= walk->time_limit_s &&
               walking->begun < walk->order->count && !walk->summary->cut_short) {
        error_set(&interrupted, ERROR_INTERRUPTED,
                  "the time limit has come; where there is --results, --resume goes on from here");
        walking_fail(walking, ERROR_INTERRUPTED, &interrupted);
        walk->summary->cut_short = "time limit";
    }
    return walking->kind || walk->summary->cut_short;
}

/* That a device did not do what it was to do, though the point has its result all the same. */
static void tell_launch_failure(struct walking *walking, const struct record *record)
{
    char key[POINT_KEY_SIZE];
    FILE *notes = walking->walk->asked->notes;
    if (walking->told || !notes || !record->launch_failure || !*record->launch_failure)
        return;
    walking->told = true;
    fprintf(notes, "alibicheck: point %s was %s, after %s\n", point_key(key, record->point),
            problem_spec_parts(&record->point->problem) > 1 ? "launched in parts" : "launched on keys of the host's",
            record->launch_failure);
}

static void learn(struct walking *walking, size_t position, const struct seconds *seconds)
{
    time_left_learn(&walking->time_left, position, seconds);
    progress_display_expect(walking->display, time_left_s(&walking->time_left));
}

/* Hands out what came of a point, under the mutex. One that failed has a record too; the walk goes on. */
static void end_point(struct walking *walking, size_t position, enum error_kind kind, const struct error *failure,
                      const struct evaluation *evaluation)
{
    struct record record = make_record(walking->walk, position);
    struct error write_failure = {0};
    walking->in_work[position] = false;
    record_take(&record, kind, failure, evaluation);
    tally(walking, record.outcome.status);
    progress_display_hide(walking->display);
    tell_launch_failure(walking, &record);
    walking_fail(walking, hand_out(walking->walk, &record, &write_failure), &write_failure);
    learn(walking, position, &evaluation->judged.seconds);
    progress_display_show(walking->display);
}

static void show_point(struct walking *walking, size_t position)
{
    char key[POINT_KEY_SIZE];
    progress_display_point(walking->display, point_key(key, point_at(walking, position)));
}

/* Hands out a point that its kernel does not take, under the mutex. */
static void skip_point(struct walking *walking, size_t position, const char *reason)
{
    const struct evaluation nothing = {0};
    struct record record = make_record(walking->walk, position);
    struct error write_failure = {0};
    walking->in_work[position] = false;
    record.ended = time(NULL);
    outcome_skip(&record.outcome, reason);
    tally(walking, record.outcome.status);
    progress_display_hide(walking->display);
    walking_fail(walking, hand_out(walking->walk, &record, &write_failure), &write_failure);
    learn(walking, position, &nothing.judged.seconds);
    progress_display_show(walking->display);
}

static void do_point(struct walking *walking, struct evaluator *evaluator, size_t position)
{
    struct evaluation evaluation;
    struct error failure = {0};
    char reason[SUBJECT_TEXT_SIZE];
    if (!evaluate_takes(evaluator, point_at(walking, position), reason)) {
        pthread_mutex_lock(&walking->mutex);
        skip_point(walking, position, reason);
        pthread_mutex_unlock(&walking->mutex);
        return;
    }
    show_point(walking, position);
    enum error_kind kind = evaluate(evaluator, &evaluation, point_at(walking, position), &failure);
    pthread_mutex_lock(&walking->mutex);
    if (kind == ERROR_INTERRUPTED)
        walking_fail(walking, kind, &failure);
    else
        end_point(walking, position, kind, &failure, &evaluation);
    pthread_mutex_unlock(&walking->mutex);
    evaluation_clear(&evaluation);
}

/* Points [first, end) of one problem, which is worked on in parts: each part is made once. */
static void do_points_together(struct walking *walking, struct evaluator *evaluator, size_t first, size_t end)
{
    int count = (int)(end - first);
    struct error failure = {0};
    struct shared_point *points = calloc((size_t)count, sizeof *points);
    enum error_kind kind = points ? ERROR_NONE : error_memory(&failure, "points", (double)count * sizeof *points);
    for (int i = 0; points && i < count; i++)
        points[i].point = point_at(walking, first + (size_t)i);
    show_point(walking, first);
    if (points)
        kind = evaluate_together(evaluator, points, count, &failure);
    pthread_mutex_lock(&walking->mutex);
    walking_fail(walking, kind, &failure);
    for (int i = 0; i < count && !kind; i++) { /* also if another worker has met with an end: they are done */
        if (i > 0)
            show_point(walking, first + (size_t)i);
        end_point(walking, first + (size_t)i, points[i].kind, &points[i].failure, &points[i].evaluation);
    }
    pthread_mutex_unlock(&walking->mutex);
    for (int i = 0; points && i < count; i++)
        evaluation_clear(&points[i].evaluation);
    free(points);
}

void walking_keep_point(struct walking *walking, size_t position)
{
    const struct walk *walk = walking->walk;
    struct error failure = {0};
    enum error_kind kind = ERROR_NONE;
    char key[POINT_KEY_SIZE];
    progress_display_point(walking->display, point_key(key, point_at(walking, position)));
    walking->begun++;
    tally(walking, walking_kept(walking, position)->status);
    for (size_t i = 0; i < walk->num_sinks && !kind; i++)
        if (walk->sinks[i].kind->keep)
            kind = walk->sinks[i].kind->keep(&walk->sinks[i], point_at(walking, position),
                                             walking_kept(walking, position), &failure);
    walking_fail(walking, kind, &failure);
}

/* Whether points [first, end) are to begin, which they then do. */
static bool begins(struct walking *walking, size_t first, size_t end)
{
    pthread_mutex_lock(&walking->mutex);
    bool ended = walking_is_to_end(walking);
    walking->begun += ended ? 0 : end - first;
    for (size_t i = first; i < end && !ended; i++)
        walking->in_work[i] = true;
    pthread_mutex_unlock(&walking->mutex);
    return !ended;
}

/* Points that belong together. */
void walking_do_points(struct walking *walking, struct evaluator *evaluator, size_t first, size_t end)
{
    /* Points of a kernel that is not ours differ in other problems alone. */
    bool in_parts = problem_spec_parts(&point_at(walking, first)->problem) > 1;
    char reason[SUBJECT_TEXT_SIZE];
    bool taken = evaluate_takes(evaluator, point_at(walking, first), reason);
    size_t step = in_parts && taken && !evaluator->foreign ? EVALUATE_TOGETHER_MAX : 1;
    for (size_t i = first, last; i < end; i = last) {
        last = end - i > step ? i + step : end;
        if (!begins(walking, i, last))
            return;
        if (last - i > 1)
            do_points_together(walking, evaluator, i, last);
        else
            do_point(walking, evaluator, i);
    }
}

/* ---- crashes ----------------------------------------------------------------------------------------------------- */

/* Ends the walk from the thread that watches. The mutex is kept: no other point ends any more. */
static int end_crashed(void *context, const char *signal)
{
    struct walking *walking = context;
    const struct walk *walk = walking->walk;
    const struct evaluation nothing = {0};
    struct error crash, point_failure;
    size_t in_work = 0, first = 0;
    pthread_mutex_lock(&walking->mutex);
    for (size_t i = walk->order->count; i-- > 0;)
        if (walking->in_work[i]) {
            in_work++;
            first = i;
        }
    const char *kernel = in_work ? kernel_names[point_at(walking, first)->kernel] : "the kernel";
    enum error_kind kind =
        in_work > 1
            ? error_set(&crash, ERROR_SYSTEM, "a kernel crashed (%s) while %zu points were worked on", signal, in_work)
            : error_set(&crash, ERROR_SYSTEM, "kernel %s crashed (%s)", kernel, signal);
    for (size_t i = first; i < walk->order->count; i++)
        if (walking->in_work[i]) {
            error_set(&point_failure, ERROR_SYSTEM, "%s", crash.text);
            end_point(walking, i, kind, &point_failure, &nothing);
        }
    progress_display_stop(walking->display);
    return walk->crashed(walk->crashed_context, kind, &crash);
}

enum error_kind walk_points(struct walk *walk, struct error *error)
{
    struct walking walking = {
        .walk = walk,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
        .start_s = seconds_now(),
        .time_left = time_left_begin(walk->order, walk->kept),
        .error = error,
    };
    walking.in_work = calloc(walk->order->count + 1, sizeof *walking.in_work);
    if (!walking.in_work)
        return error_memory(error, "the list of points", (double)walk->order->count);
    if (walk->is_displayed)
        walking.display = progress_display_start(walk->order->count, walk->progress);
    progress_display_expect(walking.display, time_left_s(&walking.time_left));
    if (walk->watch_begin)
        walking.kind = walk->watch_begin(end_crashed, &walking, error);
    if (!walking.kind)
        walking_run_workers(&walking);
    if (walk->watch_end)
        walk->watch_end();
    free(walking.in_work);
    progress_display_stop(walking.display);
    pthread_cond_destroy(&walking.changed);
    pthread_mutex_destroy(&walking.mutex);
    return walking.kind;
}
