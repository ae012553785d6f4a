/* The options of the table, as a part of argp parsers. */
#ifndef HARNESS_COMMAND_TABLE_PARSER_H
#define HARNESS_COMMAND_TABLE_PARSER_H

#include <argp.h>

#include "harness/report/sink/table_options.h"

/* --width, --columns, --quiet, --verbose: a child parser. Its input, which the parent hands on at ARGP_KEY_INIT
 * (state->child_inputs), is a struct table_options, zeroed. */
extern const struct argp table_parser;

#endif
