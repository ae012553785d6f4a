/*
 * Attention with something on the way to the weights rounded, predicted key by key in the order in which kernels round:
 * slope, position, their product, its sum with q.k. The rounding of a sum in f32 depends on q.k only where q.k lies
 * next to a midpoint, so that double q.k predicts it for nearly every key.
 *
 * Where the truth is of a contract that rounds biases or distances, a kernel that keeps it is tried first: what the
 * contract rounds is no failure, and with slopes that are powers of 2 other roundings give the same biases.
 */
#include <math.h>
#include <stdio.h>

#include "harness/judge/cause/hypothesis.h"

struct rounding_path {
    bool contract;                           /* on top of what the contract rounds, which is among the dtypes below */
    bool absolute;                           /* slope * j in place of slope * (j - P) */
    bool base_2;                             /* log2(e) is folded into scale and slope */
    bool before_scale;                       /* scale * (q.k + (slope / scale) * position) */
    enum dtype slope, position, bias, logit; /* f32: no rounding beyond f32's own */
    bool times_log2e;                        /* a natural logit is multiplied by log2(e) once it is formed */
};

/* No step, or one, rounded beyond f32. */
#define BUT(of_position, of_bias) .slope = DTYPE_F32, .position = (of_position), .bias = (of_bias), .logit = DTYPE_F32
#define BUT_POSITION(dtype) BUT(dtype, DTYPE_F32)
#define BUT_BIAS(dtype) BUT(DTYPE_F32, dtype)
#define F32 BUT(DTYPE_F32, DTYPE_F32)

static float round_to(enum dtype dtype, double value)
{
    return dtype == DTYPE_F32 ? (float)value : dtype_round(dtype, (float)value);
}

/* The logit as rounded, in natural units; the constant that the absolute form adds is taken out again, exactly. */
static double predicted_logit(const struct suspect *suspect, const struct rounding_path *path, int64_t key)
{
    static const float log2_e = 0x1.715476p+0f;
    const double ln_2 = 0x1.62e42fefa39efp-1;
    const struct problem *problem = suspect->problem;
    double scale = (double)problem->scale;
    float slope = round_to(path->slope, suspect->slope);
    double factor = path->base_2 ? (double)((float)scale * log2_e) / scale : 1;
    if (path->base_2)
        slope *= log2_e;
    double constant = path->absolute ? suspect->slope * (double)problem->q_position : 0;
    int64_t distance = problem_distance(problem, key);
    float position = round_to(path->position, (double)(path->absolute ? distance + problem->q_position : distance));
    if (path->before_scale) {
        float bias = round_to(path->bias, (double)((float)((double)slope / scale) * position));
        float sum = (float)(suspect->dots[key] / scale + (double)bias);
        return (double)round_to(path->logit, scale * (double)sum) - constant;
    }
    float bias = round_to(path->bias, (double)(slope * position));
    float logit = round_to(path->logit, suspect->dots[key] * factor + (double)bias);
    if (path->times_log2e)
        return (double)(logit * log2_e) * ln_2 - constant;
    return (path->base_2 ? (double)logit * ln_2 : (double)logit) - constant;
}

static void fill_logits(struct suspect *suspect, const struct rounding_path *path)
{
    const struct problem *problem = suspect->problem;
    for (int64_t j = 0; j < problem->seq_len; j++) {
        bool visible = path->contract ? suspect_visible(suspect, j) : problem_visible(problem, j);
        suspect->logits[j] = visible ? predicted_logit(suspect, path, j) : -INFINITY;
    }
}

/* What the contract rounds, and the form that it does so in. */
struct contract_path {
    const char *name; /* of what it rounds; NULL: nothing */
    struct rounding_path path;
};

static const struct contract_path contract_paths[TRUTH_OF_COUNT] = {
    [TRUTH_OF_INPUTS] = {NULL, {F32}},
    [TRUTH_OF_FORMULA] = {NULL, {F32}},
    [TRUTH_OF_BF16_BIAS] = {"biases", {BUT_BIAS(DTYPE_BF16), .contract = true, .absolute = true}},
    [TRUTH_OF_F16_DISTANCE] = {"distances", {BUT_POSITION(DTYPE_F16), .contract = true}},
};

/* "slopes, positions rounded to bf16, absolute form": what is not f32, nor the contract's. */
static const char *describe(char *text, size_t size, const struct rounding_path *path, enum truth_of truth_of)
{
    const struct rounding_path *given = &contract_paths[path->contract ? truth_of : TRUTH_OF_INPUTS].path;
    const struct {
        enum dtype dtype, given;
        const char *name;
    } parts[] = {{path->slope, given->slope, "slopes"},
                 {path->position, given->position, "positions"},
                 {path->bias, given->bias, "biases"},
                 {path->logit, given->logit, "logits"}};
    enum dtype dtype = DTYPE_F32;
    int length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].dtype != parts[i].given) {
            length += snprintf(text + length, size - (size_t)length, "%s%s", length ? ", " : "", parts[i].name);
            dtype = parts[i].dtype;
        }
    if (length == 0)
        length = snprintf(text, size, "%s", path->contract ? "logits" : "biases, logits");
    length += snprintf(text + length, size - (size_t)length, " rounded to %s, ", dtypes[dtype].name);
    if (path->contract)
        length +=
            snprintf(text + length, size - (size_t)length, "with the contract's %s, ", contract_paths[truth_of].name);
    snprintf(text + length, size - (size_t)length, "%s form%s%s", path->absolute ? "absolute" : "relative",
             path->base_2        ? ", base 2"
             : path->times_log2e ? ", then times log2(e)"
                                 : "",
             path->before_scale ? ", before the scale" : "");
    return text;
}

/* Positions whose f16 is infinite take their keys' weight away: 65520 and beyond. */
static bool loses_keys(const struct suspect *suspect, const struct rounding_path *path)
{
    return !path->contract && path->position == DTYPE_F16 && !path->absolute &&
           problem_distance(suspect->problem, 0) <= -65520;
}

/*
 * Distances in f16 lose the far keys and round the near ones. Which of the two is the failure: the one that alone
 * leaves less of the error.
 */
static enum signature weigh_lost_keys(struct suspect *suspect)
{
    const struct problem *problem = suspect->problem;
    double rms[2];
    for (int rounded = 0; rounded < 2; rounded++) {
        for (int64_t j = 0; j < problem->seq_len; j++) {
            float position = (float)problem_distance(problem, j);
            bool lost = isinf(dtype_round(DTYPE_F16, position));
            double near = rounded && !lost ? (double)dtype_round(DTYPE_F16, position) : (double)position;
            suspect->logits[j] = !problem_visible(problem, j) || (!rounded && lost)
                                     ? -INFINITY
                                     : suspect->dots[j] + suspect->slope * near;
        }
        suspect_attend(suspect, problem->head_dim);
        rms[rounded] = suspect_rms(suspect, suspect->predicted, problem->head_dim);
    }
    return rms[0] <= rms[1] ? SIGNATURE_DROPPED_KEYS : SIGNATURE_PRECISION_LOSS;
}

/* What is to be changed about a path. */
static const char *remedy_of(const struct suspect *suspect, const struct rounding_path *path)
{
    const struct rounding_path *given = &contract_paths[path->contract ? suspect->truth_of : TRUTH_OF_INPUTS].path;
    bool narrow = path->slope != given->slope || path->position != given->position || path->bias != given->bias ||
                  path->logit != given->logit;
    if (path->contract)
        return "Hold in f32 what the contract does not round.";
    if (narrow && path->absolute)
        return "Hold slopes, positions, biases and logits in f32, and form the bias from the distance to the query.";
    if (narrow)
        return "Hold slopes, positions, biases and logits in f32.";
    if (path->absolute)
        return "Form the bias from the distance to the query: what f32 rounds off slope * position is then gone.";
    return suspect->within ? "f32 can do no better for logits of this size: {within-bound}."
                           : "f32 can do no better for logits of this size: {judge-by-bound}.";
}

/* Of a query at position 0 both forms are of the same numbers, and nothing is gained by the other one. Of several
 * queries the others tell. */
static bool forms_are_one(const struct suspect *suspect)
{
    return suspect->whole->q_position == 0 && problem_queries(suspect->whole) == 1;
}

static void try_path(struct suspect *suspect, const struct rounding_path *tried)
{
    char text[SIGNATURE_DETAIL_SIZE];
    const bool is_relative = !tried->contract && forms_are_one(suspect);
    struct rounding_path named = *tried;
    named.absolute = tried->absolute && !is_relative;
    const struct rounding_path *path = &named;
    enum signature signature = loses_keys(suspect, path) ? weigh_lost_keys(suspect) : SIGNATURE_PRECISION_LOSS;
    fill_logits(suspect, path);
    suspect->remedy = signature == SIGNATURE_PRECISION_LOSS ? remedy_of(suspect, path) : NULL;
    suspect_try(suspect, signature, "|%s|%s", describe(text, sizeof text, path, suspect->truth_of),
                signature == SIGNATURE_DROPPED_KEYS ? ": keys older than 65504 missing" : "");
    suspect->remedy = NULL;
}

/* f32 throughout, in the forms that lose digits far from the query or at large logits. */
static void try_f32(struct suspect *suspect)
{
    static const struct rounding_path rows[] = {
        {F32, .absolute = true},
        {F32, .absolute = true, .base_2 = true},
        {F32, .absolute = true, .before_scale = true},
        {F32, .absolute = true, .times_log2e = true},
        {F32},
        {F32, .base_2 = true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !suspect_is_settled(suspect); i++)
        try_path(suspect, &rows[i]);
}

enum { SLOPE = 1, POSITION = 2, BIAS = 4, LOGIT = 8, SUBSETS = 16 };

/* A path with some of slope, position, bias, logit in a dtype. */
static struct rounding_path in_dtype(struct rounding_path path, int subset, enum dtype dtype)
{
    enum dtype *parts[] = {&path.slope, &path.position, &path.bias, &path.logit};
    for (int i = 0; i < 4; i++)
        if (subset & 1 << i)
            *parts[i] = dtype;
    return path;
}

/* Whether a dtype holds the slope, or all positions, as they are: rounding them too would be another name for the same
 * numbers. */
static bool rounds_nothing(const struct suspect *suspect, const struct rounding_path *path, int subset,
                           enum dtype dtype)
{
    const struct problem *problem = suspect->problem;
    double shift = path->absolute ? (double)problem->q_position : 0,
           oldest = fabs((double)problem_distance(problem, 0) + shift),
           newest = fabs((double)problem_distance(problem, problem->seq_len - 1) + shift);
    bool slope_held = (double)round_to(dtype, suspect->slope) == suspect->slope,
         positions_held = fmax(oldest, newest) <= ldexp(1, dtypes[dtype].significand_bits);
    return (subset & SLOPE && slope_held) || (subset & POSITION && positions_held);
}

void hypothesis_rounded_away(struct suspect *suspect)
{
    static const struct rounding_path rows[] = {
        {F32, .absolute = true},
        {BUT_BIAS(DTYPE_BF16)},
        {BUT_BIAS(DTYPE_BF16), .absolute = true},
        {BUT_POSITION(DTYPE_BF16)},
        {BUT_POSITION(DTYPE_BF16), .absolute = true},
        {BUT_BIAS(DTYPE_F16)},
        {BUT_BIAS(DTYPE_F16), .absolute = true},
        {BUT_POSITION(DTYPE_F16)},
        {BUT_POSITION(DTYPE_F16), .absolute = true},
    };
    const double most = 2 * fmax(suspect->best.rms, suspect->noise);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fill_logits(suspect, &rows[i]);
        bool any = suspect_attend(suspect, suspect->problem->head_dim) > -INFINITY;
        bool as_well = any && suspect_rms(suspect, suspect->predicted, suspect->problem->head_dim) <= most;
        suspect->rounded_away |= as_well;
        if (as_well)
            try_path(suspect, &rows[i]);
    }
}

bool hypothesis_absolute_helps(struct suspect *suspect)
{
    static const struct rounding_path rows[] = {
        {F32, .absolute = true},
        {F32, .absolute = true, .base_2 = true},
        {F32, .absolute = true, .before_scale = true},
        {F32, .absolute = true, .times_log2e = true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fill_logits(suspect, &rows[i]);
        suspect_attend(suspect, suspect->problem->head_dim);
        if (suspect_rms(suspect, suspect->predicted, suspect->problem->head_dim) <= 0.75 * suspect->error)
            return true;
    }
    return false;
}

static bool is_power_of_two(double slope)
{
    int exponent;
    return fabs(frexp(slope, &exponent)) == 0.5;
}

/* With a slope that is a power of 2, a rounded bias is the slope times a rounded position. Which of the two it was
 * other rows tell, of which this one is to have both. */
static void try_twin(struct suspect *suspect, const struct rounding_path *f32, int subset, enum dtype dtype)
{
    struct rounding_path twin = in_dtype(*f32, (subset & ~POSITION) | BIAS, dtype);
    try_path(suspect, &twin);
}

/* One dtype for any of slope, position, bias, logit; a slope alone is another signature. */
static void try_dtype(struct suspect *suspect, enum dtype dtype)
{
    for (int form = 0; form < 4; form++)
        for (int subset = SLOPE + 1; subset < SUBSETS && !suspect_is_settled(suspect); subset++) {
            struct rounding_path f32 = {F32, .absolute = form & 1, .base_2 = form & 2};
            struct rounding_path path = in_dtype(f32, subset, dtype);
            if (!rounds_nothing(suspect, &path, subset, dtype))
                try_path(suspect, &path);
            if (suspect_is_settled(suspect) && subset & POSITION && !(subset & BIAS) && is_power_of_two(suspect->slope))
                try_twin(suspect, &f32, subset, dtype);
        }
}

/*
 * A kernel that keeps the contract: f32 otherwise, then one dtype for any of slope, position, bias, logit that the
 * contract leaves alone. In base 2 only where distances are what it rounds: biases in base 2 round to other numbers.
 */
static void try_contract(struct suspect *suspect)
{
    static const enum dtype narrow[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};
    const struct contract_path *contract = &contract_paths[suspect->truth_of];
    int rounded = contract->path.bias != DTYPE_F32 ? BIAS : POSITION, forms = rounded == BIAS ? 2 : 3;
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0] && contract->name; i++)
        for (int form = 0; form < forms; form++)
            for (int subset = i == 0 ? 0 : 1; subset < (i == 0 ? 1 : SUBSETS) && !suspect_is_settled(suspect);
                 subset++) {
                struct rounding_path path = in_dtype(contract->path, subset, narrow[i]);
                path.before_scale = form == 1;
                path.base_2 = form == 2;
                if (!(subset & rounded))
                    try_path(suspect, &path);
            }
}

void hypothesis_contract(struct suspect *suspect)
{
    const struct problem *problem = suspect->problem;
    if (suspect->truth_of == TRUTH_OF_INPUTS || suspect->by_lse)
        return;
    for (int64_t j = 0; j < problem->seq_len; j++)
        suspect->logits[j] = problem_visible(problem, j)
                                 ? suspect->dots[j] + suspect->slope * (double)problem_distance(problem, j)
                                 : -INFINITY;
    suspect->remedy = "Round biases as truth_of says, or judge against the truth of the inputs.";
    suspect_try(suspect, SIGNATURE_PRECISION_LOSS, "biases of the inputs in place of the contract's");
    suspect->remedy = NULL;
}

void hypothesis_rounding(struct suspect *suspect)
{
    if (suspect->visible == 0 || suspect->by_lse)
        return;
    try_contract(suspect);
    try_f32(suspect);
    try_dtype(suspect, DTYPE_BF16);
    try_dtype(suspect, DTYPE_F16);
}
