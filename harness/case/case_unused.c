#include "harness/case/case_unused.h"

#include <stdio.h>

#include "harness/case/test_case.h"
#include "harness/support/source.h"
#include "kernels/descriptor.h"

static bool has_chunks(const struct point *point)
{
    return kernels[point->kernel]->uses_chunk_len;
}

static bool has_pages(const struct point *point)
{
    return point->kernel_options.page_size > 0;
}

enum { ALLOWED_SIZE = KERNEL_NAMES_SIZE + 32 };

static char *kernels_allowed(char *text)
{
    char names[KERNEL_NAMES_SIZE];
    snprintf(text, ALLOWED_SIZE, "with kernel %s, or %s", kernels_with_chunks(names), keys[KEY_KERNEL].field.every);
    return text;
}

static char *pages_allowed(char *text)
{
    snprintf(text, ALLOWED_SIZE, "with a page_size above 0");
    return text;
}

/* What a key takes to be used. */
static const struct use {
    enum key_id key, by;
    bool (*has)(const struct point *point);
    const char *lacks;
    char *(*allowed)(char *text); /* text: ALLOWED_SIZE */
} uses[] = {
    {KEY_CHUNK_LEN, KEY_KERNEL, has_chunks, "kernels without chunks", kernels_allowed},
    {KEY_PAGE_SEED, KEY_PAGE_SIZE, has_pages, "k and v without pages", pages_allowed},
};

/* Whether a value of the axis is one that the key is for, whatever the others are. */
static bool is_used_in(const struct use *use, const struct test_case *test_case)
{
    uint64_t index[KEY_COUNT] = {0};
    bool found = false;
    for (; index[use->by] < axis_count(&test_case->axes[use->by]) && !found; index[use->by]++) {
        struct point point;
        case_assemble(test_case, index, &point);
        found = use->has(&point);
    }
    return found;
}

static enum error_kind check_use(const struct use *use, const struct case_list *list, struct error *error)
{
    char allowed[ALLOWED_SIZE];
    bool is_set = false, is_used = false;
    for (size_t i = 0; i < list->count; i++) {
        const struct test_case *test_case = list->cases[i];
        const struct axis *axis = &test_case->axes[use->key], *by = &test_case->axes[use->by];
        char path[PATH_QUOTE_SIZE];
        bool uses_it = is_used_in(use, test_case);
        is_set = is_set || axis->is_set;
        is_used = is_used || uses_it;
        if (axis->given && !axis->is_set && by->given && !by->is_set && !uses_it)
            return error_set(error, ERROR_USAGE, "%s:%d:%d: %s stands beside %s; allowed: %s",
                             quote_path(path, test_case->path), axis->line, axis->column, keys[use->key].field.name,
                             use->lacks, use->allowed(allowed));
    }
    if (!is_set || is_used)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "%s is set, and the cases have %s alone; allowed: %s",
                     keys[use->key].field.name, use->lacks, use->allowed(allowed));
}

enum error_kind case_list_check_use(const struct case_list *list, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0; i < sizeof uses / sizeof uses[0] && !kind; i++)
        kind = check_use(&uses[i], list, error);
    return kind;
}
