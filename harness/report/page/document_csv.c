#include "harness/report/page/document_print.h"

#include "harness/report/page/csv.h"

static bool print_cell(FILE *stream, const struct cell *cell)
{
    if (cell->kind != CELL_NUMBER)
        return csv_print_text(stream, cell->text);
    csv_print_number(stream, cell->value);
    return true;
}

static bool print_grid(FILE *stream, const struct grid *grid)
{
    bool complete = true;
    for (size_t c = 0; c < grid->num_columns; c++) {
        fputs(c ? "," : "", stream);
        complete &= csv_print_text(stream, grid->columns[c].title);
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
