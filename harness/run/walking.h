/*
 * A run under way, as those see it who work on its points (walk_workers.c) and what does a point for them (walk.c).
 */
#ifndef HARNESS_RUN_WALKING_H
#define HARNESS_RUN_WALKING_H

#include <pthread.h>

#include "harness/evaluate/evaluate.h"
#include "harness/run/time_left.h"
#include "harness/support/progress_display.h"

struct walk;

/* What the workers share, under the mutex but for the walk itself. */
struct walking {
    struct walk *walk;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* who works, or whether the walk goes on */
    struct progress_display *display;
    int working;   /* workers that have points */
    bool is_alone; /* one of them, with points that nobody works beside */
    size_t next;   /* in the order of work, the first point that nobody has taken */
    size_t begun;  /* points, the kept ones included */
    bool *in_work; /* [order->count] begun and not ended */
    bool told;     /* that a launch on all heads failed: once is enough, as each record says it */
    double start_s;
    struct time_left time_left;
    enum error_kind kind; /* the first failure, which ends the walk */
    struct error *error;
};

/* The first failure is the walk's, which ends it. Under the mutex. */
void walking_fail(struct walking *walking, enum error_kind kind, const struct error *failure);

/* Whether no other point is to begin, of which the reason is the walk's. Under the mutex. */
bool walking_is_to_end(struct walking *walking);

/* The record of the point at a position of the order of work that is kept; NULL: it is to be run. */
const struct kept_record *walking_kept(const struct walking *walking, size_t position);

/* Hands out a point that is kept. Under the mutex. */
void walking_keep_point(struct walking *walking, size_t position);

/* Points [first, end) of the order of work, of which no other worker has one, as far as they are to begin. */
void walking_do_points(struct walking *walking, struct evaluator *evaluator, size_t first, size_t end);

/* Points until there are no more or the walk is to end. */
void walking_run_workers(struct walking *walking);

#endif
