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
static const char *find_input(const char *path, const struct selection *selection)
{
    for (size_t c = 0; c < selection->cases.count; c++)
        if (file_same(path, case_path(selection->cases.cases[c])))
            return "a case file of the run";
    for (size_t i = 0; i < recipe_library_count(); i++)
        if (file_same(path, recipe_library_at(i)->path))
            return "a recipe file of the run";
    return is_mask(path, &selection->cases) ? "a mask file of the run" : NULL;
}

enum error_kind outputs_check(const struct run_options *options, const struct selection *selection, struct error *error)
{
    const struct {
        const char *option, *path;
    } outputs[] = {
        {"standard output", "-"}, /* has the table, if not the records */
        {"--results", options->results},
        {"--junit", options->junit},
    };
    for (size_t i = 1; i < sizeof outputs / sizeof outputs[0]; i++) {
        const char *path = outputs[i].path;
        char quoted[PATH_QUOTE_SIZE];
        if (!path || strcmp(path, "-") == 0)
            continue;
        const char *other = find_input(path, selection);
        for (size_t j = 0; j < i && !other; j++)
            if (outputs[j].path && file_same(path, outputs[j].path))
                other = outputs[j].option;
        if (other)
            return error_set(error, ERROR_USAGE, "%s %s: the same file as %s; allowed: a file of its own",
                             outputs[i].option, quote_path(quoted, path), other);
    }
    return ERROR_NONE;
}
