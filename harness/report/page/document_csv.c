#include "harness/report/page/document_print.h"

#include <math.h>
#include <stdlib.h>

#include "harness/support/text.h"

/* RFC 4180, whose texts have no control characters: a row is a line, and a terminal obeys none of it. */
static bool print_text(FILE *stream, const char *text)
{
    char *line = text_line(text, (size_t)1 << 20);
    putc('"', stream);
    for (const char *c = line; c && *c; c++)
        fputs(*c == '"' ? "\"\"" : (char[]){*c, '\0'}, stream);
    putc('"', stream);
    free(line);
    return line;
}

static bool print_cell(FILE *stream, const struct cell *cell)
{
    if (cell->kind != CELL_NUMBER)
        return print_text(stream, cell->text);
    if (isnan(cell->value))
        fputs("nan", stream); /* printf would show its sign */
    else
        fprintf(stream, "%.17g", cell->value);
    return true;
}

static bool print_grid(FILE *stream, const struct grid *grid)
{
    bool complete = true;
    for (size_t c = 0; c < grid->num_columns; c++) {
        fputs(c ? "," : "", stream);
        complete &= print_text(stream, grid->columns[c].title);
    }
    fputs("\r\n", stream);
    for (size_t c = 0; c < grid->num_cells && complete; c++) {
        complete = print_cell(stream, &grid->cells[c]);
        fputs((c + 1) % grid->num_columns ? "," : "\r\n", stream);
    }
    return complete;
}

bool document_print_csv(FILE *stream, const struct document *document)
{
    bool complete = !document->spoilt;
    for (size_t b = 0; b < document->num_blocks && complete; b++)
        if (document->blocks[b].kind == BLOCK_GRID)
            complete = print_grid(stream, document->blocks[b].grid);
    return complete;
}
