/*
 * Text of the table: lines that keep to a width and cannot drive a terminal.
 */
#ifndef HARNESS_REPORT_SINK_TABLE_TEXT_H
#define HARNESS_REPORT_SINK_TABLE_TEXT_H

#include <stdbool.h>
#include <stdio.h>

enum { TABLE_INDENT = 2 };

/* Prints a line of size characters, broken between words, on lines of width, those after the first TABLE_INDENT further
 * in. A word that is longer stays whole. */
void table_print_wrapped(FILE *out, const char *line, size_t size, int width);

/* Those below free text, and take NULL for memory that ran out: false, or NULL. */

/* The same of each line of text, made presentable. */
bool table_print_lines(FILE *out, char *text, int width);

/* Prints prefix and text, made presentable, on one line however long. */
bool table_print_text(FILE *out, const char *prefix, char *text);

/* prefix and text as a new string. */
char *table_with_prefix(const char *prefix, char *text);

#endif
