#include "harness/judge/class/class_search.h"

#include <math.h>

/* A search at work. */
struct work {
    struct class_search *found;
    struct class_sets beyond;
    class_ask *ask;
    void *row;
    double f32_size;
};

static bool known(const struct work *work, class_set set)
{
    return class_sets_have(&work->found->covered, set) || class_sets_have(&work->found->open, set) ||
           class_sets_have(&work->beyond, set);
}

/* Asks, unless it is known, and concludes. */
static void try(struct work *work, class_set set)
{
    if (known(work, set))
        return;
    double size;
    enum class_answer answer = work->ask(work->row, set, &size);
    if (set == CLASS_F32)
        work->f32_size = size;
    if (answer != CLASS_BEYOND) {
        class_sets_add_above(answer == CLASS_COVERS ? &work->found->covered : &work->found->open, set);
        return;
    }
    set = class_closed(set);
    for (class_set part = 0; part < CLASS_SETS; part++)
        if ((class_closed(part) & ~set) == 0)
            class_sets_add(&work->beyond, part);
}

/* A set without a rounding, and without those that include it. */
static class_set without(class_set set, int rounding)
{
    for (int i = 0; i < CLASS_ROUNDING_COUNT; i++)
        if (class_closed(1u << i) >> rounding & 1)
            set &= ~(1u << i);
    return set;
}

static bool is_beyond(struct work *work, class_set set)
{
    try(work, set);
    return class_sets_have(&work->beyond, set);
}

/* Of a set that explains the row, a minimal one: no part of it does. */
static void shrink(struct work *work, class_set set)
{
    for (int i = 0; i < CLASS_ROUNDING_COUNT; i++) {
        class_set part = without(set, i);
        if (part != set && !is_beyond(work, part))
            set = part;
    }
}

/* The largest set of which nothing is known. False: there is none. */
static bool largest_unknown(const struct work *work, class_set *largest)
{
    int size = -1;
    for (class_set set = 0; set < CLASS_SETS; set++)
        if (__builtin_popcount(set) > size && !known(work, set)) {
            size = __builtin_popcount(set);
            *largest = class_closed(set);
        }
    return size >= 0;
}

/* What the roundings of the minimal sets add to f32's bounds each, as far as these say which of them is smaller. */
static void find_sizes(struct work *work)
{
    class_set minimal[CLASS_SETS], any = 0, all = CLASS_SETS - 1;
    int count = class_sets_minimal(minimal, &work->found->covered);
    for (int i = 0; i < count; i++) {
        any |= minimal[i];
        all &= minimal[i];
    }
    for (int i = 0; i < CLASS_ROUNDING_COUNT; i++)
        if ((any & ~all) >> i & 1) {
            double size;
            work->ask(work->row, 1u << i, &size);
            work->found->size[i] = isfinite(size) ? fmax(size - work->f32_size, 0) : INFINITY;
        }
}

void class_search(struct class_search *search, class_ask *ask, void *row)
{
    struct work work = {.found = search, .ask = ask, .row = row};
    *search = (struct class_search){0};
    try(&work, CLASS_F32);
    if (class_sets_have(&search->covered, CLASS_F32))
        return;
    try(&work, CLASS_SETS - 1);
    for (int i = 0; i < CLASS_ROUNDING_COUNT; i++) /* most rows need one rounding, or some one of several */
        try(&work, 1u << i);
    for (class_set set = 0; largest_unknown(&work, &set);)
        if (!is_beyond(&work, set))
            shrink(&work, set);
    find_sizes(&work);
}
