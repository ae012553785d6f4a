/* libFuzzer entry for calls of FlashInfer's flight recorder: any bytes as metadata.jsonl, beside tensors that are
 * right. */
#include <stdint.h>

#include "harness/command/tests/judge_promises.h"
#include "harness/support/tests/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Tensors of f32 that are zero, by their names and shapes, one behind the other. */
struct named {
    const char *name, *shape;
    size_t bytes;
};

static const struct named inputs[] = {
    {"arg_0", "[2,64]", 2 * 64 * 4},
    {"arg_1", "[3,2,64]", 3 * 2 * 64 * 4},
    {"kwarg_v", "[3,2,64]", 3 * 2 * 64 * 4},
};
static const struct named outputs[] = {{"result_0", "[2,64]", 2 * 64 * 4}, {"result_1", "[2]", 2 * 4}};

static const char *const names[] = {"metadata.jsonl", "inputs.safetensors", "outputs.safetensors"};
static char folder[SCRATCH_SIZE];

static void leave(void)
{
    char path[SCRATCH_PATH_SIZE];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static int open_file(int i)
{
    char path[SCRATCH_PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    return judge_file_at(path);
}

static void write_tensors(int descriptor, const struct named *tensors, int count)
{
    char text[1024] = {0};
    static uint8_t file[16384];
    size_t at = 0;
    int length = snprintf(text, sizeof text, "{");
    for (int i = 0; i < count; i++, at += tensors[i - 1].bytes)
        length += snprintf(text + length, sizeof text - (size_t)length,
                           "%s\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}", i ? "," : "",
                           tensors[i].name, tensors[i].shape, at, at + tensors[i].bytes);
    length += snprintf(text + length, sizeof text - (size_t)length, "}");
    memset(file, 0, sizeof file);
    file[0] = (uint8_t)(length % 256);
    file[1] = (uint8_t)(length / 256);
    memcpy(file + 8, text, (size_t)length);
    judge_fill(descriptor, file, 8 + (size_t)length + at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int descriptor = -1;
    if (descriptor < 0) {
        judge_demand(scratch_folder(folder, "fuzz_recorder") && atexit(leave) == 0, "a folder");
        descriptor = open_file(0);
        write_tensors(open_file(1), inputs, sizeof inputs / sizeof *inputs);
        write_tensors(open_file(2), outputs, sizeof outputs / sizeof *outputs);
    }
    judge_fill(descriptor, data, size);
    judge_look(folder);
    return 0;
}
