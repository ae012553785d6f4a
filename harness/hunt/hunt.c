#include "harness/hunt/hunt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/hunt/search.h"
#include "harness/support/memory.h"

/* ---- a candidate evaluated --------------------------------------------------------------------------------------- */

/* How a point failed, in a word; "" if it did not. */
static void name_failure(char *failure, const struct record *record)
{
    const char *name = "";
    if (record->outcome.status == STATUS_FAIL) {
        enum signature signature = record->finding ? record->finding->signature : SIGNATURE_NONE;
        name = record->run_failure && signature == SIGNATURE_NO_ANSWER ? run_failures[record->run_failure].name
               : record->oracles && oracles_violated_mask(record->oracles) && !signature ? "oracle"
               : signature                                                               ? signature_names[signature]
                                                                                         : "class";
    }
    snprintf(failure, TRIAL_FAILURE_SIZE, "%s", name);
}

/* What records say of a point. */
static struct record make_record(const struct hunt *hunt, const struct point *point, enum error_kind kind,
                                 const struct error *failure, const struct evaluation *evaluation)
{
    struct record record = hunt->setting.made;
    record.point = point;
    record.place = (size_t)hunt->evaluated;
    record_take(&record, kind, failure, evaluation);
    return record;
}

static enum error_kind take_trial(const struct hunt *hunt, struct trial *trial, const struct record *record,
                                  const struct evaluation *evaluation, struct error *error)
{
    name_failure(trial->failure, record);
    return objective_value(&trial->value, hunt->setting.objective, hunt->evaluator, record->point, evaluation, error);
}

/* Evaluates a point and keeps what came of it. *taken: there is a trial. A point that cannot be judged has none. */
static enum error_kind evaluate_point(struct hunt *hunt, const struct candidate *candidate,
                                      const struct hunted_point *read, bool *taken, struct trial *trial,
                                      struct error *error)
{
    struct evaluation evaluation;
    struct error failure = {0};
    char *text = candidate_text(candidate, "candidate", NULL);
    if (!text)
        return error_memory(error, "a candidate", FIELD_TEXT_SIZE);
    enum error_kind kind = evaluate(hunt->evaluator, &evaluation, &read->point, &failure);
    if (kind)
        error_set(error, kind, "%s", failure.text);
    if (!kind && progress_cancelled(hunt->evaluator->progress))
        kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
    if (!kind) {
        const struct record record = make_record(hunt, &read->point, kind, &failure, &evaluation);
        kind = take_trial(hunt, trial, &record, &evaluation, error);
        if (!kind)
            kind = hunt_log_add(hunt->log, read->digest, trial, &record, text, error);
    }
    *taken = !kind;
    hunt->evaluated += *taken;
    evaluation_clear(&evaluation);
    free(text);
    return kind;
}

static bool takes(void *context, const struct point *point)
{
    struct hunt *hunt = context;
    char reason[SUBJECT_TEXT_SIZE];
    bool taken = evaluate_takes(hunt->evaluator, point, reason) && problem_spec_parts(&point->problem) == 1 &&
                 evaluate_bytes(point, hunt->evaluator->threads) <= memory_available_bytes();
    hunt->refused += !taken;
    return taken;
}

static enum error_kind evaluate_candidate(void *context, const struct candidate *candidate,
                                          const struct hunted_point *read, bool *taken, struct trial *trial,
                                          struct error *error)
{
    struct hunt *hunt = context;
    bool is_kept;
    *taken = hunt_log_find(hunt->log, read->digest, trial, &is_kept);
    hunt->evaluated += *taken;
    hunt->kept += is_kept;
    if (*taken || !takes(hunt, &read->point))
        return ERROR_NONE;
    return evaluate_point(hunt, candidate, read, taken, trial, error);
}

/* ---- finds ------------------------------------------------------------------------------------------------------- */

/* That of the failure; a new one if there is none yet; NULL if there is no room. */
static struct hunt_find *find_of(struct hunt *hunt, const char *failure)
{
    for (int i = 0; i < hunt->num_finds; i++)
        if (strcmp(hunt->finds[i].found.failure, failure) == 0)
            return &hunt->finds[i];
    if (hunt->num_finds == HUNT_FINDS)
        return NULL;
    struct hunt_find *find = &hunt->finds[hunt->num_finds++];
    *find = (struct hunt_find){.found.value = -1};
    return find;
}

static enum error_kind take_find(struct hunt *hunt, const struct candidate *candidate, const struct trial *trial,
                                 struct error *error)
{
    struct hunt_find *find = find_of(hunt, trial->failure);
    if (!find || trial->value <= find->found.value)
        return ERROR_NONE;
    candidate_clear(&find->find.candidate);
    find->found = find->find.trial = *trial;
    find->evaluation = hunt->searched;
    return candidate_copy(&find->find.candidate, candidate, error);
}

/* Failures come first, then by value. */
static int compare_finds(const void *a, const void *b)
{
    const struct hunt_find *x = a, *y = b;
    bool fails_x = *x->found.failure, fails_y = *y->found.failure;
    if (fails_x != fails_y)
        return fails_y - fails_x;
    return (x->found.value < y->found.value) - (x->found.value > y->found.value);
}

/* ---- the search -------------------------------------------------------------------------------------------------- */

static void show(const struct hunt *hunt)
{
    char label[128];
    double worst = 0;
    for (int i = 0; i < hunt->num_finds; i++)
        worst = fmax(worst, hunt->finds[i].found.value);
    snprintf(label, sizeof label, "worst %s so far: %.3g%s", objectives[hunt->setting.objective].name, worst,
             hunt_has_failure(hunt) ? ", and one fails" : "");
    progress_display_point(hunt->evaluator->display, label);
}

static bool is_time_up(const struct hunt *hunt)
{
    double limit_s = hunt->setting.time_limit_s;
    return limit_s > 0 && seconds_now() - hunt->start_s >= limit_s;
}

/* One candidate. *more: there was one. */
static enum error_kind search_once(struct hunt *hunt, struct search *search, bool *more, struct error *error)
{
    const struct candidate *candidate;
    struct hunted_point read;
    struct trial trial;
    bool taken = false;
    enum error_kind kind = search_ask(search, &candidate, &read, more, error);
    if (!kind && *more)
        kind = evaluate_candidate(hunt, candidate, &read, &taken, &trial, error);
    if (!kind && taken) {
        hunt->searched++;
        kind = search_tell(search, trial.value, error);
        if (!kind)
            kind = take_find(hunt, candidate, &trial, error);
    }
    hunted_point_clear(&read);
    return kind;
}

static enum error_kind search_all(struct hunt *hunt, const struct candidate *starts, struct error *error)
{
    const struct search_setting setting = {
        .space = hunt->setting.space,
        .kernel = &hunt->setting.kernel,
        .starts = starts,
        .num_starts = hunt->setting.num_starts,
        .planned = hunt->log->planned,
        .seed = hunt->setting.seed,
        .random = hunt->setting.random,
        .takes = takes,
        .context = hunt,
    };
    struct search *search = calloc(1, sizeof *search);
    enum error_kind kind = ERROR_NONE;
    if (!search)
        return error_memory(error, "a search", sizeof *search);
    search_begin(search, &setting);
    for (bool more = true; more && hunt->searched < hunt->setting.evaluations && !is_time_up(hunt) && !kind;) {
        show(hunt);
        if (progress_cancelled(hunt->evaluator->progress))
            kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
        if (!kind)
            kind = search_once(hunt, search, &more, error);
    }
    search_end(search);
    free(search);
    return kind;
}

/* ---- what comes of finds ----------------------------------------------------------------------------------------- */

/* A passing find's value, rounded up to two digits: what it may not exceed when it is run again. */
static enum error_kind demand_budget(struct hunt_find *find, const struct hunt *hunt, struct error *error)
{
    struct candidate *candidate = &find->find.candidate;
    const char *judge = candidate->values[KEY_JUDGE];
    char *budget = NULL, *both = NULL;
    double value = find->find.trial.value;
    double unit = value > 0 ? pow(10, floor(log10(value)) - 1) : 1;
    bool by_tolerance = judge && !strcmp(judge, judge_mode_names[JUDGE_TOLERANCE]);
    if (hunt->setting.objective != OBJECTIVE_BUDGET || *find->found.failure || !(value > 0) || value > 1 ||
        by_tolerance)
        return ERROR_NONE;
    if (!judge && !candidate->values[KEY_BUDGET]) { /* else a budget alone would judge */
        both = strdup(judge_mode_names[JUDGE_BOTH]);
        if (!both)
            return error_memory(error, "a find", 32);
        candidate_take(candidate, KEY_JUDGE, both);
    }
    if (asprintf(&budget, "%.2g", ceil(value / unit) * unit) < 0)
        return error_memory(error, "a find", 32);
    candidate_take(candidate, KEY_BUDGET, budget);
    return ERROR_NONE;
}

static void name_find(struct hunt_find *find, const struct hunt *hunt)
{
    char failure[TRIAL_FAILURE_SIZE]; /* a copy: gcc takes the two members for one */
    memcpy(failure, find->found.failure, sizeof failure);
    snprintf(find->name, sizeof find->name, "%.80s%s%s", hunt->setting.name, *failure ? "-" : "", failure);
}

static enum error_kind write_text(struct hunt_find *find, const struct hunt *hunt, struct error *error)
{
    char about[200];
    snprintf(about, sizeof about, "Found by alibicheck hunt, by %s: %.4g.", objectives[hunt->setting.objective].name,
             find->find.trial.value);
    find->text = candidate_text(&find->find.candidate, find->name, about);
    return find->text ? ERROR_NONE : error_memory(error, "a find", FIELD_TEXT_SIZE);
}

/* Judges a find once more, from the text of its case file, and hands it out. */
static enum error_kind judge_again(struct hunt *hunt, struct hunt_find *find, hunt_keep *keep, void *context,
                                   struct error *error)
{
    struct hunted_point read;
    struct evaluation evaluation = {.has_other = false};
    struct trial trial;
    struct error failure = {0};
    enum error_kind kind = candidate_read(&read, &find->find.candidate, find->name, &hunt->setting.kernel, error);
    if (!kind) {
        kind = evaluate(hunt->evaluator, &evaluation, &read.point, &failure);
        if (kind)
            error_set(error, kind, "%s", failure.text);
    }
    if (!kind) {
        const struct record record = make_record(hunt, &read.point, kind, &failure, &evaluation);
        kind = take_trial(hunt, &trial, &record, &evaluation, error);
        find->is_judged_again = !kind;
        find->is_again =
            !kind && trial.value == find->find.trial.value && strcmp(trial.failure, find->find.trial.failure) == 0;
        if (!kind)
            kind = keep(context, find, &record, error);
    }
    evaluation_clear(&evaluation);
    hunted_point_clear(&read);
    return kind;
}

static enum error_kind finish_find(struct hunt *hunt, struct hunt_find *find, hunt_keep *keep, void *context,
                                   struct error *error)
{
    const struct shrinking shrinking = {
        .space = hunt->setting.space,
        .kernel = &hunt->setting.kernel,
        .keep = hunt->setting.keep,
        .evaluations = hunt->setting.shrink_evaluations,
        .evaluate = evaluate_candidate,
        .context = hunt,
    };
    enum error_kind kind = shrinking.evaluations > 0 ? shrink(&find->find, &shrinking, error) : ERROR_NONE;
    if (!kind)
        kind = demand_budget(find, hunt, error);
    if (!kind)
        kind = write_text(find, hunt, error);
    return kind ? kind : judge_again(hunt, find, keep, context, error);
}

/* An interrupted hunt says what it has. */
static void tell_the_rest(struct hunt *hunt)
{
    struct error unused;
    for (int i = 0; i < hunt->num_finds; i++)
        if (!hunt->finds[i].text)
            (void)write_text(&hunt->finds[i], hunt, &unused);
}

static enum error_kind refuse_all(const struct hunt *hunt, struct error *error)
{
    char reason[SUBJECT_TEXT_SIZE] = "";
    (void)evaluate_takes(hunt->evaluator, &hunt->setting.starts[0], reason);
    return error_set(error, ERROR_USAGE, "hunt: no point within these limits can be run%s%s", *reason ? ": " : "",
                     reason);
}

static enum error_kind make_starts(struct hunt *hunt, struct candidate *starts, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0; i < hunt->setting.num_starts && !kind; i++)
        kind = candidate_of_point(&starts[i], &hunt->setting.starts[i], &hunt->setting.kernel, error);
    return kind;
}

enum error_kind hunt_run(struct hunt *hunt, hunt_keep *keep, void *context, struct error *error)
{
    size_t num_starts = hunt->setting.num_starts;
    hunt->num_finds = 0;
    hunt->searched = hunt->evaluated = hunt->kept = hunt->refused = 0;
    hunt->start_s = seconds_now();
    struct candidate *starts = calloc(num_starts, sizeof *starts);
    enum error_kind kind =
        starts ? make_starts(hunt, starts, error) : error_memory(error, "a hunt", (double)num_starts * sizeof *starts);
    if (!kind)
        kind = search_all(hunt, starts, error);
    if (!kind && hunt->searched == 0 && !is_time_up(hunt))
        kind = refuse_all(hunt, error);
    qsort(hunt->finds, (size_t)hunt->num_finds, sizeof hunt->finds[0], compare_finds);
    for (int i = 0; i < hunt->num_finds; i++)
        name_find(&hunt->finds[i], hunt);
    for (int i = 0; i < hunt->num_finds && !kind; i++)
        kind = finish_find(hunt, &hunt->finds[i], keep, context, error);
    tell_the_rest(hunt);
    if (!kind)
        error->text[0] = '\0'; /* of cases that may not be */
    for (size_t i = 0; starts && i < num_starts; i++)
        candidate_clear(&starts[i]);
    free(starts);
    return kind;
}

bool hunt_has_failure(const struct hunt *hunt)
{
    bool fails = false;
    for (int i = 0; i < hunt->num_finds; i++)
        fails |= *hunt->finds[i].found.failure != '\0';
    return fails;
}

void hunt_clear(struct hunt *hunt)
{
    for (int i = 0; i < hunt->num_finds; i++) {
        candidate_clear(&hunt->finds[i].find.candidate);
        free(hunt->finds[i].text);
    }
    hunt->num_finds = 0;
}
