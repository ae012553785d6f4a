#include "harness/support/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/support/awaited_input.h"
#include "harness/support/character.h"

/* One character of text as it stands in a message; *used bytes of text. escaped has 20 characters. */
static size_t escape(char *escaped, const char *text, size_t size, size_t *used)
{
    uint32_t character;
    size_t length = utf8_decode(text, size, &character);
    if (length && !character_is_unprintable(character)) {
        *used = length;
        memcpy(escaped, text, length);
        return length;
    }
    *used = 1;
    const char *plain = *text ? strchr("\nn\tt\rr", *text) : NULL;
    if (plain)
        return (size_t)snprintf(escaped, 20, "\\%c", plain[1]);
    if (length > 1) {
        *used = length;
        return (size_t)snprintf(escaped, 20, "\\u%04x", character);
    }
    return (size_t)snprintf(escaped, 20, "\\x%02x", (unsigned char)*text);
}

char *quote(char *quoted, const char *text, size_t size)
{
    enum { ROOM = QUOTE_SIZE - (int)sizeof "'...'" };
    size_t length = 0;
    quoted[length++] = '\'';
    for (size_t i = 0, used; i < size; i += used) {
        char escaped[20];
        size_t n = escape(escaped, text + i, size - i, &used);
        if (length + n > ROOM) {
            length += (size_t)snprintf(quoted + length, QUOTE_SIZE - length, "...");
            break;
        }
        memcpy(quoted + length, escaped, n);
        length += n;
    }
    quoted[length++] = '\'';
    quoted[length] = '\0';
    return quoted;
}

char *quote_path(char *quoted, const char *path)
{
    /* An escape takes at most four characters for a byte. */
    enum { ROOM = (PATH_QUOTE_SIZE - (int)sizeof "...") / 4 * 3 };
    size_t size = strlen(path), length = 0;
    if (size > ROOM) {
        path += size - ROOM;
        size = ROOM;
        while (size && (*path & 0xc0) == 0x80) {
            path++;
            size--;
        }
        length = (size_t)snprintf(quoted, PATH_QUOTE_SIZE, "...");
    }
    for (size_t i = 0, used; i < size; i += used) {
        char escaped[20];
        size_t n = escape(escaped, path + i, size - i, &used);
        if (length + n >= PATH_QUOTE_SIZE)
            break;
        memcpy(quoted + length, escaped, n);
        length += n;
    }
    quoted[length] = '\0';
    return quoted;
}

/* Whether the byte at offset ends a line: LF, or CR that no LF follows. */
static bool ends_line(const struct source *source, size_t offset)
{
    if (source->text[offset] == '\n')
        return true;
    return source->text[offset] == '\r' && (offset + 1 == source->size || source->text[offset + 1] != '\n');
}

struct place source_place(const struct source *source, size_t offset)
{
    struct place place = {.source = source, .offset = offset, .line = 1};
    for (size_t i = 0; i < offset && i < source->size; i++)
        place.line += ends_line(source, i);
    return place;
}

int place_column(const struct place *place)
{
    const struct source *source = place->source;
    int column = 1;
    size_t offset = place->offset < source->size ? place->offset : source->size;
    while (offset > 0 && !ends_line(source, offset - 1)) {
        offset--;
        column += (source->text[offset] & 0xc0) != 0x80;
    }
    return column;
}

enum error_kind place_error(struct error *error, const struct place *place, const char *format, ...)
{
    char name[PATH_QUOTE_SIZE], sentence[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    quote_path(name, place->source->name);
    if (place->source->one_line)
        return error_set(error, ERROR_USAGE, "%s:%d: %s", name, place_column(place), sentence);
    return error_set(error, ERROR_USAGE, "%s:%d:%d: %s", name, place->line, place_column(place), sentence);
}

static enum error_kind source_check(const struct source *source, struct error *error)
{
    struct place place;
    char quoted[QUOTE_SIZE];
    for (size_t i = 0, length; i < source->size; i += length) {
        const char *text = source->text + i;
        uint32_t character = 0;
        length = utf8_decode(text, source->size - i, &character);
        bool blank = length == 1 && *text && strchr("\t\n\r", *text);
        if (length && (blank || !character_is_unprintable(character)))
            continue;
        place = source_place(source, i);
        quote(quoted, text, length ? length : 1);
        if (!length)
            return place_error(error, &place, "not UTF-8: byte %s; allowed: UTF-8 text", quoted);
        return place_error(error, &place, "%s: %s; allowed: printable text, tabs and line breaks",
                           character ? "control character" : "NUL byte", quoted);
    }
    return ERROR_NONE;
}

enum error_kind source_init(struct source *source, const char *name, const char *text, size_t size, bool one_line,
                            struct error *error)
{
    static const char byte_order_mark[] = {'\xef', '\xbb', '\xbf'};
    *source = (struct source){.name = name, .text = text, .size = size, .one_line = one_line};
    if (size >= sizeof byte_order_mark && memcmp(text, byte_order_mark, sizeof byte_order_mark) == 0) {
        source->text += sizeof byte_order_mark;
        source->size -= sizeof byte_order_mark;
    }
    return source_check(source, error);
}

/* Reads descriptor to its end, at most size bytes; *length is what was read. name is what messages call it. */
static enum error_kind read_all(int descriptor, const char *name, char *memory, size_t size, size_t *length,
                                struct error *error)
{
    for (*length = 0; *length < size;) {
        enum error_kind kind = awaited_input_wait(descriptor, name, error);
        if (kind)
            return kind;
        ssize_t n = read(descriptor, memory + *length, size - *length);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return error_set(error, errno == EISDIR ? ERROR_USAGE : ERROR_SYSTEM, "%s: cannot be read: %s", name,
                             strerror(errno));
        if (n > 0)
            *length += (size_t)n;
    }
    return ERROR_NONE;
}

enum error_kind source_read(struct source *source, const char *path, size_t max_bytes, struct error *error)
{
    enum error_kind kind = ERROR_USAGE;
    char name[PATH_QUOTE_SIZE], limit[32];
    char *memory = NULL;
    size_t length = 0;
    struct stat status;
    bool standard_input = strcmp(path, "-") == 0;
    path = standard_input ? "standard input" : path;
    *source = (struct source){.name = path};
    quote_path(name, path);

    /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
    int descriptor = standard_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0 || fstat(descriptor, &status) < 0) {
        error_set(error, kind, "%s: cannot be opened: %s", name, strerror(errno));
        goto out;
    }
    if (!S_ISREG(status.st_mode) && !standard_input) {
        error_set(error, kind, "%s: not a regular file; allowed: a YAML file, or a folder with YAML files", name);
        goto out;
    }
    memory = malloc(max_bytes + 1);
    if (!memory) {
        kind = error_memory(error, "a case file", (double)max_bytes + 1);
        goto out;
    }
    /* One byte more than allowed tells a file that is too large, whatever fstat said of it. */
    enum error_kind failure = read_all(descriptor, name, memory, max_bytes + 1, &length, error);
    if (failure) {
        kind = failure;
        goto out;
    }
    if (length > max_bytes) {
        char size[32];
        error_set(error, kind, "%s: too large: %s%s; allowed: %s", name,
                  (size_t)status.st_size > max_bytes ? "" : "more than ",
                  format_size(size, (size_t)status.st_size > max_bytes ? (double)status.st_size : (double)max_bytes),
                  format_size(limit, (double)max_bytes));
        goto out;
    }
    kind = source_init(source, path, memory, length, false, error);
    source->memory = memory;
    source->standard_input = standard_input;
    memory = NULL;
out:
    if (descriptor >= 0)
        close(descriptor);
    free(memory);
    if (kind)
        source_clear(source);
    return kind;
}

void source_clear(struct source *source)
{
    free(source->memory);
    *source = (struct source){0};
}
