#include "harness/report/file/failed_points.h"

#include <stdlib.h>
#include <string.h>

#include "harness/evaluate/outcome.h"
#include "harness/report/file/record_file.h"
#include "harness/support/room.h"
#include "harness/support/source.h"

struct failed_points {
    char **keys; /* ascending once all are read */
    size_t count, capacity;
};

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum error_kind add_failure(void *context, const struct record_line *line, struct error *error)
{
    struct failed_points *failed = context;
    if (status_name_as_expected(line->status))
        return ERROR_NONE;
    char **keys = room_for_one(failed->keys, &failed->capacity, failed->count, sizeof *keys);
    if (!keys)
        return error_memory(error, "the points that failed", (double)(failed->count * sizeof *keys));
    failed->keys = keys;
    char *key = strdup(line->key);
    if (!key)
        return error_memory(error, "the points that failed", (double)strlen(line->key));
    failed->keys[failed->count++] = key;
    return ERROR_NONE;
}

/* Leaves each key once, of keys in order. */
static void drop_repeated(struct failed_points *failed)
{
    size_t left = 0;
    for (size_t i = 0; i < failed->count; i++) {
        if (left > 0 && strcmp(failed->keys[left - 1], failed->keys[i]) == 0)
            free(failed->keys[i]);
        else
            failed->keys[left++] = failed->keys[i];
    }
    failed->count = left;
}

enum error_kind failed_points_read(struct failed_points **failed, const char *path, struct error *error)
{
    struct record_file_info info;
    char quoted[PATH_QUOTE_SIZE];
    *failed = calloc(1, sizeof **failed);
    if (!*failed)
        return error_memory(error, "the points that failed", sizeof **failed);
    enum error_kind kind = record_file_read(path, add_failure, *failed, &info, error);
    if (!kind && (*failed)->count == 0)
        kind = error_set(error, ERROR_USAGE,
                         "--last-failed %s: none of its %zu points failed; allowed: a file of some "
                         "that did",
                         quote_path(quoted, path), info.num_records);
    if (kind) {
        failed_points_free(*failed);
        *failed = NULL;
        return kind;
    }
    qsort((*failed)->keys, (*failed)->count, sizeof *(*failed)->keys, compare_keys);
    drop_repeated(*failed);
    return ERROR_NONE;
}

size_t failed_points_count(const struct failed_points *failed)
{
    return failed->count;
}

bool failed_points_has(const struct failed_points *failed, const char *key)
{
    return failed->count > 0 && bsearch(&key, failed->keys, failed->count, sizeof *failed->keys, compare_keys);
}

void failed_points_free(struct failed_points *failed)
{
    if (!failed)
        return;
    for (size_t i = 0; i < failed->count; i++)
        free(failed->keys[i]);
    free(failed->keys);
    free(failed);
}
