#include "harness/command/hunt_options.h"

#include <string.h>

#include "harness/command/foreign_parser.h"
#include "harness/command/options.h"
#include "harness/hunt/space.h"

enum { EVALUATIONS = 400, SHRINK_EVALUATIONS = 150, EVALUATIONS_MAX = 100000000 };

enum {
    OPTION_VARY = 256,
    OPTION_EVALUATIONS,
    OPTION_SHRINK,
    OPTION_OBJECTIVE,
    OPTION_SEED,
    OPTION_RANDOM,
    OPTION_TIME_LIMIT,
    OPTION_RESULTS,
    OPTION_RESUME,
    OPTION_ANY_BUILD,
    OPTION_JSON,
    OPTION_WRITE = 'o'
};

static const struct argp_option options_table[] = {
    {NULL, 0, NULL, 0, "Where to look, and for what:", 4},
    {"vary", OPTION_VARY, "KEY[=LIMITS],...", 0,
     "what is free: keys of a case, each with A..B of a number, [VALUE,...] of anything, or what is usual; repeatable "
     "(seq_len,input,mask,seed)",
     4},
    {"objective", OPTION_OBJECTIVE, "NAME", 0,
     "what is to be large: budget, error / error bound (default where there is a bound); tolerance, error / tolerance; "
     "class, error / bound of the case's class, or of f32 (default of other kernels); ulp",
     4},
    {"evaluations", OPTION_EVALUATIONS, "N", 0, "inputs that are tried (400)", 4},
    {"shrink", OPTION_SHRINK, "N", 0, "further ones that make each find small; 0: it stays as found (150)", 4},
    {"seed", OPTION_SEED, "N", 0, "of the hunt: the same one finds the same (0)", 4},
    {"random", OPTION_RANDOM, NULL, 0, "draw every input anew and climb on none, to compare with", 4},
    {"time-limit", OPTION_TIME_LIMIT, "TIME", 0, "search no longer than this: 90, 90s, 30m, 2h", 4},
    {NULL, 0, NULL, 0, "Where finds go:", 5},
    {"write", OPTION_WRITE, "DIR", 0, "write each find's case file, and a bundle for `alibicheck judge`, into DIR", 5},
    {"results", OPTION_RESULTS, "FILE", 0, "write the record of every input that is tried as JSON Lines", 5},
    {"resume", OPTION_RESUME, NULL, 0, "go on with the file of --results: nothing that it has is tried again", 5},
    {"any-build", OPTION_ANY_BUILD, NULL, 0, "with --resume, keep records of another build as well", 5},
    {"json", OPTION_JSON, NULL, 0, "print the finds as JSON, one object", 5},
    {0}};

static enum objective parse_objective(const char *text, const struct argp_state *state)
{
    char allowed[FIELD_ALLOWED_SIZE];
    int choice = field_choice(&objective_field, text, strlen(text));
    if (choice == OBJECTIVE_COUNT)
        argp_error(state, "--objective %s: allowed: %s", text, field_allowed(allowed, &objective_field));
    return (enum objective)choice;
}

static void end(struct hunt_options *options, const struct argp_state *state)
{
    if (options->resume && !options->results)
        argp_error(state, "--resume: there is no file to go on with; allowed: with --results FILE");
    if (options->results && !strcmp(options->results, "-"))
        argp_error(state, "--results -: allowed: a file; standard output has the finds");
    foreign_check_resume(&options->foreign, options->resume, options->any_build, state);
    options->evaluations = options->evaluations_said ? options->evaluations : EVALUATIONS;
    options->shrink_evaluations = options->shrink_said ? options->shrink_evaluations : SHRINK_EVALUATIONS;
    if (options->vary.count == 0)
        strings_add(&options->vary, space_default, state);
}

/* Of where finds go. */
static error_t parse_option_of_finds(int key, char *argument, struct argp_state *state)
{
    struct hunt_options *options = state->input;
    switch (key) {
    case OPTION_WRITE:
        option_text(&options->write, options_table, key, argument, state);
        return 0;
    case OPTION_RESULTS:
        option_text(&options->results, options_table, key, argument, state);
        return 0;
    case OPTION_RESUME:
        options->resume = true;
        return 0;
    case OPTION_ANY_BUILD:
        options->any_build = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct hunt_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->selection;
        state->child_inputs[1] = &options->foreign;
        return 0;
    case OPTION_VARY:
        strings_add(&options->vary, argument, state);
        return 0;
    case OPTION_OBJECTIVE:
        option_once(options->objective != OBJECTIVE_COUNT, options_table, key, argument, state);
        options->objective = parse_objective(argument, state);
        return 0;
    case OPTION_EVALUATIONS:
        option_once(options->evaluations_said, options_table, key, argument, state);
        options->evaluations = (long)option_whole("evaluations", argument, 1, EVALUATIONS_MAX, state);
        options->evaluations_said = true;
        return 0;
    case OPTION_SHRINK:
        option_once(options->shrink_said, options_table, key, argument, state);
        options->shrink_evaluations = (long)option_whole("shrink", argument, 0, EVALUATIONS_MAX, state);
        options->shrink_said = true;
        return 0;
    case OPTION_SEED:
        option_once(options->seed_said, options_table, key, argument, state);
        options->seed = option_whole("seed", argument, 0, UINT64_MAX, state);
        options->seed_said = true;
        return 0;
    case OPTION_RANDOM:
        options->random = true;
        return 0;
    case OPTION_TIME_LIMIT:
        option_once(options->time_limit_s > 0, options_table, key, argument, state);
        options->time_limit_s = parse_time("time-limit", argument, state);
        return 0;
    case ARGP_KEY_END:
        end(options, state);
        return 0;
    default:
        return parse_option_of_finds(key, argument, state);
    }
}

const struct argp *hunt_parser(void)
{
    static struct argp_child children[3];
    static struct argp parser = {
        .options = options_table,
        .parser = parse_option,
        .args_doc = "[CASE...]",
        .children = children,
        .doc =
            "Find the worst input of a kernel within limits: try inputs, go on from the worst ones, make what was "
            "found small, and print the case file that runs it. The points of the cases are where it starts, and what "
            "they say of keys that are not free holds; without a CASE it starts from seq_len 256, num_heads 4, "
            "head_dim 64."
            "\vThe worst input that passes is a find, and so is the worst of each way of failing. One that passes is "
            "made small as long as it keeps 0.9 of its value, one that fails as long as it fails in that way.\n\n"
            "Examples:\n"
            "  alibicheck hunt\n"
            "  alibicheck hunt --plugin ./mine.so --vary 'seq_len=1..2000,input,mask,seed' -o finds\n"
            "  alibicheck hunt cases/models/bloom.yaml --only 'bloom-560m:*' --set recipe=hf-bloom --objective "
            "tolerance\n"
            "  alibicheck hunt --vary 'seq_len,seed,input={distribution: [normal], stddev: 0.1..2}'\n\n"
            "Exit code: 0 nothing that fails was found, 1 something was, 2 usage or a bad case file, 3 device or "
            "system "
            "failure, 130 interrupted. Ctrl-C ends after the input in work and prints what was found.",
    };
    children[0] = selection_parsers[0];
    children[0].header = "Where to start, and how:";
    children[0].group = 6;
    children[1] = (struct argp_child){.argp = &foreign_parser};
    return &parser;
}

const struct field *hunt_option_field(int option)
{
    return option == OPTION_OBJECTIVE ? &objective_field : NULL;
}
