#include "harness/library/seconds.h"

#include <time.h>

double seconds_sum(const struct seconds *seconds)
{
    return seconds->inputs + seconds->kernel + seconds->truth + seconds->judge + seconds->reference + seconds->oracles;
}

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
