#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "harness/command/command.h"
#include "harness/command/interrupt.h"
#include "harness/command/lost_file.h"
#include "harness/command/options.h"
#include "harness/command/tolerance.h"
#include "harness/support/field.h"
#include "harness/support/number.h"
#include "harness/support/source.h"

enum {
    OPTION_ATOL = 256,
    OPTION_RTOL,
    OPTION_COMBINE,
    OPTION_RATIO,
    OPTION_COSINE,
    OPTION_NMSE,
    OPTION_NORM,
    OPTION_LSE,
    OPTION_CLASS,
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
    {"lse", OPTION_LSE, "X", 0, "absolute tolerance of each log-sum-exp, in nats (default: lse is not looked at)", 2},
    {0, 0, 0, 0, "What is asked:", 3},
    {"class", OPTION_CLASS, "NAME", 0,
     "the arithmetic whose outputs the rule has to accept: output, f32 (default), or f32 with roundings, as "
     "f32+weights16+bias16; docs/judge.md has them",
     3},
    {"seeds", OPTION_SEEDS, "N", 0,
     "run the point's kernel on N seeds, and say what it needs (default: 100, fewer where keys * heads * head_dim of "
     "all "
     "are more than 2^28, so that it takes seconds)",
     3},
    {"json", OPTION_JSON, NULL, 0, "print a JSON object for each point, in a line", 3},
    {0}};

/* The numbers of a rule. */
static const struct rule_number {
    int key;
    size_t member; /* of struct rule */
    double least, most;
} rule_numbers[] = {
    {OPTION_ATOL, offsetof(struct rule, atol), 0, 1e30}, {OPTION_RTOL, offsetof(struct rule, rtol), 0, 1e30},
    {OPTION_RATIO, offsetof(struct rule, ratio), 0, 1},  {OPTION_COSINE, offsetof(struct rule, cosine), -1, 1},
    {OPTION_NMSE, offsetof(struct rule, nmse), 0, 1e30}, {OPTION_NORM, offsetof(struct rule, norm), 0, 1e30},
    {OPTION_LSE, offsetof(struct rule, lse), 0, 1e30},
};

/* false: the option is none of them. */
static bool parse_number(struct rule *rule, int key, const char *text, const struct argp_state *state)
{
    const struct rule_number *number = rule_numbers, *end = number + sizeof rule_numbers / sizeof *rule_numbers;
    double *value;
    int row = 0;
    while (number < end && number->key != key)
        number++;
    if (number == end)
        return false;
    while (option_table[row].key != key)
        row++;
    value = (double *)(void *)((char *)rule + number->member);
    if (number_parse(text, strlen(text), value) != VALUE_SOUND || *value < number->least || *value > number->most)
        argp_error(state, "--%s %s: allowed: numbers %g to %g", option_table[row].name, text, number->least,
                   number->most);
    return true;
}

static enum rule_combine parse_combine(const char *text, const struct argp_state *state)
{
    enum rule_combine combine = RULE_SUM;
    while (combine < RULE_COMBINE_COUNT && strcmp(text, rule_combine_names[combine]) != 0)
        combine++;
    if (combine == RULE_COMBINE_COUNT)
        argp_error(state, "--combine %s: allowed: sum, either, both", text);
    return combine;
}

static int parse_seeds(const char *text, const struct argp_state *state)
{
    uint64_t seeds = 0;
    int negative = 0;
    if (number_parse_whole(text, strlen(text), &seeds, &negative) != VALUE_SOUND || negative ||
        seeds > TOLERANCE_SEEDS_MAX)
        argp_error(state, "--seeds %s: allowed: whole numbers 0 to %d", text, TOLERANCE_SEEDS_MAX);
    return (int)seeds;
}

static void parse_class(struct tolerance_options *options, const char *text, const struct argp_state *state)
{
    char problem[FIELD_ALLOWED_SIZE], quoted[QUOTE_SIZE];
    struct class_demand demand;
    if (!class_demand_parse(&demand, text, problem))
        argp_error(state, "--class %s: %s", quote(quoted, text, strlen(text)), problem);
    if (!demand.asked)
        argp_error(state, "--class any: says nothing of what is sound; allowed: output, f32, or f32 with roundings");
    options->sought = demand.arithmetic;
}

/* Options of this command alone, of which each is given once. */
static bool is_said(const struct tolerance_options *options, int key)
{
    return options->said >> (key - OPTION_ATOL) & 1;
}

static void say(struct tolerance_options *options, int key, const char *argument, const struct argp_state *state)
{
    if (key < OPTION_ATOL || key >= OPTION_JSON)
        return;
    option_once(is_said(options, key), option_table, key, argument, state);
    options->said |= 1u << (key - OPTION_ATOL);
}

static void finish(struct tolerance_options *options, const struct argp_state *state)
{
    struct rule *rule = &options->rule;
    if (isnan(rule->atol) != isnan(rule->rtol))
        argp_error(state, "--atol, --rtol: allowed: both of them");
    rule->by_elements = !isnan(rule->atol);
    options->has_rule = rule_reads_output(rule) || !isnan(rule->lse);
    if (!rule->by_elements && (is_said(options, OPTION_COMBINE) || is_said(options, OPTION_RATIO)))
        argp_error(state, "--combine, --ratio: allowed: with --atol and --rtol");
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct tolerance_options *options = state->input;
    say(options, key, argument, state);
    if (parse_number(&options->rule, key, argument, state))
        return 0;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->selection;
        return 0;
    case OPTION_COMBINE:
        options->rule.combine = parse_combine(argument, state);
        return 0;
    case OPTION_CLASS:
        parse_class(options, argument, state);
        return 0;
    case OPTION_SEEDS:
        options->seeds = parse_seeds(argument, state);
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_END:
        finish(options, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    option_table,
    parse_option,
    "CASE...|BUNDLE",
    "Say which tolerance is right for a problem, and what a rule lets pass: faults that kernels have had are planted "
    "in the exact result, and each is put to the rule, beside what sound arithmetic may be off by in any order of "
    "sums. A problem is a point of a case, or that of a bundle, a folder that `run --dump` wrote or a recorded call."
    "\vExamples:\n"
    "  alibicheck tolerance cases/example/steep-heads.yaml\n"
    "  alibicheck tolerance cases/tolerances/gqa-decode.yaml --atol 1e-2 --rtol 1e-2 --combine either\n"
    "  alibicheck tolerance cases/models/bloom.yaml --set seq_len=8192 --cosine 0.999 --class f32+weights16\n"
    "  alibicheck tolerance failure.safetensors --atol 1e-3 --rtol 1e-3 --lse 1e-3\n\n"
    "\"needs\" is what all that the rule allows would have to be multiplied by to let the fault pass, of a cosine "
    "1 - cosine; what is sound stands there with the largest error that its class allows. A fault that leaves the "
    "result what it is, in the output's dtype, is not counted.\n\n"
    "Exit code: 0 the rule refuses every fault and accepts all that is sound in the class, 1 it does not, 2 usage, a "
    "bad "
    "case file, or no fault that changes anything, 3 device or system failure, 130 interrupted.",
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
        .rule = {.atol = NAN, .rtol = NAN, .ratio = 1, .cosine = NAN, .nmse = NAN, .norm = NAN, .lse = NAN},
        .sought = {.set = CLASS_F32},
        .seeds = TOLERANCE_SEEDS_OF_POINT,
    };
    options_parse(&parser, argc, argv, &options);
    lost_file_watch();
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
