/* A folder that `run --dump` wrote, as what `alibicheck judge` judges: its inputs, and the output beside them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/command/judge_facts.h"
#include "harness/command/judge_input.h"
#include "harness/command/judge_recipe.h"
#include "harness/command/judge_sample.h"
#include "harness/command/judge_tensors.h"
#include "harness/problem/dumped_file.h"
#include "harness/support/file.h"
#include "harness/support/source.h"

/* What the folder says already. */
static enum error_kind refuse_options(const struct judge_options *options, struct error *error)
{
    char name[JUDGE_NAME_SIZE];
    for (int option = 0; option < GIVEN_OPTION_COUNT; option++)
        if (options->values[option] && judge_option_of_problem((enum judge_option)option))
            return error_set(error, ERROR_USAGE,
                             "%s: with a folder, which says it; allowed: --tolerance, --class, --recipe and --budget",
                             judge_option_name(name, (enum judge_option)option));
    return options->dtypes.count ? error_set(error, ERROR_USAGE, "--dtype: with a folder, which says it") : ERROR_NONE;
}

/* A file of so many elements that are of one of two types. */
static enum error_kind open_tensor(struct judge_input *input, enum judge_tensor tensor, const char *path,
                                   enum element_type type, int64_t count, struct error *error)
{
    struct tensor_file *file = &input->files[tensor];
    char quoted[PATH_QUOTE_SIZE];
    enum error_kind kind = tensor_open(file, path, error);
    if (kind)
        return kind;
    input->is_open[tensor] = true;
    /* Raw bits are what NumPy makes of bf16; those of another file may be bf16 where f16 is judged. */
    if (tensor == TENSOR_FILE_OTHER && file->layout.type != type && type != ELEMENT_BF16)
        return error_set(error, ERROR_USAGE, "%s: is of %s; allowed: %s, as out.npy is", quote_path(quoted, file->name),
                         element_types[file->layout.type].name, element_types[type].name);
    kind = file->layout.type == type ? ERROR_NONE : tensor_reinterpret(file, type, error);
    if (!kind && file->layout.num_elements != count)
        kind = error_set(error, ERROR_USAGE, "%s: has %lld elements; allowed: %lld, as point.json says",
                         quote_path(quoted, file->name), (long long)file->layout.num_elements, (long long)count);
    return kind;
}

/* FOLDER/NAME, which is there. */
static enum error_kind open_output(struct judge_input *input, enum judge_tensor tensor, const char *folder,
                                   const char *name, enum element_type type, int64_t count, struct error *error)
{
    char *path = file_join(folder, name);
    enum error_kind kind = path ? open_tensor(input, tensor, path, type, count, error)
                                : error_memory(error, "a path", (double)strlen(folder));
    free(path);
    return kind;
}

/* The axes of --other but those of length 1 are those of out.npy. */
static enum error_kind check_axes(const struct judge_input *input, struct error *error)
{
    const struct tensor_file *out = &input->files[TENSOR_FILE_OUT], *other = &input->files[TENSOR_FILE_OTHER];
    char quoted[PATH_QUOTE_SIZE], mine[SHAPE_TEXT_SIZE], of_other[SHAPE_TEXT_SIZE];
    int a = 0, b = 0;
    for (;; a++, b++) {
        while (a < out->layout.num_axes && out->layout.shape[a] == 1)
            a++;
        while (b < other->layout.num_axes && other->layout.shape[b] == 1)
            b++;
        bool ended = a == out->layout.num_axes || b == other->layout.num_axes;
        if (ended && a == out->layout.num_axes && b == other->layout.num_axes)
            return ERROR_NONE;
        if (ended || out->layout.shape[a] != other->layout.shape[b])
            return error_set(error, ERROR_USAGE, "%s: is %s; allowed: %s, as out.npy is",
                             quote_path(quoted, other->name), judge_shape_text(of_other, other),
                             judge_shape_text(mine, out));
    }
}

static enum error_kind open_outputs(struct judge_input *input, const struct judge_options *options,
                                    const struct problem *shape, struct error *error)
{
    char *lse = file_join(options->exhibit, dumped_file_name(DUMPED_LSE));
    enum error_kind kind = lse ? open_output(input, TENSOR_FILE_OUT, options->exhibit, dumped_file_name(DUMPED_OUT),
                                             dtype_element_types[shape->dtype], problem_elements(shape), error)
                               : error_memory(error, "a path", (double)strlen(options->exhibit));
    if (!kind && access(lse, F_OK) == 0)
        kind = open_output(input, TENSOR_FILE_LSE, options->exhibit, dumped_file_name(DUMPED_LSE), ELEMENT_F32,
                           problem_rows(shape), error);
    free(lse);
    if (kind || !options->values[GIVEN_OTHER])
        return kind;
    kind = open_tensor(input, TENSOR_FILE_OTHER, options->values[GIVEN_OTHER], dtype_element_types[shape->dtype],
                       problem_elements(shape), error);
    return kind ? kind : check_axes(input, error);
}

/* Of rows that stand one after the other. */
static struct tensor_view view_of(const struct tensor_file *file, const struct problem *shape)
{
    return (struct tensor_view){
        .name = file->name,
        .elements = file->elements,
        .dtype = shape->dtype,
        .strides = {(int64_t)shape->num_heads * shape->head_dim, shape->head_dim, 1},
    };
}

static void make_point(struct judged_sequence *sequence, const struct judge_input *input,
                       const struct tolerance *tolerance, const struct class_demand *demand)
{
    const struct dumped_point *dumped = &sequence->of_folder.point;
    struct point *point = &sequence->point;
    case_point(input->cases.cases[0], 0, point);
    point->problem = dumped->problem;
    point->problem.total_heads = dumped->problem.num_heads;
    point->problem.max_bias = SLOPES_MAX_BIAS;
    point->problem.input = input_spec_default;
    point->demand = *demand;
    const struct tolerance own = {dumped->atol, dumped->rtol, dumped->lse_tolerance};
    judge_recipe_apply(point, input, tolerance->atol >= 0 ? tolerance : &own);
    point->problem.scale = dumped->problem.scale;
    point->problem.q_position = dumped->problem.q_position;
}

enum error_kind judge_input_open_folder(struct judge_input *input, const struct judge_options *options,
                                        struct error *error)
{
    struct tolerance tolerance;
    struct class_demand demand;
    enum error_kind kind = refuse_options(options, error);
    if (!kind)
        kind = judge_tolerance_read(&tolerance, options, error);
    if (!kind)
        kind = judge_demand_read(&demand, options, error);
    if (kind)
        return kind;
    input->points = calloc(1, sizeof *input->points);
    input->sequences = calloc(1, sizeof *input->sequences);
    if (!input->points || !input->sequences)
        return error_memory(error, "a folder", sizeof *input->sequences);
    struct judged_sequence *sequence = input->sequences;
    const struct dumped_point *dumped = &sequence->of_folder.point;
    kind = dumped_source_open(&sequence->of_folder, options->exhibit, error);
    if (kind)
        return kind;
    sequence->source = &sequence->of_folder.source;
    input->num_sequences = 1;
    kind = judge_recipe_read(input, dumped->case_name ? dumped->case_name : "judge", options, dumped, error);
    if (!kind)
        kind = judge_recipe_check(input, &dumped->problem, error);
    if (!kind)
        kind = judge_input_quote(input, options, error);
    if (!kind)
        kind = judge_sample_draw(input, options, 1, (int64_t[]){0, problem_queries(&sequence->source->shape)},
                                 sequence->source->shape.num_heads, error);
    if (!kind)
        kind = open_outputs(input, options, &sequence->source->shape, error);
    if (kind)
        return kind;
    make_point(sequence, input, &tolerance, &demand);
    sequence->given = (struct given){
        .key = strdup(dumped->key ? dumped->key : "judge"),
        .command = input->command,
        .masked = dumped->masked,
        .has_recipe = input->has_recipe,
    };
    if (!sequence->given.key)
        return error_memory(error, "a key", POINT_KEY_SIZE);
    judge_sample_say(&sequence->given, input, 0);
    sequence->point.given = &sequence->given;
    const struct problem *shape = &sequence->source->shape;
    const struct tensor_view out = view_of(&input->files[TENSOR_FILE_OUT], shape);
    const float *lse =
        input->is_open[TENSOR_FILE_LSE] ? (const float *)(const void *)input->files[TENSOR_FILE_LSE].elements : NULL;
    sequence->output = given_output(&out, lse);
    sequence->has_other = input->is_open[TENSOR_FILE_OTHER];
    if (sequence->has_other) {
        const struct tensor_view other = view_of(&input->files[TENSOR_FILE_OTHER], shape);
        sequence->other = given_output(&other, NULL);
    }
    input->points[0] = sequence->point;
    return ERROR_NONE;
}
