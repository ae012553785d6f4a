/* Outputs whose bits are those of other numbers than they are read as. */
#include <stdio.h>
#include <stdlib.h>

#include "harness/judge/contract/contract_reading.h"

/* A way in which the bits were meant, of an output that is stated to be of `stated`. */
struct way {
    enum dtype stated, dtype;
    bool swapped;
    const char *text, *remedy;
};

static const char other_order[] = "Bring the output's bytes into the order of the machine that judges it.";
static const char other_type[] = "Write the output in its own type, or state the type that it was written in.";

static const struct way ways[] = {
    {DTYPE_F16, DTYPE_F16, true, "the two bytes of each element of out exchanged", other_order},
    {DTYPE_BF16, DTYPE_BF16, true, "the two bytes of each element of out exchanged", other_order},
    {DTYPE_F32, DTYPE_F32, true, "the four bytes of each element of out in the opposite order", other_order},
    {DTYPE_F16, DTYPE_BF16, false, "out in bf16, whose bits are read as f16", other_type},
    {DTYPE_BF16, DTYPE_F16, false, "out in f16, whose bits are read as bf16", other_type},
    {DTYPE_F16, DTYPE_F32, false, "out in f32, whose first half is read as f16", other_type},
    {DTYPE_BF16, DTYPE_F32, false, "out in f32, whose first half is read as bf16", other_type},
    {DTYPE_F32, DTYPE_F16, false, "out in f16, in the first half of what is read as f32", other_type},
    {DTYPE_F32, DTYPE_BF16, false, "out in bf16, in the first half of what is read as f32", other_type},
};

/* Element i of what is at out. */
static double element_at(const struct way *way, const void *out, size_t i)
{
    const size_t size = dtypes[way->dtype].size_bytes;
    _Alignas(float) unsigned char bytes[sizeof(float)];
    float value;
    for (size_t b = 0; b < size; b++)
        bytes[b] = ((const unsigned char *)out)[i * size + (way->swapped ? size - 1 - b : b)];
    dtype_widen(way->dtype, bytes, 0, 1, &value);
    return (double)value;
}

/* How many elements of what was meant have their bits in it. */
static int64_t count_of(const struct way *way, const struct problem *problem)
{
    size_t stated = dtypes[way->stated].size_bytes, meant = dtypes[way->dtype].size_bytes;
    int64_t elements = problem_elements(problem);
    return meant > stated ? elements * (int64_t)stated / (int64_t)meant : elements;
}

static enum error_kind try_way(bool *right, struct contract_fit *fit, const struct way *way,
                               const struct contract_inquiry *inquiry, struct error *error)
{
    const struct exhibit *stated = inquiry->stated;
    const int64_t count = count_of(way, stated->problem);
    double *values = malloc((size_t)count * sizeof *values + 1);
    if (!values)
        return error_memory(error, "an output", (double)count * sizeof *values);
    for (int64_t i = 0; i < count; i++)
        values[i] = element_at(way, stated->output->out, (size_t)i);
    const struct contract_reading reading = {.dtype = way->dtype, .values = values, .count = count};
    enum error_kind kind = contract_reading_weigh(right, fit, &reading, inquiry, error);
    free(values);
    return kind;
}

enum error_kind contract_find_bits(struct contract_finding *finding, const struct contract_inquiry *inquiry,
                                   struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    bool right = false;
    if (inquiry->stated->parts)
        return ERROR_NONE;
    for (size_t i = 0; i < sizeof ways / sizeof *ways && !right && !kind; i++) {
        struct contract_fit fit = {.name = "bits", .remedy = ways[i].remedy, .seen_as = SIGNATURE_UNKNOWN};
        if (ways[i].stated != inquiry->stated->problem->dtype)
            continue;
        kind = try_way(&right, &fit, &ways[i], inquiry, error);
        if (!kind && right) {
            fit.seen_too = 1u << SIGNATURE_UNKNOWN;
            fit.of_bits = true;
            snprintf(fit.text, sizeof fit.text, "%s", ways[i].text);
            *finding = (struct contract_finding){.fits = {fit}, .num_fits = 1, .named = true};
        }
    }
    return kind;
}
