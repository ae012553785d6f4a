#include "harness/support/zip_member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "harness/support/source.h"

enum { BLOCK_BYTES = 1 << 18 };

struct unpacking {
    const struct zip_member *member;
    const struct regular_file *file;
    int64_t taken; /* of the member's bytes in the file */
    z_stream stream;
    uint8_t *input;
    bool has_ended; /* the stream, behind which there is nothing more */
    struct error *error;
};

static enum error_kind refuse(const struct unpacking *unpacking, const char *what, const char *allowed)
{
    char path[PATH_QUOTE_SIZE], name[QUOTE_SIZE];
    return error_set(unpacking->error, ERROR_USAGE, "%s: member %s %s; allowed: %s",
                     quote_path(path, unpacking->file->path),
                     quote(name, unpacking->member->name, strlen(unpacking->member->name)), what, allowed);
}

static enum error_kind begin(struct unpacking *unpacking)
{
    const struct zip_member *member = unpacking->member;
    static const char allowed[] = "stored or deflated, as numpy.savez and numpy.savez_compressed write";
    char text[64];
    if (member->is_encrypted)
        return refuse(unpacking, "is encrypted", allowed);
    if (member->method != ZIP_STORED && member->method != ZIP_DEFLATED) {
        snprintf(text, sizeof text, "is packed by method %d", member->method);
        return refuse(unpacking, text, allowed);
    }
    if (member->method == ZIP_STORED)
        return ERROR_NONE;
    unpacking->input = malloc(BLOCK_BYTES);
    /* A window of 2^15 bytes, and no header of zlib's. */
    if (!unpacking->input || inflateInit2(&unpacking->stream, -15) != Z_OK) {
        free(unpacking->input);
        unpacking->input = NULL;
        return error_memory(unpacking->error, "unpacking", BLOCK_BYTES);
    }
    return ERROR_NONE;
}

static void end(struct unpacking *unpacking)
{
    if (unpacking->input)
        inflateEnd(&unpacking->stream);
    free(unpacking->input);
}

/* The next bytes of the member as they stand in the file, at most size. */
static enum error_kind take(struct unpacking *unpacking, uint8_t *bytes, size_t size, size_t *count)
{
    int64_t left = unpacking->member->packed_size - unpacking->taken;
    *count = left < (int64_t)size ? (size_t)left : size;
    enum error_kind kind = regular_file_read(unpacking->file, bytes, *count,
                                             unpacking->member->start + unpacking->taken, unpacking->error);
    unpacking->taken += (int64_t)*count;
    return kind;
}

/* The next unpacked bytes; fewer than size at the end alone. */
static enum error_kind unpack(struct unpacking *unpacking, uint8_t *bytes, size_t size, size_t *count)
{
    static const char damaged[] = "is damaged", allowed[] = "what was written";
    z_stream *stream = &unpacking->stream;
    if (unpacking->member->method == ZIP_STORED)
        return take(unpacking, bytes, size, count);
    stream->next_out = bytes;
    stream->avail_out = (uInt)size;
    while (stream->avail_out > 0 && !unpacking->has_ended) {
        if (stream->avail_in == 0) {
            size_t taken;
            enum error_kind kind = take(unpacking, unpacking->input, BLOCK_BYTES, &taken);
            if (kind)
                return kind;
            if (taken == 0)
                return refuse(unpacking, "ends within its stream", allowed);
            stream->next_in = unpacking->input;
            stream->avail_in = (uInt)taken;
        }
        int result = inflate(stream, Z_NO_FLUSH);
        if (result == Z_MEM_ERROR)
            return error_memory(unpacking->error, "unpacking", BLOCK_BYTES);
        if (result != Z_OK && result != Z_STREAM_END)
            return refuse(unpacking, damaged, allowed);
        unpacking->has_ended = result == Z_STREAM_END;
    }
    *count = size - stream->avail_out;
    if (unpacking->has_ended && (stream->avail_in > 0 || unpacking->taken < unpacking->member->packed_size))
        return refuse(unpacking, "has more behind its stream", allowed);
    return ERROR_NONE;
}

static enum error_kind refuse_size(const struct unpacking *unpacking, const char *than)
{
    char text[96];
    snprintf(text, sizeof text, "has %s than the %lld bytes that the directory says", than,
             (long long)unpacking->member->size);
    return refuse(unpacking, text, "as many as that");
}

enum error_kind zip_member_begin(const struct zip_member *member, const struct regular_file *file, uint8_t *bytes,
                                 size_t size, size_t *count, struct error *error)
{
    struct unpacking unpacking = {.member = member, .file = file, .error = error};
    enum error_kind kind = begin(&unpacking);
    size_t wanted = member->size < (int64_t)size ? (size_t)member->size : size;
    *count = 0;
    if (!kind)
        kind = unpack(&unpacking, bytes, wanted, count);
    if (!kind && *count < wanted)
        kind = refuse_size(&unpacking, "fewer");
    end(&unpacking);
    return kind;
}

enum error_kind zip_member_unpack(const struct zip_member *member, const struct regular_file *file, int scratch,
                                  struct error *error)
{
    struct unpacking unpacking = {.member = member, .file = file, .error = error};
    uint8_t *block = malloc(BLOCK_BYTES);
    int64_t size = 0;
    uLong crc = crc32(0, NULL, 0);
    enum error_kind kind = block ? begin(&unpacking) : error_memory(error, "unpacking", BLOCK_BYTES);
    for (size_t count = BLOCK_BYTES; !kind && count == BLOCK_BYTES;) {
        kind = unpack(&unpacking, block, BLOCK_BYTES, &count);
        if (kind)
            break;
        size += (int64_t)count;
        crc = crc32(crc, block, (uInt)count);
        if (size > member->size)
            kind = refuse_size(&unpacking, "more");
        else if (scratch >= 0)
            kind = scratch_file_write(scratch, block, count, error);
    }
    if (!kind && size < member->size)
        kind = refuse_size(&unpacking, "fewer");
    if (!kind && crc != member->crc)
        kind = refuse(&unpacking, "is damaged: its checksum is another one", "what was written");
    end(&unpacking);
    free(block);
    return kind;
}
