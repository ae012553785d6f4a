#include <stdlib.h>

#include "harness/command/command.h"
#include "harness/command/interrupt.h"
#include "harness/command/judge.h"
#include "harness/command/judge_trace.h"
#include "harness/command/lost_file.h"
#include "harness/command/options.h"

static int judge_command(int argc, char **argv, struct error *error)
{
    struct judge_options options = {.threads = 0};
    options_parse(judge_options_parser(), argc, argv, &options);
    struct progress *progress = interrupt_catch();
    options.progress = progress;
    lost_file_watch();
    int code =
        options.values[GIVEN_WRITE_INPUTS] ? (int)judge_trace_write(&options, error) : judge(&options, progress, error);
    free(options.dtypes.items);
    free(options.recipes.items);
    return code;
}

const struct command command_judge = {
    .name = "judge",
    .about = "judge an output of your own kernel from tensors in files",
    .parser = judge_options_parser,
    .run = judge_command,
};
