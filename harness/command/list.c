#include "harness/command/list.h"

#include <stdio.h>
#include <string.h>

#include "harness/case/case.h"

static enum error_kind list_kernels(const struct case_list *cases, struct error *error)
{
    (void)cases, (void)error;
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++)
        printf("%-12s %s\n", kernels[kernel].name, kernels[kernel].about);
    printf("\nAll take head_dim %d to %d in steps of %d and dtypes", HEAD_DIM_MIN, HEAD_DIM_MAX, HEAD_DIM_STEP);
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
        printf(" %s", dtypes[dtype].name);
    printf(".\n");
    return ERROR_NONE;
}

/* A device that cannot be opened is listed with the reason. */
static enum error_kind list_devices(const struct case_list *cases, struct error *error)
{
    (void)cases, (void)error;
    for (int kind = 0; kind < DEVICE_COUNT; kind++) {
        struct device *device = NULL;
        struct error reason;
        if (device_open(&device, (enum device_kind)kind, &(struct device_options){.threads = 1}, &reason))
            printf("%-12s not available: %s\n", device_kind_names[kind], reason.text);
        else
            printf("%-12s %s\n", device_kind_names[kind], device_name(device));
        device_close(device);
    }
    return ERROR_NONE;
}

static enum error_kind list_keys(const struct case_list *cases, struct error *error)
{
    (void)cases, (void)error;
    case_print_keys(stdout);
    return ERROR_NONE;
}

static enum error_kind list_cases(const struct case_list *cases, struct error *error)
{
    (void)error;
    for (size_t i = 0; i < cases->count; i++) {
        const char *about = case_about(cases->cases[i]);
        size_t count = case_num_points(cases->cases[i]);
        printf("%-28s %6zu point%s  %s\n", case_name(cases->cases[i]), count, count == 1 ? " " : "s",
               case_path(cases->cases[i]));
        if (about && *about)
            printf("%-28s %s\n", "", about);
    }
    return ERROR_NONE;
}

static enum error_kind list_points(const struct case_list *cases, struct error *error)
{
    (void)error;
    for (size_t i = 0; i < cases->count; i++)
        for (size_t index = 0; index < case_num_points(cases->cases[i]); index++) {
            char key[POINT_KEY_SIZE];
            struct point point;
            case_point(cases->cases[i], index, &point);
            puts(point_key(key, &point));
        }
    return ERROR_NONE;
}

static const struct {
    const char *name;
    const char *about;
    enum error_kind (*print)(const struct case_list *cases, struct error *error);
    bool takes_paths;
} topics[] = {
    {"kernels", "the kernels under test", list_kernels, false},
    {"devices", "the devices, and why one is not available", list_devices, false},
    {"keys", "the format of case files, key by key", list_keys, false},
    {"cases", "the cases in files or folders", list_cases, true},
    {"points", "the keys of their points, as --only takes them", list_points, true},
};

enum { NUM_TOPICS = sizeof topics / sizeof topics[0] };

char *list_topics(void)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return NULL;
    for (size_t i = 0; i < NUM_TOPICS; i++)
        fprintf(stream, "  %-8s%s  %s\n", topics[i].name, topics[i].takes_paths ? " CASE..." : "        ",
                topics[i].about);
    return fclose(stream) ? NULL : text;
}

int list(const char *topic, const char *const *paths, size_t num_paths, struct error *error)
{
    struct case_list cases = {0};
    enum error_kind kind = ERROR_NONE;
    size_t i = 0;
    while (i < NUM_TOPICS && strcmp(topics[i].name, topic))
        i++;
    if (i == NUM_TOPICS)
        return error_set(error, ERROR_USAGE, "list %s: unknown; allowed: kernels, devices, keys, cases, points", topic);
    if (topics[i].takes_paths != (num_paths > 0))
        return error_set(error, ERROR_USAGE, "list %s %s", topic,
                         num_paths ? "takes no further argument" : "needs case files or folders");
    for (size_t p = 0; p < num_paths && !kind; p++)
        kind = case_list_read(&cases, paths[p], NULL, 0, error);
    if (!kind)
        kind = topics[i].print(&cases, error);
    case_list_clear(&cases);
    if (!kind && (fflush(stdout) || ferror(stdout)))
        kind = error_set(error, ERROR_SYSTEM, "stdout: cannot be written");
    return (int)kind;
}
