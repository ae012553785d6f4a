#include "kernels/recipe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const bias_form_names[BIAS_COUNT] = {
    [BIAS_RELATIVE] = "relative",
    [BIAS_ABSOLUTE] = "absolute",
};

const char *const exponential_names[EXPONENTIAL_COUNT] = {
    [EXPONENTIAL_POLYNOMIAL] = "polynomial",
    [EXPONENTIAL_EX2_APPROX] = "ex2_approx",
};

static const char *const sentinel_names[SENTINEL_COUNT] = {
    [SENTINEL_INFINITY] = "-inf",
    [SENTINEL_ADAPTIVE] = "adaptive",
    [SENTINEL_EXCLUDE] = "exclude",
};

/* The shortest decimal that reads back as the same f32. */
char *sentinel_format(char *text, const struct sentinel *sentinel)
{
    const char *name = sentinel_names[sentinel->policy];
    if (name) {
        snprintf(text, SENTINEL_TEXT_SIZE, "%s", name);
        return text;
    }
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, SENTINEL_TEXT_SIZE, "%.*g", digits, (double)sentinel->value);
        if (strtof(text, NULL) == sentinel->value)
            break;
    }
    return text;
}

bool sentinel_parse(const char *text, struct sentinel *sentinel)
{
    for (int policy = 0; policy < SENTINEL_COUNT; policy++)
        if (sentinel_names[policy] && !strcmp(text, sentinel_names[policy])) {
            *sentinel = (struct sentinel){.policy = (enum sentinel_policy)policy};
            return true;
        }
    /* strtof also takes hexadecimal, "nan" and "infinity"; a number in a case file starts with its sign. */
    if (text[0] != '-' || !strpbrk(text, "0123456789") || strcspn(text, "xXnN") != strlen(text))
        return false;
    char *end;
    float value = strtof(text, &end);
    if (*end || !isfinite(value) || value >= 0)
        return false;
    *sentinel = (struct sentinel){.policy = SENTINEL_VALUE, .value = value};
    return true;
}

char *recipe_format(char *text, const struct recipe *recipe)
{
    snprintf(text, RECIPE_TEXT_SIZE, "%s-%s", bias_form_names[recipe->bias], exponential_names[recipe->exponential]);
    return text;
}

/* Largest |x| of a tensor; NaN is passed over. */
static double max_abs(enum dtype dtype, const void *tensor, size_t count)
{
    enum { BLOCK = 1024 };
    float block[BLOCK], largest[8] = {0}, result = 0;
    for (size_t first = 0; first < count; first += BLOCK) {
        size_t size = count - first < BLOCK ? count - first : BLOCK;
        dtype_widen(dtype, tensor, first, size, block);
        memset(block + size, 0, (BLOCK - size) * sizeof *block);
        for (size_t i = 0; i < BLOCK; i += 8)
            for (size_t j = 0; j < 8; j++)
                largest[j] = fabsf(block[i + j]) > largest[j] ? fabsf(block[i + j]) : largest[j];
    }
    for (size_t j = 0; j < 8; j++)
        result = fmaxf(result, largest[j]);
    return (double)result;
}

/* 160 rather than 126: the kernel's own rounding of logits (2^-22 |lowest|) cannot close the gap that is left. */
enum error_kind adaptive_sentinel_below(float *sentinel, double lowest, struct error *error)
{
    double value = lowest - fmax(160, fabs(lowest) * 0x1p-10);
    if (!(value >= -0x1.fffffep+127))
        return error_set(error, ERROR_SYSTEM,
                         "sentinel adaptive: logits can reach %g (base 2), below every finite f32; allowed policies: "
                         "-inf, exclude",
                         lowest);
    *sentinel = (float)value;
    return ERROR_NONE;
}

/* No logit lies below -|scale| D max|q| max|k| + min over heads of slope (0 - origin), base 2. */
enum error_kind adaptive_sentinel(float *sentinel, const struct problem *problem, enum bias_form bias,
                                  struct error *error)
{
    size_t q_elements = (size_t)problem_elements(problem);
    size_t k_elements = (size_t)problem->seq_len * (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    double largest_q = max_abs(problem->dtype, problem->q, q_elements);
    double largest_k = max_abs(problem->dtype, problem->k, k_elements);
    double origin = bias == BIAS_ABSOLUTE ? 0.0 : (double)problem->q_position;
    double lowest_bias = 0;
    for (int head = 0; head < problem->num_heads; head++) {
        double slope = (double)problem->slopes[head];
        lowest_bias = fmin(lowest_bias, fmin(-slope * origin, slope * ((double)(problem->seq_len - 1) - origin)));
    }
    double lowest = (lowest_bias - fabs((double)problem->scale) * problem->head_dim * largest_q * largest_k) * M_LOG2E;
    return adaptive_sentinel_below(sentinel, lowest, error);
}
