/*
 * The kernel of docs/examples/kernels/attention.c, broken in one way, which BREAK names: what a plug-in can do wrong
 * beside its numbers, and some of what it can do with them. scripts/check-plugins compiles and runs each.
 */
#define alibicheck_kernel_describe describe_sound
#include EXAMPLE /* the path of attention.c, in quotes */
#undef alibicheck_kernel_describe

#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    SOUND,
    CRASHES, /* at the second launch */
    ABORTS,  /* says why on both streams */
    HANGS,
    EXITS,            /* with exit code 0, as if all were done */
    REFUSES,          /* returns an error */
    WRITES_PAST,      /* the end of out */
    WRITES_BEFORE,    /* the beginning of lse */
    WRITES_LATE,      /* to an output of the launch before */
    WRITES_AGAIN,     /* the same, what it has written there */
    WRITES_ONCE,      /* past the end of out, at the second launch alone */
    WRITES_ONCE_MORE, /* the same, at the fifth, which is of an oracle */
    WRITES_PAST_K,    /* the end of an input, as of the others that follow */
    WRITES_BEFORE_V,
    WRITES_PAST_SLOPES,
    WRITES_PAST_TABLE,
    READS_PAST_K, /* a row of it, and computes nothing with that, as of the others that follow */
    READS_PAST_SLOPES,
    READS_PAST_TABLE,
    READS_OF_STRANGERS, /* where nothing is */
    CHANGES_K,
    CHANGES_ONCE,         /* the same, at the second launch alone */
    WRITES_FROM_A_THREAD, /* to an output, 20 ms after its launch */
    ANSWERS_FROM_BEFORE,  /* with the result of the first launch of a shape */
    LEAVES_A_ROW,
    LEAVES_FILES_OPEN,
    LEAVES_MEMORY,   /* of its workspace, at every launch */
    LEAVES_MAPPINGS, /* the same, which it has from elsewhere than the heap */
    FILLS_A_CACHE,   /* of what it has seen, up to 8 of them, which is no fault */
    PRINTS,          /* which is no fault */
    READS_INPUT,     /* all that there is to standard input, which is nothing, and no fault */
    CLOSES_STREAMS,  /* standard input, output and error, which is no fault */
    SETS_ROUNDING,   /* and the locale, as it is loaded, which is no fault: it computes in the default ones */
    SIGN_OF_SLOPES,  /* biases grow with the distance */
    IGNORES_MASK,
    NEIGHBOURS,     /* a sequence's result depends on what else is in its launch */
    RANDOM,         /* a bit of each result is drawn */
    ROUNDS_WEIGHTS, /* out in bf16 in between, and says f32 */
    LSE_OF_BASE_2,  /* and says natural */
    PAGES_OF_FIRST, /* of the sequences in a launch: all read the first one's row of the block table */
    PAGE_TOO_MANY,  /* the last page is read to its end */
    PAGE_OWNERS,    /* a page is the last sequence's that has it, and others do without its first keys */
    PAGES_IN_A_ROW, /* takes pages to lie one behind the other from the first on */
    CHANGES_PAGES,  /* an entry of the block table */
    ONLY_PAGES,     /* of 32 keys or 16, which is no fault */
    OLD_HEADER,     /* is of ABI 1, which is none */
    OLDER_HEADER,   /* and of ABI 2 */
    LAST_HEADER,    /* and of ABI 3 */
    ONE_LENGTH,     /* where all of a launch has it, the first sequence's v is that of all */
    FOURTH_HEADER,  /* and of ABI 4 */
    LIMITS_KEYS,    /* to 65, and refuses more, which is no fault */
    USES_WORKSPACE, /* for a copy of q, which is no fault */
    WRITES_PAST_WORKSPACE,
    KEEPS_IN_WORKSPACE, /* slopes of the first launch, which it expects there in all others */
    COUNTS_ON_ZEROS,    /* in its workspace */
    ASKS_FOR_TOO_MUCH,  /* workspace */
    NUM_BREAKS
};

enum { MAX_SEQ_LEN = 65 }; /* that of cases.yaml's plain */

static int num_launches;
static void *volatile cache[8];
static volatile char *last_out; /* of the launch before */
static char last_bytes[16];     /* the first that it has */

static size_t out_bytes(const launch_t *launch)
{
    size_t element = launch->dtype == ALIBICHECK_KERNEL_F32 ? 4 : 2;
    return (size_t)launch->num_queries * (size_t)launch->num_heads * (size_t)launch->head_dim * element;
}

static size_t element_bytes(const launch_t *launch)
{
    return launch->kv_dtype == ALIBICHECK_KERNEL_F32 ? 4 : 2;
}

static size_t kv_bytes(const launch_t *launch, const sequence_t *sequence)
{
    return (size_t)sequence->seq_len * (size_t)launch->num_kv_heads * (size_t)launch->head_dim * element_bytes(launch);
}

/* The last byte of the row that the last head would have of one key more. */
static size_t end_of_row_past_k(const launch_t *launch, const sequence_t *sequence)
{
    const int64_t row =
        sequence->seq_len * launch->strides->k_key + (launch->num_kv_heads - 1) * launch->strides->k_head;
    return (size_t)(row + launch->head_dim) * element_bytes(launch) - 1;
}

static size_t num_rows(const launch_t *launch)
{
    return (size_t)launch->num_queries * (size_t)launch->num_heads;
}

/* ---- before the launch ------------------------------------------------------------------------------------------- */

static void break_before(const launch_t *launch)
{
    switch (BREAK) {
    case CRASHES:
        if (num_launches > 1)
            raise(SIGSEGV);
        break;
    case ABORTS:
        printf("this goes to people\n");
        fflush(stdout);
        abort();
    case WRITES_LATE:
        if (last_out)
            *last_out ^= 1;
        break;
    case WRITES_AGAIN:
        if (last_out)
            memcpy((char *)(uintptr_t)last_out, last_bytes, sizeof last_bytes);
        break;
    case HANGS:
        for (;;)
            pause();
    case EXITS:
        exit(0);
    case LEAVES_FILES_OPEN:
        if (open("/dev/null", O_RDONLY) < 0)
            abort();
        break;
    case LEAVES_MEMORY:
        cache[0] = malloc(8 * out_bytes(launch));
        break;
    case LEAVES_MAPPINGS:
        if (mmap(NULL, 1 << 16, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            abort();
        break;
    case FILLS_A_CACHE:
        free(cache[num_launches % 8]);
        cache[num_launches % 8] = malloc(8 * out_bytes(launch));
        break;
    case READS_INPUT:
        for (char bytes[64]; read(STDIN_FILENO, bytes, sizeof bytes) > 0;)
            ;
        break;
    case CLOSES_STREAMS:
        for (int place = STDIN_FILENO; place <= STDERR_FILENO; place++)
            close(place);
        break;
    case PRINTS:
        printf("launch %d of %d heads\n", num_launches, (int)launch->num_heads);
        fflush(stdout);
        break;
    default:
        break;
    }
}

/* ---- what is computed -------------------------------------------------------------------------------------------- */

static bool is_packed(const launch_t *launch)
{
    return launch->strides->q_head == launch->head_dim &&
           launch->strides->q_query == (int64_t)launch->num_heads * launch->head_dim;
}

static uint64_t workspace_bytes(void *context, const launch_t *launch)
{
    (void)context;
    return BREAK == ASKS_FOR_TOO_MUCH ? (uint64_t)1 << 60
                                      : out_bytes(launch) + (uint64_t)launch->num_heads * sizeof(float);
}

/* What is read from the workspace in the place of what the launch has. */
static void work_there(launch_t *launch, sequence_t *first)
{
    float *slopes = launch->workspace;
    if (BREAK == KEEPS_IN_WORKSPACE) {
        for (int i = 0; i < launch->num_heads && num_launches == 1; i++)
            slopes[i] = launch->slopes[i];
        launch->slopes = slopes;
    }
    if (BREAK == USES_WORKSPACE && is_packed(launch))
        first->q = memcpy(launch->workspace, first->q, out_bytes(launch));
    if (BREAK == WRITES_PAST_WORKSPACE)
        ((char *)launch->workspace)[launch->workspace_bytes + 3] = 1;
}

static bool have_one_length(const launch_t *launch)
{
    bool one = true;
    for (int i = 1; i < launch->num_sequences; i++)
        one = one && launch->sequences[i].seq_len == launch->sequences[0].seq_len;
    return one;
}

/* Whether a later sequence has its first page, too. */
static bool is_owned_by_another(const launch_t *launch, int64_t i)
{
    bool owned = false;
    for (int64_t later = i + 1; later < launch->num_sequences; later++)
        owned = owned || (launch->seq_lens[i] > 0 && launch->seq_lens[later] > 0 &&
                          launch->block_table[i * launch->max_pages] == launch->block_table[later * launch->max_pages]);
    return owned;
}

static int32_t launch_other(const launch_t *launch_of, char *text, uint64_t text_size)
{
    launch_t other = *launch_of;
    float slopes[256];
    sequence_t sequences[64];
    for (int i = 0; i < other.num_heads && i < 256; i++)
        slopes[i] = -launch_of->slopes[i];
    if (other.num_sequences > 64 || other.num_heads > 256) {
        snprintf(text, text_size, "too large for this test");
        return 1;
    }
    memcpy(sequences, launch_of->sequences, (size_t)other.num_sequences * sizeof *sequences);
    other.sequences = sequences;
    for (int i = 0; i < other.num_sequences && BREAK == IGNORES_MASK; i++)
        sequences[i].visible = NULL;
    for (int i = 1; i < other.num_sequences && BREAK == NEIGHBOURS; i++)
        sequences[i].q = sequences[0].q;
    for (int i = 1; i < other.num_sequences && BREAK == ONE_LENGTH && have_one_length(launch_of); i++)
        sequences[i].v = sequences[0].v;
    if (BREAK == SIGN_OF_SLOPES)
        other.slopes = slopes;
    if (other.workspace)
        work_there(&other, sequences);
    return launch(NULL, &other, text, text_size);
}

/* With another block table, or more keys. */
static int32_t launch_pages(const launch_t *launch_of, char *text, uint64_t text_size)
{
    launch_t other = *launch_of;
    sequence_t sequences[64];
    const int64_t width = other.max_pages;
    int32_t *table = malloc((size_t)(other.num_sequences * width) * sizeof *table);
    if (!table || other.num_sequences > 64) {
        snprintf(text, text_size, "too large for this test");
        free(table);
        return 1;
    }
    memcpy(sequences, launch_of->sequences, (size_t)other.num_sequences * sizeof *sequences);
    for (int64_t i = 0; i < other.num_sequences * width; i++) {
        table[i] = launch_of->block_table[BREAK == PAGES_OF_FIRST ? i % width : i];
        if (BREAK == PAGES_IN_A_ROW) /* as far as there are so many */
            table[i] = (int32_t)((launch_of->block_table[i - i % width] + i % width) % other.num_pages);
    }
    for (int64_t i = 0; i < other.num_sequences && BREAK == PAGE_OWNERS; i++)
        if (is_owned_by_another(launch_of, i))
            table[i * width] = table[i * width + width - 1];
    other.sequences = sequences;
    other.block_table = table;
    for (int i = 0; i < other.num_sequences && BREAK == PAGE_TOO_MANY; i++)
        sequences[i].seq_len = (sequences[i].seq_len + other.page_size - 1) / other.page_size * other.page_size;
    int32_t status = launch(NULL, &other, text, text_size);
    free(table);
    return status;
}

/* ---- after it ---------------------------------------------------------------------------------------------------- */

static void answer_from_before(const launch_t *launch)
{
    static char *kept;
    static size_t size;
    if (!kept && (kept = malloc(out_bytes(launch)))) {
        size = out_bytes(launch);
        memcpy(kept, launch->sequences->out, size);
    }
    if (kept && size == out_bytes(launch))
        memcpy(launch->sequences->out, kept, size);
}

/* A byte, when the launch has long returned. One thread at a time: what it writes to is there until the next launch has
 * ended, which waits for it. */
static pthread_t writer;
static int is_writing;

static void *write_after_a_while(void *byte)
{
    usleep(20000);
    *(volatile char *)byte ^= 1;
    return NULL;
}

static void write_soon(void *byte)
{
    if (is_writing)
        pthread_join(writer, NULL);
    is_writing = !pthread_create(&writer, NULL, write_after_a_while, byte);
}

static void break_after(const launch_t *launch)
{
    const sequence_t *first = launch->sequences;
    switch (BREAK) {
    case WRITES_PAST:
        ((char *)first->out)[out_bytes(launch) + 5] = 1;
        break;
    case WRITES_BEFORE:
        first->lse[-1] = 1;
        break;
    case WRITES_ONCE:
    case WRITES_ONCE_MORE:
        if (num_launches == (BREAK == WRITES_ONCE ? 2 : 5))
            ((char *)first->out)[out_bytes(launch)] = 1;
        break;
    case WRITES_PAST_K:
        if (first->k) /* else it is in pages */
            ((char *)(uintptr_t)first->k)[kv_bytes(launch, first) + 3] = 1;
        break;
    case WRITES_BEFORE_V:
        if (first->v)
            ((char *)(uintptr_t)first->v)[-2] = 1;
        break;
    case WRITES_PAST_SLOPES:
        ((float *)(uintptr_t)launch->slopes)[launch->num_heads] = 1;
        break;
    case WRITES_PAST_TABLE:
        if (launch->page_size > 0)
            ((int32_t *)(uintptr_t)launch->block_table)[launch->num_sequences * launch->max_pages] = 0;
        break;
    case READS_PAST_K:
        if (first->k && launch->strides->k_key < 1 << 20 &&
            launch->strides->k_head < 1 << 20) /* where k is all memory */
            (void)((const volatile char *)first->k)[end_of_row_past_k(launch, first)];
        break;
    case READS_PAST_SLOPES:
        (void)((const volatile float *)launch->slopes)[launch->num_heads + 1];
        break;
    case READS_PAST_TABLE:
        if (launch->page_size > 0)
            (void)((const volatile int32_t *)launch->block_table)[launch->num_sequences * launch->max_pages + 1];
        break;
    case READS_OF_STRANGERS:
        if (((uintptr_t)first->q & 31) != 0) /* is in an odd place */
            (void)*(const volatile char *)(uintptr_t)(BREAK + launch->num_heads);
        break;
    case WRITES_LATE:
        last_out = first->out;
        break;
    case WRITES_AGAIN:
        last_out = first->out;
        memcpy(last_bytes, first->out, sizeof last_bytes);
        break;
    case WRITES_FROM_A_THREAD:
        write_soon(first->out);
        break;
    case CHANGES_K:
    case CHANGES_ONCE:
        if (first->k && (BREAK == CHANGES_K || num_launches == 2))
            ((char *)(uintptr_t)first->k)[0] ^= 1;
        break;
    case CHANGES_PAGES:
        if (launch->page_size > 0)
            ((int32_t *)(uintptr_t)launch->block_table)[0] ^= 1;
        break;
    case ANSWERS_FROM_BEFORE:
        answer_from_before(launch);
        break;
    case LEAVES_A_ROW: /* as it was found */
        memset((char *)first->out + out_bytes(launch) - 2, num_launches, 2);
        break;
    case RANDOM:
        ((char *)first->out)[0] ^= num_launches & 1;
        break;
    case ROUNDS_WEIGHTS:
        for (size_t i = 0; i < num_rows(launch) * (size_t)launch->head_dim; i++) {
            uint16_t narrow;
            store(&narrow, ALIBICHECK_KERNEL_BF16, 0, load(first->out, launch->dtype, (int64_t)i));
            store(first->out, launch->dtype, (int64_t)i, load(&narrow, ALIBICHECK_KERNEL_BF16, 0));
        }
        break;
    case LSE_OF_BASE_2:
        for (size_t i = 0; i < num_rows(launch); i++)
            first->lse[i] *= 1.44269504f;
        break;
    case COUNTS_ON_ZEROS:
        first->lse[0] += *(const float *)launch->workspace;
        break;
    default:
        break;
    }
}

static int32_t launch_broken(void *context, const launch_t *launch, char *text, uint64_t text_size)
{
    (void)context;
    num_launches++;
    break_before(launch);
    if (BREAK == REFUSES) {
        snprintf(text, text_size, "no such engine");
        return 7;
    }
    for (int i = 0; BREAK == LIMITS_KEYS && i < launch->num_sequences; i++)
        if (launch->sequences[i].seq_len > MAX_SEQ_LEN) {
            snprintf(text, text_size, "too many keys");
            return 8;
        }
    int32_t status = launch->page_size > 0 && BREAK >= PAGES_OF_FIRST && BREAK <= PAGES_IN_A_ROW
                         ? launch_pages(launch, text, text_size)
                         : launch_other(launch, text, text_size);
    break_after(launch);
    return status;
}

const struct alibicheck_kernel *alibicheck_kernel_describe(uint32_t abi)
{
    static struct alibicheck_kernel broken;
    static const int32_t sizes[] = {32, 16, 0};
    if ((BREAK == OLD_HEADER && abi != 1) || (BREAK == OLDER_HEADER && abi != 2) ||
        (BREAK == LAST_HEADER && abi != 3) || (BREAK == FOURTH_HEADER && abi != 4))
        return NULL;
    abi = ALIBICHECK_KERNEL_ABI;
    broken = *describe_sound(abi);
    broken.name = "broken";
    if (BREAK == SETS_ROUNDING) { /* the locale where it is there */
        fesetround(FE_UPWARD);
        uselocale(newlocale(LC_ALL_MASK, "de_DE.UTF-8", (locale_t)0));
    }
    broken.launch = launch_broken;
    if (BREAK == ONLY_PAGES) {
        broken.takes |= ALIBICHECK_KERNEL_ONLY_PAGES;
        broken.page_sizes = sizes;
    }
    if (BREAK == OLD_HEADER) { /* of what is behind launch nothing is read: it is not there */
        broken.abi = 1;
        broken.takes &= (1u << 18) - 1;
        memset((char *)&broken + offsetof(struct alibicheck_kernel, launch) + sizeof broken.launch, 0xff,
               sizeof broken - offsetof(struct alibicheck_kernel, launch) - sizeof broken.launch);
    }
    if (BREAK == OLDER_HEADER) {
        broken.abi = 2;
        broken.takes &= (1u << 20) - 1;
    }
    if (BREAK >= USES_WORKSPACE && BREAK <= ASKS_FOR_TOO_MUCH)
        broken.workspace_bytes = workspace_bytes;
    if (BREAK == LAST_HEADER) {
        broken.abi = 3;
        memset(&broken.workspace_bytes, 0xff, sizeof broken.workspace_bytes);
    }
    if (BREAK == FOURTH_HEADER) {
        broken.abi = 4;
        broken.max_seq_len = 1;
    }
    if (BREAK == LIMITS_KEYS)
        broken.max_seq_len = MAX_SEQ_LEN;
    return &broken;
}
