/*
 * What a command line may go on with, told from the tables that parse it: commands, options, and values where a table
 * knows them. A shell's script (completion_script.c) asks for it while the user types.
 */
#ifndef HARNESS_COMMAND_COMPLETION_H
#define HARNESS_COMMAND_COMPLETION_H

#include <stddef.h>
#include <stdio.h>

#include "reference/error.h"

/*
 * words[count], at least 1, is what stands behind the program's name up to the cursor; the last one, which may be
 * empty, is to be completed. Prints what may take its place, one a line, "WORD<tab>WHAT IT IS", and what the shell is
 * to add by itself as lines without a word: "<tab>files", "<tab>folders", and "<tab>nospace" where the words go on.
 * Where nothing is known, or a file that the line names cannot be read, nothing is printed. ERROR_SYSTEM if memory is
 * short or stream cannot be written.
 */
enum error_kind completion_print(FILE *stream, const char *const *words, size_t count, struct error *error);

/* The script that makes a shell ask, "bash", "zsh" or "fish"; NULL for another one. */
const char *completion_script(const char *shell);

/* Shell i, NULL behind the last. */
const char *completion_shell(size_t i);

#endif
