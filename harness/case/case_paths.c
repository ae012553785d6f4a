#include "harness/case/case_paths.h"

#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/support/source.h"

void paths_clear(struct paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->paths[i]);
    free(paths->paths);
    *paths = (struct paths){0};
}

static enum error_kind paths_add(struct paths *paths, const char *path, struct error *error)
{
    char **grown = realloc(paths->paths, (paths->count + 1) * sizeof *grown);
    if (grown)
        paths->paths = grown;
    char *copy = grown ? strdup(path) : NULL;
    if (!copy)
        return error_memory(error, "a list of files", (double)((paths->count + 1) * sizeof *grown));
    paths->paths[paths->count++] = copy;
    return ERROR_NONE;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_yaml_file(const FTSENT *entry)
{
    static const char *const endings[] = {".yaml", ".yml"};
    struct stat status;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t size = strlen(endings[i]);
        if (entry->fts_namelen > size && strcmp(entry->fts_name + entry->fts_namelen - size, endings[i]) == 0)
            /* A link to a folder is not followed, so that no loop is. Any other link is read as a file. */
            return entry->fts_info != FTS_SL || stat(entry->fts_accpath, &status) != 0 || !S_ISDIR(status.st_mode);
    }
    return false;
}

static enum error_kind find_below(struct paths *paths, const char *folder, const char *what, const char *except,
                                  struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    char name[PATH_QUOTE_SIZE];
    char *const roots[] = {(char *)folder, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
    if (!tree)
        return error_memory(error, "a folder's tree", 0);
    errno = 0;
    for (FTSENT *entry; !kind && (entry = fts_read(tree)); errno = 0) {
        bool hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';
        switch (entry->fts_info) {
        case FTS_D:
            if (hidden || (except && entry->fts_level > 0 && strcmp(entry->fts_name, except) == 0))
                fts_set(tree, entry, FTS_SKIP);
            break;
        case FTS_DP:
            break;
        case FTS_DNR:
        case FTS_ERR:
        case FTS_NS:
            kind = error_set(error, ERROR_USAGE, "%s: cannot be read: %s", quote_path(name, entry->fts_path),
                             strerror(entry->fts_errno));
            break;
        default:
            if (!hidden && is_yaml_file(entry))
                kind = paths_add(paths, entry->fts_path, error);
        }
    }
    if (!kind && errno)
        kind = error_set(error, ERROR_SYSTEM, "%s: cannot be read: %s", quote_path(name, folder), strerror(errno));
    fts_close(tree);
    if (!kind && !paths->count)
        kind = error_set(error, ERROR_USAGE, "%s: the folder has no %s file; allowed: *.yaml, *.yml",
                         quote_path(name, folder), what);
    if (!kind)
        qsort(paths->paths, paths->count, sizeof *paths->paths, compare_paths);
    return kind;
}

enum error_kind paths_find(struct paths *paths, const char *path, const char *what, const char *except,
                           struct error *error)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return find_below(paths, path, what, except, error);
    return paths_add(paths, path, error);
}
