/*
 * A document: headings, sentences, grids and plots in their order, as pages, Markdown and JSON are made of them. It
 * owns all that is put into it: text is copied.
 *
 * Putting something in needs no check: when memory runs out the document is spoilt, and all that follows is dropped.
 */
#ifndef HARNESS_REPORT_PAGE_DOCUMENT_H
#define HARNESS_REPORT_PAGE_DOCUMENT_H

#include "harness/report/page/grid.h"
#include "harness/report/page/plot.h"

enum block_kind {
    BLOCK_SECTION,    /* text: a heading; name: its anchor */
    BLOCK_SUBSECTION, /* the same, one level lower */
    BLOCK_VERDICT,    /* text: the sentence that says it all; tone */
    BLOCK_PARAGRAPH,  /* text; tone */
    BLOCK_CODE,       /* text: a line for a shell */
    BLOCK_ITEM,       /* text: what the blocks to BLOCK_ITEM_END are of, as code; name: its anchor; tone */
    BLOCK_ITEM_END,
    BLOCK_GRID,
    BLOCK_PLOT,
    BLOCK_KIND_COUNT
};

struct block {
    enum block_kind kind;
    enum tone tone;
    char *name;
    char *text;
    struct grid *grid;
    struct plot *plot;
};

struct document {
    char *title;
    struct block *blocks;
    size_t num_blocks, capacity;
    bool spoilt;
};

void document_begin(struct document *document, const char *title);
void document_clear(struct document *document);

void document_section(struct document *document, const char *name, const char *text);
void document_subsection(struct document *document, const char *name, const char *text);
void document_verdict(struct document *document, enum tone tone, const char *text);
void document_paragraph(struct document *document, const char *format, ...) __attribute__((format(printf, 2, 3)));
void document_note(struct document *document, enum tone tone, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void document_code(struct document *document, const char *text);
void document_item(struct document *document, enum tone tone, const char *name, const char *text);
void document_item_end(struct document *document);

/* What made a page, and where more stands on what it says; text has DOCUMENT_MADE_BY_SIZE characters and is returned.
 */
enum { DOCUMENT_MADE_BY_SIZE = 256 };
char *document_made_by(char *text);

/* A grid, or plot, that the document owns and that ends with it; NULL if memory ran out. */
struct grid *document_grid(struct document *document, const char *caption);
struct plot *document_plot(struct document *document, const struct plot_axes *axes);

#endif
