#include "harness/report/page/csv.h"

#include <math.h>
#include <stdlib.h>

#include "harness/support/text.h"

bool csv_print_text(FILE *stream, const char *text)
{
    char *line = text_line(text, (size_t)1 << 20);
    putc('"', stream);
    for (const char *c = line; c && *c; c++) {
        if (*c == '"')
            putc('"', stream);
        putc(*c, stream);
    }
    putc('"', stream);
    free(line);
    return line;
}

void csv_print_number(FILE *stream, double value)
{
    if (isnan(value))
        fputs("nan", stream); /* printf would show its sign */
    else
        fprintf(stream, "%.17g", value);
}
