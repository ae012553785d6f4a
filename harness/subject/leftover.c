#include "harness/subject/leftover.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* Whether what a descriptor of the folder is open for is a driver's. */
static bool is_driver_file(int folder, const char *descriptor, const char *driver_files)
{
    char name[256] = "";
    return driver_files && readlinkat(folder, descriptor, name, sizeof name - 1) > 0 &&
           strncmp(name, driver_files, strlen(driver_files)) == 0;
}

/* Files that the process has open, but for a driver's; 0 if nobody knows. */
static int count_files(const char *driver_files)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        count += !is_driver_file(dirfd(folder), entry->d_name, driver_files);
    if (folder)
        closedir(folder);
    return count;
}

static void look_at_files(struct leftover *leftover, char *text, size_t size)
{
    if (!leftover->launched)
        return;
    int count = count_files(leftover->driver_files);
    if (leftover->first_files == 0)
        leftover->first_files = count;
    if (count > leftover->first_files + LEFTOVER_FILES)
        snprintf(text, size, "it leaves files open: %d more than after its first launch",
                 count - leftover->first_files);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* Bytes of the heap that are in use: 0 always where another allocator stands in for the C library's. */
#ifdef __SANITIZE_ADDRESS__
/* As sanitizers do, which say it themselves (sanitizer/allocator_interface.h). */
size_t __sanitizer_get_current_allocated_bytes(void);

static int64_t heap_bytes(void)
{
    return (int64_t)__sanitizer_get_current_allocated_bytes();
}
#else
static int64_t heap_bytes(void)
{
    const struct mallinfo2 info = mallinfo2();
    return (int64_t)(info.uordblks + info.hblkhd);
}
#endif

/* Bytes of address space, which what is mapped and touched later, or again, does not change; 0 if nobody knows. */
static int64_t mapped_bytes(void)
{
    long pages = 0;
    char line[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (!fgets(line, sizeof line, file) || sscanf(line, "%ld", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static int64_t (*const measure[LEFTOVER_KINDS])(void) = {
    [LEFTOVER_HEAP] = heap_bytes, [LEFTOVER_MAPPED] = mapped_bytes};

void leftover_begin(struct leftover *leftover)
{
    for (int kind = LEFTOVER_KINDS - 1; kind >= 0; kind--) /* the heap last: reading a file takes some of it */
        leftover->memory[kind].before = measure[kind]();
}

/* Counts what a launch has left of a kind, or begins anew where it is nothing. */
static void leftover_count(struct leftover *leftover, enum leftover_kind kind, int64_t enough, size_t out_bytes)
{
    struct leftover_memory *memory = &leftover->memory[kind];
    const int64_t left = measure[kind]() - memory->before;
    const bool none = left <= 0 || left < enough;
    if (none && kind == LEFTOVER_HEAP && out_bytes <= LEFTOVER_CACHED)
        return;
    if (none) {
        memory->launches = 0;
        return;
    }
    if (memory->launches == 0)
        *memory = (struct leftover_memory){.idle = leftover->idle[kind], .least = left};
    memory->launches++;
    memory->sum += left;
    memory->least = left < memory->least ? left : memory->least;
}

/* Whether a launch of the shape came before. */
static bool is_known(struct leftover *leftover, uint64_t shape)
{
    for (int i = 0; i < leftover->num_shapes; i++)
        if (leftover->shapes[i] == shape)
            return true;
    if (leftover->num_shapes < LEFTOVER_SHAPES)
        leftover->shapes[leftover->num_shapes++] = shape;
    return false;
}

void leftover_end(struct leftover *leftover, uint64_t shape, size_t out_bytes)
{
    const int64_t enough = out_bytes < LEFTOVER_BYTES ? (int64_t)out_bytes : LEFTOVER_BYTES;
    const bool known = is_known(leftover, shape);
    leftover->launched = true;
    for (int kind = 0; kind < LEFTOVER_KINDS && known; kind++)
        leftover_count(leftover, (enum leftover_kind)kind, enough, out_bytes);
}

void leftover_look(struct leftover *leftover, size_t own_bytes, char *text, size_t size)
{
    *text = 0;
    look_at_files(leftover, text, size);
    for (int kind = LEFTOVER_KINDS - 1; kind >= 0; kind--) {
        struct leftover_memory *memory = &leftover->memory[kind];
        leftover->idle[kind] = measure[kind]() - (kind == LEFTOVER_HEAP ? (int64_t)own_bytes : 0);
        if (memory->launches < LEFTOVER_LAUNCHES)
            continue;
        if (leftover->idle[kind] - memory->idle >= memory->sum / 2 && !*text)
            snprintf(text, size,
                     "it does not give memory back: each of its last %d launches has left %lld bytes or more",
                     memory->launches, (long long)memory->least);
        memory->launches = 0; /* the next ones are looked at anew */
    }
}
