/*
 * Cells of CSV as RFC 4180 has them, whose texts have no control characters: a row is a line, and a terminal obeys none
 * of it. Errors of writing are the stream's.
 */
#ifndef HARNESS_REPORT_PAGE_CSV_H
#define HARNESS_REPORT_PAGE_CSV_H

#include <stdbool.h>
#include <stdio.h>

/* In quotes, which double inside. False if memory ran out. */
bool csv_print_text(FILE *stream, const char *text);

/* In full; nan, inf and -inf in letters. */
void csv_print_number(FILE *stream, double value);

#endif
