#include "harness/case/case_constraint.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/case/case_contradiction.h"
#include "harness/case/recipe_field.h"
#include "harness/problem/distribution.h"

/* ---- constraints between keys ---- */

enum { PAST_END_SLOTS = 32 }; /* a tile: recipes read so far */

static bool kv_heads_divide(const struct point *point)
{
    return point->problem.num_heads % point->problem.num_kv_heads == 0;
}

static bool model_has_heads(const struct point *point)
{
    return point->problem.head_offset + point->problem.num_heads <= point->problem.total_heads;
}

/* total_heads is within its range if it is given, so this is about its default. */
static bool model_has_room(const struct point *point)
{
    return point->problem.total_heads <= (int64_t)keys[KEY_TOTAL_HEADS].field.whole.greatest;
}

static bool channels_fit(const struct point *point)
{
    return point->problem.input.distribution != DISTRIBUTION_OUTLIERS ||
           point->problem.input.channels <= point->problem.head_dim;
}

static bool k_scale_fits(const struct point *point)
{
    return point->problem.kv_format != KV_AS_DTYPE || point->problem.k_scale == 1;
}

static bool v_scale_fits(const struct point *point)
{
    return point->problem.kv_format != KV_AS_DTYPE || point->problem.v_scale == 1;
}

static bool slopes_fit(const struct point *point)
{
    return point->problem.num_slope_values == 0 || point->problem.num_slope_values == point->problem.num_heads;
}

static bool sinks_fit(const struct point *point)
{
    return point->problem.sinks.num_values == 0 || point->problem.sinks.num_values == point->problem.num_heads;
}

/* Biases that are rounded where they are absolute, or infinite where a key drops out, do not bear a cap. */
static bool cap_fits(const struct point *point)
{
    const struct problem_spec *problem = &point->problem;
    return problem->soft_cap.where != SOFT_CAP_AFTER_BIAS || problem->truth_of == TRUTH_OF_INPUTS ||
           problem->truth_of == TRUTH_OF_FORMULA;
}

/* Slopes that are given, and beside them a key that only a convention reads: each value of it is the same problem. */
static bool slopes_leave(const struct point *point, enum key_id id)
{
    return point->problem.num_slope_values == 0 || !point->test_case->axes[id].given;
}

static bool slopes_leave_max_bias(const struct point *point)
{
    return slopes_leave(point, KEY_MAX_BIAS);
}

static bool slopes_leave_head_offset(const struct point *point)
{
    return slopes_leave(point, KEY_HEAD_OFFSET);
}

static bool slopes_leave_total_heads(const struct point *point)
{
    return slopes_leave(point, KEY_TOTAL_HEADS);
}

static bool floor_fits(const struct point *point)
{
    return logit_floor_fits(&point->problem);
}

static bool gap_fits(const struct point *point)
{
    return point->problem.mask.gap_from + point->problem.mask.gap_keys <= point->problem.seq_len;
}

static bool file_fits(const struct point *point)
{
    const struct mask_bits *bits = point->problem.mask.bits;
    return !bits || 8 * bits->size_bytes >= (uint64_t)point->problem.seq_len;
}

/* The largest length that the case has. */
static double longest(const struct test_case *test_case)
{
    const struct axis *lengths = &test_case->axes[KEY_SEQ_LEN];
    double most = 0;
    for (size_t i = 0; i < lengths->num_segments; i++) {
        const struct segment *segment = &lengths->segments[i];
        most = fmax(most, field_real(&keys[KEY_SEQ_LEN].field, &segment->first) + (double)segment->extra);
    }
    return most;
}

/* A sliding window keeps all of a cache that is shorter, as every one is at its beginning; what is longer than all
 * caches of the case is a slip. */
static bool mask_fits(const struct point *point)
{
    const struct mask_spec *mask = &point->problem.mask;
    const int64_t counts[] = {mask->drop_newest, mask->padding, mask->block};
    const double most = longest(point->test_case);
    bool fits = (double)mask->window <= most && (double)mask->sinks <= most;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        fits &= counts[i] <= point->problem.seq_len;
    return fits;
}

static bool batch_has_lengths(const struct point *point)
{
    uint64_t lengths = axis_count(&point->test_case->axes[KEY_SEQ_LEN]);
    return point->batch == BATCH_ALONE || (lengths > 1 && lengths <= BATCH_MAX_SEQUENCES);
}

/* Problems that are worked on in parts (problem_spec_parts) are launched alone. */
static bool batch_fits(const struct point *point)
{
    double bytes = 0, key_bytes = 2 * (double)dtypes[problem_spec_kv_dtype(&point->problem)].size_bytes *
                                  point->problem.num_kv_heads * point->problem.head_dim;
    const struct axis *lengths = &point->test_case->axes[KEY_SEQ_LEN];
    for (size_t i = 0; i < lengths->num_segments && point->batch == BATCH_TOGETHER; i++) {
        const struct segment *segment = &lengths->segments[i];
        double first = field_real(&keys[KEY_SEQ_LEN].field, &segment->first), count = (double)segment->extra + 1;
        bytes += key_bytes * count * (first + (count - 1) / 2);
    }
    return bytes <= 4.0 * PART_BYTES;
}

static bool prefix_is_shared(const struct point *point)
{
    const int page_size = point->kernel_options.page_size;
    return point->problem.shared_prefix == 0 ||
           (point->batch == BATCH_TOGETHER && page_size > 0 && page_size <= point->problem.shared_prefix);
}

/* Where k is made of q, or of a place from the end, what is a key of one sequence is none of another. */
static bool prefix_is_plain(const struct point *point)
{
    return point->problem.shared_prefix == 0 || !distributions[point->problem.input.distribution].shape;
}

/* Pages of all sequences of the launch. */
static bool pool_fits(const struct point *point)
{
    const struct axis *lengths = &point->test_case->axes[KEY_SEQ_LEN];
    const struct kernel_options *options = &point->kernel_options;
    double pages = 0, size = (double)options->page_size;
    if (options->pool_pages == 0)
        return true;
    if (options->page_size == 0)
        return false;
    for (size_t i = 0; i < lengths->num_segments && point->batch == BATCH_TOGETHER; i++) {
        const struct segment *segment = &lengths->segments[i];
        double first = field_real(&keys[KEY_SEQ_LEN].field, &segment->first), count = (double)segment->extra + 1;
        pages += count * ((first + count - 1 + PAST_END_SLOTS) / size + 1);
    }
    if (point->batch == BATCH_ALONE)
        pages = ((double)point->problem.seq_len + PAST_END_SLOTS) / size + 1;
    return (double)options->pool_pages >= pages;
}

/* A pool is memory as k and v are. */
static bool pool_is_held(const struct point *point)
{
    double row = 2 * (double)dtypes[problem_spec_kv_dtype(&point->problem)].size_bytes * point->problem.num_kv_heads *
                 point->problem.head_dim;
    return (double)point->kernel_options.pool_pages * point->kernel_options.page_size * row <= 4.0 * PART_BYTES;
}

/* Nor can a kernel take keys or slopes of heads that are not in the part. */
static bool recipe_fits_parts(const struct point *point)
{
    const struct recipe *recipe = point->base_recipe ? point->base_recipe : &recipe_sound;
    return !contract_needs_all_heads(&recipe->contract) || problem_spec_parts(&point->problem) == 1;
}

static const struct recipe kernel_takes_all = {.name = NULL};
static const char allowed_in_refusal[] = "; allowed: ";

static bool kernel_takes_dtypes(const struct point *point)
{
    return !kernel_refusal(point->kernel, &kernel_takes_all, point->problem.dtype, point->problem.kv_format);
}

static bool kernel_takes_recipe(const struct point *point)
{
    return !kernel_takes_dtypes(point) ||
           !kernel_refusal(point->kernel, &point->recipe, point->problem.dtype, point->problem.kv_format);
}

/* A refusal ends in what is allowed. */
static const char *kernel_allows(const struct point *point)
{
    const struct recipe *recipe = kernel_takes_dtypes(point) ? &point->recipe : &kernel_takes_all;
    const char *refusal = kernel_refusal(point->kernel, recipe, point->problem.dtype, point->problem.kv_format);
    return strstr(refusal, allowed_in_refusal) + strlen(allowed_in_refusal);
}

enum { CONSTRAINT_KEYS = 6 };

/* What must hold for every combination. A violation is reported at the first of the keys that the case gives. */
static const struct constraint {
    bool (*holds)(const struct point *point);
    enum key_id keys[CONSTRAINT_KEYS];
    size_t num_keys;
    const char *what, *allowed; /* allowed NULL: what the kernel says (kernel_allows) */
} constraints[] = {
    {kv_heads_divide, {KEY_NUM_KV_HEADS, KEY_NUM_HEADS}, 2, "does not divide num_heads", "divisors of num_heads"},
    {model_has_heads,
     {KEY_TOTAL_HEADS, KEY_HEAD_OFFSET, KEY_NUM_HEADS},
     3,
     "is too small",
     "head_offset + num_heads or more"},
    {model_has_room, {KEY_HEAD_OFFSET, KEY_NUM_HEADS}, 2, "is too large", "head_offset + num_heads of at most 4096"},
    {channels_fit, {KEY_INPUT, KEY_HEAD_DIM}, 2, "has more outlier channels than head_dim", "channels up to head_dim"},
    {mask_fits,
     {KEY_MASK, KEY_SEQ_LEN},
     2,
     "counts more keys than seq_len",
     "counts up to seq_len, of window and sinks up to the largest one of the case"},
    {gap_fits,
     {KEY_MASK, KEY_SEQ_LEN},
     2,
     "has a gap that ends beyond the last key",
     "gap_from + gap_keys up to seq_len"},
    {file_fits,
     {KEY_MASK, KEY_SEQ_LEN},
     2,
     "has a file of too few bits",
     "a bit a key: seq_len / 8 bytes, rounded up, or more"},
    {slopes_fit, {KEY_SLOPES, KEY_NUM_HEADS}, 2, "has not one value a head", "num_heads values"},
    {cap_fits,
     {KEY_SOFT_CAP, KEY_TRUTH_OF},
     2,
     "caps biases that the contract rounds",
     "before_bias, or truth_of inputs or formula"},
    {sinks_fit, {KEY_SINK_LOGITS, KEY_NUM_HEADS}, 2, "has not one value a head", "num_heads values"},
    {slopes_leave_max_bias,
     {KEY_MAX_BIAS, KEY_SLOPES},
     2,
     "is given beside the slopes themselves",
     "slopes of a convention beside it"},
    {slopes_leave_head_offset,
     {KEY_HEAD_OFFSET, KEY_SLOPES},
     2,
     "is given beside the slopes themselves",
     "slopes of a convention beside it"},
    {slopes_leave_total_heads,
     {KEY_TOTAL_HEADS, KEY_SLOPES},
     2,
     "is given beside the slopes themselves",
     "slopes of a convention beside it"},
    {k_scale_fits,
     {KEY_K_SCALE, KEY_KV_DTYPE},
     2,
     "is given without an fp8 cache",
     "1, or kv_dtype e4m3, e5m2 or e4m3fnuz"},
    {v_scale_fits,
     {KEY_V_SCALE, KEY_KV_DTYPE},
     2,
     "is given without an fp8 cache",
     "1, or kv_dtype e4m3, e5m2 or e4m3fnuz"},
    {batch_has_lengths,
     {KEY_BATCH, KEY_SEQ_LEN},
     2,
     "has no batch of lengths",
     "alone, or together with 2 to 1024 values of seq_len"},
    {batch_fits,
     {KEY_BATCH, KEY_SEQ_LEN, KEY_NUM_KV_HEADS, KEY_NUM_HEADS, KEY_HEAD_DIM, KEY_DTYPE},
     6,
     "has k and v of more than 2 GiB",
     "alone, or lengths whose k and v take up to 2 GiB in all"},
    {prefix_is_shared,
     {KEY_SHARED_PREFIX, KEY_PAGE_SIZE, KEY_BATCH},
     3,
     "has no page that sequences share",
     "0, or batch together, and at least one page of page_size keys"},
    {prefix_is_plain,
     {KEY_SHARED_PREFIX, KEY_INPUT},
     2,
     "is given beside keys that depend on the query, or on the end of their sequence",
     "0, or input normal, uniform or constant"},
    {pool_fits,
     {KEY_POOL_PAGES, KEY_PAGE_SIZE, KEY_SEQ_LEN, KEY_BATCH},
     4,
     "has no room for the sequences",
     "0, or with pages (seq_len + 32) / page_size + 1 or more, of all sequences of a batch together"},
    {pool_is_held,
     {KEY_POOL_PAGES, KEY_PAGE_SIZE, KEY_NUM_KV_HEADS, KEY_NUM_HEADS, KEY_HEAD_DIM, KEY_DTYPE},
     6,
     "takes more than 2 GiB",
     "pools of up to 2 GiB"},
    {recipe_fits_parts,
     {KEY_RECIPE, KEY_SEQ_LEN, KEY_NUM_KV_HEADS, KEY_NUM_HEADS, KEY_HEAD_DIM, KEY_DTYPE},
     6,
     "has keys or slopes of other heads, and k and v of more than 2 GiB, which are worked on some KV heads at a time",
     "kv_head_map grouped and slope_head_shift 0, or k and v of up to 2 GiB"},
    {kernel_takes_dtypes, {KEY_KERNEL, KEY_DTYPE, KEY_KV_DTYPE}, 3, "takes no such dtypes", NULL},
    {kernel_takes_recipe, {KEY_KERNEL, KEY_RECIPE, KEY_DTYPE}, 3, "takes no such recipe", NULL},
    {floor_fits,
     {KEY_INPUT, KEY_DTYPE, KEY_KV_DTYPE, KEY_SCALE, KEY_K_SCALE, KEY_HEAD_DIM},
     6,
     "has logits that q and k cannot hold",
     "|value| + 6.5 spread that scale * k_scale times a q and a k of these dtypes can reach"},
};

enum { NUM_CONSTRAINTS = sizeof constraints / sizeof constraints[0] };

static enum error_kind constraint_error(const struct test_case *test_case, const struct constraint *constraint,
                                        const uint64_t *index, const struct point *point, struct error *error)
{
    char value[FIELD_TEXT_SIZE], with[2 * FIELD_TEXT_SIZE] = "", text[FIELD_TEXT_SIZE];
    size_t culprit = 0, length = 0;
    uint64_t step;
    while (culprit + 1 < constraint->num_keys && !test_case->axes[constraint->keys[culprit]].given)
        culprit++;
    enum key_id id = constraint->keys[culprit];
    for (size_t i = 0; i < constraint->num_keys; i++) {
        const struct key *key = &keys[constraint->keys[i]];
        if (i != culprit)
            length += (size_t)snprintf(with + length, sizeof with - length, "%s %s %s", length ? "," : " with",
                                       key->field.name, key_format(text, key, point));
    }
    const struct segment *segment = axis_at(&test_case->axes[id], index[id], &step);
    return place_error(error, &segment->node->place, "%s %s: '%s'%s; allowed: %s", keys[id].field.name,
                       constraint->what, key_format(value, &keys[id], point), with,
                       constraint->allowed ? constraint->allowed : kernel_allows(point));
}

/* ---- every combination ---- */

static enum error_kind check_point(const struct test_case *test_case, const uint64_t *index, struct error *error)
{
    struct point point;
    case_assemble(test_case, index, &point);
    for (size_t i = 0; i < NUM_CONSTRAINTS; i++)
        if (!constraints[i].holds(&point))
            return constraint_error(test_case, &constraints[i], index, &point, error);
    return recipe_contradiction(&point.recipe) ? case_contradiction_error(test_case, index, &point, error) : ERROR_NONE;
}

/* Every combination of the axes that constraints look at; the other axes stay at their first value. */
enum error_kind case_check(const struct test_case *test_case, struct error *error)
{
    bool constrained[KEY_COUNT] = {false};
    uint64_t index[KEY_COUNT] = {0};
    for (size_t i = 0; i < NUM_CONSTRAINTS; i++)
        for (size_t j = 0; j < constraints[i].num_keys; j++)
            constrained[constraints[i].keys[j]] = true;
    case_contradiction_keys(constrained);
    for (int id = 0; id < KEY_COUNT;) {
        enum error_kind kind = check_point(test_case, index, error);
        if (kind)
            return kind;
        /* The next combination, or the end once every axis has come round to 0. */
        for (id = 0; id < KEY_COUNT; id++) {
            if (!constrained[id])
                continue;
            if (++index[id] < axis_count(&test_case->axes[id]))
                break;
            index[id] = 0;
        }
    }
    return ERROR_NONE;
}
