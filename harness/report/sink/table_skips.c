#include "harness/report/sink/table_skips.h"

#include <stdlib.h>
#include <string.h>

enum { SKIPS_SHOWN = 12 };

bool table_skips_add(struct table_skips *skips, const char *reason)
{
    if (!reason)
        return true;
    for (size_t i = 0; i < skips->count; i++)
        if (!strcmp(skips->items[i].reason, reason)) {
            skips->items[i].count++;
            return true;
        }
    struct table_skip *items = realloc(skips->items, (skips->count + 1) * sizeof *items);
    if (items)
        skips->items = items;
    char *copy = items ? strdup(reason) : NULL;
    if (!copy)
        return false;
    skips->items[skips->count++] = (struct table_skip){copy, 1};
    return true;
}

void table_skips_clear(struct table_skips *skips)
{
    for (size_t i = 0; i < skips->count; i++)
        free(skips->items[i].reason);
    free(skips->items);
    *skips = (struct table_skips){NULL, 0};
}

static bool is_of_others(const struct sink_plan *plan)
{
    return plan->num_points > 0 && plan->points->foreign;
}

void table_skips_print_first(FILE *out, const struct table_skips *skips, const struct sink_plan *plan)
{
    if (skips->count > 0 && !is_of_others(plan))
        fprintf(out, " (%s%s)", skips->count > 1 ? "the first: " : "", skips->items[0].reason);
}

/* The next one in the order of their numbers, of equal ones as they came. */
static size_t find_most(const struct table_skips *skips)
{
    size_t most = 0;
    for (size_t i = 1; i < skips->count; i++)
        if (skips->items[i].count > skips->items[most].count)
            most = i;
    return most;
}

void table_skips_print(FILE *out, struct table_skips *skips, const struct sink_plan *plan)
{
    size_t rest = 0;
    if (!is_of_others(plan) || plan->num_points == 1) /* whose row says it */
        return;
    for (size_t shown = 0; shown < skips->count && shown < SKIPS_SHOWN; shown++) {
        struct table_skip *skip = &skips->items[find_most(skips)];
        fprintf(out, "  %zu skipped: %s\n", skip->count, skip->reason);
        skip->count = 0;
    }
    for (size_t i = 0; i < skips->count; i++)
        rest += skips->items[i].count;
    if (rest > 0)
        fprintf(out, "  %zu skipped for other reasons\n", rest);
}
