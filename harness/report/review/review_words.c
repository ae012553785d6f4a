/* What the words and figures of a report mean, for a reader who has nothing but the page: those that it has. */
#include <stdio.h>
#include <string.h>

#include "harness/evaluate/outcome.h"
#include "harness/judge/class/class_rounding.h"
#include "harness/report/review/review_document.h"

static const char *const status_meanings[STATUS_COUNT] = {
    [STATUS_PASS] = "Within all that its case asks of it, and no oracle was violated.",
    [STATUS_FAIL] = "Not so, where a pass was expected; or otherwise than the failure that was expected.",
    [STATUS_XFAIL] = "Failed, as its case expects.",
    [STATUS_XPASS] = "Passed, where its case expects a failure.",
    [STATUS_ERROR] = "Not judged: the run failed, or the exact result could not decide.",
    [STATUS_SKIP] = "Not run: the kernel does not take it.",
};

static void write_word(struct grid *grid, const char *word, const char *meaning)
{
    grid_text(grid, word);
    grid_text(grid, meaning);
}

/* Whether some point has this text in the field; NULL: any but "none". */
static bool any_has(const struct review *review, enum review_text field, const char *text)
{
    for (size_t p = 0; p < review->num_points; p++) {
        const struct review_point *point = &review->points[p];
        const char *of_point = review_text_of(review, point, field);
        if (point->text[field] && (text ? !strcmp(of_point, text) : strcmp(of_point, "none") != 0))
            return true;
    }
    return false;
}

static bool any_knows(const struct review *review, enum review_number number)
{
    for (size_t p = 0; p < review->num_points; p++)
        if (review->points[p].known >> number & 1)
            return true;
    return false;
}

/* ---- the words of each subject ----------------------------------------------------------------------------------- */

static void write_run_words(struct grid *grid, const struct review *review)
{
    write_word(grid, "point",
               "One set of parameters, on which the kernel was run and judged. Its key names it: the case, and what is "
               "not the default.");
    write_word(grid, "keys", "How many keys the cache has: the length of the sequence.");
    write_word(grid, "slope",
               "Of a head, the factor of its ALiBi biases: a head with a steep slope sees near keys alone.");
    if (any_has(review, TEXT_DEVICE, "foreign"))
        write_word(grid, "foreign",
                   "The device of a kernel that does not come with alibicheck: it was run in a process of its own.");
    if (any_has(review, TEXT_RECIPE, NULL))
        write_word(grid, "recipe", "The numerical choices that the kernel was run with.");
    if (any_has(review, TEXT_SENTINEL, NULL))
        write_word(grid, "sentinel",
                   "What the kernel takes for -inf: for masked keys, and for the maximum before the first key.");
}

static void write_statuses(struct grid *grid, const struct review *review)
{
    for (enum status status = 0; status < STATUS_COUNT; status++)
        if (any_has(review, TEXT_STATUS, status_names[status]))
            write_word(grid, status_names[status], status_meanings[status]);
}

static void write_figure_words(struct grid *grid, const struct review *review)
{
    static const enum review_number numbers[FIGURE_COUNT] = {
        [FIGURE_ABS] = NUMBER_MAX_ABS_ERR, [FIGURE_ULP] = NUMBER_MAX_ULP_ERR,   [FIGURE_P99] = NUMBER_P99_ULP_ERR,
        [FIGURE_P50] = NUMBER_P50_ULP_ERR, [FIGURE_BOUND] = NUMBER_BUDGET_USED, [FIGURE_LSE] = NUMBER_MAX_LSE_ERR};
    write_word(grid, "truth",
               "The result of the same inputs in exact arithmetic, with a proven radius; not that of another program.");
    write_word(grid, "mismatched",
               "Elements of the output that are further from the truth than the tolerance, atol + rtol |truth|.");
    write_word(
        grid, "ulp",
        "The distance between neighbouring numbers of the output's dtype, at the truth. Near 0 it is tiny: where "
        "values average out, a small error is many ulp.");
    if (any_knows(review, NUMBER_BUDGET_USED))
        write_word(grid, "error bound",
                   "The most that roundings can do to an element: those of the kernel's own operations, or of the "
                   "arithmetic that a kernel says it is in. An error beyond it is a bug, even where the tolerance lets "
                   "it pass.");
    write_word(grid, "lse",
               "The log-sum-exp of a row's logits, which kernels return to merge results by; its errors are in nats, "
               "differences of natural logarithms.");
    for (int figure = 0; figure < FIGURE_COUNT; figure++)
        if (any_knows(review, numbers[figure]))
            write_word(grid, figure_table[figure].title, figure_table[figure].about);
}

/* Whether the name of a class has this rounding: f32+weights8+sums16 has sums16. */
static bool has_rounding(const char *class_name, const char *rounding)
{
    const size_t size = strlen(rounding);
    for (const char *part = strchr(class_name, '+'); part; part = strchr(part + 1, '+'))
        if (!strncmp(part + 1, rounding, size) && (part[1 + size] == '+' || part[1 + size] == '\0'))
            return true;
    return false;
}

static void write_rounding(struct grid *grid, const struct review *review, const struct class_rounding_info *rounding)
{
    char word[64], meaning[192];
    for (size_t p = 0; p < review->num_points; p++)
        if (has_rounding(review_text_of(review, &review->points[p], TEXT_CLASS), rounding->name)) {
            snprintf(word, sizeof word, "class ...+%s", rounding->name);
            snprintf(meaning, sizeof meaning, "Beside f32's own roundings, %s.", rounding->meaning);
            write_word(grid, word, meaning);
            return;
        }
}

static void write_classes(struct grid *grid, const struct review *review)
{
    static const struct {
        const char *name, *word, *meaning;
    } others[] = {
        {"output", "class output", "The exact result, rounded once to the output's dtype."},
        {"f32", "class f32", "Everything in f32, in any order of the sums."},
        {"none", "class none", "No roundings explain the error: the kernel computes something else."},
        {"unbounded", "class unbounded", "It is explained by roundings alone that might do anything here."},
    };
    bool any = false;
    for (size_t p = 0; p < review->num_points && !any; p++)
        any = review->points[p].text[TEXT_CLASS];
    if (!any)
        return;
    write_word(grid, "class",
               "The tightest arithmetic whose roundings can explain the errors of an output. That of a point which "
               "fails says what the error would take, not what the kernel does.");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (any_has(review, TEXT_CLASS, others[i].name))
            write_word(grid, others[i].word, others[i].meaning);
    for (int rounding = 0; rounding < CLASS_ROUNDING_COUNT; rounding++)
        write_rounding(grid, review, &class_roundings[rounding]);
}

void review_write_words(struct document *document, const struct review *review)
{
    document_section(document, "words", "What the words mean");
    struct grid *grid = document_grid(document, "Words and columns of this report");
    grid_column(grid, "word", NULL, false);
    grid_column(grid, "what it means", NULL, false);
    write_run_words(grid, review);
    write_statuses(grid, review);
    write_figure_words(grid, review);
    if (any_has(review, TEXT_SIGNATURE, NULL))
        write_word(
            grid, "signature",
            "The name of the way in which an output is wrong. `unknown`: no known way of failing predicts it, or "
            "nothing but an oracle saw it.");
    write_classes(grid, review);
    if (json_object_size(review->oracles) > 0)
        write_word(grid, "oracle",
                   "What must hold of any sound kernel, tried by running it again on a problem that is changed in one "
                   "thing. It needs no truth. Not applicable: there is nothing of that kind to change, as in a problem "
                   "without a mask, or the kernel does not take what it would be given.");
    if (review->num_references > 0)
        write_word(grid, "reference",
                   "Attention as tests elsewhere compute it, in f32 or f64. It is compared with, and never the truth.");
}
