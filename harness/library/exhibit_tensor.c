#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/library/exhibit_reading.h"

enum error_kind exhibit_describe(const struct exhibit_reading *reading, const char *name, struct tensor_layout *layout,
                                 struct error *error)
{
    const struct tensor_entry *entry = tensor_archive_find(&reading->archive, name);
    if (!entry)
        return error_set(error, ERROR_USAGE, "%s: has no %s; allowed: %s", reading->path, name, exhibit_written);
    return tensor_archive_describe(layout, &reading->archive, entry, error);
}

/* It is read, not mapped: that the file has lost bytes meanwhile is then an error, and no SIGBUS. */
enum error_kind exhibit_read_tensor(const struct exhibit_reading *reading, const char *name, enum element_type type,
                                    int num_axes, const int64_t *shape, void **copy, struct error *error)
{
    struct tensor_layout layout, expected = {.type = type, .num_axes = num_axes};
    char is[TENSOR_LAYOUT_TEXT_SIZE], allowed[TENSOR_LAYOUT_TEXT_SIZE];
    enum error_kind kind = exhibit_describe(reading, name, &layout, error);
    for (int i = 0; i < TENSOR_AXES_MAX; i++)
        expected.shape[i] = i < num_axes ? shape[i] : 1;
    bool same = !kind && layout.type == type && layout.num_axes == num_axes;
    for (int i = 0; same && i < num_axes; i++)
        same = layout.shape[i] == shape[i];
    if (!kind && !same)
        kind = error_set(error, ERROR_USAGE, "%s: %s is %s; allowed: %s", reading->path, name,
                         tensor_layout_text(is, &layout), tensor_layout_text(allowed, &expected));
    if (kind)
        return kind;
    size_t bytes = (size_t)tensor_layout_bytes(&layout);
    void *elements = malloc(bytes + 1);
    if (!elements)
        return error_memory(error, "a bundle", (double)bytes);
    kind = tensor_archive_copy(elements, &reading->archive, tensor_archive_find(&reading->archive, name), error);
    if (!kind)
        *copy = elements;
    else
        free(elements);
    return kind;
}

static const char *const ranges[] = {
    [EXHIBIT_FINITE] = "finite numbers",
    [EXHIBIT_NOT_NEGATIVE] = "numbers of 0 or more, or infinity",
    [EXHIBIT_NOT_NEGATIVE_FINITE] = "finite numbers of 0 or more",
};

static bool is_within(double number, enum exhibit_range range)
{
    bool finite = isfinite(number);
    switch (range) {
    case EXHIBIT_ANY:
        return true;
    case EXHIBIT_FINITE:
        return finite;
    case EXHIBIT_NOT_NEGATIVE:
        return number >= 0;
    default:
        return finite && number >= 0;
    }
}

enum error_kind exhibit_refuse_number(const struct exhibit_reading *reading, const char *name, size_t at, double number,
                                      enum exhibit_range range, struct error *error)
{
    return error_set(error, ERROR_USAGE, "%s: %s has %g at element %zu; allowed: %s", reading->path, name,
                     isnan(number) ? (double)NAN : number, at, ranges[range]);
}

static enum error_kind check_doubles(const struct exhibit_reading *reading, const char *name, const double *numbers,
                                     size_t count, enum exhibit_range range, struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if (!is_within(numbers[i], range))
            return exhibit_refuse_number(reading, name, i, numbers[i], range, error);
    return ERROR_NONE;
}

enum error_kind exhibit_read_doubles(const struct exhibit_reading *reading, const char *name, int num_axes,
                                     const int64_t *shape, enum exhibit_range range, double **numbers,
                                     struct error *error)
{
    void *copy = NULL;
    size_t count = 1;
    enum error_kind kind = exhibit_read_tensor(reading, name, ELEMENT_F64, num_axes, shape, &copy, error);
    *numbers = copy;
    for (int i = 0; i < num_axes; i++)
        count *= (size_t)shape[i];
    return kind ? kind : check_doubles(reading, name, *numbers, count, range, error);
}

/* One a head, finite. */
enum error_kind exhibit_read_of_heads(const struct exhibit_reading *reading, const char *name, float **numbers,
                                      struct error *error)
{
    void *copy = NULL;
    enum error_kind kind = exhibit_read_tensor(reading, name, ELEMENT_F32, 1, &reading->heads, &copy, error);
    *numbers = copy;
    for (int64_t h = 0; h < reading->heads && !kind; h++)
        if (!isfinite((*numbers)[h]))
            kind = exhibit_refuse_number(reading, name, (size_t)h, (double)(*numbers)[h], EXHIBIT_FINITE, error);
    return kind;
}
