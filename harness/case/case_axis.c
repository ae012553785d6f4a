#include "harness/case/case_axis.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A segment and where in the list it stands, for sorting. */
struct ranked {
    const struct segment *segment;
    size_t rank;
};

static int compare_ranked(const void *a, const void *b, void *context)
{
    const struct ranked *x = a, *y = b;
    const struct key *key = context;
    int order = key->type->compare(&x->segment->first, &y->segment->first);
    return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

static enum error_kind duplicate_error(const struct key *key, const struct ranked *a, const struct ranked *b,
                                       struct error *error)
{
    const struct ranked *first = a->rank < b->rank ? a : b, *second = a->rank < b->rank ? b : a;
    char value[VALUE_TEXT_SIZE];
    struct point point = point_unset;
    /* b starts at or after a, so b's first value is in both. */
    key->type->apply(key, &b->segment->first, 0, &point);
    key->type->format(value, key, &point);
    return place_error(error, &second->segment->node->place,
                       "duplicate value of %s: '%s', already on line %d, column %d; allowed: each value once",
                       key->name, value, first->segment->node->place.line, place_column(&first->segment->node->place));
}

/*
 * Sorted by first value, two segments that share a value make two neighbours share one: if i < j overlap, segment i
 * reaches j's start and so the start of every segment between them.
 */
static enum error_kind check_duplicates(const struct axis *axis, const struct key *key, struct error *error)
{
    if (axis->num_segments < 2)
        return ERROR_NONE;
    struct ranked *ranked = calloc(axis->num_segments, sizeof *ranked);
    if (!ranked)
        return error_memory(error, "an axis", (double)(axis->num_segments * sizeof *ranked));
    for (size_t i = 0; i < axis->num_segments; i++)
        ranked[i] = (struct ranked){.segment = &axis->segments[i], .rank = i};
    qsort_r(ranked, axis->num_segments, sizeof *ranked, compare_ranked, (void *)key);
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 1; i < axis->num_segments && !kind; i++) {
        const struct segment *a = ranked[i - 1].segment, *b = ranked[i].segment;
        bool overlap = key->type->compare(&a->first, &b->first) == 0;
        if (key->type->compare == type_whole.compare)
            overlap |= b->first.integer - a->first.integer <= a->extra;
        if (overlap)
            kind = duplicate_error(key, &ranked[i - 1], &ranked[i], error);
    }
    free(ranked);
    return kind;
}

static enum error_kind axis_allocate(struct axis *axis, size_t num_segments, struct error *error)
{
    *axis = (struct axis){.segments = calloc(num_segments, sizeof *axis->segments)};
    if (!axis->segments)
        return error_memory(error, "an axis", (double)(num_segments * sizeof *axis->segments));
    return ERROR_NONE;
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t segment_end(const struct segment *segment)
{
    return add_saturated(add_saturated(segment->before, segment->extra), 1);
}

enum error_kind axis_read(struct axis *axis, const struct key *key, const struct yaml_node *node, struct error *error)
{
    char allowed[ALLOWED_TEXT_SIZE];
    size_t count = 1;
    const struct yaml_node *element = node;
    *axis = (struct axis){0};
    if (node->kind == YAML_SEQUENCE && !key->type->takes_list) {
        key->type->allowed(allowed, key);
        if (!key->axis)
            return place_error(error, &node->place, "%s takes one value: a list; allowed: %s", key->name, allowed);
        if (!node->first)
            return place_error(error, &node->place, "%s has no values: '[]'; allowed: %s", key->name, allowed);
        element = node->first;
        for (count = 0; element; element = element->next)
            count++;
        element = node->first;
    }
    enum error_kind kind = axis_allocate(axis, count, error);
    axis->given = true;
    while (!kind && axis->num_segments < count) {
        struct segment *segment = &axis->segments[axis->num_segments];
        if ((kind = key->type->parse(key, element, segment, error)))
            break;
        segment->node = element;
        segment->before = axis->num_segments ? segment_end(segment - 1) : 0;
        axis->num_segments++;
        element = element->next;
    }
    if (!kind)
        kind = check_duplicates(axis, key, error);
    if (kind)
        axis_clear(axis, key);
    return kind;
}

enum error_kind axis_read_preset(struct axis *axis, const struct key *key, struct error *error)
{
    *axis = (struct axis){0};
    if (!key->preset)
        return ERROR_NONE;
    struct source source = {.name = "default", .text = key->preset, .size = strlen(key->preset)};
    struct yaml_node node = {
        .plain = true, .place = source_place(&source, 0), .text = source.text, .size = source.size};
    enum error_kind kind = axis_read(axis, key, &node, error);
    if (!kind) {
        axis->given = false;
        axis->segments[0].node = NULL;
    }
    return kind;
}

void axis_clear(struct axis *axis, const struct key *key)
{
    for (size_t i = 0; i < axis->num_segments; i++)
        if (key->type->clear)
            key->type->clear(&axis->segments[i].first);
    free(axis->segments);
    *axis = (struct axis){0};
}

uint64_t axis_count(const struct axis *axis)
{
    return axis->num_segments ? segment_end(&axis->segments[axis->num_segments - 1]) : 1;
}

const struct segment *axis_at(const struct axis *axis, uint64_t index, uint64_t *step)
{
    if (!axis->num_segments)
        return NULL;
    size_t low = 0, high = axis->num_segments; /* the segment is in [low, high) */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (axis->segments[middle].before <= index)
            low = middle;
        else
            high = middle;
    }
    *step = index - axis->segments[low].before;
    return &axis->segments[low];
}
