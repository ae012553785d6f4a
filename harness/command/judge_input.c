#include "harness/command/judge_input.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/command/judge_bundle.h"
#include "harness/command/judge_facts.h"
#include "harness/command/judge_recipe.h"
#include "harness/command/judge_sample.h"
#include "harness/command/judge_recorder.h"
#include "harness/command/judge_trace.h"
#include "harness/library/judged_record.h"
#include "harness/support/source.h"
#include "harness/support/text.h"

/* What an lse in base 2 may have lost, relative to itself: ln 2 times it rounded to f32, half an ulp, after log2(e) as
 * an f32 times a natural one, where that is how it was made: 1.23 * 2^-24 (kernels/attention/rounding.c). */
#define LSE_BASE_ROUNDING (2.25 * 0x1p-24)

enum { MAX_LENGTH = 1 << 30, MAX_DIM = 1024, MAX_HEADS = 65536 };

/* What is known while the sequences are put together. */
struct reading {
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

static const struct {
    enum judge_option option;
    const char *dtype_name; /* as --dtype calls it; NULL: it is of numbers that say what they are */
} tensors[TENSOR_FILE_COUNT] = {
    [TENSOR_FILE_Q] = {GIVEN_Q, "q"},
    [TENSOR_FILE_K] = {GIVEN_K, "k"},
    [TENSOR_FILE_V] = {GIVEN_V, "v"},
    [TENSOR_FILE_OUT] = {GIVEN_OUT, "out"},
    [TENSOR_FILE_OTHER] = {GIVEN_OTHER, "other"},
    [TENSOR_FILE_LSE] = {GIVEN_LSE, NULL},
    [TENSOR_FILE_SLOPES] = {GIVEN_SLOPES, NULL},
    [TENSOR_FILE_MASK] = {GIVEN_MASK, NULL},
    [TENSOR_FILE_SINKS] = {GIVEN_SINK_LOGITS, NULL},
    [TENSOR_FILE_POSITIONS] = {GIVEN_POSITIONS, NULL},
    [TENSOR_FILE_SEQ_LENS] = {GIVEN_SEQ_LENS, NULL},
    [TENSOR_FILE_BLOCK_TABLE] = {GIVEN_BLOCK_TABLE, NULL},
    [TENSOR_FILE_INDPTR] = {GIVEN_KV_INDPTR, NULL},
    [TENSOR_FILE_INDICES] = {GIVEN_KV_INDICES, NULL},
    [TENSOR_FILE_LAST_PAGE_LEN] = {GIVEN_KV_LAST_PAGE_LEN, NULL},
    [TENSOR_FILE_QO_INDPTR] = {GIVEN_QO_INDPTR, NULL},
};

/* ---- files ------------------------------------------------------------------------------------------------------- */

static bool is_file(const struct reading *reading, enum judge_tensor tensor)
{
    const struct judge_facts *facts = &reading->facts;
    if (!reading->options->values[tensors[tensor].option])
        return false;
    return !(tensor == TENSOR_FILE_SLOPES && facts->slopes_named) &&
           !(tensor == TENSOR_FILE_POSITIONS && facts->position_is_number);
}

static enum error_kind open_files(struct reading *reading, struct error *error)
{
    struct judge_input *input = reading->input;
    for (int t = 0; t < TENSOR_FILE_COUNT; t++) {
        if (!is_file(reading, (enum judge_tensor)t))
            continue;
        if (t <= TENSOR_FILE_V && reading->bundle && reading->bundle->made[t].name) {
            input->files[t] = reading->bundle->made[t];
            reading->bundle->made[t] = (struct tensor_file){.name = NULL};
            input->is_open[t] = true;
            continue;
        }
        enum error_kind kind = tensor_open(&input->files[t], reading->options->values[tensors[t].option], error);
        if (kind)
            return kind;
        input->is_open[t] = true;
    }
    return ERROR_NONE;
}

/* What --dtype says of raw bits. */
static enum error_kind reinterpret(struct reading *reading, struct error *error)
{
    for (size_t i = 0; i < reading->options->dtypes.count; i++) {
        const char *text = reading->options->dtypes.items[i], *equals = strchr(text, '=');
        char quoted[QUOTE_SIZE];
        int t = TENSOR_FILE_COUNT;
        for (int j = 0; equals && j < TENSOR_FILE_COUNT; j++)
            if (tensors[j].dtype_name && strlen(tensors[j].dtype_name) == (size_t)(equals - text) &&
                !memcmp(text, tensors[j].dtype_name, (size_t)(equals - text)))
                t = j;
        enum element_type type = equals ? element_type_from_name(equals + 1) : ELEMENT_COUNT;
        if (t == TENSOR_FILE_COUNT || type == ELEMENT_COUNT || !element_types[type].is_float)
            return error_set(
                error, ERROR_USAGE,
                "--dtype %s: allowed: q, k, v, out or other, =, and f16, bf16, f32, e4m3, e5m2 or e4m3fnuz",
                quote(quoted, text, strlen(text)));
        enum error_kind kind = tensor_reinterpret(&reading->input->files[t], type, error);
        if (kind)
            return kind;
    }
    return ERROR_NONE;
}

/* The dtype of q, k, v or out. */
static enum error_kind dtype_of(enum dtype *dtype, const struct tensor_file *file, bool fp8, struct error *error)
{
    static const struct {
        enum element_type type;
        enum dtype dtype;
    } same[] = {
        {ELEMENT_F16, DTYPE_F16},   {ELEMENT_BF16, DTYPE_BF16}, {ELEMENT_F32, DTYPE_F32},
        {ELEMENT_E4M3, DTYPE_E4M3}, {ELEMENT_E5M2, DTYPE_E5M2}, {ELEMENT_E4M3FNUZ, DTYPE_E4M3FNUZ},
    };
    const struct element_type_info *info = &element_types[file->layout.type];
    char path[PATH_QUOTE_SIZE];
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (same[i].type == file->layout.type && (fp8 || same[i].dtype < DTYPE_COUNT)) {
            *dtype = same[i].dtype;
            return ERROR_NONE;
        }
    bool raw = info->is_raw || info->may_be_bits;
    return error_set(error, ERROR_USAGE, "%s: is of %s%s; allowed: f16, bf16, f32%s", quote_path(path, file->name),
                     info->name, raw ? ", raw bits of which --dtype TENSOR=DTYPE has to say what they are" : "",
                     fp8 ? ", e4m3, e5m2, e4m3fnuz" : "");
}

/* Element i as a number; of integers and floats. NaN where there is no such number. */
static double number_at(const struct tensor_file *file, int64_t i)
{
    const void *e = file->elements;
    float wide;
    switch (file->layout.type) {
    case ELEMENT_F64:
        return ((const double *)e)[i];
    case ELEMENT_F32:
        return (double)((const float *)e)[i];
    case ELEMENT_F16:
        dtype_widen(DTYPE_F16, e, (size_t)i, 1, &wide);
        return (double)wide;
    case ELEMENT_BF16:
        dtype_widen(DTYPE_BF16, e, (size_t)i, 1, &wide);
        return (double)wide;
    case ELEMENT_I64:
        return (double)((const int64_t *)e)[i];
    case ELEMENT_U64:
        return (double)((const uint64_t *)e)[i];
    case ELEMENT_I32:
        return ((const int32_t *)e)[i];
    case ELEMENT_U32:
        return ((const uint32_t *)e)[i];
    case ELEMENT_I16:
        return ((const int16_t *)e)[i];
    case ELEMENT_U16:
        return ((const uint16_t *)e)[i];
    case ELEMENT_I8:
        return ((const int8_t *)e)[i];
    case ELEMENT_U8:
    case ELEMENT_BOOL:
        return ((const uint8_t *)e)[i];
    default:
        return NAN;
    }
}

/* A new array of numbers that are whole and within a range, all of a file with `count` elements in one axis, or in two
 * where a row has row > 0 of them. */
static enum error_kind read_whole(int64_t **numbers, const struct tensor_file *file, int64_t count, int64_t least,
                                  int64_t greatest, const char *what, struct error *error)
{
    char path[PATH_QUOTE_SIZE], text[SHAPE_TEXT_SIZE];
    if (file->layout.num_elements != count)
        return error_set(error, ERROR_USAGE, "%s: is %s; allowed: %" PRId64 " numbers, %s",
                         quote_path(path, file->name), judge_shape_text(text, file), count, what);
    *numbers = calloc((size_t)count + 1, sizeof **numbers);
    if (!*numbers)
        return error_memory(error, what, (double)count * sizeof **numbers);
    for (int64_t i = 0; i < count; i++) {
        double number = number_at(file, i);
        if (!(number >= (double)least && number <= (double)greatest) || number != trunc(number))
            return error_set(error, ERROR_USAGE,
                             "%s: number %" PRId64 " is %.17g; allowed: %s, %" PRId64 " to %" PRId64,
                             quote_path(path, file->name), i, isnan(number) ? NAN : number, what, least, greatest);
        (*numbers)[i] = (int64_t)number;
    }
    return ERROR_NONE;
}

/* A new array of f32, one a head. */
static enum error_kind read_of_heads(float **values, const struct tensor_file *file, int num_heads, const char *what,
                                     struct error *error)
{
    char path[PATH_QUOTE_SIZE], text[SHAPE_TEXT_SIZE];
    if (file->layout.num_elements != num_heads)
        return error_set(error, ERROR_USAGE, "%s: is %s; allowed: [%d], a %s a head", quote_path(path, file->name),
                         judge_shape_text(text, file), num_heads, what);
    *values = calloc((size_t)num_heads, sizeof **values);
    if (!*values)
        return error_memory(error, what, (double)num_heads * sizeof **values);
    for (int h = 0; h < num_heads; h++) {
        double number = number_at(file, h);
        (*values)[h] = (float)number;
        if (!isfinite(number) || (double)(*values)[h] != number)
            return error_set(error, ERROR_USAGE, "%s: the %s of head %d is %.17g; allowed: finite numbers of f32",
                             quote_path(path, file->name), what, h, isnan(number) ? NAN : number);
    }
    return ERROR_NONE;
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

/* The letters of q, out or lse: those of ragged queries are as of one sequence. */
static const char *letters_of(const struct reading *reading, enum judge_tensor tensor)
{
    int num_axes = reading->input->files[tensor].layout.num_axes;
    bool ragged = reading->facts.ragged_queries, paged = reading->facts.paged && !ragged;
    enum judge_layout layout = ragged ? LAYOUT_NHD : reading->facts.layout;
    if (tensor == TENSOR_FILE_LSE)
        return judge_lse_letters(layout, paged, num_axes);
    return judge_query_letters(layout, paged, num_axes);
}

/* Sequences are as many as --qo-indptr has, one number being where the last of them ends; else those of q, which is of
 * one where it has no such axis. */
static enum error_kind count_sequences(struct reading *reading, struct error *error)
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

static enum error_kind bind_shapes(struct reading *reading, struct error *error)
{
    static const char *const of_keys[LAYOUT_COUNT] = {
        [LAYOUT_NHD] = "[keys, KV heads, head_dim]; in pages [pages, page size, KV heads, head_dim] with --block-table "
                       "or --kv-indptr",
        [LAYOUT_HND] = "[KV heads, keys, head_dim]; in pages [pages, KV heads, page size, head_dim] with --block-table "
                       "or --kv-indptr",
        [LAYOUT_BSHD] = "[sequences, keys, KV heads, head_dim]",
        [LAYOUT_BHSD] = "[sequences, KV heads, keys, head_dim]",
    };
    struct tensor_file *files = reading->input->files;
    struct judge_shape *shape = &reading->shape;
    enum judge_layout layout = reading->facts.layout;
    bool paged = reading->facts.paged;
    const char *of_queries = reading->facts.ragged_queries ? "[queries of all sequences, heads, head_dim]"
                             : layout == LAYOUT_BHSD ? "[heads, head_dim], [sequences, heads, head_dim] or [sequences, "
                                                       "heads, queries, head_dim]"
                             : layout == LAYOUT_BSHD || paged
                                 ? "[heads, head_dim], [sequences, heads, head_dim] or [sequences, queries, heads, "
                                   "head_dim]"
                                 : "[heads, head_dim] or [queries, heads, head_dim] of one sequence";
    *shape = judge_shape_unknown;
    enum error_kind kind = judge_shape_bind(shape, &reading->q, &files[TENSOR_FILE_Q],
                                            letters_of(reading, TENSOR_FILE_Q), of_queries, error);
    if (!kind)
        kind = count_sequences(reading, error);
    if (!kind)
        kind = judge_shape_bind(shape, &reading->k, &files[TENSOR_FILE_K],
                                judge_key_letters(layout, paged, files[TENSOR_FILE_K].layout.num_axes), of_keys[layout],
                                error);
    if (!kind)
        kind = judge_shape_bind(shape, &reading->v, &files[TENSOR_FILE_V],
                                judge_key_letters(layout, paged, files[TENSOR_FILE_V].layout.num_axes), of_keys[layout],
                                error);
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

static enum error_kind check_length(const struct reading *reading, enum axis_role role, int64_t least, int64_t greatest,
                                    const char *what, struct error *error)
{
    int64_t length = reading->shape.length[role];
    char path[PATH_QUOTE_SIZE];
    if (length >= least && length <= greatest)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "%s: has %" PRId64 " %s; allowed: %" PRId64 " to %" PRId64,
                     quote_path(path, reading->shape.said_by[role]), length, what, least, greatest);
}

static enum error_kind check_shapes(struct reading *reading, struct error *error)
{
    int64_t *length = reading->shape.length;
    char path[PATH_QUOTE_SIZE];
    enum error_kind kind = check_length(reading, ROLE_HEADS, 1, MAX_HEADS, "heads", error);
    if (!kind)
        kind = check_length(reading, ROLE_DIM, 1, MAX_DIM, "elements of a head", error);
    if (!kind && (length[ROLE_KV_HEADS] < 1 || length[ROLE_HEADS] % length[ROLE_KV_HEADS] != 0))
        return error_set(error, ERROR_USAGE,
                         "%s: has %" PRId64 " KV heads for %" PRId64 " query heads; allowed: a divisor of them (is "
                         "--layout right?)",
                         quote_path(path, reading->shape.said_by[ROLE_KV_HEADS]), length[ROLE_KV_HEADS],
                         length[ROLE_HEADS]);
    if (!kind)
        kind = check_length(reading, ROLE_SEQUENCES, 1, 1 << 20, "sequences", error);
    if (!kind)
        kind = check_length(reading, ROLE_QUERIES, 1, 1 << 20, "queries", error);
    if (!kind && reading->facts.paged)
        kind = check_length(reading, ROLE_SLOTS, 1, MAX_LENGTH, "slots a page", error);
    if (!kind && !reading->facts.paged)
        kind = check_length(reading, ROLE_KEYS, 0, MAX_LENGTH, "keys", error);
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

/* ---- lengths, pages, positions, masks ---------------------------------------------------------------------------- */

static enum error_kind read_block_table(struct reading *reading, struct error *error)
{
    struct judge_input *input = reading->input;
    const struct tensor_file *file = &input->files[TENSOR_FILE_BLOCK_TABLE];
    int64_t sequences = reading->num_sequences, slots = reading->shape.length[ROLE_SLOTS];
    char path[PATH_QUOTE_SIZE], text[SHAPE_TEXT_SIZE];
    if (file->layout.num_axes != 2 || file->layout.shape[0] != sequences)
        return error_set(error, ERROR_USAGE, "%s: is %s; allowed: [%" PRId64 ", n], the pages of each sequence",
                         quote_path(path, file->name), judge_shape_text(text, file), sequences);
    reading->pages_a_row = file->layout.shape[1];
    enum error_kind kind =
        read_whole(&reading->seq_lens, &input->files[TENSOR_FILE_SEQ_LENS], sequences, 0,
                   reading->pages_a_row * slots < MAX_LENGTH ? reading->pages_a_row * slots : MAX_LENGTH,
                   "keys of a sequence, as many as its pages have room for", error);
    if (!kind) /* what stands behind a sequence's pages means nothing */
        kind = read_whole(&input->pages, file, sequences * reading->pages_a_row, INT32_MIN, INT64_C(1) << 40,
                          "pages, counted from 0", error);
    return kind;
}

/* Keys in the last page of each sequence: a page of one key has that. */
static enum error_kind read_last_pages(int64_t **last, const struct reading *reading, struct error *error)
{
    int64_t sequences = reading->num_sequences, slots = reading->shape.length[ROLE_SLOTS];
    if (reading->input->is_open[TENSOR_FILE_LAST_PAGE_LEN])
        return read_whole(last, &reading->input->files[TENSOR_FILE_LAST_PAGE_LEN], sequences, 0, slots,
                          "keys in the last page of a sequence", error);
    if (slots != 1)
        return error_set(error, ERROR_USAGE,
                         "--kv-last-page-len: is missing; allowed: keys in the last page of each sequence, which pages "
                         "of %" PRId64 " keys leave open",
                         slots);
    *last = malloc((size_t)sequences * sizeof **last);
    for (int64_t b = 0; *last && b < sequences; b++)
        (*last)[b] = 1;
    return *last ? ERROR_NONE : error_memory(error, "lengths", (double)sequences * sizeof **last);
}

/* Where the rows of each sequence begin in an axis that has those of all: [B + 1] numbers that do not fall. What lies
 * before the first or behind the last of them is nobody's, which `whole` refuses. */
static enum error_kind read_starts(int64_t **starts, const struct reading *reading, enum judge_tensor tensor,
                                   int64_t length, bool whole, const char *what, struct error *error)
{
    const struct tensor_file *file = &reading->input->files[tensor];
    int64_t sequences = reading->num_sequences;
    char path[PATH_QUOTE_SIZE];
    enum error_kind kind = read_whole(starts, file, sequences + 1, 0, length, what, error);
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
static enum error_kind read_queries(struct reading *reading, struct error *error)
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
static enum error_kind read_key_rows(struct reading *reading, struct error *error)
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

/* Pages in one list, sequence by sequence: as a table whose rows are as long as the longest of them. */
static enum error_kind read_page_rows(struct reading *reading, struct error *error)
{
    struct judge_input *input = reading->input;
    const struct tensor_file *file = &input->files[TENSOR_FILE_INDPTR];
    const char *name = file->name;
    int64_t sequences = reading->num_sequences, slots = reading->shape.length[ROLE_SLOTS], *first = NULL, *last = NULL,
            *list = NULL;
    int64_t count = input->files[TENSOR_FILE_INDICES].layout.num_elements;
    char path[PATH_QUOTE_SIZE];
    enum error_kind kind = read_whole(&first, file, sequences + 1, 0, count,
                                      "where the pages of each sequence begin, and where the last ones end", error);
    if (!kind)
        kind = read_last_pages(&last, reading, error);
    if (!kind)
        kind = read_whole(&list, &input->files[TENSOR_FILE_INDICES], count, INT32_MIN, INT64_C(1) << 40,
                          "pages, counted from 0", error);
    for (int64_t b = 0; b < sequences && !kind; b++) {
        int64_t pages = first[b + 1] - first[b];
        if (pages < 0 || pages * slots > MAX_LENGTH || (pages > 0 && last[b] < 1))
            kind = error_set(error, ERROR_USAGE,
                             "%s: sequence %" PRId64 " has %" PRId64 " pages, with %" PRId64
                             " keys in the last; allowed: 0 pages or more, from 1 on with 1 to %" PRId64 " keys",
                             quote_path(path, name), b, pages, last[b], slots);
        reading->pages_a_row = pages > reading->pages_a_row ? pages : reading->pages_a_row;
    }
    if (!kind) {
        input->pages = calloc((size_t)(sequences * reading->pages_a_row) + 1, sizeof *input->pages);
        reading->seq_lens = calloc((size_t)sequences, sizeof *reading->seq_lens);
        if (!input->pages || !reading->seq_lens)
            kind = error_memory(error, "page tables", (double)(sequences * reading->pages_a_row) * 8);
    }
    for (int64_t b = 0; b < sequences && !kind; b++) {
        int64_t pages = first[b + 1] - first[b];
        if (pages > 0)
            memcpy(input->pages + b * reading->pages_a_row, list + first[b], (size_t)pages * sizeof *list);
        reading->seq_lens[b] = pages > 0 ? (pages - 1) * slots + last[b] : 0;
    }
    free(first);
    free(last);
    free(list);
    return kind;
}

/* The pages that keys stand in are there. */
static enum error_kind check_pages(const struct reading *reading, struct error *error)
{
    int64_t slots = reading->shape.length[ROLE_SLOTS], pages = reading->shape.length[ROLE_PAGES];
    for (int64_t b = 0; b < reading->num_sequences; b++)
        for (int64_t i = 0; i * slots < reading->seq_lens[b]; i++) {
            int64_t page = reading->input->pages[b * reading->pages_a_row + i];
            if (page < 0 || page >= pages)
                return error_set(error, ERROR_USAGE,
                                 "page table: page %" PRId64 " of sequence %" PRId64 " is page %" PRId64
                                 " of the pool; allowed: 0 to %" PRId64,
                                 i, b, page, pages - 1);
        }
    return ERROR_NONE;
}

static enum error_kind read_lengths(struct reading *reading, struct error *error)
{
    struct judge_input *input = reading->input;
    int64_t sequences = reading->num_sequences;
    enum error_kind kind = ERROR_NONE;
    if (reading->facts.ragged_keys)
        return read_key_rows(reading, error);
    if (input->is_open[TENSOR_FILE_BLOCK_TABLE] || input->is_open[TENSOR_FILE_INDPTR]) {
        kind = input->is_open[TENSOR_FILE_INDPTR] ? read_page_rows(reading, error) : read_block_table(reading, error);
        return kind ? kind : check_pages(reading, error);
    }
    reading->num_keys = reading->shape.length[ROLE_KEYS];
    if (input->is_open[TENSOR_FILE_SEQ_LENS])
        return read_whole(&reading->seq_lens, &input->files[TENSOR_FILE_SEQ_LENS], sequences, 0, reading->num_keys,
                          "keys of a sequence", error);
    reading->seq_lens = calloc((size_t)sequences, sizeof *reading->seq_lens);
    if (!reading->seq_lens)
        return error_memory(error, "lengths", (double)sequences * 8);
    for (int64_t b = 0; b < sequences; b++)
        reading->seq_lens[b] = reading->num_keys;
    return ERROR_NONE;
}

static enum error_kind read_positions(struct reading *reading, struct error *error)
{
    int64_t sequences = reading->num_sequences;
    if (reading->input->is_open[TENSOR_FILE_POSITIONS])
        return read_whole(&reading->positions, &reading->input->files[TENSOR_FILE_POSITIONS], sequences, -INT32_MAX,
                          INT32_MAX, "position of the last query of a sequence", error);
    reading->positions = calloc((size_t)sequences, sizeof *reading->positions);
    if (!reading->positions)
        return error_memory(error, "positions", (double)sequences * 8);
    for (int64_t b = 0; b < sequences; b++)
        reading->positions[b] = reading->facts.position_is_number ? reading->facts.position
                                                                  : reading->facts.kv_offset + reading->seq_lens[b] - 1;
    return ERROR_NONE;
}

/* visible[B, N], N the mask's. */
static enum error_kind read_mask(struct reading *reading, int64_t *row, struct error *error)
{
    struct judge_input *input = reading->input;
    const struct tensor_file *file = &input->files[TENSOR_FILE_MASK];
    const struct tensor_layout *layout = &file->layout;
    char path[PATH_QUOTE_SIZE], text[SHAPE_TEXT_SIZE];
    int64_t longest = 0;
    *row = 0;
    if (!input->is_open[TENSOR_FILE_MASK])
        return ERROR_NONE;
    for (int64_t b = 0; b < reading->num_sequences; b++)
        longest = reading->seq_lens[b] > longest ? reading->seq_lens[b] : longest;
    bool is_number = element_types[layout->type].is_float;
    bool one = layout->num_axes == 1,
         fits = one || (layout->num_axes == 2 && layout->shape[0] == reading->num_sequences);
    if (is_number || element_types[layout->type].is_raw || !fits || layout->shape[layout->num_axes - 1] < longest)
        return error_set(error, ERROR_USAGE,
                         "%s: is %s; allowed: bool or whole numbers, [%" PRId64 "] or [%" PRId64 ", %" PRId64 "]",
                         quote_path(path, file->name),
                         is_number ? "of floating-point numbers" : judge_shape_text(text, file), longest,
                         reading->num_sequences, longest);
    input->visible = malloc((size_t)layout->num_elements + 1);
    if (!input->visible)
        return error_memory(error, "the mask", (double)layout->num_elements);
    for (int64_t i = 0; i < layout->num_elements; i++)
        input->visible[i] = number_at(file, i) != 0;
    *row = one ? 0 : layout->shape[1];
    return ERROR_NONE;
}

/* lse[B, Q, H], natural. */
static enum error_kind read_lse(struct reading *reading, struct error *error)
{
    struct judge_input *input = reading->input;
    const struct tensor_file *file = &input->files[TENSOR_FILE_LSE];
    int64_t heads = reading->shape.length[ROLE_HEADS];
    int64_t rows = (reading->facts.ragged_queries ? 1 : reading->num_sequences) * reading->num_queries * heads;
    char path[PATH_QUOTE_SIZE];
    if (!input->is_open[TENSOR_FILE_LSE])
        return ERROR_NONE;
    if (file->layout.num_elements != rows || file->layout.type != ELEMENT_F32)
        return error_set(
            error, ERROR_USAGE, "%s: has %" PRId64 " elements of %s; allowed: %" PRId64 " of f32, one a row",
            quote_path(path, file->name), file->layout.num_elements, element_types[file->layout.type].name, rows);
    input->lse = malloc((size_t)rows * sizeof *input->lse);
    if (!input->lse)
        return error_memory(error, "lse", (double)rows * sizeof *input->lse);
    for (int64_t row = 0; row < rows; row++) {
        int64_t query = row / heads % reading->num_queries, b = row / heads / reading->num_queries;
        int64_t at = b * reading->lse.stride[ROLE_SEQUENCES] + query * reading->lse.stride[ROLE_QUERIES] +
                     row % heads * reading->lse.stride[ROLE_HEADS];
        double lse = number_at(file, at);
        input->lse[row] = (float)(reading->facts.lse_base_2 ? lse * M_LN2 : lse);
    }
    return ERROR_NONE;
}

/* ---- the problem ------------------------------------------------------------------------------------------------- */

static enum error_kind read_slopes(struct reading *reading, int num_heads, struct error *error)
{
    struct judge_input *input = reading->input;
    enum error_kind kind = ERROR_NONE;
    if (input->is_open[TENSOR_FILE_SLOPES])
        return read_of_heads(&input->slopes, &input->files[TENSOR_FILE_SLOPES], num_heads, "slope", error);
    input->slopes = calloc((size_t)num_heads, sizeof *input->slopes);
    if (!input->slopes)
        return error_memory(error, "slopes", (double)num_heads * sizeof *input->slopes);
    if (reading->facts.slopes != SLOPES_COUNT)
        slopes_fill(input->slopes, num_heads, reading->facts.slopes, 8, 0, num_heads);
    return kind;
}

/* What q, k and v are held in: k and v in fp8 where both are, else all of them in the output's dtype. */
static enum error_kind choose_dtypes(struct reading *reading, struct error *error)
{
    const struct tensor_file *files = reading->input->files;
    struct problem_spec *spec = &reading->spec;
    enum dtype q, k, v, other = DTYPE_COUNT;
    char path[PATH_QUOTE_SIZE];
    enum error_kind kind = dtype_of(&spec->dtype, &files[TENSOR_FILE_OUT], false, error);
    if (!kind && reading->input->is_open[TENSOR_FILE_OTHER])
        kind = dtype_of(&other, &files[TENSOR_FILE_OTHER], false, error);
    if (!kind && other != DTYPE_COUNT && other != spec->dtype)
        kind = error_set(error, ERROR_USAGE, "%s: is of %s; allowed: %s, as --out is",
                         quote_path(path, files[TENSOR_FILE_OTHER].name), dtypes[other].name, dtypes[spec->dtype].name);
    if (!kind)
        kind = dtype_of(&q, &files[TENSOR_FILE_Q], true, error);
    if (!kind)
        kind = dtype_of(&k, &files[TENSOR_FILE_K], true, error);
    if (!kind)
        kind = dtype_of(&v, &files[TENSOR_FILE_V], true, error);
    if (kind)
        return kind;
    spec->kv_format = KV_AS_DTYPE;
    for (int format = KV_AS_DTYPE + 1; format < KV_FORMAT_COUNT; format++)
        if (k == v && problem_kv_dtype(&(struct problem){.kv_format = (enum kv_format)format}) == k)
            spec->kv_format = (enum kv_format)format;
    spec->k_scale = reading->facts.k_scale;
    spec->v_scale = reading->facts.v_scale;
    if (spec->kv_format == KV_AS_DTYPE && (spec->k_scale != 1 || spec->v_scale != 1))
        return error_set(error, ERROR_USAGE, "--k-scale, --v-scale: %s is of %s; allowed: with k and v of one fp8 type",
                         quote_path(path, files[TENSOR_FILE_K].name), dtypes[k].name);
    return ERROR_NONE;
}

static enum error_kind read_problem(struct reading *reading, struct error *error)
{
    const int64_t *length = reading->shape.length;
    struct judge_input *input = reading->input;
    struct problem_spec *spec = &reading->spec;
    *spec = (struct problem_spec){
        .num_queries = (int)length[ROLE_QUERIES],
        .num_heads = (int)length[ROLE_HEADS],
        .num_kv_heads = (int)length[ROLE_KV_HEADS],
        .head_dim = (int)length[ROLE_DIM],
        .scale = isnan(reading->facts.scale) ? (float)(1 / sqrt((double)length[ROLE_DIM])) : reading->facts.scale,
        .soft_cap = reading->facts.soft_cap,
        .kv_offset = reading->facts.kv_offset,
        .total_heads = (int)length[ROLE_HEADS],
        .max_bias = 8,
        .input = input_spec_default,
    };
    enum error_kind kind = choose_dtypes(reading, error);
    if (!kind)
        kind = read_slopes(reading, spec->num_heads, error);
    if (!kind && input->is_open[TENSOR_FILE_SINKS])
        kind = read_of_heads(&input->sinks, &input->files[TENSOR_FILE_SINKS], spec->num_heads, "sink", error);
    spec->slope_values = input->slopes;
    spec->num_slope_values = spec->num_heads;
    if (input->sinks)
        spec->sinks = (struct sink_spec){SINKS_VALUES, 0, spec->num_heads, input->sinks};
    return kind;
}

/* ---- sequences --------------------------------------------------------------------------------------------------- */

/* The dtypes were looked at. */
static struct tensor_view view_of(const struct tensor_file *file, const struct bound_axes *axes, enum axis_role first,
                                  enum axis_role second, int64_t first_element)
{
    struct error unused;
    struct tensor_view view = {
        .name = file->name,
        .elements = file->elements + first_element * (int64_t)element_types[file->layout.type].size_bytes,
        .strides = {axes->stride[first], axes->stride[second], axes->stride[ROLE_DIM]},
    };
    (void)dtype_of(&view.dtype, file, true, &unused);
    return view;
}

/* The first element of a sequence's queries. */
static int64_t first_of_queries(const struct reading *reading, const struct bound_axes *axes, int64_t b)
{
    return reading->facts.ragged_queries ? reading->first_query[b] * axes->stride[ROLE_QUERIES]
                                         : b * axes->stride[ROLE_SEQUENCES];
}

static int64_t first_of_keys(const struct reading *reading, const struct bound_axes *axes, int64_t b)
{
    return reading->first_key ? reading->first_key[b] * axes->stride[ROLE_KEYS] : b * axes->stride[ROLE_SEQUENCES];
}

static void forget(void *context)
{
    const struct judge_input *input = context;
    for (int t = TENSOR_FILE_K; t <= TENSOR_FILE_V; t++)
        tensor_forget(&input->files[t], 0, input->files[t].layout.num_elements);
}

static void make_point(struct point *point, const struct reading *reading, int64_t b)
{
    case_point(reading->input->cases.cases[0], 0, point);
    float scale = reading->spec.scale;
    point->problem = reading->spec;
    point->problem.num_queries = (int)(reading->first_query[b + 1] - reading->first_query[b]);
    point->problem.seq_len = reading->seq_lens[b];
    point->problem.q_position = reading->positions[b];
    point->problem.sequence = (int)b;
    point->demand = reading->facts.demand;
    judge_recipe_apply(point, reading->input, &reading->facts.tolerance);
    point->problem.scale = scale; /* 0 is no default here */
}

static struct tensor_view view_of_queries(const struct reading *reading, enum judge_tensor tensor,
                                          const struct bound_axes *axes, int64_t b)
{
    return view_of(&reading->input->files[tensor], axes, ROLE_QUERIES, ROLE_HEADS, first_of_queries(reading, axes, b));
}

/* The name of sequence b: what its bundle says, or made of what it is; of a workload, its uuid behind that. */
static char *key_of(const struct reading *reading, const struct problem_spec *problem, int64_t b)
{
    const char *uuid = reading->input->workload.uuid;
    char *longer = NULL;
    if (reading->bundle && reading->bundle->key)
        return strdup(reading->bundle->key);
    char *key = judged_key(problem, reading->num_sequences > 1 ? b : -1);
    if (!key || !uuid)
        return key;
    if (asprintf(&longer, "%s,workload=%s", key, uuid) < 0)
        longer = NULL;
    free(key);
    return longer;
}

/* Sequence b, as the next one that is judged. */
static enum error_kind make_sequence(struct reading *reading, int64_t b, int64_t mask_row, struct error *error)
{
    struct judge_input *input = reading->input;
    struct judged_sequence *sequence = &input->sequences[input->num_sequences];
    const struct tensor_file *files = input->files;
    bool paged = reading->facts.paged;
    enum axis_role of_keys = paged ? ROLE_SLOTS : ROLE_KEYS;
    const struct given_tensors given = {
        .q = view_of_queries(reading, TENSOR_FILE_Q, &reading->q, b),
        .k =
            view_of(&files[TENSOR_FILE_K], &reading->k, of_keys, ROLE_KV_HEADS, first_of_keys(reading, &reading->k, b)),
        .v =
            view_of(&files[TENSOR_FILE_V], &reading->v, of_keys, ROLE_KV_HEADS, first_of_keys(reading, &reading->v, b)),
        .pages = paged ? input->pages + b * reading->pages_a_row : NULL,
        .page_size = reading->shape.length[ROLE_SLOTS],
        .k_page_stride = reading->k.stride[ROLE_PAGES],
        .v_page_stride = reading->v.stride[ROLE_PAGES],
        .visible = input->visible ? input->visible + b * mask_row : NULL,
        .forget = forget,
        .context = input,
    };
    const struct tensor_view out = view_of_queries(reading, TENSOR_FILE_OUT, &reading->out, b);
    make_point(&sequence->point, reading, b);
    sequence->given = (struct given){
        .key = key_of(reading, &sequence->point.problem, b),
        .command = input->command,
        .masked = input->visible,
        .has_recipe = input->has_recipe,
        .lse_rounding = reading->facts.lse_base_2 ? LSE_BASE_ROUNDING : 0,
    };
    if (!sequence->given.key)
        return error_memory(error, "the name of a sequence", POINT_KEY_SIZE);
    judge_sample_say(&sequence->given, input, b);
    sequence->point.given = &sequence->given;
    sequence->point.workload = input->workload.uuid ? &input->workload : NULL;
    sequence->of_tensors = given_source(&sequence->point.problem, &given);
    sequence->source = &sequence->of_tensors.source;
    sequence->output = given_output(
        &out, input->lse ? input->lse + reading->first_query[b] * reading->shape.length[ROLE_HEADS] : NULL);
    sequence->has_other = input->is_open[TENSOR_FILE_OTHER];
    if (sequence->has_other) {
        const struct tensor_view other = view_of_queries(reading, TENSOR_FILE_OTHER, &reading->other, b);
        sequence->other = given_output(&other, NULL);
    }
    input->points[input->num_sequences] = sequence->point;
    return ERROR_NONE;
}

enum error_kind judge_input_quote(struct judge_input *input, const struct judge_options *options, struct error *error)
{
    size_t size;
    FILE *stream = open_memstream(&input->command, &size);
    bool complete = stream && fprintf(stream, "alibicheck judge") > 0;
    for (int i = 1; i < options->num_words && complete; i++) {
        char *word = text_shell_quote(options->words[i], false);
        complete = word && fprintf(stream, " %s", word) > 0;
        free(word);
    }
    complete = stream && fclose(stream) == 0 && complete;
    return complete ? ERROR_NONE : error_memory(error, "the command line", 4096);
}

static enum error_kind make_sequences(struct reading *reading, int64_t mask_row, struct error *error)
{
    struct judge_input *input = reading->input;
    size_t count = (size_t)reading->num_sequences;
    const struct judge_bundle *bundle = reading->bundle;
    enum error_kind kind = judge_recipe_read(input, bundle && bundle->case_name ? bundle->case_name : "judge",
                                             reading->options, NULL, error);
    if (!kind)
        kind = judge_recipe_check(input, reading->spec.head_dim, error);
    if (!kind)
        kind = judge_input_quote(input, reading->options, error);
    if (!kind)
        kind = judge_sample_draw(input, reading->options, reading->num_sequences,
                                 reading->num_queries * reading->spec.num_heads, error);
    if (kind)
        return kind;
    input->points = calloc(count, sizeof *input->points);
    input->sequences = calloc(count, sizeof *input->sequences);
    if (!input->points || !input->sequences)
        return error_memory(error, "sequences", (double)count * sizeof *input->sequences);
    for (int64_t b = 0; b < reading->num_sequences && !kind; b++)
        if (reading->first_query[b + 1] > reading->first_query[b] && judge_sample_has(input, b)) {
            kind = make_sequence(reading, b, mask_row, error);
            input->num_sequences++; /* and its key is to be freed */
        }
    return kind;
}

static enum error_kind open_tensors(struct judge_input *input, const struct judge_options *options,
                                    struct judge_bundle *bundle, struct error *error)
{
    struct reading reading = {.input = input, .bundle = bundle, .options = options};
    int64_t mask_row = 0;
    enum error_kind kind = judge_facts_read(&reading.facts, options, error);
    if (!kind)
        kind = open_files(&reading, error);
    if (!kind)
        kind = reinterpret(&reading, error);
    if (!kind)
        kind = bind_shapes(&reading, error);
    if (!kind)
        kind = check_shapes(&reading, error);
    if (!kind)
        kind = read_problem(&reading, error);
    if (!kind)
        kind = read_queries(&reading, error);
    if (!kind)
        kind = read_lengths(&reading, error);
    if (!kind)
        kind = read_positions(&reading, error);
    if (!kind)
        kind = read_mask(&reading, &mask_row, error);
    if (!kind)
        kind = read_lse(&reading, error);
    if (!kind)
        kind = make_sequences(&reading, mask_row, error);
    free(reading.first_query);
    free(reading.first_key);
    free(reading.seq_lens);
    free(reading.positions);
    return kind;
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Those that go with --definition alone. */
static enum error_kind refuse_trace_options(const struct judge_options *options, struct error *error)
{
    static const enum judge_option of_traces[] = {GIVEN_ROOT, GIVEN_SEED};
    char name[JUDGE_NAME_SIZE];
    for (size_t i = 0; i < sizeof of_traces / sizeof *of_traces; i++)
        if (options->values[of_traces[i]])
            return error_set(error, ERROR_USAGE, "%s: without a workload; allowed: with --definition and --workload",
                             judge_option_name(name, of_traces[i]));
    return ERROR_NONE;
}

/* What is judged, of which --other is a tensor if anything. */
static enum error_kind open_exhibit(struct judge_input *input, const struct judge_options *options, struct error *error)
{
    struct judge_bundle bundle;
    bool traced = judge_trace_is(options);
    enum error_kind kind = traced ? ERROR_NONE : refuse_trace_options(options, error);
    if (kind)
        return kind;
    if (!options->exhibit && !traced)
        return open_tensors(input, options, NULL, error);
    bool recorded = !traced && judge_recorder_is(options->exhibit);
    if (!traced && !recorded && is_folder(options->exhibit))
        return judge_input_open_folder(input, options, error);
    kind = traced     ? judge_trace_open(&bundle, options, error)
           : recorded ? judge_recorder_open(&bundle, options, error)
                      : judge_bundle_open(&bundle, options, error);
    input->workload = bundle.workload;
    bundle.workload = (struct given_workload){.uuid = NULL};
    if (!kind)
        kind = open_tensors(input, &bundle.options, &bundle, error);
    input->has_digest = !kind && bundle.has_digest;
    input->input_digest = bundle.input_digest;
    judge_bundle_clear(&bundle);
    return kind;
}

enum error_kind judge_input_open(struct judge_input *input, const struct judge_options *options, struct error *error)
{
    const char *const *values = options->values;
    *input = (struct judge_input){
        .mode = !values[GIVEN_RECIPE]                              ? JUDGE_TOLERANCE
                : values[GIVEN_BUDGET] && !values[GIVEN_TOLERANCE] ? JUDGE_BUDGET
                                                                   : JUDGE_BOTH,
    };
    return open_exhibit(input, options, error);
}

void judge_input_clear(struct judge_input *input)
{
    for (int t = 0; t < TENSOR_FILE_COUNT; t++)
        if (input->is_open[t])
            tensor_close(&input->files[t]);
    for (int64_t b = 0; input->sequences && b < input->num_sequences; b++) {
        free(input->sequences[b].given.key);
        if (input->sequences[b].source == &input->sequences[b].of_folder.source)
            dumped_source_clear(&input->sequences[b].of_folder);
    }
    judge_sample_clear(input);
    case_list_clear(&input->cases);
    free(input->points);
    free(input->sequences);
    free(input->slopes);
    free(input->sinks);
    free(input->lse);
    free(input->visible);
    free(input->pages);
    free(input->command);
    free(input->workload.definition);
    free(input->workload.uuid);
    *input = (struct judge_input){.num_sequences = 0};
}

enum error_kind judge_input_check(const struct judge_input *input, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int t = 0; t < TENSOR_FILE_COUNT && !kind; t++)
        if (input->is_open[t])
            kind = tensor_check_unchanged(&input->files[t], error);
    return kind;
}
