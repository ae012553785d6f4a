/*
 * Characters of texts that come from anywhere, as bytes of UTF-8.
 */
#ifndef HARNESS_SUPPORT_CHARACTER_H
#define HARNESS_SUPPORT_CHARACTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of the UTF-8 sequence at text, or 0 if there is none (RFC 3629: no overlong forms, no surrogates, at most
 * U+10FFFF). *character is the code point. size >= 1.
 */
size_t utf8_decode(const char *text, size_t size, uint32_t *character);

/* Whether a terminal, an editor or a browser would act on it instead of showing it: C0 (newline and tab too), DEL, C1;
 * what ends lines, what turns the direction of what follows, and a byte order mark. */
bool character_is_unprintable(uint32_t character);

#endif
