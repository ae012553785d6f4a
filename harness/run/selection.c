#include "harness/run/selection.h"

#include <fnmatch.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_unused.h"
#include "harness/case/recipe_library.h"
#include "harness/case/shipped_case.h"
#include "harness/evaluate/evaluate.h"
#include "harness/evaluate/shards.h"
#include "harness/report/file/failed_points.h"
#include "harness/report/file/where.h"
#include "harness/report/record/record_field.h"
#include "harness/support/memory.h"
#include "harness/support/room.h"
#include "harness/support/threads.h"

/* ---- which points ------------------------------------------------------------------------------------------------ */

/* What a point is to meet, as far as a command line says. */
struct filter {
    const struct selection_options *options;
    struct where **where; /* [options->where.count] */
    struct failed_points *failed;
    size_t num_failed; /* of those, found among the points */
};

static bool key_is_selected(const char *key, const struct strings *only)
{
    for (size_t i = 0; i < only->count; i++)
        if (!strcmp(only->items[i], key) || !fnmatch(only->items[i], key, 0))
            return true;
    return only->count == 0;
}

/* *selected is whether the point meets all of it. */
static enum error_kind filter_point(struct filter *filter, const struct point *point, bool *selected,
                                    struct error *error)
{
    char key[POINT_KEY_SIZE];
    point_key(key, point);
    bool failed = filter->failed && failed_points_has(filter->failed, key);
    filter->num_failed += failed;
    *selected = key_is_selected(key, &filter->options->only) && (!filter->failed || failed);
    if (!*selected || filter->options->where.count == 0)
        return ERROR_NONE;
    json_t *fields = record_to_json(&(struct record){.point = point});
    if (!fields)
        return error_memory(error, "a record", 1 << 16);
    for (size_t i = 0; i < filter->options->where.count; i++)
        *selected = *selected && where_holds(filter->where[i], fields);
    json_decref(fields);
    return ERROR_NONE;
}

static void filter_clear(struct filter *filter)
{
    for (size_t i = 0; filter->where && i < filter->options->where.count; i++)
        where_free(filter->where[i]);
    free(filter->where);
    failed_points_free(filter->failed);
}

static enum error_kind filter_make(struct filter *filter, const struct selection_options *options, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    *filter = (struct filter){.options = options, .where = calloc(options->where.count + 1, sizeof *filter->where)};
    if (!filter->where)
        return error_memory(error, "--where", (double)options->where.count);
    for (size_t i = 0; i < options->where.count && !kind; i++)
        kind = where_parse_of_points(&filter->where[i], options->where.items[i], error);
    if (!kind && options->last_failed)
        kind = failed_points_read(&filter->failed, options->last_failed, error);
    return kind;
}

static enum error_kind add_point(struct selection *selection, const struct point *point, struct error *error)
{
    struct point *points = room_for_one(selection->points, &selection->capacity, selection->count, sizeof *points);
    if (!points)
        return error_memory(error, "the list of points", (double)(selection->count * sizeof *points));
    selection->points = points;
    selection->points[selection->count++] = *point;
    return ERROR_NONE;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(a, b);
}

struct point_kernel selection_kernel(const struct foreign_subject *subject)
{
    return (struct point_kernel){
        .name = subject->kernel->name,
        .bounded = !subject->subject.any_order,
        .pages = subject->kernel->takes & ALIBICHECK_KERNEL_PAGES,
        .same_bits = subject->kernel->takes & ALIBICHECK_KERNEL_SAME_BITS,
        .arithmetic = subject->kernel->arithmetic,
        .page_size = foreign_kernel_page_size(subject->kernel),
    };
}

/* Makes the point one of the foreign kernel, and says whether one before it in seen has become the same. */
static enum error_kind take_foreign(struct point *point, const struct selection_options *options, void **seen,
                                    bool *again, struct error *error)
{
    char text[POINT_KEY_SIZE];
    point_make_foreign(point, &options->foreign);
    char *key = strdup(point_key(text, point));
    char **found = key ? tsearch(key, seen, compare_keys) : NULL;
    *again = found && *found != key;
    if (!found || *again)
        free(key);
    return found ? ERROR_NONE : error_memory(error, "the list of points", POINT_KEY_SIZE);
}

/* A case that sets nothing of kernels of ours was written for this one: that it expects a failure is told to count for
 * nothing. */
static void tell_expectation(const struct selection_options *options, const struct test_case *test_case)
{
    struct point point;
    case_point(test_case, 0, &point);
    const bool expects = point.expect_fail;
    point_make_foreign(&point, &options->foreign);
    if (expects && options->notes && !case_says_of_others(test_case, &point))
        fprintf(options->notes,
                "alibicheck: %s: case %s expects a failure, as kernels of ours may be expected to have one; of another "
                "nothing "
                "but a pass is: a known failure stands in a baseline (`compare --known-failure LINK`)\n",
                case_path(test_case), case_name(test_case));
}

static enum error_kind select_points_of(struct selection *selection, struct filter *filter,
                                        const struct test_case *test_case, struct error *error)
{
    const struct selection_options *options = filter->options;
    enum error_kind kind = ERROR_NONE;
    void *seen = NULL; /* keys of a foreign kernel */
    if (options->foreign.name)
        tell_expectation(options, test_case);
    for (size_t i = 0; i < case_num_points(test_case) && !kind; i++) {
        struct point point;
        bool selected = true, again = false;
        case_point(test_case, i, &point);
        if (options->foreign.name)
            kind = take_foreign(&point, options, &seen, &again, error);
        if (!kind && !again)
            kind = filter_point(filter, &point, &selected, error);
        if (!kind && !again && selected)
            kind = add_point(selection, &point, error);
        selection->run.left_out += !again && !selected;
    }
    tdestroy(seen, free);
    return kind;
}

static enum error_kind select_points(struct selection *selection, struct filter *filter, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (size_t c = 0; c < selection->cases.count && !kind; c++)
        kind = select_points_of(selection, filter, selection->cases.cases[c], error);
    return kind;
}

/* A failure that these cases do not have is not run: who sees the rest pass is to know. */
static void tell_other_failures(const struct filter *filter)
{
    size_t count = filter->failed ? failed_points_count(filter->failed) : 0;
    if (count > filter->num_failed && filter->options->notes)
        fprintf(filter->options->notes,
                "alibicheck: %zu of the %zu points that --last-failed %s has as failed are not of these cases\n",
                count - filter->num_failed, count, filter->options->last_failed);
}

/* Nothing is left: of all that was asked for, what to look at first. */
static enum error_kind refuse_none(const struct selection_options *options, struct error *error)
{
    const char *of_whom = options->foreign.name ? " --plugin FILE" : "";
    if (options->only.count > 0)
        return error_set(
            error, ERROR_USAGE,
            "--only %s%s%s: no point has such a key%s; `alibicheck list points CASE...%s` prints the keys, "
            "which leave out what is the default; --where takes any field: --where 'dtype = f16'",
            options->only.items[0], options->where.count ? " with --where " : "",
            options->where.count ? options->where.items[0] : "",
            options->where.count ? " of those for which that holds" : "", of_whom);
    if (options->last_failed)
        return error_set(error, ERROR_USAGE, "--last-failed %s: none of its failures is a point of these cases",
                         options->last_failed);
    return error_set(error, ERROR_USAGE,
                     "--where %s: holds for no point; `alibicheck list points CASE...%s` prints them",
                     options->where.items[0], of_whom);
}

/* ---- their places ------------------------------------------------------------------------------------------------ */

static enum error_kind number_points(struct selection *selection, struct error *error)
{
    char key[POINT_KEY_SIZE];
    selection->places = calloc(selection->count + 1, sizeof *selection->places);
    if (!selection->places)
        return error_memory(error, "the list of points", (double)(selection->count * sizeof *selection->places));
    for (size_t i = 0; i < selection->count; i++) {
        const struct point *point = &selection->points[i];
        run_points_add(&selection->run, point_key(key, point), point_digest(point));
        selection->places[i] = i;
    }
    return ERROR_NONE;
}

/* Puts the points of a shard first, and those of the others behind them. */
static enum error_kind take_shard(struct selection *selection, const struct shard *shard, struct error *error)
{
    size_t left = 0;
    if (shard->count == 0)
        return ERROR_NONE;
    int *shards = calloc(selection->count + 1, sizeof *shards);
    struct point *others = calloc(selection->count + 1, sizeof *others);
    if (!shards || !others) {
        free(others);
        free(shards);
        return error_memory(error, "shards", (double)(selection->count * sizeof *others));
    }
    enum error_kind kind = shards_assign(shards, selection->points, selection->count, shard->count, error);
    for (size_t i = 0; i < selection->count && !kind; i++)
        if (shards[i] == shard->index - 1) {
            selection->points[left] = selection->points[i];
            selection->places[left++] = i;
        } else {
            others[selection->num_elsewhere++] = selection->points[i];
        }
    if (!kind) {
        selection->count = left;
        selection->run.shard = (struct run_shard){shard->index, shard->count, left};
    }
    memcpy(selection->points + left, others, selection->num_elsewhere * sizeof *others);
    free(others);
    free(shards);
    return kind;
}

/* Reads what a path or the name of a shipped case stands for. The second is noted: a name that was meant to be a file's
 * own would else be another case that passes. */
static enum error_kind read_cases(struct selection *selection, const char *path,
                                  const struct selection_options *options, struct error *error)
{
    char *folder = options->notes ? shipped_cases_folder() : NULL, *found;
    enum error_kind kind = shipped_case_find(&found, path, folder, error);
    if (!kind && strcmp(found, path) != 0)
        fprintf(options->notes, "alibicheck: %s is not here: it is the shipped %s\n", path, found);
    if (!kind)
        kind = case_list_read(&selection->cases, found, options->settings.items, options->settings.count, error);
    free(found);
    free(folder);
    return kind;
}

/* Those of a text. */
static enum error_kind parse_cases(struct selection *selection, const struct case_text *text,
                                   const struct selection_options *options, struct error *error)
{
    return case_list_parse(&selection->cases, text->name, text->text, text->size, options->settings.items,
                           options->settings.count, error);
}

enum error_kind selection_make(struct selection *selection, const struct selection_options *options,
                               struct error *error)
{
    static const char sweep[] = "case: sweep\n";
    const struct case_text of_axes = {CASE_OF_AXES, sweep, strlen(sweep)};
    struct filter filter = {.options = options};
    enum error_kind kind = ERROR_NONE;
    *selection = (struct selection){.count = 0};
    for (size_t i = 0; i < options->recipes.count && !kind; i++)
        kind = recipe_library_read(options->recipes.items[i], error);
    if (!kind && selection_is_of_axes(options))
        kind = parse_cases(selection, &of_axes, options, error);
    for (size_t i = 0; i < options->paths.count && !kind; i++)
        kind = read_cases(selection, options->paths.items[i], options, error);
    for (size_t i = 0; i < options->num_texts && !kind; i++)
        kind = parse_cases(selection, &options->texts[i], options, error);
    /* One that is not ours has another use for keys, or none: those that are of ours alone are passed over. */
    if (!kind && !options->foreign.name)
        kind = case_list_check_use(&selection->cases, error);
    if (!kind)
        kind = filter_make(&filter, options, error);
    if (!kind)
        kind = select_points(selection, &filter, error);
    if (!kind && selection->count == 0 && selection->cases.count > 0)
        kind = refuse_none(options, error);
    if (!kind)
        tell_other_failures(&filter);
    if (!kind)
        kind = number_points(selection, error);
    if (!kind)
        kind = take_shard(selection, &options->shard, error);
    filter_clear(&filter);
    return kind;
}

void selection_clear(struct selection *selection)
{
    free(selection->points);
    free(selection->places);
    case_list_clear(&selection->cases);
    *selection = (struct selection){.count = 0};
}

enum error_kind selection_check_memory(const struct point *point, double needed_bytes, int jobs, struct error *error)
{
    double available_bytes = memory_available_bytes();
    char key[POINT_KEY_SIZE], sizes[2][32];
    if (needed_bytes * jobs <= available_bytes)
        return ERROR_NONE;
    if (needed_bytes <= available_bytes)
        return error_set(error, ERROR_SYSTEM,
                         "--jobs %d: so many points like %.300s need %s of memory and %s is available; allowed: up to "
                         "%d",
                         jobs, point_key(key, point), format_size(sizes[0], needed_bytes * jobs),
                         format_size(sizes[1], available_bytes), (int)(available_bytes / needed_bytes));
    return error_set(error, ERROR_SYSTEM, "%s: point %.300s needs %s of memory and %s is available",
                     case_path(point->test_case), point_key(key, point), format_size(sizes[0], needed_bytes),
                     format_size(sizes[1], available_bytes));
}

enum error_kind selection_check_room(const struct selection *selection, int threads, int jobs, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0; i < selection->count && !kind; i++) {
        const struct point *point = &selection->points[i];
        kind = selection_check_memory(point, evaluate_bytes(point, threads), jobs, error);
    }
    return kind;
}

enum error_kind selection_check_references(const struct selection *selection, struct error *error)
{
    for (size_t i = 0; i < selection->count; i++)
        if (selection->points[i].baselines)
            return baseline_ready(error);
    return ERROR_NONE;
}

enum error_kind selection_check_any(const struct selection *selection, const struct selection_options *options,
                                    const char *command, struct error *error)
{
    if (selection->count > 0)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "%s: --shard %d/%d has none of the %zu points; allowed: a part that has one",
                     command, options->shard.index, options->shard.count, selection->run.count);
}

enum error_kind selection_check_device_name(const char *device, struct error *error)
{
    bool known = !device || !strcmp(device, "auto");
    for (int kind = 0; kind < DEVICE_COUNT && !known; kind++)
        known = !strcmp(device, device_kind_names[kind]);
    return known ? ERROR_NONE : error_set(error, ERROR_USAGE, "--device %s: allowed: auto, cuda, host", device);
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
        if (options->notes)
            fprintf(options->notes, "alibicheck: device auto is the host, because %s\n", reason.text);
        return device_open(device, DEVICE_HOST, &device_options, error);
    }
    for (int kind = 0; kind < DEVICE_COUNT; kind++)
        if (!strcmp(options->device, device_kind_names[kind]))
            return device_open(device, (enum device_kind)kind, &device_options, error);
    return selection_check_device_name(options->device, error);
}
