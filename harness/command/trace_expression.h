/*
 * The whole numbers that a FlashInfer Trace definition computes from its axes: axes of type "expr", and constraints. Of
 * Python's expressions those of names, whole numbers, NAME[-1] and NAME[-1].item(), + - * / // % **, parentheses, and
 * one comparison of two such sides. What is beyond that, or beyond int64_t, is not known: nothing of it is guessed.
 */
#ifndef HARNESS_COMMAND_TRACE_EXPRESSION_H
#define HARNESS_COMMAND_TRACE_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What names stand for. */
struct trace_names {
    /* The value of the axis name[0, size), or with `last` of the last number of the tensor so called. False: unknown.
     */
    bool (*find)(const void *context, const char *name, size_t size, bool last, int64_t *value);
    const void *context;
};

/* The value of an expression without a comparison. False if it is not known. */
bool trace_expression_value(int64_t *value, const char *text, const struct trace_names *names);

enum trace_truth { TRACE_FALSE, TRACE_TRUE, TRACE_UNKNOWN };

/* A comparison (== != < <= > >=) and its two sides, which are set unless it is TRACE_UNKNOWN. */
enum trace_truth trace_constraint_holds(const char *text, const struct trace_names *names, int64_t sides[2]);

#endif
