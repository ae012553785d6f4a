/*
 * The words in which a case says how it is judged beyond its tolerance: the signature of a known failure, and oracles.
 */
#ifndef HARNESS_JUDGE_JUDGEMENT_H
#define HARNESS_JUDGE_JUDGEMENT_H

/* How a failure looks (cause/signature.h). */
enum signature {
    SIGNATURE_NONE,           /* nothing failed */
    SIGNATURE_LEAK,           /* masked keys or empty slots carry weight */
    SIGNATURE_SILENT_ZERO,    /* the row's sum is lost: out is 0 */
    SIGNATURE_NAN,            /* NaN or infinity where the truth is finite */
    SIGNATURE_UNIFORM,        /* the plain mean of v */
    SIGNATURE_EPS_BIAS,       /* out is scaled by 1 / (1 + epsilon / sum) */
    SIGNATURE_PRECISION_LOSS, /* rounding, named or by its looks */
    SIGNATURE_DROPPED_KEYS,   /* attention over some of the visible keys */
    SIGNATURE_WRONG_SLOPE,    /* attention with another slope */
    SIGNATURE_DROPPED_BIAS,   /* attention without bias */
    SIGNATURE_BIAS_SHIFT,     /* out right, lse off by slope times a whole number of keys, the same for all heads */
    SIGNATURE_WRONG_SOFT_CAP, /* attention with another soft cap, or with none */
    SIGNATURE_WRONG_SINK,     /* attention with another learned sink, or with none */
    SIGNATURE_WRONG_SCALE,    /* attention with another scale of q.k or of v */
    SIGNATURE_WRONG_KV_HEAD,  /* attention to the keys or values of another KV head */
    SIGNATURE_WRONG_LSE,      /* lse in other units than what reads it takes it for, a caller or a merge of chunks, or a
                               * constant off */
    SIGNATURE_MISPLACED_KEYS, /* attention to keys or values in other places than their own */
    SIGNATURE_WRONG_MERGE,    /* tiles or chunks added up without the factors between their maxima */
    SIGNATURE_DOUBLED_KEYS,   /* keys counted twice, or more often, and others perhaps not at all */
    SIGNATURE_UNWRITTEN,      /* elements that were never written */
    SIGNATURE_STALE,          /* the output of an earlier launch of other values */
    SIGNATURE_NO_ANSWER,      /* the kernel failed to run */
    SIGNATURE_UNKNOWN,        /* no mode explains it */
    SIGNATURE_COUNT
};

extern const char *const signature_names[SIGNATURE_COUNT];

/* What is said of one failure; and where two reasons, of no more each, are as good as each other. */
enum { SIGNATURE_DETAIL_SIZE = 256, SIGNATURE_REASONS_SIZE = 2 * SIGNATURE_DETAIL_SIZE + 32 };

/* The signature called name, or SIGNATURE_COUNT. */
enum signature signature_from_name(const char *name);

/* What must hold of any sound kernel (oracle/oracle.h). */
enum oracle {
    ORACLE_POISON,
    ORACLE_INPUTS,
    ORACLE_DETERMINISM,
    ORACLE_MASKED_SLOTS,
    ORACLE_PARTITION,
    ORACLE_CONSTANT_V,
    ORACLE_BIAS_SHIFT,
    ORACLE_HEAD_PERMUTATION,
    ORACLE_GUARDS,
    ORACLE_BATCH,
    ORACLE_SCHEDULE,
    ORACLE_PLACEMENT,
    ORACLE_OFFSETS,
    ORACLE_ONE_KEY,
    ORACLE_EACH_KEY,
    ORACLE_LENGTHS,
    ORACLE_HISTORY,
    ORACLE_STRIDES,
    ORACLE_QUIET_KEYS,
    ORACLE_COUNT
};

enum { ORACLE_ALL = (1 << ORACLE_COUNT) - 1 };

extern const char *const oracle_names[ORACLE_COUNT];

#endif
