#include "harness/support/json_line.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/support/file.h"
#include "harness/support/json_value.h"

enum error_kind json_line_print(json_t *value, const char *what, struct error *error)
{
    char *text = value ? json_print(value, JSON_COMPACT | JSON_PRINT_FLAGS) : NULL;
    json_decref(value);
    if (!text)
        return error_memory(error, what, 1 << 12);
    enum error_kind kind = file_print(stdout, text, error);
    free(text);
    return kind ? kind : file_print(stdout, "\n", error);
}
