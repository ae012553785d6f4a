/*
 * `alibicheck compare`: two files of results, or a baseline and one, joined; what became of each point printed; the
 * baseline written anew if that is asked for.
 */
#ifndef HARNESS_COMMAND_COMPARE_H
#define HARNESS_COMMAND_COMPARE_H

#include "harness/report/compare/baseline.h"
#include "harness/report/compare/compare_format.h"

/* What the command line asks for; strings belong to the caller. */
struct compare_options {
    const char *base, *new;
    struct compare_rules rules;
    const char *where;                         /* NULL: every point */
    const char *columns, *order;               /* names with commas between them; NULL: none */
    const char *outputs[COMPARE_FORMAT_COUNT]; /* "-" is stdout; NULL: not asked for */
    bool verbose, update_baseline;
    bool junit_style_said, gitlab; /* whether there is --junit-style, and of it */
    int width;                     /* 0: the terminal's, or 80 */
    struct baseline_notes notes;
};

/* Compares and prints. Returns the exit code; *error has the reason where that is not 0 or 1. */
int compare_files(const struct compare_options *options, struct error *error);

#endif
