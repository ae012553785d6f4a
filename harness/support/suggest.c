#include "harness/support/suggest.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

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

void suggestion_offer(struct suggestion *suggestion, const char *name)
{
    size_t length = strlen(name);
    if (length > NAME_MAX_LENGTH || strlen(suggestion->text) > NAME_MAX_LENGTH)
        return;
    int distance = edit_distance(suggestion->text, name);
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
