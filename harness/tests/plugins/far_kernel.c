/* attention.c as a kernel that does one thing more, or less, where k and v span gigabytes: FORM. */
#define alibicheck_kernel_describe describe_sound
#include EXAMPLE /* the path of attention.c, in quotes */
#undef alibicheck_kernel_describe

enum {
    PACKED,        /* takes neither pages nor strides */
    COPIES,        /* reads copies of all that k and v span, and gives up where there is no memory for them */
    CRASHES,       /* where its pages, or keys, lie beyond 2^30 elements */
    REFUSES,       /* there */
    ERRS,          /* refuses there, and errs where k spans 2^20 elements */
    ERRS_IN_PAIRS, /* in the last of several sequences, wherever they lie */
    REFUSES_POOLS  /* whose pages are more than 2^20, wherever those with keys are */
};

/* Elements that k spans. */
static int64_t span_of(const launch_t *launch)
{
    const sequence_t *first = launch->sequences;
    return launch->page_size > 0 ? (int64_t)launch->num_pages * launch->k_page
                                 : first->seq_len * launch->strides->k_key;
}

static int lies_far(const launch_t *launch)
{
    if (launch->page_size > 0)
        return launch->block_table[0] * launch->k_page > (int64_t)1 << 30;
    return (launch->sequences->seq_len - 1) * launch->strides->k_key > (int64_t)1 << 30;
}

static int32_t launch_form(void *context, const launch_t *given, char *text, uint64_t text_size)
{
    if (FORM == COPIES) {
        volatile char *copy = malloc((size_t)span_of(given) * 4 + 1);
        snprintf(text, text_size, "no memory for a copy");
        if (!copy)
            return 1;
        copy[0] = 1;
        free((void *)copy);
    }
    if (FORM == CRASHES && lies_far(given))
        *(volatile int *)8 = 0;
    snprintf(text, text_size, "its offsets do not fit");
    if (((FORM == REFUSES || FORM == ERRS) && lies_far(given)) || (FORM == REFUSES_POOLS && given->num_pages > 1 << 20))
        return 2;
    int32_t result = launch(context, given, text, text_size);
    if (FORM == ERRS && span_of(given) > 1 << 20)
        *(uint16_t *)given->sequences->out ^= 0x4000;
    if (FORM == ERRS_IN_PAIRS && given->num_sequences > 1)
        *(uint16_t *)given->sequences[given->num_sequences - 1].out ^= 0x4000;
    return result;
}

const struct alibicheck_kernel *alibicheck_kernel_describe(uint32_t abi)
{
    static struct alibicheck_kernel form;
    form = *describe_sound(abi);
    form.name = "far";
    form.launch = launch_form;
    if (FORM == PACKED)
        form.takes &= ~(uint32_t)(ALIBICHECK_KERNEL_PAGES | ALIBICHECK_KERNEL_STRIDES);
    if (FORM == REFUSES_POOLS)
        form.takes &= ~(uint32_t)ALIBICHECK_KERNEL_STRIDES;
    return &form;
}
