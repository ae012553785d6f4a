#include "kernels/tests/bench_gpu_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_USAGE = 2, MAX_HEADS = 1024, MAX_PAGE_SIZE = 4096 };

static const int64_t max_keys = 1 << 30, max_again = 10000;

/* ---- values of the axes ----------------------------------------------------------------------------------------- */

static bool parse_integer(int64_t *value, const char *text, int64_t min, int64_t max)
{
    char *end = NULL;
    long long parsed = strtoll(text, &end, 10);
    *value = parsed;
    return end != text && !*end && parsed >= min && parsed <= max;
}

static bool parse_kernel(int64_t *value, const char *text)
{
    *value = kernel_from_name(text);
    return *value != KERNEL_COUNT;
}

static bool parse_dtype(int64_t *value, const char *text)
{
    *value = DTYPE_F16;
    while (*value < DTYPE_COUNT_WITH_FP8 && strcmp(dtypes[*value].name, text) != 0)
        ++*value;
    return *value < DTYPE_COUNT_WITH_FP8;
}

static bool parse_keys(int64_t *value, const char *text)
{
    return parse_integer(value, text, 1, max_keys);
}

static bool parse_heads(int64_t *value, const char *text)
{
    int heads = 0, kv_heads = 0, length = 0;
    if (sscanf(text, "%d/%d%n", &heads, &kv_heads, &length) != 2 || text[length] || heads < 1 || kv_heads < 1 ||
        heads > MAX_HEADS || heads % kv_heads)
        return false;
    *value = (int64_t)heads << 16 | kv_heads;
    return true;
}

static bool parse_dim(int64_t *value, const char *text)
{
    return parse_integer(value, text, HEAD_DIM_MIN, HEAD_DIM_MAX) && *value % HEAD_DIM_STEP == 0;
}

static bool parse_page(int64_t *value, const char *text)
{
    return parse_integer(value, text, 0, MAX_PAGE_SIZE);
}

static const struct {
    const char *option, *allowed;
    bool (*parse)(int64_t *value, const char *text);
} axes[AXIS_COUNT] = {
    [AXIS_DTYPE] = {"dtype", "f16, bf16, f32, e4m3, e5m2, e4m3fnuz", parse_dtype},
    [AXIS_KERNEL] = {"kernel", KERNELS_LISTED "or several", parse_kernel},
    [AXIS_PAGE] = {"page", "keys a page, 0 (contiguous) to 4096", parse_page},
    [AXIS_KEYS] = {"keys", "numbers of keys, 1 to 2^30", parse_keys},
    [AXIS_HEADS] = {"heads", "HEADS/KV_HEADS, the second a divisor of the first", parse_heads},
    [AXIS_DIM] = {"dim", "head dims, " HEAD_DIMS_WORDS, parse_dim},
};

/* What is timed where nothing is chosen. An axis that is not chosen has the values of the first. */
static const char *const defaults[][AXIS_COUNT] = {
    {[AXIS_DTYPE] = "f16,bf16,e4m3",
     [AXIS_KERNEL] = "split_kv",
     [AXIS_PAGE] = "0",
     [AXIS_KEYS] = "2048,33001,131072,1048577",
     [AXIS_HEADS] = "32/32,32/8,32/4,64/8",
     [AXIS_DIM] = "64,128,256"},
    {[AXIS_DTYPE] = "f16,e4m3",
     [AXIS_KERNEL] = "single_pass,two_pass",
     [AXIS_PAGE] = "0",
     [AXIS_KEYS] = "2048,33001,131072",
     [AXIS_HEADS] = "32/32,32/8",
     [AXIS_DIM] = "128"},
    {[AXIS_DTYPE] = "f16",
     [AXIS_KERNEL] = "split_kv",
     [AXIS_PAGE] = "16,64",
     [AXIS_KEYS] = "33001,131072",
     [AXIS_HEADS] = "32/32,32/8",
     [AXIS_DIM] = "128"},
    {[AXIS_DTYPE] = "f16,bf16",
     [AXIS_KERNEL] = "tensor_core",
     [AXIS_PAGE] = "0",
     [AXIS_KEYS] = "2048,33001,131072",
     [AXIS_HEADS] = "32/8,32/4,64/8",
     [AXIS_DIM] = "64,128,256"},
};

enum { DEFAULTS = sizeof defaults / sizeof *defaults };

static bool parse_values(struct values *values, enum axis axis, const char *text)
{
    char copy[256], *rest = copy, *word;
    values->count = 0;
    if (strlen(text) >= sizeof copy)
        return false;
    strcpy(copy, text);
    while ((word = strsep(&rest, ",")))
        if (values->count == MAX_VALUES || !axes[axis].parse(&values->values[values->count++], word))
            return false;
    return true;
}

/* ---- the command line ------------------------------------------------------------------------------------------- */

static void print_help(void)
{
    puts("Usage: bench_gpu [OPTION]...\n"
         "\n"
         "Times kernels on the first GPU, the whole problem in one launch, k and v never in the cache. One JSON object "
         "a\n"
         "line. Exit status: 1 a call or a check failed, 2 the command line is wrong, 3 there is no GPU.\n"
         "\n"
         "Several values are separated by commas. With none of these six, a set that takes two minutes at most:");
    for (enum axis axis = 0; axis < AXIS_COUNT; axis++)
        printf("  --%-8s %s (%s)\n", axes[axis].option, axes[axis].allowed, defaults[0][axis]);
    puts("\n"
         "  --exponential NAME  of the recipe: polynomial, ex2_approx, exp2 (polynomial)\n"
         "  --repeat N          replays that the median is of; 0, with --check or --judge, times nothing (20)\n"
         "  --replay-ms MS      a replay has so many launches that it takes as long (1)\n"
         "  --line-seconds S    fewer replays, but 3, where they would take longer (3)\n"
         "  --seconds S         no line begins later; 0: no limit (180)\n"
         "  --generic           no plain forms of kernels: what their bits are compared with\n"
         "  --merge-apart       chunks are merged by a launch of their own, and not by the last block of a plain form\n"
         "  --judge KEYS        compares out with an f64 reference, made on the host, where there are not more keys "
         "(0)\n"
         "  --check             launches twice, compares the bits of out and lse, prints their digests\n"
         "  --again N           with --check, N launches more behind those that are timed, each of the same bits (0)\n"
         "  --make-keys         makes k and v of each shape on the GPU, and times that and their digest, in the place "
         "of "
         "kernels\n"
         "  --help");
}

static bool parse_number(double *value, const char *text, double min, double max)
{
    char *end = NULL;
    *value = strtod(text, &end);
    return end != text && !*end && *value >= min && *value <= max;
}

static int complain(const char *option, const char *text, const char *allowed)
{
    fprintf(stderr, "bench_gpu: --%s %s; allowed: %s\n", option, text, allowed);
    return STATUS_USAGE;
}

enum setting {
    SETTING_EXPONENTIAL = AXIS_COUNT,
    SETTING_REPEAT,
    SETTING_REPLAY_MS,
    SETTING_LINE_SECONDS,
    SETTING_SECONDS,
    SETTING_JUDGE,
    SETTING_CHECK,
    SETTING_AGAIN,
    SETTING_GENERIC,
    SETTING_MERGE_APART,
    SETTING_MAKE_KEYS,
    SETTING_HELP,
    SETTING_COUNT
};

static int parse_setting(struct options *options, enum setting setting, const char *text)
{
    int64_t replays;
    double number;
    switch (setting) {
    case SETTING_EXPONENTIAL:
        for (options->exponential = 0; options->exponential < EXPONENTIAL_EXP; options->exponential++)
            if (strcmp(exponential_names[options->exponential], text) == 0)
                return -1;
        return complain("exponential", text, "polynomial, ex2_approx, exp2");
    case SETTING_REPEAT:
        if (!parse_integer(&replays, text, 0, GPU_MAX_REPLAYS))
            return complain("repeat", text, "0 to 1000");
        options->timing.replays = (int)replays;
        return -1;
    case SETTING_REPLAY_MS:
        if (!parse_number(&number, text, 0, 1e4))
            return complain("replay-ms", text, "0 to 10000");
        options->timing.replay_s = 1e-3 * number;
        return -1;
    case SETTING_LINE_SECONDS:
        return parse_number(&options->timing.max_s, text, 0, 1e4) ? -1 : complain("line-seconds", text, "0 to 10000");
    case SETTING_SECONDS:
        return parse_number(&options->seconds, text, 0, 1e6) ? -1 : complain("seconds", text, "0 to 1000000");
    case SETTING_JUDGE:
        return parse_integer(&options->judged_keys, text, 0, max_keys) ? -1 : complain("judge", text, "0 to 2^30");
    case SETTING_CHECK:
        options->check = true;
        return -1;
    case SETTING_AGAIN:
        return parse_integer(&options->again, text, 0, max_again) ? -1 : complain("again", text, "0 to 10000");
    case SETTING_GENERIC:
        options->generic = true;
        return -1;
    case SETTING_MERGE_APART:
        options->merge_apart = true;
        return -1;
    case SETTING_MAKE_KEYS:
        options->keys = true;
        return -1;
    default:
        print_help();
        return 0;
    }
}

/* chosen[axis]: what the user says, NULL for nothing. */
static int select_shapes(struct options *options, const char *const *chosen)
{
    bool any = false;
    for (enum axis axis = 0; axis < AXIS_COUNT; axis++)
        any = any || chosen[axis];
    options->num_selections = any ? 1 : DEFAULTS;
    for (int s = 0; s < options->num_selections; s++)
        for (enum axis axis = 0; axis < AXIS_COUNT; axis++)
            if (!parse_values(&options->selections[s][axis], axis, chosen[axis] ? chosen[axis] : defaults[s][axis]))
                return complain(axes[axis].option, chosen[axis], axes[axis].allowed);
    return -1;
}

int options_parse(struct options *options, int argc, char **argv)
{
    const char *chosen[AXIS_COUNT] = {NULL};
    struct option names[SETTING_COUNT + 1] = {
        [SETTING_EXPONENTIAL] = {"exponential", required_argument, NULL, SETTING_EXPONENTIAL},
        [SETTING_REPEAT] = {"repeat", required_argument, NULL, SETTING_REPEAT},
        [SETTING_REPLAY_MS] = {"replay-ms", required_argument, NULL, SETTING_REPLAY_MS},
        [SETTING_LINE_SECONDS] = {"line-seconds", required_argument, NULL, SETTING_LINE_SECONDS},
        [SETTING_SECONDS] = {"seconds", required_argument, NULL, SETTING_SECONDS},
        [SETTING_JUDGE] = {"judge", required_argument, NULL, SETTING_JUDGE},
        [SETTING_CHECK] = {"check", no_argument, NULL, SETTING_CHECK},
        [SETTING_AGAIN] = {"again", required_argument, NULL, SETTING_AGAIN},
        [SETTING_GENERIC] = {"generic", no_argument, NULL, SETTING_GENERIC},
        [SETTING_MERGE_APART] = {"merge-apart", no_argument, NULL, SETTING_MERGE_APART},
        [SETTING_MAKE_KEYS] = {"make-keys", no_argument, NULL, SETTING_MAKE_KEYS},
        [SETTING_HELP] = {"help", no_argument, NULL, SETTING_HELP},
    };
    for (int axis = 0; axis < AXIS_COUNT; axis++)
        names[axis] = (struct option){axes[axis].option, required_argument, NULL, axis};
    *options = (struct options){.timing = {.replays = 20, .replay_s = 1e-3, .max_s = 3}, .seconds = 180};
    int found;
    while ((found = getopt_long(argc, argv, "", names, NULL)) != -1) {
        int status = -1;
        if (found == '?')
            return STATUS_USAGE; /* getopt has said why */
        if (found < AXIS_COUNT)
            chosen[found] = optarg;
        else
            status = parse_setting(options, (enum setting)found, optarg);
        if (status >= 0)
            return status;
    }
    if (optind < argc) {
        fprintf(stderr, "bench_gpu: what is \"%s\"? bench_gpu --help lists the options\n", argv[optind]);
        return STATUS_USAGE;
    }
    if (options->again && !options->check)
        return complain("again", "without --check", "with --check, which says what the bits are");
    int status = select_shapes(options, chosen);
    bool launches = options->timing.replays || options->check || options->judged_keys || options->keys;
    return status >= 0 || launches ? status
                                   : complain("repeat", "0",
                                              "1 to 1000, or with --check, --judge or --make-keys: "
                                              "nothing else launches anything");
}

/* ---- shapes ----------------------------------------------------------------------------------------------------- */

/* Shape number `at` of a selection, the first axis slowest. */
static void shape_of(struct shape *shape, const struct values *selection, int64_t at)
{
    int64_t values[AXIS_COUNT];
    for (int axis = AXIS_COUNT - 1; axis >= 0; axis--) {
        values[axis] = selection[axis].values[at % selection[axis].count];
        at /= selection[axis].count;
    }
    *shape = (struct shape){
        .kernel = (enum kernel)values[AXIS_KERNEL],
        .keys = values[AXIS_KEYS],
        .heads = (int)(values[AXIS_HEADS] >> 16),
        .kv_heads = (int)(values[AXIS_HEADS] & 0xffff),
        .dim = (int)values[AXIS_DIM],
        .page_size = (int)values[AXIS_PAGE],
        .kv_dtype = (enum dtype)values[AXIS_DTYPE],
    };
    shape->dtype = shape->kv_dtype < DTYPE_COUNT ? shape->kv_dtype : DTYPE_F16;
}

static int64_t shapes_in(const struct values *selection)
{
    int64_t count = 1;
    for (int axis = 0; axis < AXIS_COUNT; axis++)
        count *= selection[axis].count;
    return count;
}

bool shapes_next(struct shape_walk *walk, const struct options *options, struct shape *shape)
{
    while (walk->dtype < DTYPE_COUNT_WITH_FP8) {
        const struct values *selection = options->selections[walk->selection];
        while (walk->at < shapes_in(selection)) {
            shape_of(shape, selection, walk->at++);
            if ((int)shape->kv_dtype == walk->dtype)
                return true;
        }
        walk->at = 0;
        if (++walk->selection == options->num_selections) {
            walk->selection = 0;
            walk->dtype++;
        }
    }
    return false;
}
