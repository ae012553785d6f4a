/*
 * Files of results made by hand: a record that passes, and what a test says is otherwise, "max_ulp_err=0.75;
 * tolerance.atol=null": paths of a record, a JSON value each, "-" for a field that is left out.
 */
#ifndef HARNESS_REPORT_COMPARE_TESTS_RESULTS_FIXTURE_H
#define HARNESS_REPORT_COMPARE_TESTS_RESULTS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/report/compare/results.h"
#include "harness/support/tests/scratch.h"

static const char sound_record[] =
    "{\"schema\":1,\"key\":\"case:seq_len=9\",\"status\":\"pass\",\"expect\":\"pass\",\"signature\":\"none\","
    "\"oracles\":{\"poison\":\"held\",\"inputs\":\"held\",\"partition\":\"not_applicable\",\"batch\":\"held\"},"
    "\"elements\":128,\"mismatched\":3,\"max_abs_err\":0.25,\"max_ulp_err\":0.5,\"p99_ulp_err\":0.5,"
    "\"p50_ulp_err\":0.25,\"max_rel_err\":0.125,\"max_scaled_err\":0.125,\"rms_err\":0.0625,\"nan\":1,\"inf\":1,"
    "\"undecided\":1,\"unwritten\":1,\"budget_used\":0.5,\"unbounded\":2,\"lse_mismatched\":2,\"max_lse_err\":0.5,"
    "\"lse_budget_used\":0.5,\"lse_off\":1,\"lse_unbounded\":2,\"output_digest\":\"0000000000000001\","
    "\"judge\":\"both\",\"tolerance\":{\"atol\":0.001,\"rtol\":0.001,\"lse\":0.001},\"budget\":1,"
    "\"input_digest\":\"0000000000000002\",\"truth_digest\":\"0000000000000003\",\"truth_of\":\"inputs\",\"kernel\":"
    "\"split_kv\","
    "\"recipe\":\"mlx\",\"recipe_digest\":\"5\",\"device\":\"host\",\"build\":{\"version\":\"0.1\",\"commit\":\"abc\","
    "\"compiler\":\"gcc\"}}";

/* What a point is whose run failed. */
#define NOT_RUN                                                                                                     \
    "status=\"error\";signature=null;oracles=null;elements=null;mismatched=null;max_abs_err=null;max_ulp_err=null;" \
    "p99_ulp_err=null;p50_ulp_err=null;max_rel_err=null;max_scaled_err=null;rms_err=null;nan=null;inf=null;"        \
    "undecided=null;unwritten=null;budget_used=null;unbounded=null;lse_mismatched=null;max_lse_err=null;"           \
    "lse_budget_used=null;lse_off=null;lse_unbounded=null;output_digest=null;input_digest=null;truth_digest=null"

/* A point that its kernel does not take. */
#define SKIPPED                                                                                                    \
    "status=\"skip\";signature=null;oracles=null;elements=null;mismatched=null;max_abs_err=null;max_ulp_err=null;" \
    "p99_ulp_err=null;p50_ulp_err=null;max_rel_err=null;max_scaled_err=null;rms_err=null;nan=null;inf=null;"       \
    "undecided=null;unwritten=null;budget_used=null;unbounded=null;lse_mismatched=null;max_lse_err=null;"          \
    "lse_budget_used=null;lse_off=null;lse_unbounded=null;output_digest=null;input_digest=null;truth_digest=null"

static inline void edit(json_t *record, const char *text)
{
    char name[64], value[512];
    int length;
    while (sscanf(text, " %63[^=]=%511[^;]%n", name, value, &length) == 2) {
        json_t *object = record;
        char *last = strchr(name, '.');
        if (last) {
            *last++ = '\0';
            object = json_object_get(record, name);
        } else {
            last = name;
        }
        json_t *json = strcmp(value, "-") == 0 ? NULL : json_loads(value, JSON_DECODE_ANY, NULL);
        if (json)
            assert_int_equal(json_object_set_new(object, last, json), 0);
        else
            assert_int_equal(json_object_del(object, last), 0);
        text += length;
        text += strspn(text, "; ");
    }
    assert_int_equal(*text, '\0');
}

/* A line of a file: the sound record with the edits. */
static inline void put_record(FILE *file, const char *edits)
{
    json_t *record = json_loads(sound_record, 0, NULL);
    assert_non_null(record);
    edit(record, edits);
    char *text = json_dumps(record, JSON_COMPACT);
    fprintf(file, "%s\n", text);
    free(text);
    json_decref(record);
}

static char fixture_path[SCRATCH_SIZE];

static inline void write_results(const char *text)
{
    FILE *file = fopen(fixture_path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* Reads records with these edits, or, if edits[0] begins with '{', that text. */
static inline enum error_kind read_edits(struct results *results, const char *const *edits, size_t count,
                                         struct error *error)
{
    FILE *file = fopen(fixture_path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < count; i++)
        if (edits[i][0] == '{')
            fprintf(file, "%s\n", edits[i]);
        else
            put_record(file, edits[i]);
    assert_int_equal(fclose(file), 0);
    return results_read(results, fixture_path, error);
}

static inline void read_one(struct results *results, const char *edits)
{
    struct error error = {.text = ""};
    if (read_edits(results, &edits, 1, &error))
        fail_msg("%s", error.text);
}

static inline int fixture_set_up(void **state)
{
    (void)state;
    int file = scratch_file(fixture_path, "alibicheck-results");
    return file < 0 ? -1 : close(file);
}

static inline int fixture_tear_down(void **state)
{
    (void)state;
    return unlink(fixture_path);
}

#endif
