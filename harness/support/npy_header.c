#include "harness/support/npy_header.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/support/source.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are read as they lie in memory");

/* What NumPy calls them. Types that ml_dtypes adds to it are bytes without a meaning there, but for float8_e5m2. */
static const struct {
    const char *name;
    enum element_type type;
} types[] = {
    {"<f2", ELEMENT_F16},  {"<f4", ELEMENT_F32},  {"<f8", ELEMENT_F64},   {"|u1", ELEMENT_U8},    {"<u2", ELEMENT_U16},
    {"<u4", ELEMENT_U32},  {"<u8", ELEMENT_U64},  {"|i1", ELEMENT_I8},    {"<i2", ELEMENT_I16},   {"<i4", ELEMENT_I32},
    {"<i8", ELEMENT_I64},  {"|b1", ELEMENT_BOOL}, {"|V1", ELEMENT_RAW8},  {"|V2", ELEMENT_RAW16}, {"<f1", ELEMENT_E5M2},
    {"|f1", ELEMENT_E5M2}, {"<V1", ELEMENT_RAW8}, {"<V2", ELEMENT_RAW16},
};
enum { NUM_TYPES = sizeof types / sizeof types[0] };
#define ALLOWED_TYPES \
    "'<f2', '<f4', '<f8', '|u1', '<u2', '<u4', '<u8', '|i1', '<i2', '<i4', '<i8', '|b1', '|V1', '|V2', '<f1'"

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
    if (take(cursor, "["))
        return refuse(cursor->reason, "its elements are structs; allowed: numbers, a file for each field");
    if (!take_string(cursor, &text, &size))
        return refuse_text(cursor, "a type in quotes after 'descr'");
    for (int i = 0; i < NUM_TYPES; i++)
        if (size == strlen(types[i].name) && memcmp(text, types[i].name, size) == 0) {
            memcpy(header->type, types[i].name, sizeof header->type);
            header->element_type = types[i].type;
            return true;
        }
    quote(quoted, text, size);
    if (size > 1 && *text == '>')
        return refuse(cursor->reason,
                      "its elements are %s, big-endian; allowed: little-endian "
                      "(array.astype(array.dtype.newbyteorder('<')))",
                      quoted);
    if (size == 2 && memcmp(text, "|O", size) == 0)
        return refuse(cursor->reason, "its elements are '|O', Python objects; allowed: numbers");
    return refuse(cursor->reason, "its elements are %s; allowed: " ALLOWED_TYPES, quoted);
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
    static const char allowed[] = "0 to 8 axes, as in (9, 2, 64), (9,) or ()";
    if (!take(cursor, "("))
        return refuse_text(cursor, allowed);
    bool comma = true;
    while (!take(cursor, ")")) {
        if (!comma || header->num_axes == TENSOR_AXES_MAX)
            return refuse_text(cursor, allowed);
        skip_blanks(cursor);
        int64_t length = 0;
        const char *start = cursor->next;
        for (; cursor->next < cursor->end && *cursor->next >= '0' && *cursor->next <= '9'; cursor->next++)
            if (__builtin_mul_overflow(length, 10, &length) ||
                __builtin_add_overflow(length, *cursor->next - '0', &length))
                return refuse(cursor->reason,
                              "its shape has more elements than can be counted; allowed: fewer than 2^60");
        if (cursor->next == start)
            return refuse_text(cursor, allowed);
        header->shape[header->num_axes++] = length;
        comma = take(cursor, ",");
    }
    if (header->num_axes == 1 && !comma)
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
            return refuse(cursor->reason, "its header has no '%s'; allowed: 'descr', 'fortran_order' and 'shape'",
                          entries[i].name);
    skip_blanks(cursor);
    return cursor->next == cursor->end || refuse_text(cursor, "blanks after the dictionary");
}

bool npy_header_parse(struct npy_header *header, const uint8_t *bytes, size_t size, char *reason)
{
    *header = (struct npy_header){.shape = {1, 1, 1, 1, 1, 1, 1, 1}};
    enum { VERSION_AT = sizeof magic, LENGTH_AT = VERSION_AT + 2, LENGTH_MAX = 4 };
    if (size < LENGTH_AT + LENGTH_MAX || memcmp(bytes, magic, sizeof magic) != 0)
        return refuse(reason, "it is no .npy file; allowed: what numpy.save writes");
    int major = bytes[VERSION_AT], minor = bytes[VERSION_AT + 1];
    if (major < 1 || major > 3 || minor != 0)
        return refuse(reason, "it has version %d.%d of the format; allowed: 1.0, 2.0, 3.0", major, minor);
    size_t length_bytes = major == 1 ? 2 : 4, length = 0;
    for (size_t i = 0; i < length_bytes; i++)
        length |= (size_t)bytes[LENGTH_AT + i] << (8 * i);
    size_t start = LENGTH_AT + length_bytes;
    if (length > NPY_HEADER_MAX - start)
        return refuse(reason, "its header takes %zu bytes; allowed: up to %zu", length, NPY_HEADER_MAX - start);
    if (length > size - start)
        return refuse(reason, "it ends within its header; allowed: what numpy.save writes");
    const char *text = (const char *)bytes + start;
    struct cursor cursor = {text, text + length, reason};
    if (!parse_dictionary(header, &cursor))
        return false;

    header->data_offset = (int64_t)(start + length);
    if (!tensor_count_elements(&header->num_elements, header->num_axes, header->shape) ||
        __builtin_add_overflow((int64_t)npy_element_bytes(header) * header->num_elements, header->data_offset,
                               &header->file_size))
        return refuse(reason, "its shape has more elements than can be counted; allowed: fewer than 2^60");
    return true;
}
