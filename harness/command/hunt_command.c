#include <stdlib.h>

#include "harness/command/command.h"
#include "harness/command/hunter.h"
#include "harness/command/interrupt.h"
#include "harness/command/options.h"

static int hunt_command(int argc, char **argv, struct error *error)
{
    struct hunt_options options = {.selection.of_axes = true, .objective = OBJECTIVE_COUNT};
    options_parse(hunt_parser(), argc, argv, &options);
    int code = hunter(&options, interrupt_catch(), error);
    free(options.vary.items);
    selection_options_clear(&options.selection);
    return code;
}

const struct command command_hunt = {
    .name = "hunt",
    .about = "find the worst input of a kernel within limits, and make it small",
    .parser = hunt_parser,
    .run = hunt_command,
    .field = hunt_option_field,
};
