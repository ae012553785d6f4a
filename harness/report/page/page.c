#include "harness/report/page/page.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/text.h"

static void note(struct page *page, int written)
{
    page->failed |= written < 0;
}

void page_open(struct page *page, FILE *stream)
{
    *page = (struct page){0};
    xmlOutputBuffer *buffer = xmlOutputBufferCreateFile(stream, NULL);
    page->writer = buffer ? xmlNewTextWriter(buffer) : NULL; /* owns buffer if it succeeds */
    if (!page->writer && buffer)
        xmlOutputBufferClose(buffer);
    page->failed = !page->writer;
}

bool page_close(struct page *page)
{
    if (page->writer) {
        note(page, xmlTextWriterEndDocument(page->writer));
        xmlFreeTextWriter(page->writer);
    }
    page->writer = NULL;
    return !page->failed;
}

void page_start(struct page *page, const char *element)
{
    if (!page->failed)
        note(page, xmlTextWriterStartElement(page->writer, BAD_CAST element));
}

static void write_attribute(struct page *page, const char *name, const char *text)
{
    char *clean = text_clean(text);
    page->failed |= !clean;
    if (!page->failed)
        note(page, xmlTextWriterWriteAttribute(page->writer, BAD_CAST name, BAD_CAST clean));
    free(clean);
}

void page_attribute(struct page *page, const char *name, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    page->failed |= !text;
    if (text)
        write_attribute(page, name, text);
    free(text);
}

void page_text(struct page *page, const char *text)
{
    char *clean = text_clean(text);
    page->failed |= !clean;
    if (!page->failed)
        note(page, xmlTextWriterWriteString(page->writer, BAD_CAST clean));
    free(clean);
}

void page_end(struct page *page)
{
    if (!page->failed)
        note(page, xmlTextWriterFullEndElement(page->writer));
}

void page_end_empty(struct page *page)
{
    if (!page->failed)
        note(page, xmlTextWriterEndElement(page->writer));
}

void page_element(struct page *page, const char *element, const char *class_name, const char *text)
{
    page_start(page, element);
    if (class_name)
        page_attribute(page, "class", "%s", class_name);
    page_text(page, text);
    page_end(page);
}

void page_key(struct page *page, const char *key)
{
    char *rest = strdup(key), *next = rest, *part;
    page->failed |= !rest;
    page_start(page, "code");
    while ((part = strsep(&next, ","))) {
        page_text(page, part);
        if (!next)
            break;
        page_text(page, ",");
        page_start(page, "wbr");
        page_end_empty(page);
    }
    page_end(page);
    free(rest);
}

void page_raw(struct page *page, const char *text, size_t size)
{
    if (!page->failed)
        note(page, xmlTextWriterWriteRawLen(page->writer, BAD_CAST text, (int)size));
}
