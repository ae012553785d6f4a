/*
 * The class of an output that nothing is known of: the tightest arithmetic that explains its error.
 *
 * A class is a set of roundings. `output` has one, of the exact result to the output's dtype. `f32` is f32 throughout,
 * and a richer class is f32 with some of the roundings of the table below: `f32+weights16`, `f32+absolute-bias`. Each
 * has a bound (class_rounding.h) that holds for every kernel that rounds no more, whatever the order of its sums
 * (reference/any_order.md). A class covers a row if every element and the lse lie within that bound of the truth, its
 * radius added. More roundings cover more, so what is reported are the minimal sets that cover.
 *
 *     class                     row 0   row 1   both
 *     f32                       no      no      no
 *     f32+weights16             yes     no      no
 *     f32+absolute-bias         yes     yes     yes       minimal, and the name
 *     f32+weights16+bias16      yes     yes     yes       minimal, too
 *     f32+weights16+absolute-bias ...   yes     yes       not minimal
 *
 * A bound that says no more than any weights would is none: the class promises nothing of that row. An output of which
 * no class with a promise covers every row is `none`; if one without a promise does, `unbounded`.
 */
#ifndef HARNESS_JUDGE_CLASS_ARITHMETIC_CLASS_H
#define HARNESS_JUDGE_CLASS_ARITHMETIC_CLASS_H

#include "harness/judge/class/class_rounding.h"

/* As many sets as there are. */
struct class_sets {
    uint64_t words[CLASS_SETS / 64];
};

static inline bool class_sets_have(const struct class_sets *sets, class_set set)
{
    return sets->words[set / 64] >> set % 64 & 1;
}

/* Adds a set, or with it all that have more roundings. */
void class_sets_add(struct class_sets *sets, class_set set);
void class_sets_add_above(struct class_sets *sets, class_set set);

bool class_sets_empty(const struct class_sets *sets);

/* The smallest of sets that have with each one all that have more. Returns how many there are, at most CLASS_SETS; the
 * first have the fewest roundings. */
int class_sets_minimal(class_set *minimal, const struct class_sets *sets);

/* A class as it is asked for, or named. */
struct arithmetic_class {
    bool output; /* nothing but the output's rounding; set is CLASS_F32 */
    class_set set;
};

/* A class that an output has to be in. */
struct class_demand {
    bool asked;
    struct arithmetic_class arithmetic;
};

enum { CLASS_NAME_SIZE = 128 };

/* "output", "f32", "f32+weights16+bias16". text: CLASS_NAME_SIZE; returned. */
char *class_format(char *text, const struct arithmetic_class *arithmetic);

/* Reads that, the roundings in any order. If it is none, false, and word is the part of it that is wrong. word: of
 * CLASS_NAME_SIZE, or NULL. */
bool class_parse(struct arithmetic_class *arithmetic, const char *text, char *word);

/* What a class is made of, for messages: "output", "f32", then the roundings; NULL from the end on. */
const char *class_word(int index);

#endif
