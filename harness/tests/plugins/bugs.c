/*
 * Attention on the CPU with one bug that kernels in use have had, which BUG names, or with none in one of the forms
 * that sound kernels have. bug_forms.h lists them, and the other bug_*.h have what each gets wrong.
 * scripts/check-plugins compiles each and sends it through situations of cases/gauntlet.
 */
#include "harness/tests/plugins/bug_output.h"

static bool has_sink(const struct row *row, const struct sums *sums)
{
    bool first_chunk = row->sequence->seq_len <= CHUNK;
    for (int64_t key = 0; key < CHUNK && !first_chunk; key++)
        first_chunk = sees(row, key);
    return BUG != NO_SINK &&
           !(BUG == NO_SINK_LONG_GROUPS && is_long(row) && row->launch->num_heads > row->launch->num_kv_heads) &&
           !(BUG == NO_SINK_BEYOND_8192 && row->sequence->seq_len > 8192) &&
           !(BUG == SINK_OF_EMPTY && sums->weights == 0) &&
           !(BUG == SINK_OF_QUERIES && sums->weights == 0 && row->launch->num_queries > 1) &&
           !(BUG == SINK_OF_FIRST_CHUNK && !first_chunk);
}

/* Whether a chunk between the first and the last one has no visible key. */
static bool has_gap(const struct row *row)
{
    for (int64_t first = CHUNK; first + CHUNK < row->sequence->seq_len; first += CHUNK) {
        bool any = false;
        for (int64_t key = first; key < first + CHUNK && !any; key++)
            any = sees(row, key);
        if (!any)
            return true;
    }
    return false;
}

/* Which sink a row is given. */
static int sink_of(const struct row *row)
{
    switch (BUG) {
    case SINK_OF_KV_HEAD:
        return kv_head(row);
    case SINKS_OF_8:
        return row->head % 8;
    case SINKS_OF_32:
        return row->head % 32;
    default:
        return row->head;
    }
}

static void attend_buggy(const launch_t *launch, int i, int query, int head)
{
    static struct sums sums;
    const sequence_t *sequence = &launch->sequences[i], *next = &launch->sequences[(i + 1) % launch->num_sequences];
    const bool reads_next = BUG == NEIGHBOUR && next->seq_len > 0;
    struct row row = {launch, sequence, reads_next ? next : sequence, query, head, launch->num_queries - 1 - query};
    if (BUG == TOP_LEFT)
        row.later = sequence->seq_len - 1 - query > 0 ? sequence->seq_len - 1 - query : 0;
    if (BUG == BATCH_OF_128)
        row.keys = &launch->sequences[i % 128];
    const int64_t count = sequence->seq_len - row.later, in_pages = launch->page_size > 0;
    const int64_t tile = BUG == PAST_THE_END && in_pages     ? launch->page_size
                         : BUG == TILE_PAST_END && !in_pages ? 64
                                                             : 1;
    add_up(&sums, &row, (count + tile - 1) / tile * tile);
    if (launch->sink_logits && has_sink(&row, &sums)) {
        const float logit = launch->sink_logits[sink_of(&row)];
        const double sink = BUG == SINK_BF16 ? BF16(logit) : logit;
        if (sink > sums.max && !(BUG == SINK_OVERFLOWS && sums.weights > 0))
            raise(&sums, launch->head_dim, sink, false);
        sums.weights += exponential(sink - sums.max);
    }
    if (BUG == GAPS_DIVIDED && has_gap(&row))
        sums.values[0] = NAN;
    if (!(BUG == EMPTY_OF_BATCH && sequence->seq_len == 0 && launch->num_sequences > 1 && launch->sink_logits))
        end(&sums, &row);
}

/* Which of the launch's entries is taken for this one. */
static size_t misplaced(const launch_t *launch, size_t entry)
{
    const size_t columns = (size_t)launch->max_pages, count = (size_t)launch->num_sequences * columns;
    const size_t row = entry / columns, column = entry % columns;
    switch (BUG) {
    case PAGE_ROWS:
        return (entry + columns) % count;
    case ROWS_BY_FIRST:
        return launch->page_size == 1 ? row * (size_t)launch->sequences->seq_len + column : entry;
    case ROWS_BY_LONGEST:
        return row * (columns - 1) + column; /* there is one entry more */
    case ENTRIES_OF_1024:
        return launch->page_size == 16 ? row * columns + column % 1024 : entry;
    case ENTRIES_OF_2048:
        return launch->num_sequences > 1 ? row * columns + column % 2048 : entry;
    default:
        return entry;
    }
}

/* A block table that is read wrongly, whole pools being shared. */
static int32_t *misread(const launch_t *launch)
{
    const size_t columns = (size_t)launch->max_pages, count = (size_t)launch->num_sequences * columns;
    int32_t *table = malloc((count + 1) * sizeof *table);
    for (size_t i = 0; table && i < count; i++)
        table[i] = BUG == PAGE_IDS_WIDE
                       ? *(const int32_t *)wide(launch->block_table, (int64_t)i)
                       : launch->block_table[misplaced(launch, i) % count] & (BUG == PAGE_IDS_16 ? 0xffff : -1);
    return table;
}

static bool has_shapes_of(const launch_t *launch, int64_t len, const launch_t *other, int64_t other_len)
{
    return len == other_len && launch->num_sequences == other->num_sequences && launch->head_dim == other->head_dim &&
           launch->num_heads == other->num_heads && launch->num_queries == other->num_queries;
}

/* The first or, of one that is kept, the last launch before with this one's shapes; this one where there is none. */
static const launch_t *kept_of(const launch_t *launch)
{
    enum { PLANS = 256 };
    static launch_t plans[PLANS];
    static int64_t lens[PLANS];
    static int count;
    const int64_t len = launch->sequences->seq_len;
    const int most = BUG == SCALE_KEPT ? 1 : PLANS;
    for (int i = 0; i < count; i++)
        if (has_shapes_of(launch, len, &plans[i], lens[i]))
            return &plans[i];
    count = count < most ? count + 1 : most;
    plans[count - 1] = *launch;
    lens[count - 1] = len;
    return launch;
}

static int32_t launch_buggy(void *context, const launch_t *given, char *text, uint64_t text_size)
{
    launch_t changed = *given;
    const launch_t *launch = &changed;
    (void)context, (void)text, (void)text_size;
    const bool misreads = BUG == PAGE_IDS_16 || BUG == PAGE_ROWS || BUG == ROWS_BY_FIRST || BUG == ENTRIES_OF_2048 ||
                          BUG == ENTRIES_OF_1024 || BUG == ROWS_BY_LONGEST || BUG == PAGE_IDS_WIDE;
    int32_t *table = misreads && given->page_size > 0 ? misread(given) : NULL;
    if (table)
        changed.block_table = table;
    if (BUG == SCALE_KEPT || BUG == SCALE_OF_FIRST)
        changed.scale = kept_of(given)->scale;
    if (BUG == K_SCALE_OF_FIRST)
        changed.k_scale = kept_of(given)->k_scale;
    int count = launch->num_sequences;
    plan_parts(launch);
    count_parts(launch);
    for (int i = 0; i < launch->num_sequences && launch->num_sequences > 1 && BUG == AS_MANY_AS_FULL; i++)
        count -= launch->sequences[i].seq_len == 0;
    if (BUG == EMPTY_FIRST && launch->sequences->seq_len == 0)
        count = 1;
    for (int i = 0; i < count; i++)
        for (int query = 0; query < launch->num_queries; query++)
            for (int head = 0; head < launch->num_heads; head++)
                attend_buggy(launch, i, query, head);
    free(table);
    return 0;
}

const struct alibicheck_kernel *alibicheck_kernel_describe(uint32_t abi)
{
    static struct alibicheck_kernel buggy;
    buggy = *describe_sound(abi);
    buggy.name = "buggy";
    buggy.launch = launch_buggy;
    buggy.takes |= ALIBICHECK_KERNEL_SOFT_CAP | ALIBICHECK_KERNEL_CAP_BIASED | ALIBICHECK_KERNEL_SINK_LOGITS | FP8;
    buggy.arithmetic = BUG == NARROW ? "f32+weights16" : "f32";
    if (BUG == NARROW)
        buggy.takes &= ~ALIBICHECK_KERNEL_F32;
    if (BUG == ALIGNED_32)
        buggy.takes &= ~(uint32_t)(ALIBICHECK_KERNEL_STRIDES | ALIBICHECK_KERNEL_UNALIGNED);
    if (BUG == MAX_OF_BATCH) /* with the promise it is seen wherever a sequence has company */
        buggy.takes &= ~ALIBICHECK_KERNEL_SAME_BITS;
    return &buggy;
}
