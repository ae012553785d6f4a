#include "harness/command/judge_claim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command/judge_facts.h"
#include "harness/command/judge_recipe.h"
#include "harness/command/judge_tensors.h"
#include "harness/library/judged_again.h"
#include "harness/support/number.h"
#include "harness/support/source.h"

bool judge_claim_is(const struct judge_options *options)
{
    return options->exhibit && exhibit_bundle_is(options->exhibit);
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

#define ITS_TENSORS "--q, --k and --v, or --q and --kv, the tensors that it was made of"
static const char may_be_said[] = "--tolerance, --budget and --class; or with " ITS_TENSORS;

/* What asks for keys, or would make another problem of it. */
static enum error_kind refuse_without_tensors(const struct judge_options *options, struct error *error)
{
    static const enum judge_option may_be[] = {GIVEN_TOLERANCE, GIVEN_BUDGET, GIVEN_CLASS};
    char name[JUDGE_NAME_SIZE];
    for (int option = 0; option < GIVEN_OPTION_COUNT; option++) {
        bool allowed = false;
        for (size_t i = 0; i < sizeof may_be / sizeof *may_be; i++)
            allowed = allowed || may_be[i] == (enum judge_option)option;
        if (options->values[option] && !allowed)
            return error_set(error, ERROR_USAGE, "%s: with a bundle without k and v; allowed: %s",
                             judge_option_name(name, (enum judge_option)option), may_be_said);
    }
    const char *other = options->dtypes.count > 0 ? "--dtype" : options->recipes.count > 0 ? "--recipes" : NULL;
    if (other)
        return error_set(error, ERROR_USAGE, "%s: with a bundle without k and v; allowed: %s", other, may_be_said);
    return options->explain ? error_set(error, ERROR_USAGE,
                                        "--explain: needs the keys, and the bundle is without k and v; allowed: "
                                        "with " ITS_TENSORS)
                            : ERROR_NONE;
}

/* What the bundle says of the problem and of its output, and its truth is of. */
static enum error_kind refuse_with_tensors(const struct judge_options *options, struct error *error)
{
    static const enum judge_option said[] = {GIVEN_OUT,     GIVEN_LSE,       GIVEN_SLOPES,    GIVEN_SINK_LOGITS,
                                             GIVEN_SCALE,   GIVEN_LSE_BASE,  GIVEN_POSITIONS, GIVEN_KV_OFFSET,
                                             GIVEN_K_SCALE, GIVEN_V_SCALE,   GIVEN_SOFT_CAP,  GIVEN_RECIPE,
                                             GIVEN_KERNEL,  GIVEN_CHUNK_LEN, GIVEN_SAMPLE,    GIVEN_SAMPLE_SEED};
    static const enum judge_option needed[] = {GIVEN_Q, GIVEN_K, GIVEN_V};
    char name[JUDGE_NAME_SIZE];
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!options->values[needed[i]] && (needed[i] == GIVEN_Q || !options->values[GIVEN_KV]))
            return error_set(error, ERROR_USAGE,
                             "%s: is missing beside a bundle without k and v; allowed: " ITS_TENSORS,
                             judge_option_name(name, needed[i]));
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (options->values[said[i]])
            return error_set(error, ERROR_USAGE,
                             "%s: the bundle says it, and its truth is of that; allowed: the tensors that it was made "
                             "of, how they lie, and --tolerance, --budget and --class",
                             judge_option_name(name, said[i]));
    return ERROR_NONE;
}

static enum error_kind read_budget(double *budget, const struct exhibit_bundle *bundle,
                                   const struct judge_options *options, struct error *error)
{
    const char *text = options->values[GIVEN_BUDGET];
    char quoted[QUOTE_SIZE];
    *budget = bundle->criterion.budget;
    if (!text)
        return ERROR_NONE;
    if (!bundle->bound)
        return error_set(error, ERROR_USAGE,
                         "--budget %s: the bundle has no error bound, since nobody said with which operations its "
                         "output was made; allowed: --tolerance, or --class NAME, which bounds an output in any order",
                         quote(quoted, text, strlen(text)));
    return number_parse(text, strlen(text), budget) == VALUE_SOUND && *budget > 0
               ? ERROR_NONE
               : error_set(error, ERROR_USAGE, "--budget %s: allowed: numbers above 0",
                           quote(quoted, text, strlen(text)));
}

/* As it was judged, unless options say otherwise: a budget alone judges alone, and beside a tolerance both do. */
static enum judge_mode mode_of(const struct exhibit_bundle *bundle, const struct judge_options *options)
{
    const char *budget = options->values[GIVEN_BUDGET], *tolerance = options->values[GIVEN_TOLERANCE];
    if (budget)
        return tolerance ? JUDGE_BOTH : JUDGE_BUDGET;
    return tolerance && bundle->criterion.mode == JUDGE_BUDGET ? JUDGE_BOTH : bundle->criterion.mode;
}

/* ---- by its own numbers ------------------------------------------------------------------------------------------ */

/* The arithmetic, as a folder of --dump says it, and the case that points are of. */
static enum error_kind read_recipe(struct judge_input *input, const struct judge_options *options, struct error *error)
{
    struct judge_claim *claim = input->claim;
    const struct exhibit_bundle *bundle = &claim->bundle;
    struct judge_options of_recipe = *options;
    struct error failure;
    char quoted[PATH_QUOTE_SIZE];
    of_recipe.values[GIVEN_BUDGET] = NULL;
    of_recipe.values[GIVEN_RECIPE] = bundle->recipe ? "own" : NULL;
    enum error_kind kind = judge_recipe_read(input, bundle->case_name ? bundle->case_name : "judge", &of_recipe,
                                             bundle->recipe ? &claim->own : NULL, &failure);
    if (!kind)
        kind = judge_recipe_check(input, &bundle->spec, &failure);
    if (kind == ERROR_USAGE)
        return error_set(error, kind, "%s: has a kernel or recipe that is none; allowed: a bundle as it was written",
                         quote_path(quoted, bundle->path));
    return kind ? error_set(error, kind, "%s", failure.text) : ERROR_NONE;
}

static void make_point(struct judged_sequence *sequence, const struct judge_input *input,
                       const struct tolerance *tolerance, const struct class_demand *demand)
{
    const struct exhibit_bundle *bundle = &input->claim->bundle;
    struct point *point = &sequence->point;
    case_point(input->cases.cases[0], 0, point);
    point->problem = bundle->spec;
    point->demand = *demand;
    judge_recipe_apply(point, input, tolerance);
    point->truth_method = bundle->truth_method;
    point->truth_precision = bundle->truth_precision;
    point->problem.scale = bundle->spec.scale;
    point->problem.q_position = bundle->spec.q_position;
}

static enum error_kind take_workload(struct given_workload *workload, const struct exhibit_bundle *bundle,
                                     struct error *error)
{
    if (!bundle->workload || !bundle->definition)
        return ERROR_NONE;
    *workload = (struct given_workload){
        .definition = strdup(bundle->definition),
        .uuid = strdup(bundle->workload),
        .is_drawn = bundle->has_seed,
        .seed = bundle->seed,
    };
    return workload->definition && workload->uuid ? ERROR_NONE : error_memory(error, "a name", 64);
}

static enum error_kind open_numbers(struct judge_input *input, const struct judge_options *options, struct error *error)
{
    struct judge_claim *claim = input->claim;
    const struct exhibit_bundle *bundle = &claim->bundle;
    struct tolerance tolerance;
    struct class_demand demand;
    enum error_kind kind = judge_tolerance_read(&tolerance, options, error);
    if (!kind)
        kind = judge_demand_read(&demand, options, error);
    if (!kind)
        kind = read_recipe(input, options, error);
    if (!kind)
        kind = judge_input_quote(input, options, error);
    if (!kind)
        kind = take_workload(&input->workload, bundle, error);
    if (!kind)
        kind = read_budget(&input->budget, bundle, options, error);
    if (kind)
        return kind;
    input->points = calloc(1, sizeof *input->points);
    struct judged_sequence *sequence = input->sequences = calloc(1, sizeof *input->sequences);
    char *key = strdup(bundle->key ? bundle->key : "judge");
    if (!input->points || !sequence || !key) {
        free(key);
        return error_memory(error, "a bundle", sizeof *sequence);
    }
    input->num_sequences = 1;
    make_point(sequence, input, tolerance.atol >= 0 ? &tolerance : &bundle->criterion.tolerance,
               options->values[GIVEN_CLASS] ? &demand : &bundle->demand);
    claim->given.as_before = judged_as_before(bundle, &sequence->point.criterion, &sequence->point.demand);
    sequence->given = (struct given){
        .key = key,
        .command = input->command,
        .masked = bundle->masked,
        .scales = bundle->scales,
        .turned = bundle->turned,
        .has_recipe = input->has_recipe,
        .claim = &claim->given,
    };
    sequence->point.given = &sequence->given;
    sequence->point.workload = input->workload.uuid ? &input->workload : NULL;
    input->points[0] = sequence->point;
    return ERROR_NONE;
}

/* ---- by its tensors ---------------------------------------------------------------------------------------------- */

static enum error_kind say_number(struct judge_bundle *said, enum judge_option option, double number, bool is_float,
                                  struct error *error)
{
    char text[NUMBER_TEXT_MAX];
    return judge_bundle_say(said, option,
                            strdup(is_float ? format_float(text, (float)number) : format_double(text, number)), error);
}

static enum error_kind say_tensor(struct judge_bundle *said, enum judge_option option, const char *path,
                                  const char *name, struct error *error)
{
    char *text;
    return judge_bundle_say(said, option, asprintf(&text, "%s:%s", path, name) < 0 ? NULL : text, error);
}

static enum error_kind say_tolerance(struct judge_bundle *said, const struct tolerance *tolerance, struct error *error)
{
    char *text, a[NUMBER_TEXT_MAX], r[NUMBER_TEXT_MAX], l[NUMBER_TEXT_MAX];
    if (asprintf(&text, "%s,%s,%s", format_double(a, tolerance->atol), format_double(r, tolerance->rtol),
                 format_double(l, tolerance->lse)) < 0)
        text = NULL;
    return judge_bundle_say(said, GIVEN_TOLERANCE, text, error);
}

/* Whether somebody had said a scale when the bundle was written. */
static bool is_said(const struct exhibit_bundle *bundle, float scale)
{
    return bundle->spec.kv_format != KV_AS_DTYPE && !(bundle->scales == SCALES_UNSAID && scale == 1);
}

/* What the problem and the output are. */
static enum error_kind say_problem(struct judge_bundle *said, const struct exhibit_bundle *bundle, struct error *error)
{
    const struct problem_spec *spec = &bundle->spec;
    char *cap, number[NUMBER_TEXT_MAX];
    enum error_kind kind = say_tensor(said, GIVEN_OUT, bundle->path, "out", error);
    if (!kind && bundle->output.lse)
        kind = say_tensor(said, GIVEN_LSE, bundle->path, "lse", error);
    if (!kind && bundle->output.lse)
        kind = judge_bundle_say(said, GIVEN_LSE_BASE, strdup("e"), error);
    if (!kind)
        kind = say_tensor(said, GIVEN_SLOPES, bundle->path, "slopes", error);
    if (!kind && bundle->sink_logits)
        kind = say_tensor(said, GIVEN_SINK_LOGITS, bundle->path, "sink_logits", error);
    if (!kind)
        kind = say_number(said, GIVEN_SCALE, (double)spec->scale, true, error);
    if (!kind)
        kind = say_number(said, GIVEN_POSITIONS, (double)spec->q_position, false, error);
    if (!kind)
        kind = say_number(said, GIVEN_KV_OFFSET, (double)spec->kv_offset, false, error);
    if (!kind && is_said(bundle, spec->k_scale))
        kind = say_number(said, GIVEN_K_SCALE, (double)spec->k_scale, true, error);
    if (!kind && is_said(bundle, spec->v_scale))
        kind = say_number(said, GIVEN_V_SCALE, (double)spec->v_scale, true, error);
    if (kind || !spec->soft_cap.where)
        return kind;
    if (asprintf(&cap, "%s=%s", soft_cap_names[spec->soft_cap.where], format_float(number, spec->soft_cap.value)) < 0)
        cap = NULL;
    return judge_bundle_say(said, GIVEN_SOFT_CAP, cap, error);
}

/* How it is judged. */
static enum error_kind say_judging(struct judge_bundle *said, const struct exhibit_bundle *bundle, struct error *error)
{
    char name[CLASS_NAME_SIZE];
    enum error_kind kind = say_tolerance(said, &bundle->criterion.tolerance, error);
    if (!kind && bundle->demand.asked)
        kind = judge_bundle_say(said, GIVEN_CLASS, strdup(class_format(name, &bundle->demand.arithmetic)), error);
    if (!kind && bundle->recipe)
        kind = judge_bundle_say(said, GIVEN_RECIPE, strdup("own"), error);
    if (!kind && bundle->recipe && bundle->criterion.mode != JUDGE_TOLERANCE)
        kind = say_number(said, GIVEN_BUDGET, bundle->criterion.budget, false, error);
    if (!kind && bundle->case_name && !(said->case_name = strdup(bundle->case_name)))
        kind = error_memory(error, "a name", 64);
    if (!kind && bundle->key && !(said->key = strdup(bundle->key)))
        kind = error_memory(error, "a name", 64);
    return kind ? kind : take_workload(&said->workload, bundle, error);
}

/* That the tensors have the shape of the problem that the bundle is of. */
static enum error_kind check_shape(const struct judge_input *input, struct error *error)
{
    const struct exhibit_bundle *bundle = &input->claim->bundle;
    const struct problem_spec *is = &input->points->problem, *said = &bundle->spec;
    char quoted[PATH_QUOTE_SIZE];
    const struct {
        const char *name;
        int64_t is, said;
    } facts[] = {
        {"sequences", input->num_sequences, 1},
        {"keys", is->seq_len, said->seq_len},
        {"queries", problem_spec_queries(is), problem_spec_queries(said)},
        {"heads", is->num_heads, said->num_heads},
        {"KV heads", is->num_kv_heads, said->num_kv_heads},
        {"elements a head", is->head_dim, said->head_dim},
    };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (facts[i].is != facts[i].said)
            return error_set(error, ERROR_USAGE,
                             "--q, --k, --v: have %" PRId64 " %s, and %s is of %" PRId64
                             "; allowed: the tensors that it was made of",
                             facts[i].is, facts[i].name, quote_path(quoted, bundle->path), facts[i].said);
    if (problem_spec_kv_dtype(is) != problem_spec_kv_dtype(said))
        return error_set(error, ERROR_USAGE,
                         "--k, --v: are of %s, and %s is of %s; allowed: the tensors that it was made of",
                         dtypes[problem_spec_kv_dtype(is)].name, quote_path(quoted, bundle->path),
                         dtypes[problem_spec_kv_dtype(said)].name);
    return ERROR_NONE;
}

static enum error_kind open_its_tensors(struct judge_input *input, const struct judge_options *options,
                                        struct error *error)
{
    struct judge_claim *claim = input->claim;
    const struct exhibit_bundle *bundle = &claim->bundle;
    char quoted[PATH_QUOTE_SIZE];
    enum error_kind kind = refuse_with_tensors(options, error);
    if (kind)
        return kind;
    if (bundle->spec.truth_of != TRUTH_OF_INPUTS)
        return error_set(error, ERROR_USAGE,
                         "--q, --k, --v: the truth in %s is that of %s, which tensors do not tell; allowed: a bundle "
                         "whose truth is that of its inputs",
                         quote_path(quoted, bundle->path), truth_ofs[bundle->spec.truth_of].name);
    if (bundle->masked != (options->values[GIVEN_MASK] != NULL))
        return error_set(error, ERROR_USAGE, "--mask: %s; allowed: what the bundle was made of",
                         bundle->masked ? "is missing, and the bundle is of a problem with one"
                                        : "the bundle is of a problem without one");
    double budget;
    kind = read_budget(&budget, bundle, options, error);
    claim->said = (struct judge_bundle){.options = *options, .own = &claim->own, .turned = bundle->turned};
    claim->said.options.exhibit = NULL;
    if (!kind)
        kind = say_problem(&claim->said, bundle, error);
    if (!kind)
        kind = say_judging(&claim->said, bundle, error);
    if (!kind && !bundle->recipe)
        claim->said.options.values[GIVEN_BUDGET] = NULL; /* of a bound that only the bundle has */
    input->mode = bundle->recipe ? mode_of(bundle, options) : JUDGE_TOLERANCE;
    input->workload = claim->said.workload;
    claim->said.workload = (struct given_workload){.uuid = NULL};
    if (!kind)
        kind = judge_input_open_tensors(input, &claim->said.options, &claim->said, error);
    if (!kind)
        kind = check_shape(input, error);
    if (kind)
        return kind;
    const struct point *point = input->points;
    claim->given.as_before = judged_as_before(bundle, &point->criterion, &point->demand);
    claim->given.checked = true;
    input->sequences->given.claim = &claim->given;
    return ERROR_NONE;
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static bool has_any_tensor(const struct judge_options *options)
{
    return options->values[GIVEN_Q] || options->values[GIVEN_K] || options->values[GIVEN_V] ||
           options->values[GIVEN_KV];
}

/* Its numbers pass, and yet it was named. */
static const char *failed_by_oracle(const struct exhibit_found *found)
{
    bool named = found->of_run && found->finding.signature != SIGNATURE_NONE && !strcmp(found->status, "pass");
    return named ? signature_names[found->finding.signature] : NULL;
}

enum error_kind judge_claim_open(struct judge_input *input, const struct judge_options *options, struct error *error)
{
    struct judge_claim *claim = input->claim = calloc(1, sizeof *claim);
    if (!claim)
        return error_memory(error, "a bundle", sizeof *claim);
    claim->has_tensors = has_any_tensor(options);
    enum error_kind kind = claim->has_tensors ? ERROR_NONE : refuse_without_tensors(options, error);
    if (!kind)
        kind = exhibit_bundle_read(&claim->bundle, options->exhibit, error);
    if (kind)
        return kind;
    const struct exhibit_bundle *bundle = &claim->bundle;
    claim->given = (struct given_claim){
        .version = bundle->version, .commit = bundle->commit, .by_oracle = failed_by_oracle(&bundle->found)};
    claim->own = (struct dumped_point){
        .kernel = bundle->kernel,
        .recipe = bundle->recipe,
        .recipe_keys = bundle->recipe_keys,
        .recipe_digest = bundle->recipe_digest,
        .chunk_len = bundle->chunk_len,
    };
    input->mode = mode_of(bundle, options);
    return claim->has_tensors ? open_its_tensors(input, options, error) : open_numbers(input, options, error);
}

void judge_claim_clear(struct judge_input *input)
{
    struct judge_claim *claim = input->claim;
    if (claim) {
        judge_bundle_clear(&claim->said);
        exhibit_bundle_clear(&claim->bundle);
    }
    free(claim);
    input->claim = NULL;
}
