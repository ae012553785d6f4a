/* An lse in other units, or a part of one, next to an output that is right. */
#include <math.h>

#include "harness/judge/cause/hypothesis.h"

void hypothesis_lse(struct suspect *suspect)
{
    double lse = suspect->truth_lse;
    const struct {
        double lse;
        const char *text;
    } rows[] = {
        {lse * M_LOG2E, "lse is in base 2: log2(e) times what it should be"},
        {lse * M_LN2, "lse is multiplied by ln 2, as if it had been in base 2"},
        {suspect->max, "lse is the row's maximum: the logarithm of the sum is missing"},
        {lse - suspect->max, "lse is the logarithm of the sum: the row's maximum is missing"},
        {-lse, "lse has the wrong sign"},
    };
    if (!suspect->by_lse || suspect->visible == 0)
        return;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        suspect_offer(suspect, SIGNATURE_WRONG_LSE, false, suspect->truth, rows[i].lse, "%s", rows[i].text);
}
