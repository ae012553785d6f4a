/*
 * A digest of what a file holds: XXH64, as 16 hexadecimal digits. Equal files have equal digests; of files that are not
 * made to deceive, others have others.
 */
#ifndef HARNESS_SUPPORT_FILE_DIGEST_H
#define HARNESS_SUPPORT_FILE_DIGEST_H

#include <stdbool.h>

enum { FILE_DIGEST_SIZE = 17 };

/* Of the file at path; digest: FILE_DIGEST_SIZE. Whether it could be read. */
bool file_digest(char *digest, const char *path);

/* Whether the text could be one. */
bool is_file_digest(const char *text);

#endif
