#include "kernels/fidelity.h"

const char *const fidelity_names[FIDELITY_COUNT] = {
    [FIDELITY_EXACT] = "exact",
    [FIDELITY_BIT_MODEL] = "bit-model",
    [FIDELITY_BOUNDED] = "bounded",
};

/* Which exponentials are a GPU's own, or rescale by one. */
static const bool of_gpu[EXPONENTIAL_COUNT] = {
    [EXPONENTIAL_EX2_APPROX] = true,
    [EXPONENTIAL_EXP2] = true,
    [EXPONENTIAL_EXP] = true,
    [EXPONENTIAL_FEXP_U20] = true,
};

enum fidelity recipe_fidelity(enum kernel kernel, const struct recipe *recipe, bool has_models)
{
    if (kernels[kernel]->tensor_cores)
        return FIDELITY_BOUNDED;
    if (!of_gpu[recipe->exponential] && recipe->division == DIVISION_EXACT)
        return FIDELITY_EXACT;
    return has_models ? FIDELITY_BIT_MODEL : FIDELITY_BOUNDED;
}
