/*
 * The class of an exhibit, row by row and of all.
 */
#ifndef HARNESS_JUDGE_CLASS_CLASS_FIND_H
#define HARNESS_JUDGE_CLASS_CLASS_FIND_H

#include "harness/judge/class/arithmetic_class.h"
#include "harness/judge/class/class_bounds.h"
#include "harness/judge/exhibit.h"

/* What is known of rows, which may be some heads of a larger problem. */
struct class_report {
    int num_rows;
    bool *output;               /* [R] each of the row's numbers is the exact one, rounded once */
    struct class_sets *covered; /* [R] the sets that cover the row; with each one all that have more roundings */
    struct class_sets *open;    /* [R] and those that promise nothing of it, the same */
    double (*size)[CLASS_ROUNDING_COUNT]; /* [R] what a rounding adds to the row's bounds, all elements together, where
                                           * more than one minimal set covers it; infinite if it leaves one without */
    const bool *rows; /* [R] those that were judged, the caller's: the others say nothing; NULL: all */
};

static inline bool class_report_has(const struct class_report *report, int row)
{
    return !report->rows || report->rows[row];
}

/* Room for rows of which nothing is known: no class covers them. class_report_clear frees it, and accepts a zeroed one.
 */
enum error_kind class_report_init(struct class_report *report, int num_rows, struct error *error);
void class_report_clear(struct class_report *report);

/* Copies the rows of some heads, first_head.. of `heads` for each query, into those of the whole. */
void class_report_take_heads(struct class_report *whole, int heads, int first_head, const struct class_report *part,
                             int part_heads);

/*
 * Finds the classes of an exhibit's rows. Its problem has k and v, its output may have no lse; bounds and criterion are
 * not read. The report is overwritten, and to be cleared whatever is returned. An element that is not finite is in no
 * class, unless the truth is the same NaN or infinity, which is right in all of them.
 *
 * Costs the bound of one model (error_bound.h) for a row that f32 covers, of two for one that is beyond all classes,
 * for others about ten times that, or, of an output that needs several of many roundings, fifty. ERROR_SYSTEM if memory
 * is short, ERROR_INTERRUPTED.
 */
enum error_kind class_find(struct class_report *report, const struct exhibit *exhibit, int threads,
                           const struct progress *progress, struct error *error);

/* The same, and in *looked, which is overwritten and to be cleared whatever is returned, the bounds that it took. */
enum error_kind class_find_bounds(struct class_report *report, struct class_bounds *looked,
                                  const struct exhibit *exhibit, int threads, const struct progress *progress,
                                  struct error *error);

/* The same from those bounds, of an exhibit whose q, k and v may be NULL: the search takes the same ones, if output and
 * truth are the same. ERROR_USAGE with the row and the class of which there is none. */
enum error_kind class_find_again(struct class_report *report, const struct class_bounds *bounds,
                                 const struct exhibit *exhibit, struct error *error);

/* What a report comes to: the sets that cover every row. */
enum class_outcome {
    CLASS_FOUND,
    CLASS_UNBOUNDED, /* none covers every row, but some promises nothing of those that it does not */
    CLASS_NONE
};

struct class_whole {
    enum class_outcome outcome;
    bool output;                   /* the class is `output` */
    int num_minimal;               /* sets that cover every row, and no part of which does */
    class_set minimal[CLASS_SETS]; /* the first is the one with the smallest bound on this problem */
};

/* Of all rows, or of one. */
void class_of_rows(struct class_whole *whole, const struct class_report *report);
void class_of_row(struct class_whole *whole, const struct class_report *report, int row);

/* The fewest roundings beyond f32's own that explain it; -1: none but the output's; more than there are: no set does.
 */
int class_fewest_roundings(const struct class_whole *whole);

/* Whether no set explains it that is f32, or has one rounding beside: several together, weights of 8 bits, and sums in
 * 16 bits may be off by so much that their bounds hold for other faults as well. Not so where rounding might do
 * anything. */
bool class_is_coarse(const struct class_whole *whole);

/* The class's name, "none" or "unbounded". text: CLASS_NAME_SIZE; returned. */
char *class_name(char *text, const struct class_whole *whole);

/* How rows stand to a class that is asked for. What is the exact result, rounded once, is in every class; of another
 * row of which the class promises nothing, nobody can tell whether it is in it. */
enum class_standing {
    CLASS_IN,
    CLASS_OPEN_TO, /* no row is out of it, but it promises nothing of one */
    CLASS_OUT_OF
};

/* Of all rows. *row: the first that stands so, unless all are in it; may be NULL. */
enum class_standing class_stands(const struct class_report *report, const struct arithmetic_class *asked, int *row);

/* Whether a class is asked for that a row is out of. */
bool class_is_missed(const struct class_report *report, const struct class_demand *demand);

/* What the class that is asked for, if one is, makes of an output on whose numbers was decided: one that passes fails
 * where it is out of its class, and is unbounded where that is open. */
enum decision class_decide(enum decision of_numbers, const struct class_report *report,
                           const struct class_demand *demand);

/* Whether a class that is asked for covers every row. */
bool class_covers(const struct class_report *report, const struct arithmetic_class *asked);

/* Whether a class covers every row, and the one that is asked for, if one is: of the minimal sets those are kept that
 * it has in it. */
bool class_keep_asked(struct class_whole *whole, const struct class_report *report, const struct class_demand *demand);

#endif
