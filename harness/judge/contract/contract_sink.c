/*
 * A weight that no key has: the same in every row, as a sum that does not begin with 0 makes it, or that of slots
 * behind the last key, which fill its tile and are read as zeros where they should have been masked. q.k of a slot of
 * zeros is 0, and its bias that of its place, or none: its weight is e^bias, whatever the keys are.
 *
 * A weight that is any number is as near to the one of slots that fill a tile of 16 as one in some: what a row leaves
 * of their number has to be less than half a slot to either side, so that one of 16 is taken for them by chance at
 * most. One slot without a bias is not looked for: it weighs 1, which is what a sum that begins with 1 has on purpose
 * (softmax1, a learned sink of 0), whatever the length.
 */
#include <math.h>

#include "harness/judge/contract/contract_makers.h"
#include "reference/soft_cap.h"

enum { TILE = 16, SLOTS_MAX = 1024 };

/* Slots with the biases of their places, or with none. */
enum slot_bias { SLOTS_WITHOUT_BIAS, SLOTS_WITH_BIAS };

/* A row as it is, beside attention to its keys alone, which the screen has. */
struct unkeyed_row {
    const struct contract_trial *trial;
    const struct contract_screen *screen;
    int row;
    double lse;    /* of its keys */
    double weight; /* log of what comes to theirs by out; NAN: out is no share of what it should be */
    double given;  /* the lse of the output; NAN where there is none */
    double square; /* of out by its keys alone */
};

static struct unkeyed_row look_at(struct contract_trial *trial, const struct contract_clue *clue)
{
    struct contract_screen *screen = clue->screen;
    const struct problem *problem = &trial->problem;
    size_t dim = (size_t)screen->dim;
    double along = 0;
    struct unkeyed_row row = {trial, screen, clue->row, contract_screen_attend(screen, problem, clue->row),
                              NAN,   NAN,    0};
    dtype_widen(problem->dtype, trial->output.out, (size_t)clue->row * (size_t)problem->head_dim, dim, screen->row);
    for (size_t d = 0; d < dim; d++) {
        along += (double)screen->row[d] * screen->sums[d];
        row.square += screen->sums[d] * screen->sums[d];
    }
    row.weight = row.lse + log(row.square / along - 1);
    row.given = trial->output.lse ? (double)trial->output.lse[clue->row] : NAN;
    return row;
}

/* How far a row is from what it would be with a weight that no key has, e^weight: squares of out, or of lse. */
static double squares_beside(const struct unkeyed_row *row, double weight, bool by_lse)
{
    double share = 1 / (1 + exp(weight - row->lse)), off = row->lse - log(share) - row->given;
    return by_lse ? off * off : contract_screen_squares(row->screen, row->trial, row->row, share);
}

/* What rounding may leave of those: of out twice the least that any weight leaves, as by_chance of contract_fit.c but
 * wider, since a row that has room for half a slot tells nothing; and what sums in f32 lose, which is no chance
 * (rounding_left.h). */
static double squares_left(const struct unkeyed_row *row, bool by_lse)
{
    const double of_sums = 0x1p-24 * (16 + sqrt((double)row->trial->problem.seq_len));
    const double least = squares_beside(row, row->weight, false);
    return by_lse ? 0x1p-36 : fmax(2 * least, of_sums * of_sums * row->square);
}

/* The weight of a slot, the first behind the last key being slot 1. */
static double weight_of_slot(const struct problem *problem, int head, int64_t slot, enum slot_bias bias)
{
    double distance = (double)problem_distance(problem, problem->seq_len - 1 + slot);
    return exp(problem_logit(problem, 0, bias == SLOTS_WITH_BIAS ? (double)problem->slopes[head] * distance : 0));
}

/* Log of the weight of so many slots, of which the last may be a part of one. */
static double weight_of_slots(const struct problem *problem, int head, double slots, enum slot_bias bias)
{
    double sum = 0;
    for (int64_t slot = 1; (double)slot - 1 < slots; slot++)
        sum += fmin(slots - (double)(slot - 1), 1) * weight_of_slot(problem, head, slot, bias);
    return log(sum);
}

/* Slots that fill the last tile, of 16 keys or a multiple, and make the row what it is; 0: none do, or half a slot more
 * or less does as well. */
static int64_t slots_of(const struct unkeyed_row *row, enum slot_bias bias, bool by_lse)
{
    const struct problem *problem = &row->trial->problem;
    const int head = row->row % problem->num_heads;
    const double left = squares_left(row, by_lse);
    for (int64_t slots = TILE - problem->seq_len % TILE; slots <= SLOTS_MAX; slots += TILE) {
        const double exact = (double)slots;
        if (slots == 1 && bias == SLOTS_WITHOUT_BIAS)
            continue;
        if (!(squares_beside(row, weight_of_slots(problem, head, exact, bias), by_lse) <= left))
            continue;
        bool told = squares_beside(row, weight_of_slots(problem, head, exact - 0.5, bias), by_lse) > left &&
                    squares_beside(row, weight_of_slots(problem, head, exact + 0.5, bias), by_lse) > left;
        return told ? slots : 0;
    }
    return 0;
}

/* By lse, which has more digits, or else by out. */
static int64_t slots_of_row(const struct unkeyed_row *row, enum slot_bias bias)
{
    int64_t slots = isnan(row->given) ? 0 : slots_of(row, bias, true);
    return slots > 0 || isnan(row->weight) ? slots : slots_of(row, bias, false);
}

static bool has_bias(const struct problem *problem)
{
    for (int h = 0; h < problem->num_heads; h++)
        if (problem->slopes[h] != 0)
            return true;
    return false;
}

/* Sinks of the trial's own; NULL where it has others, or memory is short. */
static float *own_sinks(struct contract_trial *trial)
{
    float *sinks = trial->problem.sink_logits ? NULL : contract_own_slopes(trial);
    if (!sinks)
        return NULL;
    trial->problem.slopes = trial->before.slopes; /* the copy is for sinks */
    trial->problem.sink_logits = sinks;
    return sinks;
}

bool contract_fit_slots(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    const enum slot_bias bias = variant ? SLOTS_WITH_BIAS : SLOTS_WITHOUT_BIAS;
    const bool biased = has_bias(&trial->problem);
    if (trial->problem.sink_logits || (bias == SLOTS_WITH_BIAS && (!biased || problem_queries(&trial->problem) > 1)))
        return false;
    const struct unkeyed_row row = look_at(trial, clue);
    const int64_t slots = slots_of_row(&row, bias);
    float *sinks = slots > 0 ? own_sinks(trial) : NULL;
    if (!sinks)
        return false;
    for (int h = 0; h < trial->problem.num_heads; h++)
        sinks[h] = (float)weight_of_slots(&trial->problem, h, (double)slots, bias);
    return contract_say(trial, "%lld slot%s behind the last key, read as zeros%s: a weight that no key has",
                        (long long)slots, slots == 1 ? "" : "s",
                        !biased                   ? ""
                        : bias == SLOTS_WITH_BIAS ? ", with the biases of their places"
                                                  : ", without a bias");
}

bool contract_fit_sink(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)variant;
    if (trial->problem.sink_logits)
        return false;
    const struct unkeyed_row row = look_at(trial, clue);
    float *sinks = !isfinite((float)row.weight) ? NULL : own_sinks(trial);
    if (!sinks)
        return false;
    for (int h = 0; h < trial->problem.num_heads; h++)
        sinks[h] = (float)row.weight;
    return contract_say(trial, "a sink of %.6g in every row: a weight that no key has", row.weight);
}
