/*
 * What `alibicheck judge` knows while it makes sense of tensors. Each function below reads what those above it have
 * left, and fills in more: ERROR_USAGE with the option or the file, what is wrong and what is allowed.
 */
#ifndef HARNESS_COMMAND_JUDGE_READING_H
#define HARNESS_COMMAND_JUDGE_READING_H

#include "harness/command/judge_bundle.h"
#include "harness/command/judge_exhibit.h"
#include "harness/command/judge_facts.h"

enum { JUDGE_MAX_LENGTH = PROBLEM_MAX_KEYS };

/* What is known while the sequences are put together. */
struct judge_reading {
    struct judge_input *input;
    struct judge_bundle *bundle; /* NULL: there is none */
    const struct judge_options *options;
    struct judge_facts facts;
    struct judge_shape shape;
    struct bound_axes q, k, v, out, other, lse;
    struct problem_spec spec;                     /* of all sequences, but for seq_len and q_position */
    int64_t num_sequences, num_queries, num_keys; /* keys: that k and v have room for, of one sequence */
    int64_t *first_query;                         /* [B + 1], of the queries of all sequences */
    int64_t *first_key;                           /* [B + 1], of ragged keys; NULL: they are not */
    int64_t *seq_lens, *positions;                /* [B] */
    int64_t pages_a_row;                          /* of input->pages */
};

/* ---- files (judge_files.c) --------------------------------------------------------------------------------------- */

/* Opens every tensor that is named. */
enum error_kind judge_open_files(struct judge_reading *reading, struct error *error);

/* What --dtype says of raw bits. */
enum error_kind judge_reinterpret(struct judge_reading *reading, struct error *error);

/* ---- numbers in files (judge_numbers.c) -------------------------------------------------------------------------- */

/* The dtype of q, k, v or out. ERROR_USAGE for a type that is none, and for fp8 unless that is allowed. */
enum error_kind judge_dtype_of(enum dtype *dtype, const struct tensor_file *file, bool fp8, struct error *error);

/* A new array of numbers that are whole and within a range, all of a file with `count` elements, whatever its axes. */
enum error_kind judge_read_whole(int64_t **numbers, const struct tensor_file *file, int64_t count, int64_t least,
                                 int64_t greatest, const char *what, struct error *error);

/* A new array of f32, one a head. */
enum error_kind judge_read_of_heads(float **values, const struct tensor_file *file, int num_heads, const char *what,
                                    struct error *error);

/* ---- axes (judge_axes.c) ----------------------------------------------------------------------------------------- */

/* The shape that all tensors agree on. */
enum error_kind judge_bind_shapes(struct judge_reading *reading, struct error *error);

/* That it is one that is judged; num_sequences and num_queries. */
enum error_kind judge_check_shapes(struct judge_reading *reading, struct error *error);

/* ---- what all sequences have in common (judge_problem.c) --------------------------------------------------------- */

/* spec, slopes and sinks. */
enum error_kind judge_read_problem(struct judge_reading *reading, struct error *error);

/* ---- lengths (judge_lengths.c, judge_pages.c) -------------------------------------------------------------------- */

/* first_query, of ragged queries or of as many to each sequence. */
enum error_kind judge_read_queries(struct judge_reading *reading, struct error *error);

/* seq_lens, and first_key or the pages where there are any. */
enum error_kind judge_read_lengths(struct judge_reading *reading, struct error *error);

/* seq_lens and the table of pages, each of which is there. */
enum error_kind judge_read_pages(struct judge_reading *reading, struct error *error);

/* positions: of the last query of each sequence, as said, or the newest key's. */
enum error_kind judge_read_positions(struct judge_reading *reading, struct error *error);

/* ---- tensors that are read whole (judge_problem.c) --------------------------------------------------------------- */

/* visible[B, N], N the mask's: row is what it has for each sequence, 0 where all have one. */
enum error_kind judge_read_mask(struct judge_reading *reading, int64_t *row, struct error *error);

/* lse[B, Q, H], natural. */
enum error_kind judge_read_lse(struct judge_reading *reading, struct error *error);

/* ---- sequences (judge_sequence.c) -------------------------------------------------------------------------------- */

/* The sequences that are judged, with their points. mask_row: judge_read_mask. */
enum error_kind judge_make_sequences(struct judge_reading *reading, int64_t mask_row, struct error *error);

#endif
