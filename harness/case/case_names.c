#include "harness/case/case_names.h"

#include <stdlib.h>
#include <string.h>

#include "harness/case/recipe_entry.h"
#include "harness/case/test_case.h"
#include "harness/support/source.h"

/* Case i of list and fresh together. */
static const struct test_case *case_at(const struct case_list *list, const struct case_list *fresh, size_t i)
{
    return i < list->count ? list->cases[i] : fresh->cases[i - list->count];
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

struct named {
    const struct test_case *test_case;
    size_t rank; /* place in the order of reading */
};

static int compare_named(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(case_name(x->test_case), case_name(y->test_case));
    return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

/* The first case, in the order of reading, whose name an earlier one has; *earlier is that one. */
static const struct test_case *find_duplicate(struct named *named, size_t count, const struct test_case **earlier)
{
    const struct named *found = NULL;
    qsort(named, count, sizeof *named, compare_named);
    for (size_t i = 1; i < count; i++)
        if (strcmp(case_name(named[i - 1].test_case), case_name(named[i].test_case)) == 0 &&
            (!found || named[i].rank < found->rank))
            found = &named[i];
    if (!found)
        return NULL;
    *earlier = found[-1].test_case;
    return found->test_case;
}

static enum error_kind check_cases(const struct case_list *list, const struct case_list *fresh, struct error *error)
{
    size_t count = list->count + fresh->count;
    struct named *named = calloc(count + 1, sizeof *named);
    if (!named)
        return error_memory(error, "a list of cases", (double)(count + 1) * sizeof *named);
    for (size_t i = 0; i < count; i++)
        named[i] = (struct named){
            .test_case = case_at(list, fresh, i),
            .rank = i,
        };
    enum error_kind kind = ERROR_NONE;
    const struct test_case *earlier, *later = find_duplicate(named, count, &earlier);
    if (later) {
        char path[PATH_QUOTE_SIZE], earlier_path[PATH_QUOTE_SIZE];
        bool same = !strcmp(later->path, earlier->path) && later->line == earlier->line;
        kind = same ? error_set(error, ERROR_USAGE, "%s: the file is given twice; allowed: each file once",
                                quote_path(path, later->path))
                    : error_set(error, ERROR_USAGE,
                                "%s:%d:%d: duplicate case: '%s', already at %s:%d:%d; allowed: names unique in a run",
                                quote_path(path, later->path), later->line, later->column, case_name(later),
                                quote_path(earlier_path, earlier->path), earlier->line, earlier->column);
    }
    free(named);
    return kind;
}

/* ---- recipes ----------------------------------------------------------------------------------------------------- */

struct used {
    const struct recipe_entry *entry;
    const struct test_case *test_case;
    size_t rank; /* of the case, in the order of reading */
};

static int compare_used(const void *a, const void *b)
{
    const struct used *x = a, *y = b;
    int order = strcmp(x->entry->name, y->entry->name);
    return order ? order : recipe_compare(&x->entry->recipe, &y->entry->recipe);
}

/* The recipes that a case's file spells; those of the library have names of their own. used may be NULL. */
static size_t list_spelled(const struct test_case *test_case, size_t rank, struct used *used)
{
    const struct axis *axis = &test_case->axes[KEY_RECIPE];
    size_t count = 0;
    for (size_t i = 0; i < axis->num_segments; i++) {
        const struct recipe_entry *entry = axis->segments[i].first.recipe;
        if (!entry || !entry->owned)
            continue;
        if (used)
            used[count] = (struct used){entry, test_case, rank};
        count++;
    }
    return count;
}

/* What differs of two recipes, first of all. */
static const struct field *first_difference(const struct recipe *a, const struct recipe *b)
{
    size_t i = 0;
    while (i + 1 < recipe_fields.count && recipe_field_equal(field_at(&recipe_fields, i), a, b))
        i++;
    return field_at(&recipe_fields, i);
}

static enum error_kind recipes_differ(const struct used *a, const struct used *b, struct error *error)
{
    const struct used *first = a->rank <= b->rank ? a : b, *second = first == a ? b : a;
    char paths[2][PATH_QUOTE_SIZE], values[2][FIELD_TEXT_SIZE];
    const struct field *field = first_difference(&a->entry->recipe, &b->entry->recipe);
    return error_set(error, ERROR_USAGE,
                     "%s:%d:%d: case '%s' has a recipe of a name that another has: '%s', %s %.100s, which is %.100s in "
                     "case '%s' at %s:%d:%d; allowed: one recipe a name in a run",
                     quote_path(paths[0], second->test_case->path), second->test_case->line, second->test_case->column,
                     case_name(second->test_case), first->entry->name, field->name,
                     field_format(values[0], field, field_in(field, &second->entry->recipe)),
                     field_format(values[1], field, field_in(field, &first->entry->recipe)),
                     case_name(first->test_case), quote_path(paths[1], first->test_case->path), first->test_case->line,
                     first->test_case->column);
}

/* A recipe in a record is known by its name, so a name is one recipe's. */
static enum error_kind check_recipes(const struct case_list *list, const struct case_list *fresh, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    size_t num_cases = list->count + fresh->count, count = 0;
    for (size_t i = 0; i < num_cases; i++)
        count += list_spelled(case_at(list, fresh, i), i, NULL);
    struct used *used = calloc(count + 1, sizeof *used);
    if (!used)
        return error_memory(error, "a list of recipes", (double)(count + 1) * sizeof *used);
    count = 0;
    for (size_t i = 0; i < num_cases; i++)
        count += list_spelled(case_at(list, fresh, i), i, used + count);
    qsort(used, count, sizeof *used, compare_used);
    for (size_t i = 1; i < count && !kind; i++)
        if (strcmp(used[i - 1].entry->name, used[i].entry->name) == 0 && compare_used(&used[i - 1], &used[i]) != 0)
            kind = recipes_differ(&used[i - 1], &used[i], error);
    free(used);
    return kind;
}

enum error_kind case_names_check(const struct case_list *list, const struct case_list *fresh, struct error *error)
{
    enum error_kind kind = check_cases(list, fresh, error);
    return kind ? kind : check_recipes(list, fresh, error);
}
