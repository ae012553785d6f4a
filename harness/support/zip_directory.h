/*
 * The directory of a zip file (PKWARE, APPNOTE.TXT 6.3), ZIP64's among them, as far as NumPy's files have it: in one
 * part, with nothing before it. It is compared with the headers before the members: a file in which they contradict
 * each other, in which two members have one name or share bytes, or whose directory is not exactly where its end says,
 * is refused. libzip is not used: it does not tell where in the file a member begins.
 */
#ifndef HARNESS_SUPPORT_ZIP_DIRECTORY_H
#define HARNESS_SUPPORT_ZIP_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/support/regular_file.h"

enum zip_method { ZIP_STORED = 0, ZIP_DEFLATED = 8 };

struct zip_member {
    const char *name; /* without NUL; in whatever encoding */
    bool is_encrypted;
    int method;           /* enum zip_method, or one that is not read here */
    uint32_t crc;         /* of what is unpacked */
    int64_t size;         /* what it says that it has when unpacked */
    int64_t packed_size;  /* what it takes in the file, */
    int64_t start;        /* from here; both lie within the file */
    int64_t header_start; /* of the header before it */
};

struct zip_directory {
    struct zip_member *members; /* by name (strcmp), each once */
    size_t num_members;
    char *names;
};

/* ERROR_USAGE with path, what is wrong and what is allowed. zip_directory_clear also takes one of zeros. */
enum error_kind zip_directory_read(struct zip_directory *directory, const struct regular_file *file,
                                   struct error *error);
void zip_directory_clear(struct zip_directory *directory);

#endif
