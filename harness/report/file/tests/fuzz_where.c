/*
 * libFuzzer entry for --where: any text as an expression, of records and of points. It is refused with a printable
 * line, or holds of a record or does not, and `not` of it the other way round.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/file/where.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char record_text[] =
    "{\"key\": \"a:seq_len=4096\", \"status\": \"pass\", \"kernel\": \"split_kv\", \"seq_len\": 4096, \"dtype\": "
    "\"f16\", \"sentinel\": \"-50000\", \"budget_used\": 0.25, \"lse_budget_used\": null, \"max_abs_err\": \"nan\", "
    "\"max_ulp_err\": \"inf\", \"max_rel_err\": 9007199254740993, \"seed\": \"18446744073709551615\", \"worst\": "
    "{\"head\": 3, \"dim\": 7}, \"oracles\": {\"partition\": \"held\"}, \"error\": null, \"batch\": [1, 2], \"mask\": "
    "{\"window\": 5}}";

static void demand(bool holds, const char *promise)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", promise);
    abort();
}

/* Whether it is an expression, and then what becomes of it. */
static bool parses(const char *text, const json_t *record, bool of_points, bool *holds)
{
    struct where *where;
    struct error error = {.text = ""};
    enum error_kind kind = of_points ? where_parse_of_points(&where, text, &error) : where_parse(&where, text, &error);
    if (kind) {
        demand(kind == ERROR_USAGE && !where, "what means nothing is refused");
        demand(strncmp(error.text, "--where ", 8) == 0 && strstr(error.text, "allowed: "), "a reason is given");
        for (const char *c = error.text; *c; c++)
            demand((unsigned char)*c >= ' ', "the reason is one printable line");
        return false;
    }
    *holds = where_holds(where, record);
    where_free(where);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool holds, of_points, negated;
    json_t *record = json_loads(record_text, 0, NULL);
    char *text = strndup((const char *)data, size), *not_text = NULL;
    demand(record && text && asprintf(&not_text, "not (%s)", text) >= 0, "memory");
    bool sound = parses(text, record, false, &holds);
    if (sound && parses(not_text, record, false, &negated)) /* it may be a parenthesis too many */
        demand(holds != negated, "not turns it round");
    if (parses(text, record, true, &of_points))
        demand(sound && holds == of_points, "what is asked of points can be asked of records");
    free(not_text);
    free(text);
    json_decref(record);
    return 0;
}
