/*
 * A drawn fault run, judged and named.
 */
#ifndef HARNESS_EVALUATE_TESTS_NAMED_FAULT_H
#define HARNESS_EVALUATE_TESTS_NAMED_FAULT_H

#include <stdlib.h>

#include "harness/case/case.h"
#include "harness/evaluate/evaluate.h"
#include "harness/evaluate/tests/drawn_fault.h"

enum fault_outcome {
    FAULT_REFUSED, /* a recipe that contradicts itself, or nothing to be done: no key is masked */
    FAULT_PASSED,  /* nothing to be seen */
    FAULT_RIGHT,
    FAULT_UNKNOWN,
    FAULT_NAMELESS, /* unknown, and there is no name for it */
    FAULT_WRONG,
    FAULT_OUTCOME_COUNT
};

struct named_fault {
    enum fault_outcome outcome;
    struct signature_finding finding;
    struct contract_finding contract;
    char text[FAULT_TEXT_SIZE]; /* the case, with what is planted as a comment */
    struct error error;
};

/* A problem as a kernel is told it. */
struct told {
    struct problem problem;
    float *slopes;
    uint8_t *visible;
    void *q, *k, *v;
};

static inline void *fault_copy(const void *from, size_t size_bytes)
{
    void *to = malloc(size_bytes);
    if (to)
        memcpy(to, from, size_bytes);
    return to;
}

static inline void told_clear(struct told *told)
{
    free(told->slopes);
    free(told->visible);
    free(told->k);
    free(told->v);
}

static inline bool told_init(struct told *told, const struct problem *problem)
{
    size_t cache = (size_t)(problem->seq_len + problem->kv_slots) * (size_t)problem->num_kv_heads *
                   (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
    *told = (struct told){
        .problem = *problem,
        .slopes = fault_copy(problem->slopes, (size_t)problem->num_heads * sizeof(float)),
        .visible = malloc((size_t)problem->seq_len),
        .k = fault_copy(problem->k, cache),
        .v = fault_copy(problem->v, cache),
    };
    if (!told->slopes || !told->visible || !told->k || !told->v)
        return false;
    for (int64_t key = 0; key < problem->seq_len; key++)
        told->visible[key] = problem_visible(problem, key);
    told->problem.slopes = told->slopes;
    told->problem.visible = told->visible;
    told->problem.k = told->k;
    told->problem.v = told->v;
    told->problem.bounds = NULL;
    return true;
}

/* The key at or before `at`, counted round, that is visible, or masked; -1: there is none. */
static inline int64_t fault_key(const struct problem *problem, int64_t at, bool visible)
{
    for (int64_t i = 0; i < problem->seq_len; i++) {
        int64_t key = ((at - i) % problem->seq_len + problem->seq_len) % problem->seq_len;
        if (problem_visible(problem, key) == visible)
            return key;
    }
    return -1;
}

static inline int64_t fault_visible(const struct problem *problem)
{
    int64_t count = 0;
    for (int64_t key = 0; key < problem->seq_len; key++)
        count += problem_visible(problem, key);
    return count;
}

static inline void plant_slopes(struct told *told, const struct drawn_fault *fault)
{
    int heads = told->problem.num_heads;
    const float *from = fault->plant == PLANT_SLOPE_OF_HEAD ? fault_copy(told->slopes, (size_t)heads * 4) : NULL;
    for (int h = 0; h < heads; h++) {
        float *slope = &told->slopes[h];
        if (fault->plant == PLANT_SLOPE_FACTOR)
            *slope = (float)((double)*slope * fault->size);
        if (fault->plant == PLANT_SLOPE_POWER)
            *slope = (float)pow((double)*slope, fault->size);
        if (fault->plant == PLANT_SLOPE_ROUNDED)
            *slope = dtype_round(fault->at ? DTYPE_F16 : DTYPE_BF16, *slope);
        if (from)
            *slope = from[(h + (int)fault->at + heads) % heads];
    }
    free((void *)from);
}

static inline bool plant_mask(struct told *told, const struct problem *problem, const struct drawn_fault *fault)
{
    int64_t keys = problem->seq_len, at = fault->at;
    if (fault->plant == PLANT_MASK_IGNORED)
        told->problem.visible = NULL;
    if (fault->plant == PLANT_KEY_LET_IN || fault->plant == PLANT_KEY_DROPPED) {
        bool dropped = fault->plant == PLANT_KEY_DROPPED;
        int64_t key = fault_key(problem, at, dropped);
        if (key < 0)
            return false;
        told->visible[key] = !dropped;
    }
    for (int64_t first = 0; first < keys && fault->plant == PLANT_TILES_LET_IN; first += at) {
        bool any = false;
        for (int64_t key = first; key < keys && key < first + at; key++)
            any |= problem_visible(problem, key);
        for (int64_t key = first; key < keys && key < first + at; key++)
            told->visible[key] = any;
    }
    int64_t left = at;
    for (int64_t i = 0; i < keys && left > 0; i++) {
        int64_t key = fault->plant == PLANT_NEWEST_DROPPED ? keys - 1 - i : i;
        if (fault->plant != PLANT_NEWEST_DROPPED && fault->plant != PLANT_OLDEST_DROPPED)
            break;
        left -= told->visible[key];
        told->visible[key] = 0;
    }
    if (fault->plant == PLANT_TILE_DROPPED) {
        int64_t first = (int64_t)(fault->size * (double)((keys + at - 1) / at)) * at;
        for (int64_t key = first; key < keys && key < first + at; key++)
            told->visible[key] = 0;
    }
    return fault_visible(&told->problem) > 0; /* all keys dropped is another fault */
}

static inline void swap_fault_rows(const struct problem *problem, void *tensor, int64_t a, int64_t b)
{
    size_t bytes =
        (size_t)problem->num_kv_heads * (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
    char *rows = tensor, held[4096];
    memcpy(held, rows + (size_t)a * bytes, bytes);
    memcpy(rows + (size_t)a * bytes, rows + (size_t)b * bytes, bytes);
    memcpy(rows + (size_t)b * bytes, held, bytes);
}

/* Moves the logit of a key, in the first head of each group, by size nats: along its query. */
static inline void plant_weight(struct told *told, const struct problem *problem, int64_t key, double size)
{
    int dims = problem->head_dim, group = problem->num_heads / problem->num_kv_heads;
    for (int head = 0; head < problem->num_heads; head += group) {
        size_t from = (size_t)head * (size_t)dims, to = problem_row(problem, key, head / group);
        double squares = 0;
        float query, element;
        for (int d = 0; d < dims; d++) {
            dtype_widen(problem->dtype, problem->q, from + (size_t)d, 1, &query);
            squares += (double)query * (double)query;
        }
        for (int d = 0; d < dims; d++) {
            dtype_widen(problem->dtype, problem->q, from + (size_t)d, 1, &query);
            dtype_widen(problem_kv_dtype(problem), told->k, to + (size_t)d, 1, &element);
            element += (float)(size * (double)query / (squares * problem_logit_scale(problem)));
            dtype_narrow(problem_kv_dtype(problem), told->k, to + (size_t)d, 1, &element);
        }
    }
}

static inline bool plant_rows(struct told *told, const struct problem *problem, const struct drawn_fault *fault)
{
    int64_t keys = problem->seq_len, a = fault_key(problem, fault->at, true),
            b = fault_key(problem, (int64_t)(fault->size * (double)keys), true);
    size_t row = (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    enum dtype dtype = problem_kv_dtype(problem);
    if (a < 0 || b < 0)
        return false;
    if (fault->plant == PLANT_VALUES_SWAPPED || fault->plant == PLANT_KEYS_SWAPPED)
        swap_fault_rows(problem, told->v, a, b);
    if (fault->plant == PLANT_KEYS_SWAPPED)
        swap_fault_rows(problem, told->k, a, b);
    for (int64_t key = 0; key + 1 < keys && fault->plant == PLANT_VALUES_MISPLACED; key++)
        swap_fault_rows(problem, told->v, key, key + 1);
    if (fault->plant == PLANT_WEIGHT)
        plant_weight(told, problem, a, fault->size);
    for (int64_t key = 0; key < keys && fault->plant == PLANT_KV_HEAD && problem->num_kv_heads > 1; key++) {
        size_t bytes = (size_t)problem->head_dim * dtypes[dtype].size_bytes, all = row * dtypes[dtype].size_bytes;
        char *rows[2] = {(char *)told->k + (size_t)key * all, (char *)told->v + (size_t)key * all}, held[1024];
        for (int t = 0; t < 2; t++) {
            memcpy(held, rows[t], bytes);
            memmove(rows[t], rows[t] + bytes, all - bytes);
            memcpy(rows[t] + all - bytes, held, bytes);
        }
    }
    return true;
}

/* False where there is nothing to be done. */
static inline bool plant_fault(struct told *told, const struct problem *problem, const struct drawn_fault *fault)
{
    told->problem.q_position += fault->plant == PLANT_POSITION ? fault->at : 0;
    told->problem.scale *= fault->plant == PLANT_SCALE ? (float)fault->size : 1;
    plant_slopes(told, fault);
    double steepest = 0;
    for (int h = 0; h < problem->num_heads; h++)
        steepest = fmax(steepest, fabs((double)told->slopes[h]));
    if (fault->plant == PLANT_SLOPE_POWER && steepest * (double)problem->seq_len < 0x1p-20)
        return false; /* no logit moves: a bias that is dropped */
    return plant_mask(told, problem, fault) && plant_rows(told, problem, fault);
}

static inline void plant_lse(struct output *output, const struct problem *problem, const struct drawn_fault *fault)
{
    for (int row = 0; row < problem_rows(problem); row++) {
        if (fault->plant == PLANT_LSE_CONSTANT)
            output->lse[row] += (float)fault->size;
        if (fault->plant == PLANT_LSE_FACTOR)
            output->lse[row] *= (float)fault->size;
    }
}

/* Another kernel's answer, that of an online softmax with something left out, of parts with other bounds, or of keys
 * that deviate. */
static inline void plant_merge(struct output *output, const struct problem *problem, const struct drawn_fault *fault)
{
    float out[ONLINE_MAX_DIM];
    bool planted = fault->plant == PLANT_MERGE || fault->plant == PLANT_COUNT || fault->plant == PLANT_SCATTERED ||
                   fault->plant == PLANT_DEVIANT;
    for (int row = 0; row < problem_rows(problem) && planted; row++) {
        const struct problem one = problem_query(problem, row / problem->num_heads);
        size_t dims = (size_t)problem->head_dim;
        int head = row % problem->num_heads;
        if (fault_visible(&one) == 0)
            continue;
        output->lse[row] = fault->plant == PLANT_COUNT       ? counted_attend(&one, head, &fault->counted, out)
                           : fault->plant == PLANT_SCATTERED ? scattered_attend(&one, head, &fault->scattered, out)
                           : fault->plant == PLANT_DEVIANT   ? deviant_attend(&one, head, &fault->deviant, out)
                                                             : online_attend(&one, head, &fault->online, out);
        dtype_narrow(problem->dtype, output->out, (size_t)row * dims, dims, out);
    }
}

/* Whether some keys count more often than others: all that count alike move lse by a constant, as does what adds one,
 * and all that are lost leave no number. */
static inline bool counts_differ(const struct output *output, const struct truth *truth,
                                 const struct drawn_fault *fault, int rows)
{
    if (fault->plant != PLANT_COUNT && fault->plant != PLANT_SCATTERED)
        return true;
    double times = round(exp((double)output->lse[0] - truth->lse[0]));
    bool alike = times >= 2;
    for (int row = 0; row < rows; row++) {
        if (!isfinite(output->lse[row]))
            return false;
        alike &= fabs((double)output->lse[row] - truth->lse[row] - log(times)) < 1e-3;
    }
    return !alike;
}

/* A launch a query, as shipped kernels are launched. */
static inline enum error_kind fault_run(struct evaluation *evaluation, const struct point *point,
                                        const struct recipe *recipe, const struct problem *told, struct device *device,
                                        struct error *error)
{
    size_t rows = (size_t)told->num_heads, dims = (size_t)told->head_dim, size = dtypes[told->dtype].size_bytes;
    enum error_kind kind = ERROR_NONE;
    double seconds;
    for (int query = 0; query < problem_queries(told) && !kind; query++) {
        const struct problem one = problem_query(told, query);
        size_t first = (size_t)query * rows;
        struct output output = {.out = (char *)evaluation->judged.output.out + first * dims * size,
                                .lse = evaluation->judged.output.lse + first};
        kind = device_run(device, point->kernel, &point->kernel_options, recipe, &one, &output, &seconds, error);
    }
    return kind;
}

/* What the kernel answers to what it is told, in the evaluation's place. *done: there was something to be done. */
static inline enum error_kind fault_answer(struct evaluation *evaluation, const struct point *point,
                                           const struct recipe *recipe, const struct drawn_fault *fault,
                                           struct device *device, bool *done, struct error *error)
{
    const struct problem *problem = &evaluation->judged.problem;
    struct told told;
    enum error_kind kind = ERROR_NONE;
    if (!told_init(&told, problem))
        kind = error_memory(error, "a problem", 0);
    *done = !kind && plant_fault(&told, problem, fault) &&
            (fault->plant != PLANT_DEVIANT || deviant_is_partial(problem, &fault->deviant));
    if (*done)
        kind = fault_run(evaluation, point, recipe, &told.problem, device, error);
    if (*done && !kind)
        plant_lse(&evaluation->judged.output, problem, fault);
    if (*done && !kind)
        plant_merge(&evaluation->judged.output, problem, fault);
    if (*done && !kind)
        *done = counts_differ(&evaluation->judged.output, &evaluation->judged.truth, fault, problem_rows(problem));
    told_clear(&told);
    return kind;
}

static inline enum error_kind fault_rejudge(struct evaluation *evaluation, const struct point *point, bool no_lse,
                                            struct error *error)
{
    const struct output output = {.out = evaluation->judged.output.out,
                                  .lse = no_lse ? NULL : evaluation->judged.output.lse};
    const struct exhibit exhibit = {
        .problem = &evaluation->judged.problem,
        .output = &output,
        .truth = &evaluation->judged.truth,
        .bound = evaluation->judged.bound,
        .lse_bound = evaluation->judged.lse_bound,
        .criterion = point->criterion,
    };
    verdict_clear(&evaluation->judged.verdict);
    enum error_kind kind = verdict_reach(&evaluation->judged.verdict, &exhibit, error);
    if (kind || criterion_decide(&point->criterion, &evaluation->judged.verdict.total) != DECISION_FAIL)
        return kind;
    return signature_find(&evaluation->judged.finding, &exhibit, &evaluation->judged.verdict, &(struct oracle_facts){0},
                          1, error);
}

/* The only point of a case. False if the case is refused. */
static inline bool fault_point(struct case_list *list, struct point *point, const char *text, struct error *error)
{
    if (case_list_parse(list, "drawn", text, strlen(text), NULL, 0, error))
        return false;
    case_point(list->cases[0], 0, point);
    return true;
}

/* What is another fault's name, too: a bias that is rounded where distances are powers of 2 is a slope that is; weights
 * that are all lost beside a learned sink are, whatever lost them; and weights that are all off by one factor, of the
 * keys that have any, leave out as it is and move lse by a constant. A cap after the bias makes all logits one number
 * where these are far off; and the newest key is often the heaviest. */
static inline bool fault_is_alias(const struct drawn_fault *fault, const struct signature_finding *finding)
{
    switch (finding->signature) {
    case SIGNATURE_WRONG_SLOPE:
        return strstr(fault->recipe, "bias_dtype") && strstr(finding->detail, "rounded to");
    case SIGNATURE_SILENT_ZERO:
        return strstr(fault->problem, "sink_logits") &&
               (fault->no_lse || strstr(finding->detail, "that of the learned sink alone"));
    case SIGNATURE_UNIFORM:
        return strstr(fault->problem, "after_bias") != NULL;
    case SIGNATURE_DOUBLED_KEYS:
        return fault->plant == PLANT_DEVIANT && fault->deviant.deviation == DEVIANT_HEAVIEST && fault->size == 3;
    case SIGNATURE_WRONG_LSE:
        return (fault->plant == PLANT_DEVIANT || fault->plant == PLANT_SCATTERED) &&
               strstr(finding->detail, "the same constant in every row");
    default:
        return false;
    }
}

static inline void fault_conclude(struct named_fault *named, const struct drawn_fault *fault, const struct point *point,
                                  const struct evaluation *evaluation)
{
    enum decision decision = criterion_decide(&point->criterion, &evaluation->judged.verdict.total);
    bool failed = decision == DECISION_FAIL || oracles_violated(&evaluation->oracles) > 0;
    enum signature found = evaluation->judged.finding.signature;
    named->finding = evaluation->judged.finding;
    if (decision == DECISION_UNBOUNDED || decision == DECISION_UNDECIDED)
        named->outcome = FAULT_REFUSED;
    else if (!failed)
        named->outcome = FAULT_PASSED;
    else if (found == SIGNATURE_UNKNOWN)
        named->outcome = fault->kind->names & NAME(UNKNOWN) ? FAULT_NAMELESS : FAULT_UNKNOWN;
    else
        named->outcome = fault->kind->names >> found & 1 || fault_is_alias(fault, &evaluation->judged.finding)
                             ? FAULT_RIGHT
                             : FAULT_WRONG;
}

/* Looks for the contract of an output, right or wrong, as if nothing were known of the kernel. */
static inline enum error_kind fault_contract(struct named_fault *named, const struct evaluation *evaluation,
                                             const struct point *point)
{
    const struct exhibit exhibit = {
        .problem = &evaluation->judged.problem,
        .output = &evaluation->judged.output,
        .truth = &evaluation->judged.truth,
        .criterion = point->criterion,
    };
    const struct class_demand demand = {.asked = false};
    return contract_search(&named->contract, &exhibit, &evaluation->judged.verdict, &demand, 1, NULL, &named->error);
}

/*
 * Runs a draw without its fault, all oracles looking on. FAULT_WRONG: it is accused, of an error beyond its bound, by
 * an oracle, or by a name other than rounding's; FAULT_RIGHT: it is outside its tolerance, and rounding is to blame.
 */
static inline enum error_kind fault_sound(struct named_fault *named, const struct drawn_fault *fault,
                                          struct evaluator *evaluator)
{
    struct case_list list = {0};
    struct point point;
    struct evaluation evaluation = {.has_other = false};
    enum error_kind kind = ERROR_NONE;
    *named = (struct named_fault){.outcome = FAULT_REFUSED};
    snprintf(named->text, sizeof named->text, "case: drawn\n%srecipe: {name: drawn%s}\n", fault->problem,
             fault->variant);
    if (!fault_point(&list, &point, named->text, &named->error))
        goto out;
    kind = evaluate(evaluator, &evaluation, &point, &named->error);
    if (kind)
        goto out;
    const struct metrics *total = &evaluation.judged.verdict.total;
    enum signature found = evaluation.judged.finding.signature;
    bool beyond = criterion_out_beyond(&point.criterion, total) || criterion_lse_beyond(&point.criterion, total);
    bool rounding = found == SIGNATURE_PRECISION_LOSS || found == SIGNATURE_UNKNOWN;
    named->finding = evaluation.judged.finding;
    kind = fault_contract(named, &evaluation, &point);
    if (kind)
        goto out;
    if (named->contract.named)
        named->outcome = FAULT_WRONG;
    else if (criterion_decide(&point.criterion, total) == DECISION_PASS && !oracles_violated(&evaluation.oracles))
        named->outcome = FAULT_PASSED;
    else
        named->outcome = beyond || oracles_violated(&evaluation.oracles) || !rounding ? FAULT_WRONG : FAULT_RIGHT;

out:
    evaluation_clear(&evaluation);
    case_list_clear(&list);
    return kind;
}

/* Runs and names a fault; by_bound: judged with `budget: 1`. A fault on top of rounding that fails by itself is
 * refused. ERROR_SYSTEM if something cannot be run. */
static inline enum error_kind fault_name(struct named_fault *named, const struct drawn_fault *fault, bool by_bound,
                                         struct evaluator *evaluator)
{
    enum { SOUND, FAULTY, CASES };
    struct case_list lists[CASES] = {{0}, {0}};
    struct point points[CASES];
    struct evaluation evaluation = {.has_other = false};
    char sound[FAULT_TEXT_SIZE];
    bool planted = fault->plant != PLANT_NONE, done = true;
    const char *budget = by_bound ? "budget: 1\n" : "";
    enum error_kind kind = ERROR_NONE;
    *named = (struct named_fault){.outcome = FAULT_REFUSED};
    snprintf(named->text, sizeof named->text, "# %s%s: %d, %lld, %.9g\ncase: drawn\n%s%srecipe: {name: drawn%s%s}\n",
             planted ? "planted, " : "", fault->kind->name, (int)fault->plant, (long long)fault->at, fault->size,
             fault->problem, budget, fault->variant, fault->recipe);
    snprintf(sound, sizeof sound, "case: sound\n%s%soracles: none\nrecipe: {name: sound%s}\n", fault->problem, budget,
             fault->variant);
    if (!fault_point(&lists[SOUND], &points[SOUND], sound, &named->error) ||
        !fault_point(&lists[FAULTY], &points[FAULTY], named->text, &named->error))
        goto out;
    kind = evaluate(evaluator, &evaluation, &points[SOUND], &named->error);
    if (kind || criterion_decide(&points[SOUND].criterion, &evaluation.judged.verdict.total) != DECISION_PASS ||
        fault_visible(&evaluation.judged.problem) < 2) /* one key weighs 1, whatever becomes of its logit */
        goto out;
    if (planted) {
        kind = fault_answer(&evaluation, &points[SOUND], &points[FAULTY].recipe, fault, evaluator->device, &done,
                            &named->error);
        if (!kind && done)
            kind = fault_rejudge(&evaluation, &points[SOUND], fault->no_lse, &named->error);
    } else {
        evaluation_clear(&evaluation);
        kind = evaluate(evaluator, &evaluation, &points[FAULTY], &named->error);
    }
    if (!kind && done)
        fault_conclude(named, fault, &points[FAULTY], &evaluation);
    if (!kind && done && named->outcome >= FAULT_RIGHT && fault->kind->names == 1u << SIGNATURE_PRECISION_LOSS) {
        kind = fault_contract(named, &evaluation, &points[FAULTY]);
        if (named->contract.named) /* roundings are no other contract */
            named->outcome = FAULT_WRONG;
    }

out:
    evaluation_clear(&evaluation);
    case_list_clear(&lists[SOUND]);
    case_list_clear(&lists[FAULTY]);
    return kind;
}

#endif
