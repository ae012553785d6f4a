#include "harness/judge/cause/epsilon_witness.h"

#include <math.h>

enum { WITNESSES = 8 };

/* The epsilon in the row's sum that is the best match of a suspect; 0: there is none. */
static double epsilon_of(const struct suspect *suspects, int failing)
{
    for (int i = 0; i < failing; i++)
        if (suspects[i].best.signature == SIGNATURE_EPS_BIAS && suspects[i].best.reason == EPSILON_OF_ROW)
            return suspects[i].epsilons[EPSILON_OF_ROW].epsilon;
    return 0;
}

/* Whether a row, right or wrong, is plainly not truth * sum / (sum + epsilon). Overwrites suspect->predicted. */
static bool refutes(struct suspect *witness, double epsilon)
{
    const int dims = witness->problem->head_dim;
    double share = epsilon / (witness->sum + epsilon), change = 0;
    for (int d = 0; d < dims; d++) {
        witness->predicted[d] = (1 - share) * witness->truth[d];
        change += share * witness->truth[d] * share * witness->truth[d];
    }
    change = sqrt(change / dims);
    return change > 8 * witness->noise && suspect_rms(witness, witness->predicted, dims) > change / 2;
}

static void drop_epsilon(struct suspect *suspect)
{
    if (suspect->best.signature == SIGNATURE_EPS_BIAS && suspect->best.reason == EPSILON_OF_ROW)
        suspect->best = (struct match){.signature = SIGNATURE_UNKNOWN, .residual = NAN};
    for (int m = 0; m < suspect->num_matches; m++)
        if (suspect->matches[m].signature == SIGNATURE_EPS_BIAS && suspect->matches[m].reason == EPSILON_OF_ROW)
            suspect->matches[m--] = suspect->matches[--suspect->num_matches];
}

enum error_kind epsilon_witnesses_hear(struct suspect *suspects, int failing, const struct inquiry *inquiry,
                                       struct error *error)
{
    const bool *known = inquiry->exhibit->rows;
    const int rows = problem_rows(inquiry->exhibit->problem), count = rows < WITNESSES ? rows : WITNESSES;
    const double epsilon = epsilon_of(suspects, failing);
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < count && epsilon > 0 && !kind; i++) {
        const int row = (int)(((int64_t)i * rows / count + (i & 1)) % rows); /* even and odd ones */
        struct suspect witness = {0};
        if (known && !known[row]) /* of which there is no output */
            continue;
        kind = suspect_init(&witness, row, false, inquiry->exhibit, &inquiry->verdict->rows[row], error);
        bool finite = isfinite(witness.error) && isfinite(witness.truth_lse);
        if (!kind && finite)
            kind = suspect_read_keys(&witness, error);
        if (!kind && finite && witness.visible > 0 && refutes(&witness, epsilon))
            for (int other = 0; other < failing; other++)
                drop_epsilon(&suspects[other]);
        suspect_clear(&witness);
    }
    return kind;
}
