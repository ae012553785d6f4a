/*
 * "did you mean": the known name that a mistyped one is closest to.
 */
#ifndef HARNESS_SUPPORT_SUGGEST_H
#define HARNESS_SUPPORT_SUGGEST_H

struct suggestion {
    const char *text; /* what was typed */
    const char *best; /* NULL while no offered name is close */
    int distance;
};

/*
 * Keeps name if it is closer to the text than what was offered before, and close at all: at most a third of its
 * letters (at least one) inserted, left out, replaced or swapped with their neighbour, upper and lower case alike. What
 * other programs call the same (float16 is f16) is closest of all.
 */
void suggestion_offer(struct suggestion *suggestion, const char *name);

/* "did you mean 'NAME'? " or "". text: SUGGESTION_SIZE characters, returned. */
enum { SUGGESTION_SIZE = 64 };
char *suggestion_format(char *text, const struct suggestion *suggestion);

#endif
