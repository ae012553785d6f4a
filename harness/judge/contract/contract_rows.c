/* Outputs whose rows are the results of other rows: written to each other's places, or left from another query. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/contract/contract_reading.h"

/* Every row is held against every other one. */
enum { ROWS_MAX = 4096 };

/* Squares of what is off that are so many times smaller. */
enum { BY_FAR = 16 };

/* Whether two rows ask different questions: of one query, what another head has is another slope, or another KV head.
 */
static bool queries_differ(const struct problem *problem, int row, int other)
{
    size_t bytes = (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes;
    const char *q = problem->q;
    return memcmp(q + (size_t)row * bytes, q + (size_t)other * bytes, bytes) != 0;
}

/* The squares of what a row is off another one's result, or more than so many. */
static double squares_off(const double *values, const struct truth *truth, int row, int of, double most)
{
    size_t dim = (size_t)truth->head_dim;
    const double *value = values + (size_t)row * dim, *exact = truth->value + (size_t)of * dim;
    double squares = 0;
    for (size_t d = 0; d < dim && squares <= most; d++)
        squares += (value[d] - exact[d]) * (value[d] - exact[d]);
    return squares;
}

/* The row whose result is nearest to a row's; its own where no other is so by far: rows that are alike are its own. */
static int nearest_row(const double *values, const struct exhibit *stated, int row)
{
    const struct truth *truth = stated->truth;
    int nearest = row;
    double least = squares_off(values, truth, row, row, INFINITY) / BY_FAR;
    for (int of = 0; of < truth->num_rows; of++) {
        double squares = of == row ? INFINITY : squares_off(values, truth, row, of, least);
        if (squares < least && queries_differ(stated->problem, row, of)) {
            least = squares;
            nearest = of;
        }
    }
    return nearest;
}

/* "head 2 of query 1" */
static size_t say_row(char *text, size_t size, const struct problem *problem, int row)
{
    int heads = problem->num_heads;
    if (problem_queries(problem) == 1)
        return (size_t)snprintf(text, size, "head %d", row);
    return (size_t)snprintf(text, size, "head %d of query %d", row % heads, row / heads);
}

/* By how many queries all rows that moved have, in their own head; 0: some have by others, or in another head. */
static int queries_moved(const struct problem *problem, const int *of_row)
{
    int by = 0, heads = problem->num_heads;
    for (int row = 0; row < problem_rows(problem); row++) {
        int moved = of_row[row] - row;
        if (moved == 0)
            continue;
        if (moved % heads != 0 || (by != 0 && moved / heads != by))
            return 0;
        by = moved / heads;
    }
    return by;
}

/* Whether all rows that moved are of heads that differ in nothing but q: that may have moved as well. */
static bool heads_are_alike(const struct problem *problem, const int *of_row)
{
    int heads = problem->num_heads;
    bool alike = true;
    for (int row = 0; row < problem_rows(problem) && alike; row++) {
        int head = row % heads, of = of_row[row] % heads;
        alike = row / heads == of_row[row] / heads && problem->slopes[head] == problem->slopes[of] &&
                problem_kv_head(problem, head) == problem_kv_head(problem, of) &&
                (!problem->sink_logits || problem->sink_logits[head] == problem->sink_logits[of]);
    }
    return alike;
}

/* What stands in the place of what: the first few. */
static void say_rows(char text[CONTRACT_TEXT_SIZE], const struct problem *problem, const int *of_row, bool has_lse,
                     bool with_lse)
{
    enum { SAID = 3 };
    const size_t size = CONTRACT_TEXT_SIZE;
    const char *what = with_lse ? "out and lse" : has_lse ? "out alone" : "out";
    const char *or_q = heads_are_alike(problem, of_row) && with_lse == has_lse ? ", or q," : "";
    int by = queries_moved(problem, of_row), moved = 0;
    for (int row = 0; row < problem_rows(problem); row++)
        moved += of_row[row] != row;
    if (by != 0) {
        snprintf(text, size, "%s of %d rows those of the same head, %d %s %s", what, moved, abs(by),
                 abs(by) == 1 ? "query" : "queries", by < 0 ? "earlier" : "later");
        return;
    }
    size_t used = (size_t)snprintf(text, size, "%s%s of %d rows those of others: ", what, or_q, moved);
    for (int row = 0, said = 0; row < problem_rows(problem) && said < SAID; row++) {
        if (of_row[row] == row)
            continue;
        used += (size_t)snprintf(text + used, size - used, "%s", said++ ? ", " : "");
        used += say_row(text + used, size - used, problem, row);
        used += (size_t)snprintf(text + used, size - used, " has that of ");
        used += say_row(text + used, size - used, problem, of_row[row]);
    }
    if (moved > SAID)
        snprintf(text + used, size - used, ", and %d more", moved - SAID);
}

static const char remedy[] = "Write each row to its own place, and leave nothing there of an earlier query.";

/* With the lse of the other rows, or with their own. */
static enum error_kind weigh_rows(struct contract_finding *finding, struct contract_reading *reading,
                                  const struct contract_inquiry *inquiry, struct error *error)
{
    const struct exhibit *stated = inquiry->stated;
    enum error_kind kind = ERROR_NONE;
    const bool has_lse = stated->output->lse;
    bool right = false;
    for (int own_lse = 0; own_lse <= has_lse && !right && !kind; own_lse++) {
        struct contract_fit fit = {.name = "rows", .remedy = remedy, .seen_as = SIGNATURE_UNKNOWN};
        reading->with_lse = !own_lse;
        kind = contract_reading_weigh(&right, &fit, reading, inquiry, error);
        if (!kind && right) {
            fit.seen_too = 1u << SIGNATURE_UNKNOWN;
            say_rows(fit.text, stated->problem, reading->of_row, has_lse, has_lse && !own_lse);
            *finding = (struct contract_finding){.fits = {fit}, .num_fits = 1, .named = true};
        }
    }
    return kind;
}

enum error_kind contract_find_rows(struct contract_finding *finding, const struct contract_inquiry *inquiry,
                                   struct error *error)
{
    const struct exhibit *stated = inquiry->stated;
    const struct problem *problem = stated->problem;
    const int rows = problem_rows(problem);
    const size_t elements = (size_t)problem_elements(problem);
    if (rows < 2 || rows > ROWS_MAX || stated->parts)
        return ERROR_NONE;
    double *values = malloc(elements * sizeof *values);
    int *of_row = malloc((size_t)rows * sizeof *of_row), moved = 0;
    enum error_kind kind =
        values && of_row ? ERROR_NONE : error_memory(error, "rows", (double)elements * sizeof *values);
    for (size_t i = 0; i < elements && !kind; i++) {
        float value;
        dtype_widen(problem->dtype, stated->output->out, i, 1, &value);
        values[i] = (double)value;
    }
    for (int row = 0; row < rows && !kind; row++) {
        of_row[row] = nearest_row(values, stated, row);
        moved += of_row[row] != row;
    }
    struct contract_reading reading = {
        .dtype = problem->dtype, .values = values, .count = (int64_t)elements, .of_row = of_row};
    if (!kind && moved > 0)
        kind = weigh_rows(finding, &reading, inquiry, error);
    free(values);
    free(of_row);
    return kind;
}
