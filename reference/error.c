#include "reference/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

enum error_kind error_set(struct error *error, enum error_kind kind, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->kind = kind;
        error->how = 0;
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
    }
    return kind;
}

char *format_size(char *text, double size_bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    while (size_bytes >= 1000 && unit + 1 < sizeof units / sizeof units[0]) {
        size_bytes /= 1000;
        unit++;
    }
    snprintf(text, 32, unit ? "%.3g %s" : "%.0f %s", size_bytes, units[unit]);
    return text;
}

enum error_kind error_memory(struct error *error, const char *what, double size_bytes)
{
    char size[32];
    return error_set(error, ERROR_SYSTEM, "out of memory: %s needs %s", what, format_size(size, size_bytes));
}
