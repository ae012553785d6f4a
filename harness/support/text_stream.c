#include "harness/support/text_stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum { FIRST_BYTES = 256 };

struct stored {
    char **text; /* the caller's, set at the end */
    size_t *size;
    char *bytes; /* [room], one more than is used */
    size_t used, room;
    bool lost; /* some of it */
};

static bool has_room(struct stored *stored, size_t more)
{
    size_t room = stored->room;
    while (room - stored->used <= more)
        if (__builtin_mul_overflow(room, (size_t)2, &room))
            return false;
    char *bytes = room == stored->room ? stored->bytes : realloc(stored->bytes, room);
    if (!bytes)
        return false;
    stored->bytes = bytes;
    stored->room = room;
    return true;
}

static ssize_t store(void *cookie, const char *bytes, size_t size)
{
    struct stored *stored = cookie;
    if (stored->lost || !has_room(stored, size)) {
        stored->lost = true;
        errno = ENOMEM;
        return 0;
    }
    memcpy(stored->bytes + stored->used, bytes, size);
    stored->used += size;
    return (ssize_t)size;
}

/* How much there is, which is all that ftell asks for. */
static int tell(void *cookie, off64_t *position, int whence)
{
    const struct stored *stored = cookie;
    if (whence != SEEK_CUR || *position != 0) {
        errno = ESPIPE;
        return -1;
    }
    *position = (off64_t)stored->used;
    return 0;
}

static int hand_over(void *cookie)
{
    struct stored *stored = cookie;
    const bool lost = stored->lost;
    stored->bytes[stored->used] = '\0';
    *stored->text = lost ? NULL : stored->bytes;
    *stored->size = lost ? 0 : stored->used;
    if (lost)
        free(stored->bytes);
    free(stored);
    return lost ? EOF : 0;
}

FILE *text_stream_open(char **text, size_t *size)
{
    struct stored *stored = malloc(sizeof *stored);
    char *bytes = malloc(FIRST_BYTES);
    FILE *stream = NULL;
    if (stored && bytes) {
        *stored = (struct stored){.text = text, .size = size, .bytes = bytes, .room = FIRST_BYTES};
        stream = fopencookie(stored, "w", (cookie_io_functions_t){.write = store, .seek = tell, .close = hand_over});
    }
    if (!stream) {
        free(stored);
        free(bytes);
    }
    return stream;
}
