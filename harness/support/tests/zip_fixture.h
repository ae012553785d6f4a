/*
 * Zip files that tests make a byte at a time, so that they can spoil them.
 */
#ifndef HARNESS_SUPPORT_TESTS_ZIP_FIXTURE_H
#define HARNESS_SUPPORT_TESTS_ZIP_FIXTURE_H

#include <zlib.h>

#include "harness/support/tests/tensor_fixture.h"

enum { MEMBERS_MAX = 4, STORED = 0, DEFLATED = 8 };

/* A zip file while it is made, and where its parts are, so that a test can spoil them. */
struct zip {
    struct bytes file, directory;
    size_t num_members;
    size_t headers[MEMBERS_MAX], entries[MEMBERS_MAX]; /* entries count from directory_start */
    size_t directory_start, end;
};

static inline size_t deflate_bytes(uint8_t *packed, size_t room, const struct bytes *bytes)
{
    z_stream stream = {.next_in = (uint8_t *)bytes->at, .avail_in = (uInt)bytes->size, .next_out = packed};
    stream.avail_out = (uInt)room;
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&stream), Z_OK);
    return room - stream.avail_out;
}

/* A member, with numbers in 8 bytes where wide, and without sizes in its header where they come behind it. */
static inline void zip_add(struct zip *zip, const char *name, int method, const struct bytes *content, bool wide,
                           bool behind)
{
    static uint8_t packed[FIXTURE_BYTES_MAX];
    size_t packed_size = content->size, header = zip->file.size;
    uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), content->at, (uInt)content->size);
    if (method == DEFLATED)
        packed_size = deflate_bytes(packed, sizeof packed, content);
    zip->headers[zip->num_members] = header;
    zip->entries[zip->num_members++] = zip->directory.size;
    for (int i = 0; i < 2; i++) {
        struct bytes *to = i ? &zip->directory : &zip->file;
        bool sizes = i || !behind;
        bytes_add_integer(to, i ? 0x02014b50 : 0x04034b50, 4);
        bytes_add_integer(to, 20, i ? 4 : 2);
        bytes_add_integer(to, behind ? 8 : 0, 2);
        bytes_add_integer(to, (uint64_t)method, 2);
        bytes_add_integer(to, 0, 4);
        bytes_add_integer(to, sizes ? crc : 0, 4);
        bytes_add_integer(to, wide ? UINT32_MAX : sizes ? packed_size : 0, 4);
        bytes_add_integer(to, wide ? UINT32_MAX : sizes ? content->size : 0, 4);
        bytes_add_integer(to, strlen(name), 2);
        bytes_add_integer(to, wide ? 9 + 20 + (i ? 8 : 0) : 0, 2);
        if (i) {
            bytes_add_integer(to, 0, 10);
            bytes_add_integer(to, wide ? UINT32_MAX : header, 4);
        }
        bytes_add(to, name, strlen(name));
        if (!wide)
            continue;
        bytes_add(to, "\x55\x54\x05\x00time!", 9); /* another part, before that of ZIP64 */
        bytes_add_integer(to, 1, 2);
        bytes_add_integer(to, i ? 24 : 16, 2);
        bytes_add_integer(to, sizes ? content->size : 0, 8);
        bytes_add_integer(to, sizes ? packed_size : 0, 8);
        if (i)
            bytes_add_integer(to, header, 8);
    }
    bytes_add(&zip->file, method == DEFLATED ? packed : content->at, packed_size);
    if (behind) {
        bytes_add(&zip->file, "PK\x07\x08", 4);
        bytes_add_integer(&zip->file, crc, 4);
        bytes_add_integer(&zip->file, packed_size, 4);
        bytes_add_integer(&zip->file, content->size, 4);
    }
}

static inline void zip_finish(struct zip *zip, bool wide, const char *comment)
{
    size_t start = zip->directory_start = zip->file.size, size = zip->directory.size;
    bytes_add(&zip->file, zip->directory.at, size);
    if (wide) {
        size_t at = zip->file.size;
        bytes_add_integer(&zip->file, 0x06064b50, 4);
        bytes_add_integer(&zip->file, 44, 8);
        bytes_add_integer(&zip->file, 45, 12);
        bytes_add_integer(&zip->file, zip->num_members, 8);
        bytes_add_integer(&zip->file, zip->num_members, 8);
        bytes_add_integer(&zip->file, size, 8);
        bytes_add_integer(&zip->file, start, 8);
        bytes_add_integer(&zip->file, 0x07064b50, 8);
        bytes_add_integer(&zip->file, at, 8);
        bytes_add_integer(&zip->file, 1, 4);
    }
    zip->end = zip->file.size;
    bytes_add_integer(&zip->file, 0x06054b50, 8);
    bytes_add_integer(&zip->file, zip->num_members, 2);
    bytes_add_integer(&zip->file, zip->num_members, 2);
    bytes_add_integer(&zip->file, wide ? UINT32_MAX : size, 4);
    bytes_add_integer(&zip->file, wide ? UINT32_MAX : start, 4);
    bytes_add_integer(&zip->file, strlen(comment), 2);
    bytes_add(&zip->file, comment, strlen(comment));
}

#endif
