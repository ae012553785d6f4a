#include "harness/judge/contract/contract_table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "reference/slopes.h"

bool contract_say(struct contract_trial *trial, const char *format, ...)
{
    size_t length = strlen(trial->text);
    va_list arguments;
    if (length > 0 && length + 5 < sizeof trial->text)
        length += (size_t)snprintf(trial->text + length, sizeof trial->text - length, " and ");
    va_start(arguments, format);
    vsnprintf(trial->text + length, sizeof trial->text - length, format, arguments);
    va_end(arguments);
    return true;
}

/* ---- scales ------------------------------------------------------------------------------------------------------ */

enum { SCALE_VARIANTS = 11 };

static bool make_scale(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    double stated = (double)trial->problem.scale, dim = trial->problem.head_dim;
    const struct {
        double scale;
        const char *what;
    } variants[SCALE_VARIANTS] = {
        {1 / sqrt(dim), "1/sqrt(head_dim)"},
        {1, "none"},
        {stated * stated, "the scale twice"},
        {1 / dim, "1/head_dim"},
        {1 / sqrt(2 * dim), "1/sqrt(2 head_dim)"},
        {1 / sqrt(dim / 2), "1/sqrt(head_dim / 2)"},
        {sqrt(stated), "the square root of it"},
        {stated * M_LOG2E, "log2(e) times it"},
        {stated * M_LN2, "ln 2 times it"},
        {stated * 2, "twice it"},
        {stated / 2, "half of it"},
    };
    float scale = (float)variants[variant].scale;
    for (int earlier = 0; earlier < variant; earlier++)
        if ((float)variants[earlier].scale == scale)
            return false;
    if (scale == trial->problem.scale || !isfinite(scale))
        return false;
    trial->problem.scale = scale;
    return contract_say(trial, "scale %.9g in place of %.9g (%s)", (double)scale, stated, variants[variant].what);
}

static bool make_kv_scales(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    struct problem *problem = &trial->problem;
    float k = problem->k_scale, v = problem->v_scale;
    const struct {
        float k, v;
        const char *what;
    } variants[] = {
        {1, 1, "ignored"},
        {1, v, "that of k ignored"},
        {k, 1, "that of v ignored"},
        {v, k, "exchanged"},
        {k * k, v * v, "taken twice"},
        {1 / k, 1 / v, "divided by"},
        {k * k, v, "that of k taken twice"},
        {k, v * v, "that of v taken twice"},
    };
    if (problem->kv_format == KV_AS_DTYPE || (variants[variant].k == k && variants[variant].v == v) ||
        !isfinite(variants[variant].k) || !isfinite(variants[variant].v))
        return false;
    for (int earlier = 0; earlier < variant; earlier++)
        if (variants[earlier].k == variants[variant].k && variants[earlier].v == variants[variant].v)
            return false;
    problem->k_scale = variants[variant].k;
    problem->v_scale = variants[variant].v;
    return contract_say(trial, "k_scale and v_scale %s", variants[variant].what);
}

/* A power of two leaves an output's bits what they are; others do not. */
static bool make_output_scale(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const float factors[] = {2, 0.5f, 4, 0.25f};
    const struct problem *problem = &trial->problem;
    float values[64], factor = factors[variant];
    if (!contract_own_out(trial))
        return false;
    for (int64_t first = 0; first < problem_elements(problem); first += 64) {
        size_t now = problem_elements(problem) - first < 64 ? (size_t)(problem_elements(problem) - first) : 64;
        dtype_widen(problem->dtype, trial->output.out, (size_t)first, now, values);
        for (size_t i = 0; i < now; i++)
            values[i] /= factor;
        dtype_narrow(problem->dtype, trial->output.out, (size_t)first, now, values);
    }
    return contract_say(trial, "v or the output multiplied by %g", (double)factor);
}

/* ---- slopes ------------------------------------------------------------------------------------------------------ */

/* False where the slopes are what they were. */
static bool slopes_differ(const struct contract_trial *trial)
{
    size_t size = (size_t)trial->problem.num_heads * sizeof(float);
    return memcmp(trial->problem.slopes, trial->before.slopes, size) != 0;
}

static bool make_no_bias(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    (void)variant;
    float *slopes = contract_own_slopes(trial);
    for (int h = 0; slopes && h < trial->problem.num_heads; h++)
        slopes[h] = 0;
    return slopes && slopes_differ(trial) && contract_say(trial, "no bias");
}

enum { MAX_BIASES = 3 };

static bool make_convention(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const double max_biases[MAX_BIASES] = {8, 16, 4};
    const struct problem *problem = &trial->problem;
    enum slope_convention convention = (enum slope_convention)(variant / MAX_BIASES);
    double max_bias = max_biases[variant % MAX_BIASES];
    float *slopes = contract_own_slopes(trial);
    bool whole = problem_whole_heads(problem) == problem->num_heads;
    if (!slopes || !whole)
        return false;
    slopes_fill(slopes, problem->num_heads, convention, max_bias, 0, problem->num_heads);
    return slopes_differ(trial) && contract_say(trial, "slopes of the %s convention, max_bias %g",
                                                slope_convention_names[convention], max_bias);
}

static bool make_slope_factor(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    double scale = (double)trial->problem.scale;
    const struct {
        double factor;
        const char *what;
    } variants[] = {
        {-1, "of the opposite sign"},
        {M_LOG2E, "multiplied by log2(e)"},
        {M_LN2, "multiplied by ln 2"},
        {scale, "multiplied by the scale"},
        {1 / scale, "divided by the scale"},
        {2, "counted twice"},
        {0.5, "halved"},
    };
    float *slopes = contract_own_slopes(trial);
    for (int h = 0; slopes && h < trial->problem.num_heads; h++)
        slopes[h] = (float)((double)slopes[h] * variants[variant].factor);
    for (int h = 0; slopes && h < trial->problem.num_heads; h++)
        if (!isfinite(slopes[h]))
            return false;
    return slopes && slopes_differ(trial) && contract_say(trial, "biases %s", variants[variant].what);
}

/* Slopes that heads take from one another. */
static bool make_slope_heads(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const char *const what[] = {"that of the next head", "that of the head before", "in reversed order"};
    int heads = trial->problem.num_heads;
    float *slopes = contract_own_slopes(trial);
    const float *before = trial->before.slopes;
    for (int h = 0; slopes && h < heads; h++)
        slopes[h] = before[variant == 2 ? heads - 1 - h : (h + (variant ? heads - 1 : 1)) % heads];
    return slopes && slopes_differ(trial) && contract_say(trial, "each head's slope %s", what[variant]);
}

/* ---- layouts ----------------------------------------------------------------------------------------------------- */

/* [Hkv, N, D] where [N, Hkv, D] was stated, and the other way round. */
static void read_heads_first(const struct problem *problem, int64_t by, int64_t *key, int *kv_head)
{
    (void)by;
    int64_t at = *kv_head * problem->seq_len + *key;
    *key = at / problem->num_kv_heads;
    *kv_head = (int)(at % problem->num_kv_heads);
}

static void read_keys_first(const struct problem *problem, int64_t by, int64_t *key, int *kv_head)
{
    (void)by;
    int64_t at = *key * problem->num_kv_heads + *kv_head;
    *kv_head = (int)(at / problem->seq_len);
    *key = at % problem->seq_len;
}

static bool make_layout(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const struct {
        unsigned which;
        bool keys_first;
        const char *what;
    } variants[] = {
        {MOVE_K | MOVE_V, false, "k and v as [KV heads, keys, head_dim], not [keys, KV heads, head_dim]"},
        {MOVE_K | MOVE_V, true, "k and v as [keys, KV heads, head_dim], not [KV heads, keys, head_dim]"},
        {MOVE_K, false, "k alone as [KV heads, keys, head_dim]"},
        {MOVE_V, false, "v alone as [KV heads, keys, head_dim]"},
        {MOVE_K, true, "k alone as [keys, KV heads, head_dim]"},
        {MOVE_V, true, "v alone as [keys, KV heads, head_dim]"},
    };
    if (trial->problem.num_kv_heads < 2 || trial->problem.seq_len < 2)
        return false;
    return contract_move_keys(trial, variants[variant].which,
                              variants[variant].keys_first ? read_keys_first : read_heads_first, 0) &&
           contract_say(trial, "%s", variants[variant].what);
}

static bool make_exchange(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    struct problem *problem = &trial->problem;
    const void *k = problem->k;
    (void)variant;
    problem->k = problem->v;
    problem->v = k;
    problem->bounds = NULL;
    contract_key_source *of_k = trial->source[0];
    int64_t by = trial->source_by[0];
    trial->source[0] = trial->source[1];
    trial->source[1] = of_k;
    trial->source_by[0] = trial->source_by[1];
    trial->source_by[1] = by;
    return contract_say(trial, "k and v exchanged");
}

/* ---- places of keys ---------------------------------------------------------------------------------------------- */

/* by keys later, as far as there are any. */
static void shifted(const struct problem *problem, int64_t by, int64_t *key, int *kv_head)
{
    int64_t of = *key + by;
    (void)kv_head;
    *key = of < 0 ? 0 : of < problem->seq_len ? of : problem->seq_len - 1;
}

/* k or v alone a key off, or two. */
static bool make_shifted(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const int64_t by[] = {1, -1, 2, -2};
    bool of_v = variant / 4;
    int64_t shift = by[variant % 4];
    if (trial->problem.seq_len < 4)
        return false;
    return contract_move_keys(trial, of_v ? MOVE_V : MOVE_K, shifted, shift) &&
           contract_say(trial, "%s of the key %s%s", of_v ? "v" : "k", shift * shift > 1 ? "two places " : "",
                        shift > 0 ? "after" : "before");
}

/* Whole pages of so many keys in reversed order; what is left over stays. */
static void pages_reversed(const struct problem *problem, int64_t by, int64_t *key, int *kv_head)
{
    int64_t pages = problem->seq_len / by, page = *key / by;
    (void)kv_head;
    if (page < pages)
        *key = (pages - 1 - page) * by + *key % by;
}

/* Each two pages the one in the other's place. */
static void pages_in_pairs(const struct problem *problem, int64_t by, int64_t *key, int *kv_head)
{
    int64_t pages = problem->seq_len / by / 2 * 2, page = *key / by;
    (void)kv_head;
    if (page < pages)
        *key = (page ^ 1) * by + *key % by;
}

/* Each page the one behind it, the last one the first. */
static void pages_later(const struct problem *problem, int64_t by, int64_t *key, int *kv_head)
{
    int64_t pages = problem->seq_len / by, page = *key / by;
    (void)kv_head;
    if (page < pages)
        *key = (page + 1) % pages * by + *key % by;
}

enum { PAGE_SIZES = 5 };

static bool make_pages(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static contract_key_source *const orders[] = {pages_reversed, pages_in_pairs, pages_later};
    static const char *const what[] = {"in reversed order", "exchanged two by two", "one page late"};
    int order = variant / PAGE_SIZES;
    int64_t size = INT64_C(16) << variant % PAGE_SIZES, pages = trial->problem.seq_len / size;
    if (pages < 2 || (order > 0 && pages == 2) || (order > 1 && pages < 4)) /* which are one order */
        return false;
    return contract_move_keys(trial, MOVE_K | MOVE_V, orders[order], size) &&
           contract_say(trial, "pages of %lld keys %s", (long long)size, what[order]);
}

enum { HEADS_MAX = 4096 };

/* ---- KV heads ---------------------------------------------------------------------------------------------------- */

/* Query heads put in the order in which a kernel would have had them: head h reads the KV head of place h. */
static bool make_kv_heads(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const char *const what[] = {
        "query head h reads KV head h mod Hkv, not h / (H / Hkv)",
        "query heads read the next KV head",
        "query heads read the KV head before",
        "KV heads in reversed order",
    };
    const struct problem *problem = &trial->problem;
    int heads = problem->num_heads, kv_heads = problem->num_kv_heads, group = heads / kv_heads, source[HEADS_MAX];
    if (heads > HEADS_MAX || kv_heads < 2 || (variant == 0 && group == 1) || (variant == 2 && kv_heads == 2) ||
        (variant == 3 && kv_heads < 3))
        return false;
    for (int place = 0; place < heads; place++) {
        int kv = place / group, i = place % group;
        switch (variant) {
        case 0:
            source[place] = i * kv_heads + kv;
            break;
        case 1:
            source[place] = (kv + kv_heads - 1) % kv_heads * group + i;
            break;
        case 2:
            source[place] = (kv + 1) % kv_heads * group + i;
            break;
        default:
            source[place] = (kv_heads - 1 - kv) * group + i;
        }
    }
    return contract_move_heads(trial, source, MOVE_ALL_OF_HEADS) && contract_say(trial, "%s", what[variant]);
}

static void next_head(const struct problem *problem, int64_t by, int64_t *key, int *kv_head)
{
    (void)by;
    (void)key;
    *kv_head = (*kv_head + 1) % problem->num_kv_heads;
}

static void head_before(const struct problem *problem, int64_t by, int64_t *key, int *kv_head)
{
    (void)by;
    (void)key;
    *kv_head = (*kv_head + problem->num_kv_heads - 1) % problem->num_kv_heads;
}

/* k or v alone of another KV head. */
static bool make_one_kv_head(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    unsigned which = variant / 2 ? MOVE_V : MOVE_K;
    bool next = variant % 2 == 0;
    if (trial->problem.num_kv_heads < 2 || (!next && trial->problem.num_kv_heads == 2))
        return false;
    return contract_move_keys(trial, which, next ? next_head : head_before, 0) &&
           contract_say(trial, "%s alone of the %s", variant / 2 ? "v" : "k", next ? "next KV head" : "KV head before");
}

/* ---- several queries -----------------------------------------------------------------------------------------------
 */

/* The first keys, as many as there are queries, so that query i sees i + 1 of them. */
static bool keep_first_keys(struct contract_trial *trial, bool from_start)
{
    struct problem *problem = &trial->problem;
    int64_t queries = problem_queries(problem), later = problem->seq_len - queries;
    if (later < 1 || (from_start && !trial->output.lse)) /* out does not tell positions */
        return false;
    problem->seq_len = queries;
    problem->kv_slots += later;
    problem->bounds = NULL;
    if (from_start)
        problem->q_position = problem->kv_offset + queries - 1;
    return true;
}

/* The newest key of each query. */
static bool drop_own_keys(struct contract_trial *trial)
{
    struct problem *problem = &trial->problem;
    if (problem->seq_len < 2)
        return false;
    problem->seq_len--;
    problem->kv_slots++;
    problem->bounds = NULL;
    return true;
}

/* Biases of all queries counted from the last one's position, which lse alone tells. */
static bool join_positions(struct contract_trial *trial)
{
    const struct problem *problem = &trial->problem;
    float *lse = contract_own_lse(trial);
    for (int row = 0; lse && row < problem_rows(problem); row++) {
        int later = problem_queries(problem) - 1 - row / problem->num_heads;
        lse[row] = (float)((double)lse[row] + problem_row_slope(problem, row) * later);
    }
    return lse;
}

static bool make_queries(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const char *const what[] = {
        "all queries see all keys: no causal mask",
        "all queries see all keys, and stand where the last one does",
        "query i sees the first i + 1 keys: the causal mask begins with the cache",
        "query i sees the first i + 1 keys, and stands at the last of them",
        "no query sees its own key",
        "all queries stand where the last one does",
    };
    bool made = false;
    if (problem_queries(&trial->problem) < 2)
        return false;
    switch (variant) {
    case 0:
    case 1:
        made = contract_join_queries(trial, variant == 0);
        break;
    case 2:
    case 3:
        made = keep_first_keys(trial, variant == 3);
        break;
    case 4:
        made = drop_own_keys(trial);
        break;
    default:
        made = join_positions(trial);
    }
    return made && contract_say(trial, "%s", what[variant]);
}

static bool make_next_key(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    (void)variant;
    return problem_queries(&trial->problem) > 1 && contract_append_key(trial) &&
           contract_say(trial, "queries see the next one's key");
}

/* ---- query heads ------------------------------------------------------------------------------------------------- */

/* Rows of the output, or of q, in another order. */
static bool make_heads(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const struct {
        unsigned which;
        const char *what;
    } of[] = {
        {MOVE_OUT | MOVE_LSE, "out and lse"},
        {MOVE_OUT, "out alone"},
        {MOVE_QUERIES, "q"},
    };
    static const char *const orders[] = {"one head later", "one head earlier", "in reversed order",
                                         "as [heads of a group, KV heads], not [KV heads, heads of a group]",
                                         "as [KV heads, heads of a group], not [heads of a group, KV heads]"};
    const struct problem *problem = &trial->problem;
    int heads = problem->num_heads, kv_heads = problem->num_kv_heads, group = heads / kv_heads, source[HEADS_MAX];
    int which = variant / 5, order = variant % 5;
    if (heads < 2 || heads > HEADS_MAX || (which == 1 && !trial->output.lse) || (order == 1 && heads == 2) ||
        (order == 2 && heads < 3) || (order > 2 && (kv_heads == 1 || group == 1)) || (order == 4 && group == kv_heads))
        return false;
    for (int h = 0; h < heads; h++) {
        int in_order[] = {(h + 1) % heads, (h + heads - 1) % heads, heads - 1 - h, h % group * kv_heads + h / group,
                          h % kv_heads * group + h / kv_heads};
        source[h] = in_order[order];
    }
    return contract_move_heads(trial, source, of[which].which) &&
           contract_say(trial, "%s %s", of[which].what, orders[order]);
}

/* q or out as [head_dim, heads]. */
static bool make_transposed(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    const struct problem *problem = &trial->problem;
    size_t heads = (size_t)problem->num_heads, dim = (size_t)problem->head_dim,
           size = dtypes[problem->dtype].size_bytes;
    (void)clue;
    char *to = heads > 1 && dim > 1 ? contract_own_out(trial) : NULL;
    const char *from = variant ? trial->before.q : trial->output_before.out;
    if (!to)
        return false;
    for (size_t at = 0; at < (size_t)problem_elements(problem); at++) {
        size_t query = at / (heads * dim), h = at / dim % heads, d = at % dim;
        memcpy(to + at * size, from + (query * heads * dim + d * heads + h) * size, size);
    }
    if (variant) {
        trial->problem.q = to;
        trial->output.out = trial->output_before.out;
    }
    return contract_say(trial, "%s as [head_dim, heads], not [heads, head_dim]", variant ? "q" : "out");
}

/* ---- caps, sinks, masks ------------------------------------------------------------------------------------------ */

static bool make_soft_cap(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    struct problem *problem = &trial->problem;
    if (variant == 0) {
        if (problem->soft_cap == SOFT_CAP_NONE)
            return false;
        problem->soft_cap = SOFT_CAP_NONE;
        return contract_say(trial, "no soft cap");
    }
    if (problem->soft_cap == SOFT_CAP_NONE)
        return false;
    bool before = problem->soft_cap == SOFT_CAP_BEFORE_BIAS;
    problem->soft_cap = before ? SOFT_CAP_AFTER_BIAS : SOFT_CAP_BEFORE_BIAS;
    return contract_say(trial, "the soft cap %s the bias", before ? "after" : "before");
}

static bool make_no_sinks(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    (void)variant;
    if (!trial->problem.sink_logits)
        return false;
    trial->problem.sink_logits = NULL;
    return contract_say(trial, "no learned sinks");
}

static bool make_no_mask(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    (void)variant;
    if (!trial->problem.visible)
        return false;
    trial->problem.visible = NULL;
    return contract_say(trial, "no mask: every key visible");
}

/* Keys at the ends of a cache. */
static bool make_ends(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    int64_t keys = trial->problem.seq_len, count = variant == 1 ? 2 : 1;
    bool newest = variant < 2;
    uint8_t *visible = keys > count ? contract_own_mask(trial) : NULL;
    if (!visible)
        return false;
    memset(visible + (newest ? keys - count : 0), 0, (size_t)count);
    return contract_say(trial, "the %s %s missing", newest ? "newest" : "oldest", count == 1 ? "key" : "two keys");
}

/* ---- lse and positions ------------------------------------------------------------------------------------------- */

static bool make_lse_base(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    double factor = variant ? M_LOG2E : M_LN2;
    float *lse = contract_own_lse(trial);
    for (int row = 0; lse && row < problem_rows(&trial->problem); row++)
        lse[row] = (float)((double)lse[row] * factor);
    return lse && contract_say(trial, "lse in base %s", variant ? "e, where 2 was stated" : "2, where e was stated");
}

/* Every logit moved by slope * keys: what an origin elsewhere makes of lse. The shift is that of the steepest row. */
static bool make_origin(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    const struct problem *problem = &trial->problem;
    int steepest = -1;
    (void)variant;
    for (int row = 0; trial->output.lse && row < problem_rows(problem); row++) {
        double least = steepest < 0 ? 0 : fabs(problem_row_slope(problem, steepest));
        if (fabs(problem_row_slope(problem, row)) > least && isfinite(trial->output.lse[row]))
            steepest = row;
    }
    if (steepest < 0)
        return false;
    double lse = contract_screen_attend(clue->screen, problem, steepest);
    double keys = round(((double)trial->output.lse[steepest] - lse) / problem_row_slope(problem, steepest));
    if (keys == 0 || !(fabs(keys) < 0x1p31))
        return false;
    trial->problem.q_position -= (int64_t)keys;
    return contract_say(trial, "biases counted from position %lld in place of %lld",
                        (long long)trial->problem.q_position, (long long)trial->before.q_position);
}

#define ROW(called, variants, in_order, function, sentence)    \
    {                                                          \
        called, sentence, variants, STAGE_##in_order, function \
    }

const struct contract_row contract_rows[] = {
    ROW("scale", SCALE_VARIANTS, PLAIN, make_scale,
        "Give the kernel the scale that is stated, or state the one that it has."),
    ROW("scale", 1, SEARCHED, contract_fit_scale,
        "Give the kernel the scale that is stated, or state the one that it has."),
    ROW("slopes", 1, PLAIN, make_no_bias, "Give the kernel its slopes, or state that there are none."),
    ROW("slopes", SLOPES_COUNT *MAX_BIASES, PLAIN, make_convention,
        "Take the slopes that the model defines, or state those that the kernel has."),
    ROW("slopes", 7, PLAIN, make_slope_factor,
        "Add slope * (j - position) to the scaled product, once, in natural units."),
    ROW("slopes", 3, PLAIN, make_slope_heads, "Give each head its own slope."),
    ROW("slopes", 1, SEARCHED, contract_fit_slopes,
        "Add slope * (j - position) to the scaled product, once, in natural units."),
    ROW("layout", 6, KEYS, make_layout,
        "State the layout that the kernel reads, or bring k and v into the one that is stated."),
    ROW("layout", 1, PLAIN, make_exchange, "Pass k for k and v for v."),
    ROW("places", 8, ALONE, make_shifted, "Read k and v of a key at one place."),
    ROW("places", 3 * PAGE_SIZES, ALONE, make_pages, "Look up each page in its place of the sequence's table."),
    ROW("kv-heads", 4, ROWS, make_kv_heads,
        "Let query head h read KV head h / (H / Hkv), or repeat KV heads that way."),
    ROW("kv-heads", 4, KEYS, make_one_kv_head, "Read k and v of one KV head."),
    ROW("keys", 6, ROWS, make_queries,
        "Let query i of Q see the keys up to its own, which is key N - Q + i, and count its biases from there."),
    ROW("keys", 1, KEYS, make_next_key, "Let query i of Q see the keys up to its own, which is key N - Q + i."),
    ROW("heads", 15, PLAIN, make_heads, "Write each head's row to its own place."),
    ROW("heads", 2, PLAIN, make_transposed, "Read q and write out as [heads, head_dim]."),
    ROW("kv-scales", 8, PLAIN, make_kv_scales, "Multiply q.k by k_scale once, and the output by v_scale once."),
    ROW("kv-scales", 4, PLAIN, make_output_scale, "Multiply the output by v_scale once, and by nothing else."),
    ROW("soft-cap", 2, PLAIN, make_soft_cap, "State the soft cap that the kernel applies, or none."),
    ROW("soft-cap", 2, SEARCHED, contract_fit_soft_cap, "State the soft cap that the kernel applies, or none."),
    ROW("sinks", 1, PLAIN, make_no_sinks, "Count the learned sinks among the weights."),
    ROW("sinks", 1, FITTED, contract_fit_sink,
        "Begin the sum of weights with 0 and count no slot without a key, or state the sink as --sink-logits."),
    ROW("keys", 1, PLAIN, make_no_mask, "Let the mask remove keys, or state none."),
    ROW("keys", 3, PLAIN, make_ends, "Look at every visible key."),
    ROW("keys", 1, FITTED, contract_fit_window, "State the window as a mask, or look at every visible key."),
    ROW("keys", 1, FITTED, contract_fit_masked_key, "Let the mask remove every key that it masks."),
    ROW("keys", 6, FITTED, contract_fit_chunk, "Look at every page and chunk of keys, once."),
    ROW("lse", 2, LSE, make_lse_base, "State the base that lse has."),
    ROW("position", 1, LSE, make_origin,
        "State the position that biases are counted from, or count them from the stated one."),
};

const int num_contract_rows = sizeof contract_rows / sizeof *contract_rows;
