#include "harness/command/judge_sample.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/problem/random_stream.h"
#include "harness/support/number.h"
#include "harness/support/source.h"

struct judge_sample {
    bool **rows;        /* [sequences], each [its rows]; NULL: none of them */
    int64_t *count;     /* [sequences] */
    int64_t *first_row; /* [sequences + 1], of all rows */
    int64_t num_sequences;
    int64_t drawn; /* of first_row[num_sequences] */
    uint64_t seed;
};

/* ---- options ----------------------------------------------------------------------------------------------------- */

static enum error_kind read_whole(uint64_t *number, const struct judge_options *options, enum judge_option option,
                                  uint64_t least, const char *allowed, struct error *error)
{
    const char *value = options->values[option];
    char name[JUDGE_NAME_SIZE], quoted[QUOTE_SIZE];
    int negative = 0;
    if (!value ||
        (number_parse_whole(value, strlen(value), number, &negative) == VALUE_SOUND && !negative && *number >= least))
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "%s %s: allowed: %s", judge_option_name(name, option),
                     quote(quoted, value, strlen(value)), allowed);
}

/* What speaks of rows that are not judged. */
static enum error_kind refuse_beside(const struct judge_options *options, struct error *error)
{
    for (int i = 0; i < SINK_COUNT; i++)
        if (options->outputs.paths[i] && (sink_kinds[i] == &sink_bundle || sink_kinds[i] == &sink_private_bundle ||
                                          sink_kinds[i] == &sink_bundle_without_kv))
            return error_set(error, ERROR_USAGE, "--sample: with --%s, which holds all rows; allowed: one of them",
                             sink_kinds[i]->option);
    return options->explain ? error_set(error, ERROR_USAGE,
                                        "--sample: with --explain, which needs the keys of all rows; allowed: one of "
                                        "them")
                            : ERROR_NONE;
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

enum { WORDS = 2048 };

/* Numbers of a stream, 64 bits each. */
struct numbers {
    struct random_stream stream;
    uint64_t next; /* word */
    size_t left;
    uint32_t words[WORDS];
};

/* 0 .. count - 1; off from equally likely by less than count / 2^64 of that. */
static uint64_t below(struct numbers *numbers, uint64_t count)
{
    if (numbers->left == 0) {
        random_words(numbers->words, numbers->stream, numbers->next, WORDS);
        numbers->next += WORDS;
        numbers->left = WORDS;
    }
    const uint32_t *pair = numbers->words + WORDS - numbers->left;
    numbers->left -= 2;
    return (uint64_t)((unsigned __int128)((uint64_t)pair[0] << 32 | pair[1]) * count >> 64);
}

static int64_t rows_of(const struct judge_sample *sample, int64_t sequence)
{
    return sample->first_row[sequence + 1] - sample->first_row[sequence];
}

static enum error_kind take_row(struct judge_sample *sample, int64_t sequence, int64_t row, struct error *error)
{
    bool **rows = &sample->rows[sequence];
    if (!*rows && !(*rows = calloc((size_t)rows_of(sample, sequence), sizeof **rows)))
        return error_memory(error, "a sample", (double)rows_of(sample, sequence));
    (*rows)[row] = true;
    sample->count[sequence]++;
    return ERROR_NONE;
}

/* Row after row, each with the chance that what is still needed has among what is left (Knuth, TAOCP 2, 3.4.2,
 * algorithm S): every set of so many rows is as likely. */
static enum error_kind draw(struct judge_sample *sample, struct error *error)
{
    struct numbers numbers = {.stream = {.seed = sample->seed, .stream = 0x5a3}};
    uint64_t left = (uint64_t)sample->first_row[sample->num_sequences], needed = (uint64_t)sample->drawn;
    enum error_kind kind = ERROR_NONE;
    for (int64_t b = 0; b < sample->num_sequences && needed > 0 && !kind; b++)
        for (int64_t r = 0; r < rows_of(sample, b) && needed > 0 && !kind; r++, left--)
            if (below(&numbers, left) < needed) {
                needed--;
                kind = take_row(sample, b, r, error);
            }
    return kind;
}

/* first_row, as many to each query. */
static bool count_rows(struct judge_sample *sample, const int64_t *first_query, int heads)
{
    int64_t *first_row = malloc((size_t)(sample->num_sequences + 1) * sizeof *first_row);
    for (int64_t b = 0; first_row && b <= sample->num_sequences; b++)
        first_row[b] = first_query[b] * heads;
    sample->first_row = first_row;
    return first_row;
}

enum error_kind judge_sample_draw(struct judge_input *input, const struct judge_options *options, int64_t sequences,
                                  const int64_t *first_query, int heads, struct error *error)
{
    uint64_t count = 0, seed = 0;
    char quoted[QUOTE_SIZE];
    const char *seed_text = options->values[GIVEN_SAMPLE_SEED];
    if (!options->values[GIVEN_SAMPLE])
        return seed_text
                   ? error_set(error, ERROR_USAGE, "--sample-seed %s: allowed: with --sample N, whose rows it draws",
                               quote(quoted, seed_text, strlen(seed_text)))
                   : ERROR_NONE;
    enum error_kind kind =
        read_whole(&count, options, GIVEN_SAMPLE, 1, "whole numbers from 1 on: rows to judge", error);
    if (!kind)
        kind = read_whole(&seed, options, GIVEN_SAMPLE_SEED, 0, "whole numbers from 0 on, up to 2^64 - 1", error);
    if (!kind)
        kind = refuse_beside(options, error);
    if (kind || count >= (uint64_t)first_query[sequences] * (uint64_t)heads)
        return kind;
    struct judge_sample *sample = input->sample = calloc(1, sizeof *sample);
    if (!sample)
        return error_memory(error, "a sample", sizeof *sample);
    *sample = (struct judge_sample){
        .rows = calloc((size_t)sequences, sizeof *sample->rows),
        .count = calloc((size_t)sequences, sizeof *sample->count),
        .num_sequences = sequences,
        .drawn = (int64_t)count,
        .seed = seed,
    };
    return sample->rows && sample->count && count_rows(sample, first_query, heads)
               ? draw(sample, error)
               : error_memory(error, "a sample", (double)sequences * sizeof *sample->rows);
}

/* ---- what was drawn ---------------------------------------------------------------------------------------------- */

bool judge_sample_has(const struct judge_input *input, int64_t sequence)
{
    return !input->sample || input->sample->count[sequence] > 0;
}

void judge_sample_say(struct given *given, const struct judge_input *input, int64_t sequence)
{
    const struct judge_sample *sample = input->sample;
    if (!sample)
        return;
    given->sample = (struct given_sample){
        .judged = sample->rows[sequence],
        .rows = sample->count[sequence],
        .of = rows_of(sample, sequence),
        .drawn = sample->drawn,
        .drawn_of = sample->first_row[sample->num_sequences],
        .sequences = sample->num_sequences,
        .seed = sample->seed,
    };
}

void judge_sample_clear(struct judge_input *input)
{
    struct judge_sample *sample = input->sample;
    for (int64_t b = 0; sample && sample->rows && b < sample->num_sequences; b++)
        free(sample->rows[b]);
    if (sample) {
        free(sample->rows);
        free(sample->count);
        free(sample->first_row);
    }
    free(sample);
    input->sample = NULL;
}
