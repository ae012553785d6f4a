/*
 * Which program this is: what `alibicheck --version` prints and every record carries. Constants of the build, never
 * part of a point's key or of a digest.
 */
#ifndef HARNESS_SUPPORT_BUILD_INFO_H
#define HARNESS_SUPPORT_BUILD_INFO_H

struct build_info {
    const char *version;  /* "0.1": VERSION of config.mk */
    const char *commit;   /* short hash, "-dirty" behind it where a tracked file differs; "unknown" without git */
    const char *date;     /* of the commit: "2026-11-27"; "" without git */
    const char *compiler; /* of the C code: "gcc 12.2.0" */
    const char *optimize; /* "-O2, kernels -O3" */
    const char *arch;     /* "x86-64-v3"; "default": the compiler's */
    /* "none" where there are none: */
    const char *sanitizers; /* "address,undefined" */
    const char *cuda_archs; /* "80 90" */
    const char *flags;      /* what was given as CPPFLAGS, CFLAGS, NVCCFLAGS */
    const char *changes;    /* hash of how the sources differ from the commit; without git, of the sources */
};

extern const struct build_info build_info;

#endif
