#include "harness/case/shipped_case.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/support/source.h"
#include "harness/support/suggest.h"

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* top/name, a new string, if top/sign and it are folders; else NULL. */
static char *folder_at(const char *top, const char *name, const char *sign)
{
    char *folder = NULL, *beside = NULL;
    bool is_there = asprintf(&beside, "%s/%s", top, sign) >= 0 && is_folder(beside);
    if (!is_there || asprintf(&folder, "%s/%s", top, name) < 0)
        folder = NULL;
    free(beside);
    if (folder && is_folder(folder))
        return folder;
    free(folder);
    return NULL;
}

char *shipped_cases_below(const char *top)
{
    static const char installed[] = "share/alibicheck/cases";
    char *folder = folder_at(top, installed, installed);
    return folder ? folder : folder_at(top, "cases", "harness/case");
}

char *shipped_cases_folder(void)
{
    const char *started = (const char *)(uintptr_t)getauxval(AT_EXECFN);
    char program[PATH_MAX];
    if (!realpath("/proc/self/exe", program) && !(started && realpath(started, program))) /* no /proc in a bare root */
        return NULL;
    for (int up = 0; up < 2; up++) { /* PREFIX/bin/alibicheck, CHECKOUT/build/alibicheck */
        char *slash = strrchr(program, '/');
        if (slash)
            *slash = '\0';
    }
    return shipped_cases_below(program);
}

/* Whether there is something of that name, be it a link that leads nowhere or what may not be looked at. */
static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* What a checkout calls cases/seed is seed among the shipped ones. */
static const char *name_of(const char *path)
{
    static const char top[] = "cases";
    size_t size = sizeof top - 1;
    if (strncmp(path, top, size) != 0 || (path[size] && path[size] != '/'))
        return path;
    path += size;
    return path + strspn(path, "/");
}

static bool climbs(const char *path)
{
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += strspn(part, "/");
        if (!strncmp(part, "..", 2) && (!part[2] || part[2] == '/'))
            return true;
    }
    return false;
}

/* Of the names in a folder, without .yaml, the one that is closest to what was typed, a new string; NULL: none is
 * close. */
static char *closest_in(const char *folder, const char *typed)
{
    struct suggestion suggestion = {.text = typed};
    char *closest = NULL;
    DIR *stream = opendir(folder);
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        const char *ending = strstr(typed, ".yaml") ? NULL : strstr(entry->d_name, ".yaml"), *before = suggestion.best;
        char *name = strndup(entry->d_name, ending ? (size_t)(ending - entry->d_name) : strlen(entry->d_name));
        if (name && *name != '.')
            suggestion_offer(&suggestion, name);
        if (suggestion.best == before) {
            free(name);
        } else {
            free(closest);
            closest = name;
        }
    }
    if (stream)
        closedir(stream);
    return closest;
}

/* "; did you mean 'gauntlet'?" in text, of what is in the same folder of shipped cases, or "". */
static char *advise(char *text, size_t size, const char *path, const char *folder)
{
    const char *name = name_of(path), *last = strrchr(name, '/');
    const int above = last ? (int)(last - name) + 1 : 0; /* characters of the folder, with its slash */
    char *place = NULL;
    *text = '\0';
    if (asprintf(&place, "%s/%.*s", folder, above, name) < 0)
        return text;
    char *closest = closest_in(place, name + above);
    if (closest)
        snprintf(text, size, "; did you mean '%.*s%s'?", above, name, closest);
    free(closest);
    free(place);
    return text;
}

enum error_kind shipped_case_find(char **found, const char *path, const char *folder, struct error *error)
{
    static const char *const endings[] = {"", ".yaml"};
    char quoted[2][PATH_QUOTE_SIZE], advice[PATH_QUOTE_SIZE];
    *found = NULL;
    if (is_there(path) || !isalnum((unsigned char)path[0]) || climbs(path) || !folder) {
        *found = strdup(path);
        return *found ? ERROR_NONE : error_memory(error, "a path", (double)strlen(path));
    }
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const char *name = name_of(path);
        if (asprintf(found, "%s%s%s%s", folder, *name ? "/" : "", name, endings[i]) < 0) {
            *found = NULL;
            return error_memory(error, "a path", (double)(strlen(folder) + strlen(path)));
        }
        if (is_there(*found))
            return ERROR_NONE;
        free(*found);
        *found = NULL;
    }
    return error_set(error, ERROR_USAGE,
                     "%s: cannot be opened: No such file or directory; nor is it among the shipped cases in %s%s",
                     quote_path(quoted[0], path), quote_path(quoted[1], folder),
                     advise(advice, sizeof advice, path, folder));
}
