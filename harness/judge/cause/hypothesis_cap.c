/* Attention with another soft cap or another learned sink, or with none. */
#include <math.h>

#include "harness/judge/cause/hypothesis.h"

static double cap_twice(const struct problem *problem, double logit)
{
    return soft_capped(problem, soft_capped(problem, logit));
}

/* A logit as one that mistakes the cap has it, from the product and the bias. */
static double without_cap(const struct problem *problem, double product, double bias)
{
    (void)problem;
    return product + bias;
}

static double with_two_caps(const struct problem *problem, double product, double bias)
{
    return problem->soft_cap == SOFT_CAP_BEFORE_BIAS ? cap_twice(problem, product) + bias
                                                     : cap_twice(problem, product + bias);
}

static double with_cap_elsewhere(const struct problem *problem, double product, double bias)
{
    return problem->soft_cap == SOFT_CAP_BEFORE_BIAS ? soft_capped(problem, product + bias)
                                                     : soft_capped(problem, product) + bias;
}

static void try_caps(struct suspect *suspect)
{
    static const struct {
        double (*logit)(const struct problem *problem, double product, double bias);
        const char *what;
    } mistakes[] = {
        {without_cap, "no soft cap"},
        {with_two_caps, "the soft cap applied twice"},
        {with_cap_elsewhere, "the soft cap on the other side of the bias"},
    };
    const struct problem *problem = suspect->problem;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        for (int64_t j = 0; j < problem->seq_len; j++)
            suspect->logits[j] = suspect_visible(suspect, j)
                                     ? mistakes[i].logit(problem, suspect->products[j], suspect_bias(suspect, j))
                                     : -INFINITY;
        suspect_try(suspect, SIGNATURE_WRONG_SOFT_CAP, "%s, in place of %.6g %s", mistakes[i].what,
                    (double)problem->soft_cap_value,
                    problem->soft_cap == SOFT_CAP_BEFORE_BIAS ? "before the bias" : "after it");
    }
}

/* What stands for masked keys is capped too, and becomes -C. */
static void try_capped_mask(struct suspect *suspect)
{
    const struct problem *problem = suspect->problem;
    double cap = (double)problem->soft_cap_value;
    for (int64_t j = 0; j < problem->seq_len; j++)
        suspect->logits[j] = problem_visible(problem, j)                 ? suspect_logit(suspect, j)
                             : problem->soft_cap == SOFT_CAP_BEFORE_BIAS ? suspect_bias(suspect, j) - cap
                                                                         : -cap;
    suspect_try(suspect, SIGNATURE_LEAK, "masked keys carry weight: the soft cap makes -%.6g of what stands for them",
                cap);
}

/* Another sink scales out, and moves lse: one number a row. */
static void try_sink(struct suspect *suspect, double sink, const char *what, int times)
{
    double own = suspect->sink;
    suspect->sink = sink;
    suspect->along_truth = true;
    for (int64_t j = 0; j < suspect->problem->seq_len; j++)
        suspect->logits[j] = suspect_visible(suspect, j) ? suspect_logit(suspect, j) : -INFINITY;
    if (times > 0)
        suspect_try(suspect, SIGNATURE_WRONG_SINK, "the sink %.6g |%s: %d times|", own, what, times);
    else
        suspect_try(suspect, SIGNATURE_WRONG_SINK, "the sink %.6g |%s|", own, what);
    suspect->along_truth = false;
    suspect->sink = own;
}

/* The sink of another head, by how heads may be counted. */
static double sink_of(const struct suspect *suspect, int head)
{
    const int heads = suspect->problem->num_heads;
    return (double)suspect->problem->sink_logits[(head + heads) % heads];
}

static double of_next_head(const struct suspect *suspect)
{
    return sink_of(suspect, suspect->head + 1);
}

static double of_head_before(const struct suspect *suspect)
{
    return sink_of(suspect, suspect->head - 1);
}

static double of_kv_head(const struct suspect *suspect)
{
    return sink_of(suspect, problem_kv_head(suspect->problem, suspect->head));
}

static double of_place_in_group(const struct suspect *suspect)
{
    return sink_of(suspect, suspect->head % (suspect->problem->num_heads / suspect->problem->num_kv_heads));
}

static double of_first_head(const struct suspect *suspect)
{
    return sink_of(suspect, 0);
}

static double times_scale(const struct suspect *suspect)
{
    return suspect->sink * (double)suspect->problem->scale;
}

/* Sinks of other heads, or scaled as a product is. */
static void try_other_sinks(struct suspect *suspect)
{
    static const struct {
        double (*sink)(const struct suspect *suspect);
        const char *what;
    } mistakes[] = {
        {of_next_head, "is taken from the next head"},
        {of_head_before, "is taken from the head before"},
        {of_kv_head, "is taken from the head with the number of its KV head"},
        {of_place_in_group, "is taken from the head with the number that it has among those of its KV head"},
        {of_first_head, "is taken from the first head"},
        {times_scale, "is multiplied by the softmax scale"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        const double sink = mistakes[i].sink(suspect);
        if (sink != suspect->sink)
            try_sink(suspect, sink, mistakes[i].what, 0);
    }
}

/* A few times, or once for each chunk of one of the lengths. */
static void try_sinks(struct suspect *suspect)
{
    enum { FEW = 8 };
    double own = suspect->sink;
    int64_t keys = suspect->problem->seq_len;
    try_sink(suspect, -INFINITY, "is not counted", 0);
    try_sink(suspect, own * M_LOG2E, "is taken for a natural logit among ones in base 2, as if it were times log2(e)",
             0);
    try_sink(suspect, own / M_LOG2E, "is taken for one in base 2, as if it were times ln 2", 0);
    for (int times = 2; times <= FEW; times++)
        try_sink(suspect, own + log(times), "is counted more than once", times);
    for (int64_t length = SUSPECT_CHUNK_LEN_MIN; length <= SUSPECT_CHUNK_LEN_MIN << (SUSPECT_CHUNK_LENS - 1);
         length *= 2)
        if ((keys + length - 1) / length > FEW)
            try_sink(suspect, own + log((double)((keys + length - 1) / length)), "is counted more than once",
                     (int)((keys + length - 1) / length));
}

void hypothesis_cap(struct suspect *suspect)
{
    if (suspect->products) {
        try_caps(suspect);
        if (suspect->problem->visible)
            try_capped_mask(suspect);
    }
    if (suspect->sink > -INFINITY) {
        try_sinks(suspect);
        try_other_sinks(suspect);
    }
}
