#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/command/command.h"
#include "harness/command/compare.h"
#include "harness/command/options.h"
#include "harness/report/sink/table_options.h"
#include "harness/support/suggest.h"

enum {
    OPTION_ALLOW = 256,
    OPTION_BITS,
    OPTION_WHERE,
    OPTION_SORT,
    OPTION_COLUMNS,
    OPTION_WIDTH,
    OPTION_JUNIT_STYLE,
    OPTION_UPDATE,
    OPTION_REASON,
    OPTION_KNOWN_FAILURE,
    OPTION_EXPIRES,
    OPTION_FORMAT /* and the place of the format in compare_formats */
};

enum { DAY_SIZE = 16 };

static const struct argp_option own_options[] = {
    {"allow", OPTION_ALLOW, "METRIC=+X[%]", 0,
     "let a figure be worse by X, or by X percent of what it was; METRIC may be all; repeatable", 1},
    {"bits", OPTION_BITS, NULL, 0, "other bits are worse, whatever the errors", 1},
    {"where", OPTION_WHERE, "EXPR", 0, "compare only points for which EXPR holds: --where 'max_ulp_err_pct > 1'", 1},
    {"update-baseline", OPTION_UPDATE, NULL, 0, "write NEW into BASE, a baseline, which may be a new file", 3},
    {"reason", OPTION_REASON, "TEXT", 0, "why points may be worse than they were; kept beside each of them", 3},
    {"known-failure", OPTION_KNOWN_FAILURE, "LINK", 0, "where points that fail are followed up", 3},
    {"expires", OPTION_EXPIRES, "YYYY-MM-DD", 0, "the last day on which they may fail", 3},
    {"columns", OPTION_COLUMNS, "FIELD,...", 0, "a row a point with these fields: key,max_ulp_err_a,max_ulp_err_pct",
     2},
    {"sort", OPTION_SORT, "FIELD,...", 0, "the order of points; -FIELD is descending", 2},
    {"verbose", 'v', NULL, 0, "name every change and every point that is not the same bit for bit", 2},
    {"width", OPTION_WIDTH, "N", 0, "characters of a line (default: the terminal's, else 80)", 2},
    {"junit-style", OPTION_JUNIT_STYLE, "STYLE", 0, "default, or gitlab: expected and known failures are skipped tests",
     2},
};

enum { NUM_OWN_OPTIONS = sizeof own_options / sizeof own_options[0] };

static const struct argp *compare_parser(void);

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* "METRIC=+X", "METRIC=+X%", "all=+X%"; +0 takes back what was allowed before it. */
static void parse_allowance(struct compare_rules *rules, const char *argument, struct argp_state *state)
{
    const char *sign = strstr(argument, "=+");
    char advice[SUGGESTION_SIZE], name[64] = "";
    size_t size = sign ? strlen(sign + 2) : 0;
    bool in_percent = size > 0 && sign[1 + size] == '%', found = false;
    double amount = 0;
    if (!sign || number_parse(sign + 2, size - in_percent, &amount) != VALUE_SOUND || !(amount >= 0))
        argp_error(state, "--allow %s: allowed: METRIC=+X or METRIC=+X%%, X from 0", argument);
    snprintf(name, sizeof name, "%.*s", (int)(sign - argument), argument);
    struct suggestion suggestion = {.text = name};
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        const char *known = metric_table[metric].field.name;
        if (metric_table[metric].is_size)
            continue;
        suggestion_offer(&suggestion, known);
        if (strcmp(name, known) != 0 && strcmp(name, "all") != 0)
            continue;
        found = true;
        if (amount == 0)
            rules->allowances[metric] = (struct allowance){0};
        *(in_percent ? &rules->allowances[metric].relative : &rules->allowances[metric].absolute) =
            in_percent ? amount / 100 : amount;
    }
    if (!found)
        argp_error(state, "--allow %s: no such metric; %sallowed: all, and those of `alibicheck list record-fields`",
                   argument, suggestion_format(advice, &suggestion));
}

/* A text that says something. */
static const char *parse_text(const char *option, const char *argument, struct argp_state *state)
{
    if (argument[strspn(argument, " \t\r\n")] == '\0')
        argp_error(state, "--%s: is empty; allowed: a text", option);
    return argument;
}

static const char *parse_expiry(const char *argument, const struct compare_options *options, struct argp_state *state)
{
    if (!is_day(argument) || strcmp(argument, options->rules.today) < 0)
        argp_error(state, "--expires %s: allowed: a day from %s on, YYYY-MM-DD", argument, options->rules.today);
    return argument;
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

static void take_format(struct compare_options *options, int format, const char *argument, struct argp_state *state)
{
    const char **output = &options->outputs[format];
    option_once(*output, compare_parser()->options, OPTION_FORMAT + format, argument ? argument : "", state);
    if (compare_formats[format]->to_file && strcmp(argument, "-") == 0)
        argp_error(state, "--%s -: allowed: a file", compare_formats[format]->option);
    *output = argument ? argument : "-";
}

/* What takes standard output: one format, and annotations behind it. */
static void choose_stdout(struct compare_options *options, struct argp_state *state)
{
    int taken = -1, table = 0;
    for (int i = 0; i < COMPARE_FORMAT_COUNT; i++) {
        if (!compare_formats[i]->option)
            table = i;
        if (!options->outputs[i] || strcmp(options->outputs[i], "-") != 0 || compare_formats[i]->is_beside)
            continue;
        if (taken >= 0)
            argp_error(state, "--%s and --%s: both to standard output; allowed: --%s=FILE for one of them",
                       compare_formats[taken]->option, compare_formats[i]->option, compare_formats[i]->option);
        taken = i;
    }
    if (taken < 0)
        options->outputs[table] = "-";
}

static void take_path(struct compare_options *options, const char *argument, struct argp_state *state)
{
    if (options->new)
        argp_error(state, "%s: a third file; allowed: BASE NEW", argument);
    *(options->base ? &options->new : &options->base) = argument;
}

static const char *path_of_junit(const struct compare_options *options)
{
    int format = 0;
    while (!compare_formats[format]->option || strcmp(compare_formats[format]->option, "junit") != 0)
        format++;
    return options->outputs[format];
}

static void finish(struct compare_options *options, struct argp_state *state)
{
    bool has_notes = options->notes.reason || options->notes.known_failure || options->notes.expires;
    if (!options->new)
        argp_error(state, "two files are compared; allowed: BASE NEW");
    if (has_notes && !options->update_baseline)
        argp_error(state, "--reason, --known-failure, --expires: of --update-baseline, which is not given");
    if (!options->notes.known_failure != !options->notes.expires)
        argp_error(state, "--known-failure and --expires: one without the other; allowed: both");
    check_junit_style(options->junit_style_said, path_of_junit(options), state);
    choose_stdout(options, state);
}

/* Of a baseline that is written, and of what is kept in it. */
static error_t parse_baseline_option(int key, char *argument, struct argp_state *state)
{
    struct compare_options *options = state->input;
    const struct argp_option *table = own_options;
    switch (key) {
    case OPTION_UPDATE:
        options->update_baseline = true;
        return 0;
    case OPTION_REASON:
        option_once(options->notes.reason, table, key, argument, state);
        options->notes.reason = parse_text("reason", argument, state);
        return 0;
    case OPTION_KNOWN_FAILURE:
        option_once(options->notes.known_failure, table, key, argument, state);
        options->notes.known_failure = parse_text("known-failure", argument, state);
        return 0;
    case OPTION_EXPIRES:
        option_once(options->notes.expires, table, key, argument, state);
        options->notes.expires = parse_expiry(argument, options, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_compare_option(int key, char *argument, struct argp_state *state)
{
    struct compare_options *options = state->input;
    const struct argp_option *table = own_options;
    if (key >= OPTION_FORMAT && key < OPTION_FORMAT + COMPARE_FORMAT_COUNT) {
        take_format(options, key - OPTION_FORMAT, argument, state);
        return 0;
    }
    switch (key) {
    case OPTION_ALLOW:
        parse_allowance(&options->rules, argument, state);
        return 0;
    case OPTION_BITS:
        options->rules.bits = true;
        return 0;
    case OPTION_WHERE:
        option_text(&options->where, table, key, argument, state);
        return 0;
    case OPTION_SORT:
        option_text(&options->order, table, key, argument, state);
        return 0;
    case OPTION_COLUMNS:
        option_text(&options->columns, table, key, argument, state);
        return 0;
    case 'v':
        options->verbose = true;
        return 0;
    case OPTION_WIDTH:
        option_once(options->width, table, key, argument, state);
        options->width = (int)option_whole("width", argument, TABLE_WIDTH_MIN, TABLE_WIDTH_MAX, state);
        return 0;
    case OPTION_JUNIT_STYLE:
        option_once(options->junit_style_said, table, key, argument, state);
        options->junit_style_said = true;
        options->gitlab = parse_junit_style(argument, state);
        return 0;
    case ARGP_KEY_ARG:
        take_path(options, argument, state);
        return 0;
    case ARGP_KEY_END:
        finish(options, state);
        return 0;
    default:
        return parse_baseline_option(key, argument, state);
    }
}

static const struct argp parser_without_formats = {
    NULL, /* compare_parser */
    parse_compare_option,
    "BASE NEW",
    "Join two files of records, or a baseline and one, by the points' keys, and say of each point what became of it. "
    "Figures on fixed seeds have no noise: each is compared exactly, unless --allow says otherwise, and a point that "
    "is better makes up for none that is worse. - is standard input."
    "\vExamples:\n"
    "  alibicheck compare before.jsonl after.jsonl\n"
    "  alibicheck compare baseline.jsonl now.jsonl --github --junit compare.xml\n"
    "  alibicheck compare a.jsonl b.jsonl --columns key,max_ulp_err_a,max_ulp_err_b\n"
    "  alibicheck compare baseline.jsonl now.jsonl --update-baseline --reason 'WHY'\n\n"
    "A FIELD is key, change or outcome, or a fact with a suffix: FACT_a before, FACT_b after, and of figures "
    "FACT_diff, "
    "FACT_pct. --json prints all facts of a point: status, signature, class, atol, oracles, problem, device, and "
    "figures, "
    "which are called as in records, among them.\n\n"
    "Exit code: 0 no point is worse, 1 a point is worse, 2 usage or a bad file, 3 points cannot be compared, or system "
    "failure.",
    help_parsers,
    NULL,
    NULL};

static const struct argp *compare_parser(void)
{
    static struct argp_option table[NUM_OWN_OPTIONS + COMPARE_FORMAT_COUNT + 1];
    static struct argp parser;
    memcpy(table, own_options, sizeof own_options);
    struct argp_option *option = table + NUM_OWN_OPTIONS;
    for (int i = 0; i < COMPARE_FORMAT_COUNT; i++)
        if (compare_formats[i]->option)
            *option++ = (struct argp_option){
                .name = compare_formats[i]->option,
                .key = OPTION_FORMAT + i,
                .arg = compare_formats[i]->is_beside ? NULL : "FILE",
                .flags = compare_formats[i]->to_file ? 0 : OPTION_ARG_OPTIONAL,
                .doc = compare_formats[i]->about,
                .group = 2,
            };
    parser = parser_without_formats;
    parser.options = table;
    return &parser;
}

/* The day that known failures expire by: SOURCE_DATE_EPOCH, as of reproducible builds, or the day that it is (UTC). */
static enum error_kind find_today(char *today, struct error *error)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    time_t now = time(NULL);
    struct tm day;
    if (epoch && *epoch) {
        char *end;
        now = (time_t)strtoll(epoch, &end, 10);
        if (*end)
            return error_set(error, ERROR_USAGE, "SOURCE_DATE_EPOCH: %.40s; allowed: seconds since 1970", epoch);
    }
    if (!gmtime_r(&now, &day) || strftime(today, DAY_SIZE, "%Y-%m-%d", &day) == 0 || !is_day(today))
        return error_set(error, ERROR_SYSTEM, "the day is not known");
    return ERROR_NONE;
}

static int compare_command(int argc, char **argv, struct error *error)
{
    char today[DAY_SIZE];
    struct compare_options options = {.rules.today = today};
    enum error_kind kind = find_today(today, error);
    if (kind)
        return kind;
    options_parse(compare_parser(), argc, argv, &options);
    return compare_files(&options, error);
}

const struct command command_compare = {
    .name = "compare",
    .about = "say what became of each point from one run, or a baseline, to another",
    .parser = compare_parser,
    .run = compare_command,
};
