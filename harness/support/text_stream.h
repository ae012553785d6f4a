/*
 * A stream whose text stays in memory, whole or not at all, and that is written from its beginning to its end. That of
 * open_memstream may lack parts: where memory runs out it drops what is printed, takes what is printed later and fits,
 * and neither ferror nor fclose tells (glibc 2.36, _IO_str_overflow in libio/strops.c).
 */
#ifndef HARNESS_SUPPORT_TEXT_STREAM_H
#define HARNESS_SUPPORT_TEXT_STREAM_H

#include <stddef.h>
#include <stdio.h>

/*
 * As open_memstream(text, size), but that both are set by fclose alone: *text is then a new string of *size bytes and a
 * NUL, or NULL where fclose has failed, because anything that was printed is lost. NULL if memory ran out.
 */
FILE *text_stream_open(char **text, size_t *size);

#endif
