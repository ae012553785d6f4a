/*
 * A program that links libalibicheck: judge_library FOLDER. It judges outputs that are wrong in several ways, in the
 * locale of its environment, and prints of each its record and its message; a bundle of each goes into FOLDER. To
 * stderr goes a half as the locale writes it.
 */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <alibicheck.h>

enum { KEYS = 300, HEADS = 8, DIM = 64 };

static float q[HEADS * DIM], k[KEYS * HEADS * DIM], v[KEYS * HEADS * DIM], out[HEADS * DIM];
static float slopes[HEADS];

/* What is wrong with an output: factors of the scale and of slopes, and what is added to an element. */
struct wrong {
    const char *name;
    float scale, slope, shift;
};

static void attend(const struct wrong *wrong)
{
    for (int h = 0; h < HEADS; h++) {
        double sum = 0, sums[DIM] = {0};
        for (int j = 0; j < KEYS; j++) {
            double logit = (double)slopes[h] * (double)wrong->slope * (j - (KEYS - 1));
            for (int d = 0; d < DIM; d++)
                logit += 0.125 * (double)wrong->scale * (double)(q[h * DIM + d] * k[(j * HEADS + h) * DIM + d]);
            double weight = exp(logit);
            sum += weight;
            for (int d = 0; d < DIM; d++)
                sums[d] += weight * (double)v[(j * HEADS + h) * DIM + d];
        }
        for (int d = 0; d < DIM; d++)
            out[h * DIM + d] = (float)(sums[d] / sum) + wrong->shift * (float)(d % 3);
    }
}

static int judge(const struct wrong *wrong, const char *folder, struct alibicheck_error *error)
{
    const struct alibicheck_shape shape = {
        .seq_len = KEYS, .num_queries = 1, .num_heads = HEADS, .num_kv_heads = HEADS, .head_dim = DIM};
    const struct alibicheck_tensor of_q = alibicheck_packed(q, ALIBICHECK_F32, HEADS, DIM);
    const struct alibicheck_tensor of_k = alibicheck_packed(k, ALIBICHECK_F32, HEADS, DIM);
    const struct alibicheck_tensor of_v = alibicheck_packed(v, ALIBICHECK_F32, HEADS, DIM);
    const struct alibicheck_output output = {.out = alibicheck_packed(out, ALIBICHECK_F32, HEADS, DIM)};
    alibicheck_problem *problem = NULL;
    alibicheck_options *options = NULL;
    alibicheck_verdict *verdict = NULL;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.safetensors", folder, wrong->name);
    attend(wrong);
    int status = alibicheck_problem_new(&problem, &shape, error) || alibicheck_problem_set_q(problem, &of_q, error) ||
                 alibicheck_problem_set_k(problem, &of_k, error) || alibicheck_problem_set_v(problem, &of_v, error) ||
                 alibicheck_problem_set_scale(problem, 0.125f, error) ||
                 alibicheck_problem_set_slopes(problem, slopes, error) || alibicheck_options_new(&options, error) ||
                 alibicheck_options_set_threads(options, 2, error) ||
                 alibicheck_options_set_tolerance(options, 0.0005, 0.0005, -1, error) ||
                 alibicheck_options_set_bundle(options, path, 0, error) ||
                 alibicheck_judge(&verdict, problem, &output, NULL, options, error);
    if (!status)
        printf("%s\n%s\n", alibicheck_verdict_json(verdict), alibicheck_verdict_message(verdict));
    alibicheck_verdict_free(verdict);
    alibicheck_options_free(options);
    alibicheck_problem_free(problem);
    return status;
}

int main(int argc, char **argv)
{
    static const struct wrong wrongs[] = {
        {"scale", 1.5f, 1, 0}, {"slopes", 1, 1.5f, 0}, {"shift", 1, 1, 0.125f}, {"right", 1, 1, 0}};
    struct alibicheck_error error = {.text = ""};
    char text[16];
    if (argc != 2 || !setlocale(LC_ALL, ""))
        return EXIT_FAILURE;
    for (int i = 0; i < HEADS * DIM; i++)
        q[i] = sinf((float)i);
    for (int i = 0; i < KEYS * HEADS * DIM; i++) {
        k[i] = sinf(0.7f * (float)i);
        v[i] = cosf(1.3f * (float)i);
    }
    for (int h = 0; h < HEADS; h++)
        slopes[h] = ldexpf(1, -(h + 1));
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++)
        if (judge(&wrongs[i], argv[1], &error)) {
            fprintf(stderr, "%s: %s\n", wrongs[i].name, error.text);
            return EXIT_FAILURE;
        }
    /* The caller's own locale is there again. */
    snprintf(text, sizeof text, "%.1f", 0.5);
    fprintf(stderr, "%s\n", text);
    return EXIT_SUCCESS;
}
