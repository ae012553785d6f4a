/* Reading of bundles without k and v: what they have beside the problem, and the whole. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/library/bundle_text.h"
#include "harness/library/exhibit_reading.h"
#include "harness/support/number.h"

/* ---- output, truth, bounds --------------------------------------------------------------------------------------- */

static enum error_kind read_output(struct exhibit_reading *reading, struct error *error)
{
    struct exhibit_bundle *bundle = reading->bundle;
    const int64_t shape[] = {reading->queries, reading->heads, reading->dim};
    void *lse = NULL;
    enum error_kind kind = exhibit_read_tensor(reading, "out", dtype_element_types[bundle->spec.dtype], 3, shape,
                                               &bundle->output.out, error);
    if (!kind && tensor_archive_find(&reading->archive, "lse"))
        kind = exhibit_read_tensor(reading, "lse", ELEMENT_F32, 2, shape, &lse, error);
    bundle->output.lse = lse;
    return kind;
}

/* A tail is that of a number. */
static enum error_kind check_tails(const struct exhibit_reading *reading, const char *name, const double *values,
                                   const double *tails, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]) && !isfinite(tails[i]))
            return exhibit_refuse_number(reading, name, i, tails[i], EXHIBIT_FINITE, error);
    return ERROR_NONE;
}

static enum error_kind read_truth(struct exhibit_reading *reading, struct error *error)
{
    const int64_t shape[] = {reading->queries, reading->heads, reading->dim};
    struct truth *truth = &reading->bundle->truth;
    const struct problem problem = problem_spec_shape(&reading->bundle->spec);
    const struct {
        const char *name;
        int num_axes;
        enum exhibit_range range;
        size_t offset;
    } arrays[] = {
        {"truth_value", 3, EXHIBIT_ANY, offsetof(struct truth, value)},
        {"truth_tail", 3, EXHIBIT_ANY, offsetof(struct truth, tail)},
        {"truth_radius", 3, EXHIBIT_NOT_NEGATIVE_FINITE, offsetof(struct truth, radius)},
        {"truth_magnitude", 3, EXHIBIT_ANY, offsetof(struct truth, magnitude)},
        {"truth_lse", 2, EXHIBIT_ANY, offsetof(struct truth, lse)},
        {"truth_lse_tail", 2, EXHIBIT_ANY, offsetof(struct truth, lse_tail)},
        {"truth_lse_radius", 2, EXHIBIT_NOT_NEGATIVE_FINITE, offsetof(struct truth, lse_radius)},
    };
    enum error_kind kind = ERROR_NONE;
    size_t elements = (size_t)reading->rows * (size_t)reading->dim, rows = (size_t)reading->rows;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && !kind; i++) {
        double *numbers = NULL;
        kind =
            exhibit_read_doubles(reading, arrays[i].name, arrays[i].num_axes, shape, arrays[i].range, &numbers, error);
        if (!kind && !truth->value) /* once the file has shown that it is as large as that */
            kind = truth_init(truth, &problem, error);
        if (!kind)
            memcpy(*(double **)((char *)truth + arrays[i].offset), numbers,
                   (arrays[i].num_axes == 3 ? elements : rows) * sizeof *numbers);
        free(numbers);
    }
    if (kind)
        return kind;
    for (size_t i = 0; i < elements; i++)
        if (truth->magnitude[i] < 0)
            return exhibit_refuse_number(reading, "truth_magnitude", i, truth->magnitude[i], EXHIBIT_NOT_NEGATIVE,
                                         error);
    truth->contract.of = reading->bundle->spec.truth_of;
    kind = check_tails(reading, "truth_tail", truth->value, truth->tail, elements, error);
    return kind ? kind : check_tails(reading, "truth_lse_tail", truth->lse, truth->lse_tail, rows, error);
}

/* Those of an arithmetic, where the file has some. */
static enum error_kind read_bounds(struct exhibit_reading *reading, struct error *error)
{
    const int64_t shape[] = {reading->queries, reading->heads, reading->dim};
    struct exhibit_bundle *bundle = reading->bundle;
    bundle->criterion.mode = JUDGE_TOLERANCE;
    bundle->criterion.budget = 1;
    if (tensor_archive_find(&reading->archive, "bound") || tensor_archive_find(&reading->archive, "lse_bound") ||
        tensor_archive_metadata(&reading->archive, "judge")) {
        enum error_kind kind =
            exhibit_read_doubles(reading, "bound", 3, shape, EXHIBIT_NOT_NEGATIVE, &bundle->bound, error);
        if (!kind)
            kind =
                exhibit_read_doubles(reading, "lse_bound", 2, shape, EXHIBIT_NOT_NEGATIVE, &bundle->lse_bound, error);
        if (!kind)
            kind = exhibit_read_mode(reading, &bundle->criterion.mode, &bundle->criterion.budget, error);
        if (kind)
            return kind;
    }
    return ERROR_NONE;
}

static enum error_kind read_classes(struct exhibit_reading *reading, struct error *error)
{
    struct class_bounds *classes = &reading->bundle->classes;
    struct tensor_layout layout;
    void *row = NULL, *set = NULL;
    char names[BUNDLE_TEXT_SIZE] = "";
    size_t length = 0;
    const char *roundings = tensor_archive_metadata(&reading->archive, "class_roundings");
    for (int i = 0; i < CLASS_ROUNDING_COUNT && length < sizeof names; i++)
        length +=
            (size_t)snprintf(names + length, sizeof names - length, "%s%s", i ? "," : "", class_roundings[i].name);
    if (!roundings || strcmp(roundings, names) != 0)
        return exhibit_refuse(reading, "class_roundings", names, error);
    enum error_kind kind = exhibit_describe(reading, "class_row", &layout, error);
    const int64_t shape[] = {kind ? 0 : layout.shape[0], reading->dim};
    classes->head_dim = (int)reading->dim;
    if (!kind)
        kind = exhibit_read_tensor(reading, "class_row", ELEMENT_I32, 1, shape, &row, error);
    classes->row = row;
    if (!kind)
        kind = exhibit_read_tensor(reading, "class_set", ELEMENT_U32, 1, shape, &set, error);
    classes->set = set;
    if (!kind)
        kind = exhibit_read_doubles(reading, "class_bound", 2, shape, EXHIBIT_NOT_NEGATIVE, &classes->bound, error);
    if (!kind)
        kind = exhibit_read_doubles(reading, "class_lse_bound", 1, shape, EXHIBIT_NOT_NEGATIVE, &classes->lse_bound,
                                    error);
    if (kind)
        return kind;
    classes->count = (size_t)shape[0];
    return class_bounds_in_order(classes, (int)reading->rows)
               ? ERROR_NONE
               : error_set(error, ERROR_USAGE,
                           "%s: class_row and class_set are not in order; allowed: rows 0 to %" PRId64
                           " and sets 0 to %d, ascending, each once",
                           reading->path, reading->rows - 1, CLASS_SETS - 1);
}

/* ---- what it was judged by --------------------------------------------------------------------------------------- */

static enum error_kind read_tolerance(struct exhibit_reading *reading, struct error *error)
{
    struct tolerance *tolerance = &reading->bundle->criterion.tolerance;
    double *const parts[] = {&tolerance->atol, &tolerance->rtol, &tolerance->lse};
    const char *at = tensor_archive_metadata(&reading->archive, "tolerance");
    int count = 0;
    for (; at && count < 3; count++) {
        const char *comma = strchr(at, ',');
        size_t size = comma ? (size_t)(comma - at) : strlen(at);
        if (number_parse(at, size, parts[count]) != VALUE_SOUND || *parts[count] < 0 || (count == 2 && comma))
            break;
        at = comma ? comma + 1 : NULL;
    }
    return count == 3 && !at ? ERROR_NONE : exhibit_refuse(reading, "tolerance", "A,R,L: numbers of 0 or more", error);
}

static enum error_kind read_demand(struct exhibit_reading *reading, struct error *error)
{
    struct class_demand *demand = &reading->bundle->demand;
    const char *text = tensor_archive_metadata(&reading->archive, "class");
    demand->asked = text;
    return !text || class_parse(&demand->arithmetic, text, NULL)
               ? ERROR_NONE
               : exhibit_refuse(reading, "class", "a class that `alibicheck list classes` prints", error);
}

static enum error_kind read_arithmetic(struct exhibit_reading *reading, struct error *error)
{
    struct exhibit_bundle *bundle = reading->bundle;
    struct exhibit_arithmetic arithmetic;
    enum error_kind kind = exhibit_read_arithmetic(reading, &arithmetic, error);
    bundle->kernel = arithmetic.kernel;
    bundle->recipe = arithmetic.recipe;
    bundle->recipe_keys = arithmetic.recipe_keys;
    bundle->recipe_digest = arithmetic.recipe_digest;
    bundle->chunk_len = arithmetic.chunk_len;
    return kind || !bundle->recipe || bundle->bound
               ? kind
               : error_set(error, ERROR_USAGE, "%s: has a recipe and no bound; allowed: %s", reading->path,
                           exhibit_written);
}

static enum error_kind read_names(struct exhibit_reading *reading, struct error *error)
{
    struct exhibit_bundle *bundle = reading->bundle;
    const char *seed = tensor_archive_metadata(&reading->archive, "seed");
    int negative = 0;
    const struct {
        const char *key;
        char **name;
    } names[] = {{"case", &bundle->case_name},
                 {"key", &bundle->key},
                 {"definition", &bundle->definition},
                 {"workload", &bundle->workload}};
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0; i < sizeof names / sizeof *names && !kind; i++)
        kind = exhibit_read_name(reading, names[i].key, names[i].name, error);
    bundle->has_seed = seed;
    if (!kind && seed && (number_parse_whole(seed, strlen(seed), &bundle->seed, &negative) != VALUE_SOUND || negative))
        kind = exhibit_refuse(reading, "seed", "a whole number", error);
    return kind;
}

static enum error_kind read_build(struct exhibit_reading *reading, struct error *error)
{
    struct exhibit_bundle *bundle = reading->bundle;
    const char *text = tensor_archive_metadata(&reading->archive, "build");
    json_error_t reason;
    json_t *build = text ? json_loads(text, JSON_REJECT_DUPLICATES, &reason) : NULL;
    const char *version = json_string_value(json_object_get(build, "version")),
               *commit = json_string_value(json_object_get(build, "commit"));
    enum error_kind kind = ERROR_NONE;
    if (!version || !commit || strlen(version) > 64 || strlen(commit) > 64 || !exhibit_text_is_plain(version) ||
        !exhibit_text_is_plain(commit))
        kind = exhibit_refuse(reading, "build", "a JSON object with version and commit", error);
    else if (!(bundle->version = strdup(version)) || !(bundle->commit = strdup(commit)))
        kind = error_memory(error, "a name", 64);
    json_decref(build);
    return kind;
}

static enum error_kind read_digests(struct exhibit_reading *reading, struct error *error)
{
    struct exhibit_bundle *bundle = reading->bundle;
    enum error_kind kind = exhibit_read_digest(reading, "input_digest", &bundle->input_digest, error);
    if (!kind)
        kind = exhibit_read_digest(reading, "output_digest", &bundle->output_digest, error);
    if (!kind)
        kind = exhibit_read_digest(reading, "truth_digest", &bundle->truth_digest, error);
    for (int i = 0; i < EXHIBIT_INPUT_COUNT && !kind; i++) {
        bool there = tensor_archive_metadata(&reading->archive, exhibit_digest_keys[i]) != NULL;
        bool needed = i == EXHIBIT_MASK          ? bundle->masked
                      : i == EXHIBIT_SINK_LOGITS ? bundle->sink_logits != NULL
                                                 : true;
        bundle->digests.has[i] = needed;
        if (needed)
            kind = exhibit_read_digest(reading, exhibit_digest_keys[i], &bundle->digests.of[i], error);
        else if (there)
            kind = error_set(error, ERROR_USAGE, "%s: has %s of what it has not; allowed: %s", reading->path,
                             exhibit_digest_keys[i], exhibit_written);
    }
    return kind;
}

static enum error_kind read_facts(struct exhibit_reading *reading, struct error *error)
{
    struct exhibit_bundle *bundle = reading->bundle;
    const char *found = tensor_archive_metadata(&reading->archive, "found");
    int64_t precision = 0;
    int method = 0;
    struct error failure;
    enum error_kind kind = read_tolerance(reading, error);
    if (!kind)
        kind = read_demand(reading, error);
    if (!kind)
        kind = read_arithmetic(reading, error);
    if (!kind)
        kind = read_names(reading, error);
    if (!kind)
        kind = exhibit_read_choice(reading, "truth_method", truth_method_names, TRUTH_METHOD_COUNT, &method, error);
    if (!kind)
        kind =
            exhibit_read_whole(reading, "truth_precision", TRUTH_MIN_PRECISION, TRUTH_MAX_PRECISION, &precision, error);
    if (!kind)
        kind = exhibit_read_size(reading, "contract_distance", &bundle->contract_distance, error);
    if (!kind)
        kind = read_digests(reading, error);
    if (!kind)
        kind = read_build(reading, error);
    if (!kind && !found)
        kind = exhibit_refuse(reading, "found", exhibit_written, error);
    bundle->truth_method = (enum truth_method)method;
    bundle->truth_precision = (int)precision;
    if (kind)
        return kind;
    kind = exhibit_found_read(&bundle->found, found, (int)reading->rows, (int)reading->heads, &failure);
    return kind ? error_set(error, kind, "%s: %s", reading->path, failure.text) : ERROR_NONE;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* Every bit of its tensors is what was written. */
static enum error_kind check_content(const struct exhibit_reading *reading, struct error *error)
{
    const struct exhibit_bundle *bundle = reading->bundle;
    struct problem problem = problem_spec_shape(&bundle->spec);
    problem.slopes = bundle->slopes;
    problem.sink_logits = bundle->sink_logits;
    const struct exhibit exhibit = {.problem = &problem,
                                    .output = &bundle->output,
                                    .truth = &bundle->truth,
                                    .bound = bundle->bound,
                                    .lse_bound = bundle->lse_bound};
    uint64_t said = 0, content = exhibit_content_digest(&exhibit, &bundle->classes);
    enum error_kind kind = exhibit_read_digest(reading, "content_digest", &said, error);
    if (!kind && said != content)
        kind = error_set(error, ERROR_USAGE,
                         "%s: content_digest is %016" PRIx64 " and the tensors have %016" PRIx64
                         "; allowed: a bundle as it was written",
                         reading->path, said, content);
    if (!kind && truth_digest(&bundle->truth) != bundle->truth_digest)
        kind = error_set(error, ERROR_USAGE,
                         "%s: truth_digest is %016" PRIx64 " and the truth has %016" PRIx64
                         "; allowed: a bundle as it was written",
                         reading->path, bundle->truth_digest, truth_digest(&bundle->truth));
    return kind;
}

static bool says_so(const struct tensor_archive *archive)
{
    const char *format = tensor_archive_metadata(archive, "alibicheck");
    return format && !strcmp(format, EXHIBIT_BUNDLE_FORMAT);
}

bool exhibit_bundle_is(const char *path)
{
    struct tensor_archive archive = {.path = NULL};
    struct error unused;
    bool is = tensor_archive_open(&archive, path, &unused) == ERROR_NONE && says_so(&archive);
    tensor_archive_close(&archive);
    return is;
}

enum error_kind exhibit_bundle_read(struct exhibit_bundle *bundle, const char *path, struct error *error)
{
    struct exhibit_reading reading = {.bundle = bundle, .written = exhibit_written};
    *bundle = (struct exhibit_bundle){.path = strdup(path)};
    quote_path(reading.path, path);
    if (!bundle->path)
        return error_memory(error, "a path", (double)strlen(path));
    enum error_kind kind = tensor_archive_open(&reading.archive, path, error);
    if (!kind && !says_so(&reading.archive))
        kind = error_set(error, ERROR_USAGE, "%s: is no bundle without k and v; allowed: %s", reading.path,
                         exhibit_written);
    if (!kind)
        kind = exhibit_read_problem(&reading, error);
    if (!kind)
        kind = read_output(&reading, error);
    if (!kind)
        kind = read_truth(&reading, error);
    if (!kind)
        kind = read_bounds(&reading, error);
    if (!kind)
        kind = read_classes(&reading, error);
    if (!kind)
        kind = read_facts(&reading, error);
    if (!kind)
        kind = check_content(&reading, error);
    tensor_archive_close(&reading.archive);
    return kind;
}

void exhibit_bundle_clear(struct exhibit_bundle *bundle)
{
    char *const texts[] = {bundle->path,   bundle->case_name, bundle->key,         bundle->definition, bundle->workload,
                           bundle->kernel, bundle->recipe,    bundle->recipe_keys, bundle->version,    bundle->commit};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    free(bundle->slopes);
    free(bundle->sink_logits);
    free(bundle->output.out);
    free(bundle->output.lse);
    truth_clear(&bundle->truth);
    free(bundle->bound);
    free(bundle->lse_bound);
    class_bounds_clear(&bundle->classes);
    exhibit_found_clear(&bundle->found);
    *bundle = (struct exhibit_bundle){.path = NULL};
}
