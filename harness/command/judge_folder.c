/* A folder that `run --dump` wrote, as what `alibicheck judge` judges: its inputs, and the output beside them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/command/judge_facts.h"
#include "harness/command/judge_input.h"
#include "harness/command/judge_recipe.h"
#include "harness/support/file.h"
#include "harness/support/source.h"

/* What the folder says already. */
static enum error_kind refuse_options(const struct judge_options *options, struct error *error)
{
    char name[JUDGE_NAME_SIZE];
    if (options->values[GIVEN_OTHER])
        return error_set(error, ERROR_USAGE, "--other: with a folder; allowed: with tensors or a bundle");
    for (int option = 0; option < GIVEN_OPTION_COUNT; option++)
        if (options->values[option] && judge_option_of_problem((enum judge_option)option))
            return error_set(error, ERROR_USAGE,
                             "%s: with a folder, which says it; allowed: --tolerance, --class, --recipe and --budget",
                             judge_option_name(name, (enum judge_option)option));
    return options->dtypes.count ? error_set(error, ERROR_USAGE, "--dtype: with a folder, which says it") : ERROR_NONE;
}

/* FOLDER/NAME, which is there, of so many elements that are of one of two types. */
static enum error_kind open_output(struct judge_input *input, enum judge_tensor tensor, const char *folder,
                                   const char *name, enum element_type type, int64_t count, struct error *error)
{
    struct tensor_file *file = &input->files[tensor];
    char quoted[PATH_QUOTE_SIZE], *path = file_join(folder, name);
    if (!path)
        return error_memory(error, "a path", (double)strlen(folder));
    enum error_kind kind = tensor_open(file, path, error);
    free(path);
    if (kind)
        return kind;
    input->is_open[tensor] = true;
    kind = file->layout.type == type ? ERROR_NONE : tensor_reinterpret(file, type, error);
    if (!kind && file->layout.num_elements != count)
        kind = error_set(error, ERROR_USAGE, "%s: has %lld elements; allowed: %lld, as point.json beside it says",
                         quote_path(quoted, file->name), (long long)file->layout.num_elements, (long long)count);
    return kind;
}

static enum error_kind open_outputs(struct judge_input *input, const struct judge_options *options,
                                    const struct problem *shape, struct error *error)
{
    static const enum element_type types[DTYPE_COUNT] = {
        [DTYPE_F16] = ELEMENT_F16, [DTYPE_BF16] = ELEMENT_BF16, [DTYPE_F32] = ELEMENT_F32};
    char *lse = file_join(options->exhibit, "lse.npy");
    enum error_kind kind = lse ? open_output(input, TENSOR_FILE_OUT, options->exhibit, "out.npy", types[shape->dtype],
                                             problem_elements(shape), error)
                               : error_memory(error, "a path", (double)strlen(options->exhibit));
    if (!kind && access(lse, F_OK) == 0)
        kind =
            open_output(input, TENSOR_FILE_LSE, options->exhibit, "lse.npy", ELEMENT_F32, problem_rows(shape), error);
    free(lse);
    return kind;
}

static void make_point(struct judged_sequence *sequence, const struct judge_input *input,
                       const struct tolerance *tolerance, const struct class_demand *demand)
{
    const struct dumped_point *dumped = &sequence->of_folder.point;
    struct point *point = &sequence->point;
    case_point(input->cases.cases[0], 0, point);
    point->problem = dumped->problem;
    point->problem.total_heads = dumped->problem.num_heads;
    point->problem.max_bias = 8;
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
        kind = judge_recipe_check(input, dumped->problem.head_dim, error);
    if (!kind)
        kind = judge_input_quote(input, options, error);
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
    sequence->point.given = &sequence->given;
    const struct problem *shape = &sequence->source->shape;
    const struct tensor_view out = {
        .name = input->files[TENSOR_FILE_OUT].name,
        .elements = input->files[TENSOR_FILE_OUT].elements,
        .dtype = shape->dtype,
        .strides = {(int64_t)shape->num_heads * shape->head_dim, shape->head_dim, 1},
    };
    const float *lse =
        input->is_open[TENSOR_FILE_LSE] ? (const float *)(const void *)input->files[TENSOR_FILE_LSE].elements : NULL;
    sequence->output = given_output(&out, lse);
    input->points[0] = sequence->point;
    return ERROR_NONE;
}
