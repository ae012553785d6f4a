#include "harness/command/hunter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command/outputs.h"
#include "harness/hunt/hunt.h"
#include "harness/report/sink/sink.h"
#include "harness/support/file.h"
#include "harness/support/json_line.h"
#include "harness/support/json_value.h"
#include "harness/support/replacement.h"
#include "harness/support/source.h"

enum { FOUND_NONE = 0, FOUND_FAILURE = 1 };

struct hunter {
    struct hunt_options *options;
    struct selection selection;
    struct foreign_opened foreign;
    struct device *device;
    struct evaluator evaluator;
    char name[HUNT_NAME_SIZE];
    struct space space;
    struct hunt_log log;
    struct hunt hunt;
    struct sink_plan plan;
    struct sink bundles;
    bool has_bundles;
};

/* ---- the start --------------------------------------------------------------------------------------------------- */

static bool is_set(const struct strings *settings, const char *name)
{
    bool set = false;
    for (size_t i = 0; i < settings->count; i++)
        set |= strncmp(settings->items[i], name, strlen(name)) == 0;
    return set;
}

/* Without a case: what a case needs, where no setting says it. */
static enum error_kind set_start(struct strings *settings, struct error *error)
{
    static const char *const usual[][2] = {
        {"seq_len=", "seq_len=256"}, {"num_heads=", "num_heads=4"}, {"head_dim=", "head_dim=64"}};
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        if (is_set(settings, usual[i][0]))
            continue;
        const char **items = realloc(settings->items, (settings->count + 1) * sizeof *items);
        if (!items)
            return error_memory(error, "settings", (double)settings->count * sizeof *items);
        settings->items = items;
        settings->items[settings->count++] = usual[i][1];
    }
    return ERROR_NONE;
}

static enum error_kind open_foreign(struct hunter *hunter, struct progress *progress, struct error *error)
{
    struct hunt_options *options = hunter->options;
    if (!foreign_is_asked(&options->foreign))
        return ERROR_NONE;
    enum error_kind kind = foreign_open(&hunter->foreign, &options->foreign, progress, error);
    if (kind)
        return kind;
    return foreign_select(&hunter->foreign, &options->selection, error);
}

/* A find is one point, in memory whole, that its case file says alone. */
static enum error_kind check_start(const struct point *point, struct error *error)
{
    char key[POINT_KEY_SIZE];
    point_key(key, point);
    if (point->batch == BATCH_TOGETHER)
        return error_set(error, ERROR_USAGE, "hunt: point %.300s is launched with others; allowed: batch: alone", key);
    if (point->problem.mask.kind & MASK_FILE)
        return error_set(error, ERROR_USAGE, "hunt: point %.300s has a mask from a file; allowed: every other mask",
                         key);
    if (problem_spec_parts(&point->problem) > 1)
        return error_set(error, ERROR_USAGE,
                         "hunt: point %.300s is too large to be in memory whole; allowed: smaller "
                         "ones, --set seq_len=N",
                         key);
    return ERROR_NONE;
}

static enum error_kind check_objective(const struct hunter *hunter, struct error *error)
{
    const struct hunt_options *options = hunter->options;
    if (options->objective == OBJECTIVE_BUDGET && options->selection.foreign.name &&
        !options->selection.foreign.bounded)
        return error_set(error, ERROR_USAGE,
                         "--objective budget: there is no error bound for %s, which does not say what it rounds; "
                         "allowed: tolerance, class, ulp",
                         hunter->foreign.name);
    return ERROR_NONE;
}

/* The file of records is none that the hunt reads, and not where the finds are printed. */
static enum error_kind check_results(const struct hunter *hunter, struct error *error)
{
    const struct hunt_options *options = hunter->options;
    const struct outputs_read read = {options->selection.last_failed, options->foreign.plugin};
    struct outputs outputs = {0};
    outputs.paths[outputs_place("results")] = options->results;
    return outputs_check(&outputs, &hunter->selection, &read, error);
}

static enum error_kind plan(struct hunter *hunter, struct progress *progress, struct error *error)
{
    struct hunt_options *options = hunter->options;
    enum error_kind kind = open_foreign(hunter, progress, error);
    if (!kind)
        kind = check_objective(hunter, error);
    if (!kind && selection_is_of_axes(&options->selection))
        kind = set_start(&options->selection.settings, error);
    if (!kind)
        kind = selection_make(&hunter->selection, &options->selection, error);
    if (!kind)
        kind = selection_check_any(&hunter->selection, &options->selection, "hunt", error);
    if (!kind)
        kind = check_results(hunter, error);
    for (size_t i = 0; i < hunter->selection.count && !kind; i++)
        kind = check_start(&hunter->selection.points[i], error);
    if (!kind)
        kind = space_read(&hunter->space, options->vary.items, options->vary.count, hunter->selection.points,
                          hunter->selection.count, error);
    return kind ? kind : selection_open_device(&hunter->device, &options->selection, error);
}

/* ---- where finds go ---------------------------------------------------------------------------------------------- */

/* What finds are written into is there before any work. */
static enum error_kind open_bundles(struct hunter *hunter, struct error *error)
{
    if (!hunter->options->write)
        return ERROR_NONE;
    enum error_kind kind = sink_open(&hunter->bundles, &sink_bundle, hunter->options->write, &hunter->plan, error);
    hunter->has_bundles = !kind;
    return kind;
}

static enum error_kind write_case(const struct hunter *hunter, const struct hunt_find *find, struct error *error)
{
    struct replacement file;
    char *path = NULL;
    if (asprintf(&path, "%s/%s.yaml", hunter->options->write, find->name) < 0)
        return error_memory(error, "a path", sizeof find->name);
    enum error_kind kind = replacement_open(&file, path, error);
    if (!kind) {
        kind = file_write(file.descriptor, path, find->text, strlen(find->text), error);
        if (!kind)
            kind = replacement_keep(&file, error);
        else
            replacement_drop(&file);
    }
    free(path);
    return kind;
}

/* What came of a find's last evaluation. */
static enum error_kind keep_find(void *context, struct hunt_find *find, const struct record *record,
                                 struct error *error)
{
    struct hunter *hunter = context;
    if (!hunter->has_bundles)
        return ERROR_NONE;
    enum error_kind kind = write_case(hunter, find, error);
    return kind ? kind : sink_bundle.record(&hunter->bundles, record, error);
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static const char *objective_name(const struct hunter *hunter)
{
    return objectives[hunter->hunt.setting.objective].name;
}

static void print_find(const struct hunter *hunter, const struct hunt_find *find)
{
    bool fails = *find->found.failure;
    printf("\n%s, %s %.4g, found as number %ld with %.4g", fails ? "FAIL" : "passes", objective_name(hunter),
           find->find.trial.value, find->evaluation, find->found.value);
    printf(fails ? ": %s\n" : "\n", find->found.failure);
    if (fails && hunter->hunt.setting.objective != OBJECTIVE_ULP && find->find.trial.value <= 1)
        printf("  by something else than its %s, as `alibicheck run` of this case says\n", objective_name(hunter));
    if (!find->is_again)
        printf("  %s\n", find->is_judged_again
                             ? "judged again it was not: the kernel does not always give the same output"
                             : "as found: the hunt was interrupted before it was made small");
    for (const char *line = find->text; line && *line;) {
        int size = (int)strcspn(line, "\n");
        printf("    %.*s\n", size, line);
        line += size + (line[size] == '\n');
    }
}

static void print_text(const struct hunter *hunter)
{
    const struct hunt *hunt = &hunter->hunt;
    printf("%ld inputs tried, by %s, and %ld to make finds small", hunt->searched, objective_name(hunter),
           hunt->evaluated - hunt->searched);
    if (hunt->kept)
        printf("; %ld kept from %s", hunt->kept, hunter->log.path);
    printf("\n");
    for (int i = 0; i < hunt->num_finds; i++)
        print_find(hunter, &hunt->finds[i]);
    for (int i = 0; hunter->has_bundles && i < hunt->num_finds; i++)
        if (hunt->finds[i].is_again)
            printf("%s%s/%s.yaml\n", i ? "" : "\n", hunter->options->write, hunt->finds[i].name);
}

static json_t *find_to_json(const struct hunt_find *find)
{
    json_t *object = json_object();
    bool complete =
        json_put(object, "name", json_string(find->name)) &&
        json_put(object, "value", json_from_double(find->find.trial.value)) &&
        json_put(object, "found_value", json_from_double(find->found.value)) &&
        json_put(object, "failure", *find->found.failure ? json_string(find->found.failure) : json_null()) &&
        json_put(object, "evaluation", json_integer(find->evaluation)) &&
        json_put(object, "again", json_boolean(find->is_again)) &&
        json_put(object, "case", find->text ? json_from_text(find->text) : json_null());
    return json_finish(object, complete);
}

static enum error_kind print_json(const struct hunter *hunter, struct error *error)
{
    const struct hunt *hunt = &hunter->hunt;
    json_t *object = json_object(), *finds = json_array();
    bool complete = finds != NULL;
    for (int i = 0; complete && i < hunt->num_finds; i++)
        complete = json_array_append_new(finds, find_to_json(&hunt->finds[i])) == 0;
    complete = json_put(object, "objective", json_string(objective_name(hunter))) && complete;
    complete = json_put(object, "seed", json_from_unsigned(hunt->setting.seed)) && complete;
    complete = json_put(object, "searched", json_integer(hunt->searched)) && complete;
    complete = json_put(object, "evaluated", json_integer(hunt->evaluated)) && complete;
    complete = json_put(object, "kept", json_integer(hunt->kept)) && complete;
    complete = json_put(object, "finds", finds) && complete;
    return json_line_print(json_finish(object, complete), "finds as JSON", error);
}

static enum error_kind print(const struct hunter *hunter, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    if (hunter->options->json)
        kind = print_json(hunter, error);
    else
        print_text(hunter);
    if (!kind)
        kind = file_flush(stdout, error);
    return kind;
}

/* ---- the hunt ---------------------------------------------------------------------------------------------------- */

static struct record made_by(const struct hunter *hunter)
{
    const struct selection_options *options = &hunter->options->selection;
    const bool is_foreign = hunter->foreign.process;
    return (struct record){
        .run = &hunter->selection.run,
        .recipes = options->recipes.items,
        .num_recipes = options->recipes.count,
        .foreign_option = is_foreign ? hunter->foreign.option : NULL,
        .device = is_foreign ? "foreign" : device_kind_names[device_kind(hunter->device)],
        .device_name = is_foreign ? hunter->foreign.device : device_name(hunter->device),
        .kernel_digest = foreign_digest(&hunter->foreign),
    };
}

static enum objective objective_of(const struct hunt_options *options)
{
    bool bounded = !options->selection.foreign.name || options->selection.foreign.bounded;
    if (options->objective != OBJECTIVE_COUNT)
        return options->objective;
    return bounded ? OBJECTIVE_BUDGET : OBJECTIVE_CLASS;
}

static enum error_kind let_loose(struct hunter *hunter, struct progress *progress, struct error *error)
{
    const struct hunt_options *options = hunter->options;
    struct evaluator *evaluator = &hunter->evaluator;
    *evaluator = (struct evaluator){
        .device = hunter->device,
        .foreign = hunter->foreign.process ? &hunter->foreign.subject : NULL,
        .threads = options->selection.threads,
        .progress = progress,
    };
    snprintf(hunter->name, sizeof hunter->name, selection_is_of_axes(&options->selection) ? "hunted" : "%.80s-hunted",
             case_name(hunter->selection.points[0].test_case));
    hunter->hunt = (struct hunt){
        .setting = {.name = hunter->name,
                    .space = &hunter->space,
                    .starts = hunter->selection.points,
                    .num_starts = hunter->selection.count,
                    .kernel = options->selection.foreign,
                    .objective = objective_of(options),
                    .evaluations = options->evaluations,
                    .shrink_evaluations = options->shrink_evaluations,
                    .keep = 0.9,
                    .seed = options->seed,
                    .random = options->random,
                    .time_limit_s = options->time_limit_s,
                    .made = made_by(hunter)},
        .evaluator = evaluator,
        .log = &hunter->log,
    };
    hunter->log = (struct hunt_log){
        .path = options->results,
        .planned = options->evaluations,
        .objective = objective_name(hunter),
        .subject = hunter->foreign.process ? hunter->foreign.option : hunter->hunt.setting.made.device,
        .kernel_digest = foreign_digest(&hunter->foreign),
    };
    enum error_kind kind = open_bundles(hunter, error);
    if (!kind)
        kind = hunt_log_open(&hunter->log, options->resume, options->any_build, error);
    if (kind)
        return kind;
    evaluator->display = progress_display_start((size_t)options->evaluations, progress);
    kind = hunt_run(&hunter->hunt, keep_find, hunter, error);
    progress_display_stop(evaluator->display);
    evaluator->display = NULL;
    return kind;
}

static void close_all(struct hunter *hunter)
{
    const struct summary nothing = {.points_total = 0};
    struct error unused;
    if (hunter->has_bundles)
        (void)sink_bundle.close(&hunter->bundles, &nothing, &unused);
    hunt_log_close(&hunter->log);
    hunt_clear(&hunter->hunt);
    evaluator_clear(&hunter->evaluator);
    space_clear(&hunter->space);
    device_close(hunter->device);
    foreign_close(&hunter->foreign);
    selection_clear(&hunter->selection);
}

int hunter(struct hunt_options *options, struct progress *progress, struct error *error)
{
    struct hunter *hunter = calloc(1, sizeof *hunter);
    if (!hunter)
        return (int)error_memory(error, "a hunt", sizeof *hunter);
    hunter->options = options;
    hunter->log = (struct hunt_log){.held = -1, .descriptor = -1};
    enum error_kind kind = plan(hunter, progress, error);
    if (!kind)
        kind = let_loose(hunter, progress, error);
    if (hunter->hunt.searched > 0) {
        struct error failure;
        enum error_kind printed = print(hunter, &failure);
        if (printed && !kind)
            kind = error_set(error, printed, "%s", failure.text);
    }
    int code = kind ? (int)kind : hunt_has_failure(&hunter->hunt) ? FOUND_FAILURE : FOUND_NONE;
    close_all(hunter);
    free(hunter);
    return code;
}
