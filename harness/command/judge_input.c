#include "harness/command/judge_input.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/command/judge_claim.h"
#include "harness/command/judge_recorder.h"
#include "harness/command/judge_sample.h"
#include "harness/command/judge_tensors.h"
#include "harness/command/judge_trace.h"
#include "harness/support/file.h"
#include "harness/support/source.h"

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* What --bundle writes to: a folder with no point.json and some .safetensors. */
static bool has_bundles(const char *path)
{
    char *point = file_join(path, "point.json");
    bool is_dump = point && access(point, F_OK) == 0, found = false;
    DIR *folder = is_dump ? NULL : opendir(path);
    for (struct dirent *entry = NULL; folder && !found && (entry = readdir(folder));)
        found = fnmatch("*.safetensors", entry->d_name, 0) == 0;
    if (folder)
        closedir(folder);
    free(point);
    return found;
}

/* Options of one kind of exhibit, where another is judged. */
static enum error_kind refuse_options(const struct judge_options *options, const enum judge_option refused[2],
                                      const char *without, struct error *error)
{
    char name[JUDGE_NAME_SIZE];
    for (int i = 0; i < 2; i++)
        if (options->values[refused[i]])
            return error_set(error, ERROR_USAGE, "%s: without %s", judge_option_name(name, refused[i]), without);
    return ERROR_NONE;
}

/* What is judged, of which --other is a tensor if anything. */
static enum error_kind open_exhibit(struct judge_input *input, const struct judge_options *options, struct error *error)
{
    struct judge_bundle bundle;
    char quoted[PATH_QUOTE_SIZE];
    bool traced = judge_trace_is(options);
    bool recorded = !traced && options->exhibit && judge_recorder_is(options->exhibit);
    enum error_kind kind = ERROR_NONE;
    if (!traced)
        kind = refuse_options(options, (enum judge_option[]){GIVEN_ROOT, GIVEN_SEED},
                              "a workload; allowed: with --definition and --workload", error);
    if (!kind && !recorded)
        kind = refuse_options(options, (enum judge_option[]){GIVEN_PLAN, GIVEN_INIT},
                              "a recorded call; allowed: with the folder of a run()", error);
    if (kind)
        return kind;
    if (!options->exhibit && !traced)
        return judge_input_open_tensors(input, options, NULL, error);
    if (!traced && !recorded && is_folder(options->exhibit) && has_bundles(options->exhibit))
        return error_set(
            error, ERROR_USAGE,
            "%s: no point.json in it; allowed: a folder that `run --dump` wrote, or bundles, as DIR/*.safetensors",
            quote_path(quoted, options->exhibit));
    if (!traced && !recorded && is_folder(options->exhibit))
        return judge_input_open_folder(input, options, error);
    if (!traced && !recorded && judge_claim_is(options))
        return judge_claim_open(input, options, error);
    kind = traced     ? judge_trace_open(&bundle, options, error)
           : recorded ? judge_recorder_open(&bundle, options, error)
                      : judge_bundle_open(&bundle, options, error);
    input->workload = bundle.workload;
    bundle.workload = (struct given_workload){.uuid = NULL};
    if (!kind && bundle.is_as_it_was)
        input->mode = bundle.mode;
    if (!kind)
        kind = judge_input_open_tensors(input, &bundle.options, &bundle, error);
    input->has_digest = !kind && bundle.has_digest;
    input->input_digest = bundle.input_digest;
    judge_bundle_clear(&bundle);
    return kind;
}

/* A tolerance of lse, where there is none to judge by it; without options the exhibit's own is not meant. */
static enum error_kind check_tolerance(const struct judge_input *input, const struct judge_options *options,
                                       struct error *error)
{
    const char *value = options->values[GIVEN_TOLERANCE];
    const char *comma = value ? strchr(value, ',') : NULL;
    bool has_lse = input->claim ? input->claim->bundle.output.lse != NULL
                                : input->num_sequences > 0 && input->sequences->output.lse != NULL;
    char quoted[QUOTE_SIZE];
    if (!comma || !strchr(comma + 1, ',') || has_lse)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "--tolerance %s: has a number for lse, and there is none; allowed: A,R, or with "
                     "--lse F",
                     quote(quoted, value, strlen(value)));
}

enum error_kind judge_input_open(struct judge_input *input, const struct judge_options *options, struct error *error)
{
    const char *const *values = options->values;
    *input = (struct judge_input){
        .mode = !values[GIVEN_RECIPE]                              ? JUDGE_TOLERANCE
                : values[GIVEN_BUDGET] && !values[GIVEN_TOLERANCE] ? JUDGE_BUDGET
                                                                   : JUDGE_BOTH,
    };
    enum error_kind kind = open_exhibit(input, options, error);
    return kind ? kind : check_tolerance(input, options, error);
}

void judge_input_clear(struct judge_input *input)
{
    for (int t = 0; t < TENSOR_FILE_COUNT; t++)
        if (input->is_open[t])
            tensor_close(&input->files[t]);
    for (int64_t b = 0; input->sequences && b < input->num_sequences; b++) {
        free(input->sequences[b].given.key);
        if (input->sequences[b].source == &input->sequences[b].of_folder.source)
            dumped_source_clear(&input->sequences[b].of_folder);
    }
    judge_sample_clear(input);
    judge_claim_clear(input);
    case_list_clear(&input->cases);
    free(input->points);
    free(input->sequences);
    free(input->slopes);
    free(input->sinks);
    free(input->lse);
    free(input->visible);
    free(input->pages);
    free(input->command);
    free(input->workload.definition);
    free(input->workload.uuid);
    *input = (struct judge_input){.num_sequences = 0};
}

enum error_kind judge_input_check(const struct judge_input *input, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int t = 0; t < TENSOR_FILE_COUNT && !kind; t++)
        if (input->is_open[t])
            kind = tensor_check_unchanged(&input->files[t], error);
    return kind;
}
