/*
 * The names of a call's positional parameters: from its signature, as Python's inspect writes it into the record, and
 * behind those it names (it may have *args) from what all versions agree about.
 */
#ifndef HARNESS_COMMAND_RECORDED_PLACES_H
#define HARNESS_COMMAND_RECORDED_PLACES_H

#include "reference/error.h"

enum { RECORDED_PLACES_MAX = 64 };

struct recorded_places {
    char *names[RECORDED_PLACES_MAX];
    int count;
};

/* known: names between spaces. signature NULL, or none: those alone. Overwrites places; whatever the result, they are
 * to be cleared. */
enum error_kind recorded_places_read(struct recorded_places *places, const char *known, const char *signature,
                                     struct error *error);
void recorded_places_clear(struct recorded_places *places);

#endif
