/*
 * The words of messages, which both sides of kernel_message.h have in common.
 */
#ifndef HARNESS_SUBJECT_MESSAGE_WORDS_H
#define HARNESS_SUBJECT_MESSAGE_WORDS_H

#include <stdio.h>

#include "harness/support/tensor_layout.h"
#include "harness/subject/tensor_strides.h"
#include "reference/dtype.h"

#define MESSAGE_FORMAT_KEY "alibicheck"
#define HELLO_FORMAT "kernel 1"
#define LAUNCH_FORMAT "launch 1"
#define RESULT_FORMAT "result 1"
#define MESSAGE_NAME "the message" /* for errors */

/* q, k, v, mask, out and lse of a sequence, its positions, strides and far_elements; slopes, sink_logits, k_pages,
 * v_pages, block_table, seq_lens and page_ids of a launch. */
enum { MESSAGE_NAME_SIZE = 32, TENSORS_OF_SEQUENCE = 6, TEXTS_OF_SEQUENCE = 7, TENSORS_OF_LAUNCH = 7 };

/* The texts that say how tensors are to lie, by enum strided_tensor. */
static const char *const message_strides[STRIDED_COUNT] = {"q_strides", "k_strides", "v_strides", "out_strides"};

/* The name of sequence i's part; i < 0: of the launch's. name: MESSAGE_NAME_SIZE. */
static inline void message_make_name(char *name, const char *part, int i)
{
    if (i < 0)
        snprintf(name, MESSAGE_NAME_SIZE, "%s", part);
    else
        snprintf(name, MESSAGE_NAME_SIZE, "%s.%d", part, i);
}

#endif
