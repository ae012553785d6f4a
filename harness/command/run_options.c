#include "harness/command/run_options.h"

#include <stdlib.h>
#include <string.h>

#include "harness/command/foreign_parser.h"
#include "harness/command/options.h"
#include "harness/command/table_parser.h"
#include "harness/support/number.h"

enum { JOBS_MAX = 1024 };

/* Those of the sinks have OPTION_SINK and the place of their kind in sink_kinds. */
enum {
    OPTION_SINK = 256,
    OPTION_RESUME = OPTION_SINK + SINK_COUNT,
    OPTION_ANY_BUILD,
    OPTION_JOBS,
    OPTION_FAIL_FAST,
    OPTION_TIME_LIMIT,
    OPTION_DRY_RUN,
    OPTION_JUNIT_STYLE,
    OPTION_KEEP_FAILED
};

static const struct argp_option own_options[] = {
    {"junit-style", OPTION_JUNIT_STYLE, "STYLE", 0, "default, or gitlab: failures that are expected are skipped tests",
     2},
    {"keep-failed", OPTION_KEEP_FAILED, "N", 0,
     "of --bundle, --bundle-without-kv, --private-bundle and --dump: write the first N points alone that do not end as "
     "their case expects; all: every one of them",
     2},
    {"resume", OPTION_RESUME, NULL, 0,
     "go on with the file of --results: its records are kept, what is missing is computed, and in the end it is as if "
     "nothing had happened",
     3},
    {"any-build", OPTION_ANY_BUILD, NULL, 0, "with --resume, keep records of another build as well", 3},
    {"jobs", OPTION_JOBS, "N", 0,
     "run N points at a time, the threads shared among them (default: small points of shipped kernels side by side on "
     "the host, a thread each; else 1)",
     3},
    {"fail-fast", OPTION_FAIL_FAST, NULL, 0, "stop at the first point that does not end as its case expects", 3},
    {"time-limit", OPTION_TIME_LIMIT, "TIME", 0, "begin no point later than this: 90, 90s, 30m, 2h; exit code 130", 3},
    {"dry-run", OPTION_DRY_RUN, NULL, 0, "run nothing; print how many points, and what time and memory they take", 3},
};
enum { NUM_OWN = sizeof own_options / sizeof own_options[0] };

static const struct argp *parser(void);

static void parse_path(struct run_options *options, int key, char *argument, const struct argp_state *state)
{
    const struct sink_kind *kind = sink_kinds[key - OPTION_SINK];
    const char **path = &options->outputs.paths[key - OPTION_SINK];
    if (sink_argument(kind))
        option_once(*path, parser()->options, key, argument, state);
    if (kind->target == SINK_TO_FILE && strcmp(argument, "-") == 0)
        argp_error(state, "--%s -: allowed: a file; standard output has the table or the records", kind->option);
    *path = argument ? argument : "-";
}

static void parse_keep_failed(struct run_options *options, const char *argument, const struct argp_state *state)
{
    option_once(options->keep_failed > 0, own_options, OPTION_KEEP_FAILED, argument, state);
    uint64_t number = SIZE_MAX;
    int negative = 0;
    if (strcmp(argument, "all") != 0 &&
        (number_parse_whole(argument, strlen(argument), &number, &negative) != VALUE_SOUND || negative || number == 0))
        argp_error(state, "--keep-failed %s: allowed: 1 and more, or all", argument);
    options->keep_failed = (size_t)number;
}

/* What is said of folders is said of one. */
static void check_keep_failed(const struct run_options *options, const struct argp_state *state)
{
    bool keeps = false;
    for (int i = 0; i < SINK_COUNT; i++)
        keeps |= sink_kinds[i]->target == SINK_TO_FOLDER && options->outputs.paths[i];
    if (options->keep_failed && !keeps)
        argp_error(state, "--keep-failed: no points are kept; allowed: with --bundle DIR, --bundle-without-kv DIR, "
                          "--private-bundle DIR or --dump DIR");
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct run_options *options = state->input;
    if (key >= OPTION_SINK && key < OPTION_SINK + SINK_COUNT) {
        parse_path(options, key, argument, state);
        return 0;
    }
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->selection;
        state->child_inputs[1] = &options->table;
        state->child_inputs[2] = &options->foreign;
        return 0;
    case OPTION_RESUME:
        options->resume = true;
        return 0;
    case OPTION_ANY_BUILD:
        options->any_build = true;
        return 0;
    case OPTION_JOBS:
        option_once(options->jobs, own_options, key, argument, state);
        options->jobs = (int)option_whole("jobs", argument, 1, JOBS_MAX, state);
        return 0;
    case OPTION_FAIL_FAST:
        options->fail_fast = true;
        return 0;
    case OPTION_TIME_LIMIT:
        option_once(options->time_limit_s > 0, own_options, key, argument, state);
        options->time_limit_s = parse_time("time-limit", argument, state);
        return 0;
    case OPTION_DRY_RUN:
        options->dry_run = true;
        return 0;
    case OPTION_JUNIT_STYLE:
        option_once(options->junit_style_said, own_options, key, argument, state);
        options->junit_style_said = true;
        options->junit_gitlab = parse_junit_style(argument, state);
        return 0;
    case OPTION_KEEP_FAILED:
        parse_keep_failed(options, argument, state);
        return 0;
    case ARGP_KEY_END:
        check_keep_failed(options, state);
        check_junit_style(options->junit_style_said, options->outputs.paths[outputs_place("junit")], state);
        foreign_check_resume(&options->foreign, options->resume, options->any_build, state);
        if (options->foreign.pipes && options->jobs > 1)
            argp_error(state, "--kernel-pipes: one point at a time; allowed: --jobs 1");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp *parser(void)
{
    static struct argp_option table[SINK_COUNT + NUM_OWN + 1];
    static struct argp_child children[4];
    static struct argp parser = {.options = table, .parser = parse_option, .children = children};
    struct argp_option *option = table;
    for (int i = 0; i < SINK_COUNT; i++)
        if (sink_kinds[i]->option)
            *option++ = (struct argp_option){
                .name = sink_kinds[i]->option,
                .key = OPTION_SINK + i,
                .arg = sink_argument(sink_kinds[i]),
                .doc = sink_kinds[i]->about,
                .group = 2,
            };
    memcpy(option, own_options, sizeof own_options);
    children[0] = selection_parsers[0];
    children[1] = (struct argp_child){.argp = &table_parser};
    children[2] = (struct argp_child){.argp = &foreign_parser};
    return &parser;
}

const struct argp_child *run_parsers(void)
{
    static struct argp_child children[2];
    children[0] = (struct argp_child){.argp = parser()};
    return children;
}
