/*
 * A program that links libalibicheck-run: run_library PLUGIN.so [set|only|where|add|text VALUE]... It runs the cases on
 * the plug-in's kernel in its own process, TIMES times one after the other, and prints the records, then to stderr how
 * the run ended: its status, error, results and first failure.
 */
#include <dlfcn.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alibicheck_run.h>

#ifndef TIMES
#define TIMES 1
#endif

static int32_t print_record(void *context, const struct alibicheck_run_record *record)
{
    (void)context;
    return puts(record->json) < 0;
}

static const struct alibicheck_kernel *open_plugin(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW);
    alibicheck_kernel_describe_function *describe;
    if (!handle)
        return NULL;
    *(void **)&describe = dlsym(handle, "alibicheck_kernel_describe");
    const struct alibicheck_kernel *kernel = NULL;
    for (uint32_t abi = ALIBICHECK_KERNEL_ABI; describe && abi > 0 && !kernel; abi--)
        kernel = describe(abi);
    return kernel;
}

static int say(alibicheck_cases *cases, const char *what, const char *value, struct alibicheck_error *error)
{
    if (!strcmp(what, "set"))
        return alibicheck_cases_set(cases, value, error);
    if (!strcmp(what, "only"))
        return alibicheck_cases_only(cases, value, error);
    if (!strcmp(what, "where"))
        return alibicheck_cases_where(cases, value, error);
    if (!strcmp(what, "text"))
        return alibicheck_cases_add_text(cases, "text", value, error);
    return alibicheck_cases_add_path(cases, value, error);
}

int main(int argc, char **argv)
{
    struct alibicheck_error error = {0, ""};
    alibicheck_cases *cases = NULL;
    const struct alibicheck_kernel *kernel = argc > 1 ? open_plugin(argv[1]) : NULL;
    setlocale(LC_ALL, "");
    if (!kernel || alibicheck_cases_new(&cases, &error)) {
        fprintf(stderr, "no kernel: %s\n", kernel ? error.text : dlerror());
        return 3;
    }
    for (int i = 2; i + 1 < argc && !error.status; i += 2)
        say(cases, argv[i], argv[i + 1], &error);
    for (int i = 0; i < TIMES && !error.status; i++) {
        alibicheck_results *results = NULL;
        alibicheck_run(&results, cases, kernel, print_record, NULL, NULL, &error);
        fprintf(stderr, "%d %s\n%d %s\n%s", (int)error.status, error.text, alibicheck_results_passed(results),
                alibicheck_results_text(results), alibicheck_results_failure(results));
        alibicheck_results_free(results);
    }
    if (error.status)
        fprintf(stderr, "%d %s\n", (int)error.status, error.text);
    alibicheck_cases_free(cases);
    return (int)error.status;
}
