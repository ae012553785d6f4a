#include "harness/command/judge_options.h"

#include <stdio.h>
#include <string.h>

#include "harness/command/options.h"
#include "harness/command/table_parser.h"
#include "harness/support/number.h"
#include "harness/support/threads.h"

enum {
    OPTION_VALUE = 256,
    OPTION_JSON = OPTION_VALUE + GIVEN_OPTION_COUNT,
    OPTION_THREADS,
    OPTION_EXPLAIN,
    OPTION_RECIPES,
    OPTION_SINK
};

#define OPTION(id, called, takes, group, about)             \
    {                                                       \
        called, OPTION_VALUE + (id), takes, 0, about, group \
    }

static const struct argp_option own_options[] = {
    {0, 0, 0, 0, "Tensors; F is FILE.npy, FILE.npz:NAME or FILE.safetensors:NAME:", 1},
    OPTION(GIVEN_Q, "q", "F", 1, "the queries: [H,D], [Q,H,D] or [B,H,D], or with four axes as --layout says"),
    OPTION(GIVEN_K, "k", "F", 1, "the keys, as --layout says; with page tables a pool of pages"),
    OPTION(GIVEN_V, "v", "F", 1, "the values, of the same shape"),
    OPTION(GIVEN_KV, "kv", "F", 1, "k and v in one tensor, in place of --k and --v; with --kv-axis"),
    OPTION(GIVEN_OUT, "out", "F", 1, "the output that is judged, of the shape of q; f16, bf16 or f32"),
    OPTION(
        GIVEN_OTHER, "other", "F|DIR|BUNDLE", 1,
        "a second output, of the shape and type of out, or a DIR or BUNDLE with one of the same inputs: which of the "
        "two is wrong, element by element"),
    OPTION(GIVEN_LSE, "lse", "F", 1,
           "its log-sum-exp, f32: [H], [B,H] or [Q,H]; with three axes [B,Q,H], or [B,H,Q] for BSHD and BHSD; with "
           "--lse-base"),
    OPTION(GIVEN_SLOPES, "slopes", "F|NAME", 1,
           "ALiBi slopes: a tensor [H], or " SLOPE_CONVENTION_WORDS ", or none: attention without ALiBi"),
    OPTION(GIVEN_MASK, "mask", "F", 1,
           "visible keys: [N] or [B,N], N the longest sequence's or all that there is room for; 0 or false removes a "
           "key, 1 or "
           "true does not (all are visible)"),
    OPTION(GIVEN_SINK_LOGITS, "sink-logits", "F", 1, "learned sinks [H]: an extra logit in each sum of weights (none)"),
    OPTION(GIVEN_SEQ_LENS, "seq-lens", "F", 1, "keys of each sequence [B] (all that the tensors have room for)"),
    OPTION(GIVEN_BLOCK_TABLE, "block-table", "F", 1, "pages of each sequence in order [B,n]; with --seq-lens"),
    OPTION(
        GIVEN_KV_INDPTR, "kv-indptr", "F", 1,
        "where in --kv-indices the pages of each sequence begin [B+1]; without it, with --qo-indptr, where in k and v "
        "its keys do"),
    OPTION(GIVEN_KV_INDICES, "kv-indices", "F", 1, "pages, sequence by sequence [n]"),
    OPTION(GIVEN_KV_LAST_PAGE_LEN, "kv-last-page-len", "F", 1,
           "keys in the last page of each sequence [B]; pages of one key do without"),
    OPTION(GIVEN_QO_INDPTR, "qo-indptr", "F", 1,
           "where in q [total,H,D], out and lse the queries of each sequence begin [B+1]: sequences of different "
           "numbers of queries; with pages or --kv-indptr"),
    {0, 0, 0, 0, "What tensors do not say:", 2},
    OPTION(GIVEN_LAYOUT, "layout", "NAME", 2,
           "axes of k and v: NHD [N,Hkv,D] or pages [P,size,Hkv,D]; HND [Hkv,N,D] or [P,Hkv,size,D]; BSHD [B,N,Hkv,D] "
           "with q [B,Q,H,D]; BHSD [B,Hkv,N,D] with q [B,H,Q,D]; VLLM_V0, pages: k [P,Hkv,D/x,size,x], v "
           "[P,Hkv,D,size]"),
    OPTION(GIVEN_KV_AXIS, "kv-axis", "N", 2,
           "the axis of --kv, from 0 on, along which k stands first and v second; the others are as --layout says"),
    OPTION(GIVEN_SCALE, "scale", "X", 2, "what q.k is multiplied by, as f32; rsqrt is 1/sqrt(D)"),
    OPTION(GIVEN_LSE_BASE, "lse-base", "e|2", 2, "the base of --lse"),
    OPTION(GIVEN_POSITIONS, "positions", "F|N", 2,
           "position of the last query, where its bias is 0: a number, or a tensor [B] (the newest key's, kv_offset + "
           "N - 1)"),
    OPTION(GIVEN_KV_OFFSET, "kv-offset", "N", 2,
           "position of the first key: k and v are a chunk of a longer cache (0)"),
    OPTION(GIVEN_K_SCALE, "k-scale", "X", 2, "what a number of an fp8 k is multiplied by (1)"),
    OPTION(GIVEN_V_SCALE, "v-scale", "X", 2, "the same of v (1)"),
    OPTION(GIVEN_PAGE_SIZE, "page-size", "N", 2, "keys of a page; must be the axis of k and v"),
    OPTION(GIVEN_SOFT_CAP, "soft-cap", "WHERE=C", 2, "a cap of logits: before_bias=C or after_bias=C (none)"),
    OPTION(GIVEN_DTYPE, "dtype", "TENSOR=DTYPE", 2,
           "what raw bits are: k=bf16, v=e4m3, kv=e4m3 of both; f16, bf16, e4m3, e5m2, e4m3fnuz; repeatable"),
    {0, 0, 0, 0, "The table:", 3},
    {0, 0, 0, 0, "Judging:", 4},
    OPTION(GIVEN_TOLERANCE, "tolerance", "A,R[,L]", 4,
           "an element passes if |out - truth| <= A + R |truth|, an lse within L nats (f16: 1e-3, bf16: 1e-2, f32: "
           "1e-5, each of them)"),
    OPTION(GIVEN_CLASS, "class", "NAME", 4,
           "the output must be in this class of arithmetic, too: f32, f32+weights16, ... (`list classes`)"),
    OPTION(GIVEN_RECIPE, "recipe", "NAME", 4,
           "the output is said to be made with the operations of a kernel of `list kernels` with this recipe (`list "
           "recipes`), in that kernel's order: their error bound judges, too; own: those that wrote DIR"),
    {"recipes", OPTION_RECIPES, "DIR", 0, "recipe files of your own, beside those of `list recipes`; repeatable", 4},
    OPTION(GIVEN_KERNEL, "kernel", "NAME", 4, "whose order of sums it is, with --recipe (single_pass, or DIR's)"),
    OPTION(GIVEN_CHUNK_LEN, "chunk-len", "N", 4,
           "keys of a chunk, of kernels that split the sequence (1024, or DIR's)"),
    OPTION(GIVEN_BUDGET, "budget", "B", 4,
           "with --recipe: an error may be B times its bound (1); without --tolerance that alone judges"),
    OPTION(
        GIVEN_SAMPLE, "sample", "N", 4,
        "judge N rows alone, a row being a query of a head of a sequence, drawn from all of them: a pass is of these"),
    OPTION(GIVEN_SAMPLE_SEED, "sample-seed", "S", 4, "with --sample: what its rows are drawn from (0)"),
    {"explain", OPTION_EXPLAIN, NULL, 0,
     "print what the worst element is made of: the keys that weigh most, and where it would be without one of them or "
     "with one twice; and the class of each head. The record has the element as `explanation`",
     4},
    {"threads", OPTION_THREADS, "N", 0,
     "CPU threads (default: OMP_NUM_THREADS, or one a CPU, within a container's quota)", 4},
    {0, 0, 0, 0, "Where it goes:", 5},
    {"json", OPTION_JSON, NULL, 0, "print the record, a JSON object, in place of the table; of a batch one a line", 5},
    {0, 0, 0, 0, "A workload of FlashInfer Trace or SOL-ExecBench, in place of inputs and of what they do not say:", 6},
    OPTION(GIVEN_DEFINITION, "definition", "FILE", 6, "the operator, a JSON file; with --workload"),
    OPTION(GIVEN_WORKLOAD, "workload", "FILE[:UUID|:N]", 6,
           "one of a JSON Lines file, by its uuid or its number from 0 on; options beside it replace what it says"),
    OPTION(GIVEN_ROOT, "root", "DIR", 6,
           "where paths in the workload begin (its own folder, or the nearest above it that has the file)"),
    OPTION(GIVEN_SEED, "seed", "N", 6, "what its random q, k and v are drawn from: normal, 0 and 1"),
    OPTION(GIVEN_WRITE_INPUTS, "write-inputs", "FILE", 6,
           "write all inputs to a .safetensors file, for the kernel, and judge nothing"),
    {0, 0, 0, 0, "A recorded run() of a wrapper of FlashInfer, DIR:", 7},
    OPTION(GIVEN_PLAN, "plan", "DIR", 7,
           "the recorded plan() that it ran by: the last one of the same object before it"),
    OPTION(GIVEN_INIT, "init", "DIR", 7, "the object's recorded constructor, which says kv_layout (--layout says it)"),
};
enum { NUM_OWN = sizeof own_options / sizeof *own_options };

/* Records, reports, bundles; a dump is of what a kernel was run on. */
static bool has_option(int sink)
{
    return sink_kinds[sink]->option && sink_kinds[sink] != &sink_dump;
}

static const struct argp_option *option_table(void)
{
    static struct argp_option table[NUM_OWN + SINK_COUNT + 1];
    struct argp_option *option = table + NUM_OWN;
    if (table[0].group)
        return table;
    memcpy(table, own_options, sizeof own_options);
    for (int i = 0; i < SINK_COUNT; i++)
        if (has_option(i))
            *option++ = (struct argp_option){
                sink_kinds[i]->option, OPTION_SINK + i, sink_argument(sink_kinds[i]), 0, sink_kinds[i]->about, 5};
    return table;
}

char *judge_option_name(char *text, enum judge_option option)
{
    int i = 0;
    while (own_options[i].key != OPTION_VALUE + (int)option)
        i++;
    snprintf(text, JUDGE_NAME_SIZE, "--%s", own_options[i].name);
    return text;
}

bool judge_option_of_problem(enum judge_option option)
{
    return option < GIVEN_TOLERANCE && option != GIVEN_OTHER;
}

static void parse_sink(struct judge_options *options, int key, char *argument, const struct argp_state *state)
{
    const struct sink_kind *kind = sink_kinds[key - OPTION_SINK];
    const char **path = &options->outputs.paths[key - OPTION_SINK];
    if (sink_argument(kind))
        option_once(*path, option_table(), key, argument, state);
    if (kind->target == SINK_TO_FILE && strcmp(argument, "-") == 0)
        argp_error(state, "--%s -: allowed: a file; standard output has the table or the records", kind->option);
    *path = argument ? argument : "-";
}

/* Leaves out the word that was just read, and the one before it where that is the option and this its argument. */
static void leave_aside(struct judge_options *options, const char *argument, const struct argp_state *state)
{
    const char *word = state->argv[state->next - 1];
    if (options->num_aside + 2 > JUDGE_ASIDE_MAX)
        return;
    options->aside[options->num_aside++] = word;
    if (argument && word == argument)
        options->aside[options->num_aside++] = state->argv[state->next - 2];
}

/* Several are judged one after the other: a file would have the last one alone. */
static void check_several(const struct judge_options *options, const struct argp_state *state)
{
    static const enum judge_option of_one[] = {GIVEN_OTHER, GIVEN_WRITE_INPUTS};
    char name[JUDGE_NAME_SIZE];
    if (options->exhibits.count < 2)
        return;
    for (int i = 0; i < SINK_COUNT; i++)
        if (options->outputs.paths[i] && strcmp(options->outputs.paths[i], "-") != 0)
            argp_error(state, "--%s: of one folder or bundle, and %zu are given; allowed: --json, a record a line",
                       sink_kinds[i]->option, options->exhibits.count);
    for (size_t i = 0; i < sizeof of_one / sizeof *of_one; i++)
        if (options->values[of_one[i]])
            argp_error(state, "%s: allowed: with one folder or bundle", judge_option_name(name, of_one[i]));
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct judge_options *options = state->input;
    if (key >= OPTION_SINK && key < OPTION_SINK + SINK_COUNT) {
        parse_sink(options, key, argument, state);
        leave_aside(options, argument, state);
        return 0;
    }
    if (key == OPTION_VALUE + GIVEN_DTYPE) {
        strings_add(&options->dtypes, argument, state);
        return 0;
    }
    if (key >= OPTION_VALUE && key < OPTION_VALUE + GIVEN_OPTION_COUNT) {
        option_text(&options->values[key - OPTION_VALUE], option_table(), key, argument, state);
        return 0;
    }
    switch (key) {
    case ARGP_KEY_ARG:
        strings_add(&options->exhibits, argument, state);
        options->exhibit = options->exhibits.items[0];
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->table;
        options->words = state->argv;
        options->num_words = state->argc;
        return 0;
    case OPTION_THREADS:
        option_once(options->threads, option_table(), key, argument, state);
        options->threads = (int)option_whole("threads", argument, 1, THREADS_MAX, state);
        return 0;
    case OPTION_RECIPES:
        strings_add(&options->recipes, argument, state);
        return 0;
    case OPTION_JSON:
        options->json = true;
        leave_aside(options, NULL, state);
        return 0;
    case OPTION_EXPLAIN:
        options->explain = true;
        return 0;
    case ARGP_KEY_END:
        if (state->argc == 1)
            argp_error(state,
                       "no tensors given; try: %s --q q.npy --k k.npy --v v.npy --out out.npy --layout NHD "
                       "--scale rsqrt --slopes bloom",
                       state->name);
        check_several(options, state);
        if (!options->threads)
            options->threads = threads_default();
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp *judge_options_parser(void)
{
    static struct argp_child children[3];
    static struct argp parser = {
        .parser = parse_option,
        .args_doc = "[DIR|BUNDLE...]",
        .doc =
            "Judge an output of anybody's attention kernel: compute the exact result of the tensors that it was given, "
            "and say how far it is off, where, and of what. BUNDLE is a file that --bundle wrote, DIR a point's folder "
            "that `run --dump` wrote or a call that FlashInfer's flight recorder kept, a wrapper's run() with --plan. "
            "Options beside a bundle or a "
            "call replace what it says; beside a point's folder they say how its output is judged, and its problem "
            "is what the folder has. --definition and --workload judge an output of a workload of FlashInfer Trace or "
            "SOL-ExecBench. Several are judged one after the other."
            "\vWhat tensors do not say is stated, never guessed: scale, slopes, layout, base of lse. Files are mapped "
            "and read a part at a time.\n\n"
            "Examples:\n"
            "  alibicheck judge --q q.npy --k k.npy --v v.npy --out out.npy --layout NHD --scale rsqrt --slopes bloom\n"
            "  alibicheck judge --q t.safetensors:q --k t.safetensors:k --v t.safetensors:v --out t.safetensors:out "
            "--layout BHSD --scale 0.125 --slopes none\n"
            "  alibicheck judge --q q.npy --k pool_k.npy --v pool_v.npy --out out.npy --lse lse.npy --lse-base 2 "
            "--layout NHD --block-table table.npy --seq-lens lens.npy --scale rsqrt --slopes slopes.npy --json\n"
            "  alibicheck judge --definition gqa.json --workload gqa.jsonl:0 --seed 1 --out out.safetensors:output\n"
            "  alibicheck judge failures/*.safetensors --json\n"
            "  alibicheck judge dumps/..._run_call0007 --plan dumps/..._plan_call0001 --layout NHD\n\n"
            "Exit code: 0 right, 1 wrong, 2 usage or a bad file, 3 system failure, 130 interrupted.",
    };
    parser.options = option_table();
    children[0] = (struct argp_child){.argp = &table_parser};
    children[1] = help_parsers[0];
    parser.children = children;
    return &parser;
}
