/*
 * A point of a case: everything that a result depends on, as resolved.
 */
#ifndef HARNESS_CASE_POINT_H
#define HARNESS_CASE_POINT_H

#include "harness/judge/class/arithmetic_class.h"
#include "harness/judge/criterion.h"
#include "harness/judge/judgement.h"
#include "harness/problem/problem_spec.h"
#include "harness/problem/unsaid_scales.h"
#include "kernels/kernel.h"
#include "reference/baseline.h"
#include "reference/truth.h"

struct test_case; /* opaque: name, about, path, axes */

/* Whether the lengths of seq_len are launched one by one, or as the sequences of one batch. */
enum batch_mode { BATCH_ALONE, BATCH_TOGETHER, BATCH_MODE_COUNT };

extern const char *const batch_mode_names[BATCH_MODE_COUNT];

/* Rows that were drawn, of an output that is judged by these alone. */
struct given_sample {
    const bool *judged;                 /* [R] of this sequence, the caller's; NULL: all rows are judged */
    int64_t rows, of;                   /* drawn of this sequence, and all that it has */
    int64_t drawn, drawn_of, sequences; /* of all sequences, which there are so many of */
    uint64_t seed;
};

/* A workload of FlashInfer Trace or SOL-ExecBench. */
struct given_workload {
    char *definition, *uuid;
    bool is_drawn; /* its random inputs are drawn from the seed */
    uint64_t seed;
};

/* What an output is judged by that nobody has computed here: the numbers of a bundle without k and v. */
struct given_claim {
    const char *version, *commit; /* of the program that wrote it, the owner's */
    bool as_before;               /* judged as it was then: so is the cause */
    const char *by_oracle; /* the signature of a run that failed by an oracle alone, which no output shows; NULL */
    bool checked;          /* its tensors are at hand: all was computed again, and is what the bundle says */
};

/* What is known of an output that was there already, of a problem that was, too. */
struct given {
    char *key;       /* the point's name */
    char *command;   /* the line that judges it again */
    bool masked;     /* not every key is visible */
    bool has_recipe; /* it is said to have been made with the arithmetic of the point's kernel with its recipe */
    enum unsaid_scales scales;
    bool turned;         /* elements of heads stand in an order, and have signs, that are not their own */
    double lse_rounding; /* what its lse has lost on its way from another base, relative to itself */
    struct given_sample sample;
    const struct given_claim *claim; /* NULL: all that it is judged by was computed here */
};

/* Of which points the class is found, beside those that have to be in one, and those of a kernel or an output that is
 * not ours. */
enum class_scope { CLASS_OF_OTHERS, CLASS_OF_FAILING, CLASS_OF_ALL, CLASS_SCOPE_COUNT };

/* One point of a case's cross product: everything that a result depends on. */
struct point {
    const struct test_case *test_case;
    size_t index; /* within the case */
    struct problem_spec problem;
    enum kernel kernel;
    struct kernel_options kernel_options;
    enum batch_mode batch;
    const struct recipe *base_recipe; /* what `recipe` names, the case list's or the library's; NULL: recipe_sound */
    struct recipe recipe;             /* the same with what `sentinel`, `bias` and `exponential` put in its place */
    enum truth_method truth_method;
    int truth_precision; /* bits */
    unsigned baselines;  /* bit k: the kernel is compared with conventional reference k too */
    struct criterion criterion;
    struct class_demand demand; /* of its output's class */
    enum class_scope find_class;
    unsigned oracles; /* bit o: the kernel is put to oracle o */
    const struct given
        *given;          /* no kernel is run and nothing is drawn: what says so is not to be read. NULL: a kernel is */
    const char *foreign; /* the name of the kernel that is run in place of `kernel`; the caller's; NULL: that one is */
    bool foreign_paged;  /* which takes pages, so that keys of these are of the point */
    bool foreign_same_bits;                /* and promises the same bits, which oracles then ask for */
    const char *foreign_arithmetic;        /* and the class that it is meant to be in, by whose bound it is judged; the
                                            * caller's; NULL or "": it says none */
    const struct given_workload *workload; /* that the output is of; NULL: of none */
    bool expect_fail;
    enum signature signature; /* of the failure that is expected; SIGNATURE_NONE: any */
};

enum {
    CASE_MAX_POINTS = 100000, /* points of one case */
    POINT_KEY_SIZE = 2048
};

/* A point before values are put in: what a derived default replaces. point_derive fills what is still unset. */
extern const struct point point_unset;
void point_derive(struct point *point);

/* A kernel that is not ours, as its points have it. */
struct point_kernel {
    const char *name;       /* NULL: there is none */
    bool bounded;           /* there is an error bound for its outputs; otherwise the tolerance alone judges them */
    bool pages;             /* it takes pages */
    bool same_bits;         /* it promises the same bits where heads, sequences and masked keys are others */
    int page_size;          /* keys a page where a case has none; 0: k and v are contiguous there */
    const char *arithmetic; /* as point.foreign_arithmetic */
};

/* Makes the point one of a kernel that is not ours: keys of ours are as if they were not given, but those of pages if
 * it takes some, and no failure is expected. */
void point_make_foreign(struct point *point, const struct point_kernel *kernel);

/* The fields of a recipe that keys of a case override. */
enum recipe_override { OVERRIDE_SENTINEL, OVERRIDE_BIAS, OVERRIDE_EXPONENTIAL, RECIPE_OVERRIDE_COUNT };

/* Puts what a key says in `from`, if it says something, into recipe. */
void recipe_override(struct recipe *recipe, enum recipe_override by, const struct recipe *from);

/* Reads what the key `class` may be. If it is none, false, and problem, of FIELD_ALLOWED_SIZE, says what is wrong and
 * what is allowed. */
bool class_demand_parse(struct class_demand *demand, const char *text, char *problem);

/* The mask in a point's key: "none", "all", "window:256:sinks:4", the parameters that differ from the kinds' defaults.
 * text has MASK_TEXT_SIZE characters and is returned. */
enum { MASK_TEXT_SIZE = 384 };
char *mask_format(char *text, const struct mask_spec *mask);

#endif
