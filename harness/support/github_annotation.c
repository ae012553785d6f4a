#include "harness/support/github_annotation.h"

#include <stdbool.h>

/* Text of a workflow command; of a property, ':' and ',' are escaped too. */
static void print_escaped(FILE *stream, const char *text, bool is_property)
{
    for (const char *c = text; *c; c++)
        if (*c == '%' || *c == '\r' || *c == '\n' || (is_property && (*c == ':' || *c == ',')))
            fprintf(stream, "%%%02X", (unsigned char)*c);
        else
            fputc(*c, stream);
}

void github_annotation_print(FILE *stream, const struct github_annotation *annotation)
{
    fprintf(stream, "::%s ", annotation->level);
    if (annotation->path) {
        fprintf(stream, "file=");
        print_escaped(stream, annotation->path, true);
        fprintf(stream, ",line=%zu,", annotation->line);
    }
    fprintf(stream, "title=");
    print_escaped(stream, annotation->title, true);
    fprintf(stream, "::");
    print_escaped(stream, annotation->text, false);
    fprintf(stream, "\n");
}
