#include "harness/judge/contract/row_terms.h"

#include <math.h>
#include <string.h>

#include "harness/judge/contract/contract_screen.h"

/* Takes a term into its place among the largest. */
static void take(struct row_term *terms, int max, int *count, const struct row_term *term)
{
    int place = *count;
    while (place > 0 && terms[place - 1].weight < term->weight)
        place--;
    if (place == max)
        return;
    int last = *count < max ? (*count)++ : max - 1;
    memmove(&terms[place + 1], &terms[place], (size_t)(last - place) * sizeof *terms);
    terms[place] = *term;
}

enum error_kind row_terms_find(struct row_term *terms, int max, int *count, const struct exhibit *exhibit, int row,
                               int dim, struct error *error)
{
    struct contract_screen screen;
    const struct problem *problem = exhibit->problem, one = problem_query(problem, row / problem->num_heads);
    int head = row % problem->num_heads;
    *count = 0;
    enum error_kind kind = contract_screen_init(&screen, problem, SCREEN_ALL_ELEMENTS, error);
    if (kind)
        return kind;
    double lse = contract_screen_attend(&screen, problem, row), whole = screen.sums[dim];
    for (int64_t key = 0; key < one.seq_len && lse > -INFINITY; key++) {
        float value;
        double weight = exp(screen.logits[key] - lse);
        if (!(weight > 0))
            continue;
        dtype_widen(problem_kv_dtype(&one), one.v, problem_row(&one, key, problem_kv_head(&one, head)) + (size_t)dim, 1,
                    &value);
        struct row_term term = {
            .key = key,
            .distance = problem_distance(&one, key),
            .bias = (double)one.slopes[head] * (double)problem_distance(&one, key),
            .logit = screen.logits[key],
            .weight = weight,
            .value = (double)value * problem_value_scale(&one),
        };
        term.dropped = weight < 1 ? (whole - weight * term.value) / (1 - weight) : 0;
        term.doubled = (whole + weight * term.value) / (1 + weight);
        take(terms, max, count, &term);
    }
    contract_screen_clear(&screen);
    return ERROR_NONE;
}
