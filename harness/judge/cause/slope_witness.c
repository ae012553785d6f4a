#include "harness/judge/cause/slope_witness.h"

#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/slope_rule.h"
#include "harness/judge/cause/suspect_match.h"

enum { WITNESSES = 8 };

/* Whether the row, right or wrong, is plainly not what a match's rule makes of it. Where the rule leaves its slope as
 * it is, or makes next to nothing of it, it says nothing. */
static bool refutes(struct suspect *witness, const struct match *match)
{
    const struct slope_rule *rule = slope_rule_of(match);
    const int dims = witness->problem->head_dim;
    double slope = rule ? slope_by_rule(witness, rule) : NAN, change = 0;
    if (!isfinite(slope) || slope == witness->slope || witness->visible == 0)
        return false;
    suspect_fill_slope(witness, slope);
    suspect_attend(witness, dims);
    for (int d = 0; d < dims; d++)
        change += (witness->predicted[d] - witness->truth[d]) * (witness->predicted[d] - witness->truth[d]);
    change = sqrt(change / dims);
    return change > 8 * witness->noise && suspect_rms(witness, witness->predicted, dims) > change / 2;
}

/* The slope alone is said, or whose it is. */
static void tell_slope_alone(const struct suspect *suspect, struct match *match)
{
    double slope = slope_by_rule(suspect, slope_rule_of(match));
    int head = slope_owner(suspect, slope);
    int length = snprintf(match->detail, sizeof match->detail, "slope %.6g in place of %.6g", slope, suspect->slope);
    if (head >= 0)
        snprintf(match->detail + length, sizeof match->detail - (size_t)length, ": that of another head, number %d",
                 head);
    match->reason = suspect_reason("a slope of no rule for all heads");
}

/* What is left of a row's matches without a reason; the best is then another rule, where one is about as good. */
static void drop_reason(struct suspect *suspect, uint64_t reason)
{
    for (int m = 0; m < suspect->num_matches; m++)
        if (suspect->matches[m].reason == reason && slope_rule_of(&suspect->matches[m]))
            tell_slope_alone(suspect, &suspect->matches[m]);
    if (suspect->best.reason != reason || !slope_rule_of(&suspect->best))
        return;
    tell_slope_alone(suspect, &suspect->best);
    for (int m = 0; m < suspect->num_matches && !slope_rule_of(&suspect->best); m++)
        if (slope_rule_of(&suspect->matches[m]) && suspect_is_rival(suspect, &suspect->matches[m]))
            suspect->best = suspect->matches[m];
}

/* Drops the reasons of all that a witness refutes. */
static void hear(struct suspect *witness, struct suspect *suspects, int failing)
{
    for (int i = 0; i < failing; i++)
        for (int m = 0; m < suspects[i].num_matches; m++) {
            const struct match match = suspects[i].matches[m];
            bool refuted = refutes(witness, &match);
            for (int other = 0; refuted && other < failing; other++)
                drop_reason(&suspects[other], match.reason);
        }
}

static bool has_rules(const struct suspect *suspects, int failing)
{
    for (int i = 0; i < failing; i++)
        for (int m = 0; m < suspects[i].num_matches; m++)
            if (slope_rule_of(&suspects[i].matches[m]))
                return true;
    return false;
}

static bool is_among(const struct suspect *suspects, int failing, int row)
{
    for (int i = 0; i < failing; i++)
        if (suspects[i].of_row == row)
            return true;
    return false;
}

enum error_kind slope_witnesses_hear(struct suspect *suspects, int failing, const struct inquiry *inquiry,
                                     struct error *error)
{
    const bool *known = inquiry->exhibit->rows;
    const int rows = problem_rows(inquiry->exhibit->problem), count = rows < WITNESSES ? rows : WITNESSES;
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < count && !kind && has_rules(suspects, failing); i++) {
        const int row = (int)(((int64_t)i * rows / count + (i & 1)) % rows); /* even and odd ones */
        struct suspect witness = {0};
        if (is_among(suspects, failing, row) || (known && !known[row])) /* of which there is no output */
            continue;
        kind = suspect_init(&witness, row, false, inquiry->exhibit, &inquiry->verdict->rows[row], error);
        bool finite = isfinite(witness.error) && isfinite(witness.truth_lse);
        if (!kind && finite)
            kind = suspect_read_keys(&witness, error);
        if (!kind && finite)
            hear(&witness, suspects, failing);
        suspect_clear(&witness);
    }
    return kind;
}
