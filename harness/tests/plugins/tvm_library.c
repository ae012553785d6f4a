/*
 * A library of the TVM-FFI calling convention for tests, by hand: __tvm_ffi_decode is the kernel of
 * docs/examples/kernels/attention.c on DLTensors, and raises an error where head_dim is 128, by functions that real
 * ones have from libtvm_ffi. Its structures are written apart from those of docs/examples/kernels/tvm_ffi.c, from the
 * same headers.
 */
#define alibicheck_kernel_describe describe_sound
#include EXAMPLE /* the path of attention.c, in quotes */
#undef alibicheck_kernel_describe

struct dl_tensor {
    char *data;
    int32_t device_type, device_id, ndim;
    uint8_t code, bits;
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
};

struct any {
    int32_t type_index;
    uint32_t zero_padding;
    union {
        int64_t v_int64;
        double v_float64;
        struct dl_tensor *v_tensor;
    } v;
};

struct raised {
    uint64_t combined_ref_count;
    int32_t type_index;
    uint32_t padding;
    void (*deleter)(void *, int);
    const char *kind;
    uint64_t kind_size;
    const char *message;
    uint64_t message_size;
};

static struct raised *last;
static int num_raised;

void TVMFFIErrorMoveFromRaised(void **result)
{
    *result = last;
    last = NULL;
}

int TVMFFIObjectDecRef(void *object)
{
    num_raised--;
    free(object);
    return 0;
}

static int raise_error(const char *kind, const char *message)
{
    static const struct raised empty;
    last = malloc(sizeof *last);
    if (!last)
        return -1;
    *last = empty;
    last->combined_ref_count = 1;
    last->type_index = 67;
    last->kind = kind;
    last->kind_size = strlen(kind);
    last->message = message;
    last->message_size = strlen(message);
    num_raised++;
    return -1;
}

static uint32_t dtype_bit(const struct dl_tensor *tensor)
{
    return tensor->code == 4    ? ALIBICHECK_KERNEL_BF16
           : tensor->bits == 16 ? ALIBICHECK_KERNEL_F16
                                : ALIBICHECK_KERNEL_F32;
}

/* decode(q [Q, H, D], k, v [N, Hkv, D], slopes, scale, mask or None, q_position, kv_offset, out, lse) */
int __tvm_ffi_decode(void *self, const struct any *args, int32_t num_args, struct any *result)
{
    static const int types[] = {7, 7, 7, 7, 3, -1, 1, 1, 7, 7};
    (void)self;
    if (num_args != 10 || result->type_index != 0)
        return raise_error("TypeError", "10 arguments, and a result of None");
    for (int i = 0; i < num_args; i++)
        if ((types[i] >= 0 ? args[i].type_index != types[i] : args[i].type_index != 0 && args[i].type_index != 7) ||
            args[i].zero_padding != 0)
            return raise_error("TypeError", "an argument of another type");
    const struct dl_tensor *q = args[0].v.v_tensor, *k = args[1].v.v_tensor, *v = args[2].v.v_tensor,
                           *mask = args[5].type_index == 7 ? args[5].v.v_tensor : NULL, *out = args[8].v.v_tensor,
                           *lse = args[9].v.v_tensor;
    if (q->ndim != 3 || k->ndim != 3 || out->ndim != 3 || lse->ndim != 2 || lse->bits != 32 || q->device_type != 1 ||
        q->strides[2] != 1 || out->byte_offset != 0 || (mask && (mask->code != 1 || mask->bits != 8)))
        return raise_error("ValueError", "a tensor of another shape, dtype or device");
    if (q->shape[2] == 128)
        return raise_error("ValueError", "head_dim is 128");
    const sequence_t sequence = {
        .seq_len = k->shape[0],
        .q_position = args[6].v.v_int64,
        .kv_offset = args[7].v.v_int64,
        .q = q->data,
        .k = k->data,
        .v = v->data,
        .visible = mask ? (const uint8_t *)mask->data : NULL,
        .out = out->data,
        .lse = (float *)(void *)lse->data,
    };
    const struct alibicheck_kernel_strides strides = {q->strides[0], q->strides[1], k->strides[0],   k->strides[1],
                                                      v->strides[0], v->strides[1], out->strides[0], out->strides[1]};
    const launch_t one = {
        .sequences = &sequence,
        .num_sequences = 1,
        .num_queries = (int32_t)q->shape[0],
        .num_heads = (int32_t)q->shape[1],
        .num_kv_heads = (int32_t)k->shape[1],
        .head_dim = (int32_t)q->shape[2],
        .dtype = dtype_bit(q),
        .kv_dtype = dtype_bit(k),
        .scale = (float)args[4].v.v_float64,
        .slopes = (const float *)(void *)args[3].v.v_tensor->data,
        .strides = &strides,
    };
    return launch(NULL, &one, (char[1]){0}, 1);
}
