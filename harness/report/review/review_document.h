/*
 * A review as a document: what a reviewer asks, in the order in which he asks it. Each function puts in one part.
 */
#ifndef HARNESS_REPORT_REVIEW_REVIEW_DOCUMENT_H
#define HARNESS_REPORT_REVIEW_REVIEW_DOCUMENT_H

#include "harness/report/page/document.h"
#include "harness/report/review/review.h"
#include "harness/report/review/review_change.h"

struct review_options {
    const char *title;
    const char *command; /* that made the records: "alibicheck run cases/seed"; NULL: not told */
    const char *where;   /* --where's text, or NULL */
};

/* More than these are shown by the script of a page alone, or counted. */
enum { FAILURES_SHOWN = 1000, POINTS_SHOWN = 1000, CHANGES_SHOWN = 1000 };

/* Everything. changes: NULL without records to compare with. */
void review_write(struct document *document, const struct review *review, const struct review_changes *changes,
                  const struct review_options *options);

/* The verdict in a sentence, what stands out, and how the failures are spread. */
void review_write_verdict(struct document *document, const struct review *review, const struct review_changes *changes,
                          const struct review_options *options);
/* What was run, where, by which build, on which inputs. */
void review_write_run(struct document *document, const struct review *review, const struct review_options *options);
void review_write_changes(struct document *document, const struct review *review, const struct review_changes *changes);
/* Each point that did not end as expected, or each expected failure, skipped ones apart, one by one. */
void review_write_failures(struct document *document, const struct review *review, bool expected,
                           const struct review_options *options);
/* What is said of one point: how far off it is or why it has no figures, which comes first, then its causes, and the
 * line that runs it. */
void review_write_account(struct document *document, const struct review *review, const struct review_point *point,
                          const struct review_options *options);
/* Points that the kernel does not take, by the reason. */
void review_write_skips(struct document *document, const struct review *review);
/* Error, ulp and budget by length, head, slope, dtype, policy, kernel; heads x length; histograms. */
void review_write_figures(struct document *document, const struct review *review);
void review_write_heat(struct document *document, const struct review *review);
void review_write_histograms(struct document *document, const struct review *review);
/* Who was wrong where a conventional reference disagrees. */
void review_write_references(struct document *document, const struct review *review);
void review_write_oracles(struct document *document, const struct review *review);
/* All points. */
void review_write_points(struct document *document, const struct review *review);
/* What the words and figures of all that mean. */
void review_write_words(struct document *document, const struct review *review);

/* What a status stands for on a page. */
enum tone review_tone(const char *status);

/* "1 point", "2 points". text has 64 characters and is returned. */
char *count_text(char *text, double count, const char *noun);

#endif
