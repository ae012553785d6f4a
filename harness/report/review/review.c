#include "harness/report/review/review.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/evaluate/outcome.h"

const char *review_text_of(const struct review *review, const struct review_point *point, enum review_text text)
{
    return point->text[text] ? review->words[point->text[text] - 1] : "-";
}

bool review_number_of(const struct review_point *point, enum review_number number, double *value)
{
    *value = point->number[number];
    return point->known >> number & 1;
}

bool review_passed(const struct review *review, const struct review_point *point)
{
    return status_find(review_text_of(review, point, TEXT_STATUS)) == STATUS_PASS;
}

bool review_as_expected(const struct review *review, const struct review_point *point)
{
    return status_name_as_expected(review_text_of(review, point, TEXT_STATUS));
}

bool review_skipped(const struct review *review, const struct review_point *point)
{
    return status_find(review_text_of(review, point, TEXT_STATUS)) == STATUS_SKIP;
}

bool review_bound_used(const struct review_point *point, double *share)
{
    double out, lse;
    bool of_out = review_number_of(point, NUMBER_BUDGET_USED, &out);
    bool of_lse = review_number_of(point, NUMBER_LSE_BUDGET_USED, &lse);
    *share = of_out && of_lse ? larger(out, lse) : of_out ? out : of_lse ? lse : NAN;
    return of_out || of_lse;
}

char *review_identity(const char *key, const char *device)
{
    char *identity = NULL;
    return asprintf(&identity, "%s\n%s", key, device ? device : "") < 0 ? NULL : identity;
}

int ulp_bin(double value)
{
    if (!isfinite(value))
        return ULP_BINS - 1;
    for (int b = 0; b < ULP_BINS - 2; b++)
        if (value <= ldexp(1, b - 3))
            return b;
    return ULP_BINS - 2;
}

size_t review_find(const struct review *review, const char *key, const char *device)
{
    char *identity = review_identity(key, device);
    const json_t *place = identity ? json_object_get(review->point_places, identity) : NULL;
    free(identity);
    return place ? (size_t)json_integer_value(place) : SIZE_MAX;
}

void review_clear(struct review *review)
{
    for (size_t f = 0; f < review->num_files; f++)
        free(review->files[f].path);
    for (size_t p = 0; p < review->num_points; p++) {
        free(review->points[p].key);
        free(review->points[p].failure);
        if (review->points[p].facts)
            result_clear(review->points[p].facts);
        free(review->points[p].facts);
    }
    for (size_t p = 0; p < review->num_panels; p++) {
        free(review->panels[p].slopes);
        free(review->panels[p].heads);
    }
    for (size_t r = 0; r < review->num_references; r++)
        free(review->references[r].name);
    for (size_t w = 0; w < review->num_words; w++)
        free(review->words[w]);
    json_t *const objects[] = {review->word_places,      review->point_places, review->panel_places,
                               review->reference_places, review->oracles,      review->inputs};
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++)
        json_decref(objects[i]);
    free(review->first_ended);
    free(review->last_ended);
    record_runs_clear(&review->runs);
    free(review->files);
    free(review->points);
    free(review->panels);
    free(review->references);
    free(review->words);
    *review = (struct review){0};
}
