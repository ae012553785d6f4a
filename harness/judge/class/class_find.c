#include "harness/judge/class/class_find.h"

#include <math.h>
#include <mpfr.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/class/class_search.h"
#include "harness/judge/verdict.h"
#include "reference/computing_environment.h"
#include "reference/tensor_bounds.h"

enum error_kind class_report_init(struct class_report *report, int num_rows, struct error *error)
{
    size_t rows = (size_t)num_rows;
    *report = (struct class_report){
        .num_rows = num_rows,
        .output = calloc(rows, sizeof *report->output),
        .covered = calloc(rows, sizeof *report->covered),
        .open = calloc(rows, sizeof *report->open),
        .size = calloc(rows, sizeof *report->size),
    };
    if (report->output && report->covered && report->open && report->size)
        return ERROR_NONE;
    class_report_clear(report);
    return error_memory(error, "the classes of rows", (double)(rows * 2 * sizeof *report->covered));
}

void class_report_clear(struct class_report *report)
{
    free(report->output);
    free(report->covered);
    free(report->open);
    free(report->size);
    *report = (struct class_report){.num_rows = 0};
}

void class_report_take_heads(struct class_report *whole, int heads, int first_head, const struct class_report *part,
                             int part_heads)
{
    for (int row = 0; row < part->num_rows; row++) {
        int to = row / part_heads * heads + first_head + row % part_heads;
        whole->output[to] = part->output[row];
        whole->covered[to] = part->covered[row];
        whole->open[to] = part->open[row];
        memcpy(whole->size[to], part->size[row], sizeof part->size[row]);
    }
}

/* One thread's, for rows one after the other. */
struct asker {
    const struct exhibit *exhibit;
    const struct tensor_bounds *bounds;
    const struct class_bounds *known; /* from which bounds are taken; NULL: they are computed, */
    struct class_bounds *looked;      /* and kept here, all threads' together; NULL: they are not */
    struct bound_room *room;          /* NULL: none are computed */
    double *bound;                    /* [D] */
    float *out;                       /* [D] */
    int row;
    struct problem problem; /* of the row's query, where bounds are computed */
    struct truth truth;     /* of that query */
    enum error_kind kind;   /* of what went wrong, */
    struct error error;     /* the first of it */
};

static enum error_kind asker_init(struct asker *asker, const struct exhibit *exhibit,
                                  const struct tensor_bounds *bounds, struct error *error)
{
    size_t dim = (size_t)exhibit->problem->head_dim;
    *asker = (struct asker){.exhibit = exhibit,
                            .bounds = bounds,
                            .bound = malloc(dim * sizeof(double)),
                            .out = malloc(dim * sizeof(float))};
    if (!asker->bound || !asker->out)
        return error_memory(error, "the class of a row", (double)(dim * sizeof(double)));
    return bounds ? bound_room_new(&asker->room, exhibit->problem, error) : ERROR_NONE;
}

static void asker_clear(struct asker *asker)
{
    free(asker->bound);
    free(asker->out);
    bound_room_free(asker->room);
}

static void asker_begin(struct asker *asker, int row)
{
    const struct problem *problem = asker->exhibit->problem;
    size_t dim = (size_t)problem->head_dim;
    int query = row / problem->num_heads;
    asker->row = row;
    if (!asker->known) {
        asker->problem = problem_query(problem, query);
        asker->truth = truth_rows(asker->exhibit->truth, query * problem->num_heads, problem->num_heads);
    }
    dtype_widen(problem->dtype, asker->exhibit->output->out, (size_t)row * dim, dim, asker->out);
}

/* What a bound, and the truth's radius, say of one number. */
static enum class_answer answer_of(double number, double exact, double err, double bound)
{
    if (!isfinite(number) && err == 0) /* both NaN, or an infinity and what rounds to it */
        return CLASS_COVERS;
    if (!isfinite(number) || !isfinite(exact) || (isfinite(bound) && !(err <= bound)))
        return CLASS_BEYOND;
    return isfinite(bound) ? CLASS_COVERS : CLASS_OPEN;
}

/* Of two numbers, or rows, together. */
static enum class_answer worse(enum class_answer a, enum class_answer b)
{
    if (a == CLASS_BEYOND || b == CLASS_BEYOND)
        return CLASS_BEYOND;
    return a == CLASS_OPEN ? a : b;
}

/* The answer of bounds[D] and of lse_bound. */
static enum class_answer answer_of_row(const struct asker *asker, const double *bound, double lse_bound)
{
    static const struct tolerance none = {0};
    const struct truth *truth = asker->exhibit->truth;
    const struct output *output = asker->exhibit->output;
    size_t dim = (size_t)truth->head_dim, row = (size_t)asker->row;
    enum class_answer answer = CLASS_COVERS;
    for (size_t d = 0; d < dim; d++) {
        size_t i = row * dim + d;
        double number = (double)asker->out[d];
        double err = judge_element(number, asker->exhibit->problem->dtype, truth, i, &none).err;
        answer = worse(answer, answer_of(number, truth->value[i], err, bound[d] + truth->radius[i]));
    }
    if (output->lse) {
        double number = (double)output->lse[row], err = judge_lse(number, truth, row, &none).err;
        answer = worse(answer, answer_of(number, truth->lse[row], err, lse_bound + truth->lse_radius[row]));
    }
    return answer;
}

/* Computes the bounds of a set, and keeps them where they are asked for. */
static void compute_bounds(struct asker *asker, class_set set, double *lse_bound)
{
    int head = asker->row % asker->problem.num_heads;
    const struct rounding_model model = class_rounding_model(set, &asker->problem);
    enum error_kind kind = ERROR_NONE;
    error_bounds_of_head(asker->bound, asker->exhibit->output->lse ? lse_bound : NULL, asker->room, &model,
                         &asker->problem, &asker->truth, asker->bounds, head);
    if (!asker->looked || asker->kind)
        return;
#pragma omp critical
    kind = class_bounds_add(asker->looked, asker->row, set, asker->bound, *lse_bound, &asker->error);
    asker->kind = kind;
}

/* Takes them from those that are known. */
static void take_bounds(struct asker *asker, class_set set, double *lse_bound)
{
    char name[CLASS_NAME_SIZE];
    size_t dim = (size_t)asker->exhibit->problem->head_dim;
    int64_t at = class_bounds_find(asker->known, asker->row, set);
    if (at >= 0) {
        memcpy(asker->bound, asker->known->bound + (size_t)at * dim, dim * sizeof *asker->bound);
        *lse_bound = asker->known->lse_bound[at];
        return;
    }
    for (size_t d = 0; d < dim; d++)
        asker->bound[d] = 0;
    if (!asker->kind)
        asker->kind = error_set(&asker->error, ERROR_USAGE, "has no bound of class %s for row %d",
                                class_format(name, &(struct arithmetic_class){false, set}), asker->row);
}

static enum class_answer ask_class(void *context, class_set set, double *size)
{
    struct asker *asker = context;
    double lse_bound = 0;
    if (asker->known)
        take_bounds(asker, set, &lse_bound);
    else
        compute_bounds(asker, set, &lse_bound);
    *size = 0;
    for (int d = 0; d < asker->exhibit->problem->head_dim; d++)
        *size += asker->bound[d];
    return answer_of_row(asker, asker->bound, lse_bound);
}

/* Whether each of the row's numbers is within half an ulp of the exact one. */
static bool is_rounded_once(struct asker *asker)
{
    const struct truth *truth = asker->exhibit->truth;
    size_t dim = (size_t)truth->head_dim, row = (size_t)asker->row;
    for (size_t d = 0; d < dim; d++) {
        double exact = truth->value[row * dim + d];
        asker->bound[d] = isfinite(exact) ? 0.5 * dtype_ulp(asker->exhibit->problem->dtype, exact) : 0;
    }
    double lse = truth->lse[row], lse_bound = isfinite(lse) ? 0.5 * dtype_ulp(DTYPE_F32, lse) : 0;
    return answer_of_row(asker, asker->bound, lse_bound) == CLASS_COVERS;
}

static void find_row(struct class_report *report, struct asker *asker, int row)
{
    struct class_search search;
    asker_begin(asker, row);
    report->output[row] = is_rounded_once(asker);
    class_search(&search, ask_class, asker);
    report->covered[row] = search.covered;
    report->open[row] = search.open;
    memcpy(report->size[row], search.size, sizeof search.size);
    if (report->output[row]) /* a kernel of any set may round nothing but its output, whatever its bound promises */
        class_sets_add_above(&report->covered[row], CLASS_F32);
}

enum error_kind class_find_bounds(struct class_report *report, struct class_bounds *looked,
                                  const struct exhibit *exhibit, int threads, const struct progress *progress,
                                  struct error *error)
{
    int rows = problem_rows(exhibit->problem);
    struct tensor_bounds bounds;
    enum error_kind result = class_report_init(report, rows, error);
    if (looked)
        *looked = (struct class_bounds){.head_dim = exhibit->problem->head_dim};
    if (!result)
        result = tensor_bounds_scan(&bounds, exhibit->problem, threads, progress, error);
    if (result)
        return result;
#pragma omp parallel num_threads(threads)
    {
        COMPUTING_ENVIRONMENT();
        struct asker asker;
        struct error failure;
        enum error_kind kind = asker_init(&asker, exhibit, &bounds, &failure);
        asker.looked = looked;
#pragma omp for schedule(dynamic, 1)
        for (int row = rows - 1; row >= 0; row--)
            if (!kind && !asker.kind && !progress_cancelled(progress))
                find_row(report, &asker, row);
        if (kind || asker.kind) {
#pragma omp critical
            result = error_set(error, kind ? kind : asker.kind, "%s", kind ? failure.text : asker.error.text);
        }
        asker_clear(&asker);
        mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
    }
    tensor_bounds_clear(&bounds);
    if (!result && progress_cancelled(progress))
        result = error_set(error, ERROR_INTERRUPTED, "interrupted");
    return result || !looked ? result : class_bounds_sort(looked, error);
}

enum error_kind class_find(struct class_report *report, const struct exhibit *exhibit, int threads,
                           const struct progress *progress, struct error *error)
{
    return class_find_bounds(report, NULL, exhibit, threads, progress, error);
}

enum error_kind class_find_again(struct class_report *report, const struct class_bounds *bounds,
                                 const struct exhibit *exhibit, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    struct asker asker;
    int rows = problem_rows(exhibit->problem);
    enum error_kind kind = class_report_init(report, rows, error);
    if (kind)
        return kind;
    kind = asker_init(&asker, exhibit, NULL, error);
    asker.known = bounds;
    for (int row = 0; row < rows && !kind && !asker.kind; row++)
        find_row(report, &asker, row);
    if (!kind && asker.kind)
        kind = error_set(error, asker.kind, "%s", asker.error.text);
    asker_clear(&asker);
    return kind;
}
