#include "harness/command/recorded_places.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static enum error_kind add(struct recorded_places *places, const char *name, size_t size, struct error *error)
{
    if (places->count == RECORDED_PLACES_MAX)
        return ERROR_NONE; /* what stands there has no name, then */
    places->names[places->count] = strndup(name, size);
    return places->names[places->count++] ? ERROR_NONE : error_memory(error, "a name", (double)size);
}

/* Where a parameter ends: at a comma, or the end of the list, that is in no brackets and no quotes. */
static const char *end_of_parameter(const char *at)
{
    int depth = 0;
    for (char quote = 0; *at && (quote || depth > 0 || (*at != ',' && *at != ')')); at++) {
        if (quote && *at == '\\' && at[1])
            at++;
        else if (quote)
            quote = *at == quote ? 0 : quote;
        else if (*at == '\'' || *at == '"')
            quote = *at;
        else if (strchr("([{", *at))
            depth++;
        else if (strchr(")]}", *at))
            depth--;
    }
    return at;
}

static size_t name_size(const char *at)
{
    size_t size = 0;
    while (isalnum((unsigned char)at[size]) || at[size] == '_')
        size++;
    return size;
}

/* "(self, q: torch.Tensor, *args, out: Optional[torch.Tensor] = None) -> ...": self, q. */
static enum error_kind read_signature(struct recorded_places *places, const char *signature, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (const char *at = signature + 1; !kind;) {
        at += strspn(at, " ");
        size_t size = name_size(at);
        if (size == 0)
            return ERROR_NONE; /* a star, or the end: no more of them have places */
        kind = add(places, at, size, error);
        at = end_of_parameter(at);
        if (*at != ',')
            break;
        at++;
    }
    return kind;
}

enum error_kind recorded_places_read(struct recorded_places *places, const char *known, const char *signature,
                                     struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    *places = (struct recorded_places){.count = 0};
    if (signature && *signature == '(')
        kind = read_signature(places, signature, error);
    int place = 0;
    for (const char *at = known; *at && !kind; place++) {
        size_t size = strcspn(at, " ");
        if (place >= places->count)
            kind = add(places, at, size, error);
        at += size + strspn(at + size, " ");
    }
    return kind;
}

void recorded_places_clear(struct recorded_places *places)
{
    for (int i = 0; i < places->count; i++)
        free(places->names[i]);
    places->count = 0;
}
