#include "harness/support/zip_directory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/source.h"

enum {
    END_SIZE = 22,
    COMMENT_MAX = 65535,
    LOCATOR_SIZE = 20, /* of ZIP64, before the end */
    END64_SIZE = 56,
    ENTRY_SIZE = 46,
    HEADER_SIZE = 30,
    DIRECTORY_BYTES_MAX = 64 << 20,
    FLAG_ENCRYPTED = 1 << 0,
    FLAG_SIZES_BEHIND = 1 << 3, /* the header before the member has none: it was written to a pipe */
    FLAG_STRONG_ENCRYPTED = 1 << 6,
    FLAG_HIDDEN = 1 << 13,
    EXTRA_ZIP64 = 1,
};
#define END_SIGNATURE UINT32_C(0x06054b50)
#define LOCATOR_SIGNATURE UINT32_C(0x07064b50)
#define END64_SIGNATURE UINT32_C(0x06064b50)
#define ENTRY_SIGNATURE UINT32_C(0x02014b50)
#define HEADER_SIGNATURE UINT32_C(0x04034b50)
#define ELSEWHERE UINT32_C(0xffffffff) /* a number that needs ZIP64 */

#define DEFLATE_RATIO_MAX 1032 /* of zlib's "technical details": 258 bytes in 2 bits, and no stream beats it */

struct reading {
    const struct regular_file *file;
    struct zip_directory *directory;
    const char *path; /* quoted */
    struct error *error;
};

static enum error_kind refuse(const struct reading *reading, const char *what)
{
    return error_set(reading->error, ERROR_USAGE, "%s: %s; allowed: what numpy.savez writes", reading->path, what);
}

static enum error_kind refuse_member(const struct reading *reading, const char *name, const char *what)
{
    char quoted[QUOTE_SIZE];
    return error_set(reading->error, ERROR_USAGE, "%s: member %s %s; allowed: what numpy.savez writes", reading->path,
                     quote(quoted, name, strlen(name)), what);
}

static uint64_t number_at(const uint8_t *bytes, int size)
{
    uint64_t number = 0;
    for (int i = 0; i < size; i++)
        number |= (uint64_t)bytes[i] << (8 * i);
    return number;
}
static uint16_t u16_at(const uint8_t *bytes)
{
    return (uint16_t)number_at(bytes, 2);
}
static uint32_t u32_at(const uint8_t *bytes)
{
    return (uint32_t)number_at(bytes, 4);
}
static uint64_t u64_at(const uint8_t *bytes)
{
    return number_at(bytes, 8);
}

/* ---- the end of the file ----------------------------------------------------------------------------------------- */

/* Where the directory is; count, size and start as the file has them. */
struct end {
    int64_t at; /* what the directory ends before */
    uint64_t num_members, size, start;
};

/* The end of a ZIP64 file at locator_at, whose end has these numbers, or says that they are elsewhere. */
static enum error_kind read_end64(struct end *end, const struct reading *reading, const uint8_t *locator,
                                  int64_t locator_at)
{
    uint8_t bytes[END64_SIZE];
    uint64_t at = u64_at(locator + 8);
    if (u32_at(locator + 4) != 0 || u32_at(locator + 16) > 1)
        return refuse(reading, "is in several parts");
    if (locator_at < END64_SIZE || at > (uint64_t)(locator_at - END64_SIZE))
        return refuse(reading, "its ZIP64 end lies outside of the file");
    enum error_kind kind = regular_file_read(reading->file, bytes, sizeof bytes, (int64_t)at, reading->error);
    if (kind)
        return kind;
    if (u32_at(bytes) != END64_SIGNATURE || u64_at(bytes + 4) != (uint64_t)locator_at - at - 12)
        return refuse(reading, "has no ZIP64 end where it says");
    if (u32_at(bytes + 16) != 0 || u32_at(bytes + 20) != 0 || u64_at(bytes + 24) != u64_at(bytes + 32))
        return refuse(reading, "is in several parts");
    const struct end found = {(int64_t)at, u64_at(bytes + 32), u64_at(bytes + 40), u64_at(bytes + 48)};
    if ((end->num_members != UINT16_MAX && end->num_members != found.num_members) ||
        (end->size != ELSEWHERE && end->size != found.size) || (end->start != ELSEWHERE && end->start != found.start))
        return refuse(reading, "has two ends that contradict each other");
    *end = found;
    return ERROR_NONE;
}

/* tail is the last tail_size bytes of the file. */
static enum error_kind parse_end(struct end *end, const struct reading *reading, const uint8_t *tail, size_t tail_size)
{
    size_t i = tail_size < END_SIZE ? 0 : tail_size - END_SIZE + 1;
    while (i > 0) {
        i--;
        if (u32_at(tail + i) == END_SIGNATURE && i + END_SIZE + u16_at(tail + i + 20) == tail_size)
            break;
    }
    if (tail_size < END_SIZE || u32_at(tail + i) != END_SIGNATURE || i + END_SIZE + u16_at(tail + i + 20) != tail_size)
        return refuse(reading, "is no .npz file, or ends too early");
    if (u16_at(tail + i + 4) != 0 || u16_at(tail + i + 6) != 0 || u16_at(tail + i + 8) != u16_at(tail + i + 10))
        return refuse(reading, "is in several parts");
    *end = (struct end){
        .at = reading->file->size - (int64_t)(tail_size - i),
        .num_members = u16_at(tail + i + 10),
        .size = u32_at(tail + i + 12),
        .start = u32_at(tail + i + 16),
    };
    enum error_kind kind = ERROR_NONE;
    if (i >= LOCATOR_SIZE && u32_at(tail + i - LOCATOR_SIZE) == LOCATOR_SIGNATURE)
        kind = read_end64(end, reading, tail + i - LOCATOR_SIZE, end->at - LOCATOR_SIZE);
    if (kind)
        return kind;
    if (end->size > (uint64_t)end->at || end->start != (uint64_t)end->at - end->size)
        return refuse(reading, "its directory is not where its end says");
    if (end->size > DIRECTORY_BYTES_MAX)
        return error_set(reading->error, ERROR_USAGE, "%s: its directory takes %llu bytes; allowed: up to %d",
                         reading->path, (unsigned long long)end->size, DIRECTORY_BYTES_MAX);
    if (end->num_members > end->size / ENTRY_SIZE)
        return refuse(reading, "its directory has another size than its members take");
    return ERROR_NONE;
}

static enum error_kind find_end(struct end *end, const struct reading *reading)
{
    enum { TAIL_MAX = LOCATOR_SIZE + END_SIZE + COMMENT_MAX };
    size_t size = reading->file->size < TAIL_MAX ? (size_t)reading->file->size : TAIL_MAX;
    uint8_t *tail = malloc(TAIL_MAX);
    if (!tail)
        return error_memory(reading->error, "the end of a file", TAIL_MAX);
    enum error_kind kind =
        regular_file_read(reading->file, tail, size, reading->file->size - (int64_t)size, reading->error);
    if (!kind)
        kind = parse_end(end, reading, tail, size);
    free(tail);
    return kind;
}

/* ---- members ----------------------------------------------------------------------------------------------------- */

/* Numbers that 4 bytes did not hold. */
struct wide {
    uint64_t *number;
    bool is_elsewhere;
};

/* Looks numbers up in the ZIP64 part of what follows a name. False if that is malformed, or lacks one. */
static bool read_extra(const uint8_t *extra, size_t size, const struct wide *numbers, int count)
{
    const uint8_t *zip64 = NULL;
    size_t left = 0;
    while (size >= 4) {
        size_t field_size = u16_at(extra + 2);
        if (field_size > size - 4)
            return false;
        if (u16_at(extra) == EXTRA_ZIP64) {
            if (zip64)
                return false;
            zip64 = extra + 4;
            left = field_size;
        }
        extra += 4 + field_size;
        size -= 4 + field_size;
    }
    for (int i = 0; i < count; i++) {
        if (!numbers[i].is_elsewhere)
            continue;
        if (left < 8)
            return false;
        *numbers[i].number = u64_at(zip64);
        zip64 += 8;
        left -= 8;
    }
    return true;
}

/* A member of the directory at bytes, of which `left` are left; *used is what it takes. The name goes to `name`. */
static enum error_kind read_entry(struct zip_member *member, const struct reading *reading, const uint8_t *bytes,
                                  size_t left, char *name, size_t *used)
{
    if (left < ENTRY_SIZE || u32_at(bytes) != ENTRY_SIGNATURE)
        return refuse(reading, "its directory lacks a member");
    size_t name_size = u16_at(bytes + 28), extra_size = u16_at(bytes + 30);
    *used = ENTRY_SIZE + name_size + extra_size + u16_at(bytes + 32);
    if (*used > left)
        return refuse(reading, "its directory ends within a member");
    if (memchr(bytes + ENTRY_SIZE, '\0', name_size))
        return refuse(reading, "a member's name has a NUL in it");
    memcpy(name, bytes + ENTRY_SIZE, name_size);
    name[name_size] = '\0';
    uint64_t packed_size = u32_at(bytes + 20), size = u32_at(bytes + 24), start = u32_at(bytes + 42);
    const struct wide numbers[] = {
        {&size, size == ELSEWHERE}, {&packed_size, packed_size == ELSEWHERE}, {&start, start == ELSEWHERE}};
    if (!read_extra(bytes + ENTRY_SIZE + name_size, extra_size, numbers, 3))
        return refuse_member(reading, name, "has no sizes in the directory");
    int flags = u16_at(bytes + 8);
    *member = (struct zip_member){
        .name = name,
        .is_encrypted = flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTED | FLAG_HIDDEN),
        .method = u16_at(bytes + 10),
        .crc = u32_at(bytes + 16),
    };
    if (u16_at(bytes + 34) != 0)
        return refuse_member(reading, name, "is in another part of the file");
    if (start > (uint64_t)reading->file->size || packed_size > (uint64_t)reading->file->size - start)
        return refuse_member(reading, name, "lies outside of the file");
    if (size > INT64_MAX ||
        (!member->is_encrypted && ((member->method == ZIP_STORED && size != packed_size) ||
                                   (member->method == ZIP_DEFLATED && size / DEFLATE_RATIO_MAX > packed_size))))
        return refuse_member(reading, name, "has a size that it cannot have");
    member->header_start = (int64_t)start;
    member->packed_size = (int64_t)packed_size;
    member->size = (int64_t)size;
    return ERROR_NONE;
}

/* Compares a member with the header before it; rest has room for a name and what follows it. */
static enum error_kind check_header(struct zip_member *member, const struct reading *reading, const struct end *end,
                                    uint8_t *rest)
{
    uint8_t bytes[HEADER_SIZE];
    int64_t left = (int64_t)end->start - member->header_start - HEADER_SIZE;
    if (left < 0)
        return refuse_member(reading, member->name, "lies in the directory");
    enum error_kind kind = regular_file_read(reading->file, bytes, sizeof bytes, member->header_start, reading->error);
    size_t name_size = u16_at(bytes + 26), extra_size = u16_at(bytes + 28);
    if (kind)
        return kind;
    if (u32_at(bytes) != HEADER_SIGNATURE || (int64_t)(name_size + extra_size) > left)
        return refuse_member(reading, member->name, "is not where the directory says");
    kind = regular_file_read(reading->file, rest, name_size + extra_size, member->header_start + HEADER_SIZE,
                             reading->error);
    if (kind)
        return kind;
    member->start = member->header_start + HEADER_SIZE + (int64_t)(name_size + extra_size);
    if (member->packed_size > (int64_t)end->start - member->start)
        return refuse_member(reading, member->name, "lies in the directory");
    uint64_t packed_size = u32_at(bytes + 18), size = u32_at(bytes + 22);
    const struct wide numbers[] = {{&size, size == ELSEWHERE}, {&packed_size, packed_size == ELSEWHERE}};
    int flags = u16_at(bytes + 6);
    bool has_sizes = !(flags & FLAG_SIZES_BEHIND);
    if (name_size != strlen(member->name) || memcmp(rest, member->name, name_size) != 0 ||
        u16_at(bytes + 8) != member->method || ((flags & FLAG_ENCRYPTED) && !member->is_encrypted) ||
        (has_sizes && (!read_extra(rest + name_size, extra_size, numbers, 2) || size != (uint64_t)member->size ||
                       packed_size != (uint64_t)member->packed_size || u32_at(bytes + 14) != member->crc)))
        return refuse_member(reading, member->name, "is another one in the directory");
    return ERROR_NONE;
}

static int compare_starts(const void *a, const void *b)
{
    const struct zip_member *left = a, *right = b;
    return (left->header_start > right->header_start) - (left->header_start < right->header_start);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct zip_member *)a)->name, ((const struct zip_member *)b)->name);
}

/* The members have places and names of their own. */
static enum error_kind check_members(const struct reading *reading)
{
    struct zip_member *members = reading->directory->members;
    size_t count = reading->directory->num_members;
    if (count > 1)
        qsort(members, count, sizeof *members, compare_starts);
    for (size_t i = 1; i < count; i++)
        if (members[i].header_start < members[i - 1].start + members[i - 1].packed_size)
            return refuse_member(reading, members[i].name, "stands where another one does");
    if (count > 1)
        qsort(members, count, sizeof *members, compare_names);
    for (size_t i = 1; i < count; i++)
        if (strcmp(members[i].name, members[i - 1].name) == 0)
            return refuse_member(reading, members[i].name, "is there twice");
    return ERROR_NONE;
}

static enum error_kind read_members(const struct reading *reading, const struct end *end, const uint8_t *bytes)
{
    struct zip_directory *directory = reading->directory;
    enum error_kind kind = ERROR_NONE;
    uint8_t *rest = malloc(2 * UINT16_MAX);
    size_t at = 0;
    char *name = directory->names; /* an entry takes more than its name and a NUL */
    if (!rest)
        return error_memory(reading->error, "a member's name", 2 * UINT16_MAX);
    while (directory->num_members < end->num_members) {
        struct zip_member *member = &directory->members[directory->num_members];
        size_t used = 0;
        kind = read_entry(member, reading, bytes + at, end->size - at, name, &used);
        if (!kind)
            kind = check_header(member, reading, end, rest);
        if (kind)
            break;
        name += strlen(name) + 1;
        at += used;
        directory->num_members++;
    }
    free(rest);
    if (!kind && at != end->size)
        kind = refuse(reading, "its directory has more than its members");
    return kind ? kind : check_members(reading);
}

enum error_kind zip_directory_read(struct zip_directory *directory, const struct regular_file *file,
                                   struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    const struct reading reading = {file, directory, quote_path(path, file->path), error};
    struct end end = {0};
    *directory = (struct zip_directory){0};
    enum error_kind kind = find_end(&end, &reading);
    if (kind)
        return kind;
    uint8_t *bytes = malloc(end.size + 1);
    directory->names = malloc(end.size + 1);
    directory->members = calloc(end.num_members + 1, sizeof *directory->members);
    if (!bytes || !directory->names || !directory->members)
        kind = error_memory(error, "a directory", (double)end.size);
    if (!kind)
        kind = regular_file_read(file, bytes, end.size, (int64_t)end.start, error);
    if (!kind)
        kind = read_members(&reading, &end, bytes);
    free(bytes);
    if (kind)
        zip_directory_clear(directory);
    return kind;
}

void zip_directory_clear(struct zip_directory *directory)
{
    free(directory->members);
    free(directory->names);
    *directory = (struct zip_directory){0};
}
