/*
 * Runs a fuzz target without libFuzzer, so that any compiler's sanitizers may watch it: each file of a folder, then
 * changed copies of them, for so many seconds. Nobody looks at which way an input takes: `make fuzz` finds more, and
 * this holds what it has found.
 *
 *     build-sanitize/FOLDER/fuzz_NAME SECONDS FOLDER_OF_INPUTS [SEED]
 *
 * Prints "Done N runs". An input that breaks a promise is left beside the program, in fuzz_NAME.crash.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_BYTES = 8192, MOST_FILES = 4096, MOST_CHANGES = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

struct input {
    size_t size;
    uint8_t bytes[MOST_BYTES];
};

static struct input *inputs, current; /* the second as it was given */
static size_t num_inputs;
static uint64_t state;
static char crash[4096];

static void keep_input(void)
{
    FILE *file = fopen(crash, "wb");
    if (file && fwrite(current.bytes, 1, current.size, file) == current.size && fclose(file) == 0)
        fprintf(stderr, "fuzz_driver: the input is in %s\n", crash);
}

/* splitmix64 (Steele, Lea and Flood, 2014), below n. */
static size_t draw(size_t n)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return n > 0 ? (size_t)((z ^ z >> 31) % n) : 0;
}

/* A copy of what is given, in memory of its own size, so that a read past its end is seen. */
static bool run(const struct input *input)
{
    uint8_t *copy = malloc(input->size > 0 ? input->size : 1);
    if (!copy)
        return false;
    current = *input;
    memcpy(copy, input->bytes, input->size);
    (void)LLVMFuzzerTestOneInput(copy, input->size);
    free(copy);
    return true;
}

static void cut(struct input *input)
{
    size_t from = draw(input->size), count = draw(input->size - from) + 1;
    if (from + count > input->size)
        return;
    memmove(input->bytes + from, input->bytes + from + count, input->size - from - count);
    input->size -= count;
}

/* A piece of another input, put in between. */
static void graft(struct input *input)
{
    const struct input *other = &inputs[draw(num_inputs)];
    size_t from = draw(other->size), count = draw(other->size - from), at = draw(input->size + 1);
    if (input->size + count > MOST_BYTES)
        return;
    memmove(input->bytes + at + count, input->bytes + at, input->size - at);
    memcpy(input->bytes + at, other->bytes + from, count);
    input->size += count;
}

static void change_byte(struct input *input)
{
    static const uint8_t favourites[] = {0, 1, 0x7f, 0x80, 0xff, '\n', ' ', '-', '0', '9', '"', ':', '{', '['};
    if (input->size == 0)
        return;
    uint8_t *byte = &input->bytes[draw(input->size)];
    if (draw(2))
        *byte = favourites[draw(sizeof favourites)];
    else
        *byte ^= (uint8_t)(1u << draw(8));
}

static void change(struct input *input)
{
    size_t kind = draw(4);
    if (kind == 0)
        cut(input);
    else if (kind == 1)
        graft(input);
    else
        change_byte(input);
}

static bool read_inputs(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    if (!entries) {
        perror(folder);
        return false;
    }
    while ((entry = readdir(entries)) && num_inputs < MOST_FILES) {
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = entry->d_name[0] != '.' && length < (int)sizeof path ? fopen(path, "rb") : NULL;
        if (!file)
            continue;
        struct input *input = &inputs[num_inputs++];
        input->size = fread(input->bytes, 1, sizeof input->bytes, file);
        fclose(file);
    }
    closedir(entries);
    return true;
}

int main(int argc, char **argv)
{
    long runs = 0;
    bool done = true;
    if (argc < 3) {
        fprintf(stderr, "usage: %s SECONDS FOLDER_OF_INPUTS [SEED]\n", argv[0]);
        return 2;
    }
    const time_t end = time(NULL) + strtol(argv[1], NULL, 10);
    snprintf(crash, sizeof crash, "%s.crash", argv[0]);
    state = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(keep_input);
    inputs = calloc(MOST_FILES, sizeof *inputs);
    if (!inputs || !read_inputs(argv[2])) {
        free(inputs);
        return 3;
    }
    for (size_t i = 0; done && i < num_inputs; i++, runs++)
        done = run(&inputs[i]);
    while (done && num_inputs > 0 && time(NULL) < end) {
        struct input input = inputs[draw(num_inputs)];
        for (size_t i = draw(MOST_CHANGES) + 1; i > 0; i--)
            change(&input);
        done = run(&input);
        runs++;
    }
    free(inputs);
    fprintf(stderr, "Done %ld runs in %s s\n", runs, argv[1]);
    return done ? 0 : 3;
}
