#include "harness/report/file/record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/report/record/record_field.h"
#include "harness/support/awaited_input.h"
#include "harness/support/number.h"
#include "harness/support/source.h"
#include "harness/support/text.h"

/* A record of 1024 heads and 64 queries is below 32 MB; what is longer is no line of records. */
enum { LINE_MAX_BYTES = 64 << 20, LINE_FIRST_BYTES = 1 << 16, BLOCK_BYTES = 1 << 16 };

struct reader {
    int descriptor;
    const char *path; /* as the caller calls it */
    char *block;      /* [BLOCK_BYTES] what was read last: filled bytes, of which next are taken */
    size_t next, filled;
    char shown[PATH_QUOTE_SIZE];
    char *text; /* [size] of capacity: the line at hand */
    size_t size, capacity;
    size_t line;
    off_t start;        /* of the line */
    bool at_end, whole; /* nothing follows; the line ended in a newline */
    bool of_baselines;  /* lines of a baseline are wanted, too */
};

const char baseline_mark[] = "baseline";

static enum error_kind refuse(const struct reader *reader, size_t column, const char *what, const char *quoted,
                              const char *allowed, struct error *error)
{
    return error_set(error, ERROR_USAGE, "%s:%zu:%zu: %s: %s; allowed: %s", reader->shown, reader->line, column, what,
                     quoted, allowed);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static enum error_kind grow(struct reader *reader, struct error *error)
{
    size_t capacity = reader->capacity ? 2 * reader->capacity : LINE_FIRST_BYTES;
    char *text = realloc(reader->text, capacity);
    if (!text)
        return error_memory(error, "a record", (double)capacity);
    reader->text = text;
    reader->capacity = capacity;
    return ERROR_NONE;
}

/* Reads the next bytes; none at the end. A signal may come before whoever writes them has the next ones. */
static enum error_kind fill(struct reader *reader, struct error *error)
{
    ssize_t count;
    do {
        enum error_kind kind = awaited_input_wait(reader->descriptor, reader->shown, error);
        if (kind)
            return kind;
        count = read(reader->descriptor, reader->block, BLOCK_BYTES);
    } while (count < 0 && (errno == EINTR || errno == EAGAIN));
    if (count < 0 && errno == EISDIR)
        return error_set(error, ERROR_USAGE, "%s: a folder; allowed: a file of records", reader->shown);
    if (count < 0)
        return error_set(error, ERROR_SYSTEM, "cannot read %s: %s", reader->shown, strerror(errno));
    reader->next = 0;
    reader->filled = (size_t)count;
    return ERROR_NONE;
}

/* The next byte; EOF at the end, and where it cannot be had, of which *kind tells. */
static int next_byte(struct reader *reader, enum error_kind *kind, struct error *error)
{
    if (reader->next == reader->filled && ((*kind = fill(reader, error)) || reader->filled == 0))
        return EOF;
    return (unsigned char)reader->block[reader->next++];
}

/* Reads the next line without its newline, which `whole` tells of. */
static enum error_kind read_line(struct reader *reader, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    int byte = EOF;
    reader->start += (off_t)(reader->size + reader->whole);
    reader->size = 0;
    reader->line++;
    while (!kind && (byte = next_byte(reader, &kind, error)) != EOF && byte != '\n') {
        if (reader->size == LINE_MAX_BYTES)
            return refuse(reader, 1, "the line is too long", "above 64 MiB", "records as --results writes them", error);
        if (reader->size == reader->capacity)
            kind = grow(reader, error);
        if (!kind)
            reader->text[reader->size++] = (char)byte;
    }
    reader->whole = byte == '\n';
    reader->at_end = byte == EOF;
    return kind;
}

static bool is_blank(const struct reader *reader)
{
    for (size_t i = 0; i < reader->size; i++)
        if (!strchr(" \t\r", reader->text[i]) || reader->text[i] == '\0')
            return false;
    return true;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static enum error_kind check_record(const struct reader *reader, const json_t *object, struct error *error)
{
    static const char *const texts[] = {"key", "status"};
    const json_t *schema = json_object_get(object, "schema");
    char number[32] = "none";
    if (json_is_integer(schema))
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(schema));
    if (!json_is_integer(schema) || json_integer_value(schema) != RECORD_SCHEMA)
        return refuse(reader, 1, "schema", number, "1, that of this program's records", error);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!json_is_string(json_object_get(object, texts[i])))
            return refuse(reader, 1, "the record has no text", texts[i], "records as --results writes them", error);
    if (json_object_get(object, baseline_mark) && !reader->of_baselines) {
        const char *key = json_string_value(json_object_get(object, "key"));
        char quoted[QUOTE_SIZE];
        return refuse(reader, 1, "a line of a baseline", quote(quoted, key, strlen(key)),
                      "records as --results writes them; baselines are what `alibicheck compare` takes", error);
    }
    return ERROR_NONE;
}

/* What a line is that is no JSON, by what it begins with; NULL: nobody knows. */
static const char *known_line(const struct reader *reader)
{
    static const struct {
        const char *opening, *what;
    } lines[] = {
        {"<<<<<<< ", "a merge conflict, which is to be resolved"},
        {"=======", "a merge conflict, which is to be resolved"},
        {">>>>>>> ", "a merge conflict, which is to be resolved"},
        {"version https://git-lfs.github.com", "a pointer of Git LFS, in place of the file (`git lfs pull`)"},
        {"\xef\xbb\xbf", "a byte order mark, which no record has"},
        {"\xff\xfe", "UTF-16, which no record is in"},
        {"\x1f\x8b", "compressed (`gunzip`)"},
        {"\x28\xb5\x2f\xfd", "compressed (`unzstd`)"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (reader->size >= strlen(lines[i].opening) &&
            memcmp(reader->text, lines[i].opening, strlen(lines[i].opening)) == 0)
            return lines[i].what;
    return NULL;
}

static enum error_kind visit_line(struct reader *reader, record_visit *visit, void *context, struct error *error)
{
    json_error_t fault;
    char quoted[QUOTE_SIZE];
    json_t *object = json_loadb(reader->text, reader->size, JSON_REJECT_DUPLICATES, &fault);
    enum error_kind kind = ERROR_NONE;
    if (!object || !json_is_object(object)) {
        char *said = text_line(fault.text, JSON_ERROR_TEXT_LENGTH); /* it quotes the line as it is */
        const bool is_cut = !reader->whole && reader->text[0] == '{';
        const char *known = known_line(reader);
        size_t column = object || known || fault.column < 1 ? 1 : (size_t)fault.column;
        const char *what = object   ? "no JSON object"
                           : known  ? known
                           : is_cut ? "the end of a record is missing, as a run leaves it that was killed"
                           : said   ? said
                                    : "no JSON";
        kind = refuse(reader, column, what, quote(quoted, reader->text, reader->size),
                      "records as --results writes them, one a line", error);
        free(said);
    } else if (!(kind = check_record(reader, object, error))) {
        const struct record_line line = {
            .path = reader->path,
            .line = reader->line,
            .object = object,
            .key = json_string_value(json_object_get(object, "key")),
            .status = json_string_value(json_object_get(object, "status")),
            .text = reader->text,
            .size = reader->size - (reader->text[reader->size - 1] == '\r'),
            .start = reader->start,
            .whole_size = reader->size + reader->whole,
        };
        kind = visit(context, &line, error);
    }
    json_decref(object);
    return kind;
}

static enum error_kind read_all(struct reader *reader, record_visit *visit, void *context,
                                struct record_file_info *info, struct error *error)
{
    struct record_file_info found = {0};
    enum error_kind kind = ERROR_NONE;
    while (!kind && !reader->at_end) {
        kind = read_line(reader, error);
        if (kind || (!reader->whole && reader->size == 0))
            break;
        found.torn = !reader->whole;
        if (reader->whole)
            found.whole_bytes += reader->size + 1;
        if (is_blank(reader) || (found.torn && info))
            continue;
        kind = visit_line(reader, visit, context, error);
        found.num_records += !kind;
    }
    if (info)
        *info = found;
    return kind;
}

/* Closes the descriptor, unless that is standard input. */
static enum error_kind read_stream(struct reader reader, record_visit *visit, void *context,
                                   struct record_file_info *info, struct error *error)
{
    quote_path(reader.shown, reader.path);
    if (reader.descriptor < 0)
        return error_set(error, errno == ENOENT ? ERROR_USAGE : ERROR_SYSTEM, "cannot open %s: %s", reader.shown,
                         strerror(errno));
    reader.block = malloc(BLOCK_BYTES);
    enum error_kind kind = reader.block ? read_all(&reader, visit, context, info, error)
                                        : error_memory(error, "records", (double)BLOCK_BYTES);
    if (reader.descriptor != STDIN_FILENO)
        close(reader.descriptor);
    free(reader.block);
    free(reader.text);
    return kind;
}

static struct reader reader_open(const char *path)
{
    if (strcmp(path, "-") == 0)
        return (struct reader){.path = "standard input", .descriptor = STDIN_FILENO};
    return (struct reader){.path = path, .descriptor = awaited_input_open(path)};
}

enum error_kind record_file_read(const char *path, record_visit *visit, void *context, struct record_file_info *info,
                                 struct error *error)
{
    return read_stream(reader_open(path), visit, context, info, error);
}

enum error_kind record_or_baseline_read(const char *path, record_visit *visit, void *context, struct error *error)
{
    struct reader reader = reader_open(path);
    reader.of_baselines = true;
    return read_stream(reader, visit, context, NULL, error);
}

enum error_kind record_file_read_open(int descriptor, const char *path, record_visit *visit, void *context,
                                      struct record_file_info *info, struct error *error)
{
    int own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (own >= 0 && lseek(own, 0, SEEK_SET) != 0) {
        const int reason = errno;
        close(own);
        errno = reason;
        own = -1;
    }
    return read_stream((struct reader){.path = path, .descriptor = own}, visit, context, info, error);
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

const json_t *record_at(const json_t *record, const char *path)
{
    const json_t *value = record;
    while (value) {
        size_t size = strcspn(path, ".");
        value = json_object_getn(value, path, size);
        if (!path[size])
            break;
        path += size + 1;
    }
    return value;
}

bool record_number(const json_t *value, double *number)
{
    if (json_is_number(value)) {
        *number = json_number_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    if (!text)
        return false;
    const double specials[] = {NAN, INFINITY, -INFINITY};
    static const char *const names[] = {"nan", "inf", "-inf"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i]) == 0) {
            *number = specials[i];
            return true;
        }
    return number_parse(text, strlen(text), number) == VALUE_SOUND;
}
