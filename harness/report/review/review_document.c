#include "harness/report/review/review_document.h"

#include <stdio.h>
#include <string.h>

#include "harness/evaluate/outcome.h"

enum tone review_tone(const char *status)
{
    static const enum tone tones[STATUS_COUNT] = {
        [STATUS_PASS] = TONE_GOOD, [STATUS_FAIL] = TONE_BAD,  [STATUS_XFAIL] = TONE_EXPECTED,
        [STATUS_XPASS] = TONE_BAD, [STATUS_ERROR] = TONE_BAD, [STATUS_SKIP] = TONE_EXPECTED,
    };
    enum status found = status_find(status);
    return found < STATUS_COUNT ? tones[found] : TONE_BAD; /* a word of another program is nobody's pass */
}

char *count_text(char *text, double count, const char *noun)
{
    snprintf(text, 64, "%.0f %s%s", count, noun, count == 1 ? "" : "s");
    return text;
}

void review_write(struct document *document, const struct review *review, const struct review_changes *changes,
                  const struct review_options *options)
{
    document_begin(document, options->title);
    review_write_verdict(document, review, changes, options);
    if (changes)
        review_write_changes(document, review, changes);
    review_write_run(document, review, options);
    review_write_failures(document, review, false, options);
    review_write_figures(document, review);
    review_write_heat(document, review);
    review_write_histograms(document, review);
    review_write_references(document, review);
    review_write_oracles(document, review);
    review_write_failures(document, review, true, options);
    review_write_skips(document, review);
    review_write_points(document, review);
    if (review->num_points > 0)
        review_write_words(document, review);
}
