#include "harness/report/page/document_print.h"

#include <stdlib.h>
#include <string.h>

#include "harness/support/markdown.h"
#include "harness/support/text.h"

/* Text of a line, in which nothing is markup; `|` is escaped, too, so that it may stand in a cell. */
static bool print_text(FILE *stream, const char *text)
{
    char *line = text_line(text, (size_t)1 << 20);
    if (line)
        markdown_print(stream, line, strlen(line));
    free(line);
    return line;
}

/* Code of a line: in as many backticks as it does not have. In a cell `|` ends it whatever it stands in. */
static bool print_code(FILE *stream, const char *text, bool in_cell)
{
    char *line = text_line(text, (size_t)1 << 20);
    int longest = 0, here = 0;
    for (const char *c = line; c && *c; c++) {
        here = *c == '`' ? here + 1 : 0;
        longest = here > longest ? here : longest;
    }
    for (int i = 0; i <= longest; i++)
        putc('`', stream);
    fputs(longest ? " " : "", stream);
    for (const char *c = line; c && *c; c++) {
        if (in_cell && *c == '|')
            putc('\\', stream);
        putc(*c, stream);
    }
    fputs(longest ? " " : "", stream);
    for (int i = 0; i <= longest; i++)
        putc('`', stream);
    free(line);
    return line;
}

static bool print_caption(FILE *stream, const struct grid *grid)
{
    fputs("\n**", stream);
    bool complete = print_text(stream, grid->caption);
    if (grid_rows(grid) < grid->rows_in_all)
        fprintf(stream, " (%zu of %zu rows)", grid_rows(grid), grid->rows_in_all);
    fputs("**\n", stream);
    return complete;
}

static bool print_grid(FILE *stream, const struct grid *grid)
{
    bool complete = true;
    if (grid->caption)
        complete &= print_caption(stream, grid);
    fputs("\n|", stream);
    for (size_t c = 0; c < grid->num_columns; c++) {
        putc(' ', stream);
        complete &= print_text(stream, grid->columns[c].title);
        fputs(" |", stream);
    }
    fputs("\n|", stream);
    for (size_t c = 0; c < grid->num_columns; c++)
        fputs(grid->columns[c].number ? "---:|" : "---|", stream);
    for (size_t c = 0; c < grid->num_cells && complete; c++) {
        const struct cell *cell = &grid->cells[c];
        fputs(c % grid->num_columns ? " " : "\n| ", stream);
        complete = cell->kind == CELL_CODE ? print_code(stream, cell->text, true) : print_text(stream, cell->text);
        fputs(" |", stream);
    }
    fputs("\n", stream);
    return complete;
}

static bool print_block(FILE *stream, const struct block *block)
{
    static const char *const before[BLOCK_KIND_COUNT] = {
        [BLOCK_SECTION] = "\n## ", [BLOCK_SUBSECTION] = "\n### ", [BLOCK_VERDICT] = "\n**", [BLOCK_PARAGRAPH] = "\n",
        [BLOCK_CODE] = "\n    ",   [BLOCK_ITEM] = "\n### ",       [BLOCK_ITEM_END] = "",    [BLOCK_GRID] = "",
        [BLOCK_PLOT] = "",
    };
    bool complete = true;
    fputs(before[block->kind], stream);
    if (block->kind == BLOCK_GRID)
        return print_grid(stream, block->grid);
    if (!block->text)
        return true;
    if (block->kind == BLOCK_CODE) {
        char *line = text_line(block->text, (size_t)1 << 20);
        complete = line && fputs(line, stream) >= 0;
        free(line);
    } else {
        complete = block->kind == BLOCK_ITEM ? print_code(stream, block->text, false) : print_text(stream, block->text);
    }
    fputs(block->kind == BLOCK_VERDICT ? "**\n" : "\n", stream);
    return complete;
}

bool document_print_markdown(FILE *stream, const struct document *document)
{
    bool complete = !document->spoilt;
    if (!complete)
        return false;
    if (document->title) {
        fputs("# ", stream);
        complete = print_text(stream, document->title);
        fputs("\n", stream);
    }
    for (size_t b = 0; b < document->num_blocks && complete; b++)
        complete = print_block(stream, &document->blocks[b]);
    if (document->title && complete) { /* else it is a part of a page */
        char made_by[DOCUMENT_MADE_BY_SIZE];
        fputs("\n", stream);
        complete = print_text(stream, document_made_by(made_by));
        fputs("\n", stream);
    }
    return complete;
}
