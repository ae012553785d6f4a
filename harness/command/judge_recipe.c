#include "harness/command/judge_recipe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/recipe_field.h"
#include "harness/case/recipe_library.h"
#include "harness/command/setting_blame.h"
#include "harness/run/selection.h"
#include "harness/support/source.h"

/* Options that are keys of a case. */
static const struct {
    enum judge_option option;
    const char *key;
} settings[] = {
    {GIVEN_RECIPE, "recipe"},
    {GIVEN_KERNEL, "kernel"},
    {GIVEN_CHUNK_LEN, "chunk_len"},
    {GIVEN_BUDGET, "budget"},
};
enum { NUM_SETTINGS = sizeof settings / sizeof *settings };

/* ---- options ----------------------------------------------------------------------------------------------------- */

/* What says how an output was made, and does not say with what. */
static enum error_kind refuse_alone(const struct judge_options *options, struct error *error)
{
    static const char needs[] = "with --recipe NAME, which says of whose operations";
    static const enum judge_option others[] = {GIVEN_KERNEL, GIVEN_CHUNK_LEN};
    char name[JUDGE_NAME_SIZE], quoted[QUOTE_SIZE];
    const char *budget = options->values[GIVEN_BUDGET];
    if (options->values[GIVEN_RECIPE])
        return ERROR_NONE;
    if (budget)
        return error_set(error, ERROR_USAGE,
                         "--budget %s: without --recipe: an error bound is that of operations in a known order, and "
                         "how this output was made nobody says; allowed: with --recipe NAME, or --class NAME, which "
                         "bounds an output in any order",
                         quote(quoted, budget, strlen(budget)));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const char *value = options->values[others[i]];
        if (value)
            return error_set(error, ERROR_USAGE, "%s %s: allowed: %s", judge_option_name(name, others[i]),
                             quote(quoted, value, strlen(value)), needs);
    }
    return options->recipes.count ? error_set(error, ERROR_USAGE, "--recipes: allowed: %s", needs) : ERROR_NONE;
}

/* ---- a folder's own ---------------------------------------------------------------------------------------------- */

/* What stands in a folder for an option, NULL: nothing. number has room for one. */
static const char *dumped_value(char *number, size_t size, const struct dumped_point *dumped, enum judge_option option)
{
    if (!dumped)
        return NULL;
    if (option == GIVEN_KERNEL)
        return dumped->kernel;
    if (option != GIVEN_CHUNK_LEN || dumped->chunk_len == 0)
        return NULL;
    snprintf(number, size, "%" PRId64, dumped->chunk_len);
    return number;
}

/* What a recipe without an entry here is called: as it was, where that is a plain word and no other recipe's name. */
static const char *own_name(const char *recipe, const struct recipe_entry *entry)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    bool plain = recipe && *recipe >= 'a' && *recipe <= 'z' && strlen(recipe) < 64 && !recipe[strspn(recipe, letters)];
    return plain && !entry ? recipe : JUDGE_OWN_RECIPE;
}

/* The name of the recipe that ran, where that is what it is called here; else its keys. In new memory. */
static enum error_kind own_recipe(char **recipe, const struct dumped_point *dumped, struct error *error)
{
    if (!dumped || !dumped->kernel || !dumped->recipe_keys || !dumped->recipe_digest)
        return error_set(error, ERROR_USAGE,
                         "--recipe " JUDGE_OWN_RECIPE
                         ": allowed: with a folder that `run --dump` wrote, or a bundle, that has kernel, recipe_keys "
                         "and recipe_digest; else names that `alibicheck list recipes` prints");
    enum error_kind kind = recipe_library_open(error);
    const struct recipe_entry *entry = kind || !dumped->recipe ? NULL : recipe_library_find(dumped->recipe);
    if (kind)
        return kind;
    if (entry && recipe_digest(&entry->recipe) == dumped->recipe_digest)
        *recipe = strdup(dumped->recipe);
    else if (asprintf(recipe, "{name: %s, %s", own_name(dumped->recipe, entry), dumped->recipe_keys + 1) < 0)
        *recipe = NULL;
    return *recipe ? ERROR_NONE : error_memory(error, "a recipe", (double)strlen(dumped->recipe_keys));
}

/* ---- the case ---------------------------------------------------------------------------------------------------- */

static enum error_kind parse_case(struct judge_input *input, const char *name, char *const *texts, size_t num_texts,
                                  struct error *error)
{
    static const char format[] = "case: %s\nseq_len: 1\nnum_heads: 1\nhead_dim: 64\noracles: none\n";
    char *text = NULL;
    struct error refused;
    if (asprintf(&text, format, name) < 0)
        return error_memory(error, "a case", (double)strlen(name));
    enum error_kind kind = case_list_parse(&input->cases, CASE_OF_AXES, text, strlen(text), (const char *const *)texts,
                                           num_texts, &refused);
    free(text);
    if (kind == ERROR_USAGE && strcmp(name, "judge") != 0) /* a case may not be called so */
        return parse_case(input, "judge", texts, num_texts, error);
    for (size_t i = 0; i < num_texts && kind == ERROR_USAGE; i++)
        setting_blame_option(&refused, texts[i], NULL);
    return kind ? error_set(error, kind, "%s", refused.text) : ERROR_NONE;
}

/* One arithmetic, and that which wrote the folder where it is asked for. chunk_len: the option, or NULL. */
static enum error_kind check_case(struct judge_input *input, bool own, const struct dumped_point *dumped,
                                  const char *chunk_len, struct error *error)
{
    struct point point;
    char quoted[QUOTE_SIZE], names[KERNEL_NAMES_SIZE];
    size_t count = case_num_points(input->cases.cases[0]);
    if (count > 1)
        return error_set(error, ERROR_USAGE, "--recipe, --kernel: say %zu arithmetics; allowed: one", count);
    case_point(input->cases.cases[0], 0, &point);
    input->kernel = point.kernel;
    if (chunk_len && !kernels[point.kernel]->uses_chunk_len)
        return error_set(error, ERROR_USAGE, "--chunk-len %s: kernel %s has no chunks; allowed: with --kernel %s",
                         quote(quoted, chunk_len, strlen(chunk_len)), kernels[point.kernel]->name,
                         kernels_with_chunks(names));
    input->budget = point.criterion.budget;
    if (own && recipe_digest(&point.recipe) != dumped->recipe_digest)
        return error_set(error, ERROR_USAGE,
                         "--recipe " JUDGE_OWN_RECIPE ": recipe_keys have the digest %016" PRIx64
                         " and recipe_digest is %016" PRIx64 "; allowed: a folder or bundle as it was written",
                         recipe_digest(&point.recipe), dumped->recipe_digest);
    return ERROR_NONE;
}

enum error_kind judge_recipe_read(struct judge_input *input, const char *name, const struct judge_options *options,
                                  const struct dumped_point *dumped, struct error *error)
{
    char *texts[NUM_SETTINGS] = {NULL}, number[32], *of_folder = NULL;
    size_t count = 0;
    const char *recipe = options->values[GIVEN_RECIPE];
    bool own = recipe && !strcmp(recipe, JUDGE_OWN_RECIPE);
    enum error_kind kind = refuse_alone(options, error);
    for (size_t i = 0; i < options->recipes.count && !kind; i++)
        kind = recipe_library_read(options->recipes.items[i], error);
    if (!kind && own)
        kind = own_recipe(&of_folder, dumped, error);
    if (of_folder)
        recipe = of_folder;
    input->has_recipe = recipe;
    for (size_t i = 0; i < NUM_SETTINGS && !kind && recipe; i++) {
        const char *value = settings[i].option == GIVEN_RECIPE ? recipe : options->values[settings[i].option];
        if (!value)
            value = dumped_value(number, sizeof number, dumped, settings[i].option);
        if (value && asprintf(&texts[count], "%s=%s", settings[i].key, value) < 0) {
            texts[count] = NULL;
            kind = error_memory(error, "an option", (double)strlen(value));
        }
        count += value && !kind;
    }
    if (!kind)
        kind = parse_case(input, name, texts, count, error);
    if (!kind)
        kind = check_case(input, own, dumped, options->values[GIVEN_CHUNK_LEN], error);
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(of_folder);
    return kind;
}

enum error_kind judge_recipe_check(const struct judge_input *input, const struct problem_spec *spec,
                                   struct error *error)
{
    int head_dim = spec->head_dim;
    struct point point;
    if (!input->has_recipe)
        return ERROR_NONE;
    case_point(input->cases.cases[0], 0, &point);
    const char *refusal = kernel_refusal(input->kernel, &point.recipe, spec->dtype, spec->kv_format);
    if (refusal)
        return error_set(error, ERROR_USAGE, "--recipe: kernel %s %s", kernels[input->kernel]->name, refusal);
    if (kernel_takes_head_dim(head_dim))
        return ERROR_NONE;
    return error_set(
        error, ERROR_USAGE,
        "--recipe: kernel %s takes no head_dim %d, so its order of operations is not known; allowed: " HEAD_DIMS_WORDS
        ", or --class",
        kernels[input->kernel]->name, head_dim);
}

void judge_recipe_apply(struct point *point, const struct judge_input *input, const struct tolerance *tolerance)
{
    const struct recipe recipe = point->recipe; /* deriving it again would override it by itself */
    point->criterion = point_unset.criterion;
    point->criterion.tolerance = *tolerance;
    point->criterion.mode = input->mode;
    point->criterion.budget = input->budget;
    point_derive(point);
    point->recipe = recipe;
}
