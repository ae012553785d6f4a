#include "harness/command/command.h"
#include "harness/command/interrupt.h"
#include "harness/command/options.h"
#include "harness/command/probe.h"

enum { OPTION_JSON = 256 };

static const struct argp_option option_table[] = {
    {"json", OPTION_JSON, NULL, 0, "print a JSON object for each primitive, in a line", 1}, {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct probe_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->device;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "%s: probe takes no cases; allowed: options alone", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp *probe_parser(void)
{
    static const struct argp parser = {
        option_table,
        parse_option,
        NULL,
        "Say whether the host device computes, bit for bit, what this machine's GPU does. The GPU's special functions "
        "are "
        "evaluated at all 2^32 inputs and its tensor cores on a million sums for each dtype, and the results compared "
        "with those of the models that the host device computes with. The models are those of an H100."
        "\vExamples:\n"
        "  alibicheck probe\n"
        "  alibicheck probe --device host         # the models on this machine's CPU: minutes\n\n"
        "Where a primitive has other bits, records of the host device say nothing about the bits of recipes that use "
        "it on that GPU, though each is judged by the truth as always.\n\n"
        "Exit code: 0 all have the bits of the models, 1 one has not, 2 usage, 3 device or system failure, 130 "
        "interrupted.",
        device_parsers,
        NULL,
        NULL};
    return &parser;
}

static int probe_command(int argc, char **argv, struct error *error)
{
    struct probe_options options = {.json = false};
    options_parse(probe_parser(), argc, argv, &options);
    return probe(&options, interrupt_catch(), error);
}

const struct command command_probe = {
    .name = "probe",
    .about = "say whether the host device has this machine's GPU's bits",
    .parser = probe_parser,
    .run = probe_command,
};
