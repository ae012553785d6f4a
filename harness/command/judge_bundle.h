/*
 * A bundle (harness/library/bundle.h) as the options of `alibicheck judge` that say the same.
 */
#ifndef HARNESS_COMMAND_JUDGE_BUNDLE_H
#define HARNESS_COMMAND_JUDGE_BUNDLE_H

#include "harness/case/point.h"
#include "harness/command/judge_options.h"
#include "harness/problem/read_dump.h"
#include "harness/support/tensor_file.h"

struct judge_bundle {
    struct judge_options options; /* the command line's, and what the bundle says where that says nothing */
    char *texts[GIVEN_OPTION_COUNT];
    const char *path;               /* the command line's */
    char *case_name, *key;          /* NULL: it has no name */
    struct given_workload workload; /* uuid NULL: it is none */
    struct tensor_file made[3];     /* q, k, v, whose options then have names alone; zeros: they are in files */
    enum unsaid_scales scales;      /* of its k and v */
    bool turned;                    /* elements of heads have an order and signs that are not their own */
    bool has_digest;
    uint64_t input_digest;
    struct dumped_point arithmetic; /* the kernel and recipe of its output; recipe NULL: they are not known */
    bool is_as_it_was;              /* it is judged as it was, by their bound too: */
    enum judge_mode mode;
    bool says_all;                  /* and the command line says nothing of the operations */
    const struct dumped_point *own; /* what `--recipe own` says; NULL: nobody knows */
};

/* Reads options->exhibit. bundle is overwritten; whatever the result, it is to be cleared. ERROR_USAGE for a file that
 * is no bundle. */
enum error_kind judge_bundle_open(struct judge_bundle *bundle, const struct judge_options *options,
                                  struct error *error);
void judge_bundle_clear(struct judge_bundle *bundle);

/* Says an option, unless the command line has. text is the bundle's from here; NULL: memory ran out. */
enum error_kind judge_bundle_say(struct judge_bundle *bundle, enum judge_option option, char *text,
                                 struct error *error);

#endif
