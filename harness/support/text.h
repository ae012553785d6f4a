/*
 * Text for picky readers: JSON and XML, terminals, shells, file systems.
 *
 * Every function returns a new string that the caller frees, or NULL if memory ran out.
 */
#ifndef HARNESS_SUPPORT_TEXT_H
#define HARNESS_SUPPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * text as valid UTF-8 that XML 1.0 and a terminal can take: malformed bytes, and control characters other than newline
 * and tab, those of lines and directions among them (U+2028 to 202E, U+2066 to 2069), become U+FFFD.
 */
char *text_clean(const char *text);

/* text_clean on one line: newlines and tabs become spaces, trailing ones go, and beyond width >= 4 characters it ends
 * in "...". */
char *text_line(const char *text, size_t width);

/* text as one word of a POSIX shell: 'it'\''s'. Plain words stay as they are unless always. */
char *text_shell_quote(const char *text, bool always);

/*
 * A file name for text, different for different texts: letters, digits and ._=,+- stay, ':' becomes '@', the rest %XX.
 * At most TEXT_FILE_NAME_MAX bytes: longer names are cut and end in "-" and 16 hex digits of the text's XXH64.
 */
char *text_file_name(const char *text);

enum { TEXT_FILE_NAME_MAX = 160 };

#endif
