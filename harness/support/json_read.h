/*
 * JSON texts read, in a program whose memory may run out. jansson (2.14) has no answer to that: it drops characters of
 * a token that it cannot make longer (lex_save in load.c), so that a text is read that stands nowhere, calls one wrong
 * that is not, or writes behind its end.
 */
#ifndef HARNESS_SUPPORT_JSON_READ_H
#define HARNESS_SUPPORT_JSON_READ_H

#include <jansson.h>

/* From here on json_read ends the program, with a sentence and ERROR_SYSTEM, where memory runs out: to be called once,
 * by main, before any other use of jansson. A library leaves that to the program that it is in. */
void json_read_ends_program(void);

/* A new value, or NULL: fault says what is wrong with the text. An object has no member twice. */
json_t *json_read(const char *text, size_t size, json_error_t *fault);

#endif
