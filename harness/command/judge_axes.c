#include "harness/command/judge_reading.h"

#include <inttypes.h>
#include <stdio.h>

#include "harness/support/source.h"

/* Axes: which of them counts what, and that all tensors say the same of each. */

/* The letters of q, out or lse: those of ragged queries are as of one sequence, and so are out and lse of a bundle
 * without k and v, however the tensors lie that it is held against. */
static const char *letters_of(const struct judge_reading *reading, enum judge_tensor tensor)
{
    int num_axes = reading->input->files[tensor].layout.num_axes;
    bool claimed = reading->input->claim && (tensor == TENSOR_FILE_OUT || tensor == TENSOR_FILE_LSE);
    bool of_one = reading->facts.ragged_queries || claimed, paged = reading->facts.paged && !of_one;
    enum judge_layout layout = of_one ? LAYOUT_NHD : reading->facts.layout;
    if (tensor == TENSOR_FILE_LSE)
        return judge_lse_letters(layout, paged, num_axes);
    return judge_query_letters(layout, paged, num_axes);
}

/* The letters of k or v, with one more where they are in one tensor. text: STACKED_LETTERS_SIZE. */
enum { STACKED_LETTERS_SIZE = 8 };
static const char *letters_of_keys(char *text, const struct judge_reading *reading, enum judge_tensor tensor)
{
    const struct judge_facts *facts = &reading->facts;
    int num_axes = reading->input->files[tensor].layout.num_axes, at = facts->kv_axis;
    const char *letters =
        judge_key_letters(facts->layout, facts->paged, tensor == TENSOR_FILE_K, at < 0 ? num_axes : num_axes - 1);
    if (!letters || at < 0)
        return letters;
    if (at >= num_axes)
        return NULL;
    snprintf(text, STACKED_LETTERS_SIZE, "%.*s2%s", at, letters, letters + at);
    return text;
}

/* Along their axis stand two tensors. */
static enum error_kind check_stack(const struct judge_reading *reading, struct error *error)
{
    int64_t length = reading->shape.length[ROLE_STACK];
    const struct tensor_file *file = &reading->input->files[TENSOR_FILE_K];
    char path[PATH_QUOTE_SIZE], text[SHAPE_TEXT_SIZE];
    if (reading->facts.kv_axis < 0 || length == 2)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "%s: is %s, with %" PRId64 " along axis %d; allowed: 2 along --kv-axis, k and v",
                     quote_path(path, file->name), judge_shape_text(text, file), length, reading->facts.kv_axis);
}

/* head_dim on two axes is that of q. */
static enum error_kind check_blocks(const struct judge_reading *reading, struct error *error)
{
    const int64_t *length = reading->shape.length;
    const struct tensor_file *file = &reading->input->files[TENSOR_FILE_K];
    char path[PATH_QUOTE_SIZE], text[SHAPE_TEXT_SIZE];
    if (length[ROLE_BLOCKS] < 0 || length[ROLE_BLOCKS] * length[ROLE_BLOCK] == length[ROLE_DIM])
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "%s: is %s, with %" PRId64 " * %" PRId64 " elements of a head; allowed: %" PRId64,
                     quote_path(path, file->name), judge_shape_text(text, file), length[ROLE_BLOCKS],
                     length[ROLE_BLOCK], length[ROLE_DIM]);
}

/* What is said of k's axes where they are none of the layout's: that k and v may be in one tensor, if one axis is left.
 */
static const char *hint_of_stack(const struct judge_reading *reading)
{
    const struct judge_facts *facts = &reading->facts;
    int num_axes = reading->input->files[TENSOR_FILE_K].layout.num_axes;
    if (facts->kv_axis >= 0)
        return ", and an axis of k and v where --kv-axis says";
    bool one_more =
        facts->layout != LAYOUT_VLLM_V0 && judge_key_letters(facts->layout, facts->paged, true, num_axes - 1);
    return one_more ? "; k and v in one tensor by --kv with --kv-axis" : "";
}

/* k and v, for which `allowed` is said of two tensors. */
static enum error_kind bind_keys(struct judge_reading *reading, const char *allowed, struct error *error)
{
    struct tensor_file *files = reading->input->files;
    char letters[STACKED_LETTERS_SIZE], shapes[256];
    snprintf(shapes, sizeof shapes, "%s%s", allowed, hint_of_stack(reading));
    enum error_kind kind = judge_shape_bind(&reading->shape, &reading->k, &files[TENSOR_FILE_K],
                                            letters_of_keys(letters, reading, TENSOR_FILE_K), shapes, error);
    if (!kind)
        kind = check_stack(reading, error);
    if (!kind)
        kind = check_blocks(reading, error);
    if (!kind)
        kind = judge_shape_bind(&reading->shape, &reading->v, &files[TENSOR_FILE_V],
                                letters_of_keys(letters, reading, TENSOR_FILE_V), shapes, error);
    return kind;
}

/* Sequences are as many as --qo-indptr has, one number being where the last of them ends; else those of q, which is of
 * one where it has no such axis. */
static enum error_kind count_sequences(struct judge_reading *reading, struct error *error)
{
    const struct tensor_file *file = &reading->input->files[TENSOR_FILE_QO_INDPTR];
    struct judge_shape *shape = &reading->shape;
    char path[PATH_QUOTE_SIZE], text[SHAPE_TEXT_SIZE];
    if (reading->facts.ragged_queries) {
        if (file->layout.num_axes != 1 || file->layout.num_elements < 2)
            return error_set(error, ERROR_USAGE, "%s: is %s; allowed: [sequences + 1]", quote_path(path, file->name),
                             judge_shape_text(text, file));
        shape->length[ROLE_SEQUENCES] = file->layout.num_elements - 1;
        shape->said_by[ROLE_SEQUENCES] = file->name;
    }
    for (int role = ROLE_SEQUENCES; role <= ROLE_QUERIES; role++)
        if (shape->length[role] < 0) {
            shape->length[role] = 1;
            shape->said_by[role] = reading->input->files[TENSOR_FILE_Q].name;
        }
    return ERROR_NONE;
}

enum error_kind judge_bind_shapes(struct judge_reading *reading, struct error *error)
{
    static const char *const of_keys[LAYOUT_COUNT] = {
        [LAYOUT_NHD] = "[keys, KV heads, head_dim]; in pages [pages, page size, KV heads, head_dim] with --block-table "
                       "or --kv-indptr",
        [LAYOUT_HND] = "[KV heads, keys, head_dim]; in pages [pages, KV heads, page size, head_dim] with --block-table "
                       "or --kv-indptr",
        [LAYOUT_BSHD] = "[sequences, keys, KV heads, head_dim]",
        [LAYOUT_BHSD] = "[sequences, KV heads, keys, head_dim]",
        [LAYOUT_VLLM_V0] =
            "k [pages, KV heads, head_dim / x, page size, x] and v [pages, KV heads, head_dim, page size]",
    };
    static const char of_ragged[] = "[queries of all sequences, heads, head_dim]";
    static const char of_bhsd[] = "[heads, head_dim], [sequences, heads, head_dim] or [sequences, heads, queries, "
                                  "head_dim]";
    static const char of_bshd[] = "[heads, head_dim], [sequences, heads, head_dim] or [sequences, queries, heads, "
                                  "head_dim]";
    static const char of_one[] = "[heads, head_dim] or [queries, heads, head_dim] of one sequence (four axes: layout "
                                 "BSHD or BHSD)";
    struct tensor_file *files = reading->input->files;
    struct judge_shape *shape = &reading->shape;
    enum judge_layout layout = reading->facts.layout;
    bool paged = reading->facts.paged;
    const char *of_queries = reading->facts.ragged_queries    ? of_ragged
                             : layout == LAYOUT_BHSD          ? of_bhsd
                             : layout == LAYOUT_BSHD || paged ? of_bshd
                                                              : of_one;
    *shape = judge_shape_unknown;
    enum error_kind kind = judge_shape_bind(shape, &reading->q, &files[TENSOR_FILE_Q],
                                            letters_of(reading, TENSOR_FILE_Q), of_queries, error);
    if (!kind)
        kind = count_sequences(reading, error);
    if (!kind)
        kind = bind_keys(reading, of_keys[layout], error);
    if (!kind)
        kind = judge_shape_bind(shape, &reading->out, &files[TENSOR_FILE_OUT], letters_of(reading, TENSOR_FILE_OUT),
                                of_queries, error);
    if (!kind && reading->input->is_open[TENSOR_FILE_OTHER])
        kind = judge_shape_bind(shape, &reading->other, &files[TENSOR_FILE_OTHER],
                                letters_of(reading, TENSOR_FILE_OTHER), of_queries, error);
    if (!kind && reading->input->is_open[TENSOR_FILE_LSE])
        kind = judge_shape_bind(shape, &reading->lse, &files[TENSOR_FILE_LSE], letters_of(reading, TENSOR_FILE_LSE),
                                "[heads], [sequences, heads] or, of one sequence, [queries, heads]; with three axes "
                                "[sequences, queries, heads] of pages, [sequences, heads, queries] of BSHD and BHSD",
                                error);
    return kind;
}

static enum error_kind check_length(const struct judge_reading *reading, enum axis_role role, int64_t least,
                                    int64_t greatest, const char *what, struct error *error)
{
    int64_t length = reading->shape.length[role];
    char path[PATH_QUOTE_SIZE];
    if (length >= least && length <= greatest)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "%s: has %" PRId64 " %s; allowed: %" PRId64 " to %" PRId64,
                     quote_path(path, reading->shape.said_by[role]), length, what, least, greatest);
}

static enum error_kind check_rows(const struct judge_reading *reading, struct error *error)
{
    int64_t queries = reading->shape.length[ROLE_QUERIES], heads = reading->shape.length[ROLE_HEADS];
    char path[PATH_QUOTE_SIZE];
    if (queries * heads <= PROBLEM_MAX_ROWS)
        return ERROR_NONE;
    return error_set(
        error, ERROR_USAGE, "%s: has %" PRId64 " queries of %" PRId64 " heads, %" PRId64 " rows; allowed: 1 to %d",
        quote_path(path, reading->shape.said_by[ROLE_QUERIES]), queries, heads, queries * heads, PROBLEM_MAX_ROWS);
}

enum error_kind judge_check_shapes(struct judge_reading *reading, struct error *error)
{
    int64_t *length = reading->shape.length;
    char path[PATH_QUOTE_SIZE];
    enum error_kind kind = check_length(reading, ROLE_HEADS, 1, PROBLEM_MAX_HEADS, "heads", error);
    if (!kind)
        kind = check_length(reading, ROLE_DIM, 1, PROBLEM_MAX_DIM, "elements of a head", error);
    if (!kind && (length[ROLE_KV_HEADS] < 1 || length[ROLE_HEADS] % length[ROLE_KV_HEADS] != 0))
        return error_set(error, ERROR_USAGE,
                         "%s: has %" PRId64 " KV heads for %" PRId64 " query heads; allowed: a divisor of them (is "
                         "--layout right?%s)",
                         quote_path(path, reading->shape.said_by[ROLE_KV_HEADS]), length[ROLE_KV_HEADS],
                         length[ROLE_HEADS],
                         length[ROLE_HEADS] == 1 && reading->facts.layout != LAYOUT_BHSD
                             ? " q with four axes is [sequences, queries, heads, head_dim]: of [sequences, heads, 1, "
                               "head_dim] leave out the axis of 1"
                             : "");
    if (!kind)
        kind = check_length(reading, ROLE_SEQUENCES, 1, 1 << 20, "sequences", error);
    if (!kind)
        kind = check_length(reading, ROLE_QUERIES, 1, PROBLEM_MAX_QUERIES, "queries", error);
    if (!kind)
        kind = check_rows(reading, error);
    if (!kind && reading->facts.paged)
        kind = check_length(reading, ROLE_SLOTS, 1, JUDGE_MAX_LENGTH, "slots a page", error);
    if (!kind && !reading->facts.paged)
        kind = check_length(reading, ROLE_KEYS, 0, JUDGE_MAX_LENGTH, "keys", error);
    if (kind)
        return kind;
    if (reading->facts.page_size && reading->facts.page_size != length[ROLE_SLOTS])
        return error_set(error, ERROR_USAGE,
                         "--page-size %" PRId64 ": pages of k and v have %" PRId64
                         " slots; allowed: the same (is --layout right?)",
                         reading->facts.page_size, length[ROLE_SLOTS]);
    reading->num_sequences = length[ROLE_SEQUENCES];
    reading->num_queries = length[ROLE_QUERIES];
    return ERROR_NONE;
}
