#include "harness/report/page/document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/build_info.h"
#include "harness/support/room.h"

/* A copy of text that may be NULL. */
static char *copy(struct document *document, const char *text)
{
    char *copied = text ? strdup(text) : NULL;
    document->spoilt |= text && !copied;
    return copied;
}

void document_begin(struct document *document, const char *title)
{
    *document = (struct document){0};
    document->title = copy(document, title);
}

/* A new block at the end, or NULL. */
static struct block *add(struct document *document, enum block_kind kind, enum tone tone, const char *name,
                         const char *text)
{
    if (document->spoilt)
        return NULL;
    struct block *blocks = room_for_one(document->blocks, &document->capacity, document->num_blocks, sizeof *blocks);
    document->spoilt |= !blocks;
    if (!blocks)
        return NULL;
    document->blocks = blocks;
    struct block *block = &blocks[document->num_blocks++];
    *block = (struct block){.kind = kind, .tone = tone};
    block->name = copy(document, name);
    block->text = copy(document, text);
    return block;
}

void document_section(struct document *document, const char *name, const char *text)
{
    add(document, BLOCK_SECTION, TONE_PLAIN, name, text);
}

void document_subsection(struct document *document, const char *name, const char *text)
{
    add(document, BLOCK_SUBSECTION, TONE_PLAIN, name, text);
}

void document_verdict(struct document *document, enum tone tone, const char *text)
{
    add(document, BLOCK_VERDICT, tone, NULL, text);
}

__attribute__((format(printf, 3, 0))) static void add_formatted(struct document *document, enum tone tone,
                                                                const char *format, va_list arguments)
{
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0) {
        document->spoilt = true;
        return;
    }
    add(document, BLOCK_PARAGRAPH, tone, NULL, text);
    free(text);
}

void document_paragraph(struct document *document, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_formatted(document, TONE_PLAIN, format, arguments);
    va_end(arguments);
}

void document_note(struct document *document, enum tone tone, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_formatted(document, tone, format, arguments);
    va_end(arguments);
}

void document_code(struct document *document, const char *text)
{
    add(document, BLOCK_CODE, TONE_PLAIN, NULL, text);
}

void document_item(struct document *document, enum tone tone, const char *name, const char *text)
{
    add(document, BLOCK_ITEM, tone, name, text);
}

void document_item_end(struct document *document)
{
    add(document, BLOCK_ITEM_END, TONE_PLAIN, NULL, NULL);
}

struct grid *document_grid(struct document *document, const char *caption)
{
    struct block *block = add(document, BLOCK_GRID, TONE_PLAIN, NULL, NULL);
    if (!block)
        return NULL;
    block->grid = grid_make(caption, &document->spoilt);
    return block->grid;
}

struct plot *document_plot(struct document *document, const struct plot_axes *axes)
{
    struct block *block = add(document, BLOCK_PLOT, TONE_PLAIN, NULL, NULL);
    if (!block)
        return NULL;
    block->plot = plot_make(axes, &document->spoilt);
    return block->plot;
}

char *document_made_by(char *text)
{
    snprintf(text, DOCUMENT_MADE_BY_SIZE,
             "Made by alibicheck %s (%s) report. Its manual says more of words and columns: docs/verdicts.md and "
             "docs/records.md.",
             build_info.version, build_info.commit);
    return text;
}

void document_clear(struct document *document)
{
    for (size_t b = 0; b < document->num_blocks; b++) {
        free(document->blocks[b].name);
        free(document->blocks[b].text);
        grid_free(document->blocks[b].grid);
        plot_free(document->blocks[b].plot);
    }
    free(document->blocks);
    free(document->title);
    *document = (struct document){0};
}
