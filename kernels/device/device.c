#include "kernels/device/device.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/device/guard.h"
#include "kernels/device/pack.h"
#include "reference/computing_environment.h"

const char *const device_kind_names[DEVICE_COUNT] = {[DEVICE_CUDA] = "cuda", [DEVICE_HOST] = "host"};

static const struct device_ops *const device_ops[DEVICE_COUNT] = {
    [DEVICE_CUDA] = &device_cuda_ops,
    [DEVICE_HOST] = &device_host_ops,
};

enum error_kind device_open_with(struct device **device, enum device_kind kind, const struct device_ops *ops,
                                 const struct device_options *options, struct error *error)
{
    struct device *opened = calloc(1, sizeof *opened);
    *device = NULL;
    if (!opened)
        return error_memory(error, "a device", sizeof *opened);
    opened->kind = kind;
    opened->ops = ops;
    opened->form = options->form;
    enum error_kind result = ops->open(&opened->state, opened->name, options, error);
    if (result) {
        free(opened);
        return result;
    }
    *device = opened;
    return ERROR_NONE;
}

enum error_kind device_open(struct device **device, enum device_kind kind, const struct device_options *options,
                            struct error *error)
{
    return device_open_with(device, kind, device_ops[kind], options, error);
}

void device_close(struct device *device)
{
    if (!device)
        return;
    for (int i = 0; i < MAX_WORKSPACE_BUFFERS; i++)
        device->ops->release(device->state, device->kept[i].memory);
    device->ops->close(device->state);
    free(device);
}

enum device_kind device_kind(const struct device *device)
{
    return device->kind;
}

struct launch_setting device_settings(const struct device *device)
{
    return device->ops->settings ? device->ops->settings()
                                 : (struct launch_setting){.misplaced = true, .nan_zones = true};
}

bool device_has_models(const struct device *device)
{
    return !device->ops->has_models || device->ops->has_models(device->state);
}

const char *device_name(const struct device *device)
{
    return device->name;
}

/* ---- a batch's buffers on the device ---------------------------------------------------------------------------- */

/* Where a buffer lies: data, between guard zones in a block of the device's, or in the caller's memory. */
struct placed {
    char *block; /* NULL: the caller's, or there is none */
    char *data;
};

/* One run on the device. */
struct running {
    struct device *device;
    const struct batch *batch;
    struct launch_plan plan;
    struct placed placed[BUFFER_COUNT];
    size_t zone;   /* bytes of the guard zones before and behind each buffer, or 0 */
    char *scratch; /* [SCRATCH_BYTES] of an audited run */
};

enum { SCRATCH_BYTES = 1 << 18 };

static enum error_kind copy_in(const struct running *running, void *to, const void *from, size_t size_bytes,
                               struct error *error)
{
    return running->device->ops->copy_in(running->device->state, to, from, size_bytes, error);
}

static enum error_kind copy_out(const struct running *running, void *to, const void *from, size_t size_bytes,
                                struct error *error)
{
    return running->device->ops->copy_out(running->device->state, to, from, size_bytes, error);
}

/* Fills what a kernel is to write first with NaN: memory that an earlier run has left is the right answer too often. */
static enum error_kind poison(const struct running *running, char *data, size_t size_bytes, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    memset(running->scratch, 0xff, SCRATCH_BYTES);
    for (size_t at = 0; at < size_bytes && !kind; at += SCRATCH_BYTES)
        kind = copy_in(running, data + at, running->scratch,
                       size_bytes - at < SCRATCH_BYTES ? size_bytes - at : SCRATCH_BYTES, error);
    return kind;
}

/* NaN is for numbers: what else is read past its end has no such value. */
static enum guard guard_of(const struct running *running, enum buffer b)
{
    bool numbers = b != BUFFER_PAGE_TABLE && b != BUFFER_VISIBLE && b != BUFFER_SEQUENCES && b != BUFFER_ARRIVALS;
    return running->plan.setting.nan_zones && numbers ? GUARD_NAN : GUARD_PATTERN;
}

/* A buffer's block on the device, its zones filled. */
static enum error_kind place_between_zones(struct running *running, enum buffer b, struct error *error)
{
    const struct device_ops *ops = running->device->ops;
    size_t size_bytes = running->plan.buffers[b].size_bytes, zone = running->zone;
    size_t shift = zone && running->plan.setting.misplaced ? BUFFER_ALIGNMENT : 0;
    struct placed *placed = &running->placed[b];
    void *block = NULL;
    enum error_kind kind = ops->allocate(running->device->state, &block, size_bytes + 2 * zone + shift, error);
    if (kind)
        return kind;
    placed->block = block;
    placed->data = placed->block + zone + shift;
    if (zone) {
        guard_fill(running->scratch, guard_of(running, b));
        kind = copy_in(running, placed->data - zone, running->scratch, zone, error);
        if (!kind)
            kind = copy_in(running, placed->data + size_bytes, running->scratch, zone, error);
    }
    return kind;
}

/* Copies what a workspace held into the one that takes its place. */
static enum error_kind move_kept(const struct running *running, char *to, const struct kept_workspace *from,
                                 struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (size_t at = 0; at < from->size_bytes && !kind; at += SCRATCH_BYTES) {
        size_t count = from->size_bytes - at < SCRATCH_BYTES ? from->size_bytes - at : SCRATCH_BYTES;
        kind = copy_out(running, running->scratch, (const char *)from->memory + at, count, error);
        if (!kind)
            kind = copy_in(running, to + at, running->scratch, count, error);
    }
    return kind;
}

/* A workspace that the device keeps: no guard zones are around it. */
static enum error_kind place_kept(struct running *running, enum buffer b, struct error *error)
{
    struct device *device = running->device;
    struct kept_workspace *kept = &device->kept[b - BUFFER_WORKSPACE],
                          larger = {NULL, running->plan.buffers[b].size_bytes};
    bool again = running->plan.setting.workspace == WORKSPACE_KEPT;
    enum error_kind kind = ERROR_NONE;
    if (!again || kept->size_bytes < larger.size_bytes) {
        kind = device->ops->allocate(device->state, &larger.memory, larger.size_bytes, error);
        if (kind)
            return kind;
        kind = poison(running, larger.memory, larger.size_bytes, error);
        if (!kind && again)
            kind = move_kept(running, larger.memory, kept, error);
        device->ops->release(device->state, kept->memory);
        *kept = larger;
    }
    running->placed[b].data = kept->memory;
    return kind;
}

static bool is_kept(const struct running *running, enum buffer b)
{
    return b >= BUFFER_WORKSPACE && running->zone && running->plan.setting.workspace != WORKSPACE_OWN;
}

/* A cache that is far away stays where it was laid out, whatever is asked of buffers: it is too large for a copy. So
 * do keys that are on the device already, unless they are to be laid out there. */
static bool stays(const struct running *running, enum buffer b)
{
    const struct kv_cache *cache = &running->plan.cache;
    bool keys = b == BUFFER_K || b == BUFFER_V, there = running->batch->keys_on_device && !cache->of_device;
    return (keys && (cache->far || there)) ||
           (running->device->ops->shares_memory && !running->zone && running->plan.buffers[b].source);
}

/* Lays out the keys of one sequence, which are on the device, in a buffer of their own. */
static enum error_kind lay_out_there(struct running *running, enum buffer b, struct error *error)
{
    const struct device_ops *ops = running->device->ops;
    const struct problem *problem = running->batch->problems;
    size_t row = kv_row_bytes(problem);
    const char *from = b == BUFFER_K ? problem->k : problem->v;
    enum error_kind kind = place_between_zones(running, b, error);
    if (!kind)
        kind = ops->fill(running->device->state, running->placed[b].data, dtype_nan_byte(problem_kv_dtype(problem)),
                         running->plan.buffers[b].size_bytes, error);
    for (struct kv_run run = {0}; !kind && kv_cache_next_run(&run, &running->plan.cache, problem,
                                                             running->plan.sequences, running->batch->options);) {
        const struct row_copy copy = {running->placed[b].data + (size_t)run.row * row,
                                      from + (size_t)run.key * row,
                                      row,
                                      row,
                                      row,
                                      (size_t)run.count};
        kind = ops->copy_rows(running->device->state, &copy, error);
    }
    return kind;
}

/* Makes a buffer ready and binds it: in the caller's memory where that will do, else on the device. */
static enum error_kind place(struct running *running, enum buffer b, struct error *error)
{
    const struct plan_buffer *buffer = &running->plan.buffers[b];
    struct placed *placed = &running->placed[b];
    enum error_kind kind = ERROR_NONE;
    if (!buffer->size_bytes)
        return ERROR_NONE;
    if (is_kept(running, b)) {
        kind = place_kept(running, b, error);
    } else if (stays(running, b)) {
        placed->data = buffer->destination ? buffer->destination : (void *)(uintptr_t)buffer->source;
    } else if (running->plan.cache.of_device && (b == BUFFER_K || b == BUFFER_V)) {
        kind = lay_out_there(running, b, error);
    } else {
        kind = place_between_zones(running, b, error);
        if (!kind && buffer->source)
            kind = copy_in(running, placed->data, buffer->source, buffer->size_bytes, error);
        else if (!kind && running->zone)
            kind = poison(running, placed->data, buffer->size_bytes, error);
    }
    plan_bind(&running->plan, b, placed->data);
    return kind;
}

static enum error_kind fetch(const struct running *running, enum buffer b, struct error *error)
{
    const struct plan_buffer *buffer = &running->plan.buffers[b];
    if (!buffer->destination || !running->placed[b].block)
        return ERROR_NONE;
    return copy_out(running, buffer->destination, running->placed[b].data, buffer->size_bytes, error);
}

/* ---- the audit -------------------------------------------------------------------------------------------------- */

static enum error_kind audit_zones(const struct running *running, enum buffer b, struct memory_audit *audit,
                                   struct error *error)
{
    size_t size_bytes = running->plan.buffers[b].size_bytes;
    const ptrdiff_t zones[] = {-(ptrdiff_t)GUARD_BYTES, (ptrdiff_t)size_bytes}; /* from data */
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < 2 && !kind && !*audit->written.name; i++) {
        kind = copy_out(running, running->scratch, running->placed[b].data + zones[i], GUARD_BYTES, error);
        size_t changed = kind ? GUARD_BYTES : guard_changed(running->scratch, guard_of(running, b));
        if (changed < GUARD_BYTES)
            memory_stray_tell(&audit->written, buffer_name(running->plan.kernel, b), zones[i] + (ptrdiff_t)changed,
                              size_bytes);
    }
    return kind;
}

static enum error_kind audit_input(const struct running *running, enum buffer b, struct memory_audit *audit,
                                   struct error *error)
{
    const struct plan_buffer *buffer = &running->plan.buffers[b];
    enum error_kind kind = ERROR_NONE;
    for (size_t at = 0; at < buffer->size_bytes && !kind && !*audit->changed; at += SCRATCH_BYTES) {
        size_t count = buffer->size_bytes - at < SCRATCH_BYTES ? buffer->size_bytes - at : SCRATCH_BYTES;
        kind = copy_out(running, running->scratch, running->placed[b].data + at, count, error);
        if (!kind && memcmp(running->scratch, (const char *)buffer->source + at, count))
            memory_audit_change(audit, buffer_name(running->plan.kernel, b));
    }
    return kind;
}

static enum error_kind audit_memory(const struct running *running, struct memory_audit *audit, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (enum buffer b = 0; b < BUFFER_COUNT && !kind; b++) {
        const struct plan_buffer *buffer = &running->plan.buffers[b];
        if (!running->placed[b].block)
            continue;
        kind = audit_zones(running, b, audit, error);
        if (!kind && buffer->source && !buffer->destination)
            kind = audit_input(running, b, audit, error);
    }
    return kind;
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

enum error_kind device_run_batch(struct device *device, const struct batch *batch, struct memory_audit *audit,
                                 double *seconds, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    struct running running = {.device = device, .batch = batch, .zone = audit ? GUARD_BYTES : 0};
    const struct plan_options options = {
        .real_bytes = sizeof(float),
        .generic = device->form == FORM_GENERIC,
        .plain_alone = device->ops->plain_alone || device->form == FORM_PLAIN,
        .shared_blocks = device->ops->enough_blocks(device->state),
        .shared_room = device->ops->shared_room ? device->ops->shared_room(device->state) : 0,
    };
    if (audit && batch->keys_on_device)
        return error_set(error, ERROR_USAGE, "keys that are on a device are not between guard zones");
    for (int i = 0; i < batch->num_sequences; i++)
        if (batch->problems[i].recent && !batch->keys_on_device)
            return error_set(error, ERROR_USAGE, "a launch looks at all keys, and the newest ones alone are there");
    enum error_kind kind = plan_launches(&running.plan, batch, &options, error);
    if (!kind && audit) {
        *audit = (struct memory_audit){.changed = ""};
        running.scratch = malloc(SCRATCH_BYTES);
        if (!running.scratch)
            kind = error_memory(error, "an audit", SCRATCH_BYTES);
    }
    for (enum buffer b = 0; b < BUFFER_COUNT && !kind; b++)
        kind = place(&running, b, error);
    if (!kind)
        kind = device->ops->launch(device->state, &running.plan, seconds, error);
    for (enum buffer b = 0; b < BUFFER_COUNT && !kind; b++)
        kind = fetch(&running, b, error);
    if (!kind && audit)
        kind = audit_memory(&running, audit, error);
    if (!kind)
        plan_unpack(&running.plan, batch);
    for (enum buffer b = 0; b < BUFFER_COUNT; b++)
        device->ops->release(device->state, running.placed[b].block);
    free(running.scratch);
    plan_clear(&running.plan);
    return kind;
}

enum error_kind device_run(struct device *device, enum kernel kernel, const struct kernel_options *options,
                           const struct recipe *recipe, const struct problem *problem, struct output *output,
                           double *seconds, struct error *error)
{
    const struct batch batch = {kernel, options, recipe, problem, output, 1, false};
    return device_run_batch(device, &batch, NULL, seconds, error);
}
