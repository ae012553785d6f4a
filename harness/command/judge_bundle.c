#include "harness/command/judge_bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/library/bundle.h"
#include "harness/library/exhibit_reading.h"
#include "harness/support/number.h"
#include "harness/support/source.h"
#include "harness/support/tensor_file.h"

/* What stands in a bundle for an option: a tensor, or a text. */
static const struct {
    enum judge_option option;
    const char *tensor, *text;
    bool required;
} entries[] = {
    {GIVEN_Q, "q", NULL, true},
    {GIVEN_K, "k", NULL, true},
    {GIVEN_V, "v", NULL, true},
    {GIVEN_OUT, "out", NULL, true},
    {GIVEN_LSE, "lse", NULL, false},
    {GIVEN_SLOPES, "slopes", NULL, true},
    {GIVEN_MASK, "mask", NULL, false},
    {GIVEN_SINK_LOGITS, "sink_logits", NULL, false},
    {GIVEN_LAYOUT, NULL, "axes", true},
    {GIVEN_SCALE, NULL, "scale", true},
    {GIVEN_LSE_BASE, NULL, "lse_base", false},
    {GIVEN_POSITIONS, NULL, "q_position", true},
    {GIVEN_KV_OFFSET, NULL, "kv_offset", false},
    {GIVEN_K_SCALE, NULL, "k_scale", false},
    {GIVEN_V_SCALE, NULL, "v_scale", false},
    {GIVEN_SOFT_CAP, NULL, "soft_cap", false},
    {GIVEN_TOLERANCE, NULL, "tolerance", false},
    {GIVEN_CLASS, NULL, "class", false},
};

static const char bundle_written[] = "what --bundle wrote";

/* Whether the command line has another option in place of one: k and v in one tensor. */
static bool is_replaced(const struct judge_options *options, enum judge_option option)
{
    return (option == GIVEN_K || option == GIVEN_V) && options->values[GIVEN_KV];
}

/* Whether a text is a scale that nobody had said when the bundle was written: nobody has said it now. */
static bool is_unsaid(const struct judge_bundle *bundle, enum judge_option option, const char *text)
{
    float scale;
    return bundle->scales == SCALES_UNSAID && (option == GIVEN_K_SCALE || option == GIVEN_V_SCALE) && text &&
           number_parse_float(text, strlen(text), &scale) == VALUE_SOUND && scale == 1;
}

/* The option as the bundle has it, in new memory; NULL: it does not. */
static enum error_kind take_entry(struct judge_bundle *bundle, const struct tensor_archive *archive, size_t i,
                                  struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    const char *name = entries[i].tensor ? entries[i].tensor : entries[i].text;
    const char *text = entries[i].text ? tensor_archive_metadata(archive, entries[i].text) : NULL;
    char **own = &bundle->texts[entries[i].option];
    if (is_replaced(&bundle->options, entries[i].option) || is_unsaid(bundle, entries[i].option, text))
        return ERROR_NONE;
    bool there = entries[i].tensor ? tensor_archive_find(archive, name) != NULL : text != NULL;
    if (!there)
        return entries[i].required ? error_set(error, ERROR_USAGE, "%s: has no %s; allowed: %s",
                                               quote_path(path, archive->path), name, bundle_written)
                                   : ERROR_NONE;
    if ((text ? asprintf(own, "%s", text) : asprintf(own, "%s:%s", archive->path, name)) < 0) {
        *own = NULL;
        return error_memory(error, "a bundle", (double)strlen(archive->path));
    }
    if (!bundle->options.values[entries[i].option])
        bundle->options.values[entries[i].option] = *own;
    return ERROR_NONE;
}

static enum error_kind take_name(char **name, const struct tensor_archive *archive, const char *key,
                                 struct error *error)
{
    const char *text = tensor_archive_metadata(archive, key);
    *name = text && *text ? strdup(text) : NULL;
    return text && *text && !*name ? error_memory(error, "a name", (double)strlen(text)) : ERROR_NONE;
}

static enum error_kind take_workload(struct given_workload *workload, const struct tensor_archive *archive,
                                     struct error *error)
{
    const char *seed = tensor_archive_metadata(archive, "seed");
    int negative = 0;
    enum error_kind kind = take_name(&workload->definition, archive, "definition", error);
    if (!kind)
        kind = take_name(&workload->uuid, archive, "workload", error);
    workload->is_drawn =
        seed && number_parse_whole(seed, strlen(seed), &workload->seed, &negative) == VALUE_SOUND && !negative;
    return kind;
}

/* Options that replace what the bundle says make another problem of it, with another digest. */
static bool is_changed(const struct judge_options *options)
{
    for (int option = 0; option < GIVEN_OPTION_COUNT; option++)
        if (options->values[option] && judge_option_of_problem((enum judge_option)option))
            return true;
    return options->dtypes.count > 0;
}

/* Whether it is judged as it was, by the bound of its own operations too: not an output or a problem that options have
 * put in its place, nor where they name other operations. */
static bool is_judged_as_it_was(const struct judge_bundle *bundle, const struct judge_options *options)
{
    const char *const *values = options->values;
    bool same = !values[GIVEN_RECIPE] || strcmp(values[GIVEN_RECIPE], JUDGE_OWN_RECIPE) == 0;
    bool alone = !values[GIVEN_RECIPE] && (values[GIVEN_KERNEL] || values[GIVEN_CHUNK_LEN]);
    return bundle->own && same && !alone && !is_changed(options);
}

/* Whether the command line says anything of the operations. */
static bool says_operations(const struct judge_options *options)
{
    static const enum judge_option of_them[] = {GIVEN_RECIPE, GIVEN_KERNEL, GIVEN_CHUNK_LEN, GIVEN_BUDGET};
    for (size_t i = 0; i < sizeof of_them / sizeof *of_them; i++)
        if (options->values[of_them[i]])
            return true;
    return options->recipes.count > 0;
}

/* The kernel and the recipe that the output is of, and how it was judged by their bound. A budget alone judges alone,
 * and beside a tolerance both do, as without a bundle. */
static enum error_kind take_arithmetic(struct judge_bundle *bundle, const struct judge_options *options,
                                       const struct tensor_archive *archive, struct error *error)
{
    struct exhibit_reading reading = {.archive = *archive, .written = bundle_written};
    struct exhibit_arithmetic arithmetic;
    const char *const *values = options->values;
    enum judge_mode mode;
    double budget;
    quote_path(reading.path, archive->path);
    enum error_kind kind = exhibit_read_arithmetic(&reading, &arithmetic, error);
    bundle->arithmetic = (struct dumped_point){
        .kernel = arithmetic.kernel,
        .recipe = arithmetic.recipe,
        .recipe_keys = arithmetic.recipe_keys,
        .recipe_digest = arithmetic.recipe_digest,
        .chunk_len = arithmetic.chunk_len,
    };
    if (!kind && !arithmetic.recipe && tensor_archive_metadata(archive, "judge"))
        kind = exhibit_refuse(&reading, "recipe", bundle_written, error);
    if (kind || !arithmetic.recipe)
        return kind;
    bundle->own = &bundle->arithmetic;
    kind = exhibit_read_mode(&reading, &mode, &budget, error);
    if (kind || !is_judged_as_it_was(bundle, options))
        return kind;
    bundle->is_as_it_was = true;
    bundle->says_all = !says_operations(options);
    bundle->mode = values[GIVEN_BUDGET] ? values[GIVEN_TOLERANCE] ? JUDGE_BOTH : JUDGE_BUDGET
                   : values[GIVEN_TOLERANCE] && mode == JUDGE_BUDGET ? JUDGE_BOTH
                                                                     : mode;
    kind = judge_bundle_say(bundle, GIVEN_RECIPE, strdup(JUDGE_OWN_RECIPE), error);
    return kind || mode == JUDGE_TOLERANCE
               ? kind
               : judge_bundle_say(bundle, GIVEN_BUDGET, strdup(tensor_archive_metadata(archive, "budget")), error);
}

enum error_kind judge_bundle_open(struct judge_bundle *bundle, const struct judge_options *options, struct error *error)
{
    struct tensor_archive archive = {.path = NULL};
    char path[PATH_QUOTE_SIZE];
    *bundle = (struct judge_bundle){.options = *options, .path = options->exhibit};
    bundle->options.exhibit = NULL;
    enum error_kind kind = tensor_archive_open(&archive, options->exhibit, error);
    const char *format = kind ? NULL : tensor_archive_metadata(&archive, "alibicheck");
    if (!kind && (!format || strcmp(format, BUNDLE_FORMAT) != 0))
        kind = error_set(error, ERROR_USAGE,
                         "%s: is no bundle; allowed: a folder that `run --dump` wrote, a file that "
                         "--bundle wrote, or tensors by --q, --k, --v, --out",
                         quote_path(path, options->exhibit));
    if (!kind)
        kind = bundle_text_read_scales(&bundle->scales, &archive, error);
    for (size_t i = 0; i < sizeof entries / sizeof *entries && !kind; i++)
        kind = take_entry(bundle, &archive, i, error);
    if (!kind)
        kind = bundle_text_read_flag(&bundle->turned, &archive, "turned", error);
    if (!kind)
        kind = take_name(&bundle->case_name, &archive, "case", error);
    if (!kind)
        kind = take_name(&bundle->key, &archive, "key", error);
    if (!kind)
        kind = take_workload(&bundle->workload, &archive, error);
    if (!kind)
        kind = take_arithmetic(bundle, options, &archive, error);
    const char *digest = kind ? NULL : tensor_archive_metadata(&archive, "input_digest");
    if (digest && strlen(digest) == 16 && strspn(digest, "0123456789abcdef") == 16 && !is_changed(options)) {
        bundle->has_digest = true;
        bundle->input_digest = strtoull(digest, NULL, 16);
    }
    if (options->values[GIVEN_K] || options->values[GIVEN_V] || options->values[GIVEN_KV])
        bundle->scales = SCALES_SAID; /* of tensors that are not judged */
    tensor_archive_close(&archive);
    return kind;
}

enum error_kind judge_bundle_say(struct judge_bundle *bundle, enum judge_option option, char *text, struct error *error)
{
    if (!text)
        return error_memory(error, "what is judged", 64);
    bundle->texts[option] = text;
    if (!bundle->options.values[option])
        bundle->options.values[option] = text;
    return ERROR_NONE;
}

void judge_bundle_clear(struct judge_bundle *bundle)
{
    for (int t = 0; t < 3; t++)
        tensor_close(&bundle->made[t]);
    free(bundle->workload.definition);
    free(bundle->workload.uuid);
    for (int option = 0; option < GIVEN_OPTION_COUNT; option++)
        free(bundle->texts[option]);
    free(bundle->case_name);
    free(bundle->key);
    free(bundle->arithmetic.kernel);
    free(bundle->arithmetic.recipe);
    free(bundle->arithmetic.recipe_keys);
    *bundle = (struct judge_bundle){.key = NULL};
}
