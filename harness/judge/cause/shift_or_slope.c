#include "harness/judge/cause/shift_or_slope.h"

#include <math.h>

#include "harness/judge/cause/suspect.h"

/* The key with most weight; -1 without a key. */
static int64_t heaviest_key(const struct suspect *suspect)
{
    int64_t heaviest = -1;
    for (int64_t j = 0; j < suspect->problem->seq_len; j++)
        if (suspect_visible(suspect, j) &&
            (heaviest < 0 || suspect_logit(suspect, j) > suspect_logit(suspect, heaviest)))
            heaviest = j;
    return heaviest;
}

/* The factor on the slope that moves the heaviest key's logit by slope * keys; NaN where none does. */
static double factor_of(const struct suspect *suspect, double keys)
{
    int64_t key = heaviest_key(suspect);
    double distance = key < 0 ? 0 : (double)problem_distance(suspect->problem, key);
    return distance == 0 ? NAN : 1 + keys / distance;
}

enum error_kind shift_may_be_slope(bool *may_be, double keys, const struct inquiry *inquiry,
                                   const struct ranked_row *ranked, int max_rows, struct error *error)
{
    const struct exhibit *exhibit = inquiry->exhibit;
    enum error_kind kind = ERROR_NONE;
    double factor = NAN;
    *may_be = exhibit_has_keys(exhibit);
    for (int i = 0; i < max_rows && i < problem_rows(exhibit->problem) && ranked[i].failing && *may_be && !kind; i++) {
        struct suspect suspect;
        int row = ranked[i].row;
        kind = suspect_init(&suspect, row, true, exhibit, &inquiry->verdict->rows[row], error);
        if (!kind)
            kind = suspect_read_keys(&suspect, error);
        if (!kind && i == 0)
            factor = factor_of(&suspect, keys);
        *may_be = !kind && isfinite(factor);
        if (*may_be) {
            suspect_fill_slope(&suspect, factor * suspect.slope);
            *may_be = suspect_lse_is_exactly(&suspect, suspect_attend(&suspect, 0));
        }
        suspect_clear(&suspect);
    }
    return kind;
}
