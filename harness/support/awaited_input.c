#include "harness/support/awaited_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

int awaited_input_open(const char *path)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor >= 0)
        (void)fcntl(descriptor, F_SETFL, 0); /* what comes later is waited for */
    return descriptor;
}

enum error_kind awaited_input_wait(int descriptor, const char *shown, struct error *error)
{
    struct pollfd input = {.fd = descriptor, .events = POLLIN};
    /* A poll is never begun again behind a handler, whatever SA_RESTART says (signal(7)). */
    if (poll(&input, 1, -1) < 0 && errno == EINTR)
        return error_set(error, ERROR_INTERRUPTED, "interrupted while waiting for %s", shown);
    return ERROR_NONE;
}
