#include "harness/subject/launching.h"

#include <stdlib.h>

#include "harness/support/memory.h"

/* ---- buffers ----------------------------------------------------------------------------------------------------- */

static size_t kv_bytes(const struct problem *problem)
{
    return (size_t)problem->seq_len * (size_t)problem->num_kv_heads * (size_t)problem->head_dim *
           dtypes[problem_kv_dtype(problem)].size_bytes;
}

/* How sequence i is to lie. */
static struct sequence_strides strides_of(const struct sequences *sequences, int i)
{
    struct sequence_strides strides;
    if (sequences->strides)
        return sequences->strides[i];
    sequence_strides_make(&strides, &sequences->problems[i], sequences->pages, 0);
    return strides;
}

static bool lies_behind(const struct sequences *sequences)
{
    return sequences->strides && sequences->strides->far_elements == 0;
}

/* A tensor of sequence i, of so many bytes, where it is packed; or of the pools. */
static bool give_tensor(struct given_tensor *given, const char *name, const struct launching *launching, int i,
                        enum strided_tensor tensor, const void *packed, size_t size_bytes)
{
    const struct sequences *sequences = launching->sequences;
    const struct strided_shape shape = strided_shape(&sequences->problems[i], sequences->pages, tensor);
    const bool of_keys = tensor == STRIDED_K || tensor == STRIDED_V;
    if (of_keys && sequences->strides && sequences->strides[i].far_elements > 0)
        return give_far(given, name, packed, &sequences->strides[i].of[tensor], &shape,
                        sequences->strides[i].far_elements);
    if (sequences->strides)
        return give_strided(given, name, packed, &sequences->strides[i].of[tensor], &shape, launching->fencing);
    return give(given, name, packed, size_bytes, dtype_nan_byte(shape.dtype), launching->giving);
}

/* What is no tensor of head_dim elements, of numbers of so many bytes: where those do not lie packed, from its second
 * number on, as a part of a longer one does. k and v that are far lie so for their own sake. */
static bool give_numbers(struct given_tensor *given, const char *name, const struct launching *launching,
                         const void *numbers, size_t count, size_t number_bytes, int zone_byte)
{
    const size_t bytes = count * number_bytes;
    if (lies_behind(launching->sequences))
        return give_behind(given, name, numbers, bytes, zone_byte, number_bytes, launching->fencing);
    return give(given, name, numbers, bytes, zone_byte, launching->giving);
}

static bool guard_out(struct guarded *guarded, const struct sequences *sequences, int i)
{
    const struct problem *problem = &sequences->problems[i];
    const void *out = sequences->outputs[i].out;
    const struct strided_shape shape = strided_shape(problem, NULL, STRIDED_OUT);
    if (sequences->strides)
        return guard_strided(guarded, "out", out, &sequences->strides[i].of[STRIDED_OUT], &shape);
    return guard(guarded, "out", out, (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes);
}

static bool give_sequence(struct guarded_sequence *sequence, const struct launching *launching, int i)
{
    const struct problem *problem = &launching->sequences->problems[i];
    const size_t q_bytes = (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes;
    const bool paged = launching->sequences->pages;
    struct given_tensor *given = sequence->given;
    const size_t keys_bytes = kv_bytes(problem);
    return give_tensor(&given[GIVEN_Q], "q", launching, i, STRIDED_Q, problem->q, q_bytes) &&
           (paged || (give_tensor(&given[GIVEN_K], "k", launching, i, STRIDED_K, problem->k, keys_bytes) &&
                      give_tensor(&given[GIVEN_V], "v", launching, i, STRIDED_V, problem->v, keys_bytes))) &&
           give_numbers(&given[GIVEN_VISIBLE], "visible", launching, problem->visible, (size_t)problem->seq_len,
                        sizeof *problem->visible, ZONE_OF_WHOLES);
}

static bool give_pages(struct given_tensor given[], const struct launching *launching)
{
    const struct paged_cache *pages = launching->sequences->pages;
    const size_t count = (size_t)launching->sequences->count;
    const size_t pool_bytes = paged_cache_bytes(pages, launching->sequences->problems);
    return give_tensor(&given[GIVEN_K_PAGES], "k_pages", launching, 0, STRIDED_K, pages->k, pool_bytes) &&
           give_tensor(&given[GIVEN_V_PAGES], "v_pages", launching, 0, STRIDED_V, pages->v, pool_bytes) &&
           give_numbers(&given[GIVEN_BLOCK_TABLE], "block_table", launching, pages->block_table,
                        count * (size_t)pages->max_pages, sizeof *pages->block_table, ZONE_OF_WHOLES) &&
           give_numbers(&given[GIVEN_SEQ_LENS], "seq_lens", launching, pages->seq_lens, count, sizeof *pages->seq_lens,
                        ZONE_OF_WHOLES);
}

/* ---- launches ---------------------------------------------------------------------------------------------------- */

struct alibicheck_kernel_launch launching_describe(const struct launching *launching)
{
    const struct problem *first = launching->sequences->problems;
    const bool fp8 = first->kv_format != KV_AS_DTYPE;
    const struct paged_cache *pages = launching->sequences->pages;
    struct alibicheck_kernel_launch launch = {
        .sequences = launching->seen,
        .num_sequences = launching->sequences->count,
        .num_queries = problem_queries(first),
        .num_heads = first->num_heads,
        .num_kv_heads = first->num_kv_heads,
        .head_dim = first->head_dim,
        .dtype = ability_of_dtype(first->dtype),
        .kv_dtype = ability_of_dtype(problem_kv_dtype(first)),
        .scale = first->scale,
        .k_scale = fp8 ? first->k_scale : 1,
        .v_scale = fp8 ? first->v_scale : 1,
        .soft_cap = first->soft_cap ? first->soft_cap_value : 0,
        .soft_cap_after_bias = first->soft_cap == SOFT_CAP_AFTER_BIAS,
        .slopes = given_first(&launching->slopes),
        .sink_logits = given_first(&launching->sinks),
        .strides = launching->strides,
    };
    if (pages) {
        launch.page_size = pages->page_size;
        launch.num_pages = (int32_t)pages->num_pages;
        launch.max_pages = pages->max_pages;
        launch.k_pages = given_first(&launching->pages[GIVEN_K_PAGES]);
        launch.v_pages = given_first(&launching->pages[GIVEN_V_PAGES]);
        launch.block_table = given_first(&launching->pages[GIVEN_BLOCK_TABLE]);
        launch.seq_lens = given_first(&launching->pages[GIVEN_SEQ_LENS]);
        launch.k_page = strides_of(launching->sequences, 0).of[STRIDED_K].page;
        launch.v_page = strides_of(launching->sequences, 0).of[STRIDED_V].page;
    }
    return launch;
}

static struct alibicheck_kernel_strides describe_strides(const struct sequence_strides *strides)
{
    return (struct alibicheck_kernel_strides){
        .q_query = strides->of[STRIDED_Q].row,
        .q_head = strides->of[STRIDED_Q].head,
        .k_key = strides->of[STRIDED_K].row,
        .k_head = strides->of[STRIDED_K].head,
        .v_key = strides->of[STRIDED_V].row,
        .v_head = strides->of[STRIDED_V].head,
        .out_query = strides->of[STRIDED_OUT].row,
        .out_head = strides->of[STRIDED_OUT].head,
    };
}

static enum error_kind prepare_sequence(struct launching *launching, int i, struct error *error)
{
    const struct sequences *sequences = launching->sequences;
    const struct problem *problem = &sequences->problems[i];
    struct guarded_sequence *guarded = &launching->guarded[i];
    const struct sequence_strides strides = strides_of(sequences, i);
    const size_t lse_bytes = (size_t)problem_rows(problem) * sizeof(float);
    if (!guard_out(&guarded->out, sequences, i) ||
        !guard_behind(&guarded->lse, "lse", launching->with_lse ? sequences->outputs[i].lse : NULL, lse_bytes,
                      lies_behind(sequences) ? sizeof(float) : 0))
        return error_memory(error, "the output of a launch", (double)(guarded->out.size_bytes + lse_bytes));
    if (!give_sequence(guarded, launching, i))
        return error_memory(error, "the inputs of a launch", 2 * (double)kv_bytes(problem));
    launching->strides[i] = describe_strides(&strides);
    launching->seen[i] = (struct alibicheck_kernel_sequence){
        .seq_len = problem->seq_len,
        .q_position = problem->q_position,
        .kv_offset = problem->kv_offset,
        .q = given_first(&guarded->given[GIVEN_Q]),
        .k = given_first(&guarded->given[GIVEN_K]),
        .v = given_first(&guarded->given[GIVEN_V]),
        .visible = given_first(&guarded->given[GIVEN_VISIBLE]),
        .out = guarded_first(&guarded->out),
        .lse = guarded_first(&guarded->lse),
    };
    return ERROR_NONE;
}

enum error_kind launching_prepare(struct launching *launching, struct error *error)
{
    const struct sequences *sequences = launching->sequences;
    const size_t count = (size_t)sequences->count;
    enum error_kind kind = ERROR_NONE;
    launching->seen = calloc(count, sizeof *launching->seen);
    launching->strides = calloc(count, sizeof *launching->strides);
    launching->guarded = calloc(count, sizeof *launching->guarded);
    if (!launching->seen || !launching->strides || !launching->guarded)
        return error_memory(error, "a launch", (double)(count * sizeof *launching->guarded));
    for (int i = 0; i < sequences->count && !kind; i++)
        kind = prepare_sequence(launching, i, error);
    if (kind)
        return kind;
    const struct problem *first = sequences->problems;
    const size_t heads = (size_t)first->num_heads;
    const int of_f32 = dtype_nan_byte(DTYPE_F32);
    if (!give_numbers(&launching->slopes, "slopes", launching, first->slopes, heads, sizeof *first->slopes, of_f32) ||
        !give_numbers(&launching->sinks, "sink_logits", launching, first->sink_logits, heads,
                      sizeof *first->sink_logits, of_f32) ||
        (sequences->pages && !give_pages(launching->pages, launching)))
        return error_memory(error, "the inputs of a launch", (double)heads * sizeof *first->slopes);
    return ERROR_NONE;
}

/* NaN first, so that who reads what nobody has written shows it; then numbers, of which no two launches on end have the
 * same, so that who counts on what a launch has left does. */
enum error_kind launching_give_workspace(struct launching *launching, const struct alibicheck_kernel *kernel,
                                         unsigned launch, struct alibicheck_kernel_launch *given, struct error *error)
{
    static const int poison[] = {0xff, 0x3c, 0xbd, 0x01};
    if (kernel->abi < 4 || !kernel->workspace_bytes)
        return ERROR_NONE;
    const uint64_t bytes = kernel->workspace_bytes(kernel->context, given);
    if (bytes == 0)
        return ERROR_NONE;
    if ((double)bytes > memory_available_bytes() ||
        !guard_filled(&launching->workspace, "workspace", poison[launch % (sizeof poison / sizeof *poison)],
                      (size_t)bytes))
        return error_set(error, ERROR_SUBJECT, "it asks for a workspace of %llu bytes, for which there is no memory",
                         (unsigned long long)bytes);
    given->workspace = guarded_first(&launching->workspace);
    given->workspace_bytes = bytes;
    return ERROR_NONE;
}

static void audit_inputs(const struct launching *launching, struct memory_audit *audit)
{
    for (int i = 0; i < launching->sequences->count; i++)
        for (int t = 0; t < GIVEN_COUNT; t++)
            given_audit(&launching->guarded[i].given[t], audit);
    for (int t = 0; t < GIVEN_OF_PAGES_COUNT; t++)
        given_audit(&launching->pages[t], audit);
    given_audit(&launching->slopes, audit);
    given_audit(&launching->sinks, audit);
}

/* What was written, and where: outputs first, so that a stray write to another sequence's is not lost. */
enum error_kind launching_take(const struct launching *launching, struct memory_audit *audit, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < launching->sequences->count && !kind; i++) {
        const struct guarded_sequence *guarded = &launching->guarded[i];
        const struct output *output = &launching->sequences->outputs[i];
        guarded_take(output->out, &guarded->out);
        guarded_take(output->lse, &guarded->lse);
        if (audit)
            kind = guarded_audit(&guarded->out, output->out, audit, error);
        if (audit && !kind)
            kind = guarded_audit(&guarded->lse, output->lse, audit, error);
    }
    if (audit && !kind)
        kind = guarded_audit(&launching->workspace, NULL, audit, error);
    if (audit)
        audit_inputs(launching, audit);
    return kind;
}

void launching_clear(struct launching *launching)
{
    for (int i = 0; launching->guarded && i < launching->sequences->count; i++) {
        free(launching->guarded[i].out.memory);
        free(launching->guarded[i].lse.memory);
        for (int t = 0; t < GIVEN_COUNT; t++)
            given_clear(&launching->guarded[i].given[t]);
    }
    for (int t = 0; t < GIVEN_OF_PAGES_COUNT; t++)
        given_clear(&launching->pages[t]);
    given_clear(&launching->slopes);
    given_clear(&launching->sinks);
    free(launching->workspace.memory);
    free(launching->guarded);
    free(launching->strides);
    free(launching->seen);
}
