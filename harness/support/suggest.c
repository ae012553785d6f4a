#include "harness/support/suggest.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_LENGTH = 32 };

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int letter(char c)
{
    return tolower((unsigned char)c);
}

/* Optimal string alignment distance; both strings at most NAME_MAX_LENGTH long. */
static int edit_distance(const char *a, const char *b)
{
    int rows[3][NAME_MAX_LENGTH + 1];
    int columns = (int)strlen(b);
    int *before = rows[0], *last = rows[1], *row = rows[2];
    for (int j = 0; j <= columns; j++)
        last[j] = before[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        row[0] = i;
        for (int j = 1; j <= columns; j++) {
            int differs = letter(a[i - 1]) != letter(b[j - 1]);
            row[j] = smaller(smaller(last[j] + 1, row[j - 1] + 1), last[j - 1] + differs);
            if (i > 1 && j > 1 && letter(a[i - 1]) == letter(b[j - 2]) && letter(a[i - 2]) == letter(b[j - 1]))
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        int *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[columns];
}

/* What other programs call things. */
static const struct {
    const char *theirs, *ours;
} other_names[] = {
    {"float16", "f16"},   {"fp16", "f16"}, {"half", "f16"},         {"bfloat16", "bf16"}, {"bfloat", "bf16"},
    {"float32", "f32"},   {"fp32", "f32"}, {"float", "f32"},        {"single", "f32"},    {"float8_e4m3fn", "e4m3"},
    {"fp8_e4m3", "e4m3"}, {"fp8", "e4m3"}, {"float8_e5m2", "e5m2"}, {"fp8_e5m2", "e5m2"}, {"-infinity", "-inf"},
};

static bool is_other_name(const char *text, const char *name)
{
    for (size_t i = 0; i < sizeof other_names / sizeof other_names[0]; i++)
        if (strcmp(other_names[i].ours, name) == 0 && strcasecmp(other_names[i].theirs, text) == 0)
            return true;
    return false;
}

void suggestion_offer(struct suggestion *suggestion, const char *name)
{
    size_t length = strlen(name);
    if (length > NAME_MAX_LENGTH || strlen(suggestion->text) > NAME_MAX_LENGTH)
        return;
    int distance = is_other_name(suggestion->text, name) ? -1 : edit_distance(suggestion->text, name);
    int allowed = length < 6 ? 1 : (int)length / 3;
    if (distance <= allowed && distance < (suggestion->best ? suggestion->distance : INT_MAX)) {
        suggestion->best = name;
        suggestion->distance = distance;
    }
}

char *suggestion_format(char *text, const struct suggestion *suggestion)
{
    text[0] = '\0';
    if (suggestion->best)
        snprintf(text, SUGGESTION_SIZE, "did you mean '%.*s'? ", NAME_MAX_LENGTH, suggestion->best);
    return text;
}
