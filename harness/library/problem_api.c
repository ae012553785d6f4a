/* The problem of the public interface: what is said of it, each thing looked at when it is said; all of it together is
 * looked at in stated_problem.c. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/library/api.h"
#include "harness/library/span.h"
#include "reference/computing_environment.h"

/* A problem that is there, or the end of the function. */
#define HAS_PROBLEM(problem, failure, error)       \
    do {                                           \
        if (!api_has(problem, "problem", failure)) \
            return api_end(error, failure);        \
    } while (0)

static void state(struct alibicheck_problem *problem, enum api_fact fact)
{
    problem->stated |= 1u << fact;
}

/* ---- the object -------------------------------------------------------------------------------------------------- */

static enum error_kind check_shape(const struct alibicheck_shape *shape, struct error *failure)
{
    const struct {
        const char *name;
        int64_t value, least, greatest;
    } sizes[] = {
        {"seq_len", shape->seq_len, 0, PROBLEM_MAX_KEYS},
        {"num_queries", shape->num_queries, 1, PROBLEM_MAX_QUERIES},
        {"num_heads", shape->num_heads, 1, PROBLEM_MAX_HEADS},
        {"num_kv_heads", shape->num_kv_heads, 1, PROBLEM_MAX_HEADS},
        {"head_dim", shape->head_dim, 1, PROBLEM_MAX_DIM},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].value < sizes[i].least || sizes[i].value > sizes[i].greatest)
            return error_set(failure, ERROR_USAGE, "%s: is %" PRId64 "; allowed: %" PRId64 " to %" PRId64,
                             sizes[i].name, sizes[i].value, sizes[i].least, sizes[i].greatest);
    if (shape->num_heads % shape->num_kv_heads != 0)
        return error_set(failure, ERROR_USAGE,
                         "num_kv_heads: is %" PRId64 " for %" PRId64 " heads; allowed: a divisor of them",
                         shape->num_kv_heads, shape->num_heads);
    if (shape->num_queries * shape->num_heads > PROBLEM_MAX_ROWS)
        return error_set(failure, ERROR_USAGE,
                         "num_queries: %" PRId64 " of %" PRId64 " heads are %" PRId64 " rows; allowed: 1 to %d",
                         shape->num_queries, shape->num_heads, shape->num_queries * shape->num_heads, PROBLEM_MAX_ROWS);
    return ERROR_NONE;
}

int alibicheck_problem_new(alibicheck_problem **problem, const struct alibicheck_shape *shape,
                           struct alibicheck_error *error)
{
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    *problem = NULL;
    if (!api_has(shape, "shape", &failure) || check_shape(shape, &failure))
        return api_end(error, &failure);
    *problem = calloc(1, sizeof **problem);
    if (!*problem) {
        error_memory(&failure, "a problem", sizeof **problem);
        return api_end(error, &failure);
    }
    (*problem)->spec = (struct problem_spec){
        .seq_len = shape->seq_len,
        .num_queries = (int)shape->num_queries,
        .num_heads = (int)shape->num_heads,
        .num_kv_heads = (int)shape->num_kv_heads,
        .head_dim = (int)shape->head_dim,
        .total_heads = (int)shape->num_heads,
        .max_bias = SLOPES_MAX_BIAS,
        .k_scale = 1,
        .v_scale = 1,
        .q_position = shape->seq_len - 1,
    };
    return api_end(error, NULL);
}

void alibicheck_problem_free(alibicheck_problem *problem)
{
    if (!problem)
        return;
    free((void *)(uintptr_t)problem->tensors.pages);
    free((void *)(uintptr_t)problem->tensors.visible);
    free(problem->slopes);
    free(problem->sink_logits);
    free(problem);
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

static const struct {
    enum alibicheck_dtype given;
    enum dtype dtype;
} same_dtypes[] = {
    {ALIBICHECK_F16, DTYPE_F16},   {ALIBICHECK_BF16, DTYPE_BF16}, {ALIBICHECK_F32, DTYPE_F32},
    {ALIBICHECK_E4M3, DTYPE_E4M3}, {ALIBICHECK_E5M2, DTYPE_E5M2}, {ALIBICHECK_E4M3FNUZ, DTYPE_E4M3FNUZ},
};

enum error_kind api_view(struct tensor_view *view, const struct alibicheck_tensor *tensor, const char *name,
                         const int64_t *counts, struct error *failure)
{
    *view = (struct tensor_view){.name = name, .elements = tensor->elements};
    memcpy(view->strides, tensor->strides, sizeof view->strides);
    for (size_t i = 0; i < sizeof same_dtypes / sizeof *same_dtypes; i++)
        if (same_dtypes[i].given == tensor->dtype) {
            view->dtype = same_dtypes[i].dtype;
            return span_check(name, counts, tensor->strides, VIEW_AXES, failure);
        }
    return error_set(failure, ERROR_USAGE,
                     "%s: its dtype is %d; allowed: ALIBICHECK_F16, _BF16, _F32, _E4M3, _E5M2 or _E4M3FNUZ", name,
                     (int)tensor->dtype);
}

static int set_tensor(struct alibicheck_problem *problem, struct tensor_view *view,
                      const struct alibicheck_tensor *tensor, enum api_fact fact, const char *name,
                      struct alibicheck_error *error)
{
    const struct problem_spec *spec = &problem->spec;
    const int64_t counts[VIEW_AXES] = {
        fact == STATED_Q ? spec->num_queries : spec->seq_len,
        fact == STATED_Q ? spec->num_heads : spec->num_kv_heads,
        spec->head_dim,
    };
    struct error failure;
    struct tensor_view of_tensor;
    if (!api_has(tensor, name, &failure) || api_view(&of_tensor, tensor, name, counts, &failure))
        return api_end(error, &failure);
    if (!of_tensor.elements && (fact == STATED_Q || problem->spec.seq_len > 0)) {
        error_set(&failure, ERROR_USAGE, "%s: its elements are NULL", name);
        return api_end(error, &failure);
    }
    *view = of_tensor;
    state(problem, fact);
    return api_end(error, NULL);
}

int alibicheck_problem_set_q(alibicheck_problem *problem, const struct alibicheck_tensor *q,
                             struct alibicheck_error *error)
{
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    return set_tensor(problem, &problem->tensors.q, q, STATED_Q, "q", error);
}

int alibicheck_problem_set_k(alibicheck_problem *problem, const struct alibicheck_tensor *k,
                             struct alibicheck_error *error)
{
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    return set_tensor(problem, &problem->tensors.k, k, STATED_K, "k", error);
}

int alibicheck_problem_set_v(alibicheck_problem *problem, const struct alibicheck_tensor *v,
                             struct alibicheck_error *error)
{
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    return set_tensor(problem, &problem->tensors.v, v, STATED_V, "v", error);
}

/* A copy in the place of *array, or of NULL none. */
static int copy_array(void **array, const void *from, double size_bytes, const char *what,
                      struct alibicheck_error *error)
{
    struct error failure;
    void *copy = NULL;
    if (from) {
        copy = malloc((size_t)size_bytes + 1);
        if (!copy) {
            error_memory(&failure, what, size_bytes);
            return api_end(error, &failure);
        }
        memcpy(copy, from, (size_t)size_bytes);
    }
    free(*array);
    *array = copy;
    return api_end(error, NULL);
}

static enum error_kind check_pages(const struct alibicheck_pages *pages, int64_t seq_len, struct error *failure)
{
    if (pages->page_size < 1 || pages->page_size > PROBLEM_MAX_KEYS)
        return error_set(failure, ERROR_USAGE, "page_size: is %" PRId64 "; allowed: 1 to %d", pages->page_size,
                         PROBLEM_MAX_KEYS);
    if (pages->pool_pages < (seq_len > 0))
        return error_set(failure, ERROR_USAGE, "pool_pages: is %" PRId64 "; allowed: %d and more", pages->pool_pages,
                         seq_len > 0);
    if (seq_len > 0 && !pages->numbers)
        return error_set(failure, ERROR_USAGE, "page numbers: are NULL");
    int64_t k_bytes = 0, v_bytes = 0;
    if (!span_add(&k_bytes, pages->pool_pages, pages->k_stride) ||
        !span_add(&v_bytes, pages->pool_pages, pages->v_stride))
        return error_set(failure, ERROR_USAGE,
                         "page strides: are %" PRId64 " and %" PRId64 " of %" PRId64
                         " pages; allowed: pages that lie within 2^63 bytes",
                         pages->k_stride, pages->v_stride, pages->pool_pages);
    for (int64_t i = 0; i * pages->page_size < seq_len; i++)
        if (pages->numbers[i] < 0 || pages->numbers[i] >= pages->pool_pages)
            return error_set(failure, ERROR_USAGE,
                             "page numbers: page %" PRId64 " is page %" PRId64 " of the pool; allowed: 0 to %" PRId64,
                             i, pages->numbers[i], pages->pool_pages - 1);
    return ERROR_NONE;
}

int alibicheck_problem_set_pages(alibicheck_problem *problem, const struct alibicheck_pages *pages,
                                 struct alibicheck_error *error)
{
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    if (!api_has(pages, "pages", &failure) || check_pages(pages, problem->spec.seq_len, &failure))
        return api_end(error, &failure);
    static const int64_t none = 0;
    int64_t count = (problem->spec.seq_len + pages->page_size - 1) / pages->page_size;
    void *numbers = (void *)(uintptr_t)problem->tensors.pages;
    int status =
        copy_array(&numbers, count ? pages->numbers : &none, (double)count * sizeof(int64_t), "page numbers", error);
    if (status)
        return status;
    problem->tensors.pages = numbers;
    problem->tensors.page_size = pages->page_size;
    problem->tensors.k_page_stride = pages->k_stride;
    problem->tensors.v_page_stride = pages->v_stride;
    return status;
}

int alibicheck_problem_set_visible(alibicheck_problem *problem, const uint8_t *visible, struct alibicheck_error *error)
{
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    void *copy = (void *)(uintptr_t)problem->tensors.visible;
    int status = copy_array(&copy, visible, (double)problem->spec.seq_len, "the mask", error);
    problem->tensors.visible = copy;
    return status;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static enum error_kind check_finite(const float *numbers, int count, const char *what, struct error *failure)
{
    for (int h = 0; h < count; h++)
        if (!isfinite(numbers[h]))
            return error_set(failure, ERROR_USAGE, "the %s of head %d: is %g; allowed: finite numbers", what, h,
                             isnan(numbers[h]) ? (double)NAN : (double)numbers[h]);
    return ERROR_NONE;
}

static enum error_kind check_number(float number, const char *name, struct error *failure)
{
    return isfinite(number) ? ERROR_NONE
                            : error_set(failure, ERROR_USAGE, "%s: is %g; allowed: finite numbers", name,
                                        isnan(number) ? (double)NAN : (double)number);
}

int alibicheck_problem_set_scale(alibicheck_problem *problem, float scale, struct alibicheck_error *error)
{
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    if (check_number(scale, "scale", &failure))
        return api_end(error, &failure);
    problem->spec.scale = scale;
    state(problem, STATED_SCALE);
    return api_end(error, NULL);
}

static int set_slopes(struct alibicheck_problem *problem, const float *slopes, struct alibicheck_error *error)
{
    void *copy = problem->slopes;
    int status = copy_array(&copy, slopes, (double)problem->spec.num_heads * sizeof(float), "slopes", error);
    problem->slopes = copy;
    if (!status)
        state(problem, STATED_SLOPES);
    return status;
}

int alibicheck_problem_set_slopes(alibicheck_problem *problem, const float *slopes, struct alibicheck_error *error)
{
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    if (!api_has(slopes, "slopes", &failure) || check_finite(slopes, problem->spec.num_heads, "slope", &failure))
        return api_end(error, &failure);
    return set_slopes(problem, slopes, error);
}

int alibicheck_problem_set_slope_convention(alibicheck_problem *problem, const char *name,
                                            struct alibicheck_error *error)
{
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    if (!api_has(name, "the name of a convention of slopes", &failure))
        return api_end(error, &failure);
    int convention = 0, num_heads = problem->spec.num_heads;
    while (convention < SLOPES_COUNT && strcmp(name, slope_convention_names[convention]) != 0)
        convention++;
    if (convention == SLOPES_COUNT && strcmp(name, "none") != 0) {
        error_set(&failure, ERROR_USAGE,
                  "slopes: \"%.64s\"; allowed: " SLOPE_CONVENTION_WORDS ", or none for attention without ALiBi", name);
        return api_end(error, &failure);
    }
    float *slopes = calloc((size_t)num_heads, sizeof *slopes);
    if (!slopes) {
        error_memory(&failure, "slopes", (double)num_heads * sizeof *slopes);
        return api_end(error, &failure);
    }
    if (convention != SLOPES_COUNT) {
        COMPUTING_ENVIRONMENT();
        slopes_fill(slopes, num_heads, (enum slope_convention)convention, problem->spec.max_bias, 0, num_heads);
    }
    int status = set_slopes(problem, slopes, error);
    free(slopes);
    return status;
}

int alibicheck_problem_set_kv_scales(alibicheck_problem *problem, float k_scale, float v_scale,
                                     struct alibicheck_error *error)
{
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    if ((!isnan(k_scale) && check_number(k_scale, "k_scale", &failure)) ||
        (!isnan(v_scale) && check_number(v_scale, "v_scale", &failure)))
        return api_end(error, &failure);
    problem->k_scale_unsaid = isnan(k_scale);
    problem->v_scale_unsaid = isnan(v_scale);
    problem->spec.k_scale = isnan(k_scale) ? 1 : k_scale;
    problem->spec.v_scale = isnan(v_scale) ? 1 : v_scale;
    state(problem, STATED_KV_SCALES);
    return api_end(error, NULL);
}

static int set_place(struct alibicheck_problem *problem, int64_t *place, int64_t value, const char *name,
                     struct alibicheck_error *error)
{
    struct error failure;
    if (value < -INT32_MAX || value > INT32_MAX) {
        error_set(&failure, ERROR_USAGE, "%s: is %" PRId64 "; allowed: %d to %d", name, value, -INT32_MAX, INT32_MAX);
        return api_end(error, &failure);
    }
    *place = value;
    if (!is_stated(problem, STATED_POSITION))
        problem->spec.q_position = problem->spec.kv_offset + problem->spec.seq_len - 1;
    return api_end(error, NULL);
}

int alibicheck_problem_set_position(alibicheck_problem *problem, int64_t position, struct alibicheck_error *error)
{
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    unsigned before = problem->stated;
    state(problem, STATED_POSITION);
    int status = set_place(problem, &problem->spec.q_position, position, "position", error);
    if (status)
        problem->stated = before;
    return status;
}

int alibicheck_problem_set_kv_offset(alibicheck_problem *problem, int64_t kv_offset, struct alibicheck_error *error)
{
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    return set_place(problem, &problem->spec.kv_offset, kv_offset, "kv_offset", error);
}

int alibicheck_problem_set_soft_cap(alibicheck_problem *problem, enum alibicheck_soft_cap where, float cap,
                                    struct alibicheck_error *error)
{
    COMPUTING_ENVIRONMENT();
    static const enum soft_cap places[] = {
        [ALIBICHECK_CAP_NONE] = SOFT_CAP_NONE,
        [ALIBICHECK_CAP_BEFORE_BIAS] = SOFT_CAP_BEFORE_BIAS,
        [ALIBICHECK_CAP_AFTER_BIAS] = SOFT_CAP_AFTER_BIAS,
    };
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    if ((unsigned)where >= sizeof places / sizeof *places) {
        error_set(&failure, ERROR_USAGE,
                  "soft cap: where is %d; allowed: ALIBICHECK_CAP_NONE, _BEFORE_BIAS or _AFTER_BIAS", (int)where);
        return api_end(error, &failure);
    }
    if (where != ALIBICHECK_CAP_NONE && !(cap > 0 && isfinite(cap))) {
        error_set(&failure, ERROR_USAGE, "soft cap: is %g; allowed: numbers above 0",
                  isnan(cap) ? (double)NAN : (double)cap);
        return api_end(error, &failure);
    }
    problem->spec.soft_cap = (struct soft_cap_spec){places[where], where == ALIBICHECK_CAP_NONE ? 0 : cap};
    return api_end(error, NULL);
}

int alibicheck_problem_set_sink_logits(alibicheck_problem *problem, const float *sink_logits,
                                       struct alibicheck_error *error)
{
    struct error failure;
    HAS_PROBLEM(problem, &failure, error);
    int num_heads = problem->spec.num_heads;
    if (sink_logits && check_finite(sink_logits, num_heads, "sink", &failure))
        return api_end(error, &failure);
    void *copy = problem->sink_logits;
    int status = copy_array(&copy, sink_logits, (double)num_heads * sizeof(float), "sinks", error);
    problem->sink_logits = copy;
    return status;
}
