#include "harness/command/judge_reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command/judge_recipe.h"
#include "harness/command/judge_sample.h"
#include "harness/command/judge_tensors.h"
#include "harness/library/judged_record.h"
#include "harness/support/source.h"

/* Each sequence of a batch as a problem and an output. */

/* What an lse in base 2 may have lost, relative to itself: ln 2 times it rounded to f32, half an ulp, after log2(e) as
 * an f32 times a natural one, where that is how it was made: 1.23 * 2^-24 (kernels/attention/rounding.c). */
#define LSE_BASE_ROUNDING (2.25 * 0x1p-24)

/* The dtypes were looked at. */
static struct tensor_view view_of(const struct tensor_file *file, const struct bound_axes *axes, enum axis_role first,
                                  enum axis_role second, int64_t first_element)
{
    struct error unused;
    struct tensor_view view = {
        .name = file->name,
        .elements = file->elements + first_element * (int64_t)element_types[file->layout.type].size_bytes,
        .strides = {axes->stride[first], axes->stride[second], axes->stride[ROLE_DIM]},
    };
    (void)judge_dtype_of(&view.dtype, file, true, &unused);
    return view;
}

/* The first element of a sequence's queries. */
static int64_t first_of_queries(const struct judge_reading *reading, const struct bound_axes *axes, int64_t b)
{
    return reading->facts.ragged_queries ? reading->first_query[b] * axes->stride[ROLE_QUERIES]
                                         : b * axes->stride[ROLE_SEQUENCES];
}

static int64_t first_of_keys(const struct judge_reading *reading, const struct bound_axes *axes, int64_t b)
{
    return reading->first_key ? reading->first_key[b] * axes->stride[ROLE_KEYS] : b * axes->stride[ROLE_SEQUENCES];
}

/* k or v of a sequence: v behind k where they are in one tensor, head_dim on two axes where it is. */
static struct tensor_view view_of_keys(const struct judge_reading *reading, enum judge_tensor tensor, int64_t b)
{
    const struct bound_axes *axes = tensor == TENSOR_FILE_V ? &reading->v : &reading->k;
    int64_t first = first_of_keys(reading, axes, b) + (tensor == TENSOR_FILE_V ? axes->stride[ROLE_STACK] : 0);
    struct tensor_view view = view_of(&reading->input->files[tensor], axes,
                                      reading->facts.paged ? ROLE_SLOTS : ROLE_KEYS, ROLE_KV_HEADS, first);
    if (axes->stride[ROLE_BLOCKS]) {
        view.block = reading->shape.length[ROLE_BLOCK];
        view.block_stride = axes->stride[ROLE_BLOCKS];
        view.strides[VIEW_AXES - 1] = axes->stride[ROLE_BLOCK];
    }
    return view;
}

static void forget(void *context)
{
    const struct judge_input *input = context;
    for (int t = TENSOR_FILE_K; t <= TENSOR_FILE_V; t++)
        tensor_forget(&input->files[t], 0, input->files[t].layout.num_elements);
}

static void make_point(struct point *point, const struct judge_reading *reading, int64_t b)
{
    case_point(reading->input->cases.cases[0], 0, point);
    float scale = reading->spec.scale;
    point->problem = reading->spec;
    point->problem.num_queries = (int)(reading->first_query[b + 1] - reading->first_query[b]);
    point->problem.seq_len = reading->seq_lens[b];
    point->problem.q_position = reading->positions[b];
    point->problem.sequence = (int)b;
    point->demand = reading->facts.demand;
    judge_recipe_apply(point, reading->input, &reading->facts.tolerance);
    point->problem.scale = scale; /* 0 is no default here */
}

static struct tensor_view view_of_queries(const struct judge_reading *reading, enum judge_tensor tensor,
                                          const struct bound_axes *axes, int64_t b)
{
    return view_of(&reading->input->files[tensor], axes, ROLE_QUERIES, ROLE_HEADS, first_of_queries(reading, axes, b));
}

/* The name of sequence b: what its bundle says, or made of what it is; of a workload, its uuid behind that. */
static char *key_of(const struct judge_reading *reading, const struct problem_spec *problem, int64_t b)
{
    const char *uuid = reading->input->workload.uuid;
    char *longer = NULL;
    if (reading->bundle && reading->bundle->key)
        return strdup(reading->bundle->key);
    char *key = judged_key(problem, reading->num_sequences > 1 ? b : -1);
    if (!key || !uuid)
        return key;
    if (asprintf(&longer, "%s,workload=%s", key, uuid) < 0)
        longer = NULL;
    free(key);
    return longer;
}

/* What nobody has said of scales; of k and v that were of two types a bundle has their numbers alone. */
static enum unsaid_scales scales_of(const struct judge_reading *reading, enum dtype k, enum dtype v)
{
    const char *const *values = reading->options->values;
    return reading->bundle && reading->bundle->scales == SCALES_OF_TWO_TYPES
               ? SCALES_OF_TWO_TYPES
               : unsaid_scales_of(k, v, values[GIVEN_K_SCALE], values[GIVEN_V_SCALE]);
}

/* Sequence b, as the next one that is judged. */
static enum error_kind make_sequence(struct judge_reading *reading, int64_t b, int64_t mask_row, struct error *error)
{
    struct judge_input *input = reading->input;
    struct judged_sequence *sequence = &input->sequences[input->num_sequences];
    bool paged = reading->facts.paged;
    const struct given_tensors given = {
        .q = view_of_queries(reading, TENSOR_FILE_Q, &reading->q, b),
        .k = view_of_keys(reading, TENSOR_FILE_K, b),
        .v = view_of_keys(reading, TENSOR_FILE_V, b),
        .pages = paged ? input->pages + b * reading->pages_a_row : NULL,
        .page_size = reading->shape.length[ROLE_SLOTS],
        .k_page_stride = reading->k.stride[ROLE_PAGES],
        .v_page_stride = reading->v.stride[ROLE_PAGES],
        .visible = input->visible ? input->visible + b * mask_row : NULL,
        .forget = forget,
        .context = input,
    };
    const struct tensor_view out = view_of_queries(reading, TENSOR_FILE_OUT, &reading->out, b);
    make_point(&sequence->point, reading, b);
    sequence->given = (struct given){
        .key = key_of(reading, &sequence->point.problem, b),
        .command = input->command,
        .masked = input->visible,
        .has_recipe = input->has_recipe,
        .scales = scales_of(reading, given.k.dtype, given.v.dtype),
        .turned = reading->bundle && reading->bundle->turned,
        .lse_rounding = reading->facts.lse_base_2 ? LSE_BASE_ROUNDING : 0,
    };
    if (!sequence->given.key)
        return error_memory(error, "the name of a sequence", POINT_KEY_SIZE);
    judge_sample_say(&sequence->given, input, b);
    sequence->point.given = &sequence->given;
    sequence->point.workload = input->workload.uuid ? &input->workload : NULL;
    sequence->of_tensors = given_source(&sequence->point.problem, &given);
    sequence->source = &sequence->of_tensors.source;
    sequence->output = given_output(
        &out, input->lse ? input->lse + reading->first_query[b] * reading->shape.length[ROLE_HEADS] : NULL);
    sequence->has_other = input->is_open[TENSOR_FILE_OTHER];
    if (sequence->has_other) {
        const struct tensor_view other = view_of_queries(reading, TENSOR_FILE_OTHER, &reading->other, b);
        sequence->other = given_output(&other, NULL);
    }
    input->points[input->num_sequences] = sequence->point;
    return ERROR_NONE;
}

/* The operations that the output is said to be made with. Options that stand in a bundle are nobody's mistake. */
static enum error_kind read_recipe(struct judge_reading *reading, struct error *error)
{
    const struct judge_bundle *bundle = reading->bundle;
    struct error failure;
    char path[PATH_QUOTE_SIZE];
    enum error_kind kind = judge_recipe_read(reading->input, bundle && bundle->case_name ? bundle->case_name : "judge",
                                             reading->options, bundle ? bundle->own : NULL, &failure);
    if (!kind)
        kind = judge_recipe_check(reading->input, &reading->spec, &failure);
    if (kind == ERROR_USAGE && bundle && bundle->says_all)
        return error_set(error, kind, "%s: has a kernel or recipe that is none; allowed: a bundle as it was written",
                         quote_path(path, bundle->path));
    return kind ? error_set(error, kind, "%s", failure.text) : ERROR_NONE;
}

enum error_kind judge_make_sequences(struct judge_reading *reading, int64_t mask_row, struct error *error)
{
    struct judge_input *input = reading->input;
    size_t count = (size_t)reading->num_sequences;
    enum error_kind kind = read_recipe(reading, error);
    if (!kind)
        kind = judge_input_quote(input, reading->options, error);
    if (!kind)
        kind = judge_sample_draw(input, reading->options, reading->num_sequences, reading->first_query,
                                 reading->spec.num_heads, error);
    if (kind)
        return kind;
    input->points = calloc(count, sizeof *input->points);
    input->sequences = calloc(count, sizeof *input->sequences);
    if (!input->points || !input->sequences)
        return error_memory(error, "sequences", (double)count * sizeof *input->sequences);
    for (int64_t b = 0; b < reading->num_sequences && !kind; b++)
        if (reading->first_query[b + 1] > reading->first_query[b] && judge_sample_has(input, b)) {
            kind = make_sequence(reading, b, mask_row, error);
            input->num_sequences++; /* and its key is to be freed */
        }
    return kind;
}
