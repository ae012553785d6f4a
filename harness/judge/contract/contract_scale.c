#include "harness/judge/contract/contract_makers.h"

#include <math.h>

/* Another scale: of q.k, of k and v, of the output. */

bool contract_make_scale(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    double stated = (double)trial->problem.scale, dim = trial->problem.head_dim;
    const struct {
        double scale;
        const char *what;
    } variants[CONTRACT_SCALES] = {
        {1 / sqrt(dim), "1/sqrt(head_dim)"},
        {1, "none"},
        {stated * stated, "the scale twice"},
        {1 / dim, "1/head_dim"},
        {1 / sqrt(2 * dim), "1/sqrt(2 head_dim)"},
        {1 / sqrt(dim / 2), "1/sqrt(head_dim / 2)"},
        {sqrt(stated), "the square root of it"},
        {stated * M_LOG2E, "log2(e) times it"},
        {stated * M_LN2, "ln 2 times it"},
        {stated * 2, "twice it"},
        {stated / 2, "half of it"},
    };
    float scale = (float)variants[variant].scale;
    for (int earlier = 0; earlier < variant; earlier++)
        if ((float)variants[earlier].scale == scale)
            return false;
    if (scale == trial->problem.scale || !isfinite(scale))
        return false;
    trial->problem.scale = scale;
    return contract_say(trial, "scale %.9g in place of %.9g (%s)", (double)scale, stated, variants[variant].what);
}

bool contract_make_kv_scales(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    struct problem *problem = &trial->problem;
    float k = problem->k_scale, v = problem->v_scale;
    const struct {
        float k, v;
        const char *what;
    } variants[] = {
        {1, 1, "ignored"},
        {1, v, "that of k ignored"},
        {k, 1, "that of v ignored"},
        {v, k, "exchanged"},
        {k * k, v * v, "taken twice"},
        {1 / k, 1 / v, "divided by"},
        {k * k, v, "that of k taken twice"},
        {k, v * v, "that of v taken twice"},
    };
    if (problem->kv_format == KV_AS_DTYPE || (variants[variant].k == k && variants[variant].v == v) ||
        !isfinite(variants[variant].k) || !isfinite(variants[variant].v))
        return false;
    for (int earlier = 0; earlier < variant; earlier++)
        if (variants[earlier].k == variants[variant].k && variants[earlier].v == variants[variant].v)
            return false;
    problem->k_scale = variants[variant].k;
    problem->v_scale = variants[variant].v;
    return contract_say(trial, "k_scale and v_scale %s", variants[variant].what);
}

/* Where there is a v_scale it is that times the factor, as other contracts of it are; else the output is divided, of
 * which a power of two leaves the bits what they are. */
bool contract_make_output_scale(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    (void)clue;
    static const float factors[] = {2, 0.5f, 4, 0.25f};
    const struct problem *problem = &trial->problem;
    float values[64], factor = factors[variant];
    if (problem->kv_format != KV_AS_DTYPE) {
        trial->problem.v_scale *= factor;
        return isfinite(trial->problem.v_scale) && trial->problem.v_scale != trial->before.v_scale &&
               contract_say(trial, "v or the output multiplied by %g", (double)factor);
    }
    if (!contract_own_out(trial))
        return false;
    for (int64_t first = 0; first < problem_elements(problem); first += 64) {
        size_t now = problem_elements(problem) - first < 64 ? (size_t)(problem_elements(problem) - first) : 64;
        dtype_widen(problem->dtype, trial->output.out, (size_t)first, now, values);
        for (size_t i = 0; i < now; i++)
            values[i] /= factor;
        dtype_narrow(problem->dtype, trial->output.out, (size_t)first, now, values);
    }
    return contract_say(trial, "v or the output multiplied by %g", (double)factor);
}
