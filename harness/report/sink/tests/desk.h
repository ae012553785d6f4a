/* A point and its record for the tests of sinks that write files, and a folder for these. */
#ifndef HARNESS_REPORT_SINK_TESTS_DESK_H
#define HARNESS_REPORT_SINK_TESTS_DESK_H

#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/report/record/tests/sample.h"
#include "harness/report/sink/sink.h"
#include "harness/support/tests/scratch.h"

/* A point, a folder that goes away with the test, and what every sink is closed with. */
struct desk {
    struct sample sample;
    char folder[SCRATCH_SIZE];
    struct sink_plan plan;
    struct summary summary;
    struct error error;
};

static inline int desk_set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return -1;
    if (!scratch_folder(desk->folder, "alibicheck-desk"))
        return -1;
    sample_init(&desk->sample);
    desk->plan = (struct sink_plan){.points = &desk->sample.point, .num_points = 1};
    desk->summary = (struct summary){.points_total = 48,
                                     .points_done = 48,
                                     .elapsed_s = 12.345,
                                     .by_status = {[STATUS_PASS] = 46, [STATUS_FAIL] = 2},
                                     .device_name = "host (2 threads)"};
    *state = desk;
    return 0;
}

static inline int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline int desk_tear_down(void **state)
{
    struct desk *desk = *state;
    sample_clear(&desk->sample);
    nftw(desk->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(desk);
    return 0;
}

static inline const char *in_folder(char *path, const struct desk *desk, const char *name)
{
    snprintf(path, 512, "%s/%s", desk->folder, name);
    return path;
}

/* The whole file, with a terminator after its *size bytes; NULL if it cannot be read. */
static inline char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (size)
        *size = 0;
    if (!file)
        return NULL;
    enum { LIMIT = 1 << 16 };
    char *data = calloc(1, LIMIT + 1);
    assert_non_null(data);
    size_t count = fread(data, 1, LIMIT, file);
    if (size)
        *size = count;
    fclose(file);
    return data;
}

static inline int count_entries(const char *path)
{
    DIR *folder = opendir(path);
    assert_non_null(folder);
    int count = -2; /* . and .. */
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* A row of the tests; each has a desk of its own. */
#define AT_DESK(function) cmocka_unit_test_setup_teardown(function, desk_set_up, desk_tear_down)

#endif
