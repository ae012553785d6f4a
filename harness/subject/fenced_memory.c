#include "harness/subject/fenced_memory.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Those that there are, and what was done with SIGSEGV before they were watched, for a handler to find. */
static struct fenced_memory *fences;
static struct sigaction before_watch;

static size_t whole_pages(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

bool fenced_memory_make(struct fenced_memory *fenced, size_t size_bytes, size_t alignment, size_t zone_bytes,
                        int zone_byte)
{
    const size_t whole = (size_bytes + alignment - 1) / alignment * alignment;
    const size_t before = whole_pages(zone_bytes) + whole_pages(whole), behind = whole_pages(zone_bytes);
    char *memory = mmap(NULL, before + behind, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *fenced = (struct fenced_memory){.first = NULL};
    if (memory == MAP_FAILED)
        return false;
    char *const fence = memory + before, *const first = fence - whole;
    memset(memory, zone_byte, (size_t)(first - memory));
    memset(first + size_bytes, zone_byte, whole - size_bytes + behind);
    if (mprotect(fence, behind, PROT_NONE)) {
        munmap(memory, before + behind);
        return false;
    }
    fenced->first = first;
    fenced->size_bytes = size_bytes;
    fenced->memory = memory;
    fenced->memory_bytes = before + behind;
    fenced->fence = fence;
    fenced->fence_bytes = behind;
    fenced->next = fences;
    fences = fenced;
    return true;
}

void fenced_memory_clear(struct fenced_memory *fenced)
{
    if (!fenced->first)
        return;
    for (struct fenced_memory **at = &fences; *at; at = &(*at)->next)
        if (*at == fenced) {
            *at = fenced->next;
            break;
        }
    munmap(fenced->memory, fenced->memory_bytes);
    *fenced = (struct fenced_memory){.first = NULL};
}

bool fenced_memory_open(const struct fenced_memory *fenced)
{
    return !mprotect(fenced->fence, fenced->fence_bytes, PROT_READ | PROT_WRITE);
}

/* ---- the watch --------------------------------------------------------------------------------------------------- */

/* Of the fence that address is in; false: it is in none, or cannot be opened. The first who touches it may read it;
 * whoever does so again, though it can be read by then, writes to it. */
static bool open_fence_at(char *address)
{
    for (struct fenced_memory *fenced = fences; fenced; fenced = fenced->next) {
        char *nowhere = NULL;
        if (address < fenced->fence || address >= fenced->fence + fenced->fence_bytes)
            continue;
        atomic_compare_exchange_strong(&fenced->touched, &nowhere, address);
        const int access = atomic_fetch_add(&fenced->times, 1) == 0 ? PROT_READ : PROT_READ | PROT_WRITE;
        return !mprotect(fenced->fence, fenced->fence_bytes, access);
    }
    return false;
}

/* What returns without mending is at the same instruction again, under what was to be done with it before. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    const int saved = errno;
    (void)context;
    if (info->si_code <= 0 || !open_fence_at(info->si_addr)) {
        (void)sigaction(number, &before_watch, NULL);
        if (info->si_code <= 0) /* which somebody has sent */
            (void)raise(number);
    }
    errno = saved;
}

void fences_watch(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGSEGV, &action, &before_watch); /* refused, who touches a fence is ended */
}

void fences_leave(void)
{
    struct sigaction now;
    if (!sigaction(SIGSEGV, NULL, &now) && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_fault)
        (void)sigaction(SIGSEGV, &before_watch, NULL);
}

const struct fencing fencing_of_process = {.make = fenced_memory_make,
                                           .clear = fenced_memory_clear,
                                           .open = fenced_memory_open,
                                           .watch = fences_watch,
                                           .leave = fences_leave};
