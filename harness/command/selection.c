#include "harness/command/selection.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/recipe_library.h"
#include "harness/support/memory.h"
#include "harness/support/threads.h"

static bool is_selected(const struct point *point, const struct strings *only)
{
    char key[POINT_KEY_SIZE];
    if (only->count == 0)
        return true;
    point_key(key, point);
    for (size_t i = 0; i < only->count; i++)
        if (!strcmp(only->items[i], key) || !fnmatch(only->items[i], key, 0))
            return true;
    return false;
}

static enum error_kind add_point(struct selection *selection, const struct point *point, struct error *error)
{
    if (selection->count == selection->capacity) {
        size_t capacity = selection->capacity ? 2 * selection->capacity : 64;
        struct point *points = realloc(selection->points, capacity * sizeof *points);
        if (!points)
            return error_memory(error, "the list of points", (double)(capacity * sizeof *points));
        selection->points = points;
        selection->capacity = capacity;
    }
    selection->points[selection->count++] = *point;
    return ERROR_NONE;
}

enum error_kind selection_make(struct selection *selection, const struct selection_options *options,
                               struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    *selection = (struct selection){.count = 0};
    for (size_t i = 0; i < options->recipes.count && !kind; i++)
        kind = recipe_library_read(options->recipes.items[i], error);
    for (size_t i = 0; i < options->paths.count && !kind; i++)
        kind = case_list_read(&selection->cases, options->paths.items[i], options->settings.items,
                              options->settings.count, error);
    for (size_t c = 0; c < selection->cases.count && !kind; c++)
        for (size_t i = 0; i < case_num_points(selection->cases.cases[c]) && !kind; i++) {
            struct point point;
            case_point(selection->cases.cases[c], i, &point);
            if (is_selected(&point, &options->only))
                kind = add_point(selection, &point, error);
        }
    if (!kind && selection->count == 0 && options->only.count > 0)
        kind = error_set(error, ERROR_USAGE,
                         "--only %s: no point has such a key; `alibicheck list points CASE...` prints the keys",
                         options->only.items[0]);
    return kind;
}

void selection_clear(struct selection *selection)
{
    free(selection->points);
    case_list_clear(&selection->cases);
    *selection = (struct selection){.count = 0};
}

enum error_kind selection_check_memory(const struct point *point, double needed_bytes, struct error *error)
{
    double available_bytes = memory_available_bytes();
    char key[POINT_KEY_SIZE], sizes[2][32];
    if (needed_bytes <= available_bytes)
        return ERROR_NONE;
    return error_set(error, ERROR_SYSTEM, "%s: point %.300s needs %s of memory and %s is available",
                     case_path(point->test_case), point_key(key, point), format_size(sizes[0], needed_bytes),
                     format_size(sizes[1], available_bytes));
}

enum error_kind selection_open_device(struct device **device, const struct selection_options *options,
                                      struct error *error)
{
    struct device_options device_options = {.threads = options->threads};
    enum error_kind result = threads_start(options->threads, error);
    if (result)
        return result;
    if (!strcmp(options->device, "auto")) {
        struct error reason;
        if (!device_open(device, DEVICE_CUDA, &device_options, &reason))
            return ERROR_NONE;
        fprintf(stderr, "alibicheck: device auto is the host, because %s\n", reason.text);
        return device_open(device, DEVICE_HOST, &device_options, error);
    }
    for (int kind = 0; kind < DEVICE_COUNT; kind++)
        if (!strcmp(options->device, device_kind_names[kind]))
            return device_open(device, (enum device_kind)kind, &device_options, error);
    return error_set(error, ERROR_USAGE, "--device %s: allowed: auto, cuda, host", options->device);
}
