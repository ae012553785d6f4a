#include "harness/report/sink/table_column.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/support/suggest.h"

/* ---- columns of their own ---------------------------------------------------------------------------------------- */

double table_bound_share(const struct record *record)
{
    return record->verdict ? fmax(record->verdict->total.budget_used, record->verdict->total.lse_budget_used) : NAN;
}

/* What a person needs to look at stands out; how a known failure fails stands beside it. */
static void print_verdict(char *cell, const struct record *record)
{
    static const char *const titles[STATUS_COUNT] = {
        [STATUS_PASS] = "pass",   [STATUS_FAIL] = "FAIL",   [STATUS_XFAIL] = "xfail",
        [STATUS_XPASS] = "XPASS", [STATUS_ERROR] = "ERROR", [STATUS_SKIP] = "skip",
    };
    const struct signature_finding *finding = record->finding;
    bool named = record->outcome.status == STATUS_XFAIL && finding && finding->signature != SIGNATURE_NONE;
    snprintf(cell, FIELD_TEXT_SIZE, "%s%s%s", titles[record->outcome.status], named ? " " : "",
             named ? signature_names[finding->signature] : "");
}

static void print_bound(char *cell, const struct record *record)
{
    double share = table_bound_share(record);
    snprintf(cell, FIELD_TEXT_SIZE, isnan(share) ? "-" : "%.3g", share);
}

/* "2,44", of several queries "1:2,44". */
static void print_worst(char *cell, const struct record *record)
{
    const struct problem_spec *problem = &record->point->problem;
    char query[16] = "";
    if (!record->verdict)
        return;
    int64_t worst = record->verdict->total.worst, row = worst / problem->head_dim;
    if (problem_spec_queries(problem) > 1)
        snprintf(query, sizeof query, "%lld:", (long long)(row / problem->num_heads));
    snprintf(cell, FIELD_TEXT_SIZE, "%s%lld,%lld", query, (long long)(row % problem->num_heads),
             (long long)(worst % problem->head_dim));
}

static void print_signature(char *cell, const struct record *record)
{
    if (record->finding)
        snprintf(cell, FIELD_TEXT_SIZE, "%s", signature_names[record->finding->signature]);
}

enum { CLASS_WIDTH = 19 }; /* "f32+absolute-bias" */

static void print_class(char *cell, const struct record *record)
{
    char text[CLASS_NAME_SIZE];
    if (record->classes && record->classes->num_rows > 0)
        snprintf(cell, FIELD_TEXT_SIZE, "%s", class_name(text, record->class_of_all));
}

/* All that a point took. */
static void print_seconds(char *cell, const struct record *record)
{
    snprintf(cell, FIELD_TEXT_SIZE, "%.3g", seconds_sum(&record->seconds));
}

static const struct own_column {
    const char *name, *title;
    bool text;
    int width;
    void (*print)(char *cell, const struct record *record); /* cell is "-" */
} own_columns[COLUMN_OWN_COUNT] = {
    [COLUMN_VERDICT] = {"verdict", "verdict", true, 7, print_verdict},
    [COLUMN_BOUND] = {"bound", "bound", false, 8, print_bound},
    [COLUMN_WORST] = {"worst", "at h,d", false, 6, print_worst},
    [COLUMN_SIGNATURE] = {"signature", "signature", true, 15, print_signature},
    [COLUMN_CLASS] = {"class", "class", true, CLASS_WIDTH, print_class},
    [COLUMN_SECONDS] = {"seconds", "seconds", false, 8, print_seconds},
};

/* ---- all columns ------------------------------------------------------------------------------------------------- */

enum { METRIC_WIDTH = 8, FIRST_METRIC = COLUMN_OWN_COUNT, FIRST_KEY = FIRST_METRIC + METRIC_COUNT };

int table_num_columns(void)
{
    return FIRST_KEY + KEY_COUNT;
}

int table_column_of_key(enum key_id key)
{
    return FIRST_KEY + (int)key;
}

int table_column_of_metric(enum metric metric)
{
    return FIRST_METRIC + (int)metric;
}

/* Numbers stand to the right. */
static bool is_text(const struct key *key)
{
    return key->type ||
           !(key->field.type == FIELD_WHOLE || key->field.type == FIELD_UNSIGNED || key->field.type == FIELD_REAL);
}

struct table_column table_column_at(int id)
{
    struct table_column column = {.id = id, .key = KEY_COUNT};
    if (id < FIRST_METRIC) {
        const struct own_column *own = &own_columns[id];
        column.name = own->name;
        column.title = own->title;
        column.text = own->text;
        column.width = own->width;
    } else if (id < FIRST_KEY) {
        const struct metric_info *metric = &metric_table[id - FIRST_METRIC];
        column.name = metric->field.name;
        column.title = metric->title;
        column.width = METRIC_WIDTH;
    } else {
        column.key = (enum key_id)(id - FIRST_KEY);
        column.name = column.title = keys[column.key].field.name;
        column.text = is_text(&keys[column.key]);
    }
    return column;
}

/* Texts of a case, which no column could hold, have none. */
static bool is_shown(int id)
{
    return id < FIRST_KEY || keys[id - FIRST_KEY].axis;
}

int table_column_find(const char *name, size_t size)
{
    for (int id = 0; id < table_num_columns(); id++) {
        const struct table_column column = table_column_at(id);
        if (is_shown(id) && strlen(column.name) == size && memcmp(column.name, name, size) == 0)
            return id;
    }
    return -1;
}

char *table_column_advice(char *text, const char *name, size_t size)
{
    char typed[SUGGESTION_SIZE], advice[SUGGESTION_SIZE];
    snprintf(typed, sizeof typed, "%.*s", (int)(size < sizeof typed ? size : sizeof typed), name);
    struct suggestion suggestion = {.text = typed};
    for (int id = 0; id < table_num_columns(); id++)
        if (is_shown(id))
            suggestion_offer(&suggestion, table_column_at(id).name);
    int length = snprintf(text, FIELD_ALLOWED_SIZE, "%sallowed:", suggestion_format(advice, &suggestion));
    for (int id = 0; id < table_num_columns() && length < FIELD_ALLOWED_SIZE; id++)
        if (is_shown(id))
            length += snprintf(text + length, (size_t)(FIELD_ALLOWED_SIZE - length), "%s %s", id ? "," : "",
                               table_column_at(id).name);
    return text;
}

/* ---- cells ------------------------------------------------------------------------------------------------------- */

static int digits(int64_t number)
{
    return snprintf(NULL, 0, "%lld", (long long)number);
}

static bool is_judged(const struct table_column *column, const struct criterion *criterion)
{
    if (column->id == table_column_of_metric(METRIC_MISMATCHED))
        return criterion->mode != JUDGE_BUDGET;
    return column->id != COLUMN_BOUND || criterion->mode != JUDGE_TOLERANCE;
}

/* "xfail silent-zero": of a failure of any kind as much as the longest name takes. */
static int expected_width(const struct point *point)
{
    int width = 0;
    for (int s = 0; s < SIGNATURE_COUNT; s++) {
        int length = (int)strlen(signature_names[s]);
        if ((point->signature == SIGNATURE_NONE || point->signature == (enum signature)s) && length > width)
            width = length;
    }
    return (int)strlen("xfail ") + width;
}

int table_column_width(const struct table_column *column, const struct point *point)
{
    const struct problem_spec *problem = &point->problem;
    char value[FIELD_TEXT_SIZE];
    int64_t rows = (int64_t)problem_spec_queries(problem) * problem->num_heads;
    int parentheses = is_judged(column, &point->criterion) ? 0 : 2;
    if (column->key != KEY_COUNT)
        return (int)strlen(key_format(value, &keys[column->key], point));
    if (column->id == table_column_of_metric(METRIC_MISMATCHED))
        return 2 * digits(rows * problem->head_dim) + 1 + parentheses;
    if (column->id == COLUMN_VERDICT && point->expect_fail)
        return expected_width(point);
    if (column->id == COLUMN_WORST)
        return digits(problem->num_heads - 1) + 1 + digits(problem->head_dim - 1) +
               (problem_spec_queries(problem) > 1 ? 1 + digits(problem_spec_queries(problem) - 1) : 0);
    return column->width + parentheses;
}

static void print_metric(char *cell, enum metric metric, const struct record *record)
{
    char text[METRIC_TEXT_SIZE];
    const struct metrics *total = &record->verdict->total;
    if (metric == METRIC_MISMATCHED)
        snprintf(cell, FIELD_TEXT_SIZE, "%lld/%lld", (long long)total->mismatched, (long long)total->elements);
    else if (metric == METRIC_MAX_ABS_ERR || metric == METRIC_MAX_ULP_ERR)
        strcpy(cell, record_format_error(text, record, metric));
    else
        strcpy(cell, metric_format(text, metric, total));
}

bool table_column_print(char *cell, const struct table_column *column, const struct record *record)
{
    bool judged = is_judged(column, &record->point->criterion);
    char *inside = cell + !judged;
    strcpy(inside, "-");
    if (column->key != KEY_COUNT)
        key_format(inside, &keys[column->key], record->point);
    else if (column->id < FIRST_METRIC)
        own_columns[column->id].print(inside, record);
    else if (record->verdict)
        print_metric(inside, (enum metric)(column->id - FIRST_METRIC), record);
    if (!judged) {
        cell[0] = '(';
        strcat(cell, ")");
    }
    return judged;
}
