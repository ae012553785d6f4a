/*
 * A function of the TVM-FFI calling convention as a plug-in: FlashInfer, TileLang and CuTe DSL compile kernels to
 * shared libraries that export such functions, as __tvm_ffi_NAME. Nothing of theirs is needed to compile this.
 *
 *     cc -O2 -shared -fPIC $(pkg-config --cflags alibicheck) tvm_ffi.c -ldl -o tvm_ffi.so
 *     export TVM_FFI_LIBRARY=./decode.so TVM_FFI_FUNCTION=decode
 *     export TVM_FFI_ARGUMENTS=q,k,v,slopes,scale,out,lse TVM_FFI_TAKES=f16,gqa,alibi,lse
 *     alibicheck run seed --plugin ./tvm_ffi.so
 *
 * The function is called once for each sequence, with the arguments that are named, in their order: tensors as DLTensor
 * pointers, None for those that a launch does not have, numbers as int or float. It writes out and lse where they are.
 * Without `queries` q and out are [H, D] and lse [H]. TVM_FFI_TAKES has words of `alibicheck list abilities`, but not
 * batch; TVM_FFI_ARITHMETIC a class; with TVM_FFI_DEVICE=cuda tensors are in the GPU's memory, and the function's
 * stream is the launch's.
 */
#include <alibicheck_kernel.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the calling convention -------------------------------------------------------------------------------------- */

/* As in dlpack/dlpack.h (DLPack 1.1) and tvm/ffi/c_api.h (apache-tvm-ffi 0.1, "TVM-FFI ABI overview"). */
typedef struct {
    int32_t type, id;
} device_t;

typedef struct {
    uint8_t code, bits;
    uint16_t lanes;
} dtype_t;

typedef struct {
    void *data;
    device_t device;
    int32_t num_axes;
    dtype_t dtype;
    int64_t *shape, *strides; /* in elements */
    uint64_t byte_offset;
} tensor_t;

enum { DEVICE_CPU = 1, DEVICE_CUDA = 2 };
enum {
    CODE_INT = 0,
    CODE_UINT = 1,
    CODE_FLOAT = 2,
    CODE_BFLOAT = 4,
    CODE_E4M3FN = 10,
    CODE_E4M3FNUZ = 11,
    CODE_E5M2 = 12
};
enum { TYPE_NONE = 0, TYPE_INT = 1, TYPE_FLOAT = 3, TYPE_TENSOR = 7, TYPE_OBJECT = 64 };

typedef struct {
    int32_t type;
    uint32_t zero;
    union {
        int64_t whole;
        double real;
        void *pointer;
    } value;
} any_t;

typedef struct {
    const char *data;
    size_t size;
} bytes_t;

/* The head of an object: counts of references, type, and what deletes it. What follows in an error is its cell. */
typedef struct {
    uint64_t references;
    int32_t type;
    uint32_t padding;
    void (*deleter)(void *self, int flags);
    bytes_t kind, message;
} error_object_t;

typedef int function_t(void *self, const any_t *arguments, int32_t count, any_t *result);

/* ---- what was asked for ------------------------------------------------------------------------------------------ */

enum { MAX_ARGUMENTS = 32, MAX_AXES = 4 };

/* In the order of `names`. */
enum { Q, K, V, OUT, LSE, SLOPES, SINK_LOGITS, MASK, K_PAGES, V_PAGES, BLOCK_TABLE, SEQ_LENS, NUM_TENSORS };
enum { SCALE = NUM_TENSORS, K_SCALE, V_SCALE, SOFT_CAP, FIRST_WHOLE };
enum { SEQ_LEN = FIRST_WHOLE, Q_POSITION, KV_OFFSET, PAGE_SIZE, NONE, NUM_NAMES };
static const char *const names[NUM_NAMES] = {
    "q",       "k",        "v",       "out",         "lse",       "slopes",    "sink_logits",
    "mask",    "k_pages",  "v_pages", "block_table", "seq_lens",  "scale",     "k_scale",
    "v_scale", "soft_cap", "seq_len", "q_position",  "kv_offset", "page_size", "none"};

static const struct {
    const char *name;
    uint32_t bit;
} abilities[] = {
    {"f16", ALIBICHECK_KERNEL_F16},
    {"bf16", ALIBICHECK_KERNEL_BF16},
    {"f32", ALIBICHECK_KERNEL_F32},
    {"e4m3", ALIBICHECK_KERNEL_E4M3},
    {"e5m2", ALIBICHECK_KERNEL_E5M2},
    {"e4m3fnuz", ALIBICHECK_KERNEL_E4M3FNUZ},
    {"gqa", ALIBICHECK_KERNEL_GQA},
    {"queries", ALIBICHECK_KERNEL_QUERIES},
    {"alibi", ALIBICHECK_KERNEL_ALIBI},
    {"position", ALIBICHECK_KERNEL_POSITION},
    {"mask", ALIBICHECK_KERNEL_MASK},
    {"soft_cap", ALIBICHECK_KERNEL_SOFT_CAP},
    {"sink_logits", ALIBICHECK_KERNEL_SINK_LOGITS},
    {"lse", ALIBICHECK_KERNEL_LSE},
    {"lse_base2", ALIBICHECK_KERNEL_LSE_BASE2},
    {"same_bits", ALIBICHECK_KERNEL_SAME_BITS},
    {"pages", ALIBICHECK_KERNEL_PAGES},
    {"only_pages", ALIBICHECK_KERNEL_ONLY_PAGES},
    {"strides", ALIBICHECK_KERNEL_STRIDES},
    {"unaligned", ALIBICHECK_KERNEL_UNALIGNED},
};

static struct alibicheck_kernel kernel;
static char name[64];
static int arguments[MAX_ARGUMENTS], num_arguments;
static function_t *function;
static void (*take_error)(void **error);
static int (*release)(void *object);
static int (*set_stream)(int32_t device_type, int32_t device_id, void *stream, void **before);

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

/* A sequence's tensors, with room for their shapes. */
typedef struct {
    tensor_t tensors[NUM_TENSORS];
    int64_t shapes[NUM_TENSORS][MAX_AXES], strides[NUM_TENSORS][MAX_AXES];
} tensors_t;

static dtype_t dtype_of(uint32_t bit)
{
    const dtype_t dtypes[] = {{CODE_FLOAT, 16, 1}, {CODE_BFLOAT, 16, 1}, {CODE_FLOAT, 32, 1},
                              {CODE_E4M3FN, 8, 1}, {CODE_E5M2, 8, 1},    {CODE_E4M3FNUZ, 8, 1}};
    int i = 0;
    while (i < 5 && !(bit >> i & 1))
        i++;
    return dtypes[i];
}

/* Its last num_axes axes of four; what is left out in front has one element. */
static void set(tensors_t *all, const struct alibicheck_kernel_launch *launch, int which, const void *data,
                dtype_t dtype, int num_axes, const int64_t shape[MAX_AXES], const int64_t strides[MAX_AXES])
{
    tensor_t *tensor = &all->tensors[which];
    for (int axis = 0; axis < num_axes; axis++) {
        all->shapes[which][axis] = shape[MAX_AXES - num_axes + axis];
        all->strides[which][axis] = strides[MAX_AXES - num_axes + axis];
    }
    tensor->data = (void *)(uintptr_t)data;
    tensor->device.type = launch->stream ? DEVICE_CUDA : DEVICE_CPU;
    tensor->device.id = launch->stream ? launch->device : 0;
    tensor->num_axes = num_axes;
    tensor->dtype = dtype;
    tensor->shape = all->shapes[which];
    tensor->strides = all->strides[which];
    tensor->byte_offset = 0; /* data is the first element, as others call such functions */
}

/* q, out and lse: [1, Q, H, D] or without Q. */
static void set_rows(tensors_t *all, const struct alibicheck_kernel_launch *launch, int index)
{
    const struct alibicheck_kernel_sequence *sequence = &launch->sequences[index];
    const struct alibicheck_kernel_strides *strides = &launch->strides[index];
    const int64_t queries = launch->num_queries, heads = launch->num_heads, dim = launch->head_dim;
    const int axes = kernel.takes & ALIBICHECK_KERNEL_QUERIES ? 3 : 2;
    const int64_t shape[MAX_AXES] = {1, queries, heads, dim}, of_lse[MAX_AXES] = {1, 1, queries, heads};
    const int64_t q[MAX_AXES] = {0, strides->q_query, strides->q_head, 1};
    const int64_t out[MAX_AXES] = {0, strides->out_query, strides->out_head, 1};
    const int64_t packed[MAX_AXES] = {0, 0, heads, 1};
    set(all, launch, Q, sequence->q, dtype_of(launch->dtype), axes, shape, q);
    set(all, launch, OUT, sequence->out, dtype_of(launch->dtype), axes, shape, out);
    if (sequence->lse)
        set(all, launch, LSE, sequence->lse, dtype_of(ALIBICHECK_KERNEL_F32), axes - 1, of_lse, packed);
}

/* k and v: [N, Hkv, D], or pools [P, page_size, Hkv, D], with block_table [1, M] and seq_lens [1]. */
static void set_keys(tensors_t *all, const struct alibicheck_kernel_launch *launch, int index)
{
    const struct alibicheck_kernel_sequence *sequence = &launch->sequences[index];
    const struct alibicheck_kernel_strides *strides = &launch->strides[index];
    const int paged = launch->page_size > 0, axes = paged ? 4 : 3;
    const dtype_t dtype = dtype_of(launch->kv_dtype), whole = {CODE_INT, 32, 1};
    const int64_t shape[MAX_AXES] = {launch->num_pages, paged ? launch->page_size : sequence->seq_len,
                                     launch->num_kv_heads, launch->head_dim};
    const int64_t k[MAX_AXES] = {launch->k_page, strides->k_key, strides->k_head, 1};
    const int64_t v[MAX_AXES] = {launch->v_page, strides->v_key, strides->v_head, 1};
    const int64_t table[MAX_AXES] = {1, 1, 1, launch->max_pages}, columns[MAX_AXES] = {0, 0, launch->max_pages, 1};
    const int64_t one[MAX_AXES] = {1, 1, 1, 1};
    set(all, launch, paged ? K_PAGES : K, paged ? launch->k_pages : sequence->k, dtype, axes, shape, k);
    set(all, launch, paged ? V_PAGES : V, paged ? launch->v_pages : sequence->v, dtype, axes, shape, v);
    if (!paged)
        return;
    set(all, launch, BLOCK_TABLE, launch->block_table + (int64_t)index * launch->max_pages, whole, 2, table, columns);
    set(all, launch, SEQ_LENS, launch->seq_lens + index, whole, 1, one, one);
}

static void set_all(tensors_t *all, const struct alibicheck_kernel_launch *launch, int index)
{
    const struct alibicheck_kernel_sequence *sequence = &launch->sequences[index];
    const int64_t heads[MAX_AXES] = {1, 1, 1, launch->num_heads}, keys[MAX_AXES] = {1, 1, 1, sequence->seq_len};
    const int64_t packed[MAX_AXES] = {0, 0, 0, 1};
    const dtype_t f32 = dtype_of(ALIBICHECK_KERNEL_F32), byte = {CODE_UINT, 8, 1};
    memset(all, 0, sizeof *all);
    set_rows(all, launch, index);
    set_keys(all, launch, index);
    set(all, launch, SLOPES, launch->slopes, f32, 1, heads, packed);
    if (launch->sink_logits)
        set(all, launch, SINK_LOGITS, launch->sink_logits, f32, 1, heads, packed);
    if (sequence->visible)
        set(all, launch, MASK, sequence->visible, byte, 1, keys, packed);
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

static any_t argument_of(tensors_t *all, const struct alibicheck_kernel_launch *launch, int index, int which)
{
    const struct alibicheck_kernel_sequence *sequence = &launch->sequences[index];
    const double reals[] = {launch->scale, launch->k_scale, launch->v_scale, launch->soft_cap};
    const int64_t wholes[] = {sequence->seq_len, sequence->q_position, sequence->kv_offset, launch->page_size};
    any_t argument;
    memset(&argument, 0, sizeof argument);
    if (which < NUM_TENSORS && all->tensors[which].shape) {
        argument.type = TYPE_TENSOR;
        argument.value.pointer = &all->tensors[which];
    } else if (which >= SCALE && which < FIRST_WHOLE) {
        argument.type = TYPE_FLOAT;
        argument.value.real = reals[which - SCALE];
    } else if (which >= FIRST_WHOLE && which < NONE) {
        argument.type = TYPE_INT;
        argument.value.whole = wholes[which - FIRST_WHOLE];
    }
    return argument;
}

/* What was raised: "ValueError: head_dim is 80". */
static void tell_error(int status, char *text, uint64_t text_size)
{
    void *raised = NULL;
    if (take_error)
        take_error(&raised);
    if (!raised) {
        snprintf(text, text_size, "the function returned %d", status);
        return;
    }
    const error_object_t *error = raised;
    snprintf(text, text_size, "%.*s: %.*s", (int)error->kind.size, error->kind.data, (int)error->message.size,
             error->message.data);
    if (release)
        release(raised);
}

static int32_t call(const struct alibicheck_kernel_launch *launch, int index, char *text, uint64_t text_size)
{
    tensors_t all;
    any_t given[MAX_ARGUMENTS], result;
    memset(&result, 0, sizeof result);
    set_all(&all, launch, index);
    for (int i = 0; i < num_arguments; i++)
        given[i] = argument_of(&all, launch, index, arguments[i]);
    const int status = function(NULL, given, num_arguments, &result);
    if (status)
        tell_error(status, text, text_size);
    else if (result.type >= TYPE_OBJECT && release)
        release(result.value.pointer);
    return status;
}

static int32_t launch(void *context, const struct alibicheck_kernel_launch *launch, char *text, uint64_t text_size)
{
    void *before = NULL;
    int32_t status = 0;
    (void)context;
    if (launch->stream && set_stream)
        status = set_stream(DEVICE_CUDA, launch->device, launch->stream, &before);
    for (int i = 0; i < launch->num_sequences && !status; i++)
        status = call(launch, i, text, text_size);
    if (launch->stream && set_stream)
        set_stream(DEVICE_CUDA, launch->device, before, NULL);
    return status;
}

/* ---- what it is -------------------------------------------------------------------------------------------------- */

/* Calls take with each word of a variable. false, and says so, where one is not known or there is no variable. */
static int each_word(const char *variable, int (*take)(const char *word, size_t size))
{
    const char *word = getenv(variable);
    int known = word && *word;
    for (size_t size; word && *word && known; word += size + (word[size] == ',')) {
        size = strcspn(word, ",");
        known = take(word, size);
        if (!known)
            fprintf(stderr, "tvm_ffi: %s has '%.*s', which is not known\n", variable, (int)size, word);
    }
    if (!word || !*getenv(variable))
        fprintf(stderr, "tvm_ffi: %s is not set\n", variable);
    return known;
}

static int is(const char *known, const char *word, size_t size)
{
    return strlen(known) == size && strncmp(known, word, size) == 0;
}

static int take_argument(const char *word, size_t size)
{
    for (int i = 0; i < NUM_NAMES; i++)
        if (is(names[i], word, size) && num_arguments < MAX_ARGUMENTS) {
            arguments[num_arguments++] = i;
            return 1;
        }
    return 0;
}

static int take_ability(const char *word, size_t size)
{
    for (size_t i = 0; i < sizeof abilities / sizeof abilities[0]; i++)
        if (is(abilities[i].name, word, size)) {
            kernel.takes |= abilities[i].bit;
            return 1;
        }
    return 0;
}

/* A pointer to a function of a library, or of one that it needs, as what it is. */
static int find(void *library, const char *symbol, void *to)
{
    void *found = dlsym(library, symbol);
    memcpy(to, &found, sizeof found);
    return found != NULL;
}

static int load(void)
{
    char symbol[256];
    const char *path = getenv("TVM_FFI_LIBRARY"), *wanted = getenv("TVM_FFI_FUNCTION");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library || !wanted) {
        fprintf(stderr, "tvm_ffi: %s\n",
                !path     ? "TVM_FFI_LIBRARY is not set"
                : !wanted ? "TVM_FFI_FUNCTION is not set"
                          : dlerror());
        return 0;
    }
    snprintf(symbol, sizeof symbol, "__tvm_ffi_%s", wanted);
    if (!find(library, symbol, &function)) {
        fprintf(stderr, "tvm_ffi: %s has no function %s\n", path, symbol);
        return 0;
    }
    find(library, "TVMFFIErrorMoveFromRaised", &take_error);
    find(library, "TVMFFIObjectDecRef", &release);
    find(library, "TVMFFIEnvSetStream", &set_stream);
    snprintf(name, sizeof name, "%.63s", wanted);
    return 1;
}

const struct alibicheck_kernel *alibicheck_kernel_describe(uint32_t abi)
{
    const char *device = getenv("TVM_FFI_DEVICE");
    if (abi != ALIBICHECK_KERNEL_ABI || kernel.abi)
        return NULL;
    kernel.abi = abi;
    if (!load() || !each_word("TVM_FFI_ARGUMENTS", take_argument) || !each_word("TVM_FFI_TAKES", take_ability))
        return NULL;
    kernel.name = name;
    kernel.about = "a function of the TVM-FFI calling convention";
    kernel.arithmetic = getenv("TVM_FFI_ARITHMETIC");
    kernel.launch = launch;
    kernel.memory = device && strcmp(device, "cuda") == 0 ? ALIBICHECK_KERNEL_CUDA_MEMORY : 0;
    return &kernel;
}
