#include "harness/support/npy_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/support/source.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are read as they lie in memory");

static const char *const types[] = {"<f2", "<u2", "<f4", "<f8", "|u1"};
enum { NUM_TYPES = sizeof types / sizeof types[0] };

static const uint8_t magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* What is left of a header's text, and where the sentence goes that refuses it. */
struct cursor {
    const char *next, *end;
    char *reason;
};

static bool refuse(char *reason, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(char *reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, NPY_REASON_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

static bool refuse_text(const struct cursor *cursor, const char *allowed)
{
    enum { SHOWN = 16 };
    char quoted[QUOTE_SIZE];
    size_t left = (size_t)(cursor->end - cursor->next);
    return refuse(cursor->reason, "its header has %s; allowed: %s",
                  left ? quote(quoted, cursor->next, left < SHOWN ? left : SHOWN) : "nothing more", allowed);
}

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->next < cursor->end && (*cursor->next == ' ' || *cursor->next == '\n'))
        cursor->next++;
}

/* Moves behind a token, if it is the next one. */
static bool take(struct cursor *cursor, const char *token)
{
    skip_blanks(cursor);
    size_t size = strlen(token);
    if ((size_t)(cursor->end - cursor->next) < size || memcmp(cursor->next, token, size) != 0)
        return false;
    cursor->next += size;
    return true;
}

/* A string between single or double quotes, without escapes. */
static bool take_string(struct cursor *cursor, const char **text, size_t *size)
{
    skip_blanks(cursor);
    if (cursor->next == cursor->end || (*cursor->next != '\'' && *cursor->next != '"'))
        return false;
    const char *start = cursor->next + 1;
    const char *close = memchr(start, *cursor->next, (size_t)(cursor->end - start));
    if (!close)
        return false;
    *text = start;
    *size = (size_t)(close - start);
    cursor->next = close + 1;
    return true;
}

static bool parse_type(struct npy_header *header, struct cursor *cursor)
{
    char quoted[QUOTE_SIZE];
    const char *text;
    size_t size;
    if (!take_string(cursor, &text, &size))
        return refuse_text(cursor, "a type in quotes after 'descr'");
    for (int i = 0; i < NUM_TYPES; i++)
        if (size == strlen(types[i]) && memcmp(text, types[i], size) == 0) {
            memcpy(header->type, types[i], sizeof header->type);
            return true;
        }
    return refuse(cursor->reason, "its elements are %s; allowed: '<f2', '<u2', '<f4', '<f8', '|u1'",
                  quote(quoted, text, size));
}

static bool parse_order(struct npy_header *header, struct cursor *cursor)
{
    (void)header;
    if (take(cursor, "True"))
        return refuse(cursor->reason, "it is in Fortran order; allowed: C order (numpy.ascontiguousarray)");
    return take(cursor, "False") || refuse_text(cursor, "True or False after 'fortran_order'");
}

static bool parse_shape(struct npy_header *header, struct cursor *cursor)
{
    static const char allowed[] = "1 to 3 axes, as in (9, 2, 64) or (9,)";
    if (!take(cursor, "("))
        return refuse_text(cursor, allowed);
    bool comma = true;
    while (!take(cursor, ")")) {
        if (!comma || header->num_axes == NPY_AXES_MAX)
            return refuse_text(cursor, allowed);
        skip_blanks(cursor);
        int64_t length = 0;
        const char *start = cursor->next;
        for (; cursor->next < cursor->end && *cursor->next >= '0' && *cursor->next <= '9'; cursor->next++)
            if (__builtin_mul_overflow(length, 10, &length) ||
                __builtin_add_overflow(length, *cursor->next - '0', &length))
                return refuse(cursor->reason, "its shape has more elements than can be counted");
        if (cursor->next == start)
            return refuse_text(cursor, allowed);
        if (length == 0)
            return refuse(cursor->reason, "an axis of its shape is 0; allowed: at least 1");
        header->shape[header->num_axes++] = length;
        comma = take(cursor, ",");
    }
    if (header->num_axes == 0 || (header->num_axes == 1 && !comma))
        return refuse(cursor->reason, "its shape is no list of axes; allowed: %s", allowed);
    return true;
}

static const struct {
    const char *name;
    bool (*parse)(struct npy_header *header, struct cursor *cursor);
} entries[] = {{"descr", parse_type}, {"fortran_order", parse_order}, {"shape", parse_shape}};
enum { NUM_ENTRIES = sizeof entries / sizeof entries[0] };

/* The Python dictionary of the three entries, in any order, then blanks. */
static bool parse_dictionary(struct npy_header *header, struct cursor *cursor)
{
    bool seen[NUM_ENTRIES] = {false}, comma = true;
    if (!take(cursor, "{"))
        return refuse_text(cursor, "a dictionary");
    while (!take(cursor, "}")) {
        const char *name;
        size_t size;
        struct cursor before = *cursor;
        int entry = 0;
        if (!comma || !take_string(cursor, &name, &size))
            return refuse_text(cursor, "'descr', 'fortran_order' and 'shape', with commas between them");
        while (entry < NUM_ENTRIES &&
               (strlen(entries[entry].name) != size || memcmp(entries[entry].name, name, size) != 0))
            entry++;
        if (entry == NUM_ENTRIES || seen[entry])
            return refuse_text(&before, "'descr', 'fortran_order' and 'shape', each once");
        if (!take(cursor, ":"))
            return refuse_text(cursor, "a colon");
        seen[entry] = true;
        if (!entries[entry].parse(header, cursor))
            return false;
        comma = take(cursor, ",");
    }
    for (int i = 0; i < NUM_ENTRIES; i++)
        if (!seen[i])
            return refuse(cursor->reason, "its header has no '%s'", entries[i].name);
    skip_blanks(cursor);
    return cursor->next == cursor->end || refuse_text(cursor, "blanks after the dictionary");
}

bool npy_header_parse(struct npy_header *header, const uint8_t *bytes, size_t size, char *reason)
{
    *header = (struct npy_header){.shape = {1, 1, 1}};
    enum { VERSION_AT = sizeof magic, LENGTH_AT = VERSION_AT + 2, LENGTH_MAX = 4 };
    if (size < LENGTH_AT + LENGTH_MAX || memcmp(bytes, magic, sizeof magic) != 0)
        return refuse(reason, "it is no .npy file; allowed: what numpy.save writes");
    int major = bytes[VERSION_AT], minor = bytes[VERSION_AT + 1];
    if ((major != 1 && major != 2) || minor != 0)
        return refuse(reason, "it has version %d.%d of the format; allowed: 1.0, 2.0", major, minor);
    size_t length_bytes = major == 1 ? 2 : 4, length = 0;
    for (size_t i = 0; i < length_bytes; i++)
        length |= (size_t)bytes[LENGTH_AT + i] << (8 * i);
    size_t start = LENGTH_AT + length_bytes;
    if (length > NPY_HEADER_MAX - start)
        return refuse(reason, "its header takes %zu bytes; allowed: up to %zu", length, NPY_HEADER_MAX - start);
    if (length > size - start)
        return refuse(reason, "it ends within its header");
    const char *text = (const char *)bytes + start;
    struct cursor cursor = {text, text + length, reason};
    if (!parse_dictionary(header, &cursor))
        return false;

    int64_t data_bytes = (int64_t)npy_element_bytes(header);
    header->num_elements = 1;
    header->data_offset = (int64_t)(start + length);
    for (int i = 0; i < header->num_axes; i++)
        if (__builtin_mul_overflow(header->num_elements, header->shape[i], &header->num_elements))
            return refuse(reason, "its shape has more elements than can be counted");
    if (__builtin_mul_overflow(data_bytes, header->num_elements, &data_bytes) ||
        __builtin_add_overflow(data_bytes, header->data_offset, &header->file_size))
        return refuse(reason, "its shape has more elements than can be counted");
    return true;
}

/* All of it, or what there is up to the end of the file; -1 with errno. */
static ssize_t read_fully(int descriptor, void *buffer, size_t size, int64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t count = pread(descriptor, (char *)buffer + done, size - done, offset + (int64_t)done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

static enum error_kind check_file(struct npy_file *file, uint8_t *bytes, struct error *error)
{
    char reason[NPY_REASON_SIZE], path[PATH_QUOTE_SIZE];
    struct stat status;
    ssize_t size = -1;
    bool known = fstat(file->descriptor, &status) == 0;
    if (known && !S_ISREG(status.st_mode))
        return error_set(error, ERROR_USAGE, "%s: is no regular file; allowed: .npy files",
                         quote_path(path, file->path));
    if (known)
        size = read_fully(file->descriptor, bytes, NPY_HEADER_MAX, 0);
    if (size < 0)
        return error_set(error, ERROR_SYSTEM, "%s: cannot be read: %s", quote_path(path, file->path), strerror(errno));
    if (!npy_header_parse(&file->header, bytes, (size_t)size, reason))
        return error_set(error, ERROR_USAGE, "%s: %s", quote_path(path, file->path), reason);
    if (file->header.file_size != status.st_size)
        return error_set(error, ERROR_USAGE, "%s: has %lld bytes; allowed: %lld, which its header asks for",
                         quote_path(path, file->path), (long long)status.st_size, (long long)file->header.file_size);
    return ERROR_NONE;
}

enum error_kind npy_open(struct npy_file *file, const char *path, struct error *error)
{
    char quoted[PATH_QUOTE_SIZE];
    /* O_NONBLOCK: a pipe is refused, not waited for. */
    *file = (struct npy_file){.path = path, .descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file->descriptor < 0)
        return error_set(error, ERROR_USAGE, "%s: cannot be opened: %s", quote_path(quoted, path), strerror(errno));
    uint8_t *bytes = malloc(NPY_HEADER_MAX);
    enum error_kind kind = bytes ? check_file(file, bytes, error) : error_memory(error, "a header", NPY_HEADER_MAX);
    free(bytes);
    if (kind)
        npy_close(file);
    return kind;
}

void npy_close(struct npy_file *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    file->descriptor = -1;
}

enum error_kind npy_read(const struct npy_file *file, int64_t first, size_t count, void *elements, struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    size_t element_bytes = npy_element_bytes(&file->header);
    ssize_t size = read_fully(file->descriptor, elements, count * element_bytes,
                              file->header.data_offset + first * (int64_t)element_bytes);
    if (size < 0)
        return error_set(error, ERROR_SYSTEM, "%s: cannot be read: %s", quote_path(path, file->path), strerror(errno));
    if ((size_t)size < count * element_bytes)
        return error_set(error, ERROR_SYSTEM, "%s: became shorter while it was read", quote_path(path, file->path));
    return ERROR_NONE;
}
