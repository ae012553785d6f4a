#include "harness/command/foreign_kernel.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "harness/support/regular_file.h"
#include "harness/support/text.h"

/* A path that the loader takes for one, not for a name to look for. */
static char *path_of_library(const char *plugin)
{
    char *path = NULL;
    if (asprintf(&path, "%s%s", strchr(plugin, '/') ? "" : "./", plugin) < 0)
        return NULL;
    return path;
}

static enum error_kind describe(struct foreign_opened *opened, const struct foreign_options *options,
                                struct error *error)
{
    const char *what = options->plugin ? "plugin" : options->command ? "kernel-command" : "kernel-pipes";
    const char *value = options->plugin ? options->plugin : options->command ? options->command : options->pipes;
    char *quoted = text_shell_quote(value, false), *line = text_line(value, 200), timeout[48] = "";
    bool made = quoted && line && asprintf(&opened->name, "--%s %s", what, line) >= 0;
    if (!made)
        opened->name = NULL;
    if (options->timeout_s > 0)
        snprintf(timeout, sizeof timeout, " --kernel-timeout=%gs", options->timeout_s);
    made = made && asprintf(&opened->option, " --%s=%s%s", what, quoted, timeout) >= 0;
    if (!made)
        opened->option = NULL;
    if (made && options->plugin)
        made = (opened->library = path_of_library(options->plugin)) != NULL;
    free(quoted);
    free(line);
    return made ? ERROR_NONE : error_memory(error, "a kernel", 1024);
}

static enum error_kind read_pipes(int *to, int *from, const char *text, struct error *error)
{
    int length = 0;
    if (sscanf(text, "%d,%d%n", to, from, &length) == 2 && !text[length] && *to > 2 && *from > 2)
        return ERROR_NONE;
    *to = *from = -1;
    return error_set(error, ERROR_USAGE,
                     "--kernel-pipes %s: allowed: TO,FROM, the numbers of two descriptors from 3 on", text);
}

/* The loader would wait for a pipe, and says of a folder what it is not. */
static enum error_kind look_at_library(const char *path, struct error *error)
{
    struct regular_file file;
    enum error_kind kind = regular_file_open(&file, path, "shared libraries, made with alibicheck_kernel.h", error);
    regular_file_close(&file);
    return kind;
}

/* By what this program can be started again: without /proc, as in a bare root, by what it was started by itself. */
static const char *this_program(void)
{
    static const char link[] = "/proc/self/exe";
    const char *path = access(link, X_OK) != 0 ? (const char *)(uintptr_t)getauxval(AT_EXECFN) : NULL;
    return path ? path : link;
}

enum error_kind foreign_open(struct foreign_opened *opened, const struct foreign_options *options,
                             const struct progress *progress, struct error *error)
{
    *opened = (struct foreign_opened){.process = NULL};
    enum error_kind kind = describe(opened, options, error);
    if (kind)
        return kind;
    if (options->plugin)
        kind = look_at_library(opened->library, error);
    if (kind)
        return kind;
    if (options->plugin) {
        const char *argv[] = {this_program(), "serve", "--", opened->library, NULL};
        memcpy(opened->argv, argv, sizeof argv);
    } else {
        const char *argv[] = {"/bin/sh", "-c", options->command, NULL};
        memcpy(opened->argv, argv, sizeof argv);
    }
    struct kernel_process_options how = {
        .name = opened->name,
        .argv = options->pipes ? NULL : opened->argv,
        .to = -1,
        .from = -1,
        .timeout_s = options->timeout_s > 0 ? options->timeout_s : FOREIGN_TIMEOUT_S,
        .progress = progress,
    };
    if (options->pipes)
        kind = read_pipes(&how.to, &how.from, options->pipes, error);
    if (!kind)
        kind = kernel_process_start(&opened->process, &how, error);
    if (kind)
        return kind;
    const struct foreign_kernel *kernel = kernel_process_kernel(opened->process);
    /* Records outlive the numbers of pipes. */
    int length = options->pipes
                     ? asprintf(&opened->device, "function %s", kernel->name)
                     : asprintf(&opened->device, "%s%s%s", opened->name, *kernel->device ? ", " : "", kernel->device);
    if (length < 0) {
        opened->device = NULL;
        return error_memory(error, "a kernel", 1024);
    }
    opened->subject = foreign_subject(kernel, kernel_process_launcher(opened->process), opened->process);
    opened->subject.subject.watch = &opened->watch;
    return foreign_class_take(&opened->subject, opened->name, error);
}

void foreign_close(struct foreign_opened *opened)
{
    kernel_process_stop(opened->process);
    launch_watch_clear(&opened->watch);
    free(opened->name);
    free(opened->device);
    free(opened->option);
    free(opened->library);
    *opened = (struct foreign_opened){.process = NULL};
}

const char *foreign_digest(const struct foreign_opened *opened)
{
    return opened->process ? kernel_process_kernel(opened->process)->digest : "";
}

/* Where it runs is the kernel's to say, of which --device can be no more than a confirmation. */
static enum error_kind check_device(const struct foreign_opened *opened, const char *device, struct error *error)
{
    enum error_kind kind = selection_check_device_name(device, error);
    if (kind)
        return kind;
    const char *there = kernel_process_kernel(opened->process)->device;
    const bool wants_gpu = device && !strcmp(device, device_kind_names[DEVICE_CUDA]),
               wants_host = device && !strcmp(device, device_kind_names[DEVICE_HOST]);
    if (wants_gpu && !*there)
        return error_set(error, ERROR_USAGE,
                         "--device %s: %s takes tensors in the host's memory; allowed: auto, host (a plug-in says "
                         "itself where, with `memory`)",
                         device, opened->name);
    if (wants_host && *there)
        return error_set(error, ERROR_USAGE, "--device %s: %s runs on %s; allowed: auto, cuda", device, opened->name,
                         there);
    return ERROR_NONE;
}

enum error_kind foreign_select(const struct foreign_opened *opened, struct selection_options *options,
                               struct error *error)
{
    enum error_kind kind = check_device(opened, options->device, error);
    options->foreign = selection_kernel(&opened->subject);
    options->device = "host"; /* of which nothing is asked */
    return kind;
}
