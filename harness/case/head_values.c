#include "harness/case/head_values.h"

#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>

#include "harness/support/field_yaml.h"

const char head_values_name[] = "values";

enum error_kind head_values_read(float **values, size_t *count, const struct yaml_node *list,
                                 const struct field *element, const struct field *field, const char *allowed,
                                 struct error *error)
{
    char quoted[QUOTE_SIZE];
    size_t numbers = 0, i = 0;
    if (list->kind != YAML_SEQUENCE || !list->first)
        return place_error(error, &list->place, "%s are not a list of numbers: %s; allowed: %s", head_values_name,
                           list->kind == YAML_SEQUENCE ? "'[]'" : yaml_quote(quoted, list), allowed);
    for (const struct yaml_node *value = list->first; value; value = value->next)
        numbers++;
    float *read = malloc(numbers * sizeof *read);
    if (!read)
        return error_memory(error, field->name, (double)(numbers * sizeof *read));
    enum error_kind kind = ERROR_NONE;
    for (const struct yaml_node *value = list->first; value && !kind; value = value->next, i++)
        kind = field_read(element, value, &read[i], error);
    if (kind) {
        free(read);
        return kind;
    }
    *values = read;
    *count = numbers;
    return ERROR_NONE;
}

int head_values_compare(const float *a, size_t count_a, const float *b, size_t count_b)
{
    if (count_a != count_b)
        return count_a < count_b ? -1 : 1;
    for (size_t i = 0; i < count_a; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

char *head_values_format(char *text, const float *values, size_t count)
{
    enum { LENGTH_MAX = 96 };
    char number[NUMBER_TEXT_MAX];
    int length = snprintf(text, FIELD_TEXT_SIZE, "%s", head_values_name);
    for (size_t i = 0; i < count && length <= LENGTH_MAX; i++)
        length += snprintf(text + length, (size_t)(FIELD_TEXT_SIZE - length), ":%s", format_float(number, values[i]));
    if (length > LENGTH_MAX)
        snprintf(text, FIELD_TEXT_SIZE, "%s:%zu:%016llx", head_values_name, count,
                 (unsigned long long)XXH64(values, count * sizeof *values, 0));
    return text;
}
