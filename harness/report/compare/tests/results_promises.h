/*
 * What holds for any bytes given for a results file or a baseline: a set of points, each once, of which every fact that
 * judged points have is known, or a printable sentence; and a baseline made of it that reads back as the same.
 */
#ifndef HARNESS_REPORT_COMPARE_TESTS_RESULTS_PROMISES_H
#define HARNESS_REPORT_COMPARE_TESTS_RESULTS_PROMISES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/report/compare/baseline.h"

static inline const char *points_promise_broken(const struct results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        const struct result *result = &results->items[i];
        if (i > 0 && strcmp(results->items[i - 1].key, result->key) >= 0)
            return "keys out of order, or a key twice";
        const struct fact_value *device = &result->facts[FACT_DEVICE];
        bool foreign = device->type == FACT_TEXT && !strcmp(device->text, device_foreign);
        bool handed_over = device->type == FACT_UNKNOWN && result->facts[FACT_ORACLES].type == FACT_UNKNOWN;
        for (enum fact fact = 0; fact < FACT_COUNT && !result->removed && status_is_judged(result->status); fact++) {
            enum fact_role role = fact_info(fact).role;
            bool of_subject = role == FACT_OF_SUBJECT || fact == FACT_ORACLES || fact == FACT_VIOLATED;
            bool of_sample = fact == FACT_INPUT_DIGEST || fact == FACT_TRUTH_DIGEST;
            bool may_be_unknown = fact_info(fact).may_be_unknown ||
                                  ((foreign || handed_over) && fact_is_unknown_of_foreign(fact)) ||
                                  (handed_over && (of_subject || of_sample));
            if (result->facts[fact].type == FACT_UNKNOWN && !may_be_unknown)
                return "a judged point with a fact that is not known";
            if (result->facts[fact].type == FACT_NUMBER && result->facts[fact].number < 0)
                return "a fact below 0";
        }
    }
    return NULL;
}

/* A file in memory; its path in `path`. -1 if there is none. */
static inline int memory_file(char path[64], const void *data, size_t size)
{
    int file = memfd_create("results", 0);
    if (file >= 0 && write(file, data, size) != (ssize_t)size) {
        close(file);
        return -1;
    }
    snprintf(path, 64, "/proc/self/fd/%d", file);
    return file;
}

/* The baseline that all points make, compared with them: the same bits, each fact the same. */
static inline const char *round_trip_broken(const struct results *results)
{
    static const struct baseline_notes notes = {"why", "link", "9999-12-31"};
    const struct compare_rules rules = {.today = "2026-11-27"};
    struct results none = {.path = "none", .is_baseline = true}, again = {0};
    struct collation collation = {0}, second = {0};
    struct baseline_change change;
    struct error error;
    char *text = NULL, path[64];
    const char *broken = NULL;
    int file = -1;
    if (collate(&collation, &none, results, &rules, NULL, &error) ||
        baseline_update(&text, &change, &collation, &notes, &error))
        goto out; /* a point that was not judged */
    file = memory_file(path, text, strlen(text));
    if (file < 0)
        goto out;
    broken = "a baseline that does not read back as it was";
    if (results_read(&again, path, &error) || collate(&second, &again, results, &rules, NULL, &error))
        goto out;
    if (second.by_change[CHANGE_SAME_BITS] + second.by_change[CHANGE_SKIPPED] == results_points(results))
        broken = NULL;
out:
    if (file >= 0)
        close(file);
    free(text);
    collation_clear(&second);
    collation_clear(&collation);
    results_clear(&again);
    return broken;
}

static inline const char *results_promise_broken(const uint8_t *bytes, size_t size)
{
    struct results results;
    struct error error = {.text = ""};
    char path[64];
    int file = memory_file(path, bytes, size);
    if (file < 0)
        return NULL;
    enum error_kind kind = results_read(&results, path, &error);
    const char *broken = NULL;
    if (kind) {
        broken = *error.text ? NULL : "refused without a reason";
        for (const char *c = error.text; *c; c++)
            broken = (unsigned char)*c < ' ' ? "the reason is not one printable line" : broken;
    } else if (!(broken = points_promise_broken(&results))) {
        broken = round_trip_broken(&results);
    }
    results_clear(&results);
    close(file);
    return broken;
}

#endif
