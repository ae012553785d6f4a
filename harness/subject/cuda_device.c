#include "harness/subject/cuda_device.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/subject/run_failure.h"

/* The driver's types and functions, as the CUDA Driver API's reference has them ("CUDA Driver API", modules
 * Initialization, Device, Primary Context, Context, Memory, Stream and Error Handling): handles are pointers, a
 * CUdeviceptr has 64 bits, a CUresult is 0 where all is well. */
typedef int driver_result;
enum {
    DRIVER_SUCCESS = 0,
    DRIVER_OUT_OF_MEMORY = 2,
    DRIVER_DEVICE_UNAVAILABLE = 46, /* another process has it for itself */
    DRIVER_NO_DEVICE = 100,         /* any more */
    DRIVER_ECC_UNCORRECTABLE = 214,
    DRIVER_NVLINK_UNCORRECTABLE = 220,
    DRIVER_CONTAINED =
        226, /* a fault of the hardware, or an access of a peer GPU's memory, of which there is none here */
    DRIVER_SYSTEM_NOT_READY = 802,
    DRIVER_MPS_FIRST = 805, /* of the server that processes share a GPU by: from CUDA_ERROR_MPS_CONNECTION_FAILED */
    DRIVER_MPS_LAST = 810   /* to CUDA_ERROR_MPS_CLIENT_TERMINATED */
};

#define DRIVER_FUNCTIONS(F)                                                                  \
    F(init, "cuInit", (unsigned flags))                                                      \
    F(driver_version, "cuDriverGetVersion", (int *version))                                  \
    F(device_count, "cuDeviceGetCount", (int *count))                                        \
    F(device, "cuDeviceGet", (int *device, int ordinal))                                     \
    F(device_name, "cuDeviceGetName", (char *name, int size, int device))                    \
    F(retain, "cuDevicePrimaryCtxRetain", (void **context, int device))                      \
    F(release_context, "cuDevicePrimaryCtxRelease_v2", (int device))                         \
    F(set_current, "cuCtxSetCurrent", (void *context))                                       \
    F(synchronize, "cuCtxSynchronize", (void))                                               \
    F(memory_info, "cuMemGetInfo_v2", (size_t * free_bytes, size_t * total_bytes))           \
    F(allocate, "cuMemAlloc_v2", (uint64_t * address, size_t size_bytes))                    \
    F(release, "cuMemFree_v2", (uint64_t address))                                           \
    F(to_device, "cuMemcpyHtoD_v2", (uint64_t address, const void *from, size_t size_bytes)) \
    F(from_device, "cuMemcpyDtoH_v2", (void *to, uint64_t address, size_t size_bytes))       \
    F(create_stream, "cuStreamCreate", (void **stream, unsigned flags))                      \
    F(destroy_stream, "cuStreamDestroy_v2", (void *stream))                                  \
    F(error_name, "cuGetErrorName", (driver_result result, const char **text))               \
    F(error_string, "cuGetErrorString", (driver_result result, const char **text))

struct driver {
#define DRIVER_MEMBER(name, symbol, parameters) driver_result(*name) parameters;
    DRIVER_FUNCTIONS(DRIVER_MEMBER)
#undef DRIVER_MEMBER
};

struct cuda_device {
    struct driver driver;
    void *context, *stream;
    int number;
    char name[CUDA_DEVICE_NAME_SIZE];
};

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static const char *word_of(driver_result (*ask)(driver_result, const char **), driver_result result)
{
    const char *text = NULL;
    return ask(result, &text) == DRIVER_SUCCESS && text ? text : "an error without a name";
}

/* What the driver says of the GPU, or of who else is on it, whatever a kernel has done. */
static bool is_of_machine(driver_result result)
{
    switch (result) {
    case DRIVER_DEVICE_UNAVAILABLE:
    case DRIVER_NO_DEVICE:
    case DRIVER_ECC_UNCORRECTABLE:
    case DRIVER_NVLINK_UNCORRECTABLE:
    case DRIVER_CONTAINED:
    case DRIVER_SYSTEM_NOT_READY:
        return true;
    default:
        return result >= DRIVER_MPS_FIRST && result <= DRIVER_MPS_LAST;
    }
}

/* "cuMemcpyHtoD: CUDA_ERROR_INVALID_VALUE, invalid argument (4096 bytes)" */
static enum error_kind refuse(const struct cuda_device *device, enum error_kind kind, driver_result result,
                              const char *call, size_t size_bytes, struct error *error)
{
    char size[48] = "";
    if (result == DRIVER_SUCCESS)
        return ERROR_NONE;
    if (size_bytes > 0)
        snprintf(size, sizeof size, " (%zu bytes)", size_bytes);
    if (kind == ERROR_SUBJECT && is_of_machine(result))
        kind = ERROR_SYSTEM;
    error_set(error, kind, "%s: %s, %s%s", call, word_of(device->driver.error_name, result),
              word_of(device->driver.error_string, result), size);
    return kind == ERROR_SUBJECT ? run_failed(error, RUN_FAILURE_DEVICE) : kind;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static enum error_kind load_driver(struct cuda_device *device, struct error *error)
{
    static const char name[] = "libcuda.so.1";
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return error_set(error, ERROR_USAGE, "it takes tensors in a GPU's memory, and there is no driver: %s",
                         dlerror());
    const struct {
        const char *symbol;
        void *function;
    } functions[] = {
#define DRIVER_ROW(member, symbol, parameters) {symbol, &device->driver.member},
        DRIVER_FUNCTIONS(DRIVER_ROW)
#undef DRIVER_ROW
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *found = dlsym(library, functions[i].symbol);
        if (!found)
            return error_set(error, ERROR_USAGE, "it takes tensors in a GPU's memory, and %s has no function %s", name,
                             functions[i].symbol);
        memcpy(functions[i].function, &found, sizeof found);
    }
    return ERROR_NONE;
}

static enum error_kind name_device(struct cuda_device *device, struct error *error)
{
    const struct driver *driver = &device->driver;
    char model[CUDA_DEVICE_NAME_SIZE - 32];
    int version = 0;
    enum error_kind kind = refuse(device, ERROR_USAGE, driver->device_name(model, sizeof model, device->number),
                                  "cuDeviceGetName", 0, error);
    if (!kind)
        kind = refuse(device, ERROR_USAGE, driver->driver_version(&version), "cuDriverGetVersion", 0, error);
    model[sizeof model - 1] = 0;
    snprintf(device->name, sizeof device->name, "%s, driver %d.%d", model, version / 1000, version % 1000 / 10);
    return kind;
}

/* Which GPUs there are is asked of the driver and of the environment, whose part is easily forgotten. */
static enum error_kind find_any(const struct cuda_device *device, struct error *error)
{
    const struct driver *driver = &device->driver;
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    int count = 0;
    const driver_result result = driver->init(0);
    if (result && result != DRIVER_NO_DEVICE)
        return refuse(device, ERROR_USAGE, result, "cuInit", 0, error);
    enum error_kind kind =
        result ? ERROR_NONE : refuse(device, ERROR_USAGE, driver->device_count(&count), "cuDeviceGetCount", 0, error);
    if (kind || count > 0)
        return kind;
    return error_set(error, ERROR_USAGE, "it takes tensors in a GPU's memory, and no GPU can be seen%s%s",
                     visible ? " of CUDA_VISIBLE_DEVICES=" : "", visible ? visible : "");
}

static enum error_kind open_first(struct cuda_device *device, struct error *error)
{
    const struct driver *driver = &device->driver;
    enum error_kind kind = find_any(device, error);
    if (!kind)
        kind = refuse(device, ERROR_USAGE, driver->device(&device->number, 0), "cuDeviceGet", 0, error);
    if (!kind)
        kind = name_device(device, error);
    if (!kind)
        kind = refuse(device, ERROR_USAGE, driver->retain(&device->context, device->number), "cuDevicePrimaryCtxRetain",
                      0, error);
    if (!kind)
        kind = refuse(device, ERROR_USAGE, driver->set_current(device->context), "cuCtxSetCurrent", 0, error);
    if (!kind)
        kind = refuse(device, ERROR_USAGE, driver->create_stream(&device->stream, 0), "cuStreamCreate", 0, error);
    return kind;
}

enum error_kind cuda_device_open(struct cuda_device **device, struct error *error)
{
    struct cuda_device *made = calloc(1, sizeof *made);
    *device = made;
    if (!made)
        return error_memory(error, "a device", (double)sizeof *made);
    enum error_kind kind = load_driver(made, error);
    if (!kind)
        kind = open_first(made, error);
    if (kind) {
        cuda_device_close(made);
        *device = NULL;
    }
    return kind;
}

void cuda_device_close(struct cuda_device *device)
{
    if (!device)
        return;
    if (device->stream)
        device->driver.destroy_stream(device->stream);
    if (device->context)
        device->driver.release_context(device->number);
    free(device); /* the driver stays loaded: it has threads, and a plug-in may have it too */
}

/* ---- what it is -------------------------------------------------------------------------------------------------- */

const char *cuda_device_name(const struct cuda_device *device)
{
    return device->name;
}

void *cuda_device_stream(const struct cuda_device *device)
{
    return device->stream;
}

int cuda_device_number(const struct cuda_device *device)
{
    return device->number;
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* A plug-in may have made another context current. */
static enum error_kind enter(const struct cuda_device *device, struct error *error)
{
    return refuse(device, ERROR_SUBJECT, device->driver.set_current(device->context), "cuCtxSetCurrent", 0, error);
}

/* A GPU whose memory does not hold what a kernel is to be given is no fault of the kernel's. */
static enum error_kind refuse_memory(const struct cuda_device *device, size_t size_bytes, struct error *error)
{
    size_t free_bytes = 0, total_bytes = 0;
    if (device->driver.memory_info(&free_bytes, &total_bytes))
        return error_set(error, ERROR_SYSTEM, "the GPU has no memory for %zu bytes", size_bytes);
    return error_set(error, ERROR_SYSTEM, "the GPU has no memory for %zu bytes: of %zu bytes %zu are free", size_bytes,
                     total_bytes, free_bytes);
}

static enum error_kind allocate(const struct cuda_device *device, uint64_t *address, size_t size_bytes,
                                struct error *error)
{
    const driver_result result = device->driver.allocate(address, size_bytes > 0 ? size_bytes : 1);
    return result == DRIVER_OUT_OF_MEMORY ? refuse_memory(device, size_bytes, error)
                                          : refuse(device, ERROR_SUBJECT, result, "cuMemAlloc", size_bytes, error);
}

enum error_kind cuda_device_put(struct cuda_device *device, uint64_t *address, const void *bytes, size_t size_bytes,
                                struct error *error)
{
    *address = 0;
    enum error_kind kind = enter(device, error);
    if (!kind)
        kind = allocate(device, address, size_bytes, error);
    if (kind)
        *address = 0;
    if (!kind && size_bytes > 0)
        kind = refuse(device, ERROR_SUBJECT, device->driver.to_device(*address, bytes, size_bytes), "cuMemcpyHtoD",
                      size_bytes, error);
    return kind;
}

enum error_kind cuda_device_get(struct cuda_device *device, void *bytes, uint64_t address, size_t size_bytes,
                                struct error *error)
{
    enum error_kind kind = enter(device, error);
    if (!kind && size_bytes > 0)
        kind = refuse(device, ERROR_SUBJECT, device->driver.from_device(bytes, address, size_bytes), "cuMemcpyDtoH",
                      size_bytes, error);
    return kind;
}

void cuda_device_release(struct cuda_device *device, uint64_t address)
{
    struct error nobodys;
    if (address && !enter(device, &nobodys))
        device->driver.release(address); /* that of a lost device is gone with it */
}

enum error_kind cuda_device_wait(struct cuda_device *device, struct error *error)
{
    enum error_kind kind = enter(device, error);
    return kind ? kind : refuse(device, ERROR_SUBJECT, device->driver.synchronize(), "cuCtxSynchronize", 0, error);
}

bool cuda_device_is_lost(struct cuda_device *device)
{
    struct error nobodys;
    return cuda_device_wait(device, &nobodys) != ERROR_NONE;
}
