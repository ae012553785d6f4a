/*
 * What the launches of one kernel did, from launch to launch, whoever asked for them: the first stray write and the
 * first changed input, and whether one gave the output of an earlier one.
 *
 * Out is a mean of v's rows. Two launches that have no row of v in common do not have the same bits of out, beyond a
 * few equal numbers, unless the later one has answered from the earlier one: from its result, from its inputs, or from
 * what it made of them. That a kernel does not read some input (a mask, a slope, a key) cannot look so, whatever it is.
 * Outputs of a few different numbers alone, which constants are, tell nothing; nor do launches of several sequences.
 */
#ifndef HARNESS_SUBJECT_LAUNCH_WATCH_H
#define HARNESS_SUBJECT_LAUNCH_WATCH_H

#include "harness/subject/subject.h"

enum {
    WATCH_LAUNCHES = 64,  /* that are remembered; those whose output was right longest */
    WATCH_ROWS = 1 << 16, /* of v, key by key and KV head by KV head: of more, a launch is not remembered */
    WATCH_NUMBERS = 8,    /* an output of no more different numbers tells nothing */
};

/* An output, and of which v. */
struct watched_launch {
    uint64_t number;      /* from 1; 0: none */
    uint64_t out[2];      /* a digest, with the shape */
    uint64_t v;           /* the same */
    uint32_t *row_hashes; /* [num_rows] of v */
    size_t num_rows;
    bool is_right;
};

/* Zeroed at first. */
struct launch_watch {
    struct memory_audit audit; /* of all launches since whoever reads it has cleared it */
    struct watched_launch launches[WATCH_LAUNCHES];
    uint64_t num_launches;
    uint64_t last;    /* the number of the last launch, which one of the same output and v has, too; 0: not known */
    uint64_t repeats; /* the number of an earlier one, of wholly other v, whose output it gave; 0: of none */
};

/* Takes what came of a launch. One that failed may have ended the kernel's process, and begins anew. */
void launch_watch_take(struct launch_watch *watch, const struct sequences *sequences, enum error_kind kind,
                       const struct memory_audit *audit);

/* The output of a launch was found to be right; and whether one was. Of a number that is forgotten, or 0: nothing. */
void launch_watch_approve(struct launch_watch *watch, uint64_t number);
bool launch_watch_is_right(const struct launch_watch *watch, uint64_t number);

void launch_watch_clear(struct launch_watch *watch);

#endif
