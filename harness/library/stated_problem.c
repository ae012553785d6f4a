/* All that was said of a problem, looked at together before it is judged. */
#include "harness/library/api.h"

enum unsaid_scales api_scales(const struct alibicheck_problem *problem)
{
    bool stated = is_stated(problem, STATED_KV_SCALES);
    return unsaid_scales_of(problem->tensors.k.dtype, problem->tensors.v.dtype, stated && !problem->k_scale_unsaid,
                            stated && !problem->v_scale_unsaid);
}

static enum error_kind check_stated(const struct alibicheck_problem *problem, struct error *failure)
{
    static const struct {
        enum api_fact fact;
        const char *name, *allowed;
    } needed[] = {
        {STATED_Q, "q", "alibicheck_problem_set_q"},
        {STATED_K, "k", "alibicheck_problem_set_k"},
        {STATED_V, "v", "alibicheck_problem_set_v"},
        {STATED_SCALE, "scale", "the number that q.k is multiplied by, 1/sqrt(head_dim) as a rule"},
        {STATED_SLOPES, "slopes",
         "a slope a head, or a convention: " SLOPE_CONVENTION_WORDS ", or none for attention without ALiBi"},
    };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!is_stated(problem, needed[i].fact))
            return error_set(failure, ERROR_USAGE, "%s: is missing; allowed: %s", needed[i].name, needed[i].allowed);
    return ERROR_NONE;
}

/* What k and v are held in: fp8 where both are of one such type, else all of them in the output's dtype. */
static enum error_kind choose_format(struct problem_spec *spec, const struct alibicheck_problem *problem,
                                     struct error *failure)
{
    enum dtype k = problem->tensors.k.dtype, v = problem->tensors.v.dtype;
    spec->kv_format = k == v ? kv_format_of(k) : KV_AS_DTYPE;
    if (spec->kv_format == KV_AS_DTYPE && (spec->k_scale != 1 || spec->v_scale != 1))
        return error_set(failure, ERROR_USAGE,
                         "k_scale, v_scale: k is of %s and v of %s; allowed: with k and v of one fp8 type",
                         dtypes[k].name, dtypes[v].name);
    if (spec->kv_format != KV_AS_DTYPE && !is_stated(problem, STATED_KV_SCALES))
        return error_set(failure, ERROR_USAGE,
                         "k_scale, v_scale: are missing, and k and v are of %s; allowed: what their numbers are "
                         "multiplied by, 1 and 1 if by nothing",
                         dtypes[k].name);
    return ERROR_NONE;
}

enum error_kind api_source(struct given_source *source, const struct alibicheck_problem *problem, enum dtype dtype,
                           struct error *failure)
{
    struct problem_spec spec = problem->spec;
    spec.dtype = dtype;
    spec.slope_values = problem->slopes;
    spec.num_slope_values = spec.num_heads;
    if (problem->sink_logits)
        spec.sinks = (struct sink_spec){SINKS_VALUES, 0, spec.num_heads, problem->sink_logits};
    enum error_kind kind = check_stated(problem, failure);
    if (!kind)
        kind = choose_format(&spec, problem, failure);
    if (!kind)
        *source = given_source(&spec, &problem->tensors);
    return kind;
}
