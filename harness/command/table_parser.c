#include "harness/command/table_parser.h"

#include <errno.h>
#include <string.h>

#include "harness/command/options.h"
#include "harness/report/sink/table_column.h"

enum { OPTION_WIDTH = 768, OPTION_COLUMNS, OPTION_QUIET, OPTION_VERBOSE };

static const struct argp_option option_table[] = {
    {"width", OPTION_WIDTH, "N", 0,
     "characters of the table's lines (default: the terminal's; 100 where standard output is none)", 3},
    {"columns", OPTION_COLUMNS, "NAME,...", 0,
     "columns of the table: keys, metrics, verdict, bound, worst, signature, seconds (default: what varies, and how "
     "far "
     "it is off)",
     3},
    {"quiet", OPTION_QUIET, NULL, 0, "only points that did not end as expected, and the last line", 3},
    {"verbose", OPTION_VERBOSE, NULL, 0, "all that is known of each point", 3},
    {0}};

static void parse_columns(struct table_options *options, const char *argument, const struct argp_state *state)
{
    char advice[FIELD_ALLOWED_SIZE];
    for (const char *name = argument;; name++) {
        size_t size = strcspn(name, ",");
        int id = table_column_find(name, size);
        if (id < 0)
            argp_error(state, "--columns %s: unknown column '%.*s'; %s", argument, (int)size, name,
                       table_column_advice(advice, name, size));
        for (size_t i = 0; i < options->num_columns; i++)
            if (options->columns[i] == id)
                argp_error(state, "--columns %s: '%.*s' twice; allowed: each column once", argument, (int)size, name);
        options->columns[options->num_columns++] = (unsigned char)id;
        name += size;
        if (!*name)
            return;
    }
}

static error_t parse_table_option(int key, char *argument, struct argp_state *state)
{
    struct table_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT: /* a name that was looked for on PATH will be found there again */
        options->program = strchr(program_invocation_name, '/') ? program_invocation_name : NULL;
        return 0;
    case OPTION_WIDTH:
        option_once(options->width, option_table, key, argument, state);
        options->width = (int)option_whole("width", argument, TABLE_WIDTH_MIN, TABLE_WIDTH_MAX, state);
        return 0;
    case OPTION_COLUMNS:
        option_once(options->num_columns, option_table, key, argument, state);
        parse_columns(options, argument, state);
        return 0;
    case OPTION_QUIET:
    case OPTION_VERBOSE:
        if (options->detail != TABLE_NORMAL)
            argp_error(state, "--quiet and --verbose: allowed: one of them, once");
        options->detail = key == OPTION_QUIET ? TABLE_QUIET : TABLE_VERBOSE;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp table_parser = {option_table, parse_table_option, NULL, NULL, NULL, NULL, NULL};
