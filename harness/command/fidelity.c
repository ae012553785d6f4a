#include "harness/command/fidelity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command/fidelity_point.h"
#include "harness/support/file.h"
#include "harness/support/json_value.h"
#include "kernels/fidelity.h"

struct comparing {
    const struct fidelity_options *options;
    struct selection selection;
    struct device *devices[2];
    struct foreign_opened foreign;
    struct pairing_side of[2];
    struct fidelity_side sides[2];
    struct evaluator evaluator;
    int results;                              /* a descriptor; -1: none */
    int count[FIDELITY_STATUS_COUNT], broken; /* of points that differ, those that may not */
};

/* ---- the sides --------------------------------------------------------------------------------------------------- */

static const char *const form_names[] = {[FORM_FASTEST] = "", [FORM_GENERIC] = ":generic", [FORM_PLAIN] = ":plain"};

/* The device, or DEVICE_COUNT, and the form that "host:generic" names. */
static enum device_kind device_of(const char *against, enum kernel_form *form)
{
    for (int kind = 0; kind < DEVICE_COUNT; kind++) {
        size_t length = strlen(device_kind_names[kind]);
        if (strncmp(against, device_kind_names[kind], length) != 0)
            continue;
        for (enum kernel_form f = FORM_FASTEST; f <= FORM_PLAIN; f++)
            if (!strcmp(against + length, form_names[f])) {
                *form = f;
                return (enum device_kind)kind;
            }
    }
    return DEVICE_COUNT;
}

bool fidelity_knows(const char *against)
{
    enum kernel_form form;
    return device_of(against, &form) != DEVICE_COUNT;
}

static const char *against_of(const struct fidelity_options *options)
{
    return options->against ? options->against : device_kind_names[DEVICE_HOST];
}

static enum error_kind open_second(struct comparing *comparing, struct error *error)
{
    const struct fidelity_options *options = comparing->options;
    const char *against = against_of(options), *first = device_kind_names[device_kind(comparing->devices[0])];
    struct device_options of_device = {.threads = options->selection.threads};
    if (comparing->foreign.process) {
        comparing->of[1].foreign = &comparing->foreign.subject;
        comparing->sides[1] = (struct fidelity_side){comparing->foreign.name, comparing->foreign.device};
        return ERROR_NONE;
    }
    enum device_kind kind = device_of(against, &of_device.form);
    if (kind == device_kind(comparing->devices[0]) && of_device.form == FORM_FASTEST)
        return error_set(error, ERROR_USAGE,
                         "fidelity: %s against %s would be compared with itself; allowed: another device, --against "
                         "%s:generic or %s:plain, --plugin, --kernel-command",
                         first, against, first, first);
    enum error_kind result = device_open(&comparing->devices[1], kind, &of_device, error);
    if (result)
        return result;
    comparing->of[1].device = comparing->devices[1];
    comparing->sides[1] = (struct fidelity_side){against, device_name(comparing->devices[1])};
    return ERROR_NONE;
}

static enum error_kind open_sides(struct comparing *comparing, struct error *error)
{
    enum error_kind kind = selection_open_device(&comparing->devices[0], &comparing->options->selection, error);
    if (kind)
        return kind;
    comparing->of[0].device = comparing->devices[0];
    comparing->sides[0] = (struct fidelity_side){device_kind_names[device_kind(comparing->devices[0])],
                                                 device_name(comparing->devices[0])};
    return open_second(comparing, error);
}

/* What the recipe says of bits on the two sides. Who names a kernel claims that it has those of the point's; forms of a
 * kernel on one device have the same operations. */
static void find_fidelity(const struct comparing *comparing, struct fidelity_point *of)
{
    struct device *const *devices = comparing->devices;
    enum fidelity fidelity = FIDELITY_EXACT;
    if (comparing->foreign.process) {
        of->fidelity = "claimed";
        of->promised = true;
        return;
    }
    if (device_kind(devices[0]) != device_kind(devices[1]))
        fidelity = recipe_fidelity(of->point->kernel, &of->point->recipe,
                                   device_has_models(devices[0]) && device_has_models(devices[1]));
    of->fidelity = fidelity_names[fidelity];
    of->promised = fidelity != FIDELITY_BOUNDED;
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

static enum error_kind write_json(const struct comparing *comparing, const struct fidelity_point *of,
                                  struct error *error)
{
    const char *path = comparing->results >= 0 ? comparing->options->outputs.paths[comparing->options->results] : NULL;
    json_t *object = fidelity_json(of);
    char *text = object ? json_print(object, JSON_COMPACT | JSON_PRINT_FLAGS) : NULL, *line = NULL;
    enum error_kind kind = ERROR_NONE;
    if (!text || asprintf(&line, "%s\n", text) < 0) {
        line = NULL;
        kind = error_memory(error, "a result as JSON", 0);
    }
    if (!kind && path)
        kind = file_write(comparing->results, path, line, strlen(line), error);
    if (!kind && comparing->options->json)
        fputs(line, stdout);
    json_decref(object);
    free(text);
    free(line);
    return kind;
}

static void tally(struct comparing *comparing, const struct fidelity_point *of)
{
    enum fidelity_status status = fidelity_status(of);
    comparing->count[status]++;
    comparing->broken += status == FIDELITY_DIFFERS && of->promised;
}

static enum error_kind compare_point(struct comparing *comparing, const struct point *point, struct error *error)
{
    struct evaluator *evaluator = &comparing->evaluator;
    struct pairing pairing;
    struct fidelity_point of = {.point = point, .sides = comparing->sides, .pairing = &pairing};
    struct error failure = {0}; /* a kernel's, which is told with its point, or the command's */
    char key[POINT_KEY_SIZE];
    progress_display_point(evaluator->display, point_key(key, point));
    find_fidelity(comparing, &of);
    enum error_kind kind = pair_point(evaluator, comparing->of, point, &pairing, &failure);
    if (kind)
        return error_set(error, kind, "%s", failure.text);
    tally(comparing, &of);
    progress_display_hide(evaluator->display);
    if (!comparing->options->json)
        fidelity_print_point(&of);
    if (comparing->options->json || comparing->results >= 0)
        kind = write_json(comparing, &of, error);
    if (!kind)
        kind = file_flush(stdout, error);
    progress_display_show(evaluator->display);
    return kind;
}

static void print_summary(const struct comparing *comparing)
{
    const int *count = comparing->count;
    int differ = count[FIDELITY_DIFFERS];
    printf("\n  %zu points: %d the same to the last bit, %d not", comparing->selection.count, count[FIDELITY_SAME],
           differ);
    if (differ > comparing->broken)
        printf(", %d of which may differ", differ - comparing->broken);
    if (count[FIDELITY_FAILED])
        printf("; %d failed to run", count[FIDELITY_FAILED]);
    if (count[FIDELITY_SKIPPED])
        printf("; %d skipped", count[FIDELITY_SKIPPED]);
    printf("\n");
}

static enum error_kind compare_points(struct comparing *comparing, struct error *error)
{
    const struct selection *selection = &comparing->selection;
    enum error_kind kind = ERROR_NONE;
    if (!comparing->options->json) {
        bool is_named = comparing->foreign.process; /* by what it runs on */
        printf("  on %s\n  against %s%s%s\n\n", comparing->sides[0].name, is_named ? "" : comparing->sides[1].kind,
               is_named ? "" : " on ", comparing->sides[1].name);
        fidelity_print_heading();
    }
    comparing->evaluator.display = progress_display_start(selection->count, comparing->evaluator.progress);
    for (size_t i = 0; i < selection->count && !kind; i++)
        kind = compare_point(comparing, &selection->points[i], error);
    progress_display_stop(comparing->evaluator.display);
    if (!kind && !comparing->options->json)
        print_summary(comparing);
    if (!kind && comparing->count[FIDELITY_SKIPPED] == (int)selection->count)
        kind = error_set(error, ERROR_USAGE, "fidelity: %s takes none of these points; allowed: one that it takes",
                         comparing->foreign.subject.kernel->name);
    return kind;
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static enum error_kind check_points(const struct comparing *comparing, struct error *error)
{
    const struct outputs_read read = {comparing->options->selection.last_failed, comparing->options->foreign.plugin};
    enum error_kind kind = outputs_check(&comparing->options->outputs, &comparing->selection, &read, error);
    for (size_t i = 0; i < comparing->selection.count && !kind; i++) {
        const struct point *point = &comparing->selection.points[i];
        kind = selection_check_memory(point, pair_bytes(point, comparing->options->selection.threads), 1, error);
    }
    return kind;
}

int fidelity(const struct fidelity_options *options, struct progress *progress, struct error *error)
{
    struct comparing comparing = {
        .options = options,
        .results = -1,
        .evaluator = {.threads = options->selection.threads, .progress = progress},
    };
    const char *path = options->outputs.paths[options->results];
    enum error_kind kind = ERROR_NONE, closed;
    if (foreign_is_asked(&options->foreign))
        kind = foreign_open(&comparing.foreign, &options->foreign, progress, error);
    if (!kind)
        kind = selection_make(&comparing.selection, &options->selection, error);
    if (!kind)
        kind = check_points(&comparing, error);
    if (!kind)
        kind = open_sides(&comparing, error);
    if (!kind && path)
        kind = file_create(&comparing.results, path, error);
    if (!kind)
        kind = compare_points(&comparing, error);
    if (comparing.results >= 0 && (closed = file_close(comparing.results, path, kind ? &(struct error){0} : error)))
        kind = kind ? kind : closed;
    evaluator_clear(&comparing.evaluator);
    device_close(comparing.devices[0]);
    device_close(comparing.devices[1]);
    selection_clear(&comparing.selection);
    foreign_close(&comparing.foreign);
    return kind ? (int)kind : comparing.broken + comparing.count[FIDELITY_FAILED] > 0;
}
