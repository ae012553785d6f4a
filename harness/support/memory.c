#include "harness/support/memory.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>

/* The greatest ones that the C library sets by itself, as it learns what sizes are freed. Blocks beyond the first are
 * given back at once, and so is what is free at the end of the heap beyond the second. */
enum { BLOCK_BYTES = 32 << 20, KEPT_BYTES = 2 * BLOCK_BYTES };

/* The first number in a file, after prefix on its line; infinity if there is none ("max" in a control group). */
static double read_number(const char *path, const char *prefix)
{
    char line[256], format[64];
    double value = INFINITY;
    snprintf(format, sizeof format, "%s%%lf", prefix);
    FILE *file = fopen(path, "r");
    if (!file)
        return INFINITY;
    while (fgets(line, sizeof line, file)) {
        double number;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        if (sscanf(line, format, &number) == 1) {
#pragma GCC diagnostic pop
            value = number;
            break;
        }
    }
    fclose(file);
    return value;
}

double memory_available_bytes(void)
{
    double machine = 1024 * read_number("/proc/meminfo", "MemAvailable:");
    double limit = read_number("/sys/fs/cgroup/memory.max", "");
    double used = read_number("/sys/fs/cgroup/memory.current", "");
    return isfinite(limit) && isfinite(used) ? fmin(machine, fmax(0, limit - used)) : machine;
}

static bool is_limited(int resource)
{
    struct rlimit limit;
    return getrlimit(resource, &limit) || limit.rlim_cur != RLIM_INFINITY;
}

bool memory_untouched_is_free(void)
{
    enum { STRICT = 2 };
    return !is_limited(RLIMIT_AS) && !is_limited(RLIMIT_DATA) &&
           read_number("/proc/sys/vm/overcommit_memory", "") != STRICT;
}

void memory_keep_freed(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, BLOCK_BYTES); /* which no other allocator in its place knows */
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}
