/*
 * What a run writes to: files that are neither each other nor what the run reads.
 */
#ifndef HARNESS_COMMAND_OUTPUTS_H
#define HARNESS_COMMAND_OUTPUTS_H

#include "harness/report/sink/sink.h"
#include "harness/run/selection.h"

struct outputs {
    const char *paths[SINK_COUNT]; /* what the option of each kind says; NULL: not given. The caller's */
};

/* Where the kind's records go, "-" for stdout; NULL: it is not to be opened. */
const char *outputs_path(const struct outputs *outputs, int kind);

/* Whether records go to standard output, where no text is to stand between them. */
bool outputs_take_stdout(const struct outputs *outputs);

/* ERROR_USAGE, with the option, if text is to stand behind records on standard output. */
enum error_kind outputs_check_stdout(const struct outputs *outputs, struct error *error);

/* The place in paths of what an option of this name writes to. */
int outputs_place(const char *option);

/* What a run reads beside its selection; NULL: no such file. */
struct outputs_read {
    const char *last_failed, *plugin;
};

/* To be called before an output is opened. ERROR_USAGE, with the option, if one is the file of another or of a case, a
 * recipe, a mask or of what is read beside them, or cannot take the record of a point. */
enum error_kind outputs_check(const struct outputs *outputs, const struct selection *selection,
                              const struct outputs_read *read, struct error *error);

#endif
