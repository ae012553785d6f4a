#include "harness/command/lost_file.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "harness/support/source.h"
#include "reference/error.h"

/* Reached by the signal handler, hence global: whether a thread has begun to say it. */
static atomic_flag is_said = ATOMIC_FLAG_INIT;

/* ---- which file is mapped there ---------------------------------------------------------------------------------- */

/* A line of /proc/self/maps is "START-END PERMISSIONS OFFSET DEVICE INODE   PATH", the first two in hexadecimal. The
 * handler may call little: read() is among it, and no stream. */
struct reader {
    int descriptor;
    size_t next, size;
    char block[1024];
};

/* -1 at the end. */
static int next_character(struct reader *reader)
{
    if (reader->next == reader->size) {
        const ssize_t count = read(reader->descriptor, reader->block, sizeof reader->block);
        reader->next = 0;
        reader->size = count > 0 ? (size_t)count : 0;
        if (reader->size == 0)
            return -1;
    }
    return (unsigned char)reader->block[reader->next++];
}

/* A number and the character behind it, which is skipped. */
static uintptr_t read_hexadecimal(struct reader *reader)
{
    static const char digits[] = "0123456789abcdef";
    uintptr_t number = 0;
    for (int c; (c = next_character(reader)) > 0;) {
        const char *digit = strchr(digits, c);
        if (!digit)
            break;
        number = number << 4 | (uintptr_t)(digit - digits);
    }
    return number;
}

/* The rest of the line's path, as far as there is room; "" for a mapping of no file. False at the end of the lines. */
static bool read_path(struct reader *reader, char *path, size_t size)
{
    enum { FIELDS_BEFORE = 4 };
    size_t used = 0;
    int c = next_character(reader);
    for (int fields = 0; fields < FIELDS_BEFORE && c >= 0 && c != '\n'; c = next_character(reader))
        fields += c == ' ';
    while (c == ' ')
        c = next_character(reader);
    for (; c >= 0 && c != '\n'; c = next_character(reader))
        if (used + 1 < size)
            path[used++] = (char)c;
    path[used] = '\0';
    return c >= 0;
}

/* The path of the file that is mapped at an address; false if none is. */
static bool find_file(const void *address, char *path, size_t size)
{
    struct reader reader = {.descriptor = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    bool found = false, more = reader.descriptor >= 0;
    while (more && !found) {
        const uintptr_t start = read_hexadecimal(&reader), end = read_hexadecimal(&reader);
        more = read_path(&reader, path, size);
        found = start <= (uintptr_t)address && (uintptr_t)address < end;
    }
    if (reader.descriptor >= 0)
        close(reader.descriptor);
    return found && path[0] == '/';
}

/* ---- the signal -------------------------------------------------------------------------------------------------- */

static void write_text(const char *text)
{
    for (size_t size = strlen(text); size > 0;) {
        const ssize_t count = write(STDERR_FILENO, text, size);
        if (count < 0)
            return;
        text += count;
        size -= (size_t)count;
    }
}

/* Sent where bytes were read that are not there, by the thread that did: it holds no lock that what follows takes. */
static void on_lost_file(int number, siginfo_t *info, void *context)
{
    char path[PATH_MAX], quoted[PATH_QUOTE_SIZE];
    (void)context;
    if (info->si_code <= 0 || !find_file(info->si_addr, path, sizeof path)) {
        signal(number, SIG_DFL); /* once this handler has returned, what was read is read again; */
        if (info->si_code <= 0)
            raise(number); /* of one that was sent by hand nothing is */
        return;
    }
    while (atomic_flag_test_and_set(&is_said))
        pause(); /* another thread ends the program */
    write_text(isatty(STDERR_FILENO) ? "\nalibicheck: " : "alibicheck: ");
    write_text(quote_path(quoted, path));
    write_text(": became shorter while it was read, or its disk fails; allowed: files that nobody writes to\n");
    _exit(ERROR_SYSTEM);
}

void lost_file_watch(void)
{
    struct sigaction action = {.sa_sigaction = on_lost_file, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}
