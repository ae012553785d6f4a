/*
 * How sure it is that the host device and a GPU have the same bits: what the weakest operation of a kernel says of it.
 */
#ifndef KERNELS_FIDELITY_H
#define KERNELS_FIDELITY_H

#include <stdbool.h>

#include "kernels/descriptor.h"
#include "kernels/recipe.h"

enum fidelity {
    FIDELITY_EXACT,     /* IEEE operations in a fixed order: the same bits on every device */
    FIDELITY_BIT_MODEL, /* functions of a GPU, too, of which there are models that had its bits at all inputs */
    FIDELITY_BOUNDED,   /* functions of a GPU that the models were not compared with, and sums of tensor cores, whose
                         * model was compared at millions of them, and not at all: no more than error bounds */
    FIDELITY_COUNT
};

extern const char *const fidelity_names[FIDELITY_COUNT];

/* Of a kernel with a recipe on a device: has_models is whether its functions are known to be those of the models
 * (device_has_models).
 */
enum fidelity recipe_fidelity(enum kernel kernel, const struct recipe *recipe, bool has_models);

#endif
