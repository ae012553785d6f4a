/*
 * The part of YAML that case files use, as a tree with places: scalars, sequences, mappings, several documents.
 *
 * Anchors, aliases, tags, directives and explicit keys are refused, so a tree is never larger than its text. Whether a
 * scalar is a number, and whether a mapping names a key twice, is for the reader of the tree to say.
 */
#ifndef HARNESS_SUPPORT_YAML_H
#define HARNESS_SUPPORT_YAML_H

#include "harness/support/source.h"

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
    enum yaml_kind kind;
    bool plain; /* a scalar without quotes, | or > */
    struct place place;
    const struct yaml_node *first; /* child; a mapping's children are key, value, key, value, ... */
    const struct yaml_node *next;  /* sibling; of a document's root: the next document */
    const char *text;              /* of a scalar, size characters (a quoted "\0" is one) and a NUL */
    size_t size;
    struct yaml_node *allocated; /* the node allocated before this one */
};

struct yaml_stream {
    const struct yaml_node *first; /* document */
    struct yaml_node *allocated;
};

enum { YAML_MAX_DEPTH = 16 };

/* Reads the documents in source->text from byte `begin` on. stream is overwritten, lives as long as source, and is
 * freed by yaml_clear; a zeroed one may be cleared. */
enum error_kind yaml_read(struct yaml_stream *stream, const struct source *source, size_t begin, struct error *error);
void yaml_clear(struct yaml_stream *stream);

/* Whether the node is one of YAML's ways to say nothing: no text, ~ or null. */
bool yaml_is_null(const struct yaml_node *node);

/* What a node is, for messages: "a list", "a mapping", "no value", or its text quoted. quoted: QUOTE_SIZE. */
char *yaml_quote(char *quoted, const struct yaml_node *node);

#endif
