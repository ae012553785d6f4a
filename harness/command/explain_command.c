#include <stdio.h>

#include "harness/command/command.h"
#include "harness/command/explain.h"
#include "harness/command/foreign_parser.h"
#include "harness/command/interrupt.h"
#include "harness/command/options.h"

enum { OPTION_ELEMENT = 256, OPTION_JSON };

static const struct argp_option option_table[] = {
    {"element", OPTION_ELEMENT, "H,D", 0, "the element to explain: head and dim (default: the worst one)", 2},
    {"json", OPTION_JSON, NULL, 0, "print a JSON object for each point, in a line", 2},
    {0}};

static error_t parse_explain_option(int key, char *argument, struct argp_state *state)
{
    struct explain_options *options = state->input;
    char rest;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->selection;
        state->child_inputs[1] = &options->foreign;
        return 0;
    case OPTION_ELEMENT:
        option_once(options->has_element, option_table, key, argument, state);
        if (sscanf(argument, "%d,%d%c", &options->head, &options->dim, &rest) != 2 || options->head < 0 ||
            options->dim < 0)
            argp_error(state, "--element %s: allowed: HEAD,DIM, both from 0", argument);
        options->has_element = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char about[] =
    "Say where a kernel's error comes from: replay its arithmetic with the roundings of one stage at a time (bias, "
    "logit, exponential, ...) and everything else exact, and print each stage's share of the error. Of a kernel of "
    "your "
    "own, which nobody can replay: what was found, of what its worst element is made, and the class that each head "
    "needs."
    "\vExamples:\n"
    "  alibicheck explain cases/seed/flashinfer-33001.yaml --only '*head_dim=128,*sentinel=-inf'\n"
    "  alibicheck explain cases/models/bloom.yaml --set seq_len=2048 --set bias=absolute --element 0,77\n"
    "  alibicheck explain seed --only '*head_dim=64*' --plugin ./attention.so\n\n"
    "Exit code: 0 explained, 2 usage or a bad case file, 3 device or system failure, or a kernel that is wrong without "
    "any rounding, 130 interrupted.";

static const struct argp *explain_parser(void)
{
    static struct argp_child children[3];
    static const struct argp parser = {option_table, parse_explain_option, "CASE...", about, children, NULL, NULL};
    children[0] = selection_parsers[0];
    children[1] = (struct argp_child){.argp = &foreign_parser};
    return &parser;
}

static int explain_command(int argc, char **argv, struct error *error)
{
    struct explain_options options = {.selection.example = "cases/survival/near-keys-gone.yaml"};
    options_parse(explain_parser(), argc, argv, &options);
    int code = explain(&options, interrupt_catch(), error);
    selection_options_clear(&options.selection);
    return code;
}

const struct command command_explain = {
    .name = "explain",
    .about = "say which stage of a kernel's arithmetic its error comes from",
    .parser = explain_parser,
    .run = explain_command,
};
