/*
 * Annotations of GitHub Actions: workflow commands, which the log of a step is searched for
 * (docs.github.com/actions/reference/workflow-commands-for-github-actions).
 */
#ifndef HARNESS_SUPPORT_GITHUB_ANNOTATION_H
#define HARNESS_SUPPORT_GITHUB_ANNOTATION_H

#include <stddef.h>
#include <stdio.h>

/* GitHub shows ten errors of a step and drops the others. */
enum { GITHUB_ANNOTATIONS_MAX = 10 };

struct github_annotation {
    const char *level; /* error, warning, notice */
    const char *path;  /* of a file, printed as from GITHUB_WORKSPACE on if it is in there; NULL: of no file */
    size_t line;       /* of it, from 1 */
    const char *title;
    const char *text; /* of one or more lines */
};

/* One line, whatever is in the texts. Errors are the stream's. */
void github_annotation_print(FILE *stream, const struct github_annotation *annotation);

#endif
