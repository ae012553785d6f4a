#include "harness/judge/cause/match_shared.h"

#include <math.h>

#include "harness/judge/cause/suspect_match.h"

/* What explains a row for that reason, or for any reason of the signature, about as well as anything does; or NULL. */
static const struct match *match_alike(const struct suspect *suspect, const struct match *match, bool any_reason)
{
    const struct match *best = &suspect->best;
    if (best->signature == match->signature && (any_reason || best->reason == match->reason))
        return best;
    for (int m = 0; m < suspect->num_matches; m++) {
        const struct match *other = &suspect->matches[m];
        if (other->signature == match->signature && (any_reason || other->reason == match->reason) &&
            suspect_is_rival(suspect, other))
            return other;
    }
    return NULL;
}

int match_rows(const struct suspect *suspects, int failing, const struct match *match, bool any_reason)
{
    int count = 0;
    for (int i = 0; i < failing; i++)
        count += match_alike(&suspects[i], match, any_reason) != NULL;
    return count;
}

/* Whether a row shows it, for that reason, and does not merely second it. */
static bool any_shows(const struct suspect *suspects, int failing, const struct match *match)
{
    for (int i = 0; i < failing; i++) {
        const struct match *alike = match_alike(&suspects[i], match, false);
        if (alike && !alike->seconds)
            return true;
    }
    return false;
}

const struct match *match_most_shared(const struct suspect *suspects, int failing, const struct suspect *suspect)
{
    const struct match *shared = &suspect->best;
    if (shared->signature == SIGNATURE_UNKNOWN)
        return shared;
    int most = any_shows(suspects, failing, shared) ? match_rows(suspects, failing, shared, false) : 0;
    for (int m = 0; m < suspect->num_matches; m++) {
        const struct match *match = &suspect->matches[m];
        int rows = match_rows(suspects, failing, match, false);
        if (rows > most && suspect_is_rival(suspect, match) && any_shows(suspects, failing, match)) {
            most = rows;
            shared = match;
        }
    }
    return shared;
}

/* What a wrong value of masked keys makes of rows whose logits differ. */
static bool is_of_sentinels(enum signature signature)
{
    return signature == SIGNATURE_LEAK || signature == SIGNATURE_UNIFORM || signature == SIGNATURE_SILENT_ZERO ||
           signature == SIGNATURE_NAN;
}

/* How often a name may be had by chance: where some row's out bears it out, and where lse alone does, one number a row,
 * which a bound may leave room for. */
static const double CHANCE_MAX = 1.0 / 64, CHANCE_MAX_OF_LSE = 1.0 / 8192;

/*
 * The chance of a row, given those before it that are borne out: where lse alone decides, a row is a number of its own
 * by no more than its lse is off otherwise than theirs. Heads that are alike are then one row.
 */
static double chance_beside_others(const struct suspect *suspects, int row, const struct match *match,
                                   const struct match *alike)
{
    double off = suspects[row].lse - suspects[row].truth_lse, own = fabs(off);
    for (int i = 0; i < row && suspects[row].by_lse; i++)
        if (suspects[i].by_lse && match_alike(&suspects[i], match, false))
            own = fmin(own, fabs(off - (suspects[i].lse - suspects[i].truth_lse)));
    return own < fabs(off) ? fmin(1, alike->chance * fabs(off) / own) : alike->chance;
}

/*
 * Whether it may be chance that every row has an lse, or an out, that the reason predicts. Of very many predictions
 * some share a bound, and so the direction that out moves along from it: what tells these apart is one number a row.
 */
static bool may_be_chance(const struct suspect *suspects, int failing, const struct match *match)
{
    double chance = match->choices, of_one = match->choices > SUSPECT_CHOICES ? SUSPECT_CHOICES : 0;
    bool by_lse = true;
    for (int i = 0; i < failing; i++) {
        const struct match *alike = match_alike(&suspects[i], match, false);
        chance *= alike ? chance_beside_others(suspects, i, match, alike) : 1;
        of_one *= alike ? alike->chance_of_one : 1;
        by_lse &= !alike || suspects[i].by_lse;
    }
    return chance > (by_lse ? CHANCE_MAX_OF_LSE : CHANCE_MAX) || of_one > CHANCE_MAX;
}

/* Whether a row has the match's reason by another name: distances in f16 lose keys in one row, and digits in another.
 */
static bool has_reason(const struct suspect *suspect, const struct match *match)
{
    for (int m = 0; m < suspect->num_matches; m++)
        if (suspect->matches[m].reason == match->reason && suspect_is_rival(suspect, &suspect->matches[m]))
            return true;
    return false;
}

/* Whether a row is of the fault that a match is of as well: a wrong value of masked keys leaks in one row, and takes
 * all weights in another; weight of no key, which a remark tells of, is of slots that have the same value. */
static bool is_of_same_sentinel(const struct suspect *suspect, const struct match *match)
{
    const bool unknown = suspect->best.signature == SIGNATURE_UNKNOWN;
    return is_of_sentinels(match->signature) &&
           (unknown ? suspect->remark[0] : is_of_sentinels(suspect->best.signature));
}

bool match_is_heard(const struct suspect *suspect)
{
    return suspect->dots && suspect->error > 32 * suspect->noise;
}

/* A row by whose out the match would show if it were the fault: what it leaves is about the noise then, and a 16th of
 * this error is twice that. Its lse alone says nothing of what is fitted, nor of weights that are lost; but what has no
 * parameter has an lse. */
bool match_speaks_against(const struct suspect *suspect, const struct match *match)
{
    const bool is_heard = !suspect->by_lse || (!match->fitted && match->signature != SIGNATURE_SILENT_ZERO);
    return is_heard && match_is_heard(suspect) && !match_alike(suspect, match, true) && !has_reason(suspect, match) &&
           !is_of_same_sentinel(suspect, match);
}

static bool any_speaks_against(const struct suspect *suspects, int failing, const struct match *match)
{
    for (int i = 0; i < failing; i++)
        if (match_speaks_against(&suspects[i], match))
            return true;
    return false;
}

bool match_stands(const struct suspect *suspects, int failing, const struct match *match)
{
    if (match->signature == SIGNATURE_NAN || match->signature == SIGNATURE_UNWRITTEN)
        return true;
    if (!any_shows(suspects, failing, match) ||
        (match->signature != SIGNATURE_SILENT_ZERO && may_be_chance(suspects, failing, match)))
        return false;
    int rows = match_rows(suspects, failing, match, true);
    for (int i = 0; i < failing; i++)
        rows += suspects[i].best.signature != match->signature && is_of_same_sentinel(&suspects[i], match);
    if (match->signature == SIGNATURE_SILENT_ZERO)
        return 2 * rows >= failing || !any_speaks_against(suspects, failing, match);
    bool any_number = match->fitted && (match->signature == SIGNATURE_WRONG_SLOPE ||
                                        match->signature == SIGNATURE_WRONG_SCALE); /* of no known origin */
    bool of_many = match->choices > SUSPECT_CHOICES || any_number;
    return 2 * rows > failing || (2 * rows == failing && !of_many && !any_speaks_against(suspects, failing, match));
}
