/*
 * Text in Markdown, as GitHub and GitLab show it.
 */
#ifndef HARNESS_SUPPORT_MARKDOWN_H
#define HARNESS_SUPPORT_MARKDOWN_H

#include <stddef.h>
#include <stdio.h>

/*
 * length bytes of a line in which nothing is markup, mentions somebody (@name) or refers to an issue (#7): these get a
 * space of no width behind their sign. Links stay links. `|` is escaped, so that it may stand in a cell of a table.
 * Errors are the stream's.
 */
void markdown_print(FILE *stream, const char *text, size_t length);

#endif
