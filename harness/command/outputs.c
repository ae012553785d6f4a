#include "harness/command/outputs.h"

#include <string.h>

#include "harness/case/recipe_library.h"
#include "harness/support/file.h"
#include "harness/support/source.h"

/* Of every case that was read, points that are not selected included. */
static bool is_mask(const char *path, const struct case_list *cases)
{
    const struct mask_bits *previous = NULL;
    for (size_t c = 0; c < cases->count; c++)
        for (size_t i = 0; i < case_num_points(cases->cases[c]); i++) {
            struct point point;
            case_point(cases->cases[c], i, &point);
            const struct mask_bits *bits = point.problem.mask.bits;
            if (bits && bits != previous && file_same(path, bits->path))
                return true;
            previous = bits;
        }
    return false;
}

/* What the run reads from path, or NULL. */
static const char *find_input(const char *path, const struct selection *selection, const struct outputs_read *read)
{
    if (read->last_failed && file_same(path, strcmp(read->last_failed, "-") == 0 ? "/dev/stdin" : read->last_failed))
        return "--last-failed";
    if (read->plugin && file_same(path, read->plugin))
        return "--plugin";
    for (size_t c = 0; c < selection->cases.count; c++) {
        const struct test_case *test_case = selection->cases.cases[c];
        if (file_same(path, case_from_standard_input(test_case) ? "/dev/stdin" : case_path(test_case)))
            return "a case file of the run";
    }
    for (size_t i = 0; i < recipe_library_count(); i++)
        if (file_same(path, recipe_library_at(i)->path))
            return "a recipe file of the run";
    return is_mask(path, &selection->cases) ? "a mask file of the run" : NULL;
}

bool outputs_take_stdout(const struct outputs *outputs)
{
    for (int i = 0; i < SINK_COUNT; i++)
        if (sink_kinds[i]->target == SINK_TO_FILE_OR_STDOUT && outputs->paths[i] && !strcmp(outputs->paths[i], "-"))
            return true;
    return false;
}

const char *outputs_path(const struct outputs *outputs, int kind)
{
    if (sink_kinds[kind]->target != SINK_TO_STDOUT)
        return outputs->paths[kind];
    return outputs_take_stdout(outputs) ? NULL : "-";
}

enum error_kind outputs_check_stdout(const struct outputs *outputs, struct error *error)
{
    for (int i = 0; i < SINK_COUNT; i++)
        if (sink_kinds[i]->target == SINK_BEHIND_STDOUT && outputs->paths[i] && outputs_take_stdout(outputs))
            return error_set(error, ERROR_USAGE,
                             "--%s: standard output has the records; allowed: records that go to a file",
                             sink_kinds[i]->option);
    return ERROR_NONE;
}

int outputs_place(const char *option)
{
    int place = 0;
    while (!sink_kinds[place]->option || strcmp(sink_kinds[place]->option, option) != 0)
        place++;
    return place;
}

/* The file that a kind writes to; standard output, which has the table if not the records, is always one. */
static const char *file_of(const struct outputs *outputs, int kind)
{
    switch (sink_kinds[kind]->target) {
    case SINK_TO_STDOUT:
        return "-";
    case SINK_TO_FILE:
    case SINK_TO_FILE_OR_STDOUT:
        return outputs->paths[kind];
    case SINK_TO_FOLDER:
    case SINK_BEHIND_STDOUT:
        break;
    }
    return NULL;
}

/* Of a file that two would write to, the one keeps it that comes later in sink_kinds, standard output first of all. */
static enum error_kind check_files(const struct outputs *outputs, const struct selection *selection,
                                   const struct outputs_read *read, struct error *error)
{
    for (int i = SINK_COUNT - 1; i >= 0; i--) {
        const char *path = file_of(outputs, i);
        char quoted[PATH_QUOTE_SIZE];
        if (!path || strcmp(path, "-") == 0)
            continue;
        const char *input = find_input(path, selection, read);
        if (input)
            return error_set(error, ERROR_USAGE, "--%s %s: the same file as %s; allowed: a file of its own",
                             sink_kinds[i]->option, quote_path(quoted, path), input);
        for (int j = SINK_COUNT - 1; j > i; j--) {
            const char *other = file_of(outputs, j), *option = sink_kinds[j]->option;
            if (other && file_same(path, other))
                return error_set(error, ERROR_USAGE, "--%s %s: the same file as %s%s; allowed: a file of its own",
                                 sink_kinds[i]->option, quote_path(quoted, path), option ? "--" : "",
                                 option ? option : "standard output");
        }
    }
    return ERROR_NONE;
}

enum error_kind outputs_check(const struct outputs *outputs, const struct selection *selection,
                              const struct outputs_read *read, struct error *error)
{
    enum error_kind result = outputs_check_stdout(outputs, error);
    if (!result)
        result = check_files(outputs, selection, read, error);
    for (int i = 0; i < SINK_COUNT; i++)
        for (size_t p = 0; p < selection->count && outputs->paths[i] && sink_kinds[i]->check && !result; p++)
            result = sink_kinds[i]->check(outputs->paths[i], &selection->points[p], error);
    return result;
}
