/*
 * Tables on a terminal whose cells break between words.
 */
#ifndef HARNESS_SUPPORT_TABLE_H
#define HARNESS_SUPPORT_TABLE_H

#include <stdio.h>

enum { TABLE_MAX_COLUMNS = 8 };

/* Prints cells[columns] from column to column, as many lines as the longest takes; widths include a gap of two. A word
 * that is longer than its column is cut. */
void table_print_row(FILE *stream, const int *widths, int columns, const char *const *cells);

#endif
