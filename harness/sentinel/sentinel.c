#include "harness/sentinel/sentinel.h"

#include <math.h>

const char *const logit_base_names[BASE_COUNT] = {[BASE_E] = "e", [BASE_2] = "2"};
const char *const standing_names[STANDING_COUNT] = {
    [STANDING_SAFE] = "safe", [STANDING_REACHED] = "reached", [STANDING_UNSAFE] = "unsafe"};

/* log2(e) = 0x1.71547652b82fe1777d...p0, and the gap at which a weight is flushed, 126 ln 2 =
 * 0x1.5d589f2fe51071...p6;
 * both rounded up. */
static const double log2_e_up = 0x1.71547652b82ffp0;
static const double flushed_gap[BASE_COUNT] = {[BASE_E] = 0x1.5d589f2fe5108p6, [BASE_2] = 126};

/* a * b for a, b >= 0, exact or rounded up. Below 2^-900 the remainder of the product may underflow. */
static double product_up(double a, double b)
{
    double product = a * b;
    bool exact = a == 0 || b == 0 || (fma(a, b, -product) == 0 && product >= 0x1p-900);
    return exact ? product : nextafter(product, INFINITY);
}

/* a + b for a, b of either sign, exact or rounded up (the remainder by Knuth's two-sum). */
static double sum_up(double a, double b)
{
    double sum = a + b, shadow = sum - a;
    double remainder = (a - (sum - shadow)) + (b - shadow);
    return remainder == 0 ? sum : nextafter(sum, INFINITY);
}

static double sqrt_up(double x)
{
    double root = sqrt(x);
    return fma(root, root, -x) == 0 ? root : nextafter(root, INFINITY);
}

/* magnitude >= 0, base e, in another base. */
static double in_base_up(double magnitude, enum logit_base base)
{
    return base == BASE_E ? magnitude : product_up(magnitude, log2_e_up);
}

void logit_range_slopes(struct logit_range *range, int num_heads, enum slope_convention convention, double max_bias,
                        int head_offset, int total_heads)
{
    range->steepest_slope = 0;
    range->flattest_slope = INFINITY;
    for (int head = 0; head < num_heads; head++) {
        float slope;
        slopes_fill(&slope, 1, convention, max_bias, head_offset + head, total_heads);
        range->steepest_slope = fmax(range->steepest_slope, (double)slope);
        range->flattest_slope = fmin(range->flattest_slope, (double)slope);
    }
}

double logit_dot_bound(double scale, int head_dim, double q_bound, double k_bound, double q_norm, double k_norm)
{
    double root = sqrt_up(head_dim);
    double q = fmin(q_norm, product_up(root, q_bound));
    double k = fmin(k_norm, product_up(root, k_bound));
    return product_up(fabs(scale), product_up(q, k));
}

static int head_count(const struct logit_range *range)
{
    return range->heads ? range->num_heads : 1;
}

/* Scores around 0, so that sums of magnitudes bound them. */
static struct head_range head_at(const struct logit_range *range, int head)
{
    if (!range->heads)
        return (struct head_range){range->steepest_slope, -range->dot_bound, range->dot_bound};
    struct head_range known = range->heads[head];
    return (struct head_range){known.slope, fmin(known.lowest_score, 0), fmax(known.highest_score, 0)};
}

static double lowest_of_head(const struct head_range *head, enum bias_form bias, int64_t distance, enum logit_base base)
{
    double magnitude = bias == BIAS_ABSOLUTE ? 0 : product_up(head->slope, (double)distance);
    return -in_base_up(sum_up(-head->lowest_score, magnitude), base);
}

double lowest_logit(const struct logit_range *range, int64_t distance, enum logit_base base)
{
    double lowest = 0;
    for (int i = 0; i < head_count(range); i++) {
        struct head_range head = head_at(range, i);
        lowest = fmin(lowest, lowest_of_head(&head, range->bias, distance, base));
    }
    return lowest;
}

/* The maximum is at least the logit of the nearest visible key. In the absolute form its bias is
 * slope * (P - nearest_distance) >= 0, bounded by 0 so that the bound holds at every length. */
double lowest_maximum(const struct logit_range *range, enum logit_base base)
{
    return lowest_logit(range, range->nearest_distance, base);
}

double highest_logit(const struct logit_range *range, int64_t seq_len, enum logit_base base)
{
    double highest = 0;
    for (int i = 0; i < head_count(range); i++) {
        struct head_range head = head_at(range, i);
        int64_t farthest = range->bias == BIAS_ABSOLUTE ? range->first_position + seq_len - 1 : 0;
        double bias = product_up(head.slope, (double)(farthest + range->keys_ahead));
        highest = fmax(highest, in_base_up(sum_up(head.highest_score, bias), base));
    }
    return highest;
}

bool stand_in_weighs(const struct stand_in *stand_in, double maximum, double highest_masked)
{
    double masked = stand_in->value;
    if (stand_in->kind == STAND_IN_ADDS)
        masked = highest_masked > 0 ? sum_up(masked, in_base_up(highest_masked, stand_in->base))
                                    : masked + highest_masked * (stand_in->base == BASE_2 ? M_LOG2E : 1);
    return maximum < sum_up(masked, flushed_gap[stand_in->base]);
}

/* An added stand-in moves along with the bias form, so that masked and visible keys compare as they do in the relative
 * form, where no bias is above 0 but of keys ahead of the query. */
static bool is_unsafe(const struct stand_in *stand_in, const struct logit_range *range, int64_t nearest_distance)
{
    enum bias_form bias = stand_in->kind == STAND_IN_ADDS ? BIAS_RELATIVE : range->bias;
    for (int i = 0; i < head_count(range); i++) {
        struct head_range head = head_at(range, i);
        double maximum = lowest_of_head(&head, bias, nearest_distance, stand_in->base);
        double highest_masked = sum_up(head.highest_score, product_up(head.slope, (double)range->keys_ahead));
        if (stand_in_weighs(stand_in, maximum, highest_masked))
            return true;
    }
    return false;
}

bool stand_in_overflows(const struct stand_in *stand_in, const struct logit_range *range, int64_t seq_len)
{
    double largest = dtypes[stand_in->held_in].max;
    double halfway = largest + dtype_ulp(stand_in->held_in, largest) / 2; /* from here on rounded to infinity */
    return stand_in_finite(stand_in) && highest_logit(range, seq_len, stand_in->base) >= halfway;
}

enum standing stand_in_standing(const struct stand_in *stand_in, const struct logit_range *range, int64_t seq_len)
{
    if (stand_in->kind == STAND_IN_SOUND)
        return STANDING_SAFE;
    if (stand_in->kind == STAND_IN_INFINITE)
        return range->masked ? STANDING_UNSAFE : STANDING_SAFE;
    if (stand_in->kind == STAND_IN_ADAPTIVE) {
        float value;
        bool found = !adaptive_sentinel_below(&value, lowest_logit(range, seq_len - 1, BASE_2), NULL);
        return found ? STANDING_SAFE : STANDING_UNSAFE;
    }
    if (is_unsafe(stand_in, range, range->nearest_distance) || stand_in_overflows(stand_in, range, seq_len))
        return STANDING_UNSAFE;
    return lowest_logit(range, seq_len - 1, stand_in->base) <= stand_in->value ? STANDING_REACHED : STANDING_SAFE;
}

struct question {
    const struct stand_in *stand_in;
    const struct logit_range *range;
    enum logit_base base;
};

static bool is_reached_at(const struct question *question, int64_t distance)
{
    return lowest_logit(question->range, distance, question->base) <= question->stand_in->value;
}

static bool is_unsafe_at(const struct question *question, int64_t distance)
{
    return is_unsafe(question->stand_in, question->range, distance);
}

/* The least distance of which the answer is yes; once yes, it stays so. */
static int64_t first_distance(bool (*answer)(const struct question *question, int64_t distance),
                              const struct question *question)
{
    if (!stand_in_finite(question->stand_in) || !answer(question, DISTANCE_MAX))
        return DISTANCE_NEVER;
    int64_t no = -1, yes = DISTANCE_MAX;
    while (yes - no > 1) {
        int64_t middle = no + (yes - no) / 2;
        if (answer(question, middle))
            yes = middle;
        else
            no = middle;
    }
    return yes;
}

int64_t stand_in_reached_from(const struct stand_in *stand_in, const struct logit_range *range, enum logit_base base)
{
    return first_distance(is_reached_at, &(struct question){stand_in, range, base});
}

int64_t stand_in_unsafe_from(const struct stand_in *stand_in, const struct logit_range *range)
{
    if (stand_in->kind == STAND_IN_INFINITE)
        return range->masked && range->nearest_distance == 0 ? 0 : 1;
    return first_distance(is_unsafe_at, &(struct question){stand_in, range, stand_in->base});
}
