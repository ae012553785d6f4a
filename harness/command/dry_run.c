#include "harness/command/dry_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/evaluate/cost.h"
#include "harness/evaluate/evaluate.h"
#include "harness/support/memory.h"
#include "harness/support/progress_display.h"

static double expected_seconds(const struct selection *selection, const struct kept_record **kept)
{
    double sum_s = 0;
    for (size_t i = 0; i < selection->count; i++) {
        const struct point *points = selection->points;
        const struct work_units units = work_units(&points[i], i > 0 && !kept[i - 1] ? &points[i - 1] : NULL);
        sum_s += kept[i] ? 0 : work_seconds(&units, points[i].kernel);
    }
    return sum_s;
}

/* The point that takes most memory, and how much. */
static size_t find_largest(const struct selection *selection, int threads, double *most_bytes)
{
    size_t largest = 0;
    *most_bytes = 0;
    for (size_t i = 0; i < selection->count; i++) {
        double bytes = evaluate_bytes(&selection->points[i], threads);
        if (bytes > *most_bytes) {
            *most_bytes = bytes;
            largest = i;
        }
    }
    return largest;
}

enum error_kind dry_run(const struct run_options *options, const struct selection *selection,
                        const struct kept_record **kept, struct error *error)
{
    char time[32], sizes[2][32], key[POINT_KEY_SIZE];
    double bytes, available_bytes = memory_available_bytes();
    size_t num_kept = 0, largest = find_largest(selection, options->selection.threads, &bytes);
    for (size_t i = 0; i < selection->count; i++)
        num_kept += kept[i] != NULL;
    bytes *= run_jobs(options, selection);
    printf("points   %zu", selection->count);
    if (options->selection.shard.count > 0)
        printf(" of %zu, shard %d of %d", selection->run.count, options->selection.shard.index,
               options->selection.shard.count);
    if (num_kept > 0)
        printf(", %zu of them done", num_kept);
    printf("\n");
    format_time(time, sizeof time, expected_seconds(selection, kept));
    printf("time     about %s on the 2 cores that this was measured on; a run corrects it as it goes\n", time);
    if (selection->count > 0)
        printf("memory   up to %s of %s available%s, for %s\n", format_size(sizes[0], bytes),
               format_size(sizes[1], available_bytes), bytes > available_bytes ? ": TOO MUCH" : "",
               point_key(key, &selection->points[largest]));
    if (fflush(stdout) != 0 || ferror(stdout))
        return error_set(error, ERROR_SYSTEM, "cannot write standard output: %s", strerror(errno));
    return ERROR_NONE;
}
