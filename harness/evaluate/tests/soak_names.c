/*
 * What failures are called: kernels with one fault each, drawn at random, until so many of them have failed.
 *     soak_names [FAILING [SEED]]      2000 at the default tolerance and 2000 with `budget: 1`, seed 0
 *     soak_names sound [DRAWS [SEED]]  the same draws without their faults, 10000: none may be accused
 *     soak_names case SEED NUMBER tolerance|budget|sound
 * Prints each failure that has a wrong name, with SOAK_VERBOSE in the environment those that are unknown, too, with the
 * arguments that repeat it alone, and a table: of each kind of fault, how many failures have a right name, are unknown,
 * are unknown and have none, have a wrong one. With SOAK_KIND=TEXT faults alone whose name there has the text, those of
 * the other draws being refused. Exit code 1 if one has a wrong name, 3 if something could not be run.
 */
#include <mpfr.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/case/recipe_library.h"
#include "harness/evaluate/tests/named_fault.h"
#include "reference/computing_environment.h"

enum { BLOCK = 64 };

enum mode { BY_TOLERANCE, BY_BUDGET, SOUND, MODE_COUNT };

/* Every so many draws one of a merge, one of the bounds of parts, one of some keys, and one of any kind on a problem
 * with features; with SOAK_BOUNDS, SOAK_FEW, or SOAK_FEATURES, none but these. */
enum { MERGE_EVERY = 16 };

static uint64_t number_of(uint64_t draw)
{
    if (getenv("SOAK_FEATURES"))
        return FAULT_FEATURES + draw;
    if (getenv("SOAK_BOUNDS") || getenv("SOAK_FEW"))
        return (getenv("SOAK_FEW") ? FAULT_FEW : FAULT_BOUNDS) + draw;
    return draw % MERGE_EVERY == MERGE_EVERY - 1       ? FAULT_MERGES + draw
           : draw % MERGE_EVERY == MERGE_EVERY / 2     ? FAULT_BOUNDS + draw
           : draw % MERGE_EVERY == MERGE_EVERY / 4     ? FAULT_FEW + draw
           : draw % MERGE_EVERY == MERGE_EVERY / 4 * 3 ? FAULT_FEATURES + draw
                                                       : draw;
}

static const char *const mode_names[MODE_COUNT] = {"tolerance", "budget", "sound"};

struct counts {
    long of[NUM_FAULT_KINDS][FAULT_OUTCOME_COUNT];
    long failing, drawn;
};

/* One thread's tools. */
static enum error_kind tools_open(struct evaluator *evaluator, struct error *error)
{
    *evaluator = (struct evaluator){.threads = 1};
    return device_open(&evaluator->device, DEVICE_HOST, &(struct device_options){.threads = 1}, error);
}

static void tools_close(struct evaluator *evaluator)
{
    evaluator_clear(evaluator);
    if (evaluator->device)
        device_close(evaluator->device);
    mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
}

static void print_named(const struct named_fault *named, uint64_t seed, uint64_t number, enum mode mode)
{
    static const char *const words[FAULT_OUTCOME_COUNT] = {"refused", "passed",   "right",
                                                           "unknown", "nameless", "wrong"};
    if (named->contract.named)
        printf("contract \"%s\" (class %s), ", named->contract.fits[0].text, named->contract.fits[0].class_name);
    printf("%s: %s (\"%s\", %d of %d of %d); soak_names case %llu %llu %s\n", words[named->outcome],
           signature_names[named->finding.signature], named->finding.detail, named->finding.num_rows_explained,
           named->finding.num_rows_examined, named->finding.num_rows_failing, (unsigned long long)seed,
           (unsigned long long)number, mode_names[mode]);
}

static enum error_kind name_one(struct named_fault *named, const struct drawn_fault *fault, enum mode mode,
                                struct evaluator *evaluator)
{
    return mode == SOUND ? fault_sound(named, fault, evaluator)
                         : fault_name(named, fault, mode == BY_BUDGET, evaluator);
}

/* Whether a draw's kind is asked for. */
static bool is_of_kind(const struct drawn_fault *fault)
{
    const char *kind = getenv("SOAK_KIND");
    return !kind || strstr(fault->kind->name, kind);
}

/* Names faults [first, first + BLOCK) into named. */
static enum error_kind name_block(struct named_fault *named, uint64_t first, uint64_t seed, enum mode mode,
                                  struct evaluator *evaluators)
{
    enum error_kind kinds[BLOCK] = {ERROR_NONE};
#pragma omp parallel
    {
        COMPUTING_ENVIRONMENT();
#pragma omp for schedule(dynamic)
        for (int i = 0; i < BLOCK; i++) {
            struct drawn_fault fault;
            fault_draw(&fault, seed, number_of(first + (uint64_t)i));
            named[i] = (struct named_fault){.outcome = FAULT_REFUSED};
            if (is_of_kind(&fault))
                kinds[i] = name_one(&named[i], &fault, mode, &evaluators[omp_get_thread_num()]);
        }
    }
    for (int i = 0; i < BLOCK; i++)
        if (kinds[i]) {
            fprintf(stderr, "soak_names: number %llu: %s\n%s", (unsigned long long)number_of(first + (uint64_t)i),
                    named[i].error.text, named[i].text);
            return kinds[i];
        }
    return ERROR_NONE;
}

static enum error_kind count(struct counts *counts, long wanted, uint64_t seed, enum mode mode,
                             struct evaluator *evaluators)
{
    struct named_fault *named = malloc(BLOCK * sizeof *named);
    bool verbose = getenv("SOAK_VERBOSE") != NULL;
    enum error_kind kind = named ? ERROR_NONE : ERROR_SYSTEM;
    *counts = (struct counts){0};
    for (uint64_t first = 0; !kind && counts->failing < wanted; first += BLOCK) {
        kind = name_block(named, first, seed, mode, evaluators);
        for (int i = 0; i < BLOCK && !kind && counts->failing < wanted; i++) {
            struct drawn_fault fault;
            fault_draw(&fault, seed, number_of(first + (uint64_t)i));
            counts->of[fault.kind - fault_kinds][named[i].outcome]++;
            counts->drawn++;
            counts->failing += mode == SOUND || named[i].outcome >= FAULT_RIGHT;
            if (named[i].outcome == FAULT_WRONG || (verbose && named[i].outcome == FAULT_UNKNOWN)) {
                printf("%s, ", fault.kind->name);
                print_named(&named[i], seed, number_of(first + (uint64_t)i), mode);
            }
        }
    }
    free(named);
    return kind;
}

static void print_row(const char *name, const long *of)
{
    long failing = of[FAULT_RIGHT] + of[FAULT_UNKNOWN] + of[FAULT_NAMELESS] + of[FAULT_WRONG];
    printf("| %-28s | %7ld | %7ld | %7ld | %8ld | %5ld |\n", name, failing, of[FAULT_RIGHT], of[FAULT_UNKNOWN],
           of[FAULT_NAMELESS], of[FAULT_WRONG]);
}

static void print_counts(const struct counts *counts, enum mode mode)
{
    long all[FAULT_OUTCOME_COUNT] = {0};
    printf("\n| %-28s | failing |   right | unknown | nameless | wrong |\n",
           mode == BY_BUDGET ? "budget: 1" : "default tolerance");
    printf("|------------------------------|---------|---------|---------|----------|-------|\n");
    for (enum fault_family family = 0; family < FAMILY_COUNT; family++) {
        long of[FAULT_OUTCOME_COUNT] = {0};
        for (int k = 0; k < NUM_FAULT_KINDS; k++)
            for (int o = 0; o < FAULT_OUTCOME_COUNT && fault_kinds[k].family == family; o++) {
                of[o] += counts->of[k][o];
                all[o] += counts->of[k][o];
            }
        print_row(family_names[family], of);
        for (int k = 0; k < NUM_FAULT_KINDS; k++)
            if (fault_kinds[k].family == family) {
                char name[64];
                snprintf(name, sizeof name, "  %s", fault_kinds[k].name);
                print_row(name, counts->of[k]);
            }
    }
    print_row("all", all);
    printf("%ld drawn, %ld of them refused, %ld with nothing to be seen\n", counts->drawn, all[FAULT_REFUSED],
           all[FAULT_PASSED]);
}

static int one_case(int argc, char **argv, struct evaluator *evaluator)
{
    uint64_t seed = strtoull(argv[2], NULL, 10), number = strtoull(argv[3], NULL, 10);
    enum mode mode = BY_TOLERANCE;
    for (int m = 0; m < MODE_COUNT && argc > 4; m++)
        if (!strcmp(argv[4], mode_names[m]))
            mode = (enum mode)m;
    struct named_fault named;
    struct drawn_fault fault;
    fault_draw(&fault, seed, number);
    enum error_kind kind = name_one(&named, &fault, mode, evaluator);
    printf("%s", named.text);
    if (kind || named.error.text[0])
        printf("# %s\n", named.error.text);
    print_named(&named, seed, number, mode);
    return kind ? 3 : named.outcome == FAULT_WRONG;
}

static long sum_of(const struct counts *counts, enum fault_outcome outcome)
{
    long sum = 0;
    for (int k = 0; k < NUM_FAULT_KINDS; k++)
        sum += counts->of[k][outcome];
    return sum;
}

/* The faults in one mode, or the draws without them. The exit code. */
static int soak(long wanted, uint64_t seed, enum mode mode, struct evaluator *evaluators)
{
    struct counts counts;
    if (count(&counts, wanted, seed, mode, evaluators))
        return 3;
    if (mode == SOUND)
        printf("%ld sound draws: %ld pass, %ld are coarse, %ld refused, %ld accused\n", counts.drawn,
               sum_of(&counts, FAULT_PASSED), sum_of(&counts, FAULT_RIGHT), sum_of(&counts, FAULT_REFUSED),
               sum_of(&counts, FAULT_WRONG));
    else
        print_counts(&counts, mode);
    return sum_of(&counts, FAULT_WRONG) > 0;
}

int main(int argc, char **argv)
{
    enum { MAX_THREADS = 256 };
    static struct evaluator evaluators[MAX_THREADS];
    bool single = argc > 3 && !strcmp(argv[1], "case"), sound = argc > 1 && !strcmp(argv[1], "sound");
    int first = sound ? 2 : 1;
    long wanted = argc > first && !single ? strtol(argv[first], NULL, 10) : sound ? 10000 : 2000;
    uint64_t seed = argc > first + 1 && !single ? strtoull(argv[first + 1], NULL, 10) : 0;
    int threads = omp_get_max_threads() < MAX_THREADS ? omp_get_max_threads() : MAX_THREADS, result = 0;
    struct error error;
    omp_set_num_threads(threads);
    if (recipe_library_open(&error)) { /* before threads read cases */
        fprintf(stderr, "soak_names: %s\n", error.text);
        return 3;
    }
    for (int i = 0; i < threads; i++)
        if (tools_open(&evaluators[i], &error)) {
            fprintf(stderr, "soak_names: %s\n", error.text);
            return 3;
        }
    if (single)
        result = one_case(argc, argv, &evaluators[0]);
    for (enum mode mode = sound ? SOUND : BY_TOLERANCE; !single && result < 3 && mode <= (sound ? SOUND : BY_BUDGET);
         mode++) {
        int of_mode = soak(wanted, seed, mode, evaluators);
        result = of_mode > result ? of_mode : result;
    }
    for (int i = 0; i < threads; i++)
        tools_close(&evaluators[i]);
    recipe_library_close();
    return result;
}
