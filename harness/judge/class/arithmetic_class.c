#include "harness/judge/class/arithmetic_class.h"

#include <stdio.h>
#include <string.h>

static const char output_name[] = "output", f32_name[] = "f32";

void class_sets_add(struct class_sets *sets, class_set set)
{
    sets->words[set / 64] |= UINT64_C(1) << set % 64;
}

void class_sets_add_above(struct class_sets *sets, class_set set)
{
    for (class_set above = 0; above < CLASS_SETS; above++)
        if ((class_closed(above) & set) == set)
            class_sets_add(sets, above);
}

bool class_sets_empty(const struct class_sets *sets)
{
    uint64_t any = 0;
    for (int i = 0; i < CLASS_SETS / 64; i++)
        any |= sets->words[i];
    return any == 0;
}

/* Whether no rounding is in another one of the set, and with each taken away, but for what it includes, it is none of
 * the sets. */
static bool is_minimal(const struct class_sets *sets, class_set set)
{
    for (int i = 0; i < CLASS_ROUNDING_COUNT; i++)
        if (set >> i & 1 && ((class_roundings[i].includes & set) ||
                             class_sets_have(sets, (set & ~(1u << i)) | class_roundings[i].includes)))
            return false;
    return true;
}

int class_sets_minimal(class_set *minimal, const struct class_sets *sets)
{
    int count = 0;
    for (int size = 0; size <= CLASS_ROUNDING_COUNT; size++)
        for (class_set set = 0; set < CLASS_SETS; set++)
            if (__builtin_popcount(set) == size && class_sets_have(sets, set) && is_minimal(sets, set))
                minimal[count++] = set;
    return count;
}

char *class_format(char *text, const struct arithmetic_class *arithmetic)
{
    int length = snprintf(text, CLASS_NAME_SIZE, "%s", arithmetic->output ? output_name : f32_name);
    for (int i = 0; i < CLASS_ROUNDING_COUNT; i++)
        if (arithmetic->set >> i & 1)
            length += snprintf(text + length, (size_t)(CLASS_NAME_SIZE - length), "+%s", class_roundings[i].name);
    return text;
}

const char *class_word(int index)
{
    if (index < 2)
        return index == 0 ? output_name : f32_name;
    return index - 2 < CLASS_ROUNDING_COUNT ? class_roundings[index - 2].name : NULL;
}

/* The part of a text up to the next '+'. */
static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static int rounding_called(const char *text, size_t length)
{
    int i = 0;
    while (i < CLASS_ROUNDING_COUNT && !is_word(text, length, class_roundings[i].name))
        i++;
    return i;
}

bool class_parse(struct arithmetic_class *arithmetic, const char *text, char *word)
{
    size_t length = strcspn(text, "+");
    struct arithmetic_class read = {.output = is_word(text, length, output_name) && text[length] == '\0'};
    bool right = read.output || is_word(text, length, f32_name);
    while (right && text[length] == '+') {
        text += length + 1;
        length = strcspn(text, "+");
        int rounding = rounding_called(text, length);
        right = rounding < CLASS_ROUNDING_COUNT;
        read.set |= right ? 1u << rounding : 0;
    }
    if (word)
        snprintf(word, CLASS_NAME_SIZE, "%.*s", (int)length, right ? "" : text);
    if (right)
        *arithmetic = read;
    return right;
}
