/*
 * What holds for every text given to the reader of case files, well-formed or not: it is read into cases whose points
 * can all be asked for, or refused as ERROR_USAGE with one printable line; nothing is half done.
 */
#ifndef HARNESS_CASE_TESTS_CASE_PROMISES_H
#define HARNESS_CASE_TESTS_CASE_PROMISES_H

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case.h"
#include "harness/case/key.h"
#include "harness/support/error_list.h"

/* The sentence of the promise that a point breaks, or NULL. */
static inline const char *point_promise_broken(const struct test_case *test_case, size_t index)
{
    struct point point;
    char key[POINT_KEY_SIZE];
    case_point(test_case, index, &point);
    const struct problem_spec *problem = &point.problem;
    size_t length = strlen(point_key(key, &point));
    if (length + 1 >= POINT_KEY_SIZE || strncmp(key, case_name(test_case), strlen(case_name(test_case))) != 0)
        return "a point's key does not start with its case, or is cut short";
    if (point.index != index || point.test_case != test_case)
        return "a point does not know its place";
    if (problem->seq_len < 0 || problem->num_heads < 1 || problem->num_kv_heads < 1 ||
        problem->num_heads % problem->num_kv_heads != 0 || problem->head_dim < 1 || problem->head_dim > PROBLEM_MAX_DIM)
        return "a point's shape is not allowed";
    if (problem->head_offset < 0 || problem->head_offset + problem->num_heads > problem->total_heads)
        return "a point's heads are not heads of its model";
    if ((unsigned)point.kernel >= KERNEL_COUNT || (unsigned)problem->dtype >= DTYPE_COUNT ||
        (unsigned)problem->input.distribution >= DISTRIBUTION_COUNT || point.kernel_options.chunk_len < CHUNK_LEN_MIN ||
        (unsigned)problem->kv_format >= KV_FORMAT_COUNT || point.kernel_options.page_size < 0)
        return "a point's choice is out of range";
    if (problem->kv_offset < 0 || problem->kv_offset + problem->seq_len > INT64_C(1) << 31)
        return "a point's positions are out of range";
    if (!(problem->k_scale > 0) || !isfinite(problem->k_scale) || !(problem->v_scale > 0) ||
        !isfinite(problem->v_scale) ||
        (problem->kv_format == KV_AS_DTYPE && (problem->k_scale != 1 || problem->v_scale != 1)))
        return "a point's cache scales are not allowed";
    if ((problem->num_slope_values == 0) != !problem->slope_values ||
        (problem->slope_values && problem->num_slope_values != problem->num_heads))
        return "a point has not a slope a head";
    for (int i = 0; i < problem->num_slope_values; i++)
        if (!(fabsf(problem->slope_values[i]) <= FLT_MAX / 2))
            return "a point's slope is out of range";
    const struct recipe *recipe = &point.recipe;
    if (recipe_contradiction(recipe) || (unsigned)recipe->sentinel.policy >= SENTINEL_COUNT ||
        (recipe->sentinel.policy == SENTINEL_VALUE &&
         !(recipe->sentinel.value < 0 && isfinite(recipe->sentinel.value))) ||
        !(recipe->epsilon >= 0 && recipe->epsilon <= 1) || !isfinite(recipe->initial_max_value) ||
        (unsigned)recipe->bias >= BIAS_COUNT || (unsigned)recipe->exponential >= EXPONENTIAL_COUNT)
        return "a point's recipe is not allowed";
    const struct mask_spec *mask = &problem->mask; /* its window and sinks may be of a longer cache of the case */
    if ((unsigned)mask->kind >= 1u << MASK_KINDS || !(mask->holes >= 0 && mask->holes <= 1) || mask->window < 0 ||
        mask->window > SEQ_LEN_MAX || mask->sinks < 0 || mask->sinks > SEQ_LEN_MAX || mask->drop_newest < 0 ||
        mask->drop_newest > problem->seq_len || mask->padding < 0 || mask->padding > problem->seq_len ||
        mask->block > problem->seq_len || (mask->kind & MASK_BLOCK && (mask->block < 1 || mask->keep_every < 1)) ||
        mask->gap_from < 0 || mask->gap_keys < 0 || mask->gap_from + mask->gap_keys > problem->seq_len ||
        !(mask->kind & MASK_FILE) != !mask->bits ||
        (mask->bits && 8 * mask->bits->size_bytes < (uint64_t)problem->seq_len))
        return "a point's mask is not allowed";
    if (!(problem->scale > 0) || !isfinite(problem->scale) || !(problem->max_bias > 0) ||
        !(point.criterion.tolerance.atol >= 0) || !isfinite(point.criterion.tolerance.atol) ||
        !(point.criterion.tolerance.rtol >= 0) || !isfinite(point.criterion.tolerance.rtol))
        return "a point's number is out of range";
    return NULL;
}

/* The sentence of the promise that a line of a message about name breaks, or NULL. Only the last may be one that
 * counts. */
static inline const char *line_promise_broken(const char *line, size_t size, const char *name, bool last)
{
    char text[8192];
    snprintf(text, sizeof text, "%.*s", (int)size, line);
    bool counts = last && (strstr(text, " more error") || strstr(text, " more errors"));
    if (strncmp(text, name, strlen(name)) != 0)
        return "a message has no place";
    if (!counts && !strstr(text, "; allowed: ") && !strstr(text, "? allowed: "))
        return "a message says not what is allowed";
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return "a message is not printable";
    return size >= 1024 ? "a message is too long" : NULL;
}

static inline const char *message_promise_broken(const struct error *error, const char *name)
{
    const char *broken = NULL, *line = error->text;
    size_t count = 0;
    for (; !broken; line++, count++) {
        size_t size = strcspn(line, "\n");
        broken = line_promise_broken(line, size, name, line[size] == '\0' && count > 0);
        line += size;
        if (!*line)
            break;
    }
    return broken ? broken : count > ERROR_LIST_MAX ? "too many messages" : NULL;
}

/* The sentence of the promise that text breaks, or NULL. */
static inline const char *case_promise_broken(const char *text, size_t size)
{
    struct case_list list = {0};
    struct error error = {0};
    const char *broken = NULL;
    enum error_kind kind = case_list_parse(&list, "fuzz.yaml", text, size, NULL, 0, &error);
    if (kind != ERROR_NONE && kind != ERROR_USAGE)
        broken = "neither read nor refused";
    if (kind == ERROR_NONE && list.count == 0)
        broken = "read, but no case";
    if (kind != ERROR_NONE && list.count != 0)
        broken = "refused, but the list has changed";
    if (kind == ERROR_USAGE && !broken)
        broken = error.kind != kind ? "refused, but the error is of another kind"
                                    : message_promise_broken(&error, "fuzz.yaml:");
    for (size_t i = 0; i < list.count && !broken; i++) {
        size_t count = case_num_points(list.cases[i]);
        if (count < 1 || count > CASE_MAX_POINTS)
            broken = "a case has no points, or too many";
        /* A few points of a large case, the first and the last among them. */
        for (size_t n = 0; n < 16 && !broken; n++)
            broken = point_promise_broken(list.cases[i], (count - 1) * n / 15);
    }
    case_list_clear(&list);
    return broken;
}

#endif
