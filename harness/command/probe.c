#include "harness/command/probe.h"

#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include "harness/support/file.h"
#include "harness/support/json_line.h"
#include "harness/support/json_value.h"
#include "harness/support/progress_display.h"
#include "kernels/kernel.h"
#include "kernels/probe/probe.h"

static const char *const function_names[FUNCTION_COUNT] = FUNCTION_NAMES;
static const char *const sum_names[] = {[DTYPE_F16] = "mma f16", [DTYPE_BF16] = "mma bf16"};

struct probing {
    const struct probe_options *options;
    const struct prober *prober;
    const char *device;
    struct progress *progress;
    struct progress_display *display;
    int unlike; /* primitives */
};

static enum error_kind print_object(json_t *object, struct error *error)
{
    enum error_kind kind = json_line_print(object, "a line of JSON", error);
    return kind ? kind : file_flush(stdout, error);
}

static json_t *hexadecimal(bool is, uint32_t bits)
{
    char text[16];
    snprintf(text, sizeof text, "0x%08" PRIx32, bits);
    return is ? json_string(text) : json_null();
}

static enum error_kind print_function(const struct probing *probing, enum function function,
                                      const struct function_probe *found, struct error *error)
{
    const int64_t inputs = (int64_t)found->blocks * BLOCK_INPUTS;
    const bool unlike = found->unlike > 0;
    if (probing->options->json)
        return print_object(json_pack("{s:s, s:s, s:I, s:b, s:I, s:I, s:o, s:o, s:o}", "device", probing->device,
                                      "primitive", function_names[function], "inputs", (json_int_t)inputs, "same",
                                      !unlike, "blocks", (json_int_t)found->blocks, "blocks_unlike",
                                      (json_int_t)found->unlike, "input", hexadecimal(unlike, found->input), "result",
                                      hexadecimal(unlike, found->result), "model",
                                      hexadecimal(unlike, found->modelled)),
                            error);
    if (!unlike)
        printf("  %-18s  %10" PRId64 " inputs  the bits of the model\n", function_names[function], inputs);
    else
        printf("  %-18s  %10" PRId64 " inputs  OTHER BITS in %" PRIu32 " of %" PRIu32
               " blocks of inputs, first at 0x%08" PRIx32 ": 0x%08" PRIx32 ", by the model 0x%08" PRIx32 "\n",
               function_names[function], inputs, found->unlike, found->blocks, found->input, found->result,
               found->modelled);
    return ERROR_NONE;
}

/* The generation that explains every sum, or NULL. */
static const char *generation_of(const struct sums_probe *found)
{
    const char *name = NULL;
    for (int core = 0; core < TENSOR_CORE_COUNT; core++)
        if (found->same[core] == found->sums)
            name = tensor_cores[core].name;
    return name;
}

static enum error_kind print_sums(const struct probing *probing, enum dtype dtype, const struct sums_probe *found,
                                  struct error *error)
{
    const char *generation = generation_of(found);
    if (probing->options->json) {
        json_t *same = json_object();
        bool complete = same;
        for (int core = 0; complete && core < TENSOR_CORE_COUNT; core++)
            complete = json_put(same, tensor_cores[core].name, json_integer((json_int_t)found->same[core]));
        return print_object(json_pack("{s:s, s:s, s:I, s:b, s:s?, s:o}", "device", probing->device, "primitive",
                                      sum_names[dtype], "sums", (json_int_t)found->sums, "same", generation != NULL,
                                      "generation", generation, "same_as", json_finish(same, complete)),
                            error);
    }
    printf("  %-18s  %10zu sums    ", sum_names[dtype], found->sums);
    if (generation)
        printf("the bits of the model, as %s\n", generation);
    else
        for (int core = 0; core < TENSOR_CORE_COUNT; core++)
            printf("%s%.3f%% as %s%s",
                   core ? ", " : "OTHER BITS: ", 100 * (double)found->same[core] / (double)found->sums,
                   tensor_cores[core].name, core + 1 < TENSOR_CORE_COUNT ? "" : "\n");
    return ERROR_NONE;
}

static enum error_kind probe_all(struct probing *probing, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int function = 0; !kind && function < FUNCTION_COUNT; function++) {
        struct function_probe found;
        progress_display_point(probing->display, function_names[function]);
        progress_display_step(probing->display, "all inputs", DIGEST_BLOCKS);
        kind = probe_function(&found, probing->prober, (enum function)function, probing->progress, error);
        progress_display_hide(probing->display);
        if (!kind)
            kind = print_function(probing, (enum function)function, &found, error);
        progress_display_show(probing->display);
        probing->unlike += !kind && found.unlike > 0;
    }
    for (int dtype = DTYPE_F16; !kind && dtype <= DTYPE_BF16; dtype++) {
        struct sums_probe found;
        progress_display_point(probing->display, sum_names[dtype]);
        kind = probe_sums(&found, probing->prober, (enum dtype)dtype, MOST_PROBED_SUMS, error);
        progress_display_hide(probing->display);
        if (!kind)
            kind = print_sums(probing, (enum dtype)dtype, &found, error);
        progress_display_show(probing->display);
        probing->unlike += !kind && !generation_of(&found);
        if (!kind && progress_cancelled(probing->progress))
            kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
    }
    return kind;
}

static void print_verdict(const struct probing *probing, bool is_host)
{
    if (probing->unlike > 0)
        printf("%d of %d primitives have other bits: of recipes that use them, the host device's bits are not those of "
               "this device. With `exponential: polynomial` and `division: exact` they are.\n",
               probing->unlike, FUNCTION_COUNT + 2);
    else if (is_host)
        printf("The models have on this machine the bits that were measured on an H100.\n");
    else
        printf("The host device has this device's bits, whatever the recipe.\n");
}

int probe(const struct probe_options *options, struct progress *progress, struct error *error)
{
    struct device *device = NULL;
    struct probing probing = {.options = options, .progress = progress};
    enum error_kind kind = selection_open_device(&device, &options->device, error);
    if (kind)
        return (int)kind;
    const bool is_host = device_kind(device) == DEVICE_HOST;
    probing.device = device_name(device);
    probing.prober = is_host ? &prober_model : &prober_cuda;
    probing.display = progress_display_start(FUNCTION_COUNT + 2, progress);
    if (!options->json)
        printf("%s\n", probing.device);
    kind = probe_all(&probing, error);
    progress_display_stop(probing.display);
    if (!kind && !options->json)
        print_verdict(&probing, is_host);
    if (!kind)
        kind = file_flush(stdout, error);
    device_close(device);
    return kind ? (int)kind : probing.unlike > 0;
}
