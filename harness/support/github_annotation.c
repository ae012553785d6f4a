#include "harness/support/github_annotation.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Text of a workflow command; of a property, ':' and ',' are escaped too. What a terminal would obey, as may be in a
 * file's name, is U+FFFD, as everywhere (character.h). */
static void print_escaped(FILE *stream, const char *text, bool is_property)
{
    for (const char *c = text; *c; c++)
        if (*c == '%' || *c == '\r' || *c == '\n' || (is_property && (*c == ':' || *c == ',')))
            fprintf(stream, "%%%02X", (unsigned char)*c);
        else if ((unsigned char)*c < ' ' || *c == 0x7f)
            fputs("\xef\xbf\xbd", stream);
        else
            fputc(*c, stream);
}

/* The path from the root of the repository on, where it is in one: GITHUB_WORKSPACE, whatever folder the step runs in.
 * A place in *whole, which is the caller's to free, or path itself. */
static const char *path_in_repository(const char *path, char **whole)
{
    const char *workspace = getenv("GITHUB_WORKSPACE");
    char *root = workspace && *workspace ? realpath(workspace, NULL) : NULL;
    *whole = root ? realpath(path, NULL) : NULL;
    const size_t size = root ? strlen(root) : 0;
    const bool is_inside = *whole && strncmp(*whole, root, size) == 0 && (*whole)[size] == '/';
    free(root);
    return is_inside ? *whole + size + 1 : path;
}

void github_annotation_print(FILE *stream, const struct github_annotation *annotation)
{
    fprintf(stream, "::%s ", annotation->level);
    if (annotation->path) {
        char *whole;
        fprintf(stream, "file=");
        print_escaped(stream, path_in_repository(annotation->path, &whole), true);
        free(whole);
        fprintf(stream, ",line=%zu,", annotation->line);
    }
    fprintf(stream, "title=");
    print_escaped(stream, annotation->title, true);
    fprintf(stream, "::");
    print_escaped(stream, annotation->text, false);
    fprintf(stream, "\n");
}
