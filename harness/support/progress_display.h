/*
 * The line on a terminal that shows how far a run has come:
 *
 *     [ 12/48] 1m20s left  flashinfer-33001:seq_len=33001,head_dim=128: truth  43%
 *
 * A thread redraws it on stderr five times a second, or on the descriptor whose number ALIBICHECK_TERMINAL holds: of
 * who starts the program, and reads its stderr. Where that is no terminal there is no display: start returns NULL,
 * which every function takes for "do nothing".
 */
#ifndef HARNESS_SUPPORT_PROGRESS_DISPLAY_H
#define HARNESS_SUPPORT_PROGRESS_DISPLAY_H

#include <stddef.h>

#include "reference/progress.h"

struct progress_display; /* opaque */

/*
 * progress is that of the whole run and outlives the display: its work_done is read at each redraw.
 */
struct progress_display *progress_display_start(size_t points_total, struct progress *progress);

/* So long will the run take from now on; shown, counting down, until it is told anew. Nothing is shown before. */
void progress_display_expect(struct progress_display *display, double left_s);

/* The next point begins: the number goes up, label is copied. */
void progress_display_point(struct progress_display *display, const char *label);

/* The point's next step begins ("inputs", "truth", ...): copied. work is what it will add to work_done, 0 if it does
 * not say; the percentage is of this. */
void progress_display_step(struct progress_display *display, const char *step, long work);

/* Between hide and show the line is gone and stays so: print rows and diagnostics there. */
void progress_display_hide(struct progress_display *display);
void progress_display_show(struct progress_display *display);

/* "45s", "1m20s", "2h05m". text is returned. */
char *format_time(char *text, size_t size, double seconds);

/* Removes the line, ends the thread, frees. */
void progress_display_stop(struct progress_display *display);

#endif
