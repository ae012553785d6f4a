#include "harness/case/case_axis.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A segment and where in the list it stands, for sorting. */
struct ranked {
    const struct segment *segment;
    size_t rank;
};

struct order {
    const struct key *key;
    bool by_names;
};

static int compare_values(const struct order *order, const union value *a, const union value *b)
{
    return order->by_names ? order->key->type->compare_names(a, b) : key_compare(order->key, a, b);
}

static int compare_ranked(const void *a, const void *b, void *context)
{
    const struct ranked *x = a, *y = b;
    int order = compare_values(context, &x->segment->first, &y->segment->first);
    return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

static enum error_kind duplicate_error(const struct key *key, const struct ranked *a, const struct ranked *b,
                                       struct error *error)
{
    const struct ranked *first = a->rank < b->rank ? a : b, *second = a->rank < b->rank ? b : a;
    char value[FIELD_TEXT_SIZE];
    struct point point = point_unset;
    /* b starts at or after a, so b's first value is in both. */
    key_apply(key, &b->segment->first, 0, &point);
    key_format(value, key, &point);
    return place_error(error, &second->segment->node->place,
                       "duplicate value of %s: '%s', already on line %d, column %d; allowed: each value once",
                       key->field.name, value, first->segment->node->place.line,
                       place_column(&first->segment->node->place));
}

/*
 * Sorted by first value, two segments that share a value make two neighbours share one: if i < j overlap, segment i
 * reaches j's start and so the start of every segment between them.
 */
static enum error_kind check_order(const struct axis *axis, struct order order, struct error *error)
{
    struct ranked *ranked = calloc(axis->num_segments, sizeof *ranked);
    if (!ranked)
        return error_memory(error, "an axis", (double)(axis->num_segments * sizeof *ranked));
    for (size_t i = 0; i < axis->num_segments; i++)
        ranked[i] = (struct ranked){.segment = &axis->segments[i], .rank = i};
    qsort_r(ranked, axis->num_segments, sizeof *ranked, compare_ranked, &order);
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 1; i < axis->num_segments && !kind; i++) {
        const struct segment *a = ranked[i - 1].segment, *b = ranked[i].segment;
        bool overlap = compare_values(&order, &a->first, &b->first) == 0;
        if (key_counts(order.key))
            overlap |= field_distance(&order.key->field, &a->first, &b->first) <= a->extra;
        if (overlap)
            kind = duplicate_error(order.key, &ranked[i - 1], &ranked[i], error);
    }
    free(ranked);
    return kind;
}

static enum error_kind check_duplicates(const struct axis *axis, const struct key *key, struct error *error)
{
    if (axis->num_segments < 2)
        return ERROR_NONE;
    enum error_kind kind = check_order(axis, (struct order){key, false}, error);
    if (!kind && key->type && key->type->compare_names)
        kind = check_order(axis, (struct order){key, true}, error);
    return kind;
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

/* Appends the segments of one value; there is room for them. */
static enum error_kind append_segments(struct axis *axis, const struct key *key, const struct yaml_node *element,
                                       struct error *error)
{
    size_t count;
    enum error_kind kind = key_num_segments(key, element, &count, error);
    for (size_t rank = 0; rank < count && !kind; rank++) {
        struct segment *segment = &axis->segments[axis->num_segments];
        segment->rank = rank;
        if ((kind = key_read(key, element, segment, error)))
            break;
        segment->node = element;
        segment->before = axis->num_segments ? segment_end(segment - 1) : 0;
        axis->num_segments++;
    }
    return kind;
}

static enum error_kind axis_allocate(struct axis *axis, size_t num_segments, struct error *error)
{
    *axis = (struct axis){.segments = calloc(num_segments, sizeof *axis->segments)};
    if (!axis->segments)
        return error_memory(error, "an axis", (double)(num_segments * sizeof *axis->segments));
    return ERROR_NONE;
}

enum error_kind axis_read(struct axis *axis, const struct key *key, const struct yaml_node *node, struct error *error)
{
    char allowed[FIELD_ALLOWED_SIZE];
    bool list = node->kind == YAML_SEQUENCE && !key_takes_list(key);
    size_t count = 0, more;
    enum error_kind kind = ERROR_NONE;
    *axis = (struct axis){0};
    field_allowed(allowed, &key->field);
    if (list && !key->axis)
        return place_error(error, &node->place, "%s takes one value: a list; allowed: %s", key->field.name, allowed);
    if (list && !node->first)
        return place_error(error, &node->place, "%s has no values: '[]'; allowed: %s", key->field.name, allowed);
    const struct yaml_node *first = list ? node->first : node;
    for (const struct yaml_node *element = first; element && !kind; element = list ? element->next : NULL) {
        kind = key_num_segments(key, element, &more, error);
        count += more;
    }
    if (!kind && count > CASE_MAX_POINTS)
        return place_error(error, &node->place, "%s has %zu values: a list; allowed: at most %d points a case",
                           key->field.name, count, CASE_MAX_POINTS);
    if (!kind)
        kind = axis_allocate(axis, count, error);
    axis->given = true;
    for (const struct yaml_node *element = first; element && !kind; element = list ? element->next : NULL)
        kind = append_segments(axis, key, element, error);
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
        if (key->type && key->type->clear)
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
