/*
 * A document printed. All forms say the same; errors of writing are the stream's, for the caller to look at.
 */
#ifndef HARNESS_REPORT_PAGE_DOCUMENT_PRINT_H
#define HARNESS_REPORT_PAGE_DOCUMENT_PRINT_H

#include <stdio.h>

#include "harness/report/page/document.h"

/* One HTML file that needs no other: complete without its style sheet and its script. False if memory ran out. */
bool document_print_html(FILE *stream, const struct document *document);

/* Markdown as GitHub reads it, without a heading if the document has no title; plots are left out, whose figures are in
 * tables. */
bool document_print_markdown(FILE *stream, const struct document *document);

/* The tables alone, as RFC 4180 has them: a line of titles, a line a row whatever a text has, numbers in full. */
bool document_print_csv(FILE *stream, const struct document *document);

/* One JSON object: title, verdict, sections with their blocks; numbers as they are. */
bool document_print_json(FILE *stream, const struct document *document);

#endif
