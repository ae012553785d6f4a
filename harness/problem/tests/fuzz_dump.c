/* libFuzzer entry for folders of `run --dump`: any bytes as point.json. What is read is a problem that may be, with
 * keys that it has, or a refusal of one line. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/problem/read_dump.h"
#include "harness/support/tests/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_KEYS = 1 << 20 }; /* whose mask is looked at */

static char folder[SCRATCH_SIZE], path[SCRATCH_PATH_SIZE];

static void demand(bool holds, const char *promise)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", promise);
    abort();
}

static void leave(void)
{
    unlink(path);
    rmdir(folder);
}

static int open_file(void)
{
    char target[64];
    demand(scratch_folder(folder, "fuzz_dump") && atexit(leave) == 0, "a folder");
    int descriptor = memfd_create("fuzz_dump", MFD_CLOEXEC);
    snprintf(target, sizeof target, "/proc/self/fd/%d", descriptor);
    snprintf(path, sizeof path, "%s/point.json", folder);
    demand(descriptor >= 0 && symlink(target, path) == 0, "a file in memory");
    return descriptor;
}

static void look_at_keys(const struct dumped_point *point)
{
    int64_t keys = point->problem.seq_len, removed = 0, visible = 0;
    for (size_t i = 0; i < point->num_removed; i++) {
        const struct removed_keys *range = &point->removed[i];
        demand(range->first >= (i ? point->removed[i - 1].end : 0) && range->first <= range->end && range->end <= keys,
               "removed keys are ascending, and there");
        removed += range->end - range->first;
    }
    if (keys > MOST_KEYS)
        return;
    uint8_t *mask = malloc((size_t)keys + 1);
    demand(mask, "memory");
    mask[keys] = 7;
    dumped_point_visible(mask, point);
    demand(mask[keys] == 7, "a mask ends with the keys");
    for (int64_t key = 0; key < keys; key++)
        visible += mask[key];
    demand(visible + removed == keys, "a key is visible or removed");
    free(mask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int descriptor = -1;
    struct dumped_point point;
    struct error error = {.text = ""};
    if (descriptor < 0)
        descriptor = open_file();
    demand(ftruncate(descriptor, 0) == 0 && pwrite(descriptor, data, size, 0) == (ssize_t)size, "a file");
    enum error_kind kind = dumped_point_read(&point, folder, &error);
    if (kind) {
        demand(kind == ERROR_SYSTEM || (kind == ERROR_USAGE && *error.text && !strchr(error.text, '\n')),
               "a refusal is a line");
        return 0;
    }
    const struct problem_spec *problem = &point.problem;
    demand(problem->num_heads >= 1 && problem->num_kv_heads >= 1 && problem->num_heads % problem->num_kv_heads == 0 &&
               problem->head_dim >= 1 && problem->seq_len >= 0 && problem->num_queries >= 1,
           "what is read is a problem");
    look_at_keys(&point);
    dumped_point_clear(&point);
    return 0;
}
