/* Options that commands share, as parts of their argp parsers. */
#ifndef HARNESS_COMMAND_OPTIONS_H
#define HARNESS_COMMAND_OPTIONS_H

#include <argp.h>

#include "harness/run/selection.h"
#include "harness/support/field.h"

/* Appends; reports want of memory through argp. */
void strings_add(struct strings *strings, const char *item, const struct argp_state *state);

/* Ends the program if an option of the table that takes one value was given before. */
void option_once(bool given, const struct argp_option *table, int key, const char *argument,
                 const struct argp_state *state);

/* Takes the text of such an option; *text is NULL before. */
void option_text(const char **text, const struct argp_option *table, int key, const char *argument,
                 const struct argp_state *state);

/* Parses the whole command line, or ends the program: argp itself does of what is wrong, and of memory that runs out in
 * a parser, but returns where it has none to begin with. */
void options_parse(const struct argp *parser, int argc, char **argv, void *input);

/* A whole number, as number_parse_whole takes it: "1000", "1k", "1e3". Ends the program beyond least to greatest. */
uint64_t option_whole(const char *option, const char *text, uint64_t least, uint64_t greatest,
                      const struct argp_state *state);

/* The seconds of "90", "90s", "30m", "2h", "1.5h". */
double parse_time(const char *option, const char *text, const struct argp_state *state);

/* The value of --junit-style: whether it is gitlab, in which failures that are expected are skipped tests. */
extern const struct field junit_style_field;
bool parse_junit_style(const char *argument, const struct argp_state *state);

/* Behind all options: ends the program if it is said of no file. */
void check_junit_style(bool said, const char *junit, const struct argp_state *state);

/* -h, the same as --help: a child parser without input. */
extern const struct argp_child help_parsers[];

/*
 * -h, CASE..., --set, --recipe, --recipes, --only, --where, --shard, --last-failed: a child parser. Its input, which
 * the parent hands on at ARGP_KEY_INIT (state->child_inputs[0]), is a struct selection_options, zeroed but for example.
 * The parent leaves ARGP_KEY_ARG and ARGP_KEY_NO_ARGS to it.
 */
extern const struct argp_child case_parsers[];

/* The same, and --device and --threads. */
extern const struct argp_child selection_parsers[];

/* -h, --device and --threads alone, for a command without cases: a child parser, its input the same. */
extern const struct argp_child device_parsers[];

void selection_options_clear(struct selection_options *options);

#endif
