/*
 * A case: one YAML document, its axes, and the points of their cross product.
 *
 * The format is described once, in the key table of case_keys.c, which parses files, fills defaults, names a point's
 * values and prints `alibicheck list keys`. Points are described in point.h.
 */
#ifndef HARNESS_CASE_CASE_H
#define HARNESS_CASE_CASE_H

#include <stdio.h>

#include "harness/case/point.h"

enum { CASE_MAX_FILE_BYTES = 1 << 20 };

/* A list of cases, from one file or many. */
struct case_list {
    struct test_case **cases;
    size_t count;
};

/* What every point of a case shares. about, because and known_bugs are NULL unless the file has them; each is one
 * line, the last one as case_bugs.h reads it. */
const char *case_name(const struct test_case *test_case);
const char *case_about(const struct test_case *test_case);
const char *case_because(const struct test_case *test_case);
const char *case_known_bugs(const struct test_case *test_case);
const char *case_path(const struct test_case *test_case);
int case_line(const struct test_case *test_case);                 /* of its path, from 1: where its name stands */
bool case_from_standard_input(const struct test_case *test_case); /* its path is then "standard input" */

/*
 * Reads a case file ("-": standard input), or every *.yaml and *.yml file below a folder in order of name, and appends
 * its cases. Folders below it that are called `recipes` hold recipes and are passed over.
 * settings[i] is "KEY=VALUE": VALUE is YAML and replaces what every file says of KEY.
 * ERROR_USAGE with "FILE:LINE:COLUMN: what is wrong: 'the offending text'; allowed: what is allowed"; a setting's place
 * is "--set KEY=VALUE:COLUMN"; a line for each of a file's errors (error_list.h). list is then as it was.
 */
enum error_kind case_list_read(struct case_list *list, const char *path, const char *const *settings,
                               size_t num_settings, struct error *error);

/* The same for a text in memory, called name in messages and by case_path. */
enum error_kind case_list_parse(struct case_list *list, const char *name, const char *text, size_t size,
                                const char *const *settings, size_t num_settings, struct error *error);
void case_list_clear(struct case_list *list);

/* Points of the cross product, at least 1; point `index` of them. The kernel, then the sentinel vary fastest, so that
 * points with the same inputs stand together. */
size_t case_num_points(const struct test_case *test_case);

/* Whether it sets a key that says nothing of a point's kernel: `recipe`, of one that is not ours. */
bool case_says_of_others(const struct test_case *test_case, const struct point *point);
void case_point(const struct test_case *test_case, size_t index, struct point *point);

/* The sequences of the launch that a point is judged in, 1 unless they go together; sequence i, a point of the same
 * case, but for its index. The point itself is number point->problem.sequence. */
int point_num_sequences(const struct point *point);
void point_sequence(const struct point *point, int i, struct point *sequence);

/*
 * The point's name: "CASE:kernel=split_kv,seq_len=33001,...", every axis whose value differs from the default, in the
 * order of the key table. Unique within a case, stable when a case gains values or the format gains keys.
 * text has POINT_KEY_SIZE characters and is returned.
 */
char *point_key(char *text, const struct point *point);

/* A hash of all that the case says of the point: two runs that mean the same by a key have the same one. Names and
 * explanations of cases are left out. */
uint64_t point_digest(const struct point *point);

/* The table that documents the format: key, type, default, allowed values, meaning. */
void case_print_keys(FILE *stream);

#endif
