#include "harness/case/point.h"

#include <math.h>

#include "harness/case/recipe_field.h"

const char *const batch_mode_names[BATCH_MODE_COUNT] = {[BATCH_ALONE] = "alone", [BATCH_TOGETHER] = "together"};

const struct point point_unset = {
    .problem.q_position = INT64_MIN,
    .recipe = {.sentinel.policy = SENTINEL_COUNT, .bias = BIAS_COUNT, .exponential = EXPONENTIAL_COUNT},
    .criterion = {.mode = JUDGE_MODE_COUNT, .tolerance = {.atol = -1, .rtol = -1, .lse = -1}},
};

void recipe_override(struct recipe *recipe, enum recipe_override by, const struct recipe *from)
{
    if (by == OVERRIDE_SENTINEL && from->sentinel.policy != SENTINEL_COUNT) {
        recipe->sentinel = from->sentinel;
        recipe->initial_max = INITIAL_MAX_AS_SENTINEL;
        recipe->initial_max_value = 0;
    }
    if (by == OVERRIDE_BIAS && from->bias != BIAS_COUNT)
        recipe->bias = from->bias;
    if (by == OVERRIDE_EXPONENTIAL && from->exponential != EXPONENTIAL_COUNT)
        recipe->exponential = from->exponential;
}

static void derive_recipe(struct point *point)
{
    struct recipe recipe = point->base_recipe ? *point->base_recipe : recipe_sound;
    for (int by = 0; by < RECIPE_OVERRIDE_COUNT; by++)
        recipe_override(&recipe, (enum recipe_override)by, &point->recipe);
    point->recipe = recipe;
}

static void derive_criterion(struct criterion *criterion, enum dtype dtype)
{
    tolerance_derive(&criterion->tolerance, dtype);
    if (criterion->mode == JUDGE_MODE_COUNT)
        criterion->mode = criterion->budget > 0 ? JUDGE_BUDGET : JUDGE_BOTH;
    if (criterion->budget == 0)
        criterion->budget = 1;
}

void point_derive(struct point *point)
{
    struct problem_spec *problem = &point->problem;
    if (problem->num_kv_heads == 0)
        problem->num_kv_heads = problem->num_heads;
    if (problem->total_heads == 0)
        problem->total_heads = problem->num_heads + problem->head_offset;
    if (problem->q_position == INT64_MIN)
        problem->q_position = problem->kv_offset + problem->seq_len - 1;
    /* sqrt and the division are correctly rounded in double; for the head dims that kernels take, none of the
     * quotients lies near the middle of two floats, so the conversion gives 1/sqrt(D) rounded to f32. */
    if (problem->scale == 0)
        problem->scale = (float)(1 / sqrt(problem->head_dim));
    point->kernel_options.shared_keys = problem->shared_prefix;
    derive_recipe(point);
    derive_criterion(&point->criterion, problem->dtype);
}
