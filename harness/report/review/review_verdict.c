#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/cause/signature_info.h"
#include "harness/judge/criterion.h"
#include "harness/report/review/review_document.h"
#include "harness/report/review/review_group.h"
#include "harness/support/text_stream.h"

/* "20 pass, 3 fail": the statuses of a review as a list. */
static void list_statuses(FILE *stream, const struct review *review)
{
    struct grouping statuses;
    group_by_text(&statuses, review, TEXT_STATUS, false);
    for (size_t g = 0; g < statuses.count; g++)
        fprintf(stream, "%s%zu %s", g ? ", " : "", statuses.groups[g].all.count, statuses.groups[g].label);
    grouping_clear(&statuses);
}

static size_t count_unexpected(const struct review *review)
{
    size_t count = 0;
    for (size_t p = 0; p < review->num_points; p++)
        count += !review_as_expected(review, &review->points[p]);
    return count;
}

static size_t count_skipped(const struct review *review)
{
    size_t count = 0;
    for (size_t p = 0; p < review->num_points; p++)
        count += review_skipped(review, &review->points[p]);
    return count;
}

/* Whether a point was run: one that the kernel does not take says nothing of it. */
static bool any_was_run(const struct review *review)
{
    return count_skipped(review) < review->num_points;
}

/* Whether the points that are there are all, as far as files and records tell. */
static bool is_complete(const struct review *review)
{
    for (size_t f = 0; f < review->num_files; f++)
        if (review->files[f].torn)
            return false;
    return record_runs_missing(&review->runs) == 0;
}

static size_t count_sampled(const struct review *review)
{
    size_t count = 0;
    for (size_t p = 0; p < review->num_points; p++)
        count += review->points[p].text[TEXT_SAMPLE] != 0;
    return count;
}

static size_t count_bad(const struct review_changes *changes)
{
    size_t count = 0;
    for (int c = 0; changes && c < CHANGE_COUNT; c++)
        count += change_tone((enum change)c) == TONE_BAD ? changes->by_change[c] : 0;
    return count;
}

/* Of points that were not run nothing is known: they are none of those that ended as expected. */
static void say_how_points_ended(FILE *stream, const struct review *review, size_t unexpected)
{
    const size_t points = review->num_points, run = points - count_skipped(review);
    if (run == 0)
        fprintf(stream, points == 1 ? "The point was not run: " : "None of the %zu points was run: ", points);
    else if (unexpected == 0 && points == 1)
        fputs("The point ended as its case expects: ", stream);
    else if (unexpected == 0 && run == points)
        fprintf(stream, "All %zu points ended as their cases expect: ", points);
    else if (unexpected == 0)
        fprintf(stream, "%zu of %zu points %s run, and ended as %s: ", run, points, run == 1 ? "was" : "were",
                run == 1 ? "its case expects" : "their cases expect");
    else
        fprintf(stream, "%zu of %zu points%s did not end as %s: ", unexpected, run,
                run == points ? "" : " that were run", unexpected == 1 ? "its case expects" : "their cases expect");
    list_statuses(stream, review);
}

static void say_verdict(FILE *stream, const struct review *review, const struct review_changes *changes,
                        size_t unexpected)
{
    size_t bad = count_bad(changes), left_out = record_runs_left_out(&review->runs);
    say_how_points_ended(stream, review, unexpected);
    fputs(".", stream);
    if (changes && bad > 0)
        fprintf(stream, " Beside the records before, %zu of %zu %s a change for the worse.", bad, changes->count,
                bad == 1 ? "is" : "are");
    else if (changes && changes->unchanged == changes->count)
        fputs(" Nothing has changed beside the records before.", stream);
    else if (changes)
        fprintf(stream, " Beside the records before nothing is worse; %zu of %zu %s the same bits.",
                changes->by_change[CHANGE_SAME_BITS], changes->count,
                changes->by_change[CHANGE_SAME_BITS] == 1 ? "has" : "have");
    if (review->left_out_worse)
        fprintf(stream, " Of the records that are left out, %zu of %zu did not end as expected.",
                review->left_out_worse, review->left_out);
    if (count_sampled(review))
        fprintf(stream, " Of %zu of the points a sample of rows alone was judged.", count_sampled(review));
    if (!is_complete(review))
        fputs(" The records are incomplete.", stream);
    if (left_out)
        fprintf(stream, " The run left out %zu more %s of its cases.", left_out, left_out == 1 ? "point" : "points");
}

/* ---- what stands out --------------------------------------------------------------------------------------------- */

/* The point that passes with the largest share of its bound. */
static void write_closest(struct document *document, const struct review *review)
{
    const struct review_point *closest = NULL;
    double most = 0, share;
    for (size_t p = 0; p < review->num_points; p++)
        if (review_passed(review, &review->points[p]) && review_bound_used(&review->points[p], &share) &&
            (!closest || larger(most, share) != most)) {
            closest = &review->points[p];
            most = share;
        }
    if (closest)
        document_paragraph(document,
                           "Of its own error bound a point that passes uses at most %.4g (%s). Above 1 rounding cannot "
                           "explain an error.",
                           most, closest->key);
}

static void write_faults(struct document *document, const struct review *review)
{
    char text[64];
    for (size_t r = 0; r < review->num_references; r++) {
        const struct reference_sum *sum = &review->references[r];
        if (sum->points_differing == 0)
            continue;
        document_paragraph(document,
                           "Kernel and the reference %s differ in %s: the kernel alone is at fault in %.0f, the "
                           "reference alone in %.0f, both in %.0f.",
                           sum->name, count_text(text, sum->differing, "element"), sum->kernel, sum->reference,
                           sum->both);
    }
}

/* Whether a kernel's records are of more than one file of it; of those that say no file nobody knows. */
static bool has_other_file(const struct review *review)
{
    uint32_t *digests = calloc(review->num_words + 1, sizeof *digests); /* by the kernel's word; 0: none as yet */
    bool found = false;
    for (size_t p = 0; digests && p < review->num_points && !found; p++) {
        const uint32_t *texts = review->points[p].text;
        uint32_t *digest = &digests[texts[TEXT_KERNEL]];
        found = *digest && texts[TEXT_KERNEL_DIGEST] && *digest != texts[TEXT_KERNEL_DIGEST];
        *digest = *digest ? *digest : texts[TEXT_KERNEL_DIGEST];
    }
    free(digests);
    return found;
}

/* Of what a run was told to leave out it has no record. */
static void write_left_out(struct document *document, const struct review *review)
{
    const struct record_runs *runs = &review->runs;
    if (runs->count > 1)
        document_note(document, TONE_EXPECTED, "The records are of %zu runs.", runs->count);
    for (size_t r = 0; r < runs->count; r++)
        if (runs->shares[r].left_out)
            document_note(document, TONE_EXPECTED,
                          "The run has %zu of the %zu points of its cases: --only, --where or --last-failed left out "
                          "the others.",
                          runs->shares[r].of, runs->shares[r].of + runs->shares[r].left_out);
}

/* Whether any oracle was put to any kernel; so where no record speaks of oracles, as of an output that was given. */
static bool any_oracle_was_put(const struct review *review)
{
    json_int_t times = 0;
    for (void *at = json_object_iter(review->oracles); at; at = json_object_iter_next(review->oracles, at))
        times += json_integer_value(json_object_get(json_object_iter_value(at), "held")) +
                 json_integer_value(json_object_get(json_object_iter_value(at), "violated"));
    return times > 0 || json_object_size(review->oracles) == 0;
}

/* Which limits are none: what a pass does not speak of. */
static void write_unjudged(struct document *document, const struct review *review)
{
    size_t passed = 0, by_tolerance = 0, without_lse = 0, any_failure = 0;
    double number;
    for (size_t p = 0; p < review->num_points; p++) {
        const struct review_point *point = &review->points[p];
        any_failure += !point->text[TEXT_EXPECTED_SIGNATURE] &&
                       !strcmp(review_text_of(review, point, TEXT_STATUS), status_names[STATUS_XFAIL]);
        if (!review_passed(review, point))
            continue;
        passed++;
        by_tolerance += !point->text[TEXT_CLASS_ASKED] &&
                        !strcmp(review_text_of(review, point, TEXT_JUDGE), judge_mode_names[JUDGE_TOLERANCE]);
        without_lse += !review_number_of(point, NUMBER_MAX_LSE_ERR, &number);
    }
    if (by_tolerance)
        document_note(document, TONE_EXPECTED,
                      "Judged by the tolerance alone, of the points that pass: %zu of %zu. An error within it that no "
                      "rounding explains is not seen there.",
                      by_tolerance, passed);
    if (without_lse)
        document_note(document, TONE_EXPECTED,
                      "Without an lse, of the points that pass: %zu of %zu. An error that shows in lse alone, as that "
                      "of a bias that is off by a constant, is not seen there.",
                      without_lse, passed);
    if (any_failure)
        document_note(document, TONE_EXPECTED,
                      "Of %zu that failed as expected the case does not say how: any other failure is expected there, "
                      "too.",
                      any_failure);
    if (passed && !any_oracle_was_put(review))
        document_note(document, TONE_EXPECTED, "No oracle was put to the kernel.");
}

static void write_warnings(struct document *document, const struct review *review, const struct review_options *options)
{
    for (size_t f = 0; f < review->num_files; f++)
        if (review->files[f].torn)
            document_note(document, TONE_BAD,
                          "%s ends in the middle of a record, as a run leaves it that was killed: points are missing.",
                          review->files[f].path);
    for (size_t r = 0; r < review->runs.count; r++)
        if (review->runs.shares[r].seen < review->runs.shares[r].of)
            document_note(document, TONE_BAD, "The run has %zu points, and records of %zu of them are here.",
                          review->runs.shares[r].of, review->runs.shares[r].seen);
    write_left_out(document, review);
    if (options->where)
        document_note(document, TONE_EXPECTED, "Only records with %s are shown; %zu others are left out.",
                      options->where, review->left_out);
    if (count_texts(review, TEXT_RECIPE_DIGEST) > count_texts(review, TEXT_RECIPE))
        document_note(document, TONE_EXPECTED,
                      "A recipe's name stands for different recipes in these records: they are "
                      "under What was run, key by key.");
    if (count_texts(review, TEXT_BUILD) > 1)
        document_note(document, TONE_EXPECTED, "The records are of %zu builds.", count_texts(review, TEXT_BUILD));
    if (has_other_file(review))
        document_note(document, TONE_EXPECTED, "The records of a plug-in are of several files of it.");
    if (review->repeated)
        document_note(document, TONE_EXPECTED, "%zu %s of a point that is there already, with the same result.",
                      review->repeated, review->repeated == 1 ? "record is" : "records are");
}

/* ---- how the failures are spread --------------------------------------------------------------------------------- */

static enum signature find_signature(const char *name)
{
    enum signature signature = signature_from_name(name);
    return signature == SIGNATURE_NONE ? SIGNATURE_COUNT : signature;
}

/* Kernels of ours have a recipe, others a name, and an output that was there already has neither. */
static enum remedy_reader reader_of(const struct review *review)
{
    enum remedy_reader reader = REMEDY_FOR_OUTPUT;
    for (size_t p = 0; p < review->num_points; p++) {
        if (review->points[p].text[TEXT_RECIPE])
            return REMEDY_FOR_KERNEL;
        if (review->points[p].text[TEXT_KERNEL])
            reader = REMEDY_FOR_PLUGIN;
    }
    return reader;
}

static const char without_signature[] =
    "The class is not the one that is asked for, the point was not judged, or it passed where a failure is expected.";

static void write_signatures(struct document *document, const struct review *review)
{
    char remedy[REMEDY_SIZE];
    enum remedy_reader reader = reader_of(review);
    struct grouping signatures;
    group_by_text(&signatures, review, TEXT_SIGNATURE, false);
    struct grid *grid = NULL;
    for (size_t g = 0; g < signatures.count; g++) {
        const struct group *group = &signatures.groups[g];
        enum signature signature = find_signature(group->label);
        if (group->all.not_passed == group->all.skipped)
            continue;
        if (!grid) {
            grid = document_grid(document, "Points that did not pass, by signature");
            grid_column(grid, "signature", "How the points fail.", false);
            grid_column(grid, "did not pass", NULL, true);
            grid_column(grid, "not as expected", NULL, true);
            grid_column(grid, "what it means", NULL, false);
            grid_column(grid, "what to do", NULL, false);
        }
        grid_text(grid, group->label);
        grid_count(grid, (double)(group->all.not_passed - group->all.skipped));
        grid_count(grid, (double)group->all.unexpected);
        grid_text(grid, signature < SIGNATURE_COUNT ? signature_meaning(signature) : without_signature);
        grid_text(grid, signature < SIGNATURE_COUNT ? remedy_for(remedy, signature_remedy(signature), reader) : "-");
    }
    document->spoilt |= signatures.failed;
    grouping_clear(&signatures);
}

/* Good is a page of all points of its cases alone. One of a run that was told to leave some out speaks of the others:
 * it is neither good nor bad. */
static enum tone tone_of(const struct review *review, const struct review_changes *changes, size_t unexpected)
{
    bool good = any_was_run(review) && unexpected == 0 && count_bad(changes) == 0 && is_complete(review) &&
                review->left_out_worse == 0;
    if (!good)
        return TONE_BAD;
    return record_runs_left_out(&review->runs) == 0 ? TONE_GOOD : TONE_EXPECTED;
}

void review_write_verdict(struct document *document, const struct review *review, const struct review_changes *changes,
                          const struct review_options *options)
{
    char *text = NULL;
    size_t size = 0, unexpected = count_unexpected(review);
    FILE *stream = text_stream_open(&text, &size);
    if (stream)
        say_verdict(stream, review, changes, unexpected);
    if (!stream || fclose(stream) != 0) {
        document->spoilt = true;
    } else {
        document_verdict(document, tone_of(review, changes, unexpected), text);
    }
    free(text);
    write_warnings(document, review, options);
    write_unjudged(document, review);
    write_closest(document, review);
    write_faults(document, review);
    write_signatures(document, review);
}
