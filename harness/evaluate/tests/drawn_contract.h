/*
 * What a kernel answers that has another contract, and is exact otherwise; and contracts that read keys in another
 * place, drawn at random: of every kind that contract_table.c has, alone or with another contract on top of it.
 */
#ifndef HARNESS_EVALUATE_TESTS_DRAWN_CONTRACT_H
#define HARNESS_EVALUATE_TESTS_DRAWN_CONTRACT_H

#include "harness/evaluate/evaluation.h"
#include "harness/judge/contract/contract_pair.h"
#include "reference/tests/drawn_problem.h"

typedef bool contract_maker(struct contract_trial *trial, int variant, const struct contract_clue *clue);

/* The row with a maker, which there is. */
static inline const struct contract_row *contract_row_of(contract_maker *make)
{
    const struct contract_row *row = contract_rows;
    while (row->make != make)
        row++;
    return row;
}

/* A variant of a contract that has one of these makers. */
static inline const struct contract_row *contract_draw(contract_maker *const *makers, int count, uint64_t *state,
                                                       int *variant)
{
    const struct contract_row *row = contract_row_of(makers[draw_below(state, count)]);
    *variant = draw_below(state, row->num_variants);
    return row;
}

/* The exact results of a trial's problem, whose rows are those of the evaluation, as the evaluation's output. */
static inline void contract_write(struct evaluation *evaluation, const struct contract_trial *trial,
                                  struct contract_screen *screen)
{
    const struct problem *problem = &evaluation->judged.problem;
    size_t dim = (size_t)problem->head_dim;
    for (int row = 0; row < problem_rows(problem); row++) {
        evaluation->judged.output.lse[row] = (float)contract_screen_attend(screen, &trial->problem, row);
        for (size_t d = 0; d < dim; d++) {
            const float value = (float)screen->sums[d];
            dtype_narrow(problem->dtype, evaluation->judged.output.out, (size_t)row * dim + d, 1, &value);
        }
    }
}

/* Moves the keys of a trial, or none of it: *second, on top of *first, is the trial. */
static inline bool contract_move(struct contract_trial *first, struct contract_trial *second,
                                 const struct contract_clue *clue, uint64_t *state)
{
    static contract_maker *const movers[] = {
        contract_make_layout,      contract_make_layout,      contract_make_shifted,  contract_make_pages,
        contract_make_one_kv_head, contract_make_one_kv_head, contract_make_next_key, contract_make_counted};
    static contract_maker *const others[] = {contract_make_scale, contract_make_slope_factor, contract_make_no_bias,
                                             contract_make_exchange};
    int variant, other;
    const struct contract_row *row = contract_draw(movers, (int)(sizeof movers / sizeof *movers), state, &variant);
    const struct contract_row *on_top = contract_draw(others, (int)(sizeof others / sizeof *others), state, &other);
    bool is_pair = draw_below(state, 3) == 0 && contract_rows_pair(row, on_top);
    if (!contract_make(row, first, variant, clue) || !contract_place_keys(first))
        return false;
    *second = contract_trial_on(first);
    return !is_pair || contract_make(on_top, second, other, clue);
}

/* In the place of the evaluation's output. text[CONTRACT_TEXT_SIZE]: what was drawn; *done: the problem has it. */
static inline enum error_kind contract_answer(struct evaluation *evaluation, uint64_t *state, char *text, bool *done,
                                              struct error *error)
{
    struct problem *problem = &evaluation->judged.problem;
    const struct exhibit stated = {
        .problem = problem, .output = &evaluation->judged.output, .truth = &evaluation->judged.truth};
    struct contract_trial first = contract_trial_begin(&stated), trial = first;
    struct contract_screen screen;
    const struct contract_clue clue = {&screen, 0};
    enum error_kind kind = contract_screen_init(&screen, problem, SCREEN_ALL_ELEMENTS, error);
    if (kind)
        return kind;
    *done = contract_move(&first, &trial, &clue, state);
    if (*done)
        contract_write(evaluation, &trial, &screen);
    snprintf(text, CONTRACT_TEXT_SIZE, "%s", trial.text);
    if (first.is_short || trial.is_short)
        kind = error_memory(error, "a contract", (double)problem->seq_len);
    contract_trial_clear(&trial);
    contract_trial_clear(&first);
    contract_screen_clear(&screen);
    return kind;
}

#endif
