#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/command/command.h"
#include "harness/command/options.h"
#include "harness/command/report.h"
#include "harness/report/file/merge.h"
#include "harness/support/file.h"
#include "harness/support/source.h"

enum { EXIT_COMPLETE = 0, EXIT_INCOMPLETE = 1 };
enum { OPTION_RESULTS = 256, OPTION_ANY_BUILD, OPTION_JUNIT, OPTION_JUNIT_STYLE };

struct merge_input {
    struct strings paths;
    const char *results, *junit;
    bool any_build, junit_style_said, junit_gitlab;
};

static const struct argp_option option_table[] = {
    {"results", OPTION_RESULTS, "FILE", 0, "where the records go, when all have been read; - is stdout", 0},
    {"any-build", OPTION_ANY_BUILD, NULL, 0, "take records of several builds and devices", 0},
    {"junit", OPTION_JUNIT, "FILE", 0,
     "write a JUnit report of all of them; replaces FILE when complete. Points without a record are a test that fails",
     0},
    {"junit-style", OPTION_JUNIT_STYLE, "STYLE", 0, "default, or gitlab: failures that are expected are skipped tests",
     0},
    {0}};

static void check_options(const struct merge_input *input, const struct argp_state *state)
{
    if (input->paths.count == 0)
        argp_error(state, "no file given; try: %s part-*.jsonl --results all.jsonl", state->name);
    if (!input->results)
        argp_error(state, "--results is missing; try: %s part-*.jsonl --results all.jsonl", state->name);
    if (input->junit && strcmp(input->junit, "-") == 0)
        argp_error(state, "--junit -: allowed: a file");
    if (input->junit && strcmp(input->results, "-") == 0)
        argp_error(state, "--junit: is made of the records, which go to standard output; allowed: --results FILE");
    check_junit_style(input->junit_style_said, input->junit, state);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct merge_input *input = state->input;
    switch (key) {
    case OPTION_RESULTS:
        option_text(&input->results, option_table, key, argument, state);
        return 0;
    case OPTION_ANY_BUILD:
        input->any_build = true;
        return 0;
    case OPTION_JUNIT:
        option_text(&input->junit, option_table, key, argument, state);
        return 0;
    case OPTION_JUNIT_STYLE:
        option_once(input->junit_style_said, option_table, key, argument, state);
        input->junit_style_said = true;
        input->junit_gitlab = parse_junit_style(argument, state);
        return 0;
    case ARGP_KEY_ARG:
        strings_add(&input->paths, argument, state);
        return 0;
    case ARGP_KEY_END:
        check_options(input, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    option_table,
    parse_option,
    "FILE...",
    "Put the results files of one run together: those of its shards, or of machines that were given the same command. "
    "Records are copied as they are, in the order of the run's points; one that a file repeats is taken once."
    "\vExamples:\n"
    "  alibicheck sweep cases/models --seed 0..9 --shard 1/2 --results part-1.jsonl\n"
    "  alibicheck sweep cases/models --seed 0..9 --shard 2/2 --results part-2.jsonl\n"
    "  alibicheck merge part-1.jsonl part-2.jsonl --results all.jsonl --junit junit.xml\n\n"
    "Exit code: 0 every point of the run has its record, 1 some are missing (the rest is written, and --resume "
    "computes "
    "them), or two records of a point contradict each other (nothing is written), 2 usage, or files of different runs "
    "or builds, 3 system failure.",
    help_parsers,
    NULL,
    NULL};

static const struct argp *merge_parser(void)
{
    return &parser;
}

static enum error_kind check_files(const struct merge_input *input, struct error *error)
{
    char quoted[PATH_QUOTE_SIZE];
    struct stat status;
    for (size_t i = 0; i < input->paths.count; i++) {
        if (strcmp(input->paths.items[i], "-") == 0)
            return error_set(error, ERROR_USAGE, "merge -: records are copied from files; allowed: a file");
        if (stat(input->paths.items[i], &status) == 0 && !S_ISREG(status.st_mode))
            return error_set(error, ERROR_USAGE, "%s: records are copied from files; allowed: a file",
                             quote_path(quoted, input->paths.items[i]));
        if (file_same(input->paths.items[i], input->results))
            return error_set(error, ERROR_USAGE,
                             "--results %s: the same file as one that is merged; allowed: a file of "
                             "its own",
                             quote_path(quoted, input->results));
        if (input->junit && file_same(input->paths.items[i], input->junit))
            return error_set(error, ERROR_USAGE,
                             "--junit %s: the same file as one that is merged; allowed: a file of its own",
                             quote_path(quoted, input->junit));
        for (size_t j = 0; j < i; j++)
            if (file_same(input->paths.items[i], input->paths.items[j]))
                return error_set(error, ERROR_USAGE, "%s: the file is given twice; allowed: each file once",
                                 quote_path(quoted, input->paths.items[i]));
    }
    if (input->junit && file_same(input->results, input->junit))
        return error_set(error, ERROR_USAGE, "--junit %s: the same file as --results; allowed: a file of its own",
                         quote_path(quoted, input->junit));
    return ERROR_NONE;
}

/* On stderr where the records go to stdout. */
static void print_result(const struct merge_input *input, const struct merge_result *result)
{
    FILE *stream = strcmp(input->results, "-") == 0 ? stderr : stdout;
    if (result->num_contradictions > 0)
        fprintf(stream, "%zu record%s what another one of the same point says; nothing was written\n",
                result->num_contradictions, result->num_contradictions == 1 ? " contradicts" : "s contradict");
    else
        fprintf(stream, "%zu of %zu points merged from %zu file%s, %zu repeated", result->num_records,
                result->num_points, input->paths.count, input->paths.count == 1 ? "" : "s", result->num_duplicates);
    if (result->num_contradictions == 0 && result->num_unexpected > 0)
        fprintf(stream, "; %zu did not end as expected", result->num_unexpected);
    if (result->num_contradictions == 0)
        fputc('\n', stream);
}

/* Merges, and makes a report of what was written, which is nothing where records contradict each other. */
static enum error_kind merge(struct merge_result *result, const struct merge_input *input, struct error *error)
{
    const struct merge_options options = {input->paths.items, input->paths.count, input->results, input->any_build};
    struct replacement junit;
    enum error_kind kind = check_files(input, error);
    if (!kind && input->junit)
        kind = replacement_open(&junit, input->junit, error);
    if (kind)
        return kind;
    kind = merge_results(result, &options, stderr, error);
    const bool reports = input->junit && !kind && result->num_contradictions == 0;
    if (reports)
        kind = report_junit(input->results, &junit, input->junit_gitlab, error);
    if (reports && !kind)
        return replacement_keep(&junit, error);
    if (input->junit)
        replacement_drop(&junit);
    return kind;
}

static int merge_command(int argc, char **argv, struct error *error)
{
    struct merge_input input = {.results = NULL};
    struct merge_result result = {.num_records = 0};
    options_parse(&parser, argc, argv, &input);
    const enum error_kind kind = merge(&result, &input, error);
    if (!kind)
        print_result(&input, &result);
    free(input.paths.items);
    if (kind)
        return (int)kind;
    bool complete = result.num_contradictions == 0 && result.num_records == result.num_points;
    return complete ? EXIT_COMPLETE : EXIT_INCOMPLETE;
}

const struct command command_merge = {
    .name = "merge",
    .about = "put the results files of a run's shards together",
    .parser = merge_parser,
    .run = merge_command,
};
