#include "harness/support/progress_display.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "harness/support/threads.h"
#include "reference/computing_environment.h"

enum { REDRAW_MS = 200, LABEL_SIZE = 128, STEP_SIZE = 32, LINE_SIZE = 320, COLUMNS_DEFAULT = 80 };

#define CLEAR_LINE "\r\x1b[K"

struct progress_display {
    int terminal; /* a descriptor */
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below, and what stands on the terminal's line */
    pthread_cond_t wake;
    struct progress *progress;
    double end_s; /* when the run is expected to be done; 0: nobody has said */
    size_t point, points_total;
    char label[LABEL_SIZE], step[STEP_SIZE];
    long step_start, step_work;
    bool hidden, stopping;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static long work_done(const struct progress_display *display)
{
    return display->progress ? atomic_load_explicit(&display->progress->work_done, memory_order_relaxed) : 0;
}

static void write_terminal(const struct progress_display *display, const char *text)
{
    if (write(display->terminal, text, strlen(text)) < 0)
        return; /* a terminal that is gone needs no display */
}

char *format_time(char *text, size_t size, double seconds)
{
    long whole = (long)(seconds + 0.5);
    if (whole < 60)
        snprintf(text, size, "%lds", whole);
    else if (whole < 3600)
        snprintf(text, size, "%ldm%02lds", whole / 60, whole % 60);
    else
        snprintf(text, size, "%ldh%02ldm", whole / 3600, whole % 3600 / 60);
    return text;
}

/* Cuts line to width characters of UTF-8, so that it never wraps. */
static void cut_to_width(char *line, size_t width)
{
    size_t characters = 0;
    for (char *c = line; *c; c++)
        if ((*c & 0xc0) != 0x80 && characters++ == width) {
            *c = '\0';
            return;
        }
}

static void draw(const struct progress_display *display)
{
    char count[24], percent[16] = "", left[48] = "", line[LINE_SIZE];
    int digits = snprintf(count, sizeof count, "%zu", display->points_total);

    if (display->step_work > 0) {
        double fraction = (double)(work_done(display) - display->step_start) / (double)display->step_work;
        snprintf(percent, sizeof percent, " %3.0f%%", 100 * (fraction > 1 ? 1 : fraction));
    }
    if (display->end_s > 0) {
        char time_left[24];
        format_time(time_left, sizeof time_left, fmax(display->end_s - now_s(), 0));
        snprintf(left, sizeof left, "%s left  ", time_left);
    }
    snprintf(line, sizeof line, "[%*zu/%s] %s%s%s%s%s", digits, display->point, count, left, display->label,
             display->step[0] ? ": " : "", display->step, percent);

    struct winsize window;
    bool known = ioctl(display->terminal, TIOCGWINSZ, &window) == 0 && window.ws_col > 1;
    cut_to_width(line, known ? window.ws_col - 1u : COLUMNS_DEFAULT - 1u);
    char text[sizeof CLEAR_LINE + LINE_SIZE];
    snprintf(text, sizeof text, CLEAR_LINE "%s", line);
    write_terminal(display, text);
}

static void *redraw(void *argument)
{
    COMPUTING_ENVIRONMENT();
    struct progress_display *display = argument;
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    pthread_mutex_lock(&display->mutex);
    while (!display->stopping) {
        if (!display->hidden && display->point > 0)
            draw(display);
        deadline.tv_nsec += REDRAW_MS * 1000000L;
        if (deadline.tv_nsec >= 1000000000L) {
            deadline.tv_nsec -= 1000000000L;
            deadline.tv_sec++;
        }
        while (!display->stopping && pthread_cond_timedwait(&display->wake, &display->mutex, &deadline) == 0)
            continue; /* woken for nothing: the deadline stands */
    }
    pthread_mutex_unlock(&display->mutex);
    return NULL;
}

/* The descriptor to draw on; -1: there is none. */
static int find_terminal(void)
{
    const char *kind = getenv("TERM"), *inherited = getenv("ALIBICHECK_TERMINAL");
    int terminal = STDERR_FILENO, length = 0;
    if (inherited && (sscanf(inherited, "%d%n", &terminal, &length) != 1 || inherited[length]))
        return -1;
    return isatty(terminal) && !(kind && strcmp(kind, "dumb") == 0) ? terminal : -1;
}

struct progress_display *progress_display_start(size_t points_total, struct progress *progress)
{
    int terminal = find_terminal();
    if (terminal < 0)
        return NULL;
    struct progress_display *display = calloc(1, sizeof *display);
    if (!display)
        return NULL; /* a run without a display is better than none */
    display->terminal = terminal;
    display->progress = progress;
    display->points_total = points_total;

    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&display->mutex, NULL);
    pthread_cond_init(&display->wake, &attributes);
    pthread_condattr_destroy(&attributes);

    /* Signals are for the main thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = thread_start(&display->thread, redraw, display);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        pthread_cond_destroy(&display->wake);
        pthread_mutex_destroy(&display->mutex);
        free(display);
        return NULL;
    }
    return display;
}

void progress_display_expect(struct progress_display *display, double left_s)
{
    if (!display)
        return;
    pthread_mutex_lock(&display->mutex);
    display->end_s = now_s() + left_s;
    pthread_mutex_unlock(&display->mutex);
}

void progress_display_point(struct progress_display *display, const char *label)
{
    if (!display)
        return;
    pthread_mutex_lock(&display->mutex);
    display->point++;
    snprintf(display->label, sizeof display->label, "%s", label);
    display->step[0] = '\0';
    display->step_work = 0;
    pthread_mutex_unlock(&display->mutex);
}

void progress_display_step(struct progress_display *display, const char *step, long work)
{
    if (!display)
        return;
    pthread_mutex_lock(&display->mutex);
    snprintf(display->step, sizeof display->step, "%s", step);
    display->step_start = work_done(display);
    display->step_work = work;
    pthread_mutex_unlock(&display->mutex);
}

void progress_display_hide(struct progress_display *display)
{
    if (!display)
        return;
    pthread_mutex_lock(&display->mutex);
    display->hidden = true;
    write_terminal(display, CLEAR_LINE);
    pthread_mutex_unlock(&display->mutex);
}

void progress_display_show(struct progress_display *display)
{
    if (!display)
        return;
    pthread_mutex_lock(&display->mutex);
    display->hidden = false;
    pthread_mutex_unlock(&display->mutex);
}

void progress_display_stop(struct progress_display *display)
{
    if (!display)
        return;
    pthread_mutex_lock(&display->mutex);
    display->stopping = true;
    pthread_cond_signal(&display->wake);
    pthread_mutex_unlock(&display->mutex);
    pthread_join(display->thread, NULL);
    if (!display->hidden)
        write_terminal(display, CLEAR_LINE);
    pthread_cond_destroy(&display->wake);
    pthread_mutex_destroy(&display->mutex);
    free(display);
}
