#include "harness/judge/cause/unlike_row.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/judge/cause/match_shared.h"
#include "harness/judge/cause/signature_info.h"

bool unlike_row_is_asked(const struct match *match)
{
    static const unsigned asked = 1u << SIGNATURE_DROPPED_KEYS | 1u << SIGNATURE_DOUBLED_KEYS |
                                  1u << SIGNATURE_WRONG_SCALE | 1u << SIGNATURE_WRONG_SLOPE |
                                  1u << SIGNATURE_MISPLACED_KEYS | 1u << SIGNATURE_WRONG_MERGE |
                                  1u << SIGNATURE_UNIFORM;
    return asked >> match->signature & 1;
}

static double steepness(const struct inquiry *inquiry, const struct ranked_row *ranked)
{
    return fabs(problem_row_slope(inquiry->exhibit->problem, ranked->row));
}

int unlike_row_at(const struct inquiry *inquiry, const struct ranked_row *ranked, int examined, int but)
{
    double gentlest = INFINITY, least = but < 0 ? -1 : steepness(inquiry, &ranked[but]);
    int at = -1;
    for (int i = 0; i < examined; i++)
        gentlest = fmin(gentlest, steepness(inquiry, &ranked[i]));
    for (int i = examined; i < problem_rows(inquiry->exhibit->problem) && ranked[i].out_fails; i++)
        if (steepness(inquiry, &ranked[i]) < gentlest && steepness(inquiry, &ranked[i]) > least) {
            gentlest = steepness(inquiry, &ranked[i]);
            at = i;
        }
    return at;
}

bool unlike_row_hear(struct signature_finding *finding, const struct match *match, const struct suspect *unlike)
{
    char detail[sizeof finding->detail];
    if (!match_speaks_against(unlike, match))
        return match_is_heard(unlike);
    memcpy(detail, finding->detail, sizeof detail);
    finding->signature = SIGNATURE_UNKNOWN;
    finding->remedy = signature_remedy(SIGNATURE_UNKNOWN);
    finding->num_rows_explained = 0;
    finding->residual = NAN;
    if (problem_queries(unlike->whole) > 1)
        snprintf(finding->detail, sizeof finding->detail,
                 "the worst rows are as if \"%.*s\"; head %d of query %d is not", SIGNATURE_DETAIL_SIZE, detail,
                 unlike->head, unlike->of_row / unlike->whole->num_heads);
    else
        snprintf(finding->detail, sizeof finding->detail, "the worst heads are as if \"%.*s\"; head %d is not",
                 SIGNATURE_DETAIL_SIZE, detail, unlike->head);
    return true;
}
