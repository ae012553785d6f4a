/* The style sheet and the script of pages: page.css and page.js, which the build puts into the program. */
#ifndef HARNESS_REPORT_PAGE_PAGE_ASSET_H
#define HARNESS_REPORT_PAGE_PAGE_ASSET_H

#include <stddef.h>

/* Text of *size characters. */
const char *page_style(size_t *size);
const char *page_script(size_t *size);

#endif
