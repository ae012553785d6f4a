#include "harness/report/compare/compare_point.h"

#include <math.h>
#include <string.h>

#include "harness/judge/class/arithmetic_class.h"

const char *const change_outcome_texts[] = {
    [CHANGE_IS_FINE] = "as good",
    [CHANGE_IS_WORSE] = "worse",
    [CHANGE_IS_WORSE_IF_BITS] = "as good, or worse with --bits",
    [CHANGE_IS_NO_COMPARISON] = "not comparable",
};

const struct change_info change_table[CHANGE_COUNT] = {
    [CHANGE_UNLIKE] = {"not comparable", "have another problem, other inputs, another truth, or another sample of rows",
                       CHANGE_IS_NO_COMPARISON},
    [CHANGE_NOT_JUDGED] = {"never judged", "could not be judged, before and after", CHANGE_IS_NO_COMPARISON},
    [CHANGE_NEWLY_FAILING] = {"newly failing", "ended as expected, and no longer do", CHANGE_IS_WORSE},
    [CHANGE_EXPIRED] = {"expired", "fail, and the day until which that was accepted is over", CHANGE_IS_WORSE},
    [CHANGE_MISSING] = {"missing", "were there, and are not", CHANGE_IS_WORSE},
    [CHANGE_NEW_FAILING] = {"new and failing", "were not there, and do not end as expected", CHANGE_IS_WORSE},
    [CHANGE_VERDICT] = {"verdict changed", "have another status, and it is not a better one", CHANGE_IS_WORSE},
    [CHANGE_JUDGED_OTHERWISE] = {"judged otherwise", "are asked for less, or measured otherwise", CHANGE_IS_WORSE},
    [CHANGE_CAUSE] = {"cause changed", "fail as before, and in another way", CHANGE_IS_WORSE},
    [CHANGE_FIXED_WORSE] = {"fixed and worse", "end as expected, and did not, and have a figure that is worse",
                            CHANGE_IS_WORSE},
    [CHANGE_WORSE] = {"worse", "have a figure or a class that is worse", CHANGE_IS_WORSE},
    [CHANGE_ALLOWED] = {"worse as allowed", "have a figure that is worse, by no more than was allowed", CHANGE_IS_FINE},
    [CHANGE_FIXED] = {"fixed", "end as expected, and did not, or fail no longer", CHANGE_IS_FINE},
    [CHANGE_BETTER] = {"better", "have a figure that is better, and none that is worse", CHANGE_IS_FINE},
    [CHANGE_OTHER_BITS] = {"other bits", "have other bits; no figure is worse by more than is allowed",
                           CHANGE_IS_WORSE_IF_BITS},
    [CHANGE_NEW] = {"new", "were not there, and end as expected", CHANGE_IS_FINE},
    [CHANGE_SAME_BITS] = {"same bits", "are the same, bit for bit", CHANGE_IS_FINE},
    [CHANGE_SKIPPED] = {"skipped", "are skipped, and were not judged before", CHANGE_IS_FINE},
};

enum change_outcome change_outcome(enum change change, const struct compare_rules *rules)
{
    enum change_outcome outcome = change_table[change].outcome;
    if (outcome != CHANGE_IS_WORSE_IF_BITS)
        return outcome;
    return rules->bits ? CHANGE_IS_WORSE : CHANGE_IS_FINE;
}

bool change_is_none(enum change change)
{
    return change == CHANGE_SAME_BITS || change == CHANGE_SKIPPED;
}

const char *compared_key(const struct compared *point)
{
    return point->a ? point->a->key : point->b->key;
}

/* ---- facts ------------------------------------------------------------------------------------------------------- */

/* A figure's place in the order from good to bad: NaN is worse than infinity. */
static bool is_more(double a, double b)
{
    return isnan(b) ? !isnan(a) : b > a;
}

/* No infinity and no NaN is allowed by being close to something. */
static bool is_allowed(double a, double b, const struct allowance *allowance)
{
    return isfinite(a) && isfinite(b) && (b - a <= allowance->absolute || b <= a + a * allowance->relative);
}

/* Of a metric that is known on one side alone: what cannot be measured any more is worse. */
static enum tendency compare_metric(const struct fact_value *a, const struct fact_value *b,
                                    const struct allowance *allowance)
{
    if (a->type != b->type)
        return b->type == FACT_UNKNOWN ? TENDENCY_WORSE : TENDENCY_BETTER;
    if (!is_more(a->number, b->number))
        return TENDENCY_BETTER;
    return is_allowed(a->number, b->number, allowance) ? TENDENCY_ALLOWED : TENDENCY_WORSE;
}

/* Within the tolerance and the bound is more than either, and of these none is more than the other. */
static bool is_stricter_judge(const struct fact_value *b)
{
    return b->type == FACT_TEXT && strcmp(b->text, judge_mode_names[JUDGE_BOTH]) == 0;
}

/* Better is what asks for more, and computes more itself. A budget that is not known does not judge. */
static enum tendency compare_criterion(enum fact fact, const struct fact_value *a, const struct fact_value *b)
{
    bool stricter = fact == FACT_JUDGE        ? is_stricter_judge(b)
                    : fact == FACT_TAKEN_OVER ? fact_list_within(b, a)
                    : fact_info(fact).is_list ? fact_list_within(a, b)
                    : a->type != b->type      ? a->type == FACT_UNKNOWN
                                              : b->number < a->number;
    return stricter ? TENDENCY_BETTER : TENDENCY_WORSE;
}

/* Whether a text says nothing. */
static bool is_usual(enum fact fact, const struct fact_value *value)
{
    return value->type == FACT_TEXT && !strcmp(value->text, fact_usual_text(fact));
}

/* One name is more to ask of a failure than any, and a pass is more to ask than a failure. Of two names neither is: a
 * failure that changed, and is expected to have, is another one. */
static enum tendency compare_expected(const struct result *a, const struct result *b)
{
    bool of_pass = !strcmp(b->facts[FACT_EXPECT].text, "pass");
    return of_pass || is_usual(FACT_EXPECTED_SIGNATURE, &a->facts[FACT_EXPECTED_SIGNATURE]) ? TENDENCY_BETTER
                                                                                            : TENDENCY_WORSE;
}

static bool is_of_bound(enum fact fact)
{
    return fact_info(fact).role == FACT_OF_ERROR && metric_table[fact - FACT_METRICS].of_bound;
}

/* A share of a bound, and no count of what has none. */
static bool is_share(enum fact fact)
{
    return is_of_bound(fact) && fact_info(fact).may_be_unknown;
}

/* What an error bound measures says nothing from one kernel or recipe to another, whose bound is another. */
static bool has_other_bound(const struct result *a, const struct result *b)
{
    return !fact_equal(&a->facts[FACT_KERNEL], &b->facts[FACT_KERNEL]) ||
           !fact_equal(&a->facts[FACT_RECIPE_DIGEST], &b->facts[FACT_RECIPE_DIGEST]);
}

/* Above 1 rounding cannot explain an error, whichever the bound. */
static bool is_beyond(const struct fact_value *share)
{
    return share->type == FACT_NUMBER && !(share->number <= 1);
}

/* Bounds are worked out in f64, whose last digits may differ with the C library's exponentials and the order of a sum:
 * shares of them that agree to so many digits are the same. An ulp of a logit of 2^14 is 1e-12 of a weight. */
#define SAME_SHARE 1e-9

static bool is_same(enum fact fact, const struct fact_value *a, const struct fact_value *b)
{
    if (fact_equal(a, b))
        return true;
    return is_share(fact) && a->type == b->type && is_beyond(a) == is_beyond(b) &&
           fabs(a->number - b->number) <= SAME_SHARE * fabs(a->number);
}

/* Whether a share is of a bound that was not asked before, as of a kernel that has come to say its arithmetic: it is
 * known for the first time, and the output is what it was. */
static bool is_first_share(enum fact fact, const struct result *a, const struct result *b)
{
    return is_of_bound(fact) && a->facts[fact].type == FACT_UNKNOWN && a->facts[FACT_BUDGET].type == FACT_UNKNOWN &&
           b->facts[FACT_BUDGET].type == FACT_NUMBER;
}

/* Of shares of two bounds: one says nothing of the other, but for what lies within none, or has none any more. */
static enum tendency compare_share(enum fact fact, const struct fact_value *a, const struct fact_value *b)
{
    bool is_lost = a->type == FACT_NUMBER && b->type == FACT_UNKNOWN;
    bool is_worse = is_share(fact) && (is_lost || (is_beyond(b) && !is_beyond(a)));
    return is_worse ? TENDENCY_WORSE : TENDENCY_OTHER;
}

/* Whether nobody looked for a class. */
static bool is_unlooked_for(const struct fact_value *class)
{
    return class->type != FACT_TEXT || !strcmp(class->text, fact_usual_text(FACT_CLASS));
}

/* What a class says of an output: the roundings that explain its error, or that none do. */
enum explained { EXPLAINED_BY_ROUNDINGS, EXPLAINED_WITHOUT_A_PROMISE, EXPLAINED_BY_NOTHING };

static enum explained explained_by(struct arithmetic_class *arithmetic, const struct fact_value *class)
{
    if (class_parse(arithmetic, class->text, NULL))
        return EXPLAINED_BY_ROUNDINGS;
    return strcmp(class->text, "unbounded") ? EXPLAINED_BY_NOTHING : EXPLAINED_WITHOUT_A_PROMISE;
}

/* Whether one explains by roundings of which the other has all, and more. */
static bool has_fewer_roundings(const struct arithmetic_class *one, const struct arithmetic_class *other)
{
    if (one->output || other->output)
        return one->output;
    return (class_closed(other->set) & one->set) == one->set;
}

/* Whether lse is known for the first time: a class is then one of more than it was. */
static bool has_first_lse(const struct result *a, const struct result *b)
{
    const enum fact lse = FACT_METRICS + METRIC_MAX_LSE_ERR;
    return a->facts[lse].type == FACT_UNKNOWN && b->facts[lse].type != FACT_UNKNOWN;
}

/*
 * What f32 explained, and no arithmetic does any more, is worse, and so is what takes more roundings to be explained,
 * even where every figure is within what is allowed: the figures of a row that is not the worst may have grown. Of two
 * sets of which neither has all of the other neither is worse. Where out alone had fewer than out and lse have
 * together, out may be as it was; no arithmetic explaining them is a fault of one of both. A class that is looked for
 * no longer is lost, but where it was that of a failure that is gone (find_class: failing).
 */
static enum tendency compare_class(const struct result *a, const struct result *b)
{
    const struct fact_value *of_a = &a->facts[FACT_CLASS], *of_b = &b->facts[FACT_CLASS];
    struct arithmetic_class before, after;
    if (is_unlooked_for(of_a))
        return TENDENCY_OTHER;
    if (is_unlooked_for(of_b))
        return b->status == STATUS_PASS && a->status != STATUS_PASS ? TENDENCY_OTHER : TENDENCY_WORSE;
    enum explained by_a = explained_by(&before, of_a), by_b = explained_by(&after, of_b);
    if (by_a != by_b)
        return by_b > by_a ? TENDENCY_WORSE : TENDENCY_BETTER;
    if (by_a != EXPLAINED_BY_ROUNDINGS)
        return TENDENCY_OTHER;
    if (has_fewer_roundings(&before, &after))
        return has_first_lse(a, b) ? TENDENCY_OTHER : TENDENCY_WORSE;
    return has_fewer_roundings(&after, &before) ? TENDENCY_BETTER : TENDENCY_OTHER;
}

static enum tendency compare_fact(enum fact fact, const struct result *a, const struct result *b,
                                  const struct compare_rules *rules)
{
    const struct fact_value *of_a = &a->facts[fact], *of_b = &b->facts[fact];
    bool both_judged = status_is_judged(a->status) && status_is_judged(b->status);
    bool both_known = of_a->type != FACT_UNKNOWN && of_b->type != FACT_UNKNOWN;
    bool unsaid = fact_info(fact).is_often_unsaid && (is_usual(fact, of_a) || is_usual(fact, of_b));
    const enum fact_role role = fact_info(fact).role;
    if (is_same(fact, of_a, of_b) || (fact == FACT_ORACLES && !both_judged && !both_known) ||
        (fact_info(fact).is_new && (!both_known || unsaid)))
        return TENDENCY_SAME;
    if (fact == FACT_EXPECTED_SIGNATURE)
        return compare_expected(a, b);
    if (role == FACT_OF_CRITERION)
        return compare_criterion(fact, of_a, of_b);
    if (role == FACT_OF_CLASS)
        return compare_class(a, b);
    if (fact == FACT_VIOLATED)
        return fact_list_within(of_b, of_a) ? TENDENCY_BETTER : TENDENCY_WORSE;
    if (fact == FACT_CONTRACT && is_usual(fact, of_a))
        return TENDENCY_BETTER;
    if (fact == FACT_RUN_FAILURE && is_usual(fact, of_b))
        return TENDENCY_BETTER;
    if (role != FACT_OF_ERROR)
        return TENDENCY_OTHER;
    if (is_of_bound(fact) && has_other_bound(a, b))
        return compare_share(fact, of_a, of_b);
    if (is_share(fact) && both_judged && of_a->type == FACT_UNKNOWN && is_beyond(of_b))
        return TENDENCY_WORSE;
    if (is_first_share(fact, a, b))
        return TENDENCY_OTHER;
    return compare_metric(of_a, of_b, &rules->allowances[fact - FACT_METRICS]);
}

static bool has_exactly(const struct compared *point, enum fact_role role, enum tendency tendency)
{
    for (enum fact fact = 0; fact < FACT_COUNT; fact++)
        if (fact_info(fact).role == role && point->tendencies[fact] == tendency)
            return true;
    return false;
}

/* Whether a fact of the role has at least this tendency. */
static bool has(const struct compared *point, enum fact_role role, enum tendency least)
{
    for (enum tendency tendency = least; tendency <= TENDENCY_WORSE; tendency++)
        if (has_exactly(point, role, tendency))
            return true;
    return false;
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

/*
 * What a change of status alone says; CHANGE_SAME_BITS where it says nothing. From xfail to pass, the case no longer
 * expects the failure. What fails and is now expected to is another verdict, not a better one: somebody accepted it.
 * What is skipped might as well not be there, and where it was before, too, nobody has checked anything of it.
 */
static const enum change status_changes[STATUS_COUNT][STATUS_COUNT] = {
    [STATUS_PASS] = {[STATUS_PASS] = CHANGE_SAME_BITS,
                     [STATUS_FAIL] = CHANGE_NEWLY_FAILING,
                     [STATUS_XFAIL] = CHANGE_VERDICT,
                     [STATUS_XPASS] = CHANGE_VERDICT,
                     [STATUS_ERROR] = CHANGE_NEWLY_FAILING,
                     [STATUS_SKIP] = CHANGE_MISSING},
    [STATUS_FAIL] = {[STATUS_PASS] = CHANGE_FIXED,
                     [STATUS_FAIL] = CHANGE_SAME_BITS,
                     [STATUS_XFAIL] = CHANGE_VERDICT,
                     [STATUS_XPASS] = CHANGE_VERDICT,
                     [STATUS_ERROR] = CHANGE_VERDICT,
                     [STATUS_SKIP] = CHANGE_MISSING},
    [STATUS_XFAIL] = {[STATUS_PASS] = CHANGE_FIXED,
                      [STATUS_FAIL] = CHANGE_NEWLY_FAILING,
                      [STATUS_XFAIL] = CHANGE_SAME_BITS,
                      [STATUS_XPASS] = CHANGE_VERDICT,
                      [STATUS_ERROR] = CHANGE_NEWLY_FAILING,
                      [STATUS_SKIP] = CHANGE_MISSING},
    [STATUS_XPASS] = {[STATUS_PASS] = CHANGE_FIXED,
                      [STATUS_FAIL] = CHANGE_VERDICT,
                      [STATUS_XFAIL] = CHANGE_VERDICT,
                      [STATUS_XPASS] = CHANGE_SAME_BITS,
                      [STATUS_ERROR] = CHANGE_VERDICT,
                      [STATUS_SKIP] = CHANGE_MISSING},
    [STATUS_ERROR] = {[STATUS_PASS] = CHANGE_FIXED,
                      [STATUS_FAIL] = CHANGE_NEWLY_FAILING,
                      [STATUS_XFAIL] = CHANGE_FIXED,
                      [STATUS_XPASS] = CHANGE_VERDICT,
                      [STATUS_ERROR] = CHANGE_NOT_JUDGED,
                      [STATUS_SKIP] = CHANGE_MISSING},
    [STATUS_SKIP] = {[STATUS_PASS] = CHANGE_NEW,
                     [STATUS_FAIL] = CHANGE_NEW_FAILING,
                     [STATUS_XFAIL] = CHANGE_NEW,
                     [STATUS_XPASS] = CHANGE_NEW_FAILING,
                     [STATUS_ERROR] = CHANGE_NEW_FAILING,
                     [STATUS_SKIP] = CHANGE_SKIPPED},
};

static bool is_judged(const struct result *result)
{
    return status_is_judged(result->status);
}

/* Whether the two are answers to different questions. Of a point that was not judged inputs and truth may be unknown;
 * where they are known, they count. */
static bool is_unlike(const struct compared *point)
{
    bool both_judged = is_judged(point->a) && is_judged(point->b);
    for (enum fact fact = 0; fact < FACT_COUNT; fact++) {
        bool known = point->a->facts[fact].type != FACT_UNKNOWN && point->b->facts[fact].type != FACT_UNKNOWN;
        if (fact_info(fact).role == FACT_OF_PROBLEM && point->tendencies[fact] && (known || both_judged))
            return true;
    }
    return false;
}

/* A known failure that still fails when its time is over. */
static bool is_expired(const struct compared *point, const struct compare_rules *rules)
{
    const char *expires = point->a->notes[NOTE_EXPIRES];
    return expires && !status_as_expected(point->b->status) && strcmp(rules->today, expires) > 0;
}

/* A figure of the output that is another: by the bound of another kernel or recipe none is, nor one by a bound that was
 * not asked before and that holds, and a class that nobody had looked for before is none. */
static bool has_other_figures(const struct compared *point)
{
    if (point->tendencies[FACT_CLASS] != TENDENCY_SAME && !is_unlooked_for(&point->a->facts[FACT_CLASS]))
        return true;
    for (enum fact fact = FACT_METRICS; fact < FACT_METRICS + METRIC_COUNT; fact++)
        if (point->tendencies[fact] != TENDENCY_SAME && !(is_of_bound(fact) && has_other_bound(point->a, point->b)) &&
            !(is_first_share(fact, point->a, point->b) && point->tendencies[fact] != TENDENCY_WORSE))
            return true;
    return false;
}

/* Whether what failed passes, and no oracle is violated less: of the same bits only another rule can say so. */
static bool is_pardoned(const struct compared *point)
{
    const enum status before = point->a->status;
    return (before == STATUS_FAIL || before == STATUS_XFAIL) && point->b->status == STATUS_PASS &&
           point->tendencies[FACT_VIOLATED] == TENDENCY_SAME;
}

/* Where less is asked, a status says little; that a pass is expected where a failure was is more. The same bits
 * of the same problem have the same errors: where they have not, what measures them has changed. A point that was not
 * judged has no errors to compare. */
static bool is_judged_otherwise(const struct compared *point)
{
    bool both_judged = is_judged(point->a) && is_judged(point->b);
    bool same_bits = point->tendencies[FACT_OUTPUT_DIGEST] == TENDENCY_SAME;
    return has(point, FACT_OF_CRITERION, TENDENCY_WORSE) ||
           (point->tendencies[FACT_EXPECT] && point->b->status != STATUS_PASS) ||
           (both_judged && same_bits && (has_other_figures(point) || is_pardoned(point)));
}

static enum change change_by_figures(const struct compared *point, bool is_fixed, const struct compare_rules *rules)
{
    bool other_bits = point->tendencies[FACT_OUTPUT_DIGEST] != TENDENCY_SAME;
    if (has(point, FACT_OF_ERROR, TENDENCY_WORSE) || has(point, FACT_OF_CLASS, TENDENCY_WORSE))
        return is_fixed ? CHANGE_FIXED_WORSE : CHANGE_WORSE;
    if (rules->bits && other_bits && !is_fixed)
        return CHANGE_OTHER_BITS;
    if (has_exactly(point, FACT_OF_ERROR, TENDENCY_ALLOWED))
        return CHANGE_ALLOWED;
    if (is_fixed)
        return CHANGE_FIXED;
    if (has_exactly(point, FACT_OF_ERROR, TENDENCY_BETTER) || has_exactly(point, FACT_OF_CLASS, TENDENCY_BETTER) ||
        has(point, FACT_OF_CAUSE, TENDENCY_BETTER))
        return CHANGE_BETTER;
    return other_bits ? CHANGE_OTHER_BITS : CHANGE_SAME_BITS;
}

static enum change change_of_both(const struct compared *point, const struct compare_rules *rules)
{
    const struct result *a = point->a, *b = point->b;
    enum change by_status = status_changes[a->status][b->status];
    bool is_fixed = by_status == CHANGE_FIXED;
    if (is_unlike(point))
        return CHANGE_UNLIKE;
    if (by_status != CHANGE_SAME_BITS && !is_fixed)
        return by_status;
    if (is_expired(point, rules))
        return CHANGE_EXPIRED;
    if (is_judged_otherwise(point))
        return CHANGE_JUDGED_OTHERWISE;
    if (!is_fixed && has(point, FACT_OF_CAUSE, TENDENCY_OTHER))
        return CHANGE_CAUSE;
    return change_by_figures(point, is_fixed, rules);
}

/* b / a; what was 0, or is no number, or is not known any more, grew beyond all others. */
static double growth_of(const struct fact_value *a, const struct fact_value *b)
{
    double growth = b->number / a->number;
    return a->type == FACT_NUMBER && b->type == FACT_NUMBER && !isnan(growth) ? growth : INFINITY;
}

static double find_growth(const struct compared *point)
{
    double most = 0;
    for (enum fact fact = FACT_METRICS; fact < FACT_METRICS + METRIC_COUNT; fact++)
        if (point->tendencies[fact] >= TENDENCY_ALLOWED)
            most = fmax(most, growth_of(&point->a->facts[fact], &point->b->facts[fact]));
    return most;
}

void compare_point(struct compared *point, const struct result *a, const struct result *b,
                   const struct compare_rules *rules)
{
    *point = (struct compared){.a = a, .b = b};
    bool in_base = a && !a->removed, in_new = b && !b->removed;
    if (in_base && in_new) {
        for (enum fact fact = 0; fact < FACT_COUNT; fact++)
            point->tendencies[fact] = compare_fact(fact, a, b, rules);
        point->change = change_of_both(point, rules);
        point->growth = find_growth(point);
    } else if (in_base) {
        point->change = CHANGE_MISSING;
    } else {
        point->change = b->status == STATUS_SKIP        ? CHANGE_SKIPPED
                        : status_as_expected(b->status) ? CHANGE_NEW
                                                        : CHANGE_NEW_FAILING;
    }
}
