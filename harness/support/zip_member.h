/*
 * What a member of a zip file has in it: stored, or deflated.
 */
#ifndef HARNESS_SUPPORT_ZIP_MEMBER_H
#define HARNESS_SUPPORT_ZIP_MEMBER_H

#include "harness/support/zip_directory.h"

/* Its first bytes, `size` of them, or all if it has fewer; *count is how many. ERROR_USAGE if it is not read here, or
 * has fewer than it says. */
enum error_kind zip_member_begin(const struct zip_member *member, const struct regular_file *file, uint8_t *bytes,
                                 size_t size, size_t *count, struct error *error);

/* Goes through all of it, a block at a time, and writes it to a scratch file unless scratch is -1. ERROR_USAGE if it
 * has not exactly the bytes that it says, or another checksum; no more are written than that. */
enum error_kind zip_member_unpack(const struct zip_member *member, const struct regular_file *file, int scratch,
                                  struct error *error);

#endif
