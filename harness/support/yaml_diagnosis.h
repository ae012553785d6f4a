/*
 * What is wrong with a text that is no YAML, where a person would look for it: libfyaml notices a bracket that is not
 * closed, or a colon without a space, where the text behind it makes no sense any more.
 */
#ifndef HARNESS_SUPPORT_YAML_DIAGNOSIS_H
#define HARNESS_SUPPORT_YAML_DIAGNOSIS_H

#include "harness/support/source.h"

enum { YAML_DIAGNOSIS_SIZE = 64 };

/*
 * Looks through source from begin on, of which a parser could make no more at *place. True if it finds the cause:
 * *place is then where that stands, what (YAML_DIAGNOSIS_SIZE characters) says it, *allowed what would do.
 */
bool yaml_diagnose(const struct source *source, size_t begin, struct place *place, char *what, const char **allowed);

/* Whether text begins as "KEY:VALUE" does, whose colon YAML takes for a part of a word. */
bool yaml_lacks_space(const char *text, size_t size);

#endif
