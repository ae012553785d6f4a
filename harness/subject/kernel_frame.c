#include "harness/subject/kernel_frame.h"

#include <sys/mman.h>
#include <unistd.h>

enum error_kind frame_make_room(int *descriptor, void **bytes, uint64_t size, struct error *error)
{
    *descriptor = memfd_create("message", MFD_CLOEXEC);
    *bytes = MAP_FAILED;
    if (*descriptor >= 0 && size > 0 && size <= INT64_MAX && ftruncate(*descriptor, (off_t)size) == 0)
        *bytes = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, *descriptor, 0);
    if (*bytes != MAP_FAILED)
        return ERROR_NONE;
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
    return error_memory(error, "a message", (double)size);
}
