#include "harness/report/page/plot_scale.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 1, 2 or 5 times a power of ten, such that `most` of them span the range. */
static double nice_step(double range, int most)
{
    double rough = range / most, power = pow(10, floor(log10(rough)));
    static const double steps[] = {1, 2, 5, 10};
    for (int s = 0; s < 4; s++)
        if (steps[s] * power >= rough)
            return steps[s] * power;
    return 10 * power;
}

static void add_tick(struct plot_scale *scale, double tick)
{
    if (scale->num_ticks < TICKS_MAX)
        scale->ticks[scale->num_ticks++] = tick;
}

static void make_linear(struct plot_scale *scale)
{
    if (!(scale->most > scale->least))
        scale->most = scale->least + (scale->least != 0 ? fabs(scale->least) : 1);
    double step = nice_step(scale->most - scale->least, 5);
    scale->least = floor(scale->least / step) * step;
    scale->most = ceil(scale->most / step) * step;
    for (int i = 0; i <= lround((scale->most - scale->least) / step); i++)
        add_tick(scale, scale->least + i * step);
}

/* Ticks at powers of ten, or of two where the range has few of those; it ends at one if there are not two inside. */
static void make_log(struct plot_scale *scale)
{
    if (!(scale->least > 0))
        scale->least = scale->most > 0 ? scale->most / 10 : 0.1;
    if (!(scale->most > scale->least))
        scale->most = 2 * scale->least;
    double decades = log10(scale->most) - log10(scale->least), base = decades > 3 ? 10 : 2;
    double least = log(scale->least) / log(base), most = log(scale->most) / log(base);
    double first = ceil(least - 1e-9), last = floor(most + 1e-9);
    if (last <= first) {
        first = floor(least + 1e-9);
        last = ceil(most - 1e-9);
        scale->least = fmin(scale->least, pow(base, first));
        scale->most = fmax(scale->most, pow(base, last));
    }
    double every = ceil((last - first) / 7);
    for (double e = first; e <= last; e += every)
        add_tick(scale, pow(base, e));
}

void plot_scale_make(struct plot_scale *scale, double least, double most, bool log)
{
    *scale = (struct plot_scale){.log = log, .least = least, .most = most};
    if (!(least <= most) || !isfinite(least) || !isfinite(most)) {
        scale->least = 0;
        scale->most = 1;
    }
    if (log)
        make_log(scale);
    else
        make_linear(scale);
}

double plot_place(const struct plot_scale *scale, double value)
{
    if (!isfinite(value))
        return scale->off;
    double share;
    if (scale->log)
        share = value <= scale->least ? 0 : (log(value) - log(scale->least)) / (log(scale->most) - log(scale->least));
    else
        share = (value - scale->least) / (scale->most - scale->least);
    return scale->from + fmax(0, fmin(1, share)) * (scale->to - scale->from);
}

enum { TICK_SIZE = 32 };

/* "2.5e-7": as %g, which writes 2.5e-07, and of all ticks of an axis alike. */
static void print_power(char *text, double tick)
{
    snprintf(text, TICK_SIZE, "%.2e", tick);
    char *end = strchr(text, 'e');
    const int exponent = atoi(end + 1);
    while (end[-1] == '0')
        end--;
    end -= end[-1] == '.';
    snprintf(end, (size_t)(text + TICK_SIZE - end), "e%d", exponent);
}

char *plot_tick_text(char *text, double tick)
{
    double size = fabs(tick);
    if (size >= 0x1p20 && size < 0x1p30 && fmod(tick, 0x1p20) == 0)
        snprintf(text, TICK_SIZE, "%.0fMi", tick / 0x1p20);
    else if (size >= 1024 && size < 0x1p20 && fmod(tick, 1024) == 0)
        snprintf(text, TICK_SIZE, "%.0fKi", tick / 1024);
    else if (tick == rint(tick) && size < 1e5)
        snprintf(text, TICK_SIZE, "%.0f", tick);
    else if (isfinite(tick) && (size < 0.001 * (1 - 1e-9) || size >= 1e5))
        print_power(text, tick);
    else
        snprintf(text, TICK_SIZE, "%.3g", tick);
    return text;
}
