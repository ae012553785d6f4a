#include "harness/judge/cause/signature_info.h"

#include <stdio.h>
#include <string.h>

struct signature_info {
    const char *meaning, *remedy;
    int preference; /* among explanations that are equally good, the lowest is named */
};

static const struct signature_info infos[SIGNATURE_COUNT] = {
    [SIGNATURE_NONE] = {"Nothing failed.", "Nothing to change.", 0},
    [SIGNATURE_NAN] =
        {"Values that are NaN or infinite stand where the exact result is finite.",
         "Guard the difference of two -inf and the division by an empty row's sum, and do not read values "
         "whose weight is 0.",
         1},
    [SIGNATURE_SILENT_ZERO] = {"Every weight of the row was lost, so its output is 0.",
                               "Start the maximum at -inf with guards, at the first visible key, or below the lowest "
                               "logit that the problem can reach.",
                               2},
    [SIGNATURE_UNIFORM] = {"The output is the plain mean of v: the row's logits were all the same value.",
                           "Exclude masked keys by index, and write 0 for a row that has no visible key.", 4},
    [SIGNATURE_BIAS_SHIFT] = {"All biases are off by the same number of keys: the output is right and lse is not.",
                              "Take distances from the query's position, a chunk's offset included.", 5},
    [SIGNATURE_DROPPED_BIAS] = {"The output is that of attention without a bias.", "Pass the slopes to this code path.",
                                6},
    [SIGNATURE_WRONG_SLOPE] = {"The output is that of attention with another slope.",
                               "Take the slopes that the model defines, for all of its heads, in f32.", 8},
    [SIGNATURE_LEAK] = {"Masked keys or empty slots carry weight.",
                        "Exclude masked keys by index, or give them -inf or a value below every logit that the problem "
                        "can reach.",
                        3},
    [SIGNATURE_EPS_BIAS] = {"An epsilon in the denominator scales every output down.",
                            "Guard the division by a test for an empty row in place of an epsilon.", 10},
    [SIGNATURE_DROPPED_KEYS] =
        {"The output is that of attention over some of the visible keys.",
         "Look at where the loop over keys, or pages, begins and ends; where the keys named are those of "
         "little weight, lower the cut-off, or widen the type, that removes them.",
         7},
    [SIGNATURE_PRECISION_LOSS] = {"The output is off by the rounding of an intermediate result.",
                                  "Hold in f32 the step that the finding names; where it names none, {who-names-it}.",
                                  11},
    [SIGNATURE_WRONG_SOFT_CAP] = {"The output is that of attention with another soft cap, or with none.",
                                  "Apply the cap once, to the scaled q.k or to the biased logit as the model does, and "
                                  "before the mask.",
                                  6},
    [SIGNATURE_WRONG_SINK] = {"The output is that of attention with another learned sink, or with none.",
                              "Add each head's sink to its sum of weights once, in the units of its logits.", 2},
    [SIGNATURE_WRONG_SCALE] = {"The output is that of attention with another scale of q.k or of v.",
                               "Multiply q.k by the model's scale and by k_scale once, and the output by v_scale once.",
                               6},
    [SIGNATURE_WRONG_KV_HEAD] = {"The output is that of attention to the keys or values of another KV head.",
                                 "Of H query heads and Hkv KV heads, let query head h read KV head h / (H / Hkv).", 3},
    [SIGNATURE_WRONG_LSE] = {"lse is in another base, in part, or off by a constant, where it is returned or where "
                             "chunks are merged by it.",
                             "Return max + log(sum) in the base that callers and merges take it for.", 2},
    [SIGNATURE_MISPLACED_KEYS] = {"The output is that of attention to keys or values in other places than their own.",
                                  "Read k and v of a key at one place, that of its own index.", 9},
    [SIGNATURE_WRONG_MERGE] =
        {"The output is that of tiles or chunks of keys that are added up without the factors between "
         "their maxima.",
         "Multiply the running sum and output by exp(old maximum - new) where a tile raises it, "
         "and each chunk's by exp(its maximum - the largest) where chunks are merged.",
         12},
    [SIGNATURE_DOUBLED_KEYS] = {"The output is that of attention in which some keys are counted more than once.",
                                "Let each part of the sequence begin where the one before it ends, in keys or in whole "
                                "pages, and count what is kept in two places once.",
                                13},
    [SIGNATURE_UNWRITTEN] = {"Elements of the output were never written.",
                             "Write every row, 0 where no key is visible, and lse with it.", 1},
    [SIGNATURE_STALE] =
        {"The output is, bit for bit, that of an earlier launch, of which no row of v is the same.",
         "Look for what is kept from launch to launch by an address or a shape: a result, a copy of the "
         "inputs, a graph.",
         0},
    [SIGNATURE_NO_ANSWER] = {"The kernel failed to run, and gave no output.",
                             "Run this point alone, and see its error.", 0},
    [SIGNATURE_UNKNOWN] = {"No known failure mode predicts this output.", "{look}.", 14},
};

const char *signature_meaning(enum signature signature)
{
    return infos[signature].meaning;
}

const char *signature_remedy(enum signature signature)
{
    return infos[signature].remedy;
}

int signature_preference(enum signature signature)
{
    return infos[signature].preference;
}

/* What stands in braces in a remedy, in the words of each reader. */
static const struct {
    const char *word, *of[REMEDY_READER_COUNT];
} words[] = {
    {"{who-names-it}",
     {"`alibicheck explain` tells it", "the class says which roundings explain the error",
      "the class says which roundings explain the error", "the class says which roundings explain the error",
      "the class says which roundings explain the error"}},
    {"{look}",
     {"Compare the stages of the worst head with their exact values: `alibicheck explain`",
      "See what its worst element is made of: the line that runs the point alone, with `explain` in place of `run`. "
      "`alibicheck hunt`, with the kernel, looks for a small case on which it fails",
      "`explain` and `hunt` tell more of a kernel that a command line can run: a plug-in, or a program that serves the "
      "function (docs/kernels.md)",
      "See what its worst element is made of: `alibicheck judge ... --explain`",
      "See what its worst element is made of: explain() of the verdict in Python, alibicheck_explain in C"}},
    {"{within-bound}",
     {"`budget: 1` passes, and `alibicheck explain` tells the step that has most of it", "`budget: 1` passes",
      "`budget: 1` passes", "`--budget 1` without --tolerance passes", "a tolerance as wide as its bound passes"}},
    {"{judge-by-bound}",
     {"judge by the error bound (`budget: 1`)", "allow for it in the tolerance", "allow for it in the tolerance",
      "say what it is made with (--recipe) and judge by its error bound (--budget 1), or allow for it in the tolerance",
      "allow for it in the tolerance"}},
};

/* The word that a text begins with, as its reader says it, and how long it is; NULL: it begins with none. */
static const char *words_at(const char *text, enum remedy_reader reader, size_t *length)
{
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        *length = strlen(words[w].word);
        if (!strncmp(text, words[w].word, *length))
            return words[w].of[reader];
    }
    return NULL;
}

const char *remedy_for(char text[REMEDY_SIZE], const char *remedy, enum remedy_reader reader)
{
    size_t length = 0, skipped;
    text[0] = 0;
    while (*remedy && length < REMEDY_SIZE - 1) {
        const char *said = *remedy == '{' ? words_at(remedy, reader, &skipped) : NULL;
        length += said ? (size_t)snprintf(text + length, REMEDY_SIZE - length, "%s", said)
                       : (size_t)snprintf(text + length, REMEDY_SIZE - length, "%c", *remedy);
        remedy += said ? skipped : 1;
    }
    return text;
}

const char *signature_examined(char text[EXAMINED_SIZE], bool named, int explained, int examined, bool of_queries)
{
    const char *rows = of_queries ? "row" : "head";
    text[0] = 0;
    if (examined > 0 && !named && explained == 0)
        snprintf(text, EXAMINED_SIZE, " (%d %s%s examined)", examined, rows, examined == 1 ? "" : "s");
    else if (examined > 0)
        snprintf(text, EXAMINED_SIZE, " (%d of %d %ss examined)", explained, examined, rows);
    return text;
}
