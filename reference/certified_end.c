#include "reference/certified_end.h"

#include <math.h>
#include <mpfr.h>

#include "reference/dot_dd.h"

/* value + tail = x, up to 2^-106 |x| + 2^-1074; destroys x. */
static void split(double *value, double *tail, mpfr_t x)
{
    *value = mpfr_get_d(x, MPFR_RNDN);
    mpfr_sub_d(x, x, *value, MPFR_RNDN);
    *tail = mpfr_get_d(x, MPFR_RNDN);
}

/* lse = shift + log l by MPFR, once a head. */
static void store_lse(struct truth *truth, const struct head *head, double shift, struct double_double sum,
                      double relative_error)
{
    mpfr_t lse;
    mpfr_init2(lse, TRUTH_DEFAULT_PRECISION);
    mpfr_set_d(lse, sum.hi, MPFR_RNDN);
    mpfr_add_d(lse, lse, sum.lo, MPFR_RNDN);
    mpfr_log(lse, lse, MPFR_RNDN);
    mpfr_add_d(lse, lse, shift, MPFR_RNDN);
    split(&truth->lse[head->index], &truth->lse_tail[head->index], lse);
    truth->lse_radius[head->index] = 1.01 * relative_error + 0x1p-105 * fabs(truth->lse[head->index]) + 0x1p-150;
    mpfr_clear(lse);
}

/* A number that is none, times a factor, with the bits that the plain truth has of it. */
static double without_number(double number, double factor)
{
    mpfr_t product;
    mpfr_init2(product, TRUTH_MIN_PRECISION);
    mpfr_set_d(product, number, MPFR_RNDN);
    mpfr_mul_d(product, product, factor, MPFR_RNDN);
    double bits = mpfr_get_d(product, MPFR_RNDN);
    mpfr_clear(product);
    return bits;
}

/* Lemma 6: every weight is above 0 and finite, so that what is no number in v decides alone. sum: of it; largest: its
 * magnitude. */
static void store_beyond(struct truth *truth, size_t element, double sum, double largest, double value_scale)
{
    truth->value[element] = without_number(sum, value_scale);
    truth->tail[element] = truth->radius[element] = 0;
    truth->magnitude[element] = largest * fabs(value_scale);
}

/* What lemmas 1 to 4 leave open: relative errors, of heavy keys' sums over v, of light keys', and of the sum of
 * weights, and the weight that is in none of them, relative to it. */
struct left_open {
    double heavy, light, sum, unseen;
};

static struct left_open find_left_open(const struct head *head, const struct sums *sums, struct double_double sum)
{
    double dim = head->problem->head_dim, blocks = (double)(sums->num_heavy / BLOCK + 2);
    double weight_error = 1.01 * (dim * dim + 16) * UNIT * UNIT * head->largest + EXP_DD_ERROR;
    if (head->cap > 0)
        weight_error += 1.01 * (24 * UNIT * UNIT * head->largest + CAP_DD_ERROR * head->cap);
    double heavy_sum_error = weight_error + 3 * (double)(sums->num_heavy + 1) * UNIT * UNIT;
    double light_error =
        1.01 * (head->look_error + 490 * 2 * UNIT + EXP_DOUBLE_ERROR + (double)(sums->num_light + 3) * UNIT);
    return (struct left_open){
        .heavy = weight_error + (3.0 * BLOCK * (BLOCK + 2) + 3 * blocks + 16) * UNIT * UNIT,
        .light = light_error,
        .sum = 1.01 * (heavy_sum_error * sums->heavy.hi + light_error * sums->light) / sum.hi,
        .unseen = 1.02 * head->unseen / sum.hi,
    };
}

/* Whether x e^nats is below 2^-1075, which a double rounds to 0. */
static bool vanishes(double x, double nats)
{
    return -nats - 1 > 0.6932 * (1076 + ilogb(x) + 1);
}

/* Lemma 7: an element beside a sink that outweighs all keys so far that 0 is the double next to it. out, radius and
 * magnitude are those without the sink and v_scale, sum is that of the weights. False if it may be more, or its sign is
 * open. */
static bool store_sunk(struct truth *truth, const struct head *head, size_t element, double out, double radius,
                       double magnitude, double sum)
{
    double value_scale = problem_value_scale(head->problem);
    bool zero = magnitude == 0 && radius == 0;
    truth->value[element] = copysign(1, out) * value_scale * 0.0;
    truth->tail[element] = zero ? 0 : truth->value[element];
    truth->radius[element] = zero ? 0 : 0x1p-1073;
    truth->magnitude[element] = zero ? 0 : 0x1p-1074;
    return zero || (value_scale != 0 && fabs(out) > radius &&
                    vanishes(1.05 * sum * (magnitude + radius) * fabs(value_scale), head->max - head->sink));
}

/* Lemma 5. */
bool certified_end(struct truth *truth, const struct head *head, const struct certified_room *room,
                   const struct sums *sums)
{
    double value_scale = problem_value_scale(head->problem);
    struct double_double sum = dd_add_d(sums->heavy, sums->light);
    struct left_open open = find_left_open(head, sums, sum);
    bool reached = open.sum < RADIUS_GOAL;

    for (int d = 0; d < head->problem->head_dim; d++) {
        size_t i = (size_t)head->index * (size_t)head->problem->head_dim + (size_t)d;
        if (!isfinite(head->v_bounds[d])) {
            store_beyond(truth, i, (double)head->v_beyond[d], (double)head->v_bounds[d], value_scale);
            continue;
        }
        struct double_double numerator = dd_add_d((struct double_double){room->hi[d], room->lo[d]}, room->light[d]);
        struct double_double out = dd_div(numerator, sum), scaled = dd_mul_d(out, value_scale);
        double heavy = room->magnitude[d], light = room->light_magnitude[d], out_abs = fabs(out.hi);
        double radius = (open.heavy * heavy + open.light * light) / sum.hi;
        radius += out_abs * (open.sum + 32 * UNIT * UNIT) + open.unseen * ((double)head->v_bounds[d] + out_abs);
        if (head->sunk) {
            bool stored = store_sunk(truth, head, i, out.hi, 1.05 * radius, (heavy + light) / sum.hi, sum.hi);
            reached = reached && stored;
            continue;
        }
        truth->value[i] = scaled.hi;
        truth->tail[i] = scaled.lo;
        truth->magnitude[i] = (heavy + light) / sum.hi * fabs(value_scale);
        truth->radius[i] = radius > 0 && value_scale != 0 ? 1.05 * radius * fabs(value_scale) + 0x1p-1060 : 0;
        reached = reached && truth->radius[i] <= RADIUS_GOAL * truth->magnitude[i];
    }
    if (head->sunk)
        store_lse(truth, head, head->sink, (struct double_double){1, 0}, 0x1p-200);
    else
        store_lse(truth, head, head->shift, sum, open.sum + open.unseen);
    return reached;
}

void certified_end_nan(struct truth *truth, const struct head *head)
{
    size_t first = (size_t)head->index * (size_t)head->problem->head_dim;
    for (size_t d = 0; d < (size_t)head->problem->head_dim; d++)
        store_beyond(truth, first + d, NAN, NAN, 1);
    truth->lse[head->index] = without_number(NAN, 1);
    truth->lse_tail[head->index] = truth->lse_radius[head->index] = 0;
}
