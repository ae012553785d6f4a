#include "harness/report/page/document_print.h"

#include <math.h>

/* RFC 4180. */
static void print_text(FILE *stream, const char *text)
{
    putc('"', stream);
    for (const char *c = text; *c; c++)
        fputs(*c == '"' ? "\"\"" : (char[]){*c, '\0'}, stream);
    putc('"', stream);
}

static void print_cell(FILE *stream, const struct cell *cell)
{
    if (cell->kind != CELL_NUMBER)
        print_text(stream, cell->text);
    else if (isnan(cell->value))
        fputs("nan", stream); /* printf would show its sign */
    else
        fprintf(stream, "%.17g", cell->value);
}

static void print_grid(FILE *stream, const struct grid *grid)
{
    for (size_t c = 0; c < grid->num_columns; c++) {
        fputs(c ? "," : "", stream);
        print_text(stream, grid->columns[c].title);
    }
    fputs("\r\n", stream);
    for (size_t c = 0; c < grid->num_cells; c++) {
        print_cell(stream, &grid->cells[c]);
        fputs((c + 1) % grid->num_columns ? "," : "\r\n", stream);
    }
}

bool document_print_csv(FILE *stream, const struct document *document)
{
    for (size_t b = 0; b < document->num_blocks && !document->spoilt; b++)
        if (document->blocks[b].kind == BLOCK_GRID)
            print_grid(stream, document->blocks[b].grid);
    return !document->spoilt;
}
