/*
 * libFuzzer entry for the readers of definitions and workloads: any two texts, with a line "---" between them. Whatever
 * they say, it is read or refused with one line that says what is allowed, and what was read keeps its promises.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/command/trace_axes.h"
#include "harness/command/trace_expression.h"
#include "harness/command/trace_read.h"
#include "harness/command/trace_workload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char separator[] = "\n---\n";

static void demand(bool holds, const char *promise)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", promise);
    abort();
}

static void check_error(enum error_kind kind, const struct error *error)
{
    demand(kind == ERROR_USAGE, "what is wrong is refused");
    demand(!strchr(error->text, '\n') && strstr(error->text, "allowed: "), "one line, with what is allowed");
}

static bool find_axis(const void *context, const char *name, size_t size, bool last, int64_t *value)
{
    char text[256];
    if (last || size >= sizeof text)
        return false;
    memcpy(text, name, size);
    text[size] = '\0';
    return trace_axis_value(value, context, text);
}

static void look_at_tensors(const struct trace_axes *axes)
{
    const json_t *constraints = json_object_get(axes->definition->json, "constraints");
    const struct trace_names names = {find_axis, axes};
    struct tensor_layout layout;
    struct error error = {0};
    int64_t sides[2];
    for (int t = 0; t < TRACE_TENSOR_COUNT; t++) {
        if (!axes->definition->tensors[t].name || !axes->definition->tensors[t].shape)
            continue;
        enum error_kind kind = trace_shape(&layout, axes, (enum trace_tensor_name)t, "where", &error);
        if (kind)
            check_error(kind, &error);
        else
            demand(layout.num_elements >= 0 && layout.num_axes <= TENSOR_AXES_MAX, "a shape");
    }
    for (size_t i = 0; i < json_array_size(constraints); i++)
        (void)trace_constraint_holds(json_string_value(json_array_get(constraints, i)), &names, sides);
}

static void look_at_inputs(const struct trace_workload *workload, const struct trace_definition *definition)
{
    struct trace_input input;
    struct error error = {0};
    for (int t = 0; t < TRACE_INPUT_COUNT; t++) {
        if (!definition->tensors[t].name)
            continue;
        enum error_kind kind = trace_workload_input(&input, workload, definition->tensors[t].name, &error);
        if (kind)
            check_error(kind, &error);
        demand(kind || input.origin != TRACE_SAFETENSORS || (input.path && input.tensor_key), "a file and a tensor");
    }
}

static int make_file(const uint8_t *data, size_t size, char path[64])
{
    int descriptor = memfd_create("fuzz_trace", MFD_CLOEXEC);
    demand(descriptor >= 0 && pwrite(descriptor, data, size, 0) == (ssize_t)size, "a file in memory");
    snprintf(path, 64, "/proc/self/fd/%d", descriptor);
    return descriptor;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *middle = memmem(data, size, separator, sizeof separator - 1);
    size_t first = middle ? (size_t)(middle - data) : size;
    const uint8_t *rest = middle ? middle + sizeof separator - 1 : data + size;
    char of_definition[64], of_workload[64];
    struct trace_definition definition;
    struct trace_workload workload;
    struct error error = {0};
    int d = make_file(data, first, of_definition), w = make_file(rest, size - (size_t)(rest - data), of_workload);
    enum error_kind kind = trace_definition_open(&definition, of_definition, &error);
    if (kind)
        check_error(kind, &error);
    enum error_kind kind_of_workload = trace_workload_open(&workload, of_workload, &error);
    if (kind_of_workload)
        check_error(kind_of_workload, &error);
    if (!kind && !kind_of_workload) {
        const struct trace_axes axes = {.definition = &definition, .values = workload.axes};
        kind = trace_axes_check(&axes, "where", &error);
        if (kind)
            check_error(kind, &error);
        look_at_tensors(&axes);
        look_at_inputs(&workload, &definition);
    }
    trace_workload_clear(&workload);
    trace_definition_clear(&definition);
    close(d);
    close(w);
    return 0;
}
