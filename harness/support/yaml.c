#include "harness/support/yaml.h"

#include <ctype.h>
#include <libfyaml.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support/yaml_diagnosis.h"

/*
 * libfyaml is used for its events alone. Its documents would resolve anchors and merge keys, compare keys on their
 * own terms and report a duplicate key without its place.
 */
struct builder {
    const struct source *source;
    size_t begin;
    struct yaml_stream *stream;
    struct error *error;
    struct fy_token_iter *iterator;
    struct {
        struct yaml_node *node;
        const struct yaml_node **next; /* where the next child goes */
        size_t children;
    } open[YAML_MAX_DEPTH];
    int depth;
    const struct yaml_node **next_document;
    struct place last; /* of the last thing that had one: where an empty value is reported */
};

static void discard(struct fy_diag *diag, void *user, const char *text, size_t size)
{
    (void)diag;
    (void)user;
    (void)text;
    (void)size;
}

/* libfyaml marks an anchor, an alias or a quoted scalar behind its first character. */
static struct place mark_place(const struct builder *builder, const struct fy_mark *mark)
{
    const struct source *source = builder->source;
    size_t offset = builder->begin + mark->input_pos;
    if (offset > source->size)
        offset = source->size;
    if (offset > builder->begin && source->text[offset - 1] && strchr("&*\"'", source->text[offset - 1]))
        offset--;
    return (struct place){.source = source, .offset = offset, .line = mark->line + 1};
}

/* The token's place; of one without a mark, the place of what stood before it. */
static struct place token_place(struct builder *builder, struct fy_token *token)
{
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    if (mark)
        builder->last = mark_place(builder, mark);
    return builder->last;
}

/* The rest of the line at place, quoted. */
static char *quote_line(char *quoted, const struct place *place)
{
    const char *text = place->source->text + place->offset;
    size_t size = 0, left = place->source->size - place->offset;
    while (size < left && text[size] != '\n' && text[size] != '\r')
        size++;
    return quote(quoted, text, size);
}

static enum error_kind refuse(struct builder *builder, struct fy_token *token, const char *what, const char *allowed)
{
    char quoted[QUOTE_SIZE];
    struct place place = token_place(builder, token);
    return place_error(builder->error, &place, "%s: %s; allowed: %s", what, quote_line(quoted, &place), allowed);
}

/*
 * The text of a single-quoted scalar whose opening quote is at place: '' is a quote, line breaks are folded. libfyaml
 * 0.7.12 makes three quotes of ''''. destination may be NULL; the size in any case.
 */
static size_t single_quoted_text(const struct place *place, char *destination)
{
    const char *text = place->source->text + place->offset + 1, *end = place->source->text + place->source->size;
    size_t size = 0;
    while (text < end && !(text[0] == '\'' && (text + 1 == end || text[1] != '\''))) {
        size_t blanks = 0, breaks = 0;
        for (; text + blanks < end && text[blanks] && strchr(" \t\r\n", text[blanks]); blanks++)
            breaks += text[blanks] == '\n' ||
                      (text[blanks] == '\r' && (text + blanks + 1 == end || text[blanks + 1] != '\n'));
        /* Blanks around line breaks are dropped; one break is a space, n are n - 1 breaks. */
        size_t kept = breaks > 1 ? breaks - 1 : breaks == 1 ? 1 : blanks ? blanks : 1;
        if (destination && breaks)
            memset(destination + size, breaks > 1 ? '\n' : ' ', kept);
        else if (destination)
            memcpy(destination + size, text, kept);
        size += kept;
        text += blanks ? blanks : *text == '\'' ? 2 : 1;
    }
    return size;
}

/*
 * A scalar's text, to destination if that is not NULL; its size in any case. By chunks, because fy_token_get_text gives
 * nothing, and leaks, where libfyaml 0.7.12 has underestimated the size.
 */
static size_t token_text(struct builder *builder, struct fy_token *token, char *destination)
{
    const struct fy_mark *mark = fy_token_start_mark(token);
    if (mark && fy_token_scalar_style(token) == FYSS_SINGLE_QUOTED) {
        struct place place = mark_place(builder, mark);
        return single_quoted_text(&place, destination);
    }
    size_t size = 0;
    const struct fy_iter_chunk *chunk = NULL;
    fy_token_iter_start(token, builder->iterator);
    while ((chunk = fy_token_iter_chunk_next(builder->iterator, chunk, NULL))) {
        if (destination)
            memcpy(destination + size, chunk->str, chunk->len);
        size += chunk->len;
    }
    fy_token_iter_finish(builder->iterator);
    return size;
}

/* What is to be a key has no colon of its own: "{window:2}" lacks a space, and would be a key without a value. */
static enum error_kind check_key(struct builder *builder, enum yaml_kind kind, struct fy_token *token)
{
    bool inside = builder->depth && builder->open[builder->depth - 1].node->kind == YAML_MAPPING;
    if (kind != YAML_SCALAR || !token || !inside || builder->open[builder->depth - 1].children % 2 ||
        fy_token_scalar_style(token) != FYSS_PLAIN)
        return ERROR_NONE;
    struct place place = token_place(builder, token);
    const struct source *source = builder->source;
    return yaml_lacks_space(source->text + place.offset, source->size - place.offset)
               ? refuse(builder, token, "a space is missing behind ':'", "KEY: VALUE")
               : ERROR_NONE;
}

static enum error_kind add(struct builder *builder, enum yaml_kind kind, struct fy_token *token,
                           struct fy_token *anchor, struct fy_token *tag, struct yaml_node **added)
{
    if (anchor)
        return refuse(builder, anchor, "anchors are not part of the format", "the value itself");
    if (tag)
        return refuse(builder, tag, "tags are not part of the format", "the value itself");

    enum error_kind wrong = check_key(builder, kind, token);
    if (wrong)
        return wrong;
    bool scalar = kind == YAML_SCALAR && token;
    size_t size = scalar ? token_text(builder, token, NULL) : 0;
    bool plain = kind == YAML_SCALAR && (!token || fy_token_scalar_style(token) == FYSS_PLAIN);
    /* libfyaml 0.8 marks a value that is not there, 0.7.12 does not: for both it is where what stood before it is. */
    bool absent = plain && size == 0;
    struct yaml_node *node = malloc(sizeof *node + size + 1);
    if (!node)
        return error_memory(builder->error, "a case file", (double)(sizeof *node + size + 1));
    char *text = (char *)(node + 1);
    if (scalar)
        token_text(builder, token, text);
    text[size] = '\0';
    *node = (struct yaml_node){
        .kind = kind,
        .plain = plain,
        .place = absent ? builder->last : token_place(builder, token),
        .text = text,
        .size = size,
        .allocated = builder->stream->allocated,
    };
    builder->stream->allocated = node;
    const struct yaml_node ***next = builder->depth ? &builder->open[builder->depth - 1].next : &builder->next_document;
    **next = node;
    *next = &node->next;
    if (builder->depth)
        builder->open[builder->depth - 1].children++;
    *added = node;
    return ERROR_NONE;
}

static enum error_kind add_open(struct builder *builder, enum yaml_kind kind, struct fy_token *token,
                                struct fy_token *anchor, struct fy_token *tag)
{
    if (builder->depth == YAML_MAX_DEPTH)
        return refuse(builder, token, "nested too deeply", "a mapping of keys, with lists and mappings as values");
    struct yaml_node *node;
    enum error_kind kind_of_error = add(builder, kind, token, anchor, tag, &node);
    if (kind_of_error)
        return kind_of_error;
    builder->open[builder->depth].node = node;
    builder->open[builder->depth].next = &node->first;
    builder->open[builder->depth].children = 0;
    builder->depth++;
    return ERROR_NONE;
}

static enum error_kind take(struct builder *builder, const struct fy_event *event)
{
    struct yaml_node *node;
    switch (event->type) {
    case FYET_DOCUMENT_START:
        token_place(builder, event->document_start.document_start);
        return ERROR_NONE;
    case FYET_SCALAR:
        return add(builder, YAML_SCALAR, event->scalar.value, event->scalar.anchor, event->scalar.tag, &node);
    case FYET_SEQUENCE_START:
        return add_open(builder, YAML_SEQUENCE, event->sequence_start.sequence_start, event->sequence_start.anchor,
                        event->sequence_start.tag);
    case FYET_MAPPING_START:
        return add_open(builder, YAML_MAPPING, event->mapping_start.mapping_start, event->mapping_start.anchor,
                        event->mapping_start.tag);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        builder->depth--;
        return ERROR_NONE;
    case FYET_ALIAS:
        return refuse(builder, event->alias.anchor, "aliases are not part of the format", "the value itself");
    default:
        return ERROR_NONE;
    }
}

/* The first error that libfyaml collected. Without a place of its own it stands behind what was read last. */
static enum error_kind syntax_error(const struct builder *builder, struct fy_diag *diag)
{
    void *iterator = NULL;
    const struct fy_diag_error *found = fy_diag_errors_iterate(diag, &iterator);
    struct place place = builder->last;
    const struct fy_mark *mark = found && found->fyt ? fy_token_start_mark(found->fyt) : NULL;
    /* At the end of the text the library's line may be one too many. */
    if (mark)
        place = source_place(builder->source, mark_place(builder, mark).offset);
    char message[QUOTE_SIZE], quoted[QUOTE_SIZE], what[YAML_DIAGNOSIS_SIZE];
    const char *allowed;
    if (yaml_diagnose(builder->source, builder->begin, &place, what, &allowed))
        return place_error(builder->error, &place, "not YAML: %s: %s; allowed: %s", what, quote_line(quoted, &place),
                           allowed);
    const char *text = found && found->msg ? found->msg : "cannot be parsed";
    quote(message, text, strcspn(text, "\n"));
    message[strlen(message) - 1] = '\0';
    return place_error(builder->error, &place, "not YAML: %s: %s; allowed: YAML 1.2", message + 1,
                       quote_line(quoted, &place));
}

/*
 * Refuses, before libfyaml 0.7.12 sees them, what case files do not need and it does not handle:
 * - what could be an explicit key ("? KEY"): it frees a key twice if a tab and a list follow ("? a: \t- b",
 *   fy_fetch_value in fy-parse.c). The indicator is a '?' with a blank, a line break or the end behind it. One that
 * ends a word belongs to a text, a name or a comment and is let through;
 * - directives ("%YAML"), which stand at the start of a line: numbers in them overflow, and YAML 1.1 has other rules.
 */
static enum error_kind check_indicators(const struct source *source, size_t begin, struct error *error)
{
    char quoted[QUOTE_SIZE];
    for (size_t i = begin; i < source->size; i++) {
        unsigned char before = i > begin ? (unsigned char)source->text[i - 1] : '\n';
        char after = i + 1 < source->size ? source->text[i + 1] : '\n';
        bool word = before >= 0x80 || isalnum(before) || before == ')' || before == '?' || before == '!';
        bool key = source->text[i] == '?' && !word && strchr(" \t\r\n", after);
        bool directive = source->text[i] == '%' && (before == '\n' || before == '\r');
        if (!key && !directive)
            continue;
        struct place place = source_place(source, i);
        return place_error(error, &place, "%s: %s; allowed: KEY: VALUE%s",
                           key ? "'?' stands alone" : "directives are not part of the format",
                           quote_line(quoted, &place), key ? ", and '?' behind a word" : "");
    }
    return ERROR_NONE;
}

/* Runs a parser over text, size characters that outlive it, and builds the tree. */
static enum error_kind build(struct builder *builder, const char *text, size_t size)
{
    enum error_kind kind = ERROR_NONE;
    struct fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    diag_config.output_fn = discard;
    diag_config.colorize = false;
    struct fy_diag *diag = fy_diag_create(&diag_config);
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE, .diag = diag};
    struct fy_parser *parser = diag ? fy_parser_create(&config) : NULL;
    builder->iterator = fy_token_iter_create(NULL);
    if (diag)
        fy_diag_set_collect_errors(diag, true);
    if (!parser || !builder->iterator || fy_parser_set_string(parser, text, size) != 0) {
        kind = error_memory(builder->error, "reading YAML", (double)size);
        goto out;
    }
    for (bool done = false; !done && !kind;) {
        struct fy_event *event = fy_parser_parse(parser);
        if (!event) {
            kind = syntax_error(builder, diag);
            break;
        }
        kind = take(builder, event);
        done = event->type == FYET_STREAM_END;
        fy_parser_event_free(parser, event);
    }
out:
    fy_token_iter_destroy(builder->iterator);
    fy_parser_destroy(parser);
    if (diag)
        fy_diag_destroy(diag);
    return kind;
}

enum error_kind yaml_read(struct yaml_stream *stream, const struct source *source, size_t begin, struct error *error)
{
    size_t size = source->size - begin;
    struct builder builder = {
        .source = source,
        .begin = begin,
        .stream = stream,
        .error = error,
        .next_document = &stream->first,
        .last = source_place(source, begin),
    };
    *stream = (struct yaml_stream){0};
    if (size == 0)
        return ERROR_NONE;
    enum error_kind kind = check_indicators(source, begin, error);
    if (kind)
        return kind;
    /* With a line break at the end: libfyaml looks behind a last '\' in quotes without asking whether there is more. */
    char *text = malloc(size + 1);
    if (!text)
        return error_memory(error, "reading YAML", (double)size + 1);
    memcpy(text, source->text + begin, size);
    text[size] = '\n';
    kind = build(&builder, text, size + 1);
    free(text);
    if (kind)
        yaml_clear(stream);
    return kind;
}

void yaml_clear(struct yaml_stream *stream)
{
    for (struct yaml_node *node = stream->allocated, *before; node; node = before) {
        before = node->allocated;
        free(node);
    }
    *stream = (struct yaml_stream){0};
}

bool yaml_is_null(const struct yaml_node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++)
        if (node->kind == YAML_SCALAR && node->plain && node->size == strlen(nulls[i]) &&
            memcmp(node->text, nulls[i], node->size) == 0)
            return true;
    return false;
}

char *yaml_quote(char *quoted, const struct yaml_node *node)
{
    static const char *const names[] = {[YAML_SEQUENCE] = "a list", [YAML_MAPPING] = "a mapping"};
    if (node->kind == YAML_SCALAR)
        return quote(quoted, node->text, node->size);
    snprintf(quoted, QUOTE_SIZE, "%s", names[node->kind]);
    return quoted;
}
