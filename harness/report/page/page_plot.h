/* A plot as inline SVG: readable without a style sheet, with a text alternative, values for who points at them. */
#ifndef HARNESS_REPORT_PAGE_PAGE_PLOT_H
#define HARNESS_REPORT_PAGE_PAGE_PLOT_H

#include "harness/report/page/page.h"
#include "harness/report/page/plot.h"

void page_plot(struct page *page, const struct plot *plot);

#endif
