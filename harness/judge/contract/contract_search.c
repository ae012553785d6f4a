#include "harness/judge/contract/contract_search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/contract/contract_confirm.h"
#include "harness/judge/contract/contract_evidence.h"
#include "harness/judge/contract/contract_pair.h"
#include "harness/judge/contract/contract_reading.h"
#include "harness/judge/contract/contract_same.h"

enum { SCREENED_ROWS = 3 };

/* What was assumed: a contract, or one on top of another. */
struct assumed {
    struct contract_trial first, second; /* second: what is judged; first: what it is on top of, or zeroed */
    struct contract_pair pair;
    bool is_pair;
    bool has_number; /* one of them has (contract_table.h) */
};

struct search {
    struct contract_finding *finding;
    const struct exhibit *exhibit;
    const struct verdict *verdict;
    struct contract_screen screen;
    struct assumed kept[CONTRACT_FITS_MAX]; /* of the finding's fits */
    int num_kept, rank;
    int rank_of_singles;               /* of the best single contract; no pair has as much */
    bool too_many;                     /* pairs pass the screen: the rows do not tell what is right */
    int rows[SCREENED_ROWS], num_rows; /* the furthest off, worst first */
    struct contract_inquiry inquiry;
};

/* ---- which rows tell --------------------------------------------------------------------------------------------- */

/* How far a row is off, whatever its values are like. */
static double row_error(const struct search *search, int row)
{
    const struct metrics *metrics = &search->verdict->rows[row];
    double of_lse = metrics->lse_unknown || isnan(metrics->max_lse_err) ? 0 : metrics->max_lse_err;
    return fmax(isnan(metrics->max_scaled_err) ? 0 : metrics->max_scaled_err, fmin(of_lse, 1) * 0x1p-10);
}

static void choose_rows(struct search *search)
{
    for (int row = 0; row < search->verdict->num_rows; row++) {
        int at = search->num_rows;
        if (!isfinite(search->exhibit->truth->lse[row])) /* no key: every contract is right */
            continue;
        while (at > 0 && row_error(search, search->rows[at - 1]) < row_error(search, row))
            at--;
        if (at == SCREENED_ROWS)
            continue;
        int last = search->num_rows < SCREENED_ROWS ? search->num_rows++ : SCREENED_ROWS - 1;
        memmove(&search->rows[at + 1], &search->rows[at], (size_t)(last - at) * sizeof *search->rows);
        search->rows[at] = row;
    }
}

/* ---- trials ------------------------------------------------------------------------------------------------------ */

static bool screened(struct search *search, const struct contract_trial *trial)
{
    bool passes = search->num_rows > 0;
    for (int i = 0; i < search->num_rows && passes; i++)
        passes = contract_screen_row(&search->screen, trial, search->rows[i]);
    return passes;
}

static void assumed_clear(struct assumed *assumed)
{
    contract_trial_clear(&assumed->second);
    contract_trial_clear(&assumed->first);
}

/* ---- what fits --------------------------------------------------------------------------------------------------- */

/* Fewer roundings are the better explanation. */
static int rank_of(const struct class_whole *whole)
{
    return whole->output ? -1 : __builtin_popcount(whole->minimal[0]);
}

static void drop_kept(struct search *search)
{
    while (search->num_kept > 0)
        assumed_clear(&search->kept[--search->num_kept]);
}

static bool is_kept(const struct search *search, const struct contract_trial *trial)
{
    for (int i = 0; i < search->num_kept; i++)
        if (contract_same(&search->kept[i].second, trial))
            return true;
    return false;
}

static bool reads_lse_anew(const struct search *search, const struct contract_trial *trial)
{
    return trial->output.lse != search->exhibit->output->lse;
}

/* An lse that is read anew is rounded once more, so that what it was before may have been the exact one, rounded once:
 * beside a contract under which the output is that, one of lse in f32 is no worse. */
static int rank_beside(const struct search *search, const struct assumed *assumed, int rank)
{
    bool anew = false;
    if (search->finding->num_fits == 0 || rank + search->rank != -1)
        return rank;
    if (rank == 0)
        return reads_lse_anew(search, &assumed->second) ? search->rank : rank;
    for (int i = 0; i < search->num_kept; i++)
        anew = anew || reads_lse_anew(search, &search->kept[i].second);
    return anew ? search->rank : rank;
}

/* Takes what is assumed, which is then clear, unless what it says is said already, or better. */
static void keep(struct search *search, struct assumed *assumed, const struct contract_fit *fit, int own_rank)
{
    const int rank = rank_beside(search, assumed, own_rank);
    if (search->num_kept > 0 && rank < search->rank) {
        drop_kept(search);
        search->finding->num_fits = 0;
    }
    if (search->finding->num_fits > 0 && rank > search->rank)
        return;
    if (is_kept(search, &assumed->second))
        return;
    search->rank = rank;
    if (search->num_kept < CONTRACT_FITS_MAX) {
        search->finding->fits[search->num_kept] = *fit;
        search->kept[search->num_kept++] = *assumed;
        assumed->first.num_owned = assumed->second.num_owned = 0;
    }
    search->finding->num_fits++;
}

/* An end of a trial: another contract may be named only if this one was looked at. */
static enum error_kind end_trial(struct search *search, struct assumed *assumed, enum error_kind kind,
                                 struct error *error)
{
    bool moved = contract_moved(&assumed->first) || contract_moved(&assumed->second);
    if (!kind && (assumed->first.is_short || assumed->second.is_short))
        kind = error_memory(error, "a contract", (double)search->exhibit->problem->head_dim * sizeof(double));
    if (!kind && search->screen.failed) {
        kind = search->screen.failed;
        if (error)
            *error = search->screen.error;
    }
    if (moved)
        contract_screen_forget(&search->screen);
    assumed_clear(assumed);
    if (!kind && progress_cancelled(search->inquiry.progress))
        kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
    return kind;
}

static enum error_kind try_variant(struct search *search, const struct contract_row *row, int variant,
                                   struct error *error)
{
    struct assumed assumed = {.second = contract_trial_begin(search->exhibit), .has_number = contract_has_number(row)};
    struct contract_fit fit = {
        .name = row->name, .remedy = row->remedy, .seen_as = row->seen_as, .seen_too = row->seen_too};
    const struct contract_clue clue = {&search->screen, search->rows[0]};
    struct class_whole whole;
    enum error_kind kind = ERROR_NONE;
    bool fits;
    if (contract_make(row, &assumed.second, variant, &clue) && screened(search, &assumed.second) &&
        contract_place_keys(&assumed.second)) {
        kind = contract_confirm(&search->inquiry, &assumed.second, &whole, &fits, &fit, error);
        if (!kind && fits)
            keep(search, &assumed, &fit, rank_of(&whole));
    }
    return end_trial(search, &assumed, kind, error);
}

static enum error_kind try_rows(struct search *search, bool fitted, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int r = 0; r < num_contract_rows && !kind; r++)
        for (int variant = 0; variant < contract_rows[r].num_variants && !kind; variant++)
            if (contract_is_fitted(&contract_rows[r]) == fitted)
                kind = try_variant(search, &contract_rows[r], variant, error);
    return kind;
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

/* Of more keys than these no pair is looked for: it would take minutes. */
enum { PAIRED_KEYS_MAX = 1 << 20 };

/* Pairs that are held against a truth; where more pass the screen, the rows do not tell one from another. */
enum { CONFIRMED_MAX = 16 };

/* Makes a pair; false: one of the two is none here. */
static bool make_pair(struct search *search, const struct contract_pair *pair, struct assumed *assumed)
{
    const struct contract_clue clue = {&search->screen, search->rows[0]};
    *assumed = (struct assumed){
        .pair = *pair,
        .is_pair = true,
        .has_number = contract_has_number(pair->row[0]) || contract_has_number(pair->row[1]),
        .first = contract_trial_begin(search->exhibit),
    };
    if (!contract_make(pair->row[0], &assumed->first, pair->variant[0], &clue) || !contract_place_keys(&assumed->first))
        return false;
    assumed->second = contract_trial_on(&assumed->first);
    return contract_make(pair->row[1], &assumed->second, pair->variant[1], &clue);
}

/* Whether the rows that are furthest off are right under a pair. */
static enum error_kind screen_pair(struct search *search, const struct contract_pair *pair, bool *passed,
                                   struct error *error)
{
    struct assumed assumed;
    *passed =
        make_pair(search, pair, &assumed) && screened(search, &assumed.second) && !is_kept(search, &assumed.second);
    return end_trial(search, &assumed, ERROR_NONE, error);
}

/* Holds a pair that has passed the screen against its truth. */
static enum error_kind confirm_pair(struct search *search, const struct contract_pair *pair, struct error *error)
{
    struct assumed assumed;
    struct contract_fit fit = {.name = pair->row[0]->name,
                               .remedy = pair->row[0]->remedy,
                               .remedy_too = pair->row[1]->remedy,
                               .seen_as = pair->row[0]->seen_as == pair->row[1]->seen_as ? pair->row[0]->seen_as
                                                                                         : SIGNATURE_UNKNOWN,
                               .seen_too = pair->row[0]->seen_too | pair->row[1]->seen_too};
    struct class_whole whole;
    enum error_kind kind = ERROR_NONE;
    bool fits;
    if (make_pair(search, pair, &assumed) && !is_kept(search, &assumed.second) &&
        contract_place_keys(&assumed.second)) {
        kind = contract_confirm(&search->inquiry, &assumed.second, &whole, &fits, &fit, error);
        if (!kind && fits && rank_of(&whole) < search->rank_of_singles)
            keep(search, &assumed, &fit, rank_of(&whole));
    }
    return end_trial(search, &assumed, kind, error);
}

static enum error_kind try_pairs(struct search *search, struct error *error)
{
    struct contract_pairs *pairs = malloc(sizeof *pairs);
    int passed[CONFIRMED_MAX], num_passed = 0;
    if (!pairs)
        return error_memory(error, "pairs of contracts", sizeof *pairs);
    enum error_kind kind = contract_pairs_find(pairs, search->exhibit, search->rows[0], search->inquiry.threads,
                                               search->inquiry.progress, error);
    int count = pairs->count <= CONTRACT_PAIRS_MAX ? pairs->count : 0;
    for (int i = 0; i < count && num_passed <= CONFIRMED_MAX && !kind; i++) {
        bool pass;
        kind = screen_pair(search, &pairs->pairs[i], &pass, error);
        if (pass && num_passed++ < CONFIRMED_MAX)
            passed[num_passed - 1] = i;
    }
    search->too_many = num_passed > CONFIRMED_MAX;
    for (int i = 0; i < num_passed && !search->too_many && !kind; i++)
        kind = confirm_pair(search, &pairs->pairs[passed[i]], error);
    free(pairs);
    return kind;
}

/* ---- whether it is the one --------------------------------------------------------------------------------------- */

/* A pair in which roundings explain more than these is one of many that would. */
enum { PAIR_ROUNDINGS_MAX = 2 };

/* Whether the output is far off where one contract of a pair is assumed alone. One that is none by itself, or has no
 * parameter, is what was stated, or as far off as that. */
static enum error_kind weigh_alone(struct search *search, const struct contract_pair *pair, int which, class_set set,
                                   bool *enough, struct error *error)
{
    struct assumed alone = {.second = contract_trial_begin(search->exhibit)};
    const struct contract_clue clue = {&search->screen, search->rows[0]};
    enum error_kind kind = ERROR_NONE;
    if (contract_make(pair->row[which], &alone.second, pair->variant[which], &clue) &&
        contract_place_keys(&alone.second))
        kind = contract_weigh_trial(enough, &search->inquiry, &alone.second, set, error);
    return end_trial(search, &alone, kind, error);
}

/* Where out is as stated, and lse alone tells of the contract, that has to make lse as good as out is: by more
 * roundings than out has, many an lse would come near to. So would two contracts, of one number a row; and of a scale
 * rows tell that are off by different numbers. */
static enum error_kind weigh_lse(const struct search *search, bool *enough, struct error *error)
{
    struct class_whole whole;
    bool out_tells;
    enum error_kind kind =
        contract_weigh_stated(&out_tells, &search->inquiry, search->finding->fits[0].set, true, error);
    if (kind || out_tells)
        return kind;
    const bool is_scale = search->finding->fits[0].seen_as == SIGNATURE_WRONG_SCALE;
    if (search->kept[0].is_pair || (is_scale && contract_lse_is_moved(search->exhibit))) {
        *enough = false;
        return ERROR_NONE;
    }
    kind = contract_classify_stated(&whole, &search->inquiry, true, error);
    if (!kind)
        *enough = whole.outcome != CLASS_FOUND || search->rank <= (whole.output ? 0 : rank_of(&whole));
    return kind;
}

/* What is right as it was stated by no more roundings than under the contract is no case for that. */
static enum error_kind weigh_stated(const struct search *search, bool *enough, struct error *error)
{
    struct class_whole whole;
    enum error_kind kind = contract_classify_stated(&whole, &search->inquiry, false, error);
    if (!kind)
        *enough = class_fewest_roundings(&whole) > search->rank;
    return kind;
}

/* Roundings that are as coarse as what another number, or another pair, would make: beside them none is known. */
static const class_set coarse = 1u << CLASS_WEIGHTS8 | 1u << CLASS_SUMS16;

/* Whether the only one that fits is to be named. */
static enum error_kind weigh(struct search *search, bool *named, struct error *error)
{
    const struct assumed *assumed = &search->kept[0];
    class_set set = search->finding->fits[0].set;
    enum error_kind kind = contract_weigh_stated(named, &search->inquiry, set, false, error);
    if (assumed->is_pair || assumed->has_number)
        *named = *named && !(set & coarse);
    *named = *named && (!assumed->is_pair || contract_is_told(&assumed->second));
    if (!kind && *named && search->rank > 0) /* there are no fewer than none */
        kind = weigh_stated(search, named, error);
    if (!kind && *named && search->exhibit->output->lse)
        kind = weigh_lse(search, named, error);
    for (int which = 0; which < 2 && assumed->is_pair && !kind && *named; which++)
        kind = weigh_alone(search, &assumed->pair, which, set, named, error);
    if (assumed->is_pair && search->rank > PAIR_ROUNDINGS_MAX)
        *named = false;
    return kind;
}

/* Whether a single contract explains the output, and no pair could by fewer roundings. */
static bool is_explained(const struct search *search)
{
    return search->finding->num_fits > 0 && search->rank <= 0;
}

/* A pair is more than a single contract, so that it has to do with fewer roundings. None is looked for that could not
 * be named. */
static enum error_kind look_for_pairs(struct search *search, struct error *error)
{
    bool enough = false;
    enum error_kind kind = ERROR_NONE;
    search->rank_of_singles = search->finding->num_fits > 0 ? search->rank : CLASS_ROUNDING_COUNT + 1;
    if (is_explained(search) || search->exhibit->problem->seq_len > PAIRED_KEYS_MAX)
        return ERROR_NONE;
    kind = contract_weigh_stated(&enough, &search->inquiry, CLASS_F32, false, error);
    return kind || !enough ? kind : try_pairs(search, error);
}

/* The search itself, which has rows to look at. */
static enum error_kind look_for(struct search *search, struct error *error)
{
    struct contract_finding *finding = search->finding;
    const struct problem *problem = search->exhibit->problem;
    search->inquiry.kv_head = problem_kv_head(problem, search->rows[0] % problem->num_heads);
    enum error_kind kind = contract_find_bits(finding, &search->inquiry, error);
    if (kind || finding->named)
        return kind;
    kind = contract_screen_init(&search->screen, problem, SCREEN_ALL_ELEMENTS, error);
    search->screen.parts = search->exhibit->parts;
    if (!kind)
        kind = try_rows(search, false, error);
    if (!kind && !is_explained(search)) /* no parameter explains it better than f32 does */
        kind = try_rows(search, true, error);
    if (!kind)
        kind = look_for_pairs(search, error);
    if (!kind && finding->num_fits == 1 && !search->too_many)
        kind = weigh(search, &finding->named, error);
    if (!kind && !finding->named)
        kind = contract_find_rows(finding, &search->inquiry, error);
    drop_kept(search);
    contract_screen_clear(&search->screen);
    return kind;
}

enum error_kind contract_search(struct contract_finding *finding, const struct exhibit *exhibit,
                                const struct verdict *verdict, const struct class_demand *demand, int threads,
                                struct progress *progress, struct error *error)
{
    struct problem problem = *exhibit->problem;
    struct exhibit stated = *exhibit;
    struct search search = {
        .finding = finding, .exhibit = &stated, .verdict = verdict, .inquiry = {&stated, demand, 0, threads, progress}};
    *finding = (struct contract_finding){.num_fits = 0};
    if (problem.k && problem.v)
        stated.parts = NULL;
    if (stated.parts) {
        problem.k = &stated.parts->k;
        problem.v = &stated.parts->v;
        stated.problem = &problem;
    }
    choose_rows(&search);
    return exhibit_has_keys(&stated) && search.num_rows > 0 ? look_for(&search, error) : ERROR_NONE;
}
