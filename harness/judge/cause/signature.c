#include "harness/judge/cause/signature.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/cause/copied_row.h"
#include "harness/judge/cause/epsilon_witness.h"
#include "harness/judge/cause/error_lean.h"
#include "harness/judge/cause/hypothesis.h"
#include "harness/judge/cause/inquiry.h"
#include "harness/judge/cause/lse_alone.h"
#include "harness/judge/cause/match_shared.h"
#include "harness/judge/cause/nearest_values.h"
#include "harness/judge/cause/shift_or_slope.h"
#include "harness/judge/cause/signature_info.h"
#include "harness/judge/cause/slope_witness.h"
#include "harness/judge/cause/unlike_row.h"
#include "reference/computing_environment.h"

enum { MAX_EXAMINED = 4, MAX_UNLIKE = 2 };

static bool truth_is_finite(const struct suspect *suspect)
{
    for (int d = 0; d < suspect->problem->head_dim; d++)
        if (!isfinite(suspect->truth[d]))
            return false;
    return !isnan(suspect->truth_lse) && suspect->truth_lse != INFINITY;
}

/* ---- what the keys predict ------------------------------------------------------------------------------------- */

/* Of which rows a hypothesis is tried: all, those that fail, or those of them that nothing explains well yet. */
enum tried_of { ALL_ROWS, FAILING_ROWS, OPEN_ROWS };

/* In order: each finds what those before it have offered. One that reads keys beyond the row's own can fail. */
static const struct {
    enum tried_of of;
    void (*offer)(struct suspect *suspect);
    enum error_kind (*read)(struct suspect *suspect, struct error *error);
} hypotheses[] = {
    {FAILING_ROWS, .offer = hypothesis_lse},
    {FAILING_ROWS, .offer = hypothesis_cap},
    {FAILING_ROWS, .offer = hypothesis_queries},
    {FAILING_ROWS, .read = hypothesis_mask},
    {FAILING_ROWS, .offer = hypothesis_contract},
    {OPEN_ROWS, .read = hypothesis_keys},
    {OPEN_ROWS, .offer = hypothesis_one_key},
    {ALL_ROWS, .read = hypothesis_chunk},
    {OPEN_ROWS, .read = hypothesis_heads},
    {OPEN_ROWS, .offer = hypothesis_places},
    {OPEN_ROWS, .offer = hypothesis_scale},
    {OPEN_ROWS, .offer = hypothesis_slope},
    {OPEN_ROWS, .offer = hypothesis_rounded_output},
    {OPEN_ROWS, .offer = hypothesis_rounding},
    {OPEN_ROWS, .offer = hypothesis_rounded_weights},
    {OPEN_ROWS, .offer = hypothesis_any_slope},
    {OPEN_ROWS, .offer = hypothesis_any_scale},
    {OPEN_ROWS, .read = hypothesis_merge},
    {OPEN_ROWS, .read = hypothesis_doubled},
    {OPEN_ROWS, .read = hypothesis_few_keys},
    {OPEN_ROWS, .read = hypothesis_stale},
};

enum { NUM_HYPOTHESES = sizeof hypotheses / sizeof hypotheses[0] };

static bool is_tried(enum tried_of of, const struct suspect *suspect)
{
    return of == ALL_ROWS || (suspect->fails && (of == FAILING_ROWS || !suspect_is_settled(suspect)));
}

static enum error_kind explain_by_keys(struct suspect *suspect, struct error *error)
{
    enum error_kind kind = suspect_read_keys(suspect, error);
    if (!kind && !suspect->by_lse)
        suspect->of_one_key = nearest_values_left_by_one(suspect);
    for (size_t i = 0; i < NUM_HYPOTHESES && !kind && !progress_cancelled(suspect->progress); i++) {
        if (!is_tried(hypotheses[i].of, suspect))
            continue;
        if (hypotheses[i].offer)
            hypotheses[i].offer(suspect);
        else
            kind = hypotheses[i].read(suspect, error);
    }
    if (!kind && progress_cancelled(suspect->progress))
        kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
    return kind;
}

/* ---- the finding ----------------------------------------------------------------------------------------------- */

/* Whether a bias that is gone may be one that rounding has taken away, in all rows that it is gone in. */
static bool is_untold_bias(const struct suspect *suspects, int failing, const struct match *match)
{
    bool any = false;
    for (int i = 0; i < failing && match->signature == SIGNATURE_DROPPED_BIAS; i++) {
        if (suspects[i].best.signature == SIGNATURE_DROPPED_BIAS && !suspects[i].rounded_away)
            return false;
        any |= suspects[i].rounded_away;
    }
    return any;
}

/* The worst row, or if nothing explains that one the row whose signature explains most of the others. The match that it
 * is concluded from. */
static const struct match *conclude(struct signature_finding *finding, const struct suspect *suspects, int failing)
{
    int chosen = 0, most = 0;
    for (int i = 1; i < failing && suspects[0].best.signature == SIGNATURE_UNKNOWN; i++) {
        int rows = suspects[i].best.signature == SIGNATURE_UNKNOWN
                       ? 0
                       : match_rows(suspects, failing, match_most_shared(suspects, failing, &suspects[i]), true);
        if (rows > most) {
            most = rows;
            chosen = i;
        }
    }
    static const struct match none = {.signature = SIGNATURE_UNKNOWN, .residual = NAN};
    const struct match *best = match_most_shared(suspects, failing, &suspects[chosen]);
    const char *seen = suspects[chosen].remark;
    if (is_untold_bias(suspects, failing, best)) {
        seen = "out is as without a bias, and as with biases that are rounded to one number far from the query: no lse "
               "tells which";
        best = &none;
    } else if (!match_stands(suspects, failing, best)) {
        seen = best->signature == SIGNATURE_SILENT_ZERO ? best->detail : seen;
        best = &none;
    }
    bool unknown = best->signature == SIGNATURE_UNKNOWN;
    finding->signature = best->signature;
    inquiry_place(finding, suspects[chosen].whole, suspects[chosen].of_row);
    finding->num_rows_examined = failing;
    finding->num_rows_explained = unknown ? 0 : match_rows(suspects, failing, best, true);
    finding->residual = (double)(float)best->residual; /* libm's last bits differ from CPU to CPU */
    finding->remedy = best->remedy ? best->remedy : signature_remedy(best->signature);
    snprintf(finding->detail, sizeof finding->detail, "%.*s", (int)sizeof finding->detail - 1,
             unknown && seen[0] ? seen : best->detail);
    return best;
}

/* Whether what stands in masked slots is known to change results: of a kernel whose runs differ anyway, or that did not
 * run, nothing is. */
static bool slots_matter(const struct oracle_facts *facts)
{
    const unsigned slots = facts->violated & ~facts->failed;
    return (slots >> ORACLE_MASKED_SLOTS & 1) && !(facts->violated >> ORACLE_DETERMINISM & 1);
}

/* A row of zeros. *is_one: it is, and no row of numbers that are 0. */
static enum error_kind explain_zeros(struct suspect *suspect, bool *is_one, struct error *error)
{
    *is_one = true;
    if (!truth_is_finite(suspect))
        return ERROR_NONE;
    enum error_kind kind = suspect_read_keys(suspect, error);
    if (!kind)
        *is_one = hypothesis_zeros(suspect);
    if (suspect->best.signature == SIGNATURE_SILENT_ZERO || !*is_one)
        suspect_forget_keys(suspect);
    return kind;
}

/* A row on its own; those that do not fail are read for the epsilon alone. */
static enum error_kind examine(struct suspect *suspect, const struct inquiry *inquiry, const struct ranked_row *ranked,
                               struct error *error)
{
    static const struct criterion by_bound = {.mode = JUDGE_BUDGET, .budget = 1};
    int row = ranked->row;
    bool by_lse = ranked->failing && !ranked->out_fails;
    enum error_kind kind = suspect_init(suspect, row, by_lse, inquiry->exhibit, &inquiry->verdict->rows[row], error);
    suspect->fails = ranked->failing;
    suspect->within = criterion_decide(&by_bound, &inquiry->verdict->total) == DECISION_PASS;
    suspect->beyond_anywhere = criterion_out_beyond(&by_bound, &inquiry->verdict->total) ||
                               criterion_lse_beyond(&by_bound, &inquiry->verdict->total);
    suspect->leaks = slots_matter(inquiry->facts);
    bool seen = !kind && ranked->failing && hypothesis_sight(suspect, &inquiry->verdict->rows[row]);
    if (kind || (seen && suspect->best.signature != SIGNATURE_SILENT_ZERO) || !exhibit_has_keys(inquiry->exhibit))
        return kind;
    if (seen) {
        kind = explain_zeros(suspect, &seen, error);
        if (kind || seen)
            return kind;
    }
    if (!truth_is_finite(suspect)) {
        kind = suspect_need_keys(suspect, suspect->kv_head, error);
        if (!kind)
            hypothesis_inputs(suspect);
        return kind;
    }
    kind = explain_by_keys(suspect, error);
    if (!kind && ranked->failing && suspect->best.signature == SIGNATURE_UNKNOWN && suspect_leave_later_keys(suspect))
        kind = explain_by_keys(suspect, error);
    return kind;
}

/* A row that nothing explains, where what stands in masked slots is known to change results. */
static void explain_by_facts(struct suspect *suspect)
{
    double growth = suspect->lse - suspect->truth_lse;
    struct match match = {.signature = SIGNATURE_LEAK, .rms = suspect->error, .residual = NAN};
    if (!suspect->leaks || suspect->best.signature != SIGNATURE_UNKNOWN)
        return;
    if (suspect_lse_rose(suspect))
        snprintf(match.detail, sizeof match.detail,
                 "what stands in masked slots changes the result, and carries %.3g%% of the weight",
                 -100 * expm1(-growth));
    else
        snprintf(match.detail, sizeof match.detail, "what stands in masked slots changes the result");
    suspect->best = match;
}

/* Whether the errors of all rows whose out fails are systematic, and how; of elements in another order and with other
 * signs nobody can tell that they are not. */
static bool is_systematic(const struct inquiry *inquiry, const struct ranked_row *ranked, char *remark)
{
    struct error_lean lean = {.turned = inquiry->exhibit->turned};
    for (int i = 0; i < problem_rows(inquiry->exhibit->problem) && ranked[i].out_fails; i++)
        error_lean_add(&lean, inquiry->exhibit, ranked[i].row);
    if (!error_lean_found(&lean, remark) && lean.turned && lean.rows > 0)
        snprintf(remark, SIGNATURE_DETAIL_SIZE,
                 "elements of heads have another order and other signs here, and what shows in these is not seen");
    return remark[0];
}

/* What merely looks like rounding says nothing of a worse row that does not. */
static enum error_kind explain_by_looks(struct suspect *suspects, int failing, bool systematic, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < failing && (i == 0 || suspects[0].best.signature != SIGNATURE_UNKNOWN) && !kind; i++) {
        if (!suspects[i].dots || suspects[i].best.signature != SIGNATURE_UNKNOWN || suspects[i].beyond_anywhere ||
            suspects[i].is_seen)
            continue;
        kind = suspect_need_keys(&suspects[i], suspects[i].kv_head, error); /* others had theirs since */
        if (!kind && !hypothesis_rounded_slope(&suspects[i]) && !(systematic && !suspects[i].by_lse))
            hypothesis_noise(&suspects[i]);
    }
    return kind;
}

/* All rows at once. */
static enum error_kind examine_together(struct suspect *suspects, int examined, const struct inquiry *inquiry,
                                        const struct ranked_row *ranked, int threads, struct error *error)
{
    struct error errors[MAX_EXAMINED];
    enum error_kind kinds[MAX_EXAMINED] = {ERROR_NONE}, kind = ERROR_NONE;
#pragma omp parallel num_threads(threads)
    {
        COMPUTING_ENVIRONMENT();
#pragma omp for schedule(dynamic) nowait
        for (int i = 0; i < examined; i++)
            kinds[i] = examine(&suspects[i], inquiry, &ranked[i], &errors[i]);
    }
    for (int i = 0; i < examined && !kind; i++)
        if ((kind = kinds[i]) && error)
            *error = errors[i];
    return kind;
}

/* One row after the other, those of a part together: what one of them opens would be gone for another. */
static enum error_kind examine_in_parts(struct suspect *suspects, int examined, const struct inquiry *inquiry,
                                        const struct ranked_row *ranked, struct error *error)
{
    const struct problem *problem = inquiry->exhibit->problem;
    const struct key_parts *parts = inquiry->exhibit->parts;
    int part_of[MAX_EXAMINED];
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < examined; i++)
        part_of[i] = parts->of_kv_head(parts->context, problem_kv_head(problem, ranked[i].row % problem->num_heads));
    for (int part = 0; part < parts->count; part++)
        for (int i = 0; i < examined && !kind; i++)
            if (part_of[i] == part)
                kind = examine(&suspects[i], inquiry, &ranked[i], error);
    return kind;
}

/* A row unlike those examined is asked of what was concluded from them, and another where it is hardly off. */
static enum error_kind ask_unlike_row(struct signature_finding *finding, const struct match *match,
                                      const struct inquiry *inquiry, const struct ranked_row *ranked, int examined,
                                      struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    bool told = !unlike_row_is_asked(match);
    int at = -1;
    for (int asked = 0; asked < MAX_UNLIKE && !told && !kind; asked++) {
        struct suspect unlike = {0};
        at = unlike_row_at(inquiry, ranked, examined, at);
        if (at < 0)
            return ERROR_NONE;
        kind = examine(&unlike, inquiry, &ranked[at], error);
        if (!kind)
            told = unlike_row_hear(finding, match, &unlike);
        suspect_clear(&unlike);
    }
    return kind;
}

static enum error_kind examine_all(struct signature_finding *finding, const struct inquiry *inquiry,
                                   const struct ranked_row *ranked, int threads, struct error *error)
{
    struct suspect suspects[MAX_EXAMINED] = {0};
    int examined =
        problem_rows(inquiry->exhibit->problem) < MAX_EXAMINED ? problem_rows(inquiry->exhibit->problem) : MAX_EXAMINED;
    int failing = 0;
    while (failing < examined && ranked[failing].failing)
        failing++;
    enum error_kind kind = inquiry->exhibit->parts
                               ? examine_in_parts(suspects, examined, inquiry, ranked, error)
                               : examine_together(suspects, examined, inquiry, ranked, threads, error);
    if (!kind)
        kind = slope_witnesses_hear(suspects, failing, inquiry, error);
    if (!kind) {
        hypothesis_epsilon(suspects, examined, failing);
        kind = epsilon_witnesses_hear(suspects, failing, inquiry, error);
    }
    if (!kind) {
        for (int i = 0; i < failing; i++)
            copied_row_hear(&suspects[i], inquiry);
        for (int i = 0; i < failing; i++)
            if (suspects[i].best.signature == SIGNATURE_UNKNOWN && suspects[i].dots && !suspects[i].is_seen) {
                hypothesis_underflow(&suspects[i]);
                explain_by_facts(&suspects[i]);
            }
        char remark[SIGNATURE_DETAIL_SIZE];
        kind = explain_by_looks(suspects, failing, is_systematic(inquiry, ranked, remark), error);
        const struct match *match = conclude(finding, suspects, failing);
        if (!kind)
            kind = ask_unlike_row(finding, match, inquiry, ranked, failing, error);
        if (finding->signature == SIGNATURE_UNKNOWN && !finding->detail[0])
            memcpy(finding->detail, remark, sizeof remark);
    }
    for (int i = 0; i < examined; i++)
        suspect_clear(&suspects[i]);
    return kind;
}

/* What no row shows. */
static void find_by_facts(struct signature_finding *finding, const struct oracle_facts *facts)
{
    bool leaks = slots_matter(facts), reads = leaks && facts->not_finite >> ORACLE_MASKED_SLOTS & 1;
    if (!facts->violated)
        return;
    finding->signature = facts->failed  ? SIGNATURE_NO_ANSWER
                         : facts->stale ? SIGNATURE_STALE
                         : reads        ? SIGNATURE_NAN
                         : leaks        ? SIGNATURE_LEAK
                                        : SIGNATURE_UNKNOWN;
    finding->remedy = signature_remedy(finding->signature);
    snprintf(finding->detail, sizeof finding->detail, "by an oracle alone%s%s",
             facts->failed  ? ": the kernel "
             : facts->stale ? ": what an earlier launch gave is given again"
             : reads        ? ": NaN in masked slots reaches the result"
             : leaks        ? ": what stands in masked slots changes the result"
                            : "",
             facts->failed ? run_failures[facts->how].about : "");
    if (facts->failed)
        finding->remedy = run_failures[facts->how].remedy;
}

/* What rows show. Biases that are all moved are none where another slope would do the same: which it is, nothing tells.
 */
static enum error_kind find_by_rows(struct signature_finding *finding, const struct inquiry *inquiry,
                                    const struct ranked_row *ranked, float *elements, int threads, struct error *error)
{
    double keys = 0;
    bool may_be_slope = false;
    if (!lse_alone_shift(finding, &keys, inquiry, ranked, elements))
        return examine_all(finding, inquiry, ranked, threads, error);
    enum error_kind kind =
        keys == 0 ? ERROR_NONE : shift_may_be_slope(&may_be_slope, keys, inquiry, ranked, MAX_EXAMINED, error);
    if (may_be_slope) {
        finding->signature = SIGNATURE_UNKNOWN;
        finding->remedy = signature_remedy(SIGNATURE_UNKNOWN);
        finding->num_rows_explained = 0;
        finding->residual = NAN;
        snprintf(finding->detail, sizeof finding->detail,
                 "lse is off by slope * %+.0f keys, and out is right, as where all biases are moved, and as where the "
                 "slope is another one or none: next to all weight is on one key",
                 keys);
    }
    return kind;
}

enum error_kind signature_find(struct signature_finding *finding, const struct exhibit *exhibit,
                               const struct verdict *verdict, const struct oracle_facts *facts, int threads,
                               struct error *error)
{
    COMPUTING_ENVIRONMENT();
    bool off = criterion_out_off(&verdict->total) || criterion_lse_off(&verdict->total);
    bool by_bound = exhibit->criterion.mode == JUDGE_BUDGET || (exhibit->criterion.mode == JUDGE_BOTH && !off);
    struct inquiry inquiry = {exhibit, verdict, facts, by_bound};
    const struct problem *problem = exhibit->problem;
    size_t rows = (size_t)problem_rows(problem), dim = (size_t)problem->head_dim;
    enum error_kind kind = ERROR_NONE;
    *finding = (struct signature_finding){
        .signature = SIGNATURE_NONE, .head = -1, .residual = NAN, .remedy = signature_remedy(SIGNATURE_NONE)};
    for (int r = 0; r < problem_rows(problem); r++)
        finding->num_rows_failing += inquiry_out_fails(&inquiry, r) || inquiry_lse_fails(&inquiry, r);
    if (finding->num_rows_failing == 0) {
        find_by_facts(finding, facts);
        return ERROR_NONE;
    }

    struct ranked_row *ranked = malloc(rows * sizeof *ranked);
    float *elements = malloc(dim * sizeof *elements);
    if (!ranked || !elements) {
        kind = error_memory(error, "a signature", (double)(rows * sizeof *ranked));
        goto out;
    }
    for (int r = 0; r < problem_rows(problem); r++)
        ranked[r] = inquiry_rank_row(&inquiry, r, elements);
    qsort(ranked, rows, sizeof *ranked, inquiry_compare_rows);
    kind = find_by_rows(finding, &inquiry, ranked, elements, threads, error);
    if (!kind && finding->signature == SIGNATURE_UNKNOWN)
        lse_alone_constant(finding, &inquiry, ranked, elements);

out:
    free(elements);
    free(ranked);
    return kind;
}

double signature_bytes(int64_t seq_len, int num_rows, int head_dim, int threads)
{
    double rows = num_rows < MAX_EXAMINED ? num_rows : MAX_EXAMINED;
    double at_work = threads < rows ? threads : rows, keys = (double)seq_len;
    double chunks = keys / SUSPECT_CHUNK_LEN_MIN + 1;
    double in_tiles = (5 + 4.0 / 12) * keys * sizeof(double), in_chunks = chunks * (head_dim + 3) * sizeof(double);
    return (rows + 1) * 2 * keys * sizeof(double) + at_work * (in_tiles + in_chunks);
}
