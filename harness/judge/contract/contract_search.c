#include "harness/judge/contract/contract_search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/class/class_rounding.h"
#include "harness/judge/contract/contract_table.h"

enum { SCREENED_ROWS = 3 };

struct search {
    struct contract_finding *finding;
    const struct exhibit *exhibit;
    const struct verdict *verdict;
    struct contract_screen screen;
    struct contract_trial kept[CONTRACT_FITS_MAX]; /* of the finding's fits */
    int num_kept, rank;
    int rows[SCREENED_ROWS], num_rows; /* the furthest off, worst first */
    int threads;
    struct progress *progress;
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

/* Holds a trial against its own truth, on all rows. */
static enum error_kind confirm(struct search *search, const struct contract_trial *trial, struct class_whole *whole,
                               struct contract_fit *fit, struct error *error)
{
    struct truth truth;
    struct class_report report = {.num_rows = 0};
    const struct truth_options options = {
        .precision = TRUTH_DEFAULT_PRECISION, .threads = search->threads, .progress = search->progress};
    enum error_kind kind = truth_init(&truth, &trial->problem, error);
    if (!kind)
        kind = truth_compute(&truth, TRUTH_CERTIFIED, &trial->problem, &options, error);
    const struct exhibit exhibit = {
        .problem = &trial->problem, .output = &trial->output, .truth = &truth, .criterion = search->exhibit->criterion};
    if (!kind)
        kind = class_find(&report, &exhibit, search->threads, search->progress, error);
    if (!kind) {
        class_of_rows(whole, &report);
        fit->set = whole->minimal[0];
        class_name(fit->class_name, whole);
        snprintf(fit->text, sizeof fit->text, "%s", trial->text);
    }
    class_report_clear(&report);
    truth_clear(&truth);
    return kind;
}

/* ---- what fits --------------------------------------------------------------------------------------------------- */

static bool near(double a, double b)
{
    return a == b || fabs(a - b) <= 0x1p-10 * fmax(fabs(a), fabs(b));
}

static bool same_mask(const struct problem *a, const struct problem *b)
{
    for (int64_t key = 0; key < a->seq_len; key++)
        if (problem_visible(a, key) != problem_visible(b, key))
            return false;
    return true;
}

/* Whether two trials are one to all that an output can tell. */
static bool same_contract(const struct contract_trial *x, const struct contract_trial *y)
{
    const struct problem *a = &x->problem, *b = &y->problem;
    if (a->q != b->q || a->k != b->k || a->v != b->v || x->output.out != y->output.out ||
        x->output.lse != y->output.lse || a->soft_cap != b->soft_cap || a->sink_logits != b->sink_logits ||
        a->q_position != b->q_position || !near((double)a->scale, (double)b->scale) ||
        !near((double)a->k_scale, (double)b->k_scale) || !near((double)a->v_scale, (double)b->v_scale) ||
        (a->soft_cap && !near((double)a->soft_cap_value, (double)b->soft_cap_value)))
        return false;
    for (int h = 0; h < a->num_heads; h++)
        if (!near((double)a->slopes[h], (double)b->slopes[h]))
            return false;
    return same_mask(a, b);
}

/* Fewer roundings are the better explanation. */
static int rank_of(const struct class_whole *whole)
{
    return whole->output ? -1 : __builtin_popcount(whole->minimal[0]);
}

/* Takes the trial, which is then clear, unless what it says is said already, or better. */
static void keep(struct search *search, struct contract_trial *trial, const struct contract_fit *fit, int rank)
{
    if (search->num_kept > 0 && rank < search->rank) {
        while (search->num_kept > 0)
            contract_trial_clear(&search->kept[--search->num_kept]);
        search->finding->num_fits = 0;
    }
    if (search->finding->num_fits > 0 && rank > search->rank)
        return;
    for (int i = 0; i < search->num_kept; i++)
        if (same_contract(&search->kept[i], trial))
            return;
    search->rank = rank;
    if (search->num_kept < CONTRACT_FITS_MAX) {
        search->finding->fits[search->num_kept] = *fit;
        search->kept[search->num_kept++] = *trial;
        trial->num_owned = 0;
    }
    search->finding->num_fits++;
}

static enum error_kind try_variant(struct search *search, const struct contract_row *row, int variant,
                                   struct error *error)
{
    struct contract_trial trial = contract_trial_begin(search->exhibit);
    struct contract_fit fit = {.name = row->name, .remedy = row->remedy};
    const struct contract_clue clue = {&search->screen, search->rows[0]};
    struct class_whole whole;
    enum error_kind kind = ERROR_NONE;
    if (row->make(&trial, variant, &clue) && screened(search, &trial)) {
        kind = confirm(search, &trial, &whole, &fit, error);
        if (!kind && whole.outcome == CLASS_FOUND)
            keep(search, &trial, &fit, rank_of(&whole));
    }
    /* Another contract may be named only if this one was looked at. */
    if (!kind && trial.is_short)
        kind = error_memory(error, "a contract", (double)search->exhibit->problem->head_dim * sizeof(double));
    contract_trial_clear(&trial);
    if (!kind && progress_cancelled(search->progress))
        kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
    return kind;
}

static enum error_kind try_rows(struct search *search, bool fitted, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int r = 0; r < num_contract_rows && !kind; r++)
        for (int variant = 0; variant < contract_rows[r].num_variants && !kind; variant++)
            if (contract_rows[r].fitted == fitted)
                kind = try_variant(search, &contract_rows[r], variant, error);
    return kind;
}

/* ---- whether it is the one --------------------------------------------------------------------------------------- */

enum { EVIDENCE_ELEMENTS = 64, EVIDENCE_ROWS = 2, EVIDENCE_FACTOR = 8 };

/* Whether the output as stated is far beyond what the roundings of the class can do. */
static enum error_kind weigh(struct search *search, class_set set, bool *enough, struct error *error)
{
    const struct exhibit *exhibit = search->exhibit;
    const struct problem *problem = exhibit->problem;
    const struct truth *truth = exhibit->truth;
    const struct rounding_model model = class_rounding_model(set, problem);
    size_t dim = (size_t)problem->head_dim, rows = (size_t)problem_rows(problem);
    double *bound = malloc(rows * dim * sizeof *bound), *lse_bound = malloc(rows * sizeof *lse_bound);
    int64_t elements = 0, rows_off = 0, lse_off = 0;
    enum error_kind kind = bound && lse_bound ? error_bounds(bound, lse_bound, &model, problem, truth, search->threads,
                                                             search->progress, error)
                                              : error_memory(error, "bounds", (double)(rows * dim) * sizeof *bound);
    for (size_t row = 0; row < rows && !kind; row++) {
        int64_t before = elements;
        for (size_t d = 0; d < dim; d++) {
            size_t i = row * dim + d;
            float out;
            dtype_widen(problem->dtype, exhibit->output->out, i, 1, &out);
            double off = fabs((double)out - truth->value[i] - truth->tail[i]);
            elements += isnan(off) || off > EVIDENCE_FACTOR * (bound[i] + truth->radius[i]);
        }
        rows_off += elements > before;
        double lse = exhibit->output->lse ? fabs((double)exhibit->output->lse[row] - truth->lse[row]) : 0;
        lse_off += isnan(lse) || lse > EVIDENCE_FACTOR * (lse_bound[row] + truth->lse_radius[row]);
    }
    *enough = (elements >= EVIDENCE_ELEMENTS && rows_off >= EVIDENCE_ROWS) || lse_off >= EVIDENCE_ROWS;
    free(bound);
    free(lse_bound);
    return kind;
}

enum error_kind contract_search(struct contract_finding *finding, const struct exhibit *exhibit,
                                const struct verdict *verdict, int threads, struct progress *progress,
                                struct error *error)
{
    struct search search = {
        .finding = finding, .exhibit = exhibit, .verdict = verdict, .threads = threads, .progress = progress};
    *finding = (struct contract_finding){.num_fits = 0};
    choose_rows(&search);
    if (!exhibit->problem->k || !exhibit->problem->v || search.num_rows == 0)
        return ERROR_NONE;
    enum error_kind kind = contract_screen_init(&search.screen, exhibit->problem, error);
    if (!kind)
        kind = try_rows(&search, false, error);
    if (!kind && !(finding->num_fits > 0 && search.rank <= 0)) /* no parameter explains it better than f32 does */
        kind = try_rows(&search, true, error);
    if (!kind && finding->num_fits == 1)
        kind = weigh(&search, finding->fits[0].set, &finding->named, error);
    while (search.num_kept > 0)
        contract_trial_clear(&search.kept[--search.num_kept]);
    contract_screen_clear(&search.screen);
    return kind;
}
