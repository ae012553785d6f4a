#include "harness/command/judge_reading.h"

#include <inttypes.h>
#include <stdlib.h>

#include "harness/support/source.h"

/* How many keys and queries each sequence has, where they begin, and where the last query stands. */

/* Where the rows of each sequence begin in an axis that has those of all: [B + 1] numbers that do not fall. What lies
 * before the first or behind the last of them is nobody's, which `whole` refuses. */
static enum error_kind read_starts(int64_t **starts, const struct judge_reading *reading, enum judge_tensor tensor,
                                   int64_t length, bool whole, const char *what, struct error *error)
{
    const struct tensor_file *file = &reading->input->files[tensor];
    int64_t sequences = reading->num_sequences;
    char path[PATH_QUOTE_SIZE];
    enum error_kind kind = judge_read_whole(starts, file, sequences + 1, 0, length, what, error);
    for (int64_t b = 0; b < sequences && !kind; b++)
        if ((*starts)[b + 1] < (*starts)[b])
            kind = error_set(error, ERROR_USAGE,
                             "%s: number %" PRId64 " is %" PRId64 " behind %" PRId64 "; allowed: %s, none below the "
                             "one before it",
                             quote_path(path, file->name), b + 1, (*starts)[b + 1], (*starts)[b], what);
    if (!kind && whole && ((*starts)[0] != 0 || (*starts)[sequences] != length))
        kind = error_set(error, ERROR_USAGE,
                         "%s: goes from %" PRId64 " to %" PRId64 "; allowed: from 0 to %" PRId64 ", which q has",
                         quote_path(path, file->name), (*starts)[0], (*starts)[sequences], length);
    return kind;
}

/* first_query, of ragged queries or of as many to each sequence. */
enum error_kind judge_read_queries(struct judge_reading *reading, struct error *error)
{
    int64_t sequences = reading->num_sequences;
    if (reading->facts.ragged_queries)
        return read_starts(&reading->first_query, reading, TENSOR_FILE_QO_INDPTR, reading->num_queries, true,
                           "where the queries of each sequence begin, and where the last ones end", error);
    reading->first_query = malloc((size_t)(sequences + 1) * sizeof *reading->first_query);
    if (!reading->first_query)
        return error_memory(error, "queries", (double)(sequences + 1) * 8);
    for (int64_t b = 0; b <= sequences; b++)
        reading->first_query[b] = b * reading->num_queries;
    return ERROR_NONE;
}

/* Keys of sequences that lie one behind the other. */
static enum error_kind read_key_rows(struct judge_reading *reading, struct error *error)
{
    int64_t sequences = reading->num_sequences;
    enum error_kind kind =
        read_starts(&reading->first_key, reading, TENSOR_FILE_INDPTR, reading->shape.length[ROLE_KEYS], false,
                    "where the keys of each sequence begin, and where the last ones end", error);
    if (kind)
        return kind;
    reading->seq_lens = calloc((size_t)sequences, sizeof *reading->seq_lens);
    if (!reading->seq_lens)
        return error_memory(error, "lengths", (double)sequences * 8);
    for (int64_t b = 0; b < sequences; b++)
        reading->seq_lens[b] = reading->first_key[b + 1] - reading->first_key[b];
    return ERROR_NONE;
}

enum error_kind judge_read_lengths(struct judge_reading *reading, struct error *error)
{
    struct judge_input *input = reading->input;
    int64_t sequences = reading->num_sequences;
    if (reading->facts.ragged_keys)
        return read_key_rows(reading, error);
    if (input->is_open[TENSOR_FILE_BLOCK_TABLE] || input->is_open[TENSOR_FILE_INDPTR])
        return judge_read_pages(reading, error);
    reading->num_keys = reading->shape.length[ROLE_KEYS];
    if (input->is_open[TENSOR_FILE_SEQ_LENS])
        return judge_read_whole(&reading->seq_lens, &input->files[TENSOR_FILE_SEQ_LENS], sequences, 0,
                                reading->num_keys, "keys of a sequence", error);
    reading->seq_lens = calloc((size_t)sequences, sizeof *reading->seq_lens);
    if (!reading->seq_lens)
        return error_memory(error, "lengths", (double)sequences * 8);
    for (int64_t b = 0; b < sequences; b++)
        reading->seq_lens[b] = reading->num_keys;
    return ERROR_NONE;
}

enum error_kind judge_read_positions(struct judge_reading *reading, struct error *error)
{
    int64_t sequences = reading->num_sequences;
    if (reading->input->is_open[TENSOR_FILE_POSITIONS])
        return judge_read_whole(&reading->positions, &reading->input->files[TENSOR_FILE_POSITIONS], sequences,
                                -INT32_MAX, INT32_MAX, "position of the last query of a sequence", error);
    reading->positions = calloc((size_t)sequences, sizeof *reading->positions);
    if (!reading->positions)
        return error_memory(error, "positions", (double)sequences * 8);
    for (int64_t b = 0; b < sequences; b++)
        reading->positions[b] = reading->facts.position_is_number ? reading->facts.position
                                                                  : reading->facts.kv_offset + reading->seq_lens[b] - 1;
    return ERROR_NONE;
}
