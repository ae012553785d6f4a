#include "harness/subject/ability.h"

#include <stdio.h>
#include <string.h>

#include "harness/support/file_digest.h"
#include "kernels/kernel.h"

enum { PAGE_SIZE_USUAL = 16, PAGE_SIZE_MAX = 1 << 16 };

const struct ability_info abilities[ABILITY_COUNT] = {
    {ALIBICHECK_KERNEL_F16, 1, "f16", "q, k, v and out in f16"},
    {ALIBICHECK_KERNEL_BF16, 1, "bf16", "q, k, v and out in bf16"},
    {ALIBICHECK_KERNEL_F32, 1, "f32", "q, k, v and out in f32"},
    {ALIBICHECK_KERNEL_E4M3, 1, "e4m3", "k and v in e4m3"},
    {ALIBICHECK_KERNEL_E5M2, 1, "e5m2", "k and v in e5m2"},
    {ALIBICHECK_KERNEL_E4M3FNUZ, 1, "e4m3fnuz", "k and v in e4m3fnuz"},
    {ALIBICHECK_KERNEL_GQA, 1, "gqa", "fewer KV heads than query heads"},
    {ALIBICHECK_KERNEL_QUERIES, 1, "queries", "several queries"},
    {ALIBICHECK_KERNEL_BATCH, 1, "batch", "several sequences in one launch"},
    {ALIBICHECK_KERNEL_ALIBI, 1, "alibi", "ALiBi slopes other than 0"},
    {ALIBICHECK_KERNEL_POSITION, 1, "position", "a query elsewhere than at the newest key"},
    {ALIBICHECK_KERNEL_MASK, 1, "mask", "masks"},
    {ALIBICHECK_KERNEL_SOFT_CAP, 1, "soft_cap", "a soft cap before the bias"},
    {ALIBICHECK_KERNEL_CAP_BIASED, 1, "cap_biased", "a soft cap after the bias"},
    {ALIBICHECK_KERNEL_SINK_LOGITS, 1, "sink_logits", "learned sinks"},
    {ALIBICHECK_KERNEL_LSE, 1, "lse", "lse: it writes it, natural"},
    {ALIBICHECK_KERNEL_LSE_BASE2, 1, "lse_base2", "lse: it writes it, of base 2"},
    {ALIBICHECK_KERNEL_SAME_BITS, 1, "same_bits",
     "no other bits for a head elsewhere, a sequence beside others, or other numbers in masked keys"},
    {ALIBICHECK_KERNEL_PAGES, 2, "pages", "k and v in pages of a pool, where a case has page_size"},
    {ALIBICHECK_KERNEL_ONLY_PAGES, 2, "only_pages", "pages: k and v in no other way"},
    {ALIBICHECK_KERNEL_STRIDES, 3, "strides", "q, k, v and out whose rows lie apart, or heads before keys"},
    {ALIBICHECK_KERNEL_UNALIGNED, 3, "unaligned", "q, k, v and out that begin at any element"},
};

unsigned ability_of_dtype(enum dtype dtype)
{
    static const unsigned bits[DTYPE_COUNT_WITH_FP8] = {
        [DTYPE_F16] = ALIBICHECK_KERNEL_F16,   [DTYPE_BF16] = ALIBICHECK_KERNEL_BF16,
        [DTYPE_F32] = ALIBICHECK_KERNEL_F32,   [DTYPE_E4M3] = ALIBICHECK_KERNEL_E4M3,
        [DTYPE_E5M2] = ALIBICHECK_KERNEL_E5M2, [DTYPE_E4M3FNUZ] = ALIBICHECK_KERNEL_E4M3FNUZ,
    };
    return bits[dtype];
}

static bool name_is_plain(const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    return *name && name[strspn(name, plain)] == 0;
}

enum error_kind foreign_kernel_check(const struct foreign_kernel *kernel, const char *source, struct error *error)
{
    const unsigned dtypes_taken = ALIBICHECK_KERNEL_F16 | ALIBICHECK_KERNEL_BF16 | ALIBICHECK_KERNEL_F32;
    const unsigned lse = ALIBICHECK_KERNEL_LSE | ALIBICHECK_KERNEL_LSE_BASE2;
    if (!name_is_plain(kernel->name))
        return error_set(error, ERROR_USAGE,
                         "%s: the kernel has %s%s%s; allowed: letters, digits, '_', '-' and '.', 1 to %d", source,
                         *kernel->name ? "the name '" : "no name", kernel->name, *kernel->name ? "'" : "",
                         KERNEL_NAME_SIZE - 1);
    for (int i = 0; i < KERNEL_COUNT; i++)
        if (!strcmp(kernel->name, kernel_names[i]))
            return error_set(error, ERROR_USAGE, "%s: the kernel is called %s, as one of ours; allowed: another name",
                             source, kernel->name);
    if (kernel->takes >> ABILITY_COUNT)
        return error_set(error, ERROR_USAGE, "%s: kernel %s takes things that are not known (bits %#x); allowed: %#x",
                         source, kernel->name, kernel->takes, (1u << ABILITY_COUNT) - 1);
    if (!(kernel->takes & dtypes_taken))
        return error_set(error, ERROR_USAGE, "%s: kernel %s takes no dtype; allowed: one or more of f16, bf16, f32",
                         source, kernel->name);
    if ((kernel->takes & lse) == lse)
        return error_set(error, ERROR_USAGE, "%s: kernel %s writes lse in two bases; allowed: lse or lse_base2", source,
                         kernel->name);
    if (!(kernel->takes & ALIBICHECK_KERNEL_PAGES) &&
        (kernel->takes & ALIBICHECK_KERNEL_ONLY_PAGES || kernel->num_page_sizes > 0))
        return error_set(error, ERROR_USAGE, "%s: kernel %s has %s and does not take pages; allowed: with pages",
                         source, kernel->name, kernel->num_page_sizes > 0 ? "page_sizes" : "only_pages");
    for (int i = 0; i < kernel->num_page_sizes; i++)
        if (kernel->page_sizes[i] < 1 || kernel->page_sizes[i] > PAGE_SIZE_MAX)
            return error_set(error, ERROR_USAGE, "%s: kernel %s takes page_size %d; allowed: 1 to %d", source,
                             kernel->name, kernel->page_sizes[i], PAGE_SIZE_MAX);
    for (int i = 0; i < kernel->num_head_dims; i++)
        if (kernel->head_dims[i] < 1)
            return error_set(error, ERROR_USAGE, "%s: kernel %s takes head_dim %d; allowed: 1 and up", source,
                             kernel->name, kernel->head_dims[i]);
    if (kernel->max_seq_len < 0)
        return error_set(error, ERROR_USAGE,
                         "%s: kernel %s takes a max_seq_len of %lld; allowed: 1 and up, or 0 for any", source,
                         kernel->name, (long long)kernel->max_seq_len);
    if (*kernel->digest && !is_file_digest(kernel->digest))
        return error_set(error, ERROR_USAGE, "%s: kernel %s has the digest '%s'; allowed: 16 hexadecimal digits",
                         source, kernel->name, kernel->digest);
    return ERROR_NONE;
}

enum error_kind foreign_kernel_take(struct foreign_kernel *kernel, const struct alibicheck_kernel *described,
                                    const char *source, struct error *error)
{
    *kernel = (struct foreign_kernel){.takes = 0};
    if (described->abi < 1 || described->abi > ALIBICHECK_KERNEL_ABI)
        return error_set(error, ERROR_USAGE,
                         "%s: a kernel of ABI %u; allowed: 1 to %d, that of this program's "
                         "alibicheck_kernel.h",
                         source, (unsigned)described->abi, ALIBICHECK_KERNEL_ABI);
    if (!described->launch || !described->name || strlen(described->name) >= KERNEL_NAME_SIZE)
        return error_set(error, ERROR_USAGE,
                         "%s: a kernel without %s; allowed: both a name of 1 to %d characters and a "
                         "function",
                         source, described->launch ? "a name" : "a function", KERNEL_NAME_SIZE - 1);
    snprintf(kernel->name, sizeof kernel->name, "%s", described->name);
    snprintf(kernel->about, sizeof kernel->about, "%s", described->about ? described->about : "");
    if (described->arithmetic && strlen(described->arithmetic) >= sizeof kernel->arithmetic)
        return error_set(error, ERROR_USAGE,
                         "%s: kernel %s has an arithmetic of %zu characters; allowed: a class, as "
                         "`alibicheck list classes` has them",
                         source, kernel->name, strlen(described->arithmetic));
    snprintf(kernel->arithmetic, sizeof kernel->arithmetic, "%s", described->arithmetic ? described->arithmetic : "");
    kernel->takes = described->takes;
    for (int i = 0; i < ABILITY_COUNT; i++)
        if (kernel->takes & abilities[i].bit && abilities[i].abi > described->abi)
            return error_set(error, ERROR_USAGE, "%s: a kernel of ABI %u takes %s; allowed: from ABI %u on", source,
                             (unsigned)described->abi, abilities[i].name, abilities[i].abi);
    for (const int32_t *dim = described->head_dims; dim && *dim; dim++) {
        if (kernel->num_head_dims == HEAD_DIMS_MAX)
            return error_set(error, ERROR_USAGE,
                             "%s: kernel %s has too many head dims; allowed: up to %d, or none for "
                             "all",
                             source, kernel->name, HEAD_DIMS_MAX);
        kernel->head_dims[kernel->num_head_dims++] = *dim;
    }
    if (described->abi < 2) /* what follows is not there */
        return foreign_kernel_check(kernel, source, error);
    for (const int32_t *size = described->page_sizes; size && *size; size++) {
        if (kernel->num_page_sizes == PAGE_SIZES_MAX)
            return error_set(error, ERROR_USAGE,
                             "%s: kernel %s has too many page sizes; allowed: up to %d, or none for all", source,
                             kernel->name, PAGE_SIZES_MAX);
        kernel->page_sizes[kernel->num_page_sizes++] = *size;
    }
    if (described->abi < 3)
        return foreign_kernel_check(kernel, source, error);
    if (described->memory != ALIBICHECK_KERNEL_HOST_MEMORY && described->memory != ALIBICHECK_KERNEL_CUDA_MEMORY)
        return error_set(error, ERROR_USAGE,
                         "%s: kernel %s has tensors in memory %d; allowed: %d, this process's, or %d, a "
                         "GPU's",
                         source, kernel->name, (int)described->memory, ALIBICHECK_KERNEL_HOST_MEMORY,
                         ALIBICHECK_KERNEL_CUDA_MEMORY);
    kernel->on_cuda = described->memory == ALIBICHECK_KERNEL_CUDA_MEMORY;
    if (described->abi >= 5)
        kernel->max_seq_len = described->max_seq_len;
    return foreign_kernel_check(kernel, source, error);
}

static bool takes_head_dim(const struct foreign_kernel *kernel, int head_dim)
{
    bool found = kernel->num_head_dims == 0;
    for (int i = 0; i < kernel->num_head_dims; i++)
        found |= kernel->head_dims[i] == head_dim;
    return found;
}

bool foreign_kernel_takes_page_size(const struct foreign_kernel *kernel, int page_size)
{
    bool found = kernel->num_page_sizes == 0;
    for (int i = 0; i < kernel->num_page_sizes; i++)
        found |= kernel->page_sizes[i] == page_size;
    return found;
}

int foreign_kernel_page_size(const struct foreign_kernel *kernel)
{
    if (!(kernel->takes & ALIBICHECK_KERNEL_ONLY_PAGES))
        return 0;
    return kernel->num_page_sizes > 0 ? kernel->page_sizes[0] : PAGE_SIZE_USUAL;
}

/* The bits of all that a problem needs. */
static unsigned needs(const struct problem *shape, const struct problem_extras *extras, int num_sequences)
{
    bool newest = shape->kv_offset == 0 && shape->q_position == shape->seq_len - 1;
    unsigned bits = ability_of_dtype(shape->dtype) | ability_of_dtype(problem_kv_dtype(shape));
    bits |= shape->num_kv_heads < shape->num_heads ? ALIBICHECK_KERNEL_GQA : 0;
    bits |= problem_queries(shape) > 1 ? ALIBICHECK_KERNEL_QUERIES : 0;
    bits |= num_sequences > 1 ? ALIBICHECK_KERNEL_BATCH : 0;
    bits |= extras->has_slopes ? ALIBICHECK_KERNEL_ALIBI : 0;
    bits |= extras->has_slopes && !newest ? ALIBICHECK_KERNEL_POSITION : 0;
    bits |= extras->masked ? ALIBICHECK_KERNEL_MASK : 0;
    bits |= shape->soft_cap == SOFT_CAP_BEFORE_BIAS ? ALIBICHECK_KERNEL_SOFT_CAP : 0;
    bits |= shape->soft_cap == SOFT_CAP_AFTER_BIAS ? ALIBICHECK_KERNEL_CAP_BIASED : 0;
    return bits | (extras->has_sinks ? ALIBICHECK_KERNEL_SINK_LOGITS : 0);
}

bool foreign_kernel_takes(const struct foreign_kernel *kernel, const struct problem *shape,
                          const struct problem_extras *extras, int num_sequences, char *text)
{
    unsigned lacking = needs(shape, extras, num_sequences) & ~kernel->takes;
    *text = 0;
    if (!takes_head_dim(kernel, shape->head_dim))
        snprintf(text, ABILITY_TEXT_SIZE, "%s does not take head_dim %d", kernel->name, shape->head_dim);
    if (extras->page_size > 0 && !*text && !foreign_kernel_takes_page_size(kernel, extras->page_size))
        snprintf(text, ABILITY_TEXT_SIZE, "%s does not take page_size %d", kernel->name, extras->page_size);
    if (kernel->max_seq_len > 0 && extras->longest > kernel->max_seq_len && !*text)
        snprintf(text, ABILITY_TEXT_SIZE, "%s does not take more than %lld keys", kernel->name,
                 (long long)kernel->max_seq_len);
    for (int i = 0; i < ABILITY_COUNT && !*text; i++)
        if (lacking & abilities[i].bit)
            snprintf(text, ABILITY_TEXT_SIZE, "%s does not take %s", kernel->name, abilities[i].about);
    return !*text;
}
