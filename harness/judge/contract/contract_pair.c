#include "harness/judge/contract/contract_pair.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "reference/computing_environment.h"

bool contract_rows_pair(const struct contract_row *first, const struct contract_row *second)
{
    if (strcmp(first->name, second->name) == 0 || first->stage > second->stage || second->stage == STAGE_ALONE)
        return false;
    if (first->stage == second->stage)
        return first < second && first->stage != STAGE_KEYS && !contract_is_fitted(first);
    if (first->stage == STAGE_SEARCHED || second->stage == STAGE_SEARCHED)
        return second->stage == STAGE_LSE;
    return true;
}

/* What came of a second contract on top of a first. */
enum second { SECOND_FAILS, SECOND_PASSES, SECOND_ELSEWHERE, SECOND_SHORT };

/* The search at work. */
struct work {
    struct contract_pairs *pairs;
    const struct exhibit *stated;
    int row, threads;
    struct contract_screen *screens; /* [threads] */
    enum second *came;               /* [variants] of the seconds */
    int num_variants;
};

/* All variants of all rows, counted on. */
static int count_variants(void)
{
    int count = 0;
    for (int r = 0; r < num_contract_rows; r++)
        count += contract_rows[r].num_variants;
    return count;
}

/* The row of variant number at, which becomes that of the row. */
static const struct contract_row *row_of(int *at)
{
    const struct contract_row *row = contract_rows;
    for (; *at >= row->num_variants; row++)
        *at -= row->num_variants;
    return row;
}

static void work_clear(struct work *work)
{
    for (int i = 0; work->screens && i < work->threads; i++)
        if (work->screens[i].logits)
            contract_screen_clear(&work->screens[i]);
    free(work->screens);
    free(work->came);
}

static enum error_kind work_init(struct work *work, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    work->num_variants = count_variants();
    work->screens = calloc((size_t)work->threads, sizeof *work->screens);
    work->came = calloc((size_t)work->num_variants, sizeof *work->came);
    if (!work->screens || !work->came)
        kind = error_memory(error, "pairs of contracts", (double)work->threads * sizeof *work->screens);
    for (int i = 0; i < work->threads && !kind; i++)
        kind = contract_screen_init(&work->screens[i], work->stated->problem, SCREEN_SAMPLE, error);
    for (int i = 0; i < work->threads && !kind; i++)
        work->screens[i].parts = work->stated->parts;
    return kind;
}

/* What a screen could not open. */
static enum error_kind screens_failed(const struct work *work, struct error *error)
{
    for (int i = 0; i < work->threads; i++)
        if (work->screens[i].failed) {
            if (error)
                *error = work->screens[i].error;
            return work->screens[i].failed;
        }
    return ERROR_NONE;
}

/* Whether the sample does not speak against a second. */
static enum second try_second(const struct work *work, const struct contract_trial *first,
                              const struct contract_row *row, int variant, struct contract_screen *screen)
{
    const struct contract_clue clue = {screen, work->row};
    struct contract_trial trial = contract_trial_on(first);
    screen->elsewhere = false;
    bool passes = contract_make(row, &trial, variant, &clue) && contract_screen_row(screen, &trial, work->row);
    bool is_short = trial.is_short;
    contract_trial_clear(&trial);
    return is_short ? SECOND_SHORT : screen->elsewhere ? SECOND_ELSEWHERE : passes ? SECOND_PASSES : SECOND_FAILS;
}

/* Opens, of a problem in parts, that of the first's row for all screens. Of what fails screens_failed tells. */
static void open_part(struct work *work, const struct contract_trial *first)
{
    for (int i = 0; i < work->threads; i++) {
        struct contract_screen *screen = &work->screens[i];
        screen->moved = first;
        contract_screen_open(screen, &first->problem, work->row);
        screen->moved = NULL;
    }
}

/* Tries all seconds, one after the other in each thread, which look at the part that is open, and then those that look
 * at another one. False if memory is short. */
static bool try_seconds(struct work *work, const struct contract_row *row, const struct contract_trial *first)
{
    bool is_short = false;
    open_part(work, first);
#pragma omp parallel num_threads(work->threads)
    {
        COMPUTING_ENVIRONMENT();
        struct contract_screen *screen = &work->screens[omp_get_thread_num()];
        screen->stays = true;
#pragma omp for schedule(dynamic, 4)
        for (int i = 0; i < work->num_variants; i++) {
            int variant = i;
            const struct contract_row *second = row_of(&variant);
            work->came[i] =
                contract_rows_pair(row, second) ? try_second(work, first, second, variant, screen) : SECOND_FAILS;
        }
        screen->stays = false;
    }
    for (int i = 0; i < work->num_variants; i++) {
        int variant = i;
        const struct contract_row *second = row_of(&variant);
        if (work->came[i] == SECOND_ELSEWHERE)
            work->came[i] = try_second(work, first, second, variant, &work->screens[0]);
        is_short |= work->came[i] == SECOND_SHORT;
    }
    return !is_short;
}

static void take_passed(struct work *work, const struct contract_row *row, int variant)
{
    for (int i = 0; i < work->num_variants; i++) {
        int of_second = i;
        const struct contract_row *second = row_of(&of_second);
        if (work->came[i] == SECOND_PASSES && work->pairs->count++ < CONTRACT_PAIRS_MAX)
            work->pairs->pairs[work->pairs->count - 1] = (struct contract_pair){{row, second}, {variant, of_second}};
    }
}

/* Nothing is kept of tensors that are no longer there. */
static void forget(struct work *work, const struct contract_trial *first)
{
    for (int i = 0; i < work->threads && contract_moved(first); i++)
        contract_screen_forget(&work->screens[i]);
}

/* Whether any contract goes on top of this one. */
static bool has_seconds(const struct contract_row *first)
{
    for (int r = 0; r < num_contract_rows; r++)
        if (contract_rows_pair(first, &contract_rows[r]))
            return true;
    return false;
}

static enum error_kind try_first(struct work *work, const struct contract_row *row, int variant, struct error *error)
{
    struct contract_trial first = contract_trial_begin(work->stated);
    const struct contract_clue clue = {&work->screens[0], work->row};
    bool enough = true;
    if (contract_make(row, &first, variant, &clue) && contract_place_keys(&first)) {
        enough = try_seconds(work, row, &first);
        take_passed(work, row, variant);
    }
    bool is_short = first.is_short || !enough;
    forget(work, &first);
    contract_trial_clear(&first);
    return is_short ? error_memory(error, "a contract", (double)work->stated->problem->head_dim * sizeof(double))
                    : ERROR_NONE;
}

enum error_kind contract_pairs_find(struct contract_pairs *pairs, const struct exhibit *stated, int row, int threads,
                                    const struct progress *progress, struct error *error)
{
    struct work work = {.pairs = pairs, .stated = stated, .row = row, .threads = threads};
    pairs->count = 0;
    enum error_kind kind = work_init(&work, error);
    for (int r = 0; r < num_contract_rows && !kind; r++)
        for (int variant = 0; variant < contract_rows[r].num_variants && !kind && has_seconds(&contract_rows[r]);
             variant++) {
            kind = try_first(&work, &contract_rows[r], variant, error);
            if (!kind)
                kind = screens_failed(&work, error);
            if (!kind && progress_cancelled(progress))
                kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
        }
    work_clear(&work);
    return kind;
}
