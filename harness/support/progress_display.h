/*
 * The line on a terminal that shows how far a run has come:
 *
 *     [ 12/48] flashinfer-33001 split_kv 33001x32x128: truth  43%  about 1m20s left
 *
 * A thread redraws it on stderr five times a second. Where stderr is no terminal there is no display: start returns
 * NULL, which every function takes for "do nothing".
 */
#ifndef HARNESS_SUPPORT_PROGRESS_DISPLAY_H
#define HARNESS_SUPPORT_PROGRESS_DISPLAY_H

#include <stddef.h>

#include "reference/progress.h"

struct progress_display; /* opaque */

/*
 * progress is that of the whole run and outlives the display: its work_total is read here, once, its work_done at each
 * redraw. Time left is shown where work_total is not 0.
 */
struct progress_display *progress_display_start(size_t points_total, struct progress *progress);

/* The next point begins: the number goes up, label is copied. */
void progress_display_point(struct progress_display *display, const char *label);

/* The point's next step begins ("inputs", "truth", ...): copied. work is what it will add to work_done, 0 if it does
 * not say; the percentage is of this. */
void progress_display_step(struct progress_display *display, const char *step, long work);

/* Between hide and show the line is gone and stays so: print rows and diagnostics there. */
void progress_display_hide(struct progress_display *display);
void progress_display_show(struct progress_display *display);

/* Removes the line, ends the thread, frees. */
void progress_display_stop(struct progress_display *display);

#endif
