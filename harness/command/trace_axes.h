/*
 * The axes of a definition: their values, and the shapes that they make.
 */
#ifndef HARNESS_COMMAND_TRACE_AXES_H
#define HARNESS_COMMAND_TRACE_AXES_H

#include "harness/command/trace_definition.h"

/* Axes whose values a workload has: values is its object, by name. */
struct trace_axes {
    const struct trace_definition *definition;
    const json_t *values;
    bool computing; /* the value of an axis of type expr: false */
};

/* The value of an axis, or of what a shape has in its place: 0 to 2^53. False if it is not known. */
bool trace_axis_value(int64_t *value, const struct trace_axes *axes, const char *text);

/* Every axis has a value, and every value is an axis's: ERROR_USAGE with `where` in front. */
enum error_kind trace_axes_check(const struct trace_axes *axes, const char *where, struct error *error);

/* The shape of a tensor that is no number. ERROR_USAGE with `where` in front. */
enum error_kind trace_shape(struct tensor_layout *layout, const struct trace_axes *axes, enum trace_tensor_name tensor,
                            const char *where, struct error *error);

#endif
