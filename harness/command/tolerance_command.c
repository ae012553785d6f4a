#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/command/command.h"
#include "harness/command/interrupt.h"
#include "harness/command/options.h"
#include "harness/command/tolerance.h"
#include "harness/support/number.h"

enum {
    OPTION_ATOL = 256,
    OPTION_RTOL,
    OPTION_COMBINE,
    OPTION_RATIO,
    OPTION_COSINE,
    OPTION_NMSE,
    OPTION_NORM,
    OPTION_SEEDS,
    OPTION_JSON
};

static const struct argp_option option_table[] = {
    {0, 0, 0, 0, "The rule, as a test has it (default: the tolerance of each point):", 2},
    {"atol", OPTION_ATOL, "X", 0, "absolute tolerance of an element; with --rtol", 2},
    {"rtol", OPTION_RTOL, "X", 0, "relative tolerance of an element, of |truth|; with --atol", 2},
    {"combine", OPTION_COMBINE, "HOW", 0,
     "sum (default): |d| <= atol + rtol |truth|, as torch.allclose; either; both: each by itself", 2},
    {"ratio", OPTION_RATIO, "X", 0, "the share of elements that has to be within (1)", 2},
    {"cosine", OPTION_COSINE, "X", 0, "the least cosine of output and truth", 2},
    {"nmse", OPTION_NMSE, "X", 0, "the largest sum of d^2 / sum of truth^2", 2},
    {"norm", OPTION_NORM, "X", 0, "the largest norm of d / norm of truth", 2},
    {0, 0, 0, 0, "What is asked:", 3},
    {"seeds", OPTION_SEEDS, "N", 0, "run the point's kernel on N seeds, and say what it needs (0)", 3},
    {"json", OPTION_JSON, NULL, 0, "print a JSON object for each point, in a line", 3},
    {0}};

static double parse_number(int key, const char *text, double least, double most, const struct argp_state *state)
{
    double number = 0;
    int row = 0;
    while (option_table[row].key != key)
        row++;
    if (number_parse(text, strlen(text), &number) != VALUE_SOUND || number < least || number > most)
        argp_error(state, "--%s %s: allowed: numbers %g to %g", option_table[row].name, text, least, most);
    return number;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct tolerance_options *options = state->input;
    struct rule *rule = &options->rule;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->selection;
        return 0;
    case OPTION_ATOL:
        rule->atol = parse_number(key, argument, 0, 1e30, state);
        return 0;
    case OPTION_RTOL:
        rule->rtol = parse_number(key, argument, 0, 1e30, state);
        return 0;
    case OPTION_COMBINE:
        rule->combine = RULE_SUM;
        while (rule->combine < RULE_COMBINE_COUNT && strcmp(argument, rule_combine_names[rule->combine]) != 0)
            rule->combine++;
        if (rule->combine == RULE_COMBINE_COUNT)
            argp_error(state, "--combine %s: allowed: sum, either, both", argument);
        return 0;
    case OPTION_RATIO:
        rule->ratio = parse_number(key, argument, 0, 1, state);
        return 0;
    case OPTION_COSINE:
        rule->cosine = parse_number(key, argument, -1, 1, state);
        return 0;
    case OPTION_NMSE:
        rule->nmse = parse_number(key, argument, 0, 1e30, state);
        return 0;
    case OPTION_NORM:
        rule->norm = parse_number(key, argument, 0, 1e30, state);
        return 0;
    case OPTION_SEEDS:
        options->seeds = (int)parse_number(key, argument, 0, TOLERANCE_SEEDS_MAX, state);
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_END:
        if (isnan(rule->atol) != isnan(rule->rtol))
            argp_error(state, "--atol, --rtol: allowed: both of them");
        options->has_tolerances = !isnan(rule->atol);
        rule->by_elements = options->has_tolerances || (isnan(rule->cosine) && isnan(rule->nmse) && isnan(rule->norm));
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    option_table,
    parse_option,
    "CASE...",
    "Say which tolerance is right for a problem, and what a rule lets pass: faults that kernels have had are planted "
    "in "
    "the exact result, and each is put to the rule, beside what sound arithmetic may be off by in any order of sums."
    "\vExamples:\n"
    "  alibicheck tolerance cases/example/steep-heads.yaml --seeds 20\n"
    "  alibicheck tolerance cases/tolerances/gqa-decode.yaml --atol 1e-2 --rtol 1e-2 --combine either\n"
    "  alibicheck tolerance cases/models/bloom.yaml --set seq_len=8192 --cosine 0.999\n\n"
    "\"needs\" is what atol and rtol would have to be multiplied by to let the fault pass; what is sound stands there "
    "with "
    "the largest error that its class allows.\n\n"
    "Exit code: 0 the rule refuses every fault and accepts sound f32 arithmetic, 1 it does not, 2 usage or a bad case "
    "file, 3 device or system failure, 130 interrupted.",
    selection_parsers,
    NULL,
    NULL};

static const struct argp *tolerance_parser(void)
{
    return &parser;
}

static int tolerance_command(int argc, char **argv, struct error *error)
{
    struct tolerance_options options = {
        .selection.example = "cases/example/steep-heads.yaml",
        .rule = {.atol = NAN, .rtol = NAN, .ratio = 1, .cosine = NAN, .nmse = NAN, .norm = NAN},
    };
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    int code = tolerance(&options, interrupt_catch(), error);
    selection_options_clear(&options.selection);
    return code;
}

const struct command command_tolerance = {
    .name = "tolerance",
    .about = "say which tolerance is right, and which faults a rule lets pass",
    .parser = tolerance_parser,
    .run = tolerance_command,
};
