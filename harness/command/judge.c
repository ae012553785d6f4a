#include "harness/command/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/command/judge_claim.h"
#include "harness/command/judge_explain.h"
#include "harness/command/judge_input.h"
#include "harness/command/judge_other.h"
#include "harness/evaluate/evaluate.h"
#include "harness/report/record/record.h"
#include "harness/support/file.h"
#include "harness/support/source.h"
#include "harness/support/threads.h"

enum { EXIT_RIGHT = 0, EXIT_WRONG = 1 };

struct judge_run {
    const struct judge_options *options;
    struct outputs outputs; /* the options', and standard output for --json */
    struct judge_input input;
    struct sink_plan plan;
    struct sink sinks[SINK_COUNT]; /* those that are open */
    size_t num_sinks;
    struct summary summary;
    double start_s;
};

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

/* --json is --results -. */
static enum error_kind choose_outputs(struct judge_run *judging, struct error *error)
{
    judging->outputs = judging->options->outputs;
    for (int i = 0; i < SINK_COUNT && judging->options->json; i++) {
        if (sink_kinds[i]->target != SINK_TO_FILE_OR_STDOUT)
            continue;
        if (judging->outputs.paths[i])
            return error_set(error, ERROR_USAGE, "--json: with --%s; allowed: one of them", sink_kinds[i]->option);
        judging->outputs.paths[i] = "-";
    }
    return outputs_check_stdout(&judging->outputs, error);
}

/* Whether a path is one of the files that are judged, or of another output's. */
static bool is_judged(const struct judge_input *input, const char *path)
{
    for (int t = 0; t < TENSOR_FILE_COUNT; t++)
        if (input->is_open[t] && file_same(path, input->files[t].file.path))
            return true;
    if (input->claim && file_same(path, input->claim->bundle.path))
        return true;
    return input->other && is_judged(judge_other_input(input), path);
}

/* An output takes every point. */
static enum error_kind check_points(const struct judge_run *judging, int output, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    const struct sink_kind *sink = sink_kinds[output];
    for (int b = 0; sink->check && b < judging->input.num_sequences && !kind; b++)
        kind = sink->check(judging->outputs.paths[output], &judging->input.points[b], error);
    return kind;
}

/* No output is a tensor, nor another output. */
static enum error_kind check_outputs(const struct judge_run *judging, struct error *error)
{
    char quoted[PATH_QUOTE_SIZE];
    for (int i = 0; i < SINK_COUNT; i++) {
        const char *path = judging->outputs.paths[i];
        if (!path || !strcmp(path, "-"))
            continue;
        if (is_judged(&judging->input, path))
            return error_set(error, ERROR_USAGE, "--%s %s: is a file that is judged; allowed: a file of its own",
                             sink_kinds[i]->option, quote_path(quoted, path));
        enum error_kind kind = check_points(judging, i, error);
        if (kind)
            return kind;
        for (int j = 0; j < i; j++)
            if (judging->outputs.paths[j] && file_same(path, judging->outputs.paths[j]))
                return error_set(error, ERROR_USAGE, "--%s %s: is the file of --%s; allowed: a file of its own",
                                 sink_kinds[i]->option, quote_path(quoted, path), sink_kinds[j]->option);
    }
    return ERROR_NONE;
}

static enum error_kind open_sinks(struct judge_run *judging, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    judging->plan.points = judging->input.points;
    judging->plan.num_points = (size_t)judging->input.num_sequences;
    judging->plan.table = judging->options->table;
    judging->plan.threads = judging->options->threads;
    for (int i = 0; i < SINK_COUNT && !kind; i++) {
        const char *path = outputs_path(&judging->outputs, i);
        if (!path)
            continue;
        kind = sink_open(&judging->sinks[judging->num_sinks], sink_kinds[i], path, &judging->plan, error);
        judging->num_sinks += !kind;
    }
    return kind;
}

static enum error_kind close_sinks(struct judge_run *judging, enum error_kind kind, struct error *error)
{
    for (size_t i = 0; i < judging->num_sinks; i++) {
        struct error failure;
        enum error_kind closed = judging->sinks[i].kind->close(&judging->sinks[i], &judging->summary, &failure);
        if (closed && !kind)
            kind = error_set(error, closed, "%s", failure.text);
    }
    return kind;
}

/* ---- sequences --------------------------------------------------------------------------------------------------- */

/* By the numbers of a bundle without k and v, or by tensors. */
static enum error_kind evaluate_sequence(struct judge_run *judging, struct evaluator *evaluator,
                                         struct evaluation *evaluation, const struct judged_sequence *sequence,
                                         struct error *error)
{
    struct judge_claim *claim = judging->input.claim;
    if (claim && !claim->has_tensors)
        return evaluate_again(evaluation, &sequence->point, &claim->bundle, error);
    return evaluate_given(evaluator, evaluation, &sequence->point, sequence->source, &sequence->output,
                          sequence->has_other ? &sequence->other : NULL, error);
}

static enum error_kind judge_sequence(struct judge_run *judging, struct evaluator *evaluator, int64_t b,
                                      struct error *error)
{
    const struct judged_sequence *sequence = &judging->input.sequences[b];
    struct evaluation evaluation;
    struct error failure = {0};
    struct explained_element worst;
    bool is_explained = false;
    struct record record = {.point = &judging->input.points[b]};
    progress_display_point(evaluator->display, sequence->given.key);
    enum error_kind kind = evaluate_sequence(judging, evaluator, &evaluation, sequence, &failure);
    if (!kind)
        kind = judge_other_check_files(&judging->input, &failure);
    if (!kind && judging->input.has_digest && !judging->input.sample &&
        evaluation.judged.input_digest != judging->input.input_digest)
        kind = error_set(&failure, ERROR_USAGE,
                         "%s: input_digest is %016" PRIx64 " and the tensors have %016" PRIx64
                         "; allowed: a bundle as it was written",
                         judging->options->exhibit, judging->input.input_digest, evaluation.judged.input_digest);
    if (!kind)
        kind = judge_other_check(&judging->input, evaluation.judged.input_digest, &failure);
    if (!kind)
        kind = judge_claim_check(&judging->input, &evaluation, &failure);
    if (kind == ERROR_INTERRUPTED || kind == ERROR_USAGE) {
        evaluation_clear(&evaluation);
        return error_set(error, kind, "%s", failure.text);
    }
    record_take(&record, kind, &failure, &evaluation);
    kind = judging->options->explain ? judge_explain_find(&worst, &is_explained, &record, -1, error) : ERROR_NONE;
    record.explained = is_explained ? &worst : NULL;
    judging->summary.points_done++;
    judging->summary.by_status[record.outcome.status]++;
    progress_display_hide(evaluator->display);
    for (size_t i = 0; i < judging->num_sinks && !kind; i++)
        kind = sink_record(&judging->sinks[i], &record, error);
    if (!kind && judging->options->explain && !outputs_take_stdout(&judging->outputs))
        kind = judge_explain(&record, record.explained, "worst element", error);
    progress_display_show(evaluator->display);
    evaluation_clear(&evaluation);
    return kind;
}

static enum error_kind judge_sequences(struct judge_run *judging, struct progress *progress, struct error *error)
{
    struct evaluator evaluator = {.threads = judging->options->threads, .progress = progress};
    enum error_kind kind = threads_start(evaluator.threads, error);
    if (kind)
        return kind;
    evaluator.display = progress_display_start((size_t)judging->input.num_sequences, progress);
    for (int64_t b = 0; b < judging->input.num_sequences && !kind; b++) {
        kind = judge_sequence(judging, &evaluator, b, error);
        if (!kind && progress_cancelled(progress))
            kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
    }
    progress_display_stop(evaluator.display);
    evaluator_clear(&evaluator);
    return kind;
}

static int exit_code(const struct summary *summary)
{
    if (summary->by_status[STATUS_ERROR] > 0)
        return ERROR_SYSTEM;
    return summary->by_status[STATUS_PASS] == summary->points_done ? EXIT_RIGHT : EXIT_WRONG;
}

int judge(const struct judge_options *options, struct progress *progress, struct error *error)
{
    struct judge_run judging = {.options = options, .start_s = seconds_now()};
    enum error_kind kind = judge_other_open(&judging.input, options, error);
    if (!kind)
        kind = choose_outputs(&judging, error);
    if (!kind)
        kind = check_outputs(&judging, error);
    if (!kind)
        kind = open_sinks(&judging, error);
    judging.summary.points_total = (size_t)judging.input.num_sequences;
    if (!kind)
        kind = judge_sequences(&judging, progress, error);
    if (kind)
        judging.summary.cut_short = kind == ERROR_INTERRUPTED ? "interrupted" : "stopped";
    judging.summary.elapsed_s = seconds_now() - judging.start_s;
    kind = close_sinks(&judging, kind, error);
    judge_other_clear(&judging.input);
    return kind ? (int)kind : exit_code(&judging.summary);
}

enum error_kind judge_check(const struct judge_options *options, struct error *error)
{
    struct judge_input input;
    enum error_kind kind = judge_other_open(&input, options, error);
    judge_other_clear(&input);
    return kind;
}
