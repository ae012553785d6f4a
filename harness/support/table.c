#include "harness/support/table.h"

#include <stdbool.h>
#include <string.h>

/* How much of text goes on a line of width characters: up to the last space that fits, if there is one. */
static int wrap(const char *text, int width)
{
    int length = (int)strlen(text);
    if (length <= width)
        return length;
    int end = width;
    while (end > 0 && text[end] != ' ')
        end--;
    return end > 0 ? end : width;
}

void table_print_row(FILE *stream, const int *widths, int columns, const char *const *cells)
{
    const char *left[TABLE_MAX_COLUMNS];
    for (int column = 0; column < columns; column++)
        left[column] = cells[column];
    for (bool more = true; more;) {
        int column_end = 0, printed = 0;
        more = false;
        for (int column = 0; column < columns; column++) {
            int length = wrap(left[column], widths[column] - 2);
            if (length)
                printed += fprintf(stream, "%*s%.*s", column_end - printed, "", length, left[column]);
            left[column] += length;
            left[column] += strspn(left[column], " ");
            more |= *left[column] != '\0';
            column_end += widths[column];
        }
        fputc('\n', stream);
    }
}
