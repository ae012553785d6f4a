/* The value of the key `known_bugs`: {leak: K2 K5, nan: K6}. Kept as one text, "leak: K2 K5; nan: K6". */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_bugs.h"
#include "harness/case/value_types.h"
#include "harness/support/field_yaml.h"
#include "harness/support/text_stream.h"

const char known_bugs_allowed[] =
    "{SIGNATURE: BUG BUG ..., ...}, signatures but none, bugs of letters and digits, each perhaps with (EVIDENCE): "
    "whole words of what is found or of the contract, oracle NAME, dtype NAME or class NAME, ! right before it for "
    "none of it, with & for all of several and | for any";

/* ---- the text ---------------------------------------------------------------------------------------------------- */

/* Some characters of a text that goes on. */
struct span {
    const char *first, *end;
};

struct bug {
    struct span name, evidence; /* what stands between the brackets; NULL: nothing */
};

/* The next part of *rest, up to the separator, without spaces at its ends. false: there is none. */
static bool next_part(struct span *part, struct span *rest, char separator)
{
    if (!rest->first)
        return false;
    const char *found = memchr(rest->first, separator, (size_t)(rest->end - rest->first));
    *part = (struct span){rest->first, found ? found : rest->end};
    rest->first = found ? found + 1 : NULL;
    while (part->first < part->end && *part->first == ' ')
        part->first++;
    while (part->first < part->end && part->end[-1] == ' ')
        part->end--;
    return true;
}

/* The next bug of *rest, with the space behind it. false: there is none, or it is not written as one. */
static bool next_bug(struct bug *bug, struct span *rest)
{
    const char *at = rest->first;
    *bug = (struct bug){.name.first = at};
    while (at < rest->end && isalnum((unsigned char)*at))
        at++;
    bug->name.end = at;
    if (rest->end - at > 2 && at[0] == ' ' && at[1] == '(') {
        const char *close = memchr(at, ')', (size_t)(rest->end - at));
        if (!close)
            return false;
        bug->evidence = (struct span){at + 2, close};
        at = close + 1;
    }
    if (bug->name.first == bug->name.end || (at < rest->end && (*at != ' ' || at + 1 == rest->end)))
        return false;
    rest->first = at < rest->end ? at + 1 : at;
    return true;
}

static bool is(const struct span *span, const char *text)
{
    size_t size = (size_t)(span->end - span->first);
    return strlen(text) == size && memcmp(span->first, text, size) == 0;
}

/* What stands behind a word and a space; NULL in its place: another word is the first. */
static struct span behind(const struct span *fact, const char *word)
{
    size_t size = strlen(word);
    bool begins =
        (size_t)(fact->end - fact->first) > size && memcmp(fact->first, word, size) == 0 && fact->first[size] == ' ';
    return begins ? (struct span){fact->first + size + 1, fact->end} : (struct span){NULL, NULL};
}

static enum oracle oracle_of(const struct span *name)
{
    for (int o = 0; o < ORACLE_COUNT; o++)
        if (is(name, oracle_names[o]))
            return (enum oracle)o;
    return ORACLE_COUNT;
}

static bool is_dtype(const struct span *name)
{
    for (int d = 0; d < DTYPE_COUNT; d++)
        if (is(name, dtypes[d].name))
            return true;
    return false;
}

/* ---- the value of the key ---------------------------------------------------------------------------------------- */

static bool read_class(struct arithmetic_class *arithmetic, const struct span *name)
{
    char text[CLASS_NAME_SIZE];
    size_t size = (size_t)(name->end - name->first);
    if (size >= sizeof text)
        return false;
    memcpy(text, name->first, size);
    text[size] = 0;
    return class_parse(arithmetic, text, NULL);
}

static bool is_class(const struct span *name)
{
    struct arithmetic_class arithmetic;
    return read_class(&arithmetic, name);
}

/* Nothing, what is no fact behind its '!', or the first word of a fact without its name. */
static bool is_torn(const struct span *fact)
{
    return fact->first == fact->end || *fact->first == ' ' || *fact->first == '!' || is(fact, "oracle") ||
           is(fact, "dtype") || is(fact, "class");
}

static bool is_fact(struct span fact)
{
    if (fact.first < fact.end && *fact.first == '!')
        fact.first++;
    if (is_torn(&fact))
        return false;
    struct span oracle = behind(&fact, "oracle"), dtype = behind(&fact, "dtype"), class = behind(&fact, "class");
    for (const char *at = fact.first; at < fact.end; at++)
        if (*at == '(' || *at == ';' || iscntrl((unsigned char)*at))
            return false;
    return (!oracle.first || oracle_of(&oracle) != ORACLE_COUNT) && (!dtype.first || is_dtype(&dtype)) &&
           (!class.first || is_class(&class));
}

static bool is_evidence(struct span evidence)
{
    struct span alternative, fact;
    while (next_part(&alternative, &evidence, '|'))
        while (next_part(&fact, &alternative, '&'))
            if (!is_fact(fact))
                return false;
    return true;
}

static bool are_bugs(const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR || node->size == 0 || strlen(node->text) != node->size)
        return false;
    struct span rest = {node->text, node->text + node->size};
    struct bug bug;
    while (rest.first < rest.end)
        if (!next_bug(&bug, &rest) || (bug.evidence.first && !is_evidence(bug.evidence)))
            return false;
    return true;
}

static enum signature signature_of(const struct yaml_node *name)
{
    return name->kind == YAML_SCALAR && strlen(name->text) == name->size ? signature_from_name(name->text)
                                                                         : SIGNATURE_COUNT;
}

/* A signature and its bugs, at the end of stream. seen: bit s, if signature s has been there. */
static enum error_kind put_bugs(FILE *stream, const struct key *key, const struct yaml_node *name, uint64_t *seen,
                                struct error *error)
{
    char quoted[QUOTE_SIZE];
    const struct yaml_node *bugs = name->next;
    enum signature signature = signature_of(name);
    enum error_kind kind = key_name_check(name, error);
    if (kind)
        return kind;
    if (signature == SIGNATURE_COUNT || signature == SIGNATURE_NONE)
        return place_error(error, &name->place, "unknown signature of %s: %s; allowed: %s", key->field.name,
                           yaml_quote(quoted, name), key->field.allowed);
    if (*seen >> signature & 1)
        return duplicate_key_error(name, error);
    if (!are_bugs(bugs))
        return field_error(&key->field, bugs, "does not name bugs", error);
    fprintf(stream, "%s%s: %s", *seen ? "; " : "", name->text, bugs->text);
    *seen |= UINT64_C(1) << signature;
    return ERROR_NONE;
}

static enum error_kind bugs_read(const struct key *key, const struct yaml_node *node, struct segment *segment,
                                 struct error *error)
{
    char *text = NULL;
    size_t size;
    uint64_t seen = 0;
    if (node->kind != YAML_MAPPING || !node->first)
        return field_error(&key->field, node, yaml_is_null(node) ? "has no value" : "is not a mapping", error);
    FILE *stream = text_stream_open(&text, &size);
    enum error_kind kind = stream ? ERROR_NONE : error_memory(error, "a text of a case file", FIELD_TEXT_SIZE);
    for (const struct yaml_node *name = node->first; name && !kind; name = name->next->next)
        kind = put_bugs(stream, key, name, &seen, error);
    if (stream && fclose(stream) != 0 && !kind)
        kind = error_memory(error, "a text of a case file", FIELD_TEXT_SIZE);
    segment->first.text = kind ? NULL : text;
    if (kind)
        free(text);
    return kind;
}

static void bugs_clear(union value *value)
{
    free(value->text);
    value->text = NULL;
}

const struct value_type type_bugs = {.read = bugs_read, .clear = bugs_clear, .aside = true};

/* ---- which of them a failure looks like -------------------------------------------------------------------------- */

/* The bugs of a signature; NULL in their place: there are none. */
static struct span bugs_of(const char *text, enum signature signature)
{
    struct span rest = {text, text ? text + strlen(text) : NULL}, part;
    while (next_part(&part, &rest, ';')) {
        const char *colon = memchr(part.first, ':', (size_t)(part.end - part.first));
        if (colon && is(&(struct span){part.first, colon}, signature_names[signature]))
            return (struct span){colon + 2, part.end};
    }
    return (struct span){NULL, NULL};
}

static bool is_digit(char character)
{
    return isdigit((unsigned char)character);
}

static bool is_part_of_word(char character)
{
    return isalnum((unsigned char)character);
}

/* Whether words that begin or end here would be the rest of a word or of a number: "2 times it" in "3.2 times it", "-2
 * times it" or "12 times it", "slope 2" in "slope 2.5". */
static bool goes_on_before(const char *text, const char *at)
{
    return at > text && (is_part_of_word(at[-1]) || (is_digit(*at) && (at[-1] == '.' || at[-1] == '-')));
}

static bool goes_on_behind(const char *end)
{
    return is_part_of_word(*end) || (is_digit(end[-1]) && *end == '.' && is_digit(end[1]));
}

static bool has_words(const char *text, const struct span *words)
{
    size_t size = (size_t)(words->end - words->first);
    for (const char *at = text; at && (at = memmem(at, strlen(at), words->first, size)); at++)
        if (!goes_on_before(text, at) && !goes_on_behind(at + size))
            return true;
    return false;
}

/* The same roundings, in whatever order they are written. */
static bool is_class_of(const struct span *name, const char *text)
{
    struct arithmetic_class stated, own;
    return text && read_class(&stated, name) && class_parse(&own, text, NULL) && stated.output == own.output &&
           class_closed(stated.set) == class_closed(own.set);
}

static bool is_seen(const struct span *fact, const struct seen_failure *seen)
{
    struct span oracle = behind(fact, "oracle"), dtype = behind(fact, "dtype"), class = behind(fact, "class");
    if (oracle.first)
        return seen->violated >> oracle_of(&oracle) & 1;
    if (dtype.first)
        return is(&dtype, dtypes[seen->dtype].name);
    if (class.first)
        return is_class_of(&class, seen->arithmetic);
    return has_words(seen->detail, fact) ||
           (seen->contract && seen->contract->named && has_words(seen->contract->fits[0].text, fact));
}

static bool holds(const struct span *fact, const struct seen_failure *seen)
{
    return *fact->first == '!' ? !is_seen(&(struct span){fact->first + 1, fact->end}, seen) : is_seen(fact, seen);
}

static enum bugs_fit fit_of(const struct bug *bug, const struct seen_failure *seen)
{
    struct span evidence = bug->evidence, alternative, fact;
    if (!evidence.first)
        return BUGS_BY_SIGNATURE;
    while (next_part(&alternative, &evidence, '|')) {
        bool all = true;
        while (next_part(&fact, &alternative, '&'))
            all &= holds(&fact, seen);
        if (all)
            return BUGS_BY_EVIDENCE;
    }
    return BUGS_NONE;
}

enum bugs_fit known_bugs_fit(const char *text, const struct seen_failure *seen)
{
    struct span rest = bugs_of(text, seen->signature);
    enum bugs_fit best = BUGS_NONE;
    struct bug bug;
    while (rest.first < rest.end && next_bug(&bug, &rest)) {
        enum bugs_fit fit = fit_of(&bug, seen);
        best = fit > best ? fit : best;
    }
    return best;
}

bool known_bugs_print(FILE *stream, const char *text, const struct seen_failure *seen, enum bugs_fit fit)
{
    struct span rest = bugs_of(text, seen->signature);
    const char *before = "";
    struct bug bug;
    bool printed = true;
    while (rest.first < rest.end && next_bug(&bug, &rest) && printed) {
        if (fit_of(&bug, seen) != fit)
            continue;
        printed = fprintf(stream, "%s%.*s", before, (int)(bug.name.end - bug.name.first), bug.name.first) > 0;
        before = " ";
    }
    return printed;
}

bool known_bugs_print_all(FILE *stream, const char *text)
{
    size_t printed = 0, size = strlen(text);
    for (const char *at = text; at < text + size;) {
        size_t plain = strcspn(at, "(");
        size_t kept = at[plain] ? plain - 1 : plain; /* the space before it */
        printed += fwrite(at, 1, kept, stream) != kept;
        at += plain;
        at += strcspn(at, ")") + (*at != 0);
    }
    return printed == 0;
}
