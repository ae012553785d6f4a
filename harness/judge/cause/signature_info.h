/*
 * What is said of a signature, and which one is named where several explain a failure equally well.
 */
#ifndef HARNESS_JUDGE_CAUSE_SIGNATURE_INFO_H
#define HARNESS_JUDGE_CAUSE_SIGNATURE_INFO_H

#include <stdbool.h>

#include "harness/judge/judgement.h"

/* One sentence each: what the signature means, and what to change in the kernel, for remedy_for. */
const char *signature_meaning(enum signature signature);
const char *signature_remedy(enum signature signature);

/* Who reads a remedy: what he may do depends on what he has. */
enum remedy_reader {
    REMEDY_FOR_KERNEL,   /* of a case on a kernel of ours, which can be replayed */
    REMEDY_FOR_PLUGIN,   /* of a case on a kernel of his own, which a command line runs again */
    REMEDY_FOR_FUNCTION, /* of a case on a function of his process, which no command line can run */
    REMEDY_FOR_OUTPUT,   /* of `alibicheck judge`, who has an output */
    REMEDY_FOR_CALLER,   /* of the library, in C or Python */
    REMEDY_READER_COUNT
};

enum { REMEDY_SIZE = 1024 };

/* A remedy as its reader can take it: each {word} in it is put into his words. The text. */
const char *remedy_for(char text[REMEDY_SIZE], const char *remedy, enum remedy_reader reader);

enum { EXAMINED_SIZE = 64 };

/* " (3 of 4 heads examined)", of several queries rows; of no name, which holds for none, " (4 heads examined)". "" if
 * none was. The text. */
const char *signature_examined(char text[EXAMINED_SIZE], bool named, int explained, int examined, bool of_queries);

/* Where a signature stands in the order of preference, 0 first. */
int signature_preference(enum signature signature);

#endif
