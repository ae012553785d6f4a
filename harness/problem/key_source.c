#include "harness/problem/key_source.h"

#include "harness/problem/distribution.h"

static struct element_source element_source_of(const struct problem_spec *spec, enum tensor tensor)
{
    enum dtype dtype = problem_spec_kv_dtype(spec);
    /* The host clamps only what may overflow, which is all that a clamp changes. */
    return (struct element_source){.stream = {problem_spec_seed(spec), tensor},
                                   .variate = distributions[spec->input.distribution].variate(&spec->input),
                                   .largest = (float)dtypes[dtype].max,
                                   .dtype = dtype};
}

bool key_source_of(struct key_source *source, const struct problem_spec *spec)
{
    const bool of_two_streams = spec->shared_prefix > 0 && spec->sequence > 0;
    if (!distributions[spec->input.distribution].variate || of_two_streams)
        return false;
    *source = (struct key_source){
        .k = element_source_of(spec, TENSOR_K), .v = element_source_of(spec, TENSOR_V), .first_key = 0};
    return true;
}
