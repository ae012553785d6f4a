#include "harness/command/fidelity_point.h"

#include <inttypes.h>
#include <stdio.h>

#include "harness/support/json_value.h"

const char *const fidelity_status_names[FIDELITY_STATUS_COUNT] = {
    [FIDELITY_SAME] = "same",
    [FIDELITY_DIFFERS] = "differs",
    [FIDELITY_FAILED] = "failed",
    [FIDELITY_SKIPPED] = "skip",
};

enum fidelity_status fidelity_status(const struct fidelity_point *of)
{
    if (of->pairing->skipped)
        return FIDELITY_SKIPPED;
    if (*of->pairing->text)
        return FIDELITY_FAILED;
    return bits_differ(&of->pairing->bits) ? FIDELITY_DIFFERS : FIDELITY_SAME;
}

/* The row that differs first, and what of it: "query,head,dim", or "query,head,lse". */
static void say_place(char *text, size_t size, const struct fidelity_point *of)
{
    const struct bits_apart *bits = &of->pairing->bits;
    int heads = of->point->problem.num_heads;
    if (bits->first_row < 0)
        snprintf(text, size, "-");
    else if (bits->first_dim < 0)
        snprintf(text, size, "%" PRId64 ",%" PRId64 ",lse", bits->first_row / heads, bits->first_row % heads);
    else
        snprintf(text, size, "%" PRId64 ",%" PRId64 ",%d", bits->first_row / heads, bits->first_row % heads,
                 bits->first_dim);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

#define LINE "  %-9s  %-7s %13s %8s %9s %8s %13s %8s  %-8s  %s\n"

void fidelity_print_heading(void)
{
    printf(LINE, "fidelity", "bits", "out", "max ulp", "lse", "max ulp", "first q,h,d", "key", "step", "point");
}

/* A key with the chunk that it is in, where the kernel has chunks. */
static void print_chunk(const struct fidelity_point *of, int64_t key)
{
    const struct point *point = of->point;
    if (key >= 0 && kernels[point->kernel]->uses_chunk_len)
        printf(" (key %" PRId64 ": chunk %" PRId64 " of %" PRId64 " keys)", key, key / point->kernel_options.chunk_len,
               point->kernel_options.chunk_len);
}

/* What stands there on both sides, and in what they part. */
static void print_reason(const struct fidelity_point *of)
{
    const struct bits_apart *bits = &of->pairing->bits;
    const struct parting *parting = &of->pairing->parting;
    int digits = bits->first_dim >= 0 && dtypes[of->point->problem.dtype].size_bytes == 2 ? 4 : 8;
    char text[PARTING_TEXT_SIZE];
    printf("      there %s has %.9g (0x%0*" PRIx32 "), %s %.9g (0x%0*" PRIx32 ")\n", of->sides[0].kind, bits->first[0],
           digits, bits->first_bits[0], of->sides[1].kind, bits->first[1], digits, bits->first_bits[1]);
    printf("      they part in: %s", parting_say(text, parting));
    print_chunk(of, parting->key);
    printf("\n");
}

void fidelity_print_point(const struct fidelity_point *of)
{
    const struct bits_apart *bits = &of->pairing->bits;
    const struct parting *parting = &of->pairing->parting;
    enum fidelity_status status = fidelity_status(of);
    char key[POINT_KEY_SIZE], out[48], lse[48] = "-", ulp[2][32] = {"-", "-"}, place[64], at[32] = "-";
    point_key(key, of->point);
    if (status == FIDELITY_FAILED || status == FIDELITY_SKIPPED) {
        printf("  %-9s  %-7s %s: %s\n", of->fidelity, fidelity_status_names[status], key, of->pairing->text);
        return;
    }
    snprintf(out, sizeof out, "%" PRId64 "/%" PRId64, bits->differing, bits->elements);
    if (bits->has_lse)
        snprintf(lse, sizeof lse, "%" PRId64 "/%" PRId64, bits->lse_differing, bits->rows);
    if (bits->differing)
        snprintf(ulp[0], sizeof ulp[0], "%.4g", bits->max_ulp);
    if (bits->lse_differing)
        snprintf(ulp[1], sizeof ulp[1], "%.4g", bits->max_lse_ulp);
    say_place(place, sizeof place, of);
    if (parting->key >= 0)
        snprintf(at, sizeof at, "%" PRId64, parting->key);
    printf(LINE, of->fidelity,
           status == FIDELITY_SAME ? "same"
           : of->promised          ? "DIFFERS"
                                   : "differs",
           out, ulp[0], lse, ulp[1], place, at, status == FIDELITY_SAME ? "-" : parting_step_names[parting->step], key);
    if (status == FIDELITY_DIFFERS)
        print_reason(of);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *json_or_null(bool is, int64_t number)
{
    return is ? json_integer((json_int_t)number) : json_null();
}

static json_t *hexadecimal(uint32_t bits)
{
    char text[16];
    snprintf(text, sizeof text, "0x%" PRIx32, bits);
    return json_string(text);
}

static json_t *json_from_first(const struct fidelity_point *of)
{
    const struct bits_apart *bits = &of->pairing->bits;
    const struct problem_spec *spec = &of->point->problem;
    if (bits->first_row < 0)
        return json_null();
    return json_pack(
        "{s:I, s:I, s:o, s:s, s:[o, o], s:[o, o]}", "query", (json_int_t)(bits->first_row / spec->num_heads), "head",
        (json_int_t)(bits->first_row % spec->num_heads), "dim", json_or_null(bits->first_dim >= 0, bits->first_dim),
        "of", bits->first_dim >= 0 ? "out" : "lse", "values", json_from_double(bits->first[0]),
        json_from_double(bits->first[1]), "bits", hexadecimal(bits->first_bits[0]), hexadecimal(bits->first_bits[1]));
}

static json_t *json_from_parting(const struct fidelity_point *of)
{
    const struct parting *parting = &of->pairing->parting;
    char text[PARTING_TEXT_SIZE];
    json_t *keys = json_array();
    if (fidelity_status(of) != FIDELITY_DIFFERS) {
        json_decref(keys);
        return json_null();
    }
    for (int i = 0; i < parting->num_keys && i < PARTING_KEYS_SHOWN; i++)
        json_array_append_new(keys, json_integer((json_int_t)parting->keys[i]));
    return json_pack("{s:s, s:o, s:I, s:o, s:b, s:b, s:i, s:i, s:I, s:s}", "step", parting_step_names[parting->step],
                     "key", json_or_null(parting->key >= 0, parting->key), "num_keys", (json_int_t)parting->num_keys,
                     "keys", keys, "least", (int)parting->least, "values_changed", (int)parting->sharpened,
                     "others_tried", parting->others_tried, "others_differ", parting->others_differ, "runs",
                     (json_int_t)parting->runs, "text", parting_say(text, parting));
}

json_t *fidelity_json(const struct fidelity_point *of)
{
    const struct bits_apart *bits = &of->pairing->bits;
    char key[POINT_KEY_SIZE], recipe[RECIPE_TEXT_SIZE];
    return json_pack("{s:s, s:s, s:s, s:s, s:[s, s], s:[s, s], s:s, s:b, s:s, s:s, s:I, s:I, s:o, s:I, s:o, s:o, s:o, "
                     "s:o}",
                     "key", point_key(key, of->point), "case", case_name(of->point->test_case), "kernel",
                     kernels[of->point->kernel]->name, "recipe", recipe_format(recipe, &of->point->recipe), "sides",
                     of->sides[0].kind, of->sides[1].kind, "names", of->sides[0].name, of->sides[1].name, "fidelity",
                     of->fidelity, "promised", (int)of->promised, "status", fidelity_status_names[fidelity_status(of)],
                     "reason", of->pairing->text, "elements", (json_int_t)bits->elements, "differing",
                     (json_int_t)bits->differing, "max_ulp", json_from_double(bits->max_ulp), "rows",
                     (json_int_t)bits->rows, "lse_differing", json_or_null(bits->has_lse, bits->lse_differing),
                     "max_lse_ulp", json_from_double(bits->max_lse_ulp), "first", json_from_first(of), "parting",
                     json_from_parting(of));
}
