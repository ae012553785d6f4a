#include "harness/command/outputs.h"

#include <string.h>

#include "harness/support/file.h"
#include "harness/support/source.h"

enum error_kind outputs_check(const struct run_options *options, struct error *error)
{
    const struct {
        const char *option, *path;
    } outputs[] = {
        {"standard output", "-"}, /* has the table, if not the records */
        {"--results", options->results},
        {"--junit", options->junit},
    };
    enum { NUM_OUTPUTS = sizeof outputs / sizeof outputs[0] };
    for (size_t i = 1; i < NUM_OUTPUTS; i++) {
        const char *path = outputs[i].path;
        char quoted[PATH_QUOTE_SIZE];
        if (!path || strcmp(path, "-") == 0)
            continue;
        for (size_t j = 0; j < i; j++)
            if (outputs[j].path && file_same(path, outputs[j].path))
                return error_set(error, ERROR_USAGE, "%s %s: the same file as %s; allowed: a file of its own",
                                 outputs[i].option, quote_path(quoted, path), outputs[j].option);
    }
    return ERROR_NONE;
}
