#include "harness/report/review/review_field.h"

#define FIELD(its_path, its_title, ...)                   \
    {                                                     \
        .path = its_path, .title = its_title, __VA_ARGS__ \
    }
#define ABOUT(sentence) .about = sentence
#define SETTING .setting = true
#define COLUMN .column = true
#define COUNT .count = true

const struct review_field review_texts[REVIEW_TEXTS] = {
    [TEXT_CASE] = FIELD("case", "case", ABOUT("What a point is of: a problem with a name."), SETTING),
    [TEXT_STATUS] = FIELD("status", "verdict", ABOUT("How the point ended."), COLUMN),
    [TEXT_KERNEL] = FIELD("kernel", "kernel", ABOUT("What was run."), SETTING, COLUMN),
    [TEXT_RECIPE] = FIELD("recipe", "recipe", ABOUT("The kernel's numerical choices."), SETTING, COLUMN),
    [TEXT_DEVICE] = FIELD("device", "device", ABOUT("Where the kernel ran."), SETTING, COLUMN),
    [TEXT_DTYPE] = FIELD("dtype", "dtype", ABOUT("What q and out are stored in."), SETTING, COLUMN),
    [TEXT_KV_DTYPE] = FIELD("kv_dtype", "dtype of k and v", ABOUT("What k and v are stored in."), SETTING),
    [TEXT_SENTINEL] = FIELD("sentinel", "sentinel", ABOUT("What stands in for -inf: the policy."), SETTING, COLUMN),
    [TEXT_INPUT] = FIELD("input", "inputs", ABOUT("What q, k and v are drawn from."), SETTING),
    [TEXT_MASK] = FIELD("mask", "mask", ABOUT("Which keys are removed."), SETTING, .none = "none"),
    [TEXT_SLOPES] = FIELD("slopes", "slopes",
                          ABOUT("The factors of the heads' biases, or the convention that they are of."), SETTING),
    [TEXT_SIGNATURE] = FIELD("signature", "signature", ABOUT("How the point fails."), COLUMN),
    [TEXT_CLASS] = FIELD("class", "class", ABOUT("The tightest arithmetic that explains the error."), COLUMN),
    [TEXT_JUDGE] = FIELD("judge", "judged by", ABOUT("What a pass asks: tolerance, error bound, or both."), SETTING),
    [TEXT_TOLERANCE] =
        FIELD("tolerance", "tolerance",
              ABOUT("How far off the truth may be: an element atol + rtol |truth|, an lse so many nats."), SETTING),
    [TEXT_TRUTH_METHOD] = FIELD(
        "truth_method", "truth",
        ABOUT("What computes the exact result: certified, in double-double with a proven radius; plain, by MPFR."),
        SETTING),
    [TEXT_DEVICE_NAME] = FIELD("device_name", "device, in words",
                               ABOUT("The GPU, the CPU's threads, or how a kernel that is not ours was run."), SETTING),
    [TEXT_BUILD] = FIELD("build", "build", ABOUT("The program that made the records."), SETTING),
    [TEXT_KERNEL_DIGEST] =
        FIELD("kernel_digest", "file of the kernel", ABOUT("A hash of the plug-in that was run."), SETTING),
    [TEXT_LAUNCHED] = FIELD("launched", "launched", ABOUT("Whole, or some KV heads at a time."), SETTING),
    [TEXT_SETTINGS] = FIELD("settings", "--set", ABOUT("What replaced the case file's keys."), SETTING),
    [TEXT_SAMPLE] = FIELD("sample", "sample", ABOUT("Rows that were judged, where it was not all of them."), SETTING),
    [TEXT_OVERRIDDEN] = FIELD("overridden", "overridden",
                              ABOUT("What the recipe itself says of keys that its case "
                                    "replaced."),
                              SETTING),
    [TEXT_RECIPE_DIGEST] = FIELD("recipe_digest", "recipe digest", ABOUT("A hash of what the recipe comes to.")),
    [TEXT_RECIPE_KEYS] = FIELD("recipe_keys", "recipe, key by key", ABOUT("What the recipe comes to.")),
    [TEXT_CLASS_ASKED] =
        FIELD("class_asked", "class that is asked for", ABOUT("The class that the output has to be in."), SETTING),
    [TEXT_PROMISES] = FIELD("promises", "the kernel promises",
                            ABOUT("What a kernel that is not ours promises, and oracles ask of it; same_bits: a row "
                                  "has the same bits whatever stands beside it."),
                            SETTING),
    [TEXT_EXPECTED_SIGNATURE] =
        FIELD("expected_signature", "expected signature", ABOUT("How the case says that the point fails.")),
};

const struct review_field review_numbers[REVIEW_NUMBERS] = {
    [NUMBER_SEQ_LEN] = FIELD("seq_len", "keys", ABOUT("Keys of the cache."), SETTING, COLUMN, COUNT),
    [NUMBER_NUM_QUERIES] = FIELD("num_queries", "queries", ABOUT("Query vectors of a head."), SETTING, COUNT),
    [NUMBER_NUM_HEADS] = FIELD("num_heads", "heads", ABOUT("Query heads."), SETTING, COLUMN, COUNT),
    [NUMBER_NUM_KV_HEADS] = FIELD("num_kv_heads", "KV heads",
                                  ABOUT("Heads of k and v, which query heads share in groups."), SETTING, COUNT),
    [NUMBER_HEAD_DIM] =
        FIELD("head_dim", "head dim", ABOUT("Elements of a head's q, k and v."), SETTING, COLUMN, COUNT),
    [NUMBER_SEED] = FIELD("seed", "seed", ABOUT("What the inputs are drawn from."), SETTING, COLUMN, COUNT),
    [NUMBER_CHUNK_LEN] =
        FIELD("chunk_len", "keys of a chunk",
              ABOUT("Keys that the kernel attends to at a time, to merge what comes of them."), SETTING, COUNT),
    [NUMBER_PAGE_SIZE] =
        FIELD("page_size", "keys of a page", ABOUT("Of a cache in pages; 0: it is in one piece."), SETTING, COUNT),
    [NUMBER_BUDGET] = FIELD("budget", "budget", ABOUT("How many times its bound an error may be."), SETTING),
    [NUMBER_ELEMENTS] = FIELD("elements", "elements", COUNT),
    [NUMBER_MISMATCHED] = FIELD("mismatched", "mismatched", ABOUT("Elements outside the tolerance."), COLUMN, COUNT),
    [NUMBER_MAX_ABS_ERR] = FIELD("max_abs_err", "max abs err", ABOUT("The largest |out - truth|."), COLUMN),
    [NUMBER_MAX_ULP_ERR] =
        FIELD("max_ulp_err", "max ulp", ABOUT("The largest error in units of the last place."), COLUMN),
    [NUMBER_P99_ULP_ERR] = FIELD("p99_ulp_err", "p99 ulp", ABOUT("99% of a point's elements are off by no more.")),
    [NUMBER_P50_ULP_ERR] = FIELD("p50_ulp_err", "p50 ulp", ABOUT("The median of a point's elements.")),
    [NUMBER_BUDGET_USED] = FIELD("budget_used", "out bound used",
                                 ABOUT("The largest error of out over its error bound; above 1 is a bug."), COLUMN),
    [NUMBER_MAX_LSE_ERR] = FIELD("max_lse_err", "max lse err", ABOUT("The largest error of lse, in nats.")),
    [NUMBER_LSE_BUDGET_USED] = FIELD("lse_budget_used", "lse bound used",
                                     ABOUT("The largest error of lse over its error bound; above 1 is a bug."), COLUMN),
    [NUMBER_LSE_OFF] = FIELD("lse_off", "lse off", ABOUT("Heads whose lse is outside its tolerance."), COUNT),
    [NUMBER_NAN] = FIELD("nan", "NaN", ABOUT("Outputs that are NaN where the truth is not."), COUNT),
    [NUMBER_INF] = FIELD("inf", "infinite", ABOUT("Outputs that are infinite where the truth is not."), COUNT),
    [NUMBER_UNWRITTEN] = FIELD("unwritten", "unwritten", ABOUT("Outputs that the kernel did not write."), COUNT),
    [NUMBER_UNDECIDED] = FIELD("undecided", "undecided", ABOUT("What the truth is too coarse to decide."), COUNT),
    [NUMBER_UNBOUNDED] = FIELD("unbounded", "unbounded", ABOUT("Elements for which there is no bound."), COUNT),
    [NUMBER_WORST_QUERY] = FIELD("worst.query", "worst query", COUNT),
    [NUMBER_WORST_HEAD] = FIELD("worst.head", "worst head", COUNT),
    [NUMBER_WORST_DIM] = FIELD("worst.dim", "worst dim", COUNT),
    [NUMBER_WORST_OUT] = FIELD("worst.out", "its output"),
    [NUMBER_WORST_TRUTH] = FIELD("worst.truth", "its truth"),
    [NUMBER_MAX_REL_ERR] =
        FIELD("max_rel_err", "max rel err", ABOUT("The largest |out - truth| / |truth|, where the truth is not 0.")),
    [NUMBER_MAX_SCALED_ERR] = FIELD("max_scaled_err", "max scaled err",
                                    ABOUT("The largest |out - truth| over the mean of weight times |v|.")),
    [NUMBER_RMS_ERR] = FIELD("rms_err", "rms err", ABOUT("The root of the mean of (out - truth)^2.")),
    [NUMBER_LSE_MISMATCHED] =
        FIELD("lse_mismatched", "lse mismatched", ABOUT("Heads whose lse is outside the tolerance of out."), COUNT),
};
