/*
 * Writing HTML that is XML as well, element by element. All text and all attributes are cleaned and escaped here, so
 * whatever a record says is shown and never obeyed. Calls need no check: the first failure is kept, and page_close
 * tells.
 */
#ifndef HARNESS_REPORT_PAGE_PAGE_H
#define HARNESS_REPORT_PAGE_PAGE_H

#include <libxml/xmlwriter.h>
#include <stdbool.h>
#include <stdio.h>

struct page {
    xmlTextWriter *writer;
    bool failed;
};

void page_open(struct page *page, FILE *stream);
/* False if anything failed. The stream stays open. */
bool page_close(struct page *page);

/* An element, its attributes, what is in it, its end, in this order. */
void page_start(struct page *page, const char *element);
void page_attribute(struct page *page, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
void page_text(struct page *page, const char *text);
void page_end(struct page *page);
/* The end of one that holds nothing and has no end tag in HTML: meta, br, and of SVG line, path. */
void page_end_empty(struct page *page);

/* A whole element that holds text; class_name may be NULL. */
void page_element(struct page *page, const char *element, const char *class_name, const char *text);

/* A point's key as code, whose lines may end behind commas. */
void page_key(struct page *page, const char *key);

/* As it is: the style sheet and the script of the program, and JSON without '<'. */
void page_raw(struct page *page, const char *text, size_t size);

#endif
