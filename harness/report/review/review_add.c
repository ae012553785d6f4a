#include "harness/report/review/review_add.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/review/describe.h"
#include "harness/report/review/review_heads.h"
#include "harness/support/json_value.h"
#include "harness/support/room.h"

static enum error_kind no_memory(const struct record_line *line, struct error *error)
{
    return error_memory(error, line->path, (double)line->size);
}

/* ---- the point --------------------------------------------------------------------------------------------------- */

/* The word's number, from 1; 0 for "". False if memory ran out. */
static bool find_word(struct review *review, const char *text, uint32_t *number)
{
    *number = 0;
    if (!*text)
        return true;
    json_t *place = json_object_get(review->word_places, text);
    if (!place) {
        char **words = room_for_one(review->words, &review->words_capacity, review->num_words, sizeof *words);
        if (!words)
            return false;
        review->words = words;
        words[review->num_words] = strdup(text);
        if (!words[review->num_words])
            return false;
        place = json_integer((json_int_t)++review->num_words);
        if (json_object_set_new(review->word_places, text, place) != 0)
            return false;
    }
    *number = (uint32_t)json_integer_value(place);
    return true;
}

static uint64_t read_digest(const json_t *value)
{
    return json_is_string(value) ? strtoull(json_string_value(value), NULL, 16) : 0;
}

static bool read_texts(struct review *review, struct review_point *point, const json_t *object)
{
    bool complete = true;
    for (int t = 0; t < REVIEW_TEXTS && complete; t++) {
        const json_t *value = record_at(object, review_texts[t].path);
        char *text = json_is_null(value) && review_texts[t].none ? strdup(review_texts[t].none) : describe_json(value);
        complete = text && find_word(review, text, &point->text[t]);
        free(text);
    }
    return complete;
}

static void read_numbers(struct review_point *point, const json_t *object)
{
    static const char *const digests[DIGEST_COUNT] = {"input_digest", "output_digest", "truth_digest"};
    for (int n = 0; n < REVIEW_NUMBERS; n++)
        if (record_number(record_at(object, review_numbers[n].path), &point->number[n]))
            point->known |= (uint64_t)1 << n;
    for (int d = 0; d < DIGEST_COUNT; d++)
        point->digest[d] = read_digest(json_object_get(object, digests[d]));
}

/* What a page says of a point that did not pass. */
static bool keep_failure(struct review_point *point, const json_t *object)
{
    static const char *const kept[] = {"worst",     "finding",  "oracle_details", "error",     "references",
                                       "reproduce", "settings", "contract",       "known_bugs"};
    json_t *failure = json_object();
    bool complete = failure;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0] && complete; i++)
        if (json_object_get(object, kept[i]))
            complete = json_object_set(failure, kept[i], json_object_get(object, kept[i])) == 0;
    point->failure = complete ? json_print(failure, JSON_COMPACT | JSON_PRINT_FLAGS) : NULL;
    json_decref(failure);
    return point->failure;
}

static bool same_result(const struct review_point *a, const struct review_point *b)
{
    return a->known == b->known && memcmp(a->number, b->number, sizeof a->number) == 0 &&
           memcmp(a->digest, b->digest, sizeof a->digest) == 0 && a->text[TEXT_STATUS] == b->text[TEXT_STATUS] &&
           a->text[TEXT_SIGNATURE] == b->text[TEXT_SIGNATURE];
}

/* Of a point that is there already. */
static enum error_kind repeat(struct review *review, size_t place, const struct review_point *point,
                              const struct record_line *line, struct error *error)
{
    const struct review_point *before = &review->points[place];
    if (!same_result(before, point))
        return error_set(error, ERROR_USAGE,
                         "%s:%zu: '%s' on %s ends otherwise at %s:%zu; allowed: one result of a point, or --before "
                         "FILE to compare two",
                         line->path, line->line, line->key, review_text_of(review, point, TEXT_DEVICE),
                         review->files[before->file].path, before->line);
    review->repeated++;
    return ERROR_NONE;
}

/* ---- what is added up -------------------------------------------------------------------------------------------- */

static bool add_oracles(struct review *review, const json_t *outcomes)
{
    const char *name;
    json_t *outcome;
    json_object_foreach((json_t *)(uintptr_t)outcomes, name, outcome)
    {
        json_t *counts = json_object_get(review->oracles, name);
        if (!json_is_string(outcome))
            continue;
        if (!counts) {
            counts = json_object();
            if (json_object_set_new(review->oracles, name, counts) != 0)
                return false;
        }
        json_int_t before = json_integer_value(json_object_get(counts, json_string_value(outcome)));
        if (!json_put(counts, json_string_value(outcome), json_integer(before + 1)))
            return false;
    }
    return true;
}

static double number_at(const json_t *object, const char *path)
{
    double number;
    return record_number(record_at(object, path), &number) ? number : 0;
}

static struct reference_sum *find_reference(struct review *review, const char *name)
{
    const json_t *place = json_object_get(review->reference_places, name);
    if (place)
        return &review->references[json_integer_value(place)];
    struct reference_sum *sums =
        room_for_one(review->references, &review->references_capacity, review->num_references, sizeof *sums);
    char *copy = sums ? strdup(name) : NULL;
    if (sums)
        review->references = sums;
    if (!copy)
        return NULL;
    sums[review->num_references] = (struct reference_sum){.name = copy};
    json_t *number = json_integer((json_int_t)review->num_references);
    struct reference_sum *sum = &sums[review->num_references++];
    return json_object_set_new(review->reference_places, name, number) == 0 ? sum : NULL;
}

static bool add_references(struct review *review, const json_t *references)
{
    const char *name;
    json_t *compared;
    json_object_foreach((json_t *)(uintptr_t)references, name, compared)
    {
        struct reference_sum *sum = find_reference(review, name);
        if (!sum)
            return false;
        double differing = number_at(compared, "mismatched");
        sum->points++;
        sum->points_differing += differing > 0;
        sum->differing += differing;
        sum->kernel += number_at(compared, "at_fault.kernel");
        sum->reference += number_at(compared, "at_fault.reference");
        sum->both += number_at(compared, "at_fault.both");
        sum->wrong += number_at(compared, "truth.mismatched");
        sum->max_abs_err = larger(sum->max_abs_err, number_at(compared, "truth.max_abs_err"));
    }
    return true;
}

static void add_sums(struct review *review, struct review_point *point, const json_t *object)
{
    const char *name;
    json_t *spent;
    double radius;
    json_object_foreach(json_object_get(object, "seconds"), name, spent) point->seconds += json_number_value(spent);
    review->seconds += point->seconds;
    if (record_number(json_object_get(object, "truth_radius"), &radius))
        review->radius = isnan(review->radius) ? radius : larger(review->radius, radius);
    const struct {
        enum review_number number;
        struct ulp_histogram *histogram;
    } rows[] = {{NUMBER_MAX_ULP_ERR, &review->max_ulp},
                {NUMBER_P99_ULP_ERR, &review->p99_ulp},
                {NUMBER_P50_ULP_ERR, &review->p50_ulp}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (point->known >> rows[i].number & 1)
            rows[i].histogram->counts[ulp_bin(point->number[rows[i].number])]++;
}

/* Takes the text if it comes before, or behind (sign 1), what is there. Times in UTC have the order of their texts. */
static bool take_time(char **kept, const char *text, int sign)
{
    if (*kept && sign * strcmp(text, *kept) <= 0)
        return true;
    free(*kept);
    *kept = strdup(text);
    return *kept;
}

static bool add_time(struct review *review, const json_t *ended)
{
    const char *text = json_string_value(ended);
    return !text || (take_time(&review->first_ended, text, -1) && take_time(&review->last_ended, text, 1));
}

static bool add_input(struct review *review, const json_t *digest)
{
    return !json_is_string(digest) || json_object_set_new(review->inputs, json_string_value(digest), json_true()) == 0;
}

/* ---- a record ---------------------------------------------------------------------------------------------------- */

/* Both names of a point: with its device and, where it is the first of its key, without. */
static bool name_point(struct review *review, const char *identity, const char *key)
{
    char *plain = review_identity(key, NULL);
    json_int_t place = (json_int_t)review->num_points;
    bool named =
        plain && json_put(review->point_places, identity, json_integer(place)) &&
        (json_object_get(review->point_places, plain) || json_put(review->point_places, plain, json_integer(place)));
    free(plain);
    return named;
}

static enum error_kind keep_facts(struct review_point *point, const struct record_line *line, struct error *error)
{
    struct result *facts = calloc(1, sizeof *facts);
    enum error_kind kind = facts ? result_read(facts, line, error) : no_memory(line, error);
    if (kind)
        free(facts);
    else
        point->facts = facts;
    return kind;
}

/* Everything of a point that is new. */
static enum error_kind keep(struct review *review, struct review_point *point, const char *identity,
                            const struct record_line *line, struct error *error)
{
    const json_t *object = line->object;
    if (!name_point(review, identity, line->key))
        return no_memory(line, error);
    review->num_points++;
    review->files[point->file].num_points++;
    point->key = strdup(line->key);
    add_sums(review, point, object);
    enum error_kind kind = review->comparable ? keep_facts(point, line, error) : ERROR_NONE;
    if (kind)
        return kind;
    bool complete = point->key && (review_passed(review, point) || keep_failure(point, object)) &&
                    add_oracles(review, json_object_get(object, "oracles")) &&
                    add_references(review, json_object_get(object, "references")) &&
                    add_time(review, record_at(object, "seconds.ended")) &&
                    add_input(review, json_object_get(object, "input_digest"));
    return complete ? review_add_heads(review, point, line, error) : no_memory(line, error);
}

/* A point behind the others, which is one of them only when it is kept; NULL if memory ran out. */
static struct review_point *read_point(struct review *review, const struct record_line *line)
{
    struct review_point *points =
        room_for_one(review->points, &review->points_capacity, review->num_points, sizeof *points);
    if (!points)
        return NULL;
    review->points = points;
    struct review_point *point = &points[review->num_points];
    *point = (struct review_point){.file = (uint32_t)review->num_files - 1, .line = line->line};
    read_numbers(point, line->object);
    return read_texts(review, point, line->object) ? point : NULL;
}

enum error_kind review_add(struct review *review, const struct record_line *line, struct error *error)
{
    const char *device = json_string_value(json_object_get(line->object, "device"));
    char *identity = review_identity(line->key, device ? device : "-");
    struct review_point *point = identity ? read_point(review, line) : NULL;
    const json_t *place = point ? json_object_get(review->point_places, identity) : NULL;
    enum error_kind kind = !point  ? no_memory(line, error)
                           : place ? repeat(review, (size_t)json_integer_value(place), point, line, error)
                                   : keep(review, point, identity, line, error);
    free(identity);
    return kind;
}
