#include <stdlib.h>
#include <string.h>

#include "harness/command/command.h"
#include "harness/command/options.h"
#include "harness/command/report.h"
#include "harness/support/suggest.h"

enum {
    OPTION_FORMAT = 256,
    OPTION_WHERE,
    OPTION_TITLE,
    OPTION_BEFORE,
    OPTION_COMMAND,
    OPTION_BY,
    OPTION_TABLE,
    OPTION_JUNIT_STYLE
};

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE", 0, "write FILE, replaced when the report is whole; - is stdout (default)", 0},
    {"format", OPTION_FORMAT, "NAME", 0,
     "html, markdown, csv (a row a point), json, junit (a test a point); default: as FILE ends (.html, .md, .csv, "
     ".json, .xml), html where that says nothing",
     0},
    {"junit-style", OPTION_JUNIT_STYLE, "STYLE", 0, "default, or gitlab: failures that are expected are skipped tests",
     0},
    {"before", OPTION_BEFORE, "FILE", 0, "records of the same points to compare with: what changed; repeatable", 0},
    {"where", OPTION_WHERE, "EXPR", 0, "only records that it holds for: 'seq_len >= 4k and status != pass'", 0},
    {"table", OPTION_TABLE, "TABLE", 0,
     "this table alone, 'FIELDS [x FIELDS]: MEASURE, ...': 'sentinel x seq_len: max max_abs_err'; repeatable", 0},
    {"title", OPTION_TITLE, "TEXT", 0, "the heading", 0},
    {"command", OPTION_COMMAND, "TEXT", 0,
     "what the records were made with ('alibicheck run cases/seed'), for the lines that reproduce a point", 0},
    {"by", OPTION_BY, "FIELD", 0, "what plots tell apart by colour: dtype (default), sentinel, kernel, recipe, ...", 0},
    {0}};

/* Of the fields that say how a point was run. */
static bool find_series(const char *name, enum review_text *series)
{
    for (int t = 0; t < REVIEW_TEXTS; t++)
        if (review_texts[t].setting && strcmp(name, review_texts[t].path) == 0) {
            *series = (enum review_text)t;
            return true;
        }
    return false;
}

/* "dtype, sentinel, ...": the fields of --by. */
static char *series_allowed(char *text, const struct field *field)
{
    size_t length = 0;
    (void)field;
    text[0] = '\0';
    for (int t = 0; t < REVIEW_TEXTS && length < FIELD_ALLOWED_SIZE; t++)
        if (review_texts[t].setting)
            length += (size_t)snprintf(text + length, FIELD_ALLOWED_SIZE - length, "%s%s", length ? ", " : "",
                                       review_texts[t].path);
    return text;
}

static const struct field *report_field(int option)
{
    static const struct field_own series = {.allowed = series_allowed};
    static const struct field by = {.type = FIELD_OWN, .own = &series},
                              format = {.type = FIELD_CHOICE, .names = FIELD_NAMES(report_format_names)};
    return option == OPTION_BY ? &by : option == OPTION_FORMAT ? &format : NULL;
}

static void refuse_series(const char *name, const struct argp_state *state)
{
    char allowed[512] = "", advice[SUGGESTION_SIZE];
    struct suggestion suggestion = {.text = name};
    for (int t = 0; t < REVIEW_TEXTS; t++)
        if (review_texts[t].setting) {
            suggestion_offer(&suggestion, review_texts[t].path);
            snprintf(allowed + strlen(allowed), sizeof allowed - strlen(allowed), " %s", review_texts[t].path);
        }
    argp_error(state, "--by %s: %sallowed:%s", name, suggestion_format(advice, &suggestion), allowed);
}

static void parse_format(struct report_options *options, const char *name, const struct argp_state *state)
{
    for (int f = 0; f < REPORT_FORMAT_COUNT; f++)
        if (strcmp(name, report_format_names[f]) == 0) {
            options->format = (enum report_format)f;
            return;
        }
    argp_error(state, "--format %s: allowed: html, markdown, csv, json, junit", name);
}

static void parse_once(const char **option, int key, const char *argument, const struct argp_state *state)
{
    option_text(option, option_table, key, argument, state);
}

/* Where it goes, and in which format: that of --format, or of the file's name. */
static void choose_output(struct report_options *options, const struct argp_state *state)
{
    if (!options->output)
        options->output = "-";
    if (options->format == REPORT_FORMAT_COUNT && !report_format_find(&options->format, options->output))
        argp_error(
            state,
            "--output %s: there is no such format; allowed: names that end in .html, .md, .csv, .json or .xml, or "
            "--format NAME",
            options->output);
}

/* What a format has no place for. */
static void check_format(const struct report_options *options, const struct argp_state *state)
{
    const enum report_format format = options->format;
    if (options->tables.count > 0 && (options->before.count > 0 || options->command))
        argp_error(state, "--table with --before or --command; allowed: with --where, --title, --format, --output");
    if (options->tables.count > 1 && format == REPORT_CSV)
        argp_error(state, "--format csv: %zu tables; allowed: one", options->tables.count);
    if (options->tables.count > 0 && format == REPORT_JUNIT)
        argp_error(state, "--format junit: has no tables; allowed: html, markdown, csv, json");
    if (options->before.count > 0 && format == REPORT_JUNIT)
        argp_error(state, "--format junit: --before; allowed: alibicheck compare BEFORE AFTER --junit FILE");
    if (options->junit_style_said && format != REPORT_JUNIT)
        argp_error(state, "--junit-style: of --format junit, which is not asked for");
}

static error_t parse_report_option(int key, char *argument, struct argp_state *state)
{
    struct report_options *options = state->input;
    switch (key) {
    case 'o':
        parse_once(&options->output, key, argument, state);
        return 0;
    case OPTION_FORMAT:
        option_once(options->format != REPORT_FORMAT_COUNT, option_table, key, argument, state);
        parse_format(options, argument, state);
        return 0;
    case OPTION_BEFORE:
        strings_add(&options->before, argument, state);
        return 0;
    case OPTION_WHERE:
        parse_once(&options->where, key, argument, state);
        return 0;
    case OPTION_TITLE:
        parse_once(&options->title, key, argument, state);
        return 0;
    case OPTION_COMMAND:
        parse_once(&options->command, key, argument, state);
        return 0;
    case OPTION_JUNIT_STYLE:
        option_once(options->junit_style_said, option_table, key, argument, state);
        options->junit_style_said = true;
        options->junit_gitlab = parse_junit_style(argument, state);
        return 0;
    case OPTION_TABLE:
        strings_add(&options->tables, argument, state);
        return 0;
    case OPTION_BY:
        option_once(options->series != REVIEW_TEXTS, option_table, key, argument, state);
        if (!find_series(argument, &options->series))
            refuse_series(argument, state);
        return 0;
    case ARGP_KEY_ARG:
        strings_add(&options->records, argument, state);
        return 0;
    case ARGP_KEY_END:
        choose_output(options, state);
        check_format(options, state);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no records given; try: alibicheck run cases/seed --results records.jsonl");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    option_table,
    parse_report_option,
    "RECORDS...",
    "Make a report of records that `run --results` wrote: the verdict, what was run and where, errors by length, head, "
    "dtype, policy and kernel, who was wrong, every point that did not pass with the line that runs it, and what "
    "changed. One HTML file, complete without scripts and style sheets; RECORDS of several files are of one run."
    "\vExamples:\n"
    "  alibicheck report records.jsonl -o report.html --command 'alibicheck run cases/seed'\n"
    "  alibicheck report after.jsonl --before before.jsonl -o change.html\n"
    "  alibicheck report records.jsonl --where 'status != pass' --format csv\n"
    "  alibicheck report merged.jsonl -o junit.xml\n"
    "  alibicheck report records.jsonl --table 'sentinel x seq_len: share where status = fail' --format markdown\n\n"
    "Exit code: 0 the report is written, whatever it says; 2 usage or records that are wrong; 3 system failure.",
    help_parsers,
    NULL,
    NULL};

static const struct argp *report_parser(void)
{
    return &parser;
}

static int report_command(int argc, char **argv, struct error *error)
{
    struct report_options options = {.format = REPORT_FORMAT_COUNT, .series = REVIEW_TEXTS};
    options_parse(&parser, argc, argv, &options);
    if (options.series == REVIEW_TEXTS)
        options.series = TEXT_DTYPE;
    if (!options.title && options.tables.count == 0)
        options.title = options.before.count ? "Accuracy report: before and after" : "Accuracy report";
    int code = report(&options, error);
    free(options.records.items);
    free(options.before.items);
    free(options.tables.items);
    return code;
}

const struct command command_report = {
    .name = "report",
    .about = "make a page for a reviewer of records: HTML, Markdown, CSV, JSON, JUnit",
    .parser = report_parser,
    .run = report_command,
    .field = report_field,
};
