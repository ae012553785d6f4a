#include "harness/report/compare/compare_format.h"

#include <stdlib.h>

#define COMPARE_FORMAT_ADDRESS(name) &compare_##name,
const struct compare_format *const compare_formats[COMPARE_FORMAT_COUNT] = {COMPARE_FORMATS(COMPARE_FORMAT_ADDRESS)};

struct ordering {
    const struct compare_view *view;
    bool by_change;
};

/* Points stand in memory by change and key, which decides where the fields do not. */
static int by_fields(const void *a, const void *b, void *context)
{
    const struct ordering *ordering = context;
    const struct compare_view *view = ordering->view;
    const struct compared *left = *(const struct compared *const *)a, *right = *(const struct compared *const *)b;
    int order = ordering->by_change ? (left->change > right->change) - (left->change < right->change) : 0;
    for (size_t i = 0; i < view->num_order && !order; i++)
        order = compare_field_order(&view->order[i], left, right, &view->collation->rules);
    return order ? order : (left > right) - (left < right);
}

const struct compared **compare_view_order(const struct compare_view *view, bool by_change)
{
    size_t count = view->collation->count;
    const struct compared **points = reallocarray(NULL, count ? count : 1, sizeof *points);
    struct ordering ordering = {view, by_change};
    for (size_t i = 0; points && i < count; i++)
        points[i] = &view->collation->points[i];
    if (points)
        qsort_r(points, count, sizeof *points, by_fields, &ordering);
    return points;
}
