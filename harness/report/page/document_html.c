#include "harness/report/page/document_print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/page/page.h"
#include "harness/report/page/page_asset.h"
#include "harness/report/page/page_plot.h"
#include "harness/support/build_info.h"
#include "harness/support/number.h"

static const char *const tone_names[TONE_COUNT] = {
    [TONE_PLAIN] = NULL, [TONE_GOOD] = "good", [TONE_EXPECTED] = "expected", [TONE_BAD] = "bad"};

/* What is open while a document is printed. */
struct state {
    struct page page;
    bool in_section, in_plots;
    size_t num_grids;
};

/* ---- grids ------------------------------------------------------------------------------------------------------- */

static void print_head(struct page *page, const struct grid *grid)
{
    page_start(page, "thead");
    page_start(page, "tr");
    for (size_t c = 0; c < grid->num_columns; c++) {
        page_start(page, "th");
        page_attribute(page, "scope", "col");
        if (grid->columns[c].number)
            page_attribute(page, "class", "n");
        if (grid->columns[c].about)
            page_attribute(page, "title", "%s", grid->columns[c].about);
        page_text(page, grid->columns[c].title);
        page_end(page);
    }
    page_end(page);
    page_end(page);
}

static void print_class(struct page *page, const struct cell *cell, bool number)
{
    char heat[16] = "";
    if (cell->heat >= 0)
        snprintf(heat, sizeof heat, "h%d", cell->heat);
    const char *const names[] = {number ? "n" : NULL, cell->kind == CELL_CODE ? "key" : NULL, tone_names[cell->tone],
                                 *heat ? heat : NULL};
    char text[64] = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i])
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? " " : "", names[i]);
    if (*text)
        page_attribute(page, "class", "%s", text);
}

static void print_cell(struct page *page, const struct cell *cell, const struct column *column, bool first)
{
    char exact[NUMBER_TEXT_MAX];
    page_start(page, first ? "th" : "td");
    if (first)
        page_attribute(page, "scope", "row");
    print_class(page, cell, column->number);
    if (cell->kind == CELL_NUMBER && isfinite(cell->value) && strcmp(format_double(exact, cell->value), cell->text))
        page_attribute(page, "title", "%s", exact);
    if (cell->kind == CELL_CODE)
        page_key(page, cell->text);
    else
        page_text(page, cell->text);
    page_end(page);
}

/* JSON in which nothing looks like the end of a script. */
static void print_data(struct page *page, const char *data)
{
    page_start(page, "script");
    page_attribute(page, "type", "application/json");
    for (const char *next = data; *next;) {
        size_t size = strcspn(next, "<");
        page_raw(page, next, size);
        next += size;
        if (*next == '<') {
            page_raw(page, "\\u003c", 6);
            next++;
        }
    }
    page_end(page);
}

static void print_body(struct page *page, const struct grid *grid)
{
    page_start(page, "tbody");
    for (size_t r = 0; r < grid_rows(grid); r++) {
        page_start(page, "tr");
        for (size_t c = 0; c < grid->num_columns; c++)
            print_cell(page, &grid->cells[r * grid->num_columns + c], &grid->columns[c], c == 0);
        page_end(page);
        page_raw(page, "\n", 1);
    }
    page_end(page);
}

static void print_table(struct page *page, const struct grid *grid, size_t number)
{
    char some[64] = "";
    if (grid_rows(grid) < grid->rows_in_all)
        snprintf(some, sizeof some, " (%zu of %zu rows)", grid_rows(grid), grid->rows_in_all);
    page_start(page, "table");
    page_start(page, "caption");
    page_attribute(page, "id", "table-%zu", number);
    page_text(page, grid->caption);
    page_text(page, some);
    page_end(page);
    print_head(page, grid);
    print_body(page, grid);
    page_end(page);
}

/* How many rows stand elsewhere, and where. */
static void print_left(struct page *page, const struct grid *grid)
{
    char left[160];
    snprintf(left, sizeof left, "Rows that are not in this table%s: %zu. `alibicheck report --format csv` prints all.",
             grid->data ? ", unless the page's script may run" : "", grid->rows_in_all - grid_rows(grid));
    page_element(page, "p", "left", left);
}

static void print_grid(struct state *state, const struct block *block)
{
    struct page *page = &state->page;
    const struct grid *grid = block->grid;
    size_t number = ++state->num_grids;
    page_start(page, "div");
    page_attribute(page, "class", grid->searched ? "table searched" : "table");
    page_start(page, "div");
    page_attribute(page, "class", "scroll");
    page_attribute(page, "role", "region");
    page_attribute(page, "aria-labelledby", "table-%zu", number);
    page_attribute(page, "tabindex", "0");
    print_table(page, grid, number);
    page_end(page);
    if (grid_rows(grid) < grid->rows_in_all)
        print_left(page, grid);
    if (grid->data)
        print_data(page, grid->data);
    page_end(page);
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static void open_section(struct state *state, const struct block *block)
{
    if (state->in_section)
        page_end(&state->page);
    state->in_section = true;
    page_start(&state->page, "section");
    page_attribute(&state->page, "id", "%s", block->name);
    page_element(&state->page, "h2", NULL, block->text);
}

static void print_subsection(struct state *state, const struct block *block)
{
    page_start(&state->page, "h3");
    page_attribute(&state->page, "id", "%s", block->name);
    page_text(&state->page, block->text);
    page_end(&state->page);
}

static void print_verdict(struct state *state, const struct block *block)
{
    page_start(&state->page, "p");
    page_attribute(&state->page, "class", "verdict %s", tone_names[block->tone] ? tone_names[block->tone] : "");
    page_element(&state->page, "strong", NULL, block->text);
    page_end(&state->page);
}

static void print_paragraph(struct state *state, const struct block *block)
{
    page_element(&state->page, "p", tone_names[block->tone], block->text);
}

static void print_code(struct state *state, const struct block *block)
{
    page_start(&state->page, "pre");
    page_element(&state->page, "code", NULL, block->text);
    page_end(&state->page);
}

static void open_item(struct state *state, const struct block *block)
{
    page_start(&state->page, "article");
    page_attribute(&state->page, "class", "item %s", tone_names[block->tone] ? tone_names[block->tone] : "");
    page_attribute(&state->page, "id", "%s", block->name);
    page_start(&state->page, "h3");
    page_key(&state->page, block->text);
    page_end(&state->page);
}

static void close_item(struct state *state, const struct block *block)
{
    (void)block;
    page_end(&state->page);
}

static void print_plot(struct state *state, const struct block *block)
{
    page_start(&state->page, "figure");
    page_plot(&state->page, block->plot);
    page_element(&state->page, "figcaption", NULL, block->plot->title);
    page_end(&state->page);
}

static void (*const block_printers[BLOCK_KIND_COUNT])(struct state *state, const struct block *block) = {
    [BLOCK_SECTION] = open_section,  [BLOCK_SUBSECTION] = print_subsection,
    [BLOCK_VERDICT] = print_verdict, [BLOCK_PARAGRAPH] = print_paragraph,
    [BLOCK_CODE] = print_code,       [BLOCK_ITEM] = open_item,
    [BLOCK_ITEM_END] = close_item,   [BLOCK_GRID] = print_grid,
    [BLOCK_PLOT] = print_plot,
};

/* Plots that follow each other stand side by side. */
static void print_block(struct state *state, const struct block *block)
{
    bool is_plot = block->kind == BLOCK_PLOT;
    page_raw(&state->page, "\n", 1);
    if (is_plot && !state->in_plots) {
        page_start(&state->page, "div");
        page_attribute(&state->page, "class", "plots");
    } else if (!is_plot && state->in_plots) {
        page_end(&state->page);
    }
    state->in_plots = is_plot;
    block_printers[block->kind](state, block);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void print_meta(struct page *page, const char *name, const char *content)
{
    page_start(page, "meta");
    page_attribute(page, "name", "%s", name);
    page_attribute(page, "content", "%s", content);
    page_end_empty(page);
}

static void print_document_head(struct page *page, const char *title)
{
    size_t size;
    const char *style = page_style(&size);
    char generator[128];
    snprintf(generator, sizeof generator, "alibicheck %s (%s)", build_info.version, build_info.commit);
    page_start(page, "head");
    page_start(page, "meta");
    page_attribute(page, "charset", "utf-8");
    page_end_empty(page);
    page_start(page, "meta"); /* whatever a record holds, the page loads nothing */
    page_attribute(page, "http-equiv", "Content-Security-Policy");
    page_attribute(page, "content", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'");
    page_end_empty(page);
    print_meta(page, "viewport", "width=device-width, initial-scale=1");
    print_meta(page, "color-scheme", "light dark");
    print_meta(page, "generator", generator);
    page_element(page, "title", NULL, title);
    page_start(page, "style");
    page_raw(page, "\n", 1);
    page_raw(page, style, size);
    page_end(page);
    page_end(page);
}

static void print_contents(struct page *page, const struct document *document)
{
    page_start(page, "nav");
    page_attribute(page, "aria-label", "Contents");
    page_start(page, "ul");
    for (size_t b = 0; b < document->num_blocks; b++) {
        if (document->blocks[b].kind != BLOCK_SECTION)
            continue;
        page_start(page, "li");
        page_start(page, "a");
        page_attribute(page, "href", "#%s", document->blocks[b].name);
        page_text(page, document->blocks[b].text);
        page_end(page);
        page_end(page);
    }
    page_end(page);
    page_end(page);
}

static void print_foot(struct page *page)
{
    char text[DOCUMENT_MADE_BY_SIZE];
    size_t size;
    const char *script = page_script(&size);
    document_made_by(text);
    page_start(page, "footer");
    page_element(page, "p", NULL, text);
    page_end(page);
    page_start(page, "script");
    page_raw(page, "\n", 1);
    page_raw(page, script, size);
    page_end(page);
}

bool document_print_html(FILE *stream, const struct document *document)
{
    static const char doctype[] = "<!DOCTYPE html>\n";
    struct state state = {.in_section = false};
    struct page *page = &state.page;
    if (document->spoilt)
        return false;
    page_open(page, stream);
    page_raw(page, doctype, sizeof doctype - 1);
    page_start(page, "html");
    page_attribute(page, "lang", "en");
    print_document_head(page, document->title);
    page_start(page, "body");
    page_start(page, "header");
    page_element(page, "h1", NULL, document->title);
    page_end(page);
    print_contents(page, document);
    page_start(page, "main");
    for (size_t b = 0; b < document->num_blocks; b++)
        print_block(&state, &document->blocks[b]);
    if (state.in_plots)
        page_end(page);
    if (state.in_section)
        page_end(page);
    page_end(page);
    print_foot(page);
    page_end(page);
    page_end(page);
    page_raw(page, "\n", 1);
    return page_close(page);
}
