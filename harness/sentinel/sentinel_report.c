#include "harness/sentinel/sentinel_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "harness/support/json_line.h"
#include "harness/support/json_value.h"

enum { NUMBER_TEXT_SIZE = 32, SENTENCE_SIZE = 512, TEXT_WIDTH = 110 };

/* The longest length that has a visible key. */
static int64_t longest(const struct sentinel_report *report)
{
    int64_t seq_len = 0;
    for (int i = 0; i < report->num_lengths; i++)
        seq_len = report->seq_lens[i] > seq_len ? report->seq_lens[i] : seq_len;
    return seq_len;
}

static bool has_visible_key(const struct sentinel_report *report, int64_t seq_len)
{
    return seq_len > report->range.nearest_distance;
}

/* The adaptive value at a length; false if no f32 is low enough. */
static bool adaptive_value(float *value, const struct sentinel_report *report, int64_t seq_len)
{
    return !adaptive_sentinel_below(value, lowest_logit(&report->range, seq_len - 1, BASE_2), NULL);
}

/* Standing and distances are no better at a greater length, so the longest one has the verdict. */
static enum standing overall(const struct sentinel_report *report, const struct stand_in *stand_in)
{
    return stand_in_standing(stand_in, &report->range, longest(report));
}

/* The distances that slope * distance alone reaches, as if every q.k were 0. */
static struct logit_range bias_alone(const struct logit_range *range)
{
    struct logit_range alone = *range;
    alone.dot_bound = 0;
    alone.heads = NULL;
    return alone;
}

/* ---- text ---- */

/* A bound from below, rounded down to a tenth. */
static char *format_bound(char *text, double bound)
{
    if (fabs(bound) < 1e9)
        snprintf(text, NUMBER_TEXT_SIZE, "%.1f", floor(bound * 10) / 10);
    else
        snprintf(text, NUMBER_TEXT_SIZE, "%.6g", bound);
    return text;
}

static char *format_distance(char *text, const struct stand_in *stand_in, int64_t distance)
{
    if (distance == DISTANCE_NEVER && !stand_in_finite(stand_in))
        snprintf(text, NUMBER_TEXT_SIZE, "-");
    else if (distance == DISTANCE_NEVER)
        snprintf(text, NUMBER_TEXT_SIZE, "never");
    else
        snprintf(text, NUMBER_TEXT_SIZE, "%" PRId64, distance);
    return text;
}

/* Goes on at column `column` of the line, breaks between words, and starts each further line at `indent`. */
static void print_wrapped(FILE *stream, const char *text, int column, int indent)
{
    const char *space = "";
    while (*text) {
        int size = (int)strcspn(text, " ");
        if (column + size > TEXT_WIDTH) {
            fprintf(stream, "\n%*s", indent, "");
            column = indent;
            space = "";
        }
        column += fprintf(stream, "%s%.*s", space, size, text);
        text += size + (text[size] == ' ');
        space = " ";
    }
    fputc('\n', stream);
}

static void print_model(FILE *stream, const struct sentinel_report *report)
{
    const struct logit_range *range = &report->range;
    if (report->slopes == SLOPES_COUNT)
        fprintf(stream, "Model: %d heads, slopes from the folder: steepest %.7g, flattest %.7g\n", report->num_heads,
                range->steepest_slope, range->flattest_slope);
    else
        fprintf(stream, "Model: heads %d to %d of %d, %s slopes, max_bias %g: steepest %.7g, flattest %.7g\n",
                report->head_offset, report->head_offset + report->num_heads - 1, report->total_heads,
                slope_convention_names[report->slopes], report->max_bias, range->steepest_slope, range->flattest_slope);
    int column = fprintf(stream, "Scores: |scale q.k| <= %.7g, ", range->dot_bound);
    print_wrapped(stream, report->dot_source, column, 8);
    fprintf(stream, "Bias: %s; the nearest visible key is %" PRId64 " from the query%s\n",
            range->bias == BIAS_ABSOLUTE ? "absolute, slope * j" : "relative, slope * (j - P)", range->nearest_distance,
            range->nearest_distance == 0 && !range->masked ? " (nothing masked)" : "");
}

static void print_lengths(FILE *stream, const struct sentinel_report *report)
{
    fprintf(stream, "\nThe lowest logit that can be reached, the adaptive sentinel (base 2), and each finite one\n");
    fprintf(stream, "%9s %13s %13s %13s", "seq_len", "base e", "base 2", "adaptive");
    for (int i = 0; i < report->stand_ins->count; i++)
        if (stand_in_finite(&report->stand_ins->rows[i]))
            fprintf(stream, "  %-*s", (int)fmax(7, (double)strlen(report->stand_ins->rows[i].name)),
                    report->stand_ins->rows[i].name);
    fputc('\n', stream);
    for (int n = 0; n < report->num_lengths; n++) {
        int64_t seq_len = report->seq_lens[n];
        char texts[3][NUMBER_TEXT_SIZE];
        float adaptive;
        fprintf(stream, "%9" PRId64, seq_len);
        if (!has_visible_key(report, seq_len)) {
            fprintf(stream, "  no visible key\n");
            continue;
        }
        for (int base = 0; base < BASE_COUNT; base++)
            format_bound(texts[base], lowest_logit(&report->range, seq_len - 1, (enum logit_base)base));
        if (adaptive_value(&adaptive, report, seq_len))
            format_bound(texts[2], (double)adaptive);
        else
            snprintf(texts[2], NUMBER_TEXT_SIZE, "none");
        fprintf(stream, " %13s %13s %13s", texts[BASE_E], texts[BASE_2], texts[2]);
        int pending = 2; /* blanks before the next cell: a line has none at its end */
        for (int i = 0; i < report->stand_ins->count; i++)
            if (stand_in_finite(&report->stand_ins->rows[i])) {
                const char *standing =
                    standing_names[stand_in_standing(&report->stand_ins->rows[i], &report->range, seq_len)];
                fprintf(stream, "%*s%s", pending, "", standing);
                pending =
                    2 + (int)(fmax(7, (double)strlen(report->stand_ins->rows[i].name)) - (double)strlen(standing));
            }
        fputc('\n', stream);
    }
}

/* Heads of the tensors whose own rows meet a finite stand-in. */
struct heads_met {
    int reached; /* with a visible key at or below it */
    int failing; /* where a masked key weighs something, or an initial maximum that is as low would */
};

static struct heads_met heads_met(const struct sentinel_tensors *tensors, const struct stand_in *stand_in)
{
    struct heads_met met = {0, 0};
    double factor = stand_in->base == BASE_2 ? M_LOG2E : 1;
    for (int h = 0; h < tensors->num_heads; h++) {
        const struct tensor_head *head = &tensors->heads[h];
        met.reached += head->lowest_key >= 0 && head->lowest_logit * factor <= stand_in->value;
        met.failing +=
            head->highest_key >= 0 && stand_in_weighs(stand_in, head->highest_logit * factor, head->highest_masked);
    }
    return met;
}

/* The head with the lowest logit; -1 if no key is visible. */
static int lowest_head(const struct sentinel_tensors *tensors)
{
    int lowest = -1;
    for (int h = 0; h < tensors->num_heads && tensors->num_visible; h++)
        if (lowest < 0 || tensors->heads[h].lowest_logit < tensors->heads[lowest].lowest_logit)
            lowest = h;
    return lowest;
}

static void print_tensors(FILE *stream, const struct sentinel_report *report)
{
    const struct sentinel_tensors *tensors = report->tensors;
    int lowest = lowest_head(tensors);
    fprintf(stream,
            "\nThe tensors as they stand: %" PRId64 " keys, %" PRId64
            " of them visible. Scores of every key, logits of visible ones, base e\n",
            tensors->seq_len, tensors->num_visible);
    if (lowest < 0) {
        fprintf(stream, "no visible key: each sentinel does what the column `empty row` below says\n");
        return;
    }
    fprintf(stream, "%6s %11s %12s %12s %14s %10s %14s %10s\n", "head", "slope", "low score", "high score",
            "lowest logit", "at key", "highest logit", "at key");
    for (int h = 0; h < tensors->num_heads; h++) {
        const struct head_range *range = &tensors->ranges[h];
        const struct tensor_head *head = &tensors->heads[h];
        fprintf(stream, "%6d %11.7g %12.6g %12.6g %14.8g %10" PRId64 " %14.8g %10" PRId64 "\n", h, range->slope,
                range->lowest_score, range->highest_score, head->lowest_logit, head->lowest_key, head->highest_logit,
                head->highest_key);
    }
    fprintf(stream, "lowest of all: %.8g (base e), %.8g (base 2), head %d, key %" PRId64 "\n",
            tensors->heads[lowest].lowest_logit, tensors->heads[lowest].lowest_logit * M_LOG2E, lowest,
            tensors->heads[lowest].lowest_key);
    for (int i = 0; i < report->stand_ins->count; i++)
        if (stand_in_finite(&report->stand_ins->rows[i])) {
            struct heads_met met = heads_met(tensors, &report->stand_ins->rows[i]);
            fprintf(stream, "%-14s  reached in %d of %d heads, fails in %d\n", report->stand_ins->rows[i].name,
                    met.reached, tensors->num_heads, met.failing);
        }
}

static void print_distances(FILE *stream, const struct sentinel_report *report)
{
    struct logit_range alone = bias_alone(&report->range);
    fprintf(stream,
            "\nDistance from which a key of the steepest head can be at or below the sentinel, in either base, and\n"
            "`unsafe from`: how far off, in the sentinel's own base, the nearest visible key makes it fail\n"
            "%-14s %4s %17s    %17s    %9s\n%-14s %4s %9s %9s  %9s %9s  %9s  %-9s  %s\n",
            "", "own", "bias alone    ", "with q.k     ", "unsafe", "", "base", "base e", "base 2", "base e", "base 2",
            "from", "empty row", "used by");
    for (int i = 0; i < report->stand_ins->count; i++) {
        const struct stand_in *stand_in = &report->stand_ins->rows[i];
        char texts[2][BASE_COUNT][NUMBER_TEXT_SIZE], unsafe[NUMBER_TEXT_SIZE];
        for (int base = 0; base < BASE_COUNT; base++) {
            const struct logit_range *ranges[] = {&alone, &report->range};
            for (int r = 0; r < 2; r++)
                format_distance(texts[r][base], stand_in,
                                stand_in_reached_from(stand_in, ranges[r], (enum logit_base)base));
        }
        format_distance(unsafe, stand_in, stand_in_unsafe_from(stand_in, &report->range));
        fprintf(stream, "%-14s %4s %9s %9s  %9s %9s  %9s  %-9s  %s\n", stand_in->name,
                stand_in_finite(stand_in) ? logit_base_names[stand_in->base] : "-", texts[0][BASE_E], texts[0][BASE_2],
                texts[1][BASE_E], texts[1][BASE_2], unsafe, stand_in->empty_row, stand_in->used_by);
    }
}

/* Why the stand-in has its standing at the longest length, one sentence. text: SENTENCE_SIZE. */
static char *because(char *text, const struct sentinel_report *report, const struct stand_in *stand_in)
{
    const struct logit_range *range = &report->range;
    int64_t seq_len = longest(report), unsafe_from = stand_in_unsafe_from(stand_in, range);
    char number[NUMBER_TEXT_SIZE], rows[NUMBER_TEXT_SIZE + 64];
    const char *base = logit_base_names[stand_in->base], *consequence = stand_in->consequence;
    if (stand_in->kind == STAND_IN_ADAPTIVE && overall(report, stand_in) == STANDING_UNSAFE) {
        snprintf(text, SENTENCE_SIZE, "there is no finite f32 below every logit, %.6g (base 2) at seq_len %" PRId64 ".",
                 lowest_logit(range, seq_len - 1, BASE_2), seq_len);
    } else if (stand_in->kind == STAND_IN_SOUND || stand_in->kind == STAND_IN_ADAPTIVE) {
        snprintf(text, SENTENCE_SIZE, "%s.", consequence);
    } else if (stand_in->kind == STAND_IN_INFINITE) {
        snprintf(text, SENTENCE_SIZE, range->masked ? "%s." : "only while nothing is masked: %s.", consequence);
    } else if (stand_in_overflows(stand_in, range, seq_len)) {
        snprintf(text, SENTENCE_SIZE, "logits can reach +%.7g at seq_len %" PRId64 ", which is +inf in %s: NaN.",
                 highest_logit(range, seq_len, stand_in->base), seq_len, dtypes[stand_in->held_in].name);
    } else if (overall(report, stand_in) == STANDING_UNSAFE) {
        if (stand_in->kind == STAND_IN_ADDS && range->keys_ahead && range->masked)
            snprintf(rows, sizeof rows, "with masked keys up to %" PRId64 " ahead of the query", range->keys_ahead);
        else if (range->nearest_distance)
            snprintf(rows, sizeof rows, "with the nearest visible key %" PRId64 " away", range->nearest_distance);
        else
            snprintf(rows, sizeof rows, "even with the newest key visible");
        snprintf(text, SENTENCE_SIZE, "%s the row's maximum can be %s (base %s), no longer far above %s: %s.", rows,
                 format_bound(number, lowest_maximum(range, stand_in->base)), base,
                 stand_in->kind == STAND_IN_ADDS ? "a masked key's logit with the sentinel added" : "the sentinel",
                 consequence);
    } else if (overall(report, stand_in) == STANDING_REACHED) {
        if (unsafe_from == DISTANCE_NEVER)
            snprintf(rows, sizeof rows, "never unsafe in this bias form");
        else
            snprintf(rows, sizeof rows, "unsafe once the nearest visible key is %" PRId64 " away", unsafe_from);
        snprintf(text, SENTENCE_SIZE,
                 "keys from distance %" PRId64
                 " on can lie below it, harmless while the %s key keeps the row's maximum "
                 "at %s (base %s) or above; %s: %s.",
                 stand_in_reached_from(stand_in, range, stand_in->base),
                 range->nearest_distance ? "nearest visible" : "newest",
                 format_bound(number, lowest_maximum(range, stand_in->base)), base, rows, consequence);
    } else {
        snprintf(text, SENTENCE_SIZE, "no visible logit is as low, %s (base %s) at seq_len %" PRId64 ".",
                 format_bound(number, lowest_logit(range, seq_len - 1, stand_in->base)), base, seq_len);
    }
    return text;
}

static void print_verdict(FILE *stream, const struct sentinel_report *report)
{
    enum { INDENT = 24 };
    char sentence[SENTENCE_SIZE], text[2 * SENTENCE_SIZE];
    fprintf(stream, "\nVerdict up to seq_len %" PRId64 ", for rows with a visible key\n", longest(report));
    for (int i = 0; i < report->stand_ins->count; i++) {
        const char *caution = report->stand_ins->rows[i].caution;
        snprintf(text, sizeof text, "%s%s%s", because(sentence, report, &report->stand_ins->rows[i]),
                 caution ? " " : "", caution ? caution : "");
        int column = fprintf(stream, "%-14s  %-7s ", report->stand_ins->rows[i].name,
                             standing_names[overall(report, &report->stand_ins->rows[i])]);
        print_wrapped(stream, text, column, INDENT);
    }
    fprintf(stream, "\n");
    print_wrapped(stream,
                  "A fully masked row must give 0. Every finite sentinel needs a rule of its own for it, as the column "
                  "`empty row` shows; guarded -inf and exclude are right at every length, with every mask.",
                  0, 0);
}

void sentinel_report_text(FILE *stream, const struct sentinel_report *report)
{
    print_model(stream, report);
    if (report->tensors)
        print_tensors(stream, report);
    print_lengths(stream, report);
    print_distances(stream, report);
    print_verdict(stream, report);
}

/* ---- JSON ---- */

static json_t *json_distance(int64_t distance)
{
    return distance == DISTANCE_NEVER ? json_null() : json_integer(distance);
}

static json_t *json_reached(const struct stand_in *stand_in, const struct logit_range *range)
{
    return json_pack("{s:o, s:o}", "base_e", json_distance(stand_in_reached_from(stand_in, range, BASE_E)), "base_2",
                     json_distance(stand_in_reached_from(stand_in, range, BASE_2)));
}

/* What each head can reach at a length, where heads are known one by one. */
static json_t *json_reachable(const struct sentinel_report *report, int64_t seq_len)
{
    if (!report->tensors)
        return json_null();
    json_t *heads = json_array();
    for (int h = 0; h < report->num_heads; h++) {
        struct logit_range one = report->range;
        one.heads += h;
        one.num_heads = 1;
        json_array_append_new(heads, json_pack("{s:f, s:f}", "lowest_logit", lowest_logit(&one, seq_len - 1, BASE_E),
                                               "highest_logit", highest_logit(&one, seq_len, BASE_E)));
    }
    return heads;
}

static json_t *json_length(const struct sentinel_report *report, int64_t seq_len)
{
    float adaptive;
    if (!has_visible_key(report, seq_len))
        return json_pack("{s:I, s:n, s:n, s:n, s:n, s:n}", "seq_len", (json_int_t)seq_len, "lowest_logit",
                         "lowest_logit_base_2", "adaptive", "standing", "heads");
    json_t *standing = json_object();
    for (int i = 0; i < report->stand_ins->count; i++)
        json_object_set_new(
            standing, report->stand_ins->rows[i].name,
            json_string(standing_names[stand_in_standing(&report->stand_ins->rows[i], &report->range, seq_len)]));
    bool found = adaptive_value(&adaptive, report, seq_len);
    return json_pack("{s:I, s:f, s:f, s:o, s:o, s:o}", "seq_len", (json_int_t)seq_len, "lowest_logit",
                     lowest_logit(&report->range, seq_len - 1, BASE_E), "lowest_logit_base_2",
                     lowest_logit(&report->range, seq_len - 1, BASE_2), "adaptive",
                     found ? json_real((double)adaptive) : json_null(), "standing", standing, "heads",
                     json_reachable(report, seq_len));
}

static json_t *json_tensors(const struct sentinel_report *report)
{
    const struct sentinel_tensors *tensors = report->tensors;
    if (!tensors)
        return json_null();
    json_t *heads = json_array(), *met = json_object();
    for (int h = 0; h < tensors->num_heads; h++) {
        const struct head_range *range = &tensors->ranges[h];
        const struct tensor_head *head = &tensors->heads[h];
        json_t *row = json_pack("{s:i, s:f, s:f, s:f}", "head", h, "slope", range->slope, "lowest_score",
                                range->lowest_score, "highest_score", range->highest_score);
        json_t *logits =
            head->lowest_key < 0
                ? json_pack("{s:n, s:n, s:n, s:n}", "lowest_logit", "lowest_key", "highest_logit", "highest_key")
                : json_pack("{s:f, s:I, s:f, s:I}", "lowest_logit", head->lowest_logit, "lowest_key",
                            (json_int_t)head->lowest_key, "highest_logit", head->highest_logit, "highest_key",
                            (json_int_t)head->highest_key);
        json_object_update(row, logits);
        json_decref(logits);
        json_array_append_new(heads, row);
    }
    for (int i = 0; i < report->stand_ins->count; i++)
        if (stand_in_finite(&report->stand_ins->rows[i])) {
            struct heads_met counts = heads_met(tensors, &report->stand_ins->rows[i]);
            json_object_set_new(met, report->stand_ins->rows[i].name,
                                json_pack("{s:i, s:i}", "reached", counts.reached, "failing", counts.failing));
        }
    return json_pack("{s:I, s:i, s:i, s:s, s:s, s:f, s:I, s:i, s:o, s:o}", "seq_len", (json_int_t)tensors->seq_len,
                     "num_kv_heads", tensors->num_kv_heads, "head_dim", tensors->head_dim, "q_dtype",
                     dtypes[tensors->q_dtype].name, "k_dtype", dtypes[tensors->k_dtype].name, "scale", tensors->scale,
                     "visible", (json_int_t)tensors->num_visible, "lowest_head", lowest_head(tensors), "heads", heads,
                     "sentinels", met);
}

static json_t *json_stand_in(const struct sentinel_report *report, const struct stand_in *stand_in)
{
    struct logit_range alone = bias_alone(&report->range);
    char sentence[SENTENCE_SIZE];
    bool finite = stand_in_finite(stand_in);
    return json_pack("{s:s, s:o, s:s?, s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:s?}", "name", stand_in->name, "value",
                     finite ? json_real(stand_in->value) : json_null(), "base",
                     finite ? logit_base_names[stand_in->base] : NULL, "empty_row", stand_in->empty_row, "used_by",
                     stand_in->used_by, "reached_by_bias_alone", json_reached(stand_in, &alone), "reached",
                     json_reached(stand_in, &report->range), "unsafe_from",
                     json_distance(stand_in_unsafe_from(stand_in, &report->range)), "verdict",
                     standing_names[overall(report, stand_in)], "because", because(sentence, report, stand_in),
                     "caution", stand_in->caution);
}

enum error_kind sentinel_report_json(const struct sentinel_report *report, struct error *error)
{
    const struct logit_range *range = &report->range;
    json_t *lengths = json_array(), *sentinels = json_array();
    for (int i = 0; i < report->num_lengths; i++)
        json_array_append_new(lengths, json_length(report, report->seq_lens[i]));
    for (int i = 0; i < report->stand_ins->count; i++)
        json_array_append_new(sentinels, json_stand_in(report, &report->stand_ins->rows[i]));
    bool complete = json_array_size(lengths) == (size_t)report->num_lengths &&
                    json_array_size(sentinels) == (size_t)report->stand_ins->count;
    json_t *tensors = json_tensors(report);
    json_t *object = json_pack(
        "{s:i, s:i, s:i, s:i, s:s, s:o, s:f, s:f, s:s, s:f, s:s, s:I, s:o, s:o, s:o}", "schema", 1, "num_heads",
        report->num_heads, "head_offset", report->head_offset, "total_heads", report->total_heads, "slopes",
        report->slopes == SLOPES_COUNT ? "given" : slope_convention_names[report->slopes], "max_bias",
        report->slopes == SLOPES_COUNT ? json_null() : json_real(report->max_bias), "steepest_slope",
        range->steepest_slope, "flattest_slope", range->flattest_slope, "bias", bias_form_names[range->bias],
        "dot_bound", range->dot_bound, "dot_source", report->dot_source, "nearest_distance",
        (json_int_t)range->nearest_distance, "lengths", lengths, "sentinels", sentinels, "tensors", tensors);
    return json_line_print(json_finish(object, complete), "a report as JSON", error);
}
