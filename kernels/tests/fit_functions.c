/*
 * Finds the coefficients of the GPU's interpolator (special_functions.h) in what dump_functions wrote on one.
 *
 *     fit_functions table FOLDER | scripts/clang-format > kernels/dialect/special_functions_table.h
 *     fit_functions digests FOLDER > kernels/tests/special_functions.digests
 *
 * A result is the sum c0 2^n + c1 x + c2 square(x) + bias without its lowest bits, so that each result of a segment
 * leaves an interval for c0 2^n + bias once c1 and c2 are chosen. The segment's c1 and c2 are those for which the
 * intervals of all its x have a number in common: all near a parabola through three results are tried. The bias is the
 * least for which every segment has a solution. A function for which a segment or the bias has none is no such sum, and
 * the fit fails. On stderr: how many solutions there are. For an H100 each segment has one, and each function one bias.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/probe/function_dump.h"

enum { FRACTIONS = 1 << 23, MOST_SEGMENTS = 128, MOST_SOLUTIONS = 2048 };

/* How the hardware's sum is formed. */
struct interpolator {
    const char *name, *prefix, *file;
    int segment_bits;  /* the fraction's upper bits choose the segment, the others are x */
    int square_input;  /* the squarer is given x << square_input */
    int square_output; /* and c2 multiplies its result << square_output */
    int c0_shift;      /* n */
};

static const struct interpolator interpolators[] = {
    [FUNCTION_EX2_APPROX] = {"ex2", "EX2", "ex2.dump", 6, 0, 0, 13},
    [FUNCTION_RCP_APPROX] = {"rcp", "RCP", "rcp.dump", 7, 1, 0, 13},
    [FUNCTION_LG2_APPROX] = {"lg2", "LG2", "lg2.dump", 6, 0, 1, 12},
};

/* lo <= sum < hi, for every fraction of one octave. */
struct intervals {
    int64_t lo[FRACTIONS], hi[FRACTIONS];
    int32_t squares[1 << 17]; /* what c2 multiplies; by x */
};

struct solution {
    int32_t c1, c2;
    int64_t constant_min, constant_max; /* of c0 2^n + bias */
};

struct segment {
    struct solution solutions[MOST_SOLUTIONS];
    int count;
};

/* The squarer as the hardware has it: partial products without their bits below 2^18, and half of their sum. */
static uint32_t square_by_products(uint32_t x)
{
    uint32_t sum = 0;
    for (int i = 0; i < 17; i++)
        if (x >> i & 1u)
            sum += x >> (18 - i);
    return sum >> 1;
}

/* ---- the dump -------------------------------------------------------------------------------------------------- */

static bool fail(const char *path, const char *what)
{
    fprintf(stderr, "fit_functions: %s: %s\n", path, what);
    return false;
}

/* Calls `take` for every section of FOLDER/name, until it returns false. */
static bool read_dump(const char *folder, const char *name,
                      bool (*take)(const struct section *section, const unsigned char *body, void *context),
                      void *context)
{
    enum { FILE_LIMIT = 12 << 20 };
    char path[4096];
    struct section section;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return fail(folder, "the name is too long");
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return fail(path, "cannot be opened");
    unsigned char *body = malloc(FILE_LIMIT);
    bool ok = body != NULL || fail(path, "no memory");
    while (ok && fread(&section, sizeof section, 1, file) == 1) {
        ok = (section.magic == SECTION_MAGIC && section.function < FUNCTION_COUNT && section.bytes <= FILE_LIMIT &&
              fread(body, 1, section.bytes, file) == section.bytes) ||
             fail(path, "not a dump, or not all of it");
        ok = ok && take(&section, body, context);
    }
    if (fclose(file) != 0)
        ok = fail(path, "cannot be read");
    free(body);
    return ok;
}

/* The section's results, with their digest checked; NULL after a message. The caller frees them. */
static uint32_t *section_results(const struct section *section, const unsigned char *body)
{
    uint32_t *results = section->count <= FRACTIONS ? malloc((section->count + 1) * sizeof *results) : NULL;
    uint64_t sum = 0;
    if (results == NULL)
        return fail("a section", "no memory for its results"), NULL;
    bool ok = unpack_results(section->kind, body, section->bytes, results, section->count);
    for (uint32_t i = 0; ok && i < section->count; i++)
        sum += result_mix(section->kind == SECTION_RUN ? section->first + i : sample_input(i), results[i]);
    if (!ok || sum != section->digest) {
        free(results);
        return fail("a section", "its results are damaged"), NULL;
    }
    return results;
}

/* ---- what a result says of the sum ------------------------------------------------------------------------------ */

/* 2^x for x in [1, 2), 1/x for x in (1, 2): 24 bits and 15 below them. */
static void narrow_by_significands(struct intervals *intervals, const uint32_t *results, uint32_t below)
{
    for (uint32_t i = 0; i < FRACTIONS; i++) {
        int64_t significand = (int64_t)results[i] - below + 0x800000;
        intervals->lo[i] = significand << 15;
        intervals->hi[i] = (significand + 1) << 15;
    }
}

/*
 * log2(x) = r 2^-38 - e with e = 0 for x in [1, 2) and 1 for x in [1/2, 1); the hardware drops r's two last bits, takes
 * the one's complement of what is negative, and truncates to 24 bits. log2(1) = 0 says nothing.
 */
static void narrow_by_logarithms(struct intervals *intervals, const uint32_t *results, bool negative)
{
    const int64_t one = INT64_C(1) << 36;
    for (uint32_t i = negative ? 0 : 1; i < FRACTIONS; i++) {
        int shift = (int)(results[i] >> 23 & 0xffu) - 127 + 13;
        int64_t significand = (results[i] & 0x7fffffu) | 0x800000u;
        int64_t lo = shift >= 0 ? significand << shift : significand >> -shift;
        int64_t hi = shift >= 0 ? (significand + 1) << shift : lo + 1;
        int64_t sum_lo = 4 * (negative ? one - hi : lo), sum_hi = 4 * (negative ? one - lo : hi);
        intervals->lo[i] = sum_lo > intervals->lo[i] ? sum_lo : intervals->lo[i];
        intervals->hi[i] = sum_hi < intervals->hi[i] ? sum_hi : intervals->hi[i];
    }
}

static bool take_run(const struct section *section, const unsigned char *body, void *context)
{
    if (section->kind != SECTION_RUN || section->count != FRACTIONS)
        return true;
    bool octave = section->first == 0x3f800000u || section->first == 0x3f000000u;
    if (!octave || (section->first == 0x3f000000u && section->function != FUNCTION_LG2_APPROX))
        return true;
    uint32_t *results = section_results(section, body);
    if (results == NULL)
        return false;
    if (section->function == FUNCTION_LG2_APPROX)
        narrow_by_logarithms(context, results, section->first == 0x3f000000u);
    else
        narrow_by_significands(context, results, section->function == FUNCTION_EX2_APPROX ? 0x40000000u : 0x3f000000u);
    free(results);
    return true;
}

/* ---- the fit ---------------------------------------------------------------------------------------------------- */

static uint32_t reversed(uint32_t x, int bits)
{
    uint32_t y = 0;
    for (int i = 0; i < bits; i++)
        y |= (x >> i & 1u) << (bits - 1 - i);
    return y;
}

/* Whether c1 and c2 leave a constant for all x of the segment, spread ones first; squares[x] is what c2 multiplies. */
static bool leaves_constant(struct solution *solution, const int64_t *lo, const int64_t *hi, const int32_t *squares,
                            int bits)
{
    int64_t min = INT64_MIN, max = INT64_MAX;
    for (uint32_t i = 0; i < 1u << bits; i++) {
        uint32_t x = reversed(i, bits);
        int64_t rest = (int64_t)solution->c1 * x + (int64_t)solution->c2 * squares[x];
        min = lo[x] - rest > min ? lo[x] - rest : min;
        max = hi[x] - rest - 1 < max ? hi[x] - rest - 1 : max;
        if (min > max)
            return false;
    }
    solution->constant_min = min;
    solution->constant_max = max;
    return true;
}

static void solve_segment(struct segment *segment, const int64_t *lo, const int64_t *hi, const int32_t *squares,
                          int bits)
{
    enum { C2_WINDOW = 48, C1_WINDOW = 8 };
    uint32_t last = (1u << bits) - 1, middle = 1u << (bits - 1), first = 1;
    double at_first = (double)lo[first], at_middle = (double)lo[middle], at_last = (double)lo[last];
    double chord = (at_last - at_first) / (last - first);
    double sag = at_middle - at_first - chord * (middle - first);
    double square_chord = (double)(squares[last] - squares[first]) / (last - first);
    double square_sag = squares[middle] - squares[first] - square_chord * (middle - first);
    int32_t c2_near = (int32_t)(sag / square_sag);
    segment->count = 0;
    for (int32_t c2 = c2_near - C2_WINDOW; c2 <= c2_near + C2_WINDOW; c2++) {
        int32_t c1_near = (int32_t)(chord - c2 * square_chord);
        for (int32_t c1 = c1_near - C1_WINDOW; c1 <= c1_near + C1_WINDOW; c1++) {
            struct solution tried = {.c1 = c1, .c2 = c2};
            if (leaves_constant(&tried, lo, hi, squares, bits) && segment->count < MOST_SOLUTIONS)
                segment->solutions[segment->count++] = tried;
        }
    }
}

/* The segment's first solution with this bias. */
static bool segment_with_bias(const struct segment *segment, int64_t bias, int c0_shift, int64_t *c0,
                              struct solution *solution)
{
    for (int i = 0; i < segment->count; i++) {
        *solution = segment->solutions[i];
        *c0 = (solution->constant_max - bias) >> c0_shift;
        if ((*c0 << c0_shift) + bias >= solution->constant_min)
            return true;
    }
    return false;
}

/* The least bias for which every segment has a solution, or -1; how many there are. */
static int64_t least_bias(const struct segment *segments, int count, int c0_shift, int *biases)
{
    int64_t least = -1;
    *biases = 0;
    for (int64_t bias = 0; bias < 1 << c0_shift; bias++) {
        struct solution solution;
        int64_t c0;
        int with = 0;
        while (with < count && segment_with_bias(&segments[with], bias, c0_shift, &c0, &solution))
            with++;
        *biases += with == count;
        if (with == count && least < 0)
            least = bias;
    }
    return least;
}

static bool fit(const struct interpolator *interpolator, struct intervals *intervals, struct segment *segments)
{
    int count = 1 << interpolator->segment_bits, bits = 23 - interpolator->segment_bits, solutions = 0;
    int32_t *squares = intervals->squares;
    if (intervals->lo[0] == INT64_MIN / 4 || intervals->lo[1] == INT64_MIN / 4)
        return fail(interpolator->file, "not all fractions are in it");
    for (uint32_t x = 0; x < 1u << bits; x++)
        squares[x] = (int32_t)(square_by_products(x << interpolator->square_input) << interpolator->square_output);
    for (int i = 0; i < count; i++) {
        solve_segment(&segments[i], intervals->lo + ((size_t)i << bits), intervals->hi + ((size_t)i << bits), squares,
                      bits);
        solutions += segments[i].count;
        if (segments[i].count == 0) {
            fprintf(stderr, "fit_functions: %s: segment %d has no coefficients\n", interpolator->name, i);
            return false;
        }
    }
    int biases;
    int64_t bias = least_bias(segments, count, interpolator->c0_shift, &biases);
    fprintf(stderr, "fit_functions: %s: %d solutions for %d segments, %d biases\n", interpolator->name, solutions,
            count, biases);
    if (bias < 0)
        return fail(interpolator->name, "the segments have no bias in common");
    printf("\nenum { %s_C0_SHIFT = %d, %s_BIAS = %" PRId64 " };\n\n", interpolator->prefix, interpolator->c0_shift,
           interpolator->prefix, bias);
    printf("static const struct interpolator_segment %s_segments[%d] = {\n", interpolator->name, count);
    for (int i = 0; i < count; i++) {
        struct solution solution = {0};
        int64_t c0;
        if (!segment_with_bias(&segments[i], bias, interpolator->c0_shift, &c0, &solution))
            return fail(interpolator->name, "a segment lost its solution");
        printf("    {0x%07" PRIx64 ", %d, %d},\n", c0, solution.c1, solution.c2);
    }
    printf("};\n");
    return true;
}

static bool write_table(const char *folder)
{
    struct intervals *intervals = malloc(sizeof *intervals);
    struct segment *segments = malloc(MOST_SEGMENTS * sizeof *segments);
    bool ok = (intervals != NULL && segments != NULL) || fail(folder, "no memory");
    printf("/* Made by tests/fit_functions.c from what an NVIDIA H100 returned for all fractions. */\n"
           "#ifndef KERNELS_SPECIAL_FUNCTIONS_TABLE_H\n#define KERNELS_SPECIAL_FUNCTIONS_TABLE_H\n\n#include "
           "<stdint.h>\n\n"
           "struct interpolator_segment {\n    uint32_t c0;\n    int32_t c1, c2;\n};\n");
    for (int f = 0; ok && f < FUNCTION_EXP2; f++) {
        for (uint32_t i = 0; i < FRACTIONS; i++) {
            intervals->lo[i] = INT64_MIN / 4;
            intervals->hi[i] = INT64_MAX / 4;
        }
        ok = read_dump(folder, interpolators[f].file, take_run, intervals) &&
             fit(&interpolators[f], intervals, segments);
    }
    printf("\n#endif\n");
    free(intervals);
    free(segments);
    return ok;
}

static bool take_digests(const struct section *section, const unsigned char *body, void *context)
{
    (void)context;
    if (section->kind != SECTION_DIGESTS)
        return true;
    return (fwrite(section, sizeof *section, 1, stdout) == 1 && fwrite(body, section->bytes, 1, stdout) == 1) ||
           fail("stdout", "cannot be written");
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "table") == 0)
        return write_table(argv[2]) ? 0 : 1;
    if (argc == 3 && strcmp(argv[1], "digests") == 0)
        return read_dump(argv[2], "all.dump", take_digests, NULL) ? 0 : 1;
    fprintf(stderr, "usage: fit_functions table|digests FOLDER\n");
    return 2;
}
