/*
 * Memory that runs out where JSON is read or made: jansson (2.14) has no answer to that. It drops characters of a token
 * that it cannot make longer (lex_save in load.c), so that a text is read that stands nowhere, calls texts wrong that
 * are not, and writes behind the end of its copies.
 */
#ifndef HARNESS_SUPPORT_JSON_MEMORY_H
#define HARNESS_SUPPORT_JSON_MEMORY_H

/* From here on an allocation of jansson's that fails ends the program, with a sentence and ERROR_SYSTEM. For main,
 * before any other use of jansson: a library leaves it to the program that it is in. */
void json_memory_ends_program(void);

#endif
